"""The vendor's rate budget: what may be asked now, taught by the vendor's own headers."""

import asyncio
import contextlib
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from unihire.errors import BudgetSpent
from unihire.outbound.bucket_meter import SLOWEST, Bucket
from unihire.outbound.budget_store import BudgetState, BudgetStore, BudgetUnavailable, MemoryBudgets
from unihire.outbound.headers import read_date, read_number
from unihire.outbound.meters import BucketReport, WindowReport
from unihire.outbound.tally import TALLY, Tally
from unihire.outbound.vendor_clock import VendorClock
from unihire.outbound.window_meter import Window

CALL_SECONDS = 60.0
"""Seconds after which a call is over for sure, unless a client says otherwise."""

LOOK_SECONDS = 1.0
"""Seconds for which a budget without a limit counts as unlimited, whatever other processes learn."""

POLL_PAUSES = (0.05, 0.5)
"""Seconds between two looks at a budget that others change: the first ones, and the longest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBucketHeaders:
    """The headers with which a vendor that runs a token bucket says how full it is."""

    remaining: str
    per_second: str

    def make_meter(self) -> Bucket:
        return Bucket()

    def read(self, headers: Mapping[str, str]) -> BucketReport | None:
        """None where the vendor left something out, or said what no bucket is."""
        left, rate = read_number(headers, self.remaining), read_number(headers, self.per_second)
        return None if left is None or rate is None or rate < SLOWEST else BucketReport(left, rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedWindowHeaders:
    """The headers in which a vendor that counts calls in windows of `seconds` describes the current window.

    `reset` is when it ends, in seconds since 1970 by the vendor's clock, or `in_seconds` from the answer on.
    """

    limit: str
    remaining: str
    reset: str
    seconds: int
    in_seconds: bool = False

    def make_meter(self) -> Window:
        return Window(seconds=self.seconds, vendor=VendorClock(seconds=self.seconds), is_rough=self.in_seconds)

    def read(self, headers: Mapping[str, str]) -> WindowReport | None:
        """None where the vendor left something out, or said what no window is."""
        limit, left = read_number(headers, self.limit), read_number(headers, self.remaining)
        reset, date = read_number(headers, self.reset), read_date(headers)
        if limit is None or limit < 1 or left is None or reset is None:
            return None
        if self.in_seconds:
            if date is None:
                return None
            reset += date.timestamp()
        return WindowReport(limit, min(left, limit), reset, None if date is None else date.timestamp())


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredRate:
    """The rate of a vendor that documents one, a token bucket, and says nothing of it in its responses."""

    per_second: float
    burst: int

    def make_meter(self) -> Bucket:
        return Bucket(left=self.burst, rate=self.per_second, most=self.burst)

    def read(self, headers: Mapping[str, str]) -> None:
        return None


BudgetRule = TokenBucketHeaders | FixedWindowHeaders | DeclaredRate


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteLimit:
    """The rate of calls whose path begins so, beside that of all calls; paths are seen from the origin."""

    path: str
    rate: DeclaredRate


@dataclass(slots=True, eq=False)
class BudgetCall:
    """A call that may be sent; `sent_at` is time.monotonic()."""

    sent_at: float
    path: str = ""
    number: int = 0
    known_to: float = math.nan
    """When the state was born that has it by this number; none has while nobody knows of a limit."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What a try to take a call found: how long to wait, or else the call's number in that state."""

    pause: float
    number: int
    known_to: float
    has_no_limit: bool
    may_learn: bool


