"""Saves records: only what changed is written, in the order of the change feed.

A record's position in the feed (`seq`) is its modified_at in microseconds. Call everything here with the feed locked
(store/feed/gate.py).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from struct import Struct
from uuid import UUID

import asyncpg

from unihire.kit.clock import from_micros
from unihire.store import Connection
from unihire.store.copying import (
    NULL,
    copy_rows,
    count_micros,
    write_bigint,
    write_bigints,
    write_fields,
    write_length,
)
from unihire.store.feed.changes import Change, ChangeKind
from unihire.store.feed.hashes import note_hashes
from unihire.store.feed.position import FIND_POSITION, MOVE_FEED, POSITION_COLUMNS, take_positions
from unihire.store.feed.refreshing import forget_volatile, is_fresh, store_volatile
from unihire.store.feed.rendered import CONTENT_BYTES, EMPTY_ENDING, MEMBERS_AT, Rendered, compose_body
from unihire.store.feed.replacing import DELETE_VERSIONS, OldVersion, name_fields, take_versions
from unihire.store.overlap import work_beside

NO_HASHES: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True)
class Saved:
    """What saving a page did."""

    added: int = 0
    changed: int = 0


# The feed's position, the time, and what is stored of these records: one row for each, or one row if none is stored.
_FINGERPRINT = "fingerprint || coalesce(int8send(more_hash), '') AS fingerprint"
_STORED = f"""stored.id::text, {_FINGERPRINT}, deleted_at IS NOT NULL AS is_deleted, seq, keys, first_saved_at,
    row_hash, octet_length(raw) AS raw_length"""
FIND_STORED = f"""
    SELECT {POSITION_COLUMNS}, {_STORED}
    FROM feed LEFT JOIN record AS stored ON stored.connector = $1 AND stored.id = ANY($2::uuid[])
    WHERE feed.connector = $1
"""  # noqa: S608 - of constants

# The same where none is stored.
FIND_NOTHING = f"SELECT {POSITION_COLUMNS}, NULL AS id FROM feed WHERE connector = $1"  # noqa: S608 - of constants

# The same of volatile records, with their volatile texts and the lengths of what is stored without them.
FIND_STORED_VOLATILE = f"""
    SELECT {POSITION_COLUMNS}, {_STORED}, octet_length(body) AS body_length, parts, refresh_at
    FROM feed LEFT JOIN record AS stored ON stored.connector = $1 AND stored.id = ANY($2::uuid[])
    LEFT JOIN LATERAL (
        SELECT parts, refresh_at FROM record_volatile AS v WHERE v.connector = $1 AND v.id = stored.id OFFSET 0
    ) AS beside ON true WHERE feed.connector = $1
"""  # noqa: S608 - of constants

# Store without its volatile texts a record that an earlier version stored with them; `seq` is unchanged.
TAKE_VOLATILE_OUT = "UPDATE record SET body = $3, raw = $4, custom = $5 WHERE connector = $1 AND id = $2::text::uuid"

# Fill `more` and the vendor's words of records saved before those columns existed; `seq` is unchanged.
FILL_MORE = """
    UPDATE record SET more = filled.more, more_hash = filled.hash, words = filled.words FROM (
        SELECT found.row_ctid, new.more, new.hash, new.words
        FROM unnest($2::text[]::uuid[], $3::bytea[], $4::bigint[], $5::bytea[]) AS new (id, more, hash, words)
        CROSS JOIN LATERAL (SELECT ctid AS row_ctid FROM record WHERE connector = $1 AND id = new.id OFFSET 0) AS found
    ) AS filled
    WHERE record.connector = $1 AND record.ctid = filled.row_ctid
"""

# The keys of a record whose `more` was filled: it may now relate to rows it did not before.
FILL_KEYS = "UPDATE record SET keys = $3 WHERE connector = $1 AND id = $2::text::uuid"

# Delete the filter keys of old versions.
DELETE_KEYS = """
    DELETE FROM record_key WHERE connector = $1 AND ctid = ANY(ARRAY(
        SELECT found.ctid FROM unnest($2::bigint[], $3::bigint[]) AS old (key, seq)
        CROSS JOIN LATERAL (
            SELECT k.ctid FROM record_key AS k
            WHERE k.connector = $1 AND k.key = old.key AND k.seq = old.seq OFFSET 0
        ) AS found
    ))
