"""The Personio emulator answers as the vendor's documents say: paths, pages, filters, errors, headers."""

import resource
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from unihire.sandbox.runner import RunningSandbox, start_sandbox

RECRUITING = "/v2/recruiting"
SIZE = 400
COUNTS = {"jobs": 40, "candidates": 400, "applications": 600}
BAD_REQUEST = {
    "title": "Bad request",
    "detail": "Provided request parameters are invalid.",
    "type": "https://developer.personio.de/v2.0/page/public-api-error-codes#common.bad_request",
}
Row = dict[str, Any]


def connect(sandbox: RunningSandbox, **headers: str) -> httpx.Client:
    """A signed-in client."""
    ready = sandbox.ready
    form = {
        "grant_type": "client_credentials",
        "client_id": ready.client_id,
        "client_secret": ready.client_secret,
    }
    token = httpx.post(f"{ready.base_url}/v2/auth/token", data=form).json()["access_token"]
    return httpx.Client(base_url=ready.base_url, headers={"Authorization": f"Bearer {token}", **headers})


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with start_sandbox("personio", size=SIZE, seed=7) as running:
        yield running


@pytest.fixture(scope="module")
def client(sandbox: RunningSandbox) -> Iterator[httpx.Client]:
    with connect(sandbox) as connected:
        yield connected


def walk(client: httpx.Client, stream: str, **query: Any) -> list[Row]:
    """All rows, by following the next links as they are."""
    rows: list[Row] = []
    url: str | None = f"{RECRUITING}/{stream}" + (f"?{urlencode(query)}" if query else "")
    seen = set()
    while url is not None:
        assert url not in seen, "the walk goes in a circle"
        seen.add(url)
        page = client.get(url).raise_for_status().json()
        rows.extend(page["_data"])
        url = page["_meta"]["links"].get("next", {}).get("href")
    return rows


def read_moment(value: Any) -> datetime:
    return datetime.fromisoformat(value if isinstance(value, str) else value["date-time"])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/jobs", 200),
        ("/jobs?limit=150", 200),
        ("/jobs?updated_at.gt=2025-02-20T13:19:40", 200),
        ("/jobs?updated_at.lt=2025-02-20T13:19:40", 200),
        ("/jobs?cursor=cur_15sdwf2eIvLilN2dKFh211Js", 200),
        ("/jobs?cursor=cur_82sQwR2eZvKilo2duNh219Kw", 200),
        ("/jobs?limit=400", 400),
        ("/jobs/495039", 200),
        ("/jobs/209321", 200),
        ("/jobs/2309850", 200),
        ("/jobs/3459829", 200),
        ("/jobs/id-that-does-not-exist", 404),
        ("/candidates?cursor=cur_82sQwR2eZvKilo2duNh219Kw", 200),
        ("/candidates/495039", 200),
        ("/candidates/id-that-does-not-exist", 404),
        ("/applications?cursor=cur_82sQwR2eZvKilo2duNh219Kw", 200),
        ("/applications/495039", 200),
        ("/applications/id-that-does-not-exist", 404),
        ("/applications/495039/stage-transitions", 200),
        ("/applications/id-that-does-not-exist/stage-transitions", 404),
        ("/categories", 200),
        ("/categories?limit=20", 200),
        ("/categories/13415", 200),
        ("/categories/id-that-does-not-exist", 404),
    ],
)
def test_every_documented_path_answers_with_its_documented_status(client: httpx.Client, path: str, status: int) -> None:
    response = client.get(RECRUITING + path)
    assert response.status_code == status
    kind = "application/json" if status == 200 else "application/problem+json"
    assert response.headers["content-type"] == kind


def test_documented_job_is_the_documented_job(client: httpx.Client) -> None:
    base = str(client.base_url).rstrip("/")
    assert client.get(f"{RECRUITING}/jobs/209321").json() == {
        "id": "209321",
        "name": "Software Developer",
        "category": {"id": "13415", "name": "Technology"},
        "company": {"id": "10567"},
        "department": {"id": "321", "name": "IT"},
        "hiring_team": [
            {
                "person": {"id": "98765", "_meta": {"links": {"self": {"href": f"{base}/v2/persons/98765"}}}},
                "role": {"name": "HR manager"},
            }
        ],
        "created_at": {"date-time": "2023-12-11T14:50:17Z", "timezone": "UTC"},
        "updated_at": {"date-time": "2023-12-11T14:50:17Z", "timezone": "UTC"},
        "_meta": {"links": {"self": {"href": f"{base}/v2/recruiting/jobs/209321"}}},
    }


