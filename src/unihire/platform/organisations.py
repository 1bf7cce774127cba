"""Organisations and their API keys."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from unihire.errors import ConfigError
from unihire.kit.ids import hash_token, new_token
from unihire.model import MODELS
from unihire.platform.access import SCOPES, SCOPES_UNASKED, Need
from unihire.store import Connection, Pool
from unihire.store.accounts import tenancy
from unihire.store.accounts.tenancy import Connector
from unihire.store.accounts.tokens import replace_token
from unihire.store.commits import INSIST_ON_COMMIT

ENVIRONMENTS = ("production", "development")


async def ensure_organisation(pool: Pool, name: str) -> UUID:
    """The organisation of that name, made if there is none."""
    found: UUID | None = await pool.fetchval(tenancy.FIND_ORGANISATION, name)
    if found is not None:
        return found
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(tenancy.LOCK_ORGANISATIONS)
        found = await connection.fetchval(tenancy.FIND_ORGANISATION, name)  # of who was first
        if found is None:
            found = uuid4()
            await connection.execute(tenancy.INSERT_ORGANISATION, found, name)
    return found


async def list_organisations(pool: Pool) -> dict[UUID, str]:
    """The name of each organisation, oldest first."""
    return {row["id"]: row["name"] for row in await pool.fetch(tenancy.LIST_ORGANISATIONS)}


async def create_key(
    pool: Pool,
    organisation: UUID,
    environment: str,
    name: str,
    *,
    valid_for: timedelta | None = None,
    scopes: Collection[str] = SCOPES_UNASKED,
    models: Collection[str] | None = None,
) -> tuple[UUID, str]:
    """A new API key: its id, and the key itself, which is never shown again. It ends by itself, if it is to.

    `models` are those it is limited to, None for all. Raises ConfigError for a scope or model that there is not.
    """
    check_reach(scopes, models)
    async with pool.acquire() as connection, connection.transaction():
        return await _insert_key(connection, organisation, environment, name, valid_for, scopes, models)


def check_reach(scopes: Collection[str], models: Collection[str] | None) -> None:
    """Raises ConfigError for what a key cannot be: with no or unknown scopes or models, or limited where it is not."""
    if not scopes or (unknown := sorted(set(scopes) - set(SCOPES))):
        what = f"there is no scope {unknown[0]!r}" if scopes else "a key needs a scope"
        raise ConfigError(f"{what}; there are: {', '.join(SCOPES)}")
    if models is None:
        return
    if not models or (unknown := sorted(set(models) - MODELS.keys())):
        what = f"there is no model {unknown[0]!r}" if models else "a key that is limited to models needs one"
        raise ConfigError(f"{what}; there are: {', '.join(MODELS)}")
    if Need.OPERATIONS in scopes:
        raise ConfigError("operations reach records of all models: a key has them or is limited to models, not both")


async def _insert_key(
    connection: Connection,
    organisation: UUID,
    environment: str,
    name: str,
    valid_for: timedelta | None,
    scopes: Collection[str],
    models: Collection[str] | None,
) -> tuple[UUID, str]:
    if environment not in ENVIRONMENTS:
        raise ConfigError(f"there is no environment {environment!r}; there are: {', '.join(ENVIRONMENTS)}")
    id, key = uuid4(), f"uh_{'live' if environment == 'production' else 'test'}_{new_token(32)}"
    await connection.execute(INSIST_ON_COMMIT)
    await connection.execute(
        tenancy.INSERT_KEY, id, hash_token(key), organisation, environment, name, valid_for,
        sorted(set(scopes), key=SCOPES.index), None if models is None else sorted(set(models)),
    )  # fmt: skip
    return id, key


async def rotate_key(
    pool: Pool, id: UUID, *, old_valid_for: timedelta, valid_for: timedelta | None = None
) -> tuple[UUID, str]:
    """Another key for the same, as `create_key`; the old one is good for so long still, at most.

    The new one ends by itself when the old one would have, unless it is said for how long it is valid.
    Raises ConfigError where there is no such good key.
    """
    async with pool.acquire() as connection, connection.transaction():
        old = await connection.fetchrow(tenancy.LOCK_KEY, id)
        if old is None:
            raise ConfigError(f"there is no valid API key {id}")
        lasts = old["lasts"] if valid_for is None else valid_for
        made = await _insert_key(
            connection, old["organisation"], old["environment"], old["name"], lasts, old["scopes"], old["models"]
        )
        if old_valid_for:
            await connection.execute(tenancy.SHORTEN_KEY, id, old_valid_for)
        else:
            await connection.execute(tenancy.REVOKE_KEY, id)
        await tenancy.announce_access(connection)
    return made


async def rotate_token(pool: Pool, connector: Connector, *, old_valid_for: timedelta) -> str:
    """A new token of a connector, which is never shown again; the old one is good for so long still.

    Tokens that were replaced before end by then at the latest: with 0 the new one is the only one at once, in every
    process. Raises ConfigError where the connector is gone.
    """
    token = new_token(48)
    async with pool.acquire() as connection, connection.transaction():
        if not await replace_token(connection, connector.number, hash_token(token), old_valid_for):
            raise ConfigError(f"connector {connector.id} was removed meanwhile")
        await tenancy.announce_access(connection)
    return token


async def revoke_key(pool: Pool, id: UUID) -> None:
    """End a key at once, in every process. Raises ConfigError where there is no such valid key."""
    async with pool.acquire() as connection, connection.transaction():
        if await connection.fetchval(tenancy.REVOKE_KEY, id) is None:
            raise ConfigError(f"there is no valid API key {id}")
        await tenancy.announce_access(connection)


async def list_keys(pool: Pool) -> list[dict[str, Any]]:
    """Every key, oldest first, without anything that opens a door."""
    return [dict(row) for row in await pool.fetch(tenancy.LIST_KEYS)]
