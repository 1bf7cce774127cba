"""Sandboxes start on request, tell where they are, and end when they should."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from unihire.errors import ConfigError
from unihire.integration.emulate import Credentials
from unihire.sandbox.__main__ import main
from unihire.sandbox.runner import build_sandbox, get_emulator, list_emulators, start_sandbox

SLUG = list_emulators()[0]


@contextmanager
def start_process(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    command = [sys.executable, "-m", "unihire.sandbox", SLUG, "--size=100", "--json", *arguments]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def test_every_emulator_declares_itself_under_its_folders_name() -> None:
    assert all(get_emulator(slug).slug == slug for slug in list_emulators())


@pytest.mark.parametrize(
    "settings",
    [
        {"size": 99},
        {"size": 1_000_001},
        {"seed": -1},
        {"faults": ["418"]},
        {"options": {"colour": "red"}},
        {"credentials": Credentials("only-an-id", "")},
    ],
)
def test_bad_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        build_sandbox(SLUG, **settings)


def test_unknown_emulator_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=SLUG):
        build_sandbox("nothing")


def test_every_option_checks_its_value() -> None:
    for name, option in get_emulator(SLUG).options.items():
        assert option.check(name, option.default) == option.default
        with pytest.raises(ConfigError, match=name):
            option.check(name, "-1")


def test_taken_port_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=str(port)), start_sandbox(SLUG, port=port):
            pass


def test_sandbox_in_a_thread_ends_with_its_block() -> None:
    with start_sandbox(SLUG, size=100) as running:
        url = running.ready.control_url
        assert httpx.get(url).json()["size"] == 100
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_process_prints_one_line_and_ends_with_the_parents_pipe() -> None:
    with start_process("--seed=4", "--exit-with-parent", "--fault=500,next=1") as (process, ready):
        assert ready["pid"] == process.pid
        assert set(ready) >= {"base_url", "client_id", "client_secret", "emulator", "other_credentials"}
        state = httpx.get(ready["control_url"]).json()
        assert (state["seed"], state["faults"][0]["next"]) == (4, 1)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(5) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals are other ones there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_process_ends_cleanly_on_a_signal(number: signal.Signals) -> None:
    with start_process() as (process, ready):
        assert httpx.get(ready["control_url"]).status_code == 200
        process.send_signal(number)
        assert process.wait(5) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


@pytest.mark.parametrize("arguments", [["nothing"], [SLUG, "--size=5"], [SLUG, "--option=x"], [SLUG, "--fault=x"]])
def test_command_says_what_is_wrong(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err
