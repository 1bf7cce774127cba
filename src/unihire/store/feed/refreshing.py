"""Volatile texts of records, brought up to date where nothing else of a record changed; see store/volatile.py.

Everything here is called with the feed locked.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from unihire.store import Connection
from unihire.store.volatile import read_parts

BELIEVED = timedelta(days=14)
"""An end that a text names is believed for so long: a signature is worth nothing once its key was replaced."""

# Store the volatile texts of records, whatever was stored before.
UPSERT_VOLATILE = """
    INSERT INTO record_volatile (connector, id, parts, refresh_at)
    SELECT $1, * FROM unnest($2::text[]::uuid[], $3::bytea[], $4::timestamptz[])
    ON CONFLICT (connector, id) DO UPDATE SET parts = excluded.parts, refresh_at = excluded.refresh_at
"""

# Forget the volatile texts of records that have none any more, or are no more.
DELETE_VOLATILE = """
    DELETE FROM record_volatile WHERE connector = $1 AND ctid = ANY(ARRAY(
        SELECT found.ctid FROM unnest($2::text[]::uuid[]) AS gone (id) CROSS JOIN LATERAL (
            SELECT v.ctid FROM record_volatile AS v WHERE v.connector = $1 AND v.id = gone.id OFFSET 0
        ) AS found
    ))
"""


def is_fresh(stored: bytes, refresh_at: datetime | None, found: bytes, now: datetime) -> bool:
    """Whether stored texts may stay where others were found: the same, or good for a while in the same places."""
    if stored == found:
        return True
    if refresh_at is None or refresh_at <= now:
        return False
    one, other = read_parts(stored), read_parts(found)
    return (one.members, one.raw, one.custom, one.more) == (other.members, other.raw, other.custom, other.more)


async def store_volatile(
    connection: Connection, connector: int, found: Sequence[tuple[str, bytes, datetime | None]], now: datetime
) -> None:
    """Store the volatile texts of records: the record's id, its texts, and when the first of them ends.

    Those whose end is known are stored anew by the first read after half of their time: so a reader is given one that
    is good as long as reads come at intervals of less than their time.
    """
    if found:
        ids, parts, ends = zip(*found, strict=True)
        refreshed = [None if end is None else now + (min(end, now + BELIEVED) - now) / 2 for end in ends]
        await connection.execute(UPSERT_VOLATILE, connector, ids, parts, refreshed)


async def forget_volatile(connection: Connection, connector: int, ids: Sequence[UUID | str]) -> None:
    """Forget the volatile texts of these records."""
    if ids:
        await connection.execute(DELETE_VOLATILE, connector, list(map(str, ids)))
