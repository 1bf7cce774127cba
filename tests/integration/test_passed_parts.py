"""Rows that a whole read finds as they are stored, and that tell parts which other rows tell as well."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from testbed.remapping import DEPARTMENTS, with_mappings, with_stream
from testbed.tenants import Tenant, make_tenant
from testbed.vendor import ACME, Vendor, fill, job, to_job
from unihire.integration.declare import Detail, RecordMapping, Source
from unihire.kit.seal import Sealer
from unihire.model import Job
from unihire.outbound.paging import WholeList
from unihire.store import Pool
from unihire.sync.details import ASKED_AGAIN_WITHIN

mapped: list[str] = []


def to_noted_job(source: Source) -> Job:
    mapped.append(source.row["id"])
    return to_job(source)


NOTED = with_mappings(ACME, "jobs", RecordMapping(Job, to_noted_job), DEPARTMENTS)


@pytest.fixture(autouse=True)
def forget_mapped() -> Iterator[None]:
    mapped.clear()
    yield
    mapped.clear()


def tell(id: str, department: str) -> dict[str, Any]:
    return job(id) | {"department": {"id": department, "name": f"Department {department}"}}


def without(id: str) -> dict[str, Any]:
    return job(id) | {"department": None}


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    fill(vendor)
    vendor.lists["/jobs"] = [tell("1", "a"), tell("2", "a"), tell("3", "b"), without("4")]
    return await make_tenant(pool, sealer, base_url=vendor.base_url, integration=NOTED)


async def sync_whole(tenant: Tenant) -> list[str]:
    """A whole read; gives the jobs that it mapped."""
    mapped.clear()
    report = await tenant.sync(full=True)
    assert report.status == "done"
    return sorted(mapped)


async def list_parts(tenant: Tenant) -> list[str]:
    """The departments that live."""
    rows = await tenant.pool.fetch(
        "SELECT remote_id FROM record WHERE model = 5 AND deleted_at IS NULL ORDER BY remote_id"
    )
    return [row["remote_id"] for row in rows]


async def read_versions(tenant: Tenant) -> list[tuple[Any, ...]]:
    rows = await tenant.pool.fetch("SELECT xmin::text, id, seq FROM record ORDER BY id")
    return [tuple(row) for row in rows]


async def test_rows_that_share_parts_are_passed_over_and_their_parts_stay(tenant: Tenant) -> None:
    await tenant.sync()
    before = await read_versions(tenant)
    assert await sync_whole(tenant) == []
    assert await list_parts(tenant) == ["a", "b"]
    assert await read_versions(tenant) == before


async def test_part_is_gone_when_the_row_that_told_it_alone_tells_it_no_more(tenant: Tenant, vendor: Vendor) -> None:
    await tenant.sync()
    vendor.lists["/jobs"][2] = tell("3", "a")
    assert await sync_whole(tenant) == ["3"]
    assert await list_parts(tenant) == ["a"]


async def test_part_stays_while_a_row_that_is_passed_over_tells_it(tenant: Tenant, vendor: Vendor) -> None:
    await tenant.sync()
    vendor.lists["/jobs"][0] = without("1")
    assert await sync_whole(tenant) == ["1"]
    assert await list_parts(tenant) == ["a", "b"]


async def test_only_the_row_itself_has_the_hash_it_is_known_by(tenant: Tenant, vendor: Vendor) -> None:
    """A part that would have one too would be written whenever another of its rows is mapped."""
    await tenant.sync()
    hashed = await tenant.pool.fetch("SELECT DISTINCT model FROM record WHERE row_hash IS NOT NULL ORDER BY model")
    assert [row["model"] for row in hashed] == [4, 8]


async def test_details_of_rows_that_may_do_without_are_not_asked_for_again(tenant: Tenant, vendor: Vendor) -> None:
    notes = Detail(
        name="notes", path="/people/{id}/notes", paging=WholeList(items="rows"), needed=lambda row: True,
        version=lambda row: str(row.get("at")), again=lambda row: row["id"] == "1",
    )  # fmt: skip
    people = vendor.lists["/people"]
    for row in people:
        vendor.lists[f"/people/{row['id']}/notes"] = [{"text": "likes tea"}]
    asking = replace(tenant, integration=with_stream(ACME, "people", details=(notes,)))
    await asking.sync()
    before = len(vendor.log)
    for day in range(ASKED_AGAIN_WITHIN):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("unihire.sync.details.crc32", lambda id, day=day: int(id) + day)
            await asking.sync(full=True)
    asked = [request.path for request in vendor.log[before:] if request.path.endswith("/notes")]
    assert asked == ["/people/1/notes"]
