"""Every write of Ashby's through the unified API: at the vendor, in the answer, in the lists and the change log."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from testbed.ashby_writing import (
    EEOC,
    FILE,
    ask,
    create_applicant,
    find_planned_job,
    find_user,
    list_cases,
    list_stages_of,
    read_list,
)
from testbed.databases import Databases
from testbed.writing import Json, WriteCase, Writing, create_candidate, draw_name, open_writing, send
from unihire.kit.seal import Sealer
from unihire.model import MODELS

HIDDEN = ("eeoc",)
"""What the vendor takes and never shows."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ashby(databases: Databases, sealer: Sealer) -> AsyncIterator[Writing]:
    async with open_writing(databases, sealer, "ashby") as opened:
        yield opened


async def do(
    writing: Writing, model: str, verb: str, body: Json, target: str | None = None, *, outcome: str = "done"
) -> Json:
    answer = await send(writing, model, verb, body, target)
    assert answer.status_code in (200, 201), (body, answer.text)
    said: Json = answer.json()
    assert said["outcome"] == outcome, said
    return said


async def refuse(writing: Writing, model: str, verb: str, body: Json, target: str | None = None) -> list[Any]:
    """The faults of a body that is refused: the place in the body, and the words."""
    answer = await send(writing, model, verb, body, target)
    assert answer.status_code == 422, answer.text
    return [("/".join(map(str, one["loc"][1:])), one["msg"]) for one in answer.json()["detail"]]


async def list_events(writing: Writing, write: str) -> list[Json]:
    """What the change log has of a write."""
    found: list[Json] = []
    params: Json = {"page_size": 200}
    while items := (page := (await writing.api.get("/api/v1/events", params=params)).json())["items"]:
        found += [event for event in items if event["write_id"] == write]
        params["cursor"] = page["cursor"]
    return found


@pytest.mark.parametrize("case", list_cases(), ids=lambda case: case.name)
async def test_write_is_done_and_seen(ashby: Writing, case: WriteCase) -> None:
    body, target = await case.make(ashby)
    said = await do(ashby, case.model, case.verb, body, target)
    assert target in (None, said["id"])
    assert all(step["outcome"] == "done" for step in said["steps"])
    if case.model in HIDDEN:
        assert said["remote_id"]
        return
    read = await ashby.api.get(f"/api/ats/v1/{MODELS[case.model].plural}/{said['id']}")
    assert read.status_code == 200, read.text
    assert {name: said[name] for name in read.json()} == read.json()
    assert await list_events(ashby, said["write_id"])


# Candidates


async def test_everything_that_is_said_of_a_candidate_reaches_the_vendor(ashby: Writing) -> None:
    job = await find_planned_job(ashby)
    stage = (await list_stages_of(ashby, job["id"], "INTERVIEW"))[0]
    source, user, name = (await read_list(ashby, "sources"))[0], find_user(ashby), draw_name()
    made = await do(ashby, "candidate", "create", {
        "first_name": "Kim", "last_name": name, "email_addresses": [f"{name}@example.com", f"{name}@work.example.com"],
        "phone_numbers": ["+1 555 0100"], "locations": ["Berlin, Germany"], "tags": ["One", "Two"],
        "urls": [{"value": "https://github.com/kim"}, {"value": "https://kim.example.com/"}],
        "job": job["id"], "job_interview_stage": stage["id"], "source_record": source["id"], "credited_to": user,
        "attachments": [FILE, {**FILE, "attachment_type": "OTHER", "file_name": "letter.pdf"}],
    })  # fmt: skip
    row = ask(ashby, "candidate.info", id=made["remote_id"])
    assert row["name"] == f"Kim {name}"
    assert [one["value"] for one in row["emailAddresses"]] == [f"{name}@example.com", f"{name}@work.example.com"]
    assert [one["title"] for one in row["tags"]] == ["One", "Two"]
    assert row["location"]["locationSummary"] == "Berlin, Germany"
    assert {one["type"] for one in row["socialLinks"]} == {"GitHub", "Website"}
    assert [one["name"] for one in row["fileHandles"]] == ["cv.pdf", "letter.pdf"]
    assert row["resumeFileHandle"]["name"] == "cv.pdf"
    application = ask(ashby, "application.info", applicationId=row["applicationIds"][0])
    assert application["currentInterviewStage"]["id"] == stage["remote_id"]
    assert application["source"]["id"] == source["remote_id"]
    assert made["tags"] == ["One", "Two"]
    assert len(made["attachments"]) == 2
    assert len(made["applications"]) == 1


