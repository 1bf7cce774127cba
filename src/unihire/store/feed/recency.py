"""Which of two versions of a row is newer: the one that was asked for later.

A page says the position in the feed before which it was asked for. Rows that are read by their ids meanwhile are noted
with theirs: where such a row was asked for later than a page that has it too, the page's version is not believed, and
what the page shows of rows of other streams is looked up again.
"""

from collections.abc import Collection
from dataclasses import dataclass

from unihire.store import Connection, Pool
from unihire.store.feed.position import GET_LAST_SEQ

# Rows that were read by their ids and saved behind a position.
FIND_ROWS_READ = """
    SELECT stream, row_id, asked_seq FROM (
        SELECT stream, row_id, asked_seq, saved_seq FROM row_read WHERE connector = $1 OFFSET 0
    ) AS noted
    WHERE saved_seq > $2
"""

# Note rows that were read by their ids, and are saved in this transaction. The feed moves on: who looked where it is
# before this is committed asked before it.
NOTE_ROWS_READ = """
    WITH moved AS (
        UPDATE feed SET last_seq = following.seq, rows_read_seq = following.seq
        FROM (
            SELECT greatest(last_seq + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) AS seq
            FROM feed WHERE connector = $1
        ) AS following
        WHERE connector = $1 RETURNING last_seq
    )
    INSERT INTO row_read AS noted (connector, stream, row_id, asked_seq, saved_seq)
    SELECT $1, $2, row_id, $4, last_seq FROM unnest($3::text[]) AS row_id, moved
    ON CONFLICT (connector, stream, row_id) DO UPDATE
    SET asked_seq = greatest(noted.asked_seq, excluded.asked_seq), saved_seq = excluded.saved_seq
"""

# Living and deleted records that moved behind a position.
FIND_MOVED = """
    SELECT id::text FROM (
        SELECT id, seq FROM record WHERE connector = $1 AND id = ANY($2::text[]::uuid[]) OFFSET 0
    ) AS found
    WHERE seq > $3
"""

# Of keys by which the parts of rows are found, those of which a living part moved behind a position.
FIND_MOVED_PARTS = """
    SELECT wanted.key FROM unnest($2::bigint[]) AS wanted (key) CROSS JOIN LATERAL (
        SELECT FROM record_key AS k WHERE k.connector = $1 AND k.key = wanted.key AND k.seq > $3 LIMIT 1 OFFSET 0
    ) AS moved
"""

FORGET_ROWS_READ = "DELETE FROM row_read WHERE connector = $1"


@dataclass(frozen=True, slots=True)
class RowsRead:
    """Rows read by their ids since a position: those of one stream that were asked for later, and all their streams."""

    later: frozenset[str]
    streams: frozenset[str]


async def get_position(pool: Pool | Connection, connector: int) -> int:
    """Where the feed is now, which is known by what is committed; 0 before anything is saved."""
    return await pool.fetchval(GET_LAST_SEQ, connector) or 0


async def find_rows_read(connection: Connection, connector: int, stream: str, since: int) -> RowsRead:
    found = await connection.fetch(FIND_ROWS_READ, connector, since)
    later = (row["row_id"] for row in found if row["stream"] == stream and row["asked_seq"] >= since)
    return RowsRead(frozenset(later), frozenset(row["stream"] for row in found))


async def note_rows_read(
    connection: Connection, connector: int, stream: str, row_ids: Collection[str], asked: int
) -> None:
    """Note rows that were asked for by their ids at a position. Call with the feed locked, in which they are saved."""
    await connection.execute(NOTE_ROWS_READ, connector, stream, list(row_ids), asked)


async def find_moved(connection: Connection, connector: int, ids: Collection[str], since: int) -> set[str]:
    """Which of these records moved behind a position."""
    return {row["id"] for row in await connection.fetch(FIND_MOVED, connector, list(ids), since)}


async def find_moved_parts(connection: Connection, connector: int, keys: Collection[int], since: int) -> set[int]:
    """Of the keys of rows' parts (`Renderer.owned_key`), those of which a living part moved behind a position."""
    return {row["key"] for row in await connection.fetch(FIND_MOVED_PARTS, connector, list(keys), since)}
