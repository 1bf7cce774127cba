"""The vendor's rate budget: how much of it a first sync uses while there is work, told by the vendor's own counts."""

import asyncio
import urllib.request
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from bench.fair import LIST_RUNS
from bench.fair_sizes import SLOTS, WORKERS
from bench.figures import Figures
from bench.loads import Loaded
from bench.place import Place
from bench.processes import Mismatch, start_child
from bench.seeding import settle
from bench.sizes import Sizes
from bench.vendors import HARVEST, Vendor, start_emulator
from bench.workers import open_site

LIMIT, SECONDS = 150, 30
"""What Greenhouse allows: so many calls in each window of so many seconds, counted from 1970."""
COUNTED = "/v3/"
"""Where the paths begin that count; tokens have a budget of their own."""
LEAST_WINDOWS = 3


async def measure_budget(place: Place, sizes: Sizes, figures: Figures) -> None:
    """The figures `budget.*`: of a sync in the foreground, and of one that two workers take turns at."""
    if not sizes.budget_sync:
        figures.remarks.append(f"the {sizes.name} run leaves the rate budget out: it takes its real windows")
        return
    for prefix, title, sync in (("budget", "a command", _sync), ("budget.workers", "two workers", _sync_by_workers)):
        print(f"budget: {sizes.budget_sync:,} candidates by {title}, {LIMIT} calls in {SECONDS} s", flush=True)
        async with start_emulator(HARVEST.slug, sizes.budget_sync, rate_limit=str(LIMIT)) as vendor:
            seconds = await sync(place, vendor)
            log = await asyncio.to_thread(_read_log, vendor)
        _tell(prefix, log, seconds, figures)


def _tell(prefix: str, log: Any, seconds: float, figures: Figures) -> None:
    calls = [call for call in log["last"] if call["path"].startswith(COUNTED)]
    if log["total"] > len(log["last"]):
        raise Mismatch(f"the emulator remembers {len(log['last'])} of {log['total']} calls: sync a smaller company")
    windows = count_windows(datetime.fromisoformat(call["at"]) for call in calls)
    figures.put(f"{prefix}.refused", log["by_status"].get("429", 0))
    figures.put(f"{prefix}.calls", len(calls))
    figures.put(f"{prefix}.seconds", seconds)
    figures.put(f"{prefix}.windows", len(windows))
    if len(windows) < LEAST_WINDOWS:
        figures.remarks.append(f"{len(windows)} whole windows of the rate budget tell nothing, {LEAST_WINDOWS} would")
        return
    figures.put(f"{prefix}.utilisation", sum(windows) / (LIMIT * len(windows)))
    figures.put(f"{prefix}.least_window", min(windows) / LIMIT)


def count_windows(moments: Iterable[datetime]) -> list[int]:
    """Calls in each whole window with work left: those between the first call's window and the last one's."""
    counts = Counter(int(moment.timestamp()) // SECONDS for moment in moments)
    return [counts[number] for number in range(min(counts) + 1, max(counts))]


async def _sync(place: Place, vendor: Vendor) -> float:
    """The seconds of a sync in the foreground."""
    async with place.open_scratch("budget") as (database, pool):
        await settle(pool)
        order = {"home": str(place.home), "database": database, **HARVEST.order, **vendor.order}
        async with start_child("bench.sync_ours", order) as child:
            loaded = msgspec.convert(await child.read(), Loaded)
    if loaded.failed:
        raise Mismatch(f"the sync within the rate budget failed: {loaded.failed}")
    return loaded.seconds


async def _sync_by_workers(place: Place, vendor: Vendor) -> float:
    """The seconds of a run that is deferred whenever it would have to wait, and then continued by any free worker."""
    async with open_site(place, "budget") as site:
        numbers = await site.connect(HARVEST.slug, vendor, 1)
        await settle(site.pool)
        due = datetime.now(UTC)
        await site.make_due(numbers, due)
        async with site.start_workers(WORKERS, SLOTS):
            await site.wait(numbers, due)
        (run,) = await site.pool.fetch(LIST_RUNS, numbers, due)
    if run["status"] != "done":
        raise Mismatch(f"the sync within the rate budget ended {run['status']}")
    return float((run["finished_at"] - due).total_seconds())


def _read_log(vendor: Vendor) -> Any:
    with urllib.request.urlopen(f"{vendor.control_url}requests", timeout=10) as got:
        return msgspec.json.decode(got.read())
