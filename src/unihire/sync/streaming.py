"""One stream of one run: its pages fetched, mapped and saved, its absent records marked, in resumable steps.

A stream passes through phases, and its position within them is committed with every page:

    walk      the list, page by page: whole, or what changed since the window's start
    catch_up  after a whole walk: what changed while it went on (a list newest first moves changed rows to pages
              already read)
    refresh   records that show rows of other streams which changed meanwhile are made again
    absent    after a whole walk: records it did not meet, confirmed by their ids where the vendor has a call for it
    done
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from unihire.errors import Stopped, VendorChanged, VendorRefused
from unihire.outbound.client import VendorClient
from unihire.outbound.tally import TALLY, Tally
from unihire.store import Connection, Pool, joins, streams
from unihire.store.feed.gate import Feed
from unihire.store.work import runs
from unihire.sync.fetching import FetchedRows, fetch_page, fetch_rows, find_lead, first_page, walk
from unihire.sync.growth import Growth
from unihire.sync.pages import Counts, MappedPage, Pages
from unihire.sync.rendering import beside_numbers, model_numbers
from unihire.sync.telemetry import count_saved, watch_page

ABSENT_BATCH = 500

PAGES_AHEAD = 2
"""Pages that are mapped and not yet saved: more than one, so that neither side waits for the other's slow moments."""


