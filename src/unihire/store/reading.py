"""Reading records: pages of the change feed, one record, the targets of relations.

Every query carries the connector, so an id of another one finds nothing.
"""

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import cache
from operator import itemgetter

import asyncpg

from unihire.store import Connection, Pool
from unihire.store.bodies import (
    BODY,
    Content,
    Stored,
    count_columns,
    list_columns,
    read_bodies,
    splice,
    take_apart,
    write_tombstone,
)

_PLACE = itemgetter(0)


@dataclass(frozen=True, slots=True)
class RecordSelection:
    """Which records of a list: those after `after` that fit every filter.

    `keys` has an entry for each filter: the keys any of which a record must have. `ids` narrows to these records.
    `with_deleted`: tombstones as well, in their places. `ids` narrow them; `keys` do not, for they have none.
    """

    connector: int
    model: int
    after: int
    limit: int
    keys: Sequence[Sequence[int]] = ()
    ids: Sequence[str] | None = None
    content: Content = BODY
    with_deleted: bool = False


@dataclass(frozen=True, slots=True)
class StoredPage:
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


# A page of a list, in feed order. The pieces below take the place of {…}.
LIST_RECORDS = """
    SELECT record.seq, record.body{columns} FROM {walk}
    WHERE record.connector = $1 AND record.model = $2 AND record.deleted_at IS NULL AND {steps} > $3{checks}{order}
    LIMIT $4
"""

# The same where the index of filters settles everything: a page of steps is taken first, and the records at those are
# found in one scan, which costs less than a scan for each step.
LIST_RECORDS_AT = """
    SELECT record.seq, record.body{columns} FROM record
    WHERE record.connector = $1 AND record.model = $2 AND record.deleted_at IS NULL AND record.seq = ANY(ARRAY({steps}))
    ORDER BY record.seq LIMIT $4
"""

# The same for servers before ARRAYS_FROM, a scan for each step.
LIST_RECORDS_EACH = """
    SELECT record.seq, record.body{columns} FROM (SELECT DISTINCT seq FROM ({steps}) AS step) AS walk{records}
    ORDER BY record.seq LIMIT $4
"""
ARRAYS_FROM = 17
"""From this version of PostgreSQL on, an array on a later column of an index is always looked up. An older one may take
the columns before it for rare enough, read all that they find and compare."""

# The steps of one value.
ONE_WALK = """
    SELECT walk.seq FROM record_key AS walk{probes}
    WHERE walk.connector = $1 AND walk.key = $5 AND walk.seq > $3 ORDER BY walk.seq LIMIT $4
"""
CHECK_KEY = " AND walk.connector = $1 AND walk.key = $5"

# Whether the record at a step of a walk fits one more filter.
PROBE = """ CROSS JOIN LATERAL (
        SELECT FROM record_key AS k WHERE k.connector = $1 AND k.key = ${key} AND k.seq = walk.seq LIMIT 1
    ) AS fit_{key}"""

# The steps of several values of one filter: a page of each is enough to make a page of all.
SEVERAL_WALKS = """
    SELECT few.seq FROM unnest($5::bigint[]) AS wanted (key) CROSS JOIN LATERAL (
        SELECT k.seq FROM record_key AS k
        WHERE k.connector = $1 AND k.key = wanted.key AND k.seq > $3{bound} ORDER BY k.seq LIMIT $4
    ) AS few ORDER BY few.seq
"""
FEW_VALUES = 5

# An index scan reads all steps of a value that are on its page of the index, whatever the limit. So the walks of more
# than FEW_VALUES end where a page should be full: where the first of two of the values that gets there, $7 or $8, has
# so many steps ($6, from 0). `edge` is that position, null where neither has as many and the walks go on to the end.
FIND_EDGE = """
    WITH edge AS MATERIALIZED (
        SELECT least(
            (SELECT seq FROM record_key WHERE connector = $1 AND key = $7 AND seq > $3 ORDER BY seq OFFSET $6 LIMIT 1),
            (SELECT seq FROM record_key WHERE connector = $1 AND key = $8 AND seq > $3 ORDER BY seq OFFSET $6 LIMIT 1)
        ) AS seq
    )
"""
RETURN_EDGE = ", (SELECT seq FROM edge) AS edge"
WITHIN_EDGE = " AND k.seq <= coalesce((SELECT seq FROM edge), 9223372036854775807)"

# The records at the steps of a walk, and those of some ids: one look into an index each. What is checked besides stands
# outside of them, where no index can be chosen for it.
AT_STEPS = """ CROSS JOIN LATERAL (
        SELECT * FROM record WHERE connector = $1 AND model = $2 AND seq = walk.seq AND deleted_at IS NULL OFFSET 0
    ) AS record"""
BY_IDS = "(SELECT * FROM record WHERE connector = $1 AND id = ANY(${ids}::uuid[]) OFFSET 0) AS record"

# The same for servers before ARRAYS_FROM.
BY_IDS_EACH = """(
        SELECT found.* FROM (SELECT DISTINCT id FROM unnest(${ids}::uuid[]) AS id) AS asked CROSS JOIN LATERAL (
            SELECT * FROM record WHERE connector = $1 AND id = asked.id OFFSET 0
        ) AS found
    ) AS record"""

