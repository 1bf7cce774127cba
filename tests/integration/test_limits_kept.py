"""A whole first sync under each vendor's documented limit of calls, in simulated time: it uses nearly all there are
while there is work, and none is refused.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from testbed.ashby_link import link_ashby
from testbed.databases import Databases
from testbed.effort import count
from testbed.lever_link import link_lever
from testbed.simulated_time import SimulatedClock, SimulatedTime
from testbed.vendor import IMPATIENT
from testbed.vendor_link import VendorLink
from testbed.workable_link import link_workable
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer

SHARE = 0.95


@dataclass(frozen=True)
class Limit:
    """So many calls in so many seconds, as the vendor documents it or else its emulator has it, and options for it.

    `size` are the candidates of a usual run: enough for some windows.
    """

    link: Callable[..., AbstractAsyncContextManager[VendorLink]]
    calls: int
    seconds: int
    size: int
    options: dict[str, str]


LIMITS = {
    "ashby": Limit(link_ashby, 1000, 60, 900, {"rate_limit": "1000"}),
    "lever": Limit(link_lever, 10, 1, 100, {"rate_limit": "10", "burst": "20", "apply_limit": "2"}),
    "workable": Limit(link_workable, 10, 10, 300, {"rate_limit": "10"}),
}


@pytest.mark.parametrize("slug", LIMITS)
@pytest.mark.timeout(3600)
def test_first_sync_uses_nearly_all_calls_there_are_and_is_refused_none(
    databases: Databases, sealer: Sealer, slug: str
) -> None:
    limit = LIMITS[slug]
    size = count(20_000, limit.size)
    with SimulatedTime() as simulated:

        async def sync() -> tuple[Any, Any]:
            clock = SimulatedClock(simulated)
            async with limit.link(databases, sealer, size=size, seed=3, options=limit.options, clock=clock) as link:
                link.tenant = replace(link.tenant, integration=get_integration(slug))
                with simulated.let_pass():
                    report = await link.sync(retry=IMPATIENT)
                return report, (await link.control.get("requests")).json()

        report, asked = simulated.run(sync())
    used = find_share(simulated.sent, limit)
    print(  # noqa: T201 - the figures, for whoever asked for them
        f"{slug}: {size} candidates, {report.requests} calls in {simulated.sent[-1] - simulated.sent[0]:.0f} s of the "
        f"vendor's, {used:.1%} of the budget, answers {asked['by_status']}"
    )
    assert (report.status, report.errors) == ("done", {})
    assert asked["by_status"].keys() == {"200"}
    assert used >= SHARE


def find_share(sent: list[float], limit: Limit) -> float:
    """The part of the calls there are that was made, in the whole windows between the first call and the last."""
    windows = [int(moment // limit.seconds) for moment in sent]
    first, last = min(windows), max(windows)
    made = sum(first < window < last for window in windows)
    return made / (limit.calls * (last - first - 1))
