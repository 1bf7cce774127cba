"""Clients that stay open between calls: closed once, and never under somebody who uses them."""

from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest

from unihire.platform.clients import Clients
from unihire.store.accounts.tenancy import Connector

CONNECTOR = cast(Connector, SimpleNamespace(id=UUID(int=1), credentials_version=1, budget_of=1))
OTHER = cast(Connector, SimpleNamespace(id=UUID(int=2), credentials_version=1, budget_of=2))


def version_of(version: int, *, budget_of: int = 1) -> Connector:
    """The connector with those credentials."""
    return cast(Connector, SimpleNamespace(id=UUID(int=1), credentials_version=version, budget_of=budget_of))


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


async def test_client_of_earlier_credentials_is_used_to_its_end_and_not_again() -> None:
    clients = Clients(lambda connector: cast(Any, Kept()))
    async with clients.use(version_of(1)) as old:
        async with clients.use(version_of(2)) as new:
            assert new is not old
            async with clients.use(version_of(1)) as late:  # who read the connector before it got the new ones
                assert late is new
        assert cast(Any, old).is_open
    assert not cast(Any, old).is_open
    async with clients.use(version_of(3)):
        assert not cast(Any, new).is_open  # nobody used it
    await clients.close()


async def test_client_of_a_rate_budget_that_is_not_the_connector_s_any_more_is_not_used_again() -> None:
    clients = Clients(lambda connector: cast(Any, Kept()))
    async with clients.use(version_of(1, budget_of=7)) as old:
        pass
    async with clients.use(version_of(1, budget_of=9)) as new:
        assert new is not old
    await clients.close()


async def test_client_that_nobody_uses_is_closed_when_it_is_forgotten_and_forgetting_twice_is_no_error() -> None:
    clients = Clients(lambda connector: cast(Any, Kept()))
    async with clients.use(CONNECTOR) as idle:
        pass
    assert cast(Any, idle).is_open
    for _ in range(2):
        await clients.forget(CONNECTOR.id)
        assert not cast(Any, idle).is_open
    async with clients.use(CONNECTOR) as other:
        assert other is not idle
    await clients.close()


async def test_client_that_nobody_used_for_long_is_closed_and_one_in_use_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("unihire.platform.clients.IDLE_SECONDS", -1.0)  # whatever is not used was unused for as long
    clients = Clients(lambda connector: cast(Any, Kept()))
    async with clients.use(CONNECTOR) as idle, clients.use(OTHER):
        assert cast(Any, idle).is_open
    async with clients.use(OTHER) as used:
        assert not cast(Any, idle).is_open
        async with clients.use(CONNECTOR) as anew:
            assert anew is not idle
            assert cast(Any, used).is_open
    await clients.close()
