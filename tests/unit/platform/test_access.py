"""What is remembered of keys and tokens that were good."""

import pytest

from unihire.platform import access
from unihire.platform.access import _Memory


async def test_the_latest_that_were_found_are_remembered_and_no_more_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "REMEMBERED_MOST", 2)
    looked_up: list[str] = []

    async def find(secret: str) -> tuple[str, None]:
        looked_up.append(secret)
        return secret.upper(), None

    memory: _Memory[str] = _Memory()
    for secret in ("a", "b", "a", "b", "c", "b", "c", "a"):
        assert await memory.get(secret, find) == secret.upper()
    assert looked_up == ["a", "b", "c", "a"]


async def test_what_is_not_found_is_looked_up_again() -> None:
    looked_up: list[str] = []

    async def find(secret: str) -> None:
        looked_up.append(secret)

    memory: _Memory[str] = _Memory()
    assert [await memory.get("a", find), await memory.get("a", find)] == [None, None]
    assert looked_up == ["a", "a"]
