"""Reading records: pages of the change feed, one record, the targets of relations.

Every query carries the connector, so an id of another one finds nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from unihire.store import Pool
from unihire.store.saving import EMPTY_ENDING


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records of a list: those after `after` that fit every filter.

    `keys` has an entry for each filter: the keys any of which a record must have. `ids` narrows to these records.
    """

    connector: int
    model: int
    after: int
    limit: int
    keys: Sequence[Sequence[int]] = ()
    ids: Sequence[str] | None = None
    raw: bool = False
    custom: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """Bodies in feed order, and the position of the last one where more follow."""

    bodies: list[bytes]
    last: int | None


# A page of a list, in feed order. The pieces below take the place of {…}.
LIST_RECORDS = """
    SELECT record.seq, record.body{columns} FROM {walk}
    WHERE record.connector = $1 AND record.model = $2 AND record.deleted_at IS NULL AND {steps} > $3{checks}
    ORDER BY {steps} LIMIT $4
"""

# The walks of several values of one filter, merged: a page of each is enough to make a page of all. A few values are
# written out, one walk each, which PostgreSQL plans best; more are taken from an array.
MERGED_WALK = "(SELECT DISTINCT seq FROM ({walks}) AS step ORDER BY seq LIMIT {limit}) AS walk"
ONE_WALK = "(SELECT seq FROM record_key WHERE key = ${key} AND seq > $3 ORDER BY seq LIMIT {limit})"
MANY_WALKS = """
    SELECT few.seq FROM unnest(${keys}::bigint[]) AS wanted (key) CROSS JOIN LATERAL
        (SELECT seq FROM record_key AS k WHERE k.key = wanted.key AND k.seq > $3 ORDER BY seq LIMIT {limit}) AS few
"""
WRITTEN_OUT = 32

# Whether the record at a step of a walk fits one more filter.
PROBE = (
    " CROSS JOIN LATERAL (SELECT FROM record_key AS k WHERE k.key = ${key} AND k.seq = walk.seq LIMIT 1) AS fit_{key}"
)

# Which of several filters fits fewest records, as far as it matters.
RANK_KEYS = """
    SELECT key FROM unnest($1::bigint[]) AS wanted (key) CROSS JOIN LATERAL (
        SELECT count(*) AS records FROM (
            SELECT FROM record_key AS k WHERE k.key = wanted.key AND k.seq > $2 LIMIT 1000
        ) AS few
    ) AS counted ORDER BY records
"""

# One record.
FIND_RECORD = """
    SELECT record.body{columns} FROM record
    WHERE record.id = $3 AND record.connector = $1 AND record.model = $2 AND record.deleted_at IS NULL
"""

# The records that relations point to.
FIND_TARGETS = """
    SELECT record.id::text, record.body{columns} FROM record
    WHERE record.id = ANY($3::uuid[]) AND record.connector = $1 AND record.model = $2 AND record.deleted_at IS NULL
"""


async def list_records(pool: Pool, wanted: Wanted) -> Found:
    """A page of at most `limit` records, and whether more follow."""
    single = [keys[0] for keys in wanted.keys if len(keys) == 1]
    if len(single) > 1 and wanted.ids is None:
        single = [row["key"] for row in await pool.fetch(RANK_KEYS, single, wanted.after)]
    query, arguments = compose_list(wanted, single)
    rows = await pool.fetch(query, *arguments)
    more = len(rows) > wanted.limit
    if more:
        rows.pop()
    return Found(_bodies(rows, wanted.raw, wanted.custom), rows[-1][0] if more else None)


def compose_list(wanted: Wanted, single: Sequence[int]) -> tuple[str, list[object]]:
    """The query of a list and its arguments; `single` are the keys of filters with one value, the rarest first.

    Ids are looked up and their records checked. Otherwise the list is a walk in feed order: along the rarest single
    key with the others probed at each step, along the merged walks of a filter with several values, or along all
    records. What the walk does not settle is checked on the records it meets.
    """
    arguments: list[object] = [wanted.connector, wanted.model, wanted.after, wanted.limit + 1]

    def add(argument: object) -> int:
        arguments.append(argument)
        return len(arguments)

    several = [list(keys) for keys in wanted.keys if len(keys) != 1]
    walk, steps, checks = "record", "record.seq", ""
    if wanted.ids is not None:
        checks = f" AND record.id = ANY(${add(wanted.ids)}::text[]::uuid[])"
        several += [[key] for key in single]
    elif single:
        walk, steps = "record_key AS walk", "walk.seq"
        checks = f" AND walk.key = ${add(single[0])}"
        walk += "".join(PROBE.format(key=add(key)) for key in single[1:])
        walk += " JOIN record ON record.seq = walk.seq"
    elif several:
        keys, limit = several.pop(), "ALL" if several else "$4"
        if 0 < len(keys) <= WRITTEN_OUT:
            walks = " UNION ALL ".join(ONE_WALK.format(key=add(key), limit=limit) for key in keys)
        else:
            walks = MANY_WALKS.format(keys=add(keys), limit=limit)
        walk = MERGED_WALK.format(walks=walks, limit=limit) + " JOIN record ON record.seq = walk.seq"
        steps = "walk.seq"
    for keys in several:
        checks += f" AND record.keys && ${add(keys)}::bigint[]"
    columns = _columns(wanted.raw, wanted.custom)
    return LIST_RECORDS.format(columns=columns, walk=walk, steps=steps, checks=checks), arguments


async def find_record(
    pool: Pool, connector: int, model: int, id: str, *, raw: bool = False, custom: bool = False
) -> bytes | None:
    """The body of a living record, or None."""
    row = await pool.fetchrow(FIND_RECORD.format(columns=_columns(raw, custom)), connector, model, id)
    return None if row is None else splice(row["body"], row, raw, custom)


async def find_targets(
    pool: Pool, connector: int, model: int, ids: Sequence[str], *, raw: bool = False, custom: bool = False
) -> dict[str, bytes]:
    """The bodies of those of the records that live, by id."""
    query = FIND_TARGETS.format(columns=_columns(raw, custom))
    rows = await pool.fetch(query, connector, model, ids)
    return {row["id"]: splice(row["body"], row, raw, custom) for row in rows}


def splice(body: bytes, row: asyncpg.Record, raw: bool, custom: bool) -> bytes:
    """A stored body with raw data and custom fields put in where they were asked for."""
    if not (raw or custom):
        return body
    return b'%b,"custom_fields":%b,"raw_data":%b}' % (
        body[: -len(EMPTY_ENDING)],
        (row["custom"] or b"{}") if custom else b"null",
        row["raw"] if raw else b"null",
    )


def _bodies(rows: Sequence[asyncpg.Record], raw: bool, custom: bool) -> list[bytes]:
    if not (raw or custom):
        return [row[1] for row in rows]
    return [splice(row[1], row, raw, custom) for row in rows]


def _columns(raw: bool, custom: bool) -> str:
    return (", record.raw" if raw else "") + (", record.custom" if custom else "")
