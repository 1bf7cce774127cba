"""What the Greenhouse connector asks for, and what it takes for content."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest

from unihire.errors import RecordError
from unihire.integration.declare import IdFilter
from unihire.integration.inspect import list_cases
from unihire.integration.registry import get_integration
from unihire.integrations.greenhouse import connector
from unihire.model import MODELS, spec_of
from unihire.outbound.asked import find_param
from unihire.outbound.paging import LinkHeader
from unihire.outbound.signed_links import S3_SIGNATURE, find_end

INTEGRATION = get_integration("greenhouse")
JOINS = {
    ("candidates", "applications"): "applications.candidate_id = id",
    ("candidates", "attachments"): "attachments.candidate_id = id",
    ("candidates", "applied_candidate_tags"): "applied_candidate_tags.candidate_id = id",
    ("candidates", "candidate_educations"): "candidate_educations.candidate_id = id",
    ("candidates", "schools"): "custom_field_options.id = candidate_educations.school_name_custom_field_option_id",
    ("candidates", "degrees"): "custom_field_options.id = candidate_educations.degree_custom_field_option_id",
    ("candidates", "disciplines"): "custom_field_options.id = candidate_educations.discipline_custom_field_option_id",
    ("candidates", "candidate_employments"): "candidate_employments.candidate_id = id",
    ("applications", "sources"): "sources.id = source_id",
    ("applications", "referrers"): "referrers.id = referrer_id",
    ("applications", "application_stages"): "application_stages.id = stage_id",
    ("applications", "stages"): "application_stages.application_id = id",
    ("applications", "rejection_details"): "rejection_details.application_id = id",
    ("applications", "rejection_reasons"): "rejection_reasons.id = rejection_details.rejection_reason_id",
    ("applications", "openings"): "openings.application_id = id",
    ("applications", "prospect_details"): "prospect_details.application_id = id",
    ("jobs", "job_posts"): "job_posts.job_id = id",
    ("jobs", "job_hiring_managers"): "job_hiring_managers.job_id = id",
    ("jobs", "job_owners"): "job_owners.job_id = id",
    ("jobs", "openings"): "openings.job_id = id",
    ("jobs", "pay_input_ranges"): "pay_input_ranges.job_post_id = job_posts.id",
    ("interviews", "interviewers"): "interviewers.interview_id = id",
    ("interviews", "job_interviews"): "job_interviews.id = job_interview_id",
    ("scorecards", "interviewers"): "interviewers.scorecard_id = id",
    ("scorecards", "attributes"): "scorecard_candidate_attributes.scorecard_id = id",
    ("scorecards", "attribute_names"): "job_candidate_attributes.id = attributes.job_candidate_attribute_id",
    ("scorecards", "attribute_types"): "candidate_attribute_types.id = attribute_names.candidate_attribute_type_id",
    ("scorecards", "answers"): "scorecard_question_answers.scorecard_id = id",
    ("scorecards", "questions"): "scorecard_questions.id = answers.scorecard_question_id",
    ("scorecards", "choices"): "scorecard_question_answer_options.scorecard_question_answer_id = answers.id",
    ("scorecards", "options"): "scorecard_question_options.id = choices.scorecard_question_option_id",
    ("offers", "versions"): "offers.application_id = application_id",
}
"""What refers to what in Harvest v3, by the stream that shows it and the join's name."""

LISTS = {"people": "users"}
"""Streams that read a list of another name."""

EACH = pytest.mark.parametrize("stream", INTEGRATION.streams, ids=lambda stream: stream.name)


@pytest.mark.parametrize(
    ("moment", "sent"),
    [
        ("2026-01-31T09:30:00Z", "gte|2026-01-31T09:30:00Z"),
        ("2026-01-31T10:30:00.999999+01:00", "gte|2026-01-31T09:30:00Z"),
        ("2025-12-31T23:30:00-05:00", "gte|2026-01-01T04:30:00Z"),
    ],
)
def test_window_begins_in_utc_and_never_too_late(moment: str, sent: str) -> None:
    assert connector.updated_since(datetime.fromisoformat(moment)) == {"updated_at": sent}


@EACH
def test_every_list_is_read_by_update_time_in_pages_of_500(stream: Any) -> None:
    assert stream.changed_since is connector.updated_since
    assert isinstance(stream.paging, LinkHeader)
    assert find_param(stream.paging.first(stream.path, {}), "per_page") == "500"
    assert stream.path == f"/v3/{LISTS.get(stream.name, stream.name)}"


