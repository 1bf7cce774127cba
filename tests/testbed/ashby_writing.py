"""Every write that Ashby's integration declares, as a case."""

from typing import Any

from testbed.ashby import AshbyLine
from testbed.tenants import read_pages
from testbed.writing import (
    Json,
    WriteCase,
    Writing,
    create_candidate,
    draw_name,
    find_open_job,
)

Made = tuple[Json, str | None]

STAGES = "job-interview-stages"

ONLY_OURS = ("sources",)
"""Lists that the other face does not have."""

FILE = {"file_name": "cv.pdf", "file_content": "JVBERi0xLjQ=", "attachment_type": "RESUME"}
EEOC = {
    "gender": "FEMALE", "race": "PREFER_NOT_TO_DISCLOSE", "veteran_status": "I_AM_NOT_A_PROTECTED_VETERAN",
    "disability_status": "I_DONT_WISH_TO_ANSWER",
}  # fmt: skip


def find_user(writing: Writing) -> str:
    """A user who may act, and has an address."""
    users = writing.records["remote-users"]
    found: str = next(user["id"] for user in users if not user["disabled"] and user["email"])
    return found


async def list_stages_of(writing: Writing, job: str, *kinds: str) -> list[Json]:
    """The stages of a job's plan, of these types."""
    if "more" not in writing.records[STAGES][0]:  # the other face does not show them
        writing.records[STAGES] = await read_pages(writing.api, f"/api/v1/{STAGES}")
    return [
        stage
        for stage in sorted(writing.records[STAGES], key=lambda one: one["stage_order"] or 0)
        if job in (stage["more"]["jobs"] or ()) and (not kinds or stage["more"]["stage_type"] in kinds)
    ]


async def find_planned_job(writing: Writing) -> Json:
    """An open job whose plan is known."""
    for job in writing.records["jobs"]:
        if job["status"] == "OPEN" and await list_stages_of(writing, job["id"]):
            return job
    raise LookupError("no open job has a plan")


async def create_applicant(writing: Writing) -> tuple[Json, str]:
    """A candidate, and the id of the application to an open job."""
    job = await find_planned_job(writing)
    stage = (await list_stages_of(writing, job["id"], "SCREEN", "INTERVIEW"))[0]
    made = await create_candidate(writing, job=job["id"], job_interview_stage=stage["id"])
    return made, made["applications"][0]


async def read_list(writing: Writing, plural: str) -> list[Json]:
    """Records of a list, by the face that has it."""
    if plural not in writing.records:
        path = f"/api/v1/{plural}" if plural in ONLY_OURS else f"/api/ats/v1/{plural}"
        writing.records[plural] = await read_pages(writing.api, path)
    return writing.records[plural]


async def make_person(writing: Writing) -> Made:
    job, name = await find_planned_job(writing), draw_name()
    body = {
        "first_name": "Kim", "last_name": name,
        "email_addresses": [f"{name.lower()}@example.com", f"{name.lower()}@work.example.com"],
        "phone_numbers": ["+1 555 0100"], "tags": [f"Tag {name}"], "job": job["id"], "attachments": [FILE],
        "urls": [{"value": "https://www.linkedin.com/in/kim"}],
    }  # fmt: skip
    return body, None


async def make_changes(writing: Writing) -> Made:
    person = await create_candidate(writing)
    return {"first_name": draw_name(), "phone_numbers": ["+1 555 0101"]}, person["id"]


async def make_note(writing: Writing) -> Made:
    return {"candidate": writing.records["candidates"][0]["id"], "body": draw_name(), "visibility": "PUBLIC"}, None


async def make_comment(writing: Writing) -> Made:
    return {"body": draw_name()}, writing.records["candidates"][1]["id"]


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


async def make_application_changes(writing: Writing) -> Made:
    _, application = await create_applicant(writing)
    return {"credited_to": find_user(writing)}, application


async def make_move(writing: Writing) -> Made:
    _, application = await create_applicant(writing)
    stages = await list_stages_of(writing, (await find_planned_job(writing))["id"], "INTERVIEW", "OFFER")
    return {"current_stage": stages[-1]["id"]}, application


async def make_reject(writing: Writing) -> Made:
    _, application = await create_applicant(writing)
    return {"reject_reason": (await read_list(writing, "reject-reasons"))[0]["id"]}, application


async def make_unreject(writing: Writing) -> Made:
    body, application = await make_reject(writing)
    answer = await writing.api.post(f"/api/ats/v1/applications/{application}/reject", json=body)
    assert answer.status_code == 200, answer.text
    return {}, application


async def make_hire(writing: Writing) -> Made:
    _, application = await create_applicant(writing)
    return {}, application


async def make_file(writing: Writing) -> Made:
    person = await create_candidate(writing)
    return {**FILE, "candidate": person["id"]}, None


async def make_interview(writing: Writing) -> Made:
    _, application = await create_applicant(writing)
    body: Json = {
        "application": application, "start_at": "2027-01-01T09:00:00Z", "end_at": "2027-01-01T10:00:00Z",
        "interviewers": [find_user(writing)],
    }  # fmt: skip
    return body, None


async def make_scorecard(writing: Writing) -> Made:
    _, application = await create_applicant(writing)
    body = {
        "application": application, "interviewer": find_user(writing), "overall_recommendation": "STRONG_YES",
        "notes": draw_name(),
    }  # fmt: skip
    return body, None


async def make_offer(writing: Writing) -> Made:
    _, application = await create_applicant(writing)
    fields = {"Salary": {"value": 70_000, "currencyCode": "EUR"}}
    return {"application": application, "start_date": "2027-02-01", "custom_fields": fields}, None


async def make_named(writing: Writing) -> Made:
    return {"name": draw_name()}, None


async def make_job(writing: Writing) -> Made:
    departments, offices = await read_list(writing, "departments"), await read_list(writing, "offices")
    body = {
        "name": draw_name(), "departments": [departments[0]["id"]], "offices": [offices[0]["id"]], "status": "OPEN",
    }  # fmt: skip
    return body, None


async def make_answers(writing: Writing) -> Made:
    person, _ = await create_applicant(writing)
    return {"candidate": person["id"], **EEOC}, None


def list_cases() -> list[WriteCase]:
    of: list[tuple[str, str, Any]] = [
        ("candidate", "create", make_person), ("candidate", "update", make_changes), ("candidate", "tag", make_tag),
        ("candidate", "untag", make_untag), ("candidate", "comment", make_comment), ("activity", "create", make_note),
        ("application", "create", make_application), ("application", "update", make_application_changes),
        ("application", "move", make_move), ("application", "reject", make_reject),
        ("application", "unreject", make_unreject), ("application", "hire", make_hire),
        ("attachment", "create", make_file), ("scheduled_interview", "create", make_interview),
        ("scorecard", "create", make_scorecard), ("offer", "create", make_offer),
        ("department", "create", make_named), ("office", "create", make_named), ("tag", "create", make_named),
        ("job", "create", make_job), ("eeoc", "create", make_answers),
    ]  # fmt: skip
    return [WriteCase(model, verb, make) for model, verb, make in of]


def ask(writing: Writing, endpoint: str, /, **body: Any) -> Any:
    """What the vendor has."""
    return AshbyLine(writing.sandbox.app).ask(endpoint, **body)
