"""Rates that a vendor documents: of all calls, of a route, and how many calls there are at once."""

import asyncio
from collections.abc import Iterator

import pytest

from testbed.virtual_time import VirtualTime
from unihire.errors import BudgetSpent
from unihire.outbound.budget import Budget, DeclaredRate, FixedWindowHeaders, RouteLimit
from unihire.outbound.budget_store import MemoryBudgets

RATE = DeclaredRate(per_second=10, burst=20)


@pytest.fixture
def time() -> Iterator[VirtualTime]:
    with VirtualTime() as virtual:
        yield virtual


async def spend(calls: int, budget: Budget, path: str = "") -> None:
    for _ in range(calls):
        await budget.end(await budget.take(path), {})


def test_declared_burst_goes_out_at_once_and_the_others_at_the_rate(time: VirtualTime) -> None:
    async def work() -> None:
        budget = Budget(RATE)
        await spend(20, budget)
        assert time.now == pytest.approx(1000)
        await spend(30, budget)
        assert time.now == pytest.approx(1003)

    time.run(work())


def test_clients_share_a_declared_rate(time: VirtualTime) -> None:
    async def work() -> None:
        store = MemoryBudgets()
        await spend(20, Budget(RATE, store))
        await spend(10, Budget(RATE, store))
        assert time.now == pytest.approx(1001)

    time.run(work())


def test_route_waits_for_its_own_rate_and_the_others_do_not(time: VirtualTime) -> None:
    async def work() -> None:
        limit = RouteLimit(path="/offers", rate=DeclaredRate(per_second=2, burst=2))
        budget = Budget(RATE, routes=(limit,))
        await spend(2, budget, "/offers/1")
        await spend(10, budget, "/jobs")
        assert time.now == pytest.approx(1000)
        await spend(2, budget, "/offers/2")
        assert time.now == pytest.approx(1001)

    time.run(work())


def test_route_is_limited_where_nothing_else_is(time: VirtualTime) -> None:
    async def work() -> None:
        budget = Budget(None, routes=(RouteLimit(path="/offers", rate=DeclaredRate(per_second=1, burst=1)),))
        await spend(100, budget, "/jobs")
        assert time.now == pytest.approx(1000)
        await spend(3, budget, "/offers")
        assert time.now == pytest.approx(1002)

    time.run(work())


def test_so_many_calls_are_under_way_and_no_more_over_all_clients(time: VirtualTime) -> None:
    async def work() -> None:
        store, running, most = MemoryBudgets(), 0, 0

        async def call(budget: Budget) -> None:
            nonlocal running, most
            taken = await budget.take()
            running += 1
            most = max(most, running)
            await asyncio.sleep(1)
            running -= 1
            await budget.end(taken, {})

        budgets = [Budget(None, store, at_once=3) for _ in range(2)]
        await asyncio.gather(*(call(budgets[place % 2]) for place in range(9)))
        assert most == 3
        assert 1003 <= time.now < 1005  # three at a time, a second each

    time.run(work())


def test_calls_of_a_process_that_died_count_until_they_are_over_for_sure(time: VirtualTime) -> None:
    async def work() -> None:
        store = MemoryBudgets()
        dead = Budget(None, store, at_once=1, timeout=30)
        await dead.take()
        with pytest.raises(BudgetSpent):
            await Budget(None, store, at_once=1, timeout=30, patience=0).take()
        await spend(1, Budget(None, store, at_once=1, timeout=30))
        assert 1030 <= time.now <= 1031

    time.run(work())


def test_window_that_is_told_in_seconds_left_is_one_window_though_they_are_rough(time: VirtualTime) -> None:
    rule = FixedWindowHeaders(limit="limit", remaining="left", reset="reset", seconds=10, in_seconds=True)

    async def work() -> None:
        budget = Budget(rule)

        async def ask(left: int, reset: int, date: str) -> None:
            said = {"limit": "5", "left": str(left), "reset": str(reset), "Date": f"Mon, 30 Nov 2026 10:00:{date} GMT"}
            await budget.end(await budget.take(), said)

        await ask(4, 10, "00")
        await ask(3, 10, "01")  # rounded up
        await ask(2, 8, "01")
        await ask(1, 9, "01")
        await ask(0, 9, "01")
        before = time.now
        await budget.take()
        assert time.now - before > 5

    time.run(work())
