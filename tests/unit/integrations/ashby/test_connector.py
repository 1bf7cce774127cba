"""What the Ashby connector asks for."""

import base64
from typing import Any

import msgspec
import pytest

from unihire.integration.declare import CallById, ShortList, Stream
from unihire.integration.inspect import list_cases
from unihire.integration.registry import get_integration
from unihire.model import MODELS, spec_of
from unihire.outbound.asked import split_asked
from unihire.outbound.auth import ApiKey
from unihire.outbound.paging import VendorResponse, WholeList
from unihire.outbound.paging_by_token import NextToken

INTEGRATION = get_integration("ashby")
STREAMS = {stream.name: stream for stream in INTEGRATION.streams}
EACH = pytest.mark.parametrize("stream", INTEGRATION.streams, ids=lambda stream: stream.name)

PAGED = {"limit": 100}
ARCHIVED = {"includeArchived": True}
ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "users": ("/user.list", PAGED | {"includeDeactivated": True}),
    "departments": ("/department.list", PAGED | ARCHIVED),
    "locations": ("/location.list", PAGED | ARCHIVED | {"includeLocationHierarchy": True}),
    "archive_reasons": ("/archiveReason.list", ARCHIVED),
    "candidate_tags": ("/candidateTag.list", PAGED | ARCHIVED),
    "sources": ("/source.list", ARCHIVED),
    "job_postings": ("/jobPosting.list", {"includeUnpublishedJobPostings": True}),
    "jobs": ("/job.list", PAGED | {"status": ["Draft", "Open", "Closed", "Archived"], "expand": ["openings"]}),
    "interview_plans": ("/interviewPlan.list", PAGED | ARCHIVED),
    "applications": ("/application.list", PAGED),
    "candidates": ("/candidate.list", PAGED),
    "interview_schedules": ("/interviewSchedule.list", PAGED),
    "feedback": ("/applicationFeedback.list", PAGED),
    "offers": ("/offer.list", PAGED),
    "custom_fields": ("/customField.list", PAGED | ARCHIVED),
    "feedback_forms": ("/feedbackFormDefinition.list", PAGED | ARCHIVED),
}
"""What each list is asked with first."""

WHOLE = {"archive_reasons", "sources", "job_postings", "interview_plans"}
"""Lists that every run reads whole: they take no sync token, or do not change with what is in them."""

ONE = {
    "users": ("/user.info", {"userId": "{id}"}),
    "departments": ("/department.info", {"departmentId": "{id}"}),
    "locations": ("/location.info", {"locationId": "{id}"}),
    "jobs": ("/job.info", {"id": "{id}", "expand": ["openings"]}),
    "applications": ("/application.info", {"applicationId": "{id}"}),
    "candidates": ("/candidate.info", {"id": "{id}"}),
    "offers": ("/offer.info", {"offerId": "{id}"}),
}

SHORT = ("candidate_tags", "job_postings")
"""Lists that are read whole where a row of theirs is wanted."""

UNLISTED = {"applications": ("applicationHistory", "resumeFileHandle"), "offers": ("versions", "formDefinition")}
"""What rows asked for by their ids have beside those of lists, as the description of the API says."""

DETAILS = {
    ("job_postings", "form"): ("/jobPosting.info", {"jobPostingId": "{id}"}, 7),
    ("jobs", "posting"): ("/jobPosting.info", {"jobPostingId": "{jobPostingIds.0}"}, 1),
    ("interview_plans", "stages"): ("/interviewStage.list", {"interviewPlanId": "{id}"}, 1),
    ("applications", "info"): (
        "/application.info",
        {"applicationId": "{id}", "expand": ["applicationFormSubmissions"]},
        None,
    ),
    ("candidates", "notes"): ("/candidate.listNotes", {"candidateId": "{id}"}, 7),
    ("offers", "info"): ("/offer.info", {"offerId": "{id}"}, None),
}
"""What is asked beside rows, and within how many days again; a month where nothing is said."""

JOINS = {
    ("jobs", "postings"): "job_postings.jobId = id",
    ("jobs", "location"): "locations.id = locationId",
    ("interview_plans", "jobs"): "jobs.defaultInterviewPlanId = id",
    ("offers", "application"): "applications.id = applicationId",
}


