"""Every write that Lever's integration declares, as a case."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from testbed.databases import Databases
from testbed.lever_line import LeverLine
from testbed.tenants import read_pages
from testbed.writing import Json, WriteCase, Writing, draw_name, find_open_job, open_writing
from unihire.kit.seal import Sealer

Made = tuple[Json, str | None]

LEVER_FILE = {"file_name": "cv.pdf", "file_content": "JVBERi0xLjQ=", "attachment_type": "OTHER"}


@asynccontextmanager
async def open_lever_writing(databases: Databases, sealer: Sealer, **options: str) -> AsyncIterator[Writing]:
    """A small account, written to as fast as it answers; the names of the open job are tags in it already."""
    async with open_writing(databases, sealer, "lever", size=24, keeps_rates=False, **options) as opened:
        await create_person(opened)
        yield opened


def ask(writing: Writing, path: str, **query: Any) -> Any:
    """What the vendor has."""
    return LeverLine(writing.sandbox.app).get(path, **query)


async def read_list(writing: Writing, plural: str) -> list[Json]:
    if plural not in writing.records:
        writing.records[plural] = await read_pages(writing.api, f"/api/v1/{plural}")
    return writing.records[plural]


def find_actor(writing: Writing) -> str:
    """A user who may act."""
    users = writing.records["remote-users"]
    found: str = next(user["id"] for user in users if not user["disabled"])
    return found


def act(writing: Writing, **body: Any) -> Json:
    return {**body, "remote_user_id": find_actor(writing)}


async def create_person(writing: Writing, **more: Any) -> Json:
    """A candidate with an application to an open job."""
    name = draw_name()
    body = act(
        writing, first_name="Kim", last_name=name, email_addresses=[f"{name.lower()}@example.com"],
        job=find_open_job(writing)["id"], **more,
    )  # fmt: skip
    answer = await writing.api.post("/api/ats/v1/candidates", json=body)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def find_stage(writing: Writing, remote_id: str) -> str:
    found: str = next(one["id"] for one in writing.records["job-interview-stages"] if one["remote_id"] == remote_id)
    return found


async def make_person(writing: Writing) -> Made:
    name = draw_name()
    body = act(
        writing, first_name="Kim", last_name=name, job=find_open_job(writing)["id"], attachments=[LEVER_FILE],
        email_addresses=[f"{name.lower()}@example.com", f"{name.lower()}@work.example.com"],
        phone_numbers=["+1 555 0100"], tags=[f"Tag {name}"], urls=[{"value": "https://www.linkedin.com/in/kim"}],
    )  # fmt: skip
    return body, None


async def make_changes(writing: Writing) -> Made:
    person = await create_person(writing)
    return {"first_name": draw_name(), "phone_numbers": ["+1 555 0101"], "tags": [draw_name()]}, person["id"]


async def make_tag(writing: Writing) -> Made:
    return {"name": draw_name()}, (await create_person(writing))["id"]


async def make_untag(writing: Writing) -> Made:
    name = draw_name()
    return {"name": name}, (await create_person(writing, tags=[name]))["id"]


async def make_comment(writing: Writing) -> Made:
    return {"body": draw_name()}, writing.records["candidates"][1]["id"]


async def make_note(writing: Writing) -> Made:
    person = writing.records["candidates"][0]["id"]
    return act(writing, candidate=person, body=draw_name(), visibility="PRIVATE"), None


async def make_application(writing: Writing) -> Made:
    person = await create_person(writing)
    body = act(
        writing, candidate=person["id"], job=find_open_job(writing)["id"],
        current_stage=find_stage(writing, "applicant-new"),
    )  # fmt: skip
    return body, None


async def make_source(writing: Writing) -> Made:
    person = await create_person(writing)
    return {"source_record": (await read_list(writing, "sources"))[0]["id"]}, person["applications"][0]


async def make_move(writing: Writing) -> Made:
    person = await create_person(writing)
    return {"current_stage": find_stage(writing, "offer")}, person["applications"][0]


async def make_reject(writing: Writing) -> Made:
    person = await create_person(writing)
    return {"reject_reason": (await read_list(writing, "reject-reasons"))[0]["id"]}, person["applications"][0]


async def make_unreject(writing: Writing) -> Made:
    body, application = await make_reject(writing)
    answer = await writing.api.post(f"/api/ats/v1/applications/{application}/reject", json=body)
    assert answer.status_code == 200, answer.text
    return {}, application


async def make_hire(writing: Writing) -> Made:
    return {}, (await create_person(writing))["applications"][0]


async def make_file(writing: Writing) -> Made:
    return act(writing, **LEVER_FILE, candidate=(await create_person(writing))["id"]), None


async def make_interview(writing: Writing) -> Made:
    person = await create_person(writing)
    body = act(
        writing, application=person["applications"][0], start_at="2027-01-01T09:00:00Z",
        end_at="2027-01-01T10:00:00Z", interviewers=[find_actor(writing)],
    )  # fmt: skip
    return body, None


async def make_scorecard(writing: Writing) -> Made:
    body, _ = await make_interview(writing)
    answer = await writing.api.post("/api/ats/v1/scheduled-interviews", json=body)
    assert answer.status_code == 200, answer.text
    card = {
        "application": body["application"], "interview": answer.json()["id"], "interviewer": find_actor(writing),
        "overall_recommendation": "STRONG_YES", "notes": draw_name(),
    }  # fmt: skip
    return card, None


async def make_job(writing: Writing) -> Made:
    offices = await read_list(writing, "offices")
    assert offices
    return act(writing, name=draw_name(), status="OPEN", description="<p>Made up</p>"), None


async def make_user(writing: Writing) -> Made:
    name = draw_name()
    return {"first_name": "Rita", "last_name": name, "email": f"{name.lower()}@staff.example.com"}, None


def list_cases() -> list[WriteCase]:
    of: list[tuple[str, str, Any]] = [
        ("candidate", "create", make_person), ("candidate", "update", make_changes), ("candidate", "tag", make_tag),
        ("candidate", "untag", make_untag), ("candidate", "comment", make_comment), ("activity", "create", make_note),
        ("application", "create", make_application), ("application", "update", make_source),
        ("application", "move", make_move), ("application", "reject", make_reject),
        ("application", "unreject", make_unreject), ("application", "hire", make_hire),
        ("attachment", "create", make_file), ("scheduled_interview", "create", make_interview),
        ("scorecard", "create", make_scorecard), ("job", "create", make_job), ("remote_user", "create", make_user),
    ]  # fmt: skip
    return [WriteCase(model, verb, make) for model, verb, make in of]
