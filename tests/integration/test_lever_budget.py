"""The calls a second that Lever takes: a sync uses nearly all of them, and none is refused."""

import asyncio
import time
from dataclasses import replace
from random import Random

from testbed.databases import Databases
from testbed.lever_link import link_lever
from testbed.virtual_time import VirtualTime
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.outbound.budget import Budget, DeclaredRate

RATE, BURST, SECONDS, SHARE = 10, 20, 600, 0.95


def get_rate() -> DeclaredRate:
    rule = get_integration("lever").budget_rule
    assert isinstance(rule, DeclaredRate)
    return rule


def test_no_call_finds_the_bucket_empty_and_it_is_nearly_always_used() -> None:
    """The vendor's bucket as documented: ten a second for long, twenty at once; calls arrive early or late."""
    with VirtualTime() as virtual:
        budget, chance, sent = Budget(get_rate()), Random(3), list[float]()

        async def call_on(until: float) -> None:
            while virtual.now < until:
                call = await budget.take("/opportunities")
                await asyncio.sleep(chance.uniform(0.01, 0.1))
                sent.append(virtual.now)
                await asyncio.sleep(chance.uniform(0.05, 0.5))
                await budget.end(call, {})

        async def work() -> None:
            await asyncio.sleep(60)  # the bucket is full
            until = virtual.now + SECONDS
            await asyncio.gather(*(call_on(until) for _ in range(16)))

        virtual.run(work())
    left, before = float(BURST), sent[0]
    for moment in sorted(sent):
        left, before = min(BURST, left + (moment - before) * RATE) - 1, moment
        assert left >= 0, moment
    assert len(sent) >= SHARE * RATE * SECONDS


async def test_sync_under_the_limit_waits_as_long_as_it_must_and_is_refused_nothing(
    databases: Databases, sealer: Sealer
) -> None:
    rate, options = get_rate(), {"rate_limit": str(RATE), "burst": str(BURST)}
    async with link_lever(databases, sealer, size=9, seed=3, options=options) as link:
        link.tenant = replace(link.tenant, integration=get_integration("lever"))
        began = time.monotonic()
        report = await link.sync()
        took = time.monotonic() - began
        asked = (await link.control.get("requests")).json()
        assert report.status == "done"
        assert asked["by_status"].keys() == {"200"}
        assert report.requests > 4 * rate.burst
        least = (report.requests - rate.burst) / rate.per_second
        assert least * 0.98 <= took <= least / SHARE + 4  # and what comes before the first call, on a busy machine
