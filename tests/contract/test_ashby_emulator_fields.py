"""What the Ashby emulator shows has the documented members, each of its documented type, and no others.

The facts are in the JSON file beside this: `!` is always there, `?` may be null, `of` is a list's entries, a name is
a model.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from testbed.ashby import AshbyLine, Row, open_ashby

FACTS: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_suffix(".json").read_text())
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
SEEN_WITH_MORE = {"application.create": {"applicationHistory", "resumeFileHandle"}}
"""Answers that were recorded with more than their model."""

EMPTY = ("candidate.listProjects", "candidate.listClientInfo", "candidate.listFraudChecks", "surveyRequest.list")
"""Lists without rows until somebody makes some."""

INFOS = {
    "candidate.info": ("candidate.list", "id"),
    "application.info": ("application.list", "applicationId"),
    "job.info": ("job.list", "id"),
    "jobPosting.info": ("jobPosting.list", "jobPostingId"),
    "opening.info": ("opening.list", "openingId"),
    "offer.info": ("offer.list", "offerId"),
    "interview.info": ("interview.list", "id"),
    "customField.info": ("customField.list", "customFieldId"),
    "department.info": ("department.list", "departmentId"),
    "location.info": ("location.list", "locationId"),
    "user.info": ("user.list", "userId"),
    "project.info": ("project.list", "projectId"),
    "interviewerPool.info": ("interviewerPool.list", "interviewerPoolId"),
    "feedbackFormDefinition.info": ("feedbackFormDefinition.list", "feedbackFormDefinitionId"),
    "surveyFormDefinition.info": ("surveyFormDefinition.list", "surveyFormDefinitionId"),
    "jobInterviewPlan.info": ("job.list", "jobId"),
}


def find_breaches(place: str, fact: Any, value: Any) -> Iterator[str]:
    """Each member that is missing, undocumented or of another type."""
    flags = fact["is"] if isinstance(fact, dict) and "is" in fact else fact[len(fact.rstrip("!?")) :]
    if value is None:
        if "?" not in flags and fact not in ("any", "any!"):
            yield f"{place} is null"
        return
    if isinstance(fact, dict) and "of" in fact:
        if not isinstance(value, list):
            yield f"{place} is no list"
            return
        for one in value:
            yield from find_breaches(f"{place}[]", fact["of"], one)
    elif isinstance(fact, dict):
        yield from find_member_breaches(place, fact["fields"], value)
    elif (name := fact.rstrip("!?")) in FACTS["models"]:
        yield from find_member_breaches(place, FACTS["models"][name], value)
    elif not is_of_type(name, value):
        yield f"{place} is {value!r}, not {name}"


def find_member_breaches(place: str, fields: Row, value: Any) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{place} is no object"
        return
    for name, fact in fields.items():
        if name in value:
            yield from find_breaches(f"{place}.{name}", fact, value[name])
        elif "!" in (fact["is"] if isinstance(fact, dict) else fact):
            yield f"{place}.{name} is missing"
    for name in value.keys() - fields.keys():
        yield f"{place}.{name} is not documented"


def is_of_type(name: str, value: Any) -> bool:
    if name in ("any", "object", "bool", "number", "text"):
        types: dict[str, Any] = {"any": object, "object": dict, "bool": bool, "number": (int, float), "text": str}
        return isinstance(value, types[name]) and not (name == "number" and isinstance(value, bool))
    if not isinstance(value, str):
        return False
    if name in ("uuid", "moment"):
        return (UUID if name == "uuid" else MOMENT).fullmatch(value) is not None
    return value in name.removeprefix("=").split("|")


@pytest.fixture(scope="module")
def line() -> AshbyLine:
    return open_ashby(size=300, seed=2)


def list_rows(line: AshbyLine, name: str) -> list[Any]:
    """Rows of a list, with all that can be asked for beside them."""
    first = {
        "interviewStage.list": ("interviewPlan.list", "interviewPlanId"),
        "candidate.listNotes": ("candidate.list", "candidateId"),
        "candidate.listProjects": ("candidate.list", "candidateId"),
        "candidate.listClientInfo": ("candidate.list", "candidateId"),
        "candidate.listFraudChecks": ("candidate.list", "candidateId"),
        "application.listHistory": ("application.list", "applicationId"),
        "interviewEvent.list": ("interviewSchedule.list", "interviewScheduleId"),
    }
    if name in first:
        listed, member = first[name]
        return [row for one in line.ask(listed)[:30] for row in line.ask(name, **{member: one["id"]})]
    more: dict[str, Row] = {
        "surveySubmission.list": {"surveyType": "Questionnaire"},
        "surveyRequest.list": {"surveyType": "CandidateExperience"},
        "job.list": {"status": ["Draft", "Open", "Closed", "Archived"], "expand": ["location", "openings"]},
        "application.list": {"expand": ["openings"]},
        "location.list": {"includeLocationHierarchy": True, "includeArchived": True},
        "interview.list": {"includeNonSharedInterviews": True, "includeArchived": True},
        "customField.list": {"includeArchived": True},
        "user.list": {"includeDeactivated": True},
        "jobPosting.list": {"includeUnpublishedJobPostings": True},
    }
    found: list[Any] = line.ask(name, **more.get(name, {}))
    return found


@pytest.mark.parametrize("name", [name for name, fact in FACTS["answers"].items() if "of" in fact])
def test_rows_of_a_list_are_as_documented(line: AshbyLine, name: str) -> None:
    if name == "version.list":
        return
    rows = list_rows(line, name)
    assert rows or name in (
        "candidate.listProjects",
        "candidate.listClientInfo",
        "candidate.listFraudChecks",
        "surveyRequest.list",
    )
    assert sorted(set(find_breaches(name, FACTS["answers"][name], rows))) == []


@pytest.mark.parametrize("name", INFOS)
def test_single_things_are_as_documented(line: AshbyLine, name: str) -> None:
    listed, member = INFOS[name]
    expand = {"application.info": ["openings", "applicationFormSubmissions", "referrals"]}
    for row in line.ask(listed)[:40]:
        body: Row = {member: row["id"], **({"expand": expand[name]} if name in expand else {})}
        found = line.ask(name, **body)
        assert sorted(set(find_breaches(name, FACTS["answers"][name], found))) == []


def test_answers_of_writes_are_as_documented(line: AshbyLine) -> None:
    job, user = line.ask("job.list", status=["Open"])[0], line.ask("user.list")[0]
    department, location = line.ask("department.list")[0], line.ask("location.list")[0]
    found = {"candidate.create": line.ask("candidate.create", name="Ada", email="ada@example.com")}
    candidate = {"candidateId": found["candidate.create"]["id"]}
    found["application.create"] = line.ask("application.create", **candidate, jobId=job["id"])
    application = {"applicationId": found["application.create"]["id"]}
    stage = line.ask("jobInterviewPlan.info", jobId=job["id"])["stages"][2]["id"]
    found["application.changeStage"] = line.ask("application.changeStage", **application, interviewStageId=stage)
    found["candidate.createNote"] = line.ask("candidate.createNote", **candidate, note="x")
    found["candidate.addEmailMessage"] = line.ask(
        "candidate.addEmailMessage",
        **candidate,
        emailProviderEmailId="m",
        subject="s",
        to="t",
        body="b",
        **{"from": "f"},
    )
    found["job.create"] = line.ask("job.create", title="x", teamId=department["id"], locationId=location["id"])
    found["opening.create"] = line.ask("opening.create", identifier="x", openingState="Open")
    found["department.create"] = line.ask("department.create", name="x")
    found["location.create"] = line.ask("location.create", name="x", type="Location")
    found["candidateTag.create"] = line.ask("candidateTag.create", title="x")
    event = {"startTime": "2027-01-01T10:00:00Z", "endTime": "2027-01-01T11:00:00Z"}
    event["interviewers"] = [{"email": user["email"]}]  # type: ignore[assignment]
    found["interviewSchedule.create"] = line.ask("interviewSchedule.create", **application, interviewEvents=[event])
    field = {"fieldType": "ValueSelect", "objectType": "Candidate", "title": "x"}
    found["customField.create"] = line.ask(
        "customField.create", **field, selectableValues=[{"label": "a", "value": "b"}]
    )
    survey = next(one for one in line.ask("surveyFormDefinition.list") if one["surveyType"] == "Questionnaire")
    both = {**candidate, **application, "surveyFormDefinitionId": survey["id"]}
    found["surveyRequest.create"] = line.ask("surveyRequest.create", **both)
    found["surveySubmission.create"] = line.ask("surveySubmission.create", **both, submittedValues={})
    process = line.ask("offerProcess.start", **application)
    form = line.ask("offer.start", offerProcessId=process["id"])
    values = {"_systemfield_start_date": "2027-01-01", "_systemfield_salary": {"value": 1, "currencyCode": "EUR"}}
    entries = {"fieldSubmissions": [{"path": path, "value": value} for path, value in values.items()]}
    found["offer.create"] = line.ask(
        "offer.create", offerProcessId=process["id"], offerFormId=form["id"], offerForm=entries
    )
    for name, answer in found.items():
        shown = {key: value for key, value in answer.items() if key not in SEEN_WITH_MORE.get(name, ())}
        assert sorted(set(find_breaches(name, FACTS["answers"][name], shown))) == []