@EACH
def test_every_list_can_be_asked_for_50_ids(stream: Any) -> None:
    assert stream.by_id == IdFilter(param="ids", most=50, by="{member}s")


@EACH
def test_permission_is_named_as_the_customer_finds_it(stream: Any) -> None:
    assert stream.permission.startswith(f"harvest:{LISTS.get(stream.name, stream.name)}:list (")
    assert "API Credential Management" in stream.permission


def test_partner_asks_for_what_is_read_and_nothing_else() -> None:
    assert INTEGRATION.partner_auth is not None
    asked = [stream.name for stream in INTEGRATION.streams if stream.name not in LISTS]
    assert list(INTEGRATION.partner_auth.scopes) == [f"harvest:{name}:list" for name in asked]


@pytest.mark.parametrize(
    ("name", "parameter"), [("users", "show_service_accounts"), ("rejection_reasons", "include_defaults")]
)
def test_lists_that_hide_rows_are_asked_for_all(name: str, parameter: str) -> None:
    stream = INTEGRATION.get_stream(name)
    asked = stream.paging.first(stream.path, {"ids": "1"}).partition("?")[2]
    assert dict(parse_qsl(asked)) == {"per_page": "500", "ids": "1", parameter: "true"}


def test_people_are_the_users_without_the_accounts_of_services() -> None:
    users, people = (INTEGRATION.get_stream(name) for name in ("users", "people"))
    asked = [find_param(stream.paging.first(stream.path, {}), "show_service_accounts") for stream in (users, people)]
    assert asked == ["true", "false"]


def test_run_is_whole_without_what_only_operations_read() -> None:
    """And without what only fields beside the native ones show: a right that came with them may not be granted yet."""
    shown = {join.stream for stream in INTEGRATION.streams for join in stream.joins}
    optional = [stream.name for stream in INTEGRATION.streams if stream.is_optional]
    assert [name for name in optional if name in shown] == [
        "pay_input_ranges", "prospect_details", "applied_candidate_tags", "candidate_educations",
        "candidate_employments", "candidate_attribute_types", "job_candidate_attributes",
        "scorecard_candidate_attributes", "scorecard_questions", "scorecard_question_options",
        "scorecard_question_answers", "scorecard_question_answer_options",
    ]  # fmt: skip
    assert [name for name in optional if name not in shown] == [
        "close_reasons", "custom_field_departments", "custom_field_offices", "default_interviewers", "interview_kits",
        "prospect_pool_stages", "prospect_pools", "user_emails", "people",
    ]  # fmt: skip


def test_records_are_joined_by_what_refers_to_what() -> None:
    declared = {
        (stream.name, join.name): f"{join.stream}.{join.on} = {f'{join.via}.' if join.via else ''}{join.key or 'id'}"
        for stream in INTEGRATION.streams
        for join in stream.joins
    }
    assert declared == JOINS


def test_joins_keep_what_the_fixtures_show_and_nothing_else() -> None:
    shown: dict[tuple[str, str], set[str]] = {}
    for case in list_cases(INTEGRATION):
        for name, rows in case.given.details.items():
            for row in rows:
                shown.setdefault((case.stream, name), set()).update(row)
    declared = {
        (stream.name, join.name): {"id", *join.members} for stream in INTEGRATION.streams for join in stream.joins
    }
    assert shown == declared


def test_every_model_comes_from_greenhouse() -> None:
    given = {mapping.model for stream in INTEGRATION.streams for mapping in stream.mappings}
    assert given == {spec.record for spec in MODELS.values()}


DERIVED = {"remote_user.access_role", "application.ended_by", "job.visibility", "job_posting.status"}
"""What Greenhouse has flags for, or words of another list, and no word in the row."""


def test_every_word_of_the_vendor_that_is_normalised_is_remembered() -> None:
    for stream in INTEGRATION.streams:
        for mapping in stream.mappings:
            spec = spec_of(mapping.model)
            worded = {field.name for field in (*spec.fields, *spec.more) if field.words}
            none = {name for name in worded if f"{spec.name}.{name}" in DERIVED | INTEGRATION.cannot.keys()}
            assert set(mapping.words) == worded - none


@pytest.mark.parametrize(
    ("row", "expected"), [({"id": 4000000002}, "4000000002"), ({"id": "7"}, "7"), ({"id": 0}, "0")]
)
def test_id_is_text(row: dict[str, Any], expected: str) -> None:
    assert INTEGRATION.get_stream("jobs").id_of(row) == expected


