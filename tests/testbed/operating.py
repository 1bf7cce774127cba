"""Operations called on a connector to a sandbox, with the vendor's own view of the calls."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from testbed.databases import Databases
from testbed.harvest import Row, connect_harvest, serve_harvest, walk
from testbed.tenants import Tenant, make_tenant
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.platform.clients import Clients
from unihire.platform.connectors import open_connector_client
from unihire.platform.operations import Operations
from unihire.store.accounts.tenancy import Connector


@dataclass(frozen=True, slots=True)
class Operating:
    """`calls` of the last operation, by list."""

    operations: Operations
    connector: Connector
    control: httpx.AsyncClient
    vendor: httpx.Client
    calls: Counter[str]
    tenant: Tenant

    async def call(self, name: str, **input: Any) -> Any:
        """The output of an operation that must succeed."""
        (await self.control.delete("requests")).raise_for_status()
        outcome = await self.operations.call(self.connector, name, input)
        assert outcome.is_success, outcome.output
        self.calls.clear()
        seen = (await self.control.get("requests")).raise_for_status().json()
        for route, by_status in seen["by_route"].items():
            if "/v3/" in route:
                self.calls[route.rpartition("/")[2]] += sum(by_status.values())
        return outcome.output

    def read(self, stream: str, **query: Any) -> list[Row]:
        """Every row the vendor has."""
        return walk(self.vendor, stream, **query)


@asynccontextmanager
async def open_operations(databases: Databases, sealer: Sealer, **settings: Any) -> AsyncIterator[Operating]:
    """A sandbox of these settings and a connector to it that was never synced."""
    with serve_harvest(**settings) as sandbox, connect_harvest(sandbox) as vendor:
        ready = sandbox.ready
        async with databases.open() as pool, httpx.AsyncClient(base_url=ready.control_url) as control:
            tenant = await make_tenant(
                pool,
                sealer,
                integration=get_integration("greenhouse"),
                base_url=ready.base_url,
                credentials={"client_id": ready.client_id, "client_secret": ready.client_secret},
            )
            clients = Clients(lambda connector: open_connector_client(pool, connector, sealer))
            try:
                yield Operating(Operations(pool, clients), tenant.connector, control, vendor, Counter(), tenant)
            finally:
                await clients.close()