def test_documented_cursor_begins_at_the_documented_jobs(client: httpx.Client) -> None:
    page = client.get(f"{RECRUITING}/jobs?cursor=cur_15sdwf2eIvLilN2dKFh211Js").json()
    assert {"209321", "2309850"} <= {row["id"] for row in page["_data"][:4]}
    assert page["_meta"]["links"]["self"]["href"].endswith("/jobs?cursor=cur_15sdwf2eIvLilN2dKFh211Js")


@pytest.mark.parametrize("stream", COUNTS)
@pytest.mark.parametrize("limit", [None, 7, 200])
def test_walk_gives_every_row_once_and_newest_first(client: httpx.Client, stream: str, limit: int | None) -> None:
    rows = walk(client, stream, **({} if limit is None else {"limit": limit}))
    assert len(rows) == len({row["id"] for row in rows}) == COUNTS[stream]
    moments = [read_moment(row["updated_at"]) for row in rows]
    assert moments == sorted(moments, reverse=True)
    assert all(read_moment(row["created_at"]) <= moment for row, moment in zip(rows, moments, strict=True))


def test_pages_hold_100_rows_unless_told_otherwise(client: httpx.Client) -> None:
    def count(query: str) -> int:
        return len(client.get(f"{RECRUITING}/candidates{query}").json()["_data"])

    assert (count(""), count("?limit=1"), count("?limit=200")) == (100, 1, 200)


def test_cursor_carries_limit_and_filters(client: httpx.Client) -> None:
    page = client.get(f"{RECRUITING}/candidates?limit=5&updated_at.gt=2025-01-01T00:00:00Z").json()
    following = page["_meta"]["links"]["next"]["href"]
    assert following.partition("?")[2].startswith("cursor=cur_")
    assert following.partition("cursor=cur_")[2].isalnum()
    assert len(client.get(following).json()["_data"]) == 5
    rows = walk(client, "candidates", limit=5, **{"updated_at.gt": "2025-01-01T00:00:00Z"})
    everything = walk(client, "candidates")
    begin = datetime.fromisoformat("2025-01-01T00:00:00Z")
    assert [row["id"] for row in rows] == [row["id"] for row in everything if read_moment(row["updated_at"]) > begin]


@pytest.mark.parametrize("stream", COUNTS)
def test_update_filters_leave_the_moment_itself_out(client: httpx.Client, stream: str) -> None:
    rows = walk(client, stream)
    middle = read_moment(rows[len(rows) // 2]["updated_at"])
    later = walk(client, stream, **{"updated_at.gt": middle.isoformat()})
    earlier = walk(client, stream, **{"updated_at.lt": middle.isoformat()})
    same = [row for row in rows if read_moment(row["updated_at"]) == middle]
    assert same
    assert later + same + earlier == rows


@pytest.mark.parametrize(
    "text",
    [
        "2025-02-20T13:19:40",
        "2025-02-20T13:19:40Z",
        "2025-02-20T13:19:40.500Z",
        "2025-02-20T14:19:40%2B01:00",
        "2025-02-20T14:19:40+01:00",  # the plus sign arrives as a space
        "2025-02-20t13:19:40z",
        "2025-02-20%2013:19:40",
    ],
)
def test_moments_are_read_with_and_without_offset(client: httpx.Client, text: str) -> None:
    expected = client.get(f"{RECRUITING}/applications?updated_at.gt=2025-02-20T13:19:40Z").json()["_data"]
    assert client.get(f"{RECRUITING}/applications?updated_at.gt={text}").json()["_data"] == expected


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=",
        "limit=ten",
        "limit=10.0",
        "limit=%D9%A1",
        "limit=5&limit=6",
        "limit=%00",
        "cursor=cur_",
        "cursor=cur_unknown",
        "cursor=%00",
        "cursor=cur_" + "z" * 9000,
        "updated_at.gt=",
        "updated_at.gt=yesterday",
        "updated_at.gt=2025-13-01T00:00:00Z",
        "updated_at.lt=0001-01-01T00:00:00%2B23:00",
        "updated_at.gt=2025-01-01T00:00:00Z&updated_at.lt=2026-01-01T00:00:00Z",
    ],
)
def test_bad_parameters_get_the_documented_problem(client: httpx.Client, query: str) -> None:
    response = client.get(f"{RECRUITING}/jobs?{query}")
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert list(body) == ["personio_trace_id", "timestamp", "errors"]
    assert body["errors"] == [BAD_REQUEST]
    assert datetime.fromisoformat(body["timestamp"]).utcoffset() == timedelta(0)