"""

# Insert filter keys.
INSERT_KEYS = "INSERT INTO record_key (connector, key, seq) SELECT $1, * FROM unnest($2::bigint[], $3::bigint[])"

# Insert the filter keys of records with `seq` > $2, and set the feed's position to $3.
INSERT_KEYS_AND_MOVE = """
    WITH moved AS (UPDATE feed SET last_seq = $3 WHERE connector = $1)
    INSERT INTO record_key (connector, key, seq)
    SELECT $1, key, seq FROM unnest($4::smallint[]) AS kind (model) CROSS JOIN LATERAL (
        SELECT seq, keys FROM record
        WHERE connector = $1 AND model = kind.model AND seq > $2 AND deleted_at IS NULL OFFSET 0
    ) AS saved CROSS JOIN unnest(keys) AS key
"""

# Mark records deleted: they keep their content and get a new position.
MARK_DELETED = """
    UPDATE record SET deleted_at = $4, seq = $3::bigint + array_position($2::uuid[], id)
    WHERE connector = $1 AND id = ANY($2::uuid[])
"""

# The same; returns the records.
MARK_DELETED_RETURNING = f"{MARK_DELETED} RETURNING id::text, model, seq"

# Live records of a stream, of these models, that have one of these keys.
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

# Which of these records are not deleted.
FIND_LIVE = """
    SELECT id FROM (
        SELECT id, deleted_at FROM record WHERE connector = $1 AND id = ANY($2::text[]::uuid[]) OFFSET 0
    ) AS found
    WHERE deleted_at IS NULL
