"""The Personio emulator misbehaves as asked, and its rows change as asked."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from unihire.sandbox.runner import RunningSandbox, start_sandbox

JOBS, CANDIDATES, APPLICATIONS = (f"/v2/recruiting/{stream}" for stream in ("jobs", "candidates", "applications"))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with start_sandbox("personio", size=300, seed=5) as running:
        yield running


@pytest.fixture
def client(sandbox: RunningSandbox) -> Iterator[httpx.Client]:
    """A signed-in client of a sandbox in its first state."""
    ready = sandbox.ready
    with httpx.Client(base_url=ready.base_url) as connected:
        connected.post("/_sandbox/reset").raise_for_status()
        sign_in(connected, ready.client_id, ready.client_secret)
        yield connected


def sign_in(client: httpx.Client, client_id: str, client_secret: str) -> None:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    client.headers["Authorization"] = f"Bearer {client.post('/v2/auth/token', data=form).json()['access_token']}"


def ask_fault(client: httpx.Client, word: str, **fields: Any) -> None:
    client.put("/_sandbox/faults", json=[{"word": word, **fields}]).raise_for_status()


def count_requests(client: httpx.Client) -> int:
    total: int = client.get("/_sandbox/requests").json()["total"]
    return total


def walk(client: httpx.Client, url: str) -> list[list[dict[str, Any]]]:
    """The pages of a walk that stops at a link it has seen."""
    pages, seen = [], set()
    following: str | None = url
    while following is not None and following not in seen:
        seen.add(following)
        page = client.get(following).raise_for_status().json()
        pages.append(page["_data"])
        following = page["_meta"]["links"].get("next", {}).get("href")
    return pages


def test_429_has_an_empty_body_and_ends_after_the_next_n(client: httpx.Client) -> None:
    ask_fault(client, "429", next=2)
    answers = [client.get(JOBS) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert (answers[0].content, answers[0].headers["x-ratelimit-remaining"]) == (b"", "0")
    assert "retry-after" not in answers[0].headers


def test_500_has_the_documented_body_and_keeps_to_its_path(client: httpx.Client) -> None:
    ask_fault(client, "500", path="/v2/recruiting/jobs")
    response = client.get(JOBS)
    assert response.status_code == 500
    assert response.json()["errors"][0]["type"].endswith("#common.internal_server_error")
    assert client.get(CANDIDATES).status_code == 200
    client.delete("/_sandbox/faults")
    assert client.get(JOBS).status_code == 200


def test_probability_strikes_the_same_requests_again(client: httpx.Client) -> None:
    runs = []
    for _ in range(2):
        ask_fault(client, "500", probability=0.3)
        runs.append([client.get(JOBS).status_code for _ in range(60)])
    assert runs[0] == runs[1]
    assert 5 < runs[0].count(500) < 35


def test_slow_answer_comes_late(client: httpx.Client) -> None:
    before = count_requests(client)
    ask_fault(client, "slow", seconds=0.3, next=1)
    with pytest.raises(httpx.ReadTimeout):
        client.get(JOBS, timeout=0.1)
    give_up_at = time.monotonic() + 30
    while count_requests(client) == before:  # on a busy machine it comes when nobody waits any more
        assert time.monotonic() < give_up_at
        time.sleep(0.01)
    assert client.get(JOBS, timeout=30).status_code == 200


def test_cut_body_is_shorter_than_announced(client: httpx.Client) -> None:
    ask_fault(client, "cut-body", next=1)
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(JOBS)
    assert client.get(JOBS).status_code == 200


def test_invalid_json_is_a_complete_answer(client: httpx.Client) -> None:
    ask_fault(client, "invalid-json", next=1)
    response = client.get(JOBS)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    with pytest.raises(ValueError):
        response.json()
    assert client.get(JOBS).json()


def test_token_expires_in_the_middle_of_a_walk(sandbox: RunningSandbox, client: httpx.Client) -> None:
    page = client.get(f"{CANDIDATES}?limit=50").json()
    ask_fault(client, "expired-token", next=1)
    following = page["_meta"]["links"]["next"]["href"]
    assert client.get(following).status_code == 401
    assert client.get(following).status_code == 401
    sign_in(client, sandbox.ready.client_id, sandbox.ready.client_secret)
    assert client.get(following).status_code == 200


def test_last_page_can_point_at_itself(client: httpx.Client) -> None:
    ask_fault(client, "self-next")
    pages = walk(client, f"{CANDIDATES}?limit=80")
    assert [len(page) for page in pages] == [80, 80, 80, 60]
    single = client.get(f"{JOBS}").json()["_meta"]["links"]
    assert single["next"] == single["self"]


def test_walk_can_end_in_an_empty_page(client: httpx.Client) -> None:
    ask_fault(client, "empty-page")
    assert [len(page) for page in walk(client, f"{CANDIDATES}?limit=80")] == [80, 80, 80, 60, 0]


def test_rows_change_while_a_walk_goes_on(client: httpx.Client) -> None:
    ask_fault(client, "update-row", path=CANDIDATES)
    rows = [row["id"] for page in walk(client, f"{CANDIDATES}?limit=20") for row in page]
    counts = client.get("/_sandbox/streams").json()["candidates"]
    assert counts["changed"] >= 15
    assert counts["rows"] == 300
    # A changed row moves to the front: one that lay ahead is not met again, none comes twice.
    assert len(rows) == len(set(rows)) < 300


def test_rows_disappear_while_a_walk_goes_on(client: httpx.Client) -> None:
    ask_fault(client, "delete-row", path=CANDIDATES)
    walk(client, f"{CANDIDATES}?limit=20")
    counts = client.get("/_sandbox/streams").json()["candidates"]
    assert counts["rows"] == 300 - counts["deleted"] < 300


def test_changed_row_moves_to_the_front(sandbox: RunningSandbox, client: httpx.Client) -> None:
    last = walk(client, f"{CANDIDATES}?limit=200")[-1][-1]
    client.post("/_sandbox/clock", json={"set": "2027-05-01T10:00:00Z"})
    sign_in(client, sandbox.ready.client_id, sandbox.ready.client_secret)  # the clock left the token behind
    client.patch(f"/_sandbox/rows/candidates/{last['id']}", json={"first_name": "Renamed", "phone": None})
    first = client.get(f"{CANDIDATES}?limit=1").json()["_data"][0]
    assert (first["id"], first["first_name"]) == (last["id"], "Renamed")
    assert "phone" not in first
    assert first["updated_at"] == {"date-time": "2027-05-01T10:00:00Z", "timezone": "UTC"}
    assert first["created_at"] == last["created_at"]
    assert client.get(f"{CANDIDATES}/{last['id']}").json() == first
    newer = client.get(f"{CANDIDATES}?updated_at.gt=2027-04-30T00:00:00Z").json()["_data"]
    assert [row["id"] for row in newer] == [last["id"]]
    application = last["applications"][0]["id"]
    assert client.get(f"{APPLICATIONS}/{application}").json()["candidate"]["first_name"] == "Renamed"


def test_changed_email_is_found_by_the_new_address_only(client: httpx.Client) -> None:
    row = next(row for row in client.get(CANDIDATES).json()["_data"] if row["email"] and "applications" in row)
    client.patch(f"/_sandbox/rows/candidates/{row['id']}", json={"email": "new@example.com"})

    def find(url: str) -> list[str]:
        return [found["id"] for found in client.get(url).json()["_data"]]

    assert find(f"{CANDIDATES}?email=new@example.com") == [row["id"]]
    assert find(f"{CANDIDATES}?email={row['email']}") == []
    assert set(find(f"{APPLICATIONS}?candidate.email=new@example.com")) == {ref["id"] for ref in row["applications"]}


def test_moved_application_gets_a_transition(client: httpx.Client) -> None:
    row = client.get(APPLICATIONS).json()["_data"][0]
    path = f"{APPLICATIONS}/{row['id']}/stage-transitions"
    before = client.get(path).json()["_data"]
    stage = {"id": "77", "kind": "CUSTOM", "name": "Coffee", "type": "A_NEW_WORD"}
    client.patch(f"/_sandbox/rows/applications/{row['id']}", json={"current_stage": stage}).raise_for_status()
    client.patch(f"/_sandbox/rows/applications/{row['id']}", json={"is_anonymized": True}).raise_for_status()
    after = client.get(path).json()["_data"]
    assert after[0]["stage"] == stage
    assert after[1:] == before


def test_created_application_joins_its_candidate_and_job(client: httpx.Client) -> None:
    created = client.post(
        "/_sandbox/rows/candidates", json={"first_name": "A", "last_name": "B", "email": "a@example.com"}
    )
    candidate = created.json()["id"]
    fields = {"candidate": {"id": candidate}, "job": {"id": "495039"}}
    application = client.post("/_sandbox/rows/applications", json=fields).json()["id"]
    row = client.get(f"{APPLICATIONS}/{application}").json()
    assert (row["candidate"]["email"], row["job"]["name"]) == ("a@example.com", "Software Developer")
    assert client.get(f"{CANDIDATES}/{candidate}").json()["applications"][0]["id"] == application
    assert len(client.get(f"{APPLICATIONS}/{application}/stage-transitions").json()["_data"]) == 1
    assert client.get(f"{CANDIDATES}?limit=1").json()["_data"][0]["id"] == candidate


def test_deleted_row_is_gone_everywhere(client: httpx.Client) -> None:
    row = client.get(APPLICATIONS).json()["_data"][0]
    assert client.delete(f"/_sandbox/rows/applications/{row['id']}").json() == {"deleted": 1}
    assert client.get(f"{APPLICATIONS}/{row['id']}").status_code == 404
    assert client.get(f"{APPLICATIONS}/{row['id']}/stage-transitions").status_code == 404
    assert row["id"] not in {other["id"] for page in walk(client, APPLICATIONS) for other in page}
    candidate = client.get(f"{CANDIDATES}/{row['candidate']['id']}").json()
    assert row["id"] not in {ref["id"] for ref in candidate.get("applications", ())}
    assert client.delete(f"/_sandbox/rows/applications/{row['id']}").status_code == 404


@pytest.mark.parametrize("stream", ["jobs", "candidates", "applications", "categories", "persons"])
def test_a_share_of_any_stream_can_be_changed_at_once(client: httpx.Client, stream: str) -> None:
    assert client.patch(f"/_sandbox/rows/{stream}", json={"count": 3}).json() == {"changed": 3}
    counts = client.get("/_sandbox/streams").json()[stream]
    assert counts["changed"] == 3
    client.post("/_sandbox/reset")
    assert client.get("/_sandbox/streams").json()[stream] == {**counts, "changed": 0}


@pytest.mark.parametrize(
    ("stream", "fields"),
    [
        ("candidates", {"email": None}),
        ("candidates", {"id": "1"}),
        ("candidates", {"updated_at": "now"}),
        ("applications", {"candidate": "495039"}),
        ("jobs", {"hiring_team": "me"}),
        ("jobs", {"name": 5}),
        ("jobs", {"_secret": 5}),
    ],
)
def test_fields_that_do_not_fit_are_refused_in_words(client: httpx.Client, stream: str, fields: dict[str, Any]) -> None:
    response = client.patch(f"/_sandbox/rows/{stream}/495039", json=fields)
    assert response.status_code == 400
    assert response.json()["error"]


def test_requests_are_counted_by_path_and_status(client: httpx.Client) -> None:
    client.delete("/_sandbox/requests")
    ask_fault(client, "429", next=1)
    for url in (JOBS, JOBS, f"{JOBS}/495039", f"{JOBS}/nothing"):
        client.get(url)
    report = client.get("/_sandbox/requests").json()
    assert report["by_route"] == {
        "GET /v2/recruiting/jobs": {"200": 1, "429": 1},
        "GET /v2/recruiting/jobs/{id}": {"200": 1, "404": 1},
    }
    assert report["by_status"] == {"200": 2, "404": 1, "429": 1}
    assert report["last"][0]["faults"] == ["429"]