def test_unknown_operator_is_refused_and_unknown_key_is_not(client: httpx.Client) -> None:
    refused = client.get(f"{RECRUITING}/jobs?updated_at.gte=2025-01-01T00:00:00Z")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["detail"] == "Provided filter encoding is invalid."
    assert client.get(f"{RECRUITING}/jobs?page=2&foo=bar").status_code == 200


def test_cursor_of_another_list_is_refused(client: httpx.Client) -> None:
    cursor = client.get(f"{RECRUITING}/jobs?limit=1").json()["_meta"]["links"]["next"]["href"].partition("?")[2]
    assert client.get(f"{RECRUITING}/jobs?{cursor}").status_code == 200
    assert client.get(f"{RECRUITING}/candidates?{cursor}").status_code == 400


def test_missing_row_and_missing_path_have_different_problems(client: httpx.Client) -> None:
    row = client.get(f"{RECRUITING}/jobs/1").json()["errors"][0]
    assert row["type"].endswith("/reference/errors#common.resource_not_found")
    path = client.get(f"{RECRUITING}/stages")
    assert path.status_code == 404
    assert path.json()["errors"] == [
        {
            "title": "Not Found",
            "detail": "The endpoint with /v2/recruiting/stages was not found.",
            "type": "https://developer.personio.de/v2.0/page/public-api-error-codes#apinot_found",
            "_meta": {"path": "/v2/recruiting/stages"},
        }
    ]


def test_other_methods_are_refused(client: httpx.Client) -> None:
    response = client.post(f"{RECRUITING}/jobs", json={})
    assert (response.status_code, response.headers["allow"]) == (405, "GET")


def test_email_filters_find_a_candidate_and_the_applications(client: httpx.Client) -> None:
    candidate = next(row for row in walk(client, "candidates") if len(row.get("applications", ())) > 1)
    for email in (candidate["email"], candidate["email"].upper()):
        assert walk(client, "candidates", email=email) == [candidate]
        found = walk(client, "applications", **{"candidate.email": email}, limit=1)
        assert {row["id"] for row in found} == {row["id"] for row in candidate["applications"]}
    assert walk(client, "candidates", email="nobody.0@example.com") == []
    assert walk(client, "applications", **{"candidate.email": "nobody@example.com"}) == []
    assert client.get(f"{RECRUITING}/candidates?email=").status_code == 400


def test_email_with_a_plus_sign_is_found_escaped_or_not(client: httpx.Client) -> None:
    candidate = next(row for row in walk(client, "candidates") if "+" in row["email"])
    for text in (candidate["email"], candidate["email"].replace("+", "%2B")):
        assert client.get(f"{RECRUITING}/candidates?email={text}").json()["_data"] == [candidate]


def test_candidates_applications_and_jobs_point_at_each_other(client: httpx.Client) -> None:
    jobs = {row["id"]: row for row in walk(client, "jobs")}
    candidates = {row["id"]: row for row in walk(client, "candidates")}
    applications = {row["id"]: row for row in walk(client, "applications")}
    for application in applications.values():
        candidate, job = candidates[application["candidate"]["id"]], jobs[application["job"]["id"]]
        assert application["candidate"]["email"] == candidate["email"]
        assert application["job"]["name"] == job["name"]
        assert application["job"].get("category") == job.get("category")
        assert application["id"] in {ref["id"] for ref in candidate["applications"]}
        assert read_moment(candidate["created_at"]) <= read_moment(application["created_at"])
        assert read_moment(job["created_at"]) <= read_moment(application["created_at"])
    refs = [ref["id"] for candidate in candidates.values() for ref in candidate.get("applications", ())]
    assert sorted(refs) == sorted(applications)


def test_transitions_lead_to_the_current_stage(client: httpx.Client) -> None:
    for application in walk(client, "applications")[::5]:
        steps = client.get(f"{RECRUITING}/applications/{application['id']}/stage-transitions").json()["_data"]
        assert steps[0]["stage"] == application["current_stage"]
        assert steps[-1]["stage"]["type"] == "UNASSIGNED"
        moments = [read_moment(step["entered_at"]) for step in steps]
        assert moments == sorted(moments, reverse=True)
        assert read_moment(application["created_at"]) <= moments[-1]
        assert moments[0] <= read_moment(application["updated_at"])


def test_stages_of_applications_are_stages_of_their_category(client: httpx.Client) -> None:
    categories = {row["id"]: row for row in walk(client, "categories")}
    assert client.get(f"{RECRUITING}/categories/13415").json() == categories["13415"]
    for application in walk(client, "applications"):
        category = application["job"].get("category", {"id": "13415"})
        assert application["current_stage"] in categories[category["id"]]["stages"]


