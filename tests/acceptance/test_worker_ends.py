"""`unihire serve` and `unihire worker` told to end with a run under way: the next one goes on with it."""

import signal
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from testbed.command import BETWEEN_LOOKS, PATIENCE, Command, end, read_json_line
from testbed.databases import make_place
from unihire.store.embedded.server import EmbeddedServer


@pytest.fixture(scope="module")
def command() -> Iterator[Command]:
    with make_place() as place, EmbeddedServer(place / "home"):
        yield Command(place / "home")


@pytest.fixture(scope="module")
def vendor(command: Command) -> Iterator[dict[str, Any]]:
    with command.start("sandbox", "personio", "--json", "--size", "200") as process:
        yield read_json_line(process)


def set_faults(vendor: dict[str, Any], *faults: dict[str, Any]) -> None:
    httpx.put(f"{vendor['control_url']}faults", json=faults).raise_for_status()


def count_calls(vendor: dict[str, Any]) -> int:
    total: int = httpx.get(f"{vendor['control_url']}requests").json()["total"]
    return total


@pytest.mark.parametrize(
    ("program", "seconds"),
    [(("serve", "--port", "0"), 0.2), (("worker",), 4.5)],
    ids=["serve, quick pages", "worker, pages longer than an ending may take"],
)
def test_what_is_under_way_when_a_service_is_told_to_end_is_gone_on_with_by_the_next(
    command: Command, vendor: dict[str, Any], program: tuple[str, ...], seconds: float
) -> None:
    credentials = {f"UNIHIRE_PERSONIO_{name.upper()}": vendor[name] for name in ("client_id", "client_secret")}
    connected = command.ask(
        *("connect", "personio", "--customer", program[0], "--base-url", vendor["base_url"]), **credentials
    )
    set_faults(vendor, {"word": "slow", "seconds": seconds, "path": "/v2/recruiting/*"})
    before = count_calls(vendor)
    with command.start(*program, "--json") as process:
        read_json_line(process)
        while count_calls(vendor) < before + 3:
            time.sleep(0.02)
        assert end(process, signal.SIGTERM)[0] == 0
    set_faults(vendor)
    assert find_run(command, connected)["status"] in ("running", "queued")
    with command.start("worker", "--json") as process:
        read_json_line(process)
        give_up_at = time.monotonic() + PATIENCE
        while (run := find_run(command, connected))["status"] != "done":
            assert time.monotonic() < give_up_at, run
            time.sleep(BETWEEN_LOOKS)
        assert end(process, signal.SIGTERM)[0] == 0
    assert run["run"] == 1


def find_run(command: Command, connected: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = command.ask("connectors", "show", connected["connector_id"])["latest_sync"]
    return found
