"""The calls in ten seconds that Workable takes: a sync uses nearly all of them, and none is refused."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random

import pytest

from testbed.databases import Databases
from testbed.virtual_time import VirtualTime
from testbed.workable_link import link_workable
from unihire.integration.registry import get_integration
from unihire.integrations.workable.emulator.api.limits import WINDOW, Windows
from unihire.kit.seal import Sealer
from unihire.outbound.budget import Budget

LIMIT, MINUTES, SHARE = 10, 10, 0.95
BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


class VirtualClock:
    """The vendor's clock, by the time of the test and a little off."""

    def __init__(self, virtual: VirtualTime, off: float) -> None:
        self._virtual, self._off = virtual, off

    def now(self) -> datetime:
        return BEGAN + timedelta(seconds=self._virtual.now + self._off)


@pytest.mark.parametrize("off", [0.0, 3.7, -121.3])
@pytest.mark.parametrize("limit", [LIMIT, 50])
def test_no_call_is_refused_and_nearly_all_there_are_are_used(limit: int, off: float) -> None:
    rule = get_integration("workable").budget_rule
    assert rule is not None
    with VirtualTime() as virtual:
        clock, budget, chance = VirtualClock(virtual, off), Budget(rule), Random(3)
        windows, taken, refused = Windows(clock), Counter[int](), 0

        async def call_on(until: float) -> None:
            nonlocal refused
            while virtual.now < until:
                call = await budget.take("/spi/v3/candidates/1")
                await asyncio.sleep(chance.uniform(0.02, 0.2))
                found = windows.take("token", limit)
                refused += not found.is_within
                taken[found.reset] += 1
                headers = {name.title(): value for name, value in found.list_headers()}
                headers["Date"] = format_datetime(clock.now().replace(microsecond=0), usegmt=True)
                await asyncio.sleep(chance.uniform(0.02, 0.2))
                await budget.end(call, headers)

        async def work() -> None:
            until = virtual.now + MINUTES * 60
            await asyncio.gather(*(call_on(until) for _ in range(8)))

        virtual.run(work())
    assert refused == 0
    whole = sorted(taken)[1:-1]
    assert sum(taken[one] for one in whole) >= SHARE * limit * len(whole)
    assert len(whole) >= MINUTES * 60 // WINDOW - 2


async def test_first_sync_under_a_limit_is_refused_nothing(databases: Databases, sealer: Sealer) -> None:
    """Nine times the real limit, so that it takes seconds; it is met all the same."""
    async with link_workable(databases, sealer, size=12, seed=3, options={"rate_limit": "90"}) as link:
        report = await link.sync()
        asked = (await link.control.get("requests")).json()
        assert report.status == "done"
        assert asked["by_status"].keys() == {"200"}
        assert report.requests > 90
