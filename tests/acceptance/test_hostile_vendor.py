"""A vendor that answers without end, to a worker as it is installed: the list fails, the process lives and obeys."""

import signal
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from testbed.command import BETWEEN_LOOKS, PATIENCE, Command, end, read_json_line
from testbed.databases import make_place
from testbed.hostile import TOKEN, Hostile, drip, empty_blocks, endless_bomb, head, plain, serve_hostile, whole
from unihire.store.embedded.server import EmbeddedServer

LISTS = [f"/v2/recruiting/{name}" for name in ("categories", "jobs", "applications", "candidates")]
MEGABYTES = 8
"""What the worker takes of one answer."""


@pytest.fixture(scope="module")
def command() -> Iterator[Command]:
    with make_place() as place, EmbeddedServer(place / "home"):
        yield Command(place / "home", UNIHIRE_ANSWER_BYTES=str(MEGABYTES << 20), UNIHIRE_ANSWER_SECONDS="60")


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    with serve_hostile() as server:
        server.others = lambda: whole(b'{"_data": []}')
        server.answers["/v2/auth/token"] = lambda: whole(TOKEN)
        yield server


def connect(command: Command, hostile: Hostile, customer: str) -> str:
    secrets = {"UNIHIRE_PERSONIO_CLIENT_ID": "i", "UNIHIRE_PERSONIO_CLIENT_SECRET": "s"}
    asked = ("connect", "personio", "--customer", customer, "--base-url", hostile.base_url, "--no-check")
    id: str = command.ask(*asked, **secrets)["connector_id"]
    return id


def find_peak(pid: int) -> int:
    """Most megabytes of memory that a process ever had."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) >> 10


def wait_for_end(command: Command, id: str) -> dict[str, Any]:
    give_up_at = time.monotonic() + PATIENCE
    while True:
        run: dict[str, Any] = command.ask("connectors", "show", id)["latest_sync"] or {}
        if run.get("status", "queued") not in ("queued", "running"):
            return run
        assert time.monotonic() < give_up_at, run
        time.sleep(BETWEEN_LOOKS)


def test_lists_without_end_fail_with_the_reason_and_the_others_are_read(command: Command, hostile: Hostile) -> None:
    jobs, candidates = "/v2/recruiting/jobs", "/v2/recruiting/candidates"
    with command.start("worker", "--json") as process:
        read_json_line(process)
        wait_for_end(command, connect(command, hostile, "good"))
        before = find_peak(process.pid)
        hostile.asked.clear()
        hostile.answers |= {jobs: lambda: endless_bomb(20), candidates: lambda: plain(1_000)}
        id = connect(command, hostile, "bad")
        run = wait_for_end(command, id)
        assert find_peak(process.pid) < before + 6 * MEGABYTES
        assert end(process, signal.SIGTERM)[0] == 0
    assert run["status"] == "partial", run
    shown = command.ask("runs", id, "1")
    errors = {stream["stream"]: stream["error"] for stream in shown["streams"] if stream["error"]}
    assert errors == {
        name: f"GET /v2/recruiting/{name}: the answer has more than 8,388,608 bytes, and no more are read"
        for name in ("jobs", "candidates")
    }
    assert (hostile.asked.count(jobs), hostile.asked.count(candidates)) == (1, 1)


@pytest.mark.parametrize("path", [LISTS[1], "/v2/auth/token"])
@pytest.mark.parametrize(
    "answer",
    [lambda: empty_blocks(4), lambda: drip(head(), 0.5), lambda: drip(b"HTTP/1.1 200 OK\r\nX: ", 0.5)],
    ids=["gzip of nothing", "a byte now and then", "a header without end"],
)
def test_worker_that_reads_an_answer_without_end_ends_when_it_is_asked_to(
    command: Command, hostile: Hostile, path: str, answer: Callable[[], Iterable[bytes | float]]
) -> None:
    hostile.answers[path] = answer
    with command.start("worker", "--json") as process:
        read_json_line(process)
        connect(command, hostile, "slow")
        give_up_at = time.monotonic() + PATIENCE
        while path not in hostile.asked:
            assert time.monotonic() < give_up_at
            time.sleep(0.02)
        asked_at = time.monotonic()
        assert end(process, signal.SIGTERM)[0] == 0
        assert time.monotonic() - asked_at < 10
