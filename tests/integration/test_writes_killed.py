"""A process that is killed at any step of a write, and the same asked again under its key: done once at the vendor."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from testbed import ashby_writing, harvest_writing, lever_writing, personio_writing, workable_writing
from testbed.databases import Databases
from testbed.writing import WriteCase, Writing, draw_name, open_writing
from unihire.kit.seal import Sealer
from unihire.outbound.client import VendorClient
from unihire.platform import context_writes
from unihire.platform.writing import unified_writes
from unihire.store.calls import requested_writes as store
from unihire.store.calls import writes

EVERY = int(os.environ.get("WRITE_KILLS_EVERY", "8"))
"""One kill in so many of those there are; 1: at every step."""


HARMLESS = ("uploads", "offer_processes", "survey_submissions")
"""What a repeat makes again: files that nothing refers to, and what a vendor never shows."""

COUNTED = ("rows", "created", "deleted")


class Killed(BaseException):
    """The end of a process: nothing that it would do after it is done."""


class Killer:
    """Ends the process at the step with the number `at`: before it is done, or, every other time, after it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at, self.passed, self.is_dead = -1, 0, False
        for owner, name in (
            (VendorClient, "send"),
            (store, "begin_write"),
            (store, "save_write_steps"),
            (store, "open_step"),
            (store, "note_step_row"),
            (store, "end_write"),
            (store, "release_write"),
            (writes, "close_write"),
            (writes, "set_row"),
            (unified_writes, "read_back"),
        ):
            monkeypatch.setattr(owner, name, self._wrap(getattr(owner, name)))

    def start(self, at: int) -> None:
        self.at, self.passed, self.is_dead = at, 0, False

    def _wrap(self, work: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def step(*args: Any, **more: Any) -> Any:
            self._pass()
            result = await work(*args, **more)
            self._pass()
            return result

        return step

    def _pass(self) -> None:
        if self.is_dead or self.passed == self.at:
            self.is_dead = True
            raise Killed
        self.passed += 1


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def personio(databases: Databases, sealer: Sealer) -> AsyncIterator[Writing]:
    async with open_writing(databases, sealer, "personio") as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ashby(databases: Databases, sealer: Sealer) -> AsyncIterator[Writing]:
    async with open_writing(databases, sealer, "ashby") as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def workable(databases: Databases, sealer: Sealer) -> AsyncIterator[Writing]:
    async with open_writing(databases, sealer, "workable") as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lever(databases: Databases, sealer: Sealer) -> AsyncIterator[Writing]:
    async with lever_writing.open_lever_writing(databases, sealer) as opened:
        yield opened


@pytest.fixture
def killer(monkeypatch: pytest.MonkeyPatch) -> Killer:
    monkeypatch.setattr(context_writes, "LOOK_PAUSES", (0.0,))
    monkeypatch.setattr(context_writes, "ACCEPTED_PAUSES", (0.0, 0.05))
    return Killer(monkeypatch)


def find_difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """By how much the vendor has more rows of each kind."""
    names = [name for name in after if name not in HARMLESS]
    counted = {name: {kind: after[name][kind] - before[name][kind] for kind in COUNTED} for name in names}
    return {name: more for name, more in counted.items() if any(more.values())}


async def run(writing: Writing, case: WriteCase, made: tuple[Any, str | None], key: str) -> bytes:
    data, target = made
    async with writing.open_writes() as engine:
        request = writing.request(case.model, case.verb, data, target=target, key=key, within=case.within)
        return (await engine.write(request)).body


@pytest.mark.parametrize("case", harvest_writing.list_cases(), ids=lambda case: case.name)
async def test_write_is_done_once_wherever_its_process_is_killed(
    writing: Writing, killer: Killer, case: WriteCase
) -> None:
    await kill_at_steps(writing, killer, case)


@pytest.mark.parametrize("case", personio_writing.list_cases(), ids=lambda case: case.name)
async def test_write_of_a_vendor_that_gives_no_id_back_is_done_once(
    personio: Writing, killer: Killer, case: WriteCase
) -> None:
    await kill_at_steps(personio, killer, case)


@pytest.mark.parametrize("case", ashby_writing.list_cases(), ids=lambda case: case.name)
async def test_write_of_a_vendor_that_takes_each_part_by_itself_is_done_once(
    ashby: Writing, killer: Killer, case: WriteCase
) -> None:
    await kill_at_steps(ashby, killer, case)


@pytest.mark.parametrize("case", workable_writing.list_cases(), ids=lambda case: case.name)
async def test_write_of_a_vendor_that_answers_with_nothing_is_done_once(
    workable: Writing, killer: Killer, case: WriteCase
) -> None:
    await kill_at_steps(workable, killer, case)


@pytest.mark.parametrize("case", lever_writing.list_cases(), ids=lambda case: case.name)
async def test_write_of_a_vendor_whose_parts_are_lists_of_their_own_is_done_once(
    lever: Writing, killer: Killer, case: WriteCase
) -> None:
    await kill_at_steps(lever, killer, case)


async def kill_at_steps(writing: Writing, killer: Killer, case: WriteCase) -> None:
    made = await case.make(writing)
    before = writing.count_rows()
    killer.start(-1)
    await run(writing, case, made, draw_name())
    whole, steps = find_difference(before, writing.count_rows()), killer.passed
    assert steps > 8
    for at in range(hash_case(case) % EVERY, steps, EVERY):
        killer.start(-1)
        made, key = await case.make(writing), draw_name()
        before = writing.count_rows()
        killer.start(at)
        with pytest.raises(Killed):
            await run(writing, case, made, key)
        await writing.forget_claims()
        killer.start(-1)
        await run(writing, case, made, key)
        assert find_difference(before, writing.count_rows()) == whole, f"killed at step {at} of {steps}"


def hash_case(case: WriteCase) -> int:
    return sum(case.name.encode())
