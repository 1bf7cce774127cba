"""What the Workable connector asks for."""

from datetime import UTC, datetime

import pytest

from unihire.errors import ConfigError, VendorChanged
from unihire.integration.declare import CallById, Data, IdFilter, ShortList, Stream
from unihire.integration.inspect import list_cases
from unihire.integration.registry import get_integration
from unihire.outbound.auth import ApiKey
from unihire.outbound.budget import FixedWindowHeaders
from unihire.outbound.meters import WindowReport
from unihire.outbound.paging import VendorResponse

INTEGRATION = get_integration("workable")
STREAMS = {stream.name: stream for stream in INTEGRATION.streams}
HERE = "https://example.workable.com"

ASKED = {
    "members": "/members?limit=100&status=all",
    "departments": "/departments",
    "disqualification_reasons": "/disqualification_reasons",
    "stages": "/stages",
    "jobs": "/jobs?limit=100",
    "candidates": "/candidates?limit=100",
    "events": "/events?limit=100&include_cancelled=true",
    "custom_attributes": "/custom_attributes",
}
"""What each list is asked with first."""

DETAILS = {
    ("jobs", "info"): ("/jobs/{shortcode}", "shortcode", None),
    ("jobs", "stages"): ("/jobs/{shortcode}/stages", None, 1),
    ("jobs", "questions"): ("/jobs/{shortcode}/questions", None, 7),
    ("jobs", "team"): ("/jobs/{shortcode}/members", None, 7),
    ("candidates", "profile"): ("/candidates/{id}", "id", 30),
    ("candidates", "activities"): ("/candidates/{id}/activities", None, 7),
    ("candidates", "files"): ("/candidates/{id}/files", None, 30),
    ("candidates", "offer"): ("/candidates/{id}/offer", "candidate.id", 7),
}
"""What is asked beside rows, what names the row in the answer, and within how many days it is asked again."""

JOINS = {
    ("jobs", "department"): "departments.name = department",
    ("candidates", "reasons"): "disqualification_reasons.description = disqualification_reason",
    ("candidates", "account_stages"): "stages.name = stage",
}


@pytest.mark.parametrize("stream", INTEGRATION.streams, ids=lambda stream: stream.name)
def test_list_is_asked_for_with_all_that_it_would_leave_out(stream: Stream) -> None:
    assert stream.paging.first(stream.path, stream.params) == ASKED[stream.name]


def test_candidates_and_jobs_are_read_since_they_changed_and_all_else_is_read_whole() -> None:
    moment = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
    found = {name: stream.changed_since(moment) for name, stream in STREAMS.items() if stream.changed_since is not None}
    since = {"updated_after": "2026-01-31T09:30:00Z"}
    assert found == {"jobs": since, "candidates": since}


def test_one_candidate_is_the_list_of_one_id_and_one_job_lacks_what_only_it_shows() -> None:
    assert STREAMS["candidates"].by_id == IdFilter(param="since_id", until="max_id", most=1)
    assert STREAMS["events"].by_id == "/events/{id}"
    job = STREAMS["jobs"].by_id
    assert isinstance(job, CallById)
    assert (job.path, job.item) == ("/jobs/{id}", None)
    shown = next(case for case in list_cases(INTEGRATION) if (case.stream, case.name) == ("jobs", "everything")).given
    assert set(job.unlisted) == set(shown.details["info"][0]) - set(shown.row)
    short = [name for name, stream in STREAMS.items() if stream.by_id == ShortList()]
    assert short == ["members", "departments", "disqualification_reasons"]


def test_what_is_asked_beside_rows_is_asked_for_again_when_they_move_and_a_while_after() -> None:
    found = {
        (name, detail.name): (detail.path, detail.of, detail.again_within)
        for name, stream in STREAMS.items()
        for detail in stream.details
    }
    assert found == DETAILS
    moved: Data = {"id": "1", "shortcode": "A", "updated_at": "2026-01-31T00:00:00Z", "stage_kind": "hired"}
    for stream in STREAMS.values():
        for detail in stream.details:
            assert detail.needed(moved)
            assert detail.version(moved) != detail.version({**moved, "updated_at": "2026-02-01T00:00:00Z"})


@pytest.mark.parametrize(
    ("row", "asks"),
    [
        ({"stage_kind": "interview", "moved_to_offer_at": None}, False),
        ({"stage_kind": "interview"}, False),
        ({"stage_kind": "interview", "moved_to_offer_at": "2026-01-31T00:00:00Z"}, True),
        ({"stage_kind": "offer"}, True),
        ({"stage_kind": "hired"}, True),
    ],
)
def test_offer_is_asked_for_of_who_came_to_that_stage_once(row: Data, asks: bool) -> None:
    (offer,) = [detail for detail in STREAMS["candidates"].details if detail.name == "offer"]
    assert offer.needed(row) is asks


def test_rows_of_other_lists_are_found_by_the_texts_that_rows_have() -> None:
    found = {
        (name, join.name): f"{join.stream}.{join.on} = {join.key}"
        for name, stream in STREAMS.items()
        for join in stream.joins
    }
    assert found == JOINS


def read(body: bytes, asked: str = "/spi/v3/candidates?limit=100") -> str | None:
    return STREAMS["candidates"].paging.read(VendorResponse(200, {}, body), origin=HERE, asked=asked).next


def test_next_page_is_followed_as_it_is_on_the_host_of_the_company_alone() -> None:
    nested = b'{"candidates":[],"paging":{"next":"https://example.workable.com/spi/v3/jobs/A/candidates?limit=50"}}'
    assert read(nested) == "/spi/v3/jobs/A/candidates?limit=50"
    assert read(b'{"candidates":[]}') is None
    with pytest.raises(VendorChanged, match="leads to another address"):
        read(nested.replace(b"example.", b"other."))


def test_company_is_in_the_host() -> None:
    assert INTEGRATION.locate({"subdomain": "example-2"}) == "https://example-2.workable.com/spi/v3"
    for bad in ("a.b", "A", "-a", "a-", "a/b", "a@b", "x" * 64):
        with pytest.raises(ConfigError, match="subdomain"):
            INTEGRATION.locate({"subdomain": bad})


def test_token_is_a_bearer_and_the_error_says_how_it_ends() -> None:
    assert isinstance(INTEGRATION.auth, ApiKey)
    assert INTEGRATION.auth.sign({"api_token": "t", "subdomain": "x"}).headers == {"Authorization": "Bearer t"}
    assert INTEGRATION.auth.probe.path == "/accounts"
    assert "ends on the day that was chosen" in INTEGRATION.auth.ends


def test_window_is_read_from_the_headers_with_the_unix_second_in_which_it_ends() -> None:
    rule = INTEGRATION.budget_rule
    assert isinstance(rule, FixedWindowHeaders)
    headers = {
        "X-Rate-Limit-Limit": "10",
        "X-Rate-Limit-Remaining": "4",
        "X-Rate-Limit-Reset": "1784839536",
        "Date": "Thu, 23 Jul 2026 20:45:26 GMT",
    }
    assert rule.read(headers) == WindowReport(10, 4, 1784839536, 1784839526)


@pytest.mark.parametrize("name", ["resume_url", "preview_url"])
def test_signature_of_a_link_is_no_content(name: str) -> None:
    volatile = STREAMS["candidates"].volatile
    assert volatile is not None
    raw = b'{"%s":"https://files.example.com/cv.pdf?X-Amz-Expires=60000&X-Amz-Signature=0a"}' % name.encode()
    assert volatile.pattern.sub(b"", raw) == b'{"%s":"https://files.example.com/cv.pdf"}' % name.encode()