@EACH
def test_list_is_asked_for_by_a_post_with_all_that_it_would_leave_out(stream: Stream) -> None:
    path, body = split_asked(stream.paging.first(stream.path, stream.params))
    assert body is not None
    assert (path, msgspec.json.decode(body)) == ASKED[stream.name]


def test_page_says_whether_there_are_more_and_the_last_has_the_token() -> None:
    stream = STREAMS["candidates"]
    assert isinstance(stream.paging, NextToken)
    asked = stream.paging.first(stream.path, stream.params)
    more = b'{"success":true,"results":[{"id":"1"}],"moreDataAvailable":true,"nextCursor":"bB"}'
    page = stream.paging.read(VendorResponse(200, {}, more), origin="", asked=asked)
    assert (page.next, page.token) == ('/candidate.list {"limit":100,"cursor":"bB"}', None)
    last = b'{"success":true,"results":[],"moreDataAvailable":false,"nextCursor":"bC","syncToken":"nRW7"}'
    page = stream.paging.read(VendorResponse(200, {}, last), origin="", asked=asked)
    assert (page.next, page.token) == (None, "nRW7")


@EACH
def test_what_changed_is_read_by_sync_token_where_there_are_some(stream: Stream) -> None:
    assert stream.sync_param == (None if stream.name in WHOLE else "syncToken")


def test_row_is_asked_for_by_id_under_the_name_its_call_wants() -> None:
    found = {name: stream.by_id for name, stream in STREAMS.items() if stream.by_id is not None}
    calls = {
        name: CallById(path=path, body=body, item="results", unlisted=UNLISTED.get(name, ()))
        for name, (path, body) in ONE.items()
    }
    assert found == {**calls, **dict.fromkeys(SHORT, ShortList())}


def test_rows_without_a_call_are_asked_for_by_their_application() -> None:
    found = {stream.name: stream.listed_by for stream in INTEGRATION.streams if stream.listed_by}
    assert found == dict.fromkeys(("interview_schedules", "feedback"), ("applicationId",))


def test_lookups_are_asked_for_by_a_post_and_read_by_no_run() -> None:
    assert {one.name: one.path for one in INTEGRATION.lookups} == {
        "interview_stages": "/interviewStage.list",
        "found_candidates": "/candidate.search",
        "found_jobs": "/job.search",
        "notes": "/candidate.listNotes",
        "passed_stages": "/application.list",
        "survey_forms": "/surveyFormDefinition.list",
    }
    assert not {one.name for one in INTEGRATION.lookups} & STREAMS.keys()


def test_beside_rows_is_asked_what_they_do_not_show() -> None:
    found = {
        (stream.name, detail.name): (detail.path, detail.params, detail.again_within)
        for stream in INTEGRATION.streams
        for detail in stream.details
    }
    assert found == DETAILS


def test_answer_for_one_thing_is_its_only_row() -> None:
    (info,) = STREAMS["applications"].details
    assert isinstance(info.paging, WholeList)
    body = b'{"success":true,"results":{"id":"1","applicationHistory":[]}}'
    page = info.paging.read(VendorResponse(200, {}, body), origin="", asked="/application.info {}")
    assert [row.data for row in page.rows] == [{"id": "1", "applicationHistory": []}]


@pytest.mark.parametrize(
    ("stream", "one", "other", "is_other"),
    [
        ("applications", {"updatedAt": "a"}, {"updatedAt": "b"}, True),
        ("candidates", {"updatedAt": "a"}, {"updatedAt": "a", "name": "B"}, False),
        ("jobs", {"updatedAt": "a", "jobPostingIds": ["1"]}, {"updatedAt": "a", "jobPostingIds": ["2"]}, True),
        ("offers", {"latestVersion": {"id": "1"}}, {"latestVersion": {"id": "2"}}, True),
        ("offers", {"latestVersion": {"id": "1"}}, {"latestVersion": {"id": "1"}, "offerStatus": "x"}, False),
    ],
)
def test_it_is_asked_again_when_the_row_says_that_it_changed(
    stream: str, one: dict[str, Any], other: dict[str, Any], is_other: bool
) -> None:
    (detail,) = STREAMS[stream].details
    assert (detail.version(one) != detail.version(other)) is is_other


