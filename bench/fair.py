"""Many connectors on one machine: 2 workers, everything due at once, a few big ones among the small.

Who is fair lets no small connector wait for a big one to end, and lets nobody starve.
"""

import asyncio
import math
import urllib.request
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from bench.fair_sizes import CHANGED_SHARE, SLOTS, SMALL, UNLIMITED, WORKERS
from bench.figures import Figures
from bench.place import Place
from bench.processes import Child
from bench.seeding import settle
from bench.server_load import STATISTICS_SECONDS, Counters, read_counters, read_cpu
from bench.sizes import Sizes
from bench.vendors import Vendor, start_emulator
from bench.workers import COUNT_ENDED, Site, open_site
from unihire.sync.chores import PACE

LASTING_SLICES = 2
"""A big connector that is done within so many slices keeps nobody waiting who could be let in before."""

# The runs of these connectors that were asked for since a moment.
LIST_RUNS = """
    SELECT connector, status, attempt, started_at, finished_at FROM sync_run
    WHERE connector = ANY($1) AND asked_at >= $2 ORDER BY finished_at
"""

COUNT_READ = "SELECT coalesce(sum(read), 0)::bigint FROM stream_run"

COUNT_RECORDS = "SELECT count(*) FROM record"


@dataclass(frozen=True, slots=True)
class Wave:
    """Runs of `due` connectors that were due at one moment; waits in seconds, sorted."""

    due: int
    done: int
    attempts: int
    until_begun: Sequence[float]
    until_done: Sequence[float]

    @classmethod
    def of(cls, rows: Sequence[Any], moment: datetime) -> "Wave":
        """The rows are of runs that have ended, one a connector."""
        return cls(
            len(rows),
            sum(row["status"] == "done" for row in rows),
            sum(row["attempt"] for row in rows),
            sorted((row["started_at"] - moment).total_seconds() for row in rows),
            sorted((row["finished_at"] - moment).total_seconds() for row in rows),
        )


