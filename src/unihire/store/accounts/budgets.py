"""What is known of connectors' rate budgets: read with the time, saved by the process that read the latest version."""

from dataclasses import dataclass

from unihire.store import Connection, Pool

_NOW = "extract(epoch FROM clock_timestamp())::double precision AS now"

# What is known of a connector's budget, and what time it is: by the server's clock, the same for all processes.
READ_BUDGET = f"""
    SELECT coalesce(budget.version, 0) AS version, budget.state, {_NOW}
    FROM (VALUES ($1::integer)) AS wanted (connector) LEFT JOIN budget USING (connector)
"""  # noqa: S608 - of constants

# Replace that version by this one; no row where another came first or the connector is gone.
REPLACE_BUDGET = f"""
    UPDATE budget SET version = version + 1, state = $3 WHERE connector = $1 AND version = $2 RETURNING version, {_NOW}
"""  # noqa: S608 - of constants

# Store the first state; no row where another came first or the connector is gone. Its version is a
# moment, so that no version from before a crash of the server, which empties the table, is taken for one of after it.
INSERT_BUDGET = f"""
    INSERT INTO budget (connector, version, state)
    SELECT number, (1000000 * extract(epoch FROM clock_timestamp()))::bigint, $2 FROM connector WHERE number = $1
    FOR KEY SHARE ON CONFLICT (connector) DO NOTHING RETURNING version, {_NOW}
"""  # noqa: S608 - of constants

FORGET_BUDGET = "DELETE FROM budget WHERE connector = $1"


@dataclass(frozen=True, slots=True)
class StoredBudget:
    """`version` 0 and `state` None: nothing is known. `now` is in seconds since 1970."""

    version: int
    state: bytes | None
    now: float


async def read_budget(pool: Pool | Connection, connector: int) -> StoredBudget:
    (row,) = await pool.fetch(READ_BUDGET, connector)
    return StoredBudget(row["version"], row["state"], row["now"])


async def replace_budget(pool: Pool | Connection, connector: int, version: int, state: bytes) -> StoredBudget | None:
    """Replace the version that was read, and return the new one; None where it is no longer the latest."""
    if version == 0:
        row = await pool.fetchrow(INSERT_BUDGET, connector, state)
    else:
        row = await pool.fetchrow(REPLACE_BUDGET, connector, version, state)
    return None if row is None else StoredBudget(row["version"], state, row["now"])


async def forget_budget(connection: Pool | Connection, connector: int) -> None:
    """Forget a connector's budget: the vendor is called at once, and its response says what is left."""
    await connection.execute(FORGET_BUDGET, connector)
