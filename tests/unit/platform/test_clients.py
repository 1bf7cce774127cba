"""Clients that stay open between calls: closed once, and never under somebody who uses them."""

from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from unihire.platform.clients import Clients
from unihire.store.tenancy import Connector

CONNECTOR = cast(Connector, SimpleNamespace(id=UUID(int=1)))


class Kept:
    """Stands for a client: knows whether it is open."""

    def __init__(self) -> None:
        self.is_open = False

    async def __aenter__(self) -> "Kept":
        self.is_open = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self.is_open = False


async def test_client_that_is_forgotten_in_use_is_closed_by_the_last_who_uses_it() -> None:
    clients = Clients(lambda connector: cast(Any, Kept()))
    async with clients.use(CONNECTOR) as first:
        async with clients.use(CONNECTOR) as same:
            assert same is first
            await clients.forget(CONNECTOR.id)
            async with clients.use(CONNECTOR) as other:
                assert other is not first
        assert cast(Any, first).is_open
    assert not cast(Any, first).is_open
    assert cast(Any, other).is_open
    await clients.close()
    assert not cast(Any, other).is_open
