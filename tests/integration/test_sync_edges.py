"""Sync against a vendor that refuses, dawdles, moves or forgets: what ends a run, what the next one goes on with."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiohttp import web

from testbed.records import find_ids
from testbed.tenants import Tenant, make_tenant, read_all
from testbed.vendor import IMPATIENT, Answerer, Vendor, counts, fill, job, say
from testbed.waiting import within
from unihire.errors import Busy, ConfigError, ReauthorizeNeeded, RetryLater, Stopped
from unihire.kit.seal import Sealer
from unihire.platform import removal
from unihire.platform.removal import remove_connector
from unihire.platform.syncs import cancel_sync, pause_syncs, resume_syncs
from unihire.store import Pool
from unihire.store.locks import lock_connector
from unihire.store.work import schedules
from unihire.sync.pages import Counts
from unihire.sync.run import GIVEN_UP_AFTER


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    """A connector to a vendor that has something of everything."""
    fill(vendor)
    return await make_tenant(pool, sealer, base_url=vendor.base_url)


def answer(status: int, body: Any = None) -> Answerer:
    return lambda request: say(body or {}, status)


async def served(api: httpx.AsyncClient, plural: str) -> list[str]:
    return sorted(find_ids(await read_all(api, plural)))


async def test_first_sync_saves_rows_their_parts_and_their_details(tenant: Tenant, api: httpx.AsyncClient) -> None:
    report = await tenant.sync()
    assert report.status == "done"
    assert await served(api, "jobs") == ["1", "2", "3", "4", "5"]
    assert await served(api, "departments") == ["d1", "d4", "d5"]
    assert await served(api, "job-interview-stages") == ["s1", "s2", "s3"]
    tags = {item["remote_id"]: item["tags"] for item in await read_all(api, "candidates")}
    assert tags == {"1": ["likes tea"], "2": [], "3": []}


async def test_missing_permission_closes_its_stream_and_leaves_the_others(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    vendor.will("/jobs", answer(403))
    report = await tenant.sync()
    assert (report.status, report.errors) == ("partial", {"jobs": "the credentials lack jobs:read"})
    assert await served(api, "candidates") == ["1", "2", "3"]
    assert await tenant.pool.fetchval("SELECT status FROM connector") == "COMPLETE"
    report = await tenant.sync()
    assert report.status == "done"
    assert await served(api, "jobs") == ["1", "2", "3", "4", "5"]


async def test_stream_that_fails_in_the_middle_deletes_nothing(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    vendor.will("/jobs", vendor.page, answer(400))
    report = await tenant.sync(full=True)
    assert report.status == "partial"
    assert await served(api, "jobs") == ["1", "2", "3", "4", "5"]
    assert await tenant.pool.fetchval("SELECT count(*) FROM seen") == 0


async def test_every_stream_refused_is_a_failed_run(tenant: Tenant, vendor: Vendor) -> None:
    for path in ("/jobs", "/people", "/pipelines"):
        vendor.will(path, answer(404))
    assert (await tenant.sync()).status == "failed"


async def test_refused_credentials_end_the_run_and_ask_for_a_relink_until_they_work(
    tenant: Tenant, vendor: Vendor
) -> None:
    vendor.will("/token", answer(401, {"error": "invalid_client"}))
    with pytest.raises(ReauthorizeNeeded):
        await tenant.sync()
    status, since = await tenant.pool.fetchrow("SELECT status, relink_needed_at FROM connector")
    assert status == "RELINK_NEEDED"
    assert since is not None
    assert await tenant.pool.fetchval("SELECT status FROM sync_run") == "failed"
    assert (await tenant.sync()).status == "done"
    assert tuple(await tenant.pool.fetchrow("SELECT status, relink_needed_at FROM connector")) == ("COMPLETE", None)


async def test_run_that_dies_before_it_told_that_the_credentials_work_tells_it_when_gone_on_with(
    tenant: Tenant, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor.will("/token", answer(401, {"error": "invalid_client"}))
    with pytest.raises(ReauthorizeNeeded):
        await tenant.sync()

    async def fail(*given: Any) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as patch:
        patch.setattr("unihire.sync.run.set_status", fail)
        with pytest.raises(ConnectionResetError):
            await tenant.sync()
    assert (await tenant.sync()).is_resumed
    assert await tenant.pool.fetchval("SELECT status FROM connector") == "COMPLETE"


async def test_deletion_is_found_after_a_run_that_lost_its_credentials_half_way(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    refused: list[Answerer] = [answer(401)] * 5
    vendor.will("/jobs", vendor.page, vendor.page, *refused)
    with pytest.raises(ReauthorizeNeeded):
        await tenant.sync(full=True)
    del vendor.lists["/jobs"][0]  # met by the run that ended early
    await tenant.sync(full=True)
    assert await served(api, "jobs") == ["2", "3", "4", "5"]


async def test_vendor_that_does_not_answer_leaves_the_run_to_be_gone_on_with(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    vendor.will("/jobs", vendor.page, *[answer(500)] * 6)
    with pytest.raises(RetryLater):
        await tenant.sync()
    assert await served(api, "jobs") == ["1", "2"]
    before = len(vendor.log)
    report = await tenant.sync()
    assert report.is_resumed
    assert report.status == "done"
    asked = [request.path_qs for request in vendor.log[before:] if request.path == "/jobs"]
    assert asked[0] == "/jobs?limit=2&from=2"  # not from the beginning
    assert counts(report, "jobs") == (8, 0, 0, 0)  # five jobs and three departments, over both attempts


async def test_place_the_vendor_has_forgotten_makes_the_stream_start_over(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    vendor.will("/jobs", vendor.page, *[answer(500)] * 6)
    with pytest.raises(RetryLater):
        await tenant.sync()
    vendor.will("/jobs", answer(400))
    report = await tenant.sync()
    assert report.status == "done"
    assert await served(api, "jobs") == ["1", "2", "3", "4", "5"]


async def test_place_forgotten_while_catching_up_makes_it_start_over_too(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    today = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    vendor.lists["/jobs"] = [job(number, at=today) for number in "12345"]
    show: Answerer = vendor.page
    vendor.will("/jobs", *[show] * 4, *[answer(500)] * 6)  # three pages, one of what changed since, then nothing
    with pytest.raises(RetryLater):
        await tenant.sync()
    assert await tenant.pool.fetchval("SELECT phase FROM stream_run WHERE stream = 'jobs'") == "catch_up"
    vendor.will("/jobs", answer(400))
    report = await tenant.sync()
    assert (report.status, report.errors) == ("done", {})


async def test_full_run_asked_for_replaces_an_unfinished_incremental_one(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    vendor.will("/people", *[answer(500)] * 6)
    with pytest.raises(RetryLater):
        await tenant.sync()
    del vendor.lists["/jobs"][0]
    report = await tenant.sync(full=True)
    assert (report.is_full, report.is_resumed) == (True, False)
    assert await served(api, "jobs") == ["2", "3", "4", "5"]
    assert await tenant.pool.fetchval("SELECT count(*) FROM sync_run WHERE status = 'running'") == 0


async def test_second_sync_of_a_connector_at_once_is_refused_and_the_first_is_not_disturbed(
    tenant: Tenant, vendor: Vendor
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def dawdle(request: web.Request) -> web.Response:
        begun.set()
        await within(go_on.wait())
        return say({"rows": [], "next": None})

    vendor.will("/pipelines", dawdle)
    first = asyncio.create_task(tenant.sync())
    await within(begun.wait())
    with pytest.raises(ConfigError, match="being synced already"):
        await tenant.sync()
    go_on.set()
    assert (await first).status == "done"
    assert (await tenant.sync()).status == "done"


async def test_stopped_sync_ends_at_a_page_and_the_next_one_goes_on(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    stop = asyncio.Event()
    with pytest.raises(Stopped):
        await tenant.sync(stop=stop, watch=lambda counts: stop.set() if counts.stream == "jobs" else None)
    assert 0 < len(await served(api, "jobs")) < 5
    report = await tenant.sync()
    assert (report.is_resumed, report.status) == (True, "done")
    assert await served(api, "jobs") == ["1", "2", "3", "4", "5"]


async def test_cancelled_sync_lets_go_of_the_connector(tenant: Tenant, vendor: Vendor) -> None:
    async def dawdle(request: web.Request) -> web.Response:
        begun.set()
        await asyncio.sleep(60)
        return say({})

    begun = asyncio.Event()
    vendor.will("/jobs", dawdle)
    task = asyncio.create_task(tenant.sync())
    await within(begun.wait())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await tenant.sync()).status == "done"


async def test_link_that_leads_back_fails_the_stream_and_what_was_read_stays(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    rows = vendor.lists["/jobs"]
    first = f"{vendor.base_url}/jobs?limit=2"
    second = f"{vendor.base_url}/jobs?limit=2&from=2"
    rows[3]["name"] = "Renamed"
    before = vendor.count("/jobs")
    vendor.will("/jobs", lambda request: say({"rows": rows[:2], "next": second}))
    vendor.will("/jobs", lambda request: say({"rows": rows[2:4], "next": first}))
    async with asyncio.timeout(5):
        report = await tenant.sync(full=True)
    assert (report.status, list(report.errors)) == ("partial", ["jobs"])
    assert "does not end" in report.errors["jobs"]
    assert vendor.count("/jobs") - before == 2
    assert await served(api, "jobs") == ["1", "2", "3", "4", "5"]  # nobody knows what comes behind
    assert {item["name"] for item in await read_all(api, "jobs")} >= {"Renamed"}
    vendor.answers.clear()
    assert (await tenant.sync(full=True)).status == "done"


async def test_link_to_a_stranger_fails_the_stream_and_is_not_followed(tenant: Tenant, vendor: Vendor) -> None:
    stranger = vendor.base_url.replace("127.0.0.1", "localhost")
    page = {"rows": vendor.lists["/jobs"][:2], "next": f"{stranger}/jobs?limit=2&from=2"}
    vendor.will("/jobs", *[lambda request: say(page)] * IMPATIENT.attempts)
    report = await tenant.sync()
    assert report.status == "partial"
    assert "not followed" in report.errors["jobs"]
    assert not [request for request in vendor.log if request.host.startswith("localhost")]


async def test_a_reason_that_no_text_column_takes_fails_the_stream_all_the_same(tenant: Tenant, vendor: Vendor) -> None:
    page = {"rows": vendor.lists["/jobs"][:2], "next": "https://stranger\0\ud800.example/jobs" + "x" * 5000}
    vendor.will("/jobs", *[lambda request: say(page)] * IMPATIENT.attempts)
    report = await tenant.sync()
    assert (report.status, list(report.errors)) == ("partial", ["jobs"])
    assert await tenant.pool.fetchval("SELECT length(message) <= 2000 FROM issue WHERE stream = 'jobs'")


async def test_pages_without_rows_are_passed_over(tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient) -> None:
    def empty(number: int) -> Answerer:
        following = f"{vendor.base_url}/jobs?limit=2" + (f"&empty={number}" if number else "&from=0")
        return lambda request: say({"rows": [], "next": following})

    vendor.will("/jobs", empty(2), empty(1), empty(0))
    assert (await tenant.sync()).status == "done"
    assert await served(api, "jobs") == ["1", "2", "3", "4", "5"]


async def test_list_that_never_ends_in_empty_pages_fails_and_nothing_is_deleted(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    await tenant.sync()

    def go_on(request: web.Request) -> web.Response:
        following = int(request.query.get("page", 0)) + 1
        return say({"rows": [], "next": f"{vendor.base_url}/jobs?page={following}"})

    before = vendor.count("/jobs")
    vendor.will("/jobs", *[go_on] * 500)
    async with asyncio.timeout(10):
        report = await tenant.sync(full=True)
    assert "100 pages in a row have no rows" in report.errors["jobs"]
    assert vendor.count("/jobs") - before < 105
    assert await served(api, "jobs") == ["1", "2", "3", "4", "5"]


class Treadmill:
    """A list that shows the same rows again and again, each page behind a link that was never there before."""

    def __init__(self, vendor: Vendor, count: int) -> None:
        self.vendor = vendor
        self.rows = [job(str(number)) for number in range(count)]
        self.page = 0

    def answer(self, request: web.Request) -> web.Response:
        self.page += 1
        start = 10 * self.page % len(self.rows)
        following = f"{self.vendor.base_url}/jobs?cursor={self.page}"
        return say({"rows": (self.rows * 2)[start : start + 10], "next": following})


async def test_list_that_shows_its_rows_again_and_again_fails_and_what_was_read_stays(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    vendor.will("/jobs", *[Treadmill(vendor, 95).answer] * 1000)
    async with asyncio.timeout(20):
        report = await tenant.sync()
    assert (report.status, list(report.errors)) == ("partial", ["jobs"])
    assert report.errors["jobs"] == "/jobs: the list does not end: of 400 rows it showed, some 95 are different"
    assert len(await served(api, "jobs")) == 95
    assert await served(api, "candidates") == ["1", "2", "3"]


async def test_list_without_end_is_found_out_over_many_short_attempts(tenant: Tenant, vendor: Vendor) -> None:
    """Each attempt is stopped after a few pages, before the rows come again."""
    vendor.will("/jobs", *[Treadmill(vendor, 95).answer] * 1000)
    for _ in range(200):
        stop = asyncio.Event()

        def watch(counts: Counts, stop: asyncio.Event = stop) -> None:
            if counts.stream == "jobs":
                stop.set()

        try:
            report = await tenant.sync(models=["job"], stop=stop, watch=watch)
        except Stopped:
            continue
        break
    assert report.is_resumed
    assert "does not end" in report.errors["jobs"]


async def test_what_changed_while_our_clock_ran_ahead_is_not_lost(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    vendor.behind = timedelta(hours=3)
    await tenant.sync()
    soon = (datetime.now(UTC) - vendor.behind + timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%S")
    vendor.lists["/jobs"][0] |= {"name": "Renamed", "at": soon}
    report = await tenant.sync()
    assert not report.is_full
    assert counts(report, "jobs")[:2] == (0, 1)


async def test_clock_that_was_put_back_makes_the_lists_be_read_whole(tenant: Tenant, vendor: Vendor) -> None:
    await tenant.sync()
    await tenant.pool.execute("UPDATE stream_state SET last_read_at = last_read_at + interval '1 day'")
    before = len(vendor.log)
    await tenant.sync()
    asked = [request for request in vendor.log[before:] if request.path == "/jobs"]
    assert "since" not in asked[0].query


async def test_list_that_does_not_answer_keeps_no_other_from_its_end(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    vendor.will("/pipelines", *[answer(500)] * IMPATIENT.attempts)
    with pytest.raises(RetryLater, match="/pipelines"):
        await tenant.sync()
    assert await served(api, "jobs") == ["1", "2", "3", "4", "5"]
    assert await served(api, "candidates") == ["1", "2", "3"]
    ended = await tenant.pool.fetch("SELECT stream FROM stream_run WHERE phase = 'done' ORDER BY stream")
    assert [row["stream"] for row in ended] == ["jobs", "people"]
    before = len(vendor.log)
    assert (await tenant.sync()).status == "done"
    assert {request.path for request in vendor.log[before:]} == {"/token", "/pipelines"}


async def test_list_that_does_not_answer_for_an_hour_ends_with_that_as_reason(tenant: Tenant, vendor: Vendor) -> None:
    vendor.will("/pipelines", *[answer(500)] * IMPATIENT.attempts * 2)
    with pytest.raises(RetryLater):
        await tenant.sync()
    await tenant.pool.execute("UPDATE sync_run SET failures = $1", GIVEN_UP_AFTER)
    report = await tenant.sync()
    assert (report.status, list(report.errors)) == ("partial", ["pipelines"])
    assert "the vendor answers 500" in report.errors["pipelines"]
    find = "SELECT kind, stream FROM issue WHERE resolved_at IS NULL"
    assert [tuple(row) for row in await tenant.pool.fetch(find)] == [("vendor_unavailable", "pipelines")]
    assert (await tenant.sync()).status == "done"
    assert await tenant.pool.fetch(find) == []


async def test_clock_that_went_back_keeps_the_feed_in_order(tenant: Tenant, vendor: Vendor) -> None:
    await tenant.sync()
    await tenant.pool.execute("UPDATE feed SET last_seq = last_seq + 2 * 86400 * 1000000::bigint")
    before = await tenant.pool.fetchval("SELECT last_seq FROM feed")
    vendor.lists["/jobs"][0]["name"] = "Renamed"
    await tenant.sync(full=True)
    rows = await tenant.pool.fetch("SELECT seq FROM record WHERE seq > $1", before)
    assert len(rows) == 1


async def test_row_that_changed_while_its_list_was_walked_is_caught_up_with(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    def move(request: web.Request) -> web.Response:
        page = vendor.page(request)
        now = (datetime.now(UTC) + timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%S")
        moved = {**vendor.lists["/jobs"].pop(), "name": "Changed meanwhile", "at": now}
        vendor.lists["/jobs"].insert(0, moved)  # newest first: behind the walk
        return page

    vendor.will("/jobs", move)
    await tenant.sync()
    names = {item["remote_id"]: item["name"] for item in await read_all(api, "jobs")}
    assert names["5"] == "Changed meanwhile"
    assert len(names) == 5


async def test_paused_connector_is_not_synced_until_it_is_resumed(tenant: Tenant, vendor: Vendor) -> None:
    await pause_syncs(tenant.pool, tenant.connector)
    with pytest.raises(ConfigError, match="is paused"):
        await tenant.sync()
    assert not vendor.log
    await resume_syncs(tenant.pool, tenant.connector)
    assert (await tenant.sync()).status == "done"


async def test_pause_during_a_run_rests_it_after_its_page(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    async def pause(request: web.Request) -> web.StreamResponse:
        await pause_syncs(tenant.pool, tenant.connector)
        return vendor.page(request)

    vendor.will("/jobs", pause)
    with pytest.raises(Stopped):
        await tenant.sync()
    found = await served(api, "jobs")
    assert 0 < len(found) < 5
    await resume_syncs(tenant.pool, tenant.connector)
    report = await tenant.sync()
    assert report.is_resumed
    assert await served(api, "jobs") == ["1", "2", "3", "4", "5"]


async def test_cancelled_run_saves_no_more_and_the_next_is_a_new_one(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    async def cancel(request: web.Request) -> web.StreamResponse:
        await cancel_sync(tenant.pool, tenant.connector)
        return vendor.page(request)

    vendor.will("/jobs", cancel)
    with pytest.raises(Stopped):
        await tenant.sync()
    assert await served(api, "jobs") == []
    assert await tenant.pool.fetchval("SELECT status FROM sync_run") == "cancelled"
    report = await tenant.sync()
    assert (report.number, report.is_resumed, report.status) == (2, False, "done")


async def test_removing_a_connector_ends_the_sync_it_is_in(tenant: Tenant, vendor: Vendor) -> None:
    is_asked = asyncio.Event()

    async def dawdle(request: web.Request) -> web.StreamResponse:
        is_asked.set()
        await asyncio.sleep(0.5)
        return vendor.page(request)

    vendor.will("/jobs", dawdle)
    syncing = asyncio.create_task(tenant.sync())
    await within(is_asked.wait())
    await remove_connector(tenant.pool, tenant.connector)
    with pytest.raises(Stopped):
        await syncing
    for table in ("connector", "record", "sync_run", "stream_run", "seen", "joined"):
        assert await tenant.pool.fetchval(f"SELECT count(*) FROM {table}") == 0, table


async def test_removal_that_finds_no_end_of_a_sync_leaves_the_connector_paused_and_whole(
    tenant: Tenant, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "REMOVAL_SECONDS", 0.3)
    monkeypatch.setattr(removal, "POLL_SECONDS", 0.1)
    await tenant.sync()
    async with lock_connector(tenant.pool, tenant.connector.number, otherwise="taken"):
        with pytest.raises(Busy):
            await remove_connector(tenant.pool, tenant.connector)
    assert (await schedules.get_schedule(tenant.pool, tenant.connector.number)).is_paused
    assert await served(api, "jobs") == ["1", "2", "3", "4", "5"]


async def test_models_asked_for_are_read_with_what_they_show_and_no_others(tenant: Tenant, vendor: Vendor) -> None:
    await tenant.sync()
    vendor.log.clear()
    report = await tenant.sync(full=True, models=["job"])
    assert [counts.stream for counts in report.streams] == ["jobs"]
    with pytest.raises(ConfigError, match="fills no offer, unicorn"):
        await tenant.sync(models=["job", "unicorn", "offer"])
