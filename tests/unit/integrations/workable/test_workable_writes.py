"""What Workable is sent for each write, against a made-up account that does what it is told, and nothing else.

Each thing that is made must be found where its answer is lost, and each state must hold once it was brought about.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from unihire.errors import ReferenceMissing, VendorRefused
from unihire.integration.declare import Data, find_member
from unihire.integration.operate import Trace, VendorCall, WriteContext
from unihire.integration.registry import get_integration, list_writes
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import Given, Write
from unihire.model.inputs import INPUTS

NOW = datetime(2026, 1, 31, tzinfo=UTC)
WRITES = list_writes("workable")
INTEGRATION = get_integration("workable")
ACTOR = "1f3961"
STAGES: list[Data] = [
    {"id": at, "slug": slug, "name": name, "kind": kind}
    for at, (slug, name, kind) in enumerate(
        [("sourced", "Sourced", "sourced"), ("interview", "Talk", "interview"), ("done", "Hired!", "hired")]
    )
]
REASONS: list[Data] = [
    {"id": "b1", "description": "Too few years", "candidate_withdrew": False},
    {"id": "b2", "description": "Took another job", "candidate_withdrew": True},
]
ATTRIBUTES: list[Data] = [
    {"id": "c1", "key": "level", "type": "dropdown", "label": "Level", "choices": [{"id": "o1", "body": "L3"}]},
    {"id": "c2", "key": "starts", "type": "date", "label": "Starts"},
    {"id": "c3", "type": "boolean", "label": "Moves"},
    {"id": "c4", "key": "years", "type": "numeric", "label": "Years"},
    {"id": "c5", "type": "multiple_choice", "label": "Tongues", "choices": [{"id": "o2", "body": "Greek"}]},
    {"id": "c6", "type": "free_text", "label": "Gone", "enabled": False},
]


def make_candidate(id: str, job: str | None, **members: Any) -> Data:
    names = {"firstname": "Jane", "lastname": "Doe", "email": "jane@example.com"}
    place = {} if job is None else {"job": {"shortcode": job}}
    state = {"stage": "Sourced", "stage_kind": "sourced", "disqualified": False, "tags": ["JUNIOR"]}
    return {"id": id, **names, **place, **state, **members}


@dataclass
class Account:
    """An account of Workable's, and the context of a write in it."""

    candidates: list[Data] = field(default_factory=lambda: [make_candidate("27", "A1")])
    timelines: dict[str, list[Data]] = field(default_factory=dict)
    files: dict[str, list[Data]] = field(default_factory=dict)
    departments: list[Data] = field(default_factory=list)
    members: list[Data] = field(default_factory=list)
    sent: list[tuple[str, str, Data]] = field(default_factory=list)
    planned: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    touched: list[tuple[str, str]] = field(default_factory=list)
    refuses: str = ""

    def _list(self, stream: str, filters: Mapping[str, Any]) -> list[Data]:
        INTEGRATION.get_list(stream)
        match stream:
            case "candidates":
                job, email = filters.get("shortcode"), filters.get("email")
                return [
                    one
                    for one in self.candidates
                    if (job is None or find_member(one, "job.shortcode") == job) and email in (None, one["email"])
                ]
            case "profiles":
                return self.candidates
            case "job_stages":
                return STAGES if filters == {"job": "A1"} or filters == {"job": "B2"} else []
            case "timeline":
                return self.timelines.get(filters["candidate"], [])
            case "files":
                return self.files.get(filters["candidate"], [])
            case "departments":
                return self.departments
            case "members":
                return [one for one in self.members if one["email"] == filters["email"]]
            case "disqualification_reasons":
                return REASONS
            case "custom_attributes":
                return ATTRIBUTES
        raise AssertionError(stream)

    async def all(self, stream: str, filters: Mapping[str, Any] | None = None) -> list[VendorRow]:
        return [VendorRow(stream, one) for one in self._list(stream, filters or {})]

    async def find(self, stream: str, member: str, values: Iterable[object]) -> list[VendorRow]:
        assert member == "id"
        wanted = list(values)
        return [VendorRow(stream, one) for one in self._list(stream, {}) if one["id"] in wanted]

    def touch(self, stream: str, ids: Iterable[object], *, by: str | None = None) -> None:
        assert by is None
        self.touched += [(stream, str(id)) for id in ids]

    def plan(self, steps: Iterable[str], *, scopes: Iterable[str] = ()) -> None:
        self.planned = list(steps)

    async def create(self, step: str, call: VendorCall, *, stream: str, trace: Trace) -> VendorRow:
        before = [row.data for row in await trace.look(NOW)]
        answer = self._do(step, call)
        found = [row for row in await trace.look(NOW) if row.data not in before]
        (lost,) = found
        row = find_member(answer, call.item) if call.item else answer
        assert not row or str(row["id"]) == lost.data["id"], "found as it was answered"
        return VendorRow(stream, row) if row else lost

    async def change(
        self, step: str, call: VendorCall, *, stream: str, id: str, holds: Callable[[], Awaitable[bool]]
    ) -> None:
        assert not await holds()
        self._do(step, call)
        assert await holds() is not call.path.endswith("update_custom_attribute_value")
        assert stream == "candidates"
        self.touch(stream, [id])

    async def attempt(self, step: str, work: Awaitable[Any]) -> Any:
        try:
            return await work
        except VendorRefused:
            return None

    def _do(self, step: str, call: VendorCall) -> Any:
        assert isinstance(call.body, dict)
        body = msgspec.json.decode(msgspec.json.encode(call.body))
        self.sent.append((call.method, call.path, body))
        if self.refuses and self.refuses in call.path:
            raise VendorRefused(call.name, status=422)
        self.done.append(step)
        parts = re.fullmatch(r"(?:/candidates/(?P<id>[^/]+))?(?P<rest>/.*)?", call.path)
        assert parts is not None
        return self._answer(call.method, parts["id"], parts["rest"] or "", body)

    def _answer(self, method: str, id: str | None, rest: str, body: Data) -> Any:
        one = next((each for each in self.candidates if each["id"] == id), {})
        match method, rest:
            case "POST", "/move":
                stage = next(stage for stage in STAGES if stage["slug"] == body["target_stage"])
                one |= {"stage": stage["name"], "stage_kind": stage["kind"]}
            case "POST", "/disqualify":
                text = next(
                    (why["description"] for why in REASONS if why["id"] == body.get("disqualify_reason_id")), None
                )
                one |= {"disqualified": True, "disqualification_reason": text}
            case "POST", "/revert":
                one |= {"disqualified": False}
            case "POST", "/copy":
                made = {**one, "id": "99", "job": {"shortcode": body["target_job_shortcode"]}}
                self.candidates.append(made)
                return {"candidate": {"id": "99", "url": "https://example.workable.com/spi/v3/candidates/99"}}
            case "POST", "/comments":
                self._note(id, "comment", body, body["comment"]["body"])
                if "attachment" in body["comment"]:
                    self.files.setdefault(str(id), []).append({"name": body["comment"]["attachment"]["name"]})
                return {"id": int(self.timelines[str(id)][-1]["id"])}
            case "POST", "/ratings":
                self._note(id, "rating", body, body["comment"])
            case "PUT", "/tags":
                one |= {"tags": body["tags"]}
                return {"tags": body["tags"]}
            case "PATCH", "":
                changed = dict(body["candidate"])
                if "resume" in changed:
                    one["resume_metadata"] = {"filename": changed.pop("resume")["name"]}
                one |= changed
                return {"candidate": one}
            case "PATCH", "/update_custom_attribute_value":
                return {}
            case "POST", "/departments":
                self.departments.append({"id": "d9", "parent_id": None, **body})
                return self.departments[-1]
            case "POST", "/members/invite":
                self.members.append({"id": "m9", "email": body["email"]})
                return self.members[-1]
            case "POST", _ if rest.endswith("/candidates"):
                job = rest.split("/")[2] if rest.startswith("/jobs/") else None
                self.candidates.append(make_candidate("98", job, tags=[]) | body["candidate"])
                return {"status": "created", "candidate": self.candidates[-1]}
            case _:
                raise AssertionError((method, rest))
        return None

    def _note(self, id: str | None, action: str, body: Data, text: str) -> None:
        lines = self.timelines.setdefault(str(id), [])
        lines.append({"id": str(500 + len(lines)), "action": action, "member": {"id": body["member_id"]}, "body": text})


