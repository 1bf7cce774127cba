"""One budget for several processes: none overdraws it, somebody who waits goes first, the dead are forgotten."""

import asyncio
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import msgspec
import pytest

from testbed.virtual_time import VirtualTime
from testbed.window_vendor import LIMIT, NAMES, SECONDS, WindowVendor
from unihire.errors import BudgetSpent
from unihire.outbound.budget import LOOK_SECONDS, POLL_PAUSES, Budget, FixedWindowHeaders, TokenBucketHeaders
from unihire.outbound.budget_store import ASKING_SECONDS, BudgetState, BudgetUnavailable
from unihire.outbound.meters import count_reserve
from unihire.outbound.tally import TALLY, Tally
from unihire.outbound.window_meter import ALONE_SECONDS

T = TypeVar("T")
BUCKET = TokenBucketHeaders(remaining="left", per_second="rate")
RESERVE = count_reserve(LIMIT)


@dataclass
class Shelf:
    """A keeper as the store is one: its clock is another, each step takes its time, and who is late begins again."""

    time: VirtualTime
    latency: float = 0.002
    ahead: float = 1_790_000_000.0
    kept: bytes | None = None
    version: int = 0
    looks: int = 0
    is_down: bool = False

    async def change(self, work: Callable[[BudgetState, float], T]) -> T:
        while True:
            if self.is_down:
                raise BudgetUnavailable("it is down")
            self.looks += 1
            await asyncio.sleep(self.latency)
            version, kept, now = self.version, self.kept, self.time.now + self.ahead
            state = BudgetState() if kept is None else msgspec.msgpack.decode(kept, type=BudgetState)
            await asyncio.sleep(self.latency)
            made = work(state, now)
            changed = msgspec.msgpack.encode(state)
            if changed == kept:
                return made
            await asyncio.sleep(self.latency)
            if version == self.version:
                self.kept, self.version = changed, version + 1
                await asyncio.sleep(self.latency)
                return made

    def lose(self) -> None:
        self.kept, self.version = None, self.version + 1


@pytest.fixture
def vendor() -> Iterator[WindowVendor]:
    with VirtualTime() as time:
        yield WindowVendor(time)


@pytest.fixture
def shelf(vendor: WindowVendor) -> Shelf:
    return Shelf(vendor.time)


def share(
    shelf: Shelf, processes: int, headers: TokenBucketHeaders | FixedWindowHeaders | None = NAMES, **settings: object
) -> list[Budget]:
    return [Budget(headers, shelf, **settings) for _ in range(processes)]  # type: ignore[arg-type]


async def spend(vendor: WindowVendor, budgets: list[Budget], calls: int, abreast: int) -> None:
    """Make so many calls, so many at a time in each process."""
    turns = iter(range(calls))

    async def take_turns(budget: Budget) -> None:
        for _ in turns:
            await vendor.serve(budget)

    await asyncio.gather(*(take_turns(budget) for budget in budgets for _ in range(abreast)))


@pytest.mark.parametrize("is_background", [False, True])
@pytest.mark.parametrize(("processes", "abreast"), [(2, 1), (4, 1), (2, 8), (4, 8)])
def test_processes_use_each_window_together_and_never_overrun_it(
    vendor: WindowVendor, shelf: Shelf, processes: int, abreast: int, is_background: bool
) -> None:
    budgets = share(shelf, processes, is_background=is_background)
    vendor.time.run(spend(vendor, budgets, 8 * LIMIT, abreast))
    assert vendor.refused == 0
    assert min(vendor.list_whole()) >= 0.97 * LIMIT
    assert max(vendor.counts) - min(vendor.counts) + 1 == len(vendor.counts) <= 9


def test_process_that_begins_knows_what_the_others_spent(vendor: WindowVendor, shelf: Shelf) -> None:
    async def work() -> None:
        one, other = share(shelf, 2)
        await spend(vendor, [one], LIMIT, 8)
        started_at = vendor.time.now
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await other.take()
        assert vendor.time.now - started_at == pytest.approx(5)

    vendor.time.run(work())
    assert vendor.counts.total() == LIMIT


