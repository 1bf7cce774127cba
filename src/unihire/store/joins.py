"""Rows that records of other streams show: stored, found by key, and the keys whose records must be made again."""

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple, TypeAlias

import asyncpg

from unihire.store import Connection, Pool
from unihire.store.copying import copy_rows, write_fields, write_hash
from unihire.store.streams import AHEAD, SEEN
from unihire.store.volatile import PARTS_COLUMN

NO_HASHES: Mapping[str, int] = {}

FEW = 5
"""So many rows are inserted by one statement: to COPY them takes another round trip."""


class Joined(NamedTuple):
    """A row as a join stores it: `stream` and `name` are the join's, `data` is the JSON of the members that it
    needs."""

    row_id: str
    stream: str
    name: str
    key: str
    id: str
    data: bytes


class Key(NamedTuple):
    """What a join finds rows by."""

    stream: str
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class JoinedChanges:
    """What storing a page's rows did: rows that are new, changed and gone, and the keys that find other rows now.

    A row counts once, however many joins store it.
    """

    added: int
    changed: int
    removed: int
    keys: set[Key]


# What joins store of some rows of a stream.
FIND_STORED = """
    SELECT found.* FROM unnest($3::text[]) AS wanted (row_id) CROSS JOIN LATERAL (
        SELECT row_id, stream, name, key, data, row_hash FROM joined
        WHERE connector = $1 AND origin = $2 AND row_id = wanted.row_id OFFSET 0
    ) AS found
"""

UPSERT_JOINED = """
    INSERT INTO joined (connector, origin, row_id, stream, name, key, id, data, row_hash)
    SELECT $1, $2, * FROM unnest(
        $3::text[], $4::text[], $5::text[], $6::text[], $7::text[]::uuid[], $8::bytea[], $9::bigint[]
    )
    ON CONFLICT (connector, origin, row_id, stream, name)
    DO UPDATE SET key = excluded.key, data = excluded.data, row_hash = excluded.row_hash
"""

DELETE_JOINED = """
    DELETE FROM joined WHERE connector = $1 AND ctid = ANY(ARRAY(
        SELECT found.ctid FROM unnest($3::text[], $4::text[], $5::text[]) AS gone (row_id, stream, name)
        CROSS JOIN LATERAL (
            SELECT j.ctid, j.stream, j.name FROM joined AS j
            WHERE j.connector = $1 AND j.origin = $2 AND j.row_id = gone.row_id OFFSET 0
        ) AS found
        WHERE found.stream = gone.stream AND found.name = gone.name
    ))
"""

# The rows that some keys of a stream's joins find, in the order of their ids, numbers by size.
FIND_JOINED = """
    SELECT wanted.name, wanted.key, found.data
    FROM unnest($3::text[], $4::text[]) AS wanted (name, key) CROSS JOIN LATERAL (
        SELECT row_id, data FROM joined
        WHERE connector = $1 AND stream = $2 AND name = wanted.name AND key = wanted.key OFFSET 0
    ) AS found
    ORDER BY length(found.row_id), found.row_id
"""

# Rows without records of their own that a complete read did not see, with ids after $3, in that order; by a full join,
# as in `streams.FIND_ABSENT`.
FIND_ABSENT_ROWS = f"""
    SELECT DISTINCT row_id FROM (
        SELECT here.row_id, noted.id AS seen_id FROM (
            SELECT row_id, id FROM joined WHERE connector = $1 AND origin = $2 AND row_id > $3 OFFSET 0
        ) AS here FULL JOIN ({SEEN}) AS noted ON noted.id = here.id OFFSET 0
    ) AS compared
    WHERE seen_id IS NULL AND row_id IS NOT NULL ORDER BY row_id LIMIT $4
"""  # noqa: S608 - of constants

INSERT_STALE = """
    INSERT INTO stale (connector, stream, name, key)
    SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[])
    ON CONFLICT (connector, stream, name, key) DO UPDATE SET after = 0, until = NULL
"""