def get_write(name: str) -> Write:
    model, verb = name.split(".")
    return WRITES[model, verb]


async def run(
    account: Account,
    name: str,
    target: str = "27",
    /,
    *,
    actor: str | None = ACTOR,
    params: Data | None = None,
    **said: Any,
) -> VendorRow:
    """A write with what was said, which it must take; steps are those that it announced."""
    write = get_write(name)
    assert set(said) <= set(write.takes), "what it takes"
    input = msgspec.convert(said, INPUTS[write.model, write.verb].struct)
    given = Given(
        input=input,
        sent=frozenset(said),
        target="" if write.verb == "create" else target,
        actor=actor,
        params=None if write.params is None else msgspec.convert(params or {}, write.params),
    )
    account.done.clear()
    context: WriteContext = account  # type: ignore[assignment]
    row = await write.run(context, given)
    assert set(account.done) <= set(account.planned)
    assert write.stream is not None
    assert INTEGRATION.get_stream(write.stream).id_of(row.data)
    return row


MADE: Data = {"first_name": "Ada", "last_name": "Roe", "email_addresses": ["ada@example.com"]}


async def test_candidate_of_nothing_else_is_in_the_talent_pool_and_nobody_is_mailed() -> None:
    account = Account()
    row = await run(account, "candidate.create", actor=None, **MADE)
    assert row.data["id"] == "98"
    person = {"firstname": "Ada", "lastname": "Roe", "email": "ada@example.com"}
    assert account.sent == [("POST", "/talent_pool/candidates", {"sourced": True, "candidate": person})]


