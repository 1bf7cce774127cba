"""Calling operations that write: once under a key, whatever is lost, refused or killed on the way."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from testbed.creating import Company, Creating, open_creating
from testbed.databases import Databases
from testbed.effort import pick
from testbed.losing import never
from testbed.passing import let_pass
from testbed.small_company import SMALL
from testbed.vendor import Answerer, cut, say
from unihire.dialects.tray.connectors import REPLAYED
from unihire.errors import Conflict
from unihire.kit.seal import Sealer
from unihire.platform import context_writes
from unihire.platform.inputs import BadInput
from unihire.platform.operations import LONGEST
from unihire.store.calls import operations as stored
from unihire.store.calls.operations import WriteStep

NUMBERS = itertools.count(1)
LOST: Mapping[str, Answerer] = {
    "cut off": cut,
    "an error after it was done": lambda _: say({"message": "Internal Server Error"}, 500),
    "no JSON": lambda _: say(b"<html>", 201),
    "never": never,
    "accepted, to be done soon": lambda _: say({"message": "The candidate is being created"}, 201),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def creating(databases: Databases, sealer: Sealer) -> AsyncIterator[Creating]:
    async with open_creating(databases, sealer, size=SMALL, seed=3) as opened:
        yield opened


@pytest.fixture(scope="module")
def company(creating: Creating) -> Company:
    return Company(creating)


@pytest.fixture(autouse=True)
def forget_calls(creating: Creating) -> None:
    creating.line.calls.clear()


@pytest.fixture(autouse=True)
def brief_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context_writes, "LOOK_PAUSES", (0.0, 0.05))
    monkeypatch.setattr(context_writes, "ACCEPTED_PAUSES", (0.0, 0.05))


@pytest.fixture
def key() -> str:
    return f"key {next(NUMBERS)}"


@pytest.fixture
def name() -> str:
    return f"Name{next(NUMBERS)}"


def count_people(creating: Creating, name: str) -> int:
    return sum(row["last_name"] == name for row in creating.read("candidates"))


# Under a key


async def test_repeat_under_a_key_gives_the_first_answer_and_writes_nothing(
    creating: Creating, company: Company, key: str, name: str
) -> None:
    person = company.make_full_candidate(name)
    first = await creating.post("create_candidate", person, idempotency_key=key)
    assert REPLAYED not in first.headers
    await creating.make("create_candidate_note", {
        "candidate_id": first.json()["output"]["id"], "user_id": company.acting, "body": "x", "visibility": "public",
    })  # fmt: skip
    creating.line.calls.clear()
    for header in ("idempotency_key", "x_idempotency_key"):
        repeat = await creating.post("create_candidate", person, **{header: key})
        assert repeat.headers[REPLAYED] == "true"
        assert repeat.json() == first.json()
    inside = await creating.post("create_candidate", {**person, "idempotency_key": key})
    assert inside.json() == first.json()
    assert creating.line.calls == []
    assert count_people(creating, name) == 1


async def test_without_a_key_a_repeat_is_another_call(creating: Creating, company: Company, name: str) -> None:
    for _ in range(2):
        await creating.make("create_prospect", company.make_person(name))
    assert count_people(creating, name) == 2


async def test_key_of_another_call_is_a_conflict(creating: Creating, company: Company, key: str, name: str) -> None:
    person = company.make_person(name)
    await creating.make("create_prospect", person, key=key)
    creating.line.calls.clear()
    other = await creating.post("create_prospect", {**person, "title": "Other"}, idempotency_key=key)
    assert (other.status_code, "another call" in other.json()["message"]) == (409, True)
    note = {"candidate_id": 1, "user_id": company.acting, "body": "x", "visibility": "public"}
    with pytest.raises(Conflict, match="another call"):
        await creating.call("create_candidate_note", note, key=key)
    assert creating.line.calls == []
    again = await creating.post("create_prospect", person, idempotency_key=key)
    assert again.headers[REPLAYED] == "true"


async def test_key_that_is_too_long_is_refused(creating: Creating, company: Company, name: str) -> None:
    with pytest.raises(Conflict, match="255 characters"):
        await creating.call("create_prospect", company.make_person(name), key="k" * 256)
    assert creating.line.calls == []


async def test_of_two_calls_at_the_same_moment_one_is_a_conflict(
    creating: Creating, company: Company, key: str, name: str
) -> None:
    person = company.make_person(name)
    gate = creating.line.gates["/v3/candidates"] = asyncio.Event()
    creating.line.arrived.clear()
    try:
        first = asyncio.create_task(creating.post("create_prospect", person, idempotency_key=key))
        await asyncio.wait_for(creating.line.arrived.wait(), 10)
        second = await creating.post("create_prospect", person, idempotency_key=key)
        assert (second.status_code, "being worked on" in second.json()["message"]) == (409, True)
    finally:
        gate.set()
        del creating.line.gates["/v3/candidates"]
    assert (await first).json()["outcome"] == "success"
    assert creating.line.count("/v3/candidates") == 1
    assert (await creating.post("create_prospect", person, idempotency_key=key)).headers[REPLAYED] == "true"


async def test_many_calls_at_once_write_once(creating: Creating, company: Company, key: str, name: str) -> None:
    calls = (creating.post("create_prospect", company.make_person(name), idempotency_key=key) for _ in range(12))
    answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({answer.text for answer in answers if answer.status_code == 200}) == 1
    assert count_people(creating, name) == 1


async def test_claim_made_under_a_wrong_clock_holds_nobody_off(
    creating: Creating, company: Company, key: str, name: str
) -> None:
    """Claims end by the database's clock, and one that ends later than any made now is none."""
    person = company.make_person(name)
    creating.line.drop("/v3/candidates", lambda _: say({"message": "No"}, 422))
    assert not (await creating.call("create_prospect", person, key=key)).is_success
    claim = "UPDATE operation_call SET claimed_until = now() + $2::interval WHERE key = $1"
    pool = creating.tenant.pool
    await pool.execute(claim, key, timedelta(seconds=60))
    with pytest.raises(Conflict, match="being worked on"):
        await creating.call("create_prospect", person, key=key)
    for wrong in (timedelta(days=30), timedelta(seconds=-1)):
        await pool.execute(claim, key, wrong)
        creating.line.drop("/v3/candidates", lambda _: say({"message": "No"}, 422))
        assert not (await creating.call("create_prospect", person, key=key)).is_success
    await pool.execute(claim, key, timedelta(days=30))
    await creating.make("create_prospect", person, key=key)
    assert count_people(creating, name) == 1


