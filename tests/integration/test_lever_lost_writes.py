"""Writes of Lever's whose answer is lost at any of their calls: each thing is there once, and each state is there."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.effort import pick
from testbed.lever_writing import list_cases, open_lever_writing
from testbed.lost_answers import Losing, lose_each_answer, lose_first_call
from testbed.writing import WriteCase, Writing
from unihire.kit.seal import Sealer


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lever(databases: Databases, sealer: Sealer) -> AsyncIterator[Writing]:
    async with open_lever_writing(databases, sealer) as opened:
        yield opened


@pytest.fixture
def losing(monkeypatch: pytest.MonkeyPatch) -> Losing:
    return Losing(monkeypatch)


@pytest.mark.parametrize("case", list_cases(), ids=lambda case: case.name)
async def test_write_is_there_once_whichever_answer_is_lost(lever: Writing, losing: Losing, case: WriteCase) -> None:
    await lose_each_answer(lever, losing, case)


@pytest.mark.parametrize("case", pick(list_cases(), 9), ids=lambda case: case.name)
async def test_call_that_never_arrived_is_made_by_a_repeat(lever: Writing, losing: Losing, case: WriteCase) -> None:
    await lose_first_call(lever, losing, case)
