"""What the queue costs with as many connectors as there may be, made in tables without a vendor.

The walk over waiting jobs is the library's, the rest our own.
"""

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from statistics import median

from bench.figures import Figures
from bench.place import Place
from bench.seeding import create_tenant, settle
from bench.sizes import Sizes
from unihire.store import Connection, Pool
from unihire.store.work import jobs, runs, schedules
from unihire.sync.chores import DUE_AT_ONCE

TRIES = 30
DOING = 16

# So many connectors like the first one, due in a week.
ADD_CONNECTORS = """
    INSERT INTO connector (id, organisation, environment, integration, category, end_user, token_hash, credentials,
        next_sync_at)
    SELECT gen_random_uuid(), organisation, environment, integration, category, end_user, sha256(i::text::bytea),
        credentials, now() + interval '7 days'
    FROM (SELECT * FROM connector ORDER BY number LIMIT 1) AS first, generate_series(2, $1) AS i
"""

# Everybody has a run that has not ended, and a state to find the oldest complete read in.
ADD_RUNS = """
    INSERT INTO sync_run (id, connector, number, status, is_full)
    SELECT gen_random_uuid(), number, 1, 'queued', false FROM connector
"""
ADD_STATES = """
    INSERT INTO stream_state (connector, stream, first_read_at, last_read_at, last_whole_at)
    SELECT number, 'stream ' || i, now(), now(), now() FROM connector, generate_series(1, 40) AS i
"""
ADD_JOBS = """
    INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args, scheduled_at)
    SELECT 'sync', 'sync', 'sync:' || number, 'sync:' || number, jsonb_build_object('connector', number), $1
    FROM connector ORDER BY number
"""
BEGIN_SOME = """
    UPDATE procrastinate_jobs SET status = 'doing', worker_id = $2 WHERE id IN (
        SELECT id FROM procrastinate_jobs ORDER BY id LIMIT $1
    )
"""
ADD_WORKER = "INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id"

FETCH_JOB = "SELECT id FROM procrastinate_fetch_job_v2(ARRAY['sync']::varchar[], $1)"

DEFER_MOST = """
    UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 hour'
    WHERE status = 'todo' AND id NOT IN (SELECT id FROM procrastinate_jobs ORDER BY id DESC LIMIT 100)
"""
FORGET_RUNS = ("DELETE FROM procrastinate_jobs", "DELETE FROM sync_run")
SET_ALL_DUE = "UPDATE connector SET next_sync_at = now() - interval '1 minute'"


async def measure_queue(place: Place, sizes: Sizes, figures: Figures) -> None:
    """The figures `queue.*`, in milliseconds: medians of what one call takes."""
    for count in sizes.queue_connectors:
        print(f"queue: {count:,} connectors", flush=True)
        async with place.open_scratch("queue") as (_, pool):
            await _fill(pool, count)
            await _measure(pool, f"queue.{count}", figures)


async def _fill(pool: Pool, count: int) -> None:
    await create_tenant(pool)
    await pool.execute(ADD_CONNECTORS, count)
    await pool.execute(ADD_RUNS)
    await pool.execute(ADD_STATES)
    await pool.execute(ADD_JOBS, None)
    await settle(pool)


async def _measure(pool: Pool, name: str, figures: Figures) -> None:
    worker = await pool.fetchval(ADD_WORKER)
    await pool.execute(BEGIN_SOME, DOING, worker)

    async def fetch(connection: Connection) -> None:
        await connection.fetch(FETCH_JOB, worker)

    async def look_for_due(connection: Connection) -> None:
        await schedules.list_due(connection, DUE_AT_ONCE)

    async def look_for_waiting(connection: Connection) -> None:
        await connection.fetch(jobs.HAS_WAITING)

    async def drop_dead(connection: Connection) -> None:
        await jobs.drop_dead_jobs(connection, timedelta(minutes=1))

    async def look_for_orphaned(connection: Connection) -> None:
        assert not await jobs.list_orphaned(connection)

    figures.put(f"{name}.fetch_ms.all_waiting", await _time(pool, fetch))
    figures.put(f"{name}.waiting_ms", await _time(pool, look_for_waiting))
    figures.put(f"{name}.orphaned_ms", await _time(pool, look_for_orphaned))
    figures.put(f"{name}.dead_ms", await _time(pool, drop_dead))
    figures.put(f"{name}.none_due_ms", await _time(pool, look_for_due))
    await pool.execute(DEFER_MOST)
    await settle(pool)
    figures.put(f"{name}.fetch_ms.most_deferred", await _time(pool, fetch))
    for statement in (*FORGET_RUNS, SET_ALL_DUE):
        await pool.execute(statement)
    await settle(pool)
    figures.put(f"{name}.due_ms.{DUE_AT_ONCE}_connectors", await _time(pool, _ask_for_due, tries=3))


async def _ask_for_due(connection: Connection) -> None:
    """As the chores do."""
    for due in await schedules.list_due(connection, DUE_AT_ONCE):
        await runs.ask_run(connection, due.number, full=due.is_full, is_scheduled=True)
        await jobs.defer_sync(connection, due.number)


async def _time(pool: Pool, work: Callable[[Connection], Awaitable[None]], *, tries: int = TRIES) -> float:
    """The median over calls on one connection, undone after each."""
    taken = []
    async with pool.acquire() as connection:
        for _ in range(tries):
            transaction = connection.transaction()
            await transaction.start()
            started = time.perf_counter()
            await work(connection)
            taken.append(1000 * (time.perf_counter() - started))
            await transaction.rollback()
    return median(taken)
