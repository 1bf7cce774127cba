"""The Workable emulator: tokens, limits, hosts, refusals, pages and their traps."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import msgspec
import pytest

from testbed.workable_line import BASE, ORIGIN, RefusedCall, WorkableLine, list_ids, open_workable
from unihire.integration.emulate import Credentials, Request
from unihire.kit.clock import to_micros, to_text
from unihire.sandbox.faults import PAGING
from unihire.sandbox.runner import build_sandbox, start_sandbox

PAGED = ("/candidates", "/jobs", "/members?status=all", "/events?include_cancelled=true", "/requisitions")


@pytest.fixture(scope="module")
def served() -> WorkableLine:
    return open_workable(size=120, seed=4)


@pytest.fixture
def line(served: WorkableLine) -> WorkableLine:
    served.reset()
    return served


def read(answer: Any) -> Any:
    return msgspec.json.decode(answer.body)


# Tokens


def test_token_is_missing_wrong_or_switched_off(line: WorkableLine) -> None:
    for authorization in ("", "Bearer", "Bearer wrong", "Basic eDo=", line.tokens["api_token"]):
        answer = line.send("GET", "/jobs", authorization=authorization)
        assert (answer.status, read(answer)) == (401, {"error": "Not authorized"}), authorization
        assert "x-rate-limit-limit" not in dict(answer.headers)
    line.change("api_keys", 1, isEnabled=False)
    assert line.send("GET", "/jobs").status == 401
    assert line.with_token(line.tokens["partner_token"]).get("/jobs")


def test_token_ends_when_its_time_is_over_and_is_refused_by_name(line: WorkableLine) -> None:
    ends = line.app.clock.now() + timedelta(hours=1)
    line.change("api_keys", 1, expires_at=to_text(ends))
    assert line.get("/jobs")
    line.control("POST", "clock", {"advance_seconds": 3700})
    assert read(line.send("GET", "/jobs")) == {"error": "Token expired"}
    plain = open_workable(100, expired_token="plain")
    plain.change("api_keys", 1, expires_at="2020-01-01T00:00:00Z")
    assert (plain.send("GET", "/jobs").status, read(plain.send("GET", "/jobs"))) == (401, {"error": "Not authorized"})


def test_only_tokens_that_were_handed_out_are_expired(line: WorkableLine) -> None:
    line.control("POST", "rows/api_keys", {"token": "handed out", "kind": "oauth", "scopes": ["r_jobs"]})
    assert line.with_token("handed out").get("/jobs")
    line.app.emulator.expire_tokens()
    assert line.with_token("handed out").send("GET", "/jobs").status == 401
    assert line.get("/jobs")


def test_scope_that_is_missing_is_a_403(line: WorkableLine) -> None:
    reader = line.with_token(line.tokens["read_only_token"])
    id_ = reader.get("/candidates", limit=1)["candidates"][0]["id"]
    answer = reader.send("PUT", f"/candidates/{id_}/tags", {"tags": []})
    assert (answer.status, read(answer)) == (403, {"error": "Forbidden"})
    line.control("POST", "rows/api_keys", {"token": "narrow", "scopes": ["r_jobs"]})
    narrow = line.with_token("narrow")
    assert narrow.get("/jobs")
    assert narrow.send("GET", "/candidates").status == 403


def test_token_of_ones_own_is_the_client_secret() -> None:
    app = build_sandbox("workable", size=100, credentials=Credentials("mine", "my token"))
    assert WorkableLine(app, "my token").get("/accounts")["accounts"][0]["subdomain"] == "example"


# Signing in


def sign_in(line: WorkableLine, **others: str) -> Any:
    """The tokens that a customer's consent is changed into."""
    client = {"client_id": line.tokens["oauth_client_id"], "client_secret": line.tokens["oauth_client_secret"]}
    asked = {"client_id": client["client_id"], "response_type": "code", "scope": "r_jobs+r_candidates", "state": "x"}
    query = tuple({**asked, "redirect_uri": "http://127.0.0.1:9/back"}.items())
    agreed = line.app.emulator.answer(Request("GET", "/oauth/authorize", query, {}, b"", ORIGIN))
    assert agreed.status == 302
    back = parse_qs(urlsplit(dict(agreed.headers)["location"]).query)
    assert back["state"] == ["x"]
    return exchange(line, {**client, "grant_type": "authorization_code", "code": back["code"][0], **others})


