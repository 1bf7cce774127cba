"""Fixtures of the routes."""

from collections.abc import Iterator

import httpx
import pytest

from testbed.harvest import connect_harvest, serve_harvest
from testbed.vendor import ACME
from unihire.integration import registry
from unihire.sandbox.runner import RunningSandbox


@pytest.fixture
def acme(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vendor of the tests is an integration like any other."""
    monkeypatch.setattr(registry, "list_integrations", lambda: (ACME,))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    """A Greenhouse sandbox to write to; modules that want another one have their own of this name."""
    with serve_harvest(size=300, seed=5) as running:
        yield running


@pytest.fixture
def client(sandbox: RunningSandbox) -> Iterator[httpx.Client]:
    """A client of the sandbox, whose rows are as in the beginning."""
    httpx.post(f"{sandbox.ready.control_url}reset").raise_for_status()
    with connect_harvest(sandbox) as connected:
        yield connected
