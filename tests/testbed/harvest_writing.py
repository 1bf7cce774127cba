"""Every write that Greenhouse's integration declares, as a case."""

from typing import Any

from testbed.harvest import connect_harvest, walk
from testbed.writing import (
    Json,
    WriteCase,
    Writing,
    create_applicant,
    create_candidate,
    draw_name,
    find_open_job,
    list_stages,
)

Made = tuple[Json, str | None]

FILE = {"file_name": "cv.pdf", "file_content": "JVBERi0xLjQ=", "attachment_type": "RESUME"}


def find_user(writing: Writing) -> str:
    found: str = next(user["id"] for user in writing.records["remote-users"] if not user["disabled"])
    return found


async def make_person(writing: Writing) -> Made:
    job = find_open_job(writing)
    name = draw_name()
    body = {
        "first_name": "Kim", "last_name": name, "company": "Example",
        "email_addresses": [f"{name.lower()}@example.com"], "phone_numbers": ["+1 555 0100"],
        "tags": [f"Tag {name}"], "job": job["id"],
        "job_interview_stage": list_stages(writing, job["id"])[0]["id"], "attachments": [FILE],
    }  # fmt: skip
    return body, None


async def make_note(writing: Writing) -> Made:
    candidate = writing.records["candidates"][0]
    return {"candidate": candidate["id"], "body": draw_name(), "visibility": "PUBLIC"}, None


async def make_comment(writing: Writing) -> Made:
    return {"body": draw_name()}, writing.records["candidates"][1]["id"]


async def make_changes(writing: Writing) -> Made:
    person = await create_candidate(writing)
    return {"title": draw_name(), "phone_numbers": ["+1 555 0101"]}, person["id"]


async def make_tag(writing: Writing) -> Made:
    person = await create_candidate(writing)
    return {"name": draw_name()}, person["id"]


async def make_untag(writing: Writing) -> Made:
    name = draw_name()
    person = await create_candidate(writing, tags=[name])
    return {"name": name}, person["id"]


async def make_application(writing: Writing) -> Made:
    person = await create_candidate(writing)
    return {"candidate": person["id"], "job": find_open_job(writing)["id"]}, None


async def make_move(writing: Writing) -> Made:
    _, application = await create_applicant(writing)
    return {"current_stage": list_stages(writing, find_open_job(writing)["id"])[1]["id"]}, application


async def make_reject(writing: Writing) -> Made:
    _, application = await create_applicant(writing)
    return {"note": draw_name()}, application


async def make_unreject(writing: Writing) -> Made:
    _, application = await create_applicant(writing)
    answer = await writing.api.post(f"/api/ats/v1/applications/{application}/reject", json={})
    assert answer.status_code == 200, answer.text
    return {}, application


async def make_hire(writing: Writing) -> Made:
    _, application = await create_applicant(writing)
    return {"start_date": "2027-01-01"}, application


async def make_file(writing: Writing) -> Made:
    _, application = await create_applicant(writing)
    return {**FILE, "application": application}, None


async def make_interview(writing: Writing) -> Made:
    _, application = await create_applicant(writing)
    stages = {stage["remote_id"]: stage["id"] for stage in list_stages(writing, find_open_job(writing)["id"])}
    with connect_harvest(writing.sandbox) as vendor:
        plan = walk(vendor, "job_interviews")
    stage = next(str(row["job_interview_stage_id"]) for row in plan if str(row["job_interview_stage_id"]) in stages)
    body: Json = {
        "application": application, "start_at": "2027-01-01T09:00:00Z", "end_at": "2027-01-01T10:00:00Z",
        "interviewers": [find_user(writing)], "job_interview_stage": stages[stage],
    }  # fmt: skip
    return body, None


async def make_offer(writing: Writing) -> Made:
    _, application = await create_applicant(writing)
    return {"application": application, "start_date": "2027-02-01"}, None


async def make_named(writing: Writing) -> Made:
    return {"name": draw_name()}, None


async def make_user(writing: Writing) -> Made:
    name = draw_name()
    return {"first_name": "Rita", "last_name": name, "email": f"{name.lower()}@example.com"}, None


async def make_job(writing: Writing) -> Made:
    return {"name": draw_name(), "template_id": find_open_job(writing)["remote_id"], "openings": 1}, None


def list_cases() -> list[WriteCase]:
    of: list[tuple[str, str, Any]] = [
        ("candidate", "create", make_person), ("candidate", "update", make_changes), ("candidate", "tag", make_tag),
        ("candidate", "untag", make_untag), ("candidate", "comment", make_comment), ("activity", "create", make_note),
        ("application", "create", make_application), ("application", "move", make_move),
        ("application", "reject", make_reject), ("application", "unreject", make_unreject),
        ("application", "hire", make_hire), ("attachment", "create", make_file),
        ("scheduled_interview", "create", make_interview), ("offer", "create", make_offer),
        ("department", "create", make_named), ("office", "create", make_named), ("tag", "create", make_named),
        ("remote_user", "create", make_user), ("job", "create", make_job),
    ]  # fmt: skip
    return [WriteCase(model, verb, make) for model, verb, make in of]
