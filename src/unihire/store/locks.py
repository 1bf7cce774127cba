"""Who works on a connector: one at a time over all processes, by advisory locks that die with their session.

All locks of a process are on one connection, however many connectors it works on. Over it the process gives signs of
life: without them the server ends the session, so that neither a frozen process nor a machine that went away holds a
connector for long.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg

from unihire.errors import Busy
from unihire.store import Connection, Pool
from unihire.store.connections import LOST

SYNC_LOCKS = 0x53594E43
"""The space of the advisory locks, "SYNC" in letters: who syncs or deletes a connector takes the one of its number."""

TRY_LOCK = "SELECT pg_try_advisory_lock($1, $2)"

UNLOCK = "SELECT pg_advisory_unlock($1, $2)"

BEAT_SECONDS = 5.0
SILENT_SECONDS = 20.0
"""A session that gave no sign for so long is ended by the server."""

# The server ends the session when it was idle for so many milliseconds; 0: never.
LIMIT_IDLENESS = "SELECT set_config('idle_session_timeout', $1, false)"


class _Session:
    """The connection that holds a process's locks; it is returned to the pool when the last one is released."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._turn = asyncio.Lock()
        self._connection: Connection | None = None
        self._beating: asyncio.Task[None] | None = None
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
                _terminate(connection)  # it may be ours now
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
            if connection is not None and not _is_lost(connection):
                try:
                    await connection.execute(UNLOCK, SYNC_LOCKS, number)
                except LOST:
                    pass  # and with the session went the lock
                except BaseException:
                    _terminate(connection)
                    raise
            await self._close_if_unused()

    async def _open(self) -> Connection:
        """The connection; a new one where it was lost, and with it the locks: their next owner fences us off."""
        if self._connection is not None and _is_lost(self._connection):
            await self._release()
        if self._connection is None:
            connection = self._connection = await self._pool.acquire()
            try:
                await connection.execute(LIMIT_IDLENESS, str(round(SILENT_SECONDS * 1000)))
            except BaseException:
                _terminate(connection)
                await self._close_if_unused()
                raise
            self._beating = asyncio.create_task(self._beat(connection))
        return self._connection

    async def _beat(self, connection: Connection) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            async with self._turn:
                try:
                    await connection.execute("SELECT", timeout=SILENT_SECONDS)
                except LOST:  # or no answer in time
                    _terminate(connection)
                    return

    async def _close_if_unused(self) -> None:
        if not self._held and self._connection is not None:
            await self._release()

    async def _release(self) -> None:
        connection, self._connection = self._connection, None
        assert connection is not None
        if self._beating is not None:
            self._beating.cancel()
        try:
            if not _is_lost(connection):
                await connection.execute(LIMIT_IDLENESS, "0")
        except LOST:
            pass
        except BaseException:
            _terminate(connection)
            raise
        finally:
            await self._pool.release(connection)  # type: ignore[arg-type]


def _is_lost(connection: Connection) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:  # the pool took it back when it was closed
        return True


def _terminate(connection: Connection) -> None:
    with suppress(asyncpg.InterfaceError):  # as above
        connection.terminate()


_sessions: dict[int, _Session] = {}  # by the identity of the pool, while it holds a lock


@asynccontextmanager
async def lock_connector(pool: Pool, number: int, *, otherwise: str) -> AsyncIterator[None]:
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
