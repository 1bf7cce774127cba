"""Jobs: what makes a worker take a connector up. They are procrastinate's, in the same database.

A job only says "look whether this connector has something to do": the run says what there is to do and how far it is.
So a job may come twice, or too early, and does no harm; a missing one is created again by `list_orphaned`.
"""

from collections.abc import Sequence
from datetime import timedelta
from importlib import resources

from unihire.store import Connection, Pool
from unihire.store.work.runs import LOCK_ASKING, LONGEST_WAIT

QUEUE = "sync"
TASK = "sync"

# A job of the connector that waits for its time may start so much from now; null: at once.
WAKE_JOB = """
    UPDATE procrastinate_jobs SET scheduled_at = now() + $2::interval
    WHERE queueing_lock = 'sync:' || $1::int AND status = 'todo'
        AND scheduled_at > coalesce(now() + $2::interval, '-infinity')
"""

# A job for the connector, unless one is waiting.
DEFER_JOB = """
    SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(
        'sync', 'sync', 0, 'sync:' || $1::int, 'sync:' || $1::int, jsonb_build_object('connector', $1::int),
        now() + $2::interval
    )::procrastinate_job_to_defer_v1])
    WHERE NOT EXISTS (SELECT FROM procrastinate_jobs WHERE queueing_lock = 'sync:' || $1::int AND status = 'todo')
"""

# A sign that a worker lives: given not too long ago, nor by a clock that was set back since.
_IS_ALIVE = "last_heartbeat BETWEEN now() - $1::interval AND now() + interval '1 minute'"

# Jobs whose worker is gone; a run they stood for is orphaned then, and gets another one.
DROP_DEAD_JOBS = f"""
    DELETE FROM procrastinate_jobs AS job
    WHERE status = 'doing' AND NOT EXISTS (
        SELECT FROM procrastinate_workers AS worker WHERE worker.id = job.worker_id AND {_IS_ALIVE}
    )
"""  # noqa: S608 - of constants

# Jobs that a worker has by the list and does not know of: it was cut off while it took them up or gave them back.
FIND_UNKNOWN_JOBS = (
    "SELECT id FROM procrastinate_jobs WHERE status = 'doing' AND worker_id = $1 AND id <> ALL($2::bigint[])"
)

DROP_UNKNOWN_JOBS = (
    "DELETE FROM procrastinate_jobs WHERE status = 'doing' AND worker_id = $1 AND id = ANY($2::bigint[])"
)

# Workers that ended and could not say so: their jobs are nobody's at once.
DROP_WORKERS = "DELETE FROM procrastinate_workers WHERE id = ANY($1::bigint[])"

# Sessions of ours that stopped in the middle of a statement, waiting for a process that is frozen or out of reach.
END_STUCK_SESSIONS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user
        AND application_name = current_setting('application_name') AND state = 'active'
        AND wait_event_type = 'Client' AND query_start < now() - $1::interval AND pid <> pg_backend_pid()
"""

# Connectors with a run that has not ended and no job that would go on with it.
LIST_ORPHANED = """
    SELECT run.connector, run.waits_until - now() AS after
    FROM sync_run AS run JOIN connector ON connector.number = run.connector
    WHERE run.status IN ('queued', 'running') AND NOT connector.is_paused AND NOT EXISTS (
        SELECT FROM procrastinate_jobs AS job
        WHERE job.lock = 'sync:' || run.connector AND job.status IN ('todo', 'doing')
    )
"""

# Runs that are deferred for longer than a run can be, and jobs: the clock was wrong when it was worked out.
BRING_RUNS_FORWARD = """
    UPDATE sync_run SET waits_until = now() + $1::interval
    WHERE status IN ('queued', 'running') AND waits_until > now() + $1::interval + interval '1 minute'
"""

BRING_JOBS_FORWARD = """
    UPDATE procrastinate_jobs SET scheduled_at = now() + $1::interval
    WHERE status = 'todo' AND scheduled_at > now() + $1::interval + interval '1 minute'
