"""The deliverer: claims lanes that are due and sends their messages, several at once.

Any number of deliverers, in any number of processes, work on one database. A lane is claimed by one of them at a time,
for a lease; after a crash of that one others claim it when the lease ends. A message that was sent without its lane
being moved is sent again under the same id.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import asyncpg

from unihire.events.deliveries.forms import DeliveryForms
from unihire.events.deliveries.known_endpoints import KnownEndpoint, plan_rooms, read_known_endpoints
from unihire.events.deliveries.lane_look import LaneLook
from unihire.events.deliveries.message_sender import TIMEOUT_SECONDS, MessageSender
from unihire.events.deliveries.messages import LaneStep
from unihire.events.deliveries.settling import Settling
from unihire.events.deliveries.verdicts import SUSPECT_AFTER
from unihire.kit.logs import get_logger
from unihire.kit.seal import Sealer
from unihire.outbound.addresses import AddressPolicy
from unihire.store import Pool
from unihire.store.connections import LOST
from unihire.store.events.endpoints import ENDPOINTS_CHANNEL
from unihire.store.events.lanes import LANES_CHANNEL, Lane, LaneSource, claim_lanes, open_unopened, release_lanes
from unihire.store.events.notices import Notice, list_notices
from unihire.store.outages import is_outage

log = get_logger()

SLOTS = 32
PER_ENDPOINT = 4
PER_HOST = 8
"""Messages that one process sends at once: in all, to one endpoint, and to the endpoints of one host."""

SLOW_AFTER = 0.3
SLOW_MESSAGES = 4
"""A message that was not answered for SLOW_AFTER seconds makes room for another one, so that endpoints that do not
answer delay no others. Per slot there are at most SLOW_MESSAGES of them."""

MESSAGES_AT_ONCE = 50
"""Messages of a lane, before it is released for others to have their turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPace:
    """How often a deliverer does what, in seconds.

    A claim lasts for a `lease`, which each message extends; a lane is worked on for a `slice`. Woken lanes are
    notified; every `poll` it looks for deferred ones that are due. Endpoints are read again every `reload`, in case a
    notification was lost. After an outage of the database or an internal fault it waits for a `rest`. When it is
    stopped, messages being sent have `ending`.
    """

    lease: float = 2 * TIMEOUT_SECONDS
    slice: float = 10.0
    poll: float = 1.0
    reload: float = 30.0
    rest: float = 1.0
    ending: float = 3.0


PACE = DeliveryPace()


