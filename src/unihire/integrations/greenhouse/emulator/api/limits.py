"""The vendor's fixed windows: so many requests in each, whatever their pace; moving the clock opens a new one."""

from unihire.kit.clock import Clock, to_micros


class Window:
    """A fixed window of whole seconds; a limit of 0 means none."""

    def __init__(self, limit: int, seconds: int, clock: Clock) -> None:
        self._limit, self._seconds, self._clock = limit, seconds, clock
        self._window = self._count = 0

    def take(self) -> bool:
        window = self._read_clock() // self._seconds
        if window != self._window:
            self._window, self._count = window, 0
        self._count += 1
        return self._limit == 0 or self._count <= self._limit

    def list_headers(self) -> list[tuple[str, str]]:
        """Limit, what is left, and when the window ends in seconds since 1970."""
        if self._limit == 0:
            return []
        left = max(0, self._limit - self._count)
        return [
            ("x-ratelimit-limit", str(self._limit)),
            ("x-ratelimit-remaining", str(left)),
            ("x-ratelimit-reset", str((self._window + 1) * self._seconds)),
        ]

    def list_refusal_headers(self) -> list[tuple[str, str]]:
        """The same for a refusal: nothing left, and how many seconds to wait."""
        end = (self._read_clock() // self._seconds + 1) * self._seconds
        return [
            ("x-ratelimit-limit", str(self._limit)),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", str(end)),
            ("retry-after", str(max(1, end - self._read_clock()))),
        ]

    def _read_clock(self) -> int:
        return to_micros(self._clock.now()) // 1_000_000
