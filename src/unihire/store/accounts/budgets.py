"""What is known of connectors' rate budgets: read with the time, saved by whoever read the latest version."""

from dataclasses import dataclass

from unihire.store import Connection, Pool

# What is known of a connector's budget, and what time it is: by the server's clock, the same for all processes.
READ_BUDGET = """
    SELECT coalesce(budget.version, 0) AS version, budget.state,
        extract(epoch FROM clock_timestamp())::double precision AS now
    FROM (VALUES ($1::integer)) AS wanted (connector) LEFT JOIN budget USING (connector)
"""

# Keep this in place of that version; no row where another has come first or the connector is gone.
REPLACE_BUDGET = "UPDATE budget SET version = version + 1, state = $3 WHERE connector = $1 AND version = $2"

# Keep this as the first that is known; no row where another has come first or the connector is gone.
INSERT_BUDGET = """
    INSERT INTO budget (connector, version, state) SELECT number, 1, $2 FROM connector WHERE number = $1
    FOR KEY SHARE ON CONFLICT (connector) DO NOTHING
"""

FORGET_BUDGET = "DELETE FROM budget WHERE connector = $1"


@dataclass(frozen=True, slots=True)
class KeptBudget:
    """`version` 0 and `state` None: nothing is known. `now` is in seconds since 1970."""

    version: int
    state: bytes | None
    now: float


async def read_budget(pool: Pool | Connection, connector: int) -> KeptBudget:
    (row,) = await pool.fetch(READ_BUDGET, connector)
    return KeptBudget(row["version"], row["state"], row["now"])


async def replace_budget(pool: Pool | Connection, connector: int, version: int, state: bytes) -> bool:
    """Keep this in place of the version that was read; False where that is not the latest any more."""
    if version == 0:
        done: str = await pool.execute(INSERT_BUDGET, connector, state)
    else:
        done = await pool.execute(REPLACE_BUDGET, connector, version, state)
    return done.endswith(" 1")


async def forget_budget(connection: Pool | Connection, connector: int) -> None:
    """Know nothing of a connector's budget: the vendor is asked at once, and says anew what is left."""
    await connection.execute(FORGET_BUDGET, connector)
