"""Records by the vendor's own moments: pages of a list narrowed to ranges of them, in the order of one.

A moment is looked up where it is stored, in the text of a record's answer or of what is stored beside it: by an index
of an expression. So nothing has to be filled or updated, and it costs a record an entry of an index.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from operator import itemgetter

import asyncpg
from msgspec import structs

from unihire.kit.clock import to_text
from unihire.store import Connection, Pool
from unihire.store.bodies import Content, list_columns
from unihire.store.feed.position import LATEST
from unihire.store.list_queries import ARRAYS_FROM, AT_STEPS, BY_IDS, BY_IDS_EACH, MANY_WALKS, RecordSelection
from unihire.store.reading import StoredPage, read_rows

IN_BODIES: Mapping[str, Sequence[int]] = {
    "remote_created_at": (1, 4, 8, 9, 12, 13, 14, 17, 18, 19),
    "remote_updated_at": (4, 8, 13, 17, 18, 19),
}
"""The moments that lists are narrowed by, and the models whose stored answers have them. Others have them beside."""

RangePosition = tuple[str, int]
"""Where in the order of a moment a record is: the moment as text and, of those with the same one, its feed position."""


@dataclass(frozen=True, slots=True)
class Range:
    """Records whose `moment` is strictly between two, as `write_bound` writes them."""

    moment: str
    after: str
    before: str


BEFORE_ALL, AFTER_ALL = "", "~"
"""Bounds before and after every moment."""


def write_bound(moment: datetime) -> str:
    """A moment as those of records are compared."""
    return to_text(moment).removesuffix("Z")


def write_moment(name: str) -> str:
    """The expression of a record's moment, as its index has it; null for a record without one, and for a deleted one.

    It is text without the `Z` at the end, so that the order of texts is that of moments, fractions of seconds included.
    """
    mark = f'"{name}":"'
    models = ",".join(map(str, IN_BODIES[name]))
    text = f"CASE WHEN record.model = ANY ('{{{models}}}'::smallint[]) THEN record.body ELSE record.more END"
    at = f"nullif(position('{mark}'::bytea IN {text}), 0) + {len(mark)}"
    found = f"split_part(encode(substring({text} FROM {at} FOR 27), 'escape'), 'Z', 1)"
    return f'(CASE WHEN record.deleted_at IS NULL THEN {found} END COLLATE "C")'


MOMENTS: Mapping[str, str] = {name: write_moment(name) for name in IN_BODIES}

# A page of a list in the order of a moment, by a walk along its index. What is known of a record besides is checked
# outside, where no other index can be chosen for it.
WALK_RANGE = """
    SELECT record.seq, record.body{columns}, record.moment FROM (
        SELECT record.*, {moment} AS moment FROM record
        WHERE record.connector = $1 AND record.model = $2 AND {moment} IS NOT NULL
            AND ({moment}, record.seq) > ($5, $6) AND {moment} < $7 AND record.seq > $3
        ORDER BY {moment}, record.seq OFFSET 0
    ) AS record
    WHERE true{checks} ORDER BY record.moment, record.seq LIMIT $4
"""

# The same where nothing is checked besides. The moment of the last record alone is needed: `read_moment` has it.
WALK_RANGE_ALONE = """
    SELECT record.seq, record.body{columns} FROM record
    WHERE record.connector = $1 AND record.model = $2 AND {moment} IS NOT NULL
        AND ({moment}, record.seq) > ($5, $6) AND {moment} < $7 AND record.seq > $3
    ORDER BY {moment}, record.seq LIMIT $4
"""

# The same of the first steps of the walk. Their last is given in any case: it says that there may be more.
TRY_RANGE = """
    SELECT record.seq, record.body{columns}, record.moment, record.nth, record.seq > $3{checks} AS fits FROM (
        SELECT record.*, {moment} AS moment, row_number() OVER (ORDER BY {moment}, record.seq) AS nth FROM record
        WHERE record.connector = $1 AND record.model = $2 AND {moment} IS NOT NULL
            AND ({moment}, record.seq) > ($5, $6) AND {moment} < $7
        ORDER BY {moment}, record.seq LIMIT {steps}
    ) AS record
    WHERE record.nth = {steps} OR record.seq > $3{checks} ORDER BY record.moment, record.seq LIMIT $4
