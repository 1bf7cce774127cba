"""The emulator's rate limits; time is the sandbox's clock, so moving it refills them."""

from collections import deque

from unihire.kit.clock import Clock, to_micros

_TOKEN_WINDOW = 60


class Bucket:
    """A token bucket of one endpoint."""

    def __init__(self, capacity: int, rate: int, clock: Clock) -> None:
        self._capacity, self._rate, self._clock = capacity, rate, clock
        self._left = float(capacity)
        self._at = to_micros(clock.now())

    def take(self) -> bool:
        now = to_micros(self._clock.now())
        self._left = min(self._capacity, self._left + max(0, now - self._at) * self._rate / 1e6)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def list_headers(self) -> list[tuple[str, str]]:
        return [
            ("x-ratelimit-remaining", str(int(self._left))),
            ("x-ratelimit-requested-tokens", "1"),
            ("x-ratelimit-burst-capacity", str(self._capacity)),
            ("x-ratelimit-replenish-rate", str(self._rate)),
        ]


class TokenLimit:
    """The documented limit of the token endpoint: so many a minute, then one a second until 60 s have passed."""

    def __init__(self, limit: int, clock: Clock) -> None:
        self._limit, self._clock = limit, clock
        self._window = self._count = self._closed = self._last = 0

    def take(self) -> bool:
        now = to_micros(self._clock.now()) // 1_000_000
        if self._limit == 0:
            return True
        if self._closed and 0 <= now - self._closed < _TOKEN_WINDOW:
            if now == self._last:
                return False
            self._last = now
            return True
        if self._closed or not 0 <= now - self._window < _TOKEN_WINDOW:
            self._window, self._count, self._closed = now, 0, 0
        if self._count >= self._limit:
            self._closed = self._last = now
            return False
        self._count += 1
        return True


class WindowLimit:
    """So many requests within any `seconds`, by default a minute; 0 is no limit.

    That a window is any minute, and that refused requests do not count, are guesses: the documents say that one
    waits a minute, after which this limit always accepts again.
    """

    def __init__(self, limit: int, clock: Clock, seconds: int = 60) -> None:
        self._limit, self._clock, self._micros = limit, clock, seconds * 1_000_000
        self._taken: deque[int] = deque()

    def take(self) -> bool:
        if self._limit == 0:
            return True
        now = to_micros(self._clock.now())
        while self._taken and not 0 <= now - self._taken[0] < self._micros:
            self._taken.popleft()
        if len(self._taken) >= self._limit:
            return False
        self._taken.append(now)
        return True
