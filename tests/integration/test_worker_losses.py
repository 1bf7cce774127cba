"""Workers that die, freeze, lose their connections or a job, and a server that crashes: others go on."""

import asyncio
import gc
import itertools
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import asyncpg
import pytest
import structlog
from aiohttp import web

from testbed.crashing import Crash
from testbed.passing import let_pass
from testbed.tenants import Tenant
from testbed.vendor import job, say
from testbed.waiting import until, within
from testbed.working import Works, keep_waiting
from unihire.errors import Stopped
from unihire.store import Connection, Pool, locks
from unihire.store.accounts import budgets
from unihire.store.feed.gate import lock_feed
from unihire.store.locks import lock_connector
from unihire.store.work import jobs, runs
from unihire.sync import chores, streaming, worker
from unihire.sync.run import GIVEN_UP_AFTER

PEOPLE = ["1", "2", "3"]
JOBS = ["1", "2", "3", "4", "5"]


async def test_a_run_without_a_job_gets_one(works: Works, customer: Tenant) -> None:
    async with works.pool.acquire() as connection, connection.transaction():
        await runs.ask_run(connection, customer.connector.number)
    async with works.work():
        await works.wait_for(customer)


async def test_what_a_dead_worker_was_at_is_gone_on_with(works: Works, customer: Tenant) -> None:
    await works.ask(customer)
    await works.pool.execute("""
        WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - '1 minute'::interval)
            RETURNING id)
        UPDATE procrastinate_jobs SET status = 'doing', worker_id = dead.id FROM dead
    """)
    async with works.work():
        await works.wait_for(customer)


async def test_a_job_that_its_worker_does_not_know_of_is_dropped(works: Works, customer: Tenant) -> None:
    async with works.work():
        await until(lambda: works.pool.fetchval("SELECT count(*) FROM procrastinate_workers"))
        async with works.pool.acquire() as connection, connection.transaction():
            await runs.ask_run(connection, customer.connector.number)
            await connection.execute(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args, status, worker_id) "
                "SELECT 'sync', 'sync', 'sync:' || $1::int, 'sync:' || $1::int, '{}', 'doing', id "
                "FROM procrastinate_workers",
                customer.connector.number,
            )
        await works.wait_for(customer)


async def test_a_worker_that_is_told_to_end_leaves_its_run_to_the_next_one(works: Works, customer: Tenant) -> None:
    gate = keep_waiting(works.vendor, "/jobs", after=1)
    async with works.work() as worker:
        await works.ask(customer)
        await within(gate.arrived.wait())
        worker.stop()
        gate.opened.set()
    assert (await works.get_run(customer))["status"] == "running"
    assert await works.list_jobs() == ["todo"]
    assert await works.pool.fetchval("SELECT count(*) FROM procrastinate_workers") == 0
    async with works.work():
        run = await works.wait_for(customer)
    assert (run["attempt"], run["failures"]) == (2, 0)
    assert await works.count_saved(customer, "jobs") == len(JOBS)


async def test_who_gives_no_sign_loses_the_connector_and_saves_nothing_more(
    works: Works, customer: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "BEAT_SECONDS", 60.0)
    monkeypatch.setattr(locks, "SILENT_SECONDS", 0.3)
    async with lock_connector(works.pool, customer.connector.number, otherwise="taken"):
        async with works.pool.acquire() as connection, connection.transaction():
            await runs.ask_run(connection, customer.connector.number)
        stale = await runs.take_run(works.pool, customer.connector.number, version=1)
        assert stale is not None
        # Another process has sessions of its own.
        monkeypatch.setattr(locks, "_sessions", {})
        async with works.work():
            await works.wait_for(customer)
        place = runs.StreamPosition("done", None, 5, 0, await works.count_requests(customer, "jobs"))
        with pytest.raises(runs.Superseded):
            await runs.move_stream(works.pool, stale, "jobs", "walk", None, [1, 0, 0, 0, 0, 0, 0, 0, 0], before=place)
        with pytest.raises(runs.Superseded):
            await runs.restart_phase(works.pool, stale, "jobs", "walk")
        monkeypatch.undo()


async def test_lost_connections_end_no_worker_and_no_run(works: Works, customer: Tenant) -> None:
    gate = keep_waiting(works.vendor, "/jobs", after=1)
    async with works.work():
        await works.ask(customer)
        await within(gate.arrived.wait())
        await works.pool.execute("""
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
        """)
        await works.pool.expire_connections()  # ours are not what is tried
        gate.opened.set()
        run = await works.wait_for(customer)
    assert run["failures"] == 0
    assert await works.count_saved(customer, "jobs") == len(JOBS)


