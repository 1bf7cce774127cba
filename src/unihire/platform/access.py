"""Who is calling: an API key picks organisation and environment, a connector token one connector of them.

What a key may do is in its scopes, and in the models that it is limited to (docs/decisions/0041-scopes-of-keys.md).
"""

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Generic, TypeVar
from uuid import UUID

import asyncpg

from unihire.errors import Forbidden, NotFound, Unauthorized
from unihire.integration.registry import list_volatile_models
from unihire.kit.ids import hash_token
from unihire.kit.logs import get_logger
from unihire.platform.hiding import Hidden
from unihire.store import Pool
from unihire.store.accounts import tenancy
from unihire.store.accounts.tokens import FIND_OPENED
from unihire.store.audit import COMMAND, Actor
from unihire.store.connections import LOST

log = get_logger()

REMEMBERED_SECONDS = 30.0
"""A key or token is looked up again after this, in case the notification of a change was lost with its connection."""
REMEMBERED_MOST = 10_000

USES_SECONDS = 60.0
"""How often it is written down which keys were used."""
USES_PATIENCE = 5.0
"""Seconds for which that is tried."""

EVERY_MODEL = "*"
"""The model of a call that reaches records of all models: a key that is limited to some cannot make it."""

T = TypeVar("T")


class Need(StrEnum):
    """What a call needs of an API key: one of its scopes, or no more than that it is good (`KEY`)."""

    KEY = "key"
    READ = "read"
    WRITE = "write"
    MANAGE = "manage"
    OPERATIONS = "operations"


SCOPES = (Need.READ, Need.WRITE, Need.MANAGE, Need.OPERATIONS)
"""All that a key can have."""

SCOPES_UNASKED = (Need.READ, Need.WRITE, Need.MANAGE)
"""Those that a new key has where nothing is said: operations reach a customer's system by the key alone."""

_ALL = frozenset(SCOPES)


