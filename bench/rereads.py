"""Runs that find nothing changed, whole and by what changed: their processor time against that of the first sync.

It is that of our process and of PostgreSQL's, every list of the vendor, joins and details included. Greenhouse's pages
are recorded ones; Personio's are its emulator's, for most of what a first sync asks there are details of single rows.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bench.fair_sizes import UNLIMITED
from bench.figures import Figures
from bench.loads import check_load
from bench.place import Place
from bench.processes import start_child
from bench.seeding import ANY_CREDENTIALS, settle
from bench.server_load import read_counters
from bench.sizes import Sizes
from bench.vendors import HARVEST, Lists, Vendor, start_emulator, start_pages

FIRST, WHOLE, IDLE = "first", "whole", "idle"
AGAIN: dict[str, dict[str, Any]] = {WHOLE: {"is_again": True, "is_full": True}, IDLE: {"is_again": True}}


async def measure_rereads(place: Place, sizes: Sizes, figures: Figures) -> None:
    """The figures `rereads.*`."""
    for slug, size in (("greenhouse", sizes.harvest_sync), ("personio", sizes.harvest_sync)):
        print(f"rereads: {slug}, {size:,} candidates", flush=True)
        async with _start_vendor(slug, size) as vendor:
            costs = await measure_runs(place, Lists(slug), vendor)
        first = costs[FIRST][0]
        for kind in (WHOLE, IDLE):
            figures.put(f"rereads.{slug}_{kind}", costs[kind][0] / first)
        for kind, (total, server) in costs.items():
            figures.put(f"rereads.cpu_seconds.{slug}_{kind}", total)
            figures.put(f"rereads.cpu_seconds.{slug}_{kind}.postgresql", server)


async def measure_runs(place: Place, lists: Lists, vendor: Vendor) -> dict[str, tuple[float, float]]:
    """Processor seconds of a run of each kind, one after the other, and those of PostgreSQL among them.

    Raises Mismatch where a later one saves something, or reads other rows.
    """
    costs: dict[str, tuple[float, float]] = {}
    async with place.open_scratch("rereads") as (database, pool):
        await settle(pool)
        order = {"home": str(place.home), "database": database, **lists.order, **vendor.order}
        before = (await read_counters(pool)).cpu
        async with start_child("bench.sync_ours", order) as child:
            answer = await child.read()
            rows = answer["rows"]
            for kind in (FIRST, *AGAIN):
                if kind != FIRST:
                    await settle(pool)
                    before = (await read_counters(pool)).cpu
                    answer = await child.ask(AGAIN[kind])
                loaded = check_load(answer, answer["rows"] if kind == IDLE else rows)
                server = (await read_counters(pool)).cpu - before
                costs[kind] = (loaded.cpu + server, server)
    return costs


@asynccontextmanager
async def _start_vendor(slug: str, size: int) -> AsyncIterator[Vendor]:
    if slug == HARVEST.slug:
        async with start_pages(HARVEST, size, rate_limit="0") as (origin, rows):
            yield Vendor(f"{origin}/{max(rows.values())}", ANY_CREDENTIALS)
    else:
        async with start_emulator(slug, size, **UNLIMITED[slug]) as vendor:
            yield vendor
