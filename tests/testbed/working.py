"""Workers in the tests' own process, quick in everything, and a vendor that can be kept waiting."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import asyncpg
import pytest
from aiohttp import web

from testbed.tenants import Tenant, make_tenant
from testbed.vendor import ACME, IMPATIENT, Vendor
from testbed.waiting import until, within
from unihire.integration import registry
from unihire.integration.declare import Integration
from unihire.kit.seal import Sealer
from unihire.model import MODELS
from unihire.outbound.client import VendorClient
from unihire.platform.connectors import open_connector_client
from unihire.platform.syncs import ask_sync
from unihire.store import Pool, issues
from unihire.store.accounts.tenancy import Connector
from unihire.store.database import get_address
from unihire.store.work import jobs
from unihire.store.work.runs import RequestedRun
from unihire.sync import upgrading
from unihire.sync.chores import Pace
from unihire.sync.worker import Worker

QUICK = Pace(heartbeat=0.2, silent=1.0, chores=0.1, poll=0.05, slice=60.0, busy=0.1)


@dataclass
class Gate:
    """Calls of a vendor's list that wait to be let in."""

    vendor: Vendor
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def pass_through(self, request: web.Request) -> web.Response:
        self.arrived.set()
        await within(self.opened.wait())
        return self.vendor.page(request)


def keep_waiting(vendor: Vendor, path: str, *, after: int = 0) -> Gate:
    """The call of that list after so many does not get its answer before the gate opens."""
    gate = Gate(vendor)
    vendor.will(path, *[vendor.page] * after, gate.pass_through)
    return gate


class Works:
    """A database whose connectors workers of this process look after."""

    def __init__(self, pool: Pool, sealer: Sealer, vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pool = pool
        self.vendor = vendor
        self.version = "1"
        self._sealer = sealer
        self._patch = monkeypatch
        monkeypatch.setattr(upgrading, "find_mapping_version", lambda slug: self.version)
        self.install(ACME)

    def install(self, *integrations: Integration) -> None:
        """Let these be the integrations there are."""
        self._patch.setattr(registry, "list_integrations", lambda: integrations)

    async def connect(self, *, organisation: str = "Example") -> Tenant:
        """A connector whose schedule asks for nothing in the next days."""
        made = await make_tenant(self.pool, self._sealer, organisation=organisation, base_url=self.vendor.base_url)
        await self.rest_schedules()
        return made

    async def rest_schedules(self) -> None:
        """Let no schedule ask for anything in the next days."""
        await self.pool.execute("UPDATE connector SET sync_every = '7 days', next_sync_at = now() + '7 days'")

    def open_client(self, connector: Connector) -> VendorClient:
        client = open_connector_client(self.pool, connector, self._sealer, is_background=True, patience=0.2)
        client.target = replace(client.target, retry=IMPATIENT)
        return client

    @asynccontextmanager
    async def work(self, *, slots: int = 4, pool: Pool | None = None, pace: Pace = QUICK) -> AsyncIterator[Worker]:
        used = pool or self.pool
        worker = Worker(used, get_address(used), self.open_client, slots=slots, pace=pace)
        task = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            worker.stop()
            await asyncio.wait_for(task, 5)

    async def ask(self, tenant: Tenant, **settings: Any) -> RequestedRun:
        return await ask_sync(self.pool, tenant.connector, ACME, **settings)

    async def look_after(self, tenant: Tenant) -> None:
        """Let a worker look whether the connector has something to do."""
        async with self.pool.acquire() as connection, connection.transaction():
            await jobs.defer_sync(connection, tenant.connector.number)

    async def list_runs(self, tenant: Tenant) -> list[asyncpg.Record]:
        """The latest first."""
        query = "SELECT * FROM sync_run WHERE connector = $1 ORDER BY number DESC"
        return list(await self.pool.fetch(query, tenant.connector.number))

    async def get_run(self, tenant: Tenant) -> asyncpg.Record:
        return (await self.list_runs(tenant))[0]

    async def wait_for(self, tenant: Tenant, status: str = "done", *, number: int = 1) -> asyncpg.Record:
        """The connector's run of that number, once it has the status and no job is left for it."""

        async def find() -> asyncpg.Record | None:
            found = [run for run in await self.list_runs(tenant) if run["number"] == number]
            return found[0] if found and found[0]["status"] == status else None

        run: asyncpg.Record = await until(find)
        return run

    async def wait_for_putting_off(self, tenant: Tenant) -> asyncpg.Record:
        """The connector's run, once it waits for its time with a job that will wake it."""

        async def find() -> asyncpg.Record | None:
            found = await self.list_runs(tenant)
            is_deferred = found and found[0]["waits_until"] is not None
            return found[0] if is_deferred and await self.list_jobs() == ["todo"] else None

        run: asyncpg.Record = await until(find)
        return run

    async def list_jobs(self) -> list[str]:
        return [row["status"] for row in await self.pool.fetch("SELECT status::text FROM procrastinate_jobs")]

    async def list_issues(self, tenant: Tenant, *, with_resolved: bool = False) -> list[str]:
        found = await issues.list_issues(self.pool, tenant.connector.number, with_resolved=with_resolved)
        return [issue["kind"] for issue in found]

    async def count_saved(self, tenant: Tenant, stream: str) -> int:
        """Rows of a list whose pages are committed, over all runs."""
        query = "SELECT coalesce(sum(read), 0) FROM stream_run WHERE connector = $1 AND stream = $2"
        counted: int = await self.pool.fetchval(query, tenant.connector.number, stream)
        return counted

    async def count_requests(self, tenant: Tenant, stream: str) -> int:
        query = "SELECT requests FROM stream_run WHERE connector = $1 AND stream = $2"
        counted: int = await self.pool.fetchval(query, tenant.connector.number, stream)
        return counted

    async def list_names(self, stream: str) -> list[str]:
        """The vendor's ids of a list's live records."""
        query = "SELECT remote_id FROM record WHERE stream = $1 AND deleted_at IS NULL AND model = $2 ORDER BY 1"
        model = MODELS[{"jobs": "job", "people": "candidate"}[stream]].number
        return [row["remote_id"] for row in await self.pool.fetch(query, stream, model)]
