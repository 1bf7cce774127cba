"""A sync run of one connector: its streams side by side, in the order they need, resumable, at most one at a time."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

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
    VendorError,
    VendorRefused,
)
from unihire.integration.declare import Integration, Stream
from unihire.integration.model_streams import find_streams
from unihire.kit.logs import get_logger
from unihire.outbound.budget_store import BudgetUnavailable
from unihire.outbound.client import VendorClient
from unihire.store import Pool, issues, streams
from unihire.store.accounts.tenancy import Connector, set_status
from unihire.store.database import read_clock
from unihire.store.events.notices import add_notices
from unihire.store.outages import is_outage
from unihire.store.work import runs, schedules
from unihire.store.work.runs import Run
from unihire.sync.asking import ask_run
from unihire.sync.deferring import MOST_FAULTS, defer_run, explain_fault, is_away, plan_deferral
from unihire.sync.deleted_feeds import delete_told
from unihire.sync.details import explain_lacking
from unihire.sync.fast_runs import lock_before_fast
from unihire.sync.fetching import find_lead
from unihire.sync.issues import (
    OF_CONNECTORS,
    IssueKind,
    ask_for_relink,
    find_kind,
    open_failure,
    update_detail_issues,
    update_issues,
)
from unihire.sync.joining import RowStorage
from unihire.sync.pages import Counts, Pages
from unihire.sync.rendering import Renderer, model_numbers
from unihire.sync.streaming import StreamSync
from unihire.sync.telemetry import watch_run, watch_stream

log = get_logger()

STREAMS_AT_ONCE = 4
"""Streams of one run that are read at once."""

AWAY_AFTER = 3
"""So many lists in a row that do not answer, and it is the vendor that does not: no further stream is begun."""

FAULT_PAUSES = (2.0, 8.0)
"""Seconds before a stream is tried again whose sync ended by what our own code did not foresee."""

GIVEN_UP_AFTER = 8
"""So often in a row a run is deferred over lists that do not answer, an hour in all. Then they end with that as reason,
so that the others are not delayed."""


@dataclass(slots=True)
class Report:
    """What a run did: `status` is done, partial (some streams failed, or lack a part of their rows) or failed (all).

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
    watch: Callable[[Counts], None] = lambda counts: None,
    stop: asyncio.Event | None = None,
) -> Report:
    """Bring a connector's records up to date; `full` reads every list whole, `models` only the lists they are made of.

    An unfinished run is resumed, from its last committed page, also one that is deferred. A stream the vendor
    refuses ends with its reason and the others go on. Raises Busy while another run of the connector is under way,
    ConfigError where it is paused, RetryLater when the vendor cannot answer now (the run is deferred), Stopped when
    asked to end (both leave the run to be resumed), and ReauthorizeNeeded when the credentials are refused (the
    run is over and the connector needs a relink).
    """
    busy = f"connector {connector.id} is being synced already"
    names = None if models is None else find_streams(integration, models)
    if (await schedules.get_schedule(pool, connector.number)).is_paused:
        raise ConfigError(f"connector {connector.id} is paused: resume it first")
    async with lock_before_fast(pool, connector.number, otherwise=busy):
        async with pool.acquire() as connection, connection.transaction():
            asked = await ask_run(connection, connector, full=full, streams=names)
            await add_notices(connection, connector.number, asked.happened)
        run = await runs.take_run(pool, connector.number, version=connector.credentials_version)
        if run is None:
            raise Stopped("the run was cancelled before it began")
        has_moved = False

        def note(counts: Counts) -> None:
            nonlocal has_moved
            has_moved = True
            watch(counts)

        try:
            return await work_on_run(pool, connector, integration, client, run, watch=note, stop=stop)
        except (Stopped, ReauthorizeNeeded):
            raise
        except Exception as error:
            if not is_away(error):
                await defer_run(pool, connector, run, plan_deferral(error, run.failures, has_moved=has_moved))
            raise


async def work_on_run(
    pool: Pool,
    connector: Connector,
    integration: Integration,
    client: VendorClient,
    run: Run,
    *,
    watch: Callable[[Counts], None] = lambda counts: None,
    stop: asyncio.Event | None = None,
) -> Report:
    """Take a run that was taken up to its end. Raises as `sync_connector`; call with the connector locked."""
    engine = _RunSync(pool, connector, integration, client, run, watch, stop or asyncio.Event())
    with watch_run(connector, run, client) as traced:
        report = await engine.work()
        traced.status = report.status
        return report


