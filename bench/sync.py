"""Syncing: vendor pages to served records by the product, to tables by dlt, to raw rows by the floor.

Personio's candidates are what the design's bars are about; of Greenhouse, every list is loaded.
"""

from collections import defaultdict
from collections.abc import Sequence
from statistics import median

from bench.figures import Figures, find_ratio
from bench.loads import Loaded, Loads
from bench.place import Place
from bench.sizes import Sizes
from bench.vendors import HARVEST, Lists, start_pages

CANDIDATES = Lists("personio", ("candidates",))
"""One list, since what the design's bars say is of candidates."""
DLT = ("dlt_child_tables", "dlt_json_columns")


async def measure_syncing(place: Place, sizes: Sizes, figures: Figures) -> None:
    """The figures `sync.*`."""
    print(f"syncing: the emulator renders {sizes.large_sync:,} candidates", flush=True)
    async with start_pages(CANDIDATES, sizes.large_sync) as (origin, rows):
        loads = Loads(place, CANDIDATES, origin, rows)
        rounds = [["ours", "floor", *(DLT if turn < sizes.dlt_rounds else ())] for turn in range(sizes.sync_rounds)]
        await _measure_first_syncs("sync.", loads, sizes.first_sync, rounds, figures)
        await _measure_growth(loads, sizes, figures)
    print(f"syncing: the emulator renders every list of {sizes.harvest_sync:,} candidates", flush=True)
    async with start_pages(HARVEST, sizes.harvest_sync, rate_limit="0") as (origin, rows):
        figures.put("sync.greenhouse_rows", sum(rows.values()))
        loads = Loads(place, HARVEST, origin, rows)
        rounds = [["ours", *(DLT if sizes.dlt_rounds else ())]]
        await _measure_first_syncs("sync.greenhouse_", loads, max(rows.values()), rounds, figures)


async def _measure_first_syncs(
    prefix: str, loads: Loads, most: int, rounds: Sequence[Sequence[str]], figures: Figures
) -> None:
    """Each round's loads, by their names, of at most `most` rows a list; ours is in every round."""
    rates: defaultdict[str, list[float]] = defaultdict(list)
    latest: dict[str, Loaded] = {}
    for turn, names in enumerate(rounds, 1):
        print(f"syncing: round {turn} of {len(rounds)}", flush=True)
        for name in names:
            latest[name] = await loads.load(name, most)
            rates[name].append(latest[name].rate)
    for name, one in latest.items():
        if name != "ours":
            figures.put(f"{prefix}to_{name}", find_ratio(rates["ours"][: len(rates[name])], rates[name]))
        figures.put(f"{prefix}records_per_second.{name}", median(rates[name]))
        figures.put(f"{prefix}peak_memory_mb.{name}", one.peak_mb)
    versions = {f"dlt is version {one.version}" for one in latest.values() if one.version}
    figures.remarks += versions.difference(figures.remarks)


async def _measure_growth(loads: Loads, sizes: Sizes, figures: Figures) -> None:
    small = sizes.large_sync // 10
    print(f"syncing: {small:,} and {sizes.large_sync:,} candidates, and 1 % changed", flush=True)
    tenth = await loads.load("ours", small)
    whole, changed = await loads.sync_ours_twice(sizes.large_sync)
    figures.put("sync.memory_growth", whole.peak_mb / tenth.peak_mb)
    figures.put("sync.one_percent_changed", changed.seconds / whole.seconds)
    figures.put("sync.peak_memory_mb.ours_small", tenth.peak_mb)
    figures.put("sync.peak_memory_mb.ours_large", whole.peak_mb)
    figures.put("sync.seconds.ours_large", whole.seconds)
    figures.put("sync.seconds.one_percent", changed.seconds)
