"""The rate budget of a fixed window: used to the last call, never overrun, whoever's clock says what."""

import asyncio
import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testbed.virtual_time import VirtualTime
from testbed.window_vendor import LIMIT, NAMES, SECONDS, WindowVendor
from unihire.outbound.budget import Budget, BudgetCall
from unihire.outbound.window_meter import TURN_MARGIN


@pytest.fixture
def vendor() -> Iterator[WindowVendor]:
    with VirtualTime() as time:
        yield WindowVendor(time)


@pytest.mark.parametrize("abreast", [1, 8, 40])
@pytest.mark.parametrize("phase", [0.0, 0.01, 11.2, 29.0, 29.9, 29.99])
def test_window_is_used_to_the_last_call_and_never_overrun(vendor: WindowVendor, abreast: int, phase: float) -> None:
    vendor.ahead += phase
    vendor.use(10 * LIMIT, abreast)
    assert vendor.refused == 0
    assert min(vendor.list_whole()) >= 0.95 * LIMIT
    # No window is left out, and the wait for each is at most a second too long.
    assert max(vendor.counts) - min(vendor.counts) + 1 == len(vendor.counts) <= 11


@pytest.mark.parametrize("abreast", [1, 8])
def test_work_that_is_slower_than_the_budget_is_not_slowed(vendor: WindowVendor, abreast: int) -> None:
    vendor.latency = lambda chance: 0.5 * abreast
    budget = vendor.use(200, abreast)
    assert budget.waited <= abreast + 0.01  # as long as the first call, which goes alone
    assert vendor.refused == 0


@pytest.mark.parametrize("phase", range(0, SECONDS, 4))
def test_wait_for_the_window_is_at_most_a_second_too_long(vendor: WindowVendor, phase: int) -> None:
    vendor.ahead = 1_764_000_000 + phase + phase / 31
    vendor.use(LIMIT + 1, 8)
    answered_after = 0.16
    assert (vendor.now - answered_after) % SECONDS < 1 + TURN_MARGIN


def test_waiting_is_counted(vendor: WindowVendor) -> None:
    vendor.latency = lambda chance: 0.001
    started_at = vendor.time.now
    budget = vendor.use(3 * LIMIT, 8)
    assert budget.waited == pytest.approx(vendor.time.now - started_at, abs=1.5)
    assert budget.waited > 30


@pytest.mark.parametrize("abreast", [1, 8])
def test_answers_without_headers_do_not_stop_or_overrun_anything(vendor: WindowVendor, abreast: int) -> None:
    vendor.is_silent = lambda call: call > 3 and call % 10 != 0
    vendor.use(8 * LIMIT, abreast)
    assert vendor.refused == 0
    # Of calls abreast some are taken for counted twice.
    assert min(vendor.list_whole()) >= (0.95 if abreast == 1 else 0.75) * LIMIT


def test_vendor_that_falls_silent_is_counted_for(vendor: WindowVendor) -> None:
    vendor.is_silent = lambda call: call > 20
    vendor.use(6 * LIMIT, 8)
    assert vendor.refused == 0
    assert len(vendor.counts) <= 8


def test_calls_that_end_without_an_answer_are_taken_for_counted_until_the_vendor_tells(vendor: WindowVendor) -> None:
    budget = vendor.use(10, 1)

    async def lose(calls: int) -> None:
        for _ in range(calls):
            await budget.end(await budget.take())

    vendor.time.run(lose(LIMIT - 10))
    started_at = vendor.time.now
    assert vendor.counts.total() == 10
    vendor.use(1, 1, budget)
    assert vendor.time.now - started_at > 1  # it waited for the next window: all might have been counted
    vendor.time.run(lose(5))
    vendor.use(LIMIT - 1, 1, budget)
    assert set(vendor.counts.values()) == {10, LIMIT}  # the five had not been: the next answer said so


