"""Records in: only what changed is written, in the order of the change feed.

A record's place in the feed (`seq`) is its modified_at in microseconds. Everything here is called with the feed locked
(store/feed/gate.py).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from struct import Struct
from uuid import UUID

import asyncpg
import msgspec

from unihire.kit.clock import from_micros
from unihire.store import Connection
from unihire.store.copying import copy_rows, count_micros, write_bigints, write_fields, write_hash
from unihire.store.feed.changes import Change, ChangeKind, name_fields
from unihire.store.feed.hashes import note_hashes
from unihire.store.feed.position import FIND_PLACE, MOVE_FEED, PLACE, take_positions
from unihire.store.feed.refreshing import forget_volatile, is_fresh, store_volatile

NO_HASHES: Mapping[str, int] = {}

NOTHING = b"{}"
"""What richer faces show beside a body, where that is nothing."""

CONTENT_BYTES = 16
"""So many bytes of a fingerprint are of members and row. The eight behind them, of what richer faces show, are stored
apart: programs of before compare the others alone."""

EMPTY_ENDING = b',"custom_fields":null,"raw_data":null}'
"""How every stored answer ends; the reader cuts it off to splice in what was asked for."""

MEMBERS_AT = len(b'{"id":"12345678-1234-1234-1234-123456789012","modified_at":"2026-01-31T09:30:00.000001Z",')
"""Where in a stored answer the members begin."""


class Rendered(msgspec.Struct, frozen=True, gc=False):
    """A record ready to save. `members` are the JSON members of its body between modified_at and the ending.

    `custom`, `words` and `more` are JSON objects, the last what only richer faces show. `row_id` is the vendor's id of
    the row that it was made of; `is_shared`: other rows may have it as well. One that `is_volatile` is without its
    volatile texts: `parts` are these, None where it has none, and `ends_at` is when the first of them ends, where that
    is known (store/volatile.py). The `fingerprint` has CONTENT_BYTES of members and row, and eight of `more`.
    """

    id: str
    model: int
    remote_id: str
    fingerprint: bytes
    keys: Sequence[int]
    members: bytes
    raw: bytes
    custom: bytes | None = None
    words: bytes | None = None
    is_volatile: bool = False
    row_id: str = ""
    is_shared: bool = False
    parts: bytes | None = None
    ends_at: datetime | None = None
    more: bytes = NOTHING


@dataclass(frozen=True, slots=True)
class Saved:
    """What saving a page did."""

    added: int = 0
    changed: int = 0


# The connector's place in the feed and the time, and beside them what is stored of these records already, if anything
# is.
_FINGERPRINT = "fingerprint || coalesce(int8send(more_hash), '') AS fingerprint"
_STORED = f"stored.id::text, {_FINGERPRINT}, deleted_at IS NOT NULL AS is_deleted, seq, keys, first_saved_at, row_hash"
FIND_STORED = f"""
    SELECT {PLACE}, {_STORED}
    FROM feed LEFT JOIN record AS stored ON stored.connector = $1 AND stored.id = ANY($2::uuid[])
    WHERE feed.connector = $1
"""  # noqa: S608 - of constants

# The same of records that are volatile, with their volatile texts, and the lengths of what is stored without them.
FIND_STORED_VOLATILE = f"""
    SELECT {PLACE}, {_STORED}, octet_length(body) AS body_length, octet_length(raw) AS raw_length, parts, refresh_at
    FROM feed LEFT JOIN record AS stored ON stored.connector = $1 AND stored.id = ANY($2::uuid[])
    LEFT JOIN LATERAL (
        SELECT parts, refresh_at FROM record_volatile AS v WHERE v.connector = $1 AND v.id = stored.id OFFSET 0
    ) AS beside ON true WHERE feed.connector = $1
