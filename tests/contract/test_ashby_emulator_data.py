"""The Ashby emulator's made-up data: consistent, of every kind, the same for the same seed, at any size."""

import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from testbed.ashby import AshbyLine, Refusal, Row, list_ids, open_ashby
from unihire.integrations.ashby.emulator.rows.ids import STREAMS, make_id, read_id

LISTS: dict[str, dict[str, Any]] = {
    "candidate.list": {}, "application.list": {}, "job.list": {"status": ["Draft", "Open", "Closed", "Archived"]},
    "opening.list": {}, "offer.list": {}, "interviewSchedule.list": {}, "applicationFeedback.list": {},
    "user.list": {"includeDeactivated": True}, "department.list": {"includeArchived": True},
    "location.list": {"includeArchived": True, "includeLocationHierarchy": True},
    "interviewPlan.list": {"includeArchived": True},
    "interview.list": {"includeArchived": True, "includeNonSharedInterviews": True},
    "customField.list": {"includeArchived": True}, "candidateTag.list": {"includeArchived": True},
    "feedbackFormDefinition.list": {"includeArchived": True}, "surveyFormDefinition.list": {},
}  # fmt: skip
WHOLE: dict[str, dict[str, Any]] = {
    "jobPosting.list": {"includeUnpublishedJobPostings": True}, "source.list": {"includeArchived": True},
    "archiveReason.list": {"includeArchived": True}, "closeReason.list": {"includeArchived": True},
    "applicationHiringTeamRole.list": {}, "interviewStageGroup.list": {},
}  # fmt: skip


def read_all(line: AshbyLine) -> dict[str, dict[str, Row]]:
    found = {name: {row["id"]: row for row in line.walk(name, **body)} for name, body in LISTS.items()}
    found |= {name: {row["id"]: row for row in line.ask(name, **body)} for name, body in WHOLE.items()}
    plans = found["interviewPlan.list"]
    stages = [one for plan in plans for one in line.ask("interviewStage.list", interviewPlanId=plan)]
    found["interviewStage.list"] = {stage["id"]: stage for stage in stages}
    return found


@pytest.fixture(scope="module")
def line() -> AshbyLine:
    return open_ashby(size=400, seed=2)


@pytest.fixture(scope="module")
def world(line: AshbyLine) -> dict[str, dict[str, Row]]:
    return read_all(line)


def list_of(world: dict[str, dict[str, Row]], name: str) -> list[Row]:
    return list(world[name].values())


# References


APPLICATION_SHOWS = {"source": "source.list", "archiveReason": "archiveReason.list", "creditedToUser": "user.list"}
PARENTS = {"department.list": "parentId", "location.list": "parentLocationId", "user.list": "managerId"}


