"""Hooks of a made-up vendor that says of rows which they are, and deliveries to them."""

import asyncio
import hashlib
import hmac
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from testbed.tenants import Tenant
from testbed.touching import DELTA
from testbed.vendor import IMPATIENT
from testbed.waiting import until
from unihire.events.inbox import hooks, processing, receiving
from unihire.events.inbox.processing import InboxPace, Processor
from unihire.integration import registry
from unihire.integration.webhooks import Delivery, Secret, Signature, Touch, WebhookEvent, Webhooks
from unihire.kit.seal import Sealer
from unihire.outbound.client import VendorClient
from unihire.platform.connectors import open_connector_client
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector

QUICK = InboxPace(lease=1.0, heartbeat=0.2, poll=0.1)

_NUMBERS = itertools.count(1)


def read(delivery: Delivery) -> WebhookEvent:
    data = delivery.data
    return WebhookEvent(
        kind=data["kind"], id=delivery.find_header("Event-Id"), touches=tuple(Touch(**one) for one in data["rows"])
    )


HOOKED = Webhooks(
    events={"touched": "Row touched"},
    read=read,
    verify=Signature(header="X-Signature").verify,
    secret=Secret(drawn_by="us"),
    steps=("Enter the address.",),
)
"""What the made-up vendor reports: rows by their streams, signed."""


def install(monkeypatch: pytest.MonkeyPatch, webhooks: Webhooks = HOOKED, **changed: Any) -> None:
    """Let these be the webhooks of the integration there is."""
    declared = replace(webhooks, **changed)
    monkeypatch.setattr(registry, "list_integrations", lambda: (DELTA,))
    for module in (receiving, hooks):
        monkeypatch.setattr(module, "find_webhooks", lambda slug: declared if slug == DELTA.slug else None)


@dataclass(frozen=True, slots=True)
class Hook:
    """A connector's hook, as a vendor calls it."""

    api: httpx.AsyncClient
    path: str
    secret: str

    async def send(
        self, *rows: dict[str, Any], id: str | None = None, secret: str | None = None, **headers: str
    ) -> httpx.Response:
        """A delivery that says of rows that they were touched."""
        body = json.dumps({"kind": "touched", "rows": rows}).encode()
        return await self.post(body, id or f"event-{next(_NUMBERS)}", secret or self.secret, **headers)

    async def post(self, body: bytes, id: str | None, secret: str, **headers: str) -> httpx.Response:
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        named = {} if id is None else {"Event-Id": id}
        return await self.api.post(self.path, content=body, headers={"X-Signature": signature, **named, **headers})


def row(stream: str, id: str, **more: Any) -> dict[str, Any]:
    return {"stream": stream, "id": id, **more}


async def make_hook(tenant: Tenant, sealer: Sealer, api: httpx.AsyncClient, **given: Any) -> Hook:
    new = await hooks.open_hook(tenant.pool, sealer, tenant.connector, hooks.get_webhooks(tenant.connector), **given)
    return Hook(api, new.path, new.secret or given.get("secret") or "")


async def list_waiting(pool: Pool) -> set[tuple[str, str, str]]:
    """The touched rows that are yet to be read: stream, member and value."""
    return {tuple(one) for one in await pool.fetch("SELECT stream, member, value FROM inbox_touch")}


@asynccontextmanager
async def process(
    tenant: Tenant, sealer: Sealer, *, slots: int = 2, pace: InboxPace = QUICK, pool: Pool | None = None
) -> AsyncIterator[Processor]:
    """A processor at work, impatient with a vendor that does not answer."""
    used = pool or tenant.pool

    def open_client(connector: Connector) -> VendorClient:
        client = open_connector_client(used, connector, sealer, patience=0.2)
        client.target = replace(client.target, retry=replace(IMPATIENT, attempts=2))
        return client

    processor = Processor(used, open_client, slots=slots, pace=pace)
    task = asyncio.create_task(processor.run())
    try:
        yield processor
    finally:
        processor.stop()
        await asyncio.wait_for(task, 10)


async def until_read(tenant: Tenant) -> None:
    """Until nothing waits to be read."""

    async def is_empty() -> bool:
        return not await list_waiting(tenant.pool)

    await until(is_empty)


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing wait long before it is tried again."""
    monkeypatch.setattr(processing, "FAILED_PAUSE", processing.BETWEEN)
    monkeypatch.setattr(processing, "RESTING_PAUSE", processing.BETWEEN)
    monkeypatch.setattr(processing, "LONGEST_PAUSE", 5 * processing.BETWEEN)
