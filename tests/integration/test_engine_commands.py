"""The commands around syncs - asked for, told, paused, cancelled, scheduled - on an installation of its own."""

import signal
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from testbed.command import PATIENCE, Command, end, read_json_line
from testbed.databases import make_place
from testbed.shell import Shell
from unihire.store.embedded.server import EmbeddedServer

Vendor = dict[str, Any]


@pytest.fixture(scope="module")
def command() -> Iterator[Command]:
    with make_place() as place, EmbeddedServer(place / "home"):
        yield Command(place / "home")


@pytest.fixture(scope="module")
def shell(command: Command) -> Shell:
    return Shell(command.home)


@pytest.fixture(scope="module")
def vendor(command: Command) -> Iterator[Vendor]:
    with command.start("sandbox", "personio", "--json", "--size", "150") as process:
        yield read_json_line(process)
        assert end(process, signal.SIGINT)[0] == 130


@pytest.fixture(scope="module")
def connector(shell: Shell, vendor: Vendor) -> str:
    """The id of a connector that is synced."""
    id = connect(shell, vendor, "ACME GmbH")
    shell.run("sync", id)
    return id


def connect(shell: Shell, vendor: Vendor, customer: str) -> str:
    id: str = shell.ask(
        *("connect", "personio", "--customer", customer, "--base-url", vendor["base_url"]),
        UNIHIRE_PERSONIO_CLIENT_ID=vendor["client_id"],
        UNIHIRE_PERSONIO_CLIENT_SECRET=vendor["client_secret"],
    )["connector_id"]
    return id


@pytest.fixture
def slow_candidates(vendor: Vendor) -> Iterator[None]:
    """Each page of candidates takes a while."""
    set_faults(vendor, {"word": "slow", "seconds": 1.0, "path": "/v2/recruiting/candidates*"})
    yield
    set_faults(vendor)


def set_faults(vendor: Vendor, *faults: dict[str, Any]) -> None:
    httpx.put(f"{vendor['control_url']}faults", json=faults).raise_for_status()


