"""Records that are rows of a join or a detail, and joins that lead on from other joins."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.tenants import Tenant, make_tenant, open_api, read_all
from testbed.vendor import ACME, LIST, Vendor, counts, since
from unihire.integration.declare import Detail, Integration, Join, RecordMapping, Source, Stream
from unihire.kit.seal import Sealer
from unihire.model import Application, Candidate, Job, JobInterviewStage
from unihire.outbound.paging import WholeList
from unihire.store import Pool
from unihire.sync.remap import remap_connector

OLD, NEW = "2026-01-01T00:00:00", "2027-01-01T00:00:00"


def to_job(source: Source) -> Job:
    return Job(remote_id=str(source.row["id"]), name=source.row["name"])


def to_step(source: Source) -> JobInterviewStage:
    steps = source.details["steps"]
    before = steps[source.place - 1]["name"] if source.place else "nothing"
    return JobInterviewStage(
        remote_id=str(source.row["id"]),
        name=f"{source.row['name']} after {before}",
        job=str(source.within["id"]),
    )


def to_person(source: Source) -> Candidate:
    names = {str(school["id"]): school["name"] for school in source.details.get("schools", [])}
    return Candidate(
        remote_id=str(source.row["id"]),
        first_name=source.row["name"],
        tags=[names.get(str(one["school"]), "?") for one in source.details.get("educations", [])],
    )


def list_rows(name: str, **others: Any) -> Stream:
    return Stream(
        name=name, path=f"/{name}", paging=LIST, id_of=lambda row: str(row["id"]), changed_since=since,
        permission=f"{name}:read", **others,
    )  # fmt: skip


def to_offer(source: Source) -> Application:
    latest = max(one["version"] for one in source.details["versions"])
    is_latest = source.row["version"] == latest
    return Application(remote_id=str(source.row["id"]), source="latest" if is_latest else "outdated")


STEPS = RecordMapping(JobInterviewStage, to_step, of="steps", is_owned=True)
GAMMA: Integration = replace(
    ACME,
    streams=(
        list_rows("steps"),
        list_rows(
            "jobs",
            mappings=(RecordMapping(Job, to_job), STEPS),
            joins=(Join(name="steps", stream="steps", on="job", members=("name", "job")),),
        ),
        list_rows("schools", is_optional=True),
        list_rows("educations", is_optional=True),
        list_rows(
            "people",
            mappings=(RecordMapping(Candidate, to_person),),
            joins=(
                Join(name="educations", stream="educations", on="person", members=("school",)),
                Join(name="schools", stream="schools", on="id", via="educations", key="school", members=("name",)),
            ),
        ),
    ),
)


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    vendor.lists = {
        "/jobs": [{"id": id, "name": f"Job {id}", "at": OLD} for id in (1, 2, 3)],
        "/steps": [{"id": id, "job": id // 10, "name": f"Step {id}", "at": OLD} for id in (10, 11, 12, 20, 21)],
        "/schools": [{"id": id, "name": f"School {id}", "at": OLD} for id in (7, 8)],
        "/educations": [
            {"id": id, "person": person, "school": school, "at": OLD}
            for id, (person, school) in enumerate([(1, 7), (1, 8), (2, 8), (2, 8)], 1)
        ],
        "/people": [{"id": id, "name": f"Person {id}", "at": OLD} for id in (1, 2, 3)],
    }
    return await make_tenant(pool, sealer, base_url=vendor.base_url, integration=GAMMA)


@pytest_asyncio.fixture
async def api(databases: Databases, tenant: Tenant) -> AsyncIterator[httpx.AsyncClient]:
    async with open_api(databases.settings("migrated"), tenant) as client:
        yield client


async def read_steps(api: httpx.AsyncClient) -> dict[str, str]:
    return {item["remote_id"]: item["name"] for item in await read_all(api, "job-interview-stages")}


async def read_schools(api: httpx.AsyncClient) -> dict[str, list[str]]:
    return {item["remote_id"]: item["tags"] for item in await read_all(api, "candidates")}


STEPS_READ = {
    "10": "Step 10 after nothing", "11": "Step 11 after Step 10", "12": "Step 12 after Step 11",
    "20": "Step 20 after nothing", "21": "Step 21 after Step 20",
}  # fmt: skip


async def test_rows_of_a_join_are_records_that_know_their_neighbours(tenant: Tenant, api: httpx.AsyncClient) -> None:
    await tenant.sync()
    assert await read_steps(api) == STEPS_READ
    (first,) = [item for item in await read_all(api, "job-interview-stages") if item["remote_id"] == "11"]
    raw = (await api.get(f"/api/ats/v1/job-interview-stages/{first['id']}", params={"include_raw_data": "true"})).json()
    assert raw["raw_data"] == {"id": 11, "name": "Step 11", "job": 1}


async def test_such_a_record_comes_changes_and_goes_with_its_row(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    vendor.lists["/steps"].append({"id": 22, "job": 2, "name": "Step 22", "at": NEW})
    vendor.lists["/steps"][0] |= {"name": "First", "at": NEW}
    report = await tenant.sync()
    assert counts(report, "jobs") == (1, 2, 0, 0)
    assert await read_steps(api) == STEPS_READ | {
        "10": "First after nothing", "11": "Step 11 after First", "22": "Step 22 after Step 21",
    }  # fmt: skip
    del vendor.lists["/steps"][1]
    report = await tenant.sync(full=True)
    assert counts(report, "jobs") == (0, 1, 1, 0)
    assert (await read_steps(api))["12"] == "Step 12 after First"
    del vendor.lists["/jobs"][0]  # its steps stay at the vendor, of a job there is not
    await tenant.sync(full=True)
    assert sorted(await read_steps(api)) == ["20", "21", "22"]


async def test_rows_whose_parts_are_in_a_join_are_passed_over_and_their_parts_stay(
    tenant: Tenant, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    mapped: list[str] = []

    def to_loud_job(source: Source) -> Job:
        mapped.append(str(source.row["id"]))
        return to_job(source)

    streams = [
        replace(stream, mappings=(RecordMapping(Job, to_loud_job), STEPS)) if stream.name == "jobs" else stream
        for stream in GAMMA.streams
    ]
    loud = replace(tenant, integration=replace(GAMMA, streams=tuple(streams)))
    await loud.sync(full=True)
    assert mapped == ["1", "2", "3"]
    mapped.clear()
    report = await loud.sync(full=True)
    assert mapped == []
    assert counts(report, "jobs") == (0, 0, 0, 0)
    assert await read_steps(api) == STEPS_READ


@pytest_asyncio.fixture
async def detailed(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    """Jobs whose steps are details of theirs."""
    vendor.lists = {
        "/jobs": [{"id": id, "name": f"Job {id}", "at": OLD} for id in (1, 2)],
        "/jobs/1/steps": [{"id": 10, "name": "One"}, {"id": 11, "name": "Two"}],
        "/jobs/2/steps": [{"id": 20, "name": "Three"}],
    }
    detail = Detail(
        name="steps", path="/jobs/{id}/steps", paging=WholeList(items="rows"), needed=lambda row: True,
        version=lambda row: str(row["at"]),
    )  # fmt: skip
    jobs = list_rows("jobs", mappings=(RecordMapping(Job, to_job), STEPS), details=(detail,))
    return await make_tenant(pool, sealer, base_url=vendor.base_url, integration=replace(GAMMA, streams=(jobs,)))


STEPS_OF_DETAILS = {"10": "One after nothing", "11": "Two after One", "20": "Three after nothing"}


async def test_rows_of_a_detail_are_records_too(detailed: Tenant, vendor: Vendor, databases: Databases) -> None:
    await detailed.sync()
    async with open_api(databases.settings("migrated"), detailed) as api:
        assert await read_steps(api) == STEPS_OF_DETAILS
        vendor.lists["/jobs"][0] |= {"at": NEW}
        vendor.lists["/jobs/1/steps"] = [{"id": 11, "name": "Two"}]
        report = await detailed.sync()
        assert counts(report, "jobs") == (0, 2, 1, 0)
        assert await read_steps(api) == {"11": "Two after nothing", "20": "Three after nothing"}


@pytest.mark.parametrize("broken", [{"id": 11}, {"name": "Two"}])
async def test_row_of_a_detail_that_does_not_map_is_asked_for_again_by_the_next_who_reads_the_row(
    detailed: Tenant, vendor: Vendor, databases: Databases, broken: dict[str, Any]
) -> None:
    """The version of the row does not move when the vendor sends whole what it sent broken once."""
    one, two = vendor.lists["/jobs/1/steps"]
    vendor.lists["/jobs/1/steps"] = [one, broken]
    await detailed.sync()
    assert await detailed.pool.fetchval("SELECT count(*) FROM quarantine WHERE is_served") == 1
    vendor.lists["/jobs/1/steps"] = [one, two]
    await detailed.sync(full=True)
    assert await detailed.pool.fetchval("SELECT count(*) FROM quarantine") == 0
    async with open_api(databases.settings("migrated"), detailed) as api:
        assert await read_steps(api) == STEPS_OF_DETAILS


async def test_join_leads_on_from_another_and_its_rows_make_records_again(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    assert await read_schools(api) == {"1": ["School 7", "School 8"], "2": ["School 8", "School 8"], "3": []}
    vendor.lists["/schools"][1] |= {"name": "Renamed", "at": NEW}
    report = await tenant.sync()
    assert counts(report, "people") == (0, 2, 0, 0)
    assert await read_schools(api) == {"1": ["School 7", "Renamed"], "2": ["Renamed", "Renamed"], "3": []}
    vendor.lists["/educations"][2] |= {"school": 7, "at": NEW}
    await tenant.sync()
    vendor.lists["/schools"][0] |= {"name": "Seventh", "at": NEW}
    assert counts(await tenant.sync(), "people") == (0, 2, 0, 0)
    assert await read_schools(api) == {"1": ["Seventh", "Renamed"], "2": ["Seventh", "Renamed"], "3": []}


async def test_join_that_cannot_be_answered_leads_nowhere_and_the_run_is_whole(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    refused = {"/educations", "/schools"}
    lists = {path: vendor.lists.pop(path) for path in refused}
    assert (await tenant.sync()).status == "done"
    assert await read_schools(api) == {"1": [], "2": [], "3": []}
    vendor.lists["/schools"] = lists["/schools"]
    assert (await tenant.sync()).status == "done"
    assert await read_schools(api) == {"1": [], "2": [], "3": []}
    vendor.lists["/educations"] = lists["/educations"]
    await tenant.sync()
    assert (await read_schools(api))["1"] == ["School 7", "School 8"]


async def test_stream_joins_itself_and_its_rows_know_of_each_other(
    pool: Pool, sealer: Sealer, vendor: Vendor, databases: Databases
) -> None:
    versions = Join(name="versions", stream="offers", on="of", key="of", members=("version",))
    offers = list_rows("offers", mappings=(RecordMapping(Application, to_offer),), joins=(versions,))
    vendor.lists = {
        "/offers": [{"id": id, "of": of, "version": version, "at": OLD} for id, of, version in (
            (5, 2, 2), (4, 1, 3), (3, 1, 2), (2, 1, 1), (1, 2, 1), (0, 3, 1),
        )],
    }  # fmt: skip
    tenant = await make_tenant(pool, sealer, base_url=vendor.base_url, integration=replace(GAMMA, streams=(offers,)))
    await tenant.sync()
    async with open_api(databases.settings("migrated"), tenant) as api:

        async def read_latest() -> list[str]:
            return sorted(
                item["remote_id"] for item in await read_all(api, "applications") if item["source"] == "latest"
            )

        assert await read_latest() == ["0", "4", "5"]
        vendor.lists["/offers"].insert(0, {"id": 6, "of": 1, "version": 4, "at": NEW})
        report = await tenant.sync()
        assert counts(report, "offers") == (1, 1, 0, 0)
        assert await read_latest() == ["0", "5", "6"]
        del vendor.lists["/offers"][1]
        await tenant.sync(full=True)
        assert await read_latest() == ["0", "1", "6"]


async def test_rows_that_were_kept_whole_become_records_without_a_call_once_they_are_mapped(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    kept = list_rows("schools", is_stored=True)
    earlier = replace(tenant, integration=replace(GAMMA, streams=(kept, *GAMMA.streams[3:])))
    await earlier.sync()
    schools = list_rows("schools", mappings=(RecordMapping(Job, to_job),))
    later = replace(GAMMA, streams=(schools, *GAMMA.streams[3:]))
    vendor.log.clear()
    result = await remap_connector(tenant.pool, tenant.connector, later, only_quarantined=True)
    assert [one.added for one in result if one.stream == "schools"] == [2]
    assert not vendor.log
    assert [item["name"] for item in await read_all(api, "jobs")] == ["School 7", "School 8"]
    again = await remap_connector(tenant.pool, tenant.connector, later, only_quarantined=True)
    assert [(one.rows, one.added) for one in again if one.stream == "schools"] == [(0, 0)]
    assert await read_schools(api) == {"1": ["School 7", "School 8"], "2": ["School 8", "School 8"], "3": []}
