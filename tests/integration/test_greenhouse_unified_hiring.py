"""Applications, interviews, offers and what a company sets up, written to Greenhouse in the unified API's words."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from testbed.creating import Company, Creating, open_creating
from testbed.databases import Databases
from testbed.harvest import Row
from testbed.unified_writing import Written, find_write, try_write, write_unified
from testbed.vendor import cut
from unihire.errors import ReferenceMissing, Unanswered, VendorRefused
from unihire.kit.seal import Sealer
from unihire.outbound.client import VendorClient


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def creating(databases: Databases, sealer: Sealer) -> AsyncIterator[Creating]:
    async with open_creating(databases, sealer, size=100, seed=17) as opened:
        yield opened


@pytest.fixture(scope="module")
def company(creating: Creating) -> Company:
    return Company(creating)


def read(creating: Creating, stream: str, id: object) -> Row:
    return creating.read_one(stream, ids=id)


async def apply(creating: Creating, company: Company, job: int = 0) -> Row:
    """A new application in the first stage of a job."""
    person = {"first_name": "Ada", "last_name": "Bewerbung", "job": str(company.jobs[job]["id"])}
    candidate = (await write_unified(creating, "candidate.create", person)).id
    return creating.read_one("applications", candidate_ids=candidate)


def check_refused(creating: Creating, name: str, written: Written, member: str | None) -> None:
    """That the vendor said no, and about which member, which stands for a field of ours."""
    error = written.error
    assert isinstance(error, VendorRefused), error
    read_refusal = creating.tenant.integration.read_refusal
    assert read_refusal is not None
    faults = list(read_refusal(error.body))
    assert [one for one, _ in faults] == [member]
    assert all(words for _, words in faults)
    assert member is None or member in find_write(name).named


def find_stages(creating: Creating, job: Row) -> list[Row]:
    stages = creating.read("job_interview_stages", job_ids=job["id"], active="true")
    return sorted(stages, key=lambda row: row["sort_order"])


# Applications


async def test_candidate_applies_for_another_job(creating: Creating, company: Company) -> None:
    candidate = (await apply(creating, company))["candidate_id"]
    job = company.jobs[1]
    stage = find_stages(creating, job)[1]
    credited = next(row for row in company.referrers if row["user_id"] is not None)
    written = await write_unified(
        creating,
        "application.create",
        {
            "candidate": str(candidate), "job": str(job["id"]), "current_stage": str(stage["id"]),
            "source_record": str(company.source["id"]), "credited_to": str(credited["user_id"]),
            "recruiter": str(company.users[1]["id"]), "coordinator": str(company.users[2]["id"]),
        },
    )  # fmt: skip
    row = read(creating, "applications", written.id)
    assert (row["candidate_id"], row["job_id"], row["stage_name"]) == (candidate, job["id"], stage["name"])
    assert (row["source_id"], row["referrer_id"]) == (company.source["id"], credited["id"])
    assert (row["recruiter_id"], row["coordinator_id"]) == (company.users[1]["id"], company.users[2]["id"])
    assert str(candidate) in written.touched["candidates"]
    assert str(row["stage_id"]) in written.touched["application_stages"]


@pytest.mark.parametrize(
    ("members", "member"),
    [
        ({"job": "12"}, "job_id"),
        ({"candidate": "12"}, "candidate_id"),
        ({"current_stage": "12"}, "initial_stage_id"),
        ({"source_record": "12"}, "source_id"),
        ({"recruiter": "12"}, "recruiter_id"),
        ({"coordinator": "12"}, "coordinator_id"),
    ],
)
async def test_refused_application_is_not_there(
    creating: Creating, company: Company, members: Row, member: str
) -> None:
    candidate = creating.read("candidates")[-1]["id"]
    before = len(creating.read("applications"))
    input = {"candidate": str(candidate), "job": str(company.jobs[0]["id"]), **members}
    written = await try_write(creating, "application.create", input)
    check_refused(creating, "application.create", written, member)
    assert len(creating.read("applications")) == before


async def test_application_is_changed_where_something_is_sent(creating: Creating, company: Company) -> None:
    application = await apply(creating, company)
    id, user = application["id"], company.users[1]["id"]
    written = await write_unified(
        creating, "application.update", {"recruiter": str(user), "source_record": str(company.source["id"])}, target=id
    )
    assert written.id == id
    row = read(creating, "applications", id)
    assert (row["recruiter_id"], row["source_id"], row["coordinator_id"]) == (user, company.source["id"], None)
    await write_unified(creating, "application.update", {"source_record": None}, target=id)
    row = read(creating, "applications", id)
    assert (row["recruiter_id"], row["source_id"]) == (user, None)
    credited = next(one for one in company.referrers if one["user_id"] is not None)
    await write_unified(creating, "application.update", {"credited_to": str(credited["user_id"])}, target=id)
    assert read(creating, "applications", id)["referrer_id"] == credited["id"]
    await write_unified(creating, "application.update", {"credited_to": None}, target=id)
    assert read(creating, "applications", id)["referrer_id"] is None
    written = await try_write(creating, "application.update", {"coordinator": "12"}, target=id)
    check_refused(creating, "application.update", written, "coordinator_id")


async def test_custom_fields_of_an_application_that_are_not_named_stay(creating: Creating) -> None:
    fields = creating.read("custom_fields", field_type="application", active="true")
    texts = [field["name_key"] for field in fields if field["value_type"] in ("short_text", "long_text")]
    assert texts
    row = next(row for row in creating.read("applications") if set_values(row) - set(texts))
    key = texts[0]
    await write_unified(creating, "application.update", {"custom_fields": {key: "Other"}}, target=row["id"])
    after = read(creating, "applications", row["id"])["custom_fields"]
    assert after == {**row["custom_fields"], key: {**row["custom_fields"][key], "value": "Other"}}
    await write_unified(creating, "application.update", {"custom_fields": None}, target=row["id"])
    assert set_values(read(creating, "applications", row["id"])) == set()


def set_values(row: Row) -> set[str]:
    return {key for key, field in row["custom_fields"].items() if field["value"] not in (None, [], "")}


async def test_application_is_moved_within_its_job_and_to_another(creating: Creating, company: Company) -> None:
    application = await apply(creating, company)
    id, stages = application["id"], find_stages(creating, company.jobs[0])
    written = await write_unified(creating, "application.move", {"current_stage": str(stages[2]["id"])}, target=id)
    row = read(creating, "applications", id)
    assert (row["stage_name"], row["job_id"]) == (stages[2]["name"], company.jobs[0]["id"])
    passed = creating.read("application_stages", application_ids=id)
    assert set(written.touched["application_stages"]) == {str(one["id"]) for one in passed}
    other = find_stages(creating, company.jobs[1])[1]
    input = {"current_stage": str(other["id"]), "job": str(company.jobs[1]["id"])}
    await write_unified(creating, "application.move", input, target=id)
    row = read(creating, "applications", id)
    assert (row["stage_name"], row["job_id"]) == (other["name"], company.jobs[1]["id"])
    creating.line.calls.clear()
    await write_unified(creating, "application.move", input, target=id)
    assert {method for method, _ in creating.line.calls} == {"GET"}


async def test_application_that_was_moved_meanwhile_is_not_moved(
    creating: Creating, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = await apply(creating, company)
    id, stages = application["id"], find_stages(creating, company.jobs[0])
    send = VendorClient.send

    async def be_late(self: VendorClient, method: str, path: str, body: bytes | None, **more: Any) -> Any:
        answer = creating.vendor.post(
            f"/applications/{id}/move", json={"from_stage_id": stages[0]["id"], "to_stage_id": stages[1]["id"]}
        )
        answer.raise_for_status()
        return await send(self, method, path, body, **more)

    with monkeypatch.context() as patch:
        patch.setattr(VendorClient, "send", be_late)
        written = await try_write(creating, "application.move", {"current_stage": str(stages[2]["id"])}, target=id)
    assert isinstance(written.error, VendorRefused)
    assert written.error.status == 409
    assert b"is not the current stage" in written.error.body
    assert read(creating, "applications", id)["stage_name"] == stages[1]["name"]


async def test_move_that_does_not_fit_is_refused(creating: Creating, company: Company) -> None:
    application = await apply(creating, company)
    other = find_stages(creating, company.jobs[1])[0]["id"]
    for stage, job in (("12", None), (str(other), None), (str(other), "12")):
        input = {"current_stage": stage, **({} if job is None else {"job": job})}
        written = await try_write(creating, "application.move", input, target=application["id"])
        check_refused(creating, "application.move", written, "to_job_id" if job else "to_stage_id")


async def test_prospect_is_not_moved(creating: Creating, company: Company) -> None:
    prospect = next(row for row in creating.read("applications", prospect="true") if row["stage_id"] is None)
    input = {"current_stage": str(company.stages[0]["id"])}
    written = await try_write(creating, "application.move", input, target=prospect["id"])
    assert isinstance(written.error, ReferenceMissing)
    assert "prospect" in str(written.error)


async def test_application_is_rejected_and_opened_again(creating: Creating, company: Company) -> None:
    application = await apply(creating, company)
    id, reason = application["id"], creating.read("rejection_reasons", include_defaults="true")[0]["id"]
    input = {"reject_reason": str(reason), "note": "Not now."}
    written = await write_unified(creating, "application.reject", input, target=id, actor=company.acting)
    assert read(creating, "applications", id)["status"] == "rejected"
    detail = creating.read_one("rejection_details", application_ids=id)
    assert (detail["rejection_reason_id"], detail["rejected_by_id"]) == (reason, company.acting)
    note = next(row for row in creating.read("notes", application_ids=id) if row["id"] == detail["rejection_note_id"])
    assert note["body"] == "Not now."
    assert written.touched["notes"] == [str(note["id"])]
    assert written.touched["rejection_details"] == [str(detail["id"])]
    again = await try_write(creating, "application.reject", input, target=id)
    check_refused(creating, "application.reject", again, None)
    written = await write_unified(creating, "application.unreject", {}, target=id)
    assert read(creating, "applications", id)["status"] == "in_process"
    assert creating.read("rejection_details", application_ids=id) == []
    assert written.touched["rejection_details"] == [str(detail["id"])]
    check_refused(
        creating, "application.unreject", await try_write(creating, "application.unreject", {}, target=id), None
    )


async def test_unknown_reason_is_refused(creating: Creating, company: Company) -> None:
    id = (await apply(creating, company))["id"]
    written = await try_write(creating, "application.reject", {"reject_reason": "12"}, target=id)
    check_refused(creating, "application.reject", written, "rejection_reason_id")
    await write_unified(creating, "application.reject", {}, target=id)
    assert read(creating, "applications", id)["status"] == "rejected"


async def test_candidate_is_hired_into_an_opening(creating: Creating, company: Company) -> None:
    opening = next(
        one for one in creating.read("openings", open="true") if one["job_id"] in {job["id"] for job in company.jobs}
    )
    place = next(place for place, job in enumerate(company.jobs) if job["id"] == opening["job_id"])
    id = (await apply(creating, company, place))["id"]
    reason = creating.read("close_reasons")[0]["id"]
    written = await write_unified(
        creating,
        "application.hire",
        {"start_date": "2026-03-01"},
        target=id,
        params={"opening_id": opening["id"], "close_reason_id": reason},
    )
    assert read(creating, "applications", id)["status"] == "hired"
    offer = creating.read_one("offers", application_ids=id)
    assert (offer["starts_on"], offer["opening_id"], offer["status"]) == ("2026-03-01", opening["id"], "Accepted")
    filled = read(creating, "openings", opening["id"])
    assert (filled["application_id"], filled["close_reason_id"]) == (id, reason)
    assert written.touched["offers"] == [str(offer["id"])]
    assert written.touched["openings"] == [str(opening["id"])]
    again = await try_write(creating, "application.hire", {}, target=id)
    check_refused(creating, "application.hire", again, None)


async def test_opening_that_is_taken_is_refused(creating: Creating, company: Company) -> None:
    id = (await apply(creating, company))["id"]
    taken = creating.read("openings", open="false")[0]["id"]
    written = await try_write(creating, "application.hire", {}, target=id, params={"opening_id": taken})
    assert isinstance(written.error, VendorRefused)
    assert b"opening_id" in written.error.body
    assert read(creating, "applications", id)["status"] == "in_process"


async def test_prospect_becomes_a_candidate(creating: Creating, company: Company) -> None:
    prospect = next(row for row in creating.read("applications", prospect="true") if row["status"] == "in_process")
    details = creating.read("prospect_details", application_ids=prospect["id"])
    stage = find_stages(creating, company.jobs[0])[1]
    input = {"job": str(company.jobs[0]["id"]), "current_stage": str(stage["id"])}
    written = await write_unified(creating, "application.convert", input, target=prospect["id"])
    row = read(creating, "applications", prospect["id"])
    assert (row["prospect"], row["job_id"], row["stage_name"]) == (False, company.jobs[0]["id"], stage["name"])
    assert written.id == prospect["id"]
    assert written.touched["prospect_details"] == [str(one["id"]) for one in details]
    assert written.touched["application_stages"] == [str(row["stage_id"])]
    again = await try_write(creating, "application.convert", input, target=prospect["id"])
    check_refused(creating, "application.convert", again, None)


async def test_prospect_may_become_another_application(
    creating: Creating, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vendor shows prospects that are `converted`, and does not document what becomes of one."""
    prospect = next(row for row in creating.read("applications", prospect="true") if row["status"] == "in_process")
    job = company.jobs[0]["id"]

    async def convert(*_: Any, **__: Any) -> Any:
        body = {"candidate_id": prospect["candidate_id"], "job_id": job}
        creating.vendor.post("/applications", json=body).raise_for_status()
        url = f"{creating.sandbox.ready.control_url}/rows/applications/{prospect['id']}"
        async with httpx.AsyncClient() as control:
            (await control.patch(url, json={"status": "converted"})).raise_for_status()
        raise Unanswered("lost")

    with monkeypatch.context() as patch:
        patch.setattr(VendorClient, "send", convert)
        written = await write_unified(creating, "application.convert", {"job": str(job)}, target=prospect["id"])
    row = read(creating, "applications", written.id)
    assert written.id != prospect["id"]
    assert (row["candidate_id"], row["job_id"], row["prospect"]) == (prospect["candidate_id"], job, False)
    assert set(written.touched["applications"]) == {str(prospect["id"]), str(written.id)}