def test_made_up_data_has_the_oddities_of_real_data(client: httpx.Client) -> None:
    jobs, candidates, applications = (walk(client, stream) for stream in COUNTS)
    types = [row["current_stage"]["type"] for row in applications]
    assert 0.22 < types.count("REJECTED") / len(types) < 0.38
    assert {"UNASSIGNED", "WITHDRAWN", "OFFER", "ACCEPTED", "CUSTOM"} <= set(types)
    for key in ("phone", "linkedin_profile", "gender", "location", "birthday", "applications"):
        assert 0 < sum(key in row for row in candidates) < len(candidates)
    for key in ("department", "category", "hiring_team"):
        assert 0 < sum(key in row for row in jobs) < len(jobs)
    assert any(not row["last_name"].isascii() for row in candidates)
    anonymized = [row for row in applications if row["is_anonymized"]]
    assert anonymized
    assert all(row["candidate"]["first_name"] == row["candidate"]["email"] == "" for row in anonymized)
    zones = {row["updated_at"]["timezone"]: row["updated_at"]["date-time"] for row in candidates}
    assert zones["UTC"].endswith("Z")
    assert zones["Europe/Berlin"].endswith(("+01:00", "+02:00"))
    assert all(value is not None for row in jobs + candidates + applications for value in row.values())
    assert all(row["email"].endswith("@example.com") for row in candidates if row["email"])


def test_links_begin_with_the_address_the_caller_used(client: httpx.Client) -> None:
    response = client.get(f"{RECRUITING}/jobs?limit=1", headers={"Host": "ats.test:8080"}).json()
    links = response["_meta"]["links"]
    assert links["self"]["href"] == "http://ats.test:8080/v2/recruiting/jobs"
    assert links["next"]["href"].startswith("http://ats.test:8080/v2/recruiting/jobs?cursor=")
    assert response["_data"][0]["_meta"]["links"]["self"]["href"].startswith("http://ats.test:8080/v2/")


