"""Writes that callers let be done later: taken one by one, by any process that works, until each is over.

A write that its worker had when it died is taken up by another within minutes, and goes on after the steps it had done.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta

import asyncpg

from unihire.integration.registry import list_volatile_models
from unihire.kit.logs import get_logger
from unihire.platform.access import Scope
from unihire.platform.clients import Clients
from unihire.platform.operations import LONGEST
from unihire.platform.writing.unified_writes import UnifiedWrites
from unihire.store import Pool
from unihire.store.accounts.tenancy import get_numbered
from unihire.store.calls import requested_writes as store
from unihire.store.connections import LOST
from unihire.store.outages import work_through_outages

log = get_logger()

LEASE = LONGEST + timedelta(seconds=30)
"""For how long nobody else takes up a write that a worker has."""

POLL_SECONDS = 5.0
"""How often it is looked for writes whose turn has come; of new ones it is notified."""

RECONNECT_SECONDS = 1.0

FAULT_PAUSE = timedelta(minutes=1)
"""Before a write is tried again that ended by a fault of ours, times its tries."""

MOST_FAULTS = 5
"""Tries after which a write that ends by a fault of ours is over."""


class WriteQueue:
    """Does queued writes, `slots` at once, with clients that it closes in the end."""

    def __init__(self, pool: Pool, writes: UnifiedWrites, clients: Clients, *, slots: int = 4) -> None:
        self._pool = pool
        self._clients = clients
        self._writes = writes
        self._slots = slots
        self._ending = asyncio.Event()
        self._wake = asyncio.Event()

    def stop(self) -> None:
        """Take nothing up any more; what is under way is ended."""
        self._ending.set()
        self._wake.set()

    async def run(self) -> None:
        """Work until `stop`, or until cancelled; survives a database that goes away and comes back."""
        try:
            await work_through_outages(self._work_while_connected, self._ending, name="writes", pause=RECONNECT_SECONDS)
        finally:
            await self._clients.close()

    async def _work_while_connected(self) -> None:
        async with self._pool.acquire() as listening:
            await listening.add_listener(store.QUEUE_CHANNEL, lambda *_: self._wake.set())
            working = [asyncio.create_task(self._work()) for _ in range(self._slots)]
            try:
                await asyncio.gather(*working)
            finally:
                for one in working:
                    one.cancel()
                await asyncio.gather(*working, return_exceptions=True)
                with suppress(asyncpg.PostgresError, *LOST):
                    await listening.reset()

    async def _work(self) -> None:
        while not self._ending.is_set():
            if not await self._work_on_next():
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._wake.wait()
                if not self._ending.is_set():  # else the others would wait on
                    self._wake.clear()

    async def _work_on_next(self) -> bool:
        """Whether there was one."""
        claimed = await self._pool.fetchrow(store.CLAIM_QUEUED, LEASE)
        if claimed is None:
            return False
        number, id = claimed["connector"], claimed["id"]
        connector = await get_numbered(self._pool, number)
        stored = None if connector is None else await store.get_write(self._pool, number, id)
        if connector is None or stored is None or stored.ended_at is not None:
            await self._pool.execute(store.DEQUEUE, number, id)
            return True
        scope = Scope(connector.id, number, list_volatile_models(connector.integration))
        try:
            wait = await self._writes.work_on_queued(connector, scope, id)
        except (asyncpg.PostgresError, *LOST):
            raise
        except Exception as error:
            log.error("a queued write ended by a fault of ours", write=str(id), exc_info=error)
            wait = FAULT_PAUSE * claimed["tries"]
            if claimed["tries"] >= MOST_FAULTS:
                await self._writes.give_up(connector, scope, stored.id)
                wait = None
        if wait is not None:
            await self._pool.execute(store.DEFER_QUEUED, number, id, wait)
        return True
