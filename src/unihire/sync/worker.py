"""The worker: takes connectors up as their jobs come, and works on several at once.

Any number of workers, in any number of processes and on any number of machines, work on one database. What a worker
was at when it died is taken up by another from the last committed page: at once where only the process died and another
job comes for the connector, else as soon as the worker has given no sign for a while.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus

import asyncpg
import procrastinate
import psycopg
import structlog
from procrastinate.exceptions import ConnectorException
from procrastinate.job_context import JobContext
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.worker import Worker as Library

from unihire.errors import BudgetSpent, Busy, ConfigError, ReauthorizeNeeded, RetryLater, Stopped
from unihire.integration.registry import get_integration
from unihire.kit.clock import Clock, SystemClock
from unihire.outbound.client import VendorClient
from unihire.outbound.keeping import BudgetUnknown
from unihire.store import Pool, issues, jobs, runs, schedules
from unihire.store.database import SESSION
from unihire.store.grants import LOST
from unihire.store.holds import hold_connector
from unihire.store.runs import Run, Superseded
from unihire.store.tenancy import Connector, get_numbered
from unihire.sync import chores
from unihire.sync.chores import Pace, Renewing
from unihire.sync.issues import find_kind
from unihire.sync.pages import Counts
from unihire.sync.run import work_on_run
from unihire.sync.upgrading import retry_aside
from unihire.sync.watching import watch_job

log = structlog.get_logger()

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(hours=1)
"""How long a run is put off after a failure, doubled with each further one in a row."""

ENDING_SECONDS = 3.0
"""How long runs may take to end after the page they are on, before they are cut off."""

RATE_LIMIT = "the vendor's rate limit"

SESSION_OPTIONS = " ".join(f"-c {name}={value}" for name, value in SESSION.items())

_DATABASE_AWAY = (
    *LOST,
    asyncpg.InsufficientResourcesError,  # no connection left, disk full
    asyncpg.DeadlockDetectedError,
    psycopg.Error,
    ConnectorException,
    BudgetUnknown,
)
"""The database cannot answer now, or one side of two had to give way: tried again within seconds."""


@dataclass(frozen=True, slots=True)
class Later:
    """When the connector is to be looked after again; nothing to wait for: at once, behind those that wait."""

    at: datetime | None = None


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
    have to wait long for the vendor's rate limit, so that the place is free for others meanwhile.
    """

    def __init__(
        self,
        pool: Pool,
        address: str,
        open_client: Callable[[Connector], VendorClient],
        *,
        slots: int,
        clock: Clock | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._pool = pool
        self._address = address
        self._open_client = open_client
        self._slots = slots
        self._clock = clock or SystemClock()
        self._pace = pace or chores.PACE
        self._ending = asyncio.Event()
        self._stops: set[asyncio.Event] = set()
        self._library: Library | None = None
        self._jobs: set[int] = set()  # under way, by id
        self._strays: set[int] = set()
        self._left: list[int] = []  # what we were called when the database went away

    async def run(self) -> None:
        """Work until `stop`, or until cancelled; survives a database that goes away and comes back."""
        busy = asyncio.create_task(self._do_chores())
        try:
            while not self._ending.is_set():
                try:
                    await self._work_while_connected()
                except _DATABASE_AWAY as error:
                    log.warning("the worker lost the database", error=type(error).__name__)
                except Exception:
                    log.exception("the worker stumbled")
                if not self._ending.is_set():
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._ending.wait(), self._pace.poll)
        finally:
            busy.cancel()
            await asyncio.gather(busy, return_exceptions=True)

    def stop(self) -> None:
        """Take nothing up any more; what is under way ends after the page it is on, to be gone on with by others."""
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
        renewing = Renewing(self._pool, self._open_client, self._clock)
        common = [partial(chore, self._pool, self._clock, self._pace) for chore in chores.COMMON]
        steps: list[Callable[[], Awaitable[None]]] = [self._drop_strays, *common, renewing.renew_old]
        try:
            while True:
                for step in steps:
                    try:
                        await step()
                    except _DATABASE_AWAY as error:
                        log.warning("chores are put off", error=type(error).__name__)
                        break
                    except Exception:
                        log.exception("a chore failed")
                await asyncio.sleep(self._pace.chores)
        finally:
            await renewing.end()

    async def _drop_strays(self) -> None:
        """Drop jobs that are ours by the list only, seen so twice: one that is just begun or ended looks like it."""
        if self._library is None or (worker := self._library.worker_id) is None:
            self._strays.clear()
            return
        rows = await self._pool.fetch(jobs.FIND_STRAY_JOBS, worker, list(self._jobs))
        found = {row["id"] for row in rows}
        if stray := found & self._strays - self._jobs:
            await self._pool.execute(jobs.DROP_STRAY_JOBS, worker, list(stray))
            log.warning("jobs that nobody works on were dropped", jobs=len(stray))
        self._strays = found - stray

    async def _look_after(self, context: JobContext, connector: int) -> None:
        """One job: go on with the connector's unfinished run, if it has one, and see that it is gone on with."""
        job = context.job.id
        assert job is not None
        self._jobs.add(job)
        try:
            known = await get_numbered(self._pool, connector)
            if known is None or (await schedules.get_schedule(self._pool, connector)).is_paused:
                return
            with watch_job(known):
                later = await self._work_on(known)
                if later is not None:
                    async with self._pool.acquire() as connection, connection.transaction():
                        await jobs.defer_sync(connection, connector, later.at)
        except _DATABASE_AWAY as error:  # the job ends here, and a chore makes the next one
            log.warning("a job lost the database", number=connector, error=type(error).__name__)
        finally:
            self._jobs.discard(job)

    async def _work_on(self, connector: Connector) -> Later | None:
        try:
            async with hold_connector(self._pool, connector.number, otherwise="taken"):
                await self._retry_aside(connector)
                run = await runs.take_run(self._pool, connector.number, self._clock.now())
                if run is None:
                    return None
                with structlog.contextvars.bound_contextvars(run=str(run.id)):
                    return await self._work_on_run(connector, run)
        except Busy:  # a sync or remap in the foreground; or one whose end the database has not noticed yet
            return Later(self._clock.now() + timedelta(seconds=self._pace.busy))

    async def _retry_aside(self, connector: Connector) -> None:
        """What cannot be tried again now keeps nothing from being synced."""
        try:
            await retry_aside(self._pool, connector)
        except _DATABASE_AWAY:
            raise
        except Exception:
            log.exception("rows set aside could not be tried again")

    async def _work_on_run(self, connector: Connector, run: Run) -> Later | None:
        has_moved = False

        def watch(counts: Counts) -> None:
            nonlocal has_moved
            has_moved = True

        try:
            async with self._bound_time() as stop:
                integration = get_integration(connector.integration)
                client = self._open_client(connector)
                await work_on_run(
                    self._pool, connector, integration, client, run, clock=self._clock, watch=watch, stop=stop
                )
        except (Superseded, ReauthorizeNeeded):
            return None
        except Stopped:
            return Later()
        except _DATABASE_AWAY:
            raise
        except Exception as error:
            if (after := find_rest(error)) is not None:
                failures = 0 if has_moved else run.failures
                return await self._put_off(run, timedelta(seconds=after), RATE_LIMIT, failures=failures)
            failures = 1 if has_moved else run.failures + 1
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures - 1, 10))
            if isinstance(error, RetryLater):
                pause = max(pause, timedelta(seconds=error.after or 0.0))
                reason = str(error)
            elif isinstance(error, ConfigError):
                log.warning("a run cannot be worked on", reason=str(error))
                reason = str(error)
            else:
                log.exception("a run failed by a fault of ours")
                reason = f"a fault of ours ({type(error).__name__})"
            kind = find_kind(error)
            await issues.open_issue(self._pool, connector.number, kind, reason, self._clock.now())
            return await self._put_off(run, pause, reason, failures=failures)
        return None

    async def _put_off(self, run: Run, pause: timedelta, reason: str, *, failures: int) -> Later:
        until = self._clock.now() + pause
        await self._pool.execute(runs.PUT_OFF_RUN, run.id, run.attempt, until, reason, failures)
        log.info("sync run put off", until=until.isoformat(), reason=reason)
        return Later(until)

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
            with suppress(*_DATABASE_AWAY):  # the run itself may not even notice
                if await jobs.has_waiting(self._pool):
                    stop.set()
            pause = self._pace.slice / 10


def find_rest(error: Exception) -> float | None:
    """Seconds until there are calls again, where an error says that there is none within the vendor's rate limit."""
    if not isinstance(error, RetryLater):
        return None
    is_limit = isinstance(error, BudgetSpent) or error.status == HTTPStatus.TOO_MANY_REQUESTS
    return error.after if is_limit else None


def calm_library_logs() -> None:
    """The library logs each job twice; our own lines tell more."""
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
