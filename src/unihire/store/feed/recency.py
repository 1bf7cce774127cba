"""Which of two versions of a row is newer: the one requested later.

A page carries `asked_seq`, a feed position: what others saved up to it was committed before the page was requested. A
row that is fetched by its id is noted in `row_read` with its own `asked_seq`. If that is not lower than the page's, the
page's version of the row is discarded. If any row of a joined stream was fetched by id meanwhile, the page's joined
rows are looked up again.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from unihire.store import Connection, Pool
from unihire.store.feed.position import GET_LAST_SEQ

# Rows that were fetched by id and saved at a position higher than $2.
FIND_ROWS_READ = """
    SELECT stream, row_id, asked_seq FROM (
        SELECT stream, row_id, asked_seq, saved_seq FROM row_read WHERE connector = $1 OFFSET 0
    ) AS noted
    WHERE saved_seq > $2
"""

# Note rows that were fetched by id and are saved in this transaction. It moves the feed, so a request that took its
# `asked_seq` before this commit has a lower one.
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
    SELECT $1, read.*, last_seq FROM unnest($2::text[], $3::text[], $4::bigint[]) AS read, moved
    ON CONFLICT (connector, stream, row_id) DO UPDATE
    SET asked_seq = greatest(noted.asked_seq, excluded.asked_seq), saved_seq = excluded.saved_seq
    RETURNING saved_seq
"""

# Those of these records, live and deleted, that were saved at a position higher than $3.
FIND_MOVED = """
    SELECT id::text FROM (
        SELECT id, seq FROM record WHERE connector = $1 AND id = ANY($2::text[]::uuid[]) OFFSET 0
    ) AS found
    WHERE seq > $3
"""

# Those of these keys of owned parts under which a live record was saved at a position higher than $3.
FIND_MOVED_PARTS = """
    SELECT wanted.key FROM unnest($2::bigint[]) AS wanted (key) CROSS JOIN LATERAL (
        SELECT FROM record_key AS k WHERE k.connector = $1 AND k.key = wanted.key AND k.seq > $3 LIMIT 1 OFFSET 0
    ) AS moved
"""

FORGET_ROWS_READ = "DELETE FROM row_read WHERE connector = $1"


class RowRead(NamedTuple):
    """A row that was fetched by its id, and the feed's position before it was asked for."""

    stream: str
    row_id: str
    asked_seq: int


@dataclass(frozen=True, slots=True)
class RowsRead:
    """Rows that were fetched by id and saved at a position higher than a page's `asked_seq`."""

    newer: frozenset[str]
    """Ids of rows of the page's stream whose request was not earlier than that position."""

    streams: frozenset[str]
    """Every stream with a row fetched by id and saved since."""


async def get_position(pool: Pool | Connection, connector: int) -> int:
    """The feed's last committed position; 0 if nothing was saved yet."""
    return await pool.fetchval(GET_LAST_SEQ, connector) or 0


async def find_rows_read(connection: Connection, connector: int, stream: str, since: int) -> RowsRead:
    found = await connection.fetch(FIND_ROWS_READ, connector, since)
    newer = (row["row_id"] for row in found if row["stream"] == stream and row["asked_seq"] >= since)
    return RowsRead(frozenset(newer), frozenset(row["stream"] for row in found))


async def note_rows_read(connection: Connection, connector: int, rows: Sequence[RowRead]) -> int:
    """Note rows, one at least, that were fetched by id. Call with the feed locked, in the transaction that saves them.

    Returns the position at which they are saved.
    """
    saved_seq: int = await connection.fetchval(NOTE_ROWS_READ, connector, *map(list, zip(*rows, strict=True)))
    return saved_seq


async def find_moved(connection: Connection, connector: int, ids: Collection[str], since: int) -> set[str]:
    """Which of these records were saved at a position higher than `since`."""
    return {row["id"] for row in await connection.fetch(FIND_MOVED, connector, list(ids), since)}


async def find_moved_parts(connection: Connection, connector: int, keys: Collection[int], since: int) -> set[int]:
    """Those of these keys (`Renderer.owned_key`) with a live part that was saved at a position higher than `since`."""
    return {row["key"] for row in await connection.fetch(FIND_MOVED_PARTS, connector, list(keys), since)}
