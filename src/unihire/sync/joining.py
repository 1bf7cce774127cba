"""Joins at work: what is stored of a stream's rows for others to show, and what a page's rows show of others."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import asyncpg
import msgspec

from unihire.integration.declare import Data, Integration, Join, Stream, find_member, has_deleted, pick_members
from unihire.kit.logs import get_logger
from unihire.outbound.paging import Row, decode_row
from unihire.store import Connection, Pool, joins
from unihire.store.feed import position
from unihire.store.joins import Joined
from unihire.store.record_keys import JoinKeys, find_key, find_member_keys, name_member
from unihire.store.volatile import fill_raw
from unihire.store.work import runs
from unihire.sync.pruning import LeftOut, explain_error
from unihire.sync.quarantine import Quarantined, find_row_id
from unihire.sync.rendering import Renderer, model_numbers

STORED_WHOLE = "rows"
"""The name under which a stream's own rows are stored whole."""

STALE_BATCH = 500
"""Records made again in one transaction."""

log = get_logger()

_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class RowStorage:
    """What is stored of one stream's rows beside its records, and for whom; `slug` names the integration."""

    slug: str
    stream: Stream
    joins: tuple[tuple[Stream, Join], ...]

    @classmethod
    def of(cls, integration: Integration, stream: Stream) -> Self:
        """`joins` are those that show this stream's rows, each with the stream it is of."""
        joined = [(other, join) for other in integration.streams for join in other.joins if join.stream == stream.name]
        return cls(integration.slug, stream, tuple(joined))

    def __bool__(self) -> bool:
        return bool(self.joins) or self.stream.is_stored or has_deleted(self.stream)

    async def find_showing(self, pool: Pool | Connection, connector: int, read: Collection[str] = ()) -> set[str]:
        """The streams that have records which may show rows of this one; before their first read they have none.

        Those that are known to be `read` are not looked up.
        """
        return {
            stream.name
            for stream in {stream.name: stream for stream, _ in self.joins}.values()
            if stream.name in read
            or await pool.fetchval(joins.HAS_RECORDS, connector, model_numbers(stream), stream.name)
        }

    def pick(self, rows: Iterable[Row], renderer: Renderer) -> tuple[list[Joined], list[Quarantined]]:
        """What is to be stored of a page's rows, and the rows of which not all can be."""
        found, quarantined = list[Joined](), list[Quarantined]()
        for row in rows:
            row_id = find_row_id(self.stream, row)
            id = renderer.seen_id(self.stream, row_id)
            if self.stream.is_stored or (has_deleted(self.stream) and renderer.deleted_ids(self.stream, row)):
                found.append(Joined(row_id, self.stream.name, STORED_WHOLE, row_id, id, row.raw))
                for member in self.stream.found_by:
                    for found_by in find_member_keys(find_member(row.data, member))[:1]:
                        found.append(Joined(row_id, self.stream.name, name_member(member), found_by, id, b""))
            for stream, join in self.joins:
                key = find_key(find_member(row.data, join.on))
                if key is None:
                    continue
                try:
                    is_shown = join.where is None or join.where(row.data)
                except Exception as error:  # noqa: BLE001 - whatever it raises over a row costs what others show of the row
                    left_out = LeftOut(f"what {stream.name} show of it", explain_error(error, row.data))
                    quarantined.append(Quarantined.of_parts(row_id, row, [left_out]))
                    continue
                if is_shown:
                    data = _ENCODER.encode(pick_members(row.data, join.members))
                    if self.stream.volatile is not None:
                        data = self.stream.volatile.pattern.sub(b"", data)
                    found.append(Joined(row_id, stream.name, join.name, key, id, data))
        return found, quarantined


async def find_known(pool: Pool, connector: int, stream: Stream) -> list[Join]:
    """The joins of a stream that can be answered: those whose own stream was read well once."""
    if not stream.joins:
        return []
    read = await runs.find_first_reads(pool, connector, {join.stream for join in stream.joins})
    return list_answerable(stream, read)


