"""The inbox: deliveries of vendors' written down, each once, and the rows they touch until those were read again.

All that is done to a connector's touches is done with its row of the inbox locked: first that, then them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from unihire.store import Connection, Pool

INBOX_CHANNEL = "unihire_inbox"
"""Notified when rows were touched."""

REMEMBERED = timedelta(days=7)
"""How long deliveries are known again: longer than any vendor is known to go on trying."""

LONGEST_PAUSE = timedelta(hours=1)
"""Nobody waits longer before touched rows are read: what is due later was worked out by a clock that was wrong."""

# Write deliveries down; those that were not there before.
INSERT_DELIVERIES = """
    INSERT INTO inbox_delivery (connector, event) SELECT $1, event FROM unnest($2::bytea[]) AS event ORDER BY event
    ON CONFLICT (connector, event) DO NOTHING RETURNING event
"""

# Let a connector's touched rows be read as soon as they may be, by any process, or by the one that works on them.
WAKE_INBOX = """
    INSERT INTO inbox AS known (connector, due_at, last_delivery_at) VALUES ($1, now(), now())
    ON CONFLICT (connector) DO UPDATE SET last_delivery_at = excluded.last_delivery_at,
        due_at = CASE
            WHEN known.claim IS NOT NULL THEN known.due_at
            ELSE least(known.due_at, greatest(now(), least(known.not_before, now() + interval '1 hour')))
        END
"""

# Touch rows; what is touched already counts from when it was touched first.
UPSERT_TOUCHES = """
    INSERT INTO inbox_touch AS known
        (connector, stream, member, value, is_gone, is_wide, version, touched_at, due_at)
    SELECT $1, *, pg_current_xact_id()::text::bigint, now(), now()
    FROM unnest($2::text[], $3::text[], $4::text[], $5::boolean[], $6::boolean[])
    ON CONFLICT (connector, stream, member, value) DO UPDATE
    SET is_gone = excluded.is_gone, is_wide = known.is_wide OR excluded.is_wide, version = excluded.version,
        due_at = excluded.due_at, tries = 0
"""

NOTIFY = "SELECT pg_notify('unihire_inbox', '')"

# Claim connectors whose touched rows are to be read now; others may take them up after a while.
CLAIM_INBOXES = """
    UPDATE inbox SET due_at = now() + $2::interval, claim = gen_random_uuid()
    WHERE connector = ANY(ARRAY(
        SELECT connector FROM inbox
        WHERE due_at <= now() OR due_at > now() + $3::interval ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
    ))
    RETURNING connector, claim, failures
"""

# Have claimed connectors for a while longer.
HOLD_INBOXES = """
    UPDATE inbox SET due_at = now() + $3::interval
    FROM unnest($1::integer[], $2::uuid[]) AS ours (number, claim)
    WHERE inbox.connector = ours.number AND inbox.claim = ours.claim
"""

# Let others take up at once what is claimed.
RELEASE_INBOXES = """
    UPDATE inbox SET due_at = now(), claim = NULL
    FROM unnest($1::integer[], $2::uuid[]) AS ours (number, claim)
    WHERE inbox.connector = ours.number AND inbox.claim = ours.claim
"""

# When the next is due, in seconds.
FIND_NEXT_DUE = "SELECT extract(epoch FROM min(due_at) - now())::float8 FROM inbox WHERE due_at IS NOT NULL"

# Touched rows of a connector that are to be read now, those that wait for longest first.
LIST_TOUCHES = """
    SELECT stream, member, value, is_gone, is_wide, version, touched_at, tries, now() - touched_at AS age
    FROM inbox_touch WHERE connector = $1 AND (due_at <= now() OR due_at > now() + $3::interval)
    ORDER BY due_at LIMIT $2
"""

# The connector's row of the inbox, which stays as it is until the transaction ends.
LOCK_INBOX = "SELECT FROM inbox WHERE connector = $1 FOR UPDATE"

# Of touches, those that were not touched again since: where they are.
_FIND_UNTOUCHED = """
    SELECT found.ctid FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[])
        AS done (stream, member, value, version)
    CROSS JOIN LATERAL (
        SELECT t.ctid, t.version FROM inbox_touch AS t
        WHERE t.connector = $1 AND t.stream = done.stream AND t.member = done.member AND t.value = done.value
        OFFSET 0
    ) AS found
    WHERE found.version = done.version
"""

# Forget touches that are done with, unless they were touched again meanwhile.
DELETE_TOUCHES = f"DELETE FROM inbox_touch WHERE connector = $1 AND ctid = ANY(ARRAY({_FIND_UNTOUCHED}))"  # noqa: S608 - of constants

# Let touches be read again later, unless they were touched again meanwhile; they were tried so often.
DEFER_TOUCHES = f"""
    UPDATE inbox_touch SET due_at = now() + $6::interval, tries = $7
    WHERE connector = $1 AND ctid = ANY(ARRAY({_FIND_UNTOUCHED}))
"""  # noqa: S608 - of constants

# When a connector's next touch is due.
FIND_NEXT_TOUCH = "SELECT due_at FROM inbox_touch WHERE connector = $1 ORDER BY due_at LIMIT 1"

# Release a connector: it is due when its next touch is, null where there is none, and not before a while.
SETTLE_INBOX = """
    UPDATE inbox SET claim = NULL, failures = $5, not_before = now() + $3::interval,
        due_at = CASE WHEN $4::timestamptz IS NOT NULL THEN greatest($4, now() + $3::interval) END
    WHERE connector = $1 AND claim = $2
