"""The Greenhouse emulator's webhooks: signed over the bytes that are sent, tried again on the documented schedule."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from testbed.harvest import Row, ask_for_token, connect_harvest, serve_harvest, walk
from unihire.integrations.greenhouse.emulator.webhooks.changes import CREATED, DELETED, UPDATED
from unihire.integrations.greenhouse.emulator.webhooks.messages import EVENTS
from unihire.sandbox.runner import RunningSandbox

SECRET = "made-up secret"
SHAPES: dict[str, list[str]] = json.loads(
    Path(__file__).with_name("test_greenhouse_emulator_webhooks.json").read_text()
)


@dataclass
class Inbox:
    """What arrived, and the status to answer with."""

    url: str
    status: int = 200
    messages: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def get(self, action: str) -> Row:
        """The payload of the last message of this kind, once it is there."""
        for _ in range(100):
            for _, body in reversed(list(self.messages)):
                message: Row = json.loads(body)
                if message["action"] == action:
                    assert set(message) == {"action", "payload"}
                    payload: Row = message["payload"]
                    return payload
            time.sleep(0.05)
        raise AssertionError(f"no {action} in {[json.loads(body)['action'] for _, body in self.messages]}")


@contextmanager
def listen() -> Iterator[Inbox]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            inbox.messages.append(({name.lower(): text for name, text in self.headers.items()}, body))
            self.send_response(inbox.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    inbox = Inbox(f"http://127.0.0.1:{server.server_port}/hook")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield inbox
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with listen() as made:
        yield made


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with serve_harvest(size=200, seed=3) as running:
        yield running


@pytest.fixture
def client(sandbox: RunningSandbox) -> Iterator[httpx.Client]:
    with connect_harvest(sandbox) as connected:
        yield connected


def register(sandbox: RunningSandbox, inbox: Inbox, *events: str, **more: str) -> Row:
    body = {"url": inbox.url, "secret": SECRET, "events": list(events), **more}
    answer = httpx.post(f"{sandbox.ready.control_url}receivers", json=body)
    assert answer.status_code == 200, answer.text
    receiver: Row = answer.json()
    return receiver


def list_deliveries(sandbox: RunningSandbox, *, run: bool = False) -> list[Row]:
    if run:
        httpx.post(f"{sandbox.ready.control_url}deliveries/run").raise_for_status()
    deliveries: list[Row] = httpx.get(f"{sandbox.ready.control_url}deliveries").json()
    return deliveries


def test_setting_up_sends_a_ping(sandbox: RunningSandbox, inbox: Inbox) -> None:
    receiver = register(sandbox, inbox, "hire_candidate", name="Mine")
    ping = inbox.get("ping")
    assert receiver["enabled"] is True
    assert receiver["secret"] != SECRET
    assert set(ping) == {
        "active",
        "created_at",
        "web_hook_id",
        "name",
        "endpoint_url",
        "content-type",
        "updated_at",
        "event",
    }
    assert (ping["name"], ping["content-type"], ping["event"]) == ("Mine", "hire_candidate", "Candidate has been hired")


def test_receiver_that_refuses_the_ping_is_disabled_until_switched_on(
    sandbox: RunningSandbox, client: httpx.Client, inbox: Inbox
) -> None:
    inbox.status = 500
    receiver = register(sandbox, inbox)
    assert receiver["enabled"] is False
    inbox.status = 200
    number = client.get("/candidates").json()[0]["id"]
    client.patch(f"/candidates/{number}", json={"title": "One"})
    control = f"{sandbox.ready.control_url}receivers/{receiver['id']}"
    assert httpx.patch(control, json={"enabled": True}).json()[0]["enabled"] is True
    client.patch(f"/candidates/{number}", json={"title": "Two"})
    assert inbox.get("update_candidate")["candidate"]["title"] == "Two"
    assert [row["event"] for row in list_deliveries(sandbox)] == ["ping", "update_candidate"]
    assert httpx.delete(control).json() == []


def test_signature_covers_the_bytes_as_they_are_sent(
    sandbox: RunningSandbox, client: httpx.Client, inbox: Inbox
) -> None:
    register(sandbox, inbox, "update_candidate", user="ann", password="secret")
    number = client.get("/candidates").json()[0]["id"]
    client.patch(f"/candidates/{number}", json={"first_name": "Zoë <b>"})
    assert inbox.get("update_candidate")["candidate"]["first_name"] == "Zoë <b>"
    headers, body = inbox.messages[-1]
    assert headers["signature"] == "sha256 " + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert b"Zo\\u00eb \\u003cb\\u003e" in body
    assert headers["content-type"] == "application/json"
    assert headers["authorization"].startswith("Basic ")
    ids = [one["greenhouse-event-id"] for one, _ in inbox.messages]
    assert len(set(ids)) == 2


def test_seven_attempts_are_made_at_the_documented_times(
    sandbox: RunningSandbox, client: httpx.Client, inbox: Inbox
) -> None:
    register(sandbox, inbox, "update_candidate")
    inbox.status = 503
    number = client.get("/candidates").json()[0]["id"]
    client.patch(f"/candidates/{number}", json={"title": "One"})
    for minutes in (0, 1, 15, 60, 120, 240, 480):
        waiting = list_deliveries(sandbox, run=True)[-1]
        made = len(waiting["attempts"])
        sandbox.app.clock.advance(timedelta(minutes=minutes) - timedelta(seconds=5))
        if minutes:
            assert len(list_deliveries(sandbox, run=True)[-1]["attempts"]) == made
        sandbox.app.clock.advance(timedelta(seconds=6))
        assert len(list_deliveries(sandbox, run=True)[-1]["attempts"]) == made + bool(minutes)
    given_up = list_deliveries(sandbox, run=True)[-1]
    assert (given_up["state"], len(given_up["attempts"])) == ("given up", 7)
    assert len({one["greenhouse-event-id"] for one, _ in inbox.messages[1:]}) == 1
    sandbox.app.clock.advance(timedelta(days=2))
    assert len(list_deliveries(sandbox, run=True)[-1]["attempts"]) == 7


def test_only_a_plain_200_ends_the_attempts(sandbox: RunningSandbox, client: httpx.Client, inbox: Inbox) -> None:
    register(sandbox, inbox, "update_candidate")
    inbox.status = 204
    number = client.get("/candidates").json()[0]["id"]
    client.patch(f"/candidates/{number}", json={"title": "One"})
    assert list_deliveries(sandbox, run=True)[-1]["state"] == "waiting"
    inbox.status = 200
    sandbox.app.clock.advance(timedelta(seconds=61))
    assert list_deliveries(sandbox, run=True)[-1]["state"] == "delivered"


def test_receivers_are_on_this_machine_and_events_known(sandbox: RunningSandbox) -> None:
    control = f"{sandbox.ready.control_url}receivers"
    for body in (
        {"url": "https://hooks.example.com/", "secret": "x"},
        {"url": "ftp://127.0.0.1/", "secret": "x"},
        {"url": "http://127.0.0.1:1/", "secret": "x", "events": ["nonsense"]},
        {"url": "http://127.0.0.1:1/"},
        {"url": "http://127.0.0.1:1/", "secret": 5},
    ):
        assert httpx.post(control, json=body).status_code == 400, body
    assert httpx.delete(f"{control}/77").status_code == 404
    assert httpx.post(f"{sandbox.ready.control_url}deliveries/now").status_code == 404


def list_paths(value: Any, prefix: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield prefix + name
            if name != "custom_fields":
                yield from list_paths(inner, f"{prefix}{name}.")
    elif isinstance(value, list) and value:
        yield from list_paths(value[0], f"{prefix[:-1]}[].")


Act = Callable[[httpx.Client], Any]


def pick(client: httpx.Client, name: str, **query: str) -> int:
    number: int = client.get(f"/{name}", params={"per_page": 1, **query}).raise_for_status().json()[0]["id"]
    return number


def pick_active(client: httpx.Client) -> Row:
    row: Row = next(
        row for row in walk(client, "applications", status="active", prospect="false") if row["stage_name"] != "Offer"
    )
    return row


def reject(client: httpx.Client) -> httpx.Response:
    reason = pick(client, "rejection_reasons")
    return client.post(f"/applications/{pick_active(client)['id']}/reject", json={"rejection_reason_id": reason})


def unreject(client: httpx.Client) -> httpx.Response:
    return client.post(f"/applications/{pick(client, 'applications', status='rejected')}/unreject")


def move(client: httpx.Client) -> httpx.Response:
    row = pick_active(client)
    return client.post(f"/applications/{row['id']}/move", json={"from_stage_id": row["job_interview_stage_id"]})


def hire(client: httpx.Client) -> httpx.Response:
    offer = next(row for row in walk(client, "offers", status="Created") if row["opening_id"])
    return client.post(f"/applications/{offer['application_id']}/hire", json={})


def apply(client: httpx.Client, **more: Any) -> httpx.Response:
    job = pick(client, "jobs", status="open")
    where = {"job_ids": [job]} if more else {"job_id": job}
    body = {"candidate_id": pick(client, "candidates"), **where, **more}
    return client.post("/applications", json=body)


def merge(client: httpx.Client) -> httpx.Response:
    one, other = (row["id"] for row in walk(client, "candidates")[:2])
    return client.post(f"/candidates/{one}/merge", json={"secondary_candidate_id": other})


ACTS: dict[str, Act] = {
    "new_candidate_application": apply,
    "new_prospect_application": lambda client: apply(client, prospect=True),
    "application_updated": lambda client: client.patch(f"/applications/{pick(client, 'applications')}", json={}),
    "delete_application": lambda client: client.delete(f"/applications/{pick(client, 'applications')}"),
    "candidate_stage_change": move,
    "hire_candidate": hire,
    "reject_candidate": reject,
    "unreject_candidate": unreject,
    "update_candidate": lambda client: client.patch(f"/candidates/{pick(client, 'candidates')}", json={"title": "x"}),
    "delete_candidate": lambda client: client.delete(f"/candidates/{pick(client, 'candidates')}"),
    "merge_candidate": merge,
    "candidate_anonymized": lambda client: client.patch(
        f"/candidates/{pick(client, 'candidates')}/anonymize", json={"fields": ["full_name"]}
    ),
    "offer_created": lambda client: client.post(
        "/offers", json={"application_id": pick_active(client)["id"], "starts_on": "2027-01-01"}
    ),
    "offer_updated": lambda client: client.patch(
        f"/offers/{pick(client, 'offers')}", json={"starts_on": "2027-01-01", "sent_on": "2026-12-01"}
    ),
    "interview_deleted": lambda client: client.delete(f"/interviews/{pick(client, 'interviews')}"),
    "job_created": lambda client: client.post("/jobs", json={"template_job_id": pick(client, "jobs", status="open")}),
    "job_updated": lambda client: client.patch(f"/jobs/{pick(client, 'jobs')}", json={"name": "x"}),
    "job_post_created": lambda client: client.post("/job_posts", json={"job_id": pick(client, "jobs")}),
    "job_post_updated": lambda client: client.patch(f"/job_posts/{pick(client, 'job_posts')}", json={"title": "x"}),
}


Change = tuple[str, Row, Row | None]
"""A stream, fields of a row in it, and what it becomes over the control plane; None: it is deleted."""

APPROVED: Row = {"approval_status": "approved"}

CHANGES: dict[str, Change] = {
    "application_updated": ("applications", {"prospect": False}, {"location_address": "Here"}),
    "delete_application": ("applications", {}, None),
    "candidate_stage_change": ("applications", {"status": "in_process", "prospect": False}, {"stage_name": "Moved"}),
    "hire_candidate": ("applications", {"status": "in_process", "prospect": False}, {"status": "hired"}),
    "unhire_candidate": ("applications", {"status": "hired"}, {"status": "in_process"}),
    "reject_candidate": ("applications", {"status": "in_process"}, {"status": "rejected"}),
    "unreject_candidate": ("applications", {"status": "rejected"}, {"status": "in_process"}),
    "update_candidate": ("candidates", {}, {"title": "x"}),
    "delete_candidate": ("candidates", {}, None),
    "offer_approved": ("approval_flows", {"approval_status": "pending"}, APPROVED),
    "offer_updated": ("offers", {}, {"sent_on": "2026-12-01"}),
    "offer_deleted": ("offers", {}, None),
    "interview_deleted": ("interviews", {}, None),
    "scorecard_deleted": ("scorecards", {}, None),
    "job_updated": ("jobs", {}, {"notes": "x"}),
    "job_approved": (
        "approval_flows",
        {"approval_status": "pending", "offer_id": None},
        {"approval_status": "approved"},
    ),
    "job_deleted": ("jobs", {}, None),
    "job_post_updated": ("job_posts", {}, {"title": "x"}),
    "job_post_deleted": ("job_posts", {}, None),
    "job_interview_stage_deleted": ("job_interview_stages", {}, None),
    "department_deleted": ("departments", {}, None),
    "office_deleted": ("offices", {}, None),
}
MADE: dict[str, tuple[str, Row]] = {
    "new_candidate_application": ("applications", {"status": "in_process"}),
    "new_prospect_application": ("applications", {"status": "in_process", "prospect": True}),
    "offer_created": ("offers", {"status": "Created"}),
    "job_created": ("jobs", {"name": "New"}),
    "job_post_created": ("job_posts", {"title": "New"}),
}


def find_row(sandbox: RunningSandbox, event: str, stream: str, wanted: Row) -> int:
    emulator = sandbox.app.emulator
    offers = [row for _, row in emulator.streams["offers"].walk_latest()]  # type: ignore[attr-defined]
    with_offer = {row["application_id"] for row in offers}
    for number, row in emulator.streams[stream].walk_latest():  # type: ignore[attr-defined]
        if event == "offer_approved" and row["offer_id"] is None:
            continue
        if event in ("hire_candidate", "unhire_candidate") and number not in with_offer:
            continue
        if all(row[name] == value for name, value in wanted.items()):
            found: int = number
            return found
    raise AssertionError(f"no row of {stream} is {wanted}")


def change_over_control(sandbox: RunningSandbox, client: httpx.Client, event: str) -> httpx.Response:
    url = f"{sandbox.ready.control_url}rows/"
    if event in MADE:
        stream, fields = MADE[event]
        if stream == "applications":
            fields = {**fields, "candidate_id": pick(client, "candidates"), "job_id": pick(client, "jobs")}
        return httpx.post(url + stream, json=fields)
    stream, wanted, fields_then = CHANGES[event]
    number = find_row(sandbox, event, stream, wanted)
    if event == "candidate_stage_change":
        row = client.get("/applications", params={"ids": str(number)}).json()[0]
        stages = [one["id"] for one in walk(client, "job_interview_stages", job_ids=str(row["job_id"]))]
        fields_then = {"job_interview_stage_id": next(one for one in stages if one != row["job_interview_stage_id"])}
    if fields_then is None:
        return httpx.delete(f"{url}{stream}/{number}")
    return httpx.patch(f"{url}{stream}/{number}", json=fields_then)


@pytest.fixture(scope="module")
def heard_of_changes() -> Iterator[dict[str, Row]]:
    """Event → payload, after each change was made once over the control plane."""
    with serve_harvest(size=200, seed=3) as sandbox, connect_harvest(sandbox) as client, listen() as inbox:
        register(sandbox, inbox)
        found = {}
        for event in {**MADE, **CHANGES}:
            inbox.messages.clear()
            answer = change_over_control(sandbox, client, event)
            assert answer.is_success, (event, answer.text)
            found[event] = inbox.get(event)
            assert [json.loads(body)["action"] for _, body in inbox.messages] == [event]
        yield found


def test_every_event_is_sent_for_a_write_or_a_change_of_one_row() -> None:
    assert {*ACTS, *MADE, *CHANGES} == set(EVENTS)


@pytest.mark.parametrize("event", {**MADE, **CHANGES})
def test_change_over_the_control_plane_is_sent_as_the_vendor_documents(
    heard_of_changes: dict[str, Row], event: str
) -> None:
    check_shape(heard_of_changes, event)


def test_some_rows_that_change_are_a_message_each(sandbox: RunningSandbox, inbox: Inbox) -> None:
    register(sandbox, inbox, "update_candidate", "delete_candidate")
    url = f"{sandbox.ready.control_url}rows/candidates"
    assert httpx.patch(url, json={"count": 5}).json() == {"changed": 5}
    assert httpx.request("DELETE", url, json={"count": 3}).json() == {"deleted": 3}
    sent = [row["event"] for row in list_deliveries(sandbox, run=True)]
    assert sent == ["ping", *["update_candidate"] * 5, *["delete_candidate"] * 3]


def test_change_without_a_documented_event_sends_none(
    sandbox: RunningSandbox, client: httpx.Client, inbox: Inbox
) -> None:
    register(sandbox, inbox)
    url = f"{sandbox.ready.control_url}rows/"
    for stream, fields in (("notes", {"body": "x"}), ("jobs", {"requisition_id": "x"}), ("users", {"last_name": "x"})):
        httpx.patch(f"{url}{stream}/{pick(client, stream)}", json=fields).raise_for_status()
    httpx.post(f"{url}candidates", json={"first_name": "New"}).raise_for_status()
    assert [row["event"] for row in list_deliveries(sandbox)] == ["ping"]


def test_hire_without_an_offer_is_an_update_for_the_message_holds_one(
    sandbox: RunningSandbox, client: httpx.Client, inbox: Inbox
) -> None:
    register(sandbox, inbox)
    made = httpx.post(f"{sandbox.ready.control_url}rows/applications", json={"status": "in_process"}).json()["id"]
    httpx.patch(f"{sandbox.ready.control_url}rows/applications/{made}", json={"status": "hired"}).raise_for_status()
    inbox.get("application_updated")


@pytest.mark.parametrize("stream", ["departments", "offices"])
def test_branch_takes_all_below_it_along_in_the_message_even_in_a_circle(
    sandbox: RunningSandbox, inbox: Inbox, stream: str
) -> None:
    register(sandbox, inbox)
    url = f"{sandbox.ready.control_url}rows/{stream}"
    top, middle, low = (httpx.post(url, json={"name": name}).json()["id"] for name in ("Top", "Middle", "Low"))
    for one, parent in ((middle, top), (low, middle), (top, low)):
        httpx.patch(f"{url}/{one}", json={"parent_id": parent}).raise_for_status()
    httpx.delete(f"{url}/{top}").raise_for_status()
    (gone,) = inbox.get(f"{stream.removesuffix('s')}_deleted").values()
    assert gone["child_ids"] == [middle, low]


@pytest.mark.parametrize("odd", [7, "odd", [], {}, [{}], None])
def test_odd_rows_break_no_message(sandbox: RunningSandbox, inbox: Inbox, odd: Any) -> None:
    register(sandbox, inbox)
    emulator = sandbox.app.emulator
    for stream in sorted({*CREATED, *UPDATED, *DELETED, "approval_flows"}):
        number, row = next(emulator.streams[stream].walk_latest())  # type: ignore[attr-defined]
        url = f"{sandbox.ready.control_url}rows/{stream}/{number}"
        for name in row:
            if name not in ("id", "created_at", "updated_at"):
                assert httpx.patch(url, json={name: odd}).status_code == 200, (stream, name)
        assert httpx.delete(url).status_code == 200, stream


@pytest.fixture(scope="module")
def heard() -> Iterator[dict[str, Row]]:
    """Event → payload, after each act was done once."""
    with serve_harvest(size=200, seed=3) as sandbox, connect_harvest(sandbox) as client, listen() as inbox:
        register(sandbox, inbox)
        found = {}
        for event, act in ACTS.items():
            answer = act(client)
            assert answer.is_success, (event, answer.text)
            found[event] = inbox.get(event)
        yield found


@pytest.mark.parametrize("event", ACTS)
def test_payload_has_every_documented_member(heard: dict[str, Row], event: str) -> None:
    check_shape(heard, event)


def check_shape(heard: dict[str, Row], event: str) -> None:
    found = set(list_paths(heard[event]))
    # A member below an object that is null here, or a list that is empty, cannot be seen.
    for path in SHAPES[event]:
        parent = path.rpartition(".")[0]
        if parent in found or not parent or any(one.startswith(f"{parent}.") for one in found):
            assert path in found or _is_hollow(heard[event], parent), path


def _is_hollow(payload: Any, path: str) -> bool:
    """Whether the value at this path holds nothing."""
    for part in path.split(".") if path else []:
        payload = payload.get(part.removesuffix("[]")) if isinstance(payload, dict) else None
        if part.endswith("[]"):
            payload = payload[0] if payload else None
    return not payload


def test_payloads_speak_the_older_words(heard: dict[str, Row]) -> None:
    created = heard["new_candidate_application"]["application"]
    assert created["status"] == "active"
    assert created["current_stage"]["name"] == "Application Review"
    assert created["jobs"][0]["hiring_team"].keys() == {"hiring_managers", "recruiters", "coordinators", "sourcers"}
    assert "hiring_team" not in heard["new_prospect_application"]["application"]["jobs"][0]
    assert heard["reject_candidate"]["application"]["rejection_reason"]["type"].keys() == {"id", "name"}
    assert heard["offer_created"]["start_date"] == "01/01/2027"
    assert heard["merge_candidate"]["person"]["new_candidate_id"]
    assert isinstance(heard["delete_candidate"]["person"]["deleted_application_ids"], list)
    assert heard["candidate_anonymized"].keys() == {"candidate_id", "anonymized_fields"}


def test_partner_sets_up_webhooks_over_the_api(sandbox: RunningSandbox, inbox: Inbox) -> None:
    ready = sandbox.ready
    back = "https://partner.example.com/"
    asked = {"response_type": "code", "client_id": ready.client_id, "redirect_uri": back}
    location = httpx.get(f"{ready.base_url}/authorize", params=asked).headers["location"]
    code = httpx.URL(location).params["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back}
    token = ask_for_token(ready, **form).json()["access_token"]
    with httpx.Client(base_url=f"{ready.base_url}/v3", headers={"Authorization": f"Bearer {token}"}) as client:
        body = {"name": "Mine", "url": inbox.url, "event": "update_candidate", "secret": SECRET}
        hook = client.post("/webhooks", json=body).json()
        assert client.get("/webhooks").json() == [hook]
        candidate = pick(client, "candidates")
        client.patch(f"/candidates/{candidate}", json={"title": "One"})
        assert inbox.get("update_candidate")["candidate"]["title"] == "One"
        headers, sent = inbox.messages[-1]
        assert headers["signature"] == "sha256 " + hmac.new(SECRET.encode(), sent, hashlib.sha256).hexdigest()
        client.patch(f"/webhooks/{hook['id']}", json={"disabled": True})
        client.patch(f"/candidates/{candidate}", json={"title": "Two"})
        assert len(list_deliveries(sandbox, run=True)) == 1
        assert client.delete(f"/webhooks/{hook['id']}").status_code == 204
        outside = {**body, "url": "https://hooks.example.com/"}
        assert client.post("/webhooks", json=outside).status_code == 422
        assert client.get("/webhooks").json() == []


def test_merge_is_told_as_a_deletion_where_nobody_listens_for_merges(
    sandbox: RunningSandbox, client: httpx.Client, inbox: Inbox
) -> None:
    register(sandbox, inbox, "delete_candidate", "offer_deleted")
    merge(client)
    assert inbox.get("delete_candidate")["person"]["first_name"]
    offer = client.get("/offers").json()[0]
    fields = {"fields": ["all_offer_versions"]}
    client.patch(f"/candidates/{offer['candidate_id']}/anonymize", json=fields).raise_for_status()
    assert inbox.get("offer_deleted")["offer"]["offer_status"]
    assert walk(client, "offers", candidate_ids=offer["candidate_id"]) == []


def test_reset_forgets_receivers_and_deliveries(sandbox: RunningSandbox, inbox: Inbox) -> None:
    register(sandbox, inbox)
    httpx.post(f"{sandbox.ready.control_url}reset").raise_for_status()
    assert httpx.get(f"{sandbox.ready.control_url}receivers").json() == []
    assert list_deliveries(sandbox) == []
