"""Unified writes to Greenhouse whose answer is lost: each thing is there once, and each state is there."""

import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from testbed.creating import Company, Creating, open_creating
from testbed.databases import Databases
from testbed.harvest import Row
from testbed.unified_writing import Written, try_write, write_unified
from testbed.vendor import cut, say
from unihire.errors import Unanswered
from unihire.kit.seal import Sealer
from unihire.platform import context_writes
from unihire.store.calls.operations import WriteStep


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def creating(databases: Databases, sealer: Sealer) -> AsyncIterator[Creating]:
    async with open_creating(databases, sealer, size=100, seed=23) as opened:
        yield opened


@pytest.fixture(scope="module")
def company(creating: Creating) -> Company:
    return Company(creating)


@pytest.fixture(autouse=True)
def clean(creating: Creating, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context_writes, "LOOK_PAUSES", (0.0, 0.05))
    creating.line.calls.clear()
    creating.line.lost.clear()
    creating.line.dropped.clear()


def break_down(_: Any) -> Any:
    return say({"message": "Internal Server Error"}, 500)


class Case(NamedTuple):
    """A write: its input, the path it goes to, and how it is seen whether it was done, and how often."""

    name: str
    input: Row
    path: str
    count_done: Callable[[], int]
    target: object = ""
    params: Row | None = None
    is_created: bool = False

    async def run(
        self, creating: Creating, steps: dict[str, WriteStep] | None = None, *, is_dry: bool = False
    ) -> Written:
        more: Row = {"target": self.target, "params": self.params, "steps": steps, "is_dry": is_dry}
        return await try_write(creating, self.name, self.input, **more)


async def apply(creating: Creating, company: Company, job: int = 0) -> Row:
    person = {"first_name": "Ada", "last_name": "Verlust", "job": str(company.jobs[job]["id"])}
    candidate = (await write_unified(creating, "candidate.create", person)).id
    return creating.read_one("applications", candidate_ids=candidate)


async def make_case(name: str, creating: Creating, company: Company) -> Case:
    case = await prepare_case(name, creating, company)
    creating.line.calls.clear()
    return case


