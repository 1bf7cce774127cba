"""Organisations and their API keys, and the tokens of their connectors. Every change is in the audit trail."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from unihire.errors import ConfigError, shorten
from unihire.kit.durations import write_duration
from unihire.kit.ids import hash_token, new_token
from unihire.kit.text import is_writable
from unihire.model import MODELS
from unihire.platform.access import SCOPES, SCOPES_UNASKED, Need
from unihire.store import Connection, Pool
from unihire.store.accounts import tenancy
from unihire.store.accounts.tenancy import Connector
from unihire.store.accounts.tokens import replace_token
from unihire.store.audit import Act, log_act
from unihire.store.commits import INSIST_ON_COMMIT

ENVIRONMENTS = ("production", "development")

LONGEST_OVERLAP = timedelta(days=30)
"""How long what was replaced may be good still."""

LONGEST_KEY = timedelta(days=3650)

NAME_MOST = 1000
"""Characters of a name."""


async def ensure_organisation(pool: Pool, name: str) -> UUID:
    """The organisation of that name, made if there is none."""
    found: UUID | None = await pool.fetchval(tenancy.FIND_ORGANISATION, name)
    if found is not None:
        return found
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(tenancy.LOCK_ORGANISATIONS)
        found = await connection.fetchval(tenancy.FIND_ORGANISATION, name)  # of who was first
        return found or await _insert_organisation(connection, name)


async def create_organisation(pool: Pool, name: str) -> UUID:
    """A new organisation. Raises ConfigError where there is one of that name."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(tenancy.LOCK_ORGANISATIONS)
        await _refuse_taken(connection, name)
        return await _insert_organisation(connection, name)


async def rename_organisation(pool: Pool, id: UUID, name: str) -> None:
    """Raises ConfigError where there is another of that name."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(tenancy.LOCK_ORGANISATIONS)
        before = await connection.fetchval(tenancy.GET_ORGANISATION, id)
        if before is None:
            raise ConfigError(f"there is no organisation {id}")
        if name != before:
            await _refuse_taken(connection, name)
        await connection.execute(tenancy.RENAME_ORGANISATION, id, name)
        said = {"before": {"name": before}, "after": {"name": name}}
        await log_act(connection, _describe_organisation(id, "organisation.renamed", **said))


async def _refuse_taken(connection: Connection, name: str) -> None:
    _check_name(name)
    if await connection.fetchval(tenancy.FIND_ORGANISATION, name) is not None:
        raise ConfigError(f"there is an organisation {name!r} already")


async def _insert_organisation(connection: Connection, name: str) -> UUID:
    _check_name(name)
    id = uuid4()
    await connection.execute(tenancy.INSERT_ORGANISATION, id, name)
    await log_act(connection, _describe_organisation(id, "organisation.created", after={"name": name}))
    return id


def _describe_organisation(id: UUID, act: str, **changed: Mapping[str, Any]) -> Act:
    return Act(organisation=id, environment=None, act=act, kind="organisation", object=id, **changed)


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > NAME_MOST or not is_writable(name):
        raise ConfigError(f"a name is text of at most {NAME_MOST:,} characters, and not empty")


async def list_organisations(pool: Pool) -> dict[UUID, str]:
    """The name of each organisation, oldest first."""
    return {row["id"]: row["name"] for row in await pool.fetch(tenancy.LIST_ORGANISATIONS)}


async def summarise_organisations(pool: Pool) -> list[dict[str, Any]]:
    """Each organisation with how many connectors and good keys it has, oldest first."""
    return [dict(row) for row in await pool.fetch(tenancy.SUMMARISE_ORGANISATIONS)]


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
    reach = KeyReach.check(scopes, models)
    async with pool.acquire() as connection, connection.transaction():
        return await insert_key(connection, organisation, environment, name, reach, valid_for)


@dataclass(frozen=True, slots=True)
class KeyReach:
    """What a key may do: its scopes, and the models it is limited to, None for all; both in a fixed order."""

    scopes: tuple[str, ...]
    models: tuple[str, ...] | None

    @classmethod
    def check(cls, scopes: Collection[str], models: Collection[str] | None) -> "KeyReach":
        """Raises ConfigError for what a key cannot be: with no or unknown scopes or models, or limited with all."""
        unknown = sorted(set(scopes) - set(SCOPES))
        if not scopes or unknown:
            what = f"there is no scope {shorten(unknown[0])!r}" if unknown else "a key needs a scope"
            raise ConfigError(f"{what}; there are: {', '.join(SCOPES)}")
        ordered = tuple(scope.value for scope in SCOPES if scope in scopes)
        if models is None:
            return cls(ordered, None)
        unknown = sorted(set(models) - MODELS.keys())
        if not models or unknown:
            what = (
                f"there is no model {shorten(unknown[0])!r}" if unknown else "a key that is limited to models needs one"
            )
            raise ConfigError(f"{what}; there are: {', '.join(MODELS)}")
        if Need.OPERATIONS in scopes:
            raise ConfigError("operations reach records of all models: a key has them or is limited to models")
        return cls(ordered, tuple(model for model in MODELS if model in models))

    @classmethod
    def of(cls, key: asyncpg.Record) -> "KeyReach":
        """That of a key's row."""
        return cls(tuple(key["scopes"]), None if key["models"] is None else tuple(key["models"]))

    def find_beyond(self, other: "KeyReach") -> str | None:
        """What it has beyond another, in words; None where there is nothing."""
        if scopes := [scope for scope in self.scopes if scope not in other.scopes]:
            return f"the scope {scopes[0]!r}"
        if other.models is None:
            return None
        if self.models is None:
            return "all models"
        models = [model for model in self.models if model not in other.models]
        return f"the model {models[0]!r}" if models else None

    def describe(self) -> dict[str, Any]:
        return {"scopes": self.scopes, "models": self.models}


