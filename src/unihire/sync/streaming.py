"""One stream of one run: its pages fetched, mapped and saved, its absent records marked, in resumable steps.

A stream passes through phases, and its position within them is committed with every page:

    walk      the list, page by page: whole, or what changed since the window's start
    catch_up  after a whole walk: what changed while it went on (a list newest first moves changed rows to pages
              already read)
    refresh   records that show rows of other streams which changed meanwhile are made again
    absent    after a whole walk: records it did not meet, confirmed by their ids where the vendor can tell
    done
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Self, TypeVar
from uuid import UUID

import asyncpg

from unihire.errors import Stopped, VendorRefused
from unihire.integration.declare import Join, Stream
from unihire.kit.clock import Clock
from unihire.outbound.client import VendorClient
from unihire.outbound.paging import Row
from unihire.store import Connection, Pool, joins, runs, saving, streams
from unihire.store.joins import Joined
from unihire.store.saving import Rendered
from unihire.sync.fetching import Details, fetch_details, fetch_rows, first_page, walk
from unihire.sync.joining import Keeping, find_known, find_shown, list_stale
from unihire.sync.rendering import Misfit, Renderer, find_row_id, model_numbers

T = TypeVar("T")

ABSENT_BATCH = 500
MEASURED_FROM = 1000
"""From so many rows on, the planner must know how many were met to find the absent ones without comparing all."""


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

    @classmethod
    def read_from(cls, state: asyncpg.Record) -> Self:
        """The counts in a row of stream_run."""
        return cls(**{name: state[name] for name in cls.__slots__})

    def add(self, other: "Counts") -> None:
        self.read += other.read
        self.added += other.added
        self.changed += other.changed
        self.deleted += other.deleted
        self.quarantined += other.quarantined


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A page ready to commit, with where the stream stands after it."""

    rows: int
    records: list[Rendered]
    misfits: list[Misfit]
    details: Details
    row_ids: list[str]
    kept: list[Joined]
    phase: str
    position: str | None


