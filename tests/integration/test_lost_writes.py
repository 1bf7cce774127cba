"""Writes whose answer is lost: only what this very call has made is taken for its, whatever else looks the same."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from testbed.creating import Company, Creating, open_creating
from testbed.databases import Databases
from testbed.harvest import Row
from testbed.passing import let_pass
from testbed.small_company import SMALL
from testbed.vendor import cut, say
from unihire.errors import AddressRefused
from unihire.kit.clock import MovableClock
from unihire.kit.seal import Sealer
from unihire.outbound.client import VendorClient
from unihire.platform import context_writes
from unihire.platform.operations import LONGEST, Outcome
from unihire.store.calls import writes

NUMBERS = itertools.count(1)


def break_down(_: Any) -> Any:
    return say({"message": "Internal Server Error"}, 500)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def creating(databases: Databases, sealer: Sealer) -> AsyncIterator[Creating]:
    async with open_creating(databases, sealer, size=SMALL, seed=5) as opened:
        yield opened


@pytest.fixture(scope="module")
def company(creating: Creating) -> Company:
    return Company(creating)


@pytest.fixture(autouse=True)
def clean(creating: Creating, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context_writes, "LOOK_PAUSES", (0.0, 0.05, 0.1))
    monkeypatch.setattr(context_writes, "ACCEPTED_PAUSES", (0.0, 0.05, 0.1))
    creating.line.calls.clear()
    creating.line.held.clear()


@pytest.fixture
def name() -> str:
    return f"Ex{next(NUMBERS)}"


def check_perhaps_made(outcome: Outcome, step: str) -> None:
    """That it is told as an error which says that it is perhaps made."""
    assert not outcome.is_success, outcome.output
    assert outcome.output["perhaps_made"] == [step]
    assert f"perhaps made: {step}" in outcome.output["message"]


def make_plain(company: Company, name: str, job: int = 0) -> Row:
    return {
        "user_id": company.acting, "first_name": "Kim", "last_name": name,
        "applications": [{"job_id": company.jobs[job]["id"]}],
    }  # fmt: skip


def make_note(company: Company, candidate: int, body: str) -> Row:
    return {"candidate_id": candidate, "user_id": company.acting, "body": body, "visibility": "private"}


# What was never sent


async def test_write_whose_address_is_refused_made_nothing_and_is_not_looked_for(
    creating: Creating, company: Company, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any, **__: Any) -> Any:
        raise AddressRefused("ats.example.com:443 is not connected to")

    given = make_plain(company, name)
    with monkeypatch.context() as patch:
        patch.setattr(VendorClient, "send", refuse)
        with pytest.raises(AddressRefused):
            await creating.call("create_candidate", given, key=name)
    assert await creating.tenant.pool.fetchval("SELECT count(*) FROM operation_write WHERE row_id IS NULL") == 0
    assert (await creating.call("create_candidate", given, key=name)).is_success
    assert [row["last_name"] for row in creating.read("candidates")].count(name) == 1


# What other calls made


@pytest.mark.parametrize("keys", [(None, None), ("one", "two")], ids=["without keys", "under two keys"])
@pytest.mark.parametrize("second_job", [0, 1], ids=["same job", "another job"])
@pytest.mark.parametrize("how", [break_down, cut])
async def test_candidate_of_the_call_before_is_not_taken_for_this_one_s(
    creating: Creating, company: Company, name: str, keys: tuple[Any, Any], second_job: int, how: Any
) -> None:
    first, second = (key and f"{key} {name}" for key in keys)
    made = await creating.call("create_candidate", make_plain(company, name), key=first)
    assert made.is_success
    creating.line.drop("/v3/candidates", how)
    outcome = await creating.call("create_candidate", make_plain(company, name, second_job), key=second)
    check_perhaps_made(outcome, "candidate")
    assert outcome.output["response"].get("statusCode") == (500 if how is break_down else None)
    assert [row["last_name"] for row in creating.read("candidates")].count(name) == 1


Kind = tuple[str, str, str, Callable[[Creating, Company, str], Row]]
"""Operation, step, list and input of something that can be written."""


def write_note(creating: Creating, company: Company, name: str) -> Row:
    return make_note(company, creating.read("candidates")[-1]["id"], name)


def write_application(creating: Creating, company: Company, name: str) -> Row:
    candidate = creating.read("candidates")[-5]["id"]
    return {"user_id": company.acting, "candidate_id": candidate, "job_id": company.jobs[1]["id"]}


def write_person(creating: Creating, company: Company, name: str) -> Row:
    return company.make_person(name)


KINDS: dict[str, Kind] = {
    "note": ("create_candidate_note", "note", "notes", write_note),
    "application": ("create_candidate_application", "application", "applications", write_application),
    "prospect": ("create_prospect", "candidate", "candidates", write_person),
}
ALL = pytest.mark.parametrize("kind", KINDS)


@ALL
async def test_row_that_another_call_made_and_the_list_shows_late_is_not_taken(
    creating: Creating, company: Company, name: str, kind: str
) -> None:
    """The list before the sending does not show it yet; the store knows whose it is."""
    operation, step, stream, write = KINDS[kind]
    given = write(creating, company, name)
    await creating.make(operation, given)
    looks = itertools.count()
    creating.line.spoils[f"/v3/{stream}"] = lambda rows: rows if next(looks) else []
    creating.line.drop(f"/v3/{stream}", break_down)
    try:
        check_perhaps_made(await creating.call(operation, given), step)
    finally:
        creating.line.spoils.clear()


@ALL
async def test_row_that_somebody_else_made_before_is_not_taken(
    creating: Creating, company: Company, name: str, kind: str
) -> None:
    operation, step, stream, write = KINDS[kind]
    given = write(creating, company, name)
    await creating.make(operation, given)
    await creating.tenant.pool.execute("DELETE FROM operation_write")  # as if it was made in the vendor's own pages
    creating.line.drop(f"/v3/{stream}", break_down)
    check_perhaps_made(await creating.call(operation, given), step)


@ALL
async def test_row_that_is_there_before_is_told_from_the_one_that_was_made(
    creating: Creating, company: Company, name: str, kind: str
) -> None:
    operation, _, stream, write = KINDS[kind]
    given = write(creating, company, name)
    first = await creating.make(operation, given)
    creating.line.lose(f"/v3/{stream}", cut)
    second = await creating.make(operation, given)
    assert second["id"] != first["id"]
    assert creating.line.count(f"/v3/{stream}") == 2


# Under a key, at a later time


async def test_repeat_does_not_take_what_was_made_by_hand_meanwhile_in_an_older_candidate(
    creating: Creating, company: Company, name: str
) -> None:
    """What a repeat goes on with is not new any more: others may have written to it."""
    person = company.make_person(
        name, activity_feed_notes=[{"user_id": company.acting, "body": name, "visibility": "private"}]
    )
    creating.line.drop("/v3/notes", lambda _: say({"message": "No"}, 422))
    outcome = await creating.call("create_prospect", person, key=name)
    assert outcome.output["not_made"] == ["note.0"]
    candidate = outcome.output["made"]["candidate"]
    await creating.make("create_candidate_note", make_note(company, candidate, name))
    await creating.tenant.pool.execute("DELETE FROM operation_write")
    creating.line.drop("/v3/notes", break_down)
    outcome = await creating.call("create_prospect", person, key=name)
    check_perhaps_made(outcome, "note.0")
    assert outcome.output["made"] == {"candidate": candidate}
    assert (await creating.make("create_prospect", person, key=name))["id"] == candidate
    assert len(creating.read("notes", candidate_ids=candidate)) == 2


async def test_repeat_of_a_lost_write_does_not_take_what_was_there_before(
    creating: Creating, company: Company, name: str
) -> None:
    note = make_note(company, creating.read("candidates")[-2]["id"], name)
    await creating.make("create_candidate_note", note)
    creating.line.drop("/v3/notes", cut)
    assert not (await creating.call("create_candidate_note", note, key=name)).is_success
    await creating.make("create_candidate_note", note, key=name)
    assert len([row for row in creating.read("notes", candidate_ids=note["candidate_id"]) if row["body"] == name]) == 2


# At the same moment


@ALL
async def test_row_of_a_call_under_way_is_not_taken_by_an_equal_one(
    creating: Creating, company: Company, name: str, kind: str
) -> None:
    """Made, and its answer on its way: another call, of which nothing was made, must not say that it made it."""
    operation, step, stream, write = KINDS[kind]
    given = write(creating, company, name)
    release = creating.line.holds[f"/v3/{stream}"] = asyncio.Event()
    first = asyncio.create_task(creating.call(operation, given))
    await asyncio.wait_for(creating.line.held.wait(), 10)
    creating.line.spoils[f"/v3/{stream}"] = iter_late()
    creating.line.drop(f"/v3/{stream}", break_down)
    try:
        outcome = await creating.call(operation, given)
        check_perhaps_made(outcome, step)
        assert "that of another call under way" in outcome.output["message"]
    finally:
        release.set()
        creating.line.spoils.clear()
    assert (await first).is_success


def iter_late() -> Callable[[Any], Any]:
    """A list that shows nothing the first time."""
    looks = itertools.count()
    return lambda rows: rows if next(looks) else []


@ALL
async def test_of_two_equal_calls_that_lost_their_answers_one_takes_what_one_has_made(
    creating: Creating, company: Company, name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context_writes, "LOOK_PAUSES", (0.0, 0.1, 2.0))
    operation, step, stream, write = KINDS[kind]
    given = write(creating, company, name)
    before = {row["id"] for row in creating.read(stream)}
    creating.line.lose(f"/v3/{stream}", cut)
    creating.line.drop(f"/v3/{stream}", break_down)
    outcomes = await asyncio.gather(*(creating.call(operation, given) for _ in range(2)))
    (good,) = [outcome for outcome in outcomes if outcome.is_success]
    (bad,) = [outcome for outcome in outcomes if not outcome.is_success]
    check_perhaps_made(bad, step)
    assert [row["id"] for row in creating.read(stream) if row["id"] not in before] == [good.output["id"]]


async def test_row_of_another_call_leaves_no_doubt_while_a_third_is_under_way(
    creating: Creating, company: Company, name: str
) -> None:
    note = make_note(company, creating.read("candidates")[-9]["id"], name)
    await creating.make("create_candidate_note", note)
    number = creating.tenant.connector.number
    await creating.tenant.pool.execute(writes.OPEN_WRITE, number, "00000000-0000-0000-0000-000000000002", "notes")
    creating.line.spoils["/v3/notes"] = iter_late()
    creating.line.drop("/v3/notes", break_down)
    try:
        outcome = await creating.call("create_candidate_note", note, key=name)
    finally:
        creating.line.spoils.clear()
    check_perhaps_made(outcome, "note")
    assert "nothing that it made is there yet" in outcome.output["message"]
    await creating.make("create_candidate_note", note, key=name)


async def test_write_of_a_process_that_died_holds_nobody_off_for_long(
    creating: Creating, company: Company, name: str
) -> None:
    note = make_note(company, creating.read("candidates")[-3]["id"], name)
    pool, number = creating.tenant.pool, creating.tenant.connector.number
    await pool.execute(writes.OPEN_WRITE, number, "00000000-0000-0000-0000-000000000001", "notes")
    creating.line.lose("/v3/notes", cut)
    assert not (await creating.call("create_candidate_note", note, key=name)).is_success
    await let_pass(pool, LONGEST + timedelta(seconds=11))
    await creating.make("create_candidate_note", note, key=name)
    assert creating.line.count("/v3/notes") == 1


# Answers without a row


async def test_refusal_in_a_2xx_answer_is_told_at_once_in_the_vendor_s_words(
    creating: Creating, company: Company, name: str
) -> None:
    said = {"errors": [{"message": "Not found"}]}
    candidate = creating.read("candidates")[-4]["id"]
    for operation, stream, given in (
        ("create_candidate_note", "notes", make_note(company, candidate, name)),
        ("create_candidate", "candidates", make_plain(company, name)),
    ):
        creating.line.drop(f"/v3/{stream}", lambda _: say(said, 201))
        started_at = time.monotonic()
        outcome = await creating.call(operation, given, key=f"{operation} {name}")
        assert time.monotonic() - started_at < 5
        assert not outcome.is_success
        assert outcome.output["response"] == {"statusCode": 201, "body": said}
        assert "perhaps_made" not in outcome.output
        assert (await creating.call(operation, given, key=f"{operation} {name}")).is_success, "it was not made"


@pytest.mark.parametrize(
    ("status", "body"), [(201, b"{}"), (201, b"[]"), (200, b"null"), (204, b""), (201, b'"ok"'), (201, b'{"id": null}'),
                         (201, b'{"id": {"a": 1}}'), (201, b'{"id": "\\u0000"}'), (201, b"\xff")],
)  # fmt: skip
async def test_answer_without_a_row_is_looked_for_and_then_told_as_perhaps_made(
    creating: Creating, company: Company, name: str, status: int, body: bytes
) -> None:
    note = make_note(company, creating.read("candidates")[-6]["id"], name)
    creating.line.lose("/v3/notes", lambda _: say(body, status))
    made = await creating.make("create_candidate_note", note)
    creating.line.drop("/v3/notes", lambda _: say(body, status))
    outcome = await creating.call("create_candidate_note", note)
    check_perhaps_made(outcome, "note")
    assert made["id"] in [row["id"] for row in creating.read("notes", candidate_ids=note["candidate_id"])]


# What can be looked at


async def test_write_that_may_not_be_looked_for_is_made_and_when_lost_told(
    databases: Databases, sealer: Sealer
) -> None:
    options = {"without_scopes": "notes:list"}
    async with open_creating(databases, sealer, size=SMALL, options=options) as creating:
        company = Company(creating)
        note = make_note(company, creating.read("candidates")[0]["id"], "Hidden.")
        assert (await creating.call("create_candidate_note", note)).output["body"] == "Hidden."
        creating.line.lose("/v3/notes", cut)
        outcome = await creating.call("create_candidate_note", note)
        check_perhaps_made(outcome, "note")
        assert "may not list notes" in outcome.output["message"]


@pytest.mark.parametrize(
    "shift", [timedelta(days=30), timedelta(days=-30), timedelta(minutes=-5), timedelta(minutes=5)]
)
async def test_our_clock_does_not_matter(creating: Creating, company: Company, name: str, shift: timedelta) -> None:
    """Where it is wrong for both: what was made is found, what was there before is not taken."""
    note = make_note(company, creating.read("candidates")[-7]["id"], name)
    await creating.clients.forget(creating.tenant.connector.id)
    async with creating.clients.use(creating.tenant.connector) as client:
        client.clock = MovableClock(shift)
        creating.line.lose("/v3/notes", cut)
        first = await creating.make("create_candidate_note", note)
        creating.line.drop("/v3/notes", cut)
        check_perhaps_made(await creating.call("create_candidate_note", note), "note")
        creating.line.lose("/v3/notes", cut)
        assert (await creating.make("create_candidate_note", note))["id"] != first["id"]
    await creating.clients.forget(creating.tenant.connector.id)


async def test_what_was_made_is_told_though_the_store_cannot_note_it(
    creating: Creating, company: Company, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> bool:
        raise asyncpg.ConnectionDoesNotExistError("gone")

    monkeypatch.setattr(writes, "set_row", fail)
    note = make_note(company, creating.read("candidates")[-8]["id"], name)
    made = await creating.make("create_candidate_note", note)
    assert made["id"] in [row["id"] for row in creating.read("notes", candidate_ids=note["candidate_id"])]


async def test_every_write_is_noted_with_its_row(creating: Creating, company: Company, name: str) -> None:
    pool = creating.tenant.pool
    await pool.execute("DELETE FROM operation_write")
    made = await creating.make("create_candidate", company.make_full_candidate(name))
    noted = await pool.fetch("SELECT stream, row_id, is_open FROM operation_write ORDER BY stream, row_id")
    assert not any(row["is_open"] for row in noted)
    assert ("candidates", str(made["id"])) in {(row["stream"], row["row_id"]) for row in noted}
    lists = ("applications", "attachments", "notes", "candidate_educations", "candidate_employments")
    there = {(path, str(row["id"])) for path in lists for row in creating.read(path, candidate_ids=made["id"])}
    first = ("applications", str(min(made["application_ids"])))  # it came with the candidate
    assert {(row["stream"], row["row_id"]) for row in noted} == {*there, ("candidates", str(made["id"]))} - {first}
