"""`unihire remap` and `unihire quarantine` on an installation of its own, with an emulator for a vendor."""

import json
import signal
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from testbed.command import Command, end, read_json_line
from testbed.databases import make_place
from unihire.store.embedded.server import EmbeddedServer

Vendor = dict[str, Any]


@pytest.fixture(scope="module")
def command() -> Iterator[Command]:
    with make_place() as place, EmbeddedServer(place / "home"):
        yield Command(place / "home")


@pytest.fixture(scope="module")
def odd(command: Command) -> tuple[str, str]:
    """A synced connector whose vendor has a job that does not map, and that job's id; the vendor is gone since."""
    with command.start("sandbox", "personio", "--json", "--size", "100") as process:
        vendor = read_json_line(process)
        made = command.ask(
            *("connect", "personio", "--customer", "ACME GmbH", "--base-url", vendor["base_url"]),
            UNIHIRE_PERSONIO_CLIENT_ID=vendor["client_id"],
            UNIHIRE_PERSONIO_CLIENT_SECRET=vendor["client_secret"],
        )
        command.run("sync", "--all")
        (job, *_) = find_jobs(vendor)
        patched = {"department": "Engineering"}
        httpx.patch(f"{vendor['control_url']}rows/jobs/{job}", json=patched).raise_for_status()
        command.run("sync", "--all")
        assert end(process, signal.SIGINT)[0] == 130
    return made["connector_id"], job


def find_jobs(vendor: Vendor) -> list[str]:
    """The ids of the vendor's jobs."""
    given = {
        "grant_type": "client_credentials", "client_id": vendor["client_id"], "client_secret": vendor["client_secret"],
    }  # fmt: skip
    with httpx.Client(base_url=vendor["base_url"], headers={"Beta": "true"}) as client:
        token = client.post("/v2/auth/token", data=given).json()["access_token"]
        answer = client.get("/v2/recruiting/jobs", headers={"Authorization": f"Bearer {token}"})
    return [row["id"] for row in answer.json()["_data"]]


def test_quarantine_lists_what_does_not_map_and_shows_raw_data_on_request_alone(
    command: Command, odd: tuple[str, str]
) -> None:
    connector, job = odd
    (found,) = command.ask("quarantine")["connectors"]
    (row,) = found["rows"]
    assert (found["connector_id"], row["stream"], row["remote_id"]) == (connector, "jobs", job)
    assert row["reason"]
    shown = command.run("quarantine", connector[:8]).stdout
    assert job in shown
    assert "Engineering" not in shown
    assert json.loads(command.run("quarantine", connector[:8], "--raw", job).stdout)["department"] == "Engineering"
    (raw,) = command.ask("quarantine", connector[:8], "--raw", job)["rows"]
    assert (raw["stream"], raw["raw"]["id"]) == ("jobs", job)
    assert "no row 'none' is quarantined" in command.run("quarantine", connector[:8], "--raw", "none", code=3).stderr
    assert "name the connector" in command.run("quarantine", "--raw", job, code=2).stderr


def test_remap_makes_everything_again_while_the_vendor_is_away(command: Command, odd: tuple[str, str]) -> None:
    connector, _ = odd
    (report,) = command.ask("remap", "--all")["connectors"]
    told = {one["stream"]: one for one in report["streams"]}
    assert (report["status"], report["connector_id"]) == ("done", connector)
    assert told["candidates"]["made_again"] == 100
    assert (told["jobs"]["quarantined"], told["jobs"]["incomplete"], told["jobs"]["released"]) == (0, 1, 0)
    assert all(one["changed"] == one["added"] == one["deleted"] == 0 for one in told.values())
    assert told["categories"]["parts_not_made"] > 0
    shown = command.run("remap", connector[:8]).stdout
    assert "ACME GmbH (Personio): made again" in shown
    assert "records left as before, with parts whose row is not stored" in shown
    assert f"`unihire sync --full {connector[:8]}` makes them again" in " ".join(shown.split())
    (report,) = command.ask("remap", connector, "--quarantined")["connectors"]
    assert sum(one["made_again"] for one in report["streams"]) == 1


def test_remap_of_nothing_named_or_known_is_told(command: Command, odd: tuple[str, str]) -> None:
    assert "name connectors, or give --all" in command.run("remap", code=2).stderr
    assert command.run("remap", "zzz", code=3).stderr.startswith("error: no connector begins with 'zzz'")
