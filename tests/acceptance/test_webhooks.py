"""Webhooks from the command to a receiver: `unihire serve` sends what a sync changes, a killed one too."""

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from testbed.command import Command, end, find_free_port, read_json_line
from testbed.databases import make_place
from unihire.store.embedded.server import EmbeddedServer

SOON = 60.0
"""Seconds; longer than a killed deliverer's lanes are its own: 30."""


@dataclass
class Arrivals:
    """What a receiver was sent: headers, and bodies as they came."""

    url: str = ""
    messages: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def list_ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.messages]

    def list_records(self) -> list[tuple[str, str]]:
        """What became of which record, in the order in which it was received, each message once."""
        known = {headers["webhook-id"]: json.loads(body) for headers, body in self.messages}
        return [
            (message["type"].removeprefix("record."), record["id"])
            for message in known.values()
            for record in message["data"].get("records", ())
        ]


@pytest.fixture
def arrivals() -> Iterator[Arrivals]:
    found = Arrivals()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            found.messages.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_address[1]}/events"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join(SOON)


@pytest.fixture(scope="module")
def command() -> Iterator[Command]:
    with make_place() as place, EmbeddedServer(place / "home"):
        yield Command(place / "home", UNIHIRE_PORT=find_free_port())


@pytest.fixture(scope="module")
def connector(command: Command) -> Iterator[str]:
    """A connector whose vendor runs; nothing is synced yet."""
    with command.start("sandbox", "personio", "--json", "--size", "300") as process:
        vendor = read_json_line(process)
        credentials = {f"UNIHIRE_PERSONIO_{name.upper()}": vendor[name] for name in ("client_id", "client_secret")}
        made = command.ask(
            "connect", "personio", "--customer", "Example Ltd", "--base-url", vendor["base_url"], **credentials
        )
        yield made["connector_id"]


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    give_up_at = time.monotonic() + SOON
    while not is_so():
        assert time.monotonic() < give_up_at, what
        time.sleep(0.02)


def list_logged(base_url: str, key: str) -> list[tuple[str, str]]:
    """The events of the environment, as the API lists them."""
    found: list[tuple[str, str]] = []
    cursor: dict[str, str] = {}
    with httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {key}"}) as api:
        while True:
            page: Any = api.get("/api/v1/events", params={"page_size": 200, **cursor}).raise_for_status().json()
            found += [(item["kind"], item["id"]) for item in page["items"]]
            cursor = {"cursor": page["cursor"]}
            if not page["more"]:
                return found


def test_what_a_sync_changes_arrives_signed_and_in_order_also_where_the_service_is_killed_over_it(
    command: Command, connector: str, arrivals: Arrivals
) -> None:
    made = command.ask("webhooks", "add", arrivals.url, "--name", "backend")
    key = command.ask("keys", "create", "--name", "reader")["key"]
    command.run("sync", connector)
    assert arrivals.messages == []
    with command.start("serve", "--json") as process:
        wait_until(lambda: len(arrivals.messages) >= 3, "the first messages")
        process.send_signal(signal.SIGKILL)
    with command.start("serve", "--json") as process:
        base_url = read_json_line(process)["base_url"]
        logged = list_logged(base_url, key)
        assert len(logged) > 300
        wait_until(lambda: len(set(arrivals.list_records())) >= len(set(logged)), "all records")
        assert arrivals.list_records() == logged
        end(process, signal.SIGTERM)
    for headers, body in arrivals.messages:
        Webhook(made["secret"]).verify(body, headers)


def test_webhook_is_tested_paused_resumed_changed_rotated_replayed_and_removed(
    command: Command, connector: str, arrivals: Arrivals
) -> None:
    before = {row["webhook_id"] for row in command.ask("webhooks")}
    made = command.ask("webhooks", "add", arrivals.url, "--event", "sync.finished", "--name", "runs")
    id = made["webhook_id"]
    tested = command.ask("webhooks", "test", id[:8])
    assert (tested["delivered"], tested["response_code"]) == (True, 204)
    assert arrivals.list_ids() == [tested["message_id"]]
    Webhook(made["secret"]).verify(arrivals.messages[0][1], arrivals.messages[0][0])
    command.run("webhooks", "change", id, "--name", "finished")
    command.run("webhooks", "pause", id)
    (row,) = [row for row in command.ask("webhooks") if row["webhook_id"] == id]
    assert (row["name"], row["is_enabled"], row["events"]) == ("finished", False, ["sync.finished"])
    command.run("webhooks", "resume", id)
    secret = command.ask("webhooks", "rotate", id, "--old-valid-for", "1h")["secret"]
    command.run("sync", connector)
    with command.start("serve", "--json") as process:
        read_json_line(process)
        wait_until(lambda: len(arrivals.messages) == 2, "the run that finished")
        headers, body = arrivals.messages[1]
        for one in (secret, made["secret"]):
            assert Webhook(one).verify(body, headers)["type"] == "sync.finished"
        command.run("webhooks", "replay", id, "--since", "2020-01-01T00:00:00Z")
        wait_until(lambda: len(arrivals.messages) >= 3, "the replay")
        end(process, signal.SIGTERM)
    logged = command.ask("webhooks", "deliveries", id)
    assert {row["response_code"] for row in logged} == {204}
    assert headers["webhook-id"] in {row["message_id"] for row in logged}
    command.run("webhooks", "remove", id)
    assert {row["webhook_id"] for row in command.ask("webhooks")} == before
    assert "no webhook begins with" in command.run("webhooks", "pause", id, code=3).stderr


def test_address_that_cannot_be_one_is_refused_in_a_sentence(command: Command) -> None:
    refused = command.run("webhooks", "add", "ftp://example.com", code=2).stderr
    assert "http(s)://host" in refused
    assert "there is no" in command.run("webhooks", "add", "https://example.com", "--event", "odd", code=2).stderr
