"""The limit of calls: so many a minute for each key, in fixed minutes of the clock. The vendor publishes no number."""

from unihire.kit.clock import Clock, to_micros

MINUTE = 60


class Minute:
    """Counts calls by key; a limit of 0 means none."""

    def __init__(self, limit: int, clock: Clock) -> None:
        self._limit, self._clock = limit, clock
        self._minute, self._counts = 0, dict[str, int]()

    def take(self, key: str) -> bool:
        minute = self._read_clock() // MINUTE
        if minute != self._minute:
            self._minute, self._counts = minute, {}
        count = self._counts[key] = self._counts.get(key, 0) + 1
        return self._limit == 0 or count <= self._limit

    def count_seconds(self) -> int:
        """Seconds until the next minute."""
        return MINUTE - self._read_clock() % MINUTE

    def _read_clock(self) -> int:
        return to_micros(self._clock.now()) // 1_000_000