def list_answerable(stream: Stream, read: Collection[str]) -> list[Join]:
    """The joins that can be answered where these streams were read well once: with those they lead on from."""
    known: dict[str, Join] = {}
    for join in stream.joins:
        is_read = join.stream in read or join.stream == stream.name
        if is_read and (join.via is None or join.via in known):
            known[join.name] = join
    return list(known.values())


async def find_shown(
    pool: Pool | Connection, connector: int, stream: Stream, known: Sequence[Join], rows: Sequence[Row]
) -> Mapping[str, dict[str, list[Data]]]:
    """The rows of each known join, by the id of the row that shows them and the join's name."""
    found: dict[str, dict[str, list[Data]]] = {}
    showing: dict[tuple[str, str], list[list[Data]]] = {}
    direct = [join for join in known if join.via is None]
    for row in rows:
        row_id = find_row_id(stream, row)
        shown = found[row_id] = {join.name: [] for join in known}
        for join in direct:
            key = row_id if join.key is None else find_key(find_member(row.data, join.key))
            if key is not None:
                showing.setdefault((join.name, key), []).append(shown[join.name])
    await _show(pool, connector, stream, showing)
    for join in direct:
        if join.stream == stream.name:
            _show_own(stream, join, rows, found)
    settled = {join.name for join in direct}
    while following := [join for join in known if join.name not in settled and join.via in settled]:
        showing = {}
        for shown in found.values():
            for join in following:
                assert join.via is not None
                for key in _list_keys(shown[join.via], join.key or "id"):
                    showing.setdefault((join.name, key), []).append(shown[join.name])
        await _show(pool, connector, stream, showing)
        settled |= {join.name for join in following}
    return found


def _show_own(stream: Stream, join: Join, rows: Sequence[Row], found: Mapping[str, dict[str, list[Data]]]) -> None:
    """Of a join of a stream to itself: what these rows are to each other, which the store does not have yet."""
    ids = set(found)
    by_key: dict[str, list[Data]] = {}
    for row in rows:
        key = find_key(find_member(row.data, join.on))
        if key is not None and (join.where is None or join.where(row.data)):
            by_key.setdefault(key, []).append(pick_members(row.data, join.members))
    for row in rows:
        row_id = find_row_id(stream, row)
        key = row_id if join.key is None else find_key(find_member(row.data, join.key))
        others = [one for one in found[row_id][join.name] if find_key(one.get("id")) not in ids]
        others += by_key.get(key or "", ())
        found[row_id][join.name] = sorted(others, key=_by_id)


def _by_id(row: Data) -> tuple[int, str]:
    id = find_key(row.get("id")) or ""
    return len(id), id


def _list_keys(shown: Iterable[Data], member: str) -> list[str]:
    """The keys that joined rows lead on by, each once."""
    found = (find_key(find_member(row, member)) for row in shown)
    return list(dict.fromkeys(key for key in found if key is not None))


async def _show(
    pool: Pool | Connection, connector: int, stream: Stream, showing: Mapping[tuple[str, str], list[list[Data]]]
) -> None:
    """Add the rows that each `(join, key)` finds to the lists that are to show them."""
    if not showing:
        return
    for one in await joins.find_joined(pool, connector, stream.name, list(showing)):
        joined = decode_row(one["data"])
        if joined.fault is not None:  # damaged, or stored by a version that was less strict
            log.warning("a stored row is not shown", stream=stream.name, join=one["name"], reason=joined.fault)
            continue
        for place in showing[one["name"], one["key"]]:
            place.append(joined.data)


@dataclass(frozen=True, slots=True)
class Stale:
    """Rows whose records are to be made again, and the stale keys that are then done.

    `done` are keys with no further records, each with its join's name; `moved` is a key that more records show, with
    its join's name before it, and where to go on and where to end. `is_last`: the stream has no other stale keys.
    """

    rows: list[Row]
    done: list[tuple[str, str]]
    moved: tuple[str, str, int, int] | None = None
    is_last: bool = False


