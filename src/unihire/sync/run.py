"""A sync run of one connector: its streams side by side, in the order they need, resumable, at most one at a time."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog

from unihire.errors import (
    BudgetSpent,
    ConfigError,
    NoToken,
    PermissionMissing,
    ReauthorizeNeeded,
    RetryLater,
    Stopped,
    UnihireError,
    VendorChanged,
    VendorRefused,
)
from unihire.integration.declare import Integration, Stream
from unihire.kit.clock import Clock, SystemClock
from unihire.model import spec_of
from unihire.outbound.client import VendorClient
from unihire.outbound.keeping import BudgetUnknown
from unihire.store import Pool, issues, rows, runs, schedules, streams
from unihire.store.holds import hold_connector
from unihire.store.runs import Run
from unihire.store.tenancy import Connector, set_status
from unihire.sync.issues import OF_CONNECTORS, OF_STREAMS, Kind, find_kind
from unihire.sync.joining import Keeping
from unihire.sync.pages import Counts, Pages
from unihire.sync.rendering import Renderer, model_numbers
from unihire.sync.streaming import MEASURED_FROM, StreamSync
from unihire.sync.watching import watch_run, watch_stream

log = structlog.get_logger()

ABREAST = 4
"""Streams of one run that are read at once."""

AWAY_AFTER = 3
"""So many lists in a row that do not answer, and it is the vendor that does not: no further stream is begun."""

GIVEN_UP_AFTER = 8
"""So often in a row a run is put off over lists that do not answer, an hour in all. Then they end with that as reason,
so that the others are not kept from their next run."""


@dataclass(slots=True)
class Report:
    """What a run did: `status` is done, partial (some streams failed) or failed (all did).

    Streams that only operations read count in neither; why they could not be read is among the `errors`.
    """

    run: UUID
    number: int
    is_full: bool
    is_resumed: bool
    status: str = "running"
    streams: list[Counts] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    waited_seconds: float = 0.0


async def sync_connector(
    pool: Pool,
    connector: Connector,
    integration: Integration,
    client: VendorClient,
    *,
    full: bool = False,
    models: Collection[str] | None = None,
    clock: Clock | None = None,
    watch: Callable[[Counts], None] = lambda counts: None,
    stop: asyncio.Event | None = None,
) -> Report:
    """Bring a connector's records up to date; `full` reads every list whole, `models` only the lists they are made of.

    An unfinished run is gone on with, from its last committed page. A stream the vendor refuses ends with its reason
    and the others go on. Raises Busy while another run of the connector is under way, ConfigError where it is paused,
    RetryLater when the vendor cannot answer now, Stopped when asked to end (both leave the run to be gone on with),
    and ReauthorizeNeeded when the credentials are refused (the run is over and the connector needs a relink).
    """
    clock = clock or SystemClock()
    busy = f"connector {connector.id} is being synced already"
    names = None if models is None else find_streams(integration, models)
    if (await schedules.get_schedule(pool, connector.number)).is_paused:
        raise ConfigError(f"connector {connector.id} is paused: resume it first")
    async with hold_connector(pool, connector.number, otherwise=busy):
        async with pool.acquire() as connection, connection.transaction():
            await runs.ask_run(connection, connector.number, full=full, streams=names, now=clock.now())
            await schedules.note_run(connection, connector, clock.now())
        run = await runs.take_run(pool, connector.number, clock.now())
        if run is None:
            raise Stopped("the run was cancelled before it began")
        return await work_on_run(pool, connector, integration, client, run, clock=clock, watch=watch, stop=stop)


async def work_on_run(
    pool: Pool,
    connector: Connector,
    integration: Integration,
    client: VendorClient,
    run: Run,
    *,
    clock: Clock | None = None,
    watch: Callable[[Counts], None] = lambda counts: None,
    stop: asyncio.Event | None = None,
) -> Report:
    """Take a run that was taken up to its end. Raises as `sync_connector`; call while holding the connector."""
    engine = _RunSync(pool, connector, integration, client, run, clock or SystemClock(), watch, stop or asyncio.Event())
    with watch_run(connector, run, client) as told:
        report = await engine.work()
        told.status = report.status
        return report


def find_streams(integration: Integration, models: Collection[str]) -> list[str]:
    """The streams that these models are made of, with those whose rows they show.

    Raises ConfigError for a name that is no model, or one the integration does not fill.
    """
    made = {spec_of(maps.model).name for stream in integration.streams for maps in stream.maps}
    if unknown := sorted(set(models) - made):
        known = ", ".join(sorted(made))
        raise ConfigError(f"{integration.name} fills no {', '.join(unknown)}; what it fills: {known}")
    wanted = {
        stream.name for stream in integration.streams if any(spec_of(maps.model).name in models for maps in stream.maps)
    }
    while True:
        shown = {join.stream for stream in integration.streams if stream.name in wanted for join in stream.joins}
        if shown <= wanted:
            return sorted(wanted)
        wanted |= shown


class _RunSync:
    """Works on one run."""

    def __init__(
        self,
        pool: Pool,
        connector: Connector,
        integration: Integration,
        client: VendorClient,
        run: Run,
        clock: Clock,
        watch: Callable[[Counts], None],
        stop: asyncio.Event,
    ) -> None:
        self._pool = pool
        self._connector = connector
        self._integration = integration
        self._client = client
        self._run = run
        self._clock = clock
        self._watch = watch
        self._stop = stop
        self._pause = asyncio.Event()
        self._renderer = Renderer(connector.id, connector.number)
        self._streams = [stream for stream in integration.streams if run.streams is None or stream.name in run.streams]
        self._counts: dict[str, Counts] = {}
        self._report = Report(run.id, run.number, run.is_full, run.is_resumed)

    async def work(self) -> Report:
        run, report = self._run, self._report
        log.info("sync run", number=run.number, full=run.is_full, resumed=run.is_resumed)
        try:
            async with self._client:
                await self._sync_streams()
        except ReauthorizeNeeded as error:
            await set_status(self._pool, self._connector.id, "RELINK_NEEDED")
            await self._open_issue(error)
            over = [Kind.VENDOR_UNAVAILABLE]  # it has answered
            await issues.resolve_issues(self._pool, self._connector.number, over, self._clock.now())
            await self._finish("failed", str(error))
            log.warning("sync run ended", status="failed", reason=str(error))
            raise
        finally:
            report.requests, report.waited_seconds = self._client.calls, self._client.budget.waited
            report.streams = [self._counts[stream.name] for stream in self._streams if stream.name in self._counts]
        if sum(counts.added for counts in report.streams) > MEASURED_FROM:
            await rows.measure(self._pool)
        needed = {stream.name for stream in self._streams if not stream.is_optional}
        failed = needed & report.errors.keys()
        report.status = "done" if not failed else "failed" if failed == needed else "partial"
        await set_status(self._pool, self._connector.id, "COMPLETE")
        await issues.resolve_issues(self._pool, self._connector.number, OF_CONNECTORS, self._clock.now())
        await self._finish(report.status, None)  # last: what a crash keeps from being told, the next attempt tells
        log.info(
            "sync run ended", status=report.status, requests=report.requests, waited=round(report.waited_seconds, 1),
            rows=sum(part.read for part in report.streams), new=sum(part.added for part in report.streams),
            changed=sum(part.changed for part in report.streams), deleted=sum(part.deleted for part in report.streams),
            set_aside=sum(part.quarantined for part in report.streams),
        )  # fmt: skip
        return report

    async def _finish(self, status: str, error: str | None) -> None:
        await self._pool.execute(runs.FINISH_RUN, self._run.id, self._run.attempt, status, self._clock.now(), error)

    async def _open_issue(self, error: Exception, message: str | None = None, *, stream: str = "") -> None:
        number, now = self._connector.number, self._clock.now()
        await issues.open_issue(self._pool, number, find_kind(error), message or str(error), now, stream=stream)

    async def _sync_streams(self) -> None:
        """Every stream, some side by side, each when those it shows rows of have ended.

        A list that does not answer now keeps only those streams from being begun that show its rows. A problem of the
        whole vendor, or being asked to end, keeps all from it; those under way go on until it meets them too. What
        passes by itself is raised when they have ended. Any other error ends them at once.
        """
        waiting = list(self._streams)
        under_way: dict[asyncio.Task[None], str] = {}
        stuck: set[str] = set()
        silent = 0
        problem: UnihireError | None = None
        try:
            while True:
                if problem is None or (_is_of_one_list(problem) and silent < AWAY_AFTER):
                    unended = {stream.name for stream in waiting} | set(under_way.values()) | stuck
                    for stream in [one for one in waiting if not unended & {join.stream for join in one.joins}]:
                        if len(under_way) < ABREAST:
                            waiting.remove(stream)
                            task = asyncio.create_task(self._sync_stream(stream), name=stream.name)
                            under_way[task] = stream.name
                if not under_way:
                    break
                ended, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                for task in ended:
                    name = under_way.pop(task)
                    try:
                        task.result()
                    except (RetryLater, Stopped) as error:
                        problem = _choose(problem, error)
                        stuck.add(name)
                        silent += 1
                    else:
                        silent = 0
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)
        if problem is not None:
            raise problem

    async def _sync_stream(self, stream: Stream) -> None:
        with watch_stream(self._integration.slug, stream.name) as told:
            number, run = self._connector.number, self._run
            since = await self._find_window(stream)
            state = await runs.open_stream(
                self._pool, run, number, stream.name,
                window_start=since, models=model_numbers(stream), now=self._clock.now(),
            )  # fmt: skip
            if state["finished_at"] is not None:
                self._counts[stream.name] = Counts.read_from(state)
                if state["error"] is not None:
                    self._report.errors[stream.name] = state["error"]
                return
            pages = Pages(
                pool=self._pool, client=self._client, renderer=self._renderer, connector=number, stream=stream,
                keeping=Keeping.of(self._integration, stream), clock=self._clock,
            )  # fmt: skip
            part = StreamSync(
                pool=self._pool, client=self._client, connector=number, run=run, pages=pages, clock=self._clock,
                watch=self._watch, stop=self._stop, pause=self._pause,
            )  # fmt: skip
            try:
                await part.sync(state)
            except (PermissionMissing, VendorRefused, VendorChanged, RetryLater) as error:
                if isinstance(error, RetryLater) and not (_is_of_one_list(error) and run.failures >= GIVEN_UP_AFTER):
                    raise
                reason = explain_failure(stream, error)
                log.warning("stream failed", reason=reason)
                told.fail(type(error).__name__)
                await part.fail(reason)
                await self._open_issue(error, reason, stream=stream.name)
                others = [kind for kind in OF_STREAMS if kind != find_kind(error)]
                await issues.resolve_issues(self._pool, number, others, self._clock.now(), stream=stream.name)
                self._report.errors[stream.name] = reason
            else:
                await self._settle_issues(stream.name, aside=pages.has_quarantine)
                log.debug("stream read", rows=part.counts.read, requests=part.counts.requests)
            finally:
                self._counts[stream.name] = part.counts

    async def _settle_issues(self, stream: str, *, aside: bool) -> None:
        """A stream was read well: what is left to tell of is rows that are set aside."""
        number, now = self._connector.number, self._clock.now()
        await issues.resolve_issues(self._pool, number, OF_STREAMS, now, stream=stream)
        rows_aside = await streams.count_quarantine(self._pool, number, stream) if aside else 0
        if rows_aside:
            message = f"{rows_aside:,} rows of {stream} do not map and are set aside"
            await issues.open_issue(self._pool, number, Kind.ROWS_SET_ASIDE, message, now, stream=stream)
        else:
            await issues.resolve_issues(self._pool, number, [Kind.ROWS_SET_ASIDE], now, stream=stream)

    async def _find_window(self, stream: Stream) -> datetime | None:
        """Where an incremental read starts: the start of the last good one, less the overlap. None: read it whole.

        A stream is read whole once more when one it joins was first read after it: every record may show its rows now.
        """
        if self._run.is_full or stream.changed_since is None:
            return None
        number = self._connector.number
        last: datetime | None = await self._pool.fetchval(runs.FIND_LAST_READ, number, stream.name)
        if last is None or last > self._clock.now():  # our clock was put back: nobody knows since when
            return None
        joined = await runs.find_first_reads(self._pool, number, {join.stream for join in stream.joins})
        return None if any(first > last for first in joined.values()) else last - stream.overlap


def _is_of_one_list(problem: UnihireError) -> bool:
    """Whether a problem that passes by itself may be that of one list alone, while others can be asked."""
    return isinstance(problem, RetryLater) and not isinstance(problem, BudgetSpent | BudgetUnknown | NoToken)


def _choose(one: UnihireError | None, other: UnihireError) -> UnihireError:
    """Which of two problems a run ends with: being asked to end, else the whole vendor's, else what lasts longer."""
    if one is None or isinstance(other, Stopped):
        return other
    if isinstance(one, Stopped):
        return one
    if _is_of_one_list(one) != _is_of_one_list(other):
        return other if _is_of_one_list(one) else one
    after = [error.after or 0.0 for error in (one, other) if isinstance(error, RetryLater)]
    return one if after[0] >= after[-1] else other


def explain_failure(stream: Stream, error: Exception) -> str:
    """Why a stream could not be read, in the customer's words where a permission is missing."""
    if isinstance(error, PermissionMissing) and stream.permission:
        return f"the credentials lack {stream.permission}"
    return str(error)
