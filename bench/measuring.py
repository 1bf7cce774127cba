"""Measures what runs cost on this machine, for the capacity model: `unihire worker` against the vendors' emulators."""

import asyncio
import os
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.capacity import Machine, Measured, Resting, Sample
from bench.fair import change_candidates
from bench.fair_sizes import SLOTS, UNLIMITED, WORKERS
from bench.place import open_place
from bench.processes import Child, Mismatch, find_memory
from bench.seeding import settle
from bench.server_load import STATISTICS_SECONDS, Counters, read_counters, read_cpu
from bench.vendors import start_emulator
from bench.workers import COUNT_ENDED, LOOK_SECONDS, Site, open_site

CHANGED_SHARE = 0.1
RESTING_SECONDS = 10.0

# What the runs of these connectors that were asked for since a moment asked of the vendor and read.
COUNT_WORK = """
    SELECT count(DISTINCT sync_run.id) FILTER (WHERE status = 'done') AS done,
        sum(requests)::bigint AS calls, sum(read)::bigint AS rows
    FROM sync_run JOIN stream_run ON stream_run.run = sync_run.id
    WHERE sync_run.connector = ANY($1) AND asked_at >= $2
"""

COUNT_RECORDS = "SELECT count(*) FROM record"

LIST_BACKENDS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@dataclass(frozen=True, slots=True)
class Crowd:
    """So many connectors to companies of one size."""

    candidates: int
    connectors: int


@dataclass(frozen=True, slots=True)
class Scope:
    """The two crowds that are modelled by, and the one between that the model is compared with.

    `pause` is how long after a wave the server's statistics are waited for.
    """

    small: Crowd
    large: Crowd
    check: Crowd
    pause: float = STATISTICS_SECONDS


FULL = Scope(Crowd(100, 16), Crowd(2000, 4), Crowd(700, 6))
TINY = Scope(Crowd(100, 1), Crowd(300, 1), Crowd(200, 1), pause=0)


async def measure(scope: Scope = FULL) -> Measured:
    """Takes some minutes. Raises Mismatch where a run does not end well."""
    async with open_place() as place, open_site(place, "scale") as site, site.start_workers(WORKERS, SLOTS) as workers:
        bench = _Bench(site, workers, scope.pause)
        await bench.rest()
        samples: dict[str, dict[str, list[Sample]]] = {}
        checks: dict[str, dict[str, Sample]] = {}
        for slug in UNLIMITED:
            for crowd in (scope.small, scope.large):
                for kind, sample in (await bench.measure(slug, crowd)).items():
                    samples.setdefault(slug, {}).setdefault(kind, []).append(sample)
            checks[slug] = await bench.measure(slug, scope.check)
        resting = await bench.tell_resting()
    return Measured(datetime.now(UTC).date().isoformat(), describe_machine(), resting, samples, checks)


class _Bench:
    def __init__(self, site: Site, workers: Sequence[Child], pause: float) -> None:
        self._site = site
        self._pause = pause
        self._workers = workers
        self._idle: dict[str, float] = {}

    async def rest(self) -> None:
        """What is spent in a second without any run, our own looks included."""
        numbers: list[int] = []
        before, began = await self._look(), datetime.now(UTC)
        while (seconds := (datetime.now(UTC) - began).total_seconds()) < RESTING_SECONDS:
            await self._site.pool.fetchval(COUNT_ENDED, numbers, began)
            await asyncio.sleep(LOOK_SECONDS)
        after = await self._look()
        self._idle = {name: (after[name] - before[name]) / seconds for name in after}

    async def measure(self, slug: str, crowd: Crowd) -> dict[str, Sample]:
        """A sample of each kind of run."""
        print(f"scale: {slug}, {crowd.connectors} connectors of {crowd.candidates:,} candidates", flush=True)
        async with AsyncExitStack() as running:
            vendor = await running.enter_async_context(start_emulator(slug, crowd.candidates, **UNLIMITED[slug]))
            numbers = await self._site.connect(slug, vendor, crowd.connectors)
            await settle(self._site.pool)
            first = await self._measure_wave(numbers)
            idle = await self._measure_wave(numbers)
            await asyncio.to_thread(change_candidates, vendor, CHANGED_SHARE)
            changed = await self._measure_wave(numbers)
            whole = await self._measure_wave(numbers, full=True)
        units = {"first": 1.0, "idle": 1.0, "changed": CHANGED_SHARE, "whole": 1.0}
        costs = {"first": first, "idle": idle, "changed": changed, "whole": whole}
        return {kind: Sample(crowd.candidates * units[kind], crowd.connectors, cost) for kind, cost in costs.items()}

    async def _measure_wave(self, numbers: Sequence[int], *, full: bool = False) -> dict[str, float]:
        """What one of these runs costs, after a checkpoint: with whole pages in the WAL, the dear case.

        Leaves all settled for the next wave.
        """
        size, before, due = (await read_counters(self._site.pool)).size, await self._look(), datetime.now(UTC)
        await self._site.make_due(numbers, due, full=full)
        await self._site.wait(numbers, due)
        await asyncio.sleep(self._pause)
        after, seconds = await self._look(), (datetime.now(UTC) - due).total_seconds()
        cost = {name: max(0.0, after[name] - before[name] - self._idle[name] * seconds) for name in after}
        await settle(self._site.pool)
        cost["size"] = max(0, (await read_counters(self._site.pool)).size - size)
        (work,) = await self._site.pool.fetch(COUNT_WORK, numbers, due)
        if work["done"] != len(numbers):
            raise Mismatch(f"{work['done']} of {len(numbers)} runs ended well")
        cost |= {"calls": work["calls"], "rows": work["rows"]}
        return {name: round(value / len(numbers), 4) for name, value in cost.items()}

    async def _look(self) -> dict[str, float]:
        counters: Counters = await read_counters(self._site.pool)
        return {
            "worker_cpu": sum(read_cpu(worker.pid) for worker in self._workers),
            "database_cpu": counters.cpu,
            "transactions": counters.transactions,
            "wal": counters.wal,
            "writes": counters.writes,
            "flushes": counters.flushes,
            "records": await self._site.pool.fetchval(COUNT_RECORDS),
        }

    async def tell_resting(self) -> Resting:
        count = len(self._workers)
        backends: list[Any] = await self._site.pool.fetch(LIST_BACKENDS)
        memory = [found for row in backends if (found := find_memory(row["pid"], "RssAnon")) > 0]
        return Resting(
            worker_cpu=round(self._idle["worker_cpu"] / count, 4),
            database_cpu=round(self._idle["database_cpu"] / count, 4),
            worker_mb=round(max(find_memory(worker.pid, "VmHWM") for worker in self._workers), 1),
            backend_mb=round(sum(memory) / max(1, len(memory)), 1),
            backends=round((len(backends) - self._site.pool.get_size() + 1) / count, 1),
        )


def describe_machine() -> Machine:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Machine(os.cpu_count() or 1, round(memory / 2**30), _name_processor())


def _name_processor() -> str:
    with Path("/proc/cpuinfo").open() as lines:
        return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
