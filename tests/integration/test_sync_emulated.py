"""A connector to the emulator: everything it holds is served, and later syncs tell what changed and nothing else."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.personio import (
    check_same,
    expect_records,
    make_emulated_tenant,
    read_served,
    read_vendor,
    read_versions,
)
from testbed.records import find_ids
from testbed.small_company import start_small
from testbed.tenants import Tenant, open_api, read_all
from unihire.kit.seal import Sealer
from unihire.model import NATIVE_MODELS
from unihire.sandbox.runner import Ready
from unihire.store import Pool

SIZE = 60


@pytest.fixture(scope="module", params=["object", "text"])
def ready(request: pytest.FixtureRequest) -> Iterator[Ready]:
    with start_small("personio", size=SIZE, seed=7, options={"candidate_times": request.param}) as sandbox:
        yield sandbox.ready


@pytest_asyncio.fixture
async def control(ready: Ready) -> AsyncIterator[httpx.AsyncClient]:
    """The emulator's control plane; the emulator is as at its start."""
    async with httpx.AsyncClient(base_url=ready.control_url) as client:
        (await client.post("reset")).raise_for_status()
        yield client


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, ready: Ready, control: httpx.AsyncClient) -> Tenant:
    """A connector that has had its first sync."""
    made = await make_emulated_tenant(pool, sealer, ready)
    report = await made.sync()
    assert (report.status, report.is_full) == ("done", False)
    assert not [part for part in report.streams if part.quarantined]
    return made


@pytest_asyncio.fixture
async def api(databases: Databases, tenant: Tenant) -> AsyncIterator[httpx.AsyncClient]:
    async with open_api(databases.settings("migrated"), tenant) as client:
        yield client


async def newest(api: httpx.AsyncClient) -> dict[str, str]:
    """By plural: where a reader of the feed has got to."""
    found = {}
    for spec in NATIVE_MODELS.values():
        items = await read_all(api, spec.plural)
        found[spec.plural] = items[-1]["modified_at"] if items else "2000-01-01"
    return found


async def changed_since(api: httpx.AsyncClient, places: dict[str, str]) -> dict[str, list[str]]:
    found = {plural: sorted(find_ids(await read_all(api, plural, modified_after=at))) for plural, at in places.items()}
    return {plural: ids for plural, ids in found.items() if ids}


async def test_everything_the_vendor_holds_is_served_field_by_field(
    api: httpx.AsyncClient, tenant: Tenant, ready: Ready
) -> None:
    raw = await read_vendor(ready)
    expected = expect_records(raw, tenant.connector.id)
    check_same(await read_served(api), expected)
    assert len(expected["candidates"]) == SIZE
    assert all(expected[plural] for plural in ("jobs", "departments", "remote-users", "job-interview-stages"))
    # What makes the comparison worth something: every branch of the mapping is met.
    applications = list(expected["applications"].values())
    assert {record["rejected_at"] is None for record in applications} == {True, False}
    assert {record["current_stage"] is None for record in applications} == {True, False}
    assert {record["hiring_managers"] is None for record in expected["jobs"].values()} == {True, False}
    assert {bool(record["phone_numbers"]) for record in expected["candidates"].values()} == {True, False}


async def test_relations_lead_to_records_that_are_there(api: httpx.AsyncClient) -> None:
    for item in await read_all(api, "applications", expand="candidate[id],job[id],current_stage[id]"):
        assert isinstance(item["candidate"], dict)
        assert isinstance(item["job"], dict)
        assert item["current_stage"] is None or isinstance(item["current_stage"], dict)
    for item in await read_all(api, "jobs", expand="departments[name],hiring_managers[id],recruiters[id]"):
        for relation in ("departments", "hiring_managers", "recruiters"):
            assert all(isinstance(target, dict) for target in item[relation] or ())


@pytest.mark.parametrize("full", [False, True])
async def test_second_run_with_nothing_changed_writes_nothing(tenant: Tenant, full: bool) -> None:
    before = await read_versions(tenant.pool)
    status_before = before.pop("connector")
    report = await tenant.sync(full=full)
    assert report.status == "done"
    assert [(part.added, part.changed, part.deleted) for part in report.streams] == [(0, 0, 0)] * 4
    after = await read_versions(tenant.pool)
    after.pop("connector")
    assert after == before
    assert status_before


