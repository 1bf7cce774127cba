"""Lanes: how far each endpoint was sent each connector's events, and which lanes are due.

A lane with nothing to send is idle. The transaction that saves for a connector wakes the connector's idle lanes. A
deliverer claims lanes that are due, reads the feed up to its position at the claim, sends the messages one after
another and moves the lane past each. It sets a lane idle only if nothing was added since the claim.

An advisory lock of the connector separates the two: transactions that wake hold it shared until they commit, one that
sets a lane idle holds it exclusively. No other lock is taken after it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from unihire.store import Connection, Pool
from unihire.store.events.endpoints import ENDPOINT_LOCKS, SHARE_ENVIRONMENT, Endpoint, read_endpoint

LANES_CHANNEL = "unihire_lanes"
"""Notified when lanes are woken."""

LANE_LOCKS = 0x4C414E45
"""The space of the advisory locks, "LANE" in letters."""

MAIN = UUID(int=0)
"""The `replay` of lanes that are no replays."""

# Wake the idle lanes of a connector, within the transaction that saves what is to be sent, and notify once. No
# statement may follow that locks a row. Two statements, so that the second sees the lanes as they are under the lock.
WAKE_LANES = """
    SELECT pg_advisory_xact_lock_shared({locks:d}, {connector:d});
    WITH woken AS (
        UPDATE lane SET due_at = now() WHERE connector = {connector:d} AND due_at IS NULL RETURNING connector
    )
    SELECT pg_notify('unihire_lanes', '') WHERE EXISTS (SELECT FROM woken)
"""

# Lock the lanes of a connector until the transaction ends: no other transaction wakes them or sets them idle.
LOCK_LANES = "SELECT pg_advisory_xact_lock($1, $2)"

# The same for several connectors, in the order given.
LOCK_MANY_LANES = "SELECT pg_advisory_xact_lock($1, number) FROM unnest($2::integer[]) AS number"

HAS_LANES = "SELECT EXISTS (SELECT FROM lane WHERE connector = $1)"

# Claim lanes that are due: of each endpoint as many as it has room for, but only one at a time of an endpoint with $4
# or more failures in a row. After $6 another deliverer may claim them.
CLAIM_LANES = """
    WITH due AS (
        SELECT found.*, endpoint.failing_since AS down_since
        FROM unnest($1::uuid[], $2::integer[], $3::integer[]) AS wanted (endpoint, room, under_way)
        JOIN endpoint ON endpoint.id = wanted.endpoint AND is_enabled AND (held_until IS NULL OR held_until <= now())
        CROSS JOIN LATERAL (
            SELECT connector, endpoint, replay FROM lane
            WHERE lane.endpoint = wanted.endpoint AND due_at <= now() ORDER BY due_at
            LIMIT CASE WHEN failures < $4 THEN wanted.room WHEN under_way = 0 THEN 1 ELSE 0 END FOR UPDATE SKIP LOCKED
        ) AS found
        LIMIT $5
    )
    UPDATE lane SET due_at = now() + $6::interval, claim = gen_random_uuid() FROM due
    WHERE lane.connector = due.connector AND lane.endpoint = due.endpoint AND lane.replay = due.replay
    RETURNING lane.*, due.down_since, now() AS claimed_at
"""

# The connectors of lanes, with the last positions of their feeds; no row for a connector that was deleted.
LIST_SOURCES = """
    SELECT connector.number, connector.id, connector.integration, category, end_user, origin_id, connector.status,
        organisation.name AS organisation, coalesce(feed.last_seq, 0) AS last_seq, environment,
        coalesce((SELECT seq FROM event_cut WHERE event_cut.connector = connector.number), 0) AS cut_seq,
        set_config('synchronous_commit', 'on', true)
    FROM connector JOIN organisation ON organisation.id = connector.organisation
    LEFT JOIN feed ON feed.connector = connector.number
    WHERE connector.number = ANY($1::integer[])
"""

_IS_OURS = "connector = $1 AND endpoint = $2 AND replay = $3 AND claim = $4"

# Move a lane past a delivered message and extend the claim. A crash of the server may lose this; the message is then
# sent again. No row if another deliverer has claimed the lane.
MOVE_LANE = f"""
    WITH moved AS (
        UPDATE lane SET position = $5, notice = $6, tries = 0, failing_since = NULL, due_at = now() + $7::interval
        WHERE {_IS_OURS} RETURNING connector
    )
    SELECT set_config('synchronous_commit', 'off', true) FROM moved
