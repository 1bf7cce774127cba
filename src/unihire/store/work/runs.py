"""Sync runs: what was asked for and is under way, how far each stream is, what came of it.

A run is asked for first, and taken up by whoever holds the connector (store/locks.py). Who takes it up raises its
`attempt`; everything saved for it says the attempt it belongs to, and nothing is saved for an earlier one. So a worker
that was given up for dead, or lost its lock with its connection, does no harm.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self
from uuid import UUID, uuid4

import asyncpg

from unihire.errors import Busy, Stopped
from unihire.kit.text import make_writable
from unihire.store import Connection, Pool
from unihire.store.feed.recency import FORGET_ROWS_READ
from unihire.store.locks import SYNC_LOCKS

LONGEST_WAIT = timedelta(hours=1)
"""No run is deferred for longer."""

REASON_LENGTH = 2000
"""So many characters of a reason are stored: it may quote a vendor."""

# The run of a connector that has not ended, if there is one: at most one.
FIND_UNFINISHED = """
    SELECT id, number, is_full, streams, coalesce(waits_until > now(), false) AS is_deferred
    FROM sync_run WHERE connector = $1 AND status IN ('queued', 'running')
"""

# A new run with the connector's next number.
INSERT_RUN = """
    INSERT INTO sync_run (id, connector, number, status, is_full, streams, is_scheduled, asked_at)
    SELECT $2, $1, coalesce(max(number), 0) + 1, 'queued', $3, $4::text[], $5, now() FROM sync_run WHERE connector = $1
    RETURNING number
"""

# Asking for a run of the connector, one after the other.
LOCK_ASKING = "SELECT FROM connector WHERE number = $1 FOR NO KEY UPDATE"

# Let a deferred run go on at once.
RELEASE_RUN = "UPDATE sync_run SET waits_until = NULL, waits_for = NULL WHERE connector = $1 AND id = $2"

# For how long the unfinished run is deferred.
FIND_WAIT = """
    SELECT waits_until - now() FROM sync_run
    WHERE connector = $1 AND status IN ('queued', 'running') AND waits_until > now()
"""

# Take up the unfinished run, unless it is deferred, with credentials of a version: nothing where the connector has
# others by now.
TAKE_RUN = """
    UPDATE sync_run SET status = 'running', attempt = attempt + 1, waits_until = NULL, waits_for = NULL,
        started_at = coalesce(started_at, now())
    FROM connector
    WHERE sync_run.connector = $1 AND sync_run.status IN ('queued', 'running')
        AND connector.number = $1 AND connector.credentials_version = $2
        AND (waits_until IS NULL OR waits_until <= now())
    RETURNING sync_run.connector, sync_run.id, sync_run.number, is_full, streams,
        is_scheduled, attempt, started_at, failures,
        started_at <> now() AS is_resumed
"""

# What runs before the new one met.
FORGET_SEEN = """
    WITH single AS (DELETE FROM seen WHERE connector = $1) DELETE FROM seen_page WHERE connector = $1
"""

# A stream's part in a run, unless it is there.
INSERT_STREAM = """
    INSERT INTO stream_run (run, connector, stream, window_start, is_tracking, phase, started_at)
    SELECT $2, $1, $3, $4::timestamptz, $4::timestamptz IS NULL AND (
        EXISTS (
            SELECT FROM unnest($5::smallint[]) AS kind (model) CROSS JOIN LATERAL (
                SELECT FROM record
                WHERE connector = $1 AND model = kind.model AND stream = $3 AND deleted_at IS NULL OFFSET 0
            ) AS found
        ) OR EXISTS (SELECT FROM joined WHERE connector = $1 AND origin = $3 OFFSET 0)
    ), 'walk', now()
    ON CONFLICT (connector, run, stream) DO NOTHING
