"""Schedules: when each connector's next run is due, and which connectors are paused.

A connector's runs are due at its own moments: multiples of its interval since 1970, shifted by what its id gives. So
however many connectors there are, and whenever they were made, they are spread evenly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from unihire.errors import ConfigError
from unihire.kit.clock import to_micros
from unihire.store import Connection, Pool
from unihire.store.tenancy import Connector

LEAST, MOST = timedelta(minutes=15), timedelta(days=7)
"""Between these every schedule is."""

RELINK_EVERY = timedelta(days=1)
"""How often a connector is tried whose credentials were refused: they may be good again."""

# Connectors whose next run is due, each for one who asks.
LIST_DUE = """
    SELECT number, id, integration, status, sync_every, full_every FROM connector
    WHERE next_sync_at <= $1 AND NOT is_paused ORDER BY next_sync_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
"""

SET_NEXT = "UPDATE connector SET next_sync_at = $2 WHERE number = $1"

# How many connectors are paused, and how many others have been due since before a moment.
COUNT_LATE = """
    SELECT count(*) FILTER (WHERE is_paused) AS paused,
        count(*) FILTER (WHERE NOT is_paused AND next_sync_at < $1) AS overdue
    FROM connector
"""

# When everything was read last: in a full run that ended, or before there is one, list by list; null before that. A
# list that cannot be read whole, or is no longer read, does not make every run a full one.
FIND_LAST_WHOLE = """
    SELECT coalesce(
        (
            SELECT started_at FROM sync_run
            WHERE connector = $1 AND is_full AND streams IS NULL AND status IN ('done', 'partial')
            ORDER BY number DESC LIMIT 1
        ),
        (SELECT min(last_whole_at) FROM stream_state WHERE connector = $1)
    )
"""

GET_SCHEDULE = "SELECT sync_every, full_every, next_sync_at, is_paused FROM connector WHERE number = $1"

LOCK_SCHEDULE = f"{GET_SCHEDULE} FOR NO KEY UPDATE"

SET_SCHEDULE = "UPDATE connector SET sync_every = $2, full_every = $3, next_sync_at = $4 WHERE number = $1"

SET_PAUSED = "UPDATE connector SET is_paused = $2 WHERE number = $1"


@dataclass(frozen=True, slots=True)
class Schedule:
    """`next_at` is when the next run is asked for, unless the connector is paused."""

    every: timedelta
    full_every: timedelta
    next_at: datetime
    is_paused: bool


@dataclass(frozen=True, slots=True)
class Due:
    number: int
    is_full: bool


def check_interval(interval: timedelta, *, least: timedelta = LEAST) -> timedelta:
    """Raises ConfigError for an interval that is too short or too long."""
    if not least <= interval <= MOST:
        raise ConfigError("a schedule is between 15 minutes and 7 days")
    return interval


def find_next(id: UUID, every: timedelta, after: datetime) -> datetime:
    """The connector's next moment that is half an interval away at least."""
    step = round(every.total_seconds() * 1_000_000)
    shift = int.from_bytes(id.bytes[:8], "big") % step
    earliest = to_micros(after) + step // 2
    moment = earliest + (shift - earliest) % step
    return after + timedelta(microseconds=moment - to_micros(after))


async def list_due(connection: Connection, now: datetime, limit: int) -> Sequence[Due]:
    """Connectors that are due, each locked and moved on to its next moment. Call inside a transaction."""
    due = []
    for row in await connection.fetch(LIST_DUE, now, limit):
        every = RELINK_EVERY if row["status"] == "RELINK_NEEDED" else row["sync_every"]
        last: datetime | None = await connection.fetchval(FIND_LAST_WHOLE, row["number"])
        is_full = last is not None and last <= now - row["full_every"]
        due.append(Due(row["number"], is_full))
        await connection.execute(SET_NEXT, row["number"], find_next(row["id"], every, now))
    return due


async def get_schedule(pool: Pool, connector: int) -> Schedule:
    (row,) = await pool.fetch(GET_SCHEDULE, connector)
    return Schedule(row["sync_every"], row["full_every"], row["next_sync_at"], row["is_paused"])


async def set_schedule(
    pool: Pool, connector: Connector, *, every: timedelta | None, full_every: timedelta | None, now: datetime
) -> Schedule:
    """Change what is given; a new interval counts from now. Raises ConfigError for one out of bounds."""
    async with pool.acquire() as connection, connection.transaction():
        (row,) = await connection.fetch(LOCK_SCHEDULE, connector.number)
        new_every = row["sync_every"] if every is None else check_interval(every)
        new_full = row["full_every"] if full_every is None else check_interval(full_every)
        next_at = row["next_sync_at"] if every is None else find_next(connector.id, new_every, now)
        await connection.execute(SET_SCHEDULE, connector.number, new_every, new_full, next_at)
    return Schedule(new_every, new_full, next_at, row["is_paused"])


async def set_paused(connection: Connection, connector: int, *, is_paused: bool) -> None:
    """A paused connector is not worked on: its schedule rests, and a run under way ends after the page it is on."""
    await connection.execute(SET_PAUSED, connector, is_paused)


async def note_run(connection: Connection, connector: Connector, now: datetime) -> None:
    """A run begins that was not scheduled: the next scheduled one is half an interval away at least."""
    (row,) = await connection.fetch(GET_SCHEDULE, connector.number)
    next_at = find_next(connector.id, row["sync_every"], now)
    if next_at > row["next_sync_at"]:
        await connection.execute(SET_NEXT, connector.number, next_at)
