"""Sync of rows that are odd, gone, merged, hidden or back, and of their parts and details."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

import httpx
import pytest
import pytest_asyncio
from aiohttp import web

from testbed.records import find_ids
from testbed.tenants import Tenant, make_tenant, read_all
from testbed.vendor import TOO_DEEP, Answerer, Vendor, counts, fill, job, person, say, stage
from unihire.integration.declare import IdFilter
from unihire.kit.seal import Sealer
from unihire.outbound.answers import ANSWER_BYTES
from unihire.outbound.paging import WholeList
from unihire.store import Pool
from unihire.sync import details
from unihire.sync.fetching import ROW_SHARE, SURE_AFTER


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    """A connector to a vendor that has something of everything."""
    fill(vendor)
    return await make_tenant(pool, sealer, base_url=vendor.base_url)


def answer(status: int, body: Any = None) -> Answerer:
    return lambda request: say(body or {}, status)


async def list_quarantine(tenant: Tenant) -> list[tuple[str, str]]:
    rows = await tenant.pool.fetch("SELECT stream, row_id FROM quarantine ORDER BY 1, 2")
    return [(row["stream"], row["row_id"]) for row in rows]


async def served(api: httpx.AsyncClient, plural: str) -> list[str]:
    return sorted(find_ids(await read_all(api, plural)))


async def test_gone_row_becomes_a_tombstone_only_after_a_complete_read_confirmed_by_its_id(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    hidden = vendor.lists["/jobs"].pop(0)
    del vendor.lists["/jobs"][-1]
    await tenant.sync()  # incremental: what is not mentioned may still be there
    assert await served(api, "jobs") == ["1", "2", "3", "4", "5"]
    vendor.will("/jobs/1", lambda request: say(hidden))
    report = await tenant.sync(full=True)
    assert counts(report, "jobs") == (0, 0, 2, 0)  # job 5 and the department only it had
    assert (vendor.count("/jobs/1"), vendor.count("/jobs/5")) == (1, SURE_AFTER)
    assert await served(api, "jobs") == ["1", "2", "3", "4"]
    assert await served(api, "departments") == ["d1", "d4"]


async def test_empty_list_whose_rows_cannot_be_asked_by_id_must_be_empty_twice(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    stages = await served(api, "job-interview-stages")
    vendor.will("/pipelines", answer(200, {"rows": []}))
    report = await tenant.sync(full=True)
    assert (report.status, list(report.errors)) == ("partial", ["pipelines"])
    assert "empty" in report.errors["pipelines"]
    assert await served(api, "job-interview-stages") == stages
    vendor.lists["/pipelines"].clear()
    report = await tenant.sync(full=True)
    assert (report.status, counts(report, "pipelines")) == ("done", (0, 0, len(stages), 0))
    assert await served(api, "job-interview-stages") == []


async def test_part_of_a_row_that_only_its_id_still_shows_lives_on(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    before = await read_all(api, "departments")
    hidden = vendor.lists["/jobs"].pop(3)
    vendor.will("/jobs/4", lambda request: say(hidden))
    report = await tenant.sync(full=True)
    assert counts(report, "jobs") == (0, 0, 0, 0)
    assert await read_all(api, "departments") == before


async def test_row_whose_id_is_answered_with_another_row_is_neither_gone_nor_is_the_other_saved(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    stranger = person("77", at="2031-01-01T00:00:00")
    del vendor.lists["/people"][1:]
    vendor.will("/people/3", *[lambda request: say(stranger)] * 9)
    vendor.will("/people/2", lambda request: say(stranger), answer(404), answer(404))  # who is asked again is answered
    async with asyncio.timeout(5):
        report = await tenant.sync(full=True)
    assert (report.status, counts(report, "people")[2]) == ("done", 1)
    assert await served(api, "candidates") == ["1", "3"]
    assert await list_issues(tenant) == [("wrong_answers", "people")]
    assert await tenant.pool.fetchval("SELECT sum(wrong_answers) FROM stream_run") == 1
    vendor.answers.clear()
    await tenant.sync()  # asks nothing by id
    assert await list_issues(tenant) == [("wrong_answers", "people")]
    report = await tenant.sync(full=True)
    assert counts(report, "people")[2] == 1
    assert await served(api, "candidates") == ["1"]
    assert await list_issues(tenant) == []


async def list_issues(tenant: Tenant) -> list[tuple[str, str]]:
    rows = await tenant.pool.fetch("SELECT kind, stream FROM issue WHERE resolved_at IS NULL ORDER BY 1, 2")
    return [tuple(row) for row in rows]


async def test_row_that_was_merged_as_the_vendor_declares_it_is_gone(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    def is_merged(row_id: str, row: dict[str, Any]) -> bool:
        return row_id in row.get("merged", ())

    declared = adapt(tenant, "people", is_merged=is_merged)
    await declared.sync()
    vendor.lists["/people"][0]["merged"] = ["3"]
    del vendor.lists["/people"][2]
    vendor.will("/people/3", lambda request: say(vendor.lists["/people"][0]))
    report = await declared.sync(full=True)
    assert counts(report, "people")[2] == 1
    assert await served(api, "candidates") == ["1", "2"]
    assert await list_issues(tenant) == []


def adapt(tenant: Tenant, stream: str, **declared: Any) -> Tenant:
    """The connector with a stream that is declared otherwise."""
    streams = [replace(one, **declared) if one.name == stream else one for one in tenant.integration.streams]
    return replace(tenant, integration=replace(tenant.integration, streams=tuple(streams)))


async def test_filter_by_ids_that_is_answered_with_other_rows_says_nothing_of_those_asked_for(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    def ignore_filter(request: web.Request) -> web.StreamResponse:
        return say({"rows": vendor.lists["/jobs"][:2], "next": f"{vendor.base_url}/jobs?limit=2&from=2"})

    def obey_filter(request: web.Request) -> web.StreamResponse:
        asked = request.query["ids"].split(",")
        return say({"rows": [row for row in vendor.lists["/jobs"] if row["id"] in asked], "next": None})

    declared = adapt(tenant, "jobs", by_id=IdFilter(param="ids", most=50))
    await declared.sync()
    del vendor.lists["/jobs"][3:]
    show: Answerer = vendor.page
    walked = [show] * 3  # two pages, and what changed since
    vendor.will("/jobs", *walked, ignore_filter)
    report = await declared.sync(full=True)
    assert counts(report, "jobs") == (0, 0, 0, 0)
    assert await served(api, "jobs") == ["1", "2", "3", "4", "5"]
    assert await list_issues(tenant) == [("wrong_answers", "jobs")]
    assert vendor.count("/jobs") == 3 + 1 + 3 + 1  # the list that came in place of the rows was not walked
    vendor.will("/jobs", *walked, *[obey_filter] * SURE_AFTER)
    report = await declared.sync(full=True)
    assert counts(report, "jobs")[2] == 4  # two jobs, and the departments only they had
    assert await list_issues(tenant) == []


async def test_row_is_asked_for_as_a_range_of_one_id(tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient) -> None:
    asked: list[tuple[str, str]] = []

    def obey(request: web.Request) -> web.StreamResponse:
        first, last = request.query["first"], request.query["last"]
        asked.append((first, last))
        return say({"rows": [row for row in vendor.lists["/jobs"] if first <= row["id"] <= last], "next": None})

    def ignore_the_end(request: web.Request) -> web.StreamResponse:
        return say({"rows": [row for row in vendor.lists["/jobs"] if row["id"] > "4"], "next": None})

    declared = adapt(tenant, "jobs", by_id=IdFilter(param="first", until="last", most=1))
    await declared.sync()
    del vendor.lists["/jobs"][3]
    show: Answerer = vendor.page
    walked = [show] * (vendor.count("/jobs"))
    vendor.will("/jobs", *walked, ignore_the_end)
    await declared.sync(full=True)
    assert await served(api, "jobs") == ["1", "2", "3", "4", "5"]
    vendor.will("/jobs", *walked, *[obey] * SURE_AFTER)
    await declared.sync(full=True)
    assert asked == [("4", "4")] * SURE_AFTER
    assert await served(api, "jobs") == ["1", "2", "3", "5"]


def refuse_ids(vendor: Vendor, refused: set[str]) -> None:
    """Whoever asks for one of these jobs by id, alone or among others, is answered 422."""

    def by_filter(request: web.Request) -> web.StreamResponse:
        if "ids" not in request.query:
            return vendor.page(request)
        asked = request.query["ids"].split(",")
        if not refused.isdisjoint(asked):
            return say({"message": "not an id"}, 422)
        return say({"rows": [row for row in vendor.lists["/jobs"] if row["id"] in asked], "next": None})

    vendor.answers.clear()
    vendor.will("/jobs", *[by_filter] * 99)
    for id_ in refused:
        vendor.will(f"/jobs/{id_}", *[answer(422)] * 99)


@pytest.mark.parametrize("by_id", ["/jobs/{id}", IdFilter(param="ids", most=50)], ids=["path", "filter"])
async def test_id_that_the_vendor_refuses_is_gone_if_it_shows_what_it_lists_by_id(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient, by_id: str | IdFilter
) -> None:
    """It once sent the id for another, by mistake, and no full run would end well for as long as it refuses it."""
    declared = adapt(tenant, "jobs", by_id=by_id)
    listed = vendor.lists["/jobs"]
    vendor.lists["/jobs"] = [*listed, {**listed[0], "id": "-7"}, {**listed[0], "id": "1e400"}]
    await declared.sync()
    assert await served(api, "jobs") == ["-7", "1", "1e400", "2", "3", "4", "5"]

    vendor.lists["/jobs"] = listed[:-1]
    refuse_ids(vendor, {row["id"] for row in listed} | {"-7", "1e400"})
    report = await declared.sync(full=True)
    assert report.errors["jobs"].endswith("answers 422")
    assert await served(api, "jobs") == ["-7", "1", "1e400", "2", "3", "4", "5"]

    refuse_ids(vendor, {"-7", "1e400"})
    report = await declared.sync(full=True)
    assert (report.status, report.errors) == ("done", {})
    assert await served(api, "jobs") == ["1", "2", "3", "4"]


async def test_details_that_the_vendor_refuses_cost_their_row_alone_unless_it_refuses_all(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    vendor.lists["/people"][1]["state"] = "noted"
    vendor.lists["/people/2/notes"] = [{"text": "likes rum"}]
    vendor.will("/people/2/notes", answer(422))
    report = await tenant.sync()
    assert (report.status, counts(report, "people")[3]) == ("done", 1)
    assert await served(api, "candidates") == ["1", "3"]
    assert await tenant.pool.fetchval("SELECT reason FROM quarantine WHERE row_id = '2'") == (
        "its notes are refused: the vendor answers 422"
    )
    for id_, row in enumerate(vendor.lists["/people"][:2], 1):
        row["at"] = "2031-01-01T00:00:00"
        vendor.will(f"/people/{id_}/notes", answer(422))
    report = await tenant.sync()
    assert report.errors["people"].endswith("answers 422")
    assert (await tenant.sync()).status == "done"
    assert await served(api, "candidates") == ["1", "2", "3"]


async def test_details_that_are_too_large_cost_their_row_alone_until_they_are_not(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    """Those of all rows of a page are held at once."""
    vendor.lists["/people"][1]["state"] = "noted"
    vendor.lists["/people/2/notes"] = [{"text": "x" * (ANSWER_BYTES // ROW_SHARE)}]
    report = await tenant.sync()
    assert (report.status, counts(report, "people")[3]) == ("done", 1)
    assert await served(api, "candidates") == ["1", "3"]
    assert await tenant.pool.fetchval("SELECT reason FROM quarantine WHERE row_id = '2'") == (
        "its notes are too large: GET /people/2/notes: the answer has more than 4,194,304 bytes, and no more are read"
    )
    assert vendor.count("/people/2/notes") == 1
    vendor.lists["/people/2/notes"] = [{"text": "x" * (ANSWER_BYTES // ROW_SHARE - 100)}]
    report = await tenant.sync(full=True)
    assert (report.status, counts(report, "people")[3]) == ("done", 0)
    assert await served(api, "candidates") == ["1", "2", "3"]


@pytest.mark.parametrize("note", [b"{}", b'{"text": 7}', b'{"text": 1e999}', b"7"])
async def test_details_that_do_not_map_are_asked_for_again_by_the_next_who_reads_the_row(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient, note: bytes
) -> None:
    """The version of the row does not move when the vendor sends whole what it sent broken once."""
    vendor.lists["/people/1/notes"] = [{"text": "likes tea"}, {"text": "likes rum"}]
    broken = b'{"rows": [{"text": "likes tea"}, %b]}' % note
    vendor.will("/people/1/notes", *[lambda request: say(broken)] * SURE_AFTER)

    async def find_tags() -> tuple[list[str], list[tuple[str, str]]]:
        (item,) = [item for item in await read_all(api, "candidates") if item["remote_id"] == "1"]
        return item["tags"], await list_quarantine(tenant)

    await tenant.sync()
    assert await find_tags() == (["likes tea"], [("people", "1")])
    vendor.answers.clear()
    await tenant.sync(full=True)
    assert await find_tags() == (["likes tea", "likes rum"], [])
    asked = vendor.count("/people/1/notes")
    await tenant.sync(full=True)
    assert vendor.count("/people/1/notes") == asked

    await tenant.pool.execute("UPDATE detail SET raw = $1", broken.partition(b": ")[2].removesuffix(b"}"))
    await tenant.pool.execute("UPDATE record SET row_hash = NULL")  # as a version of before left them
    await tenant.sync(full=True)
    assert await find_tags() == (["likes tea"], [("people", "1")])
    await tenant.sync(full=True)
    assert await find_tags() == (["likes tea", "likes rum"], [])


async def test_details_that_lack_something_are_asked_for_again_within_a_month_of_whole_reads(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part of them was left out by mistake, and the rest maps: nothing says that they are wrong but the vendor."""
    for row in vendor.lists["/people"]:
        row["state"] = "noted"
        vendor.lists[f"/people/{row['id']}/notes"] = [{"text": "likes tea"}]
    await tenant.sync()
    for row in vendor.lists["/people"]:
        vendor.lists[f"/people/{row['id']}/notes"].append({"text": "likes rum"})
    asked = []
    for day in range(details.ASKED_AGAIN_WITHIN):
        monkeypatch.setattr(details, "crc32", lambda id, day=day: crc32(id) + day)  # as if so many days had passed
        before = len(vendor.log)
        await tenant.sync(full=True)
        asked += [request.path for request in vendor.log[before:] if request.path.endswith("/notes")]
    assert sorted(asked) == ["/people/1/notes", "/people/2/notes", "/people/3/notes"]
    assert {tuple(item["tags"]) for item in await read_all(api, "candidates")} == {("likes tea", "likes rum")}