def wait_until_candidates_are_read(shell: Shell, id: str) -> dict[str, Any]:
    """The run under way, once it is at its last list."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        (run,) = shell.ask("runs", id, "--last", "1")["runs"]
        if run["status"] == "running":
            told: dict[str, Any] = shell.ask("runs", id, str(run["number"]))
            if "candidates" in {part["stream"] for part in told["streams"]}:
                return told
    pytest.fail("the candidates were not read")


def test_the_history_tells_of_each_run_and_one_run_of_its_streams(shell: Shell, connector: str) -> None:
    (run,) = shell.ask("runs", connector[:8])["runs"]
    assert (run["number"], run["status"], run["full"], run["triggered_by"]) == (1, "done", False, "request")
    assert run["progress"] is None
    told = shell.ask("runs", connector, "1")
    assert told["totals"] == run["totals"]
    assert sum(part["read"] for part in told["streams"]) == run["totals"]["read"] > 150
    assert sum(part["requests"] for part in told["streams"]) == run["totals"]["requests"] > 4
    shown = shell.run("runs").stdout
    assert "what changed · on request · took" in shown
    assert max(len(line) for line in shell.run("runs", connector, "1").stdout.splitlines()) <= 80
    assert "there is no run 99" in shell.run("runs", connector, "99", code=3).stderr


def test_a_queued_sync_is_asked_for_once_and_waits_for_a_worker(shell: Shell, connector: str) -> None:
    (asked,) = shell.ask("sync", connector, "--full", "--queue")["connectors"]
    (again,) = shell.ask("sync", connector, "--queue")["connectors"]
    assert (asked["status"], asked["new"], again["new"]) == ("asked", True, False)
    assert again["run_id"] == asked["run_id"]
    (run, *_) = shell.ask("runs")["runs"]
    assert (run["id"], run["status"], run["started_at"]) == (asked["run_id"], "queued", None)
    assert "no worker is running" in shell.run("sync", connector, "--queue").stderr
    found = {one["name"]: one for one in shell.ask("doctor", UNIHIRE_PORT="0")["findings"]}
    assert "no worker is running: `unihire serve` or `unihire worker`; 1 job waiting" in found["workers"]["detail"]
    assert "not begun" in found[f"connector {connector[:8]}"]["detail"]
    assert shell.ask("connectors", "show", connector)["latest_sync"]["status"] == "queued"
    assert "queued" in shell.run("connectors").stdout
    (ended,) = shell.ask("cancel", connector)["connectors"]
    assert ended["run"] == run["number"]
    assert shell.ask("cancel", "--all")["connectors"][0]["run"] is None
    assert shell.ask("runs")["runs"][0]["status"] == "cancelled"


def test_only_the_lists_of_the_models_named_are_read(shell: Shell, connector: str) -> None:
    (report,) = shell.ask("sync", connector, "--full", "--model", "job", "--model", "job_interview_stage")["connectors"]
    read = {part["stream"]: part["read"] for part in report["streams"]}
    assert read.keys() <= {"jobs", "categories"}
    assert read["jobs"] == 15
    (run,) = shell.ask("runs", connector, "--last", "1")["runs"]
    assert run["only_streams"] == sorted(read)
    assert "there is no model cook" in shell.run("sync", connector, "--model", "cook", code=2).stderr
    assert "Personio fills no eeoc" in shell.run("sync", connector, "--model", "eeoc", code=3).stderr


def test_a_paused_connector_is_left_alone_until_it_is_resumed(shell: Shell, connector: str) -> None:
    (told,) = shell.ask("pause", connector)["connectors"]
    assert (told["paused"], told["next_at"], told["run"]) == (True, None, None)
    assert shell.ask("sync", "--all")["connectors"][0]["status"] == "paused"
    refused = shell.run("sync", connector, code=3).stderr
    assert f"`unihire resume {connector[:8]}` lets it go on" in refused
    shell.run("sync", connector, "--queue")
    (run, *_) = shell.ask("runs", connector)["runs"]
    assert run["status"] == "paused"
    (row,) = shell.ask("connectors")
    assert (row["paused"], row["latest_sync"]["status"]) == (True, "paused")
    (told,) = shell.ask("resume", connector)["connectors"]
    assert (told["paused"], told["run"]) == (False, run["number"])
    (report,) = shell.ask("sync", connector)["connectors"]
    assert (report["status"], report["run"]) == ("done", run["number"])


def test_a_sync_that_is_paused_rests_and_goes_on_where_it_was(
    command: Command, shell: Shell, connector: str, vendor: Vendor, slow_candidates: None
) -> None:
    with command.start("sync", connector, "--full", "--json") as process:
        run = wait_until_candidates_are_read(shell, connector)
        assert 0 < run["progress"]["done"] < 1
        assert "rests after the page it is on" in shell.run("pause", connector).stdout
        told, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 1, errors
    assert '"status":"paused"' in told
    assert shell.ask("runs", connector, str(run["number"]))["status"] == "paused"
    set_faults(vendor)
    shell.run("resume", connector)
    (report,) = shell.ask("sync", connector, "--full")["connectors"]
    assert (report["run"], report["resumed"], report["status"]) == (run["number"], True, "done")


def test_a_sync_that_is_cancelled_elsewhere_ends_and_the_others_go_on(
    command: Command, shell: Shell, connector: str, vendor: Vendor, slow_candidates: None
) -> None:
    other = connect(shell, vendor, "Other Ltd")
    shell.run("sync", other, "--model", "job")
    with command.start("sync", connector, other, "--full", "--json") as process:
        run = wait_until_candidates_are_read(shell, connector)
        assert shell.ask("cancel", connector)["connectors"][0]["run"] == run["number"]
        set_faults(vendor)
        told, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 1, errors
    assert '"status":"cancelled"' in told
    assert '"status":"done"' in told
    shell.run("connectors", "delete", other, "--yes")


def test_schedules_are_shown_and_changed(shell: Shell, connector: str) -> None:
    (told,) = shell.ask("schedule")["connectors"]
    assert (told["connector_id"], told["every"], told["full_every"]) == (connector, "1h", "1d")
    (told,) = shell.ask("schedule", connector[:8], "--every", "90m", "--full-every", "7d")["connectors"]
    assert (told["every"], told["full_every"], told["paused"]) == ("90m", "7d", False)
    (again,) = shell.ask("schedule", "--all")["connectors"]
    assert again == told
    assert "90m" in shell.run("schedule").stdout
    for wrong in ("5m", "8d", "soon"):
        shell.run("schedule", "--all", "--every", wrong, code=2)
    models = ["candidate", "application"]
    (told,) = shell.ask("schedule", connector[:8], "--fast", ",".join(models), "--fast-every", "2m")["connectors"]
    assert (told["fast_models"], told["fast_every"], told["every"]) == (models, "2m", "90m")
    assert "2m: candidate," in shell.run("schedule").stdout
    assert shell.ask("schedule", "--all", "--fast", "none")["connectors"][0]["fast_models"] == []
    shell.run("schedule", "--all", "--fast-every", "2m", code=3)
    shell.run("schedule", "--all", "--fast", "candidates", code=2)
    shell.run("schedule", "--all", "--fast", "setting", "--fast-every", "2m", code=2)
    shell.run("schedule", "--all", "--fast", "candidate", "--fast-every", "5s", code=2)
    assert shell.ask("schedule", "--all", "--fast", "setting")["connectors"][0]["fast_every"] == "1m"
    assert "name connectors, or give --all" in shell.run("schedule", "--every", "1h", code=2).stderr


def test_issues_tell_what_to_do_and_are_over_with_the_next_good_sync(
    shell: Shell, connector: str, vendor: Vendor
) -> None:
    assert shell.run("issues").stderr == "There is no open issue.\n"
    job = find_job(vendor)
    row = f"{vendor['control_url']}rows/jobs/{job['id']}"
    httpx.patch(row, json={"department": "Engineering"}).raise_for_status()
    shell.run("sync", connector, "--model", "job")
    (told,) = shell.ask("issues")["connectors"]
    (issue,) = told["issues"]
    assert (issue["kind"], issue["stream"], issue["resolved_at"]) == ("rows_quarantined", "jobs", None)
    assert issue["message"] == "1 row of jobs served without some part that does not map"
    assert "`unihire quarantine` lists them" in issue["advice"]
    shown = shell.run("issues", connector[:8]).stdout
    assert "! rows quarantined · jobs · since" in shown
    assert "`unihire quarantine`" in shown
    assert shell.ask("connectors")[0]["open_issues"] == 1
    found = {one["name"]: one["status"] for one in shell.ask("doctor", UNIHIRE_PORT="0")["findings"]}
    assert found["issues"] == "warning"
    httpx.patch(row, json={"department": job["department"]}).raise_for_status()
    shell.run("sync", connector, "--model", "job")
    assert shell.ask("issues")["connectors"][0]["issues"] == []
    ((over,),) = [one["issues"] for one in shell.ask("issues", "--resolved")["connectors"]]
    assert over["resolved_at"] is not None


def find_job(vendor: Vendor) -> dict[str, Any]:
    """One of the vendor's jobs, as its API shows it."""
    given = {
        "grant_type": "client_credentials", "client_id": vendor["client_id"], "client_secret": vendor["client_secret"],
    }  # fmt: skip
    with httpx.Client(base_url=vendor["base_url"], headers={"Beta": "true"}) as client:
        token = client.post("/v2/auth/token", data=given).json()["access_token"]
        answer = client.get("/v2/recruiting/jobs", headers={"Authorization": f"Bearer {token}"})
    job: dict[str, Any] = answer.json()["_data"][0]
    return job