@pytest.mark.parametrize("row", [{}, {"id": None}, {"id": ""}, {"id": 1.5}, {"id": True}, {"id": [1]}, {"id": {}}])
def test_row_without_a_usable_id_has_none(row: dict[str, Any]) -> None:
    with pytest.raises((LookupError, TypeError, RecordError)):
        INTEGRATION.get_stream("jobs").id_of(row)


FILE = "https://files.example.com/a/resume.pdf"
V4 = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=EXAMPLE%2F20260505%2Fus-east-1%2Fs3%2F{0}&X-Amz-Date={0}"
SIGNED = [
    "AWSAccessKeyId=EXAMPLE&Expires={0}&Signature={0}%2Babc%3D",
    V4 + "&X-Amz-Expires=604800&X-Amz-SignedHeaders=host&X-Amz-Signature={0}",
    "response-content-disposition=attachment&X-Amz-Signature={0}&X-Amz-SignedHeaders=host",
]


def strip(row: dict[str, Any], *, escaped: bool = False) -> bytes:
    raw = msgspec.json.encode(row)
    return S3_SIGNATURE.sub(b"", raw.replace(b"&", b"\\u0026").replace(b"/", b"\\/") if escaped else raw)


@pytest.mark.parametrize("query", SIGNED)
@pytest.mark.parametrize("escaped", [False, True])
def test_new_signature_of_a_link_is_no_change(query: str, escaped: bool) -> None:
    rows = [
        {"url": f"{FILE}?{query.format(mark)}", "filename": "resume.pdf", "type": "resume", "id": 1} for mark in "12"
    ]
    first, second = (strip(row, escaped=escaped) for row in rows)
    assert first == second
    assert msgspec.json.decode(first) == {**rows[0], "url": FILE}


SIGNED_AT = datetime(2026, 5, 5, 22, 36, 4, tzinfo=UTC)


@pytest.mark.parametrize("escaped", [False, True])
@pytest.mark.parametrize(
    ("query", "end"),
    [
        ("X-Amz-Date=20260505T223604Z&X-Amz-Expires=604800&X-Amz-Signature=0", SIGNED_AT + timedelta(days=7)),
        ("X-Amz-Expires=60&X-Amz-Signature=0&X-Amz-Date=20260505T223604Z", SIGNED_AT + timedelta(minutes=1)),
        (f"AWSAccessKeyId=A&Expires={int(SIGNED_AT.timestamp())}&Signature=0", SIGNED_AT),
        (f"Expires={int(SIGNED_AT.timestamp())}&Signature=0", SIGNED_AT),
        ("X-Amz-Expires=604800&X-Amz-Signature=0", None),
        ("X-Amz-Date=20260505T223604Z&X-Amz-Signature=0", None),
        ("X-Amz-Date=yesterday&X-Amz-Expires=604800&X-Amz-Signature=0", None),
        ("X-Amz-Date=20260505T223604Z&X-Amz-Expires=9999999999&X-Amz-Signature=0", None),
        ("AWSAccessKeyId=A&Signature=0", None),
        ("response-Expires=1777777777&Signature=0", None),
    ],
)
def test_signed_link_says_until_when_it_is_good(query: str, end: datetime | None, escaped: bool) -> None:
    raw = msgspec.json.encode({"url": f"{FILE}?{query}"})
    (link,) = S3_SIGNATURE.findall(raw.replace(b"&", b"\\u0026") if escaped else raw)
    assert find_end(link) == end


@pytest.mark.parametrize(
    "change",
    [
        {"url": f"{FILE}x?{SIGNED[0].format(1)}"},
        {"url": f"{FILE}?version=2"},
        {"filename": "resume?2.pdf"},
        {"filename": "Signature=2.pdf"},
        {"filename": 'a "?Signature=2" b'},
        {"type": "other"},
        {"updated_at": "2026-05-05T22:36:05.000Z"},
        {"candidate_id": 2},
    ],
)
def test_any_other_change_of_a_file_is_one(change: dict[str, Any]) -> None:
    row = {
        "id": 1,
        "updated_at": "2026-05-05T22:36:04.000Z",
        "candidate_id": 1,
        "type": "resume",
        "filename": "resume.pdf",
        "url": f"{FILE}?{SIGNED[0].format(1)}",
    }
    assert strip(row) != strip({**row, **change})