"""  # noqa: S608 - of constants

# Store a record without its volatile texts that a program of before stored with them: its place in the feed stays.
TAKE_VOLATILE_OUT = "UPDATE record SET body = $3, raw = $4, custom = $5 WHERE connector = $1 AND id = $2::text::uuid"

# Store what richer faces show of records that were saved before it was stored, and the words behind it: their places in
# the feed stay.
FILL_MORE = """
    UPDATE record SET more = filled.more, more_hash = filled.hash, words = filled.words FROM (
        SELECT found.place, new.more, new.hash, new.words
        FROM unnest($2::text[]::uuid[], $3::bytea[], $4::bigint[], $5::bytea[]) AS new (id, more, hash, words)
        CROSS JOIN LATERAL (SELECT ctid AS place FROM record WHERE connector = $1 AND id = new.id OFFSET 0) AS found
    ) AS filled
    WHERE record.connector = $1 AND record.ctid = filled.place
"""

# The keys by which such a record is found now: it may show rows that it did not show before.
FILL_KEYS = "UPDATE record SET keys = $3 WHERE connector = $1 AND id = $2::text::uuid"

# Make room for new versions of records.
DELETE_VERSIONS = "DELETE FROM record WHERE connector = $1 AND id = ANY($2::text[]::uuid[])"

# The same, and what they were.
TAKE_VERSIONS = f"{DELETE_VERSIONS} RETURNING id::text, body, raw, custom, more"

# Take the keys of old versions out of the filter index.
DELETE_KEYS = """
    DELETE FROM record_key WHERE connector = $1 AND ctid = ANY(ARRAY(
        SELECT found.ctid FROM unnest($2::bigint[], $3::bigint[]) AS old (key, seq)
        CROSS JOIN LATERAL (
            SELECT k.ctid FROM record_key AS k
            WHERE k.connector = $1 AND k.key = old.key AND k.seq = old.seq OFFSET 0
        ) AS found
    ))
"""

# Put keys into the filter index.
INSERT_KEYS = "INSERT INTO record_key (connector, key, seq) SELECT $1, * FROM unnest($2::bigint[], $3::bigint[])"

# Put the keys of the records that were saved behind a place in the feed into the filter index, and move the feed there.
FILE_KEYS = """
    WITH moved AS (UPDATE feed SET last_seq = $3 WHERE connector = $1)
    INSERT INTO record_key (connector, key, seq)
    SELECT $1, key, seq FROM unnest($4::smallint[]) AS kind (model) CROSS JOIN LATERAL (
        SELECT seq, keys FROM record
        WHERE connector = $1 AND model = kind.model AND seq > $2 AND deleted_at IS NULL OFFSET 0
    ) AS saved CROSS JOIN unnest(keys) AS key
"""

# Turn records into tombstones: their content stays, their place in the feed is new.
BURY_RECORDS = """
    UPDATE record SET deleted_at = $4, seq = $3::bigint + array_position($2::uuid[], id)
    WHERE connector = $1 AND id = ANY($2::uuid[])
"""

# The same, and which were.
BURY_RETURNING = f"{BURY_RECORDS} RETURNING id::text, model, seq"

# Living records of a stream, of these models, that have one of these keys.
FIND_KEYED = """
    SELECT DISTINCT found.id FROM unnest($3::bigint[]) AS wanted (key)
    CROSS JOIN LATERAL (
        SELECT seq FROM record_key AS k WHERE k.connector = $1 AND k.key = wanted.key OFFSET 0
    ) AS step
    CROSS JOIN unnest($4::smallint[]) AS kind (model)
    CROSS JOIN LATERAL (
        SELECT id FROM record
        WHERE connector = $1 AND model = kind.model AND seq = step.seq AND stream = $2 AND deleted_at IS NULL OFFSET 0
    ) AS found
"""

# Which of these records live.
FIND_LIVING = """
    SELECT id FROM (
        SELECT id, deleted_at FROM record WHERE connector = $1 AND id = ANY($2::text[]::uuid[]) OFFSET 0
    ) AS found
    WHERE deleted_at IS NULL
