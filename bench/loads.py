"""Loads of a vendor's recorded pages, each a process of its own that writes into a fresh database of one server.

What it takes to start a program is not timed, its memory counts in whole.
"""

import asyncio
import tempfile
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from bench.place import Place
from bench.processes import Child, Mismatch, start_child
from bench.seeding import ANY_CREDENTIALS, settle
from bench.vendor_pages import CHANGED_EVERY
from bench.vendors import Lists, Vendor
from unihire.store import Pool

DLT_SETTINGS = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",  # it would call home
    "RUNTIME__LOG_LEVEL": "ERROR",
}


class Loaded(msgspec.Struct):
    """What a load did: its seconds, the rows it read and saved, the most memory it held.

    `cpu` are the processor seconds that its own process took meanwhile, where it says so.
    """

    seconds: float
    rows: int
    peak_mb: float
    failed: list[str]
    version: str = ""
    cpu: float = 0.0

    @property
    def rate(self) -> float:
        return self.rows / self.seconds


def check_load(answer: Any, rows: int) -> Loaded:
    """Raises Mismatch where a load did not do all of its work."""
    loaded = msgspec.convert(answer, Loaded)
    if loaded.failed or loaded.rows != rows:
        raise Mismatch(f"a load of {rows} rows did {loaded.rows}: {loaded.failed}")
    return loaded


class Loads:
    """Runs loads of a vendor's pages at `origin`. `rows` is how many each list has; a load may read fewer."""

    def __init__(self, place: Place, lists: Lists, origin: str, rows: dict[str, int]) -> None:
        self._place = place
        self._lists = lists
        self._origin = origin
        self._rows = rows

    async def load(self, name: str, most: int) -> Loaded:
        """A first load of at most `most` rows a list: `ours`, `floor`, `dlt_child_tables` or `dlt_json_columns`."""
        if name == "ours":
            async with self._start_ours(most) as (child, _):
                return check_load(await child.read(), self._count(most))
        if name == "floor":
            return await self._load("bench.sync_floor", most, {})
        with tempfile.TemporaryDirectory(dir=self._place.home) as folder:
            environment = {**DLT_SETTINGS, "DLT_DATA_DIR": str(Path(folder) / "data")}
            order = {"folder": folder, "json_columns": name == "dlt_json_columns"}
            return await self._load("bench.sync_dlt", most, order, environment)

    async def sync_ours_twice(self, most: int) -> tuple[Loaded, Loaded]:
        """A first sync, and one after every hundredth row changed."""
        async with self._start_ours(most) as (child, pool):
            first = check_load(await child.read(), self._count(most))
            await settle(pool)
            await asyncio.to_thread(self._change)
            return first, check_load(await child.ask({}), most // CHANGED_EVERY)

    @asynccontextmanager
    async def _start_ours(self, most: int) -> AsyncIterator[tuple[Child, Pool]]:
        async with self._place.open_scratch("sync") as (database, pool):
            await settle(pool)
            order = {"home": str(self._place.home), "database": database, **self._write_order(most)}
            async with start_child("bench.sync_ours", order) as child:
                yield child, pool

    async def _load(
        self, module: str, most: int, order: dict[str, Any], environment: dict[str, str] | None = None
    ) -> Loaded:
        async with self._place.open_scratch("sync") as (database, pool):
            await settle(pool)
            order |= {"dsn": self._place.server.dsn(database), **self._write_order(most)}
            async with start_child(module, order, environment) as child:
                return check_load(await child.read(), self._count(most))

    def _write_order(self, most: int) -> dict[str, Any]:
        return {**self._lists.order, **Vendor(f"{self._origin}/{most}", ANY_CREDENTIALS).order}

    def _count(self, most: int) -> int:
        return sum(min(most, count) for count in self._rows.values())

    def _change(self) -> None:
        request = urllib.request.Request(f"{self._origin}/change", method="POST")
        urllib.request.urlopen(request, timeout=10).close()