def list_references(world: dict[str, dict[str, Row]]) -> Iterator[tuple[str, object, str]]:
    """(list, id, what is said to have it)."""
    for row in list_of(world, "application.list"):
        yield "candidate.list", row["candidate"]["id"], "application"
        yield "job.list", row["job"]["id"], "application"
        yield "interviewStage.list", row["currentInterviewStage"]["id"], "application"
        for name, listed in (
            ("source", "source.list"),
            ("archiveReason", "archiveReason.list"),
            ("creditedToUser", "user.list"),
        ):
            if row[name] is not None:
                yield listed, row[name]["id"], "application"
        if row["appliedViaJobPostingId"] is not None:
            yield "jobPosting.list", row["appliedViaJobPostingId"], "application"
        for member in row["hiringTeam"]:
            yield "user.list", member["userId"], "application"
    for row in list_of(world, "candidate.list"):
        for id_ in row["applicationIds"]:
            yield "application.list", id_, "candidate"
        for tag in row["tags"]:
            yield "candidateTag.list", tag["id"], "candidate"
        for value in row["customFields"]:
            yield "customField.list", value["id"], "candidate"
    for row in list_of(world, "interviewSchedule.list"):
        yield "application.list", row["applicationId"], "schedule"
        yield "interviewStage.list", row["interviewStageId"], "schedule"
        for event in row["interviewEvents"]:
            assert event["interviewScheduleId"] == row["id"]
            yield "interview.list", event["interviewId"], "event"
            for interviewer in event["interviewers"]:
                yield "user.list", interviewer["id"], "event"
    for row in list_of(world, "applicationFeedback.list"):
        yield "application.list", row["applicationId"], "feedback"
        yield "feedbackFormDefinition.list", row["feedbackFormDefinitionId"], "feedback"
        yield "user.list", row["submittedByUser"]["id"], "feedback"
        yield "interview.list", row["interviewId"], "feedback"
    for row in list_of(world, "offer.list"):
        yield "application.list", row["applicationId"], "offer"
        yield "opening.list", row["latestVersion"]["openingId"], "offer"
        yield "user.list", row["latestVersion"]["author"]["id"], "offer"
    for row in list_of(world, "job.list"):
        yield "department.list", row["departmentId"], "job"
        yield "location.list", row["locationId"], "job"
        for plan in row["interviewPlanIds"]:
            yield "interviewPlan.list", plan, "job"
        for posting in row["jobPostingIds"]:
            yield "jobPosting.list", posting, "job"
    for row in list_of(world, "jobPosting.list"):
        yield "job.list", row["jobId"], "posting"
    for row in list_of(world, "opening.list"):
        for job in row["latestVersion"]["jobIds"]:
            yield "job.list", job, "opening"
    for row in list_of(world, "interview.list"):
        yield "feedbackFormDefinition.list", row["feedbackFormDefinitionId"], "interview"
    for listed, member in (
        ("department.list", "parentId"),
        ("location.list", "parentLocationId"),
        ("user.list", "managerId"),
    ):
        for row in list_of(world, listed):
            if row.get(member) is not None:
                yield listed, row[member], listed


def test_everything_that_is_pointed_at_is_there(world: dict[str, dict[str, Row]]) -> None:
    count = 0
    for listed, id_, owner in list_references(world):
        assert id_ in world[listed], (owner, listed)
        count += 1
    assert count > 5000


def test_both_sides_of_a_relation_agree(world: dict[str, dict[str, Row]]) -> None:
    of_candidates = {(row["id"], id_) for row in list_of(world, "candidate.list") for id_ in row["applicationIds"]}
    of_applications = {(row["candidate"]["id"], row["id"]) for row in list_of(world, "application.list")}
    assert of_candidates == of_applications
    events = {
        event["id"]: event for row in list_of(world, "interviewSchedule.list") for event in row["interviewEvents"]
    }
    with_feedback = {row["interviewEventId"] for row in list_of(world, "applicationFeedback.list")}
    assert {id_ for id_, event in events.items() if event["hasSubmittedFeedback"]} == with_feedback


def test_stages_and_states_agree(world: dict[str, dict[str, Row]]) -> None:
    status = {"Lead": "Lead", "Hired": "Hired", "Archived": "Archived"}
    for row in list_of(world, "application.list"):
        type_ = row["currentInterviewStage"]["type"]
        assert row["status"] == status.get(type_, "Active")
        assert (row["archiveReason"] is not None) == ("archivedAt" in row) == (type_ == "Archived")
        assert row["createdAt"] <= row["updatedAt"]
        if "archivedAt" in row:
            assert row["createdAt"] <= row["archivedAt"] <= row["updatedAt"]


# Kinds


