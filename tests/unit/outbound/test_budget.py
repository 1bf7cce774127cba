"""The rate budget of a token bucket: as many calls as the vendor says are left, and never none for good."""

import asyncio
import math
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testbed.virtual_time import VirtualTime
from unihire.outbound.budget import Budget, FixedWindowHeaders, TokenBucketHeaders

NAMES = TokenBucketHeaders(remaining="left", per_second="rate")
WINDOW = FixedWindowHeaders(limit="limit", remaining="left", reset="reset", seconds=30)


@pytest.fixture
def time() -> Iterator[VirtualTime]:
    with VirtualTime() as virtual:
        yield virtual


async def spend(calls: int, rules: Budget) -> None:
    for _ in range(calls):
        await rules.end(await rules.take())


async def ask(rules: Budget, left: str, rate: str) -> None:
    """A call whose answer says this."""
    await rules.end(await rules.take(), {"left": left, "rate": rate})


def test_nothing_is_waited_for_before_the_vendor_has_said_anything(time: VirtualTime) -> None:
    async def work() -> None:
        for headers in (None, NAMES, WINDOW):
            await spend(1000, Budget(headers))

    time.run(work())
    assert time.now == pytest.approx(1000)


def test_what_is_left_is_spent_at_once_and_then_as_it_grows_back(time: VirtualTime) -> None:
    async def work() -> None:
        rules = Budget(NAMES)
        await ask(rules, "5", "10")
        await spend(5, rules)
        assert time.now == pytest.approx(1000)
        await spend(10, rules)
        assert time.now == pytest.approx(1001)
        assert rules.waited == pytest.approx(1)

    time.run(work())


def test_waiting_of_calls_abreast_counts_once(time: VirtualTime) -> None:
    async def work() -> None:
        rules = Budget(NAMES)
        await ask(rules, "0", "2")
        await asyncio.gather(*(spend(1, rules) for _ in range(8)))
        assert time.now == pytest.approx(1004)
        assert rules.waited == pytest.approx(4)

    time.run(work())


def test_empty_bucket_that_is_all_we_ever_saw_fills_again(time: VirtualTime) -> None:
    async def work() -> None:
        rules = Budget(NAMES)
        await ask(rules, "0", "2")
        await spend(3, rules)

    time.run(work())
    assert time.now == pytest.approx(1001.5)


def test_calls_under_way_are_taken_off_what_the_vendor_says(time: VirtualTime) -> None:
    async def work() -> None:
        rules = Budget(NAMES)
        first = await rules.take()
        for _ in range(4):  # sent after the first, whose answer comes now
            await rules.take()
        await rules.end(first, {"left": "5", "rate": "1"})
        await spend(1, rules)
        assert time.now == pytest.approx(1000)
        await spend(1, rules)
        assert time.now == pytest.approx(1001)

    time.run(work())


def test_older_answer_that_comes_late_teaches_nothing(time: VirtualTime) -> None:
    async def work() -> None:
        rules = Budget(NAMES)
        first, second = await rules.take(), await rules.take()
        await rules.end(second, {"left": "7", "rate": "1"})
        await rules.end(first, {"left": "0", "rate": "1"})
        await spend(7, rules)

    time.run(work())
    assert time.now == pytest.approx(1000)


def test_bucket_of_another_endpoint_that_is_fuller_is_not_believed(time: VirtualTime) -> None:
    async def work() -> None:
        rules = Budget(NAMES)
        await ask(rules, "2", "1")
        await ask(rules, "90", "1")
        await spend(1, rules)
        assert time.now == pytest.approx(1000)
        await spend(1, rules)
        assert time.now == pytest.approx(1001)

    time.run(work())


def test_rest_fills_the_bucket_no_higher_than_it_was_seen(time: VirtualTime) -> None:
    async def work() -> None:
        rules = Budget(NAMES)
        await ask(rules, "3", "1")
        time.now += 1_000_000
        began = time.now
        await spend(3, rules)
        assert time.now == pytest.approx(began)
        await spend(1, rules)
        assert time.now == pytest.approx(began + 1)

    time.run(work())


@pytest.mark.parametrize("headers", [None, NAMES, WINDOW])
def test_hold_stops_every_call_for_as_long_as_was_asked(
    time: VirtualTime, headers: TokenBucketHeaders | FixedWindowHeaders | None
) -> None:
    async def work() -> None:
        rules = Budget(headers)
        await rules.block(30)
        await rules.block(5)
        await spend(1, rules)

    time.run(work())
    assert time.now == pytest.approx(1030)


SAID = st.one_of(st.integers(-5, 50).map(str), st.sampled_from(["", "nan", "inf", "-inf", "1e9", "0.5", "x"]))


@given(said=st.lists(st.tuples(SAID, SAID), max_size=30))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # on a busy machine
def test_whatever_the_vendor_says_a_call_can_be_made_some_time(said: list[tuple[str, str]]) -> None:
    async def work() -> None:
        rules = Budget(NAMES)
        for left, rate in said:
            await spend(2, rules)
            await ask(rules, left, rate)
        await spend(1, rules)
        assert not math.isnan(rules.waited)

    with VirtualTime() as time:
        time.run(work())
