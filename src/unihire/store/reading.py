"""Reading records: pages of the change feed, one record, the targets of relations.

Every query carries the connector, so an id of another one finds nothing.
"""

import math
from collections.abc import Sequence, Set
from operator import itemgetter

import asyncpg
import msgspec

from unihire.store import Connection, Pool
from unihire.store.bodies import Content, Stored, list_columns, read_bodies, splice, take_apart, write_tombstone
from unihire.store.list_queries import (
    ARRAYS_FROM,
    FEW_VALUES,
    RecordSelection,
    compose_all,
    compose_list,
    write_many,
)

_PLACE = itemgetter(0)


class StoredPage(msgspec.Struct, frozen=True):
    """Bodies in feed order, and the position of the last one where more follow.

    Those at the places `deleted`, from 0 on, are of tombstones. Where records are wanted in parts, `stored` has these,
    and the bodies of all but tombstones are empty. Where the list is in the order of a moment of the vendor's, the last
    one's `moment` belongs to `last` (store/ranges.py).
    """

    bodies: list[bytes]
    last: int | None
    deleted: Set[int] = frozenset()
    stored: Sequence[Stored | None] = ()
    moment: str | None = None


# Which of several filters fits fewest records, as far as it matters.
RANK_KEYS = """
    SELECT key FROM unnest($2::bigint[]) AS wanted (key) CROSS JOIN LATERAL (
        SELECT count(*) AS records FROM (
            SELECT FROM record_key AS k WHERE k.connector = $1 AND k.key = wanted.key AND k.seq > $3 LIMIT 1000
        ) AS few
    ) AS counted ORDER BY records
"""

# One record.
FIND_RECORD = """
    SELECT record.body{columns} FROM (SELECT * FROM record WHERE connector = $1 AND id = $3 OFFSET 0) AS record
    WHERE record.model = $2 AND record.deleted_at IS NULL
"""

# Of some records, those that come from the same stream as the first named.
FIND_OF_STREAM = """
    SELECT own.model, own.stream, own.remote_id FROM record AS part
    JOIN record AS own ON own.connector = part.connector AND own.stream = part.stream
    WHERE part.connector = $1 AND part.id = $2 AND own.connector = $1 AND own.id = ANY($3::uuid[])
"""

# The same, whether it lives or not.
FIND_ANY = """
    SELECT record.body{columns}, record.seq, record.id, record.remote_id, record.deleted_at IS NOT NULL AS is_deleted
    FROM (SELECT * FROM record WHERE connector = $1 AND id = $3 OFFSET 0) AS record WHERE record.model = $2
"""

# The records that relations point to.
FIND_TARGETS = """
    SELECT record.id::text, record.body{columns}
    FROM (SELECT * FROM record WHERE connector = $1 AND id = ANY($3::uuid[]) OFFSET 0) AS record
    WHERE record.model = $2 AND record.deleted_at IS NULL
"""


async def list_records(pool: Pool, wanted: RecordSelection) -> StoredPage:
    """A page of at most `limit` records, and whether more follow."""
    async with pool.acquire() as connection:
        by_array = connection.get_server_version().major >= ARRAYS_FROM
        if _has_many(wanted) and not wanted.with_deleted:
            rows = await _walk_many(connection, wanted, by_array)
        else:
            single = [keys[0] for keys in wanted.keys if len(keys) == 1]
            if len(single) > 1 and wanted.ids is None:
                ranked = await connection.fetch(RANK_KEYS, wanted.connector, single, wanted.after)
                single = [row["key"] for row in ranked]
            compose = compose_all if wanted.with_deleted else compose_list
            query, arguments = compose(wanted, single, by_array=by_array)
            rows = await connection.fetch(query, *arguments)
    if wanted.ids is not None:
        rows.sort(key=_PLACE)
    more = len(rows) > wanted.limit
    if more:
        rows.pop()
    last = rows[-1][0] if more else None
    if not (wanted.with_deleted or wanted.content.in_parts):
        return StoredPage(read_bodies(rows, wanted.content), last)
    deleted: Set[int] = frozenset()
    if wanted.with_deleted:
        deleted = {place for place, row in enumerate(rows) if row["id"] is not None}
    return read_rows(rows, deleted, last, wanted.content)


def read_rows(rows: Sequence[asyncpg.Record], deleted: Set[int], last: int | None, content: Content) -> StoredPage:
    """What rows say of which those at the places `deleted` are of tombstones."""
    if content.in_parts:
        bodies = [write_tombstone(row) if place in deleted else b"" for place, row in enumerate(rows)]
        parts = (None if place in deleted else take_apart(row["body"], row, content) for place, row in enumerate(rows))
        return StoredPage(bodies, last, deleted, list(parts))
    bodies = [
        write_tombstone(row) if place in deleted else splice(row["body"], row, content)
        for place, row in enumerate(rows)
    ]
    return StoredPage(bodies, last, deleted)


def _has_many(wanted: RecordSelection) -> bool:
    """Whether it is a list of one filter with so many values that two of them show where its page ends."""
    return wanted.ids is None and len(wanted.keys) == 1 and len(wanted.keys[0]) > FEW_VALUES


async def _walk_many(connection: Connection, wanted: RecordSelection, by_array: bool) -> list[asyncpg.Record]:
    """A page of records that have one of many values, and one more where more follow.

    Two of the values show where to end. Where these are more frequent than the others that is too early: then it is
    where one of them alone fills the page.
    """
    (keys,) = wanted.keys
    page = wanted.limit + 1
    query = write_many(wanted.content, by_array=by_array)
    arguments = (wanted.connector, wanted.model, wanted.after, page, keys)
    for share in (_share(page, len(keys)), page):
        # The last and one from the middle: the first of a comma list may be the whole text, which nobody has.
        ends = (share - 1, keys[-1], keys[len(keys) // 2])
        rows: list[asyncpg.Record] = await connection.fetch(query, *arguments, *ends)
        if len(rows) == page or not rows or rows[0]["edge"] is None:
            break
    return rows


def _share(page: int, values: int) -> int:
    """How many steps a value has where so many values fill a page; seldom fewer do, if all are as frequent."""
    mean = page / values
    return min(page, math.ceil(mean + 3 * math.sqrt(mean)) + 1)


async def find_record(
    pool: Pool, connector: int, model: int, id: str, content: Content, *, with_deleted: bool = False
) -> StoredPage:
    """The body of a record, where it lives or, `with_deleted`, is a tombstone."""
    find = FIND_ANY if with_deleted else FIND_RECORD
    row = await pool.fetchrow(find.format(columns=list_columns(content)), connector, model, id)
    if row is None:
        return StoredPage([], None)
    return read_rows([row], {0} if with_deleted and row["is_deleted"] else frozenset(), None, content)


async def find_targets(
    pool: Pool, connector: int, model: int, ids: Sequence[str], content: Content
) -> tuple[list[str], StoredPage]:
    """Those of the records that live: their ids, and what is found of them in the same order."""
    query = FIND_TARGETS.format(columns=list_columns(content))
    rows = await pool.fetch(query, connector, model, ids)
    return [row["id"] for row in rows], read_rows(rows, frozenset(), None, content)


async def find_of_stream(pool: Pool, connector: int, part: str, ids: Sequence[str]) -> list[tuple[int, str, str]]:
    """Of records with these ids, the model's number, the stream and the vendor's id of those from `part`'s stream."""
    return [tuple(row) for row in await pool.fetch(FIND_OF_STREAM, connector, part, ids)]
