"""One stream of one run: fetch, map and save its pages, and mark absent records deleted, in resumable steps.

A stream goes through phases. The phase and the cursor within it are committed with every page:

    walk      read the list page by page: all of it, or only rows changed since the window start
    catch_up  after a complete read: rows changed while it ran (in a newest-first list they move to pages already read)
    refresh   rebuild records that display rows of other streams which changed
    absent    after a complete read: records it did not see are marked deleted, once a request by id confirms it if the
              vendor has one
    done
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from unihire.errors import StartOver, Stopped, VendorChanged, VendorRefused
from unihire.kit.logs import get_logger
from unihire.kit.urgency import make_way
from unihire.outbound.client import VendorClient
from unihire.outbound.tally import TALLY, Tally
from unihire.store import Connection, Pool, joins, streams
from unihire.store.feed.gate import Feed
from unihire.store.work import runs, sync_tokens
from unihire.sync.fetching import FetchedRows, fetch_page, fetch_rows, find_lead, first_page, is_older, walk
from unihire.sync.growth import Growth
from unihire.sync.pages import Counts, MappedPage, Pages
from unihire.sync.rendering import beside_numbers, model_numbers
from unihire.sync.telemetry import count_saved, watch_page

log = get_logger()

ABSENT_BATCH = 500

PAGES_AHEAD = 2
"""Pages that may be mapped and not yet saved. More than one, so that a slow save does not stop the mapping."""


class StreamSync:
    """Runs one stream. Safe to abandon at any moment: the next attempt resumes after the last committed page."""

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
        """`pause` is set here if the connector is found paused; `stop` or `pause` ends the work before the next page.

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
        self._start_seq = 0  # the feed position when this attempt began
        self._asked_seq = 0  # what others saved up to this position is committed before any request from now on
        self._growth: bytes | None = None  # the stored growth estimate of the read that is being resumed
        self._is_window = False  # this run reads only rows that changed since the window start
        self._asks_with: str | None = None  # the sync token that the previous read of the list ended with
        self._token: str | None = None  # the one that this read ended with
        self.counts = Counts(pages.stream.name)

    async def sync(
        self, state: Mapping[str, Any], streams_read: Collection[str], token: str | None = None
    ) -> datetime | None:
        """Resume the stream at `state` (see `open_stream`) and run it to its end.

        `streams_read` are the streams with at least one successful read; `token` is the sync token with which this one
        was read last. Returns when this stream's first successful read began. Raises Stopped when asked to stop, or
        when another attempt has taken over the run.
        """
        TALLY.set(self._tally)
        try:
            return await self._sync(state, streams_read, token)
        except StartOver as error:
            if self._stream.sync_param is None:
                raise
            log.info("the vendor no longer takes the sync token: the list is read whole", said=str(error))
        name, models = self._stream.name, model_numbers(self._stream)
        async with self._pool.acquire() as connection, connection.transaction():
            await sync_tokens.read_whole(connection, self._run, name, models=models)
            await streams.forget_seen(connection, self._connector, name)
        state = await runs.open_stream(self._pool, self._run, name, window_start=None, models=models)
        return await self._sync(state, streams_read, None)

    async def _sync(
        self, state: Mapping[str, Any], streams_read: Collection[str], token: str | None
    ) -> datetime | None:
        position: str | None = state["position"]
        since: datetime | None = state["window_start"]
        tracking: bool = state["is_tracking"]
        self.counts = Counts.read_from(state)
        self._asked_seq = self._start_seq = state["last_seq"]
        await self._pages.open(streams_read=streams_read, has_quarantine=state["has_quarantine"])
        self._is_window = since is not None
        self._asks_with, self._token = token, state["sync_token"]
        self._pages.day = state["started_at"].toordinal() if since is None and self._asks_again() else None
        phases = self._list_phases(since, tracking)
        if state["phase"] not in phases:  # an earlier version of the program knew another one
            await runs.restart_phase(self._pool, self._run, self._stream.name, phases[0])
            state, position = {**state, "phase": phases[0]}, None
        self._at, self._growth = (state["phase"], position), state["growth"]
        for phase, next_phase in pairwise(phases[phases.index(state["phase"]) :]):
            is_first = phase == "walk" and since is None and not tracking
            self._pages.begin_phase(reads_all=since is None, expects_nothing=is_first)
            if phase == "walk":
                await self._walk_or_start_over(phase, position, since, tracking, next_phase=next_phase)
                if since is None and position is None and self._pages.has_disputed:
                    await self._save_disputed_parts()
            elif phase == "catch_up":
                self._asks_with = self._token
                changed_since = state["started_at"] - self._stream.overlap - find_lead(self._client, self._skew)
                try:
                    await self._walk_or_start_over(phase, position, changed_since, tracking, next_phase=next_phase)
                except StartOver:
                    if self._stream.sync_param is None:
                        raise  # else the next run finds the token refused, and reads the list whole
            elif phase == "refresh":
                await self._refresh(next_phase=next_phase)
            else:
                await self._mark_absent()
            position = None
        return await self._finish(None, is_whole=since is None)

    def _asks_again(self) -> bool:
        """Whether a whole read asks for details that are due: not where every run must read the list whole."""
        return self._run.is_full or self._stream.is_incremental or self._stream.every is not None

    def _list_phases(self, since: datetime | None, tracking: bool) -> list[str]:
        phases = ["walk"]
        if since is None and self._stream.is_incremental:
            phases.append("catch_up")
        after = ["refresh"] if self._stream.joins else []
        if tracking and any(join.stream == self._stream.name for join in self._stream.joins):
            # records of the stream display one another: those deleted here are then refreshed in the others
            after.insert(0, "absent")
        elif tracking:
            after.append("absent")
        return [*phases, *after, "done"]

    async def fail(self, reason: str) -> None:
        """End the stream's part of the run with the reason; the next run reads it from the start."""
        await self._finish(reason)

    async def _finish(self, error: str | None, *, is_whole: bool = False) -> datetime | None:
        name, step = self._stream.name, Counts(self._stream.name)
        step.requests, step.waited = self._tally.calls, self._tally.waited
        finished = await runs.finish_stream(
            self._pool, self._run, name, error,
            lead=find_lead(self._client, self._skew), requests=step.requests, waited=step.waited,
            before=self._saved_state, is_window=self._is_window, has_seen_all=is_whole, token=self._token,
            lacking=self._pages.explain_lacking(),
        )  # fmt: skip
        if finished.is_paused:
            self._pause.set()
        self._subtract_committed(step)
        self.counts.add(step)
        self.counts.phase = "done"
        self._watch(self.counts)
        return finished.first_read_at

    async def _walk_or_start_over(
        self, phase: str, position: str | None, since: datetime | None, tracking: bool, *, next_phase: str
    ) -> None:
        """As `_walk`; if the vendor rejects the cursor of an earlier attempt, or no longer takes one, start again from
        the first page, once. A sync token may be what it no longer takes: that is raised.
        """
        try:
            await self._walk(phase, position, since, tracking, next_phase=next_phase)
        except VendorRefused as error:
            if isinstance(error, StartOver) and since is not None and self._asks_with is not None:
                raise
            if position is None and not isinstance(error, StartOver):
                raise
            async with self._pool.acquire() as connection, connection.transaction():
                if phase == "walk":
                    await streams.forget_seen(connection, self._connector, self._stream.name)
                await runs.restart_phase(connection, self._run, self._stream.name, phase)
            self._at = (phase, None)
            await self._walk(phase, None, since, tracking, next_phase=next_phase)

    async def _walk(
        self, phase: str, position: str | None, since: datetime | None, tracking: bool, *, next_phase: str
    ) -> None:
        """Read pages from the cursor `position`; fetching, mapping and saving overlap, commits stay in page order."""
        filters = {} if since is None else self._stream.ask_changed(since, self._asks_with)
        saves: deque[asyncio.Task[None]] = deque()
        growth, self._growth = Growth(self._growth if position else None), None
        start = position or first_page(self._client, self._stream, filters)
        unchanged = self._pages.unchanged
        unchanged.begin()
        can_skip = tracking and phase == "walk" and unchanged.is_able
        pages = walk(
            self._client, self._stream, start, growth,
            mark=self._pages.mark_unchanged if can_skip else None, expect=unchanged.expect,
            gathers=since is None and not self._stream.details,  # the calls for a page's details take long enough
        )  # fmt: skip
        # of this page's request, and of the next page's, which is sent as soon as this page arrives
        asked_seq = next_asked_seq = self._asked_seq
        try:
            async for page in pages:
                self._stop_if_asked()
                self._token = page.token or self._token
                if not page.rows and page.next is None:
                    break  # an empty last page: nothing to save. A resumed run requests it again, and finds the same.
                is_last = page.next is None or (since is not None and is_older(self._stream, page.rows, since))
                phase_then, stored_growth = (next_phase, None) if is_last else (phase, growth.dump())
                await make_way()
                with watch_page("map", self._client, self._stream.name) as traced:
                    prepared = await self._pages.prepare(page.rows, asked_seq=asked_seq)
                    traced.set_attributes({"unihire.rows": len(page.rows)})
                if len(saves) == PAGES_AHEAD:
                    await saves[0]
                    saves.popleft()
                last = saves[-1] if saves else None
                save = self._commit(
                    prepared, phase_then, None if is_last else page.next, growth=stored_growth, tracking=tracking,
                    before=last, token=page.token,
                )  # fmt: skip
                saves.append(asyncio.create_task(save))
                asked_seq, next_asked_seq = next_asked_seq, self._asked_seq
                if is_last:
                    break
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
        delete_ids: Sequence[UUID] = (),
        missing: Sequence[str] = (),
        unsure: Sequence[str] = (),
        wrong_answers: int = 0,
        token: str | None = None,
        before: asyncio.Task[None] | None = None,
    ) -> None:
        """Save a page, the ids seen, and the phase and cursor after it, in one transaction.

        `delete_ids` and `missing` as in `Pages.save`. `unsure` are ids for which the vendor returned another row, or
        one too large to read: they count as seen, so their records are not deleted. `wrong_answers` is how many other
        rows it returned. `token` is the sync token with which the list ended. `before` saves the previous page: this
        one waits for it, and fails with it.
        """
        if before is not None:
            await asyncio.shield(before)
            self._stop_if_asked()

        async def save(feed: Feed) -> Counts:
            step = await self._pages.save(feed, page, delete_ids, missing)
            if tracking:
                seen = [*self._pages.list_seen(page), *unsure]
                await streams.note_seen(feed.connection, self._connector, self._stream.name, seen)
            step.wrong_answers += wrong_answers
            if token is not None:
                await sync_tokens.note_token(feed.connection, self._run, self._stream.name, token)
            await self._save_progress(feed.connection, step, phase, position, growth)
            return step

        with watch_page("save", self._client, self._stream.name):
            step = None
            if tracking and page.is_skipped and not (delete_ids or missing or unsure or wrong_answers or token):
                step = await self._commit_skipped(page, phase, position, growth)
            if step is None:
                step = await self._pages.write(save, page)
        self._pages.unchanged.page_saved()
        self._subtract_committed(step)
        self._at = (phase, position)
        self._report(step, phase)

    async def _commit_skipped(
        self, page: MappedPage, phase: str, position: str | None, growth: bytes | None
    ) -> Counts | None:
        """Commit a page of which every row is stored unchanged: only the cursor and the ids seen are written.

        None: rows were saved by id since the page was requested, or the run has a newer attempt, so the page must go
        through the write gate.
        """
        step = Counts(self._stream.name, page.read)
        step.requests, step.waited = self._tally.calls, self._tally.waited
        moved = await runs.commit_skipped(
            self._pool, self._run, self._stream.name, phase, position, step.list_counted(), growth=growth,
            before=self._saved_state, seen=self._pages.list_seen(page), asked_seq=page.asked_seq,
        )  # fmt: skip
        if moved is None:
            return None
        self._take_connector_state(moved)
        return step

    async def _save_progress(
        self, connection: Connection | Pool, step: Counts, phase: str, position: str | None, growth: bytes | None = None
    ) -> None:
        """Store the stream's phase, cursor and counts, and the requests made since the last commit.

        The last statement of the page's own work; only the change log is written after it.
        """
        step.requests, step.waited = self._tally.calls, self._tally.waited
        moved = await runs.move_stream(
            connection, self._run, self._stream.name, phase, position, step.list_counted(), growth=growth,
            before=self._saved_state,
        )  # fmt: skip
        self._take_connector_state(moved)

    def _take_connector_state(self, moved: runs.StreamMoved) -> None:
        self._asked_seq = max(self._asked_seq, moved.last_seq)
        if moved.is_paused:
            self._pause.set()

    def _subtract_committed(self, step: Counts) -> None:
        """Subtract what the committed step counted, so that the next one does not count it again."""
        self._tally.calls -= step.requests
        self._tally.waited -= step.waited

    @property
    def _saved_state(self) -> runs.StreamPosition:
        """The state of the stream that our last commit left; the next commit applies only if the row still has it."""
        return runs.StreamPosition(*self._at, self.counts.read, self.counts.deleted, self.counts.requests)

    def _report(self, step: Counts, phase: str) -> None:
        count_saved(
            self._client, step.stream, rows=step.read, quarantined=step.quarantined, incomplete=step.incomplete,
            new=step.added, changed=step.changed, deleted=step.deleted,
        )  # fmt: skip
        self.counts.add(step)
        self.counts.phase = phase
        self._watch(self.counts)

    async def _save_disputed_parts(self) -> None:
        """Replace each shared part whose stored version no row contained.

        Call after a complete read that this attempt made alone.
        """

        async def save(feed: Feed) -> Counts:
            step = await self._pages.save_disputed_parts(feed, since=self._start_seq)
            await self._save_progress(feed.connection, step, *self._at)
            return step

        step = await self._pages.write(save)
        self._subtract_committed(step)
        self._report(step, self._at[0])

    async def _refresh(self, *, next_phase: str) -> None:
        """Rebuild the records that display rows which changed."""

        async def save_some(feed: Feed) -> Counts | None:
            stale = await self._pages.find_stale(feed)
            if stale is None:
                return None
            page = await self._pages.prepare(stale.rows, feed.connection)
            step = await self._pages.save_again(feed, page, stale)
            await self._save_progress(feed.connection, step, "refresh", None)
            return step

        if not await self._pages.has_stale():
            return
        while True:
            self._stop_if_asked()
            saved = await self._pages.write(save_some)
            if saved is None:
                break
            self._subtract_committed(saved)
            self._at = ("refresh", None)
            self._report(saved, "refresh")
        step = Counts(self._stream.name)
        await self._save_progress(self._pool, step, next_phase, None)
        self._subtract_committed(step)
        self._at = (next_phase, None)
        self._report(step, next_phase)

    def _stop_if_asked(self) -> None:
        if self._stop.is_set() or self._pause.is_set():
            raise Stopped("the sync was asked to stop; the next one goes on from here")

    async def _mark_absent(self) -> None:
        """Mark deleted the records that a complete read did not see.

        If the vendor can be asked for rows by id, each is asked for first; one that still exists was missed by the read
        and is saved as if listed. Parts are checked last, once every row that may still contain them was read. If rows
        cannot be requested by id, an empty list must be empty in two requests before records are deleted.
        """
        if self._stream.by_id is None and not self.counts.read:
            again = await fetch_page(self._client, self._stream, first_page(self._client, self._stream, {}))
            if again.rows:
                raise VendorChanged(f"{self._stream.path}: an empty list, which has rows when it is asked for again")
        pool, number, name = self._pool, self._connector, self._stream.name
        if self._pages.own:
            async for found in streams.walk_absent(pool, number, name, self._pages.own, ABSENT_BATCH):
                self._stop_if_asked()
                await self._save_or_delete({row["remote_id"]: row["id"] for row in found})
        if self._pages.has_deleted or (self._pages.is_stored and not self._pages.own):
            async for row_ids in joins.walk_absent_rows(pool, number, name, ABSENT_BATCH):
                self._stop_if_asked()
                await self._save_or_delete(dict.fromkeys(row_ids))
        # A part not seen may still be in a quarantined row, or in one the vendor would not return: models of such parts
        # are skipped.
        possibly_hidden = await pool.fetch(streams.FIND_HIDDEN, number, name, self._run.id)
        if self.counts.wrong_answers or not all(row["is_served"] for row in possibly_hidden):
            return
        expected = set(model_numbers(self._stream)) - beside_numbers(self._stream)
        deletable_models = sorted(expected - {row["model"] for row in possibly_hidden})
        async for parts in streams.walk_absent(pool, number, name, deletable_models, ABSENT_BATCH):
            self._stop_if_asked()
            await self._commit(await self._pages.prepare([]), "absent", delete_ids=[part["id"] for part in parts])

    async def _save_or_delete(self, absent: Mapping[str, UUID | None]) -> None:
        """Ask for absent rows by id. Save those that exist, mark the records of the others deleted.

        A row that was answered with another row is left for the next complete read.
        """
        found, asked_seq = FetchedRows(missing=set(absent)), self._asked_seq
        if self._stream.by_id is not None:
            found = await fetch_rows(self._client, self._stream, list(absent))
        await self._commit(
            await self._pages.prepare(found.rows, asked_seq=asked_seq),
            "absent",
            delete_ids=[id for row_id in found.missing if (id := absent[row_id]) is not None],
            missing=sorted(found.missing),
            unsure=[str(absent[row_id] or self._pages.seen_id(row_id)) for row_id in found.unsure],
            wrong_answers=found.wrong_answers,
        )