class StreamSync:
    """Runs one stream. Safe to abandon at any moment: the next one goes on from the last committed page."""

    def __init__(
        self,
        *,
        pool: Pool,
        client: VendorClient,
        renderer: Renderer,
        connector: int,
        run: runs.Run,
        stream: Stream,
        keeping: Keeping,
        clock: Clock,
        watch: Callable[[Counts], None],
        stop: asyncio.Event,
    ) -> None:
        self._pool = pool
        self._client = client
        self._renderer = renderer
        self._connector = connector
        self._run = run
        self._stream = stream
        self._own = model_numbers(stream, rows_only=True)
        self._has_parts = any(maps.is_owned for maps in stream.maps)
        self._keeping = keeping
        self._known: list[Join] = []
        self._showing: set[str] = set()
        self._clock = clock
        self._watch = watch
        self._stop = stop
        self._has_quarantine = False
        self.counts = Counts(stream.name)

    async def sync(self, state: asyncpg.Record) -> None:
        """Take the stream from where `state` (its row in stream_run) says to its end."""
        position: str | None = state["position"]
        since: datetime | None = state["window_start"]
        tracking: bool = state["is_tracking"]
        self.counts = Counts.read_from(state)
        self._has_quarantine = await self._pool.fetchval(streams.HAS_QUARANTINE, self._connector, self._stream.name)
        self._known = await find_known(self._pool, self._connector, self._stream)
        self._showing = await self._keeping.find_showing(self._pool, self._connector)
        phases = self._list_phases(since, tracking)
        for phase, following in pairwise(phases[phases.index(state["phase"]) :]):
            if phase == "walk":
                await self._walk_or_start_over(phase, position, since, tracking, after=following)
            elif phase == "catch_up":
                begun = state["started_at"] - self._stream.overlap
                await self._walk_or_start_over(phase, position, begun, tracking, after=following)
            elif phase == "refresh":
                await self._refresh(after=following)
            else:
                await self._mark_absent()
            position = None
        if since is None and not self.counts.quarantined:
            # Every row there is mapped: whatever was set aside before is no longer there.
            await self._pool.execute(streams.EMPTY_QUARANTINE, self._connector, self._stream.name)
        await self._finish(None)

    def _list_phases(self, since: datetime | None, tracking: bool) -> list[str]:
        phases = ["walk"]
        if since is None and self._stream.changed_since is not None:
            phases.append("catch_up")
        if self._stream.joins:
            phases.append("refresh")
        if tracking:
            phases.append("absent")
        return [*phases, "done"]

    async def fail(self, reason: str) -> None:
        """End the stream's part with the reason; the next run reads it anew."""
        await self._finish(reason)

    async def _finish(self, error: str | None) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            await streams.forget_seen(connection, self._connector, self._stream.name)
            await connection.execute(runs.FINISH_STREAM, self._run.id, self._stream.name, self._clock.now(), error)
        self.counts.phase = "done"
        self._watch(self.counts)

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
                await connection.execute(runs.RESTART_PHASE, self._run.id, self._stream.name)
            await self._walk(phase, None, since, tracking, after=after)

    async def _walk(
        self, phase: str, position: str | None, since: datetime | None, tracking: bool, *, after: str
    ) -> None:
        """Read pages from `position`; fetching, mapping and saving overlap, commits stay in page order."""
        filters = self._stream.changed_since(since) if since is not None and self._stream.changed_since else {}
        saving_page: asyncio.Task[None] | None = None
        pages = walk(self._client, self._stream, position or first_page(self._client, self._stream, filters))
        try:
            async for page in pages:
                self._stop_if_asked()
                phase_then = phase if page.next is not None else after
                prepared = await self._prepare(page.rows, phase_then, page.next)
                if saving_page is not None:
                    await saving_page
                saving_page = asyncio.create_task(self._commit(prepared, tracking))
            if saving_page is not None:
                await saving_page
        finally:
            await pages.aclose()
            if saving_page is not None:
                await asyncio.gather(saving_page, return_exceptions=True)

    async def _prepare(self, rows: list[Row], phase: str, position: str | None = None) -> _Prepared:
        details = await fetch_details(self._client, self._pool, self._connector, self._stream, rows)
        if self._known:
            shown = await find_shown(self._pool, self._connector, self._stream, self._known, rows)
            for row_id, by_name in shown.items():
                details.found.setdefault(row_id, {}).update(by_name)
        odd = {misfit.row_id for misfit in details.misfits}
        plain = [row for row in rows if find_row_id(self._stream, row) not in odd] if odd else rows
        records, misfits = self._renderer.render_rows(self._stream, plain, details.found)
        misfits += details.misfits
        row_ids = [find_row_id(self._stream, row) for row in rows]
        kept = self._keeping.pick(rows, self._renderer) if self._keeping else []
        return _Prepared(len(rows), records, misfits, details, row_ids, kept, phase, position)

    async def _commit(
        self, page: _Prepared, tracking: bool, buried: Sequence[UUID] = (), gone: Sequence[str] = ()
    ) -> None:
        """Save a page with everything that belongs to it in one transaction.

        `buried` are records to mark deleted, `gone` the ids of rows the vendor no longer has.
        """
        name = self._stream.name
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(streams.RELAX_COMMIT)
            now = self._clock.now()
            saved = await saving.save_records(connection, self._connector, name, page.records, now)
            dropped = await self._find_dropped(connection, page, gone) if self._has_parts else []
            deleted = await saving.bury_records(connection, self._connector, [*buried, *dropped], now)
            await streams.save_details(connection, self._connector, name, page.details.fresh)
            await self._set_aside(connection, page)
            step = Counts(name, page.rows, saved.added, saved.changed, deleted, len(page.misfits))
            if self._keeping:
                step.add(await self._keep(connection, page, gone))
            if tracking:
                ids = [record.id for record in page.records]
                ids += [id for misfit in page.misfits for id in self._renderer.row_ids(self._stream, misfit.row_id)]
                if self._keeping and not self._own:
                    ids += [self._renderer.seen_id(self._stream, row_id) for row_id in page.row_ids]
                await streams.note_seen(connection, self._connector, name, ids)
            await self._move(connection, step, page.phase, page.position)
        self._tell(step, page.phase)

    async def _find_dropped(self, connection: Connection, page: _Prepared, gone: Sequence[str]) -> list[UUID]:
        """Records of parts that rows of the page have no longer, or that went with their rows."""
        misfits = {misfit.row_id for misfit in page.misfits}
        row_ids = [*(row_id for row_id in page.row_ids if row_id not in misfits), *gone]
        keys = self._renderer.owned_keys(self._stream, row_ids)
        met = {record.id for record in page.records}
        found = await connection.fetch(saving.FIND_KEYED, self._connector, self._stream.name, keys)
        return [row["id"] for row in found if str(row["id"]) not in met]

    async def _move(self, connection: Connection, step: Counts, phase: str, position: str | None) -> None:
        await connection.execute(
            runs.MOVE_STREAM, self._run.id, self._stream.name, phase, position,
            step.read, step.added, step.changed, step.deleted, step.quarantined,
        )  # fmt: skip

    def _tell(self, step: Counts, phase: str) -> None:
        self.counts.add(step)
        self.counts.phase = phase
        self._watch(self.counts)

    async def _keep(self, connection: Connection, page: _Prepared, gone: Sequence[str]) -> Counts:
        """Keep what others show of the page's rows; the counts are told of a stream that makes no records."""
        name = self._stream.name
        kept = await joins.keep_rows(connection, self._connector, name, [*page.row_ids, *gone], page.kept)
        await joins.note_stale(connection, self._connector, [key for key in kept.keys if key.stream in self._showing])
        return Counts(name) if self._stream.maps else Counts(name, 0, kept.added, kept.changed, kept.removed)

    async def _refresh(self, *, after: str) -> None:
        """Make those records again that show rows which changed."""
        name = self._stream.name
        async for stale in list_stale(self._pool, self._connector, self._stream, self._renderer):
            self._stop_if_asked()
            page = await self._prepare(stale.rows, "refresh")
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(streams.RELAX_COMMIT)
                saved = await saving.save_records(connection, self._connector, name, page.records, self._clock.now())
                await streams.save_details(connection, self._connector, name, page.details.fresh)
                await self._set_aside(connection, page)
                await joins.settle(connection, self._connector, name, stale.join.name, stale.settled, stale.moved)
                step = Counts(name, 0, saved.added, saved.changed, 0, len(page.misfits))
                await self._move(connection, step, "refresh", None)
            self._tell(step, "refresh")
        await self._pool.execute(runs.MOVE_STREAM, self._run.id, name, after, None, 0, 0, 0, 0, 0)

    def _stop_if_asked(self) -> None:
        if self._stop.is_set():
            raise Stopped("the sync was asked to stop; the next one goes on from here")

    async def _set_aside(self, connection: Connection, page: _Prepared) -> None:
        bad = list({misfit.row_id: (misfit.row_id, misfit.reason, misfit.raw) for misfit in page.misfits}.values())
        if self._has_quarantine:
            misfits = {misfit.row_id for misfit in page.misfits}
            good = [row_id for row_id in page.row_ids if row_id not in misfits]
            await connection.execute(streams.RELEASE_QUARANTINE, self._connector, self._stream.name, good)
        await streams.set_aside(connection, self._connector, self._stream.name, bad)
        self._has_quarantine = self._has_quarantine or bool(bad)

    async def _mark_absent(self) -> None:
        """Make tombstones of the records a whole read did not meet.

        A row the vendor still shows by its id was only missed by the walk: it is saved as if it had been listed. Parts
        of rows come last, when every row that still mentions them has been met.
        """
        if self.counts.read > MEASURED_FROM:
            await self._pool.execute(streams.MEASURE_SEEN)
        number, name = self._connector, self._stream.name
        if self._own:
            async for found in self._list_batches(
                lambda: streams.find_absent(self._pool, number, name, self._own, ABSENT_BATCH)
            ):
                await self._settle_absent({row["remote_id"]: row["id"] for row in found})
        elif self._keeping:
            async for row_ids in self._list_batches(
                lambda: joins.find_absent_rows(self._pool, number, name, ABSENT_BATCH)
            ):
                await self._settle_absent(dict.fromkeys(row_ids))
        if self.counts.quarantined:
            return  # a row that would not map may well mention the parts nobody else did
        every = model_numbers(self._stream)
        async for parts in self._list_batches(
            lambda: streams.find_absent(self._pool, number, name, every, ABSENT_BATCH)
        ):
            await self._commit(await self._prepare([], "absent"), True, [part["id"] for part in parts])

    async def _settle_absent(self, absent: Mapping[str, UUID | None]) -> None:
        """Save those rows the vendor still shows by their ids, and let go of the others and their records."""
        rows, missing = list[Row](), set(absent)
        if self._stream.by_id is not None:
            rows, missing = await fetch_rows(self._client, self._stream, list(absent))
        buried = [id for row_id in missing if (id := absent[row_id]) is not None]
        await self._commit(await self._prepare(rows, "absent"), True, buried, sorted(missing))

    async def _list_batches(self, find: Callable[[], Awaitable[list[T]]]) -> AsyncIterator[list[T]]:
        """What is absent, until there is none: each batch must be met or let go before the next."""
        while found := await find():
            self._stop_if_asked()
            yield found