async def test_interview_without_an_organizer_is_of_who_acts(creating: Creating, company: Company) -> None:
    input, params = plan_interview(creating, await apply(creating, company), company)
    del input["organizer"]
    user = company.users[1]["id"]
    written = await write_unified(creating, "scheduled_interview.create", input, params=params, actor=user)
    assert read(creating, "interviews", written.id)["organizer_id"] == user


async def test_rejection_is_seen_by_its_status_where_its_reason_may_not_be_seen(
    databases: Databases, sealer: Sealer
) -> None:
    options = {"without_scopes": "rejection_details:list"}
    async with open_creating(databases, sealer, size=100, seed=17, options=options) as creating:
        company = Company(creating)
        id = (await apply(creating, company))["id"]
        reason = creating.read("rejection_reasons", include_defaults="true")[0]["id"]
        creating.line.lose(f"/v3/applications/{id}/reject", cut)
        await write_unified(creating, "application.reject", {"reject_reason": str(reason)}, target=id)
        assert read(creating, "applications", id)["status"] == "rejected"
        assert creating.line.count(f"/v3/applications/{id}/reject") == 1


async def test_conversion_that_does_not_fit_is_refused(creating: Creating, company: Company) -> None:
    prospect = next(row for row in creating.read("applications", prospect="true") if row["status"] == "in_process")
    other = find_stages(creating, company.jobs[1])[0]["id"]
    for input, member in (
        ({"job": "12"}, "job_id"),
        ({"job": str(company.jobs[0]["id"]), "current_stage": str(other)}, "to_job_interview_stage_id"),
    ):
        written = await try_write(creating, "application.convert", input, target=prospect["id"])
        check_refused(creating, "application.convert", written, member)


