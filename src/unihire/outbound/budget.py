"""The vendor's rate budget: what may be asked now, taught by the vendor's own headers."""

import asyncio
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Protocol


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

    Until the vendor says otherwise there is no limit; after a refusal all calls wait as long as it asked. Every call
    that `wait` let go is to be ended, whatever became of it.
    """

    def __init__(self, headers: TokenBucketHeaders | FixedWindowHeaders | None) -> None:
        self._meter: _Meter | None = None
        if isinstance(headers, TokenBucketHeaders):
            self._meter = _Bucket(headers)
        elif isinstance(headers, FixedWindowHeaders):
            self._meter = _Window(headers)
        self._free_at = 0.0
        self._calls = 0
        self._news = asyncio.Event()
        self._waited_until = 0.0
        self.waited = 0.0
        """Seconds in which a call waited; those of calls that wait abreast count once."""

    async def wait(self) -> int:
        """Returns when a call may be made, with the call's number, for `learn` and `end`."""
        while (pause := self._find_pause()) > 0:
            began_at = time.monotonic()
            try:
                async with asyncio.timeout(pause):
                    await self._news.wait()
            except TimeoutError:
                pass
            finally:
                now = time.monotonic()
                self.waited += now - max(began_at, self._waited_until)
                self._waited_until = now
        self._calls += 1
        if self._meter is not None:
            self._meter.start(self._calls, time.monotonic())
        return self._calls

    def _find_pause(self) -> float:
        now = time.monotonic()
        return max(self._free_at - now, 0.0 if self._meter is None else self._meter.find_pause(now))

    def learn(self, headers: Mapping[str, str], call: int) -> None:
        """Take in what the headers of that call's answer say."""
        if self._meter is not None:
            self._meter.learn(headers, call, time.monotonic())
            self._wake()

    def end(self, call: int) -> None:
        """The call is over. One without an answer may have been counted all the same."""
        if self._meter is not None:
            self._meter.end(call, time.monotonic())
            self._wake()

    def hold(self, seconds: float) -> None:
        """No call for `seconds` from now."""
        self._free_at = max(self._free_at, time.monotonic() + seconds)

    def _wake(self) -> None:
        self._news.set()
        self._news.clear()


class _Meter(Protocol):
    """One vendor's way of counting; `now` is time.monotonic()."""

    def find_pause(self, now: float) -> float:
        """Seconds until a call may be left, unless there is news before; 0: there is one now."""
        ...

    def start(self, call: int, now: float) -> None: ...

    def learn(self, headers: Mapping[str, str], call: int, now: float) -> None: ...

    def end(self, call: int, now: float) -> None: ...


class _Bucket:
    """A token bucket: each call takes one of those the vendor said are left, and they grow back at the rate it said.

    A vendor may have a bucket for each endpoint: the emptiest is taken for all.
    """

    def __init__(self, headers: TokenBucketHeaders) -> None:
        self._headers = headers
        self._calls = 0
        self._told = 0  # the latest call whose answer taught us
        self._left = math.inf
        self._left_at = 0.0
        self._rate = 0.0
        self._most = 1.0  # calls the bucket has been seen to hold; one at least, or none could ever be made

    def find_pause(self, now: float) -> float:
        if self._left == math.inf:
            return 0.0
        self._refill(now)
        return max(0.0, 1 - self._left) / self._rate

    def _refill(self, now: float) -> None:
        if self._left != math.inf:
            self._left = min(self._most, self._left + (now - self._left_at) * self._rate)
        self._left_at = now

    def start(self, call: int, now: float) -> None:
        self._left -= 1
        self._calls = call

    def learn(self, headers: Mapping[str, str], call: int, now: float) -> None:
        remaining = _read_number(headers, self._headers.remaining)
        rate = _read_number(headers, self._headers.per_second)
        if call <= self._told or remaining is None or rate is None or rate <= 0:
            return
        self._refill(now)
        self._most = max(self._most, remaining)
        # The vendor cannot have counted the calls that went out after this one.
        self._left = min(self._left, remaining - (self._calls - call))
        self._rate = rate
        self._told = call

    def end(self, call: int, now: float) -> None:
        pass


TURN_MARGIN = 0.1
"""Seconds a window is taken to end late: a vendor's machines do not agree on the time to the millisecond."""


