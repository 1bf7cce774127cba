"""Writes pages of one stream: records, details, joined rows and quarantined rows, in one transaction."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

import asyncpg

from unihire.store import Connection, Pool, joins, streams
from unihire.store.feed import saving
from unihire.store.feed.gate import VALUE_ERRORS, Feed, name_refusal, savepoint
from unihire.store.feed.position import LATEST
from unihire.store.feed.prepared_page import PreparedPage
from unihire.store.feed.rendered import Rendered
from unihire.store.joins import JoinedChanges

FindChangedParts = Callable[
    [Connection, Sequence[Rendered], Mapping[tuple[str, bytes], Sequence[str]]], Awaitable[list[Rendered]]
]

MAX_DISPUTED = 10_000
"""At most this many shared parts whose stored version differs from a row's are remembered in one run."""

DISPUTED_BATCH = 500
"""How many of them are saved at once."""

NOTHING = b'""'
"""Replaces a row that cannot be stored even in the quarantine. No mapping accepts it: it is a text, not an object."""


@dataclass(frozen=True, slots=True)
class Written:
    """What writing a page did to records and joined rows. `refused` rows are quarantined: PostgreSQL refused them."""

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
    """A row that PostgreSQL refused, for the quarantine."""

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
        has_parts_outside_row: bool = False,
        shows_others: bool = False,
        has_shared: bool = False,
        find_showing: Callable[[Connection, int], Awaitable[Collection[str]]],
        find_changed_parts: FindChangedParts | None = None,
    ) -> None:
        """`models` are the models of the stream's records; `own`, those of them that are a whole row.

        `has_parts`: some records are parts owned by one row. `has_parts_outside_row`: some of those come from details
        or joins and can appear or disappear while the row is unchanged. `shows_others`: records are also made from
        details or joins. `has_shared`: some are parts that several rows may contain.

        `find_changed_parts` selects, of shared parts that differ from the stored version, those whose row contained
        another version before. Without it, the first row of the read decides. `find_showing` finds the streams whose
        records may display rows of this one.
        """
        self.reads_all = False
        self.expects_nothing = False
        """Whether no record of the pages is stored yet, as far as is known."""
        self._shows_others = shows_others
        self._has_shared = has_shared
        self._find_changed_parts = find_changed_parts
        self._confirmed: set[str] = set()
        self._disputed: dict[str, Rendered] = {}
        self.has_quarantine = False
        self._connector = connector
        self._stream = stream
        self._models = models
        self._own = own
        self._has_parts = has_parts
        self._has_parts_outside_row = has_parts_outside_row
        self._stores_joined = stores_joined
        self._find_showing = find_showing
        self._showing: Collection[str] | None = None

    async def open(self, pool: Pool, has_quarantine: bool | None = None) -> None:
        """Look up whether rows of the stream are quarantined, unless `has_quarantine` says so."""
        if has_quarantine is None:
            has_quarantine = await pool.fetchval(streams.HAS_QUARANTINE, self._connector, self._stream)
        self.has_quarantine = has_quarantine
        self._showing = None

    def has_confirmed(self, id: str) -> bool:
        """Whether a row of this read contained the stored version of the shared part, or one that was saved."""
        return id in self._confirmed

    async def write(self, feed: Feed, page: PreparedPage) -> Written:
        """Write a page. With `isolates_rows`, rows with a value that PostgreSQL refuses are quarantined instead.

        With `expects_nothing` it is not looked up what is stored of the page's records; PostgreSQL refuses those that
        are, and the second try looks them up.
        """
        if page.is_empty:
            return Written()
        if not feed.isolates_rows:
            return await self._write(feed, page)
        written = await self._write_by_halves(feed, page, page.list_all_ids())
        rest = replace(page.take(()), missing_rows=page.missing_rows, delete_ids=page.delete_ids)
        return written + await self._write(feed, rest)

    async def write_records(self, feed: Feed, page: PreparedPage) -> Written:
        """Write records rebuilt from stored rows; what is stored of those rows for joins is unchanged."""
        return await self.write(feed, replace(page, joined=None))

    async def _write_by_halves(self, feed: Feed, page: PreparedPage, row_ids: Sequence[str]) -> Written:
        """Write some rows of a page. If a value is refused, write each half by itself, down to single rows."""
        if not row_ids:
            return Written()
        logged = len(feed.changes or ())
        try:
            async with savepoint(feed.connection):
                return await self._write(feed, page.take(set(row_ids)))
        except VALUE_ERRORS as error:
            if feed.changes is not None:
                del feed.changes[logged:]
            if len(row_ids) == 1:
                return await self._quarantine_refused(feed, page, row_ids[0], error)
        half = len(row_ids) // 2
        written = await self._write_by_halves(feed, page, row_ids[:half])
        return written + await self._write_by_halves(feed, page, row_ids[half:])

    async def _quarantine_refused(self, feed: Feed, page: PreparedPage, row_id: str, error: Exception) -> Written:
        """Quarantine the row with its raw data; if PostgreSQL refuses that too, with a placeholder.

        The record from its previous version stays.
        """
        reason = f"the database refuses what was read ({name_refusal(error)})"
        stand_in = "?" + blake2b(row_id.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        for refused in (Refused(row_id, reason, page.find_raw(row_id) or NOTHING), Refused(stand_in, reason, NOTHING)):
            try:
                async with savepoint(feed.connection):
                    await streams.quarantine_rows(feed.connection, self._connector, self._stream, [refused])
            except VALUE_ERRORS:
                continue
            self.has_quarantine = True
            feed.refused.add(row_id)
            return Written(refused=1)
        raise error

    async def _write(self, feed: Feed, page: PreparedPage) -> Written:
        connection, connector, stream = feed.connection, self._connector, self._stream
        self.expects_nothing = self.expects_nothing and not feed.isolates_rows
        found: Sequence[asyncpg.Record] = ()
        if page.records and self.expects_nothing:
            found = await connection.fetch(saving.FIND_NOTHING, connector)
        elif page.records:
            found = await saving.find_stored(connection, connector, page.records)
        records = await self._select_shared_parts(connection, page, found)
        hashes = {
            record.id: page.hashes[record.row_id]
            for record in (records if page.hashes else ())
            if record.row_id in page.hashes and record.model in self._own
        }
        saved = await saving.save_found(
            connection, connector, stream, records, found, feed.changes, hashes,
            has_all_inputs=self.reads_all or not self._shows_others,
        )  # fmt: skip
        delete_ids: list[str] = list(page.delete_ids)
        if self._has_parts_outside_row or (self._has_parts and page.joined is not None):
            delete_ids += await self._find_dropped(feed, page)
        if page.joined is not None:
            delete_ids += await saving.find_live(connection, connector, list(page.deleted_ids))
        deleted = await saving.mark_deleted(connection, connector, delete_ids, feed.changes)
        await streams.save_details(connection, connector, stream, page.details)
        await self._update_quarantine(feed, page)
        joined = JoinedChanges(0, 0, 0, set())
        if self._stores_joined and page.joined is not None:
            ids = [*page.row_ids, *(row.row_id for row in page.missing_rows)]
            # A stream with records of its own stores the hashes with those.
            by_row = {} if self._models else page.hashes
            joined = await joins.store_joined_rows(connection, connector, stream, ids, page.joined, by_row)
            if joined.keys and self._showing is None:
                self._showing = await self._find_showing(connection, connector)
            showing = self._showing or ()
            keys = [key for key in joined.keys if key.stream in showing]
            feed.stale.update(key.stream for key in keys)
            if feed.notes is not None:
                feed.notes.stale.update(keys)
            else:
                await joins.note_stale(connection, connector, keys)
        return Written(saved.added, saved.changed, deleted, 0, joined.added, joined.changed, joined.removed)

    async def _select_shared_parts(
        self, connection: Connection, page: PreparedPage, found: Sequence[asyncpg.Record]
    ) -> Sequence[Rendered]:
        """The page's records, with those shared parts that are to be saved.

        A shared part is in them once, and only if it is new or a row contains a different version of it than that row
        did before. If two rows always disagree about a part, the stored version stays, whatever order the rows come in.
        A part equal to the stored version is in them only to update its volatile texts, or to fill `more`.
        """
        if not self._has_shared or (page.asked_seq == LATEST and page.joined is not None):
            return page.records  # only a remap passes LATEST; its page has every row's version of a part
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
            elif page.joined is not None and self._find_changed_parts is not None:
                disputed.append(record)
            elif page.joined is not None and record.id not in self._confirmed:
                self._confirmed.add(record.id)
                disputed.append(record)
        if disputed and self._find_changed_parts is not None:
            for part in disputed:
                if len(self._disputed) < MAX_DISPUTED:
                    self._disputed.setdefault(part.id, part)
            disputed = await self._find_changed_parts(connection, disputed, page.shown_by_rows)
            self._confirmed.update(part.id for part in disputed)
        return [*records, *{record.id: record for record in reversed(disputed)}.values()]

    async def save_disputed_parts(self, feed: Feed, since: int) -> Written:
        """Replace shared parts whose stored version no row of the read contained.

        Each is replaced by the version of the first row that had another. Parts saved at a position higher than `since`
        are skipped. Call after every row of the stream was saved.
        """
        parts, written = self._list_disputed(), Written()
        at_once = 1 if feed.isolates_rows else DISPUTED_BATCH
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
            except VALUE_ERRORS:
                if feed.changes is not None:
                    del feed.changes[logged:]
                if not feed.isolates_rows:
                    raise
                continue  # the stored version stays
            written += Written(saved.added, saved.changed)
        return written

    @property
    def has_disputed(self) -> bool:
        return bool(self._list_disputed())

    def _list_disputed(self) -> list[Rendered]:
        return [part for id, part in self._disputed.items() if id not in self._confirmed]

    async def _find_dropped(self, feed: Feed, page: PreparedPage) -> list[str]:
        """Owned parts that their row no longer has, or whose row no longer exists."""
        hiding = page.unmapped_ids | {one.row_id for one in page.quarantined if one.hides}
        rows = [*(row for row in page.rows if row.row_id not in hiding), *page.missing_rows]
        keys = [row.owned_key for row in rows if row.owned_key is not None]
        still_there = {record.id for record in page.records}
        found = await saving.find_keyed(feed.connection, self._connector, self._stream, keys, self._models)
        return [id for id in found if id not in still_there]

    async def _update_quarantine(self, feed: Feed, page: PreparedPage) -> None:
        """Quarantine rows that did not map completely, and release those that now do."""
        connection, connector, stream = feed.connection, self._connector, self._stream
        if self.has_quarantine:
            incomplete = {one.row_id for one in page.quarantined}
            mapped_completely = [row_id for row_id in page.row_ids if row_id not in incomplete]
            mapped_completely += [row.row_id for row in page.missing_rows]
            await connection.execute(streams.RELEASE_QUARANTINE, connector, stream, mapped_completely)
        await streams.quarantine_rows(connection, connector, stream, page.quarantined)
        self.has_quarantine = self.has_quarantine or bool(page.quarantined)
