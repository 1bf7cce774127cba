"""Applications whose answer is lost at Personio, whose answers have no id: there is one afterwards, and it is known."""

import asyncio
import itertools
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.personio_v1 import APPLICATIONS, DOCUMENTS, JOB, PDF, Json
from testbed.personio_writes import Writing, open_writing
from testbed.vendor import cut, say
from testbed.waiting import within
from unihire.errors import RetryLater, Unanswered, VendorRefused
from unihire.kit.seal import Sealer
from unihire.model.inputs import ApplicationInput, CandidateInput, FileInput
from unihire.platform import context_writes

NUMBERS = itertools.count(1)
LIST = "/v2/recruiting/applications"
OTHER_JOB = "495039"
CREATE, APPLY = "candidate.create", "application.create"


def break_down(_: Any) -> Any:
    return say({"errors": [{"id": "x", "status": "500", "title": "Internal Server Error"}]}, 500)


def say_something(_: Any) -> Any:
    return say(b"<html>Please wait</html>", 201)


LOSSES = pytest.mark.parametrize("how", [cut, break_down, say_something])


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def opened(databases: Databases, sealer: Sealer) -> AsyncIterator[Writing]:
    async with open_writing(databases, sealer) as writing:
        yield writing


@pytest.fixture
def writing(opened: Writing, monkeypatch: pytest.MonkeyPatch) -> Iterator[Writing]:
    monkeypatch.setattr(context_writes, "LOOK_PAUSES", (0.0, 0.02))
    monkeypatch.setattr(context_writes, "ACCEPTED_PAUSES", (0.0, 0.02, 0.02))
    opened.line.calls.clear()
    yield opened
    opened.line.spoils.clear()
    assert not any(opened.line.lost.values())
    assert not any(opened.line.dropped.values())


@pytest.fixture
def email() -> str:
    return f"lost+{next(NUMBERS)}@example.com"


def make_person(email: str, job: str = str(JOB)) -> CandidateInput:
    return CandidateInput(first_name="Ada", last_name="Muster", email_addresses=[email], job=job)


def hide_until(writing: Writing, is_shown: Callable[[], bool]) -> None:
    """v2 shows none of the vendor's applications until then."""

    def spoil(page: Json) -> Json:
        return page if is_shown() else {**page, "_data": []}

    writing.line.spoils[LIST] = spoil


async def check_one(writing: Writing, email: str, made: Any, job: str = str(JOB)) -> None:
    (row,) = [row for row in writing.find_applications(email) if row["job"]["id"] == job]
    assert made.made == {"application": row["id"]}
    assert made.id == (row["candidate"]["id"] if made.row.stream == "candidates" else row["id"])


@LOSSES
@pytest.mark.parametrize("name", [CREATE, APPLY])
async def test_application_whose_answer_is_lost_is_found_and_not_sent_again(
    writing: Writing, email: str, name: str, how: Any
) -> None:
    input: Any = make_person(email)
    if name == APPLY:
        person = await writing.write(CREATE, make_person(email, OTHER_JOB))
        input = ApplicationInput(candidate=person.id, job=str(JOB))
    writing.line.calls.clear()
    writing.line.lose(APPLICATIONS, how)
    await check_one(writing, email, await writing.write(name, input))
    assert writing.sent == 1


@LOSSES
async def test_what_never_reached_the_vendor_is_perhaps_made_and_a_repeat_makes_it(
    writing: Writing, email: str, how: Any
) -> None:
    steps: dict[str, Any] = {}
    writing.line.drop(APPLICATIONS, how)
    with pytest.raises(Unanswered, match="nothing that it made is there yet"):
        await writing.write(CREATE, make_person(email), steps=steps)
    assert writing.find_applications(email) == []
    await check_one(writing, email, await writing.write(CREATE, make_person(email), steps=steps))
    assert writing.sent == 2


async def test_answer_without_an_id_is_waited_for_until_v2_shows_the_application(writing: Writing, email: str) -> None:
    looks = itertools.count()
    hide_until(writing, lambda: next(looks) > 2)
    await check_one(writing, email, await writing.write(CREATE, make_person(email)))
    assert writing.sent == 1


@pytest.mark.parametrize("how", [None, cut])
async def test_what_v2_shows_late_is_found_by_a_repeat_that_sends_nothing(
    writing: Writing, email: str, how: Any
) -> None:
    steps: dict[str, Any] = {}
    hide_until(writing, lambda: False)
    if how is not None:
        writing.line.lose(APPLICATIONS, how)
    with pytest.raises(Unanswered):
        await writing.write(CREATE, make_person(email), steps=steps)
    writing.line.spoils.clear()
    await check_one(writing, email, await writing.write(CREATE, make_person(email), steps=steps))
    assert writing.sent == 1


