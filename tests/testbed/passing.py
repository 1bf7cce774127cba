"""Time that passes for the database: everything it holds becomes older by as much."""

from datetime import timedelta

import asyncpg

from unihire.store import Pool

# Columns of moments, by table; a living worker's signs of life are left as they are.
FIND_MOMENTS = """
    SELECT table_name AS name, array_agg(column_name::text) AS columns
    FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND data_type = 'timestamp with time zone'
        AND table_name NOT IN ('procrastinate_workers', 'schema_version')
    GROUP BY table_name
"""


# This transaction, not a worker's beside it, is the one that a deadlock ends: it looks for one the soonest.
YIELD_FIRST = "SET LOCAL deadlock_timeout = '10ms'"
TRIES = 20


async def let_pass(pool: Pool, span: timedelta) -> None:
    """As if `span` had passed; a negative one: as if the clock had been set back by so much.

    Workers may work meanwhile; what they lock in another order is waited for by beginning again.
    """
    for left in reversed(range(TRIES)):
        try:
            async with pool.acquire() as connection, connection.transaction():
                await connection.execute(YIELD_FIRST)
                for table in await connection.fetch(FIND_MOMENTS):
                    moved = ", ".join(f"{column} = {column} - $1::interval" for column in table["columns"])
                    await connection.execute(f"UPDATE {table['name']} SET {moved}", span)
            return
        except asyncpg.DeadlockDetectedError:
            if not left:
                raise