@dataclass(frozen=True, slots=True)
class Scope:
    """The connector a request reaches: every query carries it.

    `volatile` are the numbers of the models of which its records may be volatile, `hidden` the fields that it does not
    show to who is asking.
    """

    connector: UUID
    number: int
    volatile: frozenset[int]
    hidden: Hidden | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom an API key belongs to, what it may do and does not show. Two keys of one environment are equal callers.

    Models it is limited to are those that `hidden` shows.
    """

    organisation: UUID
    environment: str
    hidden: Hidden | None = field(default=None, compare=False)
    key: UUID | None = field(default=None, compare=False)
    scopes: frozenset[str] = field(default=_ALL, compare=False)
    actor: Actor = field(default=COMMAND, compare=False)

    @property
    def models(self) -> frozenset[str] | None:
        """The models it is limited to; None: all."""
        return None if self.hidden is None else self.hidden.models

    def check(self, needs: Need, model: str | None = None) -> None:
        """Raises Forbidden where the key lacks a scope, or is limited to other models; asks nobody."""
        if needs not in self.scopes and needs is not Need.KEY:
            raise Forbidden(f"This API key lacks the scope {needs.value!r}, which this call needs")
        if model is None or self.hidden is None or self.hidden.models is None:
            return
        if model == EVERY_MODEL:
            raise Forbidden("This API key is limited to models, and this call reaches records of all models")
        self.hidden.refuse_model(model)


@dataclass(frozen=True, slots=True)
class _Opened:
    scope: Scope
    organisation: UUID
    environment: str
    category: str


class Access:
    """Checks keys and tokens, remembering those that were good until something changes."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._keys: _Memory[Caller] = _Memory()
        self._tokens: _Memory[_Opened] = _Memory()
        self._used: set[UUID] = set()

    async def check_key(self, authorization: str | None) -> Caller:
        """The caller of an `Authorization: Bearer …` header. Raises Unauthorized."""
        scheme, _, key = (authorization or "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            raise Unauthorized("Not authenticated: send your API key as 'Authorization: Bearer <key>'")
        found = await self._keys.get(key, self._find_caller)
        if found is None:
            raise Unauthorized("The API key is not valid")
        if found.key is not None:
            self._used.add(found.key)
        return found

    async def check_token(self, caller: Caller, token: str, category: str) -> Scope:
        """The connector `token` opens for this caller.

        Raises Unauthorized where there is none in the caller's organisation and environment, without telling whether
        there is one elsewhere; Forbidden where it is of another category.
        """
        opened = await self._tokens.get(token, self._find_token)
        if opened is None or opened.organisation != caller.organisation or opened.environment != caller.environment:
            raise Unauthorized("The connector token is not valid for this API key")
        if opened.category != category:
            raise Forbidden(f"The connector token belongs to the category {opened.category}, not {category}")
        if caller.hidden is None:
            return opened.scope
        return replace(opened.scope, hidden=caller.hidden.join(opened.scope.hidden))

    async def _find_caller(self, key: str) -> tuple[Caller, float | None] | None:
        row = await self._pool.fetchrow(tenancy.FIND_KEY, hash_token(key))
        if row is None:
            return None
        hidden = None if row["models"] is None else Hidden({}, frozenset(row["models"]))
        scopes = frozenset(row["scopes"])
        actor = Actor(row["id"], row["name"])
        return Caller(row["organisation"], row["environment"], hidden, row["id"], scopes, actor), row["lasts"]

    async def find_scope(self, caller: Caller, connector: str, category: str) -> Scope:
        """The connector of this id. Raises NotFound where the caller's organisation and environment have none such."""
        row = None
        with contextlib.suppress(ValueError):
            whose = caller.organisation, caller.environment, category
            row = await self._pool.fetchrow(tenancy.FIND_LINKED, UUID(connector), *whose)
        if row is None:
            raise NotFound("There is no connector with this id")
        return Scope(row["id"], row["number"], list_volatile_models(row["integration"]), caller.hidden)

    async def _find_token(self, token: str) -> tuple[_Opened, float | None] | None:
        row = await self._pool.fetchrow(FIND_OPENED, hash_token(token))
        if row is None:
            return None
        scope = Scope(row["id"], row["number"], list_volatile_models(row["integration"]))
        return _Opened(scope, row["organisation"], row["environment"], row["category"]), row["lasts"]

    async def listen(self) -> None:
        """Forget what is remembered whenever a key or connector changes, in this process or another; until cancelled.

        A lost connection is taken up again; what is remembered then is forgotten too.
        """
        while True:
            # Where the server is away, REMEMBERED_SECONDS bounds what is missed meanwhile.
            with contextlib.suppress(asyncpg.PostgresError, *LOST):
                await self._listen_once()
            await asyncio.sleep(1)

    async def _listen_once(self) -> None:
        closed = asyncio.Event()
        async with self._pool.acquire() as connection:
            connection.add_termination_listener(lambda *_: closed.set())
            await connection.add_listener(tenancy.ACCESS_CHANNEL, lambda *_: self.forget())
            try:
                self.forget()
                await closed.wait()
            finally:
                connection.terminate()  # it listens, so it must not go back to the pool

    async def note_uses(self) -> None:
        """Write down every minute which keys were used, until cancelled; no call waits for it."""
        while True:
            await asyncio.sleep(USES_SECONDS)
            await self.write_uses()

    async def write_uses(self) -> None:
        """Write down which keys were used since this was done last; those stay noted that cannot be written down."""
        used, self._used = self._used, set()
        if not used:
            return
        try:
            async with asyncio.timeout(USES_PATIENCE):  # a process that ends must not wait for a database that is away
                # Several processes write them down: together no more than once a minute for a key.
                await self._pool.execute(tenancy.NOTE_USES, list(used), timedelta(seconds=USES_SECONDS - 1))
        except (asyncpg.PostgresError, *LOST) as error:
            self._used |= used
            log.warning("it was not written down which API keys were used", kind=type(error).__name__)

    def forget(self) -> None:
        self._keys.clear()
        self._tokens.clear()


class _Memory(Generic[T]):
    """What was found for a secret, for a while, and not beyond its end; what was not found is not remembered."""

    def __init__(self) -> None:
        self._found: OrderedDict[str, tuple[float, T]] = OrderedDict()
        self._changes = 0

    async def get(self, secret: str, find: Callable[[str], Awaitable[tuple[T, float | None] | None]]) -> T | None:
        """`find` gives it with the seconds for which it stays valid, None for ever."""
        known = self._found.get(secret)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        changes = self._changes
        looked_at = time.monotonic()
        answer = await find(secret)
        if answer is None:
            self._found.pop(secret, None)
            return None
        found, lasts = answer
        if changes != self._changes:  # something changed while we looked: what was found may be over
            return found
        seconds = REMEMBERED_SECONDS if lasts is None else min(lasts, REMEMBERED_SECONDS)
        self._found[secret] = (looked_at + seconds, found)
        if len(self._found) > REMEMBERED_MOST:
            self._found.popitem(last=False)
        return found

    def clear(self) -> None:
        self._changes += 1
        self._found.clear()
