"""What operations leave in the store: calls under idempotency keys, and marks of pages.

All moments are the database's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec

from unihire.store import Pool
from unihire.store.events.notices import NewNotice, add_notices

MARKED_FOR = timedelta(minutes=15)
"""How long a page mark is trusted: the vendor's cursors end, and listings move on."""

# Begin a call under a key, or take up one nobody works on. No row: somebody does. A claim that ends much later than any
# that is made now was made under a wrong clock, and blocks nobody; a little later ends one that was made meanwhile.
CLAIM_CALL = """
    INSERT INTO operation_call AS call (connector, key, operation, input_hash, begun_at, claimed_until)
    VALUES ($1, $2, $3, $4, now(), now() + $5::interval)
    ON CONFLICT (connector, key) DO UPDATE SET claimed_until = excluded.claimed_until
    WHERE call.answer IS NOT NULL OR call.claimed_until IS NULL
        OR call.claimed_until NOT BETWEEN now() AND now() + $5::interval + '1 minute'::interval
    RETURNING operation, input_hash, steps, answer
"""

SAVE_STEPS = "UPDATE operation_call SET steps = $3 WHERE connector = $1 AND key = $2"

# End work on a call, with its answer where there is one.
RELEASE_CALL = """
    UPDATE operation_call SET claimed_until = NULL, answer = coalesce($3, answer) WHERE connector = $1 AND key = $2
"""

# Calls that began long ago, some at a time.
DROP_OLD_CALLS = """
    DELETE FROM operation_call WHERE (connector, key) IN (
        SELECT connector, key FROM operation_call WHERE begun_at < now() - $1::interval LIMIT $2
    )
"""

# The latest page of a listing, up to the one wanted, whose beginning is known.
FIND_MARK = """
    SELECT page, position FROM page_mark
    WHERE connector = $1 AND listing = $2 AND page <= $3 AND noted_at BETWEEN now() - $4::interval AND now()
    ORDER BY page DESC LIMIT 1
"""

SAVE_MARK = """
    INSERT INTO page_mark (connector, listing, page, position, noted_at) VALUES ($1, $2, $3, $4, now())
    ON CONFLICT (connector, listing, page) DO UPDATE SET position = excluded.position, noted_at = excluded.noted_at
"""

FORGET_MARKS = "DELETE FROM page_mark WHERE connector = $1 AND noted_at NOT BETWEEN now() - $2::interval AND now()"

# Marks that were noted long ago, some at a time.
DROP_OLD_MARKS = """
    DELETE FROM page_mark WHERE (connector, listing, page) IN (
        SELECT connector, listing, page FROM page_mark
        WHERE noted_at NOT BETWEEN now() - $1::interval AND now() LIMIT $2
    )
"""

# The vendor's ids of a stream's live records, the highest first: what a list shows that is newest first. Connector
# and model are written as record_newest is.
LIST_REMOTE_IDS = """
    SELECT remote_id FROM record
    WHERE (connector::bigint << 16 | model) = ($1::bigint << 16 | $3::smallint) AND stream = $2 AND deleted_at IS NULL
    ORDER BY length(remote_id) DESC, remote_id DESC OFFSET $4 LIMIT $5
"""


class WriteStep(msgspec.Struct, kw_only=True):
    """A write: when it was sent, and the row it made, once that is known.

    `since` is a moment of the vendor's clock before the sending, and `before` are the ids of the rows made since then
    that looked like it when it was sent; None where they could not be listed. `write` is its id in the store.
    """

    sent_at: datetime
    row: dict[str, Any] | None = None
    since: datetime | None = None
    before: list[str] | None = msgspec.field(default_factory=list)
    write: UUID = msgspec.field(default_factory=uuid4)


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is ours to work on."""

    operation: str
    input_hash: bytes
    steps: dict[str, WriteStep]
    answer: bytes | None


async def claim_call(
    pool: Pool, connector: int, key: str, *, operation: str, input_hash: bytes, claim: timedelta
) -> Call | None:
    """The call under the key, begun or taken up again for as long as `claim`; None while somebody else works on it."""
    row = await pool.fetchrow(CLAIM_CALL, connector, key, operation, input_hash, claim)
    if row is None:
        return None
    steps = msgspec.json.decode(row["steps"], type=dict[str, WriteStep])
    return Call(row["operation"], row["input_hash"], steps, row["answer"])


async def save_steps(pool: Pool, connector: int, key: str, steps: Mapping[str, WriteStep]) -> None:
    await pool.execute(SAVE_STEPS, connector, key, msgspec.json.encode(steps))


async def release_call(
    pool: Pool, connector: int, key: str, answer: bytes | None, happened: Sequence[NewNotice] = ()
) -> None:
    """End work on a call; what `happened` by it is noted with its answer, both or neither."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(RELEASE_CALL, connector, key, answer)
        await add_notices(connection, connector, happened)


async def note_call(pool: Pool, connector: int, happened: Sequence[NewNotice]) -> None:
    """Note what happened by a call without a key."""
    async with pool.acquire() as connection, connection.transaction():
        await add_notices(connection, connector, happened)


async def find_mark(pool: Pool, connector: int, listing: bytes, page: int) -> tuple[int, str] | None:
    """The nearest page at or before `page` whose beginning is known, and its position."""
    row = await pool.fetchrow(FIND_MARK, connector, listing, page, MARKED_FOR)
    return None if row is None else (row["page"], row["position"])


async def save_mark(pool: Pool, connector: int, listing: bytes, page: int, position: str) -> None:
    await pool.execute(SAVE_MARK, connector, listing, page, position)
    if page == 2:  # a new listing: time to delete old positions
        await pool.execute(FORGET_MARKS, connector, MARKED_FOR)
