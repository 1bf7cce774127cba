"""The vendor's rate budget: what may be asked now, taught by the vendor's own headers."""

import asyncio
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBucketHeaders:
    """The headers with which a vendor that runs a token bucket says how full it is."""

    remaining: str
    per_second: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedWindowHeaders:
    """The headers with which a vendor that counts calls in windows of `seconds` tells of the one that is open.

    `reset` is when it ends, in seconds since 1970 by the vendor's clock.
    """

    limit: str
    remaining: str
    reset: str
    seconds: int


class Budget:
    """Calls that may be made, for one credential.

    Until the vendor says otherwise there is no limit. From then on each call takes one of those it said are left, and
    they grow back at the rate it said; after a refusal all calls wait as long as the vendor asked. A vendor may have
    a bucket for each endpoint: the emptiest is taken for all.
    """

    def __init__(self, headers: TokenBucketHeaders | FixedWindowHeaders | None) -> None:
        self._headers = headers if isinstance(headers, TokenBucketHeaders) else None
        self._free_at = 0.0
        self._calls = 0
        self._told = 0  # the latest call whose answer taught us
        self._left = math.inf
        self._left_at = 0.0
        self._rate = 0.0
        self._most = 1.0  # calls the bucket has been seen to hold; one at least, or none could ever be made
        self.waited = 0.0

    async def wait(self) -> int:
        """Returns when a call may be made, with the call's number, for `learn`."""
        while (pause := max(self._free_at - time.monotonic(), self._refill())) > 0:
            self.waited += pause
            await asyncio.sleep(pause)
        self._left -= 1
        self._calls += 1
        return self._calls

    def _refill(self) -> float:
        """Add what grew back since; returns the seconds until a call is left."""
        if self._left == math.inf:
            return 0.0
        now = time.monotonic()
        self._left = min(self._most, self._left + (now - self._left_at) * self._rate)
        self._left_at = now
        return max(0.0, 1 - self._left) / self._rate

    def learn(self, headers: Mapping[str, str], call: int) -> None:
        """Take in what the headers of that call's answer say."""
        if self._headers is None or call <= self._told:
            return
        try:
            remaining = float(headers[self._headers.remaining])
            rate = float(headers[self._headers.per_second])
        except (KeyError, ValueError):
            return  # the vendor left them out of this answer: nothing learned
        if not (math.isfinite(remaining) and math.isfinite(rate) and rate > 0):
            return
        self._refill()
        self._most = max(self._most, remaining)
        # The vendor cannot have counted the calls that went out after this one.
        self._left = min(self._left, remaining - (self._calls - call))
        self._left_at = time.monotonic()
        self._rate = rate
        self._told = call

    def hold(self, seconds: float) -> None:
        """No call for `seconds` from now."""
        self._free_at = max(self._free_at, time.monotonic() + seconds)
