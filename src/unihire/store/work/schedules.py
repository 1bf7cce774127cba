"""Schedules: when each connector's next run is due, and which connectors are paused.

A connector's runs are due at its own moments: multiples of its interval since 1970, shifted by what its id gives. So
however many connectors there are, and whenever they were made, they are spread evenly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from unihire.errors import ConfigError
from unihire.kit.clock import to_micros
from unihire.kit.durations import write_duration
from unihire.store import Connection, Pool
from unihire.store.accounts.tenancy import Connector, describe_act
from unihire.store.audit import log_act

LEAST, MOST = timedelta(minutes=15), timedelta(days=7)
"""Between these every schedule is."""

# Between two runs of a connector. One whose credentials were refused is tried once a day: they may be good again.
_INTERVAL = "CASE WHEN status = 'RELINK_NEEDED' THEN interval '1 day' ELSE sync_every END"

# The latest moment at which the next run can be due, as `find_next` finds it, and a minute for clocks that are set.
_LATEST = f"now() + 1.5 * ({_INTERVAL}) + interval '1 minute'"

# Connectors whose next run is due, each for one who asks.
LIST_DUE = f"""
    SELECT number, id, {_INTERVAL} AS every, full_every, now() AS now FROM connector
    WHERE next_sync_at <= now() AND NOT is_paused ORDER BY next_sync_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
"""  # noqa: S608 - of constants

# Connectors whose next run is due later than their schedule allows: the clock was wrong when it was worked out, or the
# schedule has changed since.
LIST_TOO_LATE = f"""
    SELECT number, id, {_INTERVAL} AS every, now() AS now FROM connector
    WHERE next_sync_at > {_LATEST} AND NOT is_paused LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
"""  # noqa: S608 - of constants

SET_NEXT = "UPDATE connector SET next_sync_at = $2 WHERE number = $1"

# How many connectors are paused, how many others have been due for so long, and how many are due too late.
COUNT_LATE = f"""
    SELECT count(*) FILTER (WHERE is_paused) AS paused,
        count(*) FILTER (WHERE NOT is_paused AND next_sync_at < now() - $1::interval) AS overdue,
        count(*) FILTER (WHERE NOT is_paused AND next_sync_at > {_LATEST}) AS too_late
    FROM connector
"""  # noqa: S608 - of constants

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

GET_SCHEDULE = f"""
    SELECT sync_every, full_every, next_sync_at, is_paused, next_sync_at <= now() AS is_due,
        next_sync_at > {_LATEST} AS is_too_late, now() AS now
    FROM connector WHERE number = $1
"""  # noqa: S608 - of constants

LOCK_SCHEDULE = f"{GET_SCHEDULE} FOR NO KEY UPDATE"

SET_SCHEDULE = "UPDATE connector SET sync_every = $2, full_every = $3, next_sync_at = $4 WHERE number = $1"

SET_PAUSED = "UPDATE connector SET is_paused = $2 WHERE number = $1"


@dataclass(frozen=True, slots=True)
class StoredSchedule:
    """`next_at` is when the next run is asked for, unless the connector is paused; `is_due`: that moment has come."""

    every: timedelta
    full_every: timedelta
    next_at: datetime
    is_paused: bool
    is_due: bool


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


async def list_due(connection: Connection, limit: int) -> Sequence[Due]:
    """Connectors that are due, each locked and moved on to its next moment. Call inside a transaction."""
    due = []
    for row in await connection.fetch(LIST_DUE, limit):
        now = row["now"]
        last: datetime | None = await connection.fetchval(FIND_LAST_WHOLE, row["number"])
        # One that is yet to come was noted by a clock that was wrong.
        is_full = last is not None and not now - row["full_every"] < last <= now
        due.append(Due(row["number"], is_full))
        await connection.execute(SET_NEXT, row["number"], find_next(row["id"], row["every"], now))
    return due


async def bring_forward(connection: Connection, limit: int) -> int:
    """Give connectors that are due too late their next moment; returns how many. Call inside a transaction."""
    found = await connection.fetch(LIST_TOO_LATE, limit)
    for row in found:
        await connection.execute(SET_NEXT, row["number"], _find_soonest(row))
    return len(found)


def _find_soonest(row: asyncpg.Record) -> datetime:
    """The connector's first moment from now on."""
    return find_next(row["id"], row["every"], row["now"] - row["every"] / 2)


async def get_schedule(pool: Pool, connector: int) -> StoredSchedule:
    (row,) = await pool.fetch(GET_SCHEDULE, connector)
    return StoredSchedule(row["sync_every"], row["full_every"], row["next_sync_at"], row["is_paused"], row["is_due"])


async def set_schedule(
    pool: Pool, connector: Connector, *, every: timedelta | None, full_every: timedelta | None
) -> StoredSchedule:
    """Change what is given; a new interval counts from now. Raises ConfigError for one out of bounds."""
    async with pool.acquire() as connection, connection.transaction():
        (row,) = await connection.fetch(LOCK_SCHEDULE, connector.number)
        new_every = row["sync_every"] if every is None else check_interval(every)
        new_full = row["full_every"] if full_every is None else check_interval(full_every)
        next_at = row["next_sync_at"] if every is None else find_next(connector.id, new_every, row["now"])
        await connection.execute(SET_SCHEDULE, connector.number, new_every, new_full, next_at)
        before = _describe_intervals(row["sync_every"], row["full_every"])
        after = _describe_intervals(new_every, new_full)
        await log_act(connection, describe_act(connector, "schedule.changed", before=before, after=after))
    return StoredSchedule(new_every, new_full, next_at, row["is_paused"], next_at <= row["now"])


def _describe_intervals(every: timedelta, full_every: timedelta) -> dict[str, str]:
    return {"every": write_duration(every), "full_every": write_duration(full_every)}


async def set_paused(connection: Connection, connector: int, *, is_paused: bool) -> None:
    """A paused connector is not worked on: its schedule is suspended, and a run pauses after the page it is on."""
    await connection.execute(SET_PAUSED, connector, is_paused)


async def restart_schedule(connection: Connection, connector: Connector) -> None:
    """Let the schedule count from now, wherever it stood: the next run is half an interval away at least."""
    (row,) = await connection.fetch(GET_SCHEDULE, connector.number)
    await connection.execute(SET_NEXT, connector.number, find_next(connector.id, row["sync_every"], row["now"]))


async def note_run(connection: Connection, connector: Connector) -> None:
    """A run begins that was not scheduled: the next scheduled one is half an interval away at least."""
    (row,) = await connection.fetch(GET_SCHEDULE, connector.number)
    next_at = find_next(connector.id, row["sync_every"], row["now"])
    if next_at > row["next_sync_at"] or row["is_too_late"]:
        await connection.execute(SET_NEXT, connector.number, next_at)
