"""Rows known again by a hash of each: which of a page are stored as they come, so that nothing is to be done for them.

A hash is stored beside what its row became, and only where that is all that the row and what it is mapped by say.
"""

from collections.abc import Sequence

from unihire.store import Connection, Pool

# Rows that are not those of which these living records were made, by their places, from 1 on.
FIND_RECORDS_CHANGED = """
    SELECT read.place FROM unnest($2::text[]::uuid[], $3::bigint[]) WITH ORDINALITY AS read (id, hash, place)
    LEFT JOIN LATERAL (
        SELECT row_hash, deleted_at FROM record WHERE connector = $1 AND id = read.id OFFSET 0
    ) AS stored ON true
    WHERE stored.row_hash IS DISTINCT FROM read.hash OR stored.deleted_at IS NOT NULL
"""

# The same of rows that are stored for joins alone: what is stored of one may be several.
FIND_JOINED_CHANGED = """
    SELECT read.place FROM unnest($3::text[], $4::bigint[]) WITH ORDINALITY AS read (row_id, hash, place)
    CROSS JOIN LATERAL (
        SELECT bool_and(entry.row_hash IS NOT DISTINCT FROM read.hash) AS is_same FROM (
            SELECT row_hash FROM joined WHERE connector = $1 AND origin = $2 AND row_id = read.row_id OFFSET 0
        ) AS entry
    ) AS stored
    WHERE stored.is_same IS NOT true
"""

# Which of these rows are quarantined, whatever else is stored of them.
FIND_QUARANTINED = """
    SELECT read.place FROM unnest($3::text[]) WITH ORDINALITY AS read (row_id, place) CROSS JOIN LATERAL (
        SELECT FROM quarantine WHERE connector = $1 AND stream = $2 AND row_id = read.row_id OFFSET 0
    ) AS noted
"""

# Those of these records, by their places, whose volatile texts are not known to be good for a while.
FIND_OLD_TEXTS = """
    SELECT read.place FROM unnest($2::text[]::uuid[]) WITH ORDINALITY AS read (id, place)
    LEFT JOIN LATERAL (
        SELECT refresh_at FROM record_volatile WHERE connector = $1 AND id = read.id OFFSET 0
    ) AS stored ON true
    WHERE (stored.refresh_at > now()) IS NOT true
"""

# Note of which rows records were made that are stored as they are.
NOTE_HASHES = """
    UPDATE record SET row_hash = noted.hash FROM (
        SELECT found.place, new.hash FROM unnest($2::text[]::uuid[], $3::bigint[]) AS new (id, hash)
        CROSS JOIN LATERAL (SELECT ctid AS place FROM record WHERE connector = $1 AND id = new.id OFFSET 0) AS found
    ) AS noted
    WHERE record.connector = $1 AND record.ctid = noted.place
"""


async def find_records_changed(pool: Pool, connector: int, ids: Sequence[str], hashes: Sequence[int]) -> list[int]:
    """Which rows, by their places from 0 on, are not those of which the records with these ids were made."""
    return [row["place"] - 1 for row in await pool.fetch(FIND_RECORDS_CHANGED, connector, ids, hashes)]


async def find_joined_changed(
    pool: Pool, connector: int, origin: str, row_ids: Sequence[str], hashes: Sequence[int]
) -> list[int]:
    """Which rows, by their places from 0 on, are not those that are stored for joins under these ids."""
    return [row["place"] - 1 for row in await pool.fetch(FIND_JOINED_CHANGED, connector, origin, row_ids, hashes)]


async def find_quarantined(pool: Pool, connector: int, stream: str, row_ids: Sequence[str]) -> list[int]:
    """Which rows, by their places from 0 on, are quarantined."""
    return [row["place"] - 1 for row in await pool.fetch(FIND_QUARANTINED, connector, stream, row_ids)]


async def find_old_texts(pool: Pool, connector: int, ids: Sequence[str]) -> list[int]:
    """Which of these records, by their places from 0 on, have volatile texts that are to be stored anew."""
    return [row["place"] - 1 for row in await pool.fetch(FIND_OLD_TEXTS, connector, ids)]


async def note_hashes(connection: Connection, connector: int, hashes: Sequence[tuple[str, int | None]]) -> None:
    """Note, by the ids of records, the hashes of their rows; None: the row is mapped again when it comes."""
    if hashes:
        await connection.execute(NOTE_HASHES, connector, *map(list, zip(*hashes, strict=True)))