"""

# The same, and how far the stream is; beside it what its work begins with: where the feed is, whether rows are
# quarantined and issues open. Nothing where another has put it in at the same moment.
OPEN_STREAM = f"""
    WITH made AS ({INSERT_STREAM} RETURNING *)
    SELECT part.*, coalesce((SELECT last_seq FROM feed WHERE connector = $1), 0) AS last_seq,
        EXISTS (SELECT FROM quarantine WHERE connector = $1 AND stream = $3 OFFSET 0) AS has_quarantine,
        EXISTS (SELECT FROM issue WHERE connector = $1 AND stream = $3 AND resolved_at IS NULL) AS has_issues
    FROM (
        SELECT * FROM made UNION ALL SELECT * FROM stream_run WHERE connector = $1 AND run = $2 AND stream = $3
    ) AS part
"""  # noqa: S608 - of constants

# The parts of several streams, each of what changed since a moment, and how far they are: those that were not there.
OPEN_STREAMS = """
    WITH made AS (
        INSERT INTO stream_run (run, connector, stream, window_start, is_tracking, phase, started_at)
        SELECT $2, $1, stream, since, false, 'walk', now()
        FROM unnest($3::text[], $4::timestamptz[]) AS wanted (stream, since)
        ON CONFLICT (connector, run, stream) DO NOTHING RETURNING *
    )
    SELECT made.*, coalesce((SELECT last_seq FROM feed WHERE connector = $1), 0) AS last_seq,
        EXISTS (SELECT FROM quarantine WHERE connector = $1 AND stream = made.stream OFFSET 0) AS has_quarantine,
        EXISTS (
            SELECT FROM issue WHERE connector = $1 AND stream = made.stream AND resolved_at IS NULL OFFSET 0
        ) AS has_issues
    FROM made
"""

# Of each list that was read well, when the latest such read was begun, by the vendor's clock, and the first and the
# latest whole one, by ours; and whether the clock was not set back since.
LIST_READS = """
    SELECT stream, first_read_at, last_read_at, last_whole_at, last_read_at <= now() AS is_past
    FROM stream_state WHERE connector = $1
"""

# What is known of each list that was read well.
LIST_STATES = "SELECT * FROM stream_state WHERE connector = $1 ORDER BY stream"

# Which of these streams have been read well, and when the first such read of each was begun.
FIND_FIRST_READS = "SELECT stream, first_read_at FROM stream_state WHERE connector = $1 AND stream = ANY($2)"

# The run, held as it is until the transaction ends, if it is still this attempt's.
HOLD_RUN = "SELECT FROM sync_run WHERE connector = $1 AND id = $2 AND attempt = $4 AND status = 'running' FOR SHARE"

# Store a stream's phase, cursor and counts: the last statement of the page's own work; only the change log is written
# after it. Updates nothing if another attempt has taken over the run, or the stream does not have the state that the
# previous page left: a crash of the server may have lost that page.
_MOVE = f"""
    UPDATE stream_run SET phase = $5, position = $6, read = read + $7, added = added + $8, changed = changed + $9,
        deleted = deleted + $10, quarantined = quarantined + $11, requests = requests + $12, waited = waited + $13,
        wrong_answers = wrong_answers + $14, incomplete = incomplete + $15, growth = $16, failures = 0
    FROM ({HOLD_RUN}) AS ours
    WHERE connector = $1 AND run = $2 AND stream = $3 AND phase = $17 AND position IS NOT DISTINCT FROM $18
        AND (read, deleted, requests) = ($19, $20, $21)
"""  # noqa: S608 - of constants
_MOVED = """
    RETURNING (SELECT is_paused FROM connector WHERE number = $1) AS is_paused,
        coalesce((SELECT last_seq FROM feed WHERE connector = $1), 0) AS last_seq
