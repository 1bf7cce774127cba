"""How often a caller may ask: a fixed window for each, counted in this process."""

import math
import time

import msgspec

from unihire.errors import RateLimited

WINDOW_SECONDS = 60
_SWEEP = 10_000


class RateLimitState(msgspec.Struct, frozen=True):
    """A caller's state in the window: `reset` is the Unix second at which the next one begins."""

    limit: int
    remaining: int
    reset: int


class RateLimiter:
    """Counts calls by key; a window starts with a key's first call and lasts a minute."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._windows: dict[object, tuple[float, int]] = {}

    def take(self, key: object) -> RateLimitState:
        """Count a call. `remaining` is -1 where the call exceeds the limit."""
        now = time.time()
        ends, used = self._windows.get(key, (0.0, 0))
        if not now < ends <= now + WINDOW_SECONDS:  # it is over, or began before the clock was set back
            ends, used = now + WINDOW_SECONDS, 0
            if len(self._windows) >= _SWEEP:
                self._windows = {
                    key: window for key, window in self._windows.items() if now < window[0] <= now + WINDOW_SECONDS
                }
        used = min(used + 1, self.limit + 1)
        self._windows[key] = (ends, used)
        return RateLimitState(self.limit, self.limit - used, math.ceil(ends))

    def look(self) -> RateLimitState:
        """The state of a caller who has not called."""
        return RateLimitState(self.limit, self.limit, math.ceil(time.time() + WINDOW_SECONDS))


def refuse(limit_state: RateLimitState) -> RateLimited:
    """The error for a call that was one too many."""
    return RateLimited(min(WINDOW_SECONDS, max(1, math.ceil(limit_state.reset - time.time()))))
