"""How vendors count calls: what each way of counting remembers, as a plain value, and what may go out by it.

Moments are seconds by the clock of the store, the same for all processes that share it.
"""

import math
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from unihire.outbound.headers import LONGEST_WAIT, MOST

SLOWEST = 1 / LONGEST_WAIT
"""Calls a second that a bucket grows by at least: of one that has a call in more than an hour nothing is believed."""

RESERVE = 0.04
"""The part of a budget that is left to those who wait for an answer, where it has ten calls or more."""

RESERVE_SECONDS = 60.0
"""Seconds in which the reserve of a bucket grows back at the latest."""

TURN_MARGIN = 0.1
"""Seconds a window is taken to end late: a vendor's machines do not agree on the time to the millisecond."""

ALONE_SECONDS = 5.0
"""How long at most a call that must be the only one delays the others: its process may have been killed."""


@dataclass(frozen=True, slots=True)
class BucketNews:
    """What a response shows of a token bucket."""

    left: float
    per_second: float


@dataclass(frozen=True, slots=True)
class WindowNews:
    """What a response shows of the window it was counted in; `reset` and `date` are by the vendor's clock."""

    limit: float
    left: float
    reset: float
    date: float | None


News: TypeAlias = BucketNews | WindowNews


class Bucket(msgspec.Struct, tag="bucket"):
    """A token bucket: each call takes one of those the vendor said are left, and they grow back at the rate it said.

    A vendor may have a bucket for each endpoint: the emptiest is taken for all.
    """

    calls: int = 0
    latest: int = 0
    """The latest call whose answer taught us."""
    left: float = math.inf
    left_at: float = 0.0
    rate: float = 0.0
    most: float = 1.0
    """Calls the bucket has been seen to hold; one at least, or none could ever be made."""

    @property
    def has_no_limit(self) -> bool:
        return self.left == math.inf

    def may_learn(self, now: float, *, is_background: bool) -> bool:
        """Whether answers to what is under way may show that there is a call."""
        return False

    def find_pause(self, now: float, *, is_background: bool) -> float:
        """Seconds until a call may be left, unless there is news before; 0: there is one now."""
        if self.left == math.inf:
            return 0.0
        # A vendor may say anything of what is left: the reserve is not what takes long to grow back.
        reserve = min(count_reserve(self.most), math.ceil(RESERVE_SECONDS * self.rate)) if is_background else 0
        return max(0.0, 1 + reserve - self._count_left(now)) / self.rate

    def mend(self) -> None:
        """Reset values that no bucket has, which an earlier version of this program may have stored."""
        if self.left == math.inf:
            return
        if SLOWEST <= self.rate <= MOST and self.most <= MOST:
            self.left = max(self.left, -LONGEST_WAIT * self.rate)
        else:
            self.left, self.most = math.inf, 1.0

    def _count_left(self, now: float) -> float:
        return min(self.most, self.left + max(0.0, now - self.left_at) * self.rate)

    def start(self, call: int, now: float, until: float) -> None:
        if self.left != math.inf:
            self.left, self.left_at = self._count_left(now) - 1, now
        self.calls = call

    def end(self, call: int, news: News | None, now: float) -> None:
        """The call is over; `news` is what its response showed."""
        if not isinstance(news, BucketNews) or call <= self.latest:
            return
        left = math.inf if self.left == math.inf else self._count_left(now)
        self.most = max(self.most, news.left)
        # The vendor cannot have counted the calls that went out after this one.
        self.left, self.left_at = min(left, news.left - (self.calls - call)), max(self.left_at, now)
        self.rate = news.per_second
        self.latest = call


