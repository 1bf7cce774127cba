"""Fixtures of the routes."""

import pytest

from testbed.vendor import ACME
from unihire.integration import registry


@pytest.fixture
def acme(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vendor of the tests is an integration like any other."""
    monkeypatch.setattr(registry, "list_integrations", lambda: (ACME,))