async def insert_key(
    connection: Connection,
    organisation: UUID,
    environment: str,
    name: str,
    reach: KeyReach,
    valid_for: timedelta | None,
    replaces: UUID | None = None,
) -> tuple[UUID, str]:
    """As `create_key`, inside a transaction. `replaces` is the key it was made in place of."""
    if environment not in ENVIRONMENTS:
        raise ConfigError(f"there is no environment {environment!r}; there are: {', '.join(ENVIRONMENTS)}")
    _check_name(name)
    id, key = uuid4(), f"uh_{'live' if environment == 'production' else 'test'}_{new_token(32)}"
    await connection.execute(INSIST_ON_COMMIT)
    await connection.execute(
        tenancy.INSERT_KEY, id, hash_token(key), organisation, environment, name, valid_for, reach.scopes, reach.models
    )
    valid = None if valid_for is None else write_duration(timedelta(seconds=round(valid_for.total_seconds())))
    after: dict[str, Any] = {"name": name, **reach.describe(), "valid_for": valid}
    if replaces is not None:
        after["replaces"] = replaces
    act = "key.created" if replaces is None else "key.rotated"
    await log_act(connection, describe_key_act(organisation, environment, act, id, after=after))
    return id, key


def describe_key_act(
    organisation: UUID, environment: str, act: str, id: UUID, **changed: Mapping[str, Any] | None
) -> Act:
    return Act(organisation=organisation, environment=environment, act=act, kind="key", object=id, **changed)


async def lock_keys(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, asyncpg.Record]:
    """Those of these keys that are good, by id: as they stay until the transaction ends."""
    return {row["id"]: row for row in await connection.fetch(tenancy.LOCK_KEYS, ids)}


async def rotate_key(
    pool: Pool, id: UUID, *, old_valid_for: timedelta, valid_for: timedelta | None = None
) -> tuple[UUID, str]:
    """Another key for the same, as `create_key`; the old one is good for so long still, at most.

    The new one may do what the old one may, and ends by itself when that would have, unless it is said for how long it
    is valid. Raises ConfigError where there is no such good key.
    """
    async with pool.acquire() as connection, connection.transaction():
        old = (await lock_keys(connection, [id])).get(id)
        if old is None:
            raise ConfigError(f"there is no valid API key {id}")
        lasts = old["lasts"] if valid_for is None else valid_for
        return await replace_key(connection, old, lasts, old_valid_for=old_valid_for)


