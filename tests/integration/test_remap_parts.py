"""Parts made again with their rows, and what no fingerprint tells of a record."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.remapping import (
    DEPARTMENTS,
    JOBS,
    NEW,
    list_departments,
    read_keys,
    read_names,
    read_stored,
    replace_fields,
    run,
    to_loud_department,
    with_mappings,
    with_stream,
)
from testbed.tenants import Tenant, make_tenant, open_api, read_all
from testbed.vendor import ACME, Vendor, fill, job, to_candidate, to_job
from unihire.errors import Stopped
from unihire.integration.declare import RecordMapping, Source
from unihire.kit.seal import Sealer
from unihire.model import Candidate, Job
from unihire.store import Pool
from unihire.sync import remap


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    fill(vendor)
    return await make_tenant(pool, sealer, base_url=vendor.base_url)


@pytest_asyncio.fixture
async def api(databases: Databases, tenant: Tenant) -> AsyncIterator[httpx.AsyncClient]:
    async with open_api(databases.settings("migrated"), tenant) as client:
        yield client


@pytest.mark.parametrize("batch", [1, 2, 500])
async def test_shared_part_stays_as_the_latest_row_told_it(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(remap, "BATCH", batch)
    await tenant.sync()
    for row in vendor.lists["/jobs"]:
        row["department"] |= {"name": "Renamed"}
    vendor.lists["/jobs"][1] |= {"at": NEW}  # the others are not read again
    await tenant.sync()
    assert (await read_names(api, "departments"))["d1"] == "Renamed"
    before = await read_stored(tenant)
    assert (await run(tenant))["jobs"].unmapped == 0
    assert await read_stored(tenant) == before
    result = await run(tenant, with_mappings(ACME, "jobs", JOBS, replace(DEPARTMENTS, map=to_loud_department)))
    assert (result["jobs"].changed, result["jobs"].unmapped) == (3, 0)
    assert await read_names(api, "departments") == {"d1": "Renamed!", "d4": "D!", "d5": "D!"}


async def test_parts_that_no_stored_row_tells_as_they_are_stored_are_left_and_told(
    tenant: Tenant, api: httpx.AsyncClient
) -> None:
    await tenant.sync()

    def list_otherwise(row: dict[str, Any]) -> list[dict[str, Any]]:
        return [{**part, "job": row["id"]} for part in list_departments(row)]

    result = await run(tenant, with_mappings(ACME, "jobs", JOBS, replace(DEPARTMENTS, split=list_otherwise)))
    assert result["jobs"].unmapped == 3
    assert await read_names(api, "departments") == {"d1": "D", "d4": "D", "d5": "D"}


async def test_owned_parts_are_made_and_dropped_with_their_row(
    pool: Pool, sealer: Sealer, vendor: Vendor, databases: Databases
) -> None:
    fill(vendor)
    vendor.lists["/jobs"] = [job(number, department=f"d{number}") for number in "12345"]
    owned = replace(DEPARTMENTS, is_owned=True)
    tenant = await make_tenant(
        pool, sealer, base_url=vendor.base_url, integration=with_mappings(ACME, "jobs", JOBS, owned)
    )
    await tenant.sync()

    def list_some(row: dict[str, Any]) -> list[dict[str, Any]]:
        if row["id"] == "1":
            return []
        more = [{"id": "more", "name": "More"}] if row["id"] == "2" else []
        return [{**row["department"], "of": row["id"]}, *more]

    result = await run(
        tenant, with_mappings(ACME, "jobs", JOBS, replace(owned, split=list_some, map=to_loud_department))
    )
    one = result["jobs"]
    assert (one.added, one.changed, one.deleted, one.unmapped) == (1, 4, 1, 0)
    async with open_api(databases.settings("migrated"), tenant) as api:
        assert await read_names(api, "departments") == {
            **dict.fromkeys(["d2", "d3", "d4", "d5"], "D!"),
            "more": "More!",
        }
    await read_keys(tenant)


async def test_part_made_during_an_interrupted_full_read_is_not_taken_for_gone(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    stop = asyncio.Event()
    with pytest.raises(Stopped):
        await tenant.sync(full=True, stop=stop, watch=lambda counts: stop.set() if counts.stream == "jobs" else None)

    def list_more(row: dict[str, Any]) -> list[dict[str, Any]]:
        return [*list_departments(row), {"id": f"of {row['id']}", "name": "New"}]

    later = with_mappings(ACME, "jobs", JOBS, replace(DEPARTMENTS, split=list_more))
    assert (await run(tenant, later))["jobs"].added == 5
    assert (await replace(tenant, integration=later).sync(full=True)).is_resumed
    assert set(await read_names(api, "departments")) == {"d1", "d4", "d5", *(f"of {id}" for id in "12345")}


async def test_new_custom_fields_change_the_records_that_have_them(tenant: Tenant, api: httpx.AsyncClient) -> None:
    await tenant.sync()
    place = max(item["modified_at"] for item in await read_all(api, "candidates"))

    def read_custom(source: Source) -> dict[str, Any]:
        return {"Tea": "yes"} if source.row["id"] == "2" else {}

    later = with_mappings(ACME, "people", RecordMapping(Candidate, to_candidate, custom=read_custom))
    assert (await run(tenant, later))["people"].changed == 1
    (item,) = await read_all(api, "candidates", modified_after=place, include_custom_fields=True)
    assert (item["remote_id"], item["custom_fields"]) == ("2", {"Tea": "yes"})
    assert (await run(tenant, later))["people"].changed == 0


async def test_new_keys_and_words_are_stored_and_move_no_record(tenant: Tenant, api: httpx.AsyncClient) -> None:
    await tenant.sync()
    before, keys = await read_all(api, "candidates"), await read_keys(tenant)
    later = with_mappings(ACME, "people", RecordMapping(Candidate, to_candidate, words={"title": "state"}))
    later = with_stream(later, "people", found_by=("state",))
    assert (await run(tenant, later))["people"].changed == 0
    assert await read_all(api, "candidates") == before
    assert len(await read_keys(tenant)) == len(keys) + 3
    words = await tenant.pool.fetch("SELECT words FROM record WHERE words IS NOT NULL ORDER BY seq")
    assert [row["words"] for row in words] == [b'{"title":"noted"}', b'{"title":"plain"}', b'{"title":"plain"}']


async def test_record_its_row_no_longer_becomes_is_deleted(tenant: Tenant, api: httpx.AsyncClient) -> None:
    await tenant.sync()

    def to_renamed(source: Source) -> Job:
        return replace_fields(to_job(source), remote_id=f"job-{source.row['id']}")

    one = (await run(tenant, with_mappings(ACME, "jobs", RecordMapping(Job, to_renamed), DEPARTMENTS)))["jobs"]
    assert (one.added, one.deleted) == (5, 5)
    assert set(await read_names(api, "jobs")) == {f"job-{id}" for id in "12345"}