async def test_candidate_of_a_job_comes_with_all_that_is_said_of_a_person() -> None:
    account = Account()
    await run(
        account,
        "candidate.create",
        **MADE,
        params={"sourced": False, "summary": "A text.", "cover_letter": "Dear you"},
        title="Engineer",
        phone_numbers=["+44 1"],
        locations=["Leeds"],
        urls=[
            {"value": "https://www.linkedin.com/in/ada"},
            {"value": "https://ada.example.com"},
            {"value": "https://x.example.com/ada", "type": "TWITTER"},
        ],
        tags=["A", "B", "A"],
        job="A1",
        job_interview_stage="A1:interview",
        source_record="LinkedIn",
        custom_fields={"Level": "L3", "Starts": "2026-05-01", "Moves": True, "c4": 3, "Tongues": ["Greek", "x"]},
        attachments=[
            {"file_name": "cv.pdf", "file_content": "QQ==", "attachment_type": "RESUME"},
            {"file_name": "a.txt", "file_content": "Qg=="},
        ],
    )
    (_, path, body), *others = account.sent
    assert path == "/jobs/A1/candidates"
    assert body == {
        "sourced": False,
        "candidate": {
            "firstname": "Ada",
            "lastname": "Roe",
            "email": "ada@example.com",
            "headline": "Engineer",
            "phone": "+44 1",
            "address": "Leeds",
            "social_profiles": [
                {"type": "linkedin", "url": "https://www.linkedin.com/in/ada"},
                {"type": "website", "url": "https://ada.example.com"},
                {"type": "twitter", "url": "https://x.example.com/ada"},
            ],
            "tags": ["A", "B"],
            "summary": "A text.",
            "cover_letter": "Dear you",
            "domain": "LinkedIn",
            "resume": {"name": "cv.pdf", "data": "QQ=="},
        },
    }
    values = [body for _, path, body in others if path.endswith("update_custom_attribute_value")]
    assert others == [
        ("POST", "/candidates/98/move", {"member_id": ACTOR, "target_stage": "interview"}),
        *(("PATCH", "/candidates/98/update_custom_attribute_value", body) for body in values),
        (
            "POST",
            "/candidates/98/comments",
            {"member_id": ACTOR, "comment": {"body": "a.txt", "attachment": {"name": "a.txt", "data": "Qg=="}}},
        ),
    ]
    assert values == [
        {"custom_attribute_key": "level", "choices": ["o1"]},
        {"custom_attribute_key": "starts", "date": "2026-05-01"},
        {"custom_attribute_key": "c3", "checked": True},
        {"custom_attribute_key": "years", "value": "3"},
        {"custom_attribute_key": "c5", "choices": ["o2", "x"]},
    ]
    assert account.planned == account.done