async def test_refusal_is_not_remembered(creating: Creating, company: Company, key: str, name: str) -> None:
    creating.line.drop("/v3/candidates", lambda _: say({"message": "Unprocessable Content", "errors": ["No."]}, 422))
    person = company.make_person(name)
    outcome = await creating.call("create_prospect", person, key=key)
    assert outcome.output["response"] == {
        "statusCode": 422, "body": {"message": "Unprocessable Content", "errors": ["No."]},
    }  # fmt: skip
    await creating.make("create_prospect", person, key=key)
    assert count_people(creating, name) == 1


# Lost answers


@pytest.mark.parametrize("with_key", [False, True], ids=["without a key", "under a key"])
@pytest.mark.parametrize("how", LOST)
async def test_lost_answer_of_any_write_is_resolved_by_looking(
    creating: Creating, company: Company, key: str, name: str, how: str, with_key: bool
) -> None:
    person = company.make_full_candidate(name)
    lists = ("candidates", "applications", "attachments", "notes", "candidate_educations", "candidate_employments")
    for path in ("candidates", "notes") if how == "never" else lists:
        # Where several are made of a kind, the answers of two are lost: one must be told from the other.
        creating.line.lose(f"/v3/{path}", *[LOST[how]] * (2 if path in ("attachments", "notes") else 1))
    made = await creating.make("create_candidate", person, key=key if with_key else None)
    assert not any(creating.line.lost.values())
    assert {path: creating.line.count(f"/v3/{path}") for path in lists} == {
        "candidates": 1, "applications": 1, "attachments": 3, "notes": 3, "candidate_educations": 1,
        "candidate_employments": 1,
    }  # fmt: skip
    rows = {path: creating.read(path, candidate_ids=made["id"]) for path in lists if path != "candidates"}
    assert {path: len(held) for path, held in rows.items()} == {
        "applications": 2, "attachments": 3, "notes": 3, "candidate_educations": 1, "candidate_employments": 1,
    }  # fmt: skip
    assert sorted(made["application_ids"]) == sorted(row["id"] for row in rows["applications"])
    first, second = sorted(made["application_ids"])
    assert [row["application_id"] for row in reversed(rows["attachments"])] == [first, first, second]
    assert count_people(creating, name) == 1


async def test_lost_answer_of_a_note_and_an_application_make_one_of_each(creating: Creating, company: Company) -> None:
    candidate = creating.read("candidates")[-1]["id"]
    note = {"candidate_id": candidate, "user_id": company.acting, "body": "Once.", "visibility": "private"}
    application = {"candidate_id": candidate, "job_id": company.jobs[0]["id"], "user_id": company.acting}
    before = len(creating.read("applications", candidate_ids=candidate))
    for number in (1, 2):  # the second is another one, though it looks like the first
        creating.line.lose("/v3/notes", cut)
        await creating.make("create_candidate_note", note)
        assert creating.line.count("/v3/notes") == number
    creating.line.lose("/v3/applications", cut)
    made = await creating.make("create_candidate_application", application)
    assert creating.line.count("/v3/applications") == 1
    after = creating.read("applications", candidate_ids=candidate)
    assert (len(after), after[0]["id"]) == (before + 1, made["id"])