class StreamSync:
    """Runs one stream. Safe to abandon at any moment: the next one goes on from the last committed page."""

    def __init__(
        self,
        *,
        pool: Pool,
        client: VendorClient,
        connector: int,
        run: runs.Run,
        pages: Pages,
        skew: timedelta,
        watch: Callable[[Counts], None],
        stop: asyncio.Event,
        pause: asyncio.Event,
    ) -> None:
        """`pause` is set where the connector is found paused; either event ends the work before the next page.

        `skew` is how far the database's clock runs ahead of the client's.
        """
        self._pool = pool
        self._client = client
        self._connector = connector
        self._run = run
        self._pages = pages
        self._stream = pages.stream
        self._skew = skew
        self._watch = watch
        self._stop = stop
        self._pause = pause
        self._tally = Tally()
        self._at: tuple[str, str | None] = ("walk", None)
        self._begun = 0  # the position in the feed when this attempt began
        self._asked = 0  # a position in the feed before which whatever is asked for from now on is asked for
        self._growth: bytes | None = None  # of the walk that is gone on with
        self._is_window = False  # what changed is read, and not the whole list
        self.counts = Counts(pages.stream.name)

    async def sync(self, state: Mapping[str, Any], reads: Collection[str]) -> datetime | None:
        """Take the stream from where `state` says (see `open_stream`) to its end.

        `reads` are the streams that have been read well. Gives when the first such read of this one was begun. Raises
        Stopped when asked to end, and where the run is no longer this attempt's.
        """
        TALLY.set(self._tally)
        position: str | None = state["position"]
        since: datetime | None = state["window_start"]
        tracking: bool = state["is_tracking"]
        self.counts = Counts.read_from(state)
        self._asked = self._begun = state["last_seq"]
        await self._pages.open(reads=reads, has_quarantine=state["has_quarantine"])
        self._pages.reads_all, self._is_window = since is None, since is not None
        self._pages.day = state["started_at"].toordinal() if since is None else None
        phases = self._list_phases(since, tracking)
        if state["phase"] not in phases:  # an earlier version of the program knew another one
            await runs.restart_phase(self._pool, self._run, self._stream.name, phases[0])
            state, position = {**state, "phase": phases[0]}, None
        self._at, self._growth = (state["phase"], position), state["growth"]
        for phase, following in pairwise(phases[phases.index(state["phase"]) :]):
            if phase == "walk":
                await self._walk_or_start_over(phase, position, since, tracking, after=following)
                if since is None and position is None and self._pages.has_unsettled:
                    await self._settle_shared_parts()
            elif phase == "catch_up":
                begun = state["started_at"] - self._stream.overlap - find_lead(self._client, self._skew)
                await self._walk_or_start_over(phase, position, begun, tracking, after=following)
            elif phase == "refresh":
                await self._refresh(after=following)
            else:
                await self._mark_absent()
            position = None
        return await self._finish(None, is_whole=since is None)

    def _list_phases(self, since: datetime | None, tracking: bool) -> list[str]:
        phases = ["walk"]
        if since is None and self._stream.changed_since is not None:
            phases.append("catch_up")
        after = ["refresh"] if self._stream.joins else []
        if tracking and any(join.stream == self._stream.name for join in self._stream.joins):
            after.insert(0, "absent")  # what goes now is shown by others of the stream
        elif tracking:
            after.append("absent")
        return [*phases, *after, "done"]

    async def fail(self, reason: str) -> None:
        """End the stream's part with the reason; the next run reads it anew."""
        await self._finish(reason)

    async def _finish(self, error: str | None, *, is_whole: bool = False) -> datetime | None:
        name, step = self._stream.name, Counts(self._stream.name)
        step.requests, step.waited = self._tally.calls, self._tally.waited
        finished = await runs.finish_stream(
            self._pool, self._run, name, error,
            lead=find_lead(self._client, self._skew), requests=step.requests, waited=step.waited, before=self._place,
            is_window=self._is_window, has_met_all=is_whole,
        )  # fmt: skip
        if finished.is_paused:
            self._pause.set()
        self._forget_tally(step)
        self.counts.add(step)
        self.counts.phase = "done"
        self._watch(self.counts)
        return finished.first_read_at

    async def _walk_or_start_over(
        self, phase: str, position: str | None, since: datetime | None, tracking: bool, *, after: str
    ) -> None:
        """As `_walk`; where the vendor no longer knows the place an earlier attempt got to, from the beginning."""
        try:
            await self._walk(phase, position, since, tracking, after=after)
        except VendorRefused:
            if position is None:
                raise
            async with self._pool.acquire() as connection, connection.transaction():
                if phase == "walk":
                    await streams.forget_seen(connection, self._connector, self._stream.name)
                await runs.restart_phase(connection, self._run, self._stream.name, phase)
            self._at = (phase, None)
            await self._walk(phase, None, since, tracking, after=after)

    async def _walk(
        self, phase: str, position: str | None, since: datetime | None, tracking: bool, *, after: str
    ) -> None:
        """Read pages from `position`; fetching, mapping and saving overlap, commits stay in page order."""
        filters = self._stream.changed_since(since) if since is not None and self._stream.changed_since else {}
        saves: deque[asyncio.Task[None]] = deque()
        growth, self._growth = Growth(self._growth if position else None), None
        start = position or first_page(self._client, self._stream, filters)
        unchanged = self._pages.unchanged
        unchanged.begin()
        can_pass = tracking and phase == "walk" and unchanged.is_able
        pages = walk(
            self._client, self._stream, start, growth,
            mark=self._pages.mark_unchanged if can_pass else None, expect=unchanged.expect,
        )  # fmt: skip
        asked = following = self._asked  # of a page, and of the one after it, which is asked for as soon as it is there
        try:
            async for page in pages:
                self._stop_if_asked()
                if not page.rows and page.next is None:
                    break  # nothing is to be saved: who goes on from here finds it so
                phase_then, met = (phase, growth.dump()) if page.next is not None else (after, None)
                with watch_page("map", self._client, self._stream.name) as traced:
                    prepared = await self._pages.prepare(page.rows, asked=asked)
                    traced.set_attributes({"unihire.rows": len(page.rows)})
                if len(saves) == PAGES_AHEAD:
                    await saves[0]
                    saves.popleft()
                last = saves[-1] if saves else None
                save = self._commit(prepared, phase_then, page.next, growth=met, tracking=tracking, before=last)
                saves.append(asyncio.create_task(save))
                asked, following = following, self._asked
            for saving in saves:
                await saving
        finally:
            await pages.aclose()
            await asyncio.gather(*saves, return_exceptions=True)

    async def _commit(
        self,
        page: MappedPage,
        phase: str,
        position: str | None = None,
        *,
        growth: bytes | None = None,
        tracking: bool = True,
        buried: Sequence[UUID] = (),
        gone: Sequence[str] = (),
        unsure: Sequence[str] = (),
        wrong: int = 0,
        before: asyncio.Task[None] | None = None,
    ) -> None:
        """Save a page, what it met and where the stream stands after it, in one transaction.

        `unsure` are ids that count as met, for nobody knows; `wrong` answers came in their place. `before` saves the
        page before it: it must have ended, and this one fails with it.
        """
        if before is not None:
            await asyncio.shield(before)
            self._stop_if_asked()

        async def save(feed: Feed) -> Counts:
            step = await self._pages.save(feed, page, buried, gone)
            if tracking:
                met = [*self._pages.list_met(page), *unsure]
                await streams.note_seen(feed.connection, self._connector, self._stream.name, met)
            step.wrong_answers += wrong
            await self._move(feed.connection, step, phase, position, growth)
            return step

        with watch_page("save", self._client, self._stream.name):
            step = None
            if tracking and page.is_passed and not (buried or gone or unsure or wrong):
                step = await self._pass(page, phase, position, growth)
            if step is None:
                step = await self._pages.write(save, page)
        self._pages.unchanged.settle()
        self._forget_tally(step)
        self._at = (phase, position)
        self._report(step, phase)

    async def _pass(self, page: MappedPage, phase: str, position: str | None, growth: bytes | None) -> Counts | None:
        """Note that a page is stored as it comes; None where it must be saved like any other."""
        step = Counts(self._stream.name, page.read)
        step.requests, step.waited = self._tally.calls, self._tally.waited
        moved = await runs.pass_page(
            self._pool, self._run, self._stream.name, phase, position, step.list_counted(), growth=growth,
            before=self._place, met=self._pages.list_met(page), asked=page.asked,
        )  # fmt: skip
        if moved is None:
            return None
        self._follow(moved)
        return step

    async def _move(
        self, connection: Connection | Pool, step: Counts, phase: str, position: str | None, growth: bytes | None = None
    ) -> None:
        """Note the step and what it asked of the vendor; the last statement of a page's transaction."""
        step.requests, step.waited = self._tally.calls, self._tally.waited
        moved = await runs.move_stream(
            connection, self._run, self._stream.name, phase, position, step.list_counted(), growth=growth,
            before=self._place,
        )  # fmt: skip
        self._follow(moved)

    def _follow(self, moved: runs.StreamMoved) -> None:
        self._asked = max(self._asked, moved.last_seq)
        if moved.is_paused:
            self._pause.set()

    def _forget_tally(self, step: Counts) -> None:
        """What a step that is committed now has counted."""
        self._tally.calls -= step.requests
        self._tally.waited -= step.waited

    @property
    def _place(self) -> runs.StreamPosition:
        return runs.StreamPosition(*self._at, self.counts.read, self.counts.deleted, self.counts.requests)

    def _report(self, step: Counts, phase: str) -> None:
        count_saved(
            self._client, step.stream, rows=step.read, quarantined=step.quarantined, incomplete=step.incomplete,
            new=step.added, changed=step.changed, deleted=step.deleted,
        )  # fmt: skip
        self.counts.add(step)
        self.counts.phase = phase
        self._watch(self.counts)

    async def _settle_shared_parts(self) -> None:
        """After a whole walk by this attempt alone: what no row describes as it is stored becomes what rows say."""

        async def save(feed: Feed) -> Counts:
            step = await self._pages.settle_shared_parts(feed, since=self._begun)
            await self._move(feed.connection, step, *self._at)
            return step

        step = await self._pages.write(save)
        self._forget_tally(step)
        self._report(step, self._at[0])

    async def _refresh(self, *, after: str) -> None:
        """Make those records again that show rows which changed."""

        async def save_some(feed: Feed) -> Counts | None:
            stale = await self._pages.find_stale(feed)
            if stale is None:
                return None
            page = await self._pages.prepare(stale.rows, feed.connection)
            step = await self._pages.save_again(feed, page, stale)
            await self._move(feed.connection, step, "refresh", None)
            return step

        if not await self._pages.has_stale():
            return
        while True:
            self._stop_if_asked()
            saved = await self._pages.write(save_some)
            if saved is None:
                break
            self._forget_tally(saved)
            self._at = ("refresh", None)
            self._report(saved, "refresh")
        step = Counts(self._stream.name)
        await self._move(self._pool, step, after, None)
        self._forget_tally(step)
        self._at = (after, None)
        self._report(step, after)

    def _stop_if_asked(self) -> None:
        if self._stop.is_set() or self._pause.is_set():
            raise Stopped("the sync was asked to stop; the next one goes on from here")

    async def _mark_absent(self) -> None:
        """Make tombstones of the records a whole read did not meet.

        A row the vendor still shows by its id was only missed by the walk: it is saved as if it had been listed. Parts
        of rows come last, when every row that still mentions them has been met. Where rows cannot be asked by id, an
        empty list is believed when it is empty twice.
        """
        if self._stream.by_id is None and not self.counts.read:
            again = await fetch_page(self._client, self._stream, first_page(self._client, self._stream, {}))
            if again.rows:
                raise VendorChanged(f"{self._stream.path}: an empty list, which has rows when it is asked for again")
        pool, number, name = self._pool, self._connector, self._stream.name
        if self._pages.own:
            async for found in streams.walk_absent(pool, number, name, self._pages.own, ABSENT_BATCH):
                self._stop_if_asked()
                await self._settle_absent({row["remote_id"]: row["id"] for row in found})
        if self._pages.has_deleted or (self._pages.is_stored and not self._pages.own):
            async for row_ids in joins.walk_absent_rows(pool, number, name, ABSENT_BATCH):
                self._stop_if_asked()
                await self._settle_absent(dict.fromkeys(row_ids))
        # Parts that nobody mentioned may be in rows of which those parts became nothing, or that were not shown.
        hidden = await pool.fetch(streams.FIND_HIDDEN, number, name, self._run.id)
        if self.counts.wrong_answers or not all(row["is_served"] for row in hidden):
            return
        expected = set(model_numbers(self._stream)) - beside_numbers(self._stream)
        sure = sorted(expected - {row["model"] for row in hidden})
        async for parts in streams.walk_absent(pool, number, name, sure, ABSENT_BATCH):
            self._stop_if_asked()
            await self._commit(await self._pages.prepare([]), "absent", buried=[part["id"] for part in parts])

    async def _settle_absent(self, absent: Mapping[str, UUID | None]) -> None:
        """Save those rows the vendor still shows by their ids, and let go of the others and their records.

        What it answers with another row is left as it is, for the next complete read to ask for.
        """
        found, asked = FetchedRows(missing=set(absent)), self._asked
        if self._stream.by_id is not None:
            found = await fetch_rows(self._client, self._stream, list(absent))
        await self._commit(
            await self._pages.prepare(found.rows, asked=asked),
            "absent",
            buried=[id for row_id in found.missing if (id := absent[row_id]) is not None],
            gone=sorted(found.missing),
            unsure=[str(absent[row_id] or self._pages.seen_id(row_id)) for row_id in found.unsure],
            wrong=found.wrong,
        )
