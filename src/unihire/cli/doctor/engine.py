"""The doctor's check of the engine: workers, waiting jobs, and runs without a job."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from unihire.cli.console.terminal import note
from unihire.cli.doctor.findings import Finding
from unihire.kit.phrases import count_of
from unihire.store import Pool, issues
from unihire.store.work import jobs, schedules
from unihire.sync.chores import PACE

ALIVE_FOR = timedelta(seconds=PACE.silent)
"""A worker that gave no sign for so long is taken for dead."""

OVERDUE_AFTER = timedelta(minutes=2)
"""Workers look for connectors that are due more often than that."""

NO_WORKER = "no worker is running: `unihire serve` or `unihire worker`"


@dataclass(frozen=True, slots=True)
class Engine:
    """State of the engine. `waiting`, `deferred` and `doing` are jobs, `orphaned` runs without a job,
    `too_late` connectors that are due later than their schedule allows."""

    workers: int
    waiting: int
    deferred: int
    doing: int
    orphaned: int
    overdue: int
    too_late: int
    paused: int
    issues: int


async def look_at_engine(pool: Pool) -> Engine:
    async with pool.acquire() as connection:
        counted = await connection.fetchrow(jobs.COUNT_JOBS)
        late = await connection.fetchrow(schedules.COUNT_LATE, OVERDUE_AFTER)
        by_connector = await connection.fetch(issues.COUNT_OPEN_BY_CONNECTOR)
        assert counted is not None
        assert late is not None
        return Engine(
            workers=await connection.fetchval(jobs.COUNT_WORKERS, ALIVE_FOR),
            **counted,
            orphaned=len(await jobs.list_orphaned(connection)),
            **late,
            issues=sum(row["issues"] for row in by_connector),
        )


def judge_engine(engine: Engine) -> Iterator[Finding]:
    """What is well, and what is not, of workers, runs, schedules and issues."""
    said = f"{count_of(engine.waiting, 'job')} waiting, {engine.deferred:,} deferred, {engine.doing:,} under way"
    if engine.workers:
        yield Finding("workers", "ok", f"{engine.workers:,} alive; {said}")
    elif engine.overdue or engine.waiting or engine.doing:
        yield Finding("workers", "warning", f"{NO_WORKER}; {said}")
    else:
        yield Finding("workers", "ok", f"none is running, and nothing waits for one; {said}")
    if engine.orphaned:
        remedy = "one takes them up within a minute" if engine.workers else NO_WORKER
        said = f"{engine.orphaned:,} have not ended and no job stands for them, unless a command is at them: {remedy}"
        yield Finding("runs", "warning", said)
    paused = f"{count_of(engine.paused, 'connector')} paused"
    if engine.overdue:
        why = "the workers are behind" if engine.workers else NO_WORKER
        said = f"{count_of(engine.overdue, 'connector')} due for over {OVERDUE_AFTER // timedelta(minutes=1)} minutes"
        yield Finding("schedules", "warning", f"{said}: {why}; {paused}")
    elif engine.too_late:
        remedy = "a worker brings them forward within seconds" if engine.workers else f"a worker does; {NO_WORKER}"
        late = count_of(engine.too_late, "connector")
        said = f"{late} due later than the schedule allows: the clock was wrong; {remedy}"
        yield Finding("schedules", "warning", f"{said}; {paused}")
    else:
        yield Finding("schedules", "ok", f"none is overdue; {paused}")
    if engine.issues:
        yield Finding("issues", "warning", f"{engine.issues:,} open: `unihire issues` shows what to do")
    else:
        yield Finding("issues", "ok", "none is open")


async def is_worker_alive(pool: Pool) -> bool:
    alive: int = await pool.fetchval(jobs.COUNT_WORKERS, ALIVE_FOR)
    return alive > 0


def note_missing_worker() -> None:
    note(f"[yellow]![/yellow] {NO_WORKER} does what was asked for")