# Interviews and offers


def plan_interview(creating: Creating, row: Row, company: Company, **more: Any) -> tuple[Row, Row]:
    planned = creating.read("job_interviews", job_ids=row["job_id"])[0]
    input = {
        "application": str(row["id"]), "start_at": "2026-06-01T17:00:00+02:00",
        "end_at": "2026-06-01T16:00:00Z", "interviewers": [str(company.users[1]["id"]), str(company.users[2]["id"])],
        "organizer": str(company.users[1]["id"]), "location": "Room 2", "video_url": "https://meet.example.com/1",
        **more,
    }  # fmt: skip
    return input, {"job_interview_id": planned["id"]}


async def test_interview_is_scheduled(creating: Creating, company: Company) -> None:
    input, params = plan_interview(creating, await apply(creating, company), company)
    written = await write_unified(creating, "scheduled_interview.create", input, params=params)
    row = read(creating, "interviews", written.id)
    assert (row["starts_at"], row["ends_at"]) == ("2026-06-01T15:00:00.000Z", "2026-06-01T16:00:00.000Z")
    assert (row["location"], row["organizer_id"]) == ("Room 2", company.users[1]["id"])
    assert (row["job_interview_id"], row["application_id"]) == (params["job_interview_id"], int(input["application"]))
    assert row["video_conferencing_url"] == "https://meet.example.com/1"
    panel = creating.read("interviewers", interview_ids=written.id)
    assert {one["user_id"] for one in panel} == {company.users[1]["id"], company.users[2]["id"]}
    assert set(written.touched["interviewers"]) == {str(one["id"]) for one in panel}


