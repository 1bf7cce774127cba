"""The embedded PostgreSQL: one server for every process that uses the same home, and none when nobody does.

Everything it has lives in `<home>/postgresql`:

    users.lock     shared by the processes that use the server; it ends with the last of these locks
    keeper.lock    locked by the process that starts the server, then by its supervisor; its text is the socket folder
                   once ready, or why the server cannot be started again
    server.lock    locked by the server's own processes: while it is, one of them may still write
    leave.lock     locked for an instant by a process that leaves, so that two that leave do not wait for each other
    data/          the cluster, closed to all but the user the server runs as
    socket/        the server's socket; it listens nowhere else (in /tmp where this path is too long)
    server.log     the server's log: at most two files of 5 MB, without the text of statements
    binaries-…/    root only: a copy of the server, where the user it runs as cannot reach the installed one

A crash at any moment, of one process or of all, loses nothing that was committed and leaves nothing to repair by hand:
locks die with their processes, fsync stays on, and the next start cleans up what the crash left. A server that ends
while it is in use is started again by its supervisor, and a supervisor by one of the users.
"""

import atexit
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from unihire.errors import ConfigError
from unihire.kit.logs import get_logger
from unihire.store.embedded.cluster import (
    ELSEWHERE,
    PORT,
    ROLE,
    find_programs,
    find_server_user,
    list_options,
    make_base,
    make_cluster,
    make_socket_folder,
    remove_half_done,
)
from unihire.store.embedded.supervisor import FAILING, LONGEST_PAUSE, TEXT_BYTES, clear, explain

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

START_SECONDS = 120.0
CLOSE_SECONDS = 4.5
STEP_SECONDS = 0.01
WATCH_SECONDS = 0.5
"""How often a user looks whether the server and its supervisor are there."""

log = get_logger()


def is_made(home: Path) -> bool:
    """Whether the home has a cluster already."""
    return (home / "postgresql" / "data").exists()


