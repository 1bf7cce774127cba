"""Stores the volatile texts of records, also of those that are otherwise unchanged; see store/volatile.py.

Call everything here with the feed locked.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from unihire.store import Connection
from unihire.store.volatile import read_parts

MAX_LIFETIME = timedelta(days=14)
"""The longest lifetime assumed of a signed link: its signature becomes invalid when the vendor replaces the key."""

# Store the volatile texts of records, in place of those stored before.
UPSERT_VOLATILE = """
    INSERT INTO record_volatile (connector, id, parts, refresh_at)
    SELECT $1, * FROM unnest($2::text[]::uuid[], $3::bytea[], $4::timestamptz[])
    ON CONFLICT (connector, id) DO UPDATE SET parts = excluded.parts, refresh_at = excluded.refresh_at
"""

# Delete the volatile texts of records that have none any more, or are deleted.
DELETE_VOLATILE = """
    DELETE FROM record_volatile WHERE connector = $1 AND ctid = ANY(ARRAY(
        SELECT found.ctid FROM unnest($2::text[]::uuid[]) AS gone (id) CROSS JOIN LATERAL (
            SELECT v.ctid FROM record_volatile AS v WHERE v.connector = $1 AND v.id = gone.id OFFSET 0
        ) AS found
    ))
"""


def is_fresh(stored: bytes, refresh_at: datetime | None, found: bytes, now: datetime) -> bool:
    """Whether the stored texts may stay.

    They may if they equal the new ones, or have not reached `refresh_at` and stand at the same offsets.
    """
    if stored == found:
        return True
    if refresh_at is None or refresh_at <= now:
        return False
    one, other = read_parts(stored), read_parts(found)
    return (one.members, one.raw, one.custom, one.more) == (other.members, other.raw, other.custom, other.more)


async def store_volatile(
    connection: Connection, connector: int, found: Sequence[tuple[str, bytes, datetime | None]], now: datetime
) -> None:
    """Store the volatile texts of records: `(record id, texts, earliest expiry)`.

    Texts with a known expiry are stored again by the first read after half their remaining lifetime. So readers get
    valid links as long as reads are less than half a lifetime apart.
    """
    if found:
        ids, parts, ends = zip(*found, strict=True)
        refreshed = [None if end is None else now + (min(end, now + MAX_LIFETIME) - now) / 2 for end in ends]
        await connection.execute(UPSERT_VOLATILE, connector, ids, parts, refreshed)


async def forget_volatile(connection: Connection, connector: int, ids: Sequence[UUID | str]) -> None:
    """Delete the volatile texts of these records."""
    if ids:
        await connection.execute(DELETE_VOLATILE, connector, list(map(str, ids)))
