"""The Ashby emulator: keys, envelopes, lists, filters, single things."""

import base64
import re
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from testbed.ashby import AshbyLine, Refusal, list_ids, open_ashby, sign
from unihire.integration.emulate import Credentials, Request
from unihire.sandbox.runner import build_sandbox

WITH_TOKENS: dict[str, dict[str, Any]] = {
    "candidate.list": {}, "application.list": {}, "applicationFeedback.list": {}, "job.list": {}, "opening.list": {},
    "offer.list": {}, "interviewSchedule.list": {}, "user.list": {}, "department.list": {}, "location.list": {},
    "interviewPlan.list": {}, "interview.list": {}, "customField.list": {}, "candidateTag.list": {},
    "feedbackFormDefinition.list": {}, "surveyFormDefinition.list": {}, "interviewerPool.list": {},
    "jobTemplate.list": {}, "project.list": {}, "surveySubmission.list": {"surveyType": "CandidateExperience"},
}  # fmt: skip
WITHOUT_PAGES = (
    "archiveReason.list", "jobPosting.list", "communicationTemplate.list", "applicationHiringTeamRole.list",
    "interviewStageGroup.list",
)  # fmt: skip
ONE_PAGE: dict[str, dict[str, Any]] = {"source.list": {}, "closeReason.list": {}, "sourceTrackingLink.list": {}}


@pytest.fixture(scope="module")
def served() -> AshbyLine:
    return open_ashby(size=150, seed=4)


@pytest.fixture
def line(served: AshbyLine) -> AshbyLine:
    served.reset()
    return served


# Keys


def test_key_is_missing_wrong_or_switched_off(line: AshbyLine) -> None:
    for headers, status in (
        ({"authorization": ""}, 401),
        ({"authorization": "Bearer x"}, 401),
        ({"authorization": "Basic !!"}, 401),
        ({"authorization": sign("wrong")}, 403),
    ):
        answer = line.send("candidate.list", **headers)
        assert answer.status == status
        assert msgspec.json.decode(answer.body)["success"] is False
    own = line.control("GET", "rows/api_keys/1")
    line.change("api_keys", own["id"], isEnabled=False)
    assert line.send("candidate.list").status == 403


def test_password_is_ignored(line: AshbyLine) -> None:
    key = line.keys["api_key"]
    twice = "Basic " + base64.b64encode(f"{key}:{key}".encode()).decode()
    assert line.send("apiKey.info", authorization=twice).status == 200


def test_key_of_ones_own_is_the_client_secret() -> None:
    app = build_sandbox("ashby", size=100, credentials=Credentials("mine", "my key"))
    assert AshbyLine(app).with_key("my key").ask("apiKey.info")["title"] == "mine"


def test_missing_permission_is_a_403_with_a_code_of_its_own(line: AshbyLine) -> None:
    line.control("POST", "rows/api_keys", {"title": "narrow", "key": "narrow", "permissions": ["jobs:read"]})
    reader = line.with_key(line.keys["read_only_key"])
    assert reader.ask("candidate.list")
    with pytest.raises(Refusal) as refused:
        reader.with_key("narrow").ask("candidate.list")
    assert (refused.value.status, refused.value.code) == (403, "missing_endpoint_permission")
    assert refused.value.body["errors"] == [{"message": "missing_endpoint_permission"}]
    lacking = open_ashby(100, without_permissions="offers:read")
    with pytest.raises(Refusal, match="403 missing_endpoint_permission"):
        lacking.ask("offer.list")


def test_key_that_people_make_has_the_permissions_they_give_it(line: AshbyLine) -> None:
    key = {"title": "narrow", "key": "narrow key", "permissions": ["jobs:read"], "switches": []}
    line.control("POST", "rows/api_keys", key)
    narrow = line.with_key("narrow key")
    assert narrow.ask("job.list")
    assert narrow.send("candidate.list").status == 403
    assert narrow.send("apiKey.info").status == 403


def test_key_is_looked_at_before_path_permission_and_body(line: AshbyLine) -> None:
    assert line.send("no.such", b"x", authorization=sign("wrong")).status == 403
    assert line.send("no.such", b"x").status == 404
    assert line.send("candidate.list", method="GET").status == 404
    line.control("POST", "rows/api_keys", {"title": "narrow", "key": "narrow", "permissions": ["jobs:read"]})
    assert line.with_key("narrow").send("candidate.list", b"x").status == 403
    assert line.send("candidate.list", b"x").status == 200