async def test_two_equal_interviews_have_two_marks(creating: Creating, company: Company) -> None:
    input, params = plan_interview(creating, await apply(creating, company), company)
    ids = [(await write_unified(creating, "scheduled_interview.create", input, params=params)).id for _ in range(2)]
    assert len({read(creating, "interviews", id)["external_event_id"] for id in ids}) == 2


@pytest.mark.parametrize(
    ("members", "member"),
    [
        ({"application": "12"}, "application_id"),
        ({"organizer": "12"}, "organizer_id"),
        ({"interviewers": ["12"]}, "interviewers"),
        ({"end_at": "2026-06-01T14:00:00Z"}, "ends_at"),
    ],
)
async def test_refused_interview_is_not_there(creating: Creating, company: Company, members: Row, member: str) -> None:
    application = next(row for row in creating.read("applications") if row["job_id"] == company.jobs[0]["id"])
    input, params = plan_interview(creating, application, company, **members)
    before = len(creating.read("interviews"))
    written = await try_write(creating, "scheduled_interview.create", input, params=params)
    check_refused(creating, "scheduled_interview.create", written, member)
    assert len(creating.read("interviews")) == before


async def test_interview_of_another_job_s_plan_is_refused(creating: Creating, company: Company) -> None:
    application = await apply(creating, company)
    input, _ = plan_interview(creating, application, company)
    other = creating.read("job_interviews", job_ids=company.jobs[1]["id"])[0]["id"]
    params = {"job_interview_id": other}
    written = await try_write(creating, "scheduled_interview.create", input, params=params)
    assert isinstance(written.error, VendorRefused)
    assert b"job_interview_id" in written.error.body