async def test_a_budget_that_cannot_be_looked_up_is_no_reason_to_give_a_list_up(
    works: Works, customer: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, asked = budgets.read_budget, itertools.count()

    async def fail_at_first(pool: Pool, connector: int) -> budgets.StoredBudget:
        if next(asked) < 40:
            raise ConnectionRefusedError
        return await read(pool, connector)

    await works.ask(customer)
    monkeypatch.setattr(budgets, "read_budget", fail_at_first)
    monkeypatch.setattr("unihire.platform.budgets.GIVE_UP_SECONDS", -1.0)
    await works.pool.execute("UPDATE sync_run SET failures = $1", GIVEN_UP_AFTER)
    async with works.work():
        run = await until(lambda: works.pool.fetchrow("SELECT status FROM sync_run WHERE finished_at IS NOT NULL"))
    assert run["status"] == "done"


async def test_a_connector_that_somebody_writes_to_for_long_keeps_no_other_waiting(
    works: Works, customer: Tenant
) -> None:
    other = await works.connect(organisation="Another")
    async with works.pool.acquire() as connection, connection.transaction():
        for tenant in (customer, other):
            await runs.ask_run(connection, tenant.connector.number)
    async with works.work():
        async with works.pool.acquire() as connection, connection.transaction():
            await connection.execute(runs.LOCK_ASKING, customer.connector.number)
            await works.wait_for(other)
            assert (await works.get_run(customer))["status"] == "queued"
        await works.wait_for(customer)


async def test_a_page_that_a_crash_of_the_server_took_back_is_read_again(works: Works, customer: Tenant) -> None:
    works.vendor.lists["/jobs"] = [job(str(number)) for number in range(10, 20)]
    gate = keep_waiting(works.vendor, "/jobs", after=2)
    async with works.work():
        await works.ask(customer)
        await within(gate.arrived.wait())

        async def has_two_pages() -> bool:
            return await works.count_saved(customer, "jobs") == 4

        await until(has_two_pages)
        # As a server that crashed before the second page was on the disk: the page is gone, its position with it.
        await works.pool.execute("DELETE FROM record WHERE remote_id IN ('12', '13')")
        await works.pool.execute(
            "UPDATE stream_run SET read = 2, position = replace(position, 'from=4', 'from=2') WHERE stream = 'jobs'"
        )
        gate.opened.set()
        run = await works.wait_for(customer)
    assert (run["attempt"], run["failures"]) == (2, 0)
    assert await works.list_names("jobs") == [str(number) for number in range(10, 20)]


async def test_an_absent_record_whose_tombstone_a_crash_took_back_is_looked_at_again(
    works: Works, customer: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two batches of absent records the stream has no position: what it counted says where it stands."""
    monkeypatch.setattr(streaming, "ABSENT_BATCH", 1)
    await customer.sync()
    async with Crash(works.pool) as crash:

        async def remember(request: web.Request) -> web.Response:
            await crash.remember()
            return say({}, 404)

        async def put_back(request: web.Request) -> web.Response:
            await crash.put_back()
            return say({}, 404)

        works.vendor.will("/jobs/1", remember)
        works.vendor.will("/jobs/2", put_back)
        del works.vendor.lists["/jobs"][:2]
        with pytest.raises(Stopped):
            await customer.sync(full=True)
    assert await works.list_names("jobs") == JOBS
    assert (await customer.sync()).status == "done"
    assert await works.list_names("jobs") == ["3", "4", "5"]


async def test_a_list_whose_last_page_was_saved_when_its_worker_died_is_noted_as_read(
    works: Works, customer: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish, has_died = runs.finish_stream, asyncio.Event()

    async def die_once(connection: Connection, run: runs.Run, stream: str, *given: Any, **named: Any) -> Any:
        if stream == "jobs" and not has_died.is_set():
            has_died.set()
            raise ConnectionResetError
        return await finish(connection, run, stream, *given, **named)

    monkeypatch.setattr(runs, "finish_stream", die_once)
    async with works.work():
        await works.ask(customer)
        await works.wait_for(customer)
    assert has_died.is_set()
    read = await runs.find_first_reads(works.pool, customer.connector.number, ["jobs", "people", "pipelines"])
    assert sorted(read) == ["jobs", "people", "pipelines"]


async def test_signs_of_life_keep_a_connector_for_longer_than_one_may_be_silent(
    works: Works, customer: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(locks, "SILENT_SECONDS", 0.6)
    async with lock_connector(works.pool, customer.connector.number, otherwise="taken"):
        await asyncio.sleep(1.2)
        is_free = await works.pool.fetchval(locks.TRY_LOCK, locks.SYNC_LOCKS, customer.connector.number)
    assert not is_free
    async with works.pool.acquire() as connection:
        assert await connection.fetchval("SHOW idle_session_timeout") == "0"


async def test_a_session_stuck_in_the_middle_of_a_statement_is_ended(
    works: Works, customer: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chores, "STUCK_FOR", timedelta(seconds=0.3))
    frozen = asyncio.Event()

    async def freeze() -> AsyncIterator[bytes]:
        yield b""
        await within(frozen.wait())

    async def write() -> None:
        async with lock_feed(works.pool, customer.connector.number) as connection:
            await connection.execute(runs.LOCK_ASKING, customer.connector.number)
            await connection.copy_to_table("seen", source=freeze())

    writing = asyncio.create_task(write())
    await asyncio.sleep(0.2)
    async with works.work():
        async with asyncio.timeout(5):
            await works.ask(customer)  # waits for the lock of the connector's row
        frozen.set()
        await works.wait_for(customer)
    assert isinstance((await asyncio.gather(writing, return_exceptions=True))[0], Exception)


# The database finds no room for what is put into a table, as it says when its disk is full.
FILL_DISK = """
    CREATE OR REPLACE FUNCTION find_no_room() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE disk_full; END';
    CREATE OR REPLACE TRIGGER full_disk BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW {when}
        EXECUTE FUNCTION find_no_room()
"""
MAKE_ROOM = "DROP TRIGGER full_disk ON {table}"


async def test_a_full_disk_is_what_the_run_waits_for_and_an_issue(works: Works, customer: Tenant) -> None:
    await works.pool.execute(FILL_DISK.format(table="record", when=""))
    try:
        async with works.work():
            asked_at = datetime.now(UTC)
            await works.ask(customer)
            run = await works.wait_for_putting_off(customer)
            assert (run["status"], run["waits_for"]) == ("running", "the disk of the database is full")
            assert timedelta(seconds=55) < run["waits_until"] - asked_at < timedelta(seconds=90)
            assert await works.list_issues(customer) == ["disk_full"]
    finally:
        await works.pool.execute(MAKE_ROOM.format(table="record"))
    async with works.work():
        await let_pass(works.pool, timedelta(minutes=2))
        run = await works.wait_for(customer)
    assert run["failures"] == 0
    assert await works.list_issues(customer) == []
    assert await works.list_names("jobs") == JOBS


async def test_a_disk_too_full_to_say_so_is_logged_and_said_when_there_is_room_for_that(
    works: Works, customer: Tenant
) -> None:
    full = {"record": "", "issue": "", "sync_run": "WHEN (NEW.waits_for IS NOT NULL)"}
    for table, when in full.items():
        await works.pool.execute(FILL_DISK.format(table=table, when=when))
    try:
        with structlog.testing.capture_logs() as lines:

            async def has_said() -> bool:
                return any(line["event"].startswith("the disk of the database is full") for line in lines)

            async with works.work():
                await works.ask(customer)
                await until(has_said)
                assert (await works.get_run(customer))["waits_for"] is None
                for table in ("issue", "sync_run"):
                    await works.pool.execute(MAKE_ROOM.format(table=table))
                    del full[table]
                await works.ask(customer)
                run = await works.wait_for_putting_off(customer)
        assert run["waits_for"] == "the disk of the database is full"
        assert await works.list_issues(customer) == ["disk_full"]
    finally:
        for table in full:
            await works.pool.execute(MAKE_ROOM.format(table=table))


@pytest.mark.parametrize("passes", [True, False])
async def test_a_job_that_loses_the_database_ends_and_one_with_a_fault_of_ours_says_so(
    works: Works, customer: Tenant, monkeypatch: pytest.MonkeyPatch, passes: bool
) -> None:
    losses: list[Exception] = [asyncpg.ConnectionDoesNotExistError("gone"), asyncpg.DiskFullError("full")]
    for error in losses if passes else [ValueError("odd")]:

        async def lose(pool: Pool, number: int, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(worker, "get_numbered", lose)
        ours = worker.Worker(works.pool, "", works.open_client, slots=1)
        job = SimpleNamespace(job=SimpleNamespace(id=1))
        ended = ours._look_after(cast(Any, job), customer.connector.number)
        if passes:
            await ended
        else:
            with pytest.raises(ValueError, match="odd"):
                await ended
        assert ours._jobs == set()


async def test_a_session_that_works_for_long_is_not_stuck(works: Works) -> None:
    async with works.pool.acquire() as connection:
        working = asyncio.create_task(connection.fetchval("SELECT 1 FROM pg_sleep(1.5)"))
        await asyncio.sleep(0.5)
        assert await works.pool.fetch(jobs.END_STUCK_SESSIONS, timedelta(seconds=0.1)) == []
        assert await within(working) == 1


async def test_what_a_run_failed_by_is_let_go_of_when_it_ends(works: Works, customer: Tenant) -> None:
    """Errors hold the answers that they are about, in circles which a worker's collector seldom looks for."""
    thresholds, collected = gc.get_threshold(), 0

    def count(phase: str, facts: dict[str, int]) -> None:
        nonlocal collected
        collected += phase == "start" and facts["generation"] == 2

    gc.set_threshold(10**9, 1, 1)
    gc.callbacks.append(count)
    try:
        async with works.work():
            await works.ask(customer)
            await works.wait_for(customer)
            assert collected == 0
            works.vendor.will("/pipelines", *[lambda request: say({}, 403)] * 9)
            await works.ask(customer, full=True)
            await works.wait_for(customer, "partial", number=2)
            await until(lambda: has_passed(lambda: collected > 0))
    finally:
        gc.callbacks.remove(count)
        gc.set_threshold(*thresholds)


async def has_passed(holds: Callable[[], bool]) -> bool:
    return holds()