async def prepare_case(name: str, creating: Creating, company: Company) -> Case:
    """A write of this name; `count` is how often it is done that far, for what is created."""
    row = await apply(creating, company)
    id, candidate, job = row["id"], row["candidate_id"], company.jobs[0]["id"]
    text = f"{name} {id}"

    def count(stream: str, **query: Any) -> Callable[[], int]:
        before = len(creating.read(stream, **query))
        return lambda: len(creating.read(stream, **query)) - before

    def create(stream: str, input: Row, params: Row | None = None, **query: Any) -> Case:
        return Case(name, input, f"/v3/{stream}", count(stream, **query), params=params, is_created=True)

    def change(path: str, stream: str, input: Row, holds: Callable[[Row], bool], id: object) -> Case:
        return Case(name, input, path, lambda: int(holds(creating.read_one(stream, ids=id))), target=id)

    person = {"first_name": "Kim", "last_name": text}
    input: Row
    match name:
        case "candidate.create":
            return create("candidates", person)
        case "candidate.create with a job":
            return create("candidates", {**person, "job": str(job)})._replace(name="candidate.create")
        case "application.create":
            input = {"candidate": str(candidate), "job": str(company.jobs[1]["id"])}
            return create("applications", input, candidate_ids=candidate)
        case "activity.create":
            return create("notes", {"candidate": str(candidate), "body": text}, candidate_ids=candidate)
        case "candidate.comment":
            return create("notes", {"body": text}, candidate_ids=candidate)._replace(target=candidate)
        case "attachment.create":
            input = {"application": str(id), "file_name": text, "file_content": "aGk="}
            return create("attachments", input, application_ids=id)
        case "tag.create":
            return create("candidate_tags", {"name": text})
        case "department.create" | "office.create":
            return create(f"{name.partition('.')[0]}s", {"name": text})
        case "job.create":
            return create("jobs", {"name": text, "template_id": str(job), "openings": 1})
        case "remote_user.create":
            input = {"first_name": "R", "last_name": "E", "email": f"r{id}@example.com"}
            return create("users", input)
        case "offer.create":
            return create("offers", {"application": str(id), "start_date": "2026-03-01"}, application_ids=id)
        case "scheduled_interview.create":
            planned = creating.read("job_interviews", job_ids=job)[0]["id"]
            input = {
                "application": str(id), "start_at": "2026-06-01T15:00:00Z", "end_at": "2026-06-01T16:00:00Z",
                "interviewers": [str(company.acting)],
            }  # fmt: skip
            return create("interviews", input, {"job_interview_id": planned}, application_ids=id)
        case "candidate.update":
            input = {"title": text, "tags": ["Java"], "phone_numbers": ["+1"], "is_private": True}
            path = f"/v3/candidates/{candidate}"
            return change(path, "candidates", input, lambda row: row["title"] == text, candidate)
        case "candidate.update of custom fields":
            input = {"custom_fields": {"willing_to_travel": True}}
            path = f"/v3/candidates/{candidate}"
            case = change(path, "candidates", input, has_value, candidate)
            return case._replace(name="candidate.update")
        case "candidate.update of tags":
            path = f"/v3/candidates/{candidate}"
            case = change(path, "candidates", {"tags": ["Java"]}, lambda row: row["tags"] == ["Java"], candidate)
            return case._replace(name="candidate.update")
        case "candidate.update of numbers":
            path = f"/v3/candidates/{candidate}"
            case = change(
                path, "candidates", {"phone_numbers": ["+1"]}, lambda row: row["phone_numbers"] != [], candidate
            )
            return case._replace(name="candidate.update")
        case "candidate.tag":
            path = "/v3/applied_candidate_tags"
            return change(path, "candidates", {"name": "Java"}, lambda row: row["tags"] == ["Java"], candidate)
        case "candidate.untag":
            await write_unified(creating, "candidate.tag", {"name": "Java"}, target=candidate)
            (applied,) = creating.read("applied_candidate_tags", candidate_ids=candidate)
            path = f"/v3/applied_candidate_tags/{applied['id']}"
            return change(path, "candidates", {"name": "Java"}, lambda row: row["tags"] == [], candidate)
        case "application.update":
            user = company.users[1]["id"]
            path = f"/v3/applications/{id}"
            return change(path, "applications", {"recruiter": str(user)}, lambda row: row["recruiter_id"] == user, id)
        case "application.move":
            stage = company.stages[2]
            input = {"current_stage": str(stage["id"])}
            path = f"/v3/applications/{id}/move"
            return change(path, "applications", input, lambda row: row["stage_name"] == stage["name"], id)
        case "application.reject":
            reason = creating.read("rejection_reasons", include_defaults="true")[0]["id"]
            input = {"reject_reason": str(reason), "note": text}
            path = f"/v3/applications/{id}/reject"
            return change(path, "applications", input, lambda row: row["status"] == "rejected", id)
        case "application.unreject":
            await write_unified(creating, "application.reject", {}, target=id)
            path = f"/v3/applications/{id}/unreject"
            return change(path, "applications", {}, lambda row: row["status"] == "in_process", id)
        case "application.hire":
            path = f"/v3/applications/{id}/hire"
            return change(path, "applications", {}, lambda row: row["status"] == "hired", id)
        case "application.convert":
            prospect = next(
                one for one in creating.read("applications", prospect="true") if one["status"] == "in_process"
            )["id"]
            path = f"/v3/applications/{prospect}/convert_to_candidate"
            return change(path, "applications", {"job": str(job)}, lambda row: not row["prospect"], prospect)
    raise AssertionError(name)


def has_value(row: Row) -> bool:
    field = row["custom_fields"].get("willing_to_travel")
    return field is not None and field["value"] is True


CREATED = (
    "candidate.create", "candidate.create with a job", "application.create", "activity.create", "candidate.comment",
    "attachment.create", "tag.create", "department.create", "office.create", "job.create", "remote_user.create",
    "offer.create", "scheduled_interview.create",
)  # fmt: skip
CHANGED = (
    "candidate.update", "candidate.update of custom fields", "candidate.update of tags",
    "candidate.update of numbers", "candidate.tag", "candidate.untag", "application.update", "application.move",
    "application.reject", "application.unreject", "application.hire", "application.convert",
)  # fmt: skip


def count_sent(creating: Creating, case: Case) -> int:
    return sum(method != "GET" and path == case.path for method, path in creating.line.calls)


@pytest.mark.parametrize("name", [*CREATED, *CHANGED])
async def test_dry_run_sends_nothing(creating: Creating, company: Company, name: str) -> None:
    case = await make_case(name, creating, company)
    assert (await case.run(creating, is_dry=True)).error is None
    assert case.count_done() == 0
    assert {method for method, _ in creating.line.calls} <= {"GET"}


@pytest.mark.parametrize("name", CREATED)
async def test_what_was_created_is_found_where_its_answer_is_lost(
    creating: Creating, company: Company, name: str
) -> None:
    case = await make_case(name, creating, company)
    creating.line.lose(case.path, break_down)
    written = await case.run(creating)
    assert written.error is None
    assert case.count_done() == 1
    assert creating.line.lost[case.path] == []


