"""A vendor's webhooks from one process to the other: the emulator reports, `unihire serve` takes it and reads again."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from testbed.command import Command, end, find_free_port, read_json_line
from testbed.databases import make_place
from testbed.harvest import ask_for_token
from unihire.sandbox.runner import Ready
from unihire.store.embedded.server import EmbeddedServer

CANDIDATES = "/api/ats/v1/candidates"
SOON = 30.0


@pytest.fixture(scope="module")
def command() -> Iterator[Command]:
    with make_place() as place, EmbeddedServer(place / "home"):
        port = find_free_port()
        yield Command(place / "home", UNIHIRE_PORT=port, UNIHIRE_PUBLIC_URL=f"http://127.0.0.1:{port}")


@pytest.fixture(scope="module")
def vendor(command: Command) -> Iterator[dict[str, Any]]:
    with command.start("sandbox", "greenhouse", "--json", "--size", "100") as process:
        yield read_json_line(process)


@pytest.fixture(scope="module")
def made(command: Command, vendor: dict[str, Any]) -> dict[str, Any]:
    """A connector, synced, and a key that reads it."""
    given = {"client_id": vendor["client_id"], "client_secret": vendor["client_secret"]}
    credentials = {f"UNIHIRE_GREENHOUSE_{name.upper()}": value for name, value in given.items()}
    connector: dict[str, Any] = command.ask(
        "connect", "greenhouse", "--customer", "Example Ltd", "--base-url", vendor["base_url"], **credentials
    )
    command.run("sync", connector["connector_id"])
    return {**connector, "key": command.ask("keys", "create", "--name", "reader")["key"]}


@pytest.fixture
def api(vendor: dict[str, Any]) -> Iterator[httpx.Client]:
    """The emulator's API, as its customer's users change things."""
    token = ask_for_token(msgspec.convert(vendor, Ready)).raise_for_status().json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"{vendor['base_url']}/v3", headers=headers) as client:
        yield client


def rename(api: httpx.Client, id: str, name: str) -> None:
    api.patch(f"/candidates/{id}", json={"first_name": name}).raise_for_status()


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    give_up_at = time.monotonic() + SOON
    while not is_so():
        assert time.monotonic() < give_up_at, what
        time.sleep(0.02)


def open_reader(base_url: str, made: dict[str, Any]) -> httpx.Client:
    headers = {"Authorization": f"Bearer {made['key']}", "X-Connector-Token": made["connector_token"]}
    return httpx.Client(base_url=base_url, headers=headers)


def read_names(reader: httpx.Client, remote_id: str) -> list[str | None]:
    found = reader.get(CANDIDATES, params={"remote_id": remote_id}).raise_for_status()
    return [item["first_name"] for item in found.json()["items"]]


def test_what_a_vendor_reports_is_readable_soon_also_where_the_service_was_killed_over_it(
    command: Command, vendor: dict[str, Any], api: httpx.Client, made: dict[str, Any]
) -> None:
    hook = command.ask("hooks", "open", made["connector_id"])
    assert hook["url"].startswith(f"{command.environment['UNIHIRE_PUBLIC_URL']}/hooks/greenhouse/")
    assert len(hook["events"]) == 29
    with command.start("serve", "--json") as process, open_reader(read_json_line(process)["base_url"], made) as reader:
        ids = [item["remote_id"] for item in reader.get(CANDIDATES, params={"page_size": 3}).json()["items"]]
        receiver = {"url": hook["url"], "secret": hook["secret"]}
        assert httpx.post(f"{vendor['control_url']}receivers", json=receiver).json()["enabled"] is True  # by its ping
        rename(api, ids[0], "Renamed")
        wait_until(lambda: read_names(reader, ids[0]) == ["Renamed"], "the change is readable")
        api.delete(f"/candidates/{ids[1]}").raise_for_status()
        wait_until(lambda: read_names(reader, ids[1]) == [], "the deletion is readable")
        (listed,) = command.ask("hooks")
        assert listed["has_secret"] is True
        assert listed["latest_delivery_at"] is not None

        assert end(process, signal.SIGTERM)[0] == 0
    # Taken by a process that only serves, which is killed; another one reads what was written down.
    with command.start("serve", "--json", "--no-worker") as process:
        read_json_line(process)
        rename(api, ids[2], "After the kill")
        wait_until(lambda: command.ask("hooks")[0]["rows_to_read"] > 0, "the delivery is written down")
        process.kill()
    with command.start("serve", "--json") as process, open_reader(read_json_line(process)["base_url"], made) as reader:
        wait_until(lambda: read_names(reader, ids[2]) == ["After the kill"], "what was written down is read")
        wait_until(lambda: command.ask("hooks")[0]["rows_to_read"] == 0, "nothing waits")


def test_hook_is_changed_and_closed_by_command(command: Command, made: dict[str, Any], tmp_path: Path) -> None:
    id = made["connector_id"]
    assert "has a hook" in command.run("hooks", "open", id, code=3).stderr
    shown = command.run("hooks", "show", id[:8]).stdout
    assert "What the customer does" in shown
    first = command.ask("hooks", "secret", id)["secret"]
    own = tmp_path / "secret"
    own.write_text("chosen by the operator\n")
    said = command.run("hooks", "secret", id, "--secret-file", str(own), "--only")
    assert "chosen" not in said.stdout + said.stderr
    replaced = command.ask("hooks", "replace", id, "--old-valid-for", "0")
    assert replaced["old_valid_for"] == "0s"
    assert first not in json.dumps(command.ask("hooks", "show", id))
    assert "partners alone" in command.run("hooks", "replace", id, "--by-api", code=3).stderr.replace("\n", " ")
    assert command.ask("hooks", "close", id)["closed"] is True
    assert command.ask("hooks") == []
    assert "has no hook" in command.run("hooks", "show", id, code=3).stderr
    assert "UNIHIRE_PUBLIC_URL" in command.run("hooks", "open", id, code=3, UNIHIRE_PUBLIC_URL="").stderr


def test_vendor_that_reports_nothing_says_what_to_do_instead(command: Command) -> None:
    given = {"UNIHIRE_PERSONIO_CLIENT_ID": "a", "UNIHIRE_PERSONIO_CLIENT_SECRET": "b"}
    other = command.ask("connect", "personio", "--customer", "Other Ltd", "--no-check", **given)
    said = command.run("hooks", "open", other["connector_id"], code=3).stderr
    assert "unihire schedule" in " ".join(said.split())