async def test_links_of_which_the_first_call_takes_one_each_come_by_a_second(ashby: Writing) -> None:
    urls = [{"value": f"https://www.youtube.com/{number}"} for number in range(2)]
    made = await do(ashby, "candidate", "create", {"first_name": "Kim", "urls": urls})
    assert [step["step"] for step in made["steps"]] == ["candidate", "links"]
    assert [one["type"] for one in ask(ashby, "candidate.info", id=made["remote_id"])["socialLinks"]] == ["YouTube"] * 2


async def test_part_that_is_refused_leaves_the_candidate(ashby: Writing) -> None:
    ashby_file = {**FILE, "file_name": "more.pdf"}
    unknown = {"No such field": 1}
    assert [place for place, _ in await refuse(ashby, "candidate", "create", {
        "first_name": "Kim", "custom_fields": unknown, "attachments": [ashby_file],
    })] == ["custom_fields"]  # fmt: skip
    field = await find_field(ashby, "Candidate", "Number")
    body = {"first_name": "Kim", "custom_fields": {field["title"]: "many"}}
    made = await do(ashby, "candidate", "create", body, outcome="partly_done")
    assert [step["outcome"] for step in made["steps"]] == ["done", "refused"]


async def find_field(writing: Writing, object_type: str, kind: str) -> Json:
    rows: list[Json] = ask(writing, "customField.list")
    same = [row for row in rows if row["objectType"] == object_type and row["fieldType"] == kind]
    assert same, [(row["objectType"], row["fieldType"]) for row in rows]
    return same[0]


async def test_custom_field_is_set_by_its_title_and_cleared_by_null(ashby: Writing) -> None:
    field = await find_field(ashby, "Candidate", "ValueSelect")
    label = field["selectableValues"][0]["label"]
    made = await do(ashby, "candidate", "create", {"first_name": "Kim", "custom_fields": {field["title"]: label}})
    (shown,) = ask(ashby, "candidate.info", id=made["remote_id"])["customFields"]
    assert shown["value"] == field["selectableValues"][0]["value"]
    await do(ashby, "candidate", "update", {"custom_fields": {field["id"]: None}}, made["id"])
    assert ask(ashby, "candidate.info", id=made["remote_id"])["customFields"] == []


async def test_change_of_a_candidate_keeps_what_is_not_said(ashby: Writing) -> None:
    person = await create_candidate(ashby, phone_numbers=["+1 555 0100"])
    email = person["email_addresses"][0]
    changed = await do(ashby, "candidate", "update", {
        "first_name": "Robin", "email_addresses": [email, "new@example.com"], "urls": [{"value": "https://a.example/"}],
    }, person["id"])  # fmt: skip
    assert (changed["first_name"], changed["last_name"]) == ("Robin", person["last_name"])
    assert changed["email_addresses"] == [email, "new@example.com"]
    assert changed["phone_numbers"] == ["+1 555 0100"]
    assert [url["value"] for url in changed["urls"]] == ["https://a.example/"]
    assert (await do(ashby, "candidate", "update", {"urls": []}, person["id"]))["urls"] == []


async def test_what_the_vendor_cannot_empty_is_refused_by_its_name(ashby: Writing) -> None:
    person = await create_candidate(ashby)
    await do(
        ashby, "candidate", "update", {"email_addresses": [person["email_addresses"][0], "b@example.com"]}, person["id"]
    )
    for body in (
        {"first_name": None},
        {"phone_numbers": []},
        {"custom_fields": None},
        {"email_addresses": ["c@example.com"]},
    ):
        ((place, _),) = await refuse(ashby, "candidate", "update", body, person["id"])
        assert [place] == list(body)


async def test_known_tag_is_given_whatever_its_case_and_taken_again(ashby: Writing) -> None:
    name = draw_name()
    tag = await do(ashby, "tag", "create", {"name": name})
    assert (await do(ashby, "tag", "create", {"name": name.upper()}))["id"] == tag["id"]
    person = await create_candidate(ashby)
    assert (await do(ashby, "candidate", "tag", {"name": name.lower()}, person["id"]))["tags"] == [name]
    before = ashby.count_rows()
    await do(ashby, "candidate", "tag", {"name": name}, person["id"])
    assert ashby.count_rows() == before
    assert (await do(ashby, "candidate", "untag", {"name": name.lower()}, person["id"]))["tags"] == []
    await do(ashby, "candidate", "untag", {"name": name}, person["id"])


# Notes and files