@pytest.mark.parametrize("name", CREATED)
async def test_what_was_not_created_is_not_taken_from_others(creating: Creating, company: Company, name: str) -> None:
    """A thing like it, made before, is none of this write; a repeat after the loss creates it, once."""
    case = await make_case(name, creating, company)
    steps: dict[str, WriteStep] = {}
    creating.line.drop(case.path, cut)
    written = await case.run(creating, steps)
    assert isinstance(written.error, Unanswered)
    assert case.count_done() == 0
    assert (await case.run(creating, steps)).error is None
    assert case.count_done() == 1


@pytest.mark.parametrize("name", CREATED)
async def test_repeat_of_a_write_that_ended_midway_finds_what_it_created(
    creating: Creating, company: Company, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the process was killed between the sending and the answer: nothing was looked for yet."""
    case = await make_case(name, creating, company)
    steps: dict[str, WriteStep] = {}
    creating.line.lose(case.path, cut)
    with monkeypatch.context() as patch:
        patch.setattr(context_writes, "LOOK_PAUSES", ())
        assert isinstance((await case.run(creating, steps)).error, Unanswered)
    assert case.count_done() == 1
    assert (await case.run(creating, steps)).error is None
    assert case.count_done() == 1
    assert count_sent(creating, case) == 1


@pytest.mark.parametrize("name", CHANGED)
async def test_change_whose_answer_is_lost_is_sent_once(creating: Creating, company: Company, name: str) -> None:
    case = await make_case(name, creating, company)
    assert case.count_done() == 0
    creating.line.lose(case.path, cut)
    written = await case.run(creating)
    assert written.error is None
    assert (case.count_done(), count_sent(creating, case)) == (1, 1)


@pytest.mark.parametrize("name", CHANGED)
async def test_change_that_never_came_is_sent_again(creating: Creating, company: Company, name: str) -> None:
    case = await make_case(name, creating, company)
    creating.line.drop(case.path, break_down)
    written = await case.run(creating)
    assert written.error is None
    assert (case.count_done(), count_sent(creating, case)) == (1, 2)


@pytest.mark.parametrize("name", CHANGED)
async def test_change_that_is_never_answered_and_not_there_is_said_to_be_unsure(
    creating: Creating, company: Company, name: str
) -> None:
    case = await make_case(name, creating, company)
    creating.line.drop(case.path, cut, cut)
    written = await case.run(creating)
    assert isinstance(written.error, Unanswered)
    assert case.count_done() == 0


async def test_tag_that_is_made_for_a_candidate_is_made_once(creating: Creating, company: Company) -> None:
    candidate = (await apply(creating, company))["candidate_id"]
    creating.line.lose("/v3/candidate_tags", cut)
    creating.line.lose("/v3/applied_candidate_tags", cut)
    await write_unified(creating, "candidate.tag", {"name": f"Tag {candidate}"}, target=candidate)
    assert [row["name"] for row in creating.read("candidate_tags")].count(f"Tag {candidate}") == 1
    assert len(creating.read("applied_candidate_tags", candidate_ids=candidate)) == 1
    assert creating.line.lost == {"/v3/candidate_tags": [], "/v3/applied_candidate_tags": []}


async def test_files_and_team_whose_answers_are_lost_are_there_once(creating: Creating, company: Company) -> None:
    files = [{"file_name": "cv.pdf", "file_content": "aGk="}] * 2
    person = {"first_name": "Ada", "last_name": "Doppelt", "job": str(company.jobs[0]["id"]), "attachments": files}
    creating.line.lose("/v3/attachments", cut, cut)
    candidate = await write_unified(creating, "candidate.create", person)
    assert len(creating.read("attachments", candidate_ids=candidate.id)) == 2
    user = str(company.acting)
    creating.line.lose("/v3/job_hiring_managers", cut)
    creating.line.lose("/v3/job_owners", cut)
    input = {"name": "Team", "template_id": str(company.jobs[0]["id"]), "hiring_managers": [user], "recruiters": [user]}
    job = await write_unified(creating, "job.create", input)
    assert len(creating.read("job_hiring_managers", job_ids=job.id)) == 1
    assert len(creating.read("job_owners", job_ids=job.id)) == 1


async def test_candidate_with_an_application_is_not_taken_for_one_without(creating: Creating, company: Company) -> None:
    """Somebody made it at the same moment in the vendor's own pages, and the list shows it late."""
    person = {"first_name": "Kim", "last_name": "Andere"}
    body = {**person, "application": {"job_id": company.jobs[0]["id"]}}
    creating.vendor.post("/candidates", json=body).raise_for_status()
    looks = itertools.count()
    creating.line.spoils["/v3/candidates"] = lambda rows: rows if next(looks) else []
    creating.line.drop("/v3/candidates", cut)
    try:
        assert isinstance((await try_write(creating, "candidate.create", person)).error, Unanswered)
    finally:
        creating.line.spoils.clear()
