"""Rows set aside, mapped again: released, or kept with the reason of now."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest_asyncio

from testbed.databases import Databases
from testbed.remapping import (
    DEPARTMENTS,
    JOINED,
    LOUD_JOBS,
    NEW,
    make_joined_tenant,
    read_names,
    read_quarantine,
    replace_fields,
    run,
    with_mappings,
    with_stream,
)
from testbed.tenants import Tenant, make_tenant, open_api
from testbed.vendor import ACME, TOO_DEEP, Vendor, fill, person, to_job, to_stage
from unihire.integration.declare import RecordMapping, Source
from unihire.kit.seal import Sealer
from unihire.model import Job
from unihire.store import Pool


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    fill(vendor)
    return await make_tenant(pool, sealer, base_url=vendor.base_url)


@pytest_asyncio.fixture
async def api(databases: Databases, tenant: Tenant) -> AsyncIterator[httpx.AsyncClient]:
    async with open_api(databases.settings("migrated"), tenant) as client:
        yield client


@pytest_asyncio.fixture
async def joined(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    return await make_joined_tenant(pool, sealer, vendor)


async def test_row_set_aside_is_released_once_it_maps_with_what_belongs_to_it(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    vendor.lists["/jobs"][4]["name"] = None
    vendor.lists["/jobs"][3]["code"] = 5
    await tenant.sync()
    vendor.lists["/jobs"][0] |= {"code": 7, "at": NEW}
    await tenant.sync()
    assert set(await read_quarantine(tenant)) == {"1", "4"}

    def to_coded(source: Source) -> Job:
        return replace_fields(to_job(source), code=str(source.row.get("code", "")))

    asked = len(vendor.log)
    one = (
        await run(tenant, with_mappings(ACME, "jobs", RecordMapping(Job, to_coded), DEPARTMENTS), only_quarantined=True)
    )["jobs"]
    assert (one.rows, one.added, one.changed, one.released, one.quarantined) == (2, 0, 2, 2, 0)
    assert await read_quarantine(tenant) == {}
    assert {id: code for id, code in (await read_names(api, "jobs", "code")).items() if code} == {"1": "7", "4": "5"}
    assert "d4" in await read_names(api, "departments")
    assert len(vendor.log) == asked


async def test_row_that_still_does_not_map_keeps_its_place_with_the_reason_of_now(
    tenant: Tenant, vendor: Vendor
) -> None:
    vendor.lists["/jobs"][3]["code"] = 5
    await tenant.sync()
    find = "SELECT since, reason, raw FROM quarantine"
    (before,) = await tenant.pool.fetch(find)

    def to_refused(source: Source) -> Job:
        if source.row.get("code"):
            raise ValueError("codes are for machines")
        return to_job(source)

    one = (await run(tenant, with_mappings(ACME, "jobs", RecordMapping(Job, to_refused), DEPARTMENTS)))["jobs"]
    assert (one.rows, one.released, one.quarantined, one.incomplete) == (6, 0, 0, 1)
    (after,) = await tenant.pool.fetch(find)
    assert after["reason"] == "code: ValueError: codes are for machines"
    assert (after["since"], after["raw"]) == (before["since"], before["raw"])


async def test_record_whose_later_version_is_set_aside_is_made_of_the_one_it_was(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    vendor.lists["/jobs"][1] |= {"name": "Another", "deep": TOO_DEEP, "at": NEW}
    await tenant.sync()
    before = await read_quarantine(tenant)
    one = (await run(tenant, LOUD_JOBS))["jobs"]
    assert (one.changed, one.released, one.quarantined) == (5, 0, 1)
    assert (await read_names(api, "jobs"))["2"] == "JOB 2"
    assert await read_quarantine(tenant) == before


async def test_row_that_maps_no_longer_is_set_aside_and_its_record_stays(
    tenant: Tenant, api: httpx.AsyncClient
) -> None:
    await tenant.sync()

    def to_strict(source: Source) -> Job:
        if source.row["id"] == "3":
            raise ValueError("not three")
        return to_job(source)

    one = (await run(tenant, with_mappings(ACME, "jobs", RecordMapping(Job, to_strict), DEPARTMENTS)))["jobs"]
    assert (one.quarantined, one.deleted) == (1, 0)
    assert await read_quarantine(tenant) == {"3": "ValueError: not three"}
    assert set(await read_names(api, "jobs")) == set("12345")
    one = (await run(tenant))["jobs"]
    assert (one.released, one.quarantined, one.changed) == (1, 0, 0)


async def test_row_without_an_id_is_released_under_the_one_that_is_read_now(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    vendor.lists["/jobs"][2]["id"] = {"number": "3"}
    await tenant.sync()
    (before,) = await read_quarantine(tenant)
    assert before.startswith("?")

    def read_id(row: dict[str, Any]) -> Any:
        return row["id"]["number"] if isinstance(row["id"], dict) else row["id"]

    def to_numbered(source: Source) -> Job:
        return to_job(Source({**source.row, "id": read_id(source.row)}, source.within))

    later = with_stream(ACME, "jobs", id_of=read_id, mappings=(RecordMapping(Job, to_numbered), DEPARTMENTS))
    assert (await run(tenant, later))["jobs"].released == 1
    assert await read_quarantine(tenant) == {}
    assert set(await read_names(api, "jobs")) == set("12345")


async def test_row_served_without_a_detail_stays_so_while_that_is_not_stored(tenant: Tenant, vendor: Vendor) -> None:
    vendor.lists["/people"].append(person("4", state=None))
    await tenant.sync()
    assert set(await read_quarantine(tenant)) == {"4"}
    (notes,) = ACME.get_stream("people").details
    needing = replace(notes, needed=lambda row: row["state"] != "plain")
    one = (await run(tenant, with_stream(ACME, "people", details=(needing,))))["people"]
    assert (one.released, one.quarantined, one.incomplete) == (0, 0, 1)
    assert set(await read_quarantine(tenant)) == {"4"}


async def test_row_of_parts_alone_is_released(tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient) -> None:
    vendor.lists["/pipelines"][1]["stages"][0]["name"] = 5
    await tenant.sync()
    assert await read_names(api, "job-interview-stages") == {"s1": "Stage s1", "s2": "Stage s2", "s3": None}

    def to_named(source: Source) -> Any:
        return replace_fields(to_stage(source), name=str(source.row["name"]))

    mapping = RecordMapping(ACME.streams[0].mappings[0].model, to_named, split=lambda row: row["stages"])
    assert (await run(tenant, with_mappings(ACME, "pipelines", mapping)))["pipelines"].released == 1
    assert (await read_names(api, "job-interview-stages"))["s3"] == "5"


async def test_row_gone_at_the_vendor_is_not_kept_aside_while_others_are(tenant: Tenant, vendor: Vendor) -> None:
    await tenant.sync()
    vendor.lists["/jobs"][1] |= {"code": 5, "at": NEW}
    vendor.lists["/jobs"][2] |= {"code": 5, "at": NEW}
    await tenant.sync()
    del vendor.lists["/jobs"][1]
    await tenant.sync(full=True)
    assert set(await read_quarantine(tenant)) == {"3"}


async def test_refreshed_record_leaves_its_later_version_aside(
    joined: Tenant, vendor: Vendor, databases: Databases
) -> None:
    vendor.lists["/entries"][0]["deep"] = TOO_DEEP
    await joined.sync()
    before = await read_quarantine(joined)
    assert set(before) == {"1"}
    await joined.pool.execute("UPDATE joined SET data = $1 WHERE stream = 'entries' AND key = '1'", b'{"name":"Other"}')
    note = "INSERT INTO stale (connector, stream, name, key) VALUES ($1, 'entries', 'label', '1')"
    await joined.pool.execute(note, joined.connector.number)
    assert (await run(joined, JOINED, only_quarantined=True))["entries"].changed == 2
    assert await read_quarantine(joined) == before
    async with open_api(databases.settings("migrated"), joined) as api:
        assert (await read_names(api, "applications", "source"))["1"] == "Other"
