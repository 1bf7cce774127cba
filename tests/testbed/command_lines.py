"""Command lines, each in a process of its own that begins where everything is already imported: dozens take seconds.

As a program it reads command lines from stdin, one a line as JSON, runs each in a fork of itself and writes what came
of it. One that is started and not waited for has a `Running` instead: its pipes go to the fork through a socket.
"""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, NoReturn

from testbed.forking import Keepers, Running

LIMIT_SECONDS = 30

_TESTS = str(Path(__file__).parents[1])
_PROGRAM = f"import sys; sys.path.append({_TESTS!r}); from testbed.command_lines import main; main()"


@dataclass(frozen=True, slots=True)
class Ended:
    """How one line ended; `code` is None where it had to be killed."""

    code: int | None
    out: str
    errors: str


def make_line(
    *arguments: str | bytes,
    folder: Path,
    given: bytes = b"",
    environment: Mapping[str, str | bytes] | None = None,
    seconds: int = LIMIT_SECONDS,
) -> dict[str, Any]:
    """A command line to run in `folder`; bytes need not be UTF-8. It is killed after so many seconds."""
    return {
        "arguments": [os.fsdecode(one) for one in arguments],
        "folder": str(folder),
        "given": os.fsdecode(given),
        "environment": {name: os.fsdecode(value) for name, value in (environment or {}).items()},
        "seconds": seconds,
    }


def run_lines(lines: Iterable[Mapping[str, Any]], home: Path) -> list[Ended]:
    """What came of each, with UNIHIRE_HOME set to `home` unless a line sets it itself."""
    own = {**list_inherited(), "UNIHIRE_HOME": str(home), "COLUMNS": "200"}
    return [run_line({**line, "environment": {**own, **line["environment"]}}) for line in lines]


def run_line(line: Mapping[str, Any]) -> Ended:
    """What came of one, whose environment is whole: nothing of ours is added."""
    process, _ = _start(line["environment"]["COLUMNS"])
    assert process.stdout is not None
    _send(process, line)
    return Ended(**json.loads(process.stdout.readline()))


def start_line(line: Mapping[str, Any]) -> Running:
    """One that runs on, whose environment is whole; nobody but a signal ends it."""
    process, door = _start(line["environment"]["COLUMNS"])
    _send(process, {**line, "is_started": True})
    return Running(line["arguments"], door)


def _send(process: "subprocess.Popen[str]", line: Mapping[str, Any]) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(line) + "\n")
    process.stdin.flush()


def list_inherited() -> dict[str, str]:
    """Our environment without settings of the program."""
    return {name: value for name, value in os.environ.items() if not name.startswith("UNIHIRE_")}


@cache
def _start(columns: str) -> "tuple[subprocess.Popen[str], socket.socket]":
    """This module as a program, for as long as we live. The width of a terminal is read when it starts."""
    door, inner = socket.socketpair()
    with inner:
        process = subprocess.Popen(
            [sys.executable, "-P", "-W", "error", "-c", _PROGRAM, str(inner.fileno())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**list_inherited(), "COLUMNS": columns},
            pass_fds=[inner.fileno()],
        )
    atexit.register(process.communicate)
    return process, door


def _run_forked(line: Mapping[str, Any], run: Any) -> dict[str, Any]:
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        given.write(os.fsencode(line["given"]))
        given.seek(0)
        child = os.fork()
        if child == 0:
            for number, file in enumerate((given, out, errors)):
                os.dup2(file.fileno(), number)
            signal.alarm(line["seconds"])
            _become(line, run)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        texts = []
        for file in (out, errors):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
        return {"code": None if code == -signal.SIGALRM else code, "out": texts[0], "errors": texts[1]}


def _become(line: Mapping[str, Any], run: Any) -> NoReturn:
    """Be the command, to its end."""
    os.chdir(line["folder"])
    os.environ.clear()
    os.environ.update(line["environment"])
    sys.argv = ["unihire", *line["arguments"]]
    code = 99
    try:
        run()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:  # noqa: BLE001 - what Python does with it at the end of a program
        sys.excepthook(*sys.exc_info())
        code = 98
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    from unihire.cli import main as run_command  # here: who imports this module needs none of it
    from unihire.cli.commands import COMMANDS

    for command in COMMANDS:
        command.load()
    door = socket.socket(fileno=int(sys.argv[1]))
    keepers = Keepers(door)
    for text in sys.stdin:
        line = json.loads(text)
        if line.get("is_started"):
            keepers.fork(partial(_become, line, run_command))
        else:
            sys.stdout.write(json.dumps(_run_forked(line, run_command)) + "\n")
            sys.stdout.flush()
    keepers.reap()
