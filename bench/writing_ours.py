"""Candidates created through the unified API by the product: on the event loop of `unihire serve`, with its collector.

What of the time is the vendor's: at least one exchange with it is under way, from when the request is handed over to
be sent until the answer is read. Waiting for its budget, and looking whether the credentials are still the connector's,
are ours.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog

from bench.hosting import run
from bench.place import make_settings
from bench.processes import Mismatch, answer, read_order
from bench.seeding import create_tenant
from unihire.app import make_writes
from unihire.cli.console.starting import calm_collector
from unihire.integration.registry import get_integration, list_volatile_models
from unihire.model import MODELS
from unihire.outbound.client import VendorClient
from unihire.platform.access import Scope
from unihire.platform.clients import Clients
from unihire.platform.connectors import open_connector_client
from unihire.platform.writing.unified_writes import UnifiedWrites, WriteRequest
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector
from unihire.store.database import open_database
from unihire.sync.run import sync_connector

WARM_UP = 10

FIND_JOB = "SELECT id::text FROM record WHERE connector = $1 AND model = $2 AND body LIKE '%\"OPEN\"%' LIMIT 1"


class Waits:
    """How long at least one exchange with the vendor was under way."""

    def __init__(self) -> None:
        self.total, self._since, self._open = 0.0, 0.0, 0

    def watch(self) -> None:
        """Watch every exchange of every client of this process from now on."""
        open_exchange = VendorClient._open

        @asynccontextmanager
        async def watched(client: VendorClient, *args: Any, **options: Any) -> AsyncIterator[Any]:
            if self._open == 0:
                self._since = time.perf_counter()
            self._open += 1
            try:
                async with open_exchange(client, *args, **options) as got:
                    yield got
            finally:
                self._open -= 1
                if self._open == 0:
                    self.total += time.perf_counter() - self._since

        VendorClient._open = watched  # type: ignore[method-assign, assignment]


async def main() -> None:
    """A sync, and then for each order so many candidates, one after another."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("error"))
    calm_collector()  # as every command does
    order = read_order()
    integration = get_integration(order["slug"])
    async with open_database(make_settings(order["home"]), database=order["database"]) as pool:
        tenant, sealer = await create_tenant(
            pool, integration.slug, base_url=order["base_url"], credentials=order["credentials"]
        )
        connector = tenant.connector
        await sync_connector(pool, connector, integration, open_connector_client(pool, connector, sealer))
        clients = Clients(lambda one: open_connector_client(pool, one, sealer))
        waits = Waits()
        waits.watch()
        try:
            writes = make_writes(make_settings(order["home"]), pool, clients)
            await _create(pool, connector, writes, waits, "warm", WARM_UP)
            number = 0
            while order is not None:
                answer(await _create(pool, connector, writes, waits, str(number), order["writes"]))
                order, number = read_order(), number + 1
        finally:
            await clients.close()


async def _create(
    pool: Pool, connector: Connector, writes: UnifiedWrites, waits: Waits, name: str, count: int
) -> dict[str, list[float]]:
    """Of each create all seconds, those of ours, and those in which this process had a processor."""
    job = await pool.fetchval(FIND_JOB, connector.number, MODELS["job"].number)
    scope = Scope(connector.id, connector.number, list_volatile_models(connector.integration))
    found: dict[str, list[float]] = {"whole": [], "added": [], "cpu": []}
    for number in range(count):
        data = {
            "first_name": "Kim", "last_name": f"Example {name} {number}",
            "email_addresses": [f"kim.{name}.{number}@example.com"], "job": job,
        }  # fmt: skip
        request = WriteRequest(
            connector=connector, scope=scope, model=MODELS["candidate"], verb="create", data=data,
            key=f"key-{name}-{number}",
        )  # fmt: skip
        began, waited, cpu = time.perf_counter(), waits.total, time.process_time()
        written = await writes.write(request)
        took = time.perf_counter() - began
        if b'"outcome":"done"' not in written.body:
            raise Mismatch("a write was not done")
        found["whole"].append(took)
        found["added"].append(took - (waits.total - waited))
        found["cpu"].append(time.process_time() - cpu)
    return found


if __name__ == "__main__":
    run(main())
