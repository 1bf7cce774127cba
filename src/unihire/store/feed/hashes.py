"""Unchanged rows, recognised by a hash: they need neither mapping nor saving.

A row's hash is stored with its record, or its joined rows, only if these follow from the row, the mapping and the joins
alone: so not for rows that are quarantined or lack details.
"""

from collections.abc import Sequence

from unihire.store import Connection, Pool

# The indexes, from 1, of rows that differ from the rows these live records were made of.
FIND_RECORDS_CHANGED = """
    SELECT read.nth FROM unnest($2::text[]::uuid[], $3::bigint[]) WITH ORDINALITY AS read (id, hash, nth)
    LEFT JOIN LATERAL (
        SELECT row_hash, deleted_at FROM record WHERE connector = $1 AND id = read.id OFFSET 0
    ) AS stored ON true
    WHERE stored.row_hash IS DISTINCT FROM read.hash OR stored.deleted_at IS NOT NULL
"""

# The same of rows that are stored only for joins; one row may have several entries.
FIND_JOINED_CHANGED = """
    SELECT read.nth FROM unnest($3::text[], $4::bigint[]) WITH ORDINALITY AS read (row_id, hash, nth)
    CROSS JOIN LATERAL (
        SELECT bool_and(entry.row_hash IS NOT DISTINCT FROM read.hash) AS is_same FROM (
            SELECT row_hash FROM joined WHERE connector = $1 AND origin = $2 AND row_id = read.row_id OFFSET 0
        ) AS entry
    ) AS stored
    WHERE stored.is_same IS NOT true
"""

# The indexes, from 1, of rows that are quarantined, whatever else is stored of them.
FIND_QUARANTINED = """
    SELECT read.nth FROM unnest($3::text[]) WITH ORDINALITY AS read (row_id, nth) CROSS JOIN LATERAL (
        SELECT FROM quarantine WHERE connector = $1 AND stream = $2 AND row_id = read.row_id OFFSET 0
    ) AS noted
"""

# The indexes, from 1, of records whose volatile texts are due to be stored again, or have no known expiry.
FIND_OLD_TEXTS = """
    SELECT read.nth FROM unnest($2::text[]::uuid[]) WITH ORDINALITY AS read (id, nth)
    LEFT JOIN LATERAL (
        SELECT refresh_at FROM record_volatile WHERE connector = $1 AND id = read.id OFFSET 0
    ) AS stored ON true
    WHERE (stored.refresh_at > now()) IS NOT true
"""

# Store the hash of the row from which each unchanged record was made.
NOTE_HASHES = """
    UPDATE record SET row_hash = noted.hash FROM (
        SELECT found.row_ctid, new.hash FROM unnest($2::text[]::uuid[], $3::bigint[]) AS new (id, hash)
        CROSS JOIN LATERAL (SELECT ctid AS row_ctid FROM record WHERE connector = $1 AND id = new.id OFFSET 0) AS found
    ) AS noted
    WHERE record.connector = $1 AND record.ctid = noted.row_ctid
"""


async def find_records_changed(pool: Pool, connector: int, ids: Sequence[str], hashes: Sequence[int]) -> list[int]:
    """Which rows differ from those the records with these ids were made of, as indexes into the given list."""
    return [row["nth"] - 1 for row in await pool.fetch(FIND_RECORDS_CHANGED, connector, ids, hashes)]


async def find_joined_changed(
    pool: Pool, connector: int, origin: str, row_ids: Sequence[str], hashes: Sequence[int]
) -> list[int]:
    """Which rows differ from those stored for joins under these ids, as indexes into the given list."""
    return [row["nth"] - 1 for row in await pool.fetch(FIND_JOINED_CHANGED, connector, origin, row_ids, hashes)]


async def find_quarantined(pool: Pool, connector: int, stream: str, row_ids: Sequence[str]) -> list[int]:
    """Which rows are quarantined, as indexes into the given list."""
    return [row["nth"] - 1 for row in await pool.fetch(FIND_QUARANTINED, connector, stream, row_ids)]


async def find_old_texts(pool: Pool, connector: int, ids: Sequence[str]) -> list[int]:
    """Which records have volatile texts that are to be stored again, as indexes into the given list."""
    return [row["nth"] - 1 for row in await pool.fetch(FIND_OLD_TEXTS, connector, ids)]


async def note_hashes(connection: Connection, connector: int, hashes: Sequence[tuple[str, int | None]]) -> None:
    """Store row hashes by record id; None: the row is mapped again next time."""
    if hashes:
        await connection.execute(NOTE_HASHES, connector, *map(list, zip(*hashes, strict=True)))