"""  # noqa: S608 - of constants

# The same past a message that is passed over; a crash does not lose it.
PASS_LANE = f"""
    UPDATE lane SET position = $5, notice = $6, tries = 0, failing_since = NULL, due_at = now() + $7::interval
    WHERE {_IS_OURS} RETURNING connector
"""  # noqa: S608 - of constants

# Defer a lane at its place. No row if another deliverer has claimed it.
DEFER_LANE = f"""
    UPDATE lane SET position = $5, notice = $6, due_at = now() + $7::interval, claim = NULL, tries = $8,
        failing_since = CASE WHEN $9::timestamptz IS NOT NULL THEN coalesce(failing_since, $9) END
    WHERE {_IS_OURS} RETURNING connector
"""  # noqa: S608 - of constants

# Set a lane idle.
REST_LANE = f"""
    UPDATE lane SET position = $5, notice = $6, due_at = NULL, claim = NULL, tries = 0, failing_since = NULL
    WHERE {_IS_OURS} RETURNING connector
"""  # noqa: S608 - of constants

# Delete a replay that is complete, or the lane of a deleted connector.
DELETE_LANE = f"DELETE FROM lane WHERE {_IS_OURS}"  # noqa: S608 - of constants

# Release lanes whose deliverer ends.
RELEASE_LANES = "UPDATE lane SET due_at = now(), claim = NULL WHERE connector = ANY($1) AND claim = ANY($2::uuid[])"

# Make the deferred lanes of an endpoint due that accepts messages again.
HURRY_LANES = """
    UPDATE lane SET due_at = now() WHERE endpoint = $1 AND due_at > now() AND claim IS NULL AND tries > 0
"""

# Make all lanes of an endpoint due that is enabled again, without their failures.
RESTART_LANES = """
    UPDATE lane SET due_at = now(), tries = 0, failing_since = NULL
    WHERE endpoint = $1 AND due_at IS NOT NULL AND claim IS NULL
"""

# The last position of a connector's feed and its last notice. A crash of the server may lose this transaction.
FIND_ENDS = """
    SELECT set_config('synchronous_commit', 'off', true),
        coalesce((SELECT last_seq FROM feed WHERE connector = $1), 0) AS last_seq,
        coalesce((SELECT number FROM notice WHERE connector = $1 ORDER BY number DESC LIMIT 1), 0) AS notice
"""

# Connectors of an environment after a number; $4: only these ids, null for all.
LIST_TO_OPEN = """
    SELECT number, id FROM connector
    WHERE organisation = $1 AND environment = $2 AND number > $3 AND ($4::uuid[] IS NULL OR id = ANY($4))
    ORDER BY number LIMIT $5
"""

# Lock the feeds of connectors, inserting missing ones, and set `has_lanes`; returns the last position of each.
FLAG_FEEDS = """
    INSERT INTO feed (connector, has_lanes) SELECT number, true FROM unnest($1::integer[]) AS number
    ON CONFLICT (connector) DO UPDATE SET has_lanes = true RETURNING connector, last_seq
"""

# The number of each connector's last notice.
LIST_LAST_NOTICES = """
    SELECT wanted.connector, coalesce(found.number, 0) AS number FROM unnest($1::integer[]) AS wanted (connector)
    LEFT JOIN LATERAL (
        SELECT number FROM notice WHERE connector = wanted.connector ORDER BY number DESC LIMIT 1 OFFSET 0
    ) AS found ON true
"""

INSERT_LANES = """
    INSERT INTO lane (connector, endpoint, connector_id, position, notice)
    SELECT number, $1, id, position, notice
    FROM unnest($2::integer[], $3::uuid[], $4::bigint[], $5::bigint[]) AS made (number, id, position, notice)
    ON CONFLICT (connector, endpoint, replay) DO NOTHING
"""

# Note that an endpoint has all lanes of this version of its filters.
NOTE_OPENED = "UPDATE endpoint SET is_open = true WHERE id = $1 AND version = $2"

# Endpoints that may lack lanes, oldest first.
LIST_UNOPENED = "SELECT * FROM endpoint WHERE NOT is_open ORDER BY created_at, id"

# Lanes for a new connector: of the endpoints of its environment that name no connectors.
OPEN_NEW = """
    INSERT INTO lane (connector, endpoint, connector_id, position, notice)
    SELECT $1, id, $2, 0, 0 FROM endpoint WHERE organisation = $3 AND environment = $4 AND connectors IS NULL
    ON CONFLICT (connector, endpoint, replay) DO NOTHING
