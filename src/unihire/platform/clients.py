"""Clients of connectors that stay open between calls, so that calls of one connector share its connections."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from unihire.outbound.client import VendorClient
from unihire.store.accounts.tenancy import Connector

IDLE_SECONDS = 300.0


@dataclass(slots=True)
class _Opened:
    client: VendorClient
    credentials_version: int
    budget_of: int
    users: int = 0
    used_at: float = field(default_factory=time.monotonic)


class Clients:
    """Hands out one open client a connector; closes those nobody has used for `IDLE_SECONDS`."""

    def __init__(self, open_client: Callable[[Connector], VendorClient]) -> None:
        self._open_client = open_client
        self._opened: dict[UUID, _Opened] = {}
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def use(self, connector: Connector) -> AsyncIterator[VendorClient]:
        """The connector's client. Give the connector as it is now: a client of earlier credentials is not used again.

        Nor is one that counts its calls in a rate budget that is not the connector's any more.
        """
        outdated = None
        async with self._lock:
            await self._close_idle()
            opened = self._opened.get(connector.id)
            if opened is not None and _is_outdated(opened, connector):
                outdated, opened = self._opened.pop(connector.id), None
            if opened is None:
                client = self._open_client(connector)
                opened = _Opened(client, connector.credentials_version, connector.budget_of)
                await opened.client.__aenter__()
                self._opened[connector.id] = opened
            opened.users += 1
        try:
            if outdated is not None and outdated.users == 0:  # its end may take a while, which others need not wait for
                await outdated.client.__aexit__(None, None, None)
            yield opened.client
        finally:
            opened.users -= 1
            opened.used_at = time.monotonic()
            if opened.users == 0 and self._opened.get(connector.id) is not opened:  # forgotten meanwhile
                await opened.client.__aexit__(None, None, None)

    async def forget(self, connector: UUID) -> None:
        """Take another client from now on: the credentials changed or are refused. The last who uses it closes it."""
        opened = self._opened.pop(connector, None)
        if opened is not None and opened.users == 0:
            await opened.client.__aexit__(None, None, None)

    async def close(self) -> None:
        """Close all, even those in use."""
        while self._opened:
            _, opened = self._opened.popitem()
            with contextlib.suppress(Exception):
                await opened.client.__aexit__(None, None, None)

    async def _close_idle(self) -> None:
        limit = time.monotonic() - IDLE_SECONDS
        for id, opened in list(self._opened.items()):
            if opened.users == 0 and opened.used_at < limit:
                del self._opened[id]
                await opened.client.__aexit__(None, None, None)


def _is_outdated(opened: _Opened, connector: Connector) -> bool:
    if opened.credentials_version != connector.credentials_version:
        return opened.credentials_version < connector.credentials_version
    return opened.budget_of != connector.budget_of
