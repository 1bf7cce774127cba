"""Hours of a vendor's limits in minutes: time passes only where it is let, and while neither the vendor nor the
database is at work.

Unlike `virtual_time` the sockets are real, and so are the database and the emulator, which answers in its own thread
by a clock of this time. What they take of real time is no time here; each call takes a made-up time on its way.
"""

import asyncio
import functools
import random
import selectors
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar

import pytest
from asyncpg import connect_utils
from asyncpg.protocol import Protocol

from unihire.kit.clock import MovableClock
from unihire.outbound import budget, budget_store, tally
from unihire.outbound.client import VendorClient

T = TypeVar("T")

TICK = 1e-6
"""Seconds that pass whenever the loop turns, as in `virtual_time`."""

LATENCY = 0.05, 0.2
"""Seconds that a call takes to the vendor, and as many back: from, to."""

DATABASE_CALLS = (
    "bind", "bind_execute", "bind_execute_many", "close_portal", "close_statement", "copy_in", "copy_out", "execute",
    "prepare", "query",
)  # fmt: skip

REAL_WAIT = 20.0
"""Real seconds after which time passes though an answer is awaited: it may be that of a lock that somebody holds."""


class SimulatedTime:
    """Stands in for the module `time`. `sent` are the moments at which calls came to the vendor."""

    def __init__(self, seed: int = 1) -> None:
        self.now = 1000.0
        self.sent: list[float] = []
        self._began = self.now, datetime.now(UTC)
        self._awaited = 0
        self._passes = False
        self._chance = random.Random(seed)
        self._runner = asyncio.Runner(loop_factory=lambda: _Loop(self))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._runner.close()

    def monotonic(self) -> float:
        return self.now

    def find_moment(self) -> datetime:
        """The time of day, which began as it really was."""
        seconds, moment = self._began
        return moment + timedelta(seconds=self.now - seconds)

    @property
    def passes(self) -> bool:
        """Whether it passes where somebody waits: where it is let, and no answer is awaited."""
        return self._passes and not self._awaited

    @property
    def is_let(self) -> bool:
        return self._passes

    @contextmanager
    def let_pass(self) -> Iterator[None]:
        """The block is what takes time."""
        self._passes = True
        try:
            yield
        finally:
            self._passes = False

    @contextmanager
    def _await_answer(self) -> Iterator[None]:
        self._awaited += 1
        try:
            yield
        finally:
            self._awaited -= 1

    async def travel(self) -> None:
        await asyncio.sleep(self._chance.uniform(*LATENCY))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of work whose sleeps, timeouts, budgets and clients go by this time."""
        with pytest.MonkeyPatch.context() as patch:
            for module in (budget, budget_store, tally):
                patch.setattr(module, "time", self)
            patch.setattr(VendorClient, "_open", self._delay(VendorClient._open))
            patch.setattr(connect_utils, "_connect", self._count(connect_utils._connect))
            for name in DATABASE_CALLS:
                patch.setattr(Protocol, name, self._count(getattr(Protocol, name)), raising=False)
            return self._runner.run(work)

    def _delay(self, opened: Any) -> Any:
        @asynccontextmanager
        async def open_after_a_while(client: VendorClient, *asked: Any, **more: Any) -> AsyncIterator[Any]:
            client.clock = SimulatedClock(self)
            await self.travel()
            self.sent.append(self.now)
            with self._await_answer():
                under_way = opened(client, *asked, **more)
                answer = await under_way.__aenter__()
            await self.travel()
            with self._await_answer():
                try:
                    yield answer  # of which the caller reads the body
                finally:
                    await under_way.__aexit__(None, None, None)

        return open_after_a_while

    def _count(self, call: Any) -> Any:
        @functools.wraps(call)
        async def counted(*given: Any, **named: Any) -> Any:
            with self._await_answer():
                return await call(*given, **named)

        return counted


class SimulatedClock(MovableClock):
    """The time of day by a simulated time, shifted."""

    def __init__(self, simulated: SimulatedTime) -> None:
        super().__init__()
        self._simulated = simulated

    def now(self) -> datetime:
        return self._simulated.find_moment() + self.shift

    def set(self, moment: datetime) -> None:
        self.shift = moment - self._simulated.find_moment()


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, simulated: SimulatedTime) -> None:
        super().__init__(_Selector(simulated))
        self._simulated = simulated

    def time(self) -> float:
        return self._simulated.now


class _Selector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    """Passes the time a loop wants to wait."""

    def __init__(self, simulated: SimulatedTime) -> None:
        super().__init__()
        self._simulated = simulated

    def select(self, timeout: float | None = None) -> list[Any]:
        self._simulated.now += TICK
        events: list[Any] = super().select(0)
        if events or (timeout is not None and timeout <= 0):
            return events
        if timeout is None or not self._simulated.passes:
            until = time.monotonic() + REAL_WAIT
            while not events and time.monotonic() < until:
                events = super().select(0.05)
            if events or timeout is None or not self._simulated.is_let:
                return events
        self._simulated.now += timeout
        return super().select(0)
