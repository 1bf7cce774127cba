"""The vendor's rate budget: what may be asked now, taught by the vendor's own headers."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBucketHeaders:
    """The headers with which a vendor that runs a token bucket says how full it is."""

    remaining: str
    per_second: str


class Budget:
    """Calls that may be made, for one credential.

    Until the vendor says otherwise there is no limit. When it says the bucket is empty, calls wait until it has
    refilled; after a refusal they wait as long as the vendor asked.
    """

    def __init__(self, headers: TokenBucketHeaders | None) -> None:
        self._headers = headers
        self._free_at = 0.0
        self.waited = 0.0

    async def wait(self) -> None:
        """Returns when a call may be made."""
        while (pause := self._free_at - time.monotonic()) > 0:
            self.waited += pause
            await asyncio.sleep(pause)

    def learn(self, headers: Mapping[str, str]) -> None:
        """Take in what an answer's headers say."""
        if self._headers is None:
            return
        try:
            remaining = float(headers[self._headers.remaining])
            rate = float(headers[self._headers.per_second])
        except (KeyError, ValueError):
            return  # the vendor left them out of this answer: nothing learned
        if remaining < 1 and rate > 0:
            self.hold((1 - remaining) / rate)

    def hold(self, seconds: float) -> None:
        """No call for `seconds` from now."""
        self._free_at = max(self._free_at, time.monotonic() + seconds)
