"""The vendor's rows as last synced: found by their ids and members, and listed as the vendor lists them.

Rows that are records are their raw data, the others are stored whole in `joined`.
"""

from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from unihire.store import Pool
from unihire.store.volatile import PARTS_COLUMN, fill_raw

# Rows by what was asked for, each asked under a number of its own: by the ids of records, by keys of the filter index,
# and by the keys of rows stored whole. {…} stand for what is stored beside volatile records, where some may be.
FIND_ROWS = """
    SELECT wanted.number, found.raw AS row{found_parts}
    FROM unnest($2::int[], $3::text[], $4::text[]::uuid[]) AS wanted (number, stream, id)
    CROSS JOIN LATERAL (
        SELECT raw, stream, deleted_at{parts} FROM record WHERE connector = $1 AND id = wanted.id OFFSET 0
    ) AS found
    WHERE found.stream = wanted.stream AND found.deleted_at IS NULL
    UNION ALL
    SELECT wanted.number, found.raw{found_parts}
    FROM unnest($5::int[], $6::text[], $7::smallint[], $8::bigint[]) AS wanted (number, stream, model, key)
    CROSS JOIN LATERAL (
        SELECT seq FROM record_key AS k WHERE k.connector = $1 AND k.key = wanted.key OFFSET 0
    ) AS step
    CROSS JOIN LATERAL (
        SELECT raw{parts} FROM record
        WHERE connector = $1 AND model = wanted.model AND seq = step.seq AND stream = wanted.stream
            AND deleted_at IS NULL OFFSET 0
    ) AS found
    UNION ALL
    SELECT wanted.number, found.data{no_parts}
    FROM unnest($9::int[], $10::text[], $11::text[], $12::text[]) AS wanted (number, stream, name, key)
    CROSS JOIN LATERAL (
        SELECT row_id, origin FROM joined
        WHERE connector = $1 AND stream = wanted.stream AND name = wanted.name AND key = wanted.key OFFSET 0
    ) AS entry
    CROSS JOIN LATERAL (
        SELECT data, stream, name FROM joined
        WHERE connector = $1 AND origin = wanted.stream AND row_id = entry.row_id OFFSET 0
    ) AS found
    WHERE entry.origin = wanted.stream AND found.stream = wanted.stream AND found.name = $13
"""

# Rows of a stream below an id, the highest first, numbers by size. Connector and model are written as record_newest is.
LIST_RECORDS = """
    SELECT remote_id AS id, raw AS row{parts} FROM record
    WHERE (connector::bigint << 16 | model) = ($1::bigint << 16 | $3::smallint) AND stream = $2 AND deleted_at IS NULL
        AND (length(remote_id), remote_id) < ($4::int, $5::text)
    ORDER BY length(remote_id) DESC, remote_id DESC OFFSET $6 LIMIT $7
"""
# Rows stored whole. A condition on every key selects all rows: it lets the planner use the index of keys.
LIST_WHOLE = """
    SELECT row_id AS id, data AS row FROM joined
    WHERE connector = $1 AND stream = $2 AND name = $3 AND key >= '' AND (length(row_id), row_id) < ($4::int, $5::text)
    ORDER BY length(row_id) DESC, row_id DESC OFFSET $6 LIMIT $7
"""

# Both: of a stream whose deleted rows are listed, those that are not deleted are records and the others are stored
# whole.
LIST_BOTH = f"""
    SELECT id, row FROM (({LIST_RECORDS}) UNION ALL ({LIST_WHOLE.replace("$3", "$10")})) AS listed
    ORDER BY length(id) DESC, id DESC OFFSET $8 LIMIT $9
"""  # noqa: S608 - of constants

# Why those of these streams that never were read well were not: the latest error, null where there is none.
FIND_UNREAD = """
    SELECT wanted.stream, latest.error
    FROM unnest($2::text[]) AS wanted (stream)
    LEFT JOIN LATERAL (
        SELECT error FROM stream_run AS part
        WHERE part.connector = $1 AND part.stream = wanted.stream AND part.phase = 'done'
        ORDER BY started_at DESC LIMIT 1
    ) AS latest ON true
    WHERE NOT EXISTS (SELECT FROM stream_state WHERE connector = $1 AND stream_state.stream = wanted.stream)
"""

NO_PARTS = ", NULL::bytea"

