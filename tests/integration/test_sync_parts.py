"""Parts that belong to one row alone: gone when the row has them no longer, without a complete read."""

from dataclasses import replace

import httpx
import pytest_asyncio

from testbed.records import find_ids
from testbed.tenants import Tenant, make_tenant, read_all
from testbed.vendor import ACME, Vendor, counts, fill, job
from unihire.integration.declare import Integration
from unihire.kit.seal import Sealer
from unihire.store import Pool

NEW = "2027-01-01T00:00:00"


def own_departments() -> Integration:
    """A department belongs to one job there."""
    pipelines, jobs, people = ACME.streams
    own, parts = jobs.mappings
    return replace(ACME, streams=(pipelines, replace(jobs, mappings=(own, replace(parts, is_owned=True))), people))


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    fill(vendor)
    vendor.lists["/jobs"] = [job(number, department=f"d{number}") for number in "12345"]
    return await make_tenant(pool, sealer, base_url=vendor.base_url, integration=own_departments())


async def served(api: httpx.AsyncClient) -> list[str]:
    return sorted(find_ids(await read_all(api, "departments")))


async def test_part_its_row_has_no_longer_is_gone_at_once(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    vendor.lists["/jobs"][0] = job("1", department="d9", at=NEW)
    vendor.lists["/jobs"][1] |= {"department": None, "at": NEW}
    report = await tenant.sync()
    assert counts(report, "jobs") == (1, 2, 2, 0)
    assert await served(api) == ["d3", "d4", "d5", "d9"]
    vendor.lists["/jobs"][1] |= {"department": {"id": "d2", "name": "Back"}, "at": NEW}
    await tenant.sync()
    assert await served(api) == ["d2", "d3", "d4", "d5", "d9"]


async def test_parts_go_with_their_row(tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient) -> None:
    await tenant.sync()
    del vendor.lists["/jobs"][2]
    vendor.lists["/jobs"][4 - 1] |= {"name": None, "at": NEW}
    report = await tenant.sync(full=True)
    assert counts(report, "jobs")[2] == 2
    assert await served(api) == ["d1", "d2", "d4", "d5"]


async def test_row_that_will_not_map_keeps_its_parts(tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient) -> None:
    await tenant.sync()
    vendor.lists["/jobs"][0] = {"id": "1", "at": NEW}  # without a name
    report = await tenant.sync()
    assert counts(report, "jobs") == (0, 0, 0, 1)
    assert await served(api) == ["d1", "d2", "d3", "d4", "d5"]
