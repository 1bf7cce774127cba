"""The worker: takes connectors up as their jobs come, and works on several at once.

Any number of workers, in any number of processes and on any number of machines, work on one database. What a worker
was at when it died is taken up by another from the last committed page: at once where only the process died and another
job comes for the connector, else as soon as the worker has given no sign for a while.
"""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import procrastinate
import structlog
from procrastinate.exceptions import ConnectorException
from procrastinate.job_context import JobContext
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.worker import Worker as Library

from unihire.errors import Busy, ConfigError, CredentialsReplaced, ReauthorizeNeeded, RetryLater, Stopped
from unihire.integration.registry import get_integration
from unihire.kit.logs import get_logger
from unihire.outbound.client import VendorClient
from unihire.store import Pool, issues
from unihire.store.accounts.tenancy import Connector, get_numbered
from unihire.store.database import SESSION
from unihire.store.locks import lock_connector
from unihire.store.outages import is_disk_full, is_outage, work_through_outages
from unihire.store.retention import Retention
from unihire.store.work import jobs, runs, schedules
from unihire.store.work.fast_schedules import FastSchedule
from unihire.store.work.runs import Run, Superseded
from unihire.sync import chores
from unihire.sync.chores import Pace, Renewing
from unihire.sync.deferring import defer_run, explain_fault, is_away, plan_deferral
from unihire.sync.issues import IssueKind
from unihire.sync.pages import Counts
from unihire.sync.run import work_on_run
from unihire.sync.telemetry import watch_job
from unihire.sync.upgrading import retry_quarantined

log = get_logger()

AGAIN_AFTER = timedelta(minutes=1)
"""When a connector is looked after again whose job ended with what nobody foresaw."""

ENDING_SECONDS = 3.0
"""How long runs may take to end after the page they are on, before they are cut off."""

SESSION_OPTIONS = " ".join(f"-c {name}={value}" for name, value in SESSION.items())


@dataclass(frozen=True, slots=True)
class Later:
    """How long after now the connector is to be looked after again; None: at once, after those that wait."""

    after: timedelta | None = None


class _Jobs(JobManager):
    """Jobs that end even if that cannot be noted: what is left of them, chores drop."""

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        try:
            await super().finish_job(job, status, delete_job)
        except ConnectorException:
            log.warning("the end of a job could not be noted", job=job.id)


