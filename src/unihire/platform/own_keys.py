"""API keys made and changed by another key: of its own organisation and environment, and never beyond itself.

What the acting key may do is read with its row locked, not from memory: one that ends or is narrowed meanwhile makes
no key any more. No key acts on one that reaches beyond it, be it to end it, and none is made that outlasts its maker.
"""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from unihire.errors import Conflict, Forbidden, NotFound, Unauthorized
from unihire.platform.access import Caller, Need
from unihire.platform.organisations import (
    KeyReach,
    KeyState,
    end_key,
    insert_key,
    lock_keys,
    replace_key,
    save_key,
)
from unihire.store import Connection, Pool
from unihire.store.accounts import tenancy

MOST_KEYS = 1_000
"""Good keys of an environment, at which no more are made by API."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChange:
    """What becomes of a key; None stays. With `is_ending_set`, it ends after `valid_for`: never, where that is None."""

    name: str | None = None
    scopes: Collection[str] | None = None
    models: Collection[str] | None = None
    is_models_set: bool = False
    valid_for: timedelta | None = None
    is_ending_set: bool = False


class OwnKeys:
    """The keys of the caller's organisation and environment."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def list(self, caller: Caller, *, after: tuple[datetime, UUID] | None, limit: int) -> list[asyncpg.Record]:
        """In the order they were made, after a place; ended ones too, until they are deleted."""
        at, last = after or (None, None)
        found: list[asyncpg.Record] = await self._pool.fetch(
            tenancy.LIST_OWN_KEYS, caller.organisation, caller.environment, None, at, last, limit
        )
        return found

    async def get(self, caller: Caller, id: UUID) -> asyncpg.Record:
        """Raises NotFound."""
        return await _get(self._pool, caller, id)

    async def create(
        self, caller: Caller, name: str, reach: KeyReach, valid_for: timedelta | None
    ) -> tuple[asyncpg.Record, str]:
        """A new key, as it is shown, and the key itself. Raises Forbidden, Conflict and ConfigError."""
        async with self._act(caller) as (connection, maker, _):
            count = await connection.fetchval(tenancy.COUNT_KEYS, caller.organisation, caller.environment)
            if count >= MOST_KEYS:
                raise Conflict(f"There are {count:,} valid API keys already: revoke some first")
            _refuse_beyond(reach, maker)
            lasts = _bound_ending(maker, valid_for)
            id, key = await insert_key(connection, caller.organisation, caller.environment, name, reach, lasts)
            return await _get(connection, caller, id), key

    async def change(self, caller: Caller, id: UUID, change: KeyChange) -> asyncpg.Record:
        """The key as it is then. Raises NotFound, Forbidden and ConfigError."""
        async with self._act(caller, id) as (connection, maker, key):
            now = KeyState.of(key)
            reach = KeyReach.check(
                now.reach.scopes if change.scopes is None else change.scopes,
                change.models if change.is_models_set else now.reach.models,
            )
            _refuse_beyond(reach, maker)
            ends_at = now.ends_at
            if change.is_ending_set:
                lasts = _bound_ending(maker, change.valid_for)
                ends_at = None if lasts is None else key["now"] + lasts
            name = now.name if change.name is None else change.name
            await save_key(connection, key, KeyState(name=name, reach=reach, ends_at=ends_at))
            return await _get(connection, caller, id)

    async def rotate(
        self, caller: Caller, id: UUID, *, old_valid_for: timedelta, valid_for: timedelta | None
    ) -> tuple[asyncpg.Record, str]:
        """Another key in place of one; it ends when that would have, unless `valid_for` is given.

        Raises NotFound and Forbidden.
        """
        async with self._act(caller, id) as (connection, maker, key):
            lasts = _bound_ending(maker, key["lasts"] if valid_for is None else valid_for)
            made, secret = await replace_key(connection, key, lasts, old_valid_for=old_valid_for)
            return await _get(connection, caller, made), secret

    async def revoke(self, caller: Caller, id: UUID) -> None:
        """End a key at once. Raises NotFound and Forbidden."""
        async with self._act(caller, id) as (connection, _, key):
            await end_key(connection, key)

    @asynccontextmanager
    async def _act(
        self, caller: Caller, id: UUID | None = None
    ) -> AsyncIterator[tuple[Connection, asyncpg.Record, asyncpg.Record]]:
        """A transaction with the acting key and the one it acts on, without `id` itself, both locked."""
        assert caller.key is not None
        async with self._pool.acquire() as connection, connection.transaction():
            locked = await lock_keys(connection, [caller.key] if id is None else [caller.key, id])
            maker = locked.get(caller.key)
            if maker is None:
                raise Unauthorized("The API key is not valid")
            if Need.MANAGE not in maker["scopes"]:
                raise Forbidden("This API key lacks the scope 'manage', which this call needs")
            key = maker if id is None else locked.get(id)
            whose = caller.organisation, caller.environment
            if key is None or (key["organisation"], key["environment"]) != whose:
                raise NotFound("There is no valid API key with this id in this environment")
            _refuse_beyond(KeyReach.of(key), maker)
            yield connection, maker, key


async def _get(source: Pool | Connection, caller: Caller, id: UUID) -> asyncpg.Record:
    row = await source.fetchrow(tenancy.LIST_OWN_KEYS, caller.organisation, caller.environment, id, None, None, 1)
    if row is None:
        raise NotFound("There is no API key with this id in this environment")
    return row


def _refuse_beyond(reach: KeyReach, maker: asyncpg.Record) -> None:
    beyond = reach.find_beyond(KeyReach.of(maker))
    if beyond is not None:
        raise Forbidden(f"This API key lacks {beyond}: it can neither give it to a key nor act on one that has it")


def _bound_ending(maker: asyncpg.Record, lasts: timedelta | None) -> timedelta | None:
    """How long a key lasts that this one makes. Raises Forbidden where it would outlast it."""
    most: timedelta | None = maker["lasts"]
    if most is None or (lasts is not None and lasts <= most):
        return lasts
    if lasts is None:  # for ever, as far as the maker can say
        return most
    raise Forbidden("This API key ends earlier than that: no key that it makes or changes can outlast it")
