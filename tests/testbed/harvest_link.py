"""A Greenhouse sandbox, a connector to it and a client of the API: what is there, what is served, and syncs between."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from testbed.databases import Databases
from testbed.harvest import find_next, serve_harvest
from testbed.harvest_truth import LISTED_WHEN_DELETED, OWN, STREAMS, Json, Records, Rows, expect_records
from testbed.personio import check_same
from testbed.tenants import Tenant, make_tenant, open_api, read_pages
from testbed.vendor import IMPATIENT
from unihire.integration.registry import get_integration
from unihire.kit.clock import MovableClock
from unihire.kit.seal import Sealer
from unihire.model import MODELS
from unihire.outbound.client import Retry
from unihire.platform.connectors import open_client
from unihire.sandbox.runner import Ready, RunningSandbox
from unihire.store import Pool
from unihire.sync.run import Report, sync_connector

# What a list leaves out unless asked; other rows point there.
WHOLE = {"users": {"show_service_accounts": "true"}, "rejection_reasons": {"include_defaults": "true"}}

BEHIND = -timedelta(days=3)
"""The vendor's clock at first, so that it can be moved on and is never ahead of ours."""

Place = tuple[str, str]
"""Plural and vendor id of a record."""


async def make_harvest_tenant(pool: Pool, sealer: Sealer, ready: Ready) -> Tenant:
    return await make_tenant(
        pool,
        sealer,
        integration=get_integration("greenhouse"),
        base_url=ready.base_url,
        credentials={"client_id": ready.client_id, "client_secret": ready.client_secret},
    )


@asynccontextmanager
async def open_vendor(ready: Ready) -> AsyncIterator[httpx.AsyncClient]:
    """A signed-in client of the emulator."""
    # Plain HTTP: to prepare for TLS would take longer than the calls.
    async with httpx.AsyncClient(base_url=f"{ready.base_url}/v3", verify=False) as client:
        form, pair = {"grant_type": "client_credentials"}, (ready.client_id, ready.client_secret)
        answer = await client.post(f"{ready.base_url}/token", data=form, auth=pair)
        client.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['access_token']}"
        yield client


async def read_vendor(ready: Ready, streams: Iterable[str] = STREAMS) -> Rows:
    async with open_vendor(ready) as client:
        return {stream: await _read_stream(client, stream) for stream in streams}


async def _read_stream(client: httpx.AsyncClient, stream: str) -> list[Json] | None:
    rows: list[Json] = []
    page = await client.get(f"/{stream}", params={"per_page": 500, **WHOLE.get(stream, {})})
    if page.status_code == 403:
        return None
    for _ in range(10_000):
        rows += msgspec.json.decode(page.raise_for_status().content)
        following = find_next(page)
        if following is None:
            return rows
        page = await client.get(following)
    raise AssertionError(f"the list of {stream} does not end")


@dataclass(frozen=True, slots=True)
class Served:
    """Everything that is served, and when each record was modified."""

    records: Records
    times: dict[Place, str]

    def changed_since(self, before: "Served") -> set[Place]:
        """The records that are new or were modified."""
        return {place for place, moment in self.times.items() if before.times.get(place) != moment}


async def read_served(api: httpx.AsyncClient) -> Served:
    """Everything our own face serves, with raw data and custom fields. Nothing may come twice."""
    served = Served({}, {})
    for spec in MODELS.values():
        flags = {"page_size": 200, "include_raw_data": "true", "include_custom_fields": "true"}
        items = await read_pages(api, f"/api/v1/{spec.plural}", **flags)
        for item in items:
            item["more"] = {field.name: item["more"][field.name] for field in spec.more}
        served.records[spec.plural] = {item["remote_id"]: item for item in items}
        assert len(served.records[spec.plural]) == len(items)
        served.times.update({(spec.plural, item["remote_id"]): item.pop("modified_at") for item in items})
    return served


async def read_versions(pool: Pool) -> dict[str, list[Any]]:
    """Every row there is but for a run's own log, the connector's state and its token, with what wrote it."""
    find = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    tables = {row["tablename"] for row in await pool.fetch(find)} - {
        "sync_run",
        "stream_run",
        "stream_state",
        "connector",
        "connector_grant",
    }
    return {
        table: [tuple(row) for row in await pool.fetch(f"SELECT xmin::text, ctid::text FROM {table} ORDER BY 1, 2")]
        for table in tables
    }


