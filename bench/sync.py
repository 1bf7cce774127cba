"""Syncing: vendor pages to served records by the product, to tables by dlt, to raw rows by the floor.

Every load is a process of its own that writes into a fresh database of the same server and reads the same pages. What
it takes to start a program is not timed, its memory counts in whole.
"""

import asyncio
import tempfile
import urllib.request
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from bench.figures import Figures, find_ratio
from bench.place import Place
from bench.processes import Mismatch, start_child
from bench.seeding import settle
from bench.sizes import Sizes
from bench.vendor_pages import CHANGED_EVERY

DLT_SETTINGS = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",  # it would call home
    "RUNTIME__LOG_LEVEL": "ERROR",
}


class Loaded(msgspec.Struct):
    """What a load did: its seconds, its rows, the most memory it held."""

    seconds: float
    rows: int
    peak_mb: float
    failed: list[str]
    version: str = ""

    @property
    def rate(self) -> float:
        return self.rows / self.seconds


async def measure_syncing(place: Place, sizes: Sizes, figures: Figures) -> None:
    """The figures `sync.*`."""
    print(f"syncing: the emulator renders {sizes.large_sync:,} candidates", flush=True)
    async with start_child("bench.vendor_pages", {"count": sizes.large_sync}) as vendor:
        loads = Loads(place, (await vendor.read())["port"])
        await _measure_first_syncs(loads, sizes, figures)
        await _measure_growth(loads, sizes, figures)


class Loads:
    """Runs loads of the vendor's pages."""

    def __init__(self, place: Place, port: int) -> None:
        self._place = place
        self._origin = f"http://127.0.0.1:{port}"

    async def sync_ours(self, count: int, *, again: bool = False) -> list[Loaded]:
        """A first sync of `count` candidates; with `again`, also one after some changed."""
        async with self._place.open_scratch("sync") as (database, pool):
            await settle(pool)
            order = {"home": str(self._place.home), "database": database, "base_url": f"{self._origin}/{count}"}
            async with start_child("bench.sync_ours", order) as child:
                done = [_check(await child.read(), count)]
                if again:
                    await settle(pool)
                    await asyncio.to_thread(self._change)
                    done.append(_check(await child.ask({}), count // CHANGED_EVERY))
        return done

    async def load_floor(self, count: int) -> Loaded:
        return await self._load("bench.sync_floor", count, {})

    async def load_dlt(self, count: int, *, json_columns: bool) -> Loaded:
        with tempfile.TemporaryDirectory(dir=self._place.home) as folder:
            environment = {**DLT_SETTINGS, "DLT_DATA_DIR": str(Path(folder) / "data")}
            order = {"folder": folder, "json_columns": json_columns}
            return await self._load("bench.sync_dlt", count, order, environment)

    async def _load(
        self, module: str, count: int, order: dict[str, Any], environment: dict[str, str] | None = None
    ) -> Loaded:
        async with self._place.open_scratch("sync") as (database, pool):
            await settle(pool)
            order |= {"dsn": self._place.server.dsn(database), "base_url": f"{self._origin}/{count}"}
            async with start_child(module, order, environment) as child:
                return _check(await child.read(), count)

    def _change(self) -> None:
        request = urllib.request.Request(f"{self._origin}/change", method="POST")
        urllib.request.urlopen(request, timeout=10).close()


def _check(answer: Any, rows: int) -> Loaded:
    """Raises Mismatch where a load did not do all of its work."""
    loaded = msgspec.convert(answer, Loaded)
    if loaded.failed or loaded.rows != rows:
        raise Mismatch(f"a load of {rows} rows did {loaded.rows}: {loaded.failed}")
    return loaded


async def _measure_first_syncs(loads: Loads, sizes: Sizes, figures: Figures) -> None:
    rates: defaultdict[str, list[float]] = defaultdict(list)
    latest: dict[str, Loaded] = {}
    for turn in range(sizes.sync_rounds):
        print(f"syncing: round {turn + 1} of {sizes.sync_rounds}", flush=True)
        (ours,) = await loads.sync_ours(sizes.first_sync)
        loaded = {"ours": ours, "floor": await loads.load_floor(sizes.first_sync)}
        if turn < sizes.dlt_rounds:
            loaded["dlt_child_tables"] = await loads.load_dlt(sizes.first_sync, json_columns=False)
            loaded["dlt_json_columns"] = await loads.load_dlt(sizes.first_sync, json_columns=True)
        for name, one in loaded.items():
            rates[name].append(one.rate)
        latest |= loaded
    for name, one in latest.items():
        if name != "ours":
            figures.put(f"sync.to_{name}", find_ratio(rates["ours"][: len(rates[name])], rates[name]))
        figures.put(f"sync.records_per_second.{name}", median(rates[name]))
        figures.put(f"sync.peak_memory_mb.{name}", one.peak_mb)
    versions = {one.version for one in latest.values() if one.version}
    figures.remarks += [f"dlt is version {version}" for version in versions]


async def _measure_growth(loads: Loads, sizes: Sizes, figures: Figures) -> None:
    small = sizes.large_sync // 10
    print(f"syncing: {small:,} and {sizes.large_sync:,} candidates, and 1 % changed", flush=True)
    (tenth,) = await loads.sync_ours(small)
    whole, changed = await loads.sync_ours(sizes.large_sync, again=True)
    figures.put("sync.memory_growth", whole.peak_mb / tenth.peak_mb)
    figures.put("sync.one_percent_changed", changed.seconds / whole.seconds)
    figures.put("sync.peak_memory_mb.ours_small", tenth.peak_mb)
    figures.put("sync.peak_memory_mb.ours_large", whole.peak_mb)
    figures.put("sync.seconds.ours_large", whole.seconds)
    figures.put("sync.seconds.one_percent", changed.seconds)