def test_there_is_something_of_every_kind(world: dict[str, dict[str, Row]]) -> None:
    applications, offers = list_of(world, "application.list"), list_of(world, "offer.list")
    assert {row["status"] for row in applications} == {"Lead", "Active", "Hired", "Archived"}
    assert {row["currentInterviewStage"]["type"] for row in applications} == {
        "Lead", "PreInterviewScreen", "Active", "Offer", "Hired", "Archived",
    }  # fmt: skip
    reasons = {row["archiveReason"]["reasonType"] for row in applications if row["archiveReason"]}
    assert reasons >= {"RejectedByOrg", "RejectedByCandidate"}
    assert {row["offerStatus"] for row in offers} == {
        "WaitingOnApprovalStart", "WaitingOnOfferApproval", "WaitingOnApprovalDefinition",
        "WaitingOnCandidateResponse", "CandidateRejected", "CandidateAccepted", "OfferCancelled",
    }  # fmt: skip
    assert {row["acceptanceStatus"] for row in offers} == {
        "Accepted", "Declined", "Pending", "Created", "Cancelled", "WaitingOnResponse",
    }  # fmt: skip
    assert {row["status"] for row in list_of(world, "interviewSchedule.list")} == {
        "NeedsScheduling", "WaitingOnCandidateBooking", "WaitingOnCandidateAvailability",
        "CandidateAvailabilitySubmitted", "Scheduled", "WaitingOnFeedback", "Complete", "Cancelled", "OnHold",
    }  # fmt: skip
    assert {row["status"] for row in list_of(world, "job.list")} == {"Draft", "Open", "Closed", "Archived"}
    assert {row["confidential"] for row in list_of(world, "job.list")} == {True, False}
    assert len({row["feedbackFormDefinitionId"] for row in list_of(world, "applicationFeedback.list")}) == 3
    assert {row["globalRole"] for row in list_of(world, "user.list")} == {
        "Organization Admin", "Elevated Access", "Limited Access", "External Recruiter",
    }  # fmt: skip
    assert {row["surveyType"] for row in list_of(world, "surveyFormDefinition.list")} == {
        "EEOC", "Diversity", "CandidateExperience", "Questionnaire", "CandidateDataConsent",
    }  # fmt: skip
    values = [value for row in list_of(world, "candidate.list") for value in row["customFields"]]
    assert {world["customField.list"][value["id"]]["fieldType"] for value in values} == {
        "Boolean", "CompensationRange", "Currency", "Date", "LongText", "MultiValueSelect", "Number", "NumberRange",
        "String", "ValueSelect", "Url", "UUID",
    }  # fmt: skip
    counts = [len(row["applicationIds"]) for row in list_of(world, "candidate.list")]
    assert {0, 1, 2, 3} <= set(counts)


NULL = {
    "candidate.list": "source creditedToUser timezone fraudStatus",
    "application.list": "source creditedToUser archiveReason appliedViaJobPostingId submitterClientIp"
    " submitterUserAgent",
    "job.list": "customRequisitionId openedAt closedAt",
    "department.list": "externalName parentId extraData",
    "interview.list": "instructionsHtml instructionsPlain",
}
"""List → members that are null where there is nothing, as they were recorded."""
ABSENT = {
    "candidate.list": "primaryEmailAddress primaryPhoneNumber position company school resumeFileHandle location",
    "application.list": "archivedAt",
    "job.list": "defaultInterviewPlanId",
    "interview.list": "jobId",
    "user.list": "managerId",
}
"""List → members that are left out where there is nothing."""


@pytest.mark.parametrize("name", NULL)
def test_members_are_null_where_they_were_recorded_so(world: dict[str, dict[str, Row]], name: str) -> None:
    for member in NULL[name].split():
        found = [row[member] for row in list_of(world, name)]
        assert None in found, member


@pytest.mark.parametrize("name", ABSENT)
def test_members_are_absent_where_they_were_recorded_so(world: dict[str, dict[str, Row]], name: str) -> None:
    for member in ABSENT[name].split():
        there = [member in row for row in list_of(world, name)]
        assert {True, False} == set(there), member
        assert not [row for row in list_of(world, name) if row.get(member, "") is None], member


def test_nobody_is_real(world: dict[str, dict[str, Row]]) -> None:
    for row in list_of(world, "candidate.list"):
        assert all(one["value"].endswith("example.com") for one in row["emailAddresses"])
    assert all(row["email"].endswith("example.com") for row in list_of(world, "user.list"))


# Seeds and sizes


def test_same_seed_gives_the_same_data_and_another_seed_other_data() -> None:
    one, same, other = (read_all(open_ashby(size=100, seed=seed)) for seed in (5, 5, 6))
    assert msgspec.json.encode(one) == msgspec.json.encode(same)
    names = [[row["name"] for row in list_of(world, "candidate.list")] for world in (one, other)]
    assert names[0] != names[1]


def test_reset_puts_everything_back() -> None:
    line = open_ashby(size=100, seed=5)
    before = msgspec.json.encode(read_all(line))
    for stream in ("candidates", "applications", "jobs", "job_postings", "offers", "interview_schedules", "users"):
        line.control("PATCH", f"rows/{stream}", {"count": 3})
        line.control("DELETE", f"rows/{stream}", {"count": 2})
    line.ask("candidate.create", name="Ada")
    assert msgspec.json.encode(read_all(line)) != before
    line.reset()
    assert msgspec.json.encode(read_all(line)) == before


