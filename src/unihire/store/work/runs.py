"""Sync runs: requested and running ones, the progress of each stream, and how they ended.

A run is requested first, and then taken by the worker that holds the connector's lock (store/locks.py), which raises
its `attempt`. Everything saved for a run names its attempt, and nothing is saved for an earlier one. So a worker that
was taken for dead, or lost its lock with its connection, does no harm.
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
from unihire.store.events.notices import NewNotice, add_notices
from unihire.store.feed.recency import FORGET_ROWS_READ
from unihire.store.locks import SYNC_LOCKS
from unihire.store.work.run_notices import describe_beginning, describe_end

LONGEST_WAIT = timedelta(hours=1)
"""No run is deferred for longer."""

REASON_LENGTH = 2000
"""At most this many characters of a reason are stored: it may quote a vendor."""

# The run of a connector that has not ended, if there is one: at most one.
FIND_UNFINISHED = """
    SELECT id, number, is_full, is_fast, streams, coalesce(waits_until > now(), false) AS is_deferred
    FROM sync_run WHERE connector = $1 AND status IN ('queued', 'running')
"""

# A new run with the connector's next number.
INSERT_RUN = """
    INSERT INTO sync_run (id, connector, number, status, is_full, streams, is_scheduled, asked_at)
    SELECT $2, $1, coalesce(max(number), 0) + 1, 'queued', $3, $4::text[], $5, now() FROM sync_run WHERE connector = $1
    RETURNING number
"""

# Lock the connector: runs of it are requested one after another.
LOCK_ASKING = "SELECT FROM connector WHERE number = $1 FOR NO KEY UPDATE"

# End the wait of a deferred run.
RELEASE_RUN = "UPDATE sync_run SET waits_until = NULL, waits_for = NULL WHERE connector = $1 AND id = $2"

# For how long the unfinished run is deferred.
FIND_WAIT = """
    SELECT waits_until - now() FROM sync_run
    WHERE connector = $1 AND status IN ('queued', 'running') AND waits_until > now()
"""

# Take the unfinished run, unless it is deferred. Updates nothing if the connector's credentials are no longer of this
# version.
TAKE_RUN = """
    UPDATE sync_run SET status = 'running', attempt = attempt + 1, waits_until = NULL, waits_for = NULL,
        started_at = coalesce(started_at, now())
    FROM connector
    WHERE sync_run.connector = $1 AND sync_run.status IN ('queued', 'running')
        AND connector.number = $1 AND connector.credentials_version = $2
        AND (waits_until IS NULL OR waits_until <= now())
    RETURNING sync_run.connector, sync_run.id, sync_run.number, is_full, streams,
        is_scheduled, is_fast, attempt, started_at, failures,
        started_at <> now() AS is_resumed, (SELECT has_lanes FROM feed WHERE feed.connector = $1) AS has_lanes
"""

# Delete the ids that earlier runs saw.
FORGET_SEEN = """
    WITH single AS (DELETE FROM seen WHERE connector = $1) DELETE FROM seen_page WHERE connector = $1
"""

# Whether anything of a stream is stored that a complete read could miss.
HAS_STORED = """(EXISTS (
        SELECT FROM unnest({models}::smallint[]) AS kind (model) CROSS JOIN LATERAL (
            SELECT FROM record
            WHERE connector = $1 AND model = kind.model AND stream = {stream} AND deleted_at IS NULL OFFSET 0
        ) AS found
    ) OR EXISTS (SELECT FROM joined WHERE connector = $1 AND origin = {stream} OFFSET 0))"""

# Insert a stream's part in a run, unless it is there.
INSERT_STREAM = f"""
    INSERT INTO stream_run (run, connector, stream, window_start, is_tracking, phase, started_at)
    SELECT $2, $1, $3, $4::timestamptz,
        $4::timestamptz IS NULL AND {HAS_STORED.format(stream="$3", models="$5")}, 'walk', now()
    ON CONFLICT (connector, run, stream) DO NOTHING
