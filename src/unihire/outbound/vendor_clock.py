"""How far a vendor's clock is ahead of ours, learned from its responses."""

import math

import msgspec

from unihire.outbound.meters import WindowReport

DRIFT = 1e-4
SKEW = 2.0
"""Seconds; beyond that clocks are not inexact but different."""


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

    def observe(self, report: WindowReport, sent_at: float, came_at: float) -> None:
        """`report` is from a response to a request sent at `sent_at`, which came at `came_at`."""
        slack, self.at = DRIFT * max(0.0, came_at - self.at), max(self.at, came_at)
        least, most = report.reset - self.seconds - came_at, report.reset - sent_at
        self.least, self.most = self.least - slack, self.most + slack
        if least >= self.most or self.least - most >= SKEW:  # one of the clocks was set
            self.least, self.most, self.is_date_good = least, most, True
        self.least, self.most = max(self.least, least), min(self.most, most)
        if report.date is not None and self.is_date_good and report.date - came_at - self.most < SKEW:
            self.least = max(self.least, report.date - came_at)
        if self.least >= self.most:  # the clock behind `Date` is ahead of the one behind the windows
            self.least, self.is_date_good = max(least, self.most - 1), False

    def find_moment(self, moment: float) -> float:
        """When it is `moment` by the vendor's clock, at the latest."""
        return moment - self.least
