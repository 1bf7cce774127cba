"""`unihire worker` processes on a scratch database, and connectors for them to work on."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from bench.place import Place
from bench.processes import Child, start_child
from bench.vendors import Vendor
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer, new_key
from unihire.platform.connectors import create_connector
from unihire.platform.organisations import ensure_organisation
from unihire.store import Pool
from unihire.store.tenancy import get_connector

# Let connectors be due at a moment, and by their schedule no more.
SET_DUE = "UPDATE connector SET next_sync_at = $2, sync_every = '7 days' WHERE number = ANY($1)"


@dataclass(frozen=True, slots=True)
class Site:
    """A scratch database, and the key that opens the credentials in it."""

    pool: Pool
    address: str
    key: str

    @property
    def environment(self) -> dict[str, str]:
        """What a command needs to work on this database."""
        return {
            "UNIHIRE_DATABASE_URL": self.address,
            "UNIHIRE_ENCRYPTION_KEYS": self.key,
            "UNIHIRE_LOG_LEVEL": "error",
        }

    async def connect(self, slug: str, vendor: Vendor, count: int) -> list[int]:
        """The numbers of so many new connectors to one vendor, all paused by being due in a week."""
        sealer = Sealer([self.key])
        organisation = await ensure_organisation(self.pool, "Example")
        integration = get_integration(slug)
        made: list[UUID] = []
        for _ in range(count):
            new = await create_connector(
                self.pool, sealer, organisation=organisation, environment="development", integration=integration,
                end_user="Example customer", base_url=vendor.base_url, credentials=vendor.credentials,
            )  # fmt: skip
            made.append(new.id)
        numbers = [found.number for id in made if (found := await get_connector(self.pool, id)) is not None]
        await self.pool.execute(
            "UPDATE connector SET next_sync_at = now() + interval '7 days' WHERE number = ANY($1)", numbers
        )
        return numbers

    @asynccontextmanager
    async def start_workers(self, count: int, slots: int) -> AsyncIterator[Sequence[Child]]:
        """So many worker processes for as long as the block lasts."""
        async with AsyncExitStack() as running:
            workers = [
                await running.enter_async_context(
                    start_child("bench.worker_ours", {}, self.environment, ["worker", "--json", "--slots", str(slots)])
                )
                for _ in range(count)
            ]
            await asyncio.gather(*(worker.read() for worker in workers))
            yield workers


@asynccontextmanager
async def open_site(place: Place, purpose: str) -> AsyncIterator[Site]:
    async with place.open_scratch(purpose) as (database, pool):
        yield Site(pool, place.server.dsn(database), new_key())