class VendorClock(msgspec.Struct):
    """How far the vendor's clock is ahead of ours, between two bounds that every answer narrows.

    A response that describes a window was made while that was open. Its `Date` has whole seconds and may be cached for
    a second by the vendor's server: it was that late at least.
    """

    seconds: int
    least: float = -math.inf
    most: float = math.inf
    is_date_good: bool = True
    at: float = 0.0

    def observe(self, news: WindowNews, sent_at: float, came_at: float) -> None:
        """`news` is from a response to a request sent at `sent_at`, which came at `came_at`."""
        slack, self.at = DRIFT * max(0.0, came_at - self.at), max(self.at, came_at)
        least, most = news.reset - self.seconds - came_at, news.reset - sent_at
        self.least, self.most = self.least - slack, self.most + slack
        if least >= self.most or self.least - most >= SKEW:  # one of the clocks was set
            self.least, self.most, self.is_date_good = least, most, True
        self.least, self.most = max(self.least, least), min(self.most, most)
        if news.date is not None and self.is_date_good and news.date - came_at - self.most < SKEW:
            self.least = max(self.least, news.date - came_at)
        if self.least >= self.most:  # the clock behind `Date` is ahead of the one behind the windows
            self.least, self.is_date_good = max(least, self.most - 1), False

    def find_moment(self, moment: float) -> float:
        """When it is `moment` by the vendor's clock, at the latest."""
        return moment - self.least


DRIFT = 1e-4
SKEW = 2.0
"""Seconds; beyond that clocks are not inexact but different."""


class Window(msgspec.Struct, tag="window"):
    """A fixed window: so many calls until it ends, whatever their pace, and then anew.

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

    @property
    def has_no_limit(self) -> bool:
        return self.left == math.inf and not self.is_wary

    def mend(self) -> None:
        """Nothing to do: whatever a vendor says, a window is over after its `seconds`."""

    def may_learn(self, now: float, *, is_background: bool) -> bool:
        """Whether answers to what is under way may show that there is a call: it may be counted already."""
        free = self.left - len(self.lost) - self._count_reserved(now, is_background=is_background)
        return bool(self.under_way) and (free >= 1 or self._has_one_alone(now))

    def _count_reserved(self, now: float, *, is_background: bool) -> int:
        """The reserve, which is for all in the last part of the window."""
        return count_reserve(self.limit) if is_background and now < self._opens_at else 0

    @property
    def _opens_at(self) -> float:
        return self.turns_at - max(0.1 * self.seconds, 2.0)

    def _has_one_alone(self, now: float) -> bool:
        """Whether the answer to the call that is under way is waited for, whatever is left.

        The first call of all goes alone: a process before this one may have spent the window. So does the first after
        a window's end once our clock has been wrong about one.
        """
        goes_alone = self.is_wary and (self.has_turned or self.left == math.inf)
        return goes_alone and any(sent_at + ALONE_SECONDS > now for sent_at, _ in self.under_way.values())

    def find_pause(self, now: float, *, is_background: bool) -> float:
        """Seconds until a call may be left, unless there is news before; 0: there is one now."""
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

    def end(self, call: int, news: News | None, now: float) -> None:
        """The call is over; `news` is what its response showed. One without a response may have been counted too."""
        if call not in self.under_way:
            return
        sent_at, _ = self.under_way.pop(call)
        if isinstance(news, WindowNews):
            self._learn(news, sent_at, now)
        elif self.left != math.inf:
            self.lost.append(now)
        else:
            self.is_wary = False

    def _learn(self, news: WindowNews, sent_at: float, came_at: float) -> None:
        self.limit = news.limit
        self.vendor.observe(news, sent_at, came_at)
        if news.reset > self.reset or (sent_at >= self.since and (self.has_turned or news.reset < self.reset)):
            # A window begins, or our clock took one for over that is not, or the vendor's clock was set back.
            has_begun = self.has_turned or news.reset > self.reset
            self.is_wary = news.reset <= self.reset or (self.is_wary and self.reset != -math.inf)
            self.left = news.left if has_begun else min(self.left, news.left)
            self.reset, self.has_turned, self.since = news.reset, False, came_at
        elif news.reset == self.reset and not self.has_turned:
            self.left = min(self.left, news.left)
        else:
            return  # it counted in a window that is over
        self.lost = [lost_at for lost_at in self.lost if lost_at > sent_at]  # what is left includes the others
        self.turns_at = self.vendor.find_moment(news.reset) + TURN_MARGIN


def count_reserve(limit: float) -> int:
    return math.ceil(limit * RESERVE) if limit >= 10 else 0