@pytest.mark.parametrize("has_date", [True, False])
def test_window_spent_by_others_is_waited_out(vendor: WindowVendor, has_date: bool) -> None:
    vendor.has_date = has_date
    vendor.counts[int(vendor.now // SECONDS)] = LIMIT - 3
    vendor.use(LIMIT, 8)
    assert vendor.refused == 0
    assert sorted(vendor.counts.values()) == [LIMIT - 3, LIMIT]


def test_others_who_share_the_window_are_told_by_what_is_left(vendor: WindowVendor) -> None:
    def share(chance: random.Random) -> float:
        vendor.counts[int(vendor.now // SECONDS)] += chance.random() < 0.25
        return 0.05

    vendor.latency = share
    vendor.use(4 * LIMIT, 1)
    assert vendor.refused <= len(vendor.counts)  # a call of theirs may come between answer and call


@pytest.mark.parametrize("abreast", [1, 8])
def test_without_a_date_windows_are_found_by_their_turns_alone(vendor: WindowVendor, abreast: int) -> None:
    vendor.has_date = False
    vendor.use(8 * LIMIT, abreast)
    assert vendor.refused == 0
    assert min(vendor.list_whole()) >= 0.95 * LIMIT


@pytest.mark.parametrize("skew", [-3600, -1.5, -0.3, 0.05, 0.3, 1.2, 3600])
def test_date_of_another_clock_costs_a_few_refusals_at_most(vendor: WindowVendor, skew: float) -> None:
    vendor.skew = skew
    vendor.use(20 * LIMIT, 8)
    assert vendor.refused <= (10 if 0.1 < skew < 10 else 0)
    assert min(vendor.list_whole()) >= 0.95 * LIMIT


@pytest.mark.parametrize("step", [-86400, -40, -7, 7, 40, 86400])
def test_clock_that_is_set_is_learned_again(vendor: WindowVendor, step: float) -> None:
    budget = vendor.use(3 * LIMIT + 20, 8)
    vendor.ahead += step
    vendor.use(3 * LIMIT, 8, budget)
    before, started_at = vendor.refused, vendor.time.now
    vendor.use(5 * LIMIT, 8, budget)
    assert vendor.refused == before <= 16
    assert vendor.time.now - started_at < 6.5 * SECONDS


def test_clocks_that_drift_apart_do_no_harm(vendor: WindowVendor) -> None:
    budget = Budget(NAMES)
    for _ in range(200):
        vendor.use(LIMIT, 8, budget)
        vendor.ahead -= 50e-6 * SECONDS
    assert vendor.refused == 0
    assert min(vendor.list_whole()) >= 0.95 * LIMIT


def test_answer_of_a_window_that_is_over_takes_nothing_from_the_next(vendor: WindowVendor) -> None:
    async def work() -> None:
        budget = Budget(NAMES)
        late = [await _learn(vendor, budget)]
        late = [await budget.take() for _ in range(5)]
        said = vendor.answer()
        await asyncio.sleep(SECONDS)
        for _ in range(LIMIT - 5):
            await _learn(vendor, budget)
        started_at = vendor.time.now
        for call in late:
            await budget.end(call, said)
        for _ in range(5):
            await _learn(vendor, budget)
        assert vendor.time.now == pytest.approx(started_at)

    vendor.time.run(work())
    assert vendor.counts[max(vendor.counts)] == LIMIT


async def _learn(vendor: WindowVendor, budget: Budget) -> BudgetCall:
    call = await budget.take()
    await budget.end(call, vendor.answer())
    return call


def test_calls_under_way_at_a_windows_end_may_count_in_either(vendor: WindowVendor) -> None:
    async def work() -> None:
        budget = Budget(NAMES)
        await _learn(vendor, budget)
        under_way = [await budget.take() for _ in range(5)]
        await asyncio.sleep(SECONDS)
        for _ in range(LIMIT - 5):
            await _learn(vendor, budget)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await budget.take()
        for call in under_way:
            await budget.end(call, vendor.answer())

    vendor.time.run(work())
    assert vendor.counts[max(vendor.counts)] == LIMIT
    assert vendor.refused == 0


SAID = st.one_of(st.integers(-5, 50).map(str), st.sampled_from(["", "nan", "inf", "-1e300", "1e300", "0.5", "x"]))
DATES = st.sampled_from(["", "soon", "Thu, 01 Jan 1970 00:00:09 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"])


@given(said=st.lists(st.tuples(SAID, SAID, SAID, DATES, st.booleans()), max_size=20))
@settings(deadline=None)
def test_whatever_the_vendor_says_a_call_can_be_made_within_a_window(
    said: list[tuple[str, str, str, str, bool]],
) -> None:
    async def work(time: VirtualTime) -> None:
        budget = Budget(NAMES)
        for limit, left, reset, date, is_lost in said:
            for _ in range(2):
                started_at = time.now
                call = await budget.take()
                assert time.now - started_at <= SECONDS + 2
                said_now = {"limit": limit, "left": left, "reset": reset, "Date": date}
                await budget.end(call, None if is_lost else said_now)

    with VirtualTime() as time:
        time.run(work(time))
