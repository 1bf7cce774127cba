"""What workers do besides syncing: every few seconds, and what concerns all of them one at a time."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import asyncpg

from unihire.errors import ReauthorizeNeeded, VendorError
from unihire.kit.logs import get_logger
from unihire.outbound.client import VendorClient
from unihire.store import Connection, Pool
from unihire.store.accounts import grants
from unihire.store.accounts.tenancy import Connector, get_numbered
from unihire.store.retention import Retention, delete_expired
from unihire.store.work import jobs, runs, schedules
from unihire.store.work.fast_schedules import MEND_FAST, FastSchedule
from unihire.sync.fast_runs import ROUNDS, ask_for_fast
from unihire.sync.issues import ask_for_relink
from unihire.sync.refiling import refile_some

log = get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often a worker does what, in seconds.

    It gives a sign of life every `heartbeat`, and is dead for others once it has been `silent` for so long. Every
    `poll` it looks for jobs whose time has come; of those that may start at once it is notified. A run may keep its
    place for a `slice` while others wait for one, and then continues after them. One that finds its connector taken
    comes again after `busy`.
    """

    heartbeat: float = 5.0
    silent: float = 20.0
    chores: float = 5.0
    poll: float = 1.0
    slice: float = 20.0
    busy: float = 5.0


PACE = Pace()

STUCK_FOR = timedelta(seconds=30)
"""A session whose statement waits for its own process for so long is ended."""

LOCK_MILLISECONDS = "500"
"""How long a chore waits for a connector that somebody writes to; it is looked after the next time."""

DUE_AT_ONCE = 50
"""Connectors whose runs are asked for in one go."""

RENEW_AFTER = timedelta(hours=8)
"""How old the grant of a partner may get: refresh tokens that nobody uses end, the shortest known after 24 hours."""

RENEW_AT_ONCE = 20
RENEW_AGAIN_AFTER = timedelta(minutes=5)
"""When a grant that could not be renewed is tried again."""

REFILING_SHARE = 0.1
"""Of a worker's time between chores, while filter keys of an earlier version are rebuilt."""

# How long a statement may wait for a lock, until the transaction ends.
LIMIT_LOCKS = "SELECT set_config('lock_timeout', $1, true)"


@asynccontextmanager
async def _be_alone(pool: Pool) -> AsyncIterator[Connection | None]:
    """A transaction in which nobody else does chores; None where another process does them."""
    async with pool.acquire() as connection, connection.transaction():
        yield connection if await connection.fetchval(jobs.TRY_CHORE, jobs.CHORE_LOCK) else None


async def drop_dead(pool: Pool, pace: Pace) -> None:
    """Release what workers that are gone were at."""
    async with _be_alone(pool) as connection:
        if connection is None:
            return
        await connection.execute(jobs.END_STUCK_SESSIONS, STUCK_FOR)
        if dropped := await jobs.drop_dead_jobs(connection, timedelta(seconds=pace.silent)):
            log.warning("a worker is gone; others go on with what it was at", jobs=dropped)


async def ask_for_orphaned(pool: Pool, pace: Pace) -> None:
    """Give each run that nobody would go on with a job."""
    async with _be_alone(pool) as connection:
        if connection is None:
            return
        await connection.execute(LIMIT_LOCKS, LOCK_MILLISECONDS)
        for number, after in await jobs.list_orphaned(connection):
            try:
                async with connection.transaction():
                    await jobs.defer_sync(connection, number, after)
            except asyncpg.LockNotAvailableError:
                log.info("a connector is written to; its run gets a job later", number=number)


async def correct_due_times(pool: Pool, pace: Pace) -> None:
    """Bring forward what is due later than can be: the clock was wrong when that was worked out."""
    async with _be_alone(pool) as connection:
        if connection is None:
            return
        await connection.execute(MEND_FAST, DUE_AT_ONCE)
        if corrected := await schedules.bring_forward(connection, DUE_AT_ONCE):
            log.warning("schedules were due later than they allow; they are brought forward", connectors=corrected)
        if corrected := await jobs.bring_forward(connection):
            log.warning("runs were deferred for longer than can be; they are brought forward", runs=corrected)


async def ask_for_due(pool: Pool, pace: Pace) -> None:
    """Ask for the runs that are due."""
    async with _be_alone(pool) as connection:
        if connection is None:
            return
        for due in await schedules.list_due(connection, DUE_AT_ONCE):
            asked = await runs.ask_run(connection, due.number, full=due.is_full, is_scheduled=True)
            if asked.is_new:  # one that is deferred waits for its moment
                await jobs.defer_sync(connection, due.number)


async def ask_for_fast_due(pool: Pool, pace: Pace, by_setting: FastSchedule | None = None) -> None:
    """Ask for the fast runs that are due."""
    for _ in range(ROUNDS):
        async with _be_alone(pool) as connection:
            if connection is None or not await ask_for_fast(connection, by_setting or FastSchedule()):
                return


async def expire_history(pool: Pool, pace: Pace, retention: Retention | None = None) -> None:
    """Delete history that has expired."""
    async with _be_alone(pool) as connection:
        if connection is not None:
            await delete_expired(connection, pool, retention or Retention())


async def rebuild_keys(pool: Pool, pace: Pace) -> None:
    """Bring filter keys of earlier versions under the form of now."""
    async with _be_alone(pool) as connection:
        if connection is not None:
            await refile_some(pool, REFILING_SHARE * pace.chores)


def list_common(retention: Retention, fast: FastSchedule) -> list[Callable[[Pool, Pace], Awaitable[None]]]:
    """What one worker does for all, in order."""
    read_fast = partial(ask_for_fast_due, by_setting=fast)
    cut = partial(expire_history, retention=retention)
    return [drop_dead, correct_due_times, ask_for_orphaned, ask_for_due, read_fast, cut, rebuild_keys]


class Renewing:
    """Renews the grants of partners before they end, a few at once; no vendor keeps the others waiting."""

    def __init__(self, pool: Pool, open_client: Callable[[Connector], VendorClient]) -> None:
        self._pool = pool
        self._open_client = open_client
        self._not_before: dict[int, float] = {}  # by time.monotonic()
        self._under_way: dict[int, asyncio.Task[None]] = {}

    async def renew_old(self) -> None:
        """Begin to renew what is old; it is done some time after this has returned."""
        now = time.monotonic()
        self._not_before = {number: moment for number, moment in self._not_before.items() if moment > now}
        apart = [*self._not_before, *self._under_way]
        room = RENEW_AT_ONCE - len(self._under_way)
        for row in await self._pool.fetch(grants.LIST_OLD, RENEW_AFTER, room, apart):
            number = row["connector"]
            self._under_way[number] = asyncio.create_task(self._renew(number))

    async def end(self) -> None:
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def _renew(self, number: int) -> None:
        try:
            connector = await get_numbered(self._pool, number)
            if connector is not None and connector.status == "COMPLETE":
                await self._renew_of(connector)
        except VendorError as error:
            self._not_before[number] = time.monotonic() + RENEW_AGAIN_AFTER.total_seconds()
            log.warning("a grant could not be renewed yet", number=number, reason=str(error))
        except Exception:
            self._not_before[number] = time.monotonic() + RENEW_AGAIN_AFTER.total_seconds()
            log.exception("a grant could not be renewed", number=number)
        finally:
            self._under_way.pop(number, None)

    async def _renew_of(self, connector: Connector) -> None:
        try:
            async with self._open_client(connector) as client:
                await client.check()
        except ReauthorizeNeeded as error:
            await ask_for_relink(self._pool, connector, str(error))