"""

# The same, and return the stream's progress with what its work needs to begin: the feed's last position, whether rows
# are quarantined and whether issues are open. No row if another transaction inserts it at the same moment.
OPEN_STREAM = f"""
    WITH made AS ({INSERT_STREAM} RETURNING *)
    SELECT part.*, coalesce((SELECT last_seq FROM feed WHERE connector = $1), 0) AS last_seq,
        EXISTS (SELECT FROM quarantine WHERE connector = $1 AND stream = $3 OFFSET 0) AS has_quarantine,
        EXISTS (SELECT FROM issue WHERE connector = $1 AND stream = $3 AND resolved_at IS NULL) AS has_issues
    FROM (
        SELECT * FROM made UNION ALL SELECT * FROM stream_run WHERE connector = $1 AND run = $2 AND stream = $3
    ) AS part
"""  # noqa: S608 - of constants

# Insert the parts of several streams that read only rows changed since a moment; returns those that were not there.
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

# Of each stream with a successful read, when the latest began, by the vendor's clock, the first and the latest
# complete one, by ours, and the sync token it ended with; `is_past` is false if the clock was set back since.
LIST_READS = """
    SELECT stream, first_read_at, last_read_at, last_whole_at, sync_token, last_read_at <= now() AS is_past
    FROM stream_state WHERE connector = $1
"""

# The state of each stream with a successful read.
LIST_STATES = "SELECT * FROM stream_state WHERE connector = $1 ORDER BY stream"

# Those of these streams with a successful read, and when the first one began.
FIND_FIRST_READS = "SELECT stream, first_read_at FROM stream_state WHERE connector = $1 AND stream = ANY($2)"

# Lock the run until the transaction ends, if no other attempt has taken it over.
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

# End a stream's part, with why it failed or what of its rows is not read; if it succeeded ($13), nothing as above.
FINISH_STREAM = f"""
    UPDATE stream_run SET phase = 'done', position = NULL, finished_at = now(), error = $5,
        requests = requests + $6, waited = waited + $7
    FROM ({HOLD_RUN}) AS ours
    WHERE connector = $1 AND run = $2 AND stream = $3 AND (NOT $13::boolean OR (
        phase = $8 AND position IS NOT DISTINCT FROM $9 AND (read, deleted, requests) = ($10, $11, $12)
    ))
    RETURNING started_at, window_start IS NULL AS is_whole, read, sync_token
"""  # noqa: S608 - of constants

# Store a successful read: the start of the next window by the vendor's clock, the rest by ours. The first read is not
# later than this one, whatever the clock said then.
ON_READ_AGAIN = """
    ON CONFLICT (connector, stream) DO UPDATE SET last_read_at = excluded.last_read_at,
        first_read_at = least(state.first_read_at, excluded.first_read_at),
        last_whole_at = coalesce(excluded.last_whole_at, state.last_whole_at), sync_token = excluded.sync_token,
        rows = coalesce(excluded.rows, state.rows)
"""

# Both, after a read of changed rows; $14 is how far our clock runs ahead of the vendor's, $15 the sync token.
END_WINDOW = f"""
    WITH finished AS ({FINISH_STREAM}),
    noted AS (
        INSERT INTO stream_state AS state (
            connector, stream, first_read_at, last_read_at, last_whole_at, rows, sync_token
        )
        SELECT $1, $3, started_at, started_at - $14::interval, CASE WHEN is_whole THEN started_at END,
            CASE WHEN is_whole THEN read END, coalesce($15, finished.sync_token)
        FROM finished WHERE $13
        {ON_READ_AGAIN} RETURNING first_read_at
    )
    SELECT (SELECT first_read_at FROM noted) AS first_read_at,
        (SELECT is_paused FROM connector WHERE number = $1) AS is_paused
    FROM finished
