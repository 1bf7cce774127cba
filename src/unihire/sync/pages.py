"""Pages of one stream's rows: mapped with their details and joined rows, and saved in one transaction each."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar
from uuid import UUID

from unihire.integration.declare import Join, Stream, has_deleted
from unihire.outbound.client import VendorClient
from unihire.outbound.paging import Row, decode_row
from unihire.store import Connection, Pool, joins, remapping, streams
from unihire.store.events.log import log_changes
from unihire.store.feed import recency
from unihire.store.feed.changes import ChangeLog
from unihire.store.feed.gate import Feed, write_feed
from unihire.store.feed.position import LATEST
from unihire.store.feed.prepared_page import PreparedPage, SourceRow
from unihire.store.feed.recency import RowRead
from unihire.store.feed.rendered import Rendered
from unihire.store.feed.saving import find_live
from unihire.store.feed.writing import StreamWriter, Written
from unihire.store.joins import JoinedVersions
from unihire.sync.details import DetailAccess, Details, explain_lacking, fetch_details, find_details
from unihire.sync.joining import (
    RowStorage,
    Stale,
    find_known,
    find_shown,
    find_shown_by_others,
    find_stale,
    list_answerable,
)
from unihire.sync.quarantine import Quarantined, find_fault, find_row_id, merge_quarantined, read_row_id
from unihire.sync.rendering import Renderer, beside_numbers, model_numbers
from unihire.sync.unchanged import UnchangedRows

T = TypeVar("T")

NO_ID = "a row without an id that can be stored"

ROWS_AT_ONCE = 5
"""Rows that are mapped before others may go on: a page that is being saved waits for the database several times."""


@dataclass(slots=True)
class Counts:
    """What a stream did so far, for display.

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


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedPage(PreparedPage):
    """A page, with what it was mapped from."""

    sources: list[Row]
    found: Details
    unmapped: Sequence[Quarantined]

    seen: Sequence[str] = ()
    """The ids a complete read stores as seen for rows that were skipped, because they are stored unchanged."""

    shows_latest: bool = False
    """Whether it was mapped in the transaction that saves it."""

    all_rows: Sequence[Row] = ()
    """Every row of the page, skipped or not; empty if none was skipped."""

    @property
    def is_skipped(self) -> bool:
        """Whether all its rows were skipped, so that nothing of it is to be saved."""
        return self.is_empty and not self.details and bool(self.seen)


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """Rows with their details, to be mapped: the sound ones, their ids, and those refused before mapping."""

    sound: list[Row]
    row_ids: list[str]
    refused: Sequence[Quarantined]
    details: Details


