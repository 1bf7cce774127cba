"""Writes through the unified API: each a row from before its first call to the vendor until it is forgotten.

All moments are the database's. A write whose process is gone is taken up again by who has its key, by the queue, or by
nobody: then it stays `running`, and once its claim is over it counts as `perhaps_made` if a step was sent.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from unihire.store import Pool
from unihire.store.audit import Act, log_act
from unihire.store.calls.operations import WriteStep
from unihire.store.calls.writes import OPEN_WRITE, SET_ROW
from unihire.store.events.notices import NewNotice, add_notices

QUEUE_CHANNEL = "unihire_writes"
"""Notified when a write waits to be done."""

# Begin a write, claimed for $12 (null: not at all), or begin again the one under its key. No row: that is another one,
# or was done, or somebody works on it, by a claim of $13 at most. A crash of the server may lose one that is done at
# once: nothing is sent before its first step is stored, which waits for the disk and for all that was committed before.
BEGIN_WRITE = """
    INSERT INTO unified_write AS write
        (connector, id, key, model, verb, target, asked_by, actor, input_hash, body, status, claimed_until)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, now() + $12::interval)
    ON CONFLICT (connector, key) WHERE key IS NOT NULL DO UPDATE SET
        status = excluded.status, actor = excluded.actor, body = excluded.body, ended_at = NULL,
        claimed_until = excluded.claimed_until
    WHERE write.answer IS NULL AND write.input_hash = excluded.input_hash AND (
        write.claimed_until IS NULL
        OR write.claimed_until NOT BETWEEN now() AND now() + $13::interval + '1 minute'::interval
    )
    RETURNING id, input_hash, steps, answer, status,
        CASE WHEN status = 'running' THEN set_config('synchronous_commit', 'off', true) END
"""

# Take up a write that nobody works on, for a time.
TAKE_UP_WRITE = """
    UPDATE unified_write SET claimed_until = now() + $3::interval
    WHERE connector = $1 AND id = $2 AND (
        claimed_until IS NULL OR claimed_until NOT BETWEEN now() AND now() + $3::interval + '1 minute'::interval
    )
    RETURNING *
"""

SAVE_WRITE_STEPS = "UPDATE unified_write SET steps = $3 WHERE connector = $1 AND id = $2"

# Store the steps of the write $4 and note the thing that the last of them is about to make. No row: the connector is
# gone.
OPEN_STEP = f"""
    WITH noted AS (UPDATE unified_write SET steps = $5 WHERE connector = $1 AND id = $4)
    {OPEN_WRITE}
"""  # noqa: S608 - of constants

# Store the steps of the write $4 and note which row one of them made, unless it is another's. A crash of the server may
# lose this: the row is then looked for, as where the process was killed. The end of the write waits for the disk.
NOTE_STEP_ROW = f"""
    WITH noted AS (
        UPDATE unified_write SET steps = $5 WHERE connector = $1 AND id = $4
        RETURNING set_config('synchronous_commit', 'off', true)
    ), made AS ({SET_ROW})
    SELECT count(*) FROM noted
"""  # noqa: S608 - of constants

# End work on a write: it is over, or waits for somebody to take it up.
END_WRITE = """
    UPDATE unified_write SET status = $3, answer = coalesce($4, answer), record = coalesce($5, record), message = $6,
        refusal = $7, steps = $8, claimed_until = NULL, ended_at = now(), body = CASE WHEN $9 THEN body END
    WHERE connector = $1 AND id = $2
"""

# The same where nothing else is to be done in the transaction: the write is not queued and, where something happened
# ($10), the connector has no lanes that notices are for. No row: it is, or has, or is gone.
END_WRITE_ALONE = f"""
    {END_WRITE.strip()}
        AND NOT EXISTS (SELECT FROM write_queue WHERE connector = $1 AND id = $2)
        AND NOT ($10 AND EXISTS (SELECT FROM lane WHERE connector = $1))
    RETURNING id
"""  # noqa: S608 - of constants

# The write under a key.
FIND_UNDER_KEY = """
    SELECT id, input_hash, steps, answer, status FROM unified_write WHERE connector = $1 AND key = $2
"""

# Let others take up a write.
RELEASE_WRITE = "UPDATE unified_write SET claimed_until = NULL WHERE connector = $1 AND id = $2"

# The position of a live record.
FIND_SEQ = """
    SELECT seq FROM (
        SELECT seq, deleted_at FROM record WHERE connector = $1 AND id = $2::text::uuid OFFSET 0
    ) AS found
    WHERE deleted_at IS NULL
