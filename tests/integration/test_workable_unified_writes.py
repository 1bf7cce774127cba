"""Every write of Workable's through the unified API: at the vendor, in the answer, in the lists and the change log."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.lost_answers import Losing, lose_each_answer, lose_first_call
from testbed.tenants import read_pages
from testbed.workable_writing import ask, create_applicant, list_cases, list_jobs, make_comment, make_person
from testbed.writing import Json, WriteCase, Writing, draw_name, list_stages, open_writing, send
from unihire.kit.seal import Sealer
from unihire.model import MODELS


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def workable(databases: Databases, sealer: Sealer) -> AsyncIterator[Writing]:
    async with open_writing(databases, sealer, "workable") as opened:
        yield opened


async def do(writing: Writing, model: str, verb: str, body: Json, target: str | None = None) -> Json:
    answer = await send(writing, model, verb, body, target)
    assert answer.status_code in (200, 201), (body, answer.text)
    said: Json = answer.json()
    assert said["outcome"] == "done", said
    return said


async def list_events(writing: Writing, write: str) -> list[Json]:
    """What the change log has of a write."""
    found: list[Json] = []
    params: Json = {"page_size": 200}
    while items := (page := (await writing.api.get("/api/v1/events", params=params)).json())["items"]:
        found += [event for event in items if event["write_id"] == write]
        params["cursor"] = page["cursor"]
    return found


@pytest.mark.parametrize("case", list_cases(), ids=lambda case: case.name)
async def test_write_is_done_and_seen(workable: Writing, case: WriteCase) -> None:
    body, target = await case.make(workable)
    said = await do(workable, case.model, case.verb, body, target)
    # An application to another job is a candidate of its own.
    assert target in (None, said["id"])
    assert all(step["outcome"] == "done" for step in said["steps"])
    read = await workable.api.get(f"/api/ats/v1/{MODELS[case.model].plural}/{said['id']}")
    assert read.status_code == 200, read.text
    assert {name: said[name] for name in read.json()} == read.json()
    assert await list_events(workable, said["write_id"])


async def test_content_of_a_file_has_a_link_that_was_signed_anew(workable: Writing) -> None:
    body, _ = await make_person(workable)
    made = await do(workable, "candidate", "create", body)
    files = [one for one in await read_pages(workable.api, "/api/ats/v1/attachments") if one["candidate"] == made["id"]]
    assert len(files) >= 2
    async with httpx.AsyncClient(base_url=workable.sandbox.ready.control_url) as vendor:
        (await vendor.post("clock", json={"advance_seconds": 30 * 86_400})).raise_for_status()
        ended = [await vendor.get(file["file_url"]) for file in files]
    assert {answer.status_code for answer in ended} == {403}
    await workable.tenant.pool.execute("UPDATE record_volatile SET refresh_at = now()")  # by our clock as well
    for file in files:
        answer = await workable.api.get(f"/api/ats/v1/attachments/{file['id']}/content")
        assert (answer.status_code, answer.content) == (200, b"%PDF-1.4")


async def test_everything_that_is_said_of_a_candidate_reaches_the_vendor(workable: Writing) -> None:
    body, _ = await make_person(workable)
    made = await do(workable, "candidate", "create", body)
    id = made["remote_id"]
    row = ask(workable, "GET", f"/candidates/{id}")["candidate"]
    stage = list_stages(workable, body["job"])[2]
    assert (row["firstname"], row["lastname"], row["email"]) == ("Kim", body["last_name"], body["email_addresses"][0])
    assert (row["phone"], row["tags"], row["stage"]) == ("+1 555 0100", body["tags"], stage["name"])
    assert [(one["type"], one["url"]) for one in row["social_profiles"]] == [("linkedin", body["urls"][0]["value"])]
    assert row["resume_url"]
    assert "letter.pdf" in [one["name"] for one in ask(workable, "GET", f"/candidates/{id}/files")["files"]]
    assert len(made["attachments"]) == len({*made["attachments"]}) >= 2


async def test_move_rejection_and_hire_are_in_the_timeline_and_the_truth(workable: Writing) -> None:
    for case in list_cases():
        if case.model != "application" or case.verb == "create":
            continue
        body, target = await case.make(workable)
        said = await do(workable, case.model, case.verb, body, target)
        row = ask(workable, "GET", f"/candidates/{said['remote_id']}")["candidate"]
        assert row["disqualified"] is (case.verb == "reject"), case.name
        stages = {one["id"]: one for one in workable.records["job-interview-stages"]}
        assert stages[said["current_stage"]]["name"] == row["stage"], case.name
        if case.verb == "hire":
            assert row["stage_kind"] == "hired"


async def test_address_that_is_on_the_job_already_is_a_fault_of_the_address(workable: Writing) -> None:
    person, _ = await create_applicant(workable)
    body = {
        "first_name": "Kim", "last_name": draw_name(), "email_addresses": person["email_addresses"],
        "job": list_jobs(workable)[0]["id"],
    }  # fmt: skip
    answer = await send(workable, "candidate", "create", body)
    assert answer.status_code == 422, answer.text
    assert [one["loc"][1] for one in answer.json()["detail"]] == ["email_addresses"]


async def test_user_without_rights_on_the_job_is_refused_by_the_vendor(workable: Writing) -> None:
    users = [one for one in workable.records["remote-users"] if one["disabled"]]
    body, target = await make_comment(workable)
    answer = await send(workable, "candidate", "comment", {**body, "remote_user_id": users[0]["id"]}, target)
    assert 400 <= answer.status_code < 500, answer.text
    assert "no active member" in answer.text


@pytest.fixture
def losing(monkeypatch: pytest.MonkeyPatch) -> Losing:
    return Losing(monkeypatch)


@pytest.mark.parametrize("case", list_cases(), ids=lambda case: case.name)
async def test_write_is_there_once_whichever_answer_is_lost(workable: Writing, losing: Losing, case: WriteCase) -> None:
    await lose_each_answer(workable, losing, case)


@pytest.mark.parametrize("case", list_cases(), ids=lambda case: case.name)
async def test_call_that_never_arrived_is_made_by_a_repeat(workable: Writing, losing: Losing, case: WriteCase) -> None:
    await lose_first_call(workable, losing, case)
