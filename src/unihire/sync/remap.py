"""Records made again from the rows that are stored, without a call to the vendor: after an upgrade, or on demand."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar
from uuid import UUID

import asyncpg

from unihire.errors import Stopped
from unihire.integration.declare import Integration, Stream, has_deleted
from unihire.model import spec_of
from unihire.outbound.paging import Row, decode_row
from unihire.store import Pool, remapping, streams
from unihire.store.accounts.tenancy import Connector
from unihire.store.feed import position
from unihire.store.feed.gate import Feed
from unihire.store.volatile import fill_raw
from unihire.sync.fast_runs import lock_before_fast
from unihire.sync.joining import STORED_WHOLE, RowStorage
from unihire.sync.pages import MappedPage, Pages
from unihire.sync.quarantine import Quarantined, find_row_id
from unihire.sync.rendering import Renderer, model_numbers

BATCH = 500
"""Rows made again in one transaction."""

T = TypeVar("T")

_Handle = Callable[[Feed, Sequence[asyncpg.Record]], Awaitable[None]]


@dataclass(slots=True)
class RemapResult:
    """What remapping did to the rows of one stream."""

    stream: str
    rows: int = 0
    """Rows that were mapped, quarantined ones included."""
    added: int = 0
    changed: int = 0
    deleted: int = 0
    """Records created, changed and deleted."""
    released: int = 0
    """Rows that were quarantined and are whole records now."""
    quarantined: int = 0
    """Rows that still become no record."""
    incomplete: int = 0
    """Rows that are served without some part."""
    lacking: Counter[str] = field(default_factory=Counter)
    """By detail, the rows that were left as they were because it is not stored. A full sync maps them."""
    unmapped: int = 0
    """Records of parts whose row is not stored, left as they were. A full sync maps them."""
    is_done: bool = False


async def remap_connector(
    pool: Pool,
    connector: Connector,
    integration: Integration,
    *,
    only_quarantined: bool = False,
    watch: Callable[[RemapResult], None] = lambda result: None,
    stop: asyncio.Event | None = None,
) -> list[RemapResult]:
    """Map every stored row again, as `integration` maps it now, and every one that is quarantined.

    With `only_quarantined` these alone, what shows them, and rows that were stored whole and are records now.

    A record in which nothing changed keeps its modified_at. Streams are taken in order, rows in batches, each in a
    transaction of its own; no position is stored: after a crash the same call starts over, and what was done does not
    change again. Rows are stored where they are records themselves or stored whole. Of other streams only the parts are
    there, which is not enough: a part may be mapped with its whole row. What joins store of such streams is taken as it
    is.

    Raises ConfigError while the connector is synced or remapped by another, Stopped when asked to end.
    """
    busy = f"connector {connector.id} is being synced or remapped: try again when that has ended"
    async with lock_before_fast(pool, connector.number, otherwise=busy):
        return await remap_locked(
            pool, connector, integration, only_quarantined=only_quarantined, watch=watch, stop=stop
        )


async def remap_locked(
    pool: Pool,
    connector: Connector,
    integration: Integration,
    *,
    only_quarantined: bool = False,
    watch: Callable[[RemapResult], None] = lambda result: None,
    stop: asyncio.Event | None = None,
) -> list[RemapResult]:
    """As `remap_connector`, for a caller that has the connector's lock already."""
    renderer = Renderer(connector.id, connector.number)
    results = []
    for stream in integration.streams:
        pages = Pages(
            pool=pool, client=None, renderer=renderer, connector=connector.number, stream=stream,
            storage=RowStorage.of(integration, stream),
        )  # fmt: skip
        part = _StreamRemap(pool, connector.number, pages, watch, stop or asyncio.Event())
        await part.remap(only_quarantined=only_quarantined)
        results.append(part.result)
    return results