def test_processes_share_a_bucket_and_never_overdraw_it(vendor: WindowVendor, shelf: Shelf) -> None:
    """Twenty calls at once, and ten a second."""
    left, at, refused = 20.0, vendor.time.now, 0

    async def ask(budget: Budget) -> None:
        nonlocal left, at, refused
        call = await budget.take()
        await asyncio.sleep(vendor.latency(vendor.chance))
        left, at = min(20.0, left + (vendor.time.now - at) * 10), vendor.time.now
        refused += left < 1
        left = max(0.0, left - 1)
        said = {"left": str(int(left)), "rate": "10"}
        await asyncio.sleep(vendor.latency(vendor.chance))
        await budget.end(call, said)

    async def work() -> None:
        budgets = share(shelf, 4, BUCKET)
        await ask(budgets[0])
        turns = iter(range(400))

        async def take_turns(budget: Budget) -> None:
            for _ in turns:
                await ask(budget)

        await asyncio.gather(*(take_turns(budget) for budget in budgets for _ in range(4)))

    started_at = vendor.time.now
    vendor.time.run(work())
    assert refused == 0
    assert vendor.time.now - started_at < (400 - 20) / 10 * 1.15


def test_somebody_who_waits_is_answered_in_the_window_that_sync_spends(vendor: WindowVendor, shelf: Shelf) -> None:
    async def work() -> None:
        sync, (interactive,) = share(shelf, 2, is_background=True), share(shelf, 1)
        await vendor.serve(interactive)
        spending = asyncio.create_task(spend(vendor, sync, 5 * LIMIT, 8))
        for _ in range(3):
            await asyncio.sleep(SECONDS - vendor.now % SECONDS + 15)
            window, started_at = int(vendor.now // SECONDS), vendor.time.now
            assert vendor.counts[window] == LIMIT - RESERVE
            await vendor.serve(interactive)
            assert vendor.time.now - started_at < 0.5
            assert int(vendor.now // SECONDS) == window
        await spending

    vendor.time.run(work())
    assert vendor.refused == 0
    assert min(vendor.list_whole()) >= LIMIT - 1


def test_background_stands_back_while_somebody_waits(vendor: WindowVendor, shelf: Shelf) -> None:
    order = list[str]()

    async def ask(name: str, budget: Budget) -> None:
        await vendor.serve(budget)
        order.append(name)

    async def work() -> None:
        (sync,), (interactive,) = share(shelf, 1, is_background=True), share(shelf, 1)
        await spend(vendor, [interactive], LIMIT, 8)
        waiting = [asyncio.create_task(ask("sync", sync)) for _ in range(20)]
        await asyncio.sleep(1)
        waiting += [asyncio.create_task(ask("interactive", interactive)) for _ in range(20)]
        await asyncio.gather(*waiting)

    vendor.time.run(work())
    assert order.index("sync") >= 18
    assert vendor.refused == 0


@pytest.mark.parametrize("begins_in", [3.0, 3.3, 3.6, 3.9])
def test_background_goes_on_when_nobody_waits_any_more(vendor: WindowVendor, shelf: Shelf, begins_in: float) -> None:
    async def work() -> None:
        (sync,), (interactive,) = share(shelf, 1, is_background=True), share(shelf, 1)
        await spend(vendor, [interactive], LIMIT, 8)
        await asyncio.sleep(begins_in)
        waiting = asyncio.create_task(vendor.serve(sync))
        await vendor.serve(interactive)
        started_at = vendor.time.now
        await waiting
        assert vendor.time.now - started_at < POLL_PAUSES[1] + 0.2

    vendor.time.run(work())


def test_waiting_of_somebody_who_gave_up_is_soon_forgotten(vendor: WindowVendor, shelf: Shelf) -> None:
    async def work() -> None:
        (sync,), (interactive,) = share(shelf, 1, is_background=True), share(shelf, 1)
        await spend(vendor, [interactive], LIMIT, 8)
        ends_in = SECONDS - vendor.now % SECONDS
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(ends_in - 0.1):
                await interactive.take()
        started_at = vendor.time.now
        await vendor.serve(sync)
        assert vendor.time.now - started_at < ASKING_SECONDS + 1.5

    vendor.time.run(work())


def test_interactive_calls_abreast_do_not_hold_up_sync_while_there_is_enough(
    vendor: WindowVendor, shelf: Shelf
) -> None:
    async def work() -> None:
        (sync,), (interactive,) = share(shelf, 1, is_background=True), share(shelf, 1)
        await vendor.serve(interactive)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(spend(vendor, [interactive], 20, 8))
            await spend(vendor, [sync], 10, 1)
        assert sync.waited < 0.5

    vendor.time.run(work())


def test_calls_of_a_dead_process_are_forgotten_after_their_timeout(vendor: WindowVendor, shelf: Shelf) -> None:
    async def work() -> None:
        dead, alive = share(shelf, 2, timeout=60)
        await vendor.serve(alive)
        died_at = vendor.time.now
        for _ in range(10):
            await dead.take()
        await spend(vendor, [alive], 5 * LIMIT, 8)
        whole = vendor.list_whole()
        assert whole[0] == LIMIT - 10  # they may be counted in this window still
        assert vendor.time.now - died_at > 60 + SECONDS
        assert whole[-1] == LIMIT

    vendor.time.run(work())
    assert vendor.refused == 0


def test_first_call_that_died_keeps_the_next_back_for_seconds(vendor: WindowVendor, shelf: Shelf) -> None:
    async def work() -> None:
        dead, alive = share(shelf, 2)
        await dead.take()
        started_at = vendor.time.now
        await alive.take()
        assert vendor.time.now - started_at == pytest.approx(ALONE_SECONDS, abs=0.1)

    vendor.time.run(work())


def test_lost_state_makes_the_next_call_go_alone_and_knows_what_is_under_way(
    vendor: WindowVendor, shelf: Shelf
) -> None:
    async def work() -> None:
        one, other = share(shelf, 2)
        await spend(vendor, [one, other], LIMIT - 10, 8)
        under_way = [await one.take() for _ in range(5)]
        shelf.lose()
        alone = await one.take()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await other.take()
        await one.end(alone, vendor.answer())
        await spend(vendor, [other], 4, 4)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await other.take()
        for call in under_way:
            await one.end(call, vendor.answer())

    vendor.time.run(work())
    assert set(vendor.counts.values()) == {LIMIT}
    assert vendor.refused == 0


def test_database_that_is_away_costs_only_the_calls_that_ask(vendor: WindowVendor, shelf: Shelf) -> None:
    async def work() -> None:
        one, other = share(shelf, 2)
        await vendor.serve(one)
        call = await one.take()
        shelf.is_down = True
        await one.end(call, vendor.answer())
        await one.block(60)
        with pytest.raises(BudgetUnavailable):
            await one.take()
        shelf.is_down = False
        await spend(vendor, [one, other], 2 * LIMIT, 8)

    vendor.time.run(work())
    assert vendor.refused == 0


@pytest.mark.parametrize("headers", [NAMES, BUCKET, None])
def test_vendor_without_a_limit_costs_a_look_a_second(
    vendor: WindowVendor, shelf: Shelf, headers: TokenBucketHeaders | FixedWindowHeaders | None
) -> None:
    async def work() -> None:
        (budget,) = share(shelf, 1, headers)
        for _ in range(1000):
            call = await budget.take()
            await asyncio.sleep(0.01)
            await budget.end(call, {"Date": "Thu, 01 Jan 1970 00:00:09 GMT"})

    vendor.time.run(work())
    assert vendor.time.now == pytest.approx(1010, abs=0.5)
    assert shelf.looks <= 10 / LOOK_SECONDS + 5


def test_limit_that_another_process_is_told_of_is_known_a_second_later(vendor: WindowVendor, shelf: Shelf) -> None:
    async def work() -> None:
        vendor.is_silent = lambda call: call < 40
        one, other = share(shelf, 2)
        await spend(vendor, [one, other], 20, 2)
        vendor.is_silent = lambda call: False
        await spend(vendor, [one], LIMIT - 20, 1)
        await asyncio.sleep(LOOK_SECONDS)
        assert vendor.counts.total() == LIMIT
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await other.take()

    vendor.time.run(work())


def test_calls_under_way_count_when_the_vendor_first_tells_of_a_limit(vendor: WindowVendor, shelf: Shelf) -> None:
    async def work() -> None:
        (budget,) = share(shelf, 1, BUCKET)
        calls = [await budget.take() for _ in range(5)]
        await budget.end(calls[0], {"left": "6", "rate": "1"})
        started_at = vendor.time.now
        for _ in range(2):
            await budget.take()
        assert vendor.time.now - started_at < 0.1
        await budget.take()
        assert vendor.time.now - started_at == pytest.approx(1, abs=0.1)

    vendor.time.run(work())


def test_rest_that_a_vendor_asks_of_one_is_kept_by_all(vendor: WindowVendor, shelf: Shelf) -> None:
    async def work() -> None:
        one, other = share(shelf, 2, None)
        await one.block(20)
        started_at = vendor.time.now
        await other.take()
        assert vendor.time.now - started_at == pytest.approx(20, abs=0.1)

    vendor.time.run(work())


def test_clock_of_the_keeper_that_is_set_back_stops_nobody(vendor: WindowVendor, shelf: Shelf) -> None:
    async def work() -> None:
        budgets = share(shelf, 2)
        await spend(vendor, budgets, LIMIT + 10, 8)
        await budgets[0].block(60)
        shelf.ahead -= 3600
        started_at = vendor.time.now
        await spend(vendor, budgets, LIMIT, 8)
        assert vendor.time.now - started_at < SECONDS + 2

    vendor.time.run(work())
    assert vendor.refused == 0


def test_patience_is_not_stretched_by_a_spent_window(vendor: WindowVendor, shelf: Shelf) -> None:
    async def work() -> None:
        (sync,), (interactive,) = share(shelf, 1, is_background=True, patience=2.0), share(shelf, 1)
        await spend(vendor, [interactive], LIMIT, 8)
        started_at, turns_in = vendor.time.now, SECONDS - vendor.now % SECONDS
        with pytest.raises(BudgetSpent) as spent:
            await sync.take()
        assert vendor.time.now - started_at < 0.1
        assert spent.value.after == pytest.approx(turns_in, abs=1.2)
        await asyncio.sleep(spent.value.after)
        await spend(vendor, [sync], LIMIT - RESERVE, 8)
        started_at = vendor.time.now
        with pytest.raises(BudgetSpent) as spent:
            await sync.take()
        assert vendor.time.now - started_at < 0.1
        # When the reserve is free for all.
        assert spent.value.after == pytest.approx(0.9 * SECONDS - vendor.now % SECONDS, abs=1.2)
        await asyncio.sleep(spent.value.after)
        await spend(vendor, [sync], RESERVE, 2)
        assert vendor.counts[int(vendor.now // SECONDS)] == LIMIT

    vendor.time.run(work())
    assert vendor.refused == 0


def test_patience_is_enough_for_a_first_call_to_go_alone(vendor: WindowVendor, shelf: Shelf) -> None:
    vendor.time.run(spend(vendor, share(shelf, 1, is_background=True, patience=1.0), 20, 8))
    assert vendor.counts.total() == 20


def test_first_call_that_is_not_answered_in_time_is_waited_for_patiently_and_no_longer(
    vendor: WindowVendor, shelf: Shelf
) -> None:
    async def work() -> None:
        (budget,) = share(shelf, 1, is_background=True, patience=1.0)
        await budget.take()
        started_at = vendor.time.now
        with pytest.raises(BudgetSpent) as spent:
            await budget.take()
        assert vendor.time.now - started_at == pytest.approx(1, abs=0.6)
        assert 0 < (spent.value.after or math.nan) < ALONE_SECONDS

    vendor.time.run(work())


def test_each_piece_of_work_is_told_what_it_waited(vendor: WindowVendor, shelf: Shelf) -> None:
    async def piece(budget: Budget, calls: int) -> Tally:
        TALLY.set(tally := Tally())
        await spend(vendor, [budget], calls, 4)
        return tally

    async def work() -> None:
        (budget,) = share(shelf, 1)
        await spend(vendor, [budget], LIMIT - 5, 8)
        brief, long = await asyncio.gather(
            asyncio.create_task(piece(budget, 1)), asyncio.create_task(piece(budget, LIMIT))
        )
        assert brief.waited < 1
        assert long.waited == pytest.approx(SECONDS - 10, abs=12)
        assert budget.waited >= long.waited

    vendor.time.run(work())
