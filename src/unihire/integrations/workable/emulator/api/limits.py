"""The limit of calls: so many in each ten seconds of the clock, for each token."""

from typing import NamedTuple

from unihire.kit.clock import Clock, to_micros

WINDOW = 10


class Taken(NamedTuple):
    """Whether a call is within the limit, and what is left of it."""

    is_within: bool
    limit: int
    remaining: int
    reset: int
    """When the next window begins, in seconds since 1970."""

    def list_headers(self) -> list[tuple[str, str]]:
        if not self.limit:
            return []
        return [
            ("x-rate-limit-limit", str(self.limit)),
            ("x-rate-limit-remaining", str(self.remaining)),
            ("x-rate-limit-reset", str(self.reset)),
        ]


class Windows:
    """Counts calls by token; a limit of 0 means none."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._window, self._counts = 0, dict[str, int]()

    def take(self, token: str, limit: int) -> Taken:
        window = to_micros(self._clock.now()) // 1_000_000 // WINDOW
        if window != self._window:
            self._window, self._counts = window, {}
        count = self._counts[token] = self._counts.get(token, 0) + 1
        return Taken(limit == 0 or count <= limit, limit, max(limit - count, 0), (window + 1) * WINDOW)
