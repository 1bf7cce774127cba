"""The vendor's rate budget: how much of it a first sync uses while there is work, told by the vendor's own counts."""

import asyncio
import urllib.request
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from bench.figures import Figures
from bench.loads import Loaded
from bench.place import Place
from bench.processes import Mismatch, start_child
from bench.seeding import settle
from bench.sizes import Sizes
from bench.vendors import HARVEST, Vendor, start_emulator

LIMIT, SECONDS = 150, 30
"""What Greenhouse allows: so many calls in each window of so many seconds, counted from 1970."""
COUNTED = "/v3/"
"""Where the paths begin that count; tokens have a budget of their own."""
LEAST_WINDOWS = 3


async def measure_budget(place: Place, sizes: Sizes, figures: Figures) -> None:
    """The figures `budget.*`."""
    if not sizes.budget_sync:
        figures.remarks.append(f"the {sizes.name} run leaves the rate budget out: it takes its real windows")
        return
    print(f"budget: a company of {sizes.budget_sync:,} candidates, {LIMIT} calls in {SECONDS} s", flush=True)
    async with start_emulator(HARVEST.slug, sizes.budget_sync, rate_limit=str(LIMIT)) as vendor:
        loaded = await _sync(place, vendor)
        log = await asyncio.to_thread(_read_log, vendor)
    calls = [call for call in log["last"] if call["path"].startswith(COUNTED)]
    if log["total"] > len(log["last"]):
        raise Mismatch(f"the emulator remembers {len(log['last'])} of {log['total']} calls: sync a smaller company")
    windows = count_windows(datetime.fromisoformat(call["at"]) for call in calls)
    figures.put("budget.refused", log["by_status"].get("429", 0))
    figures.put("budget.calls", len(calls))
    figures.put("budget.seconds", loaded.seconds)
    figures.put("budget.windows", len(windows))
    if len(windows) < LEAST_WINDOWS:
        figures.remarks.append(f"{len(windows)} whole windows of the rate budget tell nothing, {LEAST_WINDOWS} would")
        return
    figures.put("budget.utilisation", sum(windows) / (LIMIT * len(windows)))


def count_windows(moments: Iterable[datetime]) -> list[int]:
    """Calls in each whole window with work left: those between the first call's window and the last one's."""
    counts = Counter(int(moment.timestamp()) // SECONDS for moment in moments)
    return [counts[number] for number in range(min(counts) + 1, max(counts))]


async def _sync(place: Place, vendor: Vendor) -> Loaded:
    async with place.open_scratch("budget") as (database, pool):
        await settle(pool)
        order = {"home": str(place.home), "database": database, **HARVEST.order, **vendor.order}
        async with start_child("bench.sync_ours", order) as child:
            loaded = msgspec.convert(await child.read(), Loaded)
    if loaded.failed:
        raise Mismatch(f"the sync within the rate budget failed: {loaded.failed}")
    return loaded


def _read_log(vendor: Vendor) -> Any:
    with urllib.request.urlopen(f"{vendor.control_url}requests", timeout=10) as got:
        return msgspec.json.decode(got.read())