class Pages:
    """Prepares and saves pages of one stream of one connector.

    Saving happens inside `write`, whose work may commit more with it: the list's cursor, the ids seen. Without a
    `client` only stored rows can be prepared.
    """

    def __init__(
        self,
        *,
        pool: Pool,
        client: VendorClient | None,
        renderer: Renderer,
        connector: int,
        stream: Stream,
        storage: RowStorage,
    ) -> None:
        self.stream = stream
        self.own = model_numbers(stream, rows_only=True)
        self.is_stored = bool(storage)
        self.has_deleted = has_deleted(stream)
        self.unchanged = UnchangedRows(
            pool=pool, renderer=renderer, connector=connector, stream=stream, storage=storage, own=self.own
        )
        self.log_changes: ChangeLog | None = log_changes
        self.is_touched = False
        """Whether its rows are read as they are known to have changed."""
        self.access = DetailAccess()
        """Which details the credentials were found to reach."""
        self._pool = pool
        self._client = client
        self._renderer = renderer
        self._connector = connector
        self._storage = storage
        self._has_parts = any(mapping.is_owned for mapping in stream.mappings)
        self._has_shared = any(mapping.is_shared for mapping in stream.mappings)
        self._beside = beside_numbers(stream)
        self._needs_ids = bool(self.own) or self.is_stored or self._has_parts
        self._is_done_when_mapped = not (self.is_stored or self.has_deleted)
        self._known: list[Join] = []
        self._streams_read: Collection[str] = ()
        self._writer = StreamWriter(
            connector, stream.name, models=model_numbers(stream), own=self.own, has_parts=self._has_parts,
            has_parts_outside_row=bool(self._beside), shows_others=bool(stream.joins or stream.details),
            has_shared=self._has_shared,
            stores_joined=self.is_stored,
            find_showing=self._find_showing,
            find_changed_parts=self._find_changed_parts if self._has_shared and self.own else None,
        )  # fmt: skip

    def begin_phase(self, *, reads_all: bool, expects_nothing: bool) -> None:
        """Say whether the whole list is read, and whether none of it was stored before: nothing is looked up then."""
        self._writer.reads_all, self._writer.expects_nothing = reads_all, expects_nothing and not self._has_shared

    @property
    def day(self) -> int | None:
        """The day's number if some stored details are to be requested again today, else None."""
        return self.unchanged.day

    @day.setter
    def day(self, day: int | None) -> None:
        self.unchanged.day = day

    @property
    def has_quarantine(self) -> bool:
        """Whether rows of the stream are quarantined, or may be."""
        return self._writer.has_quarantine

    def explain_lacking(self) -> str | None:
        """What was not read of the rows for lack of a permission, if anything; see `access`."""
        return "; ".join(explain_lacking(self.stream, name) for name in sorted(self.access.lacking)) or None

    async def open(self, *, streams_read: Collection[str] | None = None, has_quarantine: bool | None = None) -> None:
        """Look up what preparing and saving must know of the store.

        `streams_read` are the streams with at least one successful read. `has_quarantine` says whether rows are
        quarantined, if that is known.
        """
        if streams_read is None:
            self._known = await find_known(self._pool, self._connector, self.stream)
        else:
            self._known = list_answerable(self.stream, streams_read)
        self._streams_read = streams_read or ()
        self.unchanged.open(self._known)
        await self._writer.open(self._pool, has_quarantine)

    async def _find_showing(self, connection: Connection, connector: int) -> set[str]:
        return await self._storage.find_showing(connection, connector, self._streams_read)

    async def write(
        self,
        work: Callable[[Feed], Awaitable[T]],
        page: PreparedPage | None = None,
        *,
        asked_seq: int = LATEST,
        credentials: int | None = None,
    ) -> T:
        """Call `work` in one transaction that holds the feed lock; see `write_feed`. A page has its own `asked_seq`."""
        if page is not None:
            asked_seq = page.asked_seq
        return await write_feed(
            self._pool, self._connector, work,
            asked_seq=asked_seq, credentials=credentials, log_changes=self.log_changes,
        )  # fmt: skip

    async def mark_unchanged(self, rows: Sequence[Row]) -> None:
        """Mark those rows of a page that are stored unchanged and will be skipped. Call as soon as the page arrived."""
        await self.unchanged.mark(rows, has_quarantine=self.has_quarantine)

    async def prepare(
        self, rows: list[Row], within: Connection | None = None, *, asked_seq: int = LATEST
    ) -> MappedPage:
        """Map the rows with their details and joins; details that are not stored are requested.

        `within` is the transaction that saves them, if it is open already. `asked_seq` as in `PreparedPage`.
        """
        source = within or self._pool
        skipped, skipped_parts = self._read_skipped(rows)
        skipped_parts = [
            record for record in skipped_parts if not self._writer.has_confirmed(record.id)
        ]  # an earlier page saw those
        fetched = await self.fetch([row for row in rows if not row.is_unchanged] if skipped else rows, within)
        page = await self._map(
            fetched.sound, fetched.row_ids, fetched.details, source, fetched.refused, asked_seq=asked_seq,
            skipped_parts=skipped_parts,
        )  # fmt: skip
        if not skipped:
            return page
        seen = self._renderer.seen_ids(self.stream, [row.row_id or "" for row in skipped])
        return replace(page, read=page.read + len(skipped), seen=seen, all_rows=rows)

    async def fetch(self, rows: list[Row], within: Connection | None = None) -> FetchedPage:
        """The rows with their details; those that are not stored are requested."""
        assert self._client is not None
        sound, row_ids, refused = self._refuse(rows)
        source = within or self._pool
        details = await fetch_details(
            self._client, source, self._connector, self.stream, sound,
            day=self.day, is_touched=self.is_touched, access=self.access,
        )  # fmt: skip
        return FetchedPage(sound, row_ids, refused, details)

    async def map_within(self, fetched: FetchedPage, feed: Feed, *, asked_seq: int) -> MappedPage:
        """As `prepare`, in the transaction that saves the rows: what they show of others is the latest."""
        page = await self._map(
            fetched.sound, fetched.row_ids, fetched.details, feed.connection, fetched.refused, asked_seq=asked_seq
        )
        return replace(page, shows_latest=True)

    async def prepare_stored(self, rows: list[Row], within: Connection) -> tuple[MappedPage, dict[str, str]]:
        """As `prepare`, with stored details of any version and without requests.

        Rows that need a detail which is not stored are left out of the page; the detail's name is returned by row id.
        The page has every row's version of a shared part.
        """
        sound, row_ids, refused = self._refuse(rows)
        details, lacking = await find_details(within, self._connector, self.stream, sound)
        if lacking:
            sound = [row for row, row_id in zip(sound, row_ids, strict=True) if row_id not in lacking]
            row_ids = [row_id for row_id in row_ids if row_id not in lacking]
        return await self._map(sound, row_ids, details, within, refused, is_each=self._has_shared), lacking

    def _read_skipped(self, rows: Sequence[Row]) -> tuple[list[Row], list[Rendered]]:
        """The rows that are skipped, and their shared parts. A row whose parts cannot be mapped is not skipped."""
        skipped, skipped_parts = [row for row in rows if row.is_unchanged], list[Rendered]()
        if not (skipped and self._has_shared):
            return skipped, skipped_parts
        Row.decode_together(skipped)
        for row in skipped:
            try:
                skipped_parts += self._renderer.render_shared(self.stream, row)
            except Exception:  # noqa: BLE001 - whatever a mapping raises over a row
                row.is_unchanged = False
        return [row for row in skipped if row.is_unchanged], skipped_parts

    def _refuse(self, rows: list[Row]) -> tuple[list[Row], list[str], list[Quarantined]]:
        """The rows that can be mapped, their ids, and those that are refused before mapping, for the quarantine."""
        row_ids, refused, left = list[str](), list[Quarantined](), set[int]()
        for index, row in enumerate(rows):
            row_id, fault = row.row_id or read_row_id(self.stream, row), find_fault(row)
            if fault is None and (row_id or not self._needs_ids):
                row_ids.append(row_id or find_row_id(self.stream, row))
                continue
            left.add(index)
            known_as = row_id or find_row_id(self.stream, row)
            refused.append(Quarantined.refuse(known_as, row, fault) if fault else Quarantined(known_as, NO_ID, row.raw))
        if left:
            rows = [row for index, row in enumerate(rows) if index not in left]
        return rows, row_ids, refused

    async def _map(
        self,
        rows: list[Row],
        row_ids: list[str],
        details: Details,
        source: Pool | Connection,
        refused: Sequence[Quarantined],
        *,
        is_each: bool = False,
        asked_seq: int = LATEST,
        skipped_parts: Sequence[Rendered] = (),
    ) -> MappedPage:
        """`skipped_parts` are shared parts of rows that are skipped: they contain no change."""
        if self._known:
            shown = await find_shown(source, self._connector, self.stream, self._known, rows)
            for row_id, by_name in shown.items():
                details.found.setdefault(row_id, {}).update(by_name)
        odd = {one.row_id for one in details.quarantined if not one.is_served}
        plain, plain_ids = rows, row_ids
        if odd:
            plain = [row for row, row_id in zip(rows, row_ids, strict=True) if row_id not in odd]
            plain_ids = [row_id for row_id in row_ids if row_id not in odd]
        records, quarantined = list[Rendered](), list[Quarantined]()
        step = 1 if is_each else ROWS_AT_ONCE
        for start in range(0, len(plain), step):
            some, ids = plain[start : start + step], plain_ids[start : start + step]
            mapped, unmapped = self._renderer.render_rows(self.stream, some, details.found, ids)
            records += mapped
            quarantined += unmapped
            if self._is_done_when_mapped:
                for row in some:
                    row.forget_data()
            await asyncio.sleep(0)
            await asyncio.sleep(0)  # a task that waits for the network is woken by the first and runs in the second
        shown_by_rows = dict[tuple[str, bytes], list[str]]()
        if not is_each and (self._has_shared or len({record.id for record in records}) < len(records)):
            first = dict[str | tuple[str, bytes], Rendered]()
            for record in records:
                if record.is_shared:
                    shown_by_rows.setdefault((record.id, record.fingerprint), []).append(record.row_id)
            for record in skipped_parts:
                shown_by_rows.setdefault((record.id, record.fingerprint), [])
            for record in (*records, *skipped_parts):
                first.setdefault((record.id, record.fingerprint) if record.is_shared else record.id, record)
            records = list(first.values())
        joined, unstorable = self._storage.pick(rows, self._renderer) if self._storage else ([], [])
        details.unset_versions([*details.quarantined, *quarantined])
        quarantined += [*details.quarantined, *unstorable, *refused]
        listed_deleted: dict[str, list[str]] = {}
        if self.has_deleted:
            for row, row_id in zip(rows, row_ids, strict=True):
                if ids := self._renderer.deleted_ids(self.stream, row):
                    listed_deleted[row_id] = ids
        return MappedPage(
            read=len(rows) + len(refused),
            rows=self._name_rows(row_ids, [row.raw for row in rows]),
            records=records,
            quarantined=merge_quarantined(quarantined),
            details=details.fresh,
            joined=joined,
            listed_deleted=listed_deleted,
            asked_seq=asked_seq,
            shown_by_rows=shown_by_rows,
            hashes=self.unchanged.hash_rows(rows, row_ids, {*details.unsure, *(one.row_id for one in quarantined)}),
            sources=rows,
            found=details,
            unmapped=refused,
        )

    def _name_rows(self, row_ids: Iterable[str], raws: Iterable[bytes]) -> list[SourceRow]:
        if not self._has_parts:
            return list(map(SourceRow, row_ids, raws))
        owned_key = self._renderer.owned_key
        return [SourceRow(row_id, raw, owned_key(self.stream, row_id)) for row_id, raw in zip(row_ids, raws)]  # noqa: B905

    async def save(
        self, feed: Feed, page: MappedPage, delete_ids: Sequence[UUID] = (), missing: Sequence[str] = ()
    ) -> Counts:
        """Save a page; `delete_ids` are records to mark deleted, `missing` the ids of rows the vendor no longer has.

        Rows with a newer version stored are skipped, and are among the feed's `outdated`.
        """
        if feed.has_newer:
            page = await self._map_skipped(feed, page)
            page, newer = await self._leave_newer(feed, page)
            missing = [row_id for row_id in missing if row_id not in newer]
            there = {id for row_id in newer for id in self._renderer.row_ids(self.stream, row_id)}
            delete_ids = [id for id in delete_ids if str(id) not in there]
        missing_rows = self._name_rows(missing, [b""] * len(missing))
        page = replace(page, delete_ids=list(map(str, delete_ids)), missing_rows=missing_rows)
        return self._count(page, await self._writer.write(feed, page), rows=page.read)

    async def _map_skipped(self, feed: Feed, page: MappedPage) -> MappedPage:
        """The page with its skipped rows mapped: they may no longer be stored unchanged."""
        for row in page.all_rows:
            row.is_unchanged = False
        if not page.all_rows:
            return page
        return await self.prepare(list(page.all_rows), feed.connection, asked_seq=page.asked_seq)

    async def _find_changed_parts(
        self,
        connection: Connection,
        parts: Sequence[Rendered],
        shown_by_rows: Mapping[tuple[str, bytes], Sequence[str]],
    ) -> list[Rendered]:
        """Of shared parts that differ from the stored version, those whose row contained another version before.

        A row that did not contain the part before is no change while the whole list is read: other rows in it may
        contain the stored version.
        """
        shown_by = [shown_by_rows.get((part.id, part.fingerprint), [part.row_id]) for part in parts]
        row_ids = {row_id for ids in shown_by for row_id in ids}
        own = {row_id: next(self._renderer.row_ids(self.stream, row_id), "") for row_id in row_ids}
        raws = await remapping.find_raw(connection, self._connector, list(own.values()))
        before: dict[str, dict[str, bytes]] = {}
        for row_id, id in own.items():
            raw = raws.get(id)
            stored = [] if raw is None else self._renderer.render_rows(self.stream, [decode_row(raw)], {})[0]
            before[row_id] = {one.id: one.fingerprint for one in stored}

        def is_new(row_id: str, part: Rendered) -> bool:
            known = before[row_id].get(part.id)
            return not self._writer.reads_all if known is None else known != part.fingerprint

        return [part for part, ids in zip(parts, shown_by, strict=True) if any(is_new(row_id, part) for row_id in ids)]

    @property
    def has_disputed(self) -> bool:
        """Whether there are shared parts whose stored version no row of the read contained."""
        return self._writer.has_disputed

    async def save_disputed_parts(self, feed: Feed, since: int) -> Counts:
        """Replace shared parts whose stored version no row of the complete read contained, by the version of a row.

        Parts saved at a position higher than `since` are skipped: their version is a newer one.
        """
        written = await self._writer.save_disputed_parts(feed, since)
        return Counts(self.stream.name, added=written.added, changed=written.changed)

    @property
    def is_for_joins_alone(self) -> bool:
        """Whether the stream's rows have no record of their own, whose position shows when they were saved."""
        return bool(self._storage) and not self.own

    async def find_versions(self, row_ids: Collection[str], connection: Connection | None = None) -> JoinedVersions:
        """What joins store of rows that have nothing else; empty for other streams."""
        if not self.is_for_joins_alone:
            return {}
        return await joins.find_versions(connection or self._pool, self._connector, self.stream.name, row_ids)

    async def save_by_id(
        self, feed: Feed, page: MappedPage, missing: Sequence[str] = (), *, before: JoinedVersions
    ) -> Counts:
        """Save rows that were requested by id. Of pages requested earlier, their versions are discarded.

        `missing` are ids the vendor has no row for: their records are deleted. Rows that were saved since they were
        requested are skipped, as in `save`; `before` is what `find_versions` returned before that.
        """
        requested = [*page.row_ids, *missing]
        now = await self.find_versions(requested, feed.connection)
        feed.outdated |= {row_id for row_id in requested if now.get(row_id) != before.get(row_id)}
        own = {id: row_id for row_id in (*page.row_ids, *missing) for id in self._renderer.row_ids(self.stream, row_id)}
        own |= {record.id: record.row_id for record in page.records if not record.is_shared}
        if own and not feed.is_unmoved:
            moved = await recency.find_moved(feed.connection, self._connector, own, page.asked_seq)
            feed.outdated |= {own[id] for id in moved}
        if self._has_parts and page.rows and not feed.is_unmoved:  # those that were saved meanwhile are not in the page
            keys = {self._renderer.owned_key(self.stream, row_id): row_id for row_id in page.row_ids}
            parts = await recency.find_moved_parts(feed.connection, self._connector, keys, page.asked_seq)
            feed.outdated |= {keys[key] for key in parts}
        missing = [row_id for row_id in missing if row_id not in feed.outdated]
        ids = [id for row_id in missing for id in self._renderer.row_ids(self.stream, row_id)]
        delete_ids = [UUID(id) for id in await find_live(feed.connection, self._connector, ids)]
        page = page.take(set(page.list_all_ids()) - feed.outdated) if feed.outdated else page
        counts = await self.save(feed, page, delete_ids, missing)
        saved = [row_id for row_id in (*page.row_ids, *missing) if row_id not in feed.outdated]
        read = [RowRead(self.stream.name, row_id, page.asked_seq) for row_id in saved]
        if feed.notes is not None:
            feed.notes.rows_read += read
        elif read:
            feed.rows_read_seq = await recency.note_rows_read(feed.connection, self._connector, read)
        return counts

    async def _leave_newer(self, feed: Feed, page: MappedPage) -> tuple[MappedPage, Set[str]]:
        """The page without rows that were fetched by id since, its joined rows looked up again; and the ids of all such
        rows of the stream.
        """
        read = await recency.find_rows_read(feed.connection, self._connector, self.stream.name, page.asked_seq)
        row_ids = set(page.list_all_ids())
        if not page.shows_latest and not read.streams.isdisjoint(join.stream for join in self._known):
            row_ids_of = {row.row_id for row in page.rows}
            pairs = [(row, row_id) for row in page.sources if (row_id := find_row_id(self.stream, row)) in row_ids_of]
            page = await self._map(
                [row for row, _ in pairs], [row_id for _, row_id in pairs], page.found, feed.connection, page.unmapped,
                asked_seq=page.asked_seq,
            )  # fmt: skip
        feed.outdated |= row_ids & read.newer
        return page.take(row_ids - feed.outdated), read.newer

    async def clear_made(self, feed: Feed, page: MappedPage, *, has_stored_notes: bool = True) -> bool:
        """Delete the notes of records that this transaction has just made of `page`; whether there are no others.

        The page was mapped within the transaction: what its rows show was looked up when the notes were made. Call
        after it was saved. `has_stored_notes`: there may be notes of earlier transactions.
        """
        made = set[str]()
        if page.shows_latest and not feed.outdated and not feed.refused:
            made = {record.row_id for record in page.records if record.model in self.own}
        if feed.notes is not None:  # these are not stored yet, and need not be where all their records are made
            noted = {key for key in feed.notes.stale if key.stream == self.stream.name}
            left = await find_shown_by_others(feed.connection, self._connector, self.stream, noted, made)
            feed.notes.stale -= noted
            if not has_stored_notes:
                feed.notes.stale |= left
                return not left
            await feed.notes.store_stale(feed.connection, self._connector, left)
        stale = await find_stale(feed.connection, self._connector, self.stream, self._renderer, without=made)
        if stale is None:
            return True
        if stale.rows or stale.moved is not None:
            return False
        await joins.clear_stale(feed.connection, self._connector, self.stream.name, stale.done, None)
        return stale.is_last

    async def has_stale(self) -> bool:
        """Whether there are rows whose records display rows that changed."""
        found: bool = await self._pool.fetchval(joins.HAS_STALE, self._connector, self.stream.name)
        return found

    async def find_stale(self, feed: Feed) -> Stale | None:
        """The next rows whose records display rows that changed, if any. Save them in the same transaction."""
        return await find_stale(feed.connection, self._connector, self.stream, self._renderer)

    async def save_again(self, feed: Feed, page: MappedPage, stale: Stale) -> Counts:
        """Save records rebuilt from stored rows, and delete the notes that they were stale."""
        page = await self.leave_quarantined(feed, page, stale.rows)
        written = await self._writer.write_records(feed, page)
        await joins.clear_stale(feed.connection, self._connector, self.stream.name, stale.done, stale.moved)
        return self._count(page, written)

    async def leave_quarantined(self, feed: Feed, page: MappedPage, rows: Sequence[Row]) -> MappedPage:
        """A page of stored `rows`; of rows with a quarantined newer version it writes nothing but records.

        The records are made of the earlier versions; the newer ones stay quarantined, and other rows display those.
        """
        if not self.has_quarantine:
            return page
        ids, raws = [find_row_id(self.stream, row) for row in rows], [row.raw for row in rows]
        found = await feed.connection.fetch(
            streams.FIND_NEWER_QUARANTINED, self._connector, self.stream.name, ids, raws
        )
        newer = {row["row_id"] for row in found}
        return replace(
            page,
            quarantined=[one for one in page.quarantined if one.row_id not in newer],
            rows=[row for row in page.rows if row.row_id not in newer],
            joined=[one for one in page.joined or () if one.row_id not in newer],
            hashes={row_id: made for row_id, made in page.hashes.items() if row_id not in newer},
        )

    def seen_id(self, row_id: str) -> str:
        """The id a complete read stores as seen for a row that becomes no record of its own."""
        return self._renderer.seen_id(self.stream, row_id)

    def list_seen(self, page: MappedPage) -> list[str]:
        """The ids a complete read stores as seen for the page: of its records, and of rows that have none."""
        ids = [*page.seen, *(record.id for record in page.records if record.model not in self._beside)]
        unmapped_ids = page.unmapped_ids if page.quarantined else set()
        ids += [id for row_id in unmapped_ids for id in self._renderer.row_ids(self.stream, row_id)]
        ids += page.deleted_ids
        if self._storage and not self.own:
            ids += [self._renderer.seen_id(self.stream, row_id) for row_id in {*page.row_ids, *unmapped_ids}]
        return ids

    def _count(self, page: PreparedPage, written: Written, *, rows: int = 0) -> Counts:
        """The counts of a page; of a stream that makes no records, those of the rows stored for joins."""
        counts = Counts(self.stream.name, rows, written.added, written.changed, written.deleted, written.refused)
        if not self.stream.mappings:
            counts.added, counts.changed = written.joined_added, written.joined_changed
            counts.deleted = written.joined_removed
        for one in page.quarantined:
            if one.is_served:
                counts.incomplete += 1
            else:
                counts.quarantined += 1
        return counts
