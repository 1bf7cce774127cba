"""What the Lever connector asks for, and how it reads pages, failures and refusals."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from unihire.errors import ConfigError, VendorChanged
from unihire.integration.declare import CallById
from unihire.integration.registry import get_integration
from unihire.integrations.lever.failures import FAILURES
from unihire.integrations.lever.mapping import hiring
from unihire.integrations.lever.paging import CONTACTS, LIST, PAGE_AS_ROW
from unihire.integrations.lever.refusals import read_refusal
from unihire.outbound.auth import ApiKey
from unihire.outbound.budget import DeclaredRate
from unihire.outbound.failures import FailureKind
from unihire.outbound.paging import VendorResponse

INTEGRATION = get_integration("lever")
STREAMS = {stream.name: stream for stream in INTEGRATION.streams}
SINCE = datetime(2026, 1, 31, 9, 30, 0, 1000, tzinfo=UTC)

ASKED = {
    "users": "/users?limit=100&includeDeactivated=true",
    "archive_reasons": "/archive_reasons?limit=100",
    "stages": "/stages?limit=100",
    "tags": "/tags?limit=100",
    "sources": "/sources?limit=100",
    "requisitions": "/requisitions?limit=100&confidentiality=all",
    "postings": "/postings?limit=100&confidentiality=all&distributionChannel=public&distributionChannel=internal",
    "opportunities": "/opportunities?limit=100&confidentiality=all&expand=applications",
    "contacts": "/opportunities?limit=100&confidentiality=all&expand=contact",
    "eeo_responses": "/eeo/responses/pii?limit=100&created_at_start=0",
    "feedback_templates": "/feedback_templates?limit=100",
}
"""What each list is asked with first."""


def answer(body: Any) -> VendorResponse:
    return VendorResponse(200, {}, json.dumps(body).encode())


def test_lists_are_asked_with_what_they_would_leave_out_otherwise() -> None:
    assert {stream.name: stream.paging.first(stream.path, stream.params) for stream in INTEGRATION.streams} == ASKED


def test_what_changed_is_asked_for_in_milliseconds() -> None:
    asked = {stream.name: stream.changed_since(SINCE) for stream in INTEGRATION.streams if stream.changed_since}
    millis = "1769851800001"
    assert asked == {
        "opportunities": {"updated_at_start": millis},
        "contacts": {"updated_at_start": millis},
        "eeo_responses": {"created_at_start": millis},
    }
    feed = STREAMS["opportunities"].deleted_feed
    assert feed is not None
    assert feed.between(SINCE, SINCE) == {"deleted_at_start": millis, "deleted_at_end": millis}
    assert feed.longest.days == 30


def test_rows_by_their_ids_are_in_an_envelope() -> None:
    calls = {stream.name: stream.by_id for stream in INTEGRATION.streams if stream.by_id is not None}
    assert all(isinstance(call, CallById) and call.item == "data" for call in calls.values())
    assert STREAMS["opportunities"].by_id == CallById(path="/opportunities/{id}?expand=applications", item="data")
    assert STREAMS["contacts"].by_id == CallById(path="/contacts/{id}", item="data")


def test_what_is_below_an_opportunity_is_asked_for_when_it_moves_and_while_it_is_open() -> None:
    details = STREAMS["opportunities"].details
    assert [detail.path for detail in details] == [
        f"/opportunities/{{id}}/{name}" for name in ("notes", "resumes", "files", "interviews", "feedback", "offers")
    ]
    untouched, moved = {"updatedAt": None}, {"updatedAt": 7, "archived": {"reason": "r"}}
    assert [details[0].version(row) for row in (untouched, moved)] == ["None", "7"]
    assert [hiring.is_open(row) for row in (untouched, moved)] == [True, False]
    assert all(detail.again is hiring.is_open and detail.again_within == 7 for detail in details)


@pytest.mark.parametrize(
    ("region", "host"),
    [(None, "api.lever.co"), ("us", "api.lever.co"), ("eu", "api.eu.lever.co"), ("sandbox", "api.sandbox.lever.co")],
)
def test_account_is_in_a_region(region: str | None, host: str) -> None:
    credentials = {"api_key": "k"} | ({} if region is None else {"region": region})
    assert INTEGRATION.locate(credentials) == f"https://{host}/v1"


def test_region_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="region"):
        INTEGRATION.locate({"api_key": "k", "region": "api.example.com/"})


def test_key_is_the_user_name_and_the_rate_is_within_the_documented_one() -> None:
    assert isinstance(INTEGRATION.auth, ApiKey)
    assert INTEGRATION.auth.sign({"api_key": "k"}).headers["Authorization"] == "Basic azo="
    rate = INTEGRATION.budget_rule
    assert isinstance(rate, DeclaredRate)
    assert 9.5 <= rate.per_second < 10
    assert rate.burst < 20


def test_offset_is_sent_back_encoded_once_more() -> None:
    first = LIST.first("/opportunities", {})
    page = LIST.read(answer({"data": [{"id": "a"}], "hasNext": True, "next": "%5B1%5D"}), origin="", asked=first)
    assert page.next == "/opportunities?limit=100&offset=%255B1%255D"
    assert LIST.read(answer({"data": [], "hasNext": False}), origin="", asked=page.next).next is None


def test_lists_without_the_flag_have_one_page() -> None:
    assert LIST.read(answer({"data": [{"id": "a"}]}), origin="", asked="/webhooks").next is None


def test_contacts_are_what_is_inside_the_rows_of_the_list() -> None:
    rows = [{"id": "o", "contact": {"id": "c", "name": "Ä"}}, {"id": "p", "contact": "c"}, {"id": "q"}]
    page = CONTACTS.read(answer({"data": rows, "hasNext": True, "next": "t"}), origin="", asked="/opportunities")
    assert [row.data for row in page.rows] == [{"id": "c", "name": "Ä"}]
    assert page.next == "/opportunities?offset=t"
    with pytest.raises(VendorChanged):
        CONTACTS.read(answer({"data": None}), origin="", asked="/opportunities")


def test_offset_that_is_no_longer_taken_begins_the_list_again() -> None:
    body = b'{"code": "BadRequestError", "message": "Invalid offset token provided"}'
    assert FAILURES.find(400, body) == (FailureKind.START_OVER, "Invalid offset token")
    assert FAILURES.find(400, b'{"code": "BadRequestError", "message": "at /email"}') is None
    assert FAILURES.find(200, b'{"data": [{"message": "Invalid offset token"}]}') is None
    assert FAILURES.find(200, b'{"data": "Invalid offset token", "message": 1}' + b" " * 5000) is None
    kind, _ = FAILURES.find(401, b"") or (None, "")
    assert kind is FailureKind.CREDENTIALS
    assert FAILURES.find(403, b'{"code": "Forbidden", "message": "no"}') is None


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        (b'{"code": "BadRequestError", "message": "It is taken. at /email"}', [("email", "It is taken.")]),
        (b'{"message": "Wrong. at /emails/0"}', [("emails", "Wrong.")]),
        (b'{"message": " Look at /this and that "}', [(None, "Look at /this and that")]),
        (b'{"code": "ResourceNotFound", "message": "Stage was not found"}', [(None, "Stage was not found")]),
        (b'{"message": ""}', []),
        (b'{"message": 7}', []),
        (b"<html>", []),
    ],
)  # fmt: skip
def test_refusal_ends_with_what_it_is_about(body: bytes, faults: list[tuple[str | None, str]]) -> None:
    assert list(read_refusal(body)) == faults


def test_empty_list_of_stages_is_no_answer() -> None:
    with pytest.raises(VendorChanged, match="empty"):
        PAGE_AS_ROW.read(VendorResponse(200, {}, b'{"data":[],"hasNext":false}'), origin="https://x", asked="/stages")