async def test_write_that_nobody_knows_of_is_told_and_tried_again_under_its_key(
    creating: Creating, company: Company, key: str, name: str
) -> None:
    person = company.make_person(
        name, activity_feed_notes=[{"user_id": company.acting, "body": "Hi.", "visibility": "public"}]
    )
    creating.line.drop("/v3/notes", cut)
    outcome = await creating.call("create_prospect", person, key=key)
    assert not outcome.is_success
    (made,) = [row["id"] for row in creating.read("candidates") if row["last_name"] == name]
    assert (outcome.output["code"], outcome.output["response"]) == ("api_timeout", {})
    assert (outcome.output["made"], outcome.output["perhaps_made"]) == ({"candidate": made}, ["note.0"])
    assert f"made: candidate {made}; perhaps made: note.0" in outcome.output["message"]
    again = await creating.make("create_prospect", person, key=key)
    assert again["id"] == made
    assert creating.line.count("/v3/candidates") == 1
    assert len(creating.read("notes", candidate_ids=made)) == 1


async def test_write_that_shows_late_is_found_by_the_repeat(creating: Creating, company: Company, key: str) -> None:
    candidate = creating.read("candidates")[-2]["id"]
    note = {"candidate_id": candidate, "user_id": company.acting, "body": "Late.", "visibility": "private"}
    creating.line.drop("/v3/notes", never)
    assert not (await creating.call("create_candidate_note", note, key=key)).is_success
    row = {"candidate_id": candidate, "body": "Late.", "type": "NOTE", "visibility": "privately_visible",
           "user_id": company.acting}  # fmt: skip
    async with httpx.AsyncClient(base_url=creating.sandbox.ready.control_url) as control:
        late = (await control.post("rows/notes", json=row)).raise_for_status().json()["id"]
    assert (await creating.make("create_candidate_note", note, key=key))["id"] == late
    assert creating.line.count("/v3/notes") == 1


async def test_write_is_sent_again_where_the_vendor_says_that_it_did_nothing(
    creating: Creating, company: Company
) -> None:
    candidate = creating.read("candidates")[-3]["id"]
    note = {"candidate_id": candidate, "user_id": company.acting, "body": "Patient.", "visibility": "private"}
    creating.line.drop("/v3/notes", lambda _: say({}, 429, Retry_After="0"), lambda _: say({}, 401))
    await creating.make("create_candidate_note", note)
    assert creating.line.count("/v3/notes") == 3
    assert [row["body"] for row in creating.read("notes", candidate_ids=candidate)].count("Patient.") == 1