async def find_stale(
    connection: Connection, connector: int, stream: Stream, renderer: Renderer, *, without: Collection[str] = ()
) -> Stale | None:
    """The next batch of a stream's rows that show what changed, by any join; None when there are none.

    Rows with the ids `without` are left out: their records show it already.

    Call in the transaction that saves them again, with the feed locked: nobody saves a later row meanwhile.
    """
    by_name = {join.name: join for join in stream.joins}
    found = await connection.fetch(joins.FIND_STALE, connector, stream.name, list(by_name), STALE_BATCH)
    if not found:
        return None
    for one in found:
        if one["until"] is not None:
            return await _walk_key(connection, connector, stream, one, one["until"])
    direct, others = list[tuple[str, str]](), list[tuple[str, str]]()
    for one in found[:STALE_BATCH]:
        (direct if by_name[one["name"]].key is None else others).append((one["name"], one["key"]))
    is_last = len(found) < STALE_BATCH
    own_ids = dict.fromkeys(key for _, key in direct if key not in without)
    rows = await _find_own(connection, connector, stream, renderer, own_ids)
    if not others:
        return Stale(rows, direct, is_last=is_last)
    room = max(STALE_BATCH - len(rows), 0)
    showing = await _find_showing(connection, connector, stream, others, 0, position.LATEST, room + 1)
    if len(showing) <= room:
        by_id = {find_row_id(stream, row): row for row in (*rows, *_decode(showing, stream))}
        rows = [row for row_id, row in by_id.items() if row_id not in without]
        return Stale(rows, [*direct, *others], is_last=is_last)
    if direct:
        return Stale(rows, direct)
    first = next(one for one in found if (one["name"], one["key"]) == others[0])
    return await _walk_key(
        connection, connector, stream, first, await connection.fetchval(position.GET_LAST_SEQ, connector)
    )


async def find_shown_by_others(
    connection: Connection, connector: int, stream: Stream, keys: Collection[joins.Key], made: Collection[str]
) -> set[joins.Key]:
    """Those of the stream's keys that may be shown by records other than those of the rows with the ids `made`."""
    by_name = {join.name: join for join in stream.joins}
    direct = {key for key in keys if by_name[key.name].key is None}
    left, others = {key for key in direct if key.key not in made}, [key for key in keys if key not in direct]
    if not others:
        return left
    wanted = [(key.name, key.key) for key in others]
    showing = await _find_showing(connection, connector, stream, wanted, 0, position.LATEST, len(made) + 1)
    if all(find_row_id(stream, row) in made for row in _decode(showing, stream)):
        return left
    return left | set(others)


async def _walk_key(connection: Connection, connector: int, stream: Stream, stale: asyncpg.Record, until: int) -> Stale:
    """The next rows that show a key which more of them may show, up to the position `until`."""
    name, key = stale["name"], stale["key"]
    rows = await _find_showing(connection, connector, stream, [(name, key)], stale["after"], until, STALE_BATCH)
    if len(rows) < STALE_BATCH:
        return Stale(_decode(rows, stream), [(name, key)])
    return Stale(_decode(rows, stream), [], (name, key, rows[-1]["seq"], until))


async def _find_own(
    connection: Connection, connector: int, stream: Stream, renderer: Renderer, row_ids: Iterable[str]
) -> list[Row]:
    """The rows with these ids."""
    ids = [id for row_id in row_ids for id in renderer.row_ids(stream, row_id)]
    return _decode(await connection.fetch(joins.FIND_ROWS, connector, stream.name, ids), stream) if ids else []


async def _find_showing(
    connection: Connection,
    connector: int,
    stream: Stream,
    wanted: Sequence[tuple[str, str]],
    after: int,
    until: int,
    limit: int,
) -> list[asyncpg.Record]:
    """The rows that show keys, each after its join's name, at positions after one and up to another."""
    hashed = {name: JoinKeys(connector, stream.name, name) for name in {name for name, _ in wanted}}
    hashes = [hashed[name].key(key) for name, key in wanted]
    models = model_numbers(stream, rows_only=True)
    return await connection.fetch(joins.FIND_SHOWING, connector, stream.name, hashes, after, until, limit, models)


def _decode(rows: Iterable[asyncpg.Record], stream: Stream) -> list[Row]:
    return [decode_row(fill_raw(row["raw"], row["parts"])) for row in rows]