"""

# The keys of living records, to take them out of the filter index.
FIND_KEYS = """
    SELECT key, found.seq
    FROM (SELECT seq, keys, deleted_at FROM record WHERE connector = $1 AND id = ANY($2::uuid[]) OFFSET 0) AS found
    CROSS JOIN unnest(found.keys) AS key WHERE found.deleted_at IS NULL
"""

_COLUMNS = (
    "seq", "connector", "model", "id", "first_saved_at", "keys", "stream", "remote_id", "fingerprint", "body", "raw",
    "custom", "words", "row_hash", "more",
    "more_hash",
)  # fmt: skip
# The first five of these sixteen, each behind its length.
_WRITE_START = Struct(">h iq ii ih i16s iq".replace(" ", "")).pack


async def save_records(connection: Connection, connector: int, stream: str, records: Sequence[Rendered]) -> Saved:
    """Save what is new or changed among `records`; the rest is not touched. Call with the feed locked.

    A record's place in the feed is the time by the database's clock, or just behind the place before, if that is later.
    One whose fingerprint is the stored one keeps its modified_at, as does one that only lacks what richer faces show:
    that is filled in. One that was a tombstone lives again.
    """
    if not records:
        return Saved()
    return await save_found(connection, connector, stream, records, await find_stored(connection, connector, records))


async def find_stored(connection: Connection, connector: int, records: Sequence[Rendered]) -> Sequence[asyncpg.Record]:
    """The connector's place in the feed, and beside it what is stored of these records; at least one row."""
    query = FIND_STORED_VOLATILE if any(record.is_volatile for record in records) else FIND_STORED
    return await connection.fetch(query, connector, [record.id for record in records])


async def save_found(
    connection: Connection,
    connector: int,
    stream: str,
    records: Sequence[Rendered],
    found: Sequence[asyncpg.Record],
    changes: list[Change] | None = None,
    hashes: Mapping[str, int] = NO_HASHES,
    *,
    is_final: bool = True,
) -> Saved:
    """As `save_records`, with what `find_stored` found of them; what changed is added to `changes`.

    `hashes` are those of the rows that records are, by the records' ids. Without `is_final`, what richer faces show of
    records of before is stored and counts as lacking still: rows that they show as well may not have been read yet.
    """
    stored = {row["id"]: row for row in found}
    fresh: list[Rendered] = []
    outdated: list[asyncpg.Record] = []
    same: list[tuple[Rendered, asyncpg.Record]] = []
    rehashed: list[tuple[str, int | None]] = []
    lacking: list[tuple[Rendered, asyncpg.Record]] = []
    for record in records:
        known = stored.get(record.id)
        if known is None:
            fresh.append(record)
        elif known["is_deleted"] or not is_same(known["fingerprint"], record.fingerprint):
            fresh.append(record)
            outdated.append(known)
        else:
            row_hash = hashes.get(record.id)
            if len(known["fingerprint"]) == CONTENT_BYTES:
                lacking.append((record, known))
                row_hash = row_hash if is_final else None  # the next complete read maps it again
            if record.is_volatile:
                same.append((record, known))
            if known["row_hash"] != row_hash:
                rehashed.append((record.id, row_hash))
    await _fill_more(connection, connector, lacking, is_final=is_final)
    await note_hashes(connection, connector, rehashed)
    if same:
        await _refresh_volatile(connection, connector, same, found[0]["now"])
    if not fresh:
        return Saved()
    before: dict[str, asyncpg.Record] = {}
    if outdated:
        ids = [row["id"] for row in outdated]
        if changes is None:
            await connection.execute(DELETE_VERSIONS, connector, ids)
        else:
            living = {row["id"] for row in outdated if not row["is_deleted"]}
            taken = await connection.fetch(TAKE_VERSIONS, connector, ids)
            before = {row["id"]: row for row in taken if row["id"] in living}
        await _delete_keys(connection, connector, ((key, row["seq"]) for row in outdated for key in row["keys"]))
    now: datetime = found[0]["now"]
    start = await take_positions(connection, connector, found[0], len(fresh))
    since = {row["id"]: row["first_saved_at"] for row in outdated}
    await copy_rows(connection, "record", _COLUMNS, _write_records(connector, stream, fresh, start, now, since, hashes))
    models = list({record.model for record in fresh})
    await connection.execute(FILE_KEYS, connector, start - 1, start + len(fresh) - 1, models)
    if fresh[0].is_volatile:
        without = {record.id for record in fresh if record.parts is None}
        gone = [row["id"] for row in outdated if row["parts"] is not None and row["id"] in without]
        await forget_volatile(connection, connector, gone)
        await store_volatile(connection, connector, _list_volatile(fresh), now)
    if changes is not None:
        changes += _list_changes(fresh, start, before)
    return Saved(added=len(fresh) - len(outdated), changed=len(outdated))


