"""Writes that operations sent to vendors, and the row each made: a row belongs to one write.

A write is open from before it is sent until it is answered or given up. All moments are the database's.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

import asyncpg

from unihire.store import Pool

OPEN_FOR = timedelta(minutes=2)
"""How long a write may be under way: its sender has given up by then, or is dead."""

# Note a write that is about to be sent, or is sent again. No row: the connector is gone.
OPEN_WRITE = """
    INSERT INTO operation_write AS write (connector, id, stream, sent_at, is_open)
    SELECT number, $2, $3, now(), true FROM connector WHERE number = $1
    ON CONFLICT (connector, id) DO UPDATE SET sent_at = now(), is_open = true, row_id = NULL
    RETURNING write.id
"""

CLOSE_WRITE = "UPDATE operation_write SET is_open = false WHERE connector = $1 AND id = $2"

DROP_WRITE = "DELETE FROM operation_write WHERE connector = $1 AND id = $2"

# Note which row a write made, unless it is another's.
SET_ROW = """
    UPDATE operation_write AS own SET is_open = false, row_id = $3
    WHERE connector = $1 AND id = $2 AND NOT EXISTS (
        SELECT FROM operation_write AS other
        WHERE other.connector = $1 AND other.stream = own.stream AND other.row_id = $3 AND other.id <> $2
    )
    RETURNING id
"""

# Those of these rows that other writes made.
LIST_TAKEN = """
    SELECT asked.row_id FROM unnest($3::text[]) AS asked (row_id)
    CROSS JOIN LATERAL (
        SELECT id FROM operation_write WHERE connector = $1 AND stream = $2 AND row_id = asked.row_id OFFSET 0
    ) AS taken
    WHERE id <> $4
"""

# Whether another write to the stream is under way.
HAS_OPEN = """
    SELECT EXISTS (
        SELECT FROM operation_write
        WHERE connector = $1 AND stream = $2 AND is_open AND id <> $3
            AND sent_at BETWEEN now() - $4::interval AND now() + '1 minute'::interval
    )
"""

# Writes that were sent long ago, some at a time.
DROP_OLD_WRITES = """
    DELETE FROM operation_write WHERE (connector, id) IN (
        SELECT connector, id FROM operation_write WHERE sent_at < now() - $1::interval LIMIT $2
    )
"""


async def open_write(pool: Pool, connector: int, id: UUID, stream: str) -> bool:
    """Whether the connector is there."""
    return await pool.fetchval(OPEN_WRITE, connector, id, stream) is not None


async def close_write(pool: Pool, connector: int, id: UUID) -> None:
    """Its answer is lost; it may have made a row."""
    await pool.execute(CLOSE_WRITE, connector, id)


async def drop_write(pool: Pool, connector: int, id: UUID) -> None:
    """It made nothing."""
    await pool.execute(DROP_WRITE, connector, id)


async def set_row(pool: Pool, connector: int, id: UUID, row_id: str) -> bool:
    """Note the row it made; False where that is another write's."""
    try:
        return await pool.fetchval(SET_ROW, connector, id, row_id) is not None
    except asyncpg.UniqueViolationError:  # the other was noted at the same moment
        return False


async def list_taken(pool: Pool, connector: int, stream: str, row_ids: Collection[str], but: UUID) -> set[str]:
    """Those of the rows that other writes than `but` made."""
    rows: Sequence[asyncpg.Record] = await pool.fetch(LIST_TAKEN, connector, stream, list(row_ids), but)
    return {row["row_id"] for row in rows}


async def has_open(pool: Pool, connector: int, stream: str, but: UUID) -> bool:
    """Whether another write than `but` is under way to the stream."""
    return bool(await pool.fetchval(HAS_OPEN, connector, stream, but, OPEN_FOR))
