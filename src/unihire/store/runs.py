"""Sync runs: what is under way, how far each stream is, what came of it."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from unihire.errors import ConfigError
from unihire.store import Pool

SYNC_LOCKS = 0x53594E43
"""The space of the advisory locks, "SYNC" in letters: who syncs or deletes a connector holds the one of its number."""

# The run of a connector that has not ended, if there is one: at most one.
FIND_UNFINISHED = "SELECT id, number, is_full, started_at FROM sync_run WHERE connector = $1 AND status = 'running'"

# What runs before the new one met.
FORGET_SEEN = "DELETE FROM seen WHERE connector = $1"

# A new run with the connector's next number.
INSERT_RUN = """
    INSERT INTO sync_run (id, connector, number, status, is_full, started_at)
    SELECT $2, $1, coalesce(max(number), 0) + 1, 'running', $3, $4 FROM sync_run WHERE connector = $1
    RETURNING number
"""

# A stream's part in a run, unless it is there.
INSERT_STREAM = """
    INSERT INTO stream_run (run, connector, stream, window_start, is_tracking, phase, started_at)
    SELECT $1, $2, $3, $4::timestamptz, $4::timestamptz IS NULL AND (
        EXISTS (
            SELECT FROM record
            WHERE connector = $2 AND model = ANY($6::smallint[]) AND stream = $3 AND deleted_at IS NULL
        ) OR EXISTS (SELECT FROM joined WHERE connector = $2 AND origin = $3)
    ), 'walk', $5
    ON CONFLICT (run, stream) DO NOTHING
"""

# How far a stream is.
GET_STREAM = "SELECT * FROM stream_run WHERE run = $1 AND stream = $2"

# When the latest read of a stream that ended well was begun.
FIND_LAST_READ = """
    SELECT max(started_at) FROM stream_run WHERE connector = $1 AND stream = $2 AND phase = 'done' AND error IS NULL
"""

# Which of these streams have been read well, and when the first such read of each was begun.
FIND_FIRST_READS = """
    SELECT stream, min(started_at) AS started_at FROM stream_run
    WHERE connector = $1 AND stream = ANY($2) AND phase = 'done' AND error IS NULL GROUP BY stream
"""

# Move a stream on; part of the page's transaction.
MOVE_STREAM = """
    UPDATE stream_run SET phase = $3, position = $4, read = read + $5, added = added + $6, changed = changed + $7,
        deleted = deleted + $8, quarantined = quarantined + $9
    WHERE run = $1 AND stream = $2
"""

# End a stream's part, with the reason where it went wrong.
FINISH_STREAM = """
    UPDATE stream_run SET phase = 'done', position = NULL, finished_at = $3, error = $4 WHERE run = $1 AND stream = $2
"""

# Start a stream's phase over, keeping what it counted.
RESTART_PHASE = "UPDATE stream_run SET position = NULL WHERE run = $1 AND stream = $2"

# End a run.
FINISH_RUN = "UPDATE sync_run SET status = $2, finished_at = $3 WHERE id = $1"

# The parts of a run, for telling.
LIST_STREAMS = "SELECT * FROM stream_run WHERE run = $1 ORDER BY started_at, stream"

# The latest complete read of each stream: how it ended, or that it has not.
FIND_COMPLETE_READS = """
    SELECT DISTINCT ON (stream) stream, started_at, finished_at, phase, error FROM stream_run
    WHERE connector = $1 AND window_start IS NULL ORDER BY stream, started_at DESC
"""

# Whether the connector is being synced now, or was at some moment since.
HAS_SYNCED_SINCE = """
    SELECT EXISTS (
        SELECT FROM pg_locks
        WHERE locktype = 'advisory' AND classid = $1::integer::oid AND objid = $2::integer::oid AND objsubid = 2
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ) OR EXISTS (SELECT FROM sync_run WHERE connector = $2 AND finished_at >= $3)
"""

# The latest run of a connector.
FIND_LATEST = "SELECT * FROM sync_run WHERE connector = $1 ORDER BY number DESC LIMIT 1"


@asynccontextmanager
async def hold_connector(pool: Pool, number: int, *, otherwise: str) -> AsyncIterator[None]:
    """Be the only one to sync the connector or make its records again, over all processes.

    The lock dies with its session. Raises ConfigError, saying `otherwise`, while somebody else holds it.
    """
    async with pool.acquire() as connection:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", SYNC_LOCKS, number):
            raise ConfigError(otherwise)
        try:
            yield
        finally:
            if not connection.is_closed():
                await connection.execute("SELECT pg_advisory_unlock($1, $2)", SYNC_LOCKS, number)


@dataclass(frozen=True, slots=True)
class Run:
    id: UUID
    number: int
    is_full: bool
    started_at: datetime
    is_resumed: bool


async def open_run(pool: Pool, connector: int, *, full: bool, now: datetime) -> Run:
    """The connector's unfinished run, to go on with, or a new one.

    A full run takes the place of an unfinished incremental one, which it covers.
    """
    row = await pool.fetchrow(FIND_UNFINISHED, connector)
    if row is not None and (row["is_full"] or not full):
        return Run(row["id"], row["number"], row["is_full"], row["started_at"], is_resumed=True)
    if row is not None:
        await pool.execute(FINISH_RUN, row["id"], "failed", now)
    await pool.execute(FORGET_SEEN, connector)
    id = uuid4()
    number: int = await pool.fetchval(INSERT_RUN, connector, id, full, now)
    return Run(id, number, full, now, is_resumed=False)


async def open_stream(
    pool: Pool,
    run: Run,
    connector: int,
    stream: str,
    *,
    window_start: datetime | None,
    models: Sequence[int],
    now: datetime,
) -> asyncpg.Record:
    """The stream's part in the run, made if it is not there.

    A complete read (no `window_start`) notes what it meets only where there is something it could find missing.
    """
    await pool.execute(INSERT_STREAM, run.id, connector, stream, window_start, now, models)
    (row,) = await pool.fetch(GET_STREAM, run.id, stream)
    return row


async def find_first_reads(pool: Pool, connector: int, streams: Collection[str]) -> dict[str, datetime]:
    """Those of the streams that have been read well, with when the first such read was begun."""
    rows = await pool.fetch(FIND_FIRST_READS, connector, list(streams))
    return {row["stream"]: row["started_at"] for row in rows}


async def has_synced_since(pool: Pool, connector: int, moment: datetime) -> bool:
    """Whether a sync is under way, or ended at `moment` or later. A killed one ends with its session."""
    found: bool = await pool.fetchval(HAS_SYNCED_SINCE, SYNC_LOCKS, connector, moment)
    return found


async def list_stream_runs(pool: Pool, run: UUID) -> Sequence[dict[str, Any]]:
    return [dict(row) for row in await pool.fetch(LIST_STREAMS, run)]