class _RunSync:
    """Works on one run."""

    def __init__(
        self,
        pool: Pool,
        connector: Connector,
        integration: Integration,
        client: VendorClient,
        run: Run,
        watch: Callable[[Counts], None],
        stop: asyncio.Event,
    ) -> None:
        self._pool = pool
        self._connector = connector
        self._integration = integration
        self._client = client
        self._run = run
        self._skew = timedelta()
        self._watch = watch
        self._stop = stop
        self._pause = asyncio.Event()
        self._reads: Mapping[str, asyncpg.Record] = {}
        self._first_reads: dict[str, datetime] = {}
        self._opened: dict[str, Mapping[str, Any]] = {}
        self._renderer = Renderer(connector.id, connector.number)
        self._streams = [stream for stream in integration.streams if run.streams is None or stream.name in run.streams]
        self._counts: dict[str, Counts] = {}
        self._lacking: set[str] = set()  # the streams that were read, without what their rows need a permission for
        self._report = Report(run.id, run.number, run.is_full, run.is_resumed)

    async def work(self) -> Report:
        run, report = self._run, self._report
        say = log.debug if run.is_fast else log.info
        say("sync run", number=run.number, full=run.is_full, resumed=run.is_resumed)
        now = await read_clock(self._pool)
        self._skew = now - self._client.clock.now()
        self._reads = await runs.list_reads(self._pool, self._connector.number)
        self._first_reads = {name: row["first_read_at"] for name, row in self._reads.items()}
        if not run.is_full and run.streams is None:
            self._streams = [stream for stream in self._streams if self._is_due(stream, now)]
        if run.is_fast:  # where it would have to read a list whole, that waits for a run of the schedule
            self._streams = [stream for stream in self._streams if self._find_window(stream) is not None]
        self._opened = await runs.open_streams(self._pool, run, self._find_windows())
        try:
            async with self._client:
                await self._sync_streams()
        except ReauthorizeNeeded as error:
            await ask_for_relink(self._pool, self._connector, str(error))
            await self._finish("failed", str(error))
            log.warning("sync run ended", status="failed", reason=str(error))
            raise
        finally:
            report.requests, report.waited_seconds = self._client.calls, self._client.budget.waited
            report.streams = [self._counts[stream.name] for stream in self._streams if stream.name in self._counts]
        needed = {stream.name for stream in self._streams if not stream.is_optional}
        short = needed & report.errors.keys()
        failed = short - self._lacking
        report.status = "done" if not short else "failed" if failed == needed else "partial"
        await set_status(self._pool, self._connector, "COMPLETE")
        await self._resolve_issues(OF_CONNECTORS)
        await self._finish(report.status, None)  # last: what a crash leaves unreported, the next attempt reports
        say(
            "sync run ended", status=report.status, requests=report.requests, waited=round(report.waited_seconds, 1),
            rows=sum(part.read for part in report.streams), new=sum(part.added for part in report.streams),
            changed=sum(part.changed for part in report.streams), deleted=sum(part.deleted for part in report.streams),
            quarantined=sum(part.quarantined for part in report.streams),
            incomplete=sum(part.incomplete for part in report.streams),
        )  # fmt: skip
        return report

    async def _finish(self, status: str, error: str | None) -> None:
        await runs.finish_run(self._pool, self._run, status, error)

    async def _resolve_issues(self, kinds: Collection[IssueKind], *, stream: str = "") -> None:
        number, version = self._connector.number, self._connector.credentials_version
        await issues.resolve_issues(self._pool, number, kinds, stream=stream, version=version)

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
                    for stream in [one for one in waiting if not unended & _list_shown(one)]:
                        if len(under_way) < STREAMS_AT_ONCE:
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
        """The stream to its end, good or bad; what our own code did not foresee is tried a few times."""
        with watch_stream(self._integration.slug, stream.name) as traced:
            while True:
                state = self._opened.pop(stream.name, None) or await runs.open_stream(
                    self._pool, self._run, stream.name,
                    window_start=self._find_window(stream), models=model_numbers(stream),
                )  # fmt: skip
                if state["finished_at"] is not None:
                    self._counts[stream.name] = Counts.read_from(state)
                    if state["error"] is not None:
                        self._report.errors[stream.name] = state["error"]
                    return
                part, pages = self._open_part(stream)
                try:
                    last = self._reads.get(stream.name)
                    token = None if last is None else last["sync_token"]
                    if stream.deleted_feed is not None and (since := state["window_start"]) is not None:
                        await delete_told(
                            self._pool, self._connector, self._integration, self._client, stream,
                            since - find_lead(self._client, self._skew), self._client.clock.now(),
                        )  # fmt: skip
                    first_read_at = await part.sync(state, self._first_reads.keys(), token)
                except _OF_STREAM as error:
                    if not self._is_over(error):
                        raise
                    traced.fail(type(error).__name__)
                    await self._fail(part, stream, find_kind(error), explain_failure(stream, error))
                except UnihireError:
                    raise
                except Exception as error:
                    if is_outage(error):
                        raise
                    failures = await runs.note_fault(self._pool, self._run, stream.name)
                    log.exception("a stream failed by a fault of ours", failures=failures)
                    if failures < MOST_FAULTS:
                        await self._rest(FAULT_PAUSES[min(failures, len(FAULT_PAUSES)) - 1])
                        continue
                    traced.fail(type(error).__name__)
                    await self._fail(part, stream, IssueKind.FAULT, explain_fault(error))
                else:
                    if first_read_at is not None:
                        self._first_reads[stream.name] = first_read_at
                    connector, counted = self._connector, (0, 0)
                    if pages.has_quarantine:
                        counted = await streams.count_quarantine(self._pool, connector.number, stream.name)
                    wrong = part.counts.wrong_answers if state["is_tracking"] else None
                    if state["has_issues"] or any(counted) or wrong:
                        await update_issues(self._pool, connector, stream.name, quarantined=counted, wrong=wrong)
                    await self._note_access(stream, pages)
                    log.debug("stream read", rows=part.counts.read, requests=part.counts.requests)
                finally:
                    self._counts[stream.name] = part.counts
                return

    def _open_part(self, stream: Stream) -> tuple[StreamSync, Pages]:
        number = self._connector.number
        pages = Pages(
            pool=self._pool, client=self._client, renderer=self._renderer, connector=number, stream=stream,
            storage=RowStorage.of(self._integration, stream),
        )  # fmt: skip
        part = StreamSync(
            pool=self._pool, client=self._client, connector=number, run=self._run, pages=pages, skew=self._skew,
            watch=self._watch, stop=self._stop, pause=self._pause,
        )  # fmt: skip
        return part, pages

    def _is_over(self, error: VendorError) -> bool:
        """Whether a stream ends with the error, rather than to be resumed later."""
        return not isinstance(error, RetryLater) or (_is_of_one_list(error) and self._run.failures >= GIVEN_UP_AFTER)

    async def _fail(self, part: StreamSync, stream: Stream, kind: IssueKind, reason: str) -> None:
        """End the stream with the reason, and open the issue that it is."""
        log.warning("stream failed", reason=reason)
        await part.fail(reason)
        await open_failure(self._pool, self._connector, stream.name, kind, reason)
        self._report.errors[stream.name] = reason

    async def _note_access(self, stream: Stream, pages: Pages) -> None:
        """Report what was not read of a stream's rows for lack of a permission."""
        access = pages.access
        lacking = {name: explain_lacking(stream, name) for name in sorted(access.lacking)}
        if (reason := pages.explain_lacking()) is not None:
            log.warning("details of a stream are closed to the credentials", reason=reason)
            self._report.errors[stream.name] = reason
            self._lacking.add(stream.name)
        await update_detail_issues(self._pool, self._connector, stream.name, lacking, access.answered)

    async def _rest(self, seconds: float) -> None:
        """So long, unless the run is asked to end."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
            raise Stopped("the sync was asked to stop; the next one goes on from here")

    def _is_due(self, stream: Stream, now: datetime) -> bool:
        """Whether a list that is not read in every run has not been read for long enough."""
        last = self._reads.get(stream.name)
        if stream.every is None or last is None or not last["is_past"]:
            return True
        found: bool = last["last_read_at"] + stream.every <= now
        return found

    def _find_windows(self) -> dict[str, datetime]:
        """Where the incremental reads start of which that is known at the run's beginning."""
        return {
            stream.name: since
            for stream in self._streams
            if all(join.stream in self._first_reads for join in stream.joins) and (since := self._find_window(stream))
        }

    def _find_window(self, stream: Stream) -> datetime | None:
        """Where an incremental read starts: the start of the last good one, less the overlap. None: read it whole.

        A stream is read whole once more when one it joins was first read after it was: every record may show its rows
        now. Both go by the database's clock: what the vendor's says of two runs need not be in their order.
        """
        if self._run.is_full or not stream.is_incremental:
            return None
        last = self._reads.get(stream.name)
        if last is None or not last["is_past"] or last["last_whole_at"] is None:
            return None
        if stream.sync_param is not None and last["sync_token"] is None:
            return None
        joined = [self._first_reads[join.stream] for join in stream.joins if join.stream in self._first_reads]
        if any(first > last["last_whole_at"] for first in joined):
            return None
        since: datetime = last["last_read_at"] - stream.overlap
        return since


_OF_STREAM = (PermissionMissing, VendorRefused, VendorChanged, RetryLater)
"""What the vendor may say of one list."""


def _list_shown(stream: Stream) -> set[str]:
    """The other streams whose rows its records show."""
    return {join.stream for join in stream.joins} - {stream.name}


def _is_of_one_list(problem: UnihireError) -> bool:
    """Whether a problem that passes by itself may be that of one list alone, while others can be asked."""
    return isinstance(problem, RetryLater) and not isinstance(problem, BudgetSpent | BudgetUnavailable | NoToken)


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
