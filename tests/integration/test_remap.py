"""Records made again from stored rows: what a new mapping changes, what it leaves, and that no vendor is asked."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.records import find_ids
from testbed.remapping import (
    DEPARTMENTS,
    JOINED,
    LABEL,
    LOUD_JOBS,
    make_joined_tenant,
    read_keys,
    read_names,
    read_quarantine,
    read_stored,
    replace_fields,
    run,
    to_labelled,
    to_loud_job,
    with_mappings,
    with_stream,
)
from testbed.tenants import Tenant, make_tenant, open_api, read_all
from testbed.vendor import ACME, Vendor, fill, to_candidate, to_job
from testbed.waiting import within
from unihire.errors import ConfigError, Stopped
from unihire.integration.declare import Detail, RecordMapping, Source
from unihire.kit.seal import Sealer
from unihire.model import Application, Candidate, Job
from unihire.outbound.paging import WholeList
from unihire.store import Pool
from unihire.store.locks import lock_connector
from unihire.sync import remap


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    fill(vendor)
    return await make_tenant(pool, sealer, base_url=vendor.base_url)


@pytest_asyncio.fixture
async def api(databases: Databases, tenant: Tenant) -> AsyncIterator[httpx.AsyncClient]:
    async with open_api(databases.settings("migrated"), tenant) as client:
        yield client


async def test_same_mapping_changes_nothing_and_asks_nobody(tenant: Tenant, vendor: Vendor) -> None:
    await tenant.sync()
    before, asked = await read_stored(tenant), len(vendor.log)
    result = await run(tenant)
    assert await read_stored(tenant) == before
    assert len(vendor.log) == asked
    assert {name: (one.rows, one.added, one.changed, one.deleted) for name, one in result.items()} == {
        "pipelines": (0, 0, 0, 0), "jobs": (5, 0, 0, 0), "people": (3, 0, 0, 0),
    }  # fmt: skip


@pytest.mark.parametrize("batch", [1, 2, 500])
async def test_new_mapping_changes_what_it_maps_otherwise_and_only_that(
    tenant: Tenant, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(remap, "BATCH", batch)
    await tenant.sync()
    before = {plural: await read_all(api, plural) for plural in ("jobs", "departments", "candidates")}

    def to_half_loud_job(source: Source) -> Job:
        return to_loud_job(source) if source.row["id"] in "24" else to_job(source)

    result = await run(tenant, with_mappings(ACME, "jobs", RecordMapping(Job, to_half_loud_job), DEPARTMENTS))
    assert (result["jobs"].rows, result["jobs"].changed) == (5, 2)
    assert await read_names(api, "jobs") == {
        "1": "Job 1", "2": "JOB 2", "3": "Job 3", "4": "JOB 4", "5": "Job 5",
    }  # fmt: skip
    place = max(item["modified_at"] for plural in before for item in before[plural])
    assert find_ids(await read_all(api, "jobs", modified_after=place)) == ["2", "4"]
    assert await read_all(api, "candidates") == before["candidates"]
    assert await read_all(api, "departments") == before["departments"]
    await read_keys(tenant)


async def test_stored_details_are_mapped_with_their_row_whatever_their_version(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    await tenant.pool.execute("UPDATE detail SET version = 'of old'")
    asked = len(vendor.log)

    def to_noted(source: Source) -> Candidate:
        return replace_fields(to_candidate(source), company=",".join(note["text"] for note in source.details["notes"]))

    def to_other(source: Source) -> Candidate:
        return to_noted(source) if source.details else to_candidate(source)

    result = await run(tenant, with_mappings(ACME, "people", RecordMapping(Candidate, to_other)))
    assert result["people"].changed == 1
    assert await read_names(api, "candidates", "company") == {"1": "likes tea", "2": None, "3": None}
    assert len(vendor.log) == asked


async def test_row_whose_detail_is_not_stored_is_left_as_it_is_and_told(tenant: Tenant, api: httpx.AsyncClient) -> None:
    await tenant.sync()
    await tenant.pool.execute("DELETE FROM detail")

    def to_loud(source: Source) -> Candidate:
        return replace_fields(to_candidate(source), first_name=source.row["name"].upper())

    result = await run(tenant, with_mappings(ACME, "people", RecordMapping(Candidate, to_loud)))
    assert (result["people"].rows, result["people"].changed, dict(result["people"].lacking)) == (2, 2, {"notes": 1})
    items = {item["remote_id"]: item for item in await read_all(api, "candidates")}
    assert (items["1"]["first_name"], items["1"]["tags"]) == ("Person 1", ["likes tea"])
    assert items["2"]["first_name"] == "PERSON 2"


async def test_new_detail_leaves_all_rows_that_need_it_until_a_full_sync(tenant: Tenant, vendor: Vendor) -> None:
    await tenant.sync()
    files = Detail(
        name="files", path="/jobs/{id}/files", paging=WholeList(items="rows"),
        needed=lambda row: row["id"] < "4", version=lambda row: "1",
    )  # fmt: skip
    result = await run(tenant, with_stream(LOUD_JOBS, "jobs", details=(files,)))
    assert (result["jobs"].rows, result["jobs"].changed, dict(result["jobs"].lacking)) == (2, 2, {"files": 3})


async def test_streams_whose_rows_are_only_parts_are_told_and_left(tenant: Tenant, api: httpx.AsyncClient) -> None:
    await tenant.sync()
    before = await read_all(api, "job-interview-stages")
    result = await run(tenant)
    assert (result["pipelines"].rows, result["pipelines"].unmapped) == (0, 3)
    assert [one.unmapped for one in result.values() if one.stream != "pipelines"] == [0, 0]
    assert await read_all(api, "job-interview-stages") == before


@pytest_asyncio.fixture
async def joined(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    return await make_joined_tenant(pool, sealer, vendor)


async def test_record_is_made_again_with_the_rows_it_joins(joined: Tenant, databases: Databases) -> None:
    before = await read_stored(joined)
    assert (await run(joined, JOINED))["entries"].rows == 4
    assert await read_stored(joined) == before
    later = with_mappings(JOINED, "entries", RecordMapping(Application, to_labelled))
    assert (await run(joined, later))["entries"].changed == 4
    async with open_api(databases.settings("migrated"), joined) as api:
        told = await read_names(api, "applications", "source")
    assert told == {"1": "Label 1 None", "2": "Label 1 None", "3": "Label 2 None", "4": "None None"}


async def test_join_that_keeps_more_gets_it_from_rows_that_are_stored(joined: Tenant, databases: Databases) -> None:
    later = with_stream(JOINED, "entries", joins=(replace(LABEL, members=("name", "colour")),))
    result = await run(joined, with_mappings(later, "entries", RecordMapping(Application, to_labelled)))
    assert result["labels"].rows == 2
    async with open_api(databases.settings("migrated"), joined) as api:
        told = await read_names(api, "applications", "source")
    assert told == {"1": "Label 1 red", "2": "Label 1 red", "3": "Label 2 red", "4": "None None"}
    assert await joined.pool.fetchval("SELECT count(*) FROM stale") == 0
    await read_keys(joined)


@pytest.mark.parametrize("at", range(1, 8))
async def test_killed_anywhere_it_is_done_by_running_it_again(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    monkeypatch.setattr(remap, "BATCH", 2)
    vendor.lists["/jobs"][3]["code"] = 5
    await tenant.sync()

    def to_coded(source: Source) -> Job:
        return replace_fields(to_loud_job(source), code=str(source.row.get("code", "")))

    later = with_mappings(ACME, "jobs", RecordMapping(Job, to_coded), DEPARTMENTS)
    steps = 0
    save = remap.Pages.save

    async def fail(self: Any, *arguments: Any, **others: Any) -> Any:
        nonlocal steps
        saved = await save(self, *arguments, **others)
        steps += 1
        if steps == at:
            raise KeyboardInterrupt
        return saved

    monkeypatch.setattr(remap.Pages, "save", fail)
    is_killed = False
    try:
        await run(tenant, later)
    except KeyboardInterrupt:
        is_killed = True
    assert is_killed == (at <= 5)
    monkeypatch.setattr(remap.Pages, "save", save)
    await run(tenant, later)
    assert await read_names(api, "jobs", "code") == {"1": None, "2": None, "3": None, "4": "5", "5": None}
    assert set((await read_names(api, "jobs")).values()) == {f"JOB {id}" for id in "12345"}
    assert await read_quarantine(tenant) == {}
    await read_keys(tenant)
    before = await read_stored(tenant)
    await run(tenant, later)
    assert await read_stored(tenant) == before


async def test_remap_asked_to_stop_stops_after_a_batch(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remap, "BATCH", 2)
    await tenant.sync()
    stop = asyncio.Event()
    with pytest.raises(Stopped):
        await run(tenant, LOUD_JOBS, stop=stop, watch=lambda result: stop.set() if result.rows else None)
    assert (await run(tenant, LOUD_JOBS))["jobs"].changed == 3


async def test_remap_beside_a_sync_and_sync_beside_a_remap_are_refused(tenant: Tenant, vendor: Vendor) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def wait(request: Any) -> Any:
        reached.set()
        await within(go_on.wait())
        return vendor.page(request)

    vendor.will("/jobs", wait)
    syncing = asyncio.create_task(tenant.sync())
    await within(reached.wait())
    with pytest.raises(ConfigError, match="is being synced or remapped"):
        await run(tenant)
    go_on.set()
    assert (await syncing).status == "done"
    async with lock_connector(tenant.pool, tenant.connector.number, otherwise="taken"):
        with pytest.raises(ConfigError):
            await tenant.sync()
    await run(tenant)


async def test_remap_of_one_connector_leaves_others_alone(
    tenant: Tenant, other_tenant: Tenant, vendor: Vendor, pool: Pool
) -> None:
    await tenant.sync()
    other = await make_tenant(pool, Sealer(["A" * 43 + "="]), organisation="Third", base_url=vendor.base_url)
    await other.sync()
    before = await read_stored(other)
    await run(tenant, LOUD_JOBS)
    assert await read_stored(other) == before
