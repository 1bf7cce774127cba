"""Pages of one stream's rows: mapped with what belongs to them, and saved with everything they leave behind."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Self
from uuid import UUID

from unihire.integration.declare import Join, Stream
from unihire.outbound.client import VendorClient
from unihire.outbound.paging import Row
from unihire.store import Connection, Pool, joins, saving, streams
from unihire.store.joins import Joined
from unihire.store.saving import Rendered
from unihire.sync.fetching import Details, fetch_details, find_details
from unihire.sync.joining import Keeping, Stale, find_known, find_shown, find_stale
from unihire.sync.rendering import Misfit, Renderer, find_row_id, model_numbers

ROWS_AT_ONCE = 5
"""Rows that are mapped before others may go on: a page that is being saved waits for the database several times."""


@dataclass(slots=True)
class Counts:
    """What a stream did so far, told to whoever watches."""

    stream: str
    read: int = 0
    added: int = 0
    changed: int = 0
    deleted: int = 0
    quarantined: int = 0
    phase: str = "walk"
    requests: int = 0
    waited: float = 0.0
    wrong_answers: int = 0

    @classmethod
    def read_from(cls, state: Mapping[str, Any]) -> Self:
        """The counts in a row of stream_run."""
        return cls(**{name: state[name] for name in cls.__slots__})

    def add(self, other: "Counts") -> None:
        self.read += other.read
        self.added += other.added
        self.changed += other.changed
        self.deleted += other.deleted
        self.quarantined += other.quarantined
        self.requests += other.requests
        self.waited += other.waited
        self.wrong_answers += other.wrong_answers

    def list_counted(self) -> tuple[float, ...]:
        """The counts in the order in which the store adds them."""
        return (
            self.read, self.added, self.changed, self.deleted, self.quarantined, self.requests, self.waited,
            self.wrong_answers,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """A page ready to save."""

    rows: int
    records: list[Rendered]
    misfits: list[Misfit]
    details: Details
    row_ids: list[str]
    kept: list[Joined]


class Pages:
    """Prepares and saves pages of one stream of one connector.

    Saving happens inside a transaction of the caller's, who may commit more with it: its place in a list, what it met.
    Without a `client` only stored rows can be prepared.
    """

    def __init__(
        self,
        *,
        pool: Pool,
        client: VendorClient | None,
        renderer: Renderer,
        connector: int,
        stream: Stream,
        keeping: Keeping,
    ) -> None:
        self.stream = stream
        self.own = model_numbers(stream, rows_only=True)
        self.is_kept = bool(keeping)
        self.has_quarantine = False
        self._pool = pool
        self._client = client
        self._renderer = renderer
        self._connector = connector
        self._keeping = keeping
        self._has_parts = any(maps.is_owned for maps in stream.maps)
        self._has_shared = any(maps.each is not None and not maps.is_owned for maps in stream.maps)
        self._known: list[Join] = []
        self._showing: set[str] = set()

    async def open(self) -> None:
        """Look up what preparing and saving must know of the store."""
        self.has_quarantine = await self._pool.fetchval(streams.HAS_QUARANTINE, self._connector, self.stream.name)
        self._known = await find_known(self._pool, self._connector, self.stream)
        self._showing = await self._keeping.find_showing(self._pool, self._connector)

    def transaction(self) -> AbstractAsyncContextManager[Connection]:
        """A transaction to save in: nobody else saves for the connector meanwhile."""
        return saving.hold_feed(self._pool, self._connector)

    async def prepare(self, rows: list[Row], within: Connection | None = None) -> Page:
        """Map the rows with their details and joins; what is missing of the details is asked of the vendor.

        `within` is the transaction they are to be saved in, where that is open already.
        """
        assert self._client is not None
        source = within or self._pool
        details = await fetch_details(self._client, source, self._connector, self.stream, rows)
        return await self._map(rows, details, source)

    async def prepare_stored(self, rows: list[Row], within: Connection) -> tuple[Page, dict[str, str]]:
        """As `prepare`, with stored details of whatever version and no call.

        Rows that need a detail which is not stored are left out of the page: its name, by row id. A part that several
        rows tell is in the page as each of them tells it.
        """
        details, lacking = await find_details(within, self._connector, self.stream, rows)
        whole = [row for row in rows if find_row_id(self.stream, row) not in lacking] if lacking else rows
        return await self._map(whole, details, within, is_each=self._has_shared), lacking

    async def _map(
        self, rows: list[Row], details: Details, source: Pool | Connection, *, is_each: bool = False
    ) -> Page:
        if self._known:
            shown = await find_shown(source, self._connector, self.stream, self._known, rows)
            for row_id, by_name in shown.items():
                details.found.setdefault(row_id, {}).update(by_name)
        odd = {misfit.row_id for misfit in details.misfits}
        plain = [row for row in rows if find_row_id(self.stream, row) not in odd] if odd else rows
        records, misfits = list[Rendered](), list[Misfit]()
        step = 1 if is_each else ROWS_AT_ONCE
        for start in range(0, len(plain), step):
            mapped, unmapped = self._renderer.render_rows(self.stream, plain[start : start + step], details.found)
            records += mapped
            misfits += unmapped
            await asyncio.sleep(0)
            await asyncio.sleep(0)  # who waits for the network is woken by the first, and goes on in the second
        if not is_each:
            first = dict[str, Rendered]()
            for record in records:
                first.setdefault(record.id, record)
            records = list(first.values())
        misfits += details.misfits
        row_ids = [find_row_id(self.stream, row) for row in rows]
        kept = self._keeping.pick(rows, self._renderer) if self._keeping else []
        return Page(len(rows), records, misfits, details, row_ids, kept)

    async def save(
        self, connection: Connection, page: Page, buried: Sequence[UUID] = (), gone: Sequence[str] = ()
    ) -> Counts:
        """Save a page; `buried` are records to mark deleted, `gone` the ids of rows the vendor no longer has."""
        name = self.stream.name
        saved = await saving.save_records(connection, self._connector, name, page.records)
        dropped = await self._find_dropped(connection, page, gone) if self._has_parts else []
        deleted = await saving.bury_records(connection, self._connector, [*buried, *dropped])
        await streams.save_details(connection, self._connector, name, page.details.fresh)
        await self._set_aside(connection, page, gone)
        counts = Counts(name, page.rows, saved.added, saved.changed, deleted, len(page.misfits))
        if self._keeping:
            counts.add(await self._keep(connection, page, gone))
        return counts

    @asynccontextmanager
    async def take_stale(self) -> AsyncIterator[tuple[Connection, Stale | None]]:
        """The next rows whose records show what changed, if there are some, and the transaction to save them in."""
        async with self.transaction() as connection:
            yield connection, await find_stale(connection, self._connector, self.stream, self._renderer)

    async def save_again(self, connection: Connection, page: Page, stale: Stale) -> Counts:
        """Save the records of rows that are stored already, and settle why they were made again."""
        name, page = self.stream.name, await self.leave_aside(connection, page, stale.rows)
        saved = await saving.save_records(connection, self._connector, name, page.records)
        await streams.save_details(connection, self._connector, name, page.details.fresh)
        await self._set_aside(connection, page)
        await joins.settle(connection, self._connector, name, stale.join.name, stale.settled, stale.moved)
        return Counts(name, 0, saved.added, saved.changed, 0, len(page.misfits))

    async def leave_aside(self, connection: Connection, page: Page, rows: Sequence[Row]) -> Page:
        """A page of stored `rows`, without what it would do to later versions of them that are set aside.

        The records are made of the earlier versions; what is set aside stays so, and is what others show.
        """
        if not self.has_quarantine:
            return page
        ids, raws = [find_row_id(self.stream, row) for row in rows], [row.raw for row in rows]
        found = await connection.fetch(streams.FIND_LATER_ASIDE, self._connector, self.stream.name, ids, raws)
        aside = {row["row_id"] for row in found}
        return replace(
            page,
            misfits=[misfit for misfit in page.misfits if misfit.row_id not in aside],
            row_ids=[row_id for row_id in page.row_ids if row_id not in aside],
            kept=[kept for kept in page.kept if kept.row_id not in aside],
        )

    def seen_id(self, row_id: str) -> str:
        """What a complete read notes in seen for a row that becomes no record of its own."""
        return self._renderer.seen_id(self.stream, row_id)

    def list_met(self, page: Page) -> list[str]:
        """The ids a complete read notes in seen for the page: of its records, and of rows that have none."""
        ids = [record.id for record in page.records]
        ids += [id for misfit in page.misfits for id in self._renderer.row_ids(self.stream, misfit.row_id)]
        if self._keeping and not self.own:
            ids += [self._renderer.seen_id(self.stream, row_id) for row_id in page.row_ids]
        return ids

    async def _find_dropped(self, connection: Connection, page: Page, gone: Sequence[str]) -> list[UUID]:
        """Records of parts that rows of the page have no longer, or that went with their rows."""
        misfits = {misfit.row_id for misfit in page.misfits}
        row_ids = [*(row_id for row_id in page.row_ids if row_id not in misfits), *gone]
        keys = self._renderer.owned_keys(self.stream, row_ids)
        met = {record.id for record in page.records}
        found = await connection.fetch(
            saving.FIND_KEYED, self._connector, self.stream.name, keys, model_numbers(self.stream)
        )
        return [row["id"] for row in found if str(row["id"]) not in met]

    async def _keep(self, connection: Connection, page: Page, gone: Sequence[str]) -> Counts:
        """Keep what others show of the page's rows; the counts are told of a stream that makes no records."""
        name = self.stream.name
        kept = await joins.keep_rows(connection, self._connector, name, [*page.row_ids, *gone], page.kept)
        stale = [key for key in kept.keys if key.stream in self._showing]
        if stale:
            await joins.note_stale(connection, self._connector, stale)
        return Counts(name) if self.stream.maps else Counts(name, 0, kept.added, kept.changed, kept.removed)

    async def _set_aside(self, connection: Connection, page: Page, gone: Sequence[str] = ()) -> None:
        bad = list({misfit.row_id: (misfit.row_id, misfit.reason, misfit.raw) for misfit in page.misfits}.values())
        if self.has_quarantine:
            misfits = {misfit.row_id for misfit in page.misfits}
            good = [row_id for row_id in page.row_ids if row_id not in misfits]
            await connection.execute(streams.RELEASE_QUARANTINE, self._connector, self.stream.name, [*good, *gone])
        await streams.set_aside(connection, self._connector, self.stream.name, bad)
        self.has_quarantine = self.has_quarantine or bool(bad)
