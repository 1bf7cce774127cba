"""`unihire worker` processes on a scratch database, and connectors for them to work on."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from bench.place import Place
from bench.processes import Child, Mismatch, start_child
from bench.vendors import Vendor
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer, new_key
from unihire.platform.connectors import create_connector
from unihire.platform.organisations import ensure_organisation
from unihire.store import Pool
from unihire.store.accounts.tenancy import get_connector
from unihire.store.work import jobs

# Let connectors be due at a moment, for a run that reads every list whole or one that need not, and then not for long.
SET_DUE = """
    UPDATE connector SET next_sync_at = $2, sync_every = '7 days',
        full_every = CASE WHEN $3 THEN interval '0' ELSE interval '7 days' END
    WHERE number = ANY($1)
"""

HOLD_CHORES = "SELECT pg_advisory_xact_lock($1)"

# How many runs of these connectors that were asked for since a moment have ended.
COUNT_ENDED = """
    SELECT count(*) FROM sync_run WHERE connector = ANY($1) AND asked_at >= $2 AND finished_at IS NOT NULL
"""

LOOK_SECONDS = 0.25
LONGEST_SECONDS = 1800


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
        """The numbers of so many new connectors to one vendor, none of them due."""
        sealer = Sealer([self.key])
        organisation = await ensure_organisation(self.pool, "Example")
        integration = get_integration(slug)
        made: list[UUID] = []
        # A new connector is due at once: the chores rest until it is not.
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(HOLD_CHORES, jobs.CHORE_LOCK)
            for _ in range(count):
                new = await create_connector(
                    self.pool, sealer, organisation=organisation, environment="development", integration=integration,
                    end_user="Example customer", base_url=vendor.base_url, is_base_url_trusted=True,
                    credentials=vendor.credentials,
                )  # fmt: skip
                made.append(new.id)
            numbers = [found.number for id in made if (found := await get_connector(self.pool, id)) is not None]
            await self.make_due(numbers, datetime.now(UTC) + timedelta(days=7))
        return numbers

    async def make_due(self, numbers: Sequence[int], at: datetime, *, full: bool = False) -> None:
        await self.pool.execute(SET_DUE, numbers, at, full)

    async def wait(self, numbers: Sequence[int], due: datetime) -> None:
        """Until each has ended the run that was due then. Raises Mismatch where that takes too long."""
        until = time.monotonic() + LONGEST_SECONDS
        while await self.pool.fetchval(COUNT_ENDED, numbers, due) < len(numbers):
            if time.monotonic() > until:
                raise Mismatch(f"connectors have not been synced for {LONGEST_SECONDS} seconds")
            await asyncio.sleep(LOOK_SECONDS)

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
