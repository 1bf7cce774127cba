"""Rows that are known to have changed: read by their ids and saved at once, without waiting for the next run."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from unihire.errors import CredentialsReplaced, PermissionMissing
from unihire.integration.declare import IdFilter, Integration, Stream
from unihire.outbound.client import VendorClient
from unihire.store import Pool
from unihire.store.accounts.grants import is_current
from unihire.store.accounts.tenancy import Connector
from unihire.store.feed.gate import Feed
from unihire.store.feed.notes import Notes
from unihire.store.feed.recency import get_position
from unihire.store.joins import JoinedVersions
from unihire.store.streams import StreamStates, find_states
from unihire.sync.fetching import FetchedRows, fetch_rows, fetch_where
from unihire.sync.joining import RowStorage
from unihire.sync.pages import Counts, FetchedPage, Pages
from unihire.sync.quarantine import find_row_id
from unihire.sync.related_rows import find_related, find_stored_ids
from unihire.sync.rendering import Renderer

TRIES = 3
"""How many times a row is read that others save at the same time; after that their version stays until the next run."""

TURNS = 3
"""How far relations of a missing row are followed: the offers of the applications of a candidate."""


STREAMS_AT_ONCE = 4
"""Streams whose touched rows are requested ahead of their turn."""

ROWS_TOGETHER = 20
"""Rows of several streams that are saved in one transaction: the feed is locked for no longer than by a page."""


@dataclass(frozen=True, slots=True)
class Touched:
    """Rows of one stream to be read again.

    `ids` are their own. `of` names rows by another member: all that have one of its values. Of the rows in `wide`,
    ids too, stored records that relate to them are read again as well.
    """

    ids: Sequence[str] = ()
    of: Mapping[str, Sequence[str]] = field(default_factory=dict)
    wide: Sequence[str] = ()


@dataclass(slots=True)
class Reread:
    """What reading rows again came to: `missing` are ids the vendor has no row for, and `unknown` those it was not
    asked for, or answered with other rows. Both by stream; what was read by other members is in neither.
    """

    counts: list[Counts] = field(default_factory=list)
    missing: dict[str, set[str]] = field(default_factory=dict)
    unknown: dict[str, set[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Response:
    """What the vendor has of touched rows; the feed's position, and what was stored of them, before it was asked."""

    found: FetchedRows
    asked_seq: int
    before: JoinedVersions


async def sync_rows_by_id(
    pool: Pool,
    connector: Connector,
    integration: Integration,
    client: VendorClient,
    changed: Mapping[str, Sequence[str] | Touched],
) -> list[Counts]:
    """Read these rows, by stream, ids or more, save them, and rebuild the records that display them.

    Streams are read in their order, each saved in transactions of its own, or a few rows of all in one: what was saved
    stays after a crash, and the records that display it are rebuilt by the next run at the latest. What a row shows of
    others is looked up in the transaction that saves it: it is not rebuilt once more for the streams before it. Ids the
    vendor has no row for are skipped, and so are streams the credentials do not reach; a run finds out whether their
    rows still exist. Only streams whose rows can be requested by id take part. Call inside the client's `async with`.
    Raises CredentialsReplaced if the connector was given new credentials: rows that were read with the old ones are not
    saved.
    """
    touched = {name: ids if isinstance(ids, Touched) else Touched(ids) for name, ids in changed.items()}
    return (await _Reader(pool, connector, integration, client, deletes=False).read(touched)).counts


async def sync_touched_rows(
    pool: Pool,
    connector: Connector,
    integration: Integration,
    client: VendorClient,
    touched: Mapping[str, Touched],
) -> Reread:
    """As `sync_rows_by_id`, and the records of rows that the vendor does not have, in two requests, are deleted.

    Rows that relate to a deleted record are requested by id too, and those that relate to these; of very many only the
    first, the next complete read finds the others.
    """
    return await _Reader(pool, connector, integration, client, deletes=True).read(touched)


@dataclass(frozen=True, slots=True)
class _Saved:
    """What saving touched rows did, and the feed as it was; `is_made`: the stream has no records to be made again."""

    counts: Counts
    feed: Feed
    is_made: bool

    def update_stale(self, name: str, stale: set[str]) -> None:
        """Bring the streams with records to be made again up to date with this save of rows of stream `name`."""
        stale.update(self.feed.stale)
        if self.is_made:
            stale.discard(name)