async def test_incremental_run_reads_and_tells_what_changed_and_nothing_else(
    api: httpx.AsyncClient, tenant: Tenant, ready: Ready, control: httpx.AsyncClient
) -> None:
    places = await newest(api)
    rows = (await read_vendor(ready, with_history=False)).rows
    (await control.post("clock", json={"advance_seconds": 3600})).raise_for_status()
    picked = [row["id"] for row in rows["candidates"] if "applications" not in row][:3]
    for id in picked:
        (await control.patch(f"rows/candidates/{id}", json={"first_name": "Renamed"})).raise_for_status()
    job = rows["jobs"][5]["id"]
    (await control.patch(f"rows/jobs/{job}", json={"name": "Renamed"})).raise_for_status()
    await control.delete("requests")
    report = await tenant.sync()
    assert report.status == "done"
    assert await changed_since(api, places) == {"candidates": sorted(picked), "jobs": [job]}
    asked = (await control.get("requests")).json()["last"]
    windows = [entry["query"] for entry in asked if entry["path"].endswith(("jobs", "candidates", "applications"))]
    assert all("updated_at.gt" in query for query in windows)
    assert {part.stream: part.read for part in report.streams if part.stream != "categories"} == {
        "jobs": 1, "candidates": 3, "applications": 0,
    }  # fmt: skip
    names = {item["remote_id"]: item["first_name"] for item in await read_all(api, "candidates")}
    assert {names[id] for id in picked} == {"Renamed"}


async def test_new_application_shows_at_its_candidate_too(
    api: httpx.AsyncClient, tenant: Tenant, control: httpx.AsyncClient
) -> None:
    (person, *_) = await read_all(api, "candidates")
    places = await newest(api)
    fields = {"candidate": {"id": person["remote_id"]}, "job": {"id": "495039"}}
    application = (await control.post("rows/applications", json=fields)).json()["id"]
    await tenant.sync()
    (made,) = [item for item in await read_all(api, "applications") if item["remote_id"] == application]
    now = (await api.get(f"/api/ats/v1/candidates/{person['id']}")).json()
    assert now["applications"] == [*person["applications"], made["id"]]
    assert await changed_since(api, places) == {"candidates": [person["remote_id"]], "applications": [application]}


async def test_new_rows_are_told_by_the_next_run(
    api: httpx.AsyncClient, tenant: Tenant, ready: Ready, control: httpx.AsyncClient
) -> None:
    places = await newest(api)
    fields = {"first_name": "Ada", "last_name": "New", "email": "ada.new@example.com"}
    candidate = (await control.post("rows/candidates", json=fields)).json()["id"]
    fields = {"candidate": {"id": candidate}, "job": {"id": "495039"}}
    application = (await control.post("rows/applications", json=fields)).json()["id"]
    await tenant.sync()
    assert await changed_since(api, places) == {"candidates": [candidate], "applications": [application]}
    await tenant.sync(full=True)
    check_same(await read_served(api), expect_records(await read_vendor(ready), tenant.connector.id))


async def test_rejection_fills_when_and_keeps_the_stage_it_was_rejected_at(
    api: httpx.AsyncClient, tenant: Tenant, control: httpx.AsyncClient
) -> None:
    items = await read_all(api, "applications")
    picked = next(item for item in items if item["current_stage"] and item["rejected_at"] is None)
    await control.patch(f"rows/applications/{picked['remote_id']}", json={"current_stage": {"type": "REJECTED"}})
    await tenant.sync()
    now = (await api.get(f"/api/ats/v1/applications/{picked['id']}")).json()
    assert now["current_stage"] == picked["current_stage"]
    rejected_at = datetime.fromisoformat(now["rejected_at"])
    assert abs(rejected_at - datetime.now(UTC)) < timedelta(minutes=1)


async def test_deleted_rows_become_tombstones_with_the_next_complete_read(
    api: httpx.AsyncClient, tenant: Tenant, ready: Ready, control: httpx.AsyncClient
) -> None:
    places = await newest(api)
    before = await read_served(api)
    for stream, share in (("candidates", 0.1), ("jobs", 0.2), ("applications", 0.1)):
        (await control.request("DELETE", f"rows/{stream}", json={"share": share})).raise_for_status()
    (await control.delete("rows/categories/13415")).raise_for_status()
    await tenant.sync()
    streams = ("candidates", "jobs", "applications")
    now = await read_served(api)
    assert all(now[plural].keys() == before[plural].keys() for plural in streams)
    report = await tenant.sync(full=True)
    assert report.status == "done"
    expected = expect_records(await read_vendor(ready), tenant.connector.id)
    served = await read_served(api)
    check_same(served, expected)
    for plural in streams:
        gone = before[plural].keys() - served[plural].keys()
        assert gone
        for remote_id in list(gone)[:3]:
            assert (await api.get(f"/api/ats/v1/{plural}/{before[plural][remote_id]['id']}")).status_code == 404
        assert not gone & set((await changed_since(api, places)).get(plural, []))
    kept = await tenant.pool.fetchval(
        "SELECT count(*) FROM record WHERE deleted_at IS NOT NULL AND length(body) > 50 AND model = ANY($1::int[])",
        [spec.number for spec in NATIVE_MODELS.values()],
    )
    assert kept == sum(len(before[plural]) - len(served[plural]) for plural in before)
    again = await tenant.sync(full=True)
    assert sum(part.deleted for part in again.streams) == 0