def is_same(stored: bytes, found: bytes) -> bool:
    """Whether a fingerprint found now is that of a stored record, as far as that was stored then."""
    return stored == found or (len(stored) == CONTENT_BYTES and found.startswith(stored))


async def _fill_more(
    connection: Connection, connector: int, lacking: Sequence[tuple[Rendered, asyncpg.Record]], *, is_final: bool
) -> None:
    if not lacking:
        return
    ids, more = [record.id for record, _ in lacking], [record.more for record, _ in lacking]
    words = [record.words for record, _ in lacking]
    hashes: list[int | None] = [None] * len(lacking)
    if is_final:
        ends = (record.fingerprint[CONTENT_BYTES:] for record, _ in lacking)
        hashes = [int.from_bytes(end, "big", signed=True) for end in ends]
    await connection.execute(FILL_MORE, connector, ids, more, hashes, words)
    moved = [(record, known) for record, known in lacking if known["keys"] != list(record.keys)]
    if moved:
        await _delete_keys(connection, connector, ((key, known["seq"]) for _, known in moved for key in known["keys"]))
        pairs = [(key, known["seq"]) for record, known in moved for key in record.keys]
        await connection.execute(INSERT_KEYS, connector, [key for key, _ in pairs], [seq for _, seq in pairs])
        await connection.executemany(FILL_KEYS, [(connector, record.id, list(record.keys)) for record, _ in moved])


async def _refresh_volatile(
    connection: Connection, connector: int, same: Sequence[tuple[Rendered, asyncpg.Record]], now: datetime
) -> None:
    """Bring the volatile texts of records up to date in which nothing else changed."""
    stamps = _Stamps()
    inline: list[tuple[int, str, bytes, bytes, bytes | None]] = []
    gone: list[str] = []
    found: list[Rendered] = []
    for record, known in same:
        is_whole = known["raw_length"] != len(record.raw) or (
            known["body_length"] != MEMBERS_AT + len(record.members) + len(EMPTY_ENDING)
        )
        if is_whole:
            body = _compose_body(record, stamps.text(known["seq"]))
            inline.append((connector, record.id, body, record.raw, record.custom))
        if record.parts is None:
            if known["parts"] is not None:
                gone.append(record.id)
        elif known["parts"] is None or not is_fresh(known["parts"], known["refresh_at"], record.parts, now):
            found.append(record)
    if inline:
        await connection.executemany(TAKE_VOLATILE_OUT, inline)
    await forget_volatile(connection, connector, gone)
    await store_volatile(connection, connector, _list_volatile(found), now)


def _list_volatile(records: Iterable[Rendered]) -> list[tuple[str, bytes, datetime | None]]:
    return [(record.id, record.parts, record.ends_at) for record in records if record.parts is not None]


def _list_changes(records: Sequence[Rendered], start: int, before: Mapping[str, asyncpg.Record]) -> Iterator[Change]:
    """What saving these records from a place in the feed on changed; `before` has those that lived, as they were."""
    for seq, record in enumerate(records, start):
        known = before.get(record.id)
        if known is None:
            yield Change(ChangeKind.CREATED, seq, record.model, record.id)
        else:
            body = _compose_body(record, b"")
            names = name_fields(known, body=body, raw=record.raw, custom=record.custom, more=record.more)
            yield Change(ChangeKind.UPDATED, seq, record.model, record.id, names)