"""
MOVE_STREAM = f"{_MOVE} {_MOVED}"

# The same of a page of which every row is stored unchanged, with the ids seen, in one statement that is a transaction
# of its own; $23 is the page's `asked_seq`. Updates nothing either if rows were saved by id since: the page must then
# go through the write gate.
COMMIT_SKIPPED = f"""
    WITH moved AS (
        {_MOVE} AND EXISTS (SELECT FROM feed WHERE connector = $1 AND rows_read_seq <= $23) {_MOVED}
    ), noted AS (
        INSERT INTO seen_page (connector, stream, number, ids)
        SELECT $1, $3, coalesce(max(number), 0) + 1, $22::text[]::uuid[] FROM seen_page
        WHERE connector = $1 AND stream = $3 HAVING EXISTS (SELECT FROM moved)
    )
    SELECT is_paused, last_seq, set_config('synchronous_commit', 'off', true) FROM moved
"""  # noqa: S608 - of constants

# End a stream's part, with the reason if it failed; if it succeeded, nothing as above.
FINISH_STREAM = f"""
    UPDATE stream_run SET phase = 'done', position = NULL, finished_at = now(), error = $5,
        requests = requests + $6, waited = waited + $7
    FROM ({HOLD_RUN}) AS ours
    WHERE connector = $1 AND run = $2 AND stream = $3 AND ($5::text IS NOT NULL OR (
        phase = $8 AND position IS NOT DISTINCT FROM $9 AND (read, deleted, requests) = ($10, $11, $12)
    ))
    RETURNING started_at, window_start IS NULL AS is_whole, read
"""  # noqa: S608 - of constants

# A read that ended well is noted: where the next window starts goes by the vendor's clock, the rest by ours. The first
# one is not later than this one, whatever the clock said then.
ON_READ_AGAIN = """
    ON CONFLICT (connector, stream) DO UPDATE SET last_read_at = excluded.last_read_at,
        first_read_at = least(state.first_read_at, excluded.first_read_at),
        last_whole_at = coalesce(excluded.last_whole_at, state.last_whole_at),
        rows = coalesce(excluded.rows, state.rows)
"""

# Both, of a read of what changed; $13 is how far our clock runs ahead of the vendor's.
END_WINDOW = f"""
    WITH finished AS ({FINISH_STREAM}),
    noted AS (
        INSERT INTO stream_state AS state (connector, stream, first_read_at, last_read_at, last_whole_at, rows)
        SELECT $1, $3, started_at, started_at - $13::interval, CASE WHEN is_whole THEN started_at END,
            CASE WHEN is_whole THEN read END
        FROM finished WHERE $5::text IS NULL
        {ON_READ_AGAIN} RETURNING first_read_at
    )
    SELECT (SELECT first_read_at FROM noted) AS first_read_at,
        (SELECT is_paused FROM connector WHERE number = $1) AS is_paused
    FROM finished
