"""The queries of lists: one for each way to a page of records, composed of the pieces below.

A list is a walk in feed order along an index, and every index begins with the connector. The ways are, by what is asked
for: by ids; along one value of a filter; along several values of one filter; along several values of each of several
filters; along all records.
"""

from collections.abc import Sequence
from functools import cache

import msgspec

from unihire.store.bodies import BODY, Content, count_columns, list_columns


class RecordSelection(msgspec.Struct, frozen=True):
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

# A page of live records and tombstones. Both are of one snapshot: what commits between two would be missed.
LIST_ALL = """
    SELECT * FROM (
        SELECT living.*, NULL::uuid AS id, NULL::text AS remote_id FROM ({living}) AS living
        UNION ALL
        SELECT deleted.seq, NULL{nothing}, deleted.id, deleted.remote_id FROM ({deleted}) AS deleted
    ) AS page
    ORDER BY seq LIMIT $4
"""


def compose_list(wanted: RecordSelection, single: Sequence[int], *, by_array: bool = True) -> tuple[str, list[object]]:
    """The query of a list and its arguments: $1 to $4 are the connector, the model, where to go on, and how many rows.

    `single` are the keys of filters with one value, the rarest first. `by_array` is for servers from ARRAYS_FROM on.
    The rows are in feed order; where ids are asked for and all fit on a page, they are in none.
    """
    content, start = wanted.content, [wanted.connector, wanted.model, wanted.after, wanted.limit + 1]
    several = [list(keys) for keys in wanted.keys if len(keys) != 1]
    if wanted.ids is not None:
        filters = [*several, *([key] for key in single)]
        is_ordered = len(wanted.ids) > wanted.limit
        query = _write_by_ids(content, checks=len(filters), is_ordered=is_ordered, by_array=by_array)
        return query, [*start, wanted.ids, *filters]
    if single:
        query = _write_one_walk(content, values=len(single), checks=len(several), by_array=by_array)
        return query, [*start, *single, *several]
    if not several:
        return _write_plain(content), [*start]
    *others, keys = several
    if not others:
        return _write_several_walks(content, by_array=by_array), [*start, keys]
    is_written_out = 0 < len(keys) <= WRITTEN_OUT
    query = _write_merged_walks(content, values=len(keys) if is_written_out else None, checks=len(others))
    return query, [*start, *(keys if is_written_out else [keys]), *others]


# Texts by what they depend on: there are few, and to write one takes as long as to send it.


@cache
def _write_plain(content: Content) -> str:
    """A walk along all records."""
    return _write_list(content, "record", "record.seq")


@cache
def _write_by_ids(content: Content, *, checks: int, is_ordered: bool, by_array: bool) -> str:
    """Look the ids ($5) up, and check the filters on the records."""
    walk = (BY_IDS if by_array else BY_IDS_EACH).format(ids=5)
    return _write_list(content, walk, "record.seq", _check(6, checks), is_ordered=is_ordered)


@cache
def _write_one_walk(content: Content, *, values: int, checks: int, by_array: bool) -> str:
    """Walk along the rarest value ($5), look at each step whether the record has the others, and check what is left."""
    probes = "".join(PROBE.format(key=number) for number in range(6, 5 + values))
    if not checks:
        return _write_at(list_columns(content), ONE_WALK.format(probes=probes), by_array)
    walk = f"record_key AS walk{probes}{AT_STEPS}"
    return _write_list(content, walk, "walk.seq", CHECK_KEY + _check(5 + values, checks))


@cache
def _write_several_walks(content: Content, *, by_array: bool) -> str:
    """The walks of several values ($5) of one filter."""
    return _write_at(list_columns(content), SEVERAL_WALKS.format(bound=""), by_array)


@cache
def _write_merged_walks(content: Content, *, values: int | None, checks: int) -> str:
    """Walk along all values of a filter at once, written out from $5 on or an array there, and check the others."""
    if values is None:
        walks = MANY_WALKS.format(keys=5)
    else:
        walks = " UNION ALL ".join(WHOLE_WALK.format(key=number) for number in range(5, 5 + values))
    walk = MERGED_WALK.format(walks=walks) + AT_STEPS
    return _write_list(content, walk, "walk.seq", _check(6 if values is None else 5 + values, checks))


def _check(first: int, count: int) -> str:
    """Conditions on a record: of each of so many filters, whose keys begin at that argument, it has one."""
    return "".join(f" AND record.keys && ${number}::bigint[]" for number in range(first, first + count))


def _write_list(content: Content, walk: str, steps: str, checks: str = "", *, is_ordered: bool = True) -> str:
    order = f" ORDER BY {steps}" if is_ordered else ""
    return LIST_RECORDS.format(columns=list_columns(content), walk=walk, steps=steps, checks=checks, order=order)


def _write_at(columns: str, steps: str, by_array: bool) -> str:
    """The query of the records at some steps."""
    if by_array:
        return LIST_RECORDS_AT.format(columns=columns, steps=steps)
    return LIST_RECORDS_EACH.format(columns=columns, steps=steps, records=AT_STEPS)


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


@cache
def write_many(content: Content, *, by_array: bool) -> str:
    """The query of a page whose end two of many values show."""
    columns = list_columns(content) + RETURN_EDGE
    return FIND_EDGE + _write_at(columns, SEVERAL_WALKS.format(bound=WITHIN_EDGE), by_array)