class OwnSaves:
    """The saves of this reader that no other save of rows by id came between: they make no row of others newer.

    Every save of rows by id at a position higher than `_after`, up to `_until`, is this reader's own.
    """

    def __init__(self) -> None:
        self._after = self._until = 0

    def skip(self, asked_seq: int) -> int:
        """The position up to which nobody else saved what is newer than rows that were requested at `asked_seq`."""
        return max(asked_seq, self._until) if asked_seq >= self._after else asked_seq

    def add(self, saved_seq: int, asked_seq: int, *, has_newer: bool) -> None:
        """Note a save of rows that were requested at `asked_seq`.

        `has_newer`: others had saved rows at a position higher than what `skip` returned for it.
        """
        if has_newer:
            self._after = saved_seq
        elif not self._after <= asked_seq < self._until:
            self._after = asked_seq
        self._until = saved_seq


class _Reader:
    """Reads touched rows of one connector; `deletes` says whether what is missing at the vendor is deleted here."""

    def __init__(
        self, pool: Pool, connector: Connector, integration: Integration, client: VendorClient, *, deletes: bool
    ) -> None:
        self._pool = pool
        self._connector = connector
        self._integration = integration
        self._client = client
        self._deletes = deletes
        self._renderer = Renderer(connector.id, connector.number)
        self._reread = Reread()
        self._own = OwnSaves()

    async def read(self, touched: Mapping[str, Touched]) -> Reread:
        """Read them, and then, for some turns, the rows that relate to missing ones."""
        asked: dict[str, set[str]] = {}
        for _ in range(TURNS if self._deletes else 1):
            roots = await self._read_turn(touched)
            for name, one in touched.items():
                asked.setdefault(name, set()).update(one.ids)
            related = await find_related(self._pool, self._connector, self._integration, roots) if roots else {}
            touched = {
                name: Touched(left)
                for name, ids in related.items()
                if (left := [row_id for row_id in ids if row_id not in asked.get(name, ())])
            }
            if not touched:
                break
        return self._reread

    async def _read_turn(self, touched: Mapping[str, Touched]) -> list[str]:
        """Every stream once, in order; returns the ids of records whose related ones are to be read again.

        Rows of the next streams are requested meanwhile; each is saved in its stream's turn.
        """
        roots: list[str] = []
        streams = {stream.name: stream for stream in self._integration.streams}
        states = await find_states(self._pool, self._connector.number, streams)
        stale = set(states.stale)
        asked = {
            name: await self._open_pages(stream, states)
            for name, stream in streams.items()
            if (one := touched.get(name)) is not None and ((one.ids and stream.by_id is not None) or one.of)
        }
        async with self._request_ahead(asked, touched, states.position) as responses:
            together = await self._save_together(asked, touched, responses, stale)
            for name, stream in streams.items():
                counts = Counts(name)
                pages = asked.get(name)
                if pages is not None:
                    one, saved = touched[name], together.get(name)
                    missing = await self._read_stream(pages, one, counts, responses[name], stale, saved)
                    ids = [*missing, *one.wide] if self._deletes else []
                    roots += [id for row_id in dict.fromkeys(ids) for id in self._renderer.row_ids(stream, row_id)]
                if stream.joins and name in stale:
                    await self._make_again(pages or await self._open_pages(stream, states), counts)
                self._reread.counts.append(counts)
        return roots

    async def _open_pages(self, stream: Stream, states: StreamStates) -> Pages:
        pages = Pages(
            pool=self._pool, client=self._client, renderer=self._renderer, connector=self._connector.number,
            stream=stream, storage=RowStorage.of(self._integration, stream),
        )  # fmt: skip
        pages.is_touched = True
        await pages.open(streams_read=states.read, has_quarantine=stream.name in states.quarantined)
        return pages

    @asynccontextmanager
    async def _request_ahead(
        self, asked: Mapping[str, Pages], touched: Mapping[str, Touched], position: int
    ) -> AsyncIterator[Mapping[str, "asyncio.Task[_Response]"]]:
        """Responses of the streams that are touched, requested in their order, a few at once; none outlives the block.

        The first ones are requested at the feed's `position` of just now. What was saved between a request and its turn
        is newer: such rows are requested once more.
        """
        room = asyncio.Semaphore(STREAMS_AT_ONCE)

        async def request(pages: Pages, one: Touched, asked_seq: int | None) -> _Response:
            async with room:
                return await self._request(pages, list(dict.fromkeys(one.ids)), one.of, asked_seq=asked_seq)

        responses = {
            name: asyncio.create_task(request(pages, touched[name], position if place < STREAMS_AT_ONCE else None))
            for place, (name, pages) in enumerate(asked.items())
        }
        try:
            yield responses
        finally:
            for response in responses.values():
                response.cancel()
            await asyncio.gather(*responses.values(), return_exceptions=True)

    async def _request(
        self, pages: Pages, ids: Sequence[str], of: Mapping[str, Sequence[str]], *, asked_seq: int | None = None
    ) -> _Response:
        """Ask the vendor for rows of one stream; `asked_seq` is the feed's position if it was looked up just now."""
        if asked_seq is None:
            asked_seq = await get_position(self._pool, self._connector.number)
        before = await pages.find_versions(await self._list_stored(pages, ids, of))
        can_ask = bool(ids) and pages.stream.by_id is not None
        found = await fetch_rows(self._client, pages.stream, ids) if can_ask else FetchedRows()
        await self._add_by_member(pages.stream, of, found)
        return _Response(found, asked_seq, before)

    async def _save_together(
        self,
        asked: Mapping[str, Pages],
        touched: Mapping[str, Touched],
        responses: Mapping[str, "asyncio.Task[_Response]"],
        stale: Set[str],
    ) -> Mapping[str, _Saved]:
        """Save a few rows of several streams in one transaction, as requested; returns what was saved, by stream.

        Nothing where they are many, where what they are made of or whether they are gone is still to be asked, or where
        a request failed: then each stream is saved in its turn.
        """
        rows = sum(len(touched[name].ids) for name in asked)
        is_plain = not any(touched[name].of or pages.stream.details for name, pages in asked.items())
        if self._deletes or len(asked) < 2 or rows > ROWS_TOGETHER or not is_plain:
            return {}
        await asyncio.wait(responses.values())
        if any(response.cancelled() or response.exception() is not None for response in responses.values()):
            return {}
        found = {name: response.result() for name, response in responses.items() if response.result().found.rows}
        if len(found) < 2:
            return {}
        fetched = {name: await asked[name].fetch(one.found.rows) for name, one in found.items()}

        async def save(feed: Feed) -> dict[str, _Saved]:
            await self._confirm(feed)
            saved, left, notes = dict[str, _Saved](), set(stale), Notes()
            for name, response in found.items():
                part = feed.open_part(notes)
                one = await self._save_within(
                    asked[name], part, fetched[name], response, (), left, has_stored_notes=name in stale
                )
                one.update_stale(name, left)
                saved[name] = one
            saved_seq = await notes.store(feed.connection, feed.connector)
            for read in notes.rows_read:
                saved[read.stream].feed.rows_read_seq = saved_seq
            return saved

        asked_seq, version = min(one.asked_seq for one in found.values()), self._connector.credentials_version
        writer = asked[next(iter(found))]
        saved = await writer.write(save, asked_seq=self._own.skip(asked_seq), credentials=version)
        for name, one in saved.items():
            self._note_own(one, found[name].asked_seq)
        return saved

    async def _read_stream(
        self,
        pages: Pages,
        touched: Touched,
        counts: Counts,
        response: "asyncio.Task[_Response]",
        stale: set[str],
        saved: _Saved | None,
    ) -> set[str]:
        """Save touched rows of one stream as requested; returns the ids of those the vendor does not have.

        `stale` are the streams with records to be made again, before and after. `saved` is what a transaction of
        several streams has saved of it.
        """
        name, ids = pages.stream.name, list(dict.fromkeys(touched.ids))
        try:
            missing = await self._save_rows(pages, await response, counts, stale, saved)
        except PermissionMissing:
            self._reread.unknown.setdefault(name, set()).update(ids)
            return set()
        self._reread.missing.setdefault(name, set()).update(missing)
        return missing

    async def _save_rows(
        self, pages: Pages, response: _Response, counts: Counts, stale: set[str], saved: _Saved | None
    ) -> set[str]:
        """Save rows of one stream; rows that somebody else saved meanwhile are requested once more."""
        missing: set[str] = set()
        for tries_left in reversed(range(TRIES)):
            found = response.found
            counts.wrong_answers += found.wrong_answers
            missing |= found.missing
            self._reread.unknown.setdefault(pages.stream.name, set()).update(found.unsure)
            if saved is None:
                gone = sorted(found.missing) if self._deletes else []
                if not found.rows and not gone:
                    break
                saved = await self._save_response(pages, response, gone, stale)
            counts.add(saved.counts)
            saved.update_stale(pages.stream.name, stale)
            if not saved.feed.outdated or not tries_left:
                break
            missing -= saved.feed.outdated
            response, saved = await self._request(pages, sorted(saved.feed.outdated), {}), None
        return missing

    async def _save_response(self, pages: Pages, response: _Response, gone: Sequence[str], stale: Set[str]) -> _Saved:
        """Save rows of one stream in a transaction of their own; `gone` are the ids of those that are deleted."""
        fetched = await pages.fetch(response.found.rows)

        async def save(feed: Feed) -> _Saved:
            await self._confirm(feed)
            return await self._save_within(pages, feed, fetched, response, gone, stale)

        asked_seq, version = response.asked_seq, self._connector.credentials_version
        saved = await pages.write(save, asked_seq=self._own.skip(asked_seq), credentials=version)
        self._note_own(saved, asked_seq)
        return saved

    @staticmethod
    async def _save_within(
        pages: Pages,
        feed: Feed,
        fetched: FetchedPage,
        response: _Response,
        gone: Sequence[str],
        stale: Set[str],
        *,
        has_stored_notes: bool = True,
    ) -> _Saved:
        """Save rows of one stream in a transaction; `stale` are the streams with records to be made again before it."""
        page = await pages.map_within(fetched, feed, asked_seq=response.asked_seq)
        saved = await pages.save_by_id(feed, page, gone, before=response.before)
        name = pages.stream.name
        is_made = not (name in stale or name in feed.stale) or await pages.clear_made(
            feed, page, has_stored_notes=has_stored_notes
        )
        return _Saved(saved, feed, is_made)

    def _note_own(self, saved: _Saved, asked_seq: int) -> None:
        if saved.feed.rows_read_seq is not None:
            self._own.add(saved.feed.rows_read_seq, asked_seq, has_newer=saved.feed.has_newer)

    async def _list_stored(self, pages: Pages, ids: Sequence[str], of: Mapping[str, Sequence[str]]) -> list[str]:
        """The ids of the rows to be read, as far as they are known before."""
        known = list(ids)
        if pages.is_for_joins_alone:
            for member, values in of.items():
                some = list(dict.fromkeys(values))
                known += await find_stored_ids(
                    self._pool, self._connector, self._integration, pages.stream, member, some
                )
        return known

    async def _add_by_member(self, stream: Stream, of: Mapping[str, Sequence[str]], found: FetchedRows) -> None:
        """Add the rows that have these values in members other than their id.

        Rows stored with one of the values that are not among them are asked for by their ids: they have another value
        now, or are gone. Of a list that cannot be asked by ids those are left to the next complete read.
        """
        for member in stream.listed_by:
            found.rows += await fetch_where(
                self._client, stream, (member,), list(dict.fromkeys(of.get(member, ()))), most=1, member=member
            )
        if not isinstance(stream.by_id, IdFilter) or stream.by_id.by is None:
            return
        rows_by_id = {find_row_id(stream, row): row for row in found.rows}
        absent: set[str] = set()
        for member, values in of.items():
            some = list(dict.fromkeys(values))
            param = stream.by_id.by.format(member=member)
            rows = await fetch_where(self._client, stream, (param,), some, most=stream.by_id.most, member=member)
            rows_by_id |= {find_row_id(stream, row): row for row in rows}
            absent.update(await find_stored_ids(self._pool, self._connector, self._integration, stream, member, some))
        wanted = sorted(absent - rows_by_id.keys() - found.missing - found.unsure)
        if wanted and self._deletes:
            again = await fetch_rows(self._client, stream, wanted)
            rows_by_id |= {find_row_id(stream, row): row for row in again.rows}
            found.missing |= again.missing
            found.unsure |= again.unsure
            found.wrong_answers += again.wrong_answers
        found.rows = list(rows_by_id.values())

    async def _make_again(self, pages: Pages, counts: Counts) -> None:
        """Rebuild the records of a stream that display rows which changed."""

        async def save_some(feed: Feed) -> tuple[Counts, bool]:
            await self._confirm(feed)
            stale = await pages.find_stale(feed)
            if stale is None:
                return Counts(pages.stream.name), True
            page = await pages.prepare(stale.rows, feed.connection)
            return await pages.save_again(feed, page, stale), stale.is_last

        is_last = False
        while not is_last:
            made, is_last = await pages.write(save_some, credentials=self._connector.credentials_version)
            counts.add(made)

    async def _confirm(self, feed: Feed) -> None:
        connector = self._connector
        if not feed.is_current and not await is_current(
            feed.connection, connector.number, connector.credentials_version
        ):
            raise CredentialsReplaced
