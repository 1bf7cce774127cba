"""The `unihire` command on an installation of its own, with an emulator for a vendor."""

import contextlib
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from testbed.command import PATIENCE, PROGRAM, Command, end, read_json_line
from testbed.databases import make_place
from unihire.store.embedded.server import EmbeddedServer

Vendor = dict[str, Any]


@pytest.fixture(scope="module")
def command() -> Iterator[Command]:
    """An installation whose database server runs all the while."""
    with make_place() as place, EmbeddedServer(place / "home"):
        yield Command(place / "home")


@pytest.fixture(scope="module")
def vendor(command: Command) -> Iterator[Vendor]:
    """What `unihire sandbox personio --json` tells when it is ready."""
    with command.start("sandbox", "personio", "--json", "--size", "200") as process:
        yield read_json_line(process)
        assert end(process, signal.SIGINT)[0] == 130


def environment_of(vendor: Vendor) -> dict[str, str]:
    return {
        "UNIHIRE_PERSONIO_CLIENT_ID": vendor["client_id"],
        "UNIHIRE_PERSONIO_CLIENT_SECRET": vendor["client_secret"],
    }


@pytest.fixture(scope="module")
def connector(command: Command, vendor: Vendor) -> dict[str, Any]:
    """A connector made from credentials in the environment."""
    made: dict[str, Any] = command.ask(
        *("connect", "personio", "--customer", "ACME GmbH", "--base-url", vendor["base_url"]), **environment_of(vendor)
    )
    return made


def set_faults(vendor: Vendor, *faults: dict[str, Any]) -> None:
    httpx.put(f"{vendor['control_url']}faults", json=faults).raise_for_status()


@contextlib.contextmanager
def slow_candidates(vendor: Vendor) -> Iterator[None]:
    """Each page of candidates takes longer than a stop may."""
    set_faults(vendor, {"word": "slow", "seconds": 8, "path": "/v2/recruiting/candidates*"})
    try:
        yield
    finally:
        set_faults(vendor)