def test_acting_user_needs_a_switch_and_must_be_there(line: AshbyLine) -> None:
    user = line.ask("user.list")[0]["id"]
    assert line.send("candidate.list", x_on_behalf_of=user).status == 200
    plain = line.with_key(line.keys["plain_key"])
    assert plain.send("candidate.list", x_on_behalf_of=user).status == 403
    answer = line.send("candidate.list", x_on_behalf_of="00000000-0000-4000-8000-000000000000")
    assert msgspec.json.decode(answer.body)["errorInfo"]["code"] == "user_not_found"


# Envelope


def test_refusal_is_a_200_that_says_no_success(line: AshbyLine) -> None:
    answer = line.send("candidate.info", b'{"id": "00000000-0000-4000-8000-000000000000"}')
    body = msgspec.json.decode(answer.body)
    assert (answer.status, body["success"], body["errors"]) == (200, False, ["candidate_not_found"])
    assert body["errorInfo"]["code"] == "candidate_not_found"
    assert body["errorInfo"]["requestId"] == dict(answer.headers)["x-ashby-request-id"]
    assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{26}", body["errorInfo"]["requestId"])


@pytest.mark.parametrize(("form", "errors"), [("texts", ["invalid_input"]), ("objects", None)])
def test_code_can_be_where_other_clients_met_it(form: str, errors: Any) -> None:
    answer = open_ashby(100, error_form=form, invalid_input_status="400").send("candidate.info", b"{}")
    body = msgspec.json.decode(answer.body)
    assert answer.status == 400
    assert "errorInfo" not in body
    assert body["errors"] == errors or body["errors"][0]["code"] == "invalid_input"


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("candidate.list", {"limit": 101}),
        ("candidate.list", {"limit": 0}),
        ("candidate.list", {"limit": "many"}),
        ("candidate.list", {"limit": 2.5}),
        ("candidate.list", {"createdAfter": "2026-01-01T00:00:00Z"}),
        ("candidate.list", {"createdAfter": 2, "createdBefore": 1}),
        ("candidate.list", {"createdAfter": 9e15}),
        ("candidate.info", {}),
        ("candidate.info", {"id": "7"}),
        ("candidate.info", {"id": None}),
        ("application.list", {"status": "Rejected"}),
        ("application.list", {"expand": ["everything"]}),
        ("job.list", {"status": "Open"}),
        ("interviewStage.list", {}),
        ("surveySubmission.list", {"surveyType": "EEOC"}),
        ("candidate.listNotes", {}),
    ],
)
def test_body_that_is_wrong_is_invalid_input(line: AshbyLine, name: str, body: dict[str, Any]) -> None:
    with pytest.raises(Refusal, match="200 invalid_input"):
        line.ask_whole(name, body)


def test_numbers_and_booleans_as_text_floats_and_unknown_members_are_taken(line: AshbyLine) -> None:
    assert len(line.ask("candidate.list", limit="3", per_page=50)) == 3
    assert len(line.ask("user.list", includeDeactivated="true", cursor=None, syncToken=None)) > 15
    assert line.ask("candidate.list", createdAfter=1704067200000.0)


def test_only_json_is_taken(line: AshbyLine) -> None:
    assert line.send("candidate.list", content_type="text/plain").status == 415
    for raw in (b"[]", b"{", b"7", b"\xff", b"[" * 500):
        assert msgspec.json.decode(line.send("candidate.list", raw).body)["errorInfo"]["code"] == "invalid_input"
    assert line.send("candidate.list", b"").status == 200


def test_answers_name_the_version_and_others_are_refused(line: AshbyLine) -> None:
    answer = line.send("apiKey.info", ashby_version="2026-01-01")
    assert dict(answer.headers)["ashby-version"] == "2026-01-01"
    assert line.send("apiKey.info", ashby_version="2025-01-01").status == 400


def test_calls_of_a_minute_are_counted_by_key() -> None:
    line = open_ashby(100, rate_limit="3", retry_after="sent")
    assert [line.send("apiKey.info").status for _ in range(4)] == [200, 200, 200, 429]
    answer = line.send("apiKey.info")
    assert 1 <= int(dict(answer.headers)["retry-after"]) <= 60
    assert msgspec.json.decode(answer.body)["success"] is False
    assert line.with_key(line.keys["read_only_key"]).send("apiKey.info").status == 200
    line.app.clock.advance(timedelta(minutes=1))
    assert line.send("apiKey.info").status == 200