# Killed on the way


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def kill_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Lets the process be gone at the n-th time that it notes a step, from then on."""
    save, release = stored.save_steps, stored.release_call

    def arrange(last: int) -> None:
        saves = itertools.count(1)

        async def save_or_die(pool: Any, connector: int, key: str, steps: Mapping[str, WriteStep]) -> None:
            if next(saves) >= last:
                raise Killed
            await save(pool, connector, key, steps)

        async def die(*_: Any) -> None:
            raise Killed

        monkeypatch.setattr(stored, "save_steps", save_or_die if last else save)
        monkeypatch.setattr(stored, "release_call", die if last else release)

    yield arrange
    arrange(0)


async def test_call_that_is_killed_anywhere_goes_on_where_it_was(
    creating: Creating, company: Company, kill_at: Any, key: str, name: str
) -> None:
    """A claim of a dead process ends by itself; what it has written is written once, wherever it died."""
    steps = 1 + 1 + 1 + 1 + 3 + 3
    for last in pick(range(1, 2 * steps + 1), steps):  # of each step its beginning or its end
        person = company.make_full_candidate(f"{name}-{last}")
        creating.line.calls.clear()

        async def call(person: Any = person, key: str = f"{key}-{last}") -> Any:
            return await creating.call("create_candidate", person, key=key)

        kill_at(last)
        with pytest.raises(Killed):
            await call()
        kill_at(0)
        with pytest.raises(Conflict):
            await call()
        await let_pass(creating.tenant.pool, LONGEST + timedelta(seconds=11))
        outcome = await call()
        assert outcome.is_success, (last, outcome.output)
        writes = [path for method, path in creating.line.calls if method == "POST"]
        assert len(writes) == steps, (last, writes)
        assert count_people(creating, person["last_name"]) == 1
        assert len(creating.read("notes", candidate_ids=outcome.output["id"])) == 3
        assert len(creating.read("attachments", candidate_ids=outcome.output["id"])) == 3
        assert (await call()).output == outcome.output


# Bad input

PERSON = {"user_id": 1, "first_name": "A", "last_name": "B"}
FILE = {"filename": "a.pdf", "type2": "resume", "content": "aGk="}
GOOD: Mapping[str, dict[str, Any]] = {
    "create_candidate": {**PERSON, "applications": [{"job_id": 1}]},
    "create_candidate_application": {"user_id": 1, "candidate_id": 1, "job_id": 1},
    "create_candidate_note": {"candidate_id": 1, "user_id": 1, "body": "x", "visibility": "public"},
    "create_prospect": PERSON,
}
NOTE = {"user_id": 1, "body": "x", "visibility": "public"}
BAD: list[tuple[str, dict[str, Any], str]] = [
    ("create_candidate", {"applications": []}, "#/applications"),
    ("create_candidate", {"applications": [{}]}, "#/applications/0: required key [job_id] not found"),
    ("create_candidate", {"applications": [{"job_id": 1, "title": "x"}]}, "extraneous key [title] is not permitted"),
    ("create_candidate", {"first_name": 5}, "#/first_name: expected type: String, found: Integer"),
    ("create_candidate", {"user_id": "5"}, "#/user_id: expected type: Integer, found: String"),
    ("create_candidate", {"email_addresses": [{"type2": "home", "value": "x"}]}, "#/email_addresses/0/type2"),
    ("create_candidate", {"custom_fields": [{"value": 1}]}, "#/custom_fields/0: the value of a custom field needs"),
    ("create_candidate", {"educations": [{"start_month": 5}]}, "#/educations/0: start_month and start_year belong"),
    ("create_candidate", {"educations": [{"start_date": "soon"}]}, "#/educations/0: a date is written"),
    ("create_candidate", {"employments": [{"company_name": "x", "title": "y"}]}, "required key [start_date]"),
    ("create_candidate", {"activity_feed_notes": [{**NOTE, "visibility": "all"}]}, "activity_feed_notes/0/visibility"),
    ("create_candidate", {"applications": [{"job_id": 1, "attachments": [{**FILE, "content": None}]}]},
     "#/applications/0/attachments/0: an attachment has either content or url"),
    ("create_prospect", {"application": {"attachments": [{**FILE, "url": "https://x.example.com"}]}},
     "#/application/attachments/0: an attachment has either content or url"),
    ("create_prospect", {"application": {"referrer": {"type2": "id"}}}, "#/application/referrer: a referrer has both"),
    ("create_prospect", {"applications": []}, "extraneous key [applications] is not permitted"),
    ("create_candidate_application", {"referrer": {"type2": "id", "value": "Jane"}}, "#/referrer: the value of a"),
    ("create_candidate_application", {"attachments": [{**FILE, "type2": "other"}]}, "#/attachments/0/type2"),
    ("create_candidate_note", {"visibility": None}, "#/visibility"),
    ("create_candidate_note", {"idempotency_key": 5}, "#/idempotency_key: expected type: String, found: Integer"),
    ("create_candidate_note", {"source": "synced"}, "extraneous key [source] is not permitted"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "field"), [(name, field) for name, good in GOOD.items() for field in good])
async def test_required_field_that_is_missing_is_named_before_any_call(
    creating: Creating, name: str, field: str
) -> None:
    with pytest.raises(BadInput, match=rf"#: required key \[{field}\] not found"):
        await creating.call(name, {member: value for member, value in GOOD[name].items() if member != field})
    assert creating.line.calls == []


@pytest.mark.parametrize(("name", "change", "words"), BAD)
async def test_bad_input_is_refused_where_it_is_bad_before_any_call(
    creating: Creating, name: str, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadInput) as refused:
        await creating.call(name, {**GOOD[name], **change})
    assert words in refused.value.detail
    assert creating.line.calls == []


async def test_optional_inputs_take_null(creating: Creating, company: Company, name: str) -> None:
    (wanted,) = [one for one in (await creating.api.get("/core/v1/connectors/greenhouse/versions/1.0/operations"))
                 .json()["elements"] if one["name"] == "create_candidate"]  # fmt: skip
    schema = wanted["inputSchema"]
    empty = {field: None for field in schema["properties"] if field not in (*schema["required"], "idempotency_key")}
    job = {"job_id": company.jobs[0]["id"], "source_id": None, "referrer": None, "attachments": None}
    made = await creating.make(
        "create_candidate",
        {**empty, "user_id": company.acting, "first_name": "A", "last_name": name, "applications": [job]},
    )
    assert (made["tags"], made["recruiter"], made["educations"]) == ([], None, [])
