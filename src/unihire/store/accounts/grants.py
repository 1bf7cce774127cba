"""What vendors gave connectors, sealed, and the lock under which one renews it.

All of it belongs to one version of a connector's credentials (`connector.credentials_version`). Who works with earlier
ones finds nothing and saves nothing: new credentials put a row of their version in place of the grant's, in their own
transaction, and each statement compares what it finds there.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from unihire.store import Connection, Pool
from unihire.store.commits import INSIST_ON_COMMIT
from unihire.store.connections import LOST

GRANT_LOCKS = 0x4752414E

POLL_SECONDS = 0.05

# A connector's grant, bought with credentials of a version; no row where that is not the connector's.
FIND_GRANT = """
    SELECT stored.sealed, coalesce(stored.refused_times, 0) > 0 AS was_refused
    FROM connector LEFT JOIN connector_grant AS stored
        ON stored.connector = connector.number AND stored.credentials_version = connector.credentials_version
    WHERE number = $1 AND connector.credentials_version = $2
"""

# Whether credentials of a version are the connector's.
IS_CURRENT = "SELECT EXISTS (SELECT FROM connector WHERE number = $1 AND credentials_version = $2)"

# Grants of partners that were bought so long ago, or by a clock that was wrong, the oldest first, but for some.
LIST_OLD = """
    SELECT connector FROM connector_grant AS stored JOIN connector ON connector.number = stored.connector
    WHERE connector.is_partner AND connector.status = 'COMPLETE'
        AND stored.sealed IS NOT NULL AND stored.credentials_version = connector.credentials_version
        AND NOT saved_at BETWEEN now() - $1::interval AND now() + interval '1 minute' AND connector <> ALL($3::int[])
    ORDER BY saved_at LIMIT $2
"""

# Store the grant; nothing where the connector is gone, or has other credentials than of this version.
SAVE_GRANT = """
    INSERT INTO connector_grant AS stored (connector, sealed, credentials_version)
    SELECT number, $3, $2 FROM connector WHERE number = $1 FOR KEY SHARE
    ON CONFLICT (connector) DO UPDATE
    SET sealed = excluded.sealed, credentials_version = excluded.credentials_version, saved_at = now()
    WHERE stored.credentials_version <= excluded.credentials_version
    RETURNING true
"""

# The scopes that the vendor named with a token bought with credentials of a version; nothing where they are known.
SET_SCOPES = """
    UPDATE connector SET scopes = $3
    WHERE number = $1 AND credentials_version = $2 AND scopes IS DISTINCT FROM $3::text[]
"""

# Let the row be of these credentials from now on, with nothing bought and nothing refused.
EMPTY_GRANT = """
    INSERT INTO connector_grant AS stored (connector, credentials_version) VALUES ($1, $2)
    ON CONFLICT (connector) DO UPDATE
    SET sealed = NULL, credentials_version = $2, saved_at = now(), refused_since = NULL, refused_times = 0
"""

# Note that the vendor refused credentials of a version; how often in a row by now, and for how long. Nothing as above.
NOTE_REFUSAL = """
    INSERT INTO connector_grant AS stored (connector, credentials_version, refused_since, refused_times)
    SELECT number, $2, now(), 1 FROM connector WHERE number = $1 FOR KEY SHARE
    ON CONFLICT (connector) DO UPDATE
    SET credentials_version = excluded.credentials_version,
        sealed = CASE WHEN stored.credentials_version = excluded.credentials_version THEN stored.sealed END,
        refused_since = coalesce(stored.refused_since, now()), refused_times = stored.refused_times + 1
    WHERE stored.credentials_version <= excluded.credentials_version
    RETURNING refused_times AS times, now() - refused_since AS lasting
"""

# The vendor accepts credentials of this version again.
FORGET_REFUSALS = """
    UPDATE connector_grant SET refused_since = NULL, refused_times = 0
    WHERE connector = $1 AND credentials_version = $2 AND refused_times > 0
"""

TRY_LOCK = "SELECT pg_try_advisory_lock($1, $2)"

UNLOCK = "SELECT pg_advisory_unlock($1, $2)"


@dataclass(frozen=True, slots=True)
class StoredGrant:
    """`sealed` None: nothing was bought yet. `was_refused`: the vendor refused the credentials, and nothing since."""

    sealed: bytes | None
    was_refused: bool


@dataclass(frozen=True, slots=True)
class Refusals:
    """How often in a row a vendor has refused credentials, and how long ago it began."""

    times: int
    lasting: timedelta


async def find_grant(pool: Pool | Connection, connector: int, version: int) -> StoredGrant | None:
    """None where the connector's credentials are of another version, or it is gone."""
    row = await pool.fetchrow(FIND_GRANT, connector, version)
    return None if row is None else StoredGrant(row["sealed"], row["was_refused"])


async def is_current(pool: Pool | Connection, connector: int, version: int) -> bool:
    """Whether the connector's credentials are of this version still; stays so while the connector's feed is locked."""
    found: bool = await pool.fetchval(IS_CURRENT, connector, version)
    return found


async def save_grant(
    connection: Connection, connector: int, version: int, sealed: bytes, scopes: Sequence[str] | None = None
) -> bool:
    """Committed when this returns, unless the connection is inside a transaction.

    `scopes` as the vendor named them, None where it did not: then the earlier ones stay.
    False, and nothing is saved, where the connector's credentials are of another version, or it is gone.
    """
    async with connection.transaction():
        await connection.execute(INSIST_ON_COMMIT)
        if scopes is not None:  # before the grant: new credentials and a removal lock the connector first, too
            await connection.execute(SET_SCOPES, connector, version, scopes)
        return await connection.fetchval(SAVE_GRANT, connector, version, sealed) is not None


async def note_refusal(pool: Pool | Connection, connector: int, version: int) -> Refusals | None:
    """Note that the vendor refused the credentials. None as in `find_grant`."""
    row = await pool.fetchrow(NOTE_REFUSAL, connector, version)
    return None if row is None else Refusals(row["times"], row["lasting"])


@asynccontextmanager
async def lock_grant(pool: Pool, connector: int) -> AsyncIterator[Connection]:
    """Be the only one to renew a connector's grant, over all processes, on a connection that is one's own meanwhile.

    The lock dies with its session. A process that waits for it uses no connection of the pool.
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
