"""Who works on a connector: one at a time over all processes, by advisory locks that die with their session.

All locks of a process are on one connection, however many connectors it works on.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from unihire.errors import Busy
from unihire.store import Connection, Pool
from unihire.store.grants import LOST

SYNC_LOCKS = 0x53594E43
"""The space of the advisory locks, "SYNC" in letters: who syncs or deletes a connector holds the one of its number."""

TRY_LOCK = "SELECT pg_try_advisory_lock($1, $2)"

UNLOCK = "SELECT pg_advisory_unlock($1, $2)"


class _Session:
    """The connection that holds a process's locks; it is the pool's again when the last one is let go."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._turn = asyncio.Lock()
        self._connection: Connection | None = None
        self.users = 0
        self._held: set[int] = set()

    async def take(self, number: int) -> bool:
        async with self._turn:
            if number in self._held:
                return False
            connection = await self._open()
            try:
                is_ours: bool = await connection.fetchval(TRY_LOCK, SYNC_LOCKS, number)
            except BaseException:
                connection.terminate()  # it may be ours now
                await self._close_if_unused()
                raise
            if is_ours:
                self._held.add(number)
            await self._close_if_unused()
            return is_ours

    async def let_go(self, number: int) -> None:
        async with self._turn:
            self._held.discard(number)
            connection = self._connection
            if connection is not None and not connection.is_closed():
                try:
                    await connection.execute(UNLOCK, SYNC_LOCKS, number)
                except LOST:
                    pass  # and with the session went the lock
                except BaseException:
                    connection.terminate()
                    raise
            await self._close_if_unused()

    async def _open(self) -> Connection:
        """The connection; a new one where it was lost, and with it the locks: whoever takes them fences us off."""
        if self._connection is not None and self._connection.is_closed():
            await self._release()
        if self._connection is None:
            self._connection = await self._pool.acquire()
        return self._connection

    async def _close_if_unused(self) -> None:
        if not self._held and self._connection is not None:
            await self._release()

    async def _release(self) -> None:
        connection, self._connection = self._connection, None
        assert connection is not None
        await self._pool.release(connection)  # type: ignore[arg-type]


_sessions: dict[int, _Session] = {}  # by the identity of the pool, while it holds something


@asynccontextmanager
async def hold_connector(pool: Pool, number: int, *, otherwise: str) -> AsyncIterator[None]:
    """Be the only one to sync the connector or make its records again, over all processes.

    The lock dies with its session; who saves under it must find out by the run's attempt whether it was lost.
    Raises Busy, saying `otherwise`, while somebody else holds it.
    """
    session = _sessions.setdefault(id(pool), _Session(pool))
    session.users += 1
    try:
        if not await session.take(number):
            raise Busy(otherwise)
        try:
            yield
        finally:
            await asyncio.shield(session.let_go(number))
    finally:
        session.users -= 1
        if not session.users:
            del _sessions[id(pool)]