"""

# The filter keys of live records, to delete them.
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
# The first five of these sixteen columns, each after its length.
_WRITE_START = Struct(">h iq ii ih i16s iq".replace(" ", "")).pack
_CONTENT_LENGTH, _MORE_HASH_LENGTH = write_length(CONTENT_BYTES), write_length(8)


async def save_records(connection: Connection, connector: int, stream: str, records: Sequence[Rendered]) -> Saved:
    """Save the records that are new or changed; the others are unchanged. Call with the feed locked.

    `seq` is the database's clock in microseconds, or the previous `seq` + 1 if that is higher. A record whose
    fingerprint is unchanged keeps its modified_at, also if only `more` is filled. A tombstone whose row came again
    becomes live.
    """
    if not records:
        return Saved()
    return await save_found(connection, connector, stream, records, await find_stored(connection, connector, records))


async def find_stored(connection: Connection, connector: int, records: Sequence[Rendered]) -> Sequence[asyncpg.Record]:
    """What is stored of these records, each with POSITION_COLUMNS of the feed; at least one row."""
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
    has_all_inputs: bool = True,
) -> Saved:
    """As `save_records`, with what `find_stored` found of them; what changed is added to `changes`.

    `hashes` are row hashes by record id. Without `has_all_inputs`, joined rows or details may not have been read yet:
    `more` is filled but its hash stays NULL, so the next complete read fills it again.
    """
    stored = {row["id"]: row for row in found if row["id"] is not None}
    fresh = [] if stored else [*records]
    outdated: list[asyncpg.Record] = []
    updated: list[tuple[Rendered, asyncpg.Record]] = []
    same: list[tuple[Rendered, asyncpg.Record]] = []
    rehashed: list[tuple[str, int | None]] = []
    without_more: list[tuple[Rendered, asyncpg.Record]] = []
    for record in records if stored else ():
        known = stored.get(record.id)
        if known is None:
            fresh.append(record)
        elif known["is_deleted"] or not is_same(known["fingerprint"], record.fingerprint):
            fresh.append(record)
            outdated.append(known)
            if not known["is_deleted"]:
                updated.append((record, known))
        else:
            row_hash = hashes.get(record.id)
            if len(known["fingerprint"]) == CONTENT_BYTES:
                without_more.append((record, known))
                row_hash = row_hash if has_all_inputs else None  # the next complete read maps it again
            if record.is_volatile:
                same.append((record, known))
            if known["row_hash"] != row_hash:
                rehashed.append((record.id, row_hash))
    await _fill_more(connection, connector, without_more, has_all_inputs=has_all_inputs)
    await note_hashes(connection, connector, rehashed)
    if same:
        await _refresh_volatile(connection, connector, same, found[0]["now"])
    if not fresh:
        return Saved()
    old: list[OldVersion] = []
    if outdated:
        left = [row["id"] for row in outdated]
        if changes is not None and updated:
            old = await take_versions(connection, connector, updated)
            taken = {version.record.id for version in old}
            left = [id for id in left if id not in taken]
        if left:
            await connection.execute(DELETE_VERSIONS, connector, left)
        await _delete_keys(connection, connector, ((key, row["seq"]) for row in outdated for key in row["keys"]))
    now: datetime = found[0]["now"]
    start = await take_positions(connection, connector, found[0], len(fresh))
    first_saved = {row["id"]: row["first_saved_at"] for row in outdated}
    written = _write_records(connector, stream, fresh, start, now, first_saved, hashes)
    await copy_rows(connection, "record", _COLUMNS, written)
    models = list({record.model for record in fresh})
    filing = connection.execute(INSERT_KEYS_AND_MOVE, connector, start - 1, start + len(fresh) - 1, models)
    differing = await work_beside(filing, lambda: name_fields(old))
    if fresh[0].is_volatile:
        plain = {record.id for record in fresh if record.volatile_texts is None}
        without_texts = [row["id"] for row in outdated if row["parts"] is not None and row["id"] in plain]
        await forget_volatile(connection, connector, without_texts)
        await store_volatile(connection, connector, _list_volatile(fresh), now)
    if changes is not None:
        changes += _list_changes(fresh, start, differing)
    return Saved(added=len(fresh) - len(outdated), changed=len(outdated))


def is_same(stored: bytes, found: bytes) -> bool:
    """Whether the fingerprints are equal, as far as the stored one goes: it may lack the bytes over `more`."""
    return stored == found or (len(stored) == CONTENT_BYTES and found.startswith(stored))


async def _fill_more(
    connection: Connection,
    connector: int,
    without_more: Sequence[tuple[Rendered, asyncpg.Record]],
    *,
    has_all_inputs: bool,
) -> None:
    if not without_more:
        return
    ids, more = [record.id for record, _ in without_more], [record.more for record, _ in without_more]
    words = [record.words for record, _ in without_more]
    hashes: list[int | None] = [None] * len(without_more)
    if has_all_inputs:
        ends = (record.fingerprint[CONTENT_BYTES:] for record, _ in without_more)
        hashes = [int.from_bytes(end, "big", signed=True) for end in ends]
    await connection.execute(FILL_MORE, connector, ids, more, hashes, words)
    moved = [(record, known) for record, known in without_more if known["keys"] != list(record.keys)]
    if moved:
        await _delete_keys(connection, connector, ((key, known["seq"]) for _, known in moved for key in known["keys"]))
        pairs = [(key, known["seq"]) for record, known in moved for key in record.keys]
        await connection.execute(INSERT_KEYS, connector, [key for key, _ in pairs], [seq for _, seq in pairs])
        await connection.executemany(FILL_KEYS, [(connector, record.id, list(record.keys)) for record, _ in moved])


async def _refresh_volatile(
    connection: Connection, connector: int, same: Sequence[tuple[Rendered, asyncpg.Record]], now: datetime
) -> None:
    """Update the volatile texts of records that are otherwise unchanged."""
    stamps = _Stamps()
    inline: list[tuple[int, str, bytes, bytes, bytes | None]] = []
    without_texts: list[str] = []
    found: list[Rendered] = []
    for record, known in same:
        has_texts_inline = known["raw_length"] != len(record.raw) or (
            known["body_length"] != MEMBERS_AT + len(record.members) + len(EMPTY_ENDING)
        )
        if has_texts_inline:
            body = compose_body(record, stamps.text(known["seq"]))
            inline.append((connector, record.id, body, record.raw, record.custom))
        if record.volatile_texts is None:
            if known["parts"] is not None:
                without_texts.append(record.id)
        elif known["parts"] is None or not is_fresh(known["parts"], known["refresh_at"], record.volatile_texts, now):
            found.append(record)
    if inline:
        await connection.executemany(TAKE_VOLATILE_OUT, inline)
    await forget_volatile(connection, connector, without_texts)
    await store_volatile(connection, connector, _list_volatile(found), now)


def _list_volatile(records: Iterable[Rendered]) -> list[tuple[str, bytes, datetime | None]]:
    return [
        (record.id, record.volatile_texts, record.ends_at) for record in records if record.volatile_texts is not None
    ]


def _list_changes(
    records: Sequence[Rendered], start: int, differing: Mapping[str, tuple[str, ...]]
) -> Iterator[Change]:
    """The changes of saving these records at positions from `start` on; updated are those that `differing` has."""
    for seq, record in enumerate(records, start):
        names = differing.get(record.id)
        if names is None:
            yield Change(ChangeKind.CREATED, seq, record.model, record.id)
        else:
            yield Change(ChangeKind.UPDATED, seq, record.model, record.id, names)


def _write_records(
    connector: int,
    stream: str,
    records: Sequence[Rendered],
    start: int,
    now: datetime,
    first_saved: Mapping[str, datetime],
    hashes: Mapping[str, int],
) -> Iterator[bytes]:
    """Rows for COPY, at positions from `start` on. `first_saved` has the times of records stored before, by id."""
    stamps, field_of_stream, saved_now = _Stamps(), write_fields(stream.encode()), count_micros(now)
    for seq, record in enumerate(records, start):
        id, fingerprint, remote_id = record.id, record.fingerprint, record.remote_id.encode()
        body, raw, more = compose_body(record, stamps.text(seq)), record.raw, record.more
        known, row_hash = first_saved.get(id), hashes.get(id)
        # One join, and no call that is not needed: this is a tenth of a first sync.
        yield b"".join((
            _WRITE_START(
                16, 8, seq, 4, connector, 2, record.model, 16, bytes.fromhex(id.replace("-", "")),
                8, saved_now if known is None else count_micros(known),
            ),
            write_bigints(record.keys),
            field_of_stream,
            write_length(len(remote_id)), remote_id,
            _CONTENT_LENGTH, fingerprint[:CONTENT_BYTES],
            write_length(len(body)), body,
            write_length(len(raw)), raw,
            NULL if record.custom is None else write_fields(record.custom),
            NULL if record.words is None else write_fields(record.words),
            NULL if row_hash is None else write_bigint(8, row_hash),
            write_length(len(more)), more,
            _MORE_HASH_LENGTH, fingerprint[CONTENT_BYTES:],
        ))  # fmt: skip


async def mark_deleted(
    connection: Connection, connector: int, ids: Sequence[UUID | str], changes: list[Change] | None = None
) -> int:
    """Mark live records deleted; returns how many. Call with the feed locked. `changes` as in `save_found`."""
    if not ids:
        return 0
    (position,) = await connection.fetch(FIND_POSITION, connector)
    start = await take_positions(connection, connector, position, len(ids))
    await forget_volatile(connection, connector, ids)
    found = await connection.fetch(FIND_KEYS, connector, ids)
    await _delete_keys(connection, connector, ((row["key"], row["seq"]) for row in found))
    params = connector, ids, start - 1, position["now"]
    if changes is None:
        await connection.execute(MARK_DELETED, *params)
    else:
        deleted = sorted(await connection.fetch(MARK_DELETED_RETURNING, *params), key=itemgetter("seq"))
        changes += [Change(ChangeKind.DELETED, row["seq"], row["model"], row["id"]) for row in deleted]
    await connection.execute(MOVE_FEED, connector, start + len(ids) - 1)
    return len(ids)


async def find_live(connection: Connection, connector: int, ids: Sequence[str]) -> list[str]:
    """Which of these records are not deleted."""
    return [str(row["id"]) for row in await connection.fetch(FIND_LIVE, connector, ids)] if ids else []


async def find_keyed(
    connection: Connection, connector: int, stream: str, keys: Sequence[int], models: Sequence[int]
) -> list[str]:
    """The live records of a stream that have one of these keys."""
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
    """Feed positions as text, `2026-01-31T09:30:00.000001Z`. Each second is formatted once and reused."""

    def __init__(self) -> None:
        self._second = -1
        self._text = b""

    def text(self, seq: int) -> bytes:
        second, micros = divmod(seq, 1_000_000)
        if second != self._second:
            self._second = second
            self._text = from_micros(second * 1_000_000).replace(tzinfo=None).isoformat().encode()
        return b"%b.%06dZ" % (self._text, micros)
