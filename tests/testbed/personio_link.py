"""A Personio sandbox, a connector to it and a client of the API, with the same calls as a HarvestLink."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from testbed.databases import Databases
from testbed.harvest_link import BEHIND
from testbed.personio import Json, expect_records, make_emulated_tenant, read_served, read_vendor
from testbed.small_company import start_small
from testbed.tenants import Tenant, open_api
from testbed.vendor import IMPATIENT
from unihire.kit.clock import MovableClock
from unihire.kit.seal import Sealer
from unihire.outbound.client import Retry
from unihire.platform.connectors import open_client
from unihire.sandbox.runner import RunningSandbox
from unihire.sync.run import Report, sync_connector

Records = dict[str, dict[str, Json]]


@dataclass
class PersonioLink:
    """`expected` is what the vendor's rows, as last looked at, must become."""

    sandbox: RunningSandbox
    control: httpx.AsyncClient
    tenant: Tenant
    api: httpx.AsyncClient
    expected: Records = field(default_factory=dict)

    async def look(self) -> None:
        self.expected = expect_records(await read_vendor(self.sandbox.ready), self.tenant.connector.id)

    async def read_records(self) -> Records:
        return await read_served(self.api)

    async def sync(self, *, full: bool = False, retry: Retry = IMPATIENT) -> Report:
        tenant = self.tenant
        client = open_client(
            tenant.integration, tenant.credentials, tenant.connector.base_url, is_base_url_trusted=True, retry=retry
        )
        return await sync_connector(tenant.pool, tenant.connector, tenant.integration, client, full=full)

    async def wait_an_hour(self) -> None:
        (await self.control.post("clock", json={"advance_seconds": 3600})).raise_for_status()


@asynccontextmanager
async def link_personio(databases: Databases, sealer: Sealer, **settings: Any) -> AsyncIterator[PersonioLink]:
    """A sandbox of these settings, its connector never synced, in a database of its own."""
    async with databases.open() as pool:
        with start_small("personio", **{"clock": MovableClock(BEHIND), **settings}) as sandbox:
            tenant = await make_emulated_tenant(pool, sealer, sandbox.ready)
            async with (
                httpx.AsyncClient(base_url=sandbox.ready.control_url) as control,
                open_api(databases.settings("migrated"), tenant) as api,
            ):
                yield PersonioLink(sandbox, control, tenant, api)