ABOVE_ALL = (2**31 - 1, "")
"""Length and text of an id above every other."""

AHEAD = 500
"""Rows of a walk that are fetched at once."""


class RowLocation(NamedTuple):
    """Where the rows of a stream are: among the records of a model, or stored whole under a name in `joined`.

    With `has_deleted` those that the vendor lists as deleted are stored whole, the others are records. Records that are
    volatile have a part of their row beside them.
    """

    stream: str
    model: int | None
    name: str
    has_deleted: bool = False
    is_volatile: bool = False


class ById(NamedTuple):
    """A record."""

    number: int
    stream: str
    id: str


class ByKey(NamedTuple):
    """Records that have a key of the filter index."""

    number: int
    stream: str
    model: int
    key: int


class ByText(NamedTuple):
    """Rows stored whole that an entry of this name finds by its key."""

    number: int
    stream: str
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class RowLookup:
    """Look-ups that one query answers; each has a `number`."""

    ids: list[ById] = field(default_factory=list)
    keys: list[ByKey] = field(default_factory=list)
    texts: list[ByText] = field(default_factory=list)


async def find_rows(
    pool: Pool, connector: int, wanted: RowLookup, whole: str, *, is_volatile: bool = False
) -> dict[int, list[bytes]]:
    """The rows as JSON, by the number they were asked under, in no order; `whole` is the name under which rows are
    stored whole.

    `is_volatile`: some may be of volatile records.
    """
    columns = [*_columns(wanted.ids, 3), *_columns(wanted.keys, 4), *_columns(wanted.texts, 4)]
    found: dict[int, list[bytes]] = {}
    for number, row, parts in await pool.fetch(write_find_rows(is_volatile=is_volatile), connector, *columns, whole):
        found.setdefault(number, []).append(fill_raw(row, parts))
    return found


@cache
def write_find_rows(*, is_volatile: bool) -> str:
    """FIND_ROWS, and as its third column what is stored beside the records."""
    if not is_volatile:
        return FIND_ROWS.format(parts="", found_parts=NO_PARTS, no_parts=NO_PARTS)
    return FIND_ROWS.format(parts=PARTS_COLUMN, found_parts=", found.parts", no_parts=NO_PARTS)


def _columns(rows: Sequence[tuple[object, ...]], width: int) -> Iterable[list[object]]:
    return map(list, zip(*rows, strict=True)) if rows else [[] for _ in range(width)]


async def list_rows(
    pool: Pool, connector: int, place: RowLocation, *, skip: int = 0, limit: int | None = None
) -> list[bytes]:
    """Rows of a stream as JSON, newest id first."""
    rows = await pool.fetch(*_list(connector, place, None, skip, limit))
    return [fill_raw(row["row"], row["parts"]) if place.is_volatile else row["row"] for row in rows]


async def walk_rows(
    pool: Pool, connector: int, place: RowLocation, *, below: str | None = None
) -> AsyncGenerator[tuple[str, bytes], None]:
    """Id and JSON of every row of a stream, newest id first, after one of them; all of one moment."""
    async with pool.acquire() as connection, connection.transaction(readonly=True):
        async for row in connection.cursor(*_list(connector, place, below, 0, None), prefetch=AHEAD):
            yield row["id"], fill_raw(row["row"], row["parts"]) if place.is_volatile else row["row"]


def _list(connector: int, place: RowLocation, below: str | None, skip: int, limit: int | None) -> tuple[Any, ...]:
    """The query and its arguments."""
    bound = ABOVE_ALL if below is None else (len(below), below)
    if place.model is not None and place.has_deleted:
        most = None if limit is None else skip + limit
        query = LIST_BOTH.format(parts="")
        return query, connector, place.stream, place.model, *bound, 0, most, skip, limit, place.name
    if place.model is not None:
        query = LIST_RECORDS.format(parts=PARTS_COLUMN if place.is_volatile else "")
        return query, connector, place.stream, place.model, *bound, skip, limit
    return LIST_WHOLE, connector, place.stream, place.name, *bound, skip, limit


async def find_unread(pool: Pool, connector: int, streams: Sequence[str]) -> dict[str, str | None]:
    """Those of the streams that never were read well, each with what the latest read of it came to."""
    return {row["stream"]: row["error"] for row in await pool.fetch(FIND_UNREAD, connector, streams)}
