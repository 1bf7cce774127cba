"""Processes that use an embedded server, as ourselves or as an ordinary user, and what is asked of their server."""

import asyncio
import contextlib
import functools
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

import unihire
from testbed.effort import pick

IS_ROOT = os.geteuid() == 0
NOBODY = 65534
NOBODY_IDENTITY: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
SITE_PACKAGES = Path(asyncpg.__file__).parents[1]
SOURCES = Path(unihire.__file__).parents[1]

# What a process that uses the server does: say where it is, do as it is told on stdin, close at its end.
USER_SCRIPT = """
import os, resource, sys, warnings
from pathlib import Path
from unihire.errors import ConfigError
from unihire.store.embedded.server import EmbeddedServer
if sys.argv[2:]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    server = EmbeddedServer(Path(sys.argv[1]))
except ConfigError as error:
    sys.exit(f"refused: {error}")
print(server.dsn(), flush=True)
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of a fork beside threads
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        server.close()
        os._exit(0)
    os.waitpid(child, 0)
    print("forked", flush=True)
server.close()
"""


def read_command(process: psutil.Process) -> str:
    """Its command line, empty once it is gone: the server's short-lived processes come and go."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class User:
    """One process that uses the server of a home."""

    def __init__(self, command: list[str], identity: dict[str, Any], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            **identity,
        )

    @functools.cached_property
    def dsn(self) -> str:
        """Where the server listens; waits until it takes connections."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        assert line, self.refusal()
        return line

    def refusal(self) -> str:
        """What the process said when it did not get a server."""
        return self.process.communicate(timeout=30)[1].strip()

    def fork_and_close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("fork\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "forked\n"

    def leave(self) -> None:
        said = self.process.communicate(timeout=30)[1]
        assert self.process.returncode == 0, said

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=30)


class Users:
    """Starts processes that use one home, all as the same operating system user."""

    def __init__(self, home: Path, python: str, identity: dict[str, Any]) -> None:
        self.home = home
        self.python = python
        self.identity = identity
        self.started: list[User] = []
        self._found: list[psutil.Process] = []

    @property
    def base(self) -> Path:
        return self.home / "postgresql"

    def start(self, *, first_on_path: Path | None = None, largest_file: int | None = None) -> User:
        path = [str(folder) for folder in (first_on_path, SOURCES, SITE_PACKAGES) if folder is not None]
        command = [self.python, "-W", "error", "-c", USER_SCRIPT, str(self.home)]
        command += [str(largest_file)] if largest_file else []
        user = User(command, self.identity, {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(path)})
        self.started.append(user)
        return user

    def run_briefly(self) -> None:
        user = self.start()
        assert user.dsn
        user.leave()

    def processes(self) -> list[psutil.Process]:
        """The supervisor, every process of the server, and an initdb."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.status() == psutil.STATUS_ZOMBIE or process.pid in {
                    user.process.pid for user in self.started
                }:
                    continue
                if str(self.base) in read_command(process) or process.cwd() == str(self.base / "data"):
                    found.append(process)
        return found

    def leading_process(self) -> psutil.Process:
        return psutil.Process(int((self.base / "data" / "postmaster.pid").read_text().split()[0]))

    def supervisor(self) -> psutil.Process:
        supervisor = self.leading_process().parent()
        assert supervisor is not None
        assert "embedded/supervisor.py" in read_command(supervisor)
        return supervisor

    def has_ended(self) -> bool:
        """Whether there is none of them. Every process of the machine is looked at once those found last are gone."""
        if not any(_runs(process) for process in self._found):
            self._found = self.processes()
        return not self._found


def find_python_for(identity: dict[str, Any]) -> str | None:
    """An interpreter of our version that this user can run on our packages; ours may be in a closed folder."""
    environment = {"PYTHONPATH": os.pathsep.join([str(SOURCES), str(SITE_PACKAGES)])}
    probe = f"import sys, unihire.store.embedded.server; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        with contextlib.suppress(OSError):
            done = subprocess.run([python, "-c", probe], env=environment, capture_output=True, check=False, **identity)
            if done.returncode == 0:
                return python
    return None


def make_users(kind: str, place: Path) -> Users:
    if kind == "as ourselves":
        return Users(place / "home", sys.executable, {})
    python = find_python_for(NOBODY_IDENTITY)
    if python is None:
        pytest.skip("no interpreter that the user `nobody` can run on these packages")
    os.chown(place, NOBODY, NOBODY)
    return Users(place / "home", python, NOBODY_IDENTITY)


KINDS = ["as ourselves", "as an ordinary user"] if IS_ROOT else ["as ourselves"]

as_each_user = pytest.mark.parametrize("users", KINDS, indirect=True)

as_each_user_if_thorough = pytest.mark.parametrize("users", pick(KINDS, 1), indirect=True)
"""For what goes the same way whoever runs the server: its crashes."""


def wait_until(is_so: Callable[[], bool], seconds: float = 5) -> float:
    """Returns the seconds it took."""
    begun_at = time.monotonic()
    while not is_so():
        assert time.monotonic() - begun_at < seconds, f"not so within {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - begun_at


def ask(dsn: str, *statements: str) -> list[Any]:
    """Run each statement in a transaction of its own; the first column of the last one's rows."""

    async def run() -> list[Any]:
        connection = await asyncpg.connect(dsn)
        try:
            rows: list[Any] = []
            for statement in statements:
                rows = await connection.fetch(statement)
            return [row[0] for row in rows]
        finally:
            await connection.close()

    return asyncio.run(run())


def can_connect(dsn: str) -> bool:
    try:
        return ask(dsn, "SELECT 1") == [1]
    except (OSError, asyncpg.PostgresError):
        return False


def save_row(dsn: str) -> None:
    ask(dsn, "CREATE TABLE kept (word text)", "INSERT INTO kept VALUES ('committed')")


def read_rows(dsn: str) -> list[Any]:
    return ask(dsn, "SELECT word FROM kept")
