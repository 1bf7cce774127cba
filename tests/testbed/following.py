"""`unihire events --follow` as a process, and what it wrote."""

import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

from testbed.command import SOON, Command

CURSOR = re.compile(r"^To go on: --after (\S+)$", re.MULTILINE)


class Follower:
    """Follows the change log, with its output in files: `further` are more options."""

    def __init__(self, command: Command, folder: Path, *further: str) -> None:
        folder.mkdir()
        self._out, self._errors = folder / "out", folder / "errors"
        with self._out.open("wb") as out, self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [command.program, "events", "--follow", "--json", *further],
                stdin=subprocess.DEVNULL, stdout=out, stderr=errors, env=command.environment,
            )  # fmt: skip

    def list_events(self) -> list[dict[str, Any]]:
        """The events it wrote: whole lines alone."""
        return [json.loads(line) for line in self._out.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]

    def read_errors(self) -> str:
        return self._errors.read_text()

    def end(self, number: signal.Signals) -> str:
        """End it well by a signal; returns the cursor that it says."""
        self.process.send_signal(number)
        assert self.process.wait(SOON) == 0, self.read_errors()
        (cursor,) = CURSOR.findall(self.read_errors())
        return str(cursor)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(SOON)