"""

# The same for one that is moved there: they begin at the end of what happened.
OPEN_MOVED = """
    INSERT INTO lane (connector, endpoint, connector_id, position, notice)
    SELECT $1, id, $2, $5, $6 FROM endpoint WHERE organisation = $3 AND environment = $4 AND connectors IS NULL
    ON CONFLICT (connector, endpoint, replay) DO NOTHING
"""

# Delete the lanes of a connector.
DROP_LANES_OF = "DELETE FROM lane WHERE connector = $1"

# The connectors of an endpoint's lanes.
LIST_OF_ENDPOINT = "SELECT DISTINCT connector FROM lane WHERE endpoint = $1 ORDER BY connector"

# Delete an endpoint's lanes of connectors that it no longer names.
DROP_OTHERS = "DELETE FROM lane WHERE endpoint = $1 AND connector_id <> ALL($2::uuid[]) RETURNING connector"

# Lock the feeds of connectors, in order.
LOCK_FEEDS = "SELECT FROM feed WHERE connector = ANY($1::integer[]) ORDER BY connector FOR NO KEY UPDATE"

# Clear `has_lanes` of the connectors without lanes.
UNFLAG_FEEDS = """
    UPDATE feed SET has_lanes = false
    WHERE connector = ANY($1::integer[]) AND has_lanes
        AND NOT EXISTS (SELECT FROM lane WHERE lane.connector = feed.connector)
"""

OPENED_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Lane:
    """A claimed lane. `position` is in the connector's feed, `notice` the number of the last notice sent.

    `down_since`: since when its endpoint has accepted no message; None if it accepts them.
    """

    connector: int
    endpoint: UUID
    replay: UUID
    connector_id: UUID
    position: int
    notice: int
    until_position: int | None
    until_notice: int | None
    claim: UUID
    tries: int
    failing_since: datetime | None
    down_since: datetime | None
    claimed_at: datetime

    @property
    def is_replay(self) -> bool:
        return self.replay != MAIN

    @property
    def key(self) -> tuple[int, UUID, UUID, UUID]:
        """Its key and claim, as the statements take them."""
        return self.connector, self.endpoint, self.replay, self.claim


@dataclass(frozen=True, slots=True)
class LaneSource:
    """The connector of a lane, with the last position of its feed when the lane was claimed.

    Everything up to that position is on the disk: no crash of the server loses it after it was sent. The log no longer
    has events up to `cut_seq`.
    """

    number: int
    id: UUID
    integration: str
    category: str
    end_user: str
    origin_id: str | None
    status: str
    organisation: str
    environment: str
    last_seq: int
    cut_seq: int


async def wake_lanes(connection: Connection, connector: int) -> None:
    """Wake the connector's idle lanes; call at the end of the transaction that saves what is to be sent."""
    await connection.execute(WAKE_LANES.format(locks=LANE_LOCKS, connector=connector))


async def claim_lanes(
    pool: Pool, rooms: Mapping[UUID, tuple[int, int]], *, most: int, lease: timedelta, suspect_after: int
) -> tuple[list[Lane], dict[int, LaneSource]]:
    """Claim up to `most` lanes that are due, for the `lease`; returns them, and their connectors by number.

    `rooms`: by endpoint, how many lanes may be claimed, and how many of its lanes this process is working on. Of an
    endpoint that failed `suspect_after` times in a row one lane is worked on at a time. When this returns, the events
    up to the connectors' `last_seq` are on the disk; pages commit without waiting for that.
    """
    async with pool.acquire() as connection, connection.transaction():
        each = [room for room, _ in rooms.values()], [under_way for _, under_way in rooms.values()]
        rows = await connection.fetch(CLAIM_LANES, list(rooms), *each, suspect_after, most, lease)
        if not rows:
            return [], {}
        lanes = [Lane(**{name: row[name] for name in Lane.__slots__}) for row in rows]
        numbers = list({lane.connector for lane in lanes})
        found = await connection.fetch(LIST_SOURCES, numbers)
    return lanes, {row["number"]: LaneSource(**{name: row[name] for name in LaneSource.__slots__}) for row in found}