class Worker:
    """Runs the jobs of one process, `slots` at once.

    `open_client` opens a connector's client for work in the background: it gives up, with BudgetSpent, where it would
    have to wait long for the vendor's rate limit, so that the place is free for others meanwhile. `fast` is what
    the settings say of fast runs.
    """

    def __init__(
        self,
        pool: Pool,
        address: str,
        open_client: Callable[[Connector], VendorClient],
        *,
        slots: int,
        pace: Pace | None = None,
        retention: Retention | None = None,
        fast: FastSchedule | None = None,
    ) -> None:
        self._pool = pool
        self._address = address
        self._open_client = open_client
        self._slots = slots
        self._pace = pace or chores.PACE
        self._retention = retention or Retention()
        self._fast = fast or FastSchedule()
        self._ending = asyncio.Event()
        self._stops: set[asyncio.Event] = set()
        self._library: Library | None = None
        self._jobs: set[int] = set()  # under way, by id
        self._unknown_jobs: set[int] = set()
        self._left: list[int] = []  # what we were called when the database went away

    async def run(self) -> None:
        """Work until `stop`, or until cancelled; survives a database that goes away and comes back."""
        busy = asyncio.create_task(self._do_chores())
        try:
            await work_through_outages(self._work_while_connected, self._ending, name="worker", pause=self._pace.poll)
        finally:
            busy.cancel()
            await asyncio.gather(busy, return_exceptions=True)

    def stop(self) -> None:
        """Take nothing up any more; what is under way ends after the page it is on, to be resumed by others."""
        self._ending.set()
        for stop in self._stops:
            stop.set()

    async def _work_while_connected(self) -> None:
        """Run procrastinate's worker until it ends: when asked to, or when its database is gone."""
        await self._pool.execute(jobs.DROP_WORKERS, self._left)  # fails at once where the database is still away
        self._left.clear()
        pace = self._pace
        queue = procrastinate.App(
            connector=procrastinate.PsycopgConnector(
                conninfo=self._address, kwargs={"options": SESSION_OPTIONS}, min_size=1, max_size=3, timeout=5
            )
        )
        queue.job_manager = _Jobs(queue.connector)
        queue.task(name=jobs.TASK, queue=jobs.QUEUE, pass_context=True)(self._look_after)
        async with queue.open_async():
            library = self._library = Library(
                queue,
                queues=[jobs.QUEUE],
                concurrency=self._slots,
                fetch_job_polling_interval=pace.poll,
                update_heartbeat_interval=pace.heartbeat,
                stalled_worker_timeout=pace.silent,
                shutdown_graceful_timeout=ENDING_SECONDS,
                delete_jobs="always",
                install_signal_handlers=False,
            )
            working = asyncio.create_task(library.run())  # type: ignore[no-untyped-call]
            ending = asyncio.create_task(self._ending.wait())
            try:
                await asyncio.wait({working, ending}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                ending.cancel()
                for stop in self._stops:
                    stop.set()
                working.cancel()
                try:
                    with suppress(asyncio.CancelledError):
                        await working
                finally:
                    self._library = None
                    if library.worker_id is not None:  # it could not sign off
                        self._left.append(library.worker_id)

    async def _do_chores(self) -> None:
        renewing = Renewing(self._pool, self._open_client)
        common = [partial(chore, self._pool, self._pace) for chore in chores.list_common(self._retention, self._fast)]
        steps: list[Callable[[], Awaitable[None]]] = [self._drop_unknown_jobs, *common, renewing.renew_old]
        try:
            while True:
                for step in steps:
                    try:
                        await step()
                    except Exception as error:
                        if is_disk_full(error):
                            log.error("the disk of the database is full: chores wait for room")
                        elif is_outage(error):
                            log.warning("chores wait for the database", error=type(error).__name__)
                        else:
                            log.exception("a chore failed")
                            continue
                        break
                await asyncio.sleep(self._pace.chores)
        finally:
            await renewing.end()

    async def _drop_unknown_jobs(self) -> None:
        """Drop jobs that are ours by the list only, seen so twice: one that is just begun or ended looks like it."""
        if self._library is None or (worker := self._library.worker_id) is None:
            self._unknown_jobs.clear()
            return
        rows = await self._pool.fetch(jobs.FIND_UNKNOWN_JOBS, worker, list(self._jobs))
        found = {row["id"] for row in rows}
        if unknown := found & self._unknown_jobs - self._jobs:
            await self._pool.execute(jobs.DROP_UNKNOWN_JOBS, worker, list(unknown))
            log.warning("jobs that nobody works on were dropped", jobs=len(unknown))
        self._unknown_jobs = found - unknown

    async def _look_after(self, context: JobContext, connector: int) -> None:
        """One job: go on with the connector's unfinished run, if it has one, and see that it is resumed."""
        job = context.job.id
        assert job is not None
        self._jobs.add(job)
        try:
            known = await get_numbered(self._pool, connector)
            if known is None or (await schedules.get_schedule(self._pool, connector)).is_paused:
                return
            with watch_job(known):
                later = await self._guard(known)
                if later is not None:
                    async with self._pool.acquire() as connection, connection.transaction():
                        await jobs.defer_sync(connection, connector, later.after)
        except Exception as error:
            if not (is_away(error) or is_disk_full(error)):
                raise
            # The job ends here, and a chore makes the next one.
            log.warning("a job lost the database", number=connector, error=type(error).__name__)
        finally:
            self._jobs.discard(job)

    async def _guard(self, connector: Connector) -> Later | None:
        """Work on the connector. What nobody foresaw is an issue, and no reason to try again at once."""
        try:
            return await self._work_on(connector)
        except Exception as error:
            if is_away(error) or is_disk_full(error):
                raise
            log.exception("a job failed by a fault of ours")
            version = connector.credentials_version
            await issues.open_issue(
                self._pool, connector.number, IssueKind.FAULT, explain_fault(error), version=version
            )
            return Later(AGAIN_AFTER)

    async def _work_on(self, connector: Connector) -> Later | None:
        try:
            async with lock_connector(self._pool, connector.number, otherwise="taken"):
                await self._retry_quarantined(connector)
                run = await runs.take_run(self._pool, connector.number, version=connector.credentials_version)
                if run is None:
                    wait = await runs.find_wait(self._pool, connector.number)
                    return None if wait is None else Later(wait)
                with structlog.contextvars.bound_contextvars(run=str(run.id)):
                    return await self._work_on_run(connector, run)
        except Busy:  # a sync or remap in the foreground; or one whose end the database has not noticed yet
            return Later(timedelta(seconds=self._pace.busy))

    async def _retry_quarantined(self, connector: Connector) -> None:
        """A failure here does not stop the sync."""
        try:
            await retry_quarantined(self._pool, connector)
        except Exception as error:
            if is_outage(error):
                raise
            log.exception("quarantined rows could not be tried again")

    async def _work_on_run(self, connector: Connector, run: Run) -> Later | None:
        has_moved = is_done = False

        def watch(counts: Counts) -> None:
            nonlocal has_moved
            has_moved = True

        try:
            async with self._bound_time() as stop:
                integration = get_integration(connector.integration)
                client = self._open_client(connector)
                report = await work_on_run(self._pool, connector, integration, client, run, watch=watch, stop=stop)
                is_done = report.status == "done"
        except (Superseded, ReauthorizeNeeded):
            return None
        except CredentialsReplaced:  # and the run cancelled; another is asked for with the new ones
            return Later()
        except Stopped:
            return Later()
        except Exception as error:
            if is_away(error):
                raise
            deferral = plan_deferral(error, run.failures, has_moved=has_moved)
            if isinstance(error, ConfigError):
                log.warning("a run cannot be worked on", reason=deferral.reason)
            elif not isinstance(error, RetryLater):
                log.error("a run failed", reason=deferral.reason, exc_info=not is_disk_full(error))
            after = await defer_run(self._pool, connector, run, deferral)
            return None if after is None else Later(after)
        finally:
            if not is_done:
                gc.collect()  # errors and their frames form cycles, which may keep an answer of megabytes alive
        return None

    @asynccontextmanager
    async def _bound_time(self) -> AsyncIterator[asyncio.Event]:
        """An event that is set when the run is to make room: the worker ends, or others have waited for long."""
        stop = asyncio.Event()
        self._stops.add(stop)
        if self._ending.is_set():
            stop.set()
        timing = asyncio.create_task(self._make_room(stop))
        try:
            yield stop
        finally:
            self._stops.discard(stop)
            timing.cancel()
            await asyncio.gather(timing, return_exceptions=True)

    async def _make_room(self, stop: asyncio.Event) -> None:
        pause = self._pace.slice
        while not stop.is_set():
            await asyncio.sleep(pause)
            try:
                if await jobs.has_waiting(self._pool):
                    stop.set()
            except Exception as error:  # the run itself may not even notice
                if not is_outage(error):
                    log.exception("nobody knows whether others wait")
            pause = self._pace.slice / 10


def calm_library_logs() -> None:
    """The library logs each job twice; our own lines have more."""
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