"""

# Whether a job waits for a worker that has room.
HAS_WAITING = """
    SELECT EXISTS (
        SELECT FROM procrastinate_jobs
        WHERE status = 'todo' AND queue_name = 'sync' AND (scheduled_at IS NULL OR scheduled_at <= now())
    )
"""

# How many jobs wait for a worker, wait for their time, and are worked on, and how long the first has waited.
COUNT_JOBS = """
    SELECT count(*) FILTER (WHERE status = 'todo' AND NOT is_later) AS waiting,
        count(*) FILTER (WHERE status = 'todo' AND is_later) AS deferred,
        count(*) FILTER (WHERE status = 'doing') AS doing
    FROM (SELECT status, coalesce(scheduled_at > now(), false) AS is_later FROM procrastinate_jobs) AS job
"""

COUNT_WORKERS = f"SELECT count(*) FROM procrastinate_workers WHERE {_IS_ALIVE}"  # noqa: S608 - of constants

# Only one process at a time does what all would do.
TRY_CHORE = "SELECT pg_try_advisory_xact_lock($1)"

CHORE_LOCK = 0x43484F5245  # "CHORE"

CREATE_JOB_SCHEMA = "CREATE TABLE IF NOT EXISTS job_schema (migration text PRIMARY KEY)"

GET_JOB_SCHEMA = "SELECT max(migration) FROM job_schema"

NOTE_JOB_SCHEMA = "INSERT INTO job_schema (migration) VALUES ($1)"


async def install(connection: Connection) -> None:
    """Bring the library's tables to its version, by the files it ships. Call while nobody else migrates."""
    folder = resources.files("procrastinate") / "sql"
    migrations = {file.name: file for file in (folder / "migrations").iterdir() if file.name.endswith(".sql")}
    newest = max(migrations)
    await connection.execute(CREATE_JOB_SCHEMA)
    applied: str | None = await connection.fetchval(GET_JOB_SCHEMA)
    steps = [folder / "schema.sql"] if applied is None else [
        migrations[name] for name in sorted(migrations) if name > applied
    ]  # fmt: skip
    if not steps:
        return
    async with connection.transaction():
        for step in steps:
            await connection.execute(step.read_text(encoding="utf-8"))
        await connection.execute(NOTE_JOB_SCHEMA, newest)


async def defer_sync(connection: Connection, connector: int, after: timedelta | None = None) -> None:
    """Let a worker work on the connector, at once or `after` so long; it is there when the transaction commits.

    One job of a connector waits at most: it is brought forward where it would come later. Call inside a transaction.
    """
    await connection.execute(LOCK_ASKING, connector)
    await connection.execute(WAKE_JOB, connector, after)
    await connection.execute(DEFER_JOB, connector, after)


async def drop_dead_jobs(connection: Connection, silent_for: timedelta) -> int:
    """Drop jobs whose worker gave no sign for so long; returns how many."""
    return int((await connection.execute(DROP_DEAD_JOBS, silent_for)).split()[-1])


async def list_orphaned(connection: Connection) -> Sequence[tuple[int, timedelta | None]]:
    """Connectors with an unfinished run that has no job, and for how long it is deferred."""
    return [(row["connector"], row["after"]) for row in await connection.fetch(LIST_ORPHANED)]


async def bring_forward(connection: Connection) -> int:
    """Let no run wait for longer than `LONGEST_WAIT` from now on; returns how many would have."""
    await connection.execute(BRING_RUNS_FORWARD, LONGEST_WAIT)
    return int((await connection.execute(BRING_JOBS_FORWARD, LONGEST_WAIT)).split()[-1])


async def has_waiting(pool: Pool) -> bool:
    """Whether somebody waits for room on a worker."""
    found: bool = await pool.fetchval(HAS_WAITING)
    return found
