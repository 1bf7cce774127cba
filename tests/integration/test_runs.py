"""The fence of a run: what an earlier attempt, or one that stands elsewhere, may not save any more."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from testbed.tenants import Tenant
from testbed.waiting import until
from unihire.store import Connection, Pool
from unihire.store.work import runs
from unihire.store.work.runs import Run, StreamPosition
from unihire.sync.deferring import Deferral, defer_run

STREAM = "jobs"
PLACE = StreamPosition("walk", "page 3", 4, 1, 7)
NOTHING = [0] * 9
NO_LEAD = timedelta()

Act = Callable[[Connection, Run, StreamPosition], Awaitable[Any]]


async def move(connection: Connection, run: Run, before: StreamPosition) -> None:
    await runs.move_stream(connection, run, STREAM, "walk", "page 4", NOTHING, before=before)


async def restart(connection: Connection, run: Run, before: StreamPosition) -> None:
    await runs.restart_phase(connection, run, STREAM, "catch_up")


async def finish_well(connection: Connection, run: Run, before: StreamPosition) -> None:
    await runs.finish_stream(connection, run, STREAM, None, lead=NO_LEAD, requests=0, waited=0.0, before=before)


async def finish_badly(connection: Connection, run: Run, before: StreamPosition) -> None:
    await runs.finish_stream(connection, run, STREAM, "refused", lead=NO_LEAD, requests=0, waited=0.0, before=before)


async def take(tenant: Tenant) -> Run:
    run = await runs.take_run(tenant.pool, tenant.connector.number, version=1)
    assert run is not None
    return run


async def set_place(pool: Pool, place: StreamPosition) -> None:
    await pool.execute(
        "UPDATE stream_run SET phase = $1, position = $2, read = $3, deleted = $4, requests = $5", *place
    )


@pytest_asyncio.fixture
async def run(tenant: Tenant) -> Run:
    """A run that was taken up, whose stream stands at PLACE."""
    async with tenant.pool.acquire() as connection, connection.transaction():
        await runs.ask_run(connection, tenant.connector.number)
    taken = await take(tenant)
    await runs.open_stream(tenant.pool, taken, STREAM, window_start=None, models=[])
    await set_place(tenant.pool, PLACE)
    return taken


async def read_state(pool: Pool) -> list[Any]:
    tables = ("sync_run", "stream_run", "stream_state")
    return [[dict(row) for row in await pool.fetch(f"SELECT * FROM {table}")] for table in tables]


@pytest.mark.parametrize("act", [move, restart, finish_well, finish_badly])
async def test_an_earlier_attempt_saves_nothing_while_its_successor_is_at_work(
    tenant: Tenant, run: Run, act: Act
) -> None:
    successor = await take(tenant)
    assert (successor.id, successor.attempt) == (run.id, run.attempt + 1)
    before = await read_state(tenant.pool)
    async with tenant.pool.acquire() as connection:
        with pytest.raises(runs.Superseded):
            await act(connection, run, PLACE)
        assert await read_state(tenant.pool) == before
        await act(connection, successor, PLACE)
    assert await read_state(tenant.pool) != before


async def test_an_earlier_attempt_counts_no_fault_and_neither_ends_nor_defers_the_run(tenant: Tenant, run: Run) -> None:
    pool, successor = tenant.pool, await take(tenant)
    before = await read_state(pool)
    with pytest.raises(runs.Superseded):
        await runs.note_fault(pool, run, STREAM)
    assert await runs.defer_run(pool, run, timedelta(hours=1), "away", 3) is None
    await runs.finish_run(pool, run, "failed", "by the earlier one")
    assert await read_state(pool) == before
    assert await runs.note_fault(pool, successor, STREAM) == 1
    assert await runs.defer_run(pool, successor, timedelta(hours=1), "away", 3) is not None


@pytest.mark.parametrize("act", [move, restart, finish_well, finish_badly])
async def test_a_run_that_was_cancelled_saves_nothing_more(tenant: Tenant, run: Run, act: Act) -> None:
    await tenant.pool.execute(runs.CANCEL_RUN, tenant.connector.number)
    before = await read_state(tenant.pool)
    async with tenant.pool.acquire() as connection:
        with pytest.raises(runs.Superseded):
            await act(connection, run, PLACE)
    assert await read_state(tenant.pool) == before


@pytest.mark.parametrize("stands_at", [PLACE, PLACE._replace(phase="absent", position=None)])
@pytest.mark.parametrize(
    "elsewhere",
    [{"phase": "catch_up"}, {"position": "page 2"}, {"read": 3}, {"deleted": 0}, {"requests": 6}],
    ids=lambda changed: next(iter(changed)),
)
@pytest.mark.parametrize("act", [move, finish_well])
async def test_a_page_is_saved_only_on_top_of_the_one_before_it(
    tenant: Tenant, run: Run, act: Act, stands_at: StreamPosition, elsewhere: dict[str, Any]
) -> None:
    """What a crash of the server took back shows in any of the five, where the position is null too."""
    await set_place(tenant.pool, stands_at._replace(**elsewhere))
    before = await read_state(tenant.pool)
    async with tenant.pool.acquire() as connection:
        with pytest.raises(runs.Superseded):
            await act(connection, run, stands_at)
        assert await read_state(tenant.pool) == before
        await set_place(tenant.pool, stands_at)
        await act(connection, run, stands_at)


async def test_a_stream_that_failed_is_ended_wherever_it_stands(tenant: Tenant, run: Run) -> None:
    await set_place(tenant.pool, PLACE._replace(read=2, position="page 2"))
    async with tenant.pool.acquire() as connection:
        await finish_badly(connection, run, PLACE)
    assert await tenant.pool.fetchval("SELECT error FROM stream_run") == "refused"
    assert await tenant.pool.fetchval("SELECT count(*) FROM stream_state") == 0


@pytest.mark.parametrize("act", [move, restart, finish_well])
async def test_a_run_is_not_taken_over_between_the_move_of_a_page_and_its_commit(
    tenant: Tenant, run: Run, act: Act
) -> None:
    async with tenant.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await act(connection, run, PLACE)
        taking = asyncio.create_task(take(tenant))

        async def is_held_off() -> bool:
            assert not taking.done(), "the run was taken over under a page that is about to be committed"
            find = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"
            return bool(await tenant.pool.fetchval(find))

        await until(is_held_off)
        await transaction.commit()
    async with asyncio.timeout(10):
        successor = await taking
    assert successor.attempt == run.attempt + 1


async def test_run_that_cannot_be_deferred_is_not_taken_to_have_ended(tenant: Tenant, run: Run) -> None:
    """Only a full disk, which is what the run waits for, leaves it to the chores."""
    deferral = Deferral(timedelta(minutes=1), "the vendor rests", failures=2**40, kind=None)
    with pytest.raises(asyncpg.DataError):
        await defer_run(tenant.pool, tenant.connector, run, deferral)
