"""Records made again from the rows that are stored, without a call to the vendor: after an upgrade, or on demand."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import asyncpg

from unihire.errors import Stopped
from unihire.integration.declare import Integration, Stream
from unihire.model import spec_of
from unihire.outbound.paging import Row, decode_row
from unihire.store import Connection, Pool, remapping, streams
from unihire.store.feed import saving
from unihire.store.locks import lock_connector
from unihire.store.tenancy import Connector
from unihire.sync.joining import KEPT_WHOLE, Keeping
from unihire.sync.pages import Page, Pages
from unihire.sync.quarantine import Quarantined, find_row_id
from unihire.sync.rendering import Renderer, model_numbers

BATCH = 500
"""Rows made again in one transaction."""

_Handle = Callable[[Connection, Sequence[asyncpg.Record]], Awaitable[None]]


@dataclass(slots=True)
class Remade:
    """What became of one stream's rows; `rows` is how many were mapped, those that were quarantined among them.

    `released` rows were quarantined and are whole records now; `aside` is how many still become nothing, `incomplete`
    how many are served without some part. `lacking` counts, by the name of a detail, rows that were left as they were
    for want of it, and `unmade` the records of parts that no stored row tells: a full sync makes both again.
    """

    stream: str
    rows: int = 0
    added: int = 0
    changed: int = 0
    deleted: int = 0
    released: int = 0
    aside: int = 0
    incomplete: int = 0
    lacking: Counter[str] = field(default_factory=Counter)
    unmade: int = 0
    is_done: bool = False


async def remap_connector(
    pool: Pool,
    connector: Connector,
    integration: Integration,
    *,
    only_aside: bool = False,
    watch: Callable[[Remade], None] = lambda remade: None,
    stop: asyncio.Event | None = None,
) -> list[Remade]:
    """Map every stored row again, as `integration` maps it now, and every one that is quarantined.

    With `only_aside` these alone, and what shows them.

    A record in which nothing changed keeps its modified_at. Streams are taken in order, rows in batches, each in a
    transaction of its own; no place is kept: after a crash the same call does it again, and what was done changes no
    more. Rows are stored where they are records themselves or kept whole. Of other streams only the parts are there,
    which is not enough: a part may be mapped with its whole row. What joins keep of such streams is taken as it is.

    Raises ConfigError while the connector is synced or remapped by another, Stopped when asked to end.
    """
    busy = f"connector {connector.id} is being synced or remapped: try again when that has ended"
    async with lock_connector(pool, connector.number, otherwise=busy):
        return await remap_held(pool, connector, integration, only_aside=only_aside, watch=watch, stop=stop)


async def remap_held(
    pool: Pool,
    connector: Connector,
    integration: Integration,
    *,
    only_aside: bool = False,
    watch: Callable[[Remade], None] = lambda remade: None,
    stop: asyncio.Event | None = None,
) -> list[Remade]:
    """As `remap_connector`, by one who holds the connector already."""
    renderer = Renderer(connector.id, connector.number)
    told = []
    for stream in integration.streams:
        pages = Pages(
            pool=pool, client=None, renderer=renderer, connector=connector.number, stream=stream,
            keeping=Keeping.of(integration, stream),
        )  # fmt: skip
        part = _StreamRemap(pool, connector.number, pages, watch, stop or asyncio.Event())
        await part.remap(only_aside=only_aside)
        told.append(part.remade)
    return told


class _StreamRemap:
    """Maps the stored rows of one stream again.

    A part that several rows tell is made from one that tells it as it is stored: an older row may still tell what it
    was before. The ids of such parts are remembered; nothing else grows with the number of rows.
    """

    def __init__(
        self, pool: Pool, connector: int, pages: Pages, watch: Callable[[Remade], None], stop: asyncio.Event
    ) -> None:
        self.remade = Remade(pages.stream.name)
        self._pool = pool
        self._connector = connector
        self._pages = pages
        self._stream = pages.stream
        self._watch = watch
        self._stop = stop
        self._parts = _list_parts(self._stream)
        self._shared = _list_parts(self._stream, is_owned=False)
        self._made: dict[str, bool] = {}

    async def remap(self, *, only_aside: bool) -> None:
        await self._pages.open()
        last: int = await self._pool.fetchval(saving.GET_LAST_SEQ, self._connector)
        await self._walk(remapping.LIST_QUARANTINED, "", self._retry)
        await self._refresh()
        if not only_aside:
            for model in self._pages.own:
                await self._walk(remapping.LIST_ROWS, 0, self._remake, model, last)
            if self._stream.is_kept or self._pages.has_deleted:
                await self._walk(remapping.LIST_KEPT, "", self._remake, KEPT_WHOLE)
            self.remade.unmade = await self._count_unmade()
        counted = await streams.count_quarantine(self._pool, self._connector, self._stream.name)
        self.remade.aside, self.remade.incomplete = counted
        self.remade.is_done = True
        self._watch(self.remade)

    async def _walk(self, query: str, place: int | str, handle: _Handle, *others: object) -> None:
        """Handle all that a query lists. Nobody else saves a later row meanwhile."""
        while True:
            if self._stop.is_set():
                raise Stopped("the remap was asked to stop; the next one does it again")
            async with self._pages.transaction() as connection:
                found = await connection.fetch(query, self._connector, self._stream.name, place, BATCH, *others)
                if found:
                    await handle(connection, found)
            self._watch(self.remade)
            if len(found) < BATCH:
                return
            place = found[-1]["place"]

    async def _retry(self, connection: Connection, found: Sequence[asyncpg.Record]) -> None:
        """Map rows that are quarantined; those that map whole are released, the others have the reason of now."""
        rows = self._decode(found)
        page, lacking = await self._pages.prepare_stored(rows, connection)
        by_id = {find_row_id(self._stream, row): row for row in rows}
        served = {row["place"] for row in found if row["is_served"]}
        wanting = [
            Quarantined(row_id, f"its {detail} were never read: a full sync asks for them", by_id[row_id].raw)
            for row_id, detail in lacking.items()
            if row_id not in served  # the record such a row is stays as it is
        ]
        await self._save(connection, replace(page, quarantined=[*page.quarantined, *wanting]))
        still = {one.row_id for one in page.quarantined} | lacking.keys()
        # By the ids they were quarantined under: another id may be read from a row now.
        left = [row["place"] for row in found if row["place"] not in still]
        await connection.execute(streams.RELEASE_QUARANTINE, self._connector, self._stream.name, left)
        self.remade.released += len(by_id.keys() - still)

    async def _refresh(self) -> None:
        """Make those records again that show what was released or is kept otherwise now, as a sync would."""
        while True:
            async with self._pages.take_stale() as (connection, stale):
                if stale is None:
                    return
                page, lacking = await self._pages.prepare_stored(stale.rows, connection)
                page = await self._settle_parts(connection, page)
                counts = await self._pages.save_again(connection, page, stale)
            self.remade.changed += counts.changed
            self.remade.lacking.update(lacking.values())

    async def _remake(self, connection: Connection, found: Sequence[asyncpg.Record]) -> None:
        """Map rows that are stored; a record its row no longer becomes is gone."""
        rows = self._decode(found)
        page, lacking = await self._pages.prepare_stored(rows, connection)
        self.remade.lacking.update(lacking.values())
        page = await self._pages.leave_quarantined(connection, page, rows)
        mapped = set(page.row_ids) - page.unserved
        made = {record.id for record in page.records}
        buried = [
            one["id"]
            for one, row in zip(found, rows, strict=True)
            if one["id"] is not None and str(one["id"]) not in made and find_row_id(self._stream, row) in mapped
        ]
        await self._save(connection, page, buried)

    async def _save(self, connection: Connection, page: Page, buried: Sequence[UUID] = ()) -> None:
        page = await self._settle_parts(connection, page)
        await remapping.outdate_records(connection, page.records)
        counts = await self._pages.save(connection, page, buried)
        await remapping.refile_records(connection, page.records)
        self.remade.rows += page.rows
        self.remade.added += counts.added
        self.remade.changed += counts.changed
        self.remade.deleted += counts.deleted

    async def _settle_parts(self, connection: Connection, page: Page) -> Page:
        """The page without shared parts as rows tell them otherwise than they are stored, and those made already."""
        ids = [record.id for record in page.records if record.model in self._parts]
        if not ids:
            return page
        stored = await remapping.find_raw(connection, ids)
        records = []
        for record in page.records:
            if record.model in self._shared:
                is_made = self._made.setdefault(record.id, False)
                if is_made or stored.get(record.id, record.raw) != record.raw:
                    continue
                self._made[record.id] = True
            records.append(record)
        # A run that was interrupted has met their rows already, and would take the new ones for gone.
        fresh = [id for id in dict.fromkeys(ids) if id not in stored]
        await streams.note_seen(connection, self._connector, self._stream.name, fresh)
        return replace(page, records=records)

    async def _count_unmade(self) -> int:
        if self._pages.own or self._stream.is_kept:
            return list(self._made.values()).count(False)
        found: int = await self._pool.fetchval(
            remapping.COUNT_LIVING, self._connector, sorted(self._parts), self._stream.name
        )
        return found

    def _decode(self, found: Sequence[asyncpg.Record]) -> list[Row]:
        return [decode_row(row["raw"]) for row in found]


def _list_parts(stream: Stream, *, is_owned: bool | None = None) -> set[int]:
    """The models that are parts of the stream's rows, and not rows themselves; by whether they are their row's own."""
    own = set(model_numbers(stream, rows_only=True))
    return {
        spec_of(maps.model).number
        for maps in stream.maps
        if maps.each is not None and is_owned in (None, maps.is_owned)
    } - own