async def rest_lane(pool: Pool, lane: Lane, position: int, notice: int, *, seen: tuple[int, int]) -> bool:
    """Set a lane idle if the feed and the notices still end where they were `seen` to; returns whether it is.

    Otherwise the lane is due at once. Changes nothing if another deliverer has claimed it.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(LOCK_LANES, LANE_LOCKS, lane.connector)
        ends = await connection.fetchrow(FIND_ENDS, lane.connector)
        assert ends is not None
        if (ends["last_seq"], ends["notice"]) == seen:
            return await connection.fetchval(REST_LANE, *lane.key, position, notice) is not None
        await connection.execute(DEFER_LANE, *lane.key, position, notice, timedelta(), 0, None)
        return False


async def open_lanes(pool: Pool, endpoint: Endpoint) -> None:
    """Insert the missing lanes of an endpoint, each at the end of its connector's feed, and delete those not wanted.

    May be repeated. Each transaction inserts some lanes and waits for those who save for these connectors.
    """
    after = 0
    while True:
        whose = endpoint.organisation, endpoint.environment
        rows = await pool.fetch(LIST_TO_OPEN, *whose, after, endpoint.connectors, OPENED_AT_ONCE)
        if not rows:
            break
        try:
            await _open_some(pool, endpoint.id, {row["number"]: row["id"] for row in rows})
        except asyncpg.ForeignKeyViolationError as error:
            if error.table_name == "lane":
                return  # the endpoint is gone
            continue  # a connector was removed at the same moment
        after = rows[-1]["number"]
    if endpoint.connectors is not None:
        dropped = await pool.fetch(DROP_OTHERS, endpoint.id, endpoint.connectors)
        await unflag_feeds(pool, list({row["connector"] for row in dropped}))
    await pool.execute(NOTE_OPENED, endpoint.id, endpoint.version)


async def open_lanes_of_new(
    connection: Connection, number: int, id: UUID, organisation: UUID, environment: str
) -> bool:
    """Insert the lanes of a connector that is created in this transaction; returns whether there are any.

    An endpoint that is created at the same time waits for this transaction, or this one for it.
    """
    await connection.execute(SHARE_ENVIRONMENT, ENDPOINT_LOCKS, str(organisation), environment)
    done = await connection.execute(OPEN_NEW, number, id, organisation, environment)
    if done == "INSERT 0 0":
        return False
    await connection.fetch(FLAG_FEEDS, [number])
    return True


async def move_lanes(connection: Connection, number: int, id: UUID, organisation: UUID, environment: str) -> None:
    """Delete the lanes of a connector, and insert those of the environment that it is moved to in this transaction.

    Its feed's row is locked. A deliverer that is at one of the deleted lanes sends the message it is at, and no other.
    """
    await connection.execute(SHARE_ENVIRONMENT, ENDPOINT_LOCKS, str(organisation), environment)
    await connection.execute(DROP_LANES_OF, number)
    (feed,) = await connection.fetch(FLAG_FEEDS, [number])
    (last,) = await connection.fetch(LIST_LAST_NOTICES, [number])
    await connection.execute(OPEN_MOVED, number, id, organisation, environment, feed["last_seq"], last["number"])
    await connection.execute(UNFLAG_FEEDS, [number])


async def release_lanes(pool: Pool, claimed: Sequence[Lane]) -> None:
    """Release lanes whose deliverer ends."""
    connectors, claims = [lane.connector for lane in claimed], [lane.claim for lane in claimed]
    await pool.execute(RELEASE_LANES, connectors, claims)


async def open_unopened(pool: Pool) -> None:
    """Insert the lanes of endpoints whose creation or change was interrupted before that."""
    for row in await pool.fetch(LIST_UNOPENED):
        await open_lanes(pool, read_endpoint(row))


async def _open_some(pool: Pool, endpoint: UUID, ids: dict[int, UUID]) -> None:
    numbers = list(ids)
    async with pool.acquire() as connection, connection.transaction():
        places = {row["connector"]: row["last_seq"] for row in await connection.fetch(FLAG_FEEDS, numbers)}
        await connection.execute(LOCK_MANY_LANES, LANE_LOCKS, numbers)
        notices = {row["connector"]: row["number"] for row in await connection.fetch(LIST_LAST_NOTICES, numbers)}
        positions = [places[number] for number in numbers]
        await connection.execute(
            INSERT_LANES, endpoint, numbers, list(ids.values()), positions, [notices[number] for number in numbers]
        )


async def unflag_feeds(pool: Pool, numbers: Sequence[int]) -> None:
    """Clear `has_lanes` of those of the connectors that have no lanes any more."""
    for start in range(0, len(numbers), OPENED_AT_ONCE):
        some = sorted(numbers[start : start + OPENED_AT_ONCE])
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(LOCK_FEEDS, some)
            await connection.execute(UNFLAG_FEEDS, some)
