"""Reconciling: what the vendor has now, counted beside what is served, and which records are on one side only."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from testbed.counting import count, get, numbers
from testbed.tenants import Tenant, make_tenant
from testbed.vendor import ACME, TOO_DEEP, Vendor, fill, job, person, say
from testbed.waiting import within
from unihire.errors import ReauthorizeNeeded, RetryLater
from unihire.kit.seal import Sealer
from unihire.store import Pool
from unihire.sync import reconcile as reconciling
from unihire.sync.pages import Counts


async def list_tables(pool: Pool) -> dict[str, str]:
    """What is stored, each table as a whole."""
    names = await pool.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    return {
        name: await pool.fetchval(
            f"SELECT md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) FROM {name} AS t"
        )
        for (name,) in names
    }


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    """A connector that is up to date with a vendor that has something of everything."""
    fill(vendor)
    made = await make_tenant(pool, sealer, base_url=vendor.base_url)
    assert (await made.sync()).status == "done"
    return made


async def test_what_was_just_synced_is_equal_and_counting_stores_nothing(tenant: Tenant) -> None:
    before = await list_tables(tenant.pool)
    found = await count(tenant)
    assert numbers(found) == {
        "job": (5, 5, 0, 0, 0),
        "candidate": (3, 3, 0, 0, 0),
        "department": (3, 3, 0, 0, 0),  # d1, which three jobs tell, counts once
        "job_interview_stage": (3, 3, 0, 0, 0),
    }
    assert found.is_equal
    assert (found.unread, found.has_synced) == ([], False)
    assert await list_tables(tenant.pool) == before
    assert await tenant.pool.fetchval("SELECT count(*) FROM pg_class WHERE relname = 'vendor_record'") == 0


async def test_no_call_is_made_for_single_rows_while_nothing_is_missing(tenant: Tenant, vendor: Vendor) -> None:
    vendor.log.clear()
    await count(tenant)
    assert {request.path for request in vendor.log} == {"/token", "/pipelines", "/jobs", "/people"}


async def test_row_deleted_at_the_vendor_is_gone_there_with_what_only_it_told(tenant: Tenant, vendor: Vendor) -> None:
    del vendor.lists["/jobs"][-1]
    found = await count(tenant)
    assert numbers(found)["job"] == (4, 5, 0, 0, 1)
    assert numbers(found)["department"] == (2, 3, 0, 0, 1)
    assert (get(found, "job").gone_ids, get(found, "department").gone_ids) == (["5"], ["d5"])
    assert not found.is_equal
    await tenant.sync(full=True)
    assert (await count(tenant)).is_equal


async def test_row_the_list_leaves_out_is_there_when_the_vendor_shows_it_by_its_id(
    tenant: Tenant, vendor: Vendor
) -> None:
    hidden = vendor.lists["/jobs"].pop(4)
    vendor.will("/jobs/5", lambda request: say(hidden))
    assert (await count(tenant)).is_equal


async def test_row_added_at_the_vendor_is_missing_here(tenant: Tenant, vendor: Vendor) -> None:
    vendor.lists["/jobs"] += [job(str(number), department="new") for number in range(8, 15)]
    found = await count(tenant)
    assert numbers(found)["job"] == (12, 5, 0, 7, 0)
    assert get(found, "job").missing_ids == ["8", "9", "10", "11", "12"]
    assert get(found, "department").missing_ids == ["new"]
    assert not found.is_equal


async def test_row_that_moves_to_a_page_already_read_is_not_gone(tenant: Tenant, vendor: Vendor) -> None:
    def move(request: Any) -> Any:
        page = vendor.page(request)
        moved = vendor.lists["/people"].pop()
        vendor.lists["/people"].insert(0, {**moved, "at": "2100-01-01T00:00:00"})
        return page

    vendor.will("/people", move)
    vendor.will("/people/3", lambda request: say({}, 404))
    assert (await count(tenant)).is_equal


async def test_row_set_aside_is_told_as_such_and_is_neither_missing_nor_gone(tenant: Tenant, vendor: Vendor) -> None:
    vendor.lists["/people"] += [person("7", deep=TOO_DEEP), person("8", state="plain")]
    vendor.lists["/people"][0] |= {"deep": TOO_DEEP}
    vendor.lists["/jobs"][3] |= {"deep": TOO_DEEP, "at": "2100-01-01T00:00:00"}
    await tenant.sync(full=True)
    found = await count(tenant)
    assert numbers(found)["candidate"] == (5, 4, 2, 0, 0)  # 1 stays as it last was, 7 was never here
    assert numbers(found)["job"] == (5, 5, 1, 0, 0)
    assert numbers(found)["department"] == (2, 3, 0, 0, 0)  # nobody knows what the row refused tells of
    assert get(found, "department").unconfirmed == 1
    assert found.is_equal


async def test_row_without_an_id_is_set_aside(tenant: Tenant, vendor: Vendor) -> None:
    vendor.lists["/people"].append(person(None))
    await tenant.sync(full=True)
    assert numbers(await count(tenant))["candidate"] == (4, 3, 1, 0, 0)


async def test_parts_are_held_while_a_row_that_may_tell_of_them_will_not_map(tenant: Tenant, vendor: Vendor) -> None:
    vendor.lists["/pipelines"][1] = {"id": "p2", "stages": [None]}
    found = await count(tenant)
    assert numbers(found)["job_interview_stage"] == (2, 3, 0, 0, 0)
    assert get(found, "job_interview_stage").unconfirmed == 1
    assert found.is_equal
    vendor.lists["/pipelines"][1] = {"id": "p2", "stages": []}
    assert get(await count(tenant), "job_interview_stage").gone_ids == ["s3"]


async def test_department_told_by_two_rows_is_missing_only_when_it_is_nowhere(tenant: Tenant, vendor: Vendor) -> None:
    vendor.lists["/jobs"] = [row for row in vendor.lists["/jobs"] if row["id"] != "1"]
    found = await count(tenant)
    assert numbers(found)["department"] == (3, 3, 0, 0, 0)
    # Set aside in one of its rows and told well by the other, it is missed like any record.
    vendor.lists["/jobs"].append(job("6", department="d9") | {"deep": TOO_DEEP})
    await tenant.sync(full=True)
    assert numbers(await count(tenant))["department"] == (3, 3, 0, 0, 0)
    vendor.lists["/jobs"].append(job("7", department="d9"))
    assert get(await count(tenant), "department").missing_ids == ["d9"]


async def test_stream_closed_to_the_credentials_is_told_and_its_models_are_not_compared(
    tenant: Tenant, vendor: Vendor
) -> None:
    vendor.lists["/people"].pop()
    vendor.will("/jobs", lambda request: say({}, 403))
    found = await count(tenant)
    (closed,) = found.unread
    assert (closed.stream, closed.models, closed.is_closed) == ("jobs", ["job", "department"], True)
    assert closed.reason == "the credentials lack jobs:read"
    assert numbers(found).keys() == {"candidate", "job_interview_stage"}
    assert numbers(found)["candidate"] == (2, 3, 0, 0, 1)


async def test_model_of_two_streams_is_compared_only_when_both_are_read(tenant: Tenant, vendor: Vendor) -> None:
    pipelines, jobs, people = ACME.streams
    drafts = replace(jobs, name="drafts", path="/drafts", by_id=None, changed_since=None, mappings=jobs.mappings[1:])
    vendor.lists["/drafts"] = [job("6", department="d6")]
    more = replace(tenant, integration=replace(ACME, streams=(pipelines, jobs, drafts, people)))
    assert numbers(await count(more))["department"] == (4, 3, 0, 1, 0)
    vendor.will("/drafts", lambda request: say({}, 403))
    found = await count(more)
    assert numbers(found).keys() == {"job", "candidate", "job_interview_stage"}
    assert found.unread[0].models == ["department"]


async def test_stream_that_answers_otherwise_than_documented_is_no_closed_one(tenant: Tenant, vendor: Vendor) -> None:
    vendor.will("/pipelines", lambda request: say({"error": "no"}, 422))
    (refused,) = (await count(tenant)).unread
    assert (refused.stream, refused.is_closed) == ("pipelines", False)


async def test_connector_that_was_never_synced_misses_everything(pool: Pool, sealer: Sealer, vendor: Vendor) -> None:
    fill(vendor)
    new = await make_tenant(pool, sealer, base_url=vendor.base_url)
    assert {model: row[3] for model, row in numbers(await count(new)).items()} == {
        "job": 5, "candidate": 3, "department": 3, "job_interview_stage": 3,
    }  # fmt: skip


async def test_only_the_connectors_own_records_count(tenant: Tenant, sealer: Sealer, vendor: Vendor) -> None:
    other = await make_tenant(tenant.pool, sealer, base_url=vendor.base_url, organisation="Another")
    await other.sync()
    vendor.lists["/people"].clear()
    await other.sync(full=True)
    assert numbers(await count(tenant))["candidate"] == (0, 3, 0, 0, 3)
    assert numbers(await count(other))["candidate"] == (0, 0, 0, 0, 0)


async def test_rows_that_become_no_record_are_not_read(tenant: Tenant, vendor: Vendor) -> None:
    pipelines, jobs, people = ACME.streams
    kept = replace(people, mappings=(), details=(), is_stored=True)
    vendor.log.clear()
    lesser = replace(tenant, integration=replace(ACME, streams=(pipelines, jobs, kept)))
    assert "candidate" not in numbers(await count(lesser))
    assert vendor.count("/people") == 0


async def test_sync_under_way_or_ended_meanwhile_is_told(tenant: Tenant, vendor: Vendor) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def wait(request: Any) -> Any:
        entered.set()
        await within(leave.wait())
        return vendor.page(request)

    vendor.will("/people", wait)
    syncing = asyncio.create_task(tenant.sync(full=True))
    await within(entered.wait())
    assert (await count(tenant)).has_synced
    leave.set()
    await syncing
    assert not (await count(tenant)).has_synced

    async def sync_meanwhile(request: Any) -> Any:
        await tenant.sync()
        return vendor.page(request)

    vendor.will("/people", sync_meanwhile)
    assert (await count(tenant)).has_synced


async def test_what_is_told_while_it_reads_are_streams_and_rows(tenant: Tenant) -> None:
    told: list[Counts] = []
    await count(tenant, watch=lambda counts: told.append(Counts(counts.stream, counts.read, phase=counts.phase)))
    jobs = [(one.read, one.phase) for one in told if one.stream == "jobs"]
    assert jobs == [(2, "walk"), (4, "walk"), (5, "walk"), (5, "catch_up"), (5, "absent"), (5, "done")]


@pytest.mark.parametrize(("status", "error"), [(503, RetryLater), (401, ReauthorizeNeeded)])
async def test_vendor_that_cannot_be_asked_ends_the_count_and_leaves_nothing(
    tenant: Tenant, vendor: Vendor, status: int, error: type[Exception]
) -> None:
    vendor.will("/jobs", *[lambda request: say({}, status)] * 50)
    with pytest.raises(error):
        await count(tenant)
    assert await tenant.pool.fetchval("SELECT count(*) FROM pg_class WHERE relname = 'vendor_record'") == 0


async def test_count_that_is_cut_off_leaves_nothing_and_the_next_one_counts(tenant: Tenant, vendor: Vendor) -> None:
    entered = asyncio.Event()

    async def hang(request: Any) -> Any:
        entered.set()
        await asyncio.sleep(30)

    vendor.will("/people", hang)
    counting = asyncio.create_task(count(tenant))
    await within(entered.wait())
    counting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await counting
    assert await tenant.pool.fetchval("SELECT count(*) FROM pg_class WHERE relname = 'vendor_record'") == 0
    assert (await count(tenant)).is_equal


async def test_of_many_unlisted_rows_only_some_are_asked_for(
    tenant: Tenant, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "CONFIRMED", 2)
    vendor.log.clear()
    vendor.lists["/jobs"].clear()
    assert numbers(await count(tenant))["job"] == (0, 5, 0, 0, 5)
    assert len({request.path for request in vendor.log if request.path.startswith("/jobs/")}) == 2
