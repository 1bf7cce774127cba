"""Pages of one stream's rows: mapped with what belongs to them, and saved with everything they leave behind."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Self
from uuid import UUID

from unihire.integration.declare import Join, Stream, has_deleted
from unihire.outbound.client import VendorClient
from unihire.outbound.paging import Row
from unihire.store import Connection, Pool, joins, streams
from unihire.store.feed import saving
from unihire.store.feed.gate import lock_feed
from unihire.store.feed.saving import Rendered, Saved
from unihire.store.joins import Joined
from unihire.sync.fetching import Details, fetch_details, find_details
from unihire.sync.joining import Keeping, Stale, find_known, find_shown, find_stale
from unihire.sync.quarantine import Quarantined, find_fault, find_row_id, merge_quarantined, read_row_id
from unihire.sync.rendering import Renderer, model_numbers

NO_ID = "a row without an id that can be stored"

ROWS_AT_ONCE = 5
"""Rows that are mapped before others may go on: a page that is being saved waits for the database several times."""


@dataclass(slots=True)
class Counts:
    """What a stream did so far, shown to whoever watches.

    `quarantined` rows did not map, `incomplete` ones are served without some part; each time they were read.
    """

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
    incomplete: int = 0

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
        self.incomplete += other.incomplete

    def list_counted(self) -> tuple[float, ...]:
        """The counts in the order in which the store adds them."""
        return (
            self.read, self.added, self.changed, self.deleted, self.quarantined, self.requests, self.waited,
            self.wrong_answers,
            self.incomplete,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """A page ready to save.

    `row_ids` are those of the rows that were mapped, or tried to be; rows that are refused before are among the
    `quarantined` alone. `deleted` are the records that rows were which the vendor lists as deleted.
    """

    rows: int
    records: list[Rendered]
    quarantined: list[Quarantined]
    details: Details
    row_ids: list[str]
    kept: list[Joined]
    deleted: list[str]

    @property
    def unserved(self) -> set[str]:
        """The ids of the rows that became nothing: what they were before stays."""
        return {one.row_id for one in self.quarantined if not one.is_served}


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
        self.has_deleted = has_deleted(stream)
        self.has_quarantine = False
        self._pool = pool
        self._client = client
        self._renderer = renderer
        self._connector = connector
        self._keeping = keeping
        self._has_parts = any(maps.is_owned for maps in stream.maps)
        self._has_shared = any(maps.each is not None and not maps.is_owned for maps in stream.maps)
        self._needs_ids = bool(self.own) or self.is_kept or self._has_parts
        self._known: list[Join] = []
        self._showing: set[str] = set()

    async def open(self) -> None:
        """Look up what preparing and saving must know of the store."""
        self.has_quarantine = await self._pool.fetchval(streams.HAS_QUARANTINE, self._connector, self.stream.name)
        self._known = await find_known(self._pool, self._connector, self.stream)
        self._showing = await self._keeping.find_showing(self._pool, self._connector)

    def transaction(self) -> AbstractAsyncContextManager[Connection]:
        """A transaction to save in: nobody else saves for the connector meanwhile."""
        return lock_feed(self._pool, self._connector)

    async def prepare(self, rows: list[Row], within: Connection | None = None) -> Page:
        """Map the rows with their details and joins; what is missing of the details is asked of the vendor.

        `within` is the transaction they are to be saved in, where that is open already.
        """
        assert self._client is not None
        source = within or self._pool
        sound, row_ids, refused = self._refuse(rows)
        details = await fetch_details(self._client, source, self._connector, self.stream, sound)
        page = await self._map(sound, row_ids, details, source)
        return _add_refused(page, refused) if refused else page

    async def prepare_stored(self, rows: list[Row], within: Connection) -> tuple[Page, dict[str, str]]:
        """As `prepare`, with stored details of whatever version and no call.

        Rows that need a detail which is not stored are left out of the page: its name, by row id. A part that several
        rows tell is in the page as each of them tells it.
        """
        sound, row_ids, refused = self._refuse(rows)
        details, lacking = await find_details(within, self._connector, self.stream, sound)
        if lacking:
            sound = [row for row, row_id in zip(sound, row_ids, strict=True) if row_id not in lacking]
            row_ids = [row_id for row_id in row_ids if row_id not in lacking]
        page = await self._map(sound, row_ids, details, within, is_each=self._has_shared)
        return _add_refused(page, refused) if refused else page, lacking

    def _refuse(self, rows: list[Row]) -> tuple[list[Row], list[str], list[Quarantined]]:
        """The rows that may be mapped, their ids, and what is noted of those that are refused before."""
        row_ids, refused, left = list[str](), list[Quarantined](), set[int]()
        for place, row in enumerate(rows):
            row_id, fault = read_row_id(self.stream, row), find_fault(row)
            if fault is None and (row_id or not self._needs_ids):
                row_ids.append(row_id or find_row_id(self.stream, row))
                continue
            left.add(place)
            known_as = row_id or find_row_id(self.stream, row)
            refused.append(Quarantined.refuse(known_as, row, fault) if fault else Quarantined(known_as, NO_ID, row.raw))
        if left:
            rows = [row for place, row in enumerate(rows) if place not in left]
        return rows, row_ids, refused

    async def _map(
        self,
        rows: list[Row],
        row_ids: list[str],
        details: Details,
        source: Pool | Connection,
        *,
        is_each: bool = False,
    ) -> Page:
        if self._known:
            shown = await find_shown(source, self._connector, self.stream, self._known, rows)
            for row_id, by_name in shown.items():
                details.found.setdefault(row_id, {}).update(by_name)
        odd = {one.row_id for one in details.quarantined if not one.is_served}
        plain = [row for row, row_id in zip(rows, row_ids, strict=True) if row_id not in odd] if odd else rows
        records, quarantined = list[Rendered](), list[Quarantined]()
        step = 1 if is_each else ROWS_AT_ONCE
        for start in range(0, len(plain), step):
            mapped, unmapped = self._renderer.render_rows(self.stream, plain[start : start + step], details.found)
            records += mapped
            quarantined += unmapped
            await asyncio.sleep(0)
            await asyncio.sleep(0)  # who waits for the network is woken by the first, and goes on in the second
        if not is_each:
            first = dict[str, Rendered]()
            for record in records:
                first.setdefault(record.id, record)
            records = list(first.values())
        kept, unkept = self._keeping.pick(rows, self._renderer) if self._keeping else ([], [])
        quarantined += [*details.quarantined, *unkept]
        deleted = (
            [id for row in rows for id in self._renderer.deleted_ids(self.stream, row)] if self.has_deleted else []
        )
        return Page(len(rows), records, merge_quarantined(quarantined), details, row_ids, kept, deleted)

    async def save(
        self, connection: Connection, page: Page, buried: Sequence[UUID] = (), gone: Sequence[str] = ()
    ) -> Counts:
        """Save a page; `buried` are records to mark deleted, `gone` the ids of rows the vendor no longer has."""
        name = self.stream.name
        saved = await saving.save_records(connection, self._connector, name, page.records)
        dropped = await self._find_dropped(connection, page, gone) if self._has_parts else []
        dropped += await saving.find_living(connection, self._connector, page.deleted)
        deleted = await saving.bury_records(connection, self._connector, [*buried, *dropped])
        await streams.save_details(connection, self._connector, name, page.details.fresh)
        await self._quarantine(connection, page, gone)
        counts = _count(name, page, saved, rows=page.rows, deleted=deleted)
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
        name, page = self.stream.name, await self.leave_quarantined(connection, page, stale.rows)
        saved = await saving.save_records(connection, self._connector, name, page.records)
        await streams.save_details(connection, self._connector, name, page.details.fresh)
        await self._quarantine(connection, page)
        await joins.settle(connection, self._connector, name, stale.join.name, stale.settled, stale.moved)
        return _count(name, page, saved)

    async def leave_quarantined(self, connection: Connection, page: Page, rows: Sequence[Row]) -> Page:
        """A page of stored `rows`, without what it would do to those of which a newer version is quarantined.

        The records are made of the earlier versions; the newer ones stay quarantined, and are what others show.
        """
        if not self.has_quarantine:
            return page
        ids, raws = [find_row_id(self.stream, row) for row in rows], [row.raw for row in rows]
        found = await connection.fetch(streams.FIND_NEWER_QUARANTINED, self._connector, self.stream.name, ids, raws)
        newer = {row["row_id"] for row in found}
        return replace(
            page,
            quarantined=[one for one in page.quarantined if one.row_id not in newer],
            row_ids=[row_id for row_id in page.row_ids if row_id not in newer],
            kept=[kept for kept in page.kept if kept.row_id not in newer],
        )

    def seen_id(self, row_id: str) -> str:
        """What a complete read notes in seen for a row that becomes no record of its own."""
        return self._renderer.seen_id(self.stream, row_id)

    def list_met(self, page: Page) -> list[str]:
        """The ids a complete read notes in seen for the page: of its records, and of rows that have none."""
        ids = [record.id for record in page.records]
        unserved = page.unserved if page.quarantined else set()
        ids += [id for row_id in unserved for id in self._renderer.row_ids(self.stream, row_id)]
        ids += page.deleted
        if self._keeping and not self.own:
            ids += [self._renderer.seen_id(self.stream, row_id) for row_id in {*page.row_ids, *unserved}]
        return ids

    async def _find_dropped(self, connection: Connection, page: Page, gone: Sequence[str]) -> list[UUID]:
        """Records of parts that rows of the page have no longer, or that went with their rows."""
        hiding = page.unserved | {one.row_id for one in page.quarantined if one.hides}
        row_ids = [*(row_id for row_id in page.row_ids if row_id not in hiding), *gone]
        keys = self._renderer.owned_keys(self.stream, row_ids)
        met = {record.id for record in page.records}
        found = await connection.fetch(
            saving.FIND_KEYED, self._connector, self.stream.name, keys, model_numbers(self.stream)
        )
        return [row["id"] for row in found if str(row["id"]) not in met]

    async def _keep(self, connection: Connection, page: Page, gone: Sequence[str]) -> Counts:
        """Keep what others show of the page's rows; the counts are told of a stream that makes no records."""
        name = self.stream.name
        kept = await joins.store_joined_rows(connection, self._connector, name, [*page.row_ids, *gone], page.kept)
        stale = [key for key in kept.keys if key.stream in self._showing]
        if stale:
            await joins.note_stale(connection, self._connector, stale)
        return Counts(name) if self.stream.maps else Counts(name, 0, kept.added, kept.changed, kept.removed)

    async def _quarantine(self, connection: Connection, page: Page, gone: Sequence[str] = ()) -> None:
        """Note the rows that did not become all they should, and release those that did now."""
        if self.has_quarantine:
            noted = {one.row_id for one in page.quarantined}
            whole = [row_id for row_id in page.row_ids if row_id not in noted]
            await connection.execute(streams.RELEASE_QUARANTINE, self._connector, self.stream.name, [*whole, *gone])
        await streams.quarantine_rows(connection, self._connector, self.stream.name, page.quarantined)
        self.has_quarantine = self.has_quarantine or bool(page.quarantined)


def _add_refused(page: Page, refused: Sequence[Quarantined]) -> Page:
    quarantined = merge_quarantined([*page.quarantined, *refused])
    return replace(page, rows=page.rows + len(refused), quarantined=quarantined)


def _count(name: str, page: Page, saved: Saved, *, rows: int = 0, deleted: int = 0) -> Counts:
    counts = Counts(name, rows, saved.added, saved.changed, deleted)
    for one in page.quarantined:
        if one.is_served:
            counts.incomplete += 1
        else:
            counts.quarantined += 1
    return counts