async def test_row_that_has_no_details_still_is_believed_when_it_is_asked_for_again(
    tenant: Tenant, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor.lists["/people/1/notes"] = []
    for _ in range(2):
        await tenant.sync(full=True)
    query = "SELECT xmin::text, ctid::text, version FROM detail WHERE name = 'notes' ORDER BY row_id"
    before = await tenant.pool.fetch(query)
    assert details.NO_VERSION not in {row["version"] for row in before}
    today = datetime.now(UTC).toordinal()
    monkeypatch.setattr(details, "crc32", lambda id: -today)  # as if it were the day for every row
    for _ in range(2):
        await tenant.sync(full=True)
        assert await tenant.pool.fetch(query) == before


async def test_list_that_every_run_reads_whole_asks_for_its_details_again_in_complete_runs_alone(
    tenant: Tenant, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = adapt(tenant, "people", changed_since=None)
    seldom = adapt(tenant, "people", changed_since=None, every=timedelta())
    for row in vendor.lists["/people"]:
        row["state"] = "noted"
        vendor.lists[f"/people/{row['id']}/notes"] = [{"text": "likes tea"}]
    await whole.sync()
    today = datetime.now(UTC).toordinal()
    monkeypatch.setattr(details, "crc32", lambda id: -today)

    async def count_asked(tenant: Tenant, *, full: bool) -> int:
        before = len(vendor.log)
        await tenant.sync(full=full)
        return sum(request.path.endswith("/notes") for request in vendor.log[before:])

    assert await count_asked(whole, full=False) == 0
    assert await count_asked(whole, full=True) == 3
    assert await count_asked(seldom, full=False) == 3


async def test_row_that_needs_details_and_has_none_is_believed_when_two_reads_found_it_so(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    nothing = answer(200, {"rows": []})

    async def find_tags() -> list[str]:
        (item,) = [item for item in await read_all(api, "candidates") if item["remote_id"] == "1"]
        tags: list[str] = item["tags"]
        return tags

    vendor.will("/people/1/notes", *[nothing] * SURE_AFTER)
    await tenant.sync()
    assert await find_tags() == []
    await tenant.sync(full=True)
    assert await find_tags() == ["likes tea"]

    vendor.lists["/people"][0]["at"] = "2031-01-01T00:00:00"
    vendor.will("/people/1/notes", *[nothing] * SURE_AFTER * 2)
    for _ in range(3):
        await tenant.sync(full=True)
        assert await find_tags() == []
    assert vendor.answers["/people/1/notes"] == []


async def test_details_of_another_row_set_the_row_aside(tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient) -> None:
    details = next(stream.details for stream in tenant.integration.streams if stream.name == "people")
    declared = adapt(tenant, "people", details=tuple(replace(one, of="person") for one in details))
    vendor.lists["/people/1/notes"] = [{"text": "likes tea", "person": "1"}, {"text": "has no name"}]
    await declared.sync()
    (before,) = [item for item in await read_all(api, "candidates") if item["remote_id"] == "1"]
    assert before["tags"] == ["likes tea", "has no name"]
    vendor.lists["/people"][0]["at"] = "2031-01-01T00:00:00"
    vendor.will("/people/1/notes", *[lambda request: say({"rows": [{"text": "likes rum", "person": "2"}]})] * 9)
    report = await declared.sync()
    assert counts(report, "people")[3] > 0
    reason = await tenant.pool.fetchval("SELECT reason FROM quarantine WHERE row_id = '1'")
    assert "its notes were answered with those of another row" in reason
    (after,) = [item for item in await read_all(api, "candidates") if item["remote_id"] == "1"]
    assert after == before


async def test_error_is_no_lone_detail(tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient) -> None:
    details = next(stream.details for stream in tenant.integration.streams if stream.name == "people")
    lone = WholeList(items=None, may_be_lone=True)
    declared = adapt(tenant, "people", details=tuple(replace(one, of="person", paging=lone) for one in details))
    for id in ("1", "2", "3"):
        vendor.will(f"/people/{id}/notes", lambda request, id=id: say({"text": f"of {id}", "person": id}))
    await declared.sync()
    before = await read_all(api, "candidates")
    vendor.lists["/people"][0]["at"] = "2031-01-01T00:00:00"
    vendor.will("/people/1/notes", *[lambda request: say({"error": {"code": "internal"}})] * 9)
    assert counts(await declared.sync(), "people")[3] > 0
    assert await read_all(api, "candidates") == before


async def test_row_that_comes_back_lives_again_and_is_told_as_changed(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    before = {item["remote_id"]: item for item in await read_all(api, "jobs")}
    row = vendor.lists["/jobs"].pop()
    await tenant.sync(full=True)
    last = max(item["modified_at"] for item in await read_all(api, "jobs"))
    vendor.lists["/jobs"].append(row)
    await tenant.sync(full=True)
    (back,) = await read_all(api, "jobs", modified_after=last)
    assert back.pop("modified_at") > before["5"].pop("modified_at")
    assert back == before["5"]
    first_saved, deleted = await tenant.pool.fetchrow(
        "SELECT first_saved_at < now() - interval '0', deleted_at FROM record WHERE model = 8 AND remote_id = '5'"
    )
    assert first_saved
    assert deleted is None


@pytest.mark.parametrize("state", [5, None, ["noted"], {"x": 1}, "missing"])
async def test_row_of_which_a_part_does_not_map_is_served_without_it_until_it_does(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient, state: Any
) -> None:
    bad = person("2", state=state)
    if state == "missing":
        del bad["state"]
    vendor.lists["/people"][1] = bad
    report = await tenant.sync()
    assert report.status == "done"
    assert (report.streams[-1].quarantined, report.streams[-1].incomplete) == (0, 1)
    assert await served(api, "candidates") == ["1", "2", "3"]
    assert (await read_all(api, "candidates", remote_id="2"))[0]["first_name"] == "Person 2"
    assert await list_quarantine(tenant) == [("people", "2")]
    raw, left_out, is_served = await tenant.pool.fetchrow("SELECT raw, left_out, is_served FROM quarantine")
    assert b'"Person 2"' in raw
    assert left_out == ["notes"]
    assert is_served
    issues = await tenant.pool.fetch("SELECT message FROM issue WHERE resolved_at IS NULL")
    assert [row["message"] for row in issues] == ["1 row of people served without some part that does not map"]
    vendor.lists["/people"][1] = person("2")
    await tenant.sync(full=True)
    assert await served(api, "candidates") == ["1", "2", "3"]
    assert await list_quarantine(tenant) == []


@pytest.mark.parametrize("id", [None, 7, "", {"a": 1}, "missing"])
async def test_rows_without_a_usable_id_are_set_aside_each_once(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient, id: Any
) -> None:
    bad = person(id)
    if id == "missing":
        del bad["id"]
    vendor.lists["/people"] = [person("1"), bad, dict(bad), {**bad, "name": "Another"}, person("3")]
    report = await tenant.sync()
    assert report.status == "done"
    assert await served(api, "candidates") == ["1", "3"]
    assert {stream for stream, _ in await list_quarantine(tenant)} == {"people"}
    assert len(await list_quarantine(tenant)) == 2
    again = await tenant.sync(full=True)
    assert again.status == "done"
    assert len(await list_quarantine(tenant)) == 2


async def test_rows_that_nobody_can_read_or_store_cost_themselves_alone(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    before = await read_all(api, "candidates")
    odd = [
        b'{"id":"2","name":"Jos\xe9","state":"plain"}',
        b'{"id":"a\\u0000","name":"N","state":"plain"}',
        b'{"id":"' + b"x" * 1_000_000 + b'","name":"N","state":"plain"}',
        b'{"id":"4","name":"N","state":"plain","deep":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"id":"5","name":"N","state":"plain","text":"' + b"x" * 10_000_000 + b'"}',
    ]
    good = json.dumps(person("6")).encode()

    def answer_odd(request: Any) -> Any:
        return say(b'{"rows":[' + b",".join([*odd, good]) + b'],"next":null}')

    for _ in range(2):
        vendor.will("/people", *[answer_odd] * 2)
        assert (await tenant.sync(full=True)).status == "done"
        stored = await tenant.pool.fetch("SELECT row_id, reason, raw, is_served FROM quarantine ORDER BY row_id")
        assert {"2", "4", "5"} < {row["row_id"] for row in stored}
        assert len(stored) == 5
        assert not any(row["is_served"] for row in stored)
        assert all(len(row["row_id"]) <= 500 and len(row["raw"]) < 4_000_000 for row in stored)
        assert all(isinstance(json.loads(row["raw"]), str | dict) for row in stored)
        listed = await api.get("/api/v1/quarantine", params={"include_raw_data": "true"})
        assert {item["remote_id"] for item in listed.json()["items"]} == {row["row_id"] for row in stored}
        assert "6" in await served(api, "candidates")
        (kept,) = await read_all(api, "candidates", remote_id="2")
        assert kept == next(record for record in before if record["remote_id"] == "2")
    await tenant.sync(full=True)
    assert await list_quarantine(tenant) == []


async def test_record_keeps_its_last_content_while_its_row_will_not_map(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    before = await read_all(api, "jobs")
    vendor.lists["/jobs"][0] |= {"name": "Another", "deep": TOO_DEEP}
    report = await tenant.sync(full=True)
    assert counts(report, "jobs") == (0, 0, 0, 1)
    assert await read_all(api, "jobs") == before


async def test_parts_of_a_row_that_will_not_map_are_not_taken_for_gone(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    stages, departments = await read_all(api, "job-interview-stages"), await read_all(api, "departments")
    vendor.lists["/pipelines"][0]["deep"] = TOO_DEEP
    vendor.lists["/jobs"][4]["deep"] = TOO_DEEP
    report = await tenant.sync(full=True)
    assert counts(report, "pipelines") == (0, 0, 0, 1)
    assert counts(report, "jobs") == (0, 0, 0, 1)
    assert await read_all(api, "job-interview-stages") == stages
    assert await read_all(api, "departments") == departments
    vendor.lists["/pipelines"][0] = {"id": "p1", "stages": [stage("s1")]}
    vendor.lists["/jobs"][4] = job("5", department="d1")
    report = await tenant.sync(full=True)
    assert await served(api, "job-interview-stages") == ["s1", "s3"]
    assert await served(api, "departments") == ["d1", "d4"]


async def test_quarantined_row_that_the_vendor_no_longer_has_is_forgotten(tenant: Tenant, vendor: Vendor) -> None:
    vendor.lists["/people"][1] = person("2", name=5)
    await tenant.sync()
    assert await list_quarantine(tenant) == [("people", "2")]
    del vendor.lists["/people"][1]
    await tenant.sync()
    assert await list_quarantine(tenant) == [("people", "2")]
    await tenant.sync(full=True)
    assert await list_quarantine(tenant) == []


async def test_detail_of_another_shape_fails_its_stream_and_the_others_are_done(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    vendor.will("/people/1/notes", *[answer(200, ["no object"])] * 20)
    report = await tenant.sync()
    assert report.status == "partial"
    assert list(report.errors) == ["people"]
    assert "/people/1/notes" in report.errors["people"]
    assert await served(api, "jobs") == ["1", "2", "3", "4", "5"]


async def test_detail_of_a_row_that_is_gone_meanwhile_is_empty(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    vendor.will("/people/1/notes", *[answer(404)] * SURE_AFTER)
    assert (await tenant.sync()).status == "done"
    assert (await read_all(api, "candidates"))[0]["tags"] == []


async def test_detail_that_is_not_found_for_once_is_asked_for_again(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    vendor.will("/people/1/notes", answer(404))
    await tenant.sync()
    assert (await read_all(api, "candidates"))[0]["tags"] == ["likes tea"]


async def test_row_that_is_not_found_for_once_is_not_taken_for_deleted(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    hidden = vendor.lists["/jobs"].pop(0)
    vendor.will("/jobs/1", answer(404), lambda request: say(hidden))
    await tenant.sync(full=True)
    assert await served(api, "jobs") == ["1", "2", "3", "4", "5"]


async def test_detail_is_asked_for_again_only_when_its_row_has_changed(tenant: Tenant, vendor: Vendor) -> None:
    for _ in range(2):
        await tenant.sync(full=True)
    assert vendor.count("/people/1/notes") == 1
    vendor.lists["/people"][0]["at"] = "2026-01-02T00:00:00"
    await tenant.sync(full=True)
    assert vendor.count("/people/1/notes") == 2
