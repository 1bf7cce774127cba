"""A first sync of a whole account, every list and every detail, which says how much memory it held as it went on."""

import dataclasses
import os
import time

import structlog

from bench.hosting import run
from bench.place import make_settings
from bench.processes import answer, find_memory, find_peak_memory, read_order
from bench.seeding import create_tenant
from unihire.cli.console.starting import calm_collector, give_memory_back
from unihire.integration.registry import get_integration
from unihire.platform.connectors import open_client
from unihire.store.database import open_database
from unihire.sync.pages import Counts
from unihire.sync.run import sync_connector


class Samples:
    """The memory that this process held when so many rows of all lists had been saved, in MB."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self.taken: list[tuple[int, float]] = []

    def take(self, counts: Counts) -> None:
        self._rows[counts.stream] = counts.read
        self.taken.append((sum(self._rows.values()), find_memory(os.getpid(), "VmRSS")))


async def main() -> None:
    """One sync, without the declared limit of calls: the emulator has none."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("error"))
    calm_collector()  # as every command does
    give_memory_back()
    order = read_order()
    integration = dataclasses.replace(get_integration(order["slug"]), budget_rule=None)
    samples = Samples()
    async with open_database(make_settings(order["home"]), database=order["database"]) as pool:
        tenant, _ = await create_tenant(
            pool, integration.slug, base_url=order["base_url"], credentials=order["credentials"]
        )
        started = time.perf_counter()
        client = open_client(integration, order["credentials"], order["base_url"], is_base_url_trusted=True)
        report = await sync_connector(pool, tenant.connector, integration, client, watch=samples.take)
        answer(
            {
                "status": report.status,
                "errors": list(report.errors.values()),
                "seconds": time.perf_counter() - started,
                "calls": report.requests,
                "samples": samples.taken,
                "peak_mb": find_peak_memory(),
            }
        )


if __name__ == "__main__":
    run(main())
