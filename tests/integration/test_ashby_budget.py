"""The calls a minute that Ashby takes: a sync uses nearly all of them, and none is refused."""

import asyncio
import time
from dataclasses import replace
from random import Random

from testbed.ashby_link import link_ashby
from testbed.databases import Databases
from testbed.virtual_time import VirtualTime
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.outbound.budget import Budget, DeclaredRate

LIMIT, MINUTE, MINUTES = 1000, 60, 5
"""What the emulator allows if nothing is set; minutes that are looked at."""

SHARE = 0.95


def get_rate() -> DeclaredRate:
    rule = get_integration("ashby").budget_rule
    assert isinstance(rule, DeclaredRate)
    return rule


def test_no_minute_has_more_calls_than_ashby_takes_and_each_nearly_as_many() -> None:
    with VirtualTime() as virtual:
        budget, chance, sent = Budget(get_rate()), Random(3), list[float]()

        async def call_on(until: float) -> None:
            while virtual.now < until:
                call = await budget.take("/candidate.info")
                sent.append(virtual.now)
                await asyncio.sleep(chance.uniform(0.05, 0.6))
                await budget.end(call, {})

        async def work() -> None:
            await asyncio.sleep(MINUTE)  # the bucket is full
            until = virtual.now + MINUTES * MINUTE
            await asyncio.gather(*(call_on(until) for _ in range(24)))

        virtual.run(work())
    # The vendor's minutes may begin at any moment.
    for begin in range(int(sent[0]), int(sent[0]) + (MINUTES - 1) * MINUTE):
        count = sum(begin <= moment < begin + MINUTE for moment in sent)
        assert SHARE * LIMIT <= count <= LIMIT, begin


async def test_sync_under_the_limit_waits_as_long_as_it_must_and_is_refused_nothing(
    databases: Databases, sealer: Sealer
) -> None:
    """A fifth of the limit would take a minute; this is the rate itself, for some seconds."""
    rate = get_rate()
    async with link_ashby(databases, sealer, size=36, seed=3, options={"rate_limit": str(LIMIT)}) as link:
        link.tenant = replace(link.tenant, integration=get_integration("ashby"))
        began = time.monotonic()
        report = await link.sync()
        took = time.monotonic() - began
        asked = (await link.control.get("requests")).json()
        assert report.status == "done"
        assert asked["by_status"].keys() == {"200"}
        assert report.requests > 4 * rate.burst
        least = (report.requests - rate.burst) / rate.per_second
        assert least * 0.98 <= took <= least / SHARE + 4  # and what comes before the first call, on a busy machine
        await link.look()
        await link.check()
