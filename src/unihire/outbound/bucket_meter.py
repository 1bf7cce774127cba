"""A vendor that counts by a token bucket: its limit grows back by so many calls a second."""

import math

import msgspec

from unihire.outbound.headers import LONGEST_WAIT, MOST
from unihire.outbound.meters import BucketReport, LimitReport, count_reserve

SLOWEST = 1 / LONGEST_WAIT
"""Calls a second that a bucket grows by at least: one that has a call in more than an hour is ignored."""

RESERVE_SECONDS = 60.0
"""Seconds in which the reserve of a bucket grows back at the latest."""


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
    """The largest number of calls seen in the bucket; one at least, or none could ever be made."""

    @property
    def has_no_limit(self) -> bool:
        return self.left == math.inf

    def may_learn(self, now: float, *, is_background: bool) -> bool:
        """Whether a pending response could free quota: none does, for each call was taken off when it went out."""
        return False

    def find_pause(self, now: float, *, is_background: bool) -> float:
        """Seconds until a call may be left, unless a response comes before; 0: there is one now."""
        if self.left == math.inf:
            return 0.0
        # A vendor may say anything of what is left: the reserve is not what takes long to grow back.
        reserve = min(count_reserve(self.most), math.ceil(RESERVE_SECONDS * self.rate)) if is_background else 0
        return max(0.0, 1 + reserve - self._count_left(now)) / self.rate

    def correct(self) -> None:
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

    def end(self, call: int, report: LimitReport | None, now: float) -> None:
        """The call is over; `report` is what its response showed."""
        if not isinstance(report, BucketReport) or call <= self.latest:
            return
        left = math.inf if self.left == math.inf else self._count_left(now)
        self.most = max(self.most, report.left)
        # The vendor cannot have counted the calls that went out after this one.
        self.left, self.left_at = min(left, report.left - (self.calls - call)), max(self.left_at, now)
        self.rate = report.per_second
        self.latest = call