class _Window:
    """A fixed window: so many calls until it ends, whatever their pace, and then anew.

    What may go out is what the vendor said is left, less the calls under way: those it may not have counted yet, and
    around a window's end it may count them in either. When the window ends is found without an answer, by the clock.
    """

    def __init__(self, headers: FixedWindowHeaders) -> None:
        self._headers = headers
        self._vendor = _VendorClock(headers.seconds)
        self._under_way: dict[int, float] = {}  # call → when it went out
        self._lost: list[float] = []  # when calls ended that the vendor may have counted and has not told of
        self._is_wary = True
        self._limit = 0.0
        self._left = math.inf
        self._reset = -math.inf  # end of the latest window the vendor told of, by its clock
        self._has_turned = False  # that one is over, by our clock
        self._since = 0.0  # calls that went out later count in the window that is open now
        self._turns_at = math.inf

    def find_pause(self, now: float) -> float:
        if now >= self._turns_at:
            self._turn(now)
        # The first call of all goes alone: a process before this one may have spent the window. So does the first after
        # a window's end once our clock has been wrong about one.
        goes_alone = self._is_wary and (self._has_turned or self._left == math.inf)
        if self._left - len(self._lost) - len(self._under_way) >= 1 and not (goes_alone and self._under_way):
            return 0.0
        return min(self._turns_at - now, self._headers.seconds)

    def _turn(self, now: float) -> None:
        if not self._has_turned:
            self._has_turned, self._since = True, self._turns_at
        self._turns_at += ((now - self._turns_at) // self._headers.seconds + 1) * self._headers.seconds
        self._left = self._limit
        self._lost.clear()

    def start(self, call: int, now: float) -> None:
        self._under_way[call] = now

    def learn(self, headers: Mapping[str, str], call: int, now: float) -> None:
        limit, remaining = _read_number(headers, self._headers.limit), _read_number(headers, self._headers.remaining)
        reset = _read_number(headers, self._headers.reset)
        if limit is None or limit < 1 or remaining is None or reset is None or call not in self._under_way:
            return  # `end` counts it among the lost
        sent_at = self._under_way.pop(call)
        self._limit = limit
        self._vendor.observe(reset, _read_date(headers), sent_at, now)
        if reset > self._reset or (sent_at >= self._since and (self._has_turned or reset < self._reset)):
            # A window begins, or our clock took one for over that is not, or the vendor's clock was set back.
            has_begun = self._has_turned or reset > self._reset
            self._is_wary = reset <= self._reset or (self._is_wary and self._reset != -math.inf)
            self._left = remaining if has_begun else min(self._left, remaining)
            self._reset, self._has_turned, self._since = reset, False, now
        elif reset == self._reset and not self._has_turned:
            self._left = min(self._left, remaining)
        else:
            return  # it counted in a window that is over
        self._lost = [lost_at for lost_at in self._lost if lost_at > sent_at]  # what is left tells of the others
        self._turns_at = self._vendor.find_moment(reset) + TURN_MARGIN

    def end(self, call: int, now: float) -> None:
        if self._under_way.pop(call, None) is not None:
            if self._left != math.inf:
                self._lost.append(now)
            else:
                self._is_wary = False


class _VendorClock:
    """How far the vendor's clock is ahead of ours, between two bounds that every answer narrows.

    An answer that tells of a window was made while that was open. Its `Date` has whole seconds and may be kept for a
    second by the vendor's server: it was that late at least.
    """

    DRIFT = 1e-4
    SKEW = 2.0  # seconds; beyond that clocks are not inexact but different

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._least, self._most = -math.inf, math.inf
        self._is_date_good = True
        self._at = 0.0

    def observe(self, reset: float, date: float | None, sent_at: float, now: float) -> None:
        """An answer to what went out at `sent_at` and came back `now` told of the window that ends at `reset`."""
        slack, self._at = self.DRIFT * (now - self._at), now
        least, most = reset - self._seconds - now, reset - sent_at
        self._least, self._most = self._least - slack, self._most + slack
        if least >= self._most or self._least - most >= self.SKEW:  # one of the clocks was set
            self._least, self._most, self._is_date_good = least, most, True
        self._least, self._most = max(self._least, least), min(self._most, most)
        if date is not None and self._is_date_good and date - now - self._most < self.SKEW:
            self._least = max(self._least, date - now)
        if self._least >= self._most:  # the clock behind `Date` is ahead of the one behind the windows
            self._least, self._is_date_good = max(least, self._most - 1), False

    def find_moment(self, moment: float) -> float:
        """When it is `moment` by the vendor's clock, at the latest."""
        return moment - self._least


def _read_number(headers: Mapping[str, str], name: str) -> float | None:
    try:
        number = float(headers[name])
    except (KeyError, ValueError):
        return None  # the vendor left it out of this answer: nothing learned
    return number if math.isfinite(number) else None


def _read_date(headers: Mapping[str, str]) -> float | None:
    try:
        return parsedate_to_datetime(headers["Date"]).timestamp()
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
