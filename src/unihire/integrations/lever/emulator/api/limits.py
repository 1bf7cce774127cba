"""The limit of calls: a bucket for each key, of which no header says how full it is."""

from unihire.kit.clock import Clock, to_micros

MOST_BUCKETS = 10_000


class Buckets:
    """So many calls a second in the long run, and so many at once; a rate of 0 means no limit."""

    def __init__(self, rate: int, burst: int, clock: Clock) -> None:
        self._rate, self._burst, self._clock = rate, max(burst, 1), clock
        self._levels: dict[str, tuple[float, int]] = {}

    def take(self, owner: str) -> bool:
        """Whether this call may go on."""
        if not self._rate:
            return True
        now = to_micros(self._clock.now())
        level, at = self._levels.pop(owner, (float(self._burst), now))
        level = min(self._burst, level + max(now - at, 0) * self._rate / 1_000_000)
        is_let = level >= 1
        while len(self._levels) >= MOST_BUCKETS:
            del self._levels[next(iter(self._levels))]
        self._levels[owner] = (level - 1 if is_let else level, now)
        return is_let
