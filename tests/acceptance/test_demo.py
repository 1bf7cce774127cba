"""`unihire demo`, as a newcomer and as a script run it: real processes, real sockets."""

import json
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import asyncpg
import httpx
import pytest

from testbed.command import PATIENCE, SOON, Command, end, read_json_line
from testbed.databases import make_place
from unihire.cli.demo.command import pick_vendors
from unihire.dialects.bindbee.face import NATIVE
from unihire.integration.registry import get_integration
from unihire.model import MODELS
from unihire.store.embedded.server import EmbeddedServer

SIZE = ("--size", "100")


@pytest.fixture(scope="module")
def command() -> Iterator[Command]:
    with make_place() as place:
        yield Command(place / "home")


@pytest.fixture(scope="module")
def running(command: Command) -> Iterator[dict[str, Any]]:
    """What a demo that serves on tells."""
    with command.start("demo", "--json", "--port", "0", *SIZE) as process:
        yield read_json_line(process)
        assert end(process, signal.SIGTERM)[0] == 0


def test_json_tells_a_script_all_it_needs(running: dict[str, Any]) -> None:
    assert list(running) == ["base_url", "api_key", "connectors"]
    assert [connector["integration"] for connector in running["connectors"]] == pick_vendors(None)
    for connector in running["connectors"]:
        key = get_integration(connector["integration"]).write_key
        others = [] if key is None else [one.name for one in key.credentials]
        headers = {"Authorization": f"Bearer {running['api_key']}", "x-connector-token": connector["connector_token"]}
        with httpx.Client(base_url=running["base_url"], headers=headers) as client:
            page = client.get("/api/ats/v1/jobs?page_size=2").raise_for_status().json()
            (candidate,) = client.get("/api/ats/v1/candidates?page_size=1").raise_for_status().json()["items"]
        assert page["page_size"] == 2
        assert set(candidate) == set(NATIVE.list_keys(MODELS["candidate"]))
        assert httpx.get(f"{connector['emulator_url']}/_sandbox/").json()["size"] == 100
        assert set(connector["credentials"]) == {"client_id", "client_secret", *others}


def test_once_beside_another_demo_shows_requests_and_answers(command: Command, running: dict[str, Any]) -> None:
    port = running["base_url"].rpartition(":")[2]
    shown = command.run("demo", "--once", *SIZE, UNIHIRE_PORT=port)
    assert f"Port {port} is taken" in shown.stderr
    for line in ("GET /api/ats/v1/jobs?page_size=2", "404 Not Found", '"detail": "There is no offer with this id"'):
        assert line in shown.stdout
    assert re.search(r"GET /api/ats/v1/candidates/[0-9a-f-]{36}\n", shown.stdout)
    httpx.get(f"{running['base_url']}/health").raise_for_status()


async def test_once_as_json_adds_the_calls_and_leaves_no_database(command: Command, running: dict[str, Any]) -> None:
    told = command.ask("demo", "--once", "--port", "0", *SIZE)
    assert list(told) == ["base_url", "api_key", "connectors", "calls"]
    assert told["base_url"] != running["base_url"]
    jobs, _, candidate = told["calls"][:3]
    assert [list(call) for call in told["calls"]] == [["method", "path", "status", "body"]] * len(told["calls"])
    assert [call["status"] for call in told["calls"]] == [200, 200, 200, 200, 404, 200]  # Personio has no offers
    assert candidate["path"].endswith(candidate["body"]["id"])
    assert len(jobs["body"]["items"]) == 2
    with EmbeddedServer(command.home) as server:
        connection = await asyncpg.connect(server.dsn())
        left = await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname LIKE 'demo%'")
        await connection.close()
    assert left == 1  # that of the demo that runs


def test_several_demos_may_start_at_once(command: Command, running: dict[str, Any]) -> None:
    with (
        command.start("demo", "--once", "--port", "0", *SIZE) as one,
        command.start("demo", "--once", "--port", "0", *SIZE) as two,
    ):
        for process in (one, two):
            _, errors = process.communicate(timeout=PATIENCE)
            assert process.returncode == 0, errors