"""

# Connectors that have deliveries older than those that are known again.
LIST_WITH_OLD = """
    SELECT number FROM connector CROSS JOIN LATERAL (
        SELECT FROM inbox_delivery
        WHERE inbox_delivery.connector = number AND received_at < now() - $1::interval LIMIT 1 OFFSET 0
    ) AS old
    ORDER BY number LIMIT $2
"""

# Forget such deliveries of one connector.
DELETE_OLD_DELIVERIES = """
    DELETE FROM inbox_delivery WHERE connector = $1 AND ctid = ANY(ARRAY(
        SELECT ctid FROM inbox_delivery WHERE connector = $1 AND received_at < now() - $2::interval
        ORDER BY received_at LIMIT $3
    ))
"""

CONNECTORS_AT_ONCE = 50

DELETED_AT_ONCE = 5_000


class WrittenTouch(NamedTuple):
    """A row that is touched; `member` is empty where `value` is its id."""

    stream: str
    member: str
    value: str
    is_gone: bool
    is_wide: bool


@dataclass(frozen=True, slots=True)
class WaitingTouch:
    """A touched row that waits to be read; `age` is how long ago it was touched first since it was read."""

    stream: str
    member: str
    value: str
    is_gone: bool
    is_wide: bool
    version: int
    touched_at: datetime
    tries: int
    age: timedelta


@dataclass(frozen=True, slots=True)
class Claim:
    """A connector whose touched rows are ours to read for a while."""

    connector: int
    claim: UUID
    failures: int


@dataclass(frozen=True, slots=True)
class Deferred:
    """A touch that is to be read again later."""

    touch: WaitingTouch
    after: timedelta
    tries: int


async def insert_deliveries(connection: Connection, connector: int, events: Sequence[bytes]) -> set[bytes]:
    """Write deliveries down; returns those that are new. Call inside a transaction."""
    return {row["event"] for row in await connection.fetch(INSERT_DELIVERIES, connector, list(events))}


async def touch_rows(connection: Connection, connector: int, touches: Sequence[WrittenTouch]) -> None:
    """Touch rows, each once, and have them read. Call inside a transaction, before anything else of it is locked."""
    columns = list(map(list, zip(*touches, strict=True))) or [[] for _ in WrittenTouch._fields]
    await connection.execute(WAKE_INBOX, connector)
    await connection.execute(UPSERT_TOUCHES, connector, *columns)
    await connection.execute(NOTIFY)


async def claim_inboxes(pool: Pool, most: int, lease: timedelta) -> list[Claim]:
    """Claim so many connectors at most; one that is not renewed in time may be taken up by others."""
    found = await pool.fetch(CLAIM_INBOXES, most, lease, LONGEST_PAUSE + lease)
    return [Claim(row["connector"], row["claim"], row["failures"]) for row in found]


async def hold_inboxes(pool: Pool, claims: Sequence[Claim], lease: timedelta) -> None:
    await pool.execute(HOLD_INBOXES, *_split(claims), lease)


async def release_inboxes(pool: Pool, claims: Sequence[Claim]) -> None:
    await pool.execute(RELEASE_INBOXES, *_split(claims))


def _split(claims: Sequence[Claim]) -> tuple[list[int], list[UUID]]:
    return [one.connector for one in claims], [one.claim for one in claims]


async def find_next_due(pool: Pool) -> float | None:
    """In how many seconds the next connector is due; None where nothing waits."""
    found: float | None = await pool.fetchval(FIND_NEXT_DUE)
    return found


async def list_touches(pool: Pool, connector: int, limit: int) -> list[WaitingTouch]:
    rows = await pool.fetch(LIST_TOUCHES, connector, limit, LONGEST_PAUSE)
    return [WaitingTouch(**row) for row in rows]


async def finish_touches(
    pool: Pool, connector: int, *, done: Sequence[WaitingTouch] = (), deferred: Sequence[Deferred] = ()
) -> None:
    """Forget touches that are done with, and note when others are to be read again; those touched since stay."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(LOCK_INBOX, connector)
        if done:
            await connection.execute(DELETE_TOUCHES, connector, *_name(done))
        alike: dict[tuple[timedelta, int], list[WaitingTouch]] = {}
        for one in deferred:
            alike.setdefault((one.after, one.tries), []).append(one.touch)
        for (after, tries), touches in alike.items():
            await connection.execute(DEFER_TOUCHES, connector, *_name(touches), after, tries)


def _name(touches: Sequence[WaitingTouch]) -> list[list[object]]:
    names = ("stream", "member", "value", "version")
    return [[getattr(one, name) for one in touches] for name in names]


async def finish_claim(pool: Pool, claim: Claim, *, pause: timedelta, failures: int) -> None:
    """Release a connector, which is not read again before `pause` is over. Nothing where somebody else has it."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(LOCK_INBOX, claim.connector)
        due_at: datetime | None = await connection.fetchval(FIND_NEXT_TOUCH, claim.connector)
        rest = min(pause, LONGEST_PAUSE)
        await connection.execute(SETTLE_INBOX, claim.connector, claim.claim, rest, due_at, failures)


async def cut_deliveries(connection: Connection) -> bool:
    """Forget deliveries of long ago, some at a time; whether there may be more. Call inside a transaction."""
    found = await connection.fetch(LIST_WITH_OLD, REMEMBERED, CONNECTORS_AT_ONCE)
    has_more = len(found) == CONNECTORS_AT_ONCE
    for row in found:
        done = await connection.execute(DELETE_OLD_DELIVERIES, row["number"], REMEMBERED, DELETED_AT_ONCE)
        has_more = has_more or int(done.split()[-1]) == DELETED_AT_ONCE
    return has_more
