"""The `unihire` command inside the test's own process: a tenth of the time that a process of its own takes."""

import json
import os
import signal
from pathlib import Path
from typing import Any
from unittest import mock

from click.testing import Result
from structlog.testing import capture_logs
from typer.testing import CliRunner

from unihire.cli.commands import app
from unihire.cli.console import starting
from unihire.cli.console.ending import EXPECTED, show_error


class Shell:
    """Runs commands on a home; what a command does to its process (logs, collector, signals) is left undone."""

    def __init__(self, home: Path, **settings: str) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("UNIHIRE_")}
        self._environment = {**inherited, "UNIHIRE_HOME": str(home), "COLUMNS": "80", **settings}

    def run(self, *arguments: str, code: int = 0, **settings: str) -> Result:
        """What the command answered; it must end with `code`."""
        kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        with (
            mock.patch.dict(os.environ, {**self._environment, **settings}, clear=True),
            mock.patch.object(starting, "set_up_logs"),
            mock.patch.object(starting, "calm_collector"),
            mock.patch.object(starting, "give_memory_back"),
            capture_logs(),
        ):
            try:
                finished = CliRunner().invoke(app, arguments)
            finally:
                for number, handler in kept.items():
                    signal.signal(number, handler)
        error = finished.exception
        if isinstance(error, EXPECTED):
            finished.exit_code = show_error(error)
            finished.stderr_bytes = (finished.stderr_bytes or b"") + f"error: {error}\n".encode()
        elif error is not None and not isinstance(error, SystemExit):
            raise error
        assert finished.exit_code == code, (finished.exit_code, finished.stdout, finished.stderr)
        return finished

    def ask(self, *arguments: str, code: int = 0, **settings: str) -> Any:
        """The JSON document it answers, which must be all there is on stdout."""
        return json.loads(self.run(*arguments, "--json", code=code, **settings).stdout)