# Lists


@pytest.mark.parametrize("name", WITH_TOKENS)
def test_pages_of_any_size_give_every_row_once_and_a_token_at_the_end(line: AshbyLine, name: str) -> None:
    body = WITH_TOKENS[name]
    large, small = line.walk_whole(name, **body), line.walk_whole(name, limit=7, **body)
    assert list_ids(large[0]) == list_ids(small[0])
    assert len(set(list_ids(large[0]))) == len(large[0]) > 0
    assert large[1]
    assert small[1]


@pytest.mark.parametrize("name", WITHOUT_PAGES)
def test_lists_without_pages_have_nothing_beside_their_rows(line: AshbyLine, name: str) -> None:
    assert line.page(name).keys() == {"success", "results"}
    assert line.ask(name)


@pytest.mark.parametrize("name", ONE_PAGE)
def test_lists_of_one_page_say_so_and_have_no_cursor(line: AshbyLine, name: str) -> None:
    assert line.page(name).keys() == {"success", "results", "moreDataAvailable"}


def test_newest_candidates_come_first_by_when_they_were_added(line: AshbyLine) -> None:
    rows = line.walk("candidate.list")
    created = [row["createdAt"] for row in rows]
    assert created == sorted(created, reverse=True)
    middle = rows[len(rows) // 2]["createdAt"]
    millis = int(datetime.fromisoformat(middle).timestamp() * 1000)
    later = line.walk("candidate.list", createdAfter=millis)
    earlier = line.walk("candidate.list", createdBefore=millis)
    assert list_ids(later) == list_ids(rows)[: len(rows) // 2]
    assert list_ids(earlier) == list_ids(rows)[len(rows) // 2 + 1 :]


def test_archived_and_switched_off_rows_are_left_out_unless_asked_for(line: AshbyLine) -> None:
    for name in (
        "archiveReason.list", "closeReason.list", "source.list", "department.list", "location.list",
        "interviewPlan.list", "candidateTag.list", "customField.list", "feedbackFormDefinition.list",
    ):  # fmt: skip
        rows, all_rows = line.ask(name), line.ask(name, includeArchived=True)
        assert not [row for row in rows if row["isArchived"]], name
        assert set(list_ids(rows)) < set(list_ids(all_rows)), name
    assert all(row["isEnabled"] for row in line.walk("user.list"))
    assert [row for row in line.walk("user.list", includeDeactivated=True) if not row["isEnabled"]]
    kinds = {row["type"] for row in line.ask("location.list", includeLocationHierarchy=True)}
    assert kinds == {"Location", "LocationHierarchy"}
    assert {row["type"] for row in line.ask("location.list")} == {"Location"}
    assert not [row for row in line.ask("interview.list") if "jobId" in row]
    assert [row for row in line.ask("interview.list", includeNonSharedInterviews=True) if "jobId" in row]


def test_drafts_come_only_where_they_are_named(line: AshbyLine) -> None:
    assert "Draft" not in {row["status"] for row in line.walk("job.list")}
    drafts = line.walk("job.list", status=["Draft"])
    assert {row["status"] for row in drafts} == {"Draft"}
    unpublished = {row["id"]: row["jobPostingIds"] for row in line.walk("job.list", status=["Draft"])}
    with_them = line.walk("job.list", status=["Draft"], includeUnpublishedJobPostingsIds=True)
    assert all(set(unpublished[row["id"]]) < set(row["jobPostingIds"]) for row in with_them)
    assert {row["status"] for row in line.ask("jobPosting.list")} == {"Published"}
    assert {row["status"] for row in line.ask("jobPosting.list", includeUnpublishedJobPostings=True)} > {"Published"}
    assert all(row["isListed"] for row in line.ask("jobPosting.list", listedOnly=True))


def test_applications_are_found_by_job_and_status(line: AshbyLine) -> None:
    rows = line.walk("application.list")
    for status in ("Hired", "Archived", "Active", "Lead"):
        assert list_ids(line.walk("application.list", status=status)) == [
            row["id"] for row in rows if row["status"] == status
        ]
    job = rows[0]["job"]["id"]
    assert list_ids(line.walk("application.list", jobId=job, limit=3)) == [
        row["id"] for row in rows if row["job"]["id"] == job
    ]


def test_what_belongs_to_an_application_is_found_by_it(line: AshbyLine) -> None:
    for name in ("applicationFeedback.list", "interviewSchedule.list", "offer.list"):
        rows = line.walk(name)
        one = rows[len(rows) // 2]["applicationId"]
        assert list_ids(line.walk(name, applicationId=one)) == [
            row["id"] for row in rows if row["applicationId"] == one
        ]
    with pytest.raises(Refusal, match="application_not_found"):
        line.ask("offer.list", applicationId="00000000-0000-4000-8000-000000000000")


def test_offers_are_found_by_their_states(line: AshbyLine) -> None:
    rows = line.walk("offer.list")
    accepted = line.walk("offer.list", offerStatus=["CandidateAccepted"], acceptanceStatus=["Accepted"])
    assert 0 < len(accepted) < len(rows)
    assert {row["offerStatus"] for row in accepted} == {"CandidateAccepted"}


# What keys may not see


def test_without_the_switches_confidential_and_private_things_are_simply_missing(line: AshbyLine) -> None:
    plain = line.with_key(line.keys["plain_key"])
    jobs = line.walk("job.list")
    hidden = {row["id"] for row in jobs if row["confidential"]}
    assert hidden
    assert set(list_ids(plain.walk("job.list"))) == set(list_ids(jobs)) - hidden
    of_hidden = [row for row in line.walk("application.list") if row["job"]["id"] in hidden]
    assert of_hidden
    assert not {row["id"] for row in of_hidden} & set(list_ids(plain.walk("application.list")))
    with pytest.raises(Refusal, match="application_not_found"):
        plain.ask("application.info", applicationId=of_hidden[0]["id"])
    candidate = plain.ask("candidate.info", id=of_hidden[0]["candidate"]["id"])
    assert of_hidden[0]["id"] not in candidate["applicationIds"]
    assert any(field["isPrivate"] for row in line.walk("candidate.list") for field in row["customFields"])
    assert not any(field["isPrivate"] for row in plain.walk("candidate.list") for field in row["customFields"])
    assert not any(field["isPrivate"] for field in plain.walk("customField.list", includeArchived=True))
    notes = [
        (row["id"], note)
        for row in line.walk("candidate.list")
        for note in line.walk("candidate.listNotes", candidateId=row["id"])
    ]
    assert any(note["isPrivate"] for _, note in notes)
    owner = next(owner for owner, note in notes if note["isPrivate"])
    assert not any(note["isPrivate"] for note in plain.walk("candidate.listNotes", candidateId=owner))


# Single things

LISTED = ("status", "locationExternalName", "compensationTierSummary", "shouldDisplayCompensationOnJobBoard")
"""What lists show of a posting, and a single one not, or elsewhere."""
INFOS = (
    ("candidate.list", "candidate.info", "id"),
    ("application.list", "application.info", "applicationId"),
    ("job.list", "job.info", "id"),
    ("jobPosting.list", "jobPosting.info", "jobPostingId"),
    ("opening.list", "opening.info", "openingId"),
    ("offer.list", "offer.info", "offerId"),
    ("interview.list", "interview.info", "id"),
    ("customField.list", "customField.info", "customFieldId"),
    ("department.list", "department.info", "departmentId"),
    ("location.list", "location.info", "locationId"),
    ("user.list", "user.info", "userId"),
    ("project.list", "project.info", "projectId"),
    ("interviewerPool.list", "interviewerPool.info", "interviewerPoolId"),
    ("feedbackFormDefinition.list", "feedbackFormDefinition.info", "feedbackFormDefinitionId"),
    ("surveyFormDefinition.list", "surveyFormDefinition.info", "surveyFormDefinitionId"),
)


@pytest.mark.parametrize(("listed", "info", "member"), INFOS)
def test_single_thing_shows_at_least_what_its_list_shows(line: AshbyLine, listed: str, info: str, member: str) -> None:
    for row in line.ask(listed)[:20]:
        found = line.ask(info, **{member: row["id"]})
        hidden = LISTED if listed == "jobPosting.list" else ()
        assert found.items() >= {key: value for key, value in row.items() if key not in hidden}.items()
    with pytest.raises(Refusal, match="_not_found"):
        line.ask(info, **{member: "00000000-0000-4000-8000-000000000000"})


def test_application_shows_more_where_it_is_asked_for_by_its_id(line: AshbyLine) -> None:
    row = next(row for row in line.walk("application.list") if row["status"] == "Hired")
    found = line.ask("application.info", applicationId=row["id"])
    history = found["applicationHistory"]
    assert history[-1]["stageId"] == found["currentInterviewStage"]["id"]
    assert "leftStageAt" not in history[-1]
    assert all(entry["leftStageAt"] for entry in history[:-1])
    assert line.walk("application.listHistory", applicationId=row["id"], limit=2) == history
    assert "applicationFormSubmissions" not in found
    expand = ["openings", "applicationFormSubmissions", "referrals"]
    applied = next(row for row in line.walk("application.list") if row["appliedViaJobPostingId"])
    whole = line.ask("application.info", applicationId=applied["id"], expand=expand)
    (submission,) = whole["applicationFormSubmissions"]
    assert "_systemfield_email" in submission["submittedValues"]
    again = line.ask("application.info", submittedFormInstanceId=submission["id"])
    assert again["id"] == applied["id"]


def test_stages_are_those_of_a_plan_and_of_a_job(line: AshbyLine) -> None:
    job = line.ask("job.list")[0]
    plan = line.ask("jobInterviewPlan.info", jobId=job["id"])
    stages = line.ask("interviewStage.list", interviewPlanId=plan["interviewPlanId"])
    assert [stage["id"] for stage in plan["stages"]] == list_ids(stages)
    assert [stage["type"] for stage in stages][:2] == ["Lead", "PreInterviewScreen"]
    assert [stage["type"] for stage in stages][-3:] == ["Offer", "Hired", "Archived"]
    assert line.ask("interviewStage.info", interviewStageId=stages[2]["id"]) == stages[2]
    interviews = {row["id"] for row in line.ask("interview.list")}
    named = {one["interviewId"] for stage in plan["stages"] for own in stage["activities"] for one in own["interviews"]}
    assert named
    assert named <= interviews


def test_searches_find_by_address_and_name(line: AshbyLine) -> None:
    row = next(row for row in line.walk("candidate.list") if row["emailAddresses"])
    email = row["emailAddresses"][0]["value"]
    assert list_ids(line.ask("candidate.search", email=email.upper())) == [row["id"]]
    assert line.ask("candidate.search", email=email, name="nobody has this name") == []
    assert row["id"] in list_ids(line.ask("candidate.search", name=row["name"].lower()))
    user = line.ask("user.list")[0]
    assert list_ids(line.ask("user.search", email=user["email"])) == [user["id"]]
    job = line.ask("job.list")[0]
    assert job["id"] in list_ids(line.ask("job.search", title=job["title"]))
    opening = line.ask("opening.list")[0]
    assert list_ids(line.ask("opening.search", identifier=opening["latestVersion"]["identifier"])) == [opening["id"]]
    with pytest.raises(Refusal, match="invalid_input"):
        line.ask("candidate.search")


def test_events_and_roles_are_listed(line: AshbyLine) -> None:
    schedule = next(row for row in line.walk("interviewSchedule.list") if row["interviewEvents"])
    events = line.walk("interviewEvent.list", interviewScheduleId=schedule["id"], expand=["interview"])
    assert list_ids(events) == list_ids(schedule["interviewEvents"])
    assert events[0]["interview"]["id"] == events[0]["interviewId"]
    assert all(isinstance(one, str) for one in line.ask("hiringTeamRole.list"))
    assert line.ask("hiringTeamRole.list", namesOnly=False) == line.ask("applicationHiringTeamRole.list")


def test_key_is_shown_with_its_scopes(line: AshbyLine) -> None:
    found = line.ask("apiKey.info")
    assert found.keys() == {"title", "createdAt", "scopes"}
    assert {"candidates:read", "candidates:write"} <= set(found["scopes"])
    assert line.ask("version.list") == [{"version": "2026-01-01", "status": "active"}]


def test_refusals_have_the_status_they_were_asked_for(line: AshbyLine) -> None:
    for status in (401, 403, 404, 429, 500):
        request = Request("POST", "/candidate.list", (), {}, b"", "http://sandbox")
        answer = line.app.emulator.refuse(status, request)
        assert (answer.status, msgspec.json.decode(answer.body)["success"]) == (status, False)
