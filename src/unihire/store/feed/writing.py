"""One stream's part of a feed: pages of its rows, written with all they leave behind."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

import asyncpg

from unihire.store import Connection, Pool, joins, streams
from unihire.store.feed import saving
from unihire.store.feed.gate import REFUSED, Feed, name_refusal, savepoint
from unihire.store.feed.position import LATEST
from unihire.store.feed.prepared_page import PreparedPage
from unihire.store.feed.saving import Rendered
from unihire.store.joins import JoinedChanges

FindNews = Callable[
    [Connection, Sequence[Rendered], Mapping[tuple[str, bytes], Sequence[str]]], Awaitable[list[Rendered]]
]

MOST_UNSETTLED = 10_000
"""Shared parts of a stream that rows describe otherwise than they are stored: so many are settled in one run."""

SETTLED_AT_ONCE = 500

NOTHING = b'""'
"""Stands for a row that cannot be stored even in the quarantine: a JSON text, which nobody maps."""


@dataclass(frozen=True, slots=True)
class Written:
    """What writing a page did: to records, and to rows stored for joins. `refused` rows are quarantined for it."""

    added: int = 0
    changed: int = 0
    deleted: int = 0
    refused: int = 0
    joined_added: int = 0
    joined_changed: int = 0
    joined_removed: int = 0

    def __add__(self, other: "Written") -> "Written":
        return Written(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that PostgreSQL refuses, for the quarantine."""

    row_id: str
    reason: str
    raw: bytes
    is_served: bool = False
    left_out: Sequence[str] = ()
    hides: Sequence[int] = ()


