"""The state of one credential's rate budget, and the interface of its store."""

import math
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

import msgspec

from unihire.errors import RetryLater
from unihire.outbound.bucket_meter import Bucket
from unihire.outbound.headers import LONGEST_WAIT
from unihire.outbound.meters import LimitReport
from unihire.outbound.window_meter import Window

T = TypeVar("T")

ASKING_SECONDS = 2.0
"""Seconds for which background calls wait after another caller was seen to wait for a call."""


class BudgetState(msgspec.Struct):
    """All that is known of one budget, by one clock for all who share it.

    One that was lost is a budget nobody knows: the first call is careful again.
    """

    born_at: float = -math.inf
    """Identifies this state: calls of an earlier one are unknown to it."""
    changed_at: float = -math.inf
    meter: Bucket | Window | None = None
    calls: int = 0
    routes: dict[str, Bucket] = {}
    """The meters of routes that have a limit of their own, by the beginning of their path."""
    under_way: dict[int, float] = {}
    """By call, when it is over for sure; only where the vendor limits how many there are at once."""
    free_at: float = -math.inf
    """No call before: the vendor asked for a pause."""
    asked_at: float = -math.inf
    """When a call that is not in the background last had to wait."""

    def reset_if_outdated(self, fresh: Bucket | Window | None, now: float) -> None:
        """Start again, with this meter, where the stored one is of another kind, or the clock was set back since.

        A state that a less careful version of this program stored is corrected.
        """
        if now < self.changed_at - 1 or not _is_alike(self.meter, fresh):
            self.born_at, self.changed_at, self.meter, self.calls = now, now, fresh, 0
            self.routes, self.under_way = {}, {}
            self.free_at = self.asked_at = -math.inf
        if self.meter is not None:
            self.meter.correct()
        self.free_at = min(self.free_at, now + LONGEST_WAIT)

    @property
    def has_no_limit(self) -> bool:
        return self.free_at == -math.inf and (self.meter is None or self.meter.has_no_limit)

    def may_learn(self, now: float, *, is_background: bool) -> bool:
        """Whether answers to what is under way may show that there is a call."""
        is_held = self.free_at > now
        return self.meter is not None and not is_held and self.meter.may_learn(now, is_background=is_background)

    def find_pause(
        self, now: float, *, is_background: bool, route: Bucket | None = None, at_once: int | None = None
    ) -> float:
        """Seconds until a call may be made, unless a response comes before; 0: now.

        `route` is the meter of the call's route; `at_once` how many calls may be under way.
        """
        if self.free_at <= now:
            self.free_at = -math.inf
        pause = 0.0 if self.meter is None else self.meter.find_pause(now, is_background=is_background)
        if route is not None:
            pause = max(pause, route.find_pause(now, is_background=is_background))
        if at_once is not None:
            self.under_way = {call: until for call, until in self.under_way.items() if until > now}
            if len(self.under_way) >= at_once:
                pause = max(pause, min(self.under_way.values()) - now)
        pause = max(pause, self.free_at - now, self.asked_at + ASKING_SECONDS - now if is_background else 0.0)
        return min(pause, LONGEST_WAIT)

    def start(self, sent_at: float, until: float, *, route: Bucket | None = None, is_counted: bool = False) -> int:
        """A call goes out, which is over `until` then for sure; its number. `is_counted`: among those under way."""
        self.calls, self.changed_at = self.calls + 1, max(self.changed_at, sent_at)
        if route is not None:
            route.start(self.calls, sent_at, until)
        if is_counted:
            self.under_way[self.calls] = until
        if self.meter is not None:
            self.meter.start(self.calls, sent_at, until)
        return self.calls

    def end(self, call: int, report: LimitReport | None, now: float) -> None:
        """The call is over; `report` is what its response showed."""
        self.changed_at = now
        self.under_way.pop(call, None)
        if self.meter is not None:
            self.meter.end(call, report, now)

    def ask(self, now: float) -> None:
        """Somebody waits for a call. What is known already is not said again."""
        if self.asked_at < now - ASKING_SECONDS / 2:
            self.asked_at = now

    def block(self, until: float, now: float) -> None:
        self.free_at, self.changed_at = max(self.free_at, until), now


def read_state(stored: bytes | None) -> BudgetState:
    """As it was written down; unknown where nothing was, or another version of this program had another shape."""
    try:
        return BudgetState() if stored is None else msgspec.msgpack.decode(stored, type=BudgetState)
    except msgspec.DecodeError:
        return BudgetState()


def _is_alike(one: Bucket | Window | None, other: Bucket | Window | None) -> bool:
    if isinstance(one, Window) and isinstance(other, Window):
        return one.seconds == other.seconds
    return type(one) is type(other)


class BudgetUnavailable(RetryLater):
    """The store of the budget does not answer, so no call was made."""


class BudgetStore(Protocol):
    """Stores a budget for all clients that use the same credential."""

    async def change(self, work: Callable[[BudgetState, float], T]) -> T:
        """Call `work` with the current state and store its changes; returns what `work` returned.

        `work` is also given the time, in seconds by the store's clock. It may be called several times, each time with
        the state as it is by then, and changes nothing else. Raises BudgetUnavailable where the state cannot be had.
        """
        ...


class MemoryBudgets:
    """A budget of this process alone."""

    def __init__(self) -> None:
        self._state = BudgetState()

    async def change(self, work: Callable[[BudgetState, float], T]) -> T:
        return work(self._state, time.monotonic())
