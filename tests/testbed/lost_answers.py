"""Writes whose answer is lost at any of their calls: each thing is there once, and each state is there."""

from collections.abc import Collection
from typing import Any

import pytest

from testbed.writing import WriteCase, Writing, draw_name, find_difference
from unihire.errors import Unanswered, Uncertain
from unihire.outbound.client import VendorClient
from unihire.platform import context_writes


class Losing:
    """Loses the answer of the call that writes of the number `at`; `calls` are the paths of those there were."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at, self.calls, self.reaches_vendor = -1, list[str](), True
        monkeypatch.setattr(context_writes, "LOOK_PAUSES", (0.0, 0.02))
        send = VendorClient.send

        async def lose(client: VendorClient, method: str, path: str, body: bytes | None, **more: Any) -> Any:
            self.calls.append("/" + path.rpartition("/")[2])
            is_lost = len(self.calls) - 1 == self.at
            answer = await send(client, method, path, body, **more) if self.reaches_vendor or not is_lost else None
            if is_lost:
                raise Unanswered(f"{method} {path}: sent, and no answer came back")
            return answer

        monkeypatch.setattr(VendorClient, "send", lose)

    def start(self, at: int, *, reaches_vendor: bool = True) -> None:
        self.at, self.calls, self.reaches_vendor = at, [], reaches_vendor


async def run_write(writing: Writing, case: WriteCase, made: Any, key: str) -> None:
    async with writing.open_writes() as engine:
        await engine.write(writing.request(case.model, case.verb, made[0], target=made[1], key=key))


async def lose_each_answer(writing: Writing, losing: Losing, case: WriteCase, unknown: Collection[str] = ()) -> None:
    """Do a write once for each of its calls, whose answer is lost: it is found again.

    Of `unknown` calls the vendor shows nothing afterwards: such a write is uncertain.
    """
    made = await case.make(writing)
    before = writing.count_rows()
    losing.start(-1)
    await run_write(writing, case, made, draw_name())
    whole, calls = find_difference(before, writing.count_rows()), losing.calls
    for at, name in enumerate(calls):
        losing.start(-1)
        made, key = await case.make(writing), draw_name()
        before = writing.count_rows()
        losing.start(at)
        if name in unknown:
            with pytest.raises(Uncertain):
                await run_write(writing, case, made, key)
            continue
        await run_write(writing, case, made, key)
        assert find_difference(before, writing.count_rows()) == whole, f"lost the answer of {name}"


async def lose_first_call(writing: Writing, losing: Losing, case: WriteCase) -> None:
    """Do a write whose first call does not arrive, and repeat it where that is uncertain: it is made once."""
    made = await case.make(writing)
    before = writing.count_rows()
    losing.start(-1)
    await run_write(writing, case, made, draw_name())
    whole = find_difference(before, writing.count_rows())
    made, key = await case.make(writing), draw_name()
    before = writing.count_rows()
    losing.start(0, reaches_vendor=False)
    try:
        await run_write(writing, case, made, key)
    except Uncertain:
        assert find_difference(before, writing.count_rows()) == {}
        losing.start(-1)
        await run_write(writing, case, made, key)
    assert find_difference(before, writing.count_rows()) == whole
