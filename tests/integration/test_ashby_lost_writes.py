"""Writes of Ashby's whose answer is lost at any of their calls: each thing is there once, and each state is there."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from testbed.ashby_writing import ask, list_cases
from testbed.databases import Databases
from testbed.lost_answers import Losing, lose_each_answer, lose_first_call, run_write
from testbed.writing import WriteCase, Writing, create_candidate, draw_name, open_writing
from unihire.errors import Uncertain
from unihire.kit.seal import Sealer

UNKNOWN = ("/offerProcess.start", "/surveySubmission.create")
"""Calls of which the vendor shows nothing afterwards: a repeat makes another."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ashby(databases: Databases, sealer: Sealer) -> AsyncIterator[Writing]:
    async with open_writing(databases, sealer, "ashby") as opened:
        yield opened


@pytest.fixture
def losing(monkeypatch: pytest.MonkeyPatch) -> Losing:
    return Losing(monkeypatch)


@pytest.mark.parametrize("case", list_cases(), ids=lambda case: case.name)
async def test_write_is_there_once_whichever_answer_is_lost(ashby: Writing, losing: Losing, case: WriteCase) -> None:
    await lose_each_answer(ashby, losing, case, UNKNOWN)


@pytest.mark.parametrize("case", list_cases(), ids=lambda case: case.name)
async def test_call_that_never_arrived_is_made_by_a_repeat(ashby: Writing, losing: Losing, case: WriteCase) -> None:
    await lose_first_call(ashby, losing, case)


async def test_email_whose_answer_is_lost_is_never_sent_twice(ashby: Writing, losing: Losing) -> None:
    losing.start(-1)
    person = await create_candidate(ashby)
    body = {
        "candidate": person["id"], "activity_type": "EMAIL", "subject": "Hello", "body": "Hi",
        "integration_params": {"email_from": "a@example.com", "email_to": "b@example.com"},
    }  # fmt: skip
    case, key = WriteCase("activity", "create", lambda _: None), draw_name()  # type: ignore[arg-type, return-value]
    before = ashby.count_rows()["email_messages"]["rows"]
    losing.start(0)
    with pytest.raises(Uncertain):
        await run_write(ashby, case, (body, None), key)
    losing.start(-1)
    with pytest.raises(Uncertain):
        await run_write(ashby, case, (body, None), key)
    assert ashby.count_rows()["email_messages"]["rows"] == before + 1
    assert ask(ashby, "candidate.listNotes", candidateId=person["remote_id"]) == []