async def test_repeat_that_is_refused_as_there_already_finds_what_the_first_made(writing: Writing, email: str) -> None:
    steps: dict[str, Any] = {}
    hide_until(writing, lambda: writing.sent == 2)
    writing.line.lose(APPLICATIONS, cut)
    with pytest.raises(Unanswered):
        await writing.write(CREATE, make_person(email), steps=steps)
    await check_one(writing, email, await writing.write(CREATE, make_person(email), steps=steps))
    assert writing.sent == 2


async def test_repeat_that_is_refused_and_still_sees_nothing_stays_unsure(writing: Writing, email: str) -> None:
    steps: dict[str, Any] = {}
    hide_until(writing, lambda: False)
    writing.line.lose(APPLICATIONS, cut)
    with pytest.raises(Unanswered):
        await writing.write(CREATE, make_person(email), steps=steps)
    with pytest.raises(Unanswered, match="says that an earlier try made it, and it is not seen yet"):
        await writing.write(CREATE, make_person(email), steps=steps)
    assert steps["application"].row is None
    writing.line.spoils.clear()
    await check_one(writing, email, await writing.write(CREATE, make_person(email), steps=steps))
    assert writing.sent == 2


async def test_first_try_that_is_refused_as_there_already_made_nothing(writing: Writing, email: str) -> None:
    """It is somebody else's: an earlier application is not taken for this one, also where v2 does not show it yet."""
    await writing.write(CREATE, make_person(email))
    shown = itertools.count()
    hide_until(writing, lambda: next(shown) > 0)
    steps: dict[str, Any] = {}
    with pytest.raises(VendorRefused):
        await writing.write(CREATE, make_person(email), steps=steps)
    assert steps == {}


async def test_repeat_that_is_refused_for_another_reason_made_nothing(writing: Writing, email: str) -> None:
    steps: dict[str, Any] = {}
    writing.line.drop(APPLICATIONS, cut, lambda _: say({"errors": [{"id": "x", "status": "400", "title": "Bad"}]}, 400))
    with pytest.raises(Unanswered):
        await writing.write(CREATE, make_person(email), steps=steps)
    with pytest.raises(VendorRefused):
        await writing.write(CREATE, make_person(email), steps=steps)
    assert steps == {}
    assert writing.find_applications(email) == []


async def test_application_that_shows_something_else_is_not_taken(writing: Writing, email: str) -> None:
    """The vendor may ignore a filter it does not know: rows of other people or jobs speak for nothing."""
    await writing.write(CREATE, make_person(email, OTHER_JOB))
    (other,) = writing.find_applications(email)

    def spoil(page: Json) -> Json:
        changed = [
            {**other, "id": "1", "job": {"id": str(JOB)}, "candidate": {"id": "1", "email": "x@example.com"}},
            {**other, "id": "2"},
            {**other, "id": "3", "job": {"id": str(JOB)}, "created_at": {"date-time": "2020-01-01T00:00:00Z"}},
        ]
        return {**page, "_data": changed if writing.sent == 2 else []}

    writing.line.spoils[LIST] = spoil
    writing.line.drop(APPLICATIONS, cut)
    with pytest.raises(Unanswered):
        await writing.write(CREATE, make_person(email))


async def test_another_write_under_way_does_not_make_one_unsure(writing: Writing, email: str) -> None:
    """Every answer is without an id, so every write looks: it must not wait for those beside it."""
    answered = writing.line.holds[APPLICATIONS] = asyncio.Event()
    writing.line.held.clear()
    first = asyncio.create_task(writing.write(CREATE, make_person(email)))
    await within(writing.line.held.wait())
    second = await writing.write(CREATE, make_person(f"second-{email}"))
    assert not first.done()
    await check_one(writing, f"second-{email}", second)
    answered.set()
    await check_one(writing, email, await first)


async def test_same_application_at_the_same_time_is_made_once(writing: Writing, email: str) -> None:
    tries = [writing.write(CREATE, make_person(email)) for _ in range(3)]
    ended = await asyncio.gather(*tries, return_exceptions=True)
    (made,) = [one for one in ended if not isinstance(one, BaseException)]
    await check_one(writing, email, made)
    assert {type(one) for one in ended if isinstance(one, BaseException)} == {VendorRefused}


async def test_file_whose_upload_is_never_answered_makes_nothing(writing: Writing, email: str) -> None:
    person = make_person(email)
    person.attachments = [FileInput(file_name="cv.pdf", file_content=b64encode(PDF).decode())]
    uploads = writing.count("uploads")
    writing.line.lose(DOCUMENTS, cut, cut)
    with pytest.raises(RetryLater, match="no answer to a part that stands alone"):
        await writing.write(CREATE, person)
    assert writing.sent == 0
    writing.line.lose(DOCUMENTS, cut)
    await check_one(writing, email, await writing.write(CREATE, person))
    assert writing.count("uploads") == uploads + 4
