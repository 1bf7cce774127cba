"""Work that can wait makes way, for a moment, while urgent work of the process is under way."""

import asyncio

import pytest

from unihire.kit import urgency
from unihire.kit.urgency import be_urgent, make_way

MOST_TURNS = 1_000_000


async def count_turns() -> int:
    """How many turns others have while something makes way."""
    turns = 0
    waiting = asyncio.create_task(make_way())
    while not waiting.done() and turns < MOST_TURNS:
        turns += 1
        await asyncio.sleep(0)
    await waiting
    return turns


async def test_nobody_waits_where_nothing_is_urgent() -> None:
    assert await count_turns() <= 2


async def test_others_have_many_turns_until_the_last_urgent_work_has_ended() -> None:
    with be_urgent():
        with be_urgent():
            assert await count_turns() > 20
        assert await count_turns() > 20
    assert await count_turns() <= 2


async def test_urgent_work_that_fails_is_urgent_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urgency, "PAUSE_SECONDS", 60.0)
    with pytest.raises(ZeroDivisionError), be_urgent():
        raise ZeroDivisionError
    await asyncio.wait_for(make_way(), 5)
