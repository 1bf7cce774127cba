"""What a page leaves behind besides records: details, rows set aside, records met, and the stream's position."""

from collections.abc import Sequence

import asyncpg

from unihire.store import Connection, Pool

# Keep what was asked for single rows.
UPSERT_DETAILS = """
    INSERT INTO detail (connector, stream, name, row_id, version, raw)
    SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::text[], $6::bytea[])
    ON CONFLICT (connector, stream, name, row_id) DO UPDATE SET version = excluded.version, raw = excluded.raw
"""

# Set rows aside that would not map.
UPSERT_QUARANTINE = """
    INSERT INTO quarantine (connector, stream, row_id, reason, raw)
    SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::bytea[])
    ON CONFLICT (connector, stream, row_id) DO UPDATE SET reason = excluded.reason, raw = excluded.raw
"""

# Rows that map again.
RELEASE_QUARANTINE = "DELETE FROM quarantine WHERE connector = $1 AND stream = $2 AND row_id = ANY($3)"

# The rows of a stream, when all that it has now map.
EMPTY_QUARANTINE = "DELETE FROM quarantine WHERE connector = $1 AND stream = $2"

HAS_QUARANTINE = "SELECT EXISTS (SELECT FROM quarantine WHERE connector = $1 AND stream = $2)"

# Which of these rows are set aside.
FIND_QUARANTINED = "SELECT row_id FROM quarantine WHERE connector = $1 AND stream = $2 AND row_id = ANY($3)"

# Which of these rows are set aside in another version than this.
FIND_LATER_ASIDE = """
    SELECT row_id FROM quarantine JOIN unnest($3::text[], $4::bytea[]) AS stored (row_id, raw) USING (row_id)
    WHERE connector = $1 AND stream = $2 AND quarantine.raw <> stored.raw
"""

# Rows that are set aside, by stream and vendor's id, after a place.
LIST_QUARANTINE = """
    SELECT stream, row_id, reason, since{raw} FROM quarantine
    WHERE connector = $1 AND (stream, row_id) > ($2, $3) ORDER BY stream, row_id LIMIT $4
"""

# The rows with one id, of whatever stream.
FIND_ASIDE = "SELECT stream, row_id, raw FROM quarantine WHERE connector = $1 AND row_id = $2 ORDER BY stream"

COUNT_QUARANTINE = (
    "SELECT stream, count(*) AS rows FROM quarantine WHERE connector = $1 GROUP BY stream ORDER BY stream"
)

# How many rows of one stream are set aside.
COUNT_ASIDE = "SELECT count(*) FROM quarantine WHERE connector = $1 AND stream = $2"

# Living records of a stream that its complete read has not met.
FIND_ABSENT = """
    SELECT id, model, remote_id FROM record
    WHERE connector = $1 AND model = ANY($3::smallint[]) AND stream = $2 AND deleted_at IS NULL
        AND NOT EXISTS (SELECT FROM seen WHERE seen.connector = $1 AND seen.stream = $2 AND seen.id = record.id)
    LIMIT $4
"""

# Tell the planner how many there are: freshly filled, it would take them for few and compare each with each.
MEASURE_SEEN = "ANALYZE seen"

FORGET_SEEN = "DELETE FROM seen WHERE connector = $1 AND stream = $2"


async def save_details(
    connection: Connection, connector: int, stream: str, details: Sequence[tuple[str, str, str, bytes]]
) -> None:
    """Store details, each `(name, row id, version, raw)`."""
    if details:
        await connection.execute(UPSERT_DETAILS, connector, stream, *map(list, zip(*details, strict=True)))


async def set_aside(
    connection: Connection, connector: int, stream: str, rows: Sequence[tuple[str, str, bytes]]
) -> None:
    """Store rows that would not map, each `(row id, reason, raw)`."""
    if rows:
        await connection.execute(UPSERT_QUARANTINE, connector, stream, *map(list, zip(*rows, strict=True)))


async def list_quarantine(
    pool: Pool, connector: int, *, after: tuple[str, str] = ("", ""), limit: int, raw: bool = False
) -> list[asyncpg.Record]:
    """Rows set aside behind a `(stream, row id)`: `stream`, `row_id`, `reason`, `since`, and `raw` where asked for."""
    query = LIST_QUARANTINE.format(raw=", raw" if raw else "")
    return await pool.fetch(query, connector, *after, limit)


async def count_quarantine(pool: Pool, connector: int, stream: str) -> int:
    counted: int = await pool.fetchval(COUNT_ASIDE, connector, stream)
    return counted


async def note_seen(connection: Connection, connector: int, stream: str, ids: Sequence[str]) -> None:
    """Note records a complete read has met."""
    rows = [(connector, stream, id) for id in ids]
    await connection.copy_records_to_table("seen", records=rows, columns=("connector", "stream", "id"))


async def find_absent(
    pool: Pool, connector: int, stream: str, models: Sequence[int], limit: int
) -> list[asyncpg.Record]:
    """Living records the read has not met: `id`, `model`, `remote_id`."""
    return await pool.fetch(FIND_ABSENT, connector, stream, models, limit)


async def forget_seen(connection: Connection | Pool, connector: int, stream: str) -> None:
    await connection.execute(FORGET_SEEN, connector, stream)
