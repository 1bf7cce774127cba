"""Fast runs: between the scheduled ones, of the lists that some models are made of. Which are due, and for whom.

A connector has its own choice of models, or none, or goes by the settings. Of a connector's fast runs only the latest
is stored: one that ended is deleted when the next one is asked for.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID, uuid4

import asyncpg

from unihire.errors import ConfigError
from unihire.kit.durations import write_duration
from unihire.store import Connection, Pool
from unihire.store.accounts.tenancy import Connector, describe_act
from unihire.store.audit import log_act
from unihire.store.work.runs import FIND_UNFINISHED, LOCK_ASKING, cancel_run
from unihire.store.work.schedules import find_next

LEAST_FAST, MOST_FAST = timedelta(seconds=30), timedelta(days=1)
"""Between these is every interval of fast runs."""

LOOK_AGAIN_AFTER = timedelta(minutes=15)
"""When a connector that goes by the settings is looked at again which needs no fast runs."""

# Whether the vendor reports changes of the connector: it has a hook, which was called.
_REPORTS = """
    EXISTS (
        SELECT FROM hook JOIN inbox ON inbox.connector = hook.connector
        WHERE hook.connector = connector.number AND last_delivery_at IS NOT NULL
    )
"""

# Connectors with models of their own whose next fast run is due, each for one who asks.
LIST_FAST_DUE = """
    SELECT number, id, integration, fast_models, fast_every, false AS reports, now() AS now FROM connector
    WHERE next_fast_at <= now() AND fast_models <> '{}' AND NOT is_paused AND status = 'COMPLETE'
    ORDER BY next_fast_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
"""

# The same of those that go by the settings.
LIST_FAST_DUE_BY_SETTING = f"""
    SELECT number, id, integration, fast_models, fast_every, {_REPORTS} AS reports, now() AS now FROM connector
    WHERE next_fast_at <= now() AND fast_models IS NULL AND NOT is_paused AND status = 'COMPLETE'
    ORDER BY next_fast_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
"""  # noqa: S608 - of constants

# Let the next fast runs come now that are due later than can be: the clock was wrong when that was worked out.
MEND_FAST = f"""
    UPDATE connector SET next_fast_at = now() WHERE number IN (
        SELECT number FROM connector
        WHERE next_fast_at > now() + 1.5 * coalesce(fast_every, interval '{MOST_FAST.days} day') + interval '1 minute'
        LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
    )
"""  # noqa: S608 - of constants

SET_NEXT_FAST = "UPDATE connector SET next_fast_at = $2 WHERE number = $1"

GET_FAST = f"""
    SELECT fast_models, fast_every, {_REPORTS} AS reports FROM connector WHERE number = $1
"""  # noqa: S608 - of constants

SET_FAST = "UPDATE connector SET fast_models = $2, fast_every = $3, next_fast_at = now() WHERE number = $1"

# Of these streams of a connector those that were read whole once.
FIND_READ_STREAMS = """
    SELECT stream FROM stream_state WHERE connector = $1 AND stream = ANY($2) AND last_whole_at IS NOT NULL
"""

DELETE_ENDED_FAST = "DELETE FROM sync_run WHERE connector = $1 AND is_fast AND status NOT IN ('queued', 'running')"

# A new fast run with the connector's next number.
INSERT_FAST_RUN = """
    INSERT INTO sync_run (id, connector, number, status, is_full, streams, is_scheduled, is_fast, asked_at)
    SELECT $2, $1, coalesce(max(number), 0) + 1, 'queued', false, $3::text[], true, true, now()
    FROM sync_run WHERE connector = $1
"""


@dataclass(frozen=True, slots=True)
class FastSchedule:
    """Of which models' lists a connector has fast runs, and how often; no models: none."""

    models: tuple[str, ...] = ()
    every: timedelta = timedelta(minutes=1)

    @classmethod
    def find(cls, row: asyncpg.Record, by_setting: Self) -> Self:
        """That of a connector: `row` has its `fast_models`, `fast_every` and `reports`.

        Where it goes by the settings and the vendor reports changes, it needs none.
        """
        if row["fast_models"] is None:
            return cls((), by_setting.every) if row["reports"] else by_setting
        return cls(tuple(row["fast_models"]), row["fast_every"] or by_setting.every)


@dataclass(frozen=True, slots=True)
class FastDue:
    """A connector whose fast run is due."""

    number: int
    id: UUID
    integration: str
    models: tuple[str, ...]
    every: timedelta
    now: datetime


def check_fast_interval(interval: timedelta) -> timedelta:
    """Raises ConfigError for an interval that is too short or too long."""
    if not LEAST_FAST <= interval <= MOST_FAST:
        raise ConfigError("fast runs come every 30 seconds to every day")
    return interval


async def list_fast_due(connection: Connection, by_setting: FastSchedule, limit: int) -> Sequence[FastDue]:
    """Connectors that are due, each locked. Call inside a transaction, and move each on with `defer_fast`."""
    found = list(await connection.fetch(LIST_FAST_DUE, limit))
    if by_setting.models:
        found += await connection.fetch(LIST_FAST_DUE_BY_SETTING, limit)
    due = []
    for row in found:
        fast = FastSchedule.find(row, by_setting)
        due.append(FastDue(row["number"], row["id"], row["integration"], fast.models, fast.every, row["now"]))
    return due


async def defer_fast(connection: Connection, due: FastDue, *, is_read: bool) -> None:
    """Move a connector on to its next moment; `is_read`: it has fast runs."""
    every = due.every if is_read else max(due.every, LOOK_AGAIN_AFTER)
    await connection.execute(SET_NEXT_FAST, due.number, find_next(due.id, every, due.now))


async def find_read_streams(connection: Connection, connector: int, streams: Collection[str]) -> list[str]:
    """Those of the streams that were read whole once, so that what changed since can be asked for."""
    return [row["stream"] for row in await connection.fetch(FIND_READ_STREAMS, connector, list(streams))]


async def ask_fast_run(connection: Connection, connector: int, streams: Collection[str]) -> bool:
    """Ask for a fast run of these streams, unless a run is under way. Call inside a transaction."""
    await connection.execute(LOCK_ASKING, connector)
    if await connection.fetchrow(FIND_UNFINISHED, connector) is not None:
        return False
    await connection.execute(DELETE_ENDED_FAST, connector)
    await connection.execute(INSERT_FAST_RUN, connector, uuid4(), sorted(streams))
    return True


async def cancel_fast_run(pool: Pool, connector: int) -> bool:
    """Cancel the connector's unfinished run if it is a fast one; returns whether it was."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(LOCK_ASKING, connector)
        row = await connection.fetchrow(FIND_UNFINISHED, connector)
        if row is None or not row["is_fast"]:
            return False
        await cancel_run(connection, connector)
        return True


async def get_fast(pool: Pool, connector: int, by_setting: FastSchedule) -> FastSchedule:
    (row,) = await pool.fetch(GET_FAST, connector)
    return FastSchedule.find(row, by_setting)


async def set_fast(pool: Pool, connector: Connector, fast: FastSchedule | None) -> None:
    """Give the connector fast runs of its own, or none; None: as the settings say. The next one is due at once."""
    models = None if fast is None else list(fast.models)
    every = None if fast is None else check_fast_interval(fast.every)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(SET_FAST, connector.number, models, every)
        after = {"fast_models": models, "fast_every": None if every is None else write_duration(every)}
        await log_act(connection, describe_act(connector, "schedule.changed", after=after))
