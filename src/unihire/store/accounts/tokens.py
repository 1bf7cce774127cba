"""Connector tokens, by their hashes: the connector each opens, and those that were replaced and end by themselves."""

from datetime import datetime, timedelta
from uuid import UUID

from unihire.store import Connection, Pool

# Which connector a token opens. `lasts` is for how many seconds more, null for ever: a replaced one ends.
FIND_OPENED = """
    SELECT id, number, organisation, environment, category, integration, NULL::float8 AS lasts
    FROM connector WHERE token_hash = $1
    UNION ALL
    SELECT id, number, organisation, environment, category, integration, extract(epoch FROM old.ends_at - now())::float8
    FROM replaced_token AS old JOIN connector ON number = old.connector
    WHERE old.hash = $1 AND old.ends_at > now()
    LIMIT 1
"""

# The connector's token, which stays the one until the transaction ends.
LOCK_TOKEN = "SELECT token_hash FROM connector WHERE number = $1 FOR UPDATE"  # noqa: S105 - a statement

# The same of the connector of that id.
LOCK_TOKEN_BY_ID = "SELECT number, token_hash FROM connector WHERE id = $1 FOR UPDATE"  # noqa: S105 - a statement

SET_TOKEN = "UPDATE connector SET token_hash = $2 WHERE number = $1"  # noqa: S105 - a statement

# Let those of a connector that were replaced end within this time; none lasts longer than was said before.
SHORTEN_REPLACED = "UPDATE replaced_token SET ends_at = least(ends_at, now() + $2::interval) WHERE connector = $1"

DROP_ENDED = "DELETE FROM replaced_token WHERE connector = $1 AND ends_at <= now()"

# The same of all connectors, some at a time, a while after they ended.
DROP_ALL_ENDED = """
    DELETE FROM replaced_token WHERE (connector, hash) IN (
        SELECT connector, hash FROM replaced_token WHERE ends_at <= now() - $1::interval LIMIT $2
    )
"""

UNTIL_ROTATED = timedelta(days=36_500)
"""Of a token beside the connector's own: it ends when that is rotated."""

MOST_REPLACED = 5
"""Replaced tokens of a connector that are good at once."""

# Those of a connector that end first, but some.
DROP_FIRST_TO_END = """
    DELETE FROM replaced_token WHERE connector = $1 AND hash IN (
        SELECT hash FROM replaced_token WHERE connector = $1 ORDER BY ends_at DESC, hash OFFSET $2
    )
"""

INSERT_REPLACED = "INSERT INTO replaced_token (connector, hash, ends_at) VALUES ($1, $2, now() + $3::interval)"

# When each replaced token that is good still ends, of one connector or of all.
LIST_REPLACED = """
    SELECT connector, ends_at FROM replaced_token
    WHERE ends_at > now() AND ($1::int IS NULL OR connector = $1) ORDER BY connector, ends_at
"""


async def replace_token(connection: Connection, connector: int, new: bytes, old_valid_for: timedelta) -> bool:
    """Put a token in place of the connector's, which is good for so long still; False where the connector is gone.

    Call inside a transaction. Those that were replaced before end by then at the latest; with it, `MOST_REPLACED` are
    good at most, and those that end first are good no more.
    """
    old: bytes | None = await connection.fetchval(LOCK_TOKEN, connector)
    if old is None:
        return False
    await connection.execute(SET_TOKEN, connector, new)
    await connection.execute(SHORTEN_REPLACED, connector, old_valid_for)
    await connection.execute(DROP_ENDED, connector)
    if old_valid_for:
        await connection.execute(DROP_FIRST_TO_END, connector, MOST_REPLACED - 1)
        await connection.execute(INSERT_REPLACED, connector, old, old_valid_for)
    return True


async def add_token(connection: Connection, connector: UUID, new: bytes, *, instead_of: bytes | None) -> bool:
    """Let another token open a connector; False where that is gone. Call inside a transaction.

    It comes in place of the one with the hash `instead_of`, where that is still the connector's. Else it is good beside
    those that there are, until the token is rotated; of those that are so, `MOST_REPLACED` are good at most.
    """
    row = await connection.fetchrow(LOCK_TOKEN_BY_ID, connector)
    if row is None:
        return False
    if instead_of is not None and row["token_hash"] == instead_of:
        await connection.execute(SET_TOKEN, row["number"], new)
        return True
    await connection.execute(DROP_ENDED, row["number"])
    await connection.execute(DROP_FIRST_TO_END, row["number"], MOST_REPLACED - 1)
    await connection.execute(INSERT_REPLACED, row["number"], new, UNTIL_ROTATED)
    return True


async def list_replaced(pool: Pool, connector: int | None = None) -> dict[int, list[datetime]]:
    """When the replaced tokens that are good still end, by connector, the next first."""
    found: dict[int, list[datetime]] = {}
    for row in await pool.fetch(LIST_REPLACED, connector):
        found.setdefault(row["connector"], []).append(row["ends_at"])
    return found
