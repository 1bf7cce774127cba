"""How vendors count calls: what their responses show of it, and the part of a budget that background work leaves.

Each way of counting has a meter, a plain value that is stored: `bucket_meter`, `window_meter`. It is asked how long to
wait (`find_pause`), and learns of every call that it went out (`start`) and came back (`end`). Moments are seconds by
the clock of the store, the same for all processes that share it.
"""

import math
from dataclasses import dataclass
from typing import TypeAlias

RESERVE = 0.04
"""The part of a budget that is left to those who wait for an answer, where it has ten calls or more."""


@dataclass(frozen=True, slots=True)
class BucketReport:
    """What a response shows of a token bucket."""

    left: float
    per_second: float


@dataclass(frozen=True, slots=True)
class WindowReport:
    """What a response shows of the window it was counted in; `reset` and `date` are by the vendor's clock."""

    limit: float
    left: float
    reset: float
    date: float | None


LimitReport: TypeAlias = BucketReport | WindowReport


def count_reserve(limit: float) -> int:
    return math.ceil(limit * RESERVE) if limit >= 10 else 0