async def test_note_is_private_where_that_is_said_and_its_author_is_who_acts(ashby: Writing) -> None:
    person, user = await create_candidate(ashby), find_user(ashby)
    body = {"candidate": person["id"], "body": "Quiet.", "visibility": "PRIVATE", "user": user}
    made = await do(ashby, "activity", "create", body)
    assert (made["visibility"], made["user"], made["body"]) == ("PRIVATE", user, "Quiet.")
    commented = {"body": "Loud.", "remote_user_id": user}
    await do(ashby, "candidate", "comment", commented, person["id"])
    notes = ask(ashby, "candidate.listNotes", candidateId=person["remote_id"])
    assert {(note["content"], note["isPrivate"]) for note in notes} == {("Quiet.", True), ("Loud.", False)}
    assert len({note["author"]["id"] for note in notes}) == 1


async def test_email_is_taken_once_and_answered_with_its_id_alone(ashby: Writing) -> None:
    person = await create_candidate(ashby)
    params = {"email_from": "a@example.com", "email_to": "b@example.com"}
    body = {
        "candidate": person["id"], "activity_type": "EMAIL", "subject": "Hello", "body": "<p>Hi</p>",
        "integration_params": params,
    }  # fmt: skip
    made = await do(ashby, "activity", "create", body)
    assert made["remote_id"]
    assert made["modified_at"] is None
    ((place, _),) = await refuse(ashby, "activity", "create", {**body, "integration_params": {"email_to": "b@x.org"}})
    assert place == "integration_params/email_from"


async def test_user_who_cannot_act_is_refused(ashby: Writing) -> None:
    disabled = next(user for user in ashby.records["remote-users"] if user["disabled"])
    person = await create_candidate(ashby)
    body = {"candidate": person["id"], "body": "x", "remote_user_id": disabled["id"]}
    ((_, words),) = await refuse(ashby, "activity", "create", body)
    assert "act" in words


async def test_file_of_an_application_is_its_candidates(ashby: Writing) -> None:
    person, application = await create_applicant(ashby)
    made = await do(ashby, "attachment", "create", {**FILE, "application": application})
    assert (made["candidate"], made["file_name"], made["attachment_type"]) == (person["id"], "cv.pdf", "RESUME")
    handle = ask(ashby, "candidate.info", id=person["remote_id"])["resumeFileHandle"]["handle"]
    assert ask(ashby, "file.info", fileHandle=handle)["url"]


# Applications


async def test_application_moves_is_rejected_comes_back_and_is_hired(ashby: Writing) -> None:
    _, application = await create_applicant(ashby)
    stages = await list_stages_of(ashby, (await find_planned_job(ashby))["id"], "INTERVIEW")
    moved = await do(ashby, "application", "move", {"current_stage": stages[-1]["id"]}, application)
    assert moved["current_stage"] == stages[-1]["id"]
    reasons = await read_list(ashby, "reject-reasons")
    rejected = await do(ashby, "application", "reject", {"reject_reason": reasons[0]["id"]}, application)
    assert rejected["reject_reason"] == reasons[0]["id"]
    assert rejected["rejected_at"]
    assert rejected["current_stage"] == stages[-1]["id"]
    back = await do(ashby, "application", "unreject", {}, application)
    assert (back["rejected_at"], back["current_stage"]) == (None, stages[-1]["id"])
    await do(ashby, "application", "hire", {}, application)
    assert ask(ashby, "application.info", applicationId=moved["remote_id"])["status"] == "Hired"


async def test_application_is_moved_to_another_job(ashby: Writing) -> None:
    _, application = await create_applicant(ashby)
    first = await find_planned_job(ashby)
    for job in ashby.records["jobs"]:
        stages = await list_stages_of(ashby, job["id"], "INTERVIEW")
        if job["id"] != first["id"] and stages:
            body = {"job": job["id"], "current_stage": stages[0]["id"]}
            moved = await do(ashby, "application", "move", body, application)
            assert (moved["job"], moved["current_stage"]) == (job["id"], stages[0]["id"])
            return
    raise AssertionError("no other job has a plan")


async def test_application_takes_no_stage_of_another_plan_and_no_archived_one(ashby: Writing) -> None:
    _, application = await create_applicant(ashby)
    job = await find_planned_job(ashby)
    archived = (await list_stages_of(ashby, job["id"], "ENDED"))[0]
    ((place, words),) = await refuse(ashby, "application", "move", {"current_stage": archived["id"]}, application)
    assert place == "current_stage"
    assert "reject" in words
    own = {stage["id"] for stage in await list_stages_of(ashby, job["id"])}
    others = [stage for stage in ashby.records["job-interview-stages"] if stage["id"] not in own]
    other = next(stage for stage in others if stage["more"]["stage_type"] == "INTERVIEW")
    assert await refuse(ashby, "application", "move", {"current_stage": other["id"]}, application)
    assert [place for place, _ in await refuse(ashby, "application", "reject", {}, application)] == ["reject_reason"]


