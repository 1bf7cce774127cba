"""What connectors hold of their vendors, sealed, and the lock under which one renews it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from unihire.store import Connection, Pool

GRANT_LOCKS = 0x4752414E

LOST = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InternalClientError,  # the server said goodbye, and the end of the connection was not noticed yet
)
"""How a connection that is gone shows itself."""

POLL_SECONDS = 0.05

# What a connector holds.
FIND_GRANT = "SELECT sealed FROM connector_grant WHERE connector = $1"

# Grants of partners that were bought so long ago, or by a clock that was wrong, the oldest first, but for some.
LIST_OLD = """
    SELECT connector FROM connector_grant JOIN connector ON connector.number = connector_grant.connector
    WHERE connector.is_partner AND connector.status = 'COMPLETE'
        AND NOT saved_at BETWEEN now() - $1::interval AND now() + interval '1 minute' AND connector <> ALL($3::int[])
    ORDER BY saved_at LIMIT $2
"""

# Keep this from now on; nothing where the connector is gone.
SAVE_GRANT = """
    INSERT INTO connector_grant (connector, sealed) SELECT number, $2 FROM connector WHERE number = $1
    ON CONFLICT (connector) DO UPDATE SET sealed = excluded.sealed, saved_at = now()
"""

# A refresh token that was spent cannot be had again: its successor is on the disk before it is used.
INSIST_ON_COMMIT = "SET LOCAL synchronous_commit TO on"

TRY_LOCK = "SELECT pg_try_advisory_lock($1, $2)"

UNLOCK = "SELECT pg_advisory_unlock($1, $2)"


async def find_grant(pool: Pool | Connection, connector: int) -> bytes | None:
    sealed: bytes | None = await pool.fetchval(FIND_GRANT, connector)
    return sealed


async def save_grant(connection: Connection, connector: int, sealed: bytes) -> None:
    """Committed when this returns, unless the connection is inside a transaction."""
    async with connection.transaction():
        await connection.execute(INSIST_ON_COMMIT)
        await connection.execute(SAVE_GRANT, connector, sealed)


@asynccontextmanager
async def lock_grant(pool: Pool, connector: int) -> AsyncIterator[Connection]:
    """Be the only one to renew what a connector holds, over all processes, on a connection that is one's own meanwhile.

    The lock dies with its session. Who waits for it keeps no connection from others.
    """
    while True:
        async with pool.acquire() as connection:
            try:
                is_ours = await connection.fetchval(TRY_LOCK, GRANT_LOCKS, connector)
            except BaseException:
                connection.terminate()  # it may be ours now
                raise
            if is_ours:
                try:
                    yield connection
                finally:
                    await _unlock(connection, connector)
                return
        await asyncio.sleep(POLL_SECONDS)


async def _unlock(connection: Connection, connector: int) -> None:
    try:
        await connection.execute(UNLOCK, GRANT_LOCKS, connector)
    except LOST:
        pass  # and with the session went the lock
    except BaseException:
        connection.terminate()
        raise
