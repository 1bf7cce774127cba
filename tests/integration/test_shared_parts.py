"""A part that several rows tell, each in its own words: it stays as it is until one of them says something new."""

from typing import Any

import pytest
import pytest_asyncio

from testbed.tenants import Tenant, make_tenant
from testbed.vendor import Vendor, fill, job, stage
from unihire.kit.seal import Sealer
from unihire.store import Pool


def tell(id: str, name: str, **others: Any) -> dict[str, Any]:
    """A job whose department has this name."""
    return job(id, **others) | {"department": {"id": "d1", "name": name}}


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    """Pages are of two jobs."""
    fill(vendor)
    vendor.lists["/jobs"] = [tell("1", "Sales"), tell("2", "SALES"), tell("3", "sales"), tell("4", "Sales & more")]
    return await make_tenant(pool, sealer, base_url=vendor.base_url)


async def find_part(tenant: Tenant, id: str) -> tuple[str, int]:
    """Its name and its place in the feed."""
    row = await tenant.pool.fetchrow(
        "SELECT convert_from(body, 'UTF8')::jsonb ->> 'name' AS name, seq FROM record WHERE remote_id = $1", id
    )
    return row["name"], row["seq"]


async def test_what_rows_tell_differently_does_not_change_while_nobody_changes_it(
    tenant: Tenant, vendor: Vendor
) -> None:
    report = await tenant.sync()
    assert {part.stream: part.changed for part in report.streams}["jobs"] == 0
    first = await find_part(tenant, "d1")
    assert first[0] == "Sales"
    for _ in range(2):
        report = await tenant.sync(full=True)
        assert sum(part.changed for part in report.streams) == 0
        assert await find_part(tenant, "d1") == first
    vendor.lists["/jobs"].reverse()
    report = await tenant.sync(full=True)
    assert sum(part.changed for part in report.streams) == 0
    assert await find_part(tenant, "d1") == first


@pytest.mark.parametrize("full", [True, False])
async def test_a_row_that_changes_otherwise_says_nothing_new_of_its_part(
    tenant: Tenant, vendor: Vendor, full: bool
) -> None:
    await tenant.sync()
    first = await find_part(tenant, "d1")
    vendor.lists["/jobs"][3] = tell("4", "Sales & more", at="2027-01-01T00:00:00", code="new")
    report = await tenant.sync(full=full)
    assert {part.stream: part.changed for part in report.streams}["jobs"] == 1
    assert await find_part(tenant, "d1") == first


async def test_what_one_row_tells_otherwise_than_before_is_news_once(tenant: Tenant, vendor: Vendor) -> None:
    await tenant.sync()
    vendor.lists["/jobs"][2] = tell("3", "Selling")
    report = await tenant.sync(full=True)
    assert {part.stream: part.changed for part in report.streams}["jobs"] == 2
    renamed = await find_part(tenant, "d1")
    assert renamed[0] == "Selling"
    report = await tenant.sync(full=True)
    assert sum(part.changed for part in report.streams) == 0
    assert await find_part(tenant, "d1") == renamed


async def test_part_is_right_again_when_the_row_that_described_it_wrongly_does_so_no_more(
    tenant: Tenant, vendor: Vendor
) -> None:
    """The row before it in the page never said anything else; what the two say now is the same."""
    vendor.lists["/jobs"] = [tell("1", "Sales"), tell("2", "Sales")]
    await tenant.sync()
    vendor.lists["/jobs"][1] = tell("2", "Sa\ufffdes")
    await tenant.sync(full=True)
    assert (await find_part(tenant, "d1"))[0] == "Sa\ufffdes"
    vendor.lists["/jobs"][1] = tell("2", "Sales")
    await tenant.sync(full=True)
    healed = await find_part(tenant, "d1")
    assert healed[0] == "Sales"
    await tenant.sync(full=True)
    assert await find_part(tenant, "d1") == healed


async def test_part_that_no_row_describes_as_it_is_stored_becomes_what_rows_say(tenant: Tenant, vendor: Vendor) -> None:
    """As when the row that described it wrongly has no such part any more: no row says anything new of it."""
    await tenant.sync()
    vendor.lists["/jobs"][3] = tell("4", "wrong")
    await tenant.sync(full=True)
    assert (await find_part(tenant, "d1"))[0] == "wrong"
    vendor.lists["/jobs"][3] = job("4", at="2027-01-01T00:00:00") | {"department": None}
    await tenant.sync()  # reads job 4 alone
    assert (await find_part(tenant, "d1"))[0] == "wrong"
    report = await tenant.sync(full=True)
    assert {part.stream: part.changed for part in report.streams}["jobs"] == 1
    settled = await find_part(tenant, "d1")
    assert settled[0] == "Sales"
    await tenant.sync(full=True)
    assert await find_part(tenant, "d1") == settled


async def test_a_new_row_among_what_changed_tells_its_part_as_it_is_now(tenant: Tenant, vendor: Vendor) -> None:
    await tenant.sync()
    vendor.lists["/jobs"].append(tell("5", "Renamed", at="2027-01-01T00:00:00"))
    await tenant.sync()
    assert (await find_part(tenant, "d1"))[0] == "Renamed"
    renamed = await find_part(tenant, "d1")
    await tenant.sync(full=True)
    assert await find_part(tenant, "d1") == renamed


async def test_parts_of_rows_that_are_no_records_are_as_the_first_row_of_a_read_tells_them(
    tenant: Tenant, vendor: Vendor
) -> None:
    pipelines = [{"id": id, "stages": [stage("s1") | {"name": f"of {id}"}]} for id in ("p1", "p2")]
    vendor.lists["/pipelines"] = pipelines
    await tenant.sync()
    first = await find_part(tenant, "s1")
    assert first[0] == "of p1"
    report = await tenant.sync(full=True)
    assert sum(part.changed for part in report.streams) == 0
    assert await find_part(tenant, "s1") == first
    pipelines[0]["stages"] = [stage("s1") | {"name": "renamed"}]
    await tenant.sync(full=True)
    assert (await find_part(tenant, "s1"))[0] == "renamed"
