"""Tombstones that were deleted long ago lose their content; only id, position and deletion time stay."""

from collections.abc import Sequence
from datetime import timedelta

import asyncpg
import msgspec

from unihire.model import MODELS
from unihire.store import Connection, Pool
from unihire.store.feed.gate import Removed, lock_feed
from unihire.store.feed.refreshing import forget_volatile
from unihire.store.feed.rendered import EMPTY_ENDING, NOTHING

RECORDS = {spec.number: spec.members_struct for spec in MODELS.values()}

CONNECTORS_AT_ONCE = 20

# Connectors with tombstones that were deleted longer ago than $1 and still have their content.
LIST_WITH_OLD = """
    SELECT number FROM connector CROSS JOIN LATERAL (
        SELECT FROM record
        WHERE connector = number AND deleted_at < now() - $1::interval AND fingerprint <> '' LIMIT 1 OFFSET 0
    ) AS old
    ORDER BY number LIMIT $2
"""

# Such tombstones of one connector.
LIST_OLD = """
    SELECT id::text, model, remote_id, stream, body FROM record
    WHERE connector = $1 AND deleted_at < now() - $2::interval AND fingerprint <> '' LIMIT $3
"""

# Reduce a tombstone to its id and deletion time; its position in the feed is unchanged.
EMPTY_TOMBSTONE = """
    UPDATE record SET body = $3, raw = $4, custom = NULL, words = NULL, more = NULL, more_hash = NULL,
        keys = '{}', fingerprint = '', row_hash = NULL
    WHERE connector = $1 AND id = $2::text::uuid
"""

# Delete the details of these rows of a stream.
DELETE_DETAILS = """
    WITH RECURSIVE names AS (
        (SELECT name FROM detail WHERE connector = $1 AND stream = $2 ORDER BY name LIMIT 1)
        UNION ALL
        SELECT (
            SELECT name FROM detail WHERE connector = $1 AND stream = $2 AND name > names.name ORDER BY name LIMIT 1
        ) FROM names WHERE names.name IS NOT NULL
    )
    DELETE FROM detail WHERE connector = $1 AND ctid = ANY(ARRAY(
        SELECT found.ctid FROM names CROSS JOIN unnest($3::text[]) AS gone (row_id) CROSS JOIN LATERAL (
            SELECT d.ctid FROM detail AS d
            WHERE d.connector = $1 AND d.stream = $2 AND d.name = names.name AND d.row_id = gone.row_id OFFSET 0
        ) AS found
        WHERE names.name IS NOT NULL
    ))
"""


async def erase_deleted(pool: Pool, older: timedelta, limit: int) -> bool:
    """Erase the content of tombstones older than `older`, `limit` at most of each of `CONNECTORS_AT_ONCE` connectors.

    Returns whether there may be more. Id, position in the feed and deletion time stay.
    """
    found = await pool.fetch(LIST_WITH_OLD, older, CONNECTORS_AT_ONCE)
    counts = [await _erase_connector(pool, row["number"], older, limit) for row in found]
    return limit in counts or len(found) == CONNECTORS_AT_ONCE


async def _erase_connector(pool: Pool, connector: int, older: timedelta, limit: int) -> int:
    try:
        async with lock_feed(pool, connector) as connection:
            old = await connection.fetch(LIST_OLD, connector, older, limit)
            await _empty(connection, connector, old)
            return len(old)
    except Removed:
        return 0


async def _empty(connection: Connection, connector: int, old: Sequence[asyncpg.Record]) -> None:
    emptied = [(connector, row["id"], _write_empty(row), NOTHING) for row in old]
    await connection.executemany(EMPTY_TOMBSTONE, emptied)
    await forget_volatile(connection, connector, [row["id"] for row in old])
    for stream in sorted({row["stream"] for row in old}):
        gone = [row["remote_id"] for row in old if row["stream"] == stream]
        await connection.execute(DELETE_DETAILS, connector, stream, gone)


def _write_empty(row: asyncpg.Record) -> bytes:
    """A body with only its ids and the tombstone's modified_at."""
    start = b",".join(row["body"].split(b",", 2)[:2])  # id and modified_at
    record = RECORDS[row["model"]](remote_id=row["remote_id"])
    return start + b"," + msgspec.json.encode(record)[1:-1] + EMPTY_ENDING
