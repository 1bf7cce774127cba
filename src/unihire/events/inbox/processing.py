"""Touched rows read again: connector by connector, what waits together in few calls, within the vendor's budget.

Any number of processors, in any number of processes, share the work. What one was at when it died is taken up by
another within seconds, and read again: a touch is forgotten only when its row was read.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog

from unihire.errors import (
    ConfigError,
    CredentialsReplaced,
    ReauthorizeNeeded,
    RetryLater,
    Stopped,
    VendorError,
)
from unihire.integration.registry import get_integration
from unihire.kit.logs import get_logger
from unihire.kit.metrics import HOOK_SECONDS
from unihire.kit.urgency import be_urgent
from unihire.outbound.client import VendorClient
from unihire.outbound.tally import TALLY, Tally
from unihire.platform.clients import Clients
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector, get_numbered
from unihire.store.events import inbox
from unihire.store.events.inbox import INBOX_CHANNEL, LONGEST_PAUSE, Claim, Deferred, WaitingTouch
from unihire.store.outages import is_outage, work_through_outages
from unihire.store.work.schedules import get_schedule
from unihire.sync.issues import ask_for_relink
from unihire.sync.rows_by_id import Reread, Touched, sync_touched_rows

log = get_logger()

MOST_AT_ONCE = (1_000, 100, 10, 1)
"""Touches that are read together, fewer after each failure in a row: so one that cannot be read is found."""

AGAIN_AFTER = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 300))
"""When a row is asked for again that is not as was said: what a vendor has done may not show at once."""

BETWEEN = timedelta(seconds=0.1)
"""Between two readings of one connector: what comes meanwhile is read together."""

RECONNECT_SECONDS = 1.0

LONGEST_BETWEEN = timedelta(seconds=10)

FAILED_PAUSE = timedelta(seconds=5)
"""Before a connector is tried again, doubled with each failure in a row."""

RESTING_PAUSE = timedelta(minutes=1)
"""Before a connector is looked at again that is paused, or whose credentials are refused."""

SUSPECT = len(AGAIN_AFTER) + 1
"""Tries of a touch that failed alone: from then on it is read alone, so that it keeps no others waiting."""

MOST_TRIES = SUSPECT + 8
"""So often a touch is tried that fails alone by what it is about; then the next complete read finds that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxPace:
    """How often a processor does what, in seconds: it claims connectors for a `lease`, renews the claims every
    `heartbeat`, and looks for others that are due every `poll`; of new touches it is notified."""

    lease: float = 20.0
    heartbeat: float = 5.0
    poll: float = 5.0


@dataclass(slots=True)
class _ReadInterval:
    """Pause between two reads of a connector: longer where it had to wait for the vendor's budget."""

    between: timedelta = BETWEEN

    def note(self, *, has_waited: bool) -> timedelta:
        self.between = min(2 * self.between, LONGEST_BETWEEN) if has_waited else max(0.8 * self.between, BETWEEN)
        return self.between