def test_rows_are_computed_where_they_are_read_so_a_million_candidates_start_at_once() -> None:
    began = time.process_time()
    line = open_ashby(size=1_000_000, seed=3)
    for name in (
        "candidate.list",
        "application.list",
        "interviewSchedule.list",
        "offer.list",
        "applicationFeedback.list",
    ):
        page = line.page(name, limit=20)
        assert page["moreDataAvailable"]
        assert len(line.ask(name, limit=20, cursor=page["nextCursor"])) == 20
    newest = line.ask("candidate.list", limit=1)[0]
    assert list_ids(line.ask("candidate.search", email=newest["emailAddresses"][0]["value"])) == [newest["id"]]
    oldest = make_id("candidates", 1)
    assert line.ask("candidate.info", id=oldest)["id"] == oldest
    job = line.ask("job.list", limit=100)[-1]
    assert line.page("application.list", jobId=job["id"], limit=5)["success"]
    late = line.page("candidate.list", limit=5, createdAfter=1_782_500_000_000)
    assert late["success"]
    assert time.process_time() - began < 10, "rows are made that nobody asked for"


@pytest.mark.parametrize("stream", STREAMS)
def test_ids_say_what_they_are_of(stream: str) -> None:
    for number in (0, 1, 77, 10**6, 2**41):
        id_ = make_id(stream, number)
        assert read_id(id_) == (stream, number)
        assert (id_[14], id_[19] in "89ab") == ("4", True)
        assert read_id(id_[:-1] + ("0" if id_[-1] != "0" else "1")) is None
    for wrong in (None, 7, "", "x" * 36, make_id(stream, 1)[:-1], [], "00000000-0000-4000-8000-000000000000"):
        assert read_id(wrong) is None


def test_what_belongs_to_a_deleted_candidate_or_application_is_gone_with_it() -> None:
    line = open_ashby(size=200, seed=4)
    names = ("interviewSchedule.list", "applicationFeedback.list", "offer.list")
    for stream in ("candidates", "applications"):
        offer = line.ask("offer.list")[0]
        application = line.ask("application.info", applicationId=offer["applicationId"])
        id_ = application["candidate"]["id"] if stream == "candidates" else application["id"]
        line.control("DELETE", f"rows/{stream}/{id_}")
        assert application["id"] not in list_ids(line.walk("application.list"))
        for name in names:
            assert application["id"] not in {row["applicationId"] for row in line.walk(name)}
            with pytest.raises(Refusal, match="application_not_found"):
                line.ask(name, applicationId=application["id"])
        with pytest.raises(Refusal, match="offer_not_found"):
            line.ask("offer.info", offerId=offer["id"])
    assert all(row["candidate"] for row in line.walk("application.list"))


def test_no_department_is_above_itself_for_ever() -> None:
    line = open_ashby(size=100, seed=4)
    one, two, three = list_ids(line.ask("department.list"))[:3]
    for id_, parent in ((one, two), (two, one), (three, one)):
        line.change("departments", id_, parentId=parent)
    for job in line.ask("job.list"):
        line.change("jobs", job["id"], departmentId=three)
    name = line.ask("department.info", departmentId=three)["name"]
    assert {row["teamName"] for row in line.ask("jobPosting.list")} == {name}


def test_emptied_streams_break_nothing() -> None:
    line = open_ashby(size=100, seed=4)
    application = line.walk("application.list", status="Active")[0]
    process = line.ask("offerProcess.start", applicationId=application["id"])
    for stream in line.app.emulator.streams:
        if stream not in ("api_keys", "applications", "offer_processes"):
            line.control("DELETE", f"rows/{stream}", {"share": 1})
    for name, body in (
        ("offer.start", {"offerProcessId": process["id"]}),
        ("referralForm.info", {}),
        ("application.info", {"applicationId": application["id"]}),
    ):
        with pytest.raises(Refusal, match="_not_found"):
            line.ask(name, **body)
    for name in (*LISTS, *WHOLE):
        assert line.ask(name) == [], name