"""

GET_WRITE = "SELECT * FROM unified_write WHERE connector = $1 AND id = $2"

# Writes of a connector, the latest first: ids are in the order of time.
LIST_WRITES = """
    SELECT * FROM unified_write
    WHERE connector = $1 AND ($2::uuid IS NULL OR id < $2) AND ($3::text IS NULL OR status = $3)
        AND ($5::smallint[] IS NULL OR model = ANY($5))
    ORDER BY id DESC LIMIT $4
"""

ENQUEUE = "INSERT INTO write_queue (connector, id) VALUES ($1, $2) ON CONFLICT DO NOTHING"

DEQUEUE = "DELETE FROM write_queue WHERE connector = $1 AND id = $2"

# Take the write that waited longest; another process may have it when this time is over.
CLAIM_QUEUED = """
    UPDATE write_queue SET due_at = now() + $1::interval, tries = tries + 1
    WHERE (connector, id) = (
        SELECT connector, id FROM write_queue WHERE due_at <= now() ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING connector, id, tries
"""

# Let a write that could not be done now wait for some time.
DEFER_QUEUED = "UPDATE write_queue SET due_at = now() + $3::interval WHERE connector = $1 AND id = $2"

# Writes that ended long ago, some at a time.
DROP_OLD_UNIFIED = """
    DELETE FROM unified_write WHERE (connector, id) IN (
        SELECT connector, id FROM unified_write WHERE asked_at < now() - $1::interval LIMIT $2
    )
"""

# What these records are, by our ids.
FIND_REMOTE_IDS = """
    SELECT id::text, model, remote_id, deleted_at IS NOT NULL AS is_deleted FROM record
    WHERE connector = $1 AND id = ANY($2::text[]::uuid[])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWrite:
    """A write that is asked for."""

    id: UUID
    key: str | None
    model: int
    verb: str
    target: str | None
    asked_by: UUID | None
    actor: str | None
    input_hash: bytes
    body: bytes | None
    status: str = "running"


@dataclass(frozen=True, slots=True)
class Begun:
    """A write and how far it came; it has an answer where it was done."""

    id: UUID
    input_hash: bytes
    steps: dict[str, WriteStep]
    answer: bytes | None
    status: str


async def begin_write(pool: Pool, connector: int, write: NewWrite, claim: timedelta) -> Begun | None:
    """Begin a write, or again the one under its key; None where that is another one, was done, or is under way.

    Raises asyncpg.ForeignKeyViolationError where the connector is gone.
    """
    row = await pool.fetchrow(
        BEGIN_WRITE, connector, write.id, write.key, write.model, write.verb, write.target, write.asked_by,
        write.actor, write.input_hash, write.body, write.status, claim, claim,
    )  # fmt: skip
    return None if row is None else _read_begun(row)


async def enqueue_write(pool: Pool, connector: int, write: NewWrite, claim: timedelta) -> Begun | None:
    """Begin a write that is done later, as `begin_write`; it waits from now on."""
    async with pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(
            BEGIN_WRITE, connector, write.id, write.key, write.model, write.verb, write.target, write.asked_by,
            write.actor, write.input_hash, write.body, write.status, None, claim,
        )  # fmt: skip
        if row is None:
            return None
        await connection.execute(ENQUEUE, connector, row["id"])
        await connection.execute("SELECT pg_notify($1, '')", QUEUE_CHANNEL)
        return _read_begun(row)


def _read_begun(row: asyncpg.Record) -> Begun:
    steps = msgspec.json.decode(row["steps"], type=dict[str, WriteStep])
    return Begun(row["id"], row["input_hash"], steps, row["answer"], row["status"])


async def find_under_key(pool: Pool, connector: int, key: str) -> Begun | None:
    """The write under a key; it has an answer where it was done."""
    row = await pool.fetchrow(FIND_UNDER_KEY, connector, key)
    return None if row is None else _read_begun(row)


async def take_up_write(pool: Pool, connector: int, id: UUID, claim: timedelta) -> "StoredWrite | None":
    """The write, which nobody else takes up for as long as `claim`; None where it is gone, or somebody works on it."""
    row = await pool.fetchrow(TAKE_UP_WRITE, connector, id, claim)
    return None if row is None else _read_stored(row)


async def release_write(pool: Pool, connector: int, id: UUID) -> None:
    """Let others take up a write that is not over."""
    await pool.execute(RELEASE_WRITE, connector, id)


async def find_position(pool: Pool, connector: int, record: str) -> int | None:
    """The position of a live record in the feed: its modified_at in microseconds."""
    found: int | None = await pool.fetchval(FIND_SEQ, connector, record)
    return found


async def save_write_steps(pool: Pool, connector: int, id: UUID, steps: Mapping[str, WriteStep]) -> None:
    await pool.execute(SAVE_WRITE_STEPS, connector, id, msgspec.json.encode(steps))


async def open_step(
    pool: Pool, connector: int, id: UUID, steps: Mapping[str, WriteStep], write: UUID, stream: str
) -> bool:
    """Store the steps of a write before the last of them, `write`, is sent; whether the connector is there."""
    noted = msgspec.json.encode(steps)
    return await pool.fetchval(OPEN_STEP, connector, write, stream, id, noted) is not None


async def note_step_row(
    pool: Pool, connector: int, id: UUID, steps: Mapping[str, WriteStep], write: UUID, row_id: str
) -> None:
    """Store the steps of a write, one of which, `write`, made a row."""
    try:
        await pool.fetchval(NOTE_STEP_ROW, connector, write, row_id, id, msgspec.json.encode(steps))
    except asyncpg.UniqueViolationError:  # another write's row by what was noted at the same moment
        await save_write_steps(pool, connector, id, steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteEnd:
    """How a write ended; `answer` where a repeat is to be answered the same."""

    status: str
    steps: Mapping[str, WriteStep]
    answer: bytes | None = None
    record: str | None = None
    message: str | None = None
    refusal: bytes | None = None
    keeps_body: bool = False


async def end_write(
    pool: Pool,
    connector: int,
    id: UUID,
    ending: WriteEnd,
    happened: Sequence[NewNotice] = (),
    act: Act | None = None,
) -> None:
    """End work on a write; what `happened` by it, and the `act` that ended it, are noted with it, all or nothing."""
    ended = (
        connector, id, ending.status, ending.answer, ending.record, ending.message, ending.refusal,
        msgspec.json.encode(ending.steps), ending.keeps_body,
    )  # fmt: skip
    async with pool.acquire() as connection:
        if act is None and await connection.fetchval(END_WRITE_ALONE, *ended, bool(happened)) is not None:
            return
        async with connection.transaction():
            await connection.execute(END_WRITE, *ended)
            await connection.execute(DEQUEUE, connector, id)
            if act is not None:
                await log_act(connection, act)
            await add_notices(connection, connector, happened)


@dataclass(frozen=True, slots=True)
class StoredWrite:
    """A row of the log of writes."""

    id: UUID
    key: str | None
    model: int
    verb: str
    target: UUID | None
    asked_by: UUID | None
    actor: str | None
    status: str
    steps: dict[str, WriteStep]
    answer: bytes | None
    record: UUID | None
    message: str | None
    refusal: bytes | None
    body: bytes | None
    asked_at: datetime
    ended_at: datetime | None
    claimed_until: datetime | None
    input_hash: bytes


def _read_stored(row: asyncpg.Record) -> StoredWrite:
    found: dict[str, Any] = dict(row)
    del found["connector"]
    found["steps"] = msgspec.json.decode(found["steps"], type=dict[str, WriteStep])
    return StoredWrite(**found)


async def get_write(pool: Pool, connector: int, id: UUID) -> StoredWrite | None:
    row = await pool.fetchrow(GET_WRITE, connector, id)
    return None if row is None else _read_stored(row)


async def list_stored_writes(
    pool: Pool,
    connector: int,
    *,
    before: UUID | None,
    status: str | None,
    limit: int,
    models: Collection[int] | None = None,
) -> list[StoredWrite]:
    """The latest first; those asked for before the one with the id `before`; of these models, None for all."""
    rows = await pool.fetch(LIST_WRITES, connector, before, status, limit, models)
    return [_read_stored(row) for row in rows]


@dataclass(frozen=True, slots=True)
class KnownRecord:
    """What a record of ours is at the vendor."""

    model: int
    remote_id: str
    is_deleted: bool


async def find_remote_ids(pool: Pool, connector: int, ids: Sequence[str]) -> dict[str, KnownRecord]:
    """What these records are at the vendor, by our ids; those that are not there are left out."""
    rows = await pool.fetch(FIND_REMOTE_IDS, connector, ids) if ids else []
    return {row["id"]: KnownRecord(row["model"], row["remote_id"], row["is_deleted"]) for row in rows}
