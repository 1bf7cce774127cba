"""Joins at work: what is stored of a stream's rows for others to show, and what a page's rows show of others."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import asyncpg
import msgspec

from unihire.integration.declare import Data, Integration, Join, Stream, find_member, has_deleted
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

    async def find_showing(self, pool: Pool | Connection, connector: int) -> set[str]:
        """The streams that have records which may show rows of this one; before their first read they have none."""
        return {
            stream.name
            for stream in {stream.name: stream for stream, _ in self.joins}.values()
            if await pool.fetchval(joins.HAS_RECORDS, connector, model_numbers(stream), stream.name)
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
                    members = {name: row.data[name] for name in ("id", *join.members) if name in row.data}
                    data = _ENCODER.encode(members)
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
            by_key.setdefault(key, []).append(
                {name: row.data[name] for name in ("id", *join.members) if name in row.data}
            )
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

    `done` are keys of the join with no further records; `moved` is a key that more records show, with where to go on
    and where to end.
    """

    join: Join
    rows: list[Row]
    done: list[str]
    moved: tuple[str, int, int] | None = None


async def find_stale(connection: Connection, connector: int, stream: Stream, renderer: Renderer) -> Stale | None:
    """The next batch of a stream's rows that show what changed; None when there are none.

    Call in the transaction that saves them again, with the feed locked: nobody saves a later row meanwhile.
    """
    for join in stream.joins:
        found = await connection.fetch(joins.FIND_STALE, connector, stream.name, join.name, STALE_BATCH)
        if found and join.key is not None:
            return await _find_by_key(connection, connector, stream, join, found)
        if found:
            keys = [row["key"] for row in found]
            ids = [id for key in keys for id in renderer.row_ids(stream, key)]
            rows = await connection.fetch(joins.FIND_ROWS, connector, stream.name, ids)
            return Stale(join, _decode(rows, stream), keys)
    return None


async def _find_by_key(
    connection: Connection, connector: int, stream: Stream, join: Join, found: Sequence[asyncpg.Record]
) -> Stale:
    hashed = JoinKeys(connector, stream.name, join.name)
    models = model_numbers(stream, rows_only=True)

    async def find(keys: Sequence[str], after: int, until: int, limit: int) -> list[asyncpg.Record]:
        hashes = [hashed.key(key) for key in keys]
        return await connection.fetch(joins.FIND_SHOWING, connector, stream.name, hashes, after, until, limit, models)

    last: int = await connection.fetchval(position.GET_LAST_SEQ, connector)
    first = found[0]
    if first["until"] is None:
        keys = [row["key"] for row in found if row["until"] is None]
        rows = await find(keys, 0, last, STALE_BATCH + 1)
        if len(rows) <= STALE_BATCH:
            return Stale(join, _decode(rows, stream), keys)
    key, until = first["key"], first["until"] or last
    rows = await find([key], first["after"], until, STALE_BATCH)
    if len(rows) < STALE_BATCH:
        return Stale(join, _decode(rows, stream), [key])
    return Stale(join, _decode(rows, stream), [], (key, rows[-1]["seq"], until))


def _decode(rows: Iterable[asyncpg.Record], stream: Stream) -> list[Row]:
    return [decode_row(fill_raw(row["raw"], row["parts"])) for row in rows]