def exchange(line: WorkableLine, form: dict[str, str]) -> Any:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    request = Request("POST", "/oauth/token", (), headers, urlencode(form).encode(), ORIGIN)
    return read(line.app.emulator.answer(request))


def test_partner_signs_in_and_changes_its_tokens_for_new_ones(line: WorkableLine) -> None:
    first = sign_in(line)
    partner = line.with_token(first["access_token"])
    assert partner.get("/jobs")
    assert partner.send("GET", "/requisitions").status == 403
    line.control("POST", "clock", {"advance_seconds": first["expires_in"] + 1})
    assert partner.send("GET", "/jobs").status == 401
    form = {"client_id": line.tokens["oauth_client_id"], "client_secret": line.tokens["oauth_client_secret"]}
    form |= {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = exchange(line, form)
    assert line.with_token(second["access_token"]).get("/jobs")
    assert exchange(line, form) == {"error": "invalid_grant"}
    line.app.emulator.expire_tokens()
    assert line.with_token(second["access_token"]).send("GET", "/jobs").status == 401
    assert "access_token" in exchange(line, {**form, "refresh_token": second["refresh_token"]})


def test_sign_in_that_is_wrong_is_refused(line: WorkableLine) -> None:
    for others, error in (
        ({"client_secret": "another"}, "invalid_client"), ({"code": "x"}, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:9/other"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ):  # fmt: skip
        assert sign_in(line, **others) == {"error": error}
    for query, status in (
        ({"client_id": "x"}, 401), ({"response_type": "token"}, 400), ({"redirect_uri": "x"}, 400),
        ({"scope": "everything"}, 302),
    ):  # fmt: skip
        asked = {"client_id": line.tokens["oauth_client_id"], "response_type": "code", "redirect_uri": "http://x/"}
        answer = line.app.emulator.answer(
            Request("GET", "/oauth/authorize", tuple({**asked, **query}.items()), {}, b"", ORIGIN)
        )
        assert answer.status == status
        assert status != 302 or dict(answer.headers)["location"] == "http://x/?error=invalid_scope"


# Limits


def test_account_has_ten_calls_in_ten_seconds_and_a_partner_fifty() -> None:
    line = WorkableLine(build_sandbox("workable", size=100, seed=1))
    line.control("POST", "clock", {"set": "2026-07-01T12:00:01Z"})
    headers = dict(line.send("GET", "/jobs").headers)
    now = to_micros(line.app.clock.now()) // 1_000_000
    assert (headers["x-rate-limit-limit"], headers["x-rate-limit-remaining"]) == ("10", "9")
    assert int(headers["x-rate-limit-reset"]) == (now // 10 + 1) * 10
    answers = [line.send("GET", "/jobs") for _ in range(10)]
    assert [answer.status for answer in answers] == [200] * 9 + [429]
    assert dict(answers[-1].headers)["x-rate-limit-remaining"] == "0"
    assert "retry-after" not in dict(answers[-1].headers)
    partner = line.with_token(line.tokens["partner_token"])
    assert dict(partner.send("GET", "/jobs").headers)["x-rate-limit-limit"] == "50"
    line.control("POST", "clock", {"advance_seconds": 10})
    assert line.send("GET", "/jobs").status == 200
    sent = open_workable(100, rate_limit="1", retry_after="sent")
    sent.control("POST", "clock", {"set": "2026-07-01T12:00:01Z"})
    assert sent.send("GET", "/jobs").status == 200
    refused = sent.send("GET", "/jobs")
    assert (refused.status, 1 <= int(dict(refused.headers)["retry-after"]) <= 10) == (429, True)


# Where the account is


def test_account_is_known_by_its_token_and_by_the_host_where_that_names_one(line: WorkableLine) -> None:
    assert line.send("GET", "/jobs", origin="http://example.localhost:8900").status == 200
    assert line.send("GET", "/accounts", origin="https://www.workable.com").status == 200
    assert line.send("GET", "/jobs", origin="https://other.workable.com").status == 404
    assert line.get("/accounts/example")["subdomain"] == "example"
    with pytest.raises(RefusedCall, match="404"):
        line.get("/accounts/other")
    own = open_workable(100, subdomain="acme")
    assert own.get("/accounts")["accounts"][0]["subdomain"] == own.tokens["subdomain"] == "acme"


def test_old_paths_with_the_account_are_answered(line: WorkableLine) -> None:
    page = line.get(f"{BASE}/accounts/example/candidates", limit=2)
    assert page["paging"]["next"].startswith(f"{ORIGIN}{BASE}/accounts/example/candidates?limit=2&since_id=")
    assert line.app.emulator.find_stream(f"{BASE}/accounts/example/jobs") == "jobs"
    assert line.send("GET", "/accounts/other/candidates").status == 404


def test_next_link_is_on_the_host_that_was_asked_or_on_a_chosen_one(line: WorkableLine) -> None:
    answer = line.send("GET", "/candidates?limit=1", origin="http://example.localhost:8900")
    assert read(answer)["paging"]["next"].startswith(
        "http://example.localhost:8900/spi/v3/candidates?limit=1&since_id="
    )
    chosen = open_workable(100, public_url="https://ats.example.com/")
    assert chosen.get("/candidates")["paging"]["next"].startswith("https://ats.example.com/spi/v3/candidates?")


# Endpoints

ANSWERED = """
GET /accounts|GET /accounts/example|GET /members|POST /members/invite|PUT /members|DELETE /members/{member}
POST /members/{member}/enable|GET /recruiters|GET /stages|GET /departments|POST /departments|PUT /departments
DELETE /departments/{department}|GET /disqualification_reasons|GET /custom_attributes|GET /jobs|GET /jobs/{job}
GET /jobs/{job}/application_form|GET /jobs/{job}/questions|GET /jobs/{job}/custom_attributes|GET /jobs/{job}/members
GET /jobs/{job}/stages|GET /jobs/{job}/recruiters|GET /jobs/{job}/activities|GET /jobs/{job}/candidates
GET /jobs/{job}/candidates/{candidate}|POST /jobs/{job}/candidates|POST /jobs/{job}/sourced/candidates
POST /talent_pool/candidates|GET /candidates|GET /candidates/{candidate}|PATCH /candidates/{candidate}
GET /candidates/{candidate}/activities|GET /candidates/{candidate}/files|GET /candidates/{candidate}/offer
POST /candidates/{candidate}/comments|POST /candidates/{candidate}/move|POST /candidates/{candidate}/disqualify
POST /candidates/{candidate}/revert|POST /candidates/{candidate}/copy|POST /candidates/{candidate}/relocate
POST /candidates/{candidate}/ratings|PUT /candidates/{candidate}/ratings|PUT /candidates/{candidate}/tags
PATCH /candidates/{candidate}/update_custom_attribute_value|GET /events|GET /events/{event}|GET /offers/{offer}
POST /offers/{offer}/approve|POST /offers/{offer}/reject|GET /requisitions|GET /requisitions/{requisition}
POST /requisitions|PATCH /requisitions/{requisition}|POST /requisitions/{requisition}/approve
POST /requisitions/{requisition}/reject|GET /subscriptions|POST /subscriptions|DELETE /subscriptions/{subscription}
"""
UNANSWERED = (
    "GET /legal_entities", "GET /permission_sets", "GET /collaboration_permissions", "POST /departments/92b01/merge",
)  # fmt: skip
MADE_BEFORE = ("GET /subscriptions", "DELETE /subscriptions/{subscription}")


def test_every_documented_endpoint_is_answered_or_named(line: WorkableLine) -> None:
    hook = line.post("/subscriptions", target="http://127.0.0.1:9/", event="candidate_moved")["id"]
    offer = line.control("GET", "streams")["offers"]["rows"] and next(
        f"{0x60000000 + number:x}" for number in range(1, 121) if line.app.emulator.streams["offers"].find(number)
    )
    candidate = line.get("/candidates", limit=1)["candidates"][0]
    names = {
        "member": "1f0003", "department": "92b01", "job": candidate["job"]["shortcode"], "candidate": candidate["id"],
        "event": line.get("/events", limit=1)["events"][0]["id"], "offer": offer, "requisition": "REQ-00001",
        "subscription": hook,
    }  # fmt: skip
    user = line.with_token(line.tokens["user_token"])
    endpoints = [one for row in ANSWERED.split("\n") for one in row.split("|") if one]
    assert len(endpoints) == 59
    for endpoint in endpoints:
        method, path = endpoint.format(**names).split(" ")
        answer = user.send(method, path, {} if method in ("POST", "PUT", "PATCH") else None)
        assert answer.status in (200, 204, 422), (endpoint, answer.status, answer.body)
        assert answer.status < 300 or method != "GET"
    for endpoint in UNANSWERED:
        answer = line.send(*endpoint.split(" "))
        assert answer.status == 404
        assert read(answer)["reason"]


def test_what_there_is_not_is_a_404(line: WorkableLine) -> None:
    for path in (
        "/nothing",
        "/candidates/27ffffff",
        "/candidates/x",
        "/jobs/0000000000",
        "/events/1",
        "/",
        "/jobs/x/y/z",
    ):
        answer = line.send("GET", path)
        assert (answer.status, read(answer)["error"]) == (404, "Not found"), path
    assert line.app.emulator.answer(Request("GET", "/jobs", (), {}, b"", ORIGIN)).status == 401
    assert line.app.emulator.find_stream("/jobs") is None
    assert line.send("POST", "/candidates").status == 404


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
def test_faults_are_refusals_as_the_vendor_words_them(line: WorkableLine, status: int) -> None:
    answer = line.app.emulator.refuse(status, Request("GET", f"{BASE}/jobs", (), {}, b"", ORIGIN))
    assert answer.status == status
    assert set(read(answer)) == {"error"}


def test_body_that_cannot_be_read_is_refused(line: WorkableLine) -> None:
    path = f"/candidates/{line.get('/candidates', limit=1)['candidates'][0]['id']}/tags"
    for raw in (b"{", b"[]", b"1", b"\xff", b"[" * 1000, b'{"tags":[' + b"0," * 300_000 + b"0]}"):
        assert line.send("PUT", path, raw=raw).status == 400, raw[:20]
    assert line.send("PUT", path, {"tags": []}, content_type="text/plain").status == 415
    for body in ({}, {"tags": None}, {"tags": "x"}, {"tags": [1]}):
        answer = line.send("PUT", path, body)
        assert (answer.status, list(read(answer)["validation_errors"])) == (422, ["tags"])


# Pages


@pytest.mark.parametrize("path", PAGED)
def test_pages_of_any_size_give_every_row_once_the_oldest_first(line: WorkableLine, path: str) -> None:
    every = list_ids(line.walk(f"{path}{'&' if '?' in path else '?'}limit=100"))
    assert every == sorted(set(every))
    assert list_ids(line.walk(f"{path}{'&' if '?' in path else '?'}limit=3")) == every


def test_page_has_fifty_rows_unless_asked_and_a_hundred_at_most(line: WorkableLine) -> None:
    assert len(line.get("/candidates")["candidates"]) == 50
    assert len(line.get("/candidates", limit=500)["candidates"]) == 100
    for limit in ("0", "-1", "x", "", "1.5"):
        with pytest.raises(RefusedCall) as refused:
            line.get("/candidates", limit=limit)
        assert (refused.value.status, refused.value.fields) == (422, ["limit"])


def test_link_names_the_first_row_of_the_next_page_and_the_last_page_has_none(line: WorkableLine) -> None:
    first, second, *_, last = line.pages("/candidates", limit=50)
    link = parse_qs(urlsplit(first["paging"]["next"]).query)
    assert link == {"limit": ["50"], "since_id": [second["candidates"][0]["id"]]}
    assert "paging" not in last


def test_since_and_max_are_inclusive_and_need_not_be_there(line: WorkableLine) -> None:
    ids = list_ids(line.walk("/candidates"))
    line.control("DELETE", f"rows/candidates/{ids[10]}")
    assert list_ids(line.walk("/candidates", since_id=ids[10], max_id=ids[13])) == ids[11:14]
    assert line.walk("/candidates", since_id="ffffffff") == []
    assert line.send("GET", "/candidates?since_id=-").status == 422


def test_next_link_of_one_jobs_candidates_leads_to_the_old_list_with_another_limit(line: WorkableLine) -> None:
    job = max(
        (row["job"]["shortcode"] for row in line.walk("/candidates")),
        key=lambda one: len(line.walk(f"/jobs/{one}/candidates")),
    )
    own = [row["id"] for row in line.walk("/candidates") if row["job"]["shortcode"] == job]
    page = line.get("/candidates", shortcode=job, limit=2, updated_after="2020-01-01")
    link = urlsplit(page["paging"]["next"])
    assert link.path == f"{BASE}/jobs/{job}/candidates"
    assert parse_qs(link.query) == {"limit": ["50"], "since_id": [own[2]], "updated_after": ["2020-01-01"]}
    assert list_ids(line.walk("/candidates", shortcode=job, limit=2)) == own
    assert line.send("GET", "/candidates?shortcode=0000000000").status == 404


def test_filters_go_along_with_the_link_or_are_lost() -> None:
    for option, kept in (("with-filters", True), ("without-filters", False)):
        line = open_workable(100, next_link=option)
        link = line.get("/candidates", limit=1, created_after="20240101T000000Z")["paging"]["next"]
        assert ("created_after=20240101T000000Z" in link) is kept


@pytest.mark.parametrize("word", PAGING)
def test_paging_that_goes_wrong_is_made_where_it_was_asked_for(line: WorkableLine, word: str) -> None:
    rows = list_ids(line.walk("/candidates", limit=20))
    line.control("PUT", "faults", [{"word": word, "next": 1}])
    if word == "stranger-next":
        assert not line.get("/candidates", limit=20)["paging"]["next"].startswith(ORIGIN)
        return
    found = list_ids(line.walk("/candidates", limit=20))
    assert line.control("GET", "faults")["fired"] == {word: 1}
    assert (len(set(rows) - set(found)), set(found) <= set(rows)) == (int(word == "skip-row"), True)
    assert (len(found) > len(rows)) is (word in ("self-next", "repeat-rows", "repeat-row"))


def test_rows_are_spoiled_where_each_answer_has_them() -> None:
    with start_sandbox("workable", size=100, seed=3, options={"rate_limit": "0"}) as sandbox:
        headers = {"authorization": f"Bearer {sandbox.ready.client_secret}"}
        root = f"{sandbox.ready.base_url}{BASE}"
        id_ = httpx.get(f"{root}/candidates", headers=headers).json()["candidates"][0]["id"]
        httpx.put(f"{sandbox.ready.control_url}faults", json=[{"word": "null-member"}]).raise_for_status()
        paths = ("candidates", f"candidates/{id_}", "jobs", "events", "members", "stages")
        for path in paths:
            assert httpx.get(f"{root}/{path}", headers=headers).status_code == 200
        spoiled = httpx.get(f"{sandbox.ready.control_url}faults").json()["spoiled"]
        assert set(spoiled) == {f"{BASE}/{path}".replace(id_, "{id}") for path in paths}
