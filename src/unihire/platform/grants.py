"""Grants in PostgreSQL: encrypted, and renewed by one process at a time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID
from weakref import WeakValueDictionary

import msgspec

from unihire.errors import CredentialsReplaced, NoToken
from unihire.kit.seal import Sealer
from unihire.outbound.auth import Grant, LockedGrant
from unihire.platform.sealing import make_grant_context
from unihire.store import Connection, Pool, connections
from unihire.store.accounts import grants

REFUSALS, REFUSED_FOR = 3, timedelta(minutes=5)
"""A vendor's refusal of the credentials is acted on when it has refused them this often, with nothing accepted in
between, and the first time was so long ago: what one refusal says may be an accident at the vendor's."""

SAVE_PAUSES = (0.0, 0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each further try to save: a restarted database answers again by then."""

_turns: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()
"""Those of this process who renew one connector's grant go one after another, so that one at most asks the store."""


class StoredGrants:
    """A GrantStore (see outbound/auth.py) for one connector, as long as its credentials are of this version."""

    def __init__(self, pool: Pool, sealer: Sealer, *, connector: UUID, number: int, version: int) -> None:
        self._pool = pool
        self._sealer = sealer
        self._connector = connector
        self._number = number
        self._version = version
        self._was_refused = False

    async def find(self) -> Grant | None:
        return self._open(await grants.find_grant(self._pool, self._number, self._version))

    @asynccontextmanager
    async def lock(self) -> AsyncIterator[LockedGrant]:
        turn = _turns.setdefault(self._connector, asyncio.Lock())
        async with turn, grants.lock_grant(self._pool, self._number) as connection:
            grant = self._open(await grants.find_grant(connection, self._number, self._version))
            yield _LockedGrant(grant, self, connection)

    async def save(self, grant: Grant, connection: Connection) -> None:
        """Store this grant: over another connection, and for some seconds, where that one is lost."""
        sealed = seal_grant(self._sealer, grant, self._connector)
        try:
            return await self._save(connection, sealed, grant.scopes)
        except connections.LOST as error:
            lost: BaseException = error
        for pause in SAVE_PAUSES:
            await asyncio.sleep(pause)
            try:
                async with self._pool.acquire() as another:
                    return await self._save(another, sealed, grant.scopes)
            except connections.LOST as error:
                lost = error
        raise lost

    async def confirm(self) -> None:
        try:
            is_current = await grants.is_current(self._pool, self._number, self._version)
        except connections.LOST as error:
            raise NoToken("the database, which stores the credentials, does not answer") from error
        if not is_current:
            raise CredentialsReplaced

    async def note_refusal(self) -> bool:
        noted = await grants.note_refusal(self._pool, self._number, self._version)
        if noted is None:
            raise CredentialsReplaced
        self._was_refused = True
        return noted.times >= REFUSALS and noted.lasting >= REFUSED_FOR

    async def note_acceptance(self) -> None:
        if self._was_refused:
            await self._pool.execute(grants.FORGET_REFUSALS, self._number, self._version)
            self._was_refused = False

    async def _save(self, connection: Connection, sealed: bytes, scopes: Sequence[str] | None) -> None:
        if not await grants.save_grant(connection, self._number, self._version, sealed, scopes):
            raise CredentialsReplaced

    def _open(self, stored: grants.StoredGrant | None) -> Grant | None:
        if stored is None:
            raise CredentialsReplaced
        self._was_refused = stored.was_refused
        if stored.sealed is None:
            return None
        return msgspec.json.decode(self._sealer.open(stored.sealed, make_grant_context(self._connector)), type=Grant)


@dataclass(frozen=True, slots=True)
class _LockedGrant:
    grant: Grant | None
    store: StoredGrants
    connection: Connection

    async def save(self, grant: Grant) -> None:
        await self.store.save(grant, self.connection)


def seal_grant(sealer: Sealer, grant: Grant, connector: UUID) -> bytes:
    """The grant as it is stored; it can be decrypted as this connector's grant only."""
    return sealer.seal(msgspec.json.encode(grant), make_grant_context(connector))
