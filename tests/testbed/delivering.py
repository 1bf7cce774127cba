"""Deliverers in the tests' own process, quick in everything, endpoints at a receiver that notes everything."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from testbed.receiver import Received, Receiver
from testbed.tenants import Tenant
from testbed.waiting import until
from unihire.events.deliveries.deliverer import Deliverer, DeliveryPace
from unihire.events.deliveries.replaying import Replay, replay_refused, replay_since
from unihire.events.endpoints import EndpointOwner, Endpoints, EndpointSettings
from unihire.kit.seal import Sealer
from unihire.outbound.addresses import AddressPolicy
from unihire.store import Pool
from unihire.store.events.endpoints import Endpoint, read_endpoint
from unihire.store.events.log import cut_events, read_events
from unihire.webhook_forms import FORMS

QUICK = DeliveryPace(lease=2.0, slice=5.0, poll=0.05, reload=0.5, rest=0.05, ending=0.5)
TIMEOUT = 0.5


class Delivers:
    """A database whose webhooks are delivered by deliverers of this process."""

    def __init__(self, pool: Pool, sealer: Sealer, receiver: Receiver) -> None:
        self.pool = pool
        self.receiver = receiver
        self.endpoints = Endpoints(pool, sealer, FORMS, AddressPolicy())
        self._sealer = sealer

    async def add(
        self, tenant: Tenant, path: str = "/hook", *, format: str = "standard", secret: str | None = None, **wanted: Any
    ) -> Endpoint:
        """An endpoint at the receiver, as if the operator had given its address."""
        owner = EndpointOwner(tenant.organisation, tenant.connector.environment)
        what = EndpointSettings(url=self.receiver.at(path), is_trusted=True, **wanted)
        endpoint, _ = await self.endpoints.create(owner, what, format=format, secret=secret)
        return endpoint

    def make(
        self, *, pace: DeliveryPace = QUICK, timeout: float = TIMEOUT, pool: Pool | None = None, **settings: Any
    ) -> Deliverer:
        return Deliverer(
            pool or self.pool, self._sealer, FORMS, AddressPolicy(), pace=pace, timeout=timeout, **settings
        )

    @asynccontextmanager
    async def work(self, **settings: Any) -> AsyncIterator[Deliverer]:
        deliverer = self.make(**settings)
        task = asyncio.create_task(deliverer.run())
        try:
            yield deliverer
        finally:
            deliverer.stop()
            await asyncio.wait_for(task, 10)

    async def list_lanes(self) -> list[asyncpg.Record]:
        return list(await self.pool.fetch("SELECT * FROM lane ORDER BY connector, endpoint, replay"))

    async def until_idle(self) -> None:
        """Until nothing is due any more."""

        async def are_idle() -> bool:
            return not await self.pool.fetchval("SELECT count(*) FROM lane WHERE due_at IS NOT NULL")

        await until(are_idle)

    async def count_due(self) -> int:
        """Lanes that may be claimed now."""
        counted: int = await self.pool.fetchval("""
            SELECT count(*) FROM lane JOIN endpoint ON endpoint.id = endpoint
            WHERE is_enabled AND (held_until IS NULL OR held_until <= now()) AND (due_at <= now() OR claim IS NOT NULL)
        """)
        return counted

    async def until_none_is_due(self) -> None:
        """Until what is due was tried."""

        async def is_none_due() -> bool:
            return not await self.count_due()

        await until(is_none_due)

    async def has_noted(self) -> bool:
        """Whether a try is over."""
        return bool(await self.pool.fetchval("SELECT EXISTS (SELECT FROM delivery)"))

    async def resume(self, endpoint: Endpoint) -> None:
        await self.endpoints.change(self.own(endpoint), endpoint.id, lambda was: was, is_enabled=True)

    async def replay_refused(self, endpoint: Endpoint) -> Replay:
        return await replay_refused(self.pool, endpoint)

    async def cut_log(self, tenant: Tenant) -> None:
        """Let all events there are be older than the log has them."""
        async with self.pool.acquire() as connection, connection.transaction():
            assert not await cut_events(connection, timedelta(seconds=-1), 1000)

    async def deliver(self) -> None:
        """Deliver all that is due."""
        async with self.work():
            await self.until_idle()

    async def get(self, endpoint: Endpoint) -> asyncpg.Record:
        row = await self.pool.fetchrow("SELECT * FROM endpoint WHERE id = $1", endpoint.id)
        assert row is not None
        return row

    def own(self, endpoint: Endpoint) -> EndpointOwner:
        return EndpointOwner(endpoint.organisation, endpoint.environment)

    async def replay_all(self) -> None:
        """Have all that happened sent once more to every endpoint, and wait for it."""
        for row in await self.pool.fetch("SELECT * FROM endpoint"):
            await replay_since(self.pool, read_endpoint(row), datetime(2020, 1, 1, tzinfo=UTC), None, None)
        await self.deliver()

    async def pass_time(self, **duration: float) -> None:
        """So much time goes by for lanes and endpoints."""
        time = timedelta(**duration)
        await self.pool.execute(
            "UPDATE lane SET due_at = due_at - $1::interval, failing_since = failing_since - $1::interval", time
        )
        await self.pool.execute(
            "UPDATE endpoint SET held_until = held_until - $1::interval, failing_since = failing_since - $1::interval, "
            "last_sent_at = last_sent_at - $1::interval",
            time,
        )


def list_records(received: Sequence[Received]) -> list[tuple[str, str]]:
    """What became of which record, in the order in which it was received, each message once."""
    seen: set[str] = set()
    found = []
    for one in received:
        if one.said["type"].startswith("record.") and one.id not in seen:
            seen.add(one.id)
            found += [(one.said["type"].partition(".")[2], record["id"]) for record in one.said["data"]["records"]]
    return found


async def list_logged(pool: Pool, connector: int) -> list[tuple[str, str]]:
    """What the log says became of records, in feed order."""
    return [(str(event.kind), event.id) for event in await read_events(pool, connector, 0, 100_000)]
