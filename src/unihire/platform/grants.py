"""Grants that are kept in the store: sealed, and renewed by one process at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID
from weakref import WeakValueDictionary

import msgspec

from unihire.kit.seal import Sealer
from unihire.outbound.auth import Grant, HeldGrant
from unihire.store import Connection, Pool, grants

SAVE_PAUSES = (0.0, 0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each further try to save: a database that is started anew is back by then."""

_turns: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()
"""Those of this process who renew one connector's grant go one after another, so that one at most asks the store."""


class StoredGrants:
    """A GrantKeeper (see outbound/auth.py) for one connector."""

    def __init__(self, pool: Pool, sealer: Sealer, *, connector: UUID, number: int) -> None:
        self._pool = pool
        self._sealer = sealer
        self._connector = connector
        self._number = number

    async def find(self) -> Grant | None:
        return self._open(await grants.find_grant(self._pool, self._number))

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[HeldGrant]:
        turn = _turns.setdefault(self._connector, asyncio.Lock())
        async with turn, grants.lock_grant(self._pool, self._number) as connection:
            grant = self._open(await grants.find_grant(connection, self._number))
            yield _Held(grant, self, connection)

    async def save(self, grant: Grant, connection: Connection) -> None:
        """Keep this one from now on: over another connection, and for some seconds, where that one is lost."""
        sealed = seal_grant(self._sealer, grant, self._connector)
        try:
            return await grants.save_grant(connection, self._number, sealed)
        except grants.LOST as error:
            lost: BaseException = error
        for pause in SAVE_PAUSES:
            await asyncio.sleep(pause)
            try:
                async with self._pool.acquire() as another:
                    return await grants.save_grant(another, self._number, sealed)
            except grants.LOST as error:
                lost = error
        raise lost

    def _open(self, sealed: bytes | None) -> Grant | None:
        if sealed is None:
            return None
        return msgspec.json.decode(self._sealer.open(sealed, _make_context(self._connector)), type=Grant)


@dataclass(frozen=True, slots=True)
class _Held:
    grant: Grant | None
    keeper: StoredGrants
    connection: Connection

    async def save(self, grant: Grant) -> None:
        await self.keeper.save(grant, self.connection)


def seal_grant(sealer: Sealer, grant: Grant, connector: UUID) -> bytes:
    """The grant as the store keeps it; it opens as this connector's grant only."""
    return sealer.seal(msgspec.json.encode(grant), _make_context(connector))


def _make_context(connector: UUID) -> bytes:
    return connector.bytes + b" grant"
