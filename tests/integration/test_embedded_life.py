"""The embedded PostgreSQL with real processes: who starts it, who ends it, and what a crash leaves.

Every test runs as the user pytest runs as. As root, which means a server under the system user, those marked
`as_each_user` run a second time as an ordinary user, in a thorough run the others that crash too.
"""

import contextlib
import os
import signal
import sys
import threading
import time
from pathlib import Path

import asyncpg
import psutil
import pytest

from testbed.effort import count
from testbed.server_users import (
    Users,
    as_each_user,
    as_each_user_if_thorough,
    ask,
    can_connect,
    read_command,
    read_rows,
    save_row,
    wait_until,
)
from unihire.store.embedded.server import EmbeddedServer
from unihire.store.embedded.supervisor import FAILING


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
    assert wait_until(users.has_ended) < 2


def list_descriptors(process: psutil.Process) -> dict[str, str]:
    """What each descriptor of a process leads to, by its number."""
    folder = Path(f"/proc/{process.pid}/fd")
    found = {}
    for one in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            found[one.name] = os.readlink(one)
    return found


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the descriptors of a process are files on Linux alone"
)
def test_server_inherits_its_own_lock_and_nothing_else_of_the_keeper(users: Users) -> None:
    user = users.start()
    assert user.dsn
    supervisor, leading = users.supervisor(), users.leading_process()
    locks = {f"{users.base}/{name}.lock" for name in ("keeper", "users", "server")}
    assert locks & set(list_descriptors(supervisor).values()) == locks - {f"{users.base}/server.lock"}
    starter = set(list_descriptors(psutil.Process(user.process.pid)).values()) - {"/dev/null"}
    for process in (leading, *leading.children()):
        with contextlib.suppress(FileNotFoundError, psutil.NoSuchProcess):
            held = set(list_descriptors(process).values())
            assert locks & held == {f"{users.base}/server.lock"}
            assert not starter & held
    user.leave()


def test_existing_cluster_starts_within_a_second(users: Users) -> None:
    took = []
    while not took or (took[-1] >= 1 and len(took) < 20):  # a busy machine is slow now and then
        begun_at = time.monotonic()
        user = users.start()
        assert user.dsn
        took.append(time.monotonic() - begun_at)  # with the start of an interpreter
        user.leave()
    assert took[-1] < 1, took


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


@as_each_user_if_thorough
def test_ten_concurrent_starters_get_one_server_and_leave_none(users: Users) -> None:
    users.home = users.home.with_name("new")
    ten = [users.start() for _ in range(10)]
    assert len({user.dsn for user in ten}) == 1
    assert sum("embedded/supervisor.py" in read_command(process) for process in users.processes()) == 1
    leavers = [threading.Thread(target=user.leave) for user in ten]
    for leaver in leavers:
        leaver.start()
    for leaver in leavers:
        leaver.join()
    wait_until(users.has_ended, 1)


def test_processes_that_come_and_go_always_find_a_server(users: Users) -> None:
    times = count(3, 2)

    def come_and_go() -> None:
        for _ in range(times):
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
    assert answers == [True] * 4 * times
    wait_until(users.has_ended, 1)


@as_each_user_if_thorough
def test_killed_user_takes_the_server_along_and_committed_rows_survive(users: Users) -> None:
    user = users.start()
    save_row(user.dsn)
    user.kill()
    assert wait_until(users.has_ended) < 2
    again = users.start()
    assert read_rows(again.dsn) == ["committed"]
    again.leave()


@as_each_user_if_thorough
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


def test_server_that_ends_again_and_again_is_started_again(users: Users) -> None:
    user = users.start()
    save_row(user.dsn)
    for _ in range(5):
        killed = users.leading_process()
        killed.kill()
        wait_until(lambda killed=killed: not killed.is_running())  # type: ignore[misc]
        wait_until(lambda: can_connect(user.dsn), 20)
    assert read_rows(user.dsn) == ["committed"]
    log = (users.base / "server.log").read_text()
    pauses = [line.partition("again in ")[2] for line in log.splitlines() if line.startswith("unihire: ")]
    assert pauses == ["0.0 s", "0.2 s", "0.5 s", "1.0 s", "2.0 s"]
    user.leave()
    wait_until(users.has_ended, 1)


def test_server_that_cannot_start_again_says_why_until_it_can(users: Users) -> None:
    user = users.start()
    save_row(user.dsn)
    control = users.base / "data" / "global" / "pg_control"
    control.rename(control.with_name("gone"))
    users.leading_process().kill()
    wait_until(lambda: (users.base / "keeper.lock").read_text().startswith(FAILING))
    begun_at = time.monotonic()
    refusal = users.start().refusal()
    assert "PostgreSQL does not start" in refusal
    assert "could not find the database system" in refusal
    assert time.monotonic() - begun_at < 20
    control.with_name("gone").rename(control)
    wait_until(lambda: can_connect(user.dsn), 20)
    assert read_rows(user.dsn) == ["committed"]
    user.leave()
    wait_until(users.has_ended, 1)


@as_each_user_if_thorough
def test_killed_supervisor_is_replaced_under_its_users(users: Users) -> None:
    first, second = users.start(), users.start()
    save_row(first.dsn)
    assert second.dsn == first.dsn
    for user in (first, second):
        killed = users.supervisor()
        killed.kill()
        wait_until(lambda killed=killed: not killed.is_running())  # type: ignore[misc]
        wait_until(lambda: can_connect(first.dsn), 20)
        assert read_rows(first.dsn) == ["committed"]
        assert sum("embedded/supervisor.py" in read_command(process) for process in users.processes()) == 1
        user.leave()
    wait_until(users.has_ended, 1)


@as_each_user_if_thorough
def test_killed_supervisor_takes_the_server_along_and_the_next_start_works(users: Users) -> None:
    orphaned = users.start()
    save_row(orphaned.dsn)
    users.supervisor().kill()
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
    doomed = [users.supervisor(), users.leading_process(), *users.leading_process().children()]
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
    for process in (users.supervisor(), users.leading_process()):
        process.suspend()  # so that neither learns of the other's end
        process.kill()
    user.kill()
    again = users.start()
    assert read_rows(again.dsn) == ["committed"]
    again.leave()
    thread.join()


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


def test_close_twice_and_start_again_in_one_process(users: Users) -> None:
    with EmbeddedServer(users.home) as server, EmbeddedServer(users.home) as other:
        assert server.dsn() == other.dsn()
        assert server.dsn("a b").startswith("postgresql://unihire@/a%20b?host=")
        server.close()
        server.close()
        assert can_connect(other.dsn())
    assert not can_connect(other.dsn())
    with EmbeddedServer(users.home) as server:
        assert can_connect(server.dsn())


def test_supervisor_stays_for_its_users_when_told_to_stop(users: Users) -> None:
    user = users.start()
    assert can_connect(user.dsn)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        users.supervisor().send_signal(number)
    time.sleep(0.2)
    assert can_connect(user.dsn)
    user.leave()