def _write_records(
    connector: int,
    stream: str,
    records: Sequence[Rendered],
    start: int,
    now: datetime,
    since: Mapping[str, datetime],
    hashes: Mapping[str, int],
) -> Iterator[bytes]:
    """The rows of records, in feed order from `start` on; `since` has when known ones were first saved."""
    stamps, name, first_saved = _Stamps(), stream.encode(), count_micros(now)
    for seq, record in enumerate(records, start):
        known = since.get(record.id)
        yield b"".join((
            _WRITE_START(
                16, 8, seq, 4, connector, 2, record.model, 16, bytes.fromhex(record.id.replace("-", "")),
                8, first_saved if known is None else count_micros(known),
            ),
            write_bigints(record.keys),
            write_fields(
                name, record.remote_id.encode(), record.fingerprint[:CONTENT_BYTES],
                _compose_body(record, stamps.text(seq)), record.raw, record.custom, record.words,
                write_hash(hashes.get(record.id)), record.more, record.fingerprint[CONTENT_BYTES:],
            ),
        ))  # fmt: skip


def _compose_body(record: Rendered, modified_at: bytes) -> bytes:
    return b'{"id":"%b","modified_at":"%b",%b%b' % (record.id.encode(), modified_at, record.members, EMPTY_ENDING)


async def bury_records(
    connection: Connection, connector: int, ids: Sequence[UUID | str], changes: list[Change] | None = None
) -> int:
    """Mark living records deleted; returns how many. Call with the feed locked. `changes` as in `save_found`."""
    if not ids:
        return 0
    (place,) = await connection.fetch(FIND_PLACE, connector)
    start = await take_positions(connection, connector, place, len(ids))
    await forget_volatile(connection, connector, ids)
    found = await connection.fetch(FIND_KEYS, connector, ids)
    await _delete_keys(connection, connector, ((row["key"], row["seq"]) for row in found))
    buried = connector, ids, start - 1, place["now"]
    if changes is None:
        await connection.execute(BURY_RECORDS, *buried)
    else:
        buried_rows = sorted(await connection.fetch(BURY_RETURNING, *buried), key=itemgetter("seq"))
        changes += [Change(ChangeKind.DELETED, row["seq"], row["model"], row["id"]) for row in buried_rows]
    await connection.execute(MOVE_FEED, connector, start + len(ids) - 1)
    return len(ids)


async def find_living(connection: Connection, connector: int, ids: Sequence[str]) -> list[str]:
    """Which of these records live."""
    return [str(row["id"]) for row in await connection.fetch(FIND_LIVING, connector, ids)] if ids else []


async def find_keyed(
    connection: Connection, connector: int, stream: str, keys: Sequence[int], models: Sequence[int]
) -> list[str]:
    """The living records of a stream that have one of these keys."""
    found = await connection.fetch(FIND_KEYED, connector, stream, keys, models)
    return [str(row["id"]) for row in found]


async def _delete_keys(connection: Connection, connector: int, pairs: Iterable[tuple[int, int]]) -> None:
    keys, seqs = [], []
    for key, seq in pairs:
        keys.append(key)
        seqs.append(seq)
    if keys:
        await connection.execute(DELETE_KEYS, connector, keys, seqs)


class _Stamps:
    """Feed positions as moments in text, `2026-01-31T09:30:00.000001Z`: the second is formatted once for many."""

    def __init__(self) -> None:
        self._second = -1
        self._text = b""

    def text(self, seq: int) -> bytes:
        second, micros = divmod(seq, 1_000_000)
        if second != self._second:
            self._second = second
            self._text = from_micros(second * 1_000_000).replace(tzinfo=None).isoformat().encode()
        return b"%b.%06dZ" % (self._text, micros)