class StreamWriter:
    """Writes pages of one stream of one connector."""

    def __init__(
        self,
        connector: int,
        stream: str,
        *,
        models: Sequence[int],
        own: Collection[int],
        has_parts: bool,
        stores_joined: bool,
        has_beside: bool = False,
        shows_others: bool = False,
        find_showing: Callable[[Connection, int], Awaitable[Collection[str]]],
        find_news: FindNews | None = None,
    ) -> None:
        """`models` are those of its records, `own` those of them that are rows themselves. `has_parts`: some belong to
        their row alone; `has_beside`: of these, some are rows of its details or joins, which come and go while the row
        stays as it is. `shows_others`: its records are made of details or joins as well.

        `find_news` picks the shared parts in which a row has changed, of those that rows show otherwise than they are
        stored. Without it the first row of a read that shows a part decides. `find_showing` finds the streams
        whose records may show rows of this one.
        """
        self.reads_all = False
        self._shows_others = shows_others
        self._find_news = find_news
        self._confirmed: set[str] = set()
        self._otherwise: dict[str, Rendered] = {}
        self.has_quarantine = False
        self._connector = connector
        self._stream = stream
        self._models = models
        self._own = own
        self._has_parts = has_parts
        self._has_beside = has_beside
        self._stores_joined = stores_joined
        self._find_showing = find_showing
        self._showing: Collection[str] | None = None

    async def open(self, pool: Pool, has_quarantine: bool | None = None) -> None:
        """Look up what writing must know: whether rows are quarantined, where that is not known."""
        if has_quarantine is None:
            has_quarantine = await pool.fetchval(streams.HAS_QUARANTINE, self._connector, self._stream)
        self.has_quarantine = has_quarantine
        self._showing = None

    def has_confirmed(self, id: str) -> bool:
        """Whether a row of this read has shown the shared part as it is stored: then no other row is needed."""
        return id in self._confirmed

    async def write(self, feed: Feed, page: PreparedPage) -> Written:
        """Write a page; of one in which PostgreSQL refuses a value, when that is looked for, all but those rows."""
        if page.is_empty:
            return Written()
        if not feed.is_careful:
            return await self._write(feed, page)
        written = await self._write_by_halves(feed, page, page.list_all_ids())
        return written + await self._write(feed, replace(page.take(()), gone=page.gone, buried=page.buried))

    async def write_records(self, feed: Feed, page: PreparedPage) -> Written:
        """Write what a page of stored rows became now; what others show of those rows stays."""
        return await self.write(feed, replace(page, joined=None))

    async def _write_by_halves(self, feed: Feed, page: PreparedPage, row_ids: Sequence[str]) -> Written:
        """Write some rows of a page, each half by itself where it is refused together, down to single rows."""
        if not row_ids:
            return Written()
        logged = len(feed.changes or ())
        try:
            async with savepoint(feed.connection):
                return await self._write(feed, page.take(set(row_ids)))
        except REFUSED as error:
            if feed.changes is not None:
                del feed.changes[logged:]
            if len(row_ids) == 1:
                return await self._quarantine_refused(feed, page, row_ids[0], error)
        half = len(row_ids) // 2
        written = await self._write_by_halves(feed, page, row_ids[:half])
        return written + await self._write_by_halves(feed, page, row_ids[half:])

    async def _quarantine_refused(self, feed: Feed, page: PreparedPage, row_id: str, error: Exception) -> Written:
        """Note the row as it is; where that is refused too, what stands for it. The record it was before stays."""
        reason = f"the database refuses what was read ({name_refusal(error)})"
        stand_in = "?" + blake2b(row_id.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        for noted in (Refused(row_id, reason, page.find_raw(row_id) or NOTHING), Refused(stand_in, reason, NOTHING)):
            try:
                async with savepoint(feed.connection):
                    await streams.quarantine_rows(feed.connection, self._connector, self._stream, [noted])
            except REFUSED:
                continue
            self.has_quarantine = True
            feed.refused.add(row_id)
            return Written(refused=1)
        raise error

    async def _write(self, feed: Feed, page: PreparedPage) -> Written:
        connection, connector, stream = feed.connection, self._connector, self._stream
        found = await saving.find_stored(connection, connector, page.records)
        records = await self._settle_shared(connection, page, found)
        hashes = {
            record.id: page.hashes[record.row_id]
            for record in (records if page.hashes else ())
            if record.row_id in page.hashes and record.model in self._own
        }
        saved = await saving.save_found(
            connection, connector, stream, records, found, feed.changes, hashes,
            is_final=self.reads_all or not self._shows_others,
        )  # fmt: skip
        lost: list[str] = list(page.buried)
        if self._has_beside or (self._has_parts and page.joined is not None):
            lost += await self._find_dropped(feed, page)
        if page.joined is not None:
            lost += await saving.find_living(connection, connector, list(page.deleted_ids))
        deleted = await saving.bury_records(connection, connector, lost, feed.changes)
        await streams.save_details(connection, connector, stream, page.details)
        await self._settle_quarantine(feed, page)
        joined = JoinedChanges(0, 0, 0, set())
        if self._stores_joined and page.joined is not None:
            ids = [*page.row_ids, *(row.row_id for row in page.gone)]
            # Where rows are records, these have the hashes.
            by_row = {} if self._models else page.hashes
            joined = await joins.store_joined_rows(connection, connector, stream, ids, page.joined, by_row)
            if joined.keys and self._showing is None:
                self._showing = await self._find_showing(connection, connector)
            showing = self._showing or ()
            await joins.note_stale(connection, connector, [key for key in joined.keys if key.stream in showing])
        return Written(saved.added, saved.changed, deleted, 0, joined.added, joined.changed, joined.removed)

    async def _settle_shared(
        self, connection: Connection, page: PreparedPage, found: Sequence[asyncpg.Record]
    ) -> Sequence[Rendered]:
        """The page's records, shared parts once and only where they are new or there is news of them.

        So a part that rows show differently stays as it is while they go on doing so, in whatever order they come.
        """
        if page.asked == LATEST and page.joined is not None:
            return page.records  # a remap, which knows the row of each part
        stored = {row["id"]: row["fingerprint"] for row in found if row["id"] is not None and not row["is_deleted"]}
        records, disputed, fresh = list[Rendered](), list[Rendered](), set[str]()
        for record in page.records:
            if not record.is_shared:
                records.append(record)
            elif record.id not in stored:
                if record.id not in fresh:
                    records.append(record)
                fresh.add(record.id)
            elif saving.is_same(stored[record.id], record.fingerprint):
                if record.is_volatile or stored[record.id] != record.fingerprint:
                    records.append(record)
                self._confirmed.add(record.id)
            elif page.joined is not None and self._find_news is not None:
                disputed.append(record)
            elif page.joined is not None and record.id not in self._confirmed:
                self._confirmed.add(record.id)
                disputed.append(record)
        if disputed and self._find_news is not None:
            for part in disputed:
                if len(self._otherwise) < MOST_UNSETTLED:
                    self._otherwise.setdefault(part.id, part)
            disputed = await self._find_news(connection, disputed, page.shown_by_rows)
            self._confirmed.update(part.id for part in disputed)
        return [*records, *{record.id: record for record in reversed(disputed)}.values()]

    async def settle_shared_parts(self, feed: Feed, since: int) -> Written:
        """Write shared parts as rows showed them, where no row showed them as they are stored.

        Those behind the place `since` in the feed are left. Call when every row of the stream was written.
        """
        parts, written = self._list_unsettled(), Written()
        at_once = 1 if feed.is_careful else SETTLED_AT_ONCE
        for start in range(0, len(parts), at_once):
            some = parts[start : start + at_once]
            found = await saving.find_stored(feed.connection, self._connector, some)
            moved = {row["id"] for row in found if row["id"] is not None and row["seq"] > since}
            left = [part for part in some if part.id not in moved]
            logged = len(feed.changes or ())
            try:
                async with savepoint(feed.connection):
                    saved = await saving.save_found(
                        feed.connection, self._connector, self._stream, left, found, feed.changes
                    )
            except REFUSED:
                if feed.changes is not None:
                    del feed.changes[logged:]
                if not feed.is_careful:
                    raise
                continue  # it stays as it is stored
            written += Written(saved.added, saved.changed)
        return written

    @property
    def has_unsettled(self) -> bool:
        return bool(self._list_unsettled())

    def _list_unsettled(self) -> list[Rendered]:
        return [part for id, part in self._otherwise.items() if id not in self._confirmed]

    async def _find_dropped(self, feed: Feed, page: PreparedPage) -> list[str]:
        """Records of parts that rows of the page have no longer, or that went with their rows."""
        hiding = page.unserved | {one.row_id for one in page.quarantined if one.hides}
        rows = [*(row for row in page.rows if row.row_id not in hiding), *page.gone]
        keys = [row.owned_key for row in rows if row.owned_key is not None]
        met = {record.id for record in page.records}
        found = await saving.find_keyed(feed.connection, self._connector, self._stream, keys, self._models)
        return [id for id in found if id not in met]

    async def _settle_quarantine(self, feed: Feed, page: PreparedPage) -> None:
        """Note the rows that did not become all they should, and release those that did now."""
        connection, connector, stream = feed.connection, self._connector, self._stream
        if self.has_quarantine:
            noted = {one.row_id for one in page.quarantined}
            whole = [row_id for row_id in page.row_ids if row_id not in noted]
            whole += [row.row_id for row in page.gone]
            await connection.execute(streams.RELEASE_QUARANTINE, connector, stream, whole)
        await streams.quarantine_rows(connection, connector, stream, page.quarantined)
        self.has_quarantine = self.has_quarantine or bool(page.quarantined)
