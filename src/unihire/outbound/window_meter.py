"""A vendor that counts by fixed windows: so many calls in each."""

import math
from dataclasses import replace

import msgspec

from unihire.outbound.meters import LimitReport, WindowReport, count_reserve
from unihire.outbound.vendor_clock import VendorClock

TURN_MARGIN = 0.1
"""Seconds a window is taken to end late: a vendor's machines do not agree on the time to the millisecond."""

ROUGH_SECONDS = 2.0
"""Ends that differ by no more are that of one window, where a vendor says them roughly."""

ALONE_SECONDS = 5.0
"""How long at most a call that must be the only one delays the others: its process may have been killed."""


class Window(msgspec.Struct, tag="window"):
    """A fixed window: so many calls until it ends, whatever their pace; then the next begins.

    What may go out is what the vendor said is left, less the calls under way: those it may not have counted yet, and
    around a window's end it may count them in either. When the window ends is found without an answer, by the clock.
    """

    seconds: int
    vendor: VendorClock
    under_way: dict[int, tuple[float, float]] = {}
    """By call, when it went out and when it is taken for lost, since its process may be dead."""
    lost: list[float] = []
    """When calls ended that the vendor may have counted and has not reported."""
    is_wary: bool = True
    limit: float = 0.0
    left: float = math.inf
    reset: float = -math.inf
    """End of the latest window the vendor described, by its clock."""
    has_turned: bool = False
    """That one is over, by our clock."""
    since: float = 0.0
    """Calls that went out later count in the window that is open now."""
    turns_at: float = math.inf
    is_rough: bool = False
    """Whether the vendor says the end in whole seconds from each answer on: those of one window differ by some."""

    @property
    def has_no_limit(self) -> bool:
        return self.left == math.inf and not self.is_wary

    def correct(self) -> None:
        """Nothing to do: whatever a vendor says, a window is over after its `seconds`."""

    def may_learn(self, now: float, *, is_background: bool) -> bool:
        """Whether a pending response could free quota: the vendor may have counted that call already."""
        free = self.left - len(self.lost) - self._count_reserved(now, is_background=is_background)
        return bool(self.under_way) and (free >= 1 or self._has_one_alone(now))

    def _count_reserved(self, now: float, *, is_background: bool) -> int:
        """The reserve, which is for all in the last part of the window."""
        return count_reserve(self.limit) if is_background and now < self._opens_at else 0

    @property
    def _opens_at(self) -> float:
        return self.turns_at - max(0.1 * self.seconds, 2.0)

    def _has_one_alone(self, now: float) -> bool:
        """Whether a pending response is waited for, whatever is left.

        The first call of all goes alone: a process before this one may have spent the window. So does the first after
        a window's end once our clock has been wrong about one.
        """
        goes_alone = self.is_wary and (self.has_turned or self.left == math.inf)
        return goes_alone and any(sent_at + ALONE_SECONDS > now for sent_at, _ in self.under_way.values())

    def find_pause(self, now: float, *, is_background: bool) -> float:
        """Seconds until a call may be left, unless a response comes before; 0: there is one now."""
        self._forget(now)
        if now >= self.turns_at:
            self._turn(now)
        pause = min(self.turns_at - now, self.seconds)
        if self._has_one_alone(now):
            youngest = max(sent_at for sent_at, _ in self.under_way.values())
            return min(pause, youngest + ALONE_SECONDS - now)
        free = self.left - len(self.lost) - len(self.under_way)
        if free < 1:
            return pause
        if free < 1 + self._count_reserved(now, is_background=is_background):
            return min(pause, self._opens_at - now)
        return 0.0

    def _forget(self, now: float) -> None:
        """Take for lost what should have been answered by now."""
        for call in [call for call, (_, until) in self.under_way.items() if now >= until]:
            del self.under_way[call]
            if self.left != math.inf:
                self.lost.append(now)

    def _turn(self, now: float) -> None:
        if not self.has_turned:
            self.has_turned, self.since = True, self.turns_at
        self.turns_at += ((now - self.turns_at) // self.seconds + 1) * self.seconds
        self.left = self.limit
        self.lost.clear()

    def start(self, call: int, now: float, until: float) -> None:
        self.under_way[call] = (now, until)

    def end(self, call: int, report: LimitReport | None, now: float) -> None:
        """The call is over; `report` is what its response showed. One without a response may have been counted too."""
        if call not in self.under_way:
            return
        sent_at, _ = self.under_way.pop(call)
        if isinstance(report, WindowReport):
            self._learn(report, sent_at, now)
        elif self.left != math.inf:
            self.lost.append(now)
        else:
            self.is_wary = False

    def _learn(self, report: WindowReport, sent_at: float, came_at: float) -> None:
        self.limit = report.limit
        if self.is_rough and abs(report.reset - self.reset) <= ROUGH_SECONDS:
            report = replace(report, reset=self.reset)
        self.vendor.observe(report, sent_at, came_at)
        if report.reset > self.reset or (sent_at >= self.since and (self.has_turned or report.reset < self.reset)):
            # A window begins, or our clock took one for over that is not, or the vendor's clock was set back.
            has_begun = self.has_turned or report.reset > self.reset
            self.is_wary = report.reset <= self.reset or (self.is_wary and self.reset != -math.inf)
            self.left = report.left if has_begun else min(self.left, report.left)
            self.reset, self.has_turned, self.since = report.reset, False, came_at
        elif report.reset == self.reset and not self.has_turned:
            self.left = min(self.left, report.left)
        else:
            return  # it counted in a window that is over
        self.lost = [lost_at for lost_at in self.lost if lost_at > sent_at]  # what is left includes the others
        self.turns_at = self.vendor.find_moment(report.reset) + TURN_MARGIN
