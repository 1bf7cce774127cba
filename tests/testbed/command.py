"""The installed `unihire` command as a process, and whatever it leaves behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

PROGRAM = Path(sys.executable).with_name("unihire")
PATIENCE = 60
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
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("UNIHIRE_")}
        self.environment = {**inherited, "UNIHIRE_HOME": str(home), "PYTHONWARNINGS": "error", "COLUMNS": "100"}
        self.environment |= settings

    def run(self, *arguments: str, code: int = 0, given: str | None = None, **settings: str) -> Any:
        """The finished process, which must exit with `code` and show no traceback."""
        finished = subprocess.run(
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
        assert finished.returncode == code, (finished.returncode, finished.stdout, finished.stderr)
        assert "Traceback" not in finished.stderr
        return finished

    def ask(self, *arguments: str, code: int = 0, **settings: str) -> Any:
        """The JSON document it answers, which must be all there is on stdout."""
        return json.loads(self.run(*arguments, "--json", code=code, **settings).stdout)

    @contextmanager
    def start(self, *arguments: str, **settings: str) -> Iterator["subprocess.Popen[str]"]:
        """The running process; killed at the end of the block if it still runs."""
        process = subprocess.Popen(
            [self.program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.home.parent,
            env={**self.environment, **settings},
            **self.identity,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=PATIENCE)

    def list_processes(self) -> list[str]:
        """Everything that runs for this home."""
        found = []
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
