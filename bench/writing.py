"""Writes through the unified API: what of the time to an answer is ours, and not the vendor's.

An engine of its own writes to Greenhouse's emulator one candidate after another, each with a job. The vendor's part is
the time in which at least one of its answers is awaited: of the write, of looking for what looks the same before, and
of reading back what was made.
"""

import time
from statistics import median
from typing import Any

from bench.figures import Figures
from bench.place import Place, make_settings
from bench.processes import Mismatch
from bench.seeding import create_tenant
from bench.sizes import Sizes
from bench.vendors import HARVEST, start_emulator
from unihire.app import make_writes
from unihire.integration.registry import get_integration, list_volatile_models
from unihire.model import MODELS
from unihire.outbound import client as outbound
from unihire.platform.access import Scope
from unihire.platform.clients import Clients
from unihire.platform.connectors import open_connector_client
from unihire.platform.writing.unified_writes import UnifiedWrites, WriteRequest
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector
from unihire.sync.run import sync_connector

CANDIDATES = 100

WARM_UP = 5

FIND_JOB = "SELECT id::text FROM record WHERE connector = $1 AND model = $2 AND body LIKE '%\"OPEN\"%' LIMIT 1"


class Waits:
    """How long at least one answer of the vendor was awaited."""

    def __init__(self) -> None:
        self.total, self._since, self._open = 0.0, 0.0, 0

    def watch(self) -> None:
        """Watch every exchange of every client of this process from now on."""
        ask = outbound.VendorClient._ask

        async def watched(client: Any, *args: Any, **options: Any) -> Any:
            if self._open == 0:
                self._since = time.perf_counter()
            self._open += 1
            try:
                return await ask(client, *args, **options)
            finally:
                self._open -= 1
                if self._open == 0:
                    self.total += time.perf_counter() - self._since

        outbound.VendorClient._ask = watched  # type: ignore[method-assign]


async def measure_writing(place: Place, sizes: Sizes, figures: Figures) -> None:
    """The figures `writing.*`."""
    print(f"writing: {sizes.writes} candidates created, one after another", flush=True)
    integration = get_integration(HARVEST.slug)
    async with (
        start_emulator(HARVEST.slug, CANDIDATES, rate_limit="0", token_rate_limit="0") as vendor,
        place.open_scratch("writing") as (_, pool),
    ):
        tenant, sealer = await create_tenant(
            pool, integration.slug, base_url=vendor.base_url, credentials=vendor.credentials
        )
        connector = tenant.connector
        await sync_connector(pool, connector, integration, open_connector_client(pool, connector, sealer))
        clients = Clients(lambda one: open_connector_client(pool, one, sealer))
        try:
            writes = make_writes(make_settings(place.home), pool, clients)
            added, whole = await _create(pool, connector, writes, sizes.writes)
        finally:
            await clients.close()
    figures.put("writing.added_ms", 1000 * median(added))
    figures.put("writing.whole_ms", 1000 * median(whole))


async def _create(
    pool: Pool, connector: Connector, writes: UnifiedWrites, count: int
) -> tuple[list[float], list[float]]:
    """Seconds of ours, and all seconds, of each create."""
    job = await pool.fetchval(FIND_JOB, connector.number, MODELS["job"].number)
    scope = Scope(connector.id, connector.number, list_volatile_models(connector.integration))
    waits, added, whole = Waits(), list[float](), list[float]()
    waits.watch()
    for number in range(WARM_UP + count):
        data = {
            "first_name": "Kim", "last_name": f"Example {number}", "email_addresses": [f"kim.{number}@example.com"],
            "job": job,
        }  # fmt: skip
        request = WriteRequest(
            connector=connector, scope=scope, model=MODELS["candidate"], verb="create", data=data, key=f"key-{number}"
        )
        began, waited = time.perf_counter(), waits.total
        answer = await writes.write(request)
        took = time.perf_counter() - began
        if b'"outcome":"done"' not in answer.body:
            raise Mismatch("a write was not done")
        if number >= WARM_UP:
            whole.append(took)
            added.append(took - (waits.total - waited))
    return added, whole
