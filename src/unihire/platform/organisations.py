"""Organisations and their API keys."""

from typing import Any
from uuid import UUID, uuid4

from unihire.errors import ConfigError
from unihire.kit.ids import hash_token, new_token
from unihire.store import Pool, tenancy

ENVIRONMENTS = ("production", "development")


async def ensure_organisation(pool: Pool, name: str) -> UUID:
    """The organisation of that name, made if there is none."""
    found: UUID | None = await pool.fetchval(tenancy.FIND_ORGANISATION, name)
    if found is not None:
        return found
    id = uuid4()
    await pool.execute(tenancy.INSERT_ORGANISATION, id, name)
    return id


async def list_organisations(pool: Pool) -> dict[UUID, str]:
    """The name of each organisation, oldest first."""
    return {row["id"]: row["name"] for row in await pool.fetch(tenancy.LIST_ORGANISATIONS)}


async def create_key(pool: Pool, organisation: UUID, environment: str, name: str) -> tuple[UUID, str]:
    """A new API key: its id, and the key itself, which is never shown again."""
    if environment not in ENVIRONMENTS:
        raise ConfigError(f"there is no environment {environment!r}; there are: {', '.join(ENVIRONMENTS)}")
    id, key = uuid4(), f"uh_{'live' if environment == 'production' else 'test'}_{new_token(32)}"
    await pool.execute(tenancy.INSERT_KEY, id, hash_token(key), organisation, environment, name)
    return id, key


async def revoke_key(pool: Pool, id: UUID) -> None:
    """End a key at once, in every process. Raises ConfigError where there is no such living key."""
    async with pool.acquire() as connection, connection.transaction():
        if await connection.fetchval(tenancy.REVOKE_KEY, id) is None:
            raise ConfigError(f"there is no living API key {id}")
        await tenancy.announce_access(connection)


async def list_keys(pool: Pool) -> list[dict[str, Any]]:
    """Every key, oldest first, without anything that opens a door."""
    return [dict(row) for row in await pool.fetch(tenancy.LIST_KEYS)]