async def test_what_is_refused_beside_a_candidate_leaves_it() -> None:
    account = Account(refuses="/move")
    said = MADE | {"job": "A1", "job_interview_stage": "A1:interview"}
    row = await run(account, "candidate.create", **said, custom_fields={"Moves": False})
    assert row.data["id"] == "98"
    assert account.done == ["candidate", "custom_fields.0"]


BAD: list[tuple[str, str, Data]] = [
    ("candidate.create", "job_interview_stage: this stage is of another job", {"job_interview_stage": "B2:done"}),
    ("candidate.create", "job_interview_stage: the job has no such stage", {"job_interview_stage": "A1:x"}),
    ("candidate.create", "custom_fields: the vendor has no field Gone", {"custom_fields": {"Gone": "x"}}),
    ("candidate.create", "custom_fields: Starts takes a date", {"custom_fields": {"Starts": "soon"}}),
    ("candidate.update", "custom_fields: the vendor has no field Gone", {"custom_fields": {"Gone": "x"}}),
    ("application.create", "job: the candidate is on this job", {"candidate": "27", "job": "A1"}),
    ("application.create", "candidate: the vendor has nothing", {"candidate": "1", "job": "A1"}),
    ("application.move", "current_stage: this stage is of another job", {"current_stage": "B2:done"}),
    ("application.reject", "reject_reason: the vendor has nothing", {"reject_reason": "b9"}),
    ("application.hire", "integration_params/requisition_code", {"start_date": "2026-03-01"}),
    ("activity.create", "application: it is another", {"candidate": "27", "application": "28", "body": "x"}),
    ("attachment.create", "application: it is another", {"candidate": "27", "application": "28", "file_name": "x"}),
]


@pytest.mark.parametrize(("name", "words", "said"), BAD, ids=[words for _, words, _ in BAD])
async def test_what_cannot_be_is_said_before_anything_is_sent(name: str, words: str, said: Data) -> None:
    account = Account()
    more = MADE | {"job": "A1"} if name == "candidate.create" else {}
    with pytest.raises(ReferenceMissing, match=re.escape(words)):
        await run(account, name, **(more | said))
    assert account.sent == []


ACTS: list[tuple[str, Data]] = [
    ("application.create", {"candidate": "27", "job": "B2"}),
    ("application.move", {"current_stage": "A1:interview"}),
    ("application.reject", {}),
    ("application.unreject", {}),
    ("application.hire", {}),
    ("activity.create", {"candidate": "27", "body": "x"}),
    ("candidate.comment", {"body": "x"}),
    ("attachment.create", {"candidate": "27", "file_name": "a.txt", "file_content": "QQ=="}),
    ("candidate.create", MADE | {"job": "A1", "job_interview_stage": "A1:interview"}),
    ("scorecard.create", {"application": "27", "overall_recommendation": "YES", "notes": "x"}),
    ("remote_user.create", {"email": "a@example.com"}),
]


