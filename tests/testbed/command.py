"""The installed `unihire` command as a process, and whatever it leaves behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from testbed.command_lines import list_inherited, make_line, run_line, start_line
from testbed.forking import Running

PROGRAM = Path(sys.executable).with_name("unihire")
PATIENCE = 60
ONE_AT_ONCE = threading.Lock()
"""Whoever finds it taken, from another thread, runs a command without the process that forks."""

BETWEEN_LOOKS = 0.2
"""Seconds between two commands that ask how far something is: each of them takes time of the processor."""

SOON = 20
"""Seconds in which a signal must have ended everything: it takes one or two, and several beside other tests."""


class Command:
    """Runs the command with a home of its own; nothing of the caller's settings reaches it.

    `identity` is what subprocess needs to become another user.
    """

    def __init__(
        self, home: Path, *, program: Path = PROGRAM, identity: Mapping[str, Any] | None = None, **settings: str
    ) -> None:
        self.home = home
        self.program = program
        self.identity = identity or {}
        self.environment = {**list_inherited(), "UNIHIRE_HOME": str(home), "PYTHONWARNINGS": "error", "COLUMNS": "100"}
        self.environment |= settings
        self._forked: list[Running] = []
        self._is_usual = program == PROGRAM and identity is None and _are_ours(settings)

    def run(self, *arguments: str, code: int = 0, given: str | None = None, **settings: str) -> Any:
        """The finished process, which must exit with `code` and show no traceback.

        Where nothing is unusual about it, it begins as a fork of one that has loaded the command.
        """
        if self._is_usual and _are_ours(settings) and ONE_AT_ONCE.acquire(blocking=False):
            try:
                finished = self._run_forked(*arguments, given=given, **settings)
            finally:
                ONE_AT_ONCE.release()
        else:
            finished = self._run_anew(*arguments, given=given, **settings)
        assert finished.returncode == code, (finished.returncode, finished.stdout, finished.stderr)
        assert "Traceback" not in finished.stderr
        return finished

    def _run_forked(self, *arguments: str, given: str | None, **settings: str) -> "subprocess.CompletedProcess[str]":
        environment = {**self.environment, **settings}
        line = make_line(
            *arguments,
            folder=self.home.parent,
            given=(given or "").encode(),
            environment=environment,
            seconds=PATIENCE,
        )
        ended = run_line(line)
        assert ended.code is not None, (arguments, "killed", ended.out, ended.errors)
        return subprocess.CompletedProcess(arguments, ended.code, ended.out, ended.errors)

    def _run_anew(self, *arguments: str, given: str | None, **settings: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [self.program, *arguments],
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            cwd=self.home.parent,
            env={**self.environment, **settings},
            **self.identity,
        )

    def ask(self, *arguments: str, code: int = 0, **settings: str) -> Any:
        """The JSON document it answers, which must be all there is on stdout."""
        return json.loads(self.run(*arguments, "--json", code=code, **settings).stdout)

    @contextmanager
    def start(self, *arguments: str, is_new: bool = False, **settings: str) -> Iterator["subprocess.Popen[str]"]:
        """The running process; killed at the end of the block if it still runs.

        It begins as `run` says, or where it must be `is_new` as an interpreter that has loaded nothing.
        """
        if not is_new and self._is_usual and _are_ours(settings) and ONE_AT_ONCE.acquire(blocking=False):
            try:
                process: subprocess.Popen[str] = self._start_forked(*arguments, **settings)
            finally:
                ONE_AT_ONCE.release()
        else:
            process = self._start_anew(*arguments, **settings)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=PATIENCE)

    def _start_forked(self, *arguments: str, **settings: str) -> Running:
        environment = {**self.environment, **settings}
        running = start_line(make_line(*arguments, folder=self.home.parent, environment=environment))
        self._forked = [one for one in self._forked if one.poll() is None] + [running]
        return running

    def _start_anew(self, *arguments: str, **settings: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [self.program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.home.parent,
            env={**self.environment, **settings},
            **self.identity,
        )

    def list_processes(self) -> list[str]:
        """Everything that runs for this home; of a fork the system tells what it was forked from."""
        found = [f"{one.pid} {' '.join(map(str, one.args))}" for one in self._forked if one.poll() is None]
        for process in psutil.process_iter():
            try:
                words = process.cmdline()
                if process.pid != os.getpid() and (
                    any(str(self.home) in word for word in words)
                    or process.environ().get("UNIHIRE_HOME") == str(self.home)
                ):
                    found.append(f"{process.pid} {' '.join(words)}")
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
        return found

    def list_remains(self, deadline: float) -> list[str]:
        """What runs for this home once the deadline is past, or nothing as soon as nothing does."""
        while (remains := self.list_processes()) and time.monotonic() < deadline:
            time.sleep(0.02)
        return remains


def _are_ours(settings: Mapping[str, str]) -> bool:
    """Whether these are settings of the program alone: others may be read before there is a fork."""
    return all(name.startswith("UNIHIRE_") for name in settings)


def find_free_port() -> str:
    """A port of this machine that nobody has at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        return str(door.getsockname()[1])


def read_json_line(process: "subprocess.Popen[str]") -> Any:
    """The line a server prints when it is ready."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate(timeout=PATIENCE)[1]
    return json.loads(line)


def end(process: "subprocess.Popen[str]", number: signal.Signals) -> tuple[int, str]:
    """Exit code and stderr of a process that a signal must end soon."""
    process.send_signal(number)
    _, errors = process.communicate(timeout=SOON)
    assert "Traceback" not in errors, errors
    return process.returncode, errors