@pytest.mark.parametrize(
    ("stream", "row", "is_needed"),
    [
        ("job_postings", {"status": "Published"}, True),
        ("job_postings", {}, True),
        ("job_postings", {"status": "Draft"}, False),
        ("jobs", {"jobPostingIds": ["1"]}, True),
        ("jobs", {"jobPostingIds": []}, False),
        ("jobs", {}, False),
        ("offers", {}, False),
        ("candidates", {}, True),
    ],
)
def test_only_what_there_can_be_is_asked_for(stream: str, row: dict[str, Any], is_needed: bool) -> None:
    (detail,) = STREAMS[stream].details
    assert detail.needed(row) is is_needed


def test_records_are_joined_by_what_refers_to_what() -> None:
    found = {
        (stream.name, join.name): f"{join.stream}.{join.on} = {join.key or 'id'}"
        for stream in INTEGRATION.streams
        for join in stream.joins
    }
    assert found == JOINS


def test_joins_keep_what_the_fixtures_show_and_nothing_else() -> None:
    names = {(stream.name, join.name): {"id", *join.members} for stream in STREAMS.values() for join in stream.joins}
    shown: dict[tuple[str, str], set[str]] = {}
    for case in list_cases(INTEGRATION):
        for name, rows in case.given.details.items():
            if (case.stream, name) in names:
                shown.setdefault((case.stream, name), set()).update(*rows)
    assert shown == names


@EACH
def test_permission_is_named_as_the_customer_finds_it(stream: Stream) -> None:
    assert stream.permission is not None
    name, _, rest = stream.permission.partition(": ")
    assert rest == "Read (permissions of the API key, in Admin > Integrations > API Keys)"
    assert name in INTEGRATION.auth.credentials[0].help


def test_key_is_the_user_name_of_every_call_and_the_version_is_named() -> None:
    assert isinstance(INTEGRATION.auth, ApiKey)
    signed = INTEGRATION.auth.sign({"api_key": "the-key"})
    assert base64.b64decode(signed.headers["Authorization"].removeprefix("Basic ")) == b"the-key:"
    assert (INTEGRATION.auth.probe.path, INTEGRATION.auth.probe.body) == ("/apiKey.info", {})
    assert INTEGRATION.headers == {"Ashby-Version": "2026-01-01", "Accept": "application/json; version=1"}


def test_account_is_known_by_rows_that_show_when_they_were_made() -> None:
    for name in INTEGRATION.known_by:
        cases = [case.given.row for case in list_cases(INTEGRATION) if case.stream == name]
        assert any(INTEGRATION.made_at in row for row in cases), name
        assert len([mapping for mapping in STREAMS[name].mappings if mapping.is_whole]) == 1


def test_every_model_comes_from_ashby_but_answers_on_equal_opportunity() -> None:
    given = {mapping.model for stream in INTEGRATION.streams for mapping in stream.mappings}
    assert {spec.name for spec in MODELS.values() if spec.record not in given} == {"eeoc"}


DERIVED = {
    "activity.activity_type", "activity.visibility", "attachment.attachment_type", "job.visibility", "job.workplace",
    "scheduled_interview.status", "scorecard.overall_recommendation", "screening_question.category",
}  # fmt: skip
"""What Ashby has flags for, words of another row, or no word of its own."""


def test_every_word_of_the_vendor_that_is_normalised_is_remembered() -> None:
    for stream in INTEGRATION.streams:
        for mapping in stream.mappings:
            spec = spec_of(mapping.model)
            worded = {field.name for field in (*spec.fields, *spec.more) if field.words}
            none = {name for name in worded if f"{spec.name}.{name}" in DERIVED | INTEGRATION.cannot.keys()}
            assert set(mapping.words) == worded - none, spec.name


@pytest.mark.parametrize("row", [{}, {"id": None}, {"id": ""}, {"id": 1}, {"id": True}, {"id": ["1"]}, {"id": "a\0"}])
@EACH
def test_row_without_a_usable_id_has_none(stream: Stream, row: dict[str, Any]) -> None:
    with pytest.raises((LookupError, TypeError, ValueError)):
        stream.id_of(row)
