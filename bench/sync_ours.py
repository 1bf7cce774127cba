"""A first sync by the product, and then one that finds what changed: the real engine, with the ordered lists only.

What dlt and the floor do not load is left out of ours too.
"""

import time

import structlog

from bench.hosting import run
from bench.place import make_settings
from bench.processes import answer, find_peak_memory, read_order
from bench.seeding import create_tenant
from bench.vendors import pick_lists
from unihire.cli.console.starting import calm_collector, give_memory_back
from unihire.integration.declare import Integration
from unihire.platform.connectors import open_connector_client
from unihire.store.database import open_database
from unihire.sync.run import Report, sync_connector


async def main() -> None:
    """A full sync for the first order; for every further an incremental one, or a full one where it says so."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("error"))
    calm_collector()  # as every command does
    give_memory_back()
    order = read_order()
    integration = pick_lists(order)
    async with open_database(make_settings(order["home"]), database=order["database"]) as pool:
        tenant, sealer = await create_tenant(
            pool, integration.slug, base_url=order["base_url"], credentials=order["credentials"]
        )
        while order is not None:
            started, before = time.perf_counter(), time.process_time()
            report = await sync_connector(
                pool,
                tenant.connector,
                integration,
                open_connector_client(pool, tenant.connector, sealer, is_background=True),
                full=order.get("is_full", False),
            )
            answer(
                {
                    "seconds": time.perf_counter() - started,
                    "cpu": time.process_time() - before,
                    "rows": sum(counts.read for counts in report.streams),
                    "peak_mb": find_peak_memory(),
                    "failed": [
                        *report.errors.values(),
                        *list_unsaved(integration, report, is_again=order.get("is_again", False)),
                    ],
                }
            )
            order = read_order()


def list_unsaved(integration: Integration, report: Report, *, is_again: bool = False) -> list[str]:
    """Streams that did not save each row they read as the one record it is; `is_again`, that saved any.

    Where parts of a row are records, or a row is only shown by others, the number of rows does not tell theirs.
    """
    made_of_rows = {
        stream.name
        for stream in integration.streams
        if stream.mappings and all(mapping.is_whole for mapping in stream.mappings)
    }
    return [
        f"{counts.stream}: {counts.read} read, {counts.added} added, {counts.changed} changed, "
        f"{counts.quarantined} quarantined"
        for counts in report.streams
        if counts.quarantined
        or (is_again and counts.added + counts.changed)
        or (not is_again and counts.stream in made_of_rows and counts.added + counts.changed != counts.read)
    ]


if __name__ == "__main__":
    run(main())