class Processor:
    """Reads what was touched, of `slots` connectors at once. `open_client` opens a connector's client."""

    def __init__(
        self,
        pool: Pool,
        open_client: Callable[[Connector], VendorClient],
        *,
        slots: int,
        pace: InboxPace | None = None,
    ) -> None:
        self._pool = pool
        self._clients = Clients(open_client)
        self._slots = slots
        self._pace = pace or InboxPace()
        self._lease = timedelta(seconds=self._pace.lease)
        self._ending = asyncio.Event()
        self._wake = asyncio.Event()
        self._under_way: dict[asyncio.Task[None], Claim] = {}
        self._read_intervals: dict[int, _ReadInterval] = {}

    def stop(self) -> None:
        """Take nothing up any more; what is under way is given back."""
        self._ending.set()
        self._wake.set()

    async def run(self) -> None:
        """Work until `stop`, or until cancelled; survives a database that goes away and comes back."""
        renewing = asyncio.create_task(self._renew_claims())
        try:
            await work_through_outages(self._work_while_connected, self._ending, name="inbox", pause=RECONNECT_SECONDS)
        finally:
            renewing.cancel()
            await self._give_back()
            await asyncio.gather(renewing, return_exceptions=True)
            await self._clients.close()

    async def _give_back(self) -> None:
        """End what is under way, and let others take it up."""
        claims = list(self._under_way.values())
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        if claims:
            try:
                async with asyncio.timeout(2):
                    await inbox.release_inboxes(self._pool, claims)
            except Exception as error:
                if not is_outage(error):
                    raise
                log.warning("what was under way in the inbox is taken up later", error=type(error).__name__)

    async def _work_while_connected(self) -> None:
        """Take connectors up as they are due, until the connection that is notified is gone."""
        closed = asyncio.Event()

        def wake(*_: object) -> None:
            self._wake.set()

        def end(*_: object) -> None:
            closed.set()
            self._wake.set()

        async with self._pool.acquire() as connection:
            connection.add_termination_listener(end)
            await connection.add_listener(INBOX_CHANNEL, wake)
            try:
                while not (self._ending.is_set() or closed.is_set()):
                    self._wake.clear()
                    await self._take_up()
                    await self._rest()
            finally:
                connection.terminate()  # it listens, so it must not go back to the pool

    async def _take_up(self) -> None:
        room = self._slots - len(self._under_way)
        for claim in await inbox.claim_inboxes(self._pool, room, self._lease) if room else ():
            task = asyncio.create_task(self._work_on(claim))
            self._under_way[task] = claim
            task.add_done_callback(self._end)

    def _end(self, task: "asyncio.Task[None]") -> None:
        del self._under_way[task]
        self._wake.set()

    async def _rest(self) -> None:
        """Wait until something is due, a slot is free, or we are notified."""
        seconds = self._pace.poll
        if len(self._under_way) < self._slots:
            due = await inbox.find_next_due(self._pool)
            seconds = seconds if due is None else min(max(due, 0.01), seconds)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)

    async def _renew_claims(self) -> None:
        """Have what is under way for longer, as long as it is."""
        while True:
            await asyncio.sleep(self._pace.heartbeat)
            try:
                await inbox.hold_inboxes(self._pool, list(self._under_way.values()), self._lease)
            except Exception as error:
                if not is_outage(error):
                    log.exception("the inbox could not renew its claims")

    async def _work_on(self, claim: Claim) -> None:
        """Read what is due of one connector, and release it."""
        try:
            pause, failures = await self._guard(claim)
            await inbox.finish_claim(self._pool, claim, pause=pause, failures=failures)
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("the inbox lost the database", number=claim.connector, error=type(error).__name__)

    async def _guard(self, claim: Claim) -> tuple[timedelta, int]:
        """Read what is due; the pause before the next read, and how often it has failed in a row."""
        connector = await get_numbered(self._pool, claim.connector)
        if connector is None:
            return RESTING_PAUSE, 0
        if connector.status != "COMPLETE" or (await get_schedule(self._pool, connector.number)).is_paused:
            return RESTING_PAUSE, claim.failures
        with structlog.contextvars.bound_contextvars(connector=str(connector.id)):
            try:
                return await self._read(connector, claim)
            except CredentialsReplaced:
                return BETWEEN, 0
            except Stopped:  # it was removed
                return RESTING_PAUSE, 0
            except ReauthorizeNeeded as error:
                await self._clients.forget(connector.id)
                await ask_for_relink(self._pool, connector, str(error))
                return RESTING_PAUSE, claim.failures
            except RetryLater as error:
                if error.after is not None:
                    self._get_read_interval(connector).note(has_waited=True)
                    return _bound(error.after), claim.failures
                raise

    async def _read(self, connector: Connector, claim: Claim) -> tuple[timedelta, int]:
        """Read what is due, and forget it. As `_guard`; raises where nobody can ask for the connector now."""
        tally = Tally()
        TALLY.set(tally)
        most = MOST_AT_ONCE[min(claim.failures, len(MOST_AT_ONCE) - 1)]
        touches = await inbox.list_touches(self._pool, connector.number, most)
        if touches and touches[0].tries >= SUSPECT:
            touches = touches[:1]
        touches = [touch for touch in touches if touch.tries < SUSPECT or len(touches) == 1]
        try:
            if touches:
                with be_urgent():
                    await self._sync(connector, touches)
        except (CredentialsReplaced, Stopped, ReauthorizeNeeded):
            raise
        except Exception as error:
            if is_outage(error) or (isinstance(error, RetryLater) and error.after is not None):
                raise
            _log_failure(error)
            return await self._fail(claim, touches, can_pass=isinstance(error, RetryLater))
        log.debug("touched rows were read again", rows=len(touches), calls=tally.calls)
        return self._get_read_interval(connector).note(has_waited=tally.waited > 0), 0

    def _get_read_interval(self, connector: Connector) -> _ReadInterval:
        return self._read_intervals.setdefault(connector.number, _ReadInterval())

    async def _sync(self, connector: Connector, touches: Sequence[WaitingTouch]) -> None:
        started_at, integration = time.monotonic(), get_integration(connector.integration)
        async with self._clients.use(connector) as client:
            reread = await sync_touched_rows(self._pool, connector, integration, client, _group(touches))
        done, deferred = _judge(touches, reread)
        await inbox.finish_touches(self._pool, connector.number, done=done, deferred=deferred)
        took = time.monotonic() - started_at
        for touch in done:
            HOOK_SECONDS.labels(connector.integration).observe(touch.age.total_seconds() + took)

    async def _fail(self, claim: Claim, touches: Sequence[WaitingTouch], *, can_pass: bool) -> tuple[timedelta, int]:
        """Try again later, with fewer; one that failed alone lets the others go first.

        `can_pass`: the vendor gives no good answer now, whatever it is asked.
        """
        pause = min(FAILED_PAUSE * 2 ** min(claim.failures, 10), LONGEST_PAUSE)
        if len(touches) > 1:
            return pause, claim.failures + 1
        (touch,) = touches
        tries = max(touch.tries + 1, SUSPECT)
        if tries >= MOST_TRIES and not can_pass:
            log.error("a touched row cannot be read, and is left to the next complete read", stream=touch.stream)
            await inbox.finish_touches(self._pool, claim.connector, done=[touch])
        else:
            after = min(FAILED_PAUSE * 4 ** (tries - SUSPECT), LONGEST_PAUSE)
            later = Deferred(touch, after, min(tries, MOST_TRIES))
            await inbox.finish_touches(self._pool, claim.connector, deferred=[later])
        return (pause, claim.failures + 1) if can_pass else (BETWEEN, claim.failures)