@pytest.mark.parametrize(("name", "said"), ACTS, ids=[name for name, _ in ACTS])
async def test_what_is_done_in_a_members_name_names_who_is_missing(name: str, said: Data) -> None:
    account = Account()
    with pytest.raises(ReferenceMissing, match=r"^remote_user_id: "):
        await run(account, name, actor=None, **said)
    assert account.sent == []


async def test_candidate_is_changed_in_what_was_sent_and_what_is_empty_is_emptied() -> None:
    account = Account([make_candidate("27", "A1", phone="1", social_profiles=[{"type": "x", "url": "https://x"}])])
    said: Data = {"first_name": "Joan", "phone_numbers": [], "urls": None, "tags": [], "title": "Lead"}
    await run(account, "candidate.update", actor=None, **said)
    changed = {"firstname": "Joan", "headline": "Lead", "phone": "", "social_profiles": [], "tags": []}
    assert account.sent == [("PATCH", "/candidates/27", {"candidate": changed})]


async def test_change_of_custom_fields_alone_is_no_other_change() -> None:
    account = Account()
    await run(account, "candidate.update", custom_fields={"Moves": False})
    assert [path for _, path, _ in account.sent] == ["/candidates/27/update_custom_attribute_value"]


async def test_tags_are_replaced_by_those_there_are_with_or_without_one() -> None:
    account = Account()
    await run(account, "candidate.tag", name="Remote")
    await run(account, "candidate.tag", name=" remote ")
    await run(account, "candidate.untag", name="junior")
    await run(account, "candidate.untag", name="junior")
    tags = [["JUNIOR", "Remote"], ["Remote"]]
    assert account.sent == [("PUT", "/candidates/27/tags", {"tags": one}) for one in tags]


async def test_application_to_another_job_is_a_copy_with_an_id_of_its_own() -> None:
    account = Account()
    row = await run(account, "application.create", candidate="27", job="B2", current_stage="B2:interview")
    assert row.data["id"] == "99"
    body = {"member_id": ACTOR, "target_job_shortcode": "B2", "target_stage": "interview"}
    assert account.sent == [("POST", "/candidates/27/copy", body)]


async def test_application_is_moved_once() -> None:
    account = Account()
    for _ in range(2):
        row = await run(account, "application.move", current_stage="A1:interview")
        assert row.data["stage"] == "Talk"
    assert account.sent == [("POST", "/candidates/27/move", {"member_id": ACTOR, "target_stage": "interview"})]


@pytest.mark.parametrize(
    ("said", "params", "body"),
    [
        ({}, {}, {}),
        ({"reject_reason": "b1", "note": "No."}, {}, {"disqualify_reason_id": "b1", "disqualify_note": "No."}),
        ({"reject_reason": "b2"}, {}, {"disqualify_reason_id": "b2", "withdrew": True}),
        ({}, {"withdrew": True}, {"withdrew": True}),
        ({"reject_reason": "b2"}, {"withdrew": False}, {"disqualify_reason_id": "b2", "withdrew": False}),
    ],
)
async def test_application_is_rejected_as_the_reason_or_the_caller_says_whose_it_is(
    said: Data, params: Data, body: Data
) -> None:
    account = Account()
    await run(account, "application.reject", params=params, **said)
    if said.get("reject_reason") == "b1":
        body = body | {"withdrew": False}
    assert account.sent == [("POST", "/candidates/27/disqualify", {"member_id": ACTOR, **body})]


async def test_rejected_application_is_opened_again_once() -> None:
    account = Account([make_candidate("27", "A1", disqualified=True)])
    for _ in range(2):
        await run(account, "application.unreject")
    assert account.sent == [("POST", "/candidates/27/revert", {"member_id": ACTOR})]


