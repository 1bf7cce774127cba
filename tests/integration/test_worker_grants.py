"""Grants of partners, which workers renew before they end."""

import asyncio

import pytest

from testbed.accounts import believe_at_once
from testbed.partner import PARTNER, SECRETS, TokenEndpoint, connect_partner, make_grant
from testbed.tenants import Tenant
from testbed.vendor import say
from testbed.waiting import until, within
from testbed.working import Works, keep_waiting
from unihire.kit.seal import Sealer


async def test_the_grant_of_a_partner_is_renewed_before_it_ends(works: Works, sealer: Sealer) -> None:
    works.install(PARTNER)
    endpoint = TokenEndpoint(works.vendor)
    endpoint.open()
    partner = await connect_partner(
        works.pool, sealer, integration=PARTNER, base_url=works.vendor.base_url, credentials=SECRETS, grant=make_grant()
    )
    await works.rest_schedules()
    async with works.work():
        await asyncio.sleep(0.3)
        assert endpoint.spent == []
        await works.pool.execute("UPDATE connector_grant SET saved_at = now() - '9 hours'::interval")
        await until(lambda: has_spent(endpoint))
        await asyncio.sleep(0.3)
    assert endpoint.spent == ["refresh-0"]
    assert partner.number


async def test_a_worker_ends_when_the_renewal_under_way_has(works: Works, sealer: Sealer) -> None:
    works.install(PARTNER)
    gate = keep_waiting(works.vendor, "/token", after=0)
    await connect_partner(
        works.pool, sealer, integration=PARTNER, base_url=works.vendor.base_url, credentials=SECRETS, grant=make_grant()
    )
    await works.rest_schedules()
    await works.pool.execute("UPDATE connector_grant SET saved_at = now() - '9 hours'::interval")
    async with works.work() as worker:
        await within(gate.arrived.wait())
        worker.stop()
        asyncio.get_running_loop().call_later(0.3, gate.opened.set)
    assert [task for task in asyncio.all_tasks() if "Renewing" in repr(task.get_coro())] == []


async def has_spent(endpoint: TokenEndpoint) -> bool:
    return bool(endpoint.spent)


async def test_a_grant_that_is_refused_needs_a_relink_and_one_that_cannot_be_opened_stops_nobody(
    works: Works, sealer: Sealer, customer: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    believe_at_once(monkeypatch)
    works.install(PARTNER)
    broken, refused = [
        await connect_partner(
            works.pool, sealer, integration=PARTNER, base_url=works.vendor.base_url, credentials=SECRETS,
            grant=make_grant(),
        ) for _ in range(2)
    ]  # fmt: skip
    works.vendor.will("/token", *[lambda request: say({"error": "invalid_grant"}, 400)] * 5)
    await works.pool.execute("UPDATE connector_grant SET saved_at = now() - '9 hours'::interval")
    await works.rest_schedules()
    await works.pool.execute("UPDATE connector SET credentials = 'x' WHERE number = $1", broken.number)
    status = "SELECT status FROM connector WHERE number = $1"

    async def is_refused() -> bool:
        return bool(await works.pool.fetchval(status, refused.number) == "RELINK_NEEDED")

    async with works.work():
        await until(is_refused)
        works.vendor.answers.clear()
        await works.ask(customer)
        await works.wait_for(customer)
    assert await works.pool.fetchval(status, broken.number) == "COMPLETE"
