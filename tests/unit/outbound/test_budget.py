"""The rate budget: as many calls as the vendor says are left, and never none for good."""

import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unihire.outbound import budget
from unihire.outbound.budget import Budget, TokenBucketHeaders

NAMES = TokenBucketHeaders(remaining="left", per_second="rate")


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        assert 0 < seconds < 3600, "a wait without end"
        self.now += seconds + 1e-9


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    clock = Time()
    monkeypatch.setattr(budget, "time", clock)
    monkeypatch.setattr(budget.asyncio, "sleep", clock.sleep)
    return clock


async def spend(calls: int, rules: Budget) -> None:
    for _ in range(calls):
        await rules.wait()


async def test_nothing_is_waited_for_before_the_vendor_has_said_anything(time: Time) -> None:
    await spend(1000, Budget(NAMES))
    await spend(1000, Budget(None))
    assert time.now == 1000


async def test_what_is_left_is_spent_at_once_and_then_as_it_grows_back(time: Time) -> None:
    rules = Budget(NAMES)
    rules.learn({"left": "5", "rate": "10"}, await rules.wait())
    await spend(5, rules)
    assert time.now == 1000
    await spend(10, rules)
    assert time.now == pytest.approx(1001)
    assert rules.waited == pytest.approx(1)


async def test_empty_bucket_that_is_all_we_ever_saw_fills_again(time: Time) -> None:
    rules = Budget(NAMES)
    rules.learn({"left": "0", "rate": "2"}, await rules.wait())
    await spend(3, rules)
    assert time.now == pytest.approx(1001.5)


async def test_calls_under_way_are_taken_off_what_the_vendor_says(time: Time) -> None:
    rules = Budget(NAMES)
    first = await rules.wait()
    await spend(4, rules)  # sent after the first, whose answer comes now
    rules.learn({"left": "5", "rate": "1"}, first)
    await rules.wait()
    assert time.now == 1000
    await rules.wait()
    assert time.now == pytest.approx(1001)


async def test_older_answer_that_comes_late_teaches_nothing(time: Time) -> None:
    rules = Budget(NAMES)
    first, second = await rules.wait(), await rules.wait()
    rules.learn({"left": "7", "rate": "1"}, second)
    rules.learn({"left": "0", "rate": "1"}, first)
    await spend(7, rules)
    assert time.now == 1000


async def test_bucket_of_another_endpoint_that_is_fuller_is_not_believed(time: Time) -> None:
    rules = Budget(NAMES)
    rules.learn({"left": "2", "rate": "1"}, await rules.wait())
    rules.learn({"left": "90", "rate": "1"}, await rules.wait())
    await rules.wait()
    assert time.now == 1000
    await rules.wait()
    assert time.now == pytest.approx(1001)


async def test_rest_fills_the_bucket_no_higher_than_it_was_seen(time: Time) -> None:
    rules = Budget(NAMES)
    rules.learn({"left": "3", "rate": "1"}, await rules.wait())
    time.now += 1_000_000
    began = time.now
    await spend(3, rules)
    assert time.now == began
    await rules.wait()
    assert time.now == pytest.approx(began + 1)


async def test_hold_stops_every_call_for_as_long_as_was_asked(time: Time) -> None:
    rules = Budget(None)
    rules.hold(30)
    rules.hold(5)
    await rules.wait()
    assert time.now == pytest.approx(1030)


SAID = st.one_of(st.integers(-5, 50).map(str), st.sampled_from(["", "nan", "inf", "-inf", "1e9", "0.5", "x"]))


@given(said=st.lists(st.tuples(SAID, SAID), max_size=30))
def test_whatever_the_vendor_says_a_call_can_be_made_some_time(said: list[tuple[str, str]]) -> None:
    clock = Time()

    async def run() -> None:
        rules = Budget(NAMES)
        for left, rate in said:
            for _ in range(3):
                call = await rules.wait()
            rules.learn({"left": left, "rate": rate}, call)
        await rules.wait()
        assert not math.isnan(rules.waited)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(budget, "time", clock)
        patch.setattr(budget.asyncio, "sleep", clock.sleep)
        asyncio.run(run())
