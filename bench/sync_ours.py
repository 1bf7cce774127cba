"""A first sync by the product, and then one that finds what changed: the real engine, with the candidates' stream only.

The other streams of the vendor are left out because dlt and the floor do not load them either.
"""

import dataclasses
import time

import structlog

from bench.hosting import run
from bench.place import make_settings
from bench.processes import answer, find_peak_memory, read_order
from bench.seeding import create_tenant
from unihire.integration.registry import get_integration
from unihire.platform.connectors import open_connector_client
from unihire.store.database import open_database
from unihire.sync.run import sync_connector


async def main() -> None:
    """A full sync for the first order, an incremental one for every further."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("error"))
    order = read_order()
    personio = get_integration("personio")
    integration = dataclasses.replace(personio, streams=(personio.get_stream("candidates"),))
    async with open_database(make_settings(order["home"]), database=order["database"]) as pool:
        tenant, sealer = await create_tenant(pool, base_url=order["base_url"])
        while order is not None:
            started = time.perf_counter()
            report = await sync_connector(
                pool, tenant.connector, integration, open_connector_client(pool, tenant.connector, sealer)
            )
            seconds = time.perf_counter() - started
            counts = report.streams[0]
            answer(
                {
                    "seconds": seconds,
                    "rows": counts.added + counts.changed,
                    "peak_mb": find_peak_memory(),
                    "failed": list(report.errors.values()),
                }
            )
            order = read_order()


if __name__ == "__main__":
    run(main())