class EmbeddedServer:
    """A use of the server of one home: it runs at least until `close`, and ends with its last user.

    A user that is killed counts as closed. Connections end with the server, so close them first.
    """

    def __init__(self, home: Path) -> None:
        """Start the server, or join the one that runs; takes connections on return.

        Raises ConfigError with what the operator can do about it.
        """
        self._owner = os.getpid()
        self._users_fd: int | None = None
        if fcntl is None:
            raise ConfigError("the embedded PostgreSQL does not run on this system: set UNIHIRE_DATABASE_URL")
        self._user = find_server_user()
        try:
            resolved = home.resolve()
        except (OSError, RuntimeError) as error:  # RuntimeError: links that lead to themselves, before Python 3.13
            raise ConfigError(f"cannot use {home}: {error}; {ELSEWHERE}") from None
        self._base = make_base(resolved, self._user)
        try:
            self._users_fd = os.open(self._base / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
            self._sockets = self._join()
        except OSError as error:
            self._release()
            raise ConfigError(f"cannot use {self._base}: {explain(self._base, str(error))}; {ELSEWHERE}") from error
        except BaseException:
            self._release()
            raise
        atexit.register(self.close)
        self._is_over = threading.Event()
        threading.Thread(target=self._watch, name="embedded PostgreSQL", daemon=True).start()

    def dsn(self, database: str = "postgres") -> str:
        """The address of one of its databases, for asyncpg and every libpq client."""
        return f"postgresql://{ROLE}@/{quote(database, safe='')}?host={quote(str(self._sockets))}&port={PORT}"

    @property
    def log(self) -> Path:
        return self._base / "server.log"

    def close(self) -> None:
        """Release the server; the last one out waits until it has ended, CLOSE_SECONDS at most."""
        if self._users_fd is None:
            return
        atexit.unregister(self.close)
        self._is_over.set()
        self._release()
        deadline = time.monotonic() + CLOSE_SECONDS
        while os.getpid() == self._owner and time.monotonic() < deadline and self._is_ending():
            time.sleep(STEP_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _release(self) -> None:
        descriptor, self._users_fd = self._users_fd, None
        if descriptor is None:
            return
        if os.getpid() == self._owner:  # a forked child has this lock in common with us and must not drop it
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)

    def _join(self) -> Path:
        """The socket folder of the running server, which we start if nobody has."""
        assert self._users_fd is not None
        deadline = time.monotonic() + START_SECONDS
        # A supervisor that is just ending its server holds this lock alone until it is done.
        while not _try_lock(self._users_fd, exclusive=False):
            _wait(deadline, self._base)
        while True:
            with _descriptor(self._base / "keeper.lock") as supervisor_fd:
                if _try_lock(supervisor_fd, exclusive=True):
                    clear(supervisor_fd)
                    return self._start(supervisor_fd)
                said = _read_text(supervisor_fd)
            if said.startswith(FAILING):
                raise ConfigError(f"PostgreSQL does not start: {said.removeprefix(FAILING)}\nSee {self.log}.")
            if (sockets := Path(said)).is_absolute() and _answers(sockets):
                return sockets
            _wait(deadline, self._base)

    def _watch(self) -> None:
        """Until `close`, start another supervisor where ours was killed, and log when the server cannot be started."""
        pause, last = WATCH_SECONDS, ""
        while not self._is_over.wait(pause):
            pause = WATCH_SECONDS
            try:
                trouble = self._look()
            except (ConfigError, OSError) as error:
                trouble, pause = str(error), LONGEST_PAUSE / 10
            if trouble and trouble != last and not self._is_over.is_set():
                log.error("the embedded PostgreSQL does not start; it is tried again and again", reason=trouble)
            elif last and not trouble:
                log.warning("the embedded PostgreSQL is started again")
            last = trouble

    def _look(self) -> str:
        """Why the server cannot be started, empty where it is there or about to be."""
        with _descriptor(self._base / "keeper.lock") as supervisor_fd:
            if not _try_lock(supervisor_fd, exclusive=True):
                said = _read_text(supervisor_fd)
                return said.removeprefix(FAILING) if said.startswith(FAILING) else ""
            clear(supervisor_fd)
            if not self._is_over.is_set():
                self._start(supervisor_fd)
        return ""

    def _start(self, supervisor_fd: int) -> Path:
        """Prepare what is missing and hand keeper.lock to a supervisor; returns when the server takes connections.

        Killed half-way, we drop the lock and the next process starts over; once the supervisor runs, it has the lock.
        """
        user = self._user
        remove_half_done(self._base)
        programs = find_programs(self._base, user)
        data = make_cluster(self._base, programs, user)
        sockets = make_socket_folder(self._base, user)
        plan = {
            "base": str(self._base),
            "data": str(data),
            "sockets": str(sockets),
            "identity": user.identity,
            "command": [str(programs / "postgres"), "-D", str(data), *list_options(sockets)],
        }
        receiver, sender = os.pipe()
        with open(receiver, "rb") as reports:
            try:
                script = Path(__file__).with_name("supervisor.py")
                # The script forks and returns at once: the supervisor is not a child that we would have to reap.
                subprocess.run(  # noqa: S603
                    [sys.executable, "-I", "-S", script, str(sender), str(supervisor_fd), json.dumps(plan)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd="/",
                    pass_fds=(sender, supervisor_fd),
                    start_new_session=True,
                    check=True,
                )
            except (OSError, subprocess.CalledProcessError) as error:
                raise ConfigError(f"cannot run {sys.executable} to start PostgreSQL: {error}") from error
            finally:
                os.close(sender)
            words = json.loads(reports.readline() or b'{"error": "its supervisor was killed"}')
        if "error" in words:
            raise ConfigError(f"PostgreSQL did not start: {words['error']}\nSee {self.log}, or {ELSEWHERE}.")
        return sockets

    def _is_ending(self) -> bool:
        """Whether nobody uses the server and its supervisor is still there."""
        try:
            with _descriptor(self._base / "leave.lock") as leave_fd:
                if not _try_lock(leave_fd, exclusive=True):
                    return True  # somebody else is just looking; look again
                with _descriptor(self._base / "users.lock") as users_fd:
                    if not _try_lock(users_fd, exclusive=True):
                        # Shared with us: by another user. Not shared: by the supervisor, which is about to end.
                        return not _try_lock(users_fd, exclusive=False)
                with _descriptor(self._base / "keeper.lock") as supervisor_fd:
                    return not _try_lock(supervisor_fd, exclusive=False)
        except OSError:  # the home was removed under us
            return False


def _read_text(descriptor: int) -> str:
    return os.fsdecode(os.pread(descriptor, TEXT_BYTES, 0))


def _answers(sockets: Path) -> bool:
    """Whether a server listens there: the name alone may be left from one that was killed."""
    with socket.socket(socket.AF_UNIX) as door:
        door.settimeout(1)
        try:
            door.connect(str(sockets / f".s.PGSQL.{PORT}"))
        except OSError:
            return False
    return True


@contextlib.contextmanager
def _descriptor(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, *, exclusive: bool) -> bool:
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(deadline: float, base: Path) -> None:
    if time.monotonic() > deadline:
        raise ConfigError(f"the PostgreSQL in {base} has not answered for {START_SECONDS:.0f} s; see its server.log")
    time.sleep(STEP_SECONDS)