async def test_offer_is_a_new_version_and_the_one_before_is_read_again(creating: Creating, company: Company) -> None:
    id = (await apply(creating, company))["id"]
    first = await write_unified(creating, "offer.create", {"application": str(id), "start_date": "2026-03-01"})
    input = {"application": str(id), "start_date": "2026-04-01", "sent_at": "2026-02-01T23:30:00-02:00"}
    second = await write_unified(creating, "offer.create", input)
    offers = {row["id"]: row for row in creating.read("offers", application_ids=id)}
    assert (offers[first.id]["status"], offers[second.id]["status"]) == ("Deprecated", "Created")
    assert (offers[second.id]["starts_on"], offers[second.id]["sent_on"]) == ("2026-04-01", "2026-02-02")
    assert offers[second.id]["version"] == 2
    assert set(second.touched["offers"]) == {str(first.id), str(second.id)}


async def test_offer_that_does_not_fit_is_refused(creating: Creating) -> None:
    check_refused(
        creating,
        "offer.create",
        await try_write(creating, "offer.create", {"application": "12"}),
        "application_id",
    )
    prospect = next(row for row in creating.read("applications", prospect="true") if row["job_id"] is None)
    written = await try_write(creating, "offer.create", {"application": str(prospect["id"])})
    check_refused(creating, "offer.create", written, None)


# What a company sets up


async def test_department_and_office_are_created_below_others(creating: Creating) -> None:
    for name, stream, more in (("department", "departments", {}), ("office", "offices", {"location": "Berlin"})):
        parent = creating.read(stream)[0]["id"]
        input = {"name": f"New {name}", "parent": str(parent), **more}
        written = await write_unified(creating, f"{name}.create", input)
        row = read(creating, stream, written.id)
        assert (row["name"], row["parent_id"]) == (f"New {name}", parent)
        assert row.get("location") == more.get("location")
        refused = await try_write(creating, f"{name}.create", {"name": "No", "parent": "12"})
        check_refused(creating, f"{name}.create", refused, "parent_id")


