"""Operations that write, called on a connector to a Greenhouse sandbox over a line that loses answers when told to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from testbed.databases import Databases
from testbed.harvest import Row, connect_harvest, serve_harvest, walk
from testbed.losing import Line, run_line
from testbed.tenants import Tenant, make_tenant, serve_app
from unihire.app import create_app
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.outbound.client import Retry, VendorClient
from unihire.platform.clients import Clients
from unihire.platform.connectors import open_client, open_credentials
from unihire.platform.operations import Operations, Outcome
from unihire.sandbox.runner import RunningSandbox
from unihire.store.tenancy import Connector

HASTY = Retry(attempts=3, first=0.01, longest=0.05, timeout=0.8)
PATH = "/core/v1/connectors/greenhouse/versions/1.0/call"


@dataclass(frozen=True, slots=True)
class Creating:
    """`operations` do not wait long for an answer; `api` is the whole application."""

    operations: Operations
    tenant: Tenant
    api: httpx.AsyncClient
    sandbox: RunningSandbox
    vendor: httpx.Client
    line: Line

    async def call(self, name: str, input: Any, *, key: str | None = None) -> Outcome:
        return await self.operations.call(self.tenant.connector, name, input, idempotency_key=key)

    async def make(self, name: str, input: Any, *, key: str | None = None) -> Any:
        """The output of a call that must succeed."""
        outcome = await self.call(name, input, key=key)
        assert outcome.is_success, outcome.output
        return outcome.output

    async def post(self, name: str, input: Any, **headers: str) -> httpx.Response:
        """The same over the API."""
        body = {"operation": name, "authId": str(self.tenant.connector.id), "input": input}
        return await self.api.post(PATH, json=body, headers={key.replace("_", "-"): it for key, it in headers.items()})

    def read(self, stream: str, **query: Any) -> list[Row]:
        """Every row the vendor has."""
        return walk(self.vendor, stream, **query)

    def read_one(self, stream: str, **query: Any) -> Row:
        (row,) = self.read(stream, **query)
        return row


@asynccontextmanager
async def open_creating(databases: Databases, sealer: Sealer, **settings: Any) -> AsyncIterator[Creating]:
    """A sandbox of these settings and a connector to it that was never synced."""
    with serve_harvest(**settings) as sandbox, connect_harvest(sandbox) as vendor:
        ready = sandbox.ready
        async with run_line(ready.base_url) as line, databases.open() as pool:
            tenant = await make_tenant(
                pool,
                sealer,
                integration=get_integration("greenhouse"),
                base_url=line.base_url,
                credentials={"client_id": ready.client_id, "client_secret": ready.client_secret},
            )

            def open_hastily(connector: Connector) -> VendorClient:
                credentials = open_credentials(connector, sealer)
                return open_client(tenant.integration, credentials, connector.base_url, retry=HASTY)

            clients = Clients(open_hastily)
            try:
                async with serve_app(create_app(databases.settings("migrated"), pool, sealer)) as api:
                    api.headers.update(tenant.headers)
                    yield Creating(Operations(pool, clients), tenant, api, sandbox, vendor, line)
            finally:
                await clients.close()