async def replace_key(
    connection: Connection, old: asyncpg.Record, lasts: timedelta | None, *, old_valid_for: timedelta
) -> tuple[UUID, str]:
    """Another key in place of a locked one; it lasts so long, None for ever."""
    organisation, environment = old["organisation"], old["environment"]
    made = await insert_key(
        connection, organisation, environment, old["name"], KeyReach.of(old), lasts, replaces=old["id"]
    )
    if old_valid_for:
        await connection.execute(tenancy.SHORTEN_KEY, old["id"], old_valid_for)
        after = {"valid_for": write_duration(old_valid_for)}
        await log_act(connection, describe_key_act(organisation, environment, "key.shortened", old["id"], after=after))
        await tenancy.announce_access(connection)
    else:
        await end_key(connection, old)
    return made


async def end_key(connection: Connection, key: asyncpg.Record) -> None:
    """End a locked key, at once."""
    await connection.execute(tenancy.REVOKE_KEY, key["id"])
    before = {"name": key["name"], **KeyReach.of(key).describe()}
    act = describe_key_act(key["organisation"], key["environment"], "key.revoked", key["id"], before=before)
    await log_act(connection, act)
    await tenancy.announce_access(connection)


async def rotate_token(pool: Pool, connector: Connector, *, old_valid_for: timedelta) -> str:
    """A new token of a connector, which is never shown again; the old one is good for so long still.

    Tokens that were replaced before end by then at the latest: with 0 the new one is the only one at once, in every
    process. Raises ConfigError where the connector is gone.
    """
    token = new_token(48)
    async with pool.acquire() as connection, connection.transaction():
        if not await replace_token(connection, connector.number, hash_token(token), old_valid_for):
            raise ConfigError(f"connector {connector.id} was removed meanwhile")
        after = {"old_valid_for": write_duration(old_valid_for)}
        await log_act(connection, tenancy.describe_act(connector, "connector.token_rotated", after=after))
        await tenancy.announce_access(connection)
    return token


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyState:
    """What of a key can be changed."""

    name: str
    reach: KeyReach
    ends_at: datetime | None

    @classmethod
    def of(cls, key: asyncpg.Record) -> "KeyState":
        return cls(name=key["name"], reach=KeyReach.of(key), ends_at=key["ends_at"])

    def describe(self) -> dict[str, Any]:
        return {"name": self.name, **self.reach.describe(), "ends_at": self.ends_at}


async def save_key(connection: Connection, key: asyncpg.Record, new: KeyState) -> None:
    """Change a locked key. Raises ConfigError for a name it cannot have."""
    _check_name(new.name)
    reach = new.reach
    await connection.execute(tenancy.CHANGE_KEY, key["id"], new.name, reach.scopes, reach.models, new.ends_at)
    act = describe_key_act(
        key["organisation"], key["environment"], "key.changed", key["id"],
        before=KeyState.of(key).describe(), after=new.describe(),
    )  # fmt: skip
    await log_act(connection, act)
    await tenancy.announce_access(connection)


async def change_key(
    pool: Pool,
    id: UUID,
    *,
    name: str | None = None,
    scopes: Collection[str] | None = None,
    models: Collection[str] | None = None,
    is_of_all: bool = False,
    valid_for: timedelta | None = None,
) -> None:
    """Change what is given of a key; `is_of_all` lets it reach all models. Raises ConfigError as `create_key` does."""
    async with pool.acquire() as connection, connection.transaction():
        key = (await lock_keys(connection, [id])).get(id)
        if key is None:
            raise ConfigError(f"there is no valid API key {id}")
        now = KeyState.of(key)
        wanted = None if is_of_all else models or now.reach.models
        new = KeyState(
            name=now.name if name is None else name,
            reach=KeyReach.check(scopes or now.reach.scopes, wanted),
            ends_at=now.ends_at if valid_for is None else key["now"] + valid_for,
        )
        await save_key(connection, key, new)


async def revoke_key(pool: Pool, id: UUID) -> None:
    """End a key at once, in every process. Raises ConfigError where there is no such valid key."""
    async with pool.acquire() as connection, connection.transaction():
        key = (await lock_keys(connection, [id])).get(id)
        if key is None:
            raise ConfigError(f"there is no valid API key {id}")
        await end_key(connection, key)


async def list_keys(pool: Pool) -> list[dict[str, Any]]:
    """Every key, oldest first, without anything that opens a door."""
    return [dict(row) for row in await pool.fetch(tenancy.LIST_KEYS)]