async def test_job_is_a_copy_with_its_team(creating: Creating, company: Company) -> None:
    template, department = company.jobs[0]["id"], creating.read("departments")[0]["id"]
    offices = [row["id"] for row in creating.read("offices")[:2]]
    users = [str(row["id"]) for row in company.users[:3]]
    written = await write_unified(
        creating,
        "job.create",
        {
            "name": "Copy", "template_id": str(template), "openings": 2, "code": "C-1",
            "departments": [str(department)], "offices": list(map(str, offices)),
            "hiring_managers": users[:1], "recruiters": users[1:],
        },
    )  # fmt: skip
    row = read(creating, "jobs", written.id)
    assert (row["name"], row["copied_from_id"], row["requisition_id"]) == ("Copy", template, "C-1")
    assert (row["department_id"], row["office_ids"]) == (department, offices)
    assert len(creating.read("openings", job_ids=written.id)) == 2
    assert creating.read_one("job_posts", job_ids=written.id)["title"] == "Copy"
    managers = creating.read("job_hiring_managers", job_ids=written.id)
    owners = creating.read("job_owners", job_ids=written.id)
    assert [str(one["user_id"]) for one in managers] == users[:1]
    assert {(str(one["user_id"]), one["type"]) for one in owners} == {(id, "recruiter") for id in users[1:]}
    for stream in ("openings", "job_posts", "job_interview_stages", "job_interviews", "job_owners"):
        there = {str(one["id"]) for one in creating.read(stream, job_ids=written.id)}
        assert set(written.touched[stream]) == there, stream


async def test_job_without_more_has_one_opening(creating: Creating, company: Company) -> None:
    input = {"name": "Plain", "template_id": str(company.jobs[0]["id"])}
    written = await write_unified(creating, "job.create", input)
    assert len(creating.read("openings", job_ids=written.id)) == 1


async def test_member_of_the_team_who_is_refused_leaves_the_job(creating: Creating, company: Company) -> None:
    input = {"name": "Half", "template_id": str(company.jobs[0]["id"]), "hiring_managers": ["12"]}
    written = await write_unified(creating, "job.create", input)
    assert read(creating, "jobs", written.id)["name"] == "Half"
    assert list(written.refused) == ["hiring_manager.0"]


@pytest.mark.parametrize(
    ("members", "member"),
    [({"template_id": "12"}, "template_job_id"), ({"departments": ["12"]}, "department_id"),
     ({"offices": ["12"]}, "office_ids")],
)  # fmt: skip
async def test_refused_job_is_not_there(creating: Creating, company: Company, members: Row, member: str) -> None:
    input = {"name": "No", "template_id": str(company.jobs[0]["id"]), **members}
    before = len(creating.read("jobs"))
    check_refused(creating, "job.create", await try_write(creating, "job.create", input), member)
    assert len(creating.read("jobs")) == before


async def test_job_is_in_one_department(creating: Creating, company: Company) -> None:
    departments = [str(row["id"]) for row in creating.read("departments")[:2]]
    input = {"name": "No", "template_id": str(company.jobs[0]["id"]), "departments": departments}
    written = await try_write(creating, "job.create", input)
    assert isinstance(written.error, ReferenceMissing)
    assert str(written.error).startswith("departments:")


async def test_user_is_created_once_for_an_address(creating: Creating) -> None:
    office, department = creating.read("offices")[0]["id"], creating.read("departments")[0]["id"]
    input = {
        "first_name": "Rita", "last_name": "Example", "email": "rita.new@example.com", "title": "Recruiter",
        "employee_id": "E-17", "offices": [str(office)], "departments": [str(department)],
    }  # fmt: skip
    written = await write_unified(creating, "remote_user.create", input, params={"send_email_invite": True})
    row = read(creating, "users", written.id)
    assert (row["first_name"], row["last_name"], row["primary_email"]) == ("Rita", "Example", "rita.new@example.com")
    assert (row["job_title"], row["employee_id"]) == ("Recruiter", "E-17")
    assert (row["office_ids"], row["department_ids"]) == ([office], [department])
    again = await try_write(creating, "remote_user.create", input)
    check_refused(creating, "remote_user.create", again, "primary_email")