def wait_for_jobs(vendor: Vendor) -> None:
    """Returns once the vendor has answered the list of jobs, which candidates follow."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if any(call["path"].endswith("/jobs") for call in httpx.get(f"{vendor['control_url']}requests").json()["last"]):
            return
        time.sleep(0.05)
    pytest.fail("the jobs were not asked for")


class ClosedVendor(BaseHTTPRequestHandler):
    """A vendor that has nothing, and keeps its applications to itself."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(200, {"access_token": "token", "expires_in": 3600})

    def do_GET(self) -> None:
        self.answer(403 if "/applications" in self.path else 200, {"_data": []})

    def answer(self, status: int, body: object) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def closed_vendor() -> Iterator[str]:
    """Its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), ClosedVendor) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_connect_takes_credentials_from_the_environment(connector: dict[str, Any], vendor: Vendor) -> None:
    assert list(connector) == [
        *("connector_id", "connector_token", "integration", "customer"),
        *("organisation", "environment", "origin_id", "base_url"),
    ]
    assert connector["base_url"] == vendor["base_url"]
    assert len(connector["connector_token"]) == 64


def test_connect_takes_credentials_from_a_file_and_says_how_to_make_a_key(command: Command, vendor: Vendor) -> None:
    path = command.home.parent / "credentials.json"
    path.write_text(json.dumps({"client_id": vendor["client_id"], "client_secret": vendor["client_secret"]}))
    shown = command.run(
        *("connect", "personio", "--customer", "From a file", "--base-url", vendor["base_url"]),
        *("--environment", "development", "--credentials-file", str(path)),
    )
    assert "connector token" in shown.stdout
    assert "unihire keys create --environment development" in shown.stderr
    assert vendor["client_secret"] not in shown.stdout + shown.stderr


def test_connect_asks_for_what_is_missing_and_does_not_show_the_secret(command: Command, vendor: Vendor) -> None:
    outside, inside = pty.openpty()
    with contextlib.ExitStack() as closing:
        closing.callback(os.close, outside)
        process = subprocess.Popen(
            [
                *(str(PROGRAM), "connect", "personio", "--customer", "Typed", "--base-url", vendor["base_url"]),
                "--json",
            ],
            stdin=inside,
            stdout=subprocess.PIPE,
            stderr=inside,
            env=command.environment,
            cwd=command.home.parent,
            start_new_session=True,
        )
        os.close(inside)
        seen = b""
        key, company_id = vendor["other_credentials"].values()
        for prompt, typed in (
            (b"Client ID: ", vendor["client_id"]),
            (b"Client secret (not shown): ", vendor["client_secret"]),
            (b"Recruiting API key (or nothing) (not shown): ", key),
            (b"Company ID (or nothing): ", company_id),
        ):
            while prompt not in seen:
                seen += os.read(outside, 4096)
            time.sleep(0.1)  # the terminal stops echoing just after the prompt
            os.write(outside, typed.encode() + b"\n")
        told, _ = process.communicate(timeout=PATIENCE)
        with contextlib.suppress(OSError):
            seen += os.read(outside, 4096)
    assert process.returncode == 0, seen
    assert json.loads(told)["customer"] == "Typed"
    assert vendor["client_id"].encode() in seen
    assert vendor["client_secret"].encode() not in seen
    assert key.encode() not in seen
    assert b"Settings > Integrations > API credentials" in seen


def test_key_for_writes_is_taken_with_the_others_by_connect_and_reconnect(command: Command, vendor: Vendor) -> None:
    key, company_id = vendor["other_credentials"].values()
    whole = {"UNIHIRE_PERSONIO_RECRUITING_API_KEY": key, "UNIHIRE_PERSONIO_COMPANY_ID": company_id}
    connect = ("connect", "personio", "--customer", "Writes", "--base-url", vendor["base_url"])
    half = {**environment_of(vendor), "UNIHIRE_PERSONIO_RECRUITING_API_KEY": key}
    refused = command.run(*connect, code=3, **half)
    assert "recruiting_api_key is for writing, which also needs company_id: give all or none" in refused.stderr
    made = command.ask(*connect, **environment_of(vendor))
    again = command.run("reconnect", made["connector_id"], code=3, **half)
    assert "give all or none" in again.stderr
    done = command.run("reconnect", made["connector_id"], **environment_of(vendor), **whole)
    for shown in (refused, again, done):
        assert key not in shown.stdout + shown.stderr
    findings = command.ask("doctor", **environment_of(vendor), **whole)
    assert "RECRUITING" not in json.dumps(findings)


def test_wrong_credentials_are_refused_with_words_and_nothing_is_saved(command: Command, vendor: Vendor) -> None:
    wrong = {**environment_of(vendor), "UNIHIRE_PERSONIO_CLIENT_SECRET": "wrong-secret"}
    refused = command.run(
        *("connect", "personio", "--customer", "Wrong", "--base-url", vendor["base_url"], "--json"), code=4, **wrong
    )
    assert refused.stdout == ""
    assert "error: the vendor refuses the credentials" in refused.stderr
    assert "Nothing was saved" in refused.stderr
    assert "wrong-secret" not in refused.stderr
    assert "Wrong" not in [row["customer"] for row in command.ask("connectors")]


def test_missing_credentials_are_told_by_name(command: Command) -> None:
    refused = command.run("connect", "personio", "--customer", "Nobody", code=3)
    assert refused.stderr.startswith(
        "error: Personio also needs client_id, client_secret: set UNIHIRE_PERSONIO_CLIENT_"
    )


def test_sync_is_stopped_within_five_seconds_and_gone_on_with(
    command: Command, vendor: Vendor, connector: dict[str, Any]
) -> None:
    httpx.delete(f"{vendor['control_url']}requests").raise_for_status()
    with slow_candidates(vendor), command.start("sync", connector["connector_id"]) as process:
        wait_for_jobs(vendor)
        code, errors = end(process, signal.SIGINT)
    assert code == 130
    assert "the next sync goes on from here" in errors
    shown = command.ask("connectors", "show", connector["connector_id"])
    assert shown["latest_sync"]["status"] == "running"

    (report,) = command.ask("sync", connector["connector_id"])["connectors"]
    assert (report["status"], report["resumed"], report["run"]) == ("done", True, 1)
    assert {part["stream"]: part["read"] for part in report["streams"]}["candidates"] == 200

    again = command.run("sync", connector["connector_id"][:8]).stdout
    assert "ACME GmbH (Personio): sync 2 done" in again


def test_sync_with_a_stream_closed_to_the_credentials_is_partial(
    command: Command, vendor: Vendor, closed_vendor: str
) -> None:
    made = command.ask(
        *("connect", "personio", "--customer", "Closed", "--base-url", closed_vendor), **environment_of(vendor)
    )
    (report,) = command.ask("sync", made["connector_id"], code=6)["connectors"]
    assert report["status"] == "partial"
    reasons = {part["stream"]: part["error"] for part in report["streams"]}
    assert "the credentials lack" in reasons.pop("applications")
    assert set(reasons.values()) == {None}
    gone = command.ask("connectors", "delete", made["connector_id"], "--yes")
    assert gone == {"deleted": made["connector_id"], "records": 0}


def test_sync_without_a_connector_to_sync_is_told(command: Command) -> None:
    assert command.run("sync", "zzz", code=3).stderr.startswith("error: no connector begins with 'zzz'")


def test_keys_are_made_told_once_and_revoked(command: Command) -> None:
    made = command.ask("keys", "create", "--environment", "development", "--name", "laptop")
    assert made["key"].startswith("uh_test_")
    listed = command.run("keys").stdout
    assert "laptop" in listed
    assert made["key"] not in listed
    assert command.ask("keys", "revoke", made["id"][:8]) == {"revoked": made["id"]}
    (row,) = [row for row in command.ask("keys", "list") if row["id"] == made["id"]]
    assert row["revoked_at"] is not None
    few = command.ask("keys", "create", "--name", "few", "--scope", "read", "--model", "job", "--model", "offer")
    assert (few["scopes"], few["models"]) == (["read"], ["job", "offer"])
    assert command.ask("keys", "change", few["id"][:8], "--scope", "write", "--all-models") == {"changed": few["id"]}
    (row,) = [row for row in command.ask("keys") if row["id"] == few["id"]]
    assert (row["scopes"], row["models"], row["last_used_at"]) == (["write"], None, None)
    assert (
        "operations reach records of all models"
        in command.run("keys", "create", "--scope", "operations", "--model", "job", code=3).stderr
    )
    lasting = command.ask("keys", "create", "--name", "lasting", "--valid-for", "90d")
    ends = command.ask("keys", "list")[-1]["ends_at"]
    assert ends[:10] in command.run("keys").stdout
    command.ask("keys", "revoke", lasting["id"])
    assert ends[:10] not in command.run("keys").stdout, "it ended when it was revoked"
    assert "no valid API key begins with" in command.run("keys", "revoke", made["id"], code=3).stderr


def test_organisations_are_made_and_every_act_is_in_the_audit_trail(command: Command) -> None:
    made = command.ask("organisations", "create", "--name", "Another Ltd")
    assert (
        "an organisation 'Another Ltd' already"
        in command.run("organisations", "create", "--name", "Another Ltd", code=3).stderr
    )
    command.ask("organisations", "rename", made["id"][:8], "--name", "Third Ltd")
    (row,) = [row for row in command.ask("organisations") if row["id"] == made["id"]]
    assert (row["name"], row["connectors"], row["keys"]) == ("Third Ltd", 0, 0)
    assert "Third Ltd" in command.run("organisations").stdout
    lines = command.ask("audit", "--organisation", made["id"][:8])
    assert [line["act"] for line in lines] == ["organisation.renamed", "organisation.created"]
    assert {line["actor"]["name"] for line in lines} == {"command"}
    shown = command.run("audit", "--act", "organisation.renamed", "--limit", "1").stdout
    assert "organisation.renamed" in shown
    assert "was name Another Ltd" in shown


def test_serve_answers_with_a_key_and_a_token_and_ends_on_a_signal(command: Command, connector: dict[str, Any]) -> None:
    key = command.ask("keys", "create")["key"]
    with command.start("serve", "--port", "0", "--json") as process:
        told = read_json_line(process)
        headers = {"Authorization": f"Bearer {key}", "x-connector-token": connector["connector_token"]}
        answer = httpx.get(f"{told['base_url']}/api/ats/v1/jobs", headers=headers)
        assert answer.status_code == 200
        refused = command.run("serve", "--port", told["base_url"].rpartition(":")[2], code=3)
        assert "is taken" in refused.stderr
        assert end(process, signal.SIGTERM)[0] == 0


def test_doctor_finds_an_installation_well(command: Command, connector: dict[str, Any]) -> None:
    told = command.ask("doctor", UNIHIRE_PORT="0")
    assert told["ok"] is True
    names = [finding["name"] for finding in told["findings"]]
    assert {"Python", "home", "database", "encryption key", "integration personio"} <= set(names)
    assert f"connector {connector['connector_id'][:8]}" in names


def test_doctor_tells_what_does_not_work(command: Command, connector: dict[str, Any]) -> None:
    other = command.run("keys", "seal").stdout.strip()
    told = command.ask("doctor", code=1, UNIHIRE_ENCRYPTION_KEYS=other, UNIHIRE_PROT="1")
    found = {finding["name"]: finding for finding in told["findings"]}
    assert found["encryption key"]["status"] == "failed"
    assert found["settings"]["status"] == "warning"
    assert "UNIHIRE_PROT" in found["settings"]["detail"]


def test_doctor_counts_what_the_vendor_has_beside_what_is_here(
    command: Command, vendor: Vendor, connector: dict[str, Any]
) -> None:
    id = connector["connector_id"]
    command.run("sync", id)
    (told,) = command.ask("doctor", "--vendor", "--connector", id[:8], UNIHIRE_PORT="0")["connectors"]
    counted = {one["model"]: one for one in told["reconciliation"]["models"]}
    steps = {"application_transition"}  # rows of details, of which no list tells the ids
    assert told["records"].keys() == counted.keys() | steps
    assert all(told["records"][model] == one["here"] for model, one in counted.items())
    assert all(one["at_vendor"] == one["here"] for one in counted.values())
    assert counted["candidate"]["here"] == 200
    assert {part["last_complete_read"]["status"] for part in told["streams"]} == {"done"}
    httpx.request("DELETE", f"{vendor['control_url']}rows/candidates", json={"count": 3}).raise_for_status()
    differs = command.run("doctor", "--vendor", "--connector", id, code=1, UNIHIRE_PORT="0").stdout
    assert re.search(r"candidate +197 +200 +0 +0 +3\s", differs)
    assert f"`unihire sync --full {id[:8]}` brings them together" in differs
    command.run("sync", "--full", id)
    again = command.run("doctor", "--vendor", "--connector", id, UNIHIRE_PORT="0").stdout
    assert re.search(r"candidate +197 +197 +0 +0 +0\s", again)
    assert "; the same\n" in again
    assert not command.ask("doctor", "--connector", "zzz", code=1, UNIHIRE_PORT="0")["connectors"]


def test_doctor_is_stopped_while_it_counts(command: Command, vendor: Vendor, connector: dict[str, Any]) -> None:
    httpx.delete(f"{vendor['control_url']}requests").raise_for_status()
    with slow_candidates(vendor), command.start("doctor", "--vendor") as process:
        wait_for_jobs(vendor)
        assert end(process, signal.SIGINT) == (130, "")


def test_a_database_that_does_not_answer_is_one_line(command: Command) -> None:
    refused = command.run("keys", code=3, UNIHIRE_DATABASE_URL="postgresql://user:hush@127.0.0.1:1/x")
    assert refused.stderr.startswith("error: the database does not answer")
    assert refused.stderr.count("\n") == 1
    assert "hush" not in refused.stderr


@pytest.mark.parametrize("service", ["serve", "worker"])
def test_error_that_ends_a_service_is_a_line_of_its_json_log(command: Command, service: str) -> None:
    port = "--port" if service == "serve" else "--metrics-port"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = str(taken.getsockname()[1])
        away = {"UNIHIRE_DATABASE_URL": "postgresql://user:hush@127.0.0.1:1/x"}
        ended = {
            "the database does not answer": command.run(service, code=3, UNIHIRE_LOG_FORMAT="json", **away),
            f"port {number} of 127.0.0.1 is taken": command.run(
                service, port, number, code=3, UNIHIRE_LOG_FORMAT="json"
            ),
            "bad setting: UNIHIRE_WORKER_SLOTS": command.run(
                service, code=3, UNIHIRE_LOG_FORMAT="json", UNIHIRE_WORKER_SLOTS="none"
            ),
        }  # fmt: skip
    for reason, finished in ended.items():
        *_, line = [json.loads(line) for line in finished.stderr.splitlines()]
        assert (line["event"], line["level"], line["exit_code"]) == ("the command ended", "error", 3)
        assert line["timestamp"].endswith("Z")
        assert reason in line["reason"]
        assert "hush" not in finished.stderr


def test_unexpected_error_that_ends_a_service_is_a_line_of_its_json_log(command: Command) -> None:
    broken = "import unihire.cli.serving as s; s.bind = lambda *_, **__: 1 / 0; import unihire.cli; unihire.cli.main()"
    ended = subprocess.run(
        [sys.executable, "-c", broken, "serve"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={**command.environment, "UNIHIRE_LOG_FORMAT": "json"},
    )
    (line,) = [json.loads(line) for line in ended.stderr.splitlines()]
    assert (ended.returncode, line["event"], line["reason"]) == (1, "the command ended", "ZeroDivisionError")
    assert line["exception"].endswith("ZeroDivisionError: division by zero")


def test_sandbox_tells_people_how_to_begin(command: Command) -> None:
    with command.start("sandbox", "personio", "--size", "100", "--client-id", "me", "--client-secret", "s") as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line.strip())
            if "Ctrl-C" in line:
                break
        (token, *_) = [line for line in lines if line.startswith("curl ")]
        answer = subprocess.run(token, shell=True, capture_output=True, text=True, timeout=10, check=True)
        assert "access_token" in json.loads(answer.stdout)
        assert end(process, signal.SIGTERM)[0] == 0
    assert "error: no emulator 'acmehire'" in command.run("sandbox", "acmehire", code=3).stderr
