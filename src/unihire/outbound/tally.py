"""What a piece of work asks of the vendor, counted where it is asked."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Calls of the API, and the seconds in which one waited; concurrent waits count once."""

    calls: int = 0
    waited: float = 0.0
    _waiting: int = field(default=0, repr=False)
    _since: float = field(default=0.0, repr=False)

    @contextmanager
    def count_wait(self) -> Iterator[None]:
        """The block is a wait."""
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
            now = time.monotonic()
            self.waited, self._since = self.waited + now - self._since, now


TALLY: ContextVar[Tally | None] = ContextVar("tally", default=None)
"""That of the current work; code that starts work to be counted by itself sets it."""