@pytest.mark.parametrize("path", ["/v2/recruiting/jobs", "/v2/recruiting/jobs/1", "/v2/nothing", "/v2/auth/token"])
def test_every_answer_tells_the_rate_budget(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers
    for name in ("remaining", "replenish-rate", "burst-capacity", "requested-tokens"):
        assert headers[f"x-ratelimit-{name}"].isdecimal()


def test_spent_budget_is_a_429_without_body_and_without_retry_after() -> None:
    options = {"burst_capacity": "3", "replenish_rate": "1"}
    with start_sandbox("personio", size=100, options=options) as sandbox, connect(sandbox) as client:
        answers = [client.get(f"{RECRUITING}/jobs") for _ in range(5)]
        assert [answer.status_code for answer in answers][:4] == [200, 200, 200, 429]
        refused = answers[3]
        assert (refused.content, refused.headers["x-ratelimit-remaining"]) == (b"", "0")
        assert "retry-after" not in refused.headers
        assert client.get(f"{RECRUITING}/candidates").status_code == 200  # a budget of its own
        client.post("/_sandbox/clock", json={"advance_seconds": 10})
        assert client.get(f"{RECRUITING}/jobs").status_code == 200


def test_beta_header_is_needed_only_where_the_mode_says_so(client: httpx.Client) -> None:
    for headers in ({}, {"Beta": "true"}, {"Beta": "no"}):
        assert client.get(f"{RECRUITING}/jobs", headers=headers).status_code == 200
    options = {"mode": "beta-required"}
    with start_sandbox("personio", size=100, options=options) as sandbox, connect(sandbox) as before:
        response = before.get(f"{RECRUITING}/jobs")
        assert response.status_code == 404
        assert response.json()["errors"][0]["type"].endswith("#apinot_found")
        assert before.get(f"{RECRUITING}/jobs", headers={"Beta": "true"}).status_code == 200
        assert before.get("/v2/persons").status_code == 200


def test_candidate_times_can_be_plain_text() -> None:
    with (
        start_sandbox("personio", size=100, options={"candidate_times": "text"}) as sandbox,
        connect(sandbox) as client,
    ):
        rows = walk(client, "candidates")
        assert all(isinstance(row[name], str) for row in rows for name in ("created_at", "updated_at"))
        assert isinstance(walk(client, "applications")[0]["created_at"], dict)
        changed = client.patch(f"/_sandbox/rows/candidates/{rows[0]['id']}", json={"phone": "+49 30 23125 001"})
        assert isinstance(changed.json()["updated_at"], str)


def test_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    pages = []
    for seed in (3, 3, 4):
        with start_sandbox("personio", size=300, seed=seed) as sandbox, connect(sandbox, Host="ats.test") as client:
            pages.append([client.get(f"{RECRUITING}/{stream}?limit=200").content for stream in COUNTS])
    assert pages[0] == pages[1]
    assert pages[0] != pages[2]


@pytest.mark.skipif(sys.platform == "win32", reason="resource is not there")
def test_a_million_candidates_start_at_once_and_any_page_is_right() -> None:
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with start_sandbox("personio", size=1_000_000) as sandbox, connect(sandbox) as client:
        assert time.monotonic() - began < 3
        counts = client.get("/_sandbox/streams").json()
        assert counts["candidates"]["rows"] == 1_000_000
        assert counts["applications"]["rows"] == 1_500_000
        assert counts["jobs"]["rows"] == 5000
        moment = "2024-03-01T12:00:00Z"
        page = client.get(f"{RECRUITING}/candidates", params={"updated_at.lt": moment, "limit": 200}).json()
        rows = page["_data"] + client.get(page["_meta"]["links"]["next"]["href"]).json()["_data"]
        moments = [read_moment(row["updated_at"]) for row in rows]
        assert moments == sorted(moments, reverse=True)
        assert moments[0] < read_moment(moment)
        assert len({row["id"] for row in rows}) == 400
        # The same stretch from the other side: nothing lies between the page's rows and the filter.
        newer = client.get(f"{RECRUITING}/candidates", params={"updated_at.gt": moments[0].isoformat()}).json()
        assert newer["_data"]
        assert client.get(f"{RECRUITING}/candidates/{rows[0]['id']}").json() == rows[0]
        if rows[0]["email"]:
            found = client.get(f"{RECRUITING}/candidates", params={"email": rows[0]["email"]}).json()
            assert [row["id"] for row in found["_data"]] == [rows[0]["id"]]
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * (1 if sys.platform == "darwin" else 1024) < 60_000_000


@pytest.mark.parametrize(
    ("query", "count"), [("", 10), ("?limit=50", 20), ("?status=ACTIVE&limit=50", None), ("?id=98765,3003", 2)]
)
def test_persons_are_listed_by_the_documented_filters(client: httpx.Client, query: str, count: int | None) -> None:
    rows = client.get(f"/v2/persons{query}").raise_for_status().json()["_data"]
    assert count is None or len(rows) == count
    assert "status" not in query or {row["status"] for row in rows} == {"ACTIVE"}


@pytest.mark.parametrize("query", ["limit=51", "status=GONE", "created_at.gt=now", "email.like=x", "limit=0"])
def test_bad_person_parameters_are_refused(client: httpx.Client, query: str) -> None:
    assert client.get(f"/v2/persons?{query}").status_code == 400


def test_hiring_teams_name_persons_that_exist(client: httpx.Client) -> None:
    links = {
        member["person"]["_meta"]["links"]["self"]["href"]
        for row in walk(client, "jobs") + walk(client, "applications")
        for member in row.get("hiring_team", ())
    }
    assert links
    assert all(client.get(link).status_code == 200 for link in links)


PERSON_FIELDS = {
    "id", "email", "created_at", "updated_at", "first_name", "last_name", "preferred_name", "gender", "profile_picture",
    "status", "custom_attributes", "employments", "_meta",
}  # fmt: skip
EMPLOYMENT_FIELDS = {
    "id", "position", "status", "weekly_working_hours", "full_time_weekly_working_hours", "probation_end_date",
    "employment_start_date", "type", "created_at", "updated_at", "supervisor", "office", "org_units", "person",
    "termination", "cost_centers", "legal_entity", "job", "sub_company", "_meta",
}  # fmt: skip


def test_persons_and_employments_have_every_field_the_vendors_description_names(client: httpx.Client) -> None:
    persons = client.get("/v2/persons?limit=50").json()["_data"]
    assert {frozenset(person) for person in persons} == {frozenset(PERSON_FIELDS)}
    ended = set()
    for person in persons:
        assert set(person["profile_picture"]) == {"url"}
        [attribute] = person["custom_attributes"]
        assert set(attribute) == {"id", "type", "global_id", "label", "value"}
        for row in client.get(f"/v2/persons/{person['id']}/employments").json()["_data"]:
            ended |= set(row) - EMPLOYMENT_FIELDS
            assert set(row) >= EMPLOYMENT_FIELDS
            is_over = row["status"] == "INACTIVE"
            assert (
                is_over
                == ({"employment_end_date", "contract_end_date"} <= set(row))
                == ("reason" in row["termination"])
            )
    assert ended == {"employment_end_date", "contract_end_date"}