class Budget:
    """Calls that one client may make. Clients with one `store` share the budget.

    Until the vendor says otherwise there is no limit, and the store is not read for each call; after a refusal all
    calls wait as long as the vendor asked. Every call that `take` allowed must be ended, whatever became of it; those
    of a process that died are taken for lost after `timeout` seconds. Calls in the background leave a reserve to the
    others and stand back while one of them waits. With `patience`, in seconds, no call waits longer. `at_once` is how
    many calls may be under way, over all processes.
    """

    def __init__(
        self,
        rule: BudgetRule | None,
        store: BudgetStore | None = None,
        *,
        routes: Sequence[RouteLimit] = (),
        at_once: int | None = None,
        is_background: bool = False,
        patience: float | None = None,
        timeout: float = CALL_SECONDS,
    ) -> None:
        self._rule = rule
        self._routes = routes
        self._at_once = at_once
        self._store = store or MemoryBudgets()
        self._is_background = is_background
        self._patience = math.inf if patience is None else patience
        self._timeout = timeout
        self._turn = asyncio.Lock()  # one call looks and waits, the others wait for it
        self._waiting = 0
        self._call_ended = asyncio.Event()
        self._under_way: dict[BudgetCall, None] = {}  # in the order in which they went out
        self._free_until = -math.inf
        self._tally = Tally()

    @property
    def waited(self) -> float:
        """Seconds in which a call waited; concurrent waits count once."""
        return self._tally.waited

    async def take(self, path: str = "") -> BudgetCall:
        """Returns when a call of the path may be made. Raises BudgetSpent where it is beyond the patience."""
        call = BudgetCall(time.monotonic(), path)
        if call.sent_at >= self._free_until:
            self._waiting += 1
            try:
                with self._count_wait() if self._turn.locked() else contextlib.nullcontext():
                    await self._turn.acquire()
                try:
                    await self._wait(call)
                finally:
                    self._turn.release()
            finally:
                self._waiting -= 1
        if self._is_limited:
            self._under_way[call] = None
        return call

    @property
    def _is_limited(self) -> bool:
        return self._rule is not None or bool(self._routes) or self._at_once is not None

    def _find_route(self, state: BudgetState, path: str) -> Bucket | None:
        """The meter of a path's route in a state."""
        limit = next((limit for limit in self._routes if path.startswith(limit.path)), None)
        return None if limit is None else state.routes.setdefault(limit.path, limit.rate.make_meter())

    async def _wait(self, call: BudgetCall) -> None:
        started_at, pause = time.monotonic(), POLL_PAUSES[0]
        while True:
            call.sent_at = time.monotonic()
            if call.sent_at < self._free_until:
                return
            look = await self._look(call.path)
            if look.has_no_limit:
                self._free_until = call.sent_at + LOOK_SECONDS
            if look.pause <= 0:
                call.number, call.known_to = look.number, look.known_to
                return
            is_brief = look.may_learn and time.monotonic() - started_at < self._patience
            if look.pause > self._patience and not is_brief:
                raise BudgetSpent(look.pause)
            with self._count_wait():
                await self._pause_polling(min(look.pause, pause))
            pause = min(1.5 * pause, POLL_PAUSES[1])

    async def _look(self, path: str) -> _Look:
        """Take a call of a path if there is one."""

        def work(state: BudgetState, now: float) -> tuple[_Look, dict[BudgetCall, int], float]:
            self._reset_if_outdated(state, now)
            has_no_limit = state.has_no_limit and not self._routes and self._at_once is None
            number, known_to, route = 0, math.nan, self._find_route(state, path)
            numbers = {} if has_no_limit else self._register_calls(state, now)
            pause = state.find_pause(now, is_background=self._is_background, route=route, at_once=self._at_once)
            may_learn = state.may_learn(now, is_background=self._is_background) or bool(state.under_way)
            if pause > 0 and not self._is_background:
                state.ask(now)
            elif pause <= 0 and not has_no_limit:
                number = state.start(now, now + self._timeout, route=route, is_counted=self._at_once is not None)
                known_to = state.born_at
                if not self._is_background and self._waiting == 1:
                    state.asked_at = -math.inf
            return _Look(pause, number, known_to, has_no_limit, may_learn), numbers, state.born_at

        look, numbers, born_at = await self._store.change(work)
        self._note(numbers, born_at)
        return look

    async def end(self, call: BudgetCall, headers: Mapping[str, str] | None = None) -> None:
        """The call is over, with an answer of these headers or without one; nothing where it was ended before.

        One without an answer may have been counted all the same.
        """
        if call not in self._under_way:
            return
        report = None if headers is None or self._rule is None else self._rule.read(headers)
        learns = self._at_once is not None or not isinstance(self._rule, DeclaredRate | None)

        def work(state: BudgetState, now: float) -> tuple[dict[BudgetCall, int], float]:
            self._reset_if_outdated(state, now)
            numbers = self._register_calls(state, now)
            state.end(numbers.get(call, call.number), report, now)
            return numbers, state.born_at

        try:
            if report is not None or (call.number and learns):
                self._note(*await self._store.change(work))
                self._free_until = -math.inf
        except BudgetUnavailable:
            pass  # it is taken for lost in time
        finally:
            self._under_way.pop(call, None)
            self._call_ended.set()
            self._call_ended.clear()

    async def block(self, seconds: float) -> None:
        """No call for `seconds` from now."""

        def work(state: BudgetState, now: float) -> None:
            self._reset_if_outdated(state, now)
            state.block(now + seconds, now)

        self._free_until = -math.inf
        with contextlib.suppress(BudgetUnavailable):  # other processes learn it from the vendor
            await self._store.change(work)

    def _reset_if_outdated(self, state: BudgetState, now: float) -> None:
        state.reset_if_outdated(None if self._rule is None else self._rule.make_meter(), now)

    def _register_calls(self, state: BudgetState, now: float) -> dict[BudgetCall, int]:
        """Let the state know of our calls under way that it does not know; their numbers."""
        clock = time.monotonic()
        return {
            call: state.start(
                now - (clock - call.sent_at),
                now + self._timeout,
                route=self._find_route(state, call.path),
                is_counted=self._at_once is not None,
            )
            for call in self._under_way
            if call.known_to != state.born_at
        }

    def _note(self, numbers: Mapping[BudgetCall, int], known_to: float) -> None:
        for call, number in numbers.items():
            call.number, call.known_to = number, known_to

    @contextlib.contextmanager
    def _count_wait(self) -> Iterator[None]:
        tally = TALLY.get()
        with self._tally.count_wait(), contextlib.nullcontext() if tally is None else tally.count_wait():
            yield

    async def _pause_polling(self, seconds: float) -> None:
        """So long, or until a call of ours ends."""
        try:
            async with asyncio.timeout(seconds):
                await self._call_ended.wait()
        except TimeoutError:
            pass
