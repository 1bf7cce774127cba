"""Rows that are known to have changed: read by their ids and saved at once, without waiting for the next run."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from unihire.errors import CredentialsReplaced, PermissionMissing
from unihire.integration.declare import IdFilter, Integration, Stream
from unihire.outbound.client import VendorClient
from unihire.store import Pool
from unihire.store.accounts.grants import is_current
from unihire.store.accounts.tenancy import Connector
from unihire.store.feed.gate import Feed
from unihire.store.feed.recency import get_position
from unihire.store.joins import JoinedVersions
from unihire.sync.fetching import FetchedRows, fetch_rows, fetch_where
from unihire.sync.joining import RowStorage
from unihire.sync.pages import Counts, MappedPage, Pages
from unihire.sync.quarantine import find_row_id
from unihire.sync.related_rows import find_related, find_stored_ids
from unihire.sync.rendering import Renderer

TRIES = 3
"""How many times a row is read that others save at the same time; after that their version stays until the next run."""

TURNS = 3
"""How far relations of a missing row are followed: the offers of the applications of a candidate."""


STREAMS_AT_ONCE = 4
"""Streams whose touched rows are requested ahead of their turn."""


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
    changed: Mapping[str, Sequence[str]],
) -> list[Counts]:
    """Read the rows of these ids, by stream, save them, and rebuild the records that display them.

    Streams are read in their order, each saved in transactions of its own: what was saved stays after a crash, and the
    records that display it are rebuilt by the next run at the latest. Ids the vendor has no row for are skipped, and so
    are streams the credentials do not reach; a run finds out whether their rows still exist. Only streams whose rows
    can be requested by id take part. Call inside the client's `async with`. Raises CredentialsReplaced if the connector
    was given new credentials: rows that were read with the old ones are not saved.
    """
    touched = {name: Touched(ids) for name, ids in changed.items()}
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
        every = {stream.name: self._make_pages(stream) for stream in self._integration.streams}
        async with self._request_ahead(every, touched) as responses:
            for stream in self._integration.streams:
                pages, counts = every[stream.name], Counts(stream.name)
                one = touched.get(stream.name, Touched())
                if is_touched := stream.name in responses:
                    missing = await self._read_stream(pages, one, counts, responses[stream.name])
                    ids = [*missing, *one.wide] if self._deletes else []
                    roots += [id for row_id in dict.fromkeys(ids) for id in self._renderer.row_ids(stream, row_id)]
                if stream.joins and await pages.has_stale():
                    if not is_touched:
                        await pages.open()
                    await self._make_again(pages, counts)
                self._reread.counts.append(counts)
        return roots

    def _make_pages(self, stream: Stream) -> Pages:
        return Pages(
            pool=self._pool, client=self._client, renderer=self._renderer, connector=self._connector.number,
            stream=stream, storage=RowStorage.of(self._integration, stream),
        )  # fmt: skip

    @asynccontextmanager
    async def _request_ahead(
        self, every: Mapping[str, Pages], touched: Mapping[str, Touched]
    ) -> AsyncIterator[Mapping[str, "asyncio.Task[_Response]"]]:
        """Responses of the streams that are touched, requested in their order, a few at once; none outlives the block.

        What was saved between a request and its turn is newer: such rows are requested once more.
        """
        room = asyncio.Semaphore(STREAMS_AT_ONCE)

        async def request(pages: Pages, one: Touched) -> _Response:
            async with room:
                await pages.open()
                return await self._request(pages, list(dict.fromkeys(one.ids)), one.of)

        responses = {
            name: asyncio.create_task(request(pages, one))
            for name, pages in every.items()
            if pages.stream.by_id is not None and (one := touched.get(name, Touched())) and (one.ids or one.of)
        }
        try:
            yield responses
        finally:
            for response in responses.values():
                response.cancel()
            await asyncio.gather(*responses.values(), return_exceptions=True)

    async def _request(self, pages: Pages, ids: Sequence[str], of: Mapping[str, Sequence[str]]) -> _Response:
        """Ask the vendor for rows of one stream."""
        asked_seq = await get_position(self._pool, self._connector.number)
        before = await pages.find_versions(await self._list_stored(pages, ids, of))
        found = await fetch_rows(self._client, pages.stream, ids) if ids else FetchedRows()
        await self._add_by_member(pages.stream, of, found)
        return _Response(found, asked_seq, before)

    async def _read_stream(
        self, pages: Pages, touched: Touched, counts: Counts, response: "asyncio.Task[_Response]"
    ) -> set[str]:
        """Save touched rows of one stream as requested; returns the ids of those the vendor does not have."""
        name, ids = pages.stream.name, list(dict.fromkeys(touched.ids))
        try:
            missing = await self._save_rows(pages, await response, counts)
        except PermissionMissing:
            self._reread.unknown.setdefault(name, set()).update(ids)
            return set()
        self._reread.missing.setdefault(name, set()).update(missing)
        return missing

    async def _save_rows(self, pages: Pages, response: _Response, counts: Counts) -> set[str]:
        """Save rows of one stream; rows that somebody else saved meanwhile are requested once more."""
        missing: set[str] = set()
        for tries_left in reversed(range(TRIES)):
            found, before = response.found, response.before
            counts.wrong_answers += found.wrong_answers
            missing |= found.missing
            self._reread.unknown.setdefault(pages.stream.name, set()).update(found.unsure)
            gone = sorted(found.missing) if self._deletes else []
            if not found.rows and not gone:
                break
            page = await pages.prepare(found.rows, asked_seq=response.asked_seq)

            async def save(
                feed: Feed, page: MappedPage = page, gone: Sequence[str] = gone, before: JoinedVersions = before
            ) -> tuple[Counts, set[str]]:
                await self._confirm(feed)
                return await pages.save_by_id(feed, page, gone, before=before), feed.outdated

            saved, outdated = await pages.write(save, page)
            counts.add(saved)
            if not outdated or not tries_left:
                break
            missing -= outdated
            response = await self._request(pages, sorted(outdated), {})
        return missing

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
        now, or are gone.
        """
        if not isinstance(stream.by_id, IdFilter) or stream.by_id.by is None:
            return
        rows_by_id = {find_row_id(stream, row): row for row in found.rows}
        absent: set[str] = set()
        for member, values in of.items():
            some = list(dict.fromkeys(values))
            param = stream.by_id.by.format(member=member)
            rows = await fetch_where(self._client, stream, param, some, most=stream.by_id.most, member=member)
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

        async def save_some(feed: Feed) -> Counts | None:
            await self._confirm(feed)
            stale = await pages.find_stale(feed)
            if stale is None:
                return None
            return await pages.save_again(feed, await pages.prepare(stale.rows, feed.connection), stale)

        while (saved := await pages.write(save_some)) is not None:
            counts.add(saved)

    async def _confirm(self, feed: Feed) -> None:
        connector = self._connector
        if not await is_current(feed.connection, connector.number, connector.credentials_version):
            raise CredentialsReplaced