class _StreamRemap:
    """Map the stored rows of one stream again.

    A part that several rows have is mapped from a row that shows it as it is stored: an older row may still have it as
    it was before. The ids of such parts are remembered; nothing else grows with the number of rows.
    """

    def __init__(
        self, pool: Pool, connector: int, pages: Pages, watch: Callable[[RemapResult], None], stop: asyncio.Event
    ) -> None:
        self.result = RemapResult(pages.stream.name)
        self._pool = pool
        self._connector = connector
        self._pages = pages
        self._stream = pages.stream
        self._watch = watch
        self._stop = stop
        self._parts = _list_parts(self._stream)
        self._shared = _list_parts(self._stream, is_owned=False)
        self._made: dict[str, bool] = {}
        self._latest: list[str] = []

    async def remap(self, *, only_quarantined: bool) -> None:
        await self._pages.open()
        last: int = await self._pool.fetchval(position.GET_LAST_SEQ, self._connector)
        await self._walk(remapping.LIST_QUARANTINED, "", self._retry)
        await self._refresh()
        if not only_quarantined:
            for model in self._pages.own:
                await self._walk(remapping.LIST_ROWS, 0, self._remake, model, last)
            if self._stream.is_stored or self._pages.has_deleted:
                await self._walk(remapping.LIST_WHOLE, "", self._remake, STORED_WHOLE)
        if await find_left_over(self._pool, self._connector, [self._stream]):
            await self._walk(remapping.LIST_WHOLE, "", self._remake, STORED_WHOLE)
        if not only_quarantined:
            self.result.unmapped = await self._count_unmapped()
        counted = await streams.count_quarantine(self._pool, self._connector, self._stream.name)
        self.result.quarantined, self.result.incomplete = counted
        self.result.is_done = True
        self._watch(self.result)

    async def _walk(self, query: str, place: int | str, handle: _Handle, *others: object) -> None:
        """Handle all that a query lists. Nobody else saves a later row meanwhile."""
        while True:
            if self._stop.is_set():
                raise Stopped("the remap was asked to stop; the next one does it again")
            found = await self._pages.write(partial(self._handle, query, place, handle, others))
            self._watch(self.result)
            if len(found) < BATCH:
                return
            place = found[-1]["place"]

    async def _handle(
        self, query: str, place: int | str, handle: _Handle, others: Sequence[object], feed: Feed
    ) -> list[asyncpg.Record]:
        found = await feed.connection.fetch(query, self._connector, self._stream.name, place, BATCH, *others)
        if found:
            await self._undo_where_it_fails(handle(feed, found))
        return found

    async def _undo_where_it_fails(self, work: Awaitable[T]) -> T:
        """The work of one transaction: where that is undone, so is what is remembered of it."""
        result = replace(self.result, lacking=self.result.lacking.copy())
        self._latest.clear()
        try:
            return await work
        except BaseException:
            self.result = result
            self._made.update(dict.fromkeys(self._latest, False))
            raise

    async def _retry(self, feed: Feed, found: Sequence[asyncpg.Record]) -> None:
        """Map rows that are quarantined; those that map whole are released, the others have the reason of now."""
        rows = self._decode(found)
        page, lacking = await self._pages.prepare_stored(rows, feed.connection)
        by_id = {find_row_id(self._stream, row): row for row in rows}
        served = {row["place"] for row in found if row["is_served"]}
        wanting = [
            Quarantined(row_id, f"its {detail} were never read: a full sync asks for them", by_id[row_id].raw)
            for row_id, detail in lacking.items()
            if row_id not in served  # the record such a row is stays as it is
        ]
        await self._save(feed, replace(page, quarantined=[*page.quarantined, *wanting]))
        still = {one.row_id for one in page.quarantined} | lacking.keys() | feed.refused
        # By the ids they were quarantined under: another id may be read from a row now.
        left = [row["place"] for row in found if row["place"] not in still]
        await feed.connection.execute(streams.RELEASE_QUARANTINE, self._connector, self._stream.name, left)
        self.result.released += len(by_id.keys() - still)

    async def _refresh(self) -> None:
        """Make those records again that show what was released or is stored otherwise now, as a sync would."""

        async def remake(feed: Feed) -> bool:
            stale = await self._pages.find_stale(feed)
            if stale is None:
                return False
            page, lacking = await self._pages.prepare_stored(stale.rows, feed.connection)
            page = await self._settle_parts(feed, page)
            counts = await self._pages.save_again(feed, page, stale)
            self.result.changed += counts.changed
            self.result.lacking.update(lacking.values())
            return True

        while await self._pages.write(lambda feed: self._undo_where_it_fails(remake(feed))):
            pass

    async def _remake(self, feed: Feed, found: Sequence[asyncpg.Record]) -> None:
        """Map rows that are stored; a record its row no longer becomes is gone."""
        rows = self._decode(found)
        page, lacking = await self._pages.prepare_stored(rows, feed.connection)
        self.result.lacking.update(lacking.values())
        page = await self._pages.leave_quarantined(feed, page, rows)
        mapped = set(page.row_ids) - page.unmapped_ids
        made = {record.id for record in page.records}
        delete_ids = [
            one["id"]
            for one, row in zip(found, rows, strict=True)
            if one["id"] is not None and str(one["id"]) not in made and find_row_id(self._stream, row) in mapped
        ]
        await self._save(feed, page, delete_ids)

    async def _save(self, feed: Feed, page: MappedPage, delete_ids: Sequence[UUID] = ()) -> None:
        page = await self._settle_parts(feed, page)
        await remapping.outdate_records(feed.connection, self._connector, page.records)
        counts = await self._pages.save(feed, page, delete_ids)
        served = [record for record in page.records if record.row_id not in feed.refused]
        await remapping.refile_records(feed.connection, self._connector, served)
        self.result.rows += page.read
        self.result.added += counts.added
        self.result.changed += counts.changed
        self.result.deleted += counts.deleted

    async def _settle_parts(self, feed: Feed, page: MappedPage) -> MappedPage:
        """The page without shared parts that rows show otherwise than they are stored, and those mapped already."""
        ids = [record.id for record in page.records if record.model in self._parts]
        if not ids:
            return page
        stored = await remapping.find_raw(feed.connection, self._connector, ids)
        records = []
        for record in page.records:
            if record.model in self._shared:
                is_made = self._made.setdefault(record.id, False)
                if is_made or stored.get(record.id, record.raw) != record.raw:
                    continue
                self._made[record.id] = True
                self._latest.append(record.id)
            records.append(record)
        # An interrupted run has seen their rows already, and would mark the new ones deleted.
        fresh = [id for id in dict.fromkeys(ids) if id not in stored]
        await streams.note_seen(feed.connection, self._connector, self._stream.name, fresh)
        return replace(page, records=records)

    async def _count_unmapped(self) -> int:
        if self._pages.own or self._stream.is_stored:
            return list(self._made.values()).count(False)
        found: int = await self._pool.fetchval(
            remapping.COUNT_LIVING, self._connector, sorted(self._parts), self._stream.name
        )
        return found

    def _decode(self, found: Sequence[asyncpg.Record]) -> list[Row]:
        return [decode_row(fill_raw(row["raw"], row.get("parts"))) for row in found]


async def find_left_over(pool: Pool, connector: int, streams: Sequence[Stream]) -> list[str]:
    """Those of the streams that have rows stored whole though they are records: an earlier version made none of
    them."""
    own = [
        one.name for one in streams if model_numbers(one, rows_only=True) and not (one.is_stored or has_deleted(one))
    ]
    found = await pool.fetch(remapping.FIND_KEEPING, connector, own, STORED_WHOLE) if own else []
    return [row["stream"] for row in found]


def _list_parts(stream: Stream, *, is_owned: bool | None = None) -> set[int]:
    """The models that are parts of the stream's rows, and not rows themselves; by whether they are their row's own."""
    own = set(model_numbers(stream, rows_only=True))
    return {
        spec_of(mapping.model).number
        for mapping in stream.mappings
        if not mapping.is_whole and is_owned in (None, mapping.is_owned)
    } - own