def find_changed(before: Records, after: Records) -> set[Place]:
    """The records that are new or differ."""
    return {
        (plural, remote_id)
        for plural, records in after.items()
        for remote_id, record in records.items()
        if before[plural].get(remote_id) != record
    }


@dataclass
class HarvestLink:
    """`rows` are the vendor's as last looked at, `expected` what they must become, `served` what was last read here.

    The last two are equal, if `is_settled`.
    """

    serving: ExitStack
    sandbox: RunningSandbox
    control: httpx.AsyncClient
    tenant: Tenant
    api: httpx.AsyncClient
    rows: Rows = field(default_factory=dict)
    expected: Records = field(default_factory=dict)
    served: Served = field(default_factory=lambda: Served({}, {}))
    is_settled: bool = False

    def expect(self, rows: Rows, *models: str) -> Records:
        """What the rows must become: of these models, or of all."""
        return expect_records(rows, self.tenant.connector.id, models or MODELS.keys())

    async def look(self, *streams: str) -> None:
        """Read what the vendor has now, all of it or these streams."""
        self.is_settled = False
        self.rows = self.rows | await read_vendor(self.sandbox.ready, streams or STREAMS)
        self.expected = self.expect(self.rows)

    async def read_records(self) -> Records:
        return (await read_served(self.api)).records

    async def sync(self, *, full: bool = False, retry: Retry = IMPATIENT) -> Report:
        self.is_settled = False
        tenant = self.tenant
        client = open_client(
            tenant.integration, tenant.credentials, tenant.connector.base_url, is_base_url_trusted=True, retry=retry
        )
        return await sync_connector(tenant.pool, tenant.connector, tenant.integration, client, full=full)

    def restart(self, **settings: Any) -> None:
        """The same sandbox as at its start, at the same address and time, with other settings."""
        self.serving.close()
        ready, clock = self.sandbox.ready, self.sandbox.app.clock
        known = {"size": ready.size, "seed": ready.seed, "port": urlsplit(ready.base_url).port, "clock": clock}
        self.sandbox = self.serving.enter_context(serve_harvest(**known, **settings))

    async def wait_an_hour(self) -> None:
        """For the vendor, whose clock is behind ours: what changes from now on is in no window that was read before."""
        (await self.control.post("clock", json={"advance_seconds": 3600})).raise_for_status()

    async def settle(self) -> None:
        """Read all of it whole an hour later, and check it."""
        await self.wait_an_hour()
        report = await self.sync(full=True)
        assert report.status == "done"
        await self.look()
        await self.check()

    async def follow(self, *streams: str) -> set[Place]:
        """Let one incremental run follow an hour later, and check that exactly what differs was modified; returns that.

        `streams` are those in which one row has changed; without any, all may have.
        """
        before, expected = self.served, self.expected
        await self.look(*streams)
        await self.wait_an_hour()
        report = await self.sync()
        assert report.status == "done"
        await self.check()
        changed = find_changed(expected, self.expected)
        assert self.served.changed_since(before) == changed
        if streams:
            read = {part.stream: part.read for part in report.streams if part.read and part.stream in STREAMS}
            assert read == dict.fromkeys(streams, 1)
        return changed

    async def check(self) -> None:
        """What is served is what the rows must become, and as many; raises AssertionError where it is not."""
        self.served = await read_served(self.api)
        check_same(self.served.records, self.expected)
        counts = (await self.control.get("streams")).raise_for_status().json()
        for stream, model in OWN.items():
            rows = self.rows[stream]
            if rows is not None:
                deleted = sum(row["active"] is False for row in rows) if stream in LISTED_WHEN_DELETED else 0
                assert len(self.served.records[MODELS[model].plural]) == counts[stream]["rows"] - deleted, stream
        self.is_settled = True


@asynccontextmanager
async def link_harvest(
    databases: Databases, sealer: Sealer, *, pool: Pool | None = None, **settings: Any
) -> AsyncIterator[HarvestLink]:
    """A sandbox of these settings, its connector never synced, in this database or in one of its own."""
    async with AsyncExitStack() as stack:
        chosen = pool or await stack.enter_async_context(databases.open())
        serving = stack.enter_context(ExitStack())
        sandbox = serving.enter_context(serve_harvest(**{"clock": MovableClock(BEHIND), **settings}))
        async with httpx.AsyncClient(base_url=sandbox.ready.control_url) as control:
            tenant = await make_harvest_tenant(chosen, sealer, sandbox.ready)
            async with open_api(databases.settings("migrated"), tenant) as api:
                yield HarvestLink(serving, sandbox, control, tenant, api)