"""  # noqa: S608 - of constants

# The same of a complete read: the ids seen are deleted, and with $16 also the quarantined rows that it did not
# quarantine again.
END_STREAM = END_WINDOW.replace(
    "noted AS (",
    """single AS (DELETE FROM seen WHERE connector = $1 AND stream = $3 AND EXISTS (SELECT FROM finished)),
    pages AS (DELETE FROM seen_page WHERE connector = $1 AND stream = $3 AND EXISTS (SELECT FROM finished)),
    released AS (
        DELETE FROM quarantine
        WHERE connector = $1 AND stream = $3 AND $16 AND noted_at < (SELECT started_at FROM finished)
    ),
    noted AS (""",
)

# Start a stream's phase again, with its counts unchanged. Updates nothing if another attempt has taken over the run.
RESTART_PHASE = f"""
    UPDATE stream_run SET phase = $5, position = NULL, growth = NULL FROM ({HOLD_RUN}) AS ours
    WHERE connector = $1 AND run = $2 AND stream = $3 RETURNING run
"""  # noqa: S608 - of constants

# Count an unexpected error that ended a stream's part before a page was saved. Updates nothing if another attempt has
# taken over the run.
NOTE_FAULT = f"""
    UPDATE stream_run SET failures = failures + 1 FROM ({HOLD_RUN}) AS ours
    WHERE connector = $1 AND run = $2 AND stream = $3 RETURNING failures
"""  # noqa: S608 - of constants

# End a run, unless another attempt has taken it over.
FINISH_RUN = """
    UPDATE sync_run SET status = $4, finished_at = now(), error = $5, waits_until = NULL, waits_for = NULL
    WHERE connector = $1 AND id = $2 AND attempt = $3 AND status = 'running'
    RETURNING id, number, status, is_full, is_fast, is_scheduled, started_at, finished_at, error
"""

# The same if the connector has no lanes; whether it has, and nothing was changed.
FINISH_UNSENT = f"""
    WITH lanes AS (SELECT FROM feed WHERE connector = $1 AND has_lanes), finished AS (
        {FINISH_RUN.partition("RETURNING")[0]} AND NOT EXISTS (SELECT FROM lanes)
    )
    SELECT EXISTS (SELECT FROM lanes)
"""  # noqa: S608 - of constants

# Cancel the connector's unfinished run.
CANCEL_RUN = """
    UPDATE sync_run SET status = 'cancelled', finished_at = now(), waits_until = NULL, waits_for = NULL
    WHERE connector = $1 AND status IN ('queued', 'running')
    RETURNING id, number, status, is_full, is_fast, is_scheduled, started_at, finished_at, error
"""

# Defer a run: for how long, why, and its failures in a row.
DEFER_RUN = """
    UPDATE sync_run SET waits_until = now() + $4::interval, waits_for = $5, failures = $6
    WHERE connector = $1 AND id = $2 AND attempt = $3 AND status = 'running'
    RETURNING waits_until
"""

# The streams of a run, to be shown.
LIST_STREAMS = "SELECT * FROM stream_run WHERE connector = $1 AND run = $2 ORDER BY started_at, stream"

# The latest complete read of each stream: how it ended, or that it has not.
FIND_COMPLETE_READS = """
    SELECT DISTINCT ON (stream) stream, started_at, finished_at, phase, error FROM stream_run
    WHERE connector = $1 AND window_start IS NULL ORDER BY stream, started_at DESC
"""

# Whether the connector is being synced, or a run of it ended at $3 or later.
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
    """A run that was taken by a worker. `streams` are the names of those to read, None: all.

    One that `is_fast` reads only what changed, and nobody is sent notices of it.
    """

    connector: int
    id: UUID
    number: int
    is_full: bool
    streams: tuple[str, ...] | None
    is_scheduled: bool
    is_fast: bool
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
    """What is returned when a stream ended: whether the connector is paused, and when the stream's first successful
    read began; None if this one failed.
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
    """The run that does what was requested: an unfinished one, or a new one.

    `was_deferred`: the unfinished run was deferred; the request ended its wait. `happened`: notices to write at the end
    of the transaction.
    """

    id: UUID
    number: int
    is_new: bool
    was_deferred: bool = False
    happened: Sequence[NewNotice] = ()


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
    One that what is asked for covers is cancelled, and so is a fast one. Unless the schedule asks, it is no longer
    deferred. Raises Busy where neither covers the other.
    """
    was_deferred = False
    happened: Sequence[NewNotice] = ()
    await connection.execute(LOCK_ASKING, connector)
    row = await connection.fetchrow(FIND_UNFINISHED, connector)
    if row is not None:
        old, new = _Extent.of(row["is_full"], row["streams"]), _Extent.of(full, streams)
        was_deferred = row["is_deferred"] and not is_scheduled
        if not row["is_fast"] and (is_scheduled or old.covers(new)):
            if was_deferred:
                await connection.execute(RELEASE_RUN, connector, row["id"])
            return RequestedRun(row["id"], row["number"], is_new=False, was_deferred=was_deferred)
        if not (row["is_fast"] or new.covers(old)):
            raise Busy(f"run {row['number']} of the connector is under way: cancel it or ask again when it has ended")
        _, happened = await cancel_run(connection, connector)
    id = uuid4()
    names = None if streams is None else sorted(streams)
    number: int = await connection.fetchval(INSERT_RUN, connector, id, full, names, is_scheduled)
    return RequestedRun(id, number, is_new=True, was_deferred=was_deferred, happened=happened)


async def cancel_run(connection: Connection, connector: int) -> tuple[asyncpg.Record | None, Sequence[NewNotice]]:
    """Cancel the connector's unfinished run; returns it, and the notices to write at the end of the transaction."""
    row = await connection.fetchrow(CANCEL_RUN, connector)
    if row is None or row["started_at"] is None or row["is_fast"]:
        return row, ()
    return row, [await describe_end(connection, connector, row)]


async def take_run(pool: Pool, connector: int, *, version: int) -> Run | None:
    """Take the connector's unfinished run; None if there is none or it is deferred. Call with the sync lock held.

    `version` is that of the credentials the caller has: new credentials cancel a running run, and no run is taken with
    old ones.
    """
    async with pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(TAKE_RUN, connector, version)
        if row is None:
            return None
        await connection.execute(FORGET_ROWS_READ, connector)  # no page of an earlier attempt is saved any more
        if not row["is_resumed"]:
            await connection.execute(FORGET_SEEN, connector)
            if row["has_lanes"] and not row["is_fast"]:
                await add_notices(connection, connector, [describe_beginning(row)])
        names = None if row["streams"] is None else tuple(row["streams"])
        return Run(**{**{name: row[name] for name in Run.__slots__}, "streams": names})


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
    """The stream's part in the run, inserted if it is not there, with `last_seq`, `has_quarantine` and `has_issues`.

    A complete read (no `window_start`) stores the ids seen only if something is stored that could be missing.
    """
    opened = OPEN_STREAM, run.connector, run.id, stream, window_start, models
    return dict((await pool.fetch(*opened) or await pool.fetch(*opened))[0])


async def open_streams(pool: Pool, run: Run, windows: Mapping[str, datetime]) -> dict[str, Mapping[str, Any]]:
    """As `open_stream`, for several streams that read only rows changed since a moment.

    Those that the run has already are left out.
    """
    if not windows:
        return {}
    found = await pool.fetch(OPEN_STREAMS, run.connector, run.id, list(windows), list(windows.values()))
    return {row["stream"]: dict(row) for row in found}


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
    """Store a stream's phase, cursor (`position`) and counts; only the change log is written after it.

    `before` is the state it must have. `counted` is added to its counts: read, added, changed, deleted, quarantined,
    requests, waited, wrong answers, incomplete. `growth` is stored beside the cursor (sync/growth.py). Raises Stopped
    if the run was cancelled or taken over, or the stream has another state: roll the transaction back then.
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
    """Start a stream's phase again. Raises Stopped as `move_stream` does."""
    if await connection.fetchval(RESTART_PHASE, run.connector, run.id, stream, run.attempt, phase) is None:
        raise Superseded(run)


async def note_fault(pool: Pool, run: Run, stream: str) -> int:
    """Count an unexpected error that ended the stream's part; returns how many in a row, without a page saved.

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
    token: str | None = None,
    lacking: str | None = None,
) -> StreamFinished:
    """End a stream's part; without an `error` it was read, and `lacking` says what of its rows was not.

    `lead` is how far the database's clock runs ahead of the vendor's, by which rows are dated. `is_window`: only
    changed rows were read, and no ids stored as seen. `has_seen_all`: quarantined rows that were not quarantined again
    no longer exist. `token` is the sync token, unless noted with a page. Raises Stopped as `move_stream` does.
    """
    reason = (said := error or lacking) and make_writable(said, REASON_LENGTH)
    ended = run.connector, run.id, stream, run.attempt, reason, requests, waited, *before, error is None, lead, token
    row = await connection.fetchrow(*((END_WINDOW, *ended) if is_window else (END_STREAM, *ended, has_seen_all)))
    if row is None:
        raise Superseded(run)
    return StreamFinished(row["is_paused"], row["first_read_at"])


async def finish_run(pool: Pool, run: Run, status: str, error: str | None) -> None:
    """End the run, unless another attempt has taken it over; `error` is why it failed as a whole, if it did."""
    reason = error and make_writable(error, REASON_LENGTH)
    ended = run.connector, run.id, run.attempt, status, reason
    if run.is_fast:
        await pool.execute(FINISH_RUN, *ended)
        return
    if not await pool.fetchval(FINISH_UNSENT, *ended):
        return
    async with pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(FINISH_RUN, *ended)
        if row is not None:
            happened = await describe_end(connection, run.connector, row)
            await add_notices(connection, run.connector, [happened])


async def defer_run(pool: Pool, run: Run, after: timedelta, reason: str, failures: int) -> datetime | None:
    """Defer the run; returns until when, None if another attempt has taken it over."""
    reason = make_writable(reason, REASON_LENGTH)
    until: datetime | None = await pool.fetchval(DEFER_RUN, run.connector, run.id, run.attempt, after, reason, failures)
    return until


class Superseded(Stopped):
    """The run was cancelled or taken over by another attempt, or the database lost what was saved last."""

    def __init__(self, run: Run) -> None:
        super().__init__(
            f"run {run.number} was cancelled, taken over or set back by a crash of the database: nothing more is saved "
            "for this attempt"
        )


async def list_reads(pool: Pool, connector: int) -> dict[str, asyncpg.Record]:
    """Of each stream with a successful read, when it was, by its name."""
    return {row["stream"]: row for row in await pool.fetch(LIST_READS, connector)}


async def find_first_reads(pool: Pool, connector: int, streams: Collection[str]) -> dict[str, datetime]:
    """Those of the streams with a successful read, and when the first one began."""
    rows = await pool.fetch(FIND_FIRST_READS, connector, list(streams))
    return {row["stream"]: row["first_read_at"] for row in rows}


async def has_synced_since(pool: Pool, connector: int, moment: datetime) -> bool:
    """Whether a sync is running, or ended at `moment` or later. A killed one ends with its session."""
    return bool(await pool.fetchval(HAS_SYNCED_SINCE, SYNC_LOCKS, connector, moment))


async def list_stream_runs(pool: Pool, connector: int, run: UUID) -> Sequence[dict[str, Any]]:
    return [dict(row) for row in await pool.fetch(LIST_STREAMS, connector, run)]
