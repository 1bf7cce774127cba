"""Reading records: pages of the change feed, one record, the targets of relations.

Every query carries the connector, so an id of another one finds nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

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
    ids: Sequence[UUID] | None = None
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
    WHERE record.connector = $1 AND record.model = $2 AND record.deleted_at IS NULL AND {position}{narrow}
    ORDER BY {order} LIMIT $4
"""

# The walks of several values of one filter, merged.
MERGED_WALK = """
    (SELECT DISTINCT step.seq FROM unnest(${keys}::bigint[]) AS wanted (key) CROSS JOIN LATERAL
        (SELECT seq FROM record_key AS k WHERE k.key = wanted.key AND k.seq > $3 ORDER BY seq LIMIT {limit}) AS step
    ) AS walk JOIN record ON record.seq = walk.seq
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
    query, arguments = compose_list(wanted)
    rows = await pool.fetch(query, *arguments)
    more = len(rows) > wanted.limit
    if more:
        rows.pop()
    return Found(_bodies(rows, wanted.raw, wanted.custom), rows[-1][0] if more else None)


def compose_list(wanted: Wanted) -> tuple[str, list[object]]:
    """The query of a list and its arguments.

    One value of one filter is a walk along the filter index. Several filters are walked together, each in feed order.
    Of a filter with several values, each value's walk gives at most a page, and the pages are merged.
    """
    arguments: list[object] = [wanted.connector, wanted.model, wanted.after, wanted.limit + 1]
    walk, order, position, narrow = "record", "record.seq", "record.seq > $3", ""
    if wanted.ids is not None:
        arguments.append(wanted.ids)
        narrow += f" AND record.id = ANY(${len(arguments)}::uuid[])"
    single = [keys[0] for keys in wanted.keys if len(keys) == 1]
    several = [list(keys) for keys in wanted.keys if len(keys) != 1]
    for number, key in enumerate(single):
        arguments.append(key)
        name = f"key_{number}"
        join = f"record_key AS {name}"
        condition = f"{name}.key = ${len(arguments)} AND {name}.seq > $3"
        if number == 0:
            walk = f"{join} JOIN record ON record.seq = {name}.seq"
            order, position = f"{name}.seq", condition
        else:
            walk += f" JOIN {join} ON {name}.seq = key_0.seq AND {condition}"
    for keys in several:
        arguments.append(keys)
        narrow += f" AND record.keys && ${len(arguments)}::bigint[]"
    if several and not single and wanted.ids is None:
        # With nothing else to fit, a page of each value's walk is enough to make a page of all.
        walk = MERGED_WALK.format(keys=len(arguments), limit="$4" if len(several) == 1 else "ALL")
        order, position = "walk.seq", "walk.seq > $3"
    columns = _columns(wanted.raw, wanted.custom)
    query = LIST_RECORDS.format(columns=columns, walk=walk, position=position, narrow=narrow, order=order)
    return query, arguments


async def find_record(
    pool: Pool, connector: int, model: int, id: UUID, *, raw: bool = False, custom: bool = False
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
