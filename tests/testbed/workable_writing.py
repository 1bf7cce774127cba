"""Every write that Workable's integration declares, as a case."""

from typing import Any

from testbed.tenants import read_pages
from testbed.workable_line import WorkableLine
from testbed.writing import Json, WriteCase, Writing, create_candidate, draw_name, list_stages

Made = tuple[Json, str | None]

FILE = {"file_name": "cv.pdf", "file_content": "JVBERi0xLjQ=", "attachment_type": "RESUME"}
LETTER = {**FILE, "file_name": "letter.pdf", "attachment_type": "OTHER"}


def find_actor(writing: Writing) -> str:
    """A user with rights on every job."""
    users = writing.records["remote-users"]
    return str(next(one["id"] for one in users if one["access_role"] == "SUPER_ADMIN" and not one["disabled"]))


def list_jobs(writing: Writing) -> list[Json]:
    """Open jobs."""
    return [job for job in writing.records["jobs"] if job["status"] == "OPEN"]


def as_actor(writing: Writing, **body: Any) -> Json:
    return {**body, "remote_user_id": find_actor(writing)}


async def create_applicant(writing: Writing) -> tuple[Json, str]:
    """A candidate, and the id of the application to the first open job."""
    made = await create_candidate(writing, job=list_jobs(writing)[0]["id"])
    return made, made["applications"][0]


async def make_person(writing: Writing) -> Made:
    job, name = list_jobs(writing)[0]["id"], draw_name()
    body = {
        "first_name": "Kim", "last_name": name, "email_addresses": [f"{name.lower()}@example.com"],
        "phone_numbers": ["+1 555 0100"], "tags": [f"Tag {name}"], "job": job, "attachments": [FILE, LETTER],
        "urls": [{"value": "https://www.linkedin.com/in/kim"}],
        "job_interview_stage": list_stages(writing, job)[2]["id"],
    }  # fmt: skip
    return as_actor(writing, **body), None


async def make_changes(writing: Writing) -> Made:
    person, _ = await create_applicant(writing)
    return {"first_name": draw_name(), "phone_numbers": ["+1 555 0101"]}, person["id"]


async def make_note(writing: Writing) -> Made:
    body = {"candidate": writing.records["candidates"][0]["id"], "body": draw_name(), "visibility": "PUBLIC"}
    return as_actor(writing, **body), None


async def make_comment(writing: Writing) -> Made:
    return as_actor(writing, body=draw_name()), writing.records["candidates"][1]["id"]


async def make_tag(writing: Writing) -> Made:
    person, _ = await create_applicant(writing)
    return {"name": draw_name()}, person["id"]


async def make_untag(writing: Writing) -> Made:
    name = draw_name()
    person = await create_candidate(writing, job=list_jobs(writing)[0]["id"], tags=[name])
    return {"name": name}, person["id"]


async def make_application(writing: Writing) -> Made:
    person, _ = await create_applicant(writing)
    return as_actor(writing, candidate=person["id"], job=list_jobs(writing)[1]["id"]), None


async def make_move(writing: Writing) -> Made:
    _, application = await create_applicant(writing)
    stages = list_stages(writing, list_jobs(writing)[0]["id"])
    return as_actor(writing, current_stage=stages[3]["id"]), application


async def make_reject(writing: Writing) -> Made:
    _, application = await create_applicant(writing)
    if "reject-reasons" not in writing.records:
        writing.records["reject-reasons"] = await read_pages(writing.api, "/api/ats/v1/reject-reasons")
    return as_actor(writing, reject_reason=writing.records["reject-reasons"][0]["id"], note="Not now"), application


async def make_unreject(writing: Writing) -> Made:
    body, application = await make_reject(writing)
    answer = await writing.api.post(f"/api/ats/v1/applications/{application}/reject", json=body)
    assert answer.status_code == 200, answer.text
    return as_actor(writing), application


async def make_hire(writing: Writing) -> Made:
    _, application = await create_applicant(writing)
    return as_actor(writing), application


async def make_file(writing: Writing) -> Made:
    person, _ = await create_applicant(writing)
    return as_actor(writing, **LETTER, candidate=person["id"]), None


async def make_scorecard(writing: Writing) -> Made:
    _, application = await create_applicant(writing)
    body = {"application": application, "overall_recommendation": "STRONG_YES", "notes": draw_name()}
    return as_actor(writing, **body), None


async def make_department(writing: Writing) -> Made:
    return {"name": draw_name()}, None


async def make_member(writing: Writing) -> Made:
    return as_actor(writing, email=f"{draw_name().lower()}@staff.example.com"), None


def list_cases() -> list[WriteCase]:
    of: list[tuple[str, str, Any]] = [
        ("candidate", "create", make_person), ("candidate", "update", make_changes), ("candidate", "tag", make_tag),
        ("candidate", "untag", make_untag), ("candidate", "comment", make_comment), ("activity", "create", make_note),
        ("application", "create", make_application), ("application", "move", make_move),
        ("application", "reject", make_reject), ("application", "unreject", make_unreject),
        ("application", "hire", make_hire), ("attachment", "create", make_file),
        ("scorecard", "create", make_scorecard), ("department", "create", make_department),
        ("remote_user", "create", make_member),
    ]  # fmt: skip
    return [WriteCase(model, verb, make) for model, verb, make in of]


def ask(writing: Writing, method: str, path: str, body: Json | None = None) -> Any:
    """What the vendor has."""
    return WorkableLine(writing.sandbox.app).ask(method, path, body)