async def test_source_of_an_application_is_changed_and_emptied(ashby: Writing) -> None:
    _, application = await create_applicant(ashby)
    source, user = (await read_list(ashby, "sources"))[0], find_user(ashby)
    changed = await do(
        ashby, "application", "update", {"source_record": source["id"], "credited_to": user}, application
    )
    assert (changed["source"], changed["credited_to"]) == (source["name"], user)
    assert (await do(ashby, "application", "update", {"source_record": None}, application))["source"] is None
    ((place, _),) = await refuse(ashby, "application", "update", {"credited_to": None}, application)
    assert place == "credited_to"


# Interviews, scorecards, offers


async def test_interview_has_its_people_and_a_scorecard_of_one_of_them(ashby: Writing) -> None:
    _, application = await create_applicant(ashby)
    user = find_user(ashby)
    made = await do(ashby, "scheduled_interview", "create", {
        "application": application, "start_at": "2027-01-01T10:00:00+01:00", "end_at": "2027-01-01T10:00:00Z",
        "interviewers": [user],
    })  # fmt: skip
    assert (made["start_at"], made["application"], made["interviewers"]) == (
        "2027-01-01T09:00:00Z",
        application,
        [user],
    )
    scorecard = await do(ashby, "scorecard", "create", {
        "application": application, "interview": made["id"], "interviewer": user, "overall_recommendation": "NO",
        "notes": "Not yet.",
    })  # fmt: skip
    assert (scorecard["overall_recommendation"], scorecard["interview"], scorecard["interviewer"]) == (
        "NO",
        made["id"],
        user,
    )


async def test_scorecard_is_of_the_form_that_is_named_and_has_what_that_asks(ashby: Writing) -> None:
    _, application = await create_applicant(ashby)
    forms = {row["title"]: row["id"] for row in ask(ashby, "feedbackFormDefinition.list")}
    body: Json = {"application": application, "overall_recommendation": "STRONG_YES"}
    named = {"integration_params": {"form_id": forms["Score only"]}, "custom_fields": {"Craft": 3}}
    made = await do(ashby, "scorecard", "create", {**body, **named})
    assert made["overall_recommendation"] == "STRONG_YES"
    ((place, _),) = await refuse(
        ashby, "scorecard", "create", {**body, "integration_params": {"form_id": forms["Free text"]}}
    )
    assert place == "overall_recommendation"
    ((_, words),) = await refuse(ashby, "scorecard", "create", {**body, "custom_fields": {"No such": 1}})
    assert "Overall Recommendation" in words


async def test_offer_whose_form_is_refused_says_what_was_begun(ashby: Writing) -> None:
    _, application = await create_applicant(ashby)
    answer = await send(ashby, "offer", "create", {"application": application, "start_date": "2027-02-01"})
    assert answer.status_code == 422, answer.text
    steps = {step["step"]: step["outcome"] for step in answer.json()["steps"]}
    assert (answer.json()["outcome"], steps["process"]) == ("partly_done", "done")
    assert "Salary" in answer.json()["detail"][0]["msg"]


async def test_job_begins_with_its_status_and_an_answer_that_no_form_has_is_refused(ashby: Writing) -> None:
    department, office = (await read_list(ashby, "departments"))[0], (await read_list(ashby, "offices"))[0]
    body = {"name": draw_name(), "departments": [department["id"]], "offices": [office["id"]], "status": "OPEN"}
    made = await do(ashby, "job", "create", body)
    assert (made["status"], made["departments"], made["offices"]) == ("OPEN", [department["id"]], [office["id"]])
    person, _ = await create_applicant(ashby)
    ((place, _),) = await refuse(ashby, "eeoc", "create", {"candidate": person["id"], **EEOC, "gender": "OTHER"})
    assert place == "gender"


async def test_refusal_names_our_field_and_has_the_vendors_words(ashby: Writing) -> None:
    ((place, words),) = await refuse(
        ashby, "candidate", "create", {"first_name": "Kim", "credited_to": {"remote_id": "nobody"}}
    )
    assert place == "credited_to"
    assert words


async def test_dry_run_of_every_write_lists_calls_and_makes_nothing(ashby: Writing) -> None:
    for case in list_cases():
        body, target = await case.make(ashby)
        before = ashby.count_rows()
        async with ashby.open_writes() as writes:
            await writes.plan(ashby.request(case.model, case.verb, body, target=target))
        assert ashby.count_rows() == before, case.name