class Deliverer:
    """Sends what is due, `slots` messages at once, until it is stopped."""

    def __init__(
        self,
        pool: Pool,
        sealer: Sealer,
        forms: DeliveryForms,
        policy: AddressPolicy,
        *,
        slots: int = SLOTS,
        pace: DeliveryPace = PACE,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self._pool = pool
        self._sealer = sealer
        self._forms = forms
        self._slots = slots
        self._pace = pace
        self._timeout = timeout
        self._sender = MessageSender(policy, timeout=timeout, per_host=PER_HOST)
        self._book: dict[UUID, KnownEndpoint] = {}
        self._read_at: float | None = None
        self._turn = 0
        self._ending = asyncio.Event()
        self._wake = asyncio.Event()
        self._working: dict[asyncio.Task[None], Lane] = {}
        self._slow: set[asyncio.Task[None]] = set()
        self._sent_at: dict[UUID, float] = {}

    async def run(self) -> None:
        """Deliver until `stop`, or until cancelled; survives a database that goes away and comes back."""
        listening = asyncio.create_task(self._listen())
        try:
            async with self._sender:
                try:
                    while not self._ending.is_set():
                        await self._look_around()
                finally:
                    await self._end()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    def stop(self) -> None:
        """Claim nothing any more. Messages being sent have a few seconds to end."""
        self._ending.set()
        self._wake.set()

    async def _look_around(self) -> None:
        """Claim what is due, or wait until something may be due."""
        self._wake.clear()
        pause = self._pace.poll
        try:
            if self._read_at is None or time.monotonic() - self._read_at > self._pace.reload:
                self._read_at = time.monotonic()
                self._book = await read_known_endpoints(self._pool, self._sealer, self._forms)
                await open_unopened(self._pool)
            if await self._claim():
                return
        except Exception as error:
            pause = self._pace.rest
            self._read_at = None
            if is_outage(error):
                log.warning("deliveries wait for the database", error=type(error).__name__)
            else:
                log.exception("lanes could not be claimed")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), pause)

    async def _claim(self) -> bool:
        """Claim lanes that are due and begin to work on them; returns whether there were any."""
        free = min(self._slots + len(self._slow), (1 + SLOW_MESSAGES) * self._slots) - len(self._working)
        under_way = Counter(lane.endpoint for lane in self._working.values())
        ids = list(self._book)
        self._turn = (self._turn + 1) % max(1, len(ids))
        order = [*ids[self._turn :], *ids[: self._turn]]
        rooms = plan_rooms(self._book, order, under_way, per_endpoint=PER_ENDPOINT, per_host=PER_HOST)
        if free <= 0 or not rooms:
            return False
        lease = timedelta(seconds=self._pace.lease)
        leased_at = time.monotonic()
        lanes, sources = await claim_lanes(self._pool, rooms, most=free, lease=lease, suspect_after=SUSPECT_AFTER)
        if not lanes:
            return False
        notices = await list_notices(self._pool, [(lane.connector, lane.notice) for lane in lanes])
        for lane, found in zip(lanes, notices, strict=True):
            work = self._work(lane, sources.get(lane.connector), found, leased_at)
            task = asyncio.create_task(work)
            self._working[task] = lane
            task.add_done_callback(self._forget)
        return True

    def _forget(self, task: "asyncio.Task[None]") -> None:
        del self._working[task]
        self._wake.set()

    async def _work(self, lane: Lane, source: LaneSource | None, notices: Sequence[Notice], leased_at: float) -> None:
        """Send the messages of a lane, for a while. Whatever ends it, the lane can be claimed again."""
        known = self._book[lane.endpoint]
        settling = Settling(
            self._pool, self._sender, known, lane,
            has_source=source is not None, lease=self._pace.lease, sent_at=self._sent_at,
        )  # fmt: skip
        try:
            if source is not None and lane.position < source.cut_seq and not lane.is_replay:
                await settling.note_lost(source)
            look = LaneLook(self._pool, settling.lane, known.endpoint, source, notices)
            await self._send_all(look, settling, leased_at)
        except Exception as error:
            if is_outage(error):
                log.warning("a lane waits for the database", error=type(error).__name__)
                return  # its lease ends
            log.exception("a lane could not be worked on", webhook=str(lane.endpoint), number=lane.connector)
            with contextlib.suppress(asyncpg.PostgresError, *LOST):
                await settling.defer_by(timedelta(seconds=self._pace.lease))

    async def _send_all(self, look: LaneLook, settling: Settling, leased_at: float) -> None:
        began, sent = time.monotonic(), 0
        async with contextlib.aclosing(settling.known.form.plan(look)) as steps:
            async for step in steps:
                if step.message is not None:
                    now = time.monotonic()
                    is_over = sent == MESSAGES_AT_ONCE or now - began > self._pace.slice or self._ending.is_set()
                    if is_over or now - leased_at > self._pace.lease - self._timeout:
                        await settling.defer_by(timedelta())
                        return
                    if not await self._send(settling, step):
                        return
                    sent, leased_at = sent + 1, now
                settling.pass_to(step)
        await settling.finish(look)

    async def _send(self, settling: Settling, step: LaneStep) -> bool:
        """As `settling.send`; while it is slow it takes no slot."""
        task = asyncio.current_task()
        assert task is not None
        timer = asyncio.get_running_loop().call_later(SLOW_AFTER, self._make_room, task)
        try:
            return await settling.send(step)
        finally:
            timer.cancel()
            self._slow.discard(task)

    def _make_room(self, task: "asyncio.Task[None]") -> None:
        self._slow.add(task)
        self._wake.set()

    async def _listen(self) -> None:
        """Have the deliverer look whenever any process wakes lanes or changes endpoints; until cancelled."""
        while True:
            with contextlib.suppress(asyncpg.PostgresError, *LOST):
                await self._listen_once()
            await asyncio.sleep(self._pace.rest)

    async def _listen_once(self) -> None:
        closed = asyncio.Event()
        async with self._pool.acquire() as connection:
            connection.add_termination_listener(lambda *_: closed.set())
            try:
                await connection.add_listener(LANES_CHANNEL, lambda *_: self._wake.set())
                await connection.add_listener(ENDPOINTS_CHANNEL, lambda *_: self._read_again())
                self._read_again()
                await closed.wait()
            finally:
                connection.terminate()  # it listens, so it must not go back to the pool

    def _read_again(self) -> None:
        self._read_at = None
        self._wake.set()

    async def _end(self) -> None:
        """Let messages that are being sent end, and release what is left."""
        if self._working:
            await asyncio.wait(self._working, timeout=self._pace.ending)
        left = dict(self._working)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if left:
            with contextlib.suppress(asyncpg.PostgresError, *LOST):
                await release_lanes(self._pool, list(left.values()))
