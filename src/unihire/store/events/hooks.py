"""Hooks: which connector a vendor's address is of, and what deliveries there are verified with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from unihire.store import Connection, Pool
from unihire.store.commits import INSIST_ON_COMMIT

# The hook that a token is of, which is good, with what its connector is.
FIND_HOOK = """
    SELECT number, connector.id, integration, connector.credentials, connector.is_partner, hook.secrets
    FROM hook_token AS token JOIN connector ON connector.number = token.connector
    JOIN hook ON hook.connector = token.connector
    WHERE token.hash = $1 AND (token.ends_at IS NULL OR token.ends_at > now())
"""

GET_HOOK = "SELECT secrets, subscriptions, made_at FROM hook WHERE connector = $1"

INSERT_HOOK = "INSERT INTO hook (connector, secrets) VALUES ($1, $2) ON CONFLICT (connector) DO NOTHING RETURNING true"

INSERT_TOKEN = "INSERT INTO hook_token (hash, connector) VALUES ($1, $2)"  # noqa: S105 - a statement

# The hook, which stays as it is until the transaction ends.
LOCK_HOOK = "SELECT secrets, subscriptions FROM hook WHERE connector = $1 FOR UPDATE"

# Let the tokens of a hook end within this time; none lasts longer than was said before.
SHORTEN_TOKENS = """
    UPDATE hook_token SET ends_at = least(coalesce(ends_at, 'infinity'), now() + $2::interval) WHERE connector = $1
"""

DROP_ENDED_TOKENS = "DELETE FROM hook_token WHERE connector = $1 AND ends_at <= now()"

# The same of all connectors, some at a time, a while after they ended.
DROP_ALL_ENDED = """
    DELETE FROM hook_token WHERE (connector, hash) IN (
        SELECT connector, hash FROM hook_token WHERE ends_at <= now() - $1::interval LIMIT $2
    )
"""

SET_SECRETS = "UPDATE hook SET secrets = $2 WHERE connector = $1"

SET_SUBSCRIPTIONS = "UPDATE hook SET subscriptions = $2 WHERE connector = $1"

DELETE_TOKENS = "DELETE FROM hook_token WHERE connector = $1"

DELETE_HOOK = "DELETE FROM hook WHERE connector = $1 RETURNING true"

# Every hook with its latest delivery, how many touched rows wait, and since when.
LIST_HOOKS = """
    SELECT hook.connector, secrets IS NOT NULL AS has_secrets, cardinality(subscriptions) AS subscriptions, made_at,
        last_delivery_at,
        (SELECT count(*) FROM inbox_touch WHERE inbox_touch.connector = hook.connector) AS waiting,
        (SELECT min(touched_at) FROM inbox_touch WHERE inbox_touch.connector = hook.connector) AS waits_since
    FROM hook LEFT JOIN inbox USING (connector)
"""


@dataclass(frozen=True, slots=True)
class FoundHook:
    """The hook at an address; `credentials` and `secrets` are sealed, None: no secret is known yet."""

    number: int
    connector: UUID
    integration: str
    is_partner: bool
    credentials: bytes = field(repr=False)
    secrets: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class HookState:
    """A connector's hook."""

    secrets: bytes | None = field(repr=False)
    subscriptions: tuple[str, ...]
    made_at: datetime


async def find_hook(pool: Pool, hash: bytes) -> FoundHook | None:
    """The hook of which a token is that has this hash and has not ended."""
    row = await pool.fetchrow(FIND_HOOK, hash)
    if row is None:
        return None
    return FoundHook(
        row["number"], row["id"], row["integration"], row["is_partner"], row["credentials"], row["secrets"]
    )


async def get_hook(pool: Pool, connector: int) -> HookState | None:
    row = await pool.fetchrow(GET_HOOK, connector)
    if row is None:
        return None
    return HookState(row["secrets"], tuple(row["subscriptions"]), row["made_at"])


async def add_hook(connection: Connection, connector: int, hash: bytes, secrets: bytes | None) -> bool:
    """Make a hook with a token; False where the connector has one. On the disk when the transaction it is in commits.

    Call inside a transaction.
    """
    await connection.execute(INSIST_ON_COMMIT)
    if await connection.fetchval(INSERT_HOOK, connector, secrets) is None:
        return False
    await connection.execute(INSERT_TOKEN, hash, connector)
    return True


async def replace_token(connection: Connection, connector: int, hash: bytes, old_valid_for: timedelta) -> bool:
    """Give a hook another token; the earlier ones end within this time. False where there is no hook.

    Call inside a transaction.
    """
    await connection.execute(INSIST_ON_COMMIT)
    if await connection.fetchrow(LOCK_HOOK, connector) is None:
        return False
    await connection.execute(SHORTEN_TOKENS, connector, old_valid_for)
    await connection.execute(DROP_ENDED_TOKENS, connector)
    await connection.execute(INSERT_TOKEN, hash, connector)
    return True


async def lock_hook(connection: Connection, connector: int) -> tuple[bytes | None, Sequence[str]] | None:
    """The sealed secrets of a hook and its subscriptions, which stay as they are until the transaction ends."""
    row = await connection.fetchrow(LOCK_HOOK, connector)
    return None if row is None else (row["secrets"], row["subscriptions"])


async def set_secrets(connection: Connection, connector: int, secrets: bytes) -> None:
    await connection.execute(INSIST_ON_COMMIT)
    await connection.execute(SET_SECRETS, connector, secrets)


async def set_subscriptions(connection: Connection | Pool, connector: int, ids: Sequence[str]) -> None:
    await connection.execute(SET_SUBSCRIPTIONS, connector, list(ids))


async def delete_hook(connection: Connection, connector: int) -> bool:
    """Whether there was one. Call inside a transaction."""
    await connection.execute(INSIST_ON_COMMIT)
    await connection.execute(DELETE_TOKENS, connector)
    return await connection.fetchval(DELETE_HOOK, connector) is not None


async def list_hooks(pool: Pool) -> dict[int, Mapping[str, object]]:
    """`has_secrets`, `subscriptions`, `made_at`, `last_delivery_at`, `waiting` and `waits_since`, by connector."""
    return {row["connector"]: dict(row) for row in await pool.fetch(LIST_HOOKS)}