"""  # noqa: S608 - of constants

# The same of a complete read: the ids seen are deleted, and with $14 also the quarantined rows that it did not
# quarantine again.
END_STREAM = END_WINDOW.replace(
    "noted AS (",
    """single AS (DELETE FROM seen WHERE connector = $1 AND stream = $3 AND EXISTS (SELECT FROM finished)),
    pages AS (DELETE FROM seen_page WHERE connector = $1 AND stream = $3 AND EXISTS (SELECT FROM finished)),
    released AS (
        DELETE FROM quarantine
        WHERE connector = $1 AND stream = $3 AND $14 AND noted_at < (SELECT started_at FROM finished)
    ),
    noted AS (""",
)

# Start a stream's phase over, keeping what it counted. Nothing where the run is no longer this attempt's.
RESTART_PHASE = f"""
    UPDATE stream_run SET phase = $5, position = NULL, growth = NULL FROM ({HOLD_RUN}) AS ours
    WHERE connector = $1 AND run = $2 AND stream = $3 RETURNING run
"""  # noqa: S608 - of constants

# Count what ended a stream's part before a page was saved and nobody foresaw. Nothing where the run is no longer this
# attempt's.
NOTE_FAULT = f"""
    UPDATE stream_run SET failures = failures + 1 FROM ({HOLD_RUN}) AS ours
    WHERE connector = $1 AND run = $2 AND stream = $3 RETURNING failures
"""  # noqa: S608 - of constants

# End a run, if it is still this attempt's.
FINISH_RUN = """
    UPDATE sync_run SET status = $4, finished_at = now(), error = $5, waits_until = NULL, waits_for = NULL
    WHERE connector = $1 AND id = $2 AND attempt = $3 AND status = 'running'
"""

# End whatever run of the connector has not ended.
CANCEL_RUN = """
    UPDATE sync_run SET status = 'cancelled', finished_at = now(), waits_until = NULL, waits_for = NULL
    WHERE connector = $1 AND status IN ('queued', 'running') RETURNING id
"""

# Note that a run is deferred, for how long and why; with or without a failure.
DEFER_RUN = """
    UPDATE sync_run SET waits_until = now() + $4::interval, waits_for = $5, failures = $6
    WHERE connector = $1 AND id = $2 AND attempt = $3 AND status = 'running'
    RETURNING waits_until
"""

# The parts of a run, for telling.
LIST_STREAMS = "SELECT * FROM stream_run WHERE connector = $1 AND run = $2 ORDER BY started_at, stream"

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
FIND_LATEST = "SELECT *, now() AS now FROM sync_run WHERE connector = $1 ORDER BY number DESC LIMIT 1"

GET_RUN = "SELECT * FROM sync_run WHERE connector = $1 AND id = $2"


@dataclass(frozen=True, slots=True)
class Run:
    """A run that was taken up. `streams` are the names of those to read, None: all."""

    connector: int
    id: UUID
    number: int
    is_full: bool
    streams: tuple[str, ...] | None
    is_scheduled: bool
    attempt: int
    started_at: datetime
    failures: int
    is_resumed: bool


class StreamPosition(NamedTuple):
    """The state of a stream after its last committed page; the next page commits only if the row still has it."""

    phase: str
    position: str | None
    read: int
    deleted: int
    requests: int


class StreamMoved(NamedTuple):
    """What a commit returns of the connector: whether it is paused, and its feed's last position."""

    is_paused: bool
    last_seq: int


class StreamFinished(NamedTuple):
    """What is known when a stream ended: whether the connector is paused; where it ended well, when the first such read
    of it was begun.
    """

    is_paused: bool
    first_read_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Extent:
    """How much a run reads; `streams` None: all."""

    is_full: bool
    streams: frozenset[str] | None

    @classmethod
    def of(cls, is_full: bool, streams: Collection[str] | None) -> Self:
        return cls(is_full, None if streams is None else frozenset(streams))

    def covers(self, other: "_Extent") -> bool:
        if other.is_full and not self.is_full:
            return False
        return self.streams is None or (other.streams is not None and other.streams <= self.streams)


@dataclass(frozen=True, slots=True)
class RequestedRun:
    """The run that does what was asked for; one that was under way already, or a new one.

    `was_deferred`: the one under way waited for its time, which is over since it was asked for.
    """

    id: UUID
    number: int
    is_new: bool
    was_deferred: bool = False


async def ask_run(
    connection: Connection,
    connector: int,
    *,
    full: bool = False,
    streams: Collection[str] | None = None,
    is_scheduled: bool = False,
) -> RequestedRun:
    """Ask for a run. Call inside a transaction: it is there for others when that commits.

    An unfinished run that covers what is asked for is the answer, and what the schedule asks for is always covered.
    One that what is asked for covers is cancelled. Unless the schedule asks, it is no longer deferred. Raises Busy
    where neither covers the other.
    """
    was_deferred = False
    await connection.execute(LOCK_ASKING, connector)
    row = await connection.fetchrow(FIND_UNFINISHED, connector)
    if row is not None:
        old, new = _Extent.of(row["is_full"], row["streams"]), _Extent.of(full, streams)
        was_deferred = row["is_deferred"] and not is_scheduled
        if is_scheduled or old.covers(new):
            if was_deferred:
                await connection.execute(RELEASE_RUN, connector, row["id"])
            return RequestedRun(row["id"], row["number"], is_new=False, was_deferred=was_deferred)
        if not new.covers(old):
            raise Busy(f"run {row['number']} of the connector is under way: cancel it or ask again when it has ended")
        await connection.execute(CANCEL_RUN, connector)
    id = uuid4()
    names = None if streams is None else sorted(streams)
    number: int = await connection.fetchval(INSERT_RUN, connector, id, full, names, is_scheduled)
    return RequestedRun(id, number, is_new=True, was_deferred=was_deferred)


async def take_run(pool: Pool, connector: int, *, version: int) -> Run | None:
    """Take up the connector's unfinished run; None where there is none or it is deferred. Call as its holder.

    `version` is that of the credentials it is to be worked on with: new ones cancel a run that was taken up, and none
    is taken up with old ones.
    """
    async with pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(TAKE_RUN, connector, version)
        if row is None:
            return None
        await connection.execute(FORGET_ROWS_READ, connector)  # no page of an earlier attempt is saved any more
        if not row["is_resumed"]:
            await connection.execute(FORGET_SEEN, connector)
        names = None if row["streams"] is None else tuple(row["streams"])
        return Run(**{**row, "streams": names})


async def find_wait(pool: Pool, connector: int) -> timedelta | None:
    """For how long the connector's unfinished run is deferred, if it is."""
    wait: timedelta | None = await pool.fetchval(FIND_WAIT, connector)
    return wait


async def open_stream(
    pool: Pool,
    run: Run,
    stream: str,
    *,
    window_start: datetime | None,
    models: Sequence[int],
) -> Mapping[str, Any]:
    """The stream's part in the run, made if it is not there, and what is known besides of where its work begins:
    `last_seq`, `has_quarantine` and `has_issues`.

    A complete read (no `window_start`) notes what it meets only where there is something it could find missing.
    """
    opened = OPEN_STREAM, run.connector, run.id, stream, window_start, models
    rows = await pool.fetch(*opened) or await pool.fetch(*opened)
    return dict(rows[0])


async def open_streams(pool: Pool, run: Run, windows: Mapping[str, datetime]) -> dict[str, Mapping[str, Any]]:
    """As `open_stream`, at once, of streams of each of which what changed since a moment is read.

    Those that the run has already are left out.
    """
    if not windows:
        return {}
    rows = await pool.fetch(OPEN_STREAMS, run.connector, run.id, list(windows), list(windows.values()))
    return {row["stream"]: dict(row) for row in rows}


async def move_stream(
    connection: Connection | Pool,
    run: Run,
    stream: str,
    phase: str,
    position: str | None,
    counted: Sequence[float],
    *,
    before: StreamPosition,
    growth: bytes | None = None,
) -> StreamMoved:
    """Move a stream on from `before`; the last statement of a page's transaction.

    `counted` is what is to be added: read, added, changed, deleted, quarantined, requests, waited, wrong answers,
    incomplete; `growth` is stored beside the position (sync/growth.py). Raises Stopped, with which the transaction is
    to be undone, where the run was cancelled or taken over, or the stream stands elsewhere.
    """
    row = await connection.fetchrow(
        MOVE_STREAM, run.connector, run.id, stream, run.attempt, phase, position, *counted, growth, *before
    )
    if row is None:
        raise Superseded(run)
    return StreamMoved(row["is_paused"], row["last_seq"])


async def commit_skipped(
    pool: Pool,
    run: Run,
    stream: str,
    phase: str,
    position: str | None,
    counted: Sequence[float],
    *,
    before: StreamPosition,
    growth: bytes | None,
    seen: Sequence[str],
    asked_seq: int,
) -> StreamMoved | None:
    """As `move_stream`, for a page of which nothing is saved but the ids that a complete read saw.

    None: rows were saved by id at a position higher than `asked_seq`, or another attempt has taken over the run, so the
    page must go through the write gate. A crash of the server may lose the commit, as that of any page.
    """
    row = await pool.fetchrow(
        COMMIT_SKIPPED, run.connector, run.id, stream, run.attempt, phase, position, *counted, growth, *before, seen,
        asked_seq,
    )  # fmt: skip
    return None if row is None else StreamMoved(row["is_paused"], row["last_seq"])


async def restart_phase(connection: Connection | Pool, run: Run, stream: str, phase: str) -> None:
    """Start a stream's phase over. Raises Stopped as `move_stream` does."""
    if await connection.fetchval(RESTART_PHASE, run.connector, run.id, stream, run.attempt, phase) is None:
        raise Superseded(run)


async def note_fault(pool: Pool, run: Run, stream: str) -> int:
    """Count that the stream's part ended in a way nobody foresaw; returns how often in a row, without a page saved.

    Raises Stopped as `move_stream` does.
    """
    failures: int | None = await pool.fetchval(NOTE_FAULT, run.connector, run.id, stream, run.attempt)
    if failures is None:
        raise Superseded(run)
    return failures


async def finish_stream(
    connection: Connection | Pool,
    run: Run,
    stream: str,
    error: str | None,
    *,
    lead: timedelta,
    requests: int,
    waited: float,
    before: StreamPosition,
    is_window: bool = False,
    has_seen_all: bool = False,
) -> StreamFinished:
    """End a stream's part. Raises Stopped as `move_stream` does.

    `lead` is how far the database's clock runs ahead of the vendor's, by which rows are dated. `is_window`: only
    changed rows were read, and no ids stored as seen. `has_seen_all`: quarantined rows that were not quarantined again
    no longer exist.
    """
    reason = error and make_writable(error, REASON_LENGTH)
    ended = run.connector, run.id, stream, run.attempt, reason, requests, waited, *before, lead
    row = await (
        connection.fetchrow(END_WINDOW, *ended) if is_window else connection.fetchrow(END_STREAM, *ended, has_seen_all)
    )
    if row is None:
        raise Superseded(run)
    return StreamFinished(row["is_paused"], row["first_read_at"])


async def finish_run(pool: Pool, run: Run, status: str, error: str | None) -> None:
    """End the run, if it is still this attempt's; `error` is what ended it, where it failed as a whole."""
    reason = error and make_writable(error, REASON_LENGTH)
    await pool.execute(FINISH_RUN, run.connector, run.id, run.attempt, status, reason)


async def defer_run(pool: Pool, run: Run, after: timedelta, reason: str, failures: int) -> datetime | None:
    """Let the run wait for so long; returns until when, None where it is no longer this attempt's."""
    reason = make_writable(reason, REASON_LENGTH)
    until: datetime | None = await pool.fetchval(DEFER_RUN, run.connector, run.id, run.attempt, after, reason, failures)
    return until


class Superseded(Stopped):
    """The run was cancelled, somebody else has taken it up, or the database lost what was saved last."""

    def __init__(self, run: Run) -> None:
        super().__init__(
            f"run {run.number} was cancelled, taken over or set back by a crash of the database: nothing more is saved "
            "for this attempt"
        )


async def list_reads(pool: Pool, connector: int) -> dict[str, asyncpg.Record]:
    """Of each list that was read well, when it was, by its name."""
    return {row["stream"]: row for row in await pool.fetch(LIST_READS, connector)}


async def find_first_reads(pool: Pool, connector: int, streams: Collection[str]) -> dict[str, datetime]:
    """Those of the streams that have been read well, with when the first such read was begun."""
    rows = await pool.fetch(FIND_FIRST_READS, connector, list(streams))
    return {row["stream"]: row["first_read_at"] for row in rows}


async def has_synced_since(pool: Pool, connector: int, moment: datetime) -> bool:
    """Whether a sync is under way, or ended at `moment` or later. A killed one ends with its session."""
    found: bool = await pool.fetchval(HAS_SYNCED_SINCE, SYNC_LOCKS, connector, moment)
    return found


async def list_stream_runs(pool: Pool, connector: int, run: UUID) -> Sequence[dict[str, Any]]:
    return [dict(row) for row in await pool.fetch(LIST_STREAMS, connector, run)]
