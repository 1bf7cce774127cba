"""Rows that change or go while they are read, and a small rate budget. Faults are in acceptance/test_faults.py."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.faulting import PERSISTENT
from testbed.personio import check_same, expect_records, make_emulated_tenant, read_served, read_vendor
from testbed.tenants import Tenant, open_api
from unihire.kit.seal import Sealer
from unihire.platform.connectors import open_client
from unihire.sandbox.runner import Ready, start_sandbox
from unihire.store import Pool
from unihire.sync.run import Report, sync_connector

LISTS = [f"/v2/recruiting/{stream}" for stream in ("jobs", "candidates", "applications")]


@pytest.fixture(scope="module")
def ready() -> Iterator[Ready]:
    with start_sandbox("personio", size=220, seed=11) as sandbox:  # two pages of candidates and of applications
        yield sandbox.ready


@pytest_asyncio.fixture
async def control(ready: Ready) -> AsyncIterator[httpx.AsyncClient]:
    """The control plane of the emulator in its first state."""
    async with httpx.AsyncClient(base_url=ready.control_url) as client:
        (await client.post("reset")).raise_for_status()
        yield client


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, ready: Ready, control: httpx.AsyncClient) -> Tenant:
    return await make_emulated_tenant(pool, sealer, ready)


@pytest_asyncio.fixture
async def api(databases: Databases, tenant: Tenant) -> AsyncIterator[httpx.AsyncClient]:
    async with open_api(databases.settings("migrated"), tenant) as client:
        yield client


async def sync(tenant: Tenant, **settings: Any) -> Report:
    client = open_client(
        tenant.integration, tenant.credentials, tenant.connector.base_url, is_base_url_trusted=True, retry=PERSISTENT
    )
    return await sync_connector(tenant.pool, tenant.connector, tenant.integration, client, **settings)


async def let(control: httpx.AsyncClient, faults: list[dict[str, Any]]) -> None:
    (await control.put("faults", json=faults)).raise_for_status()


async def count_fired(control: httpx.AsyncClient) -> int:
    fired = (await control.get("faults")).raise_for_status().json()["fired"]
    await let(control, [])
    return sum(fired.values())


async def test_rows_that_change_during_the_walk_are_served_as_they_ended(
    api: httpx.AsyncClient, tenant: Tenant, ready: Ready, control: httpx.AsyncClient
) -> None:
    await let(control, [{"word": "update-row", "next": 3, "path": path} for path in LISTS])
    assert (await sync(tenant)).status == "done"
    assert await count_fired(control) >= 6
    # Also what changed behind the walk was caught up with: nothing waits for another run.
    raw = await read_vendor(ready)
    expected, served = expect_records(raw, tenant.connector.id), await read_served(api)
    for records in (*expected.values(), *served.values()):
        for record in records.values():
            # What a row repeats of others changes without a new update time.
            del record["raw_data"]
            record["applications"] = sorted(record.get("applications") or [])
    check_same(served, expected)


async def test_rows_that_disappear_during_the_walk_take_no_other_with_them(
    api: httpx.AsyncClient, tenant: Tenant, ready: Ready, control: httpx.AsyncClient
) -> None:
    assert (await sync(tenant)).status == "done"
    await let(control, [{"word": "delete-row", "next": 4, "path": path} for path in LISTS])
    assert (await sync(tenant, full=True)).status == "done"
    assert await count_fired(control) >= 6
    expected = expect_records(await read_vendor(ready), tenant.connector.id)
    served = await read_served(api)
    for plural, records in expected.items():
        assert records.keys() <= served[plural].keys(), plural
    assert (await sync(tenant, full=True)).status == "done"
    check_same(await read_served(api), expected)


async def test_clean_sync_draws_no_refusal_from_a_small_rate_budget(sealer: Sealer, pool: Pool) -> None:
    options = {"burst_capacity": "10", "replenish_rate": "200"}
    with start_sandbox("personio", size=150, seed=3, options=options) as sandbox:
        tenant = await make_emulated_tenant(pool, sealer, sandbox.ready)
        report = await sync(tenant)
        statuses = dict(sandbox.app.log.by_status)
    assert report.status == "done"
    assert statuses == {200: report.requests}