def _bound(seconds: float) -> timedelta:
    """The pause for a connector whose vendor asked for one."""
    longest = LONGEST_PAUSE.total_seconds()
    return timedelta(seconds=min(max(seconds, BETWEEN.total_seconds()), longest))


def _log_failure(error: Exception) -> None:
    if isinstance(error, VendorError | ConfigError):
        log.warning("touched rows cannot be read", reason=str(error))
    else:
        log.error("touched rows cannot be read, by a fault of ours", exc_info=error)


def _group(touches: Sequence[WaitingTouch]) -> dict[str, Touched]:
    """Touches by stream."""
    ids: dict[str, list[str]] = {}
    wide: dict[str, list[str]] = {}
    of: dict[str, dict[str, list[str]]] = {}
    for touch in touches:
        if touch.member:
            of.setdefault(touch.stream, {}).setdefault(touch.member, []).append(touch.value)
        else:
            ids.setdefault(touch.stream, []).append(touch.value)
        if touch.is_wide:
            wide.setdefault(touch.stream, []).append(touch.value)
    return {
        name: Touched(ids.get(name, []), of.get(name, {}), wide.get(name, [])) for name in dict.fromkeys((*ids, *of))
    }


def _judge(touches: Sequence[WaitingTouch], reread: Reread) -> tuple[list[WaitingTouch], list[Deferred]]:
    """Which touches are done with, and which are asked for again: the row is there and was said to be gone, or the
    reverse."""
    done: list[WaitingTouch] = []
    deferred: list[Deferred] = []
    for touch in touches:
        is_missing = touch.value in reread.missing.get(touch.stream, ())
        is_known = not touch.member and touch.value not in reread.unknown.get(touch.stream, ())
        if is_known and is_missing != touch.is_gone and touch.tries < len(AGAIN_AFTER):
            deferred.append(Deferred(touch, AGAIN_AFTER[touch.tries], touch.tries + 1))
        else:
            done.append(touch)
    return done, deferred