def test_a_port_that_was_asked_for_and_is_taken_is_an_error(command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = command.run("demo", "--port", port, code=3)
    assert refused.stderr.startswith(f"error: port {port} of 127.0.0.1 is taken")


def read_until_ready(process: "subprocess.Popen[str]") -> list[str]:
    """The lines that people see until the demo waits for them."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip())
        if "Ctrl-C" in line:
            break
    return lines


def list_runs(exports: list[str]) -> list[dict[str, Any]]:
    """The runs of the connector whose token is the last of the exports, newest first."""
    asked = 'curl -sgH "$KEY" -H "$GREENHOUSE" "$URL/api/v1/syncs"'
    runs: list[dict[str, Any]] = ask_shell(exports, asked)["items"]
    return runs


def ask_shell(exports: list[str], command: str) -> Any:
    script = "\n".join((*exports, command))
    answer = subprocess.run(script, shell=True, capture_output=True, text=True, timeout=10, check=True)
    return json.loads(answer.stdout)


def test_what_is_shown_to_paste_works_as_it_is_and_the_worker_does_what_the_api_is_asked_for(command: Command) -> None:
    with command.start("demo", "--port", "0", *SIZE, PYTHONUNBUFFERED="1", COLUMNS="80") as process:
        lines = read_until_ready(process)
        exports = [line for line in lines if line.startswith("export ")]
        pasted = [line for line in lines if line.startswith("curl ")]
        assert [line.split("=")[0] for line in exports] == [
            *("export URL", "export API", "export KEY"),
            *(f"export {slug.upper()}" for slug in pick_vendors(None)),
        ]
        assert len(re.findall(r"^# \w+: connector [0-9a-f-]{36}$", "\n".join(lines), re.MULTILINE)) == 2
        assert len(pasted) == 7
        assert max(map(len, pasted)) <= 80
        assert len(lines) <= 40
        answers = [ask_shell(exports, line) for line in pasted]
        assert [answer for answer in answers if isinstance(answer, dict) and "detail" in answer] == []
        assert [len(answer["items"]) for answer in answers[:4]] == [2, 1, 1, 1]
        assert answers[4:] == [{"changed": 3}, {"changed": 3}, "The sync has been started"]
        deadline = time.monotonic() + PATIENCE
        while (run := list_runs(exports)[0])["status"] != "done":
            assert time.monotonic() < deadline, run
            time.sleep(0.2)
        assert run["full"]
        process.send_signal(signal.SIGINT)
        said, errors = process.communicate(timeout=SOON)
        assert (process.returncode, errors) == (0, "")
        assert said.endswith("The demo has ended and left nothing; " + f"{command.home} is as it was.\n")


def test_first_demo_says_what_it_leaves_and_where() -> None:
    with make_place() as place:
        command = Command(place / "home")
        with command.start("demo", "--port", "0", *SIZE, PYTHONUNBUFFERED="1") as process:
            read_until_ready(process)
            process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=SOON)
        assert process.returncode == 0
        left = f"It left an empty PostgreSQL in {command.home}, which the next command uses."
        assert said.endswith(f"The demo has ended. {left}\n")
        assert command.home.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_everything_soon(number: signal.Signals) -> None:
    with make_place() as place:
        command = Command(place / "home")
        with command.start("demo", "--json", "--port", "0", *SIZE, is_new=number == signal.SIGTERM) as process:
            told = read_json_line(process)
            deadline = time.monotonic() + SOON
            code, _ = end(process, number)
        assert code == 0
        assert command.list_remains(deadline) == []
        with pytest.raises(httpx.ConnectError):
            httpx.get(told["connectors"][0]["emulator_url"])


@pytest.mark.parametrize("seconds", [0.3, 1.0, 1.8, 4.0])
def test_a_signal_ends_everything_while_it_starts_or_syncs(seconds: float) -> None:
    number = signal.SIGINT if seconds in (0.3, 1.8) else signal.SIGTERM
    with make_place() as place:
        alone = Command(place / "home")
        with alone.start("demo", "--json", "--port", "0", "--size", "1000000", is_new=True) as process:
            time.sleep(seconds)
            deadline = time.monotonic() + SOON
            code, errors = end(process, number)
        assert (code, errors) == (128 + number, "")
        assert alone.list_remains(deadline) == []


def test_a_size_out_of_bounds_is_a_usage_error(command: Command) -> None:
    refused = command.run("demo", "--size", "99", code=2)
    assert "--size" in refused.stderr
    assert refused.stdout == ""