# Stale keys of these joins of a stream, so many of each.
FIND_STALE = """
    SELECT found.* FROM unnest($3::text[]) AS wanted (name) CROSS JOIN LATERAL (
        SELECT name, key, after, until FROM stale
        WHERE connector = $1 AND stream = $2 AND name = wanted.name ORDER BY key LIMIT $4
    ) AS found
"""

HAS_STALE = "SELECT EXISTS (SELECT FROM stale WHERE connector = $1 AND stream = $2)"

DELETE_STALE = """
    DELETE FROM stale WHERE connector = $1 AND stream = $2 AND name = $3 AND key = $4
"""

MOVE_STALE = """
    UPDATE stale SET after = $5, until = $6 WHERE connector = $1 AND stream = $2 AND name = $3 AND key = $4
"""

# Living records, as the rows they were made of, with what is stored beside them.
FIND_ROWS = f"""
    SELECT found.raw, found.parts FROM (
        SELECT raw, stream, deleted_at{PARTS_COLUMN}
        FROM record WHERE connector = $1 AND id = ANY($3::text[]::uuid[]) OFFSET 0
    ) AS found
    WHERE found.stream = $2 AND found.deleted_at IS NULL
"""  # noqa: S608 - of constants

# Living records of these models that have one of these keys, as the rows they were made of, with what is stored beside
# them, in feed order.
FIND_SHOWING = f"""
    SELECT step.seq, found.raw, found.parts
    FROM (
        SELECT DISTINCT entry.seq FROM unnest($3::bigint[]) AS wanted (key) CROSS JOIN LATERAL (
            SELECT seq FROM record_key
            WHERE connector = $1 AND key = wanted.key AND seq > $4 AND seq <= $5 OFFSET 0
        ) AS entry
        ORDER BY entry.seq OFFSET 0
    ) AS step
    CROSS JOIN unnest($7::smallint[]) AS kind (model)
    CROSS JOIN LATERAL (
        SELECT raw{PARTS_COLUMN} FROM record
        WHERE connector = $1 AND model = kind.model AND seq = step.seq AND stream = $2 AND deleted_at IS NULL OFFSET 0
    ) AS found
    ORDER BY step.seq LIMIT $6
"""  # noqa: S608 - of constants

# Whether a stream has made records.
HAS_RECORDS = """
    SELECT EXISTS (
        SELECT FROM unnest($2::smallint[]) AS kind (model) CROSS JOIN LATERAL (
            SELECT FROM record
            WHERE connector = $1 AND model = kind.model AND stream = $3 AND deleted_at IS NULL OFFSET 0
        ) AS found
    )
"""

_COLUMNS = ("connector", "id", "origin", "row_id", "stream", "name", "key", "data", "row_hash")
# The first two of these nine, each after its length.
JoinedVersions: TypeAlias = Mapping[str, Set[tuple[str, str, str, bytes]]]
"""By row id what joins store of it: stream, name, key and data of each; no entry where that is nothing."""

_WRITE_START = Struct(">hiii16s").pack


async def find_versions(
    connection: Connection | Pool, connector: int, origin: str, row_ids: Collection[str]
) -> JoinedVersions:
    """What joins store of these rows now: it differs where somebody has saved another version in between."""
    found: dict[str, set[tuple[str, str, str, bytes]]] = {}
    for row in await connection.fetch(FIND_STORED, connector, origin, list(row_ids)):
        found.setdefault(row["row_id"], set()).add((row["stream"], row["name"], row["key"], row["data"]))
    return found