"""

# The same of few records that something else finds, which are sorted.
GATHER_RANGE = """
    SELECT record.seq, record.body{columns}, record.moment FROM (
        SELECT record.*, {moment} AS moment FROM {source} OFFSET 0
    ) AS record
    WHERE record.connector = $1 AND record.model = $2 AND record.moment IS NOT NULL
        AND (record.moment, record.seq) > ($5, $6) AND record.moment < $7 AND record.seq > $3{checks}
    ORDER BY record.moment, record.seq LIMIT $4
"""

# What may find few: a filter, the part of the feed, and the range of another moment.
BY_KEYS = "(SELECT DISTINCT seq FROM ({walks}) AS step) AS walk{records}"
REST_OF_FEED = """(
        SELECT * FROM record WHERE connector = $1 AND model = $2 AND deleted_at IS NULL AND seq > $3 OFFSET 0
    ) AS record"""
IN_RANGE = """(
        SELECT * FROM record WHERE record.connector = $1 AND record.model = $2 AND {moment} IS NOT NULL
            AND {moment} > $8 AND {moment} < $9 OFFSET 0
    ) AS record"""

CHECK_KEYS = " AND record.keys && ${keys}::bigint[]"
CHECK_RANGE = " AND {moment} > ${after} AND {moment} < ${before}"

# How many records each of these finds, as far as it matters.
COUNT_KEYS = """
    SELECT count(*) FROM (
        SELECT FROM unnest($2::bigint[]) AS wanted (key) CROSS JOIN LATERAL (
            SELECT FROM record_key AS k WHERE k.connector = $1 AND k.key = wanted.key AND k.seq > $3 LIMIT $4
        ) AS few LIMIT $4
    ) AS counted
"""
COUNT_REST = """
    SELECT count(*) FROM (
        SELECT FROM record WHERE connector = $1 AND model = $2 AND deleted_at IS NULL AND seq > $3 LIMIT $4
    ) AS counted
"""
COUNT_RANGE = """
    SELECT count(*) FROM (
        SELECT FROM record WHERE record.connector = $1 AND record.model = $2 AND {moment} IS NOT NULL
            AND {moment} > $3 AND {moment} < $4 LIMIT $5
    ) AS counted
"""

STEPS = 200
"""So many steps of a walk are tried before it is counted what else would find few: a common filter fills a page so."""

FEW = 5000
"""Fewer than so many records are gathered and sorted; else the walk goes on until the page is full."""


@dataclass(frozen=True, slots=True)
class RangeSource:
    """What few records are gathered from: a piece of a query, with the arguments it has from $8 on."""

    text: str
    arguments: tuple[object, ...] = ()


async def list_range(
    pool: Pool, wanted: RecordSelection, ranges: Sequence[Range], place: RangePosition | None
) -> StoredPage:
    """A page of the records that fit every range too, in the order of the first one's moment, after `place`."""
    async with pool.acquire() as connection:
        rows = await _list_rows(connection, wanted, ranges, place)
    more = len(rows) > wanted.limit
    if more:
        rows.pop()
    found = read_rows(rows, frozenset(), rows[-1]["seq"] if more else None, wanted.content)
    if not more:
        return found
    moment = rows[-1].get("moment") or read_moment(ranges[0].moment, wanted.model, rows[-1])
    return structs.replace(found, moment=moment)


def read_moment(name: str, model: int, row: asyncpg.Record) -> str:
    """The moment of a record, as its index has it (`write_moment`)."""
    text: bytes = row["body"] if model in IN_BODIES[name] else row["more"]
    mark = f'"{name}":"'.encode()
    start = text.index(mark) + len(mark)
    return text[start : start + 27].partition(b"Z")[0].decode()


