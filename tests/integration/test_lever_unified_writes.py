"""Every write to Lever through the unified API: seen back by its reads, by its change log, and at the vendor."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.lever_writing import (
    LEVER_FILE,
    act,
    ask,
    create_person,
    find_actor,
    find_stage,
    list_cases,
    make_interview,
    open_lever_writing,
    read_list,
)
from testbed.writing import Json, WriteCase, Writing, draw_name, find_difference, find_open_job, send
from unihire.integration.registry import list_writes
from unihire.kit.seal import Sealer
from unihire.model import MODELS
from unihire.platform.connectors import open_client


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lever(databases: Databases, sealer: Sealer) -> AsyncIterator[Writing]:
    async with open_lever_writing(databases, sealer) as opened:
        yield opened


async def do(
    writing: Writing, model: str, verb: str, body: Json, target: str | None = None, *, outcome: str = "done"
) -> Json:
    answer = await send(writing, model, verb, body, target)
    assert answer.status_code in (200, 201), (body, answer.text)
    said: Json = answer.json()
    assert said["outcome"] == outcome, said
    return said


async def refuse(writing: Writing, model: str, verb: str, body: Json, target: str | None = None) -> list[str]:
    """The places in a body that is refused; the vendor has what it had."""
    before = writing.count_rows()
    answer = await send(writing, model, verb, body, target)
    assert answer.status_code == 422, answer.text
    assert find_difference(before, writing.count_rows()) == {}
    return ["/".join(map(str, one["loc"][1:])) for one in answer.json()["detail"]]


async def list_events(writing: Writing, write: str) -> list[Json]:
    """What the change log has of a write."""
    found: list[Json] = []
    params: Json = {"page_size": 200}
    while items := (page := (await writing.api.get("/api/v1/events", params=params)).json())["items"]:
        found += [event for event in items if event["write_id"] == write]
        params["cursor"] = page["cursor"]
    return found


def test_every_write_that_is_declared_is_a_case() -> None:
    assert {(case.model, case.verb) for case in list_cases()} == {key[:2] for key in list_writes("lever")}


@pytest.mark.parametrize("case", list_cases(), ids=lambda case: case.name)
async def test_write_is_done_and_seen(lever: Writing, case: WriteCase) -> None:
    body, target = await case.make(lever)
    said = await do(lever, case.model, case.verb, body, target)
    assert target in (None, said["id"])
    assert all(step["outcome"] == "done" for step in said["steps"])
    read = await lever.api.get(f"/api/ats/v1/{MODELS[case.model].plural}/{said['id']}")
    assert read.status_code == 200, read.text
    assert {name: said[name] for name in read.json()} == read.json()
    assert await list_events(lever, said["write_id"])


async def test_everything_that_is_said_of_a_candidate_reaches_the_vendor(lever: Writing) -> None:
    job, source, name = find_open_job(lever), (await read_list(lever, "sources"))[0], draw_name()
    made = await do(lever, "candidate", "create", act(
        lever, first_name="Kim", last_name=name, email_addresses=[f"{name}@example.com"],
        phone_numbers=["+1 555 0100"], locations=["Berlin"], tags=["One", "Two"],
        urls=[{"value": "https://github.com/kim"}], job=job["id"], source_record=source["id"],
        job_interview_stage=find_stage(lever, "applicant-new"),
    ))  # fmt: skip
    contact = ask(lever, f"/contacts/{made['remote_id']}")
    assert (contact["name"], contact["location"]["name"]) == (f"Kim {name}", "Berlin")
    assert contact["emails"] == [f"{name}@example.com"]
    assert [one["value"] for one in contact["phones"]] == ["+1 555 0100"]
    (opportunity,) = ask(lever, "/opportunities", contact_id=made["remote_id"], expand="applications")
    assert set(opportunity["tags"]) >= {"One", "Two"}
    assert opportunity["links"] == ["https://github.com/kim"]
    assert opportunity["sources"] == [source["name"]]
    assert opportunity["stage"] == "applicant-new"
    assert opportunity["applications"][0]["posting"] == job["remote_id"]
    assert len(made["applications"]) == 1


async def test_known_address_leads_to_the_person_there_is(lever: Writing) -> None:
    person = await create_person(lever)
    again = await do(lever, "candidate", "create", act(
        lever, first_name="Robin", email_addresses=person["email_addresses"], job=find_open_job(lever)["id"],
    ))  # fmt: skip
    assert (again["id"], again["first_name"]) == (person["id"], "Kim")
    assert len(again["applications"]) == 2


async def test_application_is_rejected_opened_moved_and_hired(lever: Writing) -> None:
    person = await create_person(lever)
    application, remote = person["applications"][0], ask(lever, "/opportunities", contact_id=person["remote_id"])[0]
    reason = (await read_list(lever, "reject-reasons"))[1]
    said = await do(lever, "application", "reject", {"reject_reason": reason["id"]}, application)
    assert said["reject_reason"] == reason["id"]
    assert said["rejected_at"]
    assert ask(lever, f"/opportunities/{remote['id']}")["archived"]["reason"] == reason["remote_id"]
    offer = find_stage(lever, "offer")
    assert await refuse(lever, "application", "move", {"current_stage": offer}, application)
    said = await do(lever, "application", "unreject", {"current_stage": offer}, application)
    assert (said["current_stage"], said["rejected_at"]) == (offer, None)
    await do(lever, "application", "hire", {}, application)
    (shown,) = [one for one in await read_all_applications(lever) if one["id"] == application]
    assert (shown["more"]["status"], shown["rejected_at"]) == ("HIRED", None)


async def read_all_applications(writing: Writing) -> list[Json]:
    writing.records.pop("applications", None)
    return await read_list(writing, "applications")


async def test_deactivated_user_and_overlong_hours_are_refused_with_the_field(lever: Writing) -> None:
    disabled = next(user["id"] for user in lever.records["remote-users"] if user["disabled"])
    body, _ = await make_interview(lever)
    answer = await send(lever, "scheduled_interview", "create", {**body, "remote_user_id": disabled})
    assert answer.status_code in (409, 422), answer.text
    assert await refuse(lever, "scheduled_interview", "create", {**body, "end_at": body["start_at"]}) == ["end_at"]
    lacking: dict[str, Any] = {**body}
    del lacking["remote_user_id"]
    assert await refuse(lever, "scheduled_interview", "create", lacking) == ["remote_user_id"]


async def test_address_of_a_user_is_taken_once(lever: Writing) -> None:
    email = next(user["email"] for user in lever.records["remote-users"] if user["id"] == find_actor(lever))
    assert await refuse(lever, "remote_user", "create", {"first_name": "Rita", "email": email}) == ["email"]


async def test_content_of_a_file_is_fetched_with_the_key_from_the_host_of_the_api_alone(lever: Writing) -> None:
    person = await create_person(lever)
    made = await do(lever, "attachment", "create", act(lever, **LEVER_FILE, candidate=person["id"]))
    path = f"/api/ats/v1/attachments/{made['id']}/content"
    answer = await lever.api.get(path)
    assert (answer.status_code, answer.content) == (200, b"%PDF-1.4")
    client = open_client(lever.tenant.integration, lever.tenant.credentials, "https://api.example.com/v1")
    assert client.sign_file("https://api.example.com/v1/files/1").keys() == {"Authorization"}
    for other in ("http://api.example.com/", "https://api.example.com.x.example/", "https://api.example.com@x.example/",
                  "https://api.example.com:8443/", "//api.example.com/", "files/1"):  # fmt: skip
        assert client.sign_file(other) == {}
