"""Counting: the records that a vendor lists, noted in a temporary table and compared with the stored ones.

The database does the comparing: of a million records, no more than a page is ever in this process.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import asyncpg

from unihire.store import Connection, Pool


class VendorRecord(NamedTuple):
    """A record that the vendor's rows show; `is_quarantined` where the row that shows it is."""

    model: int
    id: str
    remote_id: str
    is_quarantined: bool


# Visible to this session alone, and dropped with it.
CREATE_VENDOR_RECORD = """
    CREATE TEMPORARY TABLE vendor_record (
        model smallint NOT NULL, id uuid NOT NULL, remote_id text NOT NULL, is_quarantined boolean NOT NULL
    )
"""

DROP_VENDOR_RECORD = "DROP TABLE IF EXISTS pg_temp.vendor_record"

# Records of a stream that are not deleted and that the vendor did not list. A full join is hashed or merged, never a
# nested loop, whatever sizes the planner assumes; the same below.
FIND_UNLISTED = """
    SELECT here.remote_id FROM vendor_record FULL JOIN (
        SELECT id, remote_id FROM record
        WHERE connector = $1 AND model = ANY($2::smallint[]) AND stream = $3 AND deleted_at IS NULL
    ) AS here ON here.id = vendor_record.id
    WHERE vendor_record.id IS NULL LIMIT $4
"""

# Each model's records at the vendor, here, and on one side only. One shown by several rows counts once, and is set
# quarantined when all of them are.
COMPARE = """
    SELECT model, count(there.id) AS there, count(here.id) AS here,
        count(there.id) FILTER (WHERE is_quarantined) AS quarantined,
        count(*) FILTER (WHERE here.id IS NULL AND NOT is_quarantined) AS missing,
        count(*) FILTER (WHERE there.id IS NULL) AS gone
    FROM (SELECT model, id, bool_and(is_quarantined) AS is_quarantined FROM vendor_record GROUP BY model, id) AS there
    FULL JOIN (
        SELECT model, id FROM record WHERE connector = $1 AND model = ANY($2::smallint[]) AND deleted_at IS NULL
    ) AS here USING (model, id)
    GROUP BY model
"""

# The first records of a model that are at the vendor and not here, without quarantined ones; numbers by size.
FIND_MISSING = """
    SELECT there.remote_id
    FROM (SELECT id, remote_id, is_quarantined FROM vendor_record WHERE model = $2) AS there FULL JOIN (
        SELECT id FROM record WHERE connector = $1 AND model = $2 AND deleted_at IS NULL
    ) AS here ON here.id = there.id
    WHERE here.id IS NULL GROUP BY there.id, there.remote_id HAVING NOT bool_and(there.is_quarantined)
    ORDER BY length(there.remote_id), there.remote_id LIMIT $3
"""

# The first records of a model that are not deleted and that the vendor no longer shows.
FIND_GONE = """
    SELECT here.remote_id FROM (SELECT id FROM vendor_record WHERE model = $2) AS there FULL JOIN (
        SELECT id, remote_id FROM record WHERE connector = $1 AND model = $2 AND deleted_at IS NULL
    ) AS here ON here.id = there.id
    WHERE there.id IS NULL ORDER BY length(here.remote_id), here.remote_id LIMIT $3
"""


@asynccontextmanager
async def open_count(pool: Pool) -> AsyncIterator[Connection]:
    """A connection of one's own with nothing noted yet; what is noted on it is gone at the end."""
    async with pool.acquire() as connection:
        await connection.execute(DROP_VENDOR_RECORD)
        await connection.execute(CREATE_VENDOR_RECORD)
        try:
            yield connection
        finally:
            if not connection.is_closed():
                await connection.execute(DROP_VENDOR_RECORD)


async def note_vendor_records(connection: Connection, listed: Iterable[VendorRecord]) -> None:
    await connection.copy_records_to_table("vendor_record", records=listed, columns=VendorRecord._fields)


async def find_unlisted(
    connection: Connection, connector: int, stream: str, models: Sequence[int], limit: int
) -> list[str]:
    """The vendor's ids of stored records of the stream that the vendor did not list, each once."""
    found = await connection.fetch(FIND_UNLISTED, connector, models, stream, limit)
    return list(dict.fromkeys(row["remote_id"] for row in found))


async def compare(connection: Connection, connector: int, models: Sequence[int]) -> dict[int, asyncpg.Record]:
    """By model, those without a record on either side left out: `there`, `here`, `quarantined`, `missing`, `gone`."""
    return {row["model"]: row for row in await connection.fetch(COMPARE, connector, models)}


async def find_missing(connection: Connection, connector: int, model: int, limit: int) -> list[str]:
    """The vendor's ids of records that are there and not here."""
    return [row["remote_id"] for row in await connection.fetch(FIND_MISSING, connector, model, limit)]


async def find_gone(connection: Connection, connector: int, model: int, limit: int) -> list[str]:
    """The vendor's ids of records that are here and not there."""
    return [row["remote_id"] for row in await connection.fetch(FIND_GONE, connector, model, limit)]
