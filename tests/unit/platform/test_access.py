"""What is remembered of keys and tokens that were good, and how long news of them is listened for."""

import asyncio
from typing import Any, cast

import asyncpg
import pytest

from testbed.waiting import until
from unihire.platform import access
from unihire.platform.access import Access, _Memory


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


LOSSES = (
    OSError(),
    asyncpg.InterfaceError("over"),
    asyncpg.AdminShutdownError("bye"),
    asyncpg.InternalClientError("busy"),
)


@pytest.mark.parametrize("loss", LOSSES, ids=[type(loss).__name__ for loss in LOSSES])
async def test_however_a_connection_is_lost_news_is_listened_for_again(loss: Exception) -> None:
    asked = 0

    class Pool:
        def acquire(self) -> Any:
            nonlocal asked
            asked += 1
            raise loss

    async def is_asked_again() -> bool:
        return asked > 1

    listening = asyncio.create_task(Access(cast(Any, Pool())).listen())
    try:
        await until(is_asked_again)
        assert not listening.done()
    finally:
        listening.cancel()
        await asyncio.wait([listening])