# All steps of several values of one filter, merged, for a list that has more to check than the index contains. A few
# values are written out, one walk each, so that no more is read than the page takes; more are taken from an array.
MERGED_WALK = "(SELECT DISTINCT seq FROM ({walks}) AS step ORDER BY seq) AS walk"
WHOLE_WALK = "(SELECT seq FROM record_key WHERE connector = $1 AND key = ${key} AND seq > $3 ORDER BY seq LIMIT ALL)"
MANY_WALKS = """SELECT entry.seq FROM unnest(${keys}::bigint[]) AS wanted (key) CROSS JOIN LATERAL (
        SELECT seq FROM record_key WHERE connector = $1 AND key = wanted.key AND seq > $3 OFFSET 0
    ) AS entry"""
WRITTEN_OUT = 32

# Tombstones of a model, in feed order, and those of some ids.
LIST_DELETED = """
    SELECT seq, id, remote_id FROM record
    WHERE connector = $1 AND model = $2 AND deleted_at IS NOT NULL AND seq > $3 ORDER BY seq LIMIT $4
"""
LIST_DELETED_BY_IDS = """
    SELECT record.seq, record.id, record.remote_id FROM {records}
    WHERE record.connector = $1 AND record.model = $2 AND record.deleted_at IS NOT NULL AND record.seq > $3
    ORDER BY record.seq LIMIT $4
"""

# A page of living records and tombstones. Both are of one snapshot: what commits between two would be missed.
LIST_ALL = """
    SELECT * FROM (
        SELECT living.*, NULL::uuid AS id, NULL::text AS remote_id FROM ({living}) AS living
        UNION ALL
        SELECT deleted.seq, NULL{nothing}, deleted.id, deleted.remote_id FROM ({deleted}) AS deleted
    ) AS page
    ORDER BY seq LIMIT $4
"""

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


def compose_list(wanted: RecordSelection, single: Sequence[int], *, by_array: bool = True) -> tuple[str, list[object]]:
    """The query of a list and its arguments; `single` are the keys of filters with one value, the rarest first.

    `by_array` is for servers from ARRAYS_FROM on.

    Ids are looked up and their records checked; as many as fit on a page come in no order. Otherwise the list is a walk
    in feed order: along the rarest single key with the others probed at each step, along the merged walks of a filter
    with several values, or along all records. What the walk does not settle is checked on the records it meets.
    """
    arguments: list[object] = [wanted.connector, wanted.model, wanted.after, wanted.limit + 1]

    def add(argument: object) -> int:
        arguments.append(argument)
        return len(arguments)

    columns = list_columns(wanted.content)
    several = [list(keys) for keys in wanted.keys if len(keys) != 1]
    walk, steps, checks, is_ordered = "record", "record.seq", "", True
    if wanted.ids is not None:
        is_ordered = len(wanted.ids) > wanted.limit
        walk = (BY_IDS if by_array else BY_IDS_EACH).format(ids=add(wanted.ids))
        several += [[key] for key in single]
    elif single:
        add(single[0])
        probes = "".join(PROBE.format(key=add(key)) for key in single[1:])
        if not several:
            return _write_at(columns, ONE_WALK.format(probes=probes), by_array), arguments
        walk, steps, checks = f"record_key AS walk{probes}{AT_STEPS}", "walk.seq", CHECK_KEY
    elif len(several) == 1:
        add(several[0])
        return _write_at(columns, SEVERAL_WALKS.format(bound=""), by_array), arguments
    elif several:
        keys = several.pop()
        if 0 < len(keys) <= WRITTEN_OUT:
            walks = " UNION ALL ".join(WHOLE_WALK.format(key=add(key)) for key in keys)
        else:
            walks = MANY_WALKS.format(keys=add(keys))
        walk, steps = MERGED_WALK.format(walks=walks) + AT_STEPS, "walk.seq"
    checks += "".join(f" AND record.keys && ${add(keys)}::bigint[]" for keys in several)
    order = f" ORDER BY {steps}" if is_ordered else ""
    return LIST_RECORDS.format(columns=columns, walk=walk, steps=steps, checks=checks, order=order), arguments


def compose_all(wanted: RecordSelection, single: Sequence[int], *, by_array: bool = True) -> tuple[str, list[object]]:
    """As `compose_list`, with the tombstones of the model, or those of the ids.

    The rows of these have no body, but an id and the vendor's id.
    """
    living, arguments = compose_list(wanted, single, by_array=by_array)
    deleted = LIST_DELETED
    if wanted.ids is not None:
        arguments.append(wanted.ids)
        records = (BY_IDS if by_array else BY_IDS_EACH).format(ids=len(arguments))
        deleted = LIST_DELETED_BY_IDS.format(records=records)
    nothing = ", NULL" * count_columns(wanted.content)
    return LIST_ALL.format(living=living, nothing=nothing, deleted=deleted), arguments


def _write_at(columns: str, steps: str, by_array: bool) -> str:
    """The query of the records at some steps."""
    if by_array:
        return LIST_RECORDS_AT.format(columns=columns, steps=steps)
    return LIST_RECORDS_EACH.format(columns=columns, steps=steps, records=AT_STEPS)


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


@cache
def write_many(content: Content, *, by_array: bool) -> str:
    """The query of a page whose end two of many values show."""
    columns = list_columns(content) + RETURN_EDGE
    return FIND_EDGE + _write_at(columns, SEVERAL_WALKS.format(bound=WITHIN_EDGE), by_array)


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