async def _list_rows(
    connection: Connection, wanted: RecordSelection, ranges: Sequence[Range], place: RangePosition | None
) -> list[asyncpg.Record]:
    async def fetch(query: str, source: RangeSource | None = None) -> list[asyncpg.Record]:
        text, arguments = compose_range(query, wanted, ranges, place, source)
        rows: list[asyncpg.Record] = await connection.fetch(text, *arguments)
        return rows

    if wanted.ids is not None:
        by_array = connection.get_server_version().major >= ARRAYS_FROM
        return await fetch(GATHER_RANGE, by_ids(wanted.ids, by_array=by_array))
    if not (wanted.keys or wanted.after or len(ranges) > 1):
        has_text = wanted.content.in_parts or wanted.model in IN_BODIES[ranges[0].moment]
        return await fetch(WALK_RANGE_ALONE if has_text else WALK_RANGE)
    if wanted.keys or len(ranges) > 1:
        rows = await fetch(TRY_RANGE)
        if not rows or rows[-1]["nth"] < STEPS or sum(row["fits"] for row in rows) > wanted.limit:
            return rows
    source = await _find_source(connection, wanted, ranges)
    return await fetch(WALK_RANGE) if source is None else await fetch(GATHER_RANGE, source)


def compose_range(
    query: str,
    wanted: RecordSelection,
    ranges: Sequence[Range],
    place: RangePosition | None,
    source: RangeSource | None = None,
) -> tuple[str, list[object]]:
    """One of the queries of a page, and its arguments."""
    first, *others = ranges
    lowest = max((first.after, LATEST), place or (BEFORE_ALL, 0))
    text, of_source = ("", ()) if source is None else (source.text, source.arguments)
    start = [wanted.connector, wanted.model, wanted.after, wanted.limit + 1, *lowest, first.before, *of_source]
    bounds = (bound for other in others for bound in (other.after, other.before))
    moments = tuple(one.moment for one in ranges)
    written = _write_range(query, wanted.content, moments, len(wanted.keys), text, len(start) + 1)
    return written, [*start, *wanted.keys, *bounds]


@cache
def _write_range(
    query: str, content: Content, moments: tuple[str, ...], keys: int, source: str, next_argument: int
) -> str:
    """A query's text, by all that it depends on; `next_argument` is the number of the first argument of its checks."""
    checks = "".join(CHECK_KEYS.format(keys=next_argument + number) for number in range(keys))
    for number, other in enumerate(moments[1:]):
        after = next_argument + keys + 2 * number
        checks += CHECK_RANGE.format(moment=MOMENTS[other], after=after, before=after + 1)
    return query.format(
        columns=list_columns(content), moment=MOMENTS[moments[0]], checks=checks, steps=STEPS, source=source
    )


def by_ids(ids: Sequence[str], *, by_array: bool = True) -> RangeSource:
    return RangeSource((BY_IDS if by_array else BY_IDS_EACH).format(ids=8), (ids,))


def by_keys(keys: Sequence[int]) -> RangeSource:
    """The records that have any of the keys."""
    return RangeSource(BY_KEYS.format(walks=MANY_WALKS.format(keys=8), records=AT_STEPS), (keys,))


def in_range(other: Range) -> RangeSource:
    """The records of the range of another moment."""
    return RangeSource(IN_RANGE.format(moment=MOMENTS[other.moment]), (other.after, other.before))


async def _find_source(connection: Connection, wanted: RecordSelection, ranges: Sequence[Range]) -> RangeSource | None:
    """What finds fewest records, if these are few."""
    counted: list[tuple[int, RangeSource]] = []
    for keys in wanted.keys:
        count = await connection.fetchval(COUNT_KEYS, wanted.connector, keys, wanted.after, FEW)
        counted.append((count, by_keys(keys)))
    if wanted.after:
        count = await connection.fetchval(COUNT_REST, wanted.connector, wanted.model, wanted.after, FEW)
        counted.append((count, RangeSource(REST_OF_FEED)))
    for other in ranges[1:]:
        query = COUNT_RANGE.format(moment=MOMENTS[other.moment])
        bounds = other.after, other.before
        count = await connection.fetchval(query, wanted.connector, wanted.model, *bounds, FEW)
        counted.append((count, in_range(other)))
    count, source = min(counted, key=itemgetter(0))
    return source if count < FEW else None