def find_percentile(ordered: Sequence[float], share: float) -> float:
    """The least value that at least this share of the values does not exceed; 0 of none."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


async def measure_fairness(place: Place, sizes: Sizes, figures: Figures) -> None:
    """The figures `fair.*`."""
    small, big = sizes.fair_small, sizes.fair_big
    print(
        f"fair: {small} connectors of {SMALL} candidates and {big} of {sizes.fair_big_candidates:,}, {WORKERS} workers",
        flush=True,
    )
    async with AsyncExitStack() as running:
        vendors = [
            (slug, await running.enter_async_context(start_emulator(slug, size, **UNLIMITED[slug])))
            for slug, size in (("personio", SMALL), ("greenhouse", SMALL), ("personio", sizes.fair_big_candidates))
        ]
        site = await running.enter_async_context(open_site(place, "fair"))
        crowd = _Crowd(
            site,
            [*await site.connect(*vendors[0], small - small // 2), *await site.connect(*vendors[1], small // 2)],
            await site.connect(*vendors[2], big),
        )
        await settle(site.pool)
        workers = await running.enter_async_context(site.start_workers(WORKERS, SLOTS))
        await _measure_waves(crowd, workers, [vendor for _, vendor in vendors], figures)


@dataclass(frozen=True, slots=True)
class _Crowd:
    site: Site
    small: Sequence[int]
    big: Sequence[int]

    async def make_due(self, *, with_big: bool) -> datetime:
        """Everybody at once, the big ones a little before the others."""
        now = datetime.now(UTC)
        await self.site.make_due(self.small, now)
        if with_big:
            await self.site.make_due(self.big, now - timedelta(seconds=1))
        return now

    async def tell(self, numbers: Sequence[int], due: datetime) -> Wave:
        return Wave.of(await self.site.pool.fetch(LIST_RUNS, numbers, due), due)


async def _measure_waves(crowd: _Crowd, workers: Sequence[Child], vendors: Sequence[Vendor], figures: Figures) -> None:
    """All for the first time; the small again while the big still are at it; then the small alone."""
    pool = crowd.site.pool
    before, cpu_before = await read_counters(pool), sum(read_cpu(worker.pid) for worker in workers)
    due = await crowd.make_due(with_big=True)
    print("fair: first syncs", flush=True)
    await crowd.site.wait(crowd.small, due)
    waves = {"first": await crowd.tell(crowd.small, due)}
    connections, big_left = (await read_counters(pool)).connections, 0
    is_full = len(crowd.small) > WORKERS * SLOTS
    if is_full:
        await _change(vendors)
        due_again = await crowd.make_due(with_big=False)
        print("fair: the small ones again, beside the big", flush=True)
        await crowd.site.wait(crowd.small, due_again)
        big_left = len(crowd.big) - await pool.fetchval(COUNT_ENDED, crowd.big, due)
        waves["beside_big"] = await crowd.tell(crowd.small, due_again)
    await crowd.site.wait(crowd.big, due)
    waves["big"] = await crowd.tell(crowd.big, due)
    seconds = (datetime.now(UTC) - due).total_seconds()
    runs = sum(wave.attempts for wave in waves.values())
    if is_full:
        await asyncio.sleep(STATISTICS_SECONDS)
    after, cpu_after = await read_counters(pool), sum(read_cpu(worker.pid) for worker in workers)
    if is_full:
        await _change(vendors)
        due_alone = await crowd.make_due(with_big=False)
        print("fair: the small ones again, alone", flush=True)
        await crowd.site.wait(crowd.small, due_alone)
        waves["alone"] = await crowd.tell(crowd.small, due_alone)
    late = {name: find_percentile(wave.until_done, 0.99) for name, wave in waves.items()}
    big_done = waves["big"].until_done[-1]
    if is_full and big_done > LASTING_SLICES * PACE.slice:
        figures.put("fair.small_wait", late["first"] / max(big_done, waves["first"].until_done[-1]))
    if big_left:
        figures.put("fair.slowdown", late["beside_big"] / late["alone"])
    else:
        figures.remarks.append(
            "the big connectors were done too soon for the small ones to be synced again beside them"
        )
    figures.put("fair.done", sum(wave.done for wave in waves.values()) / sum(wave.due for wave in waves.values()))
    figures.put("fair.seconds", seconds)
    figures.put("fair.seconds.first_done", min(waves["first"].until_done[0], waves["big"].until_done[0]))
    for name, wave in waves.items():
        for until, waits in {"begun": wave.until_begun, "done": wave.until_done}.items():
            figures.put(f"fair.{name}.until_{until}.p50", find_percentile(waits, 0.5))
            figures.put(f"fair.{name}.until_{until}.p99", find_percentile(waits, 0.99))
            figures.put(f"fair.{name}.until_{until}.max", waits[-1])
    figures.put("fair.big.slices", waves["big"].attempts / len(crowd.big))
    figures.put("fair.jobs_per_second", runs / seconds)
    figures.put("fair.workers.cpu_cores", (cpu_after - cpu_before) / seconds)
    figures.put("fair.database.connections", connections)
    await _tell_database(crowd, before, after, seconds, figures)


async def _tell_database(crowd: _Crowd, before: Counters, after: Counters, seconds: float, figures: Figures) -> None:
    """What the server did from the first connector's due moment until the last big one was done."""
    pool = crowd.site.pool
    figures.put("fair.database.cpu_cores", (after.cpu - before.cpu) / seconds)
    figures.put("fair.database.transactions_per_second", (after.transactions - before.transactions) / seconds)
    figures.put("fair.database.writes_per_second", (after.writes - before.writes) / seconds)
    figures.put("fair.database.flushes_per_second", (after.flushes - before.flushes) / seconds)
    figures.put("fair.database.wal_mb", (after.wal - before.wal) / 1e6)
    figures.put("fair.database.size_mb", (after.size - before.size) / 1e6)
    figures.put("fair.rows_per_second", await pool.fetchval(COUNT_READ) / seconds)
    figures.put("fair.records", await pool.fetchval(COUNT_RECORDS))


async def _change(vendors: Sequence[Vendor]) -> None:
    """Some candidates are edited at each vendor."""
    for vendor in vendors:
        await asyncio.to_thread(change_candidates, vendor, CHANGED_SHARE)


def change_candidates(vendor: Vendor, share: float) -> None:
    """Edit so many of the candidates at a vendor's emulator."""
    url, body = f"{vendor.control_url}rows/candidates", msgspec.json.encode({"share": share})
    request = urllib.request.Request(url, body, {"content-type": "application/json"}, method="PATCH")
    urllib.request.urlopen(request, timeout=60).close()
