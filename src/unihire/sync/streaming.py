"""One stream of one run: its pages fetched, mapped and saved, its absent records marked, in resumable steps.

A stream passes through phases, and its position within them is committed with every page:

    walk      the list, page by page: whole, or what changed since the window's start
    catch_up  after a whole walk: what changed while it went on (a list newest first moves changed rows to pages
              already read)
    absent    after a whole walk: records it did not meet, confirmed one by one where the vendor can tell
    done
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import asyncpg

from unihire.errors import Stopped, VendorRefused
from unihire.integration.declare import Stream
from unihire.kit.clock import Clock
from unihire.outbound.client import VendorClient
from unihire.outbound.paging import Row
from unihire.store import Connection, Pool, runs, saving, streams
from unihire.store.saving import Rendered
from unihire.sync.fetching import Details, fetch_details, fetch_rows, first_page, walk
from unihire.sync.rendering import Misfit, Renderer, find_row_id, model_numbers

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
        self._clock = clock
        self._watch = watch
        self._stop = stop
        self._has_quarantine = False
        self.counts = Counts(stream.name)

    async def sync(self, state: asyncpg.Record) -> None:
        """Take the stream from where `state` (its row in stream_run) says to its end."""
        phase, position = state["phase"], state["position"]
        since: datetime | None = state["window_start"]
        self.counts = Counts.read_from(state)
        self._has_quarantine = await self._pool.fetchval(streams.HAS_QUARANTINE, self._connector, self._stream.name)
        tracking: bool = state["is_tracking"]
        catches_up = since is None and self._stream.changed_since is not None
        after_walk = "catch_up" if catches_up else "absent" if tracking else "done"
        if phase == "walk":
            await self._walk_or_start_over(phase, position, since, tracking, after=after_walk)
            phase, position = after_walk, None
        if phase == "catch_up":
            after = "absent" if tracking else "done"
            begun = state["started_at"] - self._stream.overlap
            await self._walk_or_start_over(phase, position, begun, tracking, after=after)
            phase = after
        if phase == "absent":
            await self._mark_absent()
        if since is None and not self.counts.quarantined:
            # Every row there is mapped: whatever was set aside before is no longer there.
            await self._pool.execute(streams.EMPTY_QUARANTINE, self._connector, self._stream.name)
        await self._finish(None)

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
                if self._stop.is_set():
                    raise Stopped("the sync was asked to stop; the next one goes on from here")
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

    async def _prepare(self, rows: list[Row], phase: str, position: str | None) -> _Prepared:
        details = await fetch_details(self._client, self._pool, self._connector, self._stream, rows)
        odd = {misfit.row_id for misfit in details.misfits}
        plain = [row for row in rows if find_row_id(self._stream, row) not in odd] if odd else rows
        records, misfits = self._renderer.render_rows(self._stream, plain, details.found)
        misfits += details.misfits
        row_ids = [find_row_id(self._stream, row) for row in rows]
        return _Prepared(len(rows), records, misfits, details, row_ids, phase, position)

    async def _commit(self, page: _Prepared, tracking: bool, gone: Sequence[Any] = ()) -> None:
        """Save a page with everything that belongs to it in one transaction."""
        name = self._stream.name
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(streams.RELAX_COMMIT)
            now = self._clock.now()
            saved = await saving.save_records(connection, self._connector, name, page.records, now)
            buried = await saving.bury_records(connection, self._connector, gone, now)
            await streams.save_details(connection, self._connector, name, page.details.fresh)
            await self._set_aside(connection, page)
            if tracking:
                ids = [record.id for record in page.records]
                ids += [id for misfit in page.misfits for id in self._renderer.row_ids(self._stream, misfit.row_id)]
                await streams.note_seen(connection, self._connector, name, ids)
            step = Counts(name, page.rows, saved.added, saved.changed, buried, len(page.misfits))
            await connection.execute(
                runs.MOVE_STREAM, self._run.id, name, page.phase, page.position,
                step.read, step.added, step.changed, step.deleted, step.quarantined,
            )  # fmt: skip
        self.counts.add(step)
        self.counts.phase = page.phase
        self._watch(self.counts)

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
        own = model_numbers(self._stream, rows_only=True)
        async for absent in self._find_absent(own):
            rows: list[Row] = []
            if self._stream.by_id is not None:
                asked = [row["remote_id"] for row in absent]
                rows, missing = await fetch_rows(self._client, self._stream, asked)
                absent = [row for row in absent if row["remote_id"] in missing]
            await self._commit(await self._prepare(rows, "absent", None), True, [row["id"] for row in absent])
        if self.counts.quarantined:
            return  # a row that would not map may well mention the parts nobody else did
        async for absent in self._find_absent(model_numbers(self._stream)):
            await self._commit(await self._prepare([], "absent", None), True, [row["id"] for row in absent])

    async def _find_absent(self, models: Sequence[int]) -> AsyncIterator[list[asyncpg.Record]]:
        """Batches of records not met, until there are none: each batch must be met or marked before the next."""
        while absent := await streams.find_absent(self._pool, self._connector, self._stream.name, models, ABSENT_BATCH):
            if self._stop.is_set():
                raise Stopped("the sync was asked to stop; the next one goes on from here")
            yield absent
