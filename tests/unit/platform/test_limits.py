"""The rate limiter: a minute from the first call, each caller for itself."""

import pytest

from unihire.platform import limits
from unihire.platform.limits import RateLimiter, refuse


class Time:
    now = 1_800_000_000.25

    def time(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    clock = Time()
    monkeypatch.setattr(limits, "time", clock)
    return clock


def test_window_counts_down_refuses_and_opens_anew(time: Time) -> None:
    limiter = RateLimiter(2)
    assert [limiter.take("a").remaining for _ in range(4)] == [1, 0, -1, -1]
    limit_state = limiter.take("a")
    assert limit_state.reset == 1_800_000_061  # the first whole second at which it is open
    assert refuse(limit_state).retry_after == 60
    time.now += 59.7
    assert limiter.take("a").remaining == -1
    assert refuse(limiter.take("a")).retry_after == 2
    time.now += 0.31
    assert limiter.take("a").remaining == 1


def test_callers_are_counted_apart(time: Time) -> None:
    limiter = RateLimiter(1)
    assert [limiter.take(caller).remaining for caller in "abab"] == [0, 0, -1, -1]


def test_windows_that_are_over_are_forgotten(time: Time) -> None:
    limiter = RateLimiter(1)
    for caller in range(limits._SWEEP + 5):
        limiter.take(caller)
        time.now += 0.02
    assert len(limiter._windows) < limits._SWEEP
    assert limiter.take(limits._SWEEP + 4).remaining == -1


def test_a_clock_that_is_set_back_begins_a_window_anew(time: Time) -> None:
    limiter = RateLimiter(1)
    time.now += 86_400
    assert [limiter.take("a").remaining for _ in range(3)] == [0, -1, -1]
    time.now -= 86_400
    assert [limiter.take("a").remaining for _ in range(3)] == [0, -1, -1]
    assert limiter.take("a").reset == 1_800_000_061