async def store_joined_rows(
    connection: Connection,
    connector: int,
    origin: str,
    row_ids: Collection[str],
    wanted: Iterable[Joined],
    hashes: Mapping[str, int] = NO_HASHES,
) -> JoinedChanges:
    """Store exactly `wanted` of these rows of the stream `origin`, with the hashes of the rows, by their ids.

    Call with the feed locked.
    """
    stored = {
        (row["row_id"], row["stream"], row["name"]): row
        for row in await connection.fetch(FIND_STORED, connector, origin, list(row_ids))
    }
    fresh: dict[tuple[str, str, str], Joined] = {}
    met: set[tuple[str, str, str]] = set()
    rehashed: dict[tuple[str, str, str], Joined] = {}
    keys: set[Key] = set()
    for one in wanted:
        place = (one.row_id, one.stream, one.name)
        met.add(place)
        known = stored.get(place)
        if known is not None and (known["key"], known["data"]) == (one.key, one.data):
            if known["row_hash"] != hashes.get(one.row_id):
                rehashed[place] = one
            continue
        if known is not None:
            keys.add(Key(one.stream, one.name, known["key"]))
        keys.add(Key(one.stream, one.name, one.key))
        fresh[place] = one
    gone = [place for place in stored if place not in met]
    keys |= {Key(stream, name, stored[row_id, stream, name]["key"]) for row_id, stream, name in gone}
    if gone:
        await connection.execute(DELETE_JOINED, connector, origin, *map(list, zip(*gone, strict=True)))
    if (fresh or rehashed) and (stored or len(fresh) <= FEW):
        written = [(*one, hashes.get(one.row_id)) for one in {**rehashed, **fresh}.values()]
        await connection.execute(UPSERT_JOINED, connector, origin, *map(list, zip(*written, strict=True)))
    elif fresh:
        await copy_rows(connection, "joined", _COLUMNS, _write_joined(connector, origin, fresh.values(), hashes))
    before, now = {row_id for row_id, _, _ in stored}, {row_id for row_id, _, _ in met}
    touched = {row_id for row_id, _, _ in (*fresh, *gone)}
    return JoinedChanges(len(now - before), len(touched & now & before), len(before - now), keys)


def _write_joined(connector: int, origin: str, rows: Iterable[Joined], hashes: Mapping[str, int]) -> Iterator[bytes]:
    name = origin.encode()
    for row in rows:
        yield _WRITE_START(9, 4, connector, 16, bytes.fromhex(row.id.replace("-", ""))) + write_fields(
            name,
            row.row_id.encode(),
            row.stream.encode(),
            row.name.encode(),
            row.key.encode(),
            row.data,
            write_hash(hashes.get(row.row_id)),
        )


async def note_stale(connection: Connection, connector: int, keys: Iterable[Key]) -> None:
    """Note that the records that show these keys are to be made again. Call in the transaction that changed them."""
    rows = sorted(keys)
    if rows:
        await connection.execute(INSERT_STALE, connector, *map(list, zip(*rows, strict=True)))


async def clear_stale(
    connection: Connection,
    connector: int,
    stream: str,
    done: Sequence[tuple[str, str]],
    moved: tuple[str, str, int, int] | None,
) -> None:
    """Delete stale keys, each with its join's name, whose records were made again; for a key with more records, store
    how far the work is.
    """
    if done:
        await connection.executemany(DELETE_STALE, [(connector, stream, name, key) for name, key in done])
    if moved is not None:
        await connection.execute(MOVE_STALE, connector, stream, *moved)


async def walk_absent_rows(pool: Pool, connector: int, origin: str, limit: int) -> AsyncIterator[list[str]]:
    """The ids of stored rows that a complete read has not shown, `limit` at a time; see `walk_absent`."""
    after = ""
    while found := await pool.fetch(FIND_ABSENT_ROWS, connector, origin, after, AHEAD):
        for start in range(0, len(found), limit):
            yield [row["row_id"] for row in found[start : start + limit]]
        after = found[-1]["row_id"]


async def find_joined(
    pool: Pool | Connection, connector: int, stream: str, wanted: Sequence[tuple[str, str]]
) -> list[asyncpg.Record]:
    """The rows, as `name`, `key` and `data`, that each `(name, key)` of the stream's joins finds, in id order."""
    names, keys = map(list, zip(*wanted, strict=True))
    return await pool.fetch(FIND_JOINED, connector, stream, names, keys)
