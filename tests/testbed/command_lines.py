"""Many command lines, each in a process of its own that begins where everything is already imported.

As a program it reads a JSON list of lines on stdin, runs each in a fork of itself and prints what came of them; so
hundreds take seconds.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIMIT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Ended:
    """How one line ended; `code` is None where it had to be killed."""

    code: int | None
    out: str
    errors: str


def make_line(
    *arguments: str | bytes, folder: Path, given: bytes = b"", environment: Mapping[str, str | bytes] | None = None
) -> dict[str, Any]:
    """A command line to run in `folder`; bytes need not be UTF-8."""
    return {
        "arguments": [os.fsdecode(one) for one in arguments],
        "folder": str(folder),
        "given": os.fsdecode(given),
        "environment": {name: os.fsdecode(value) for name, value in (environment or {}).items()},
    }


def run_lines(lines: Iterable[Mapping[str, Any]], home: Path) -> list[Ended]:
    """What came of each, with UNIHIRE_HOME set to `home` unless a line sets it itself."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("UNIHIRE_")}
    finished = subprocess.run(
        [sys.executable, __file__],
        input=json.dumps(list(lines)),
        capture_output=True,
        text=True,
        check=True,
        env={**inherited, "UNIHIRE_HOME": str(home), "COLUMNS": "200"},
    )
    return [Ended(**one) for one in json.loads(finished.stdout)]


def _run_forked(line: Mapping[str, Any], run: Any) -> dict[str, Any]:
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        given.write(os.fsencode(line["given"]))
        given.seek(0)
        child = os.fork()
        if child == 0:
            for number, file in enumerate((given, out, errors)):
                os.dup2(file.fileno(), number)
            signal.alarm(LIMIT_SECONDS)
            os.chdir(line["folder"])
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
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        texts = []
        for file in (out, errors):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
        return {"code": None if code == -signal.SIGALRM else code, "out": texts[0], "errors": texts[1]}


def main() -> None:
    from unihire.cli.commands import COMMANDS, run_command_line  # here: who imports this module needs none of it

    for command in COMMANDS:
        command.load()
    json.dump([_run_forked(line, run_command_line) for line in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main()