async def test_hire_is_a_move_to_the_stage_of_that_kind_with_the_requisition() -> None:
    account = Account()
    row = await run(account, "application.hire", params={"requisition_code": "R-1"}, start_date="2026-03-01")
    assert row.data["stage_kind"] == "hired"
    requisition = {"code": "R-1", "start_date": "2026-03-01"}
    body = {"member_id": ACTOR, "target_stage": "done", "requisition": requisition}
    assert account.sent == [("POST", "/candidates/27/move", body)]
    with pytest.raises(ReferenceMissing, match=r"^application: its job has no stage of the kind hired"):
        await run(Account([make_candidate("27", None)]), "application.hire")


@pytest.mark.parametrize("name", ["activity.create", "candidate.comment"])
async def test_comment_is_its_authors_or_that_of_who_acts(name: str) -> None:
    account = Account()
    said: Data = {"candidate": "27"} if name == "activity.create" else {}
    row = await run(account, name, body="Nice.", **said)
    await run(account, name, body="Nice.", user="1f3962", visibility="ADMIN_ONLY", **said)
    assert row.data["id"] == ("500" if name == "activity.create" else "27") or row.data["id"] == 500
    assert account.sent == [
        ("POST", "/candidates/27/comments", {"member_id": ACTOR, "comment": {"body": "Nice."}}),
        (
            "POST",
            "/candidates/27/comments",
            {"member_id": "1f3962", "comment": {"body": "Nice.", "policy": ["admin", "recruiting_admin"]}},
        ),
    ]
    assert account.touched == [("candidates", "27")] * 2


async def test_resume_takes_the_place_of_the_one_there_was_and_needs_nobodys_name() -> None:
    account = Account()
    said: Data = {"application": "27", "file_name": "cv.pdf", "file_content": "QQ==", "attachment_type": "RESUME"}
    row = await run(account, "attachment.create", actor=None, **said)
    assert row.data["id"] == "27:resume"
    resume = {"name": "cv.pdf", "data": "QQ=="}
    assert account.sent == [("PATCH", "/candidates/27", {"candidate": {"resume": resume}})]


async def test_file_comes_with_a_comment_and_is_the_second_of_its_name() -> None:
    account = Account(files={"27": [{"name": "a.txt"}, {"name": "b.txt"}]})
    row = await run(account, "attachment.create", candidate="27", file_name="a.txt", file_content="QQ==")
    assert row.data["id"] == "27:a.txt:2"
    assert account.touched == [("candidates", "27")]


async def test_rating_is_found_in_the_timeline_for_its_answer_is_empty() -> None:
    account = Account(timelines={"27": [{"id": "1", "action": "rating", "member": {"id": "x"}, "body": "Good."}]})
    said: Data = {"application": "27", "overall_recommendation": "STRONG_YES", "notes": "Good."}
    row = await run(account, "scorecard.create", actor=None, interviewer="1f3963", **said)
    assert row.data["id"] == "501"
    body = {"member_id": "1f3963", "comment": "Good.", "scale": "thumbs", "grade": 2}
    assert account.sent == [("POST", "/candidates/27/ratings", body)]


async def test_department_and_user_are_made() -> None:
    account = Account(departments=[{"id": "d1", "name": "Search", "parent_id": None}])
    assert (await run(account, "department.create", name="Search", parent="d1")).data["id"] == "d9"
    assert (await run(account, "remote_user.create", email="a@example.com")).data["id"] == "m9"
    assert account.sent == [
        ("POST", "/departments", {"name": "Search", "parent_id": "d1"}),
        ("POST", "/members/invite", {"member_id": ACTOR, "email": "a@example.com", "roles": ["ats.simple"]}),
    ]


async def test_every_write_is_tried_here() -> None:
    tried = {name for name, *_ in [*BAD, *ACTS]} | {"candidate.tag", "candidate.untag", "department.create"}
    assert tried == {write.name for write in WRITES.values()}
