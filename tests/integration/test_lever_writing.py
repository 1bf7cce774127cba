"""Lever, written to: what is sent, that it is sent once, and what is there afterwards."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from testbed.lever_account import (
    CREDENTIALS,
    LEVER,
    LeverAccount,
    fill_account,
    make_lever_tenant,
    now,
    run_lever_account,
)
from testbed.tenants import Tenant
from testbed.vendor import IMPATIENT
from unihire.errors import ReferenceMissing
from unihire.integration.registry import list_writes
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import Given
from unihire.kit.seal import Sealer
from unihire.model import INPUTS, FileInput, Url
from unihire.outbound.client import VendorClient
from unihire.platform.connectors import open_client
from unihire.platform.context_live import LiveContext
from unihire.platform.writing.planning import DryContext
from unihire.store import Pool
from unihire.store.calls.operations import WriteStep

WRITES = list_writes("lever")
PERSON: dict[str, Any] = {"first_name": "Kim", "last_name": "Roe", "email_addresses": ["kim@example.com"]}
SLOT: dict[str, Any] = {
    "start_at": "2026-02-01T09:00:00Z",
    "end_at": "2026-02-01T09:45:00Z",
    "time_zone": "Europe/Berlin",
}


@dataclass
class LeverWriting:
    """An account that is written to, with what the last write touched and which of its parts were refused."""

    account: LeverAccount
    tenant: Tenant
    client: VendorClient
    touched: dict[str, list[str]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    def make_context(self, steps: dict[str, WriteStep] | None = None) -> LiveContext:
        return LiveContext(
            pool=self.tenant.pool, client=self.client, connector=self.tenant.connector, integration=LEVER,
            steps={} if steps is None else steps, save_steps=lambda _: asyncio.sleep(0),
        )  # fmt: skip

    def give(self, name: str, target: str, actor: str | None, params: Any, said: dict[str, Any]) -> Given[Any]:
        model, verb = name.split(".")
        return Given(
            input=INPUTS[model, verb].struct(**said), sent=frozenset(said), target=target, actor=actor, params=params
        )

    async def write(
        self, name: str, target: str = "", /, actor: str | None = "user-1", params: Any = None,
        steps: dict[str, WriteStep] | None = None, **said: Any,
    ) -> VendorRow:  # fmt: skip
        model, verb = name.split(".")
        context = self.make_context(steps)
        row = await WRITES[model, verb].run(context, self.give(name, target, actor, params, said))
        self.touched, self.refused = dict(context.touched), list(context.refused)
        return row

    async def plan(self, name: str, target: str = "", /, **said: Any) -> list[dict[str, Any]]:
        """What a dry run would send."""
        model, verb = name.split(".")
        context = DryContext(self.make_context())
        await WRITES[model, verb].run(context, self.give(name, target, "user-1", None, said))
        return context.calls

    def list_sent(self) -> list[tuple[str, str, dict[str, str]]]:
        return [
            (method, path.removeprefix("/v1"), query) for method, path, query in self.account.asked if method != "GET"
        ]


@pytest_asyncio.fixture
async def writing(pool: Pool, sealer: Sealer) -> AsyncIterator[LeverWriting]:
    async with run_lever_account() as account:
        fill_account(account)
        tenant = await make_lever_tenant(pool, sealer, account)
        async with open_client(
            LEVER, CREDENTIALS, account.base_url, is_base_url_trusted=True, retry=IMPATIENT
        ) as client:
            yield LeverWriting(account, tenant, client)


BY_1 = {"perform_as": "user-1"}


async def test_candidate_is_made_with_an_application_and_files(writing: LeverWriting) -> None:
    row = await writing.write(
        "candidate.create", **PERSON, phone_numbers=["1"], urls=[Url(value="https://example.com")], tags=["Senior"],
        locations=["Berlin"], job="posting-1", job_interview_stage="stage-1", source_record="LinkedIn",
        attachments=[FileInput(file_name="letter.txt", file_content="SGVsbG8=", content_type="text/plain")],
    )  # fmt: skip
    opportunity = next(one for one in writing.account.opportunities.values() if one["contact"] == row.find_text("id"))
    assert row.stream == "contacts"
    assert writing.account.sent[0] == {
        "name": "Kim Roe", "emails": ["kim@example.com"], "phones": [{"value": "1"}], "links": ["https://example.com"],
        "location": "Berlin", "tags": ["Senior"], "postings": ["posting-1"], "stage": "stage-1",
        "sources": ["LinkedIn"],
    }  # fmt: skip
    assert writing.list_sent() == [
        ("POST", "/opportunities", BY_1),
        ("POST", f"/opportunities/{opportunity['id']}/files", BY_1),
    ]
    (file,) = writing.account.below[opportunity["id"], "files"]
    assert file["name"] == "letter.txt"
    assert opportunity["id"] in writing.touched["opportunities"]
    assert writing.touched["contacts"] == [row.find_text("id")]


async def test_candidate_whose_answer_is_lost_is_found_and_not_made_twice(writing: LeverWriting) -> None:
    writing.account.losses = 1
    row = await writing.write("candidate.create", **PERSON, job="posting-1")
    assert [path for _, path, _ in writing.list_sent()] == ["/opportunities"]
    assert writing.account.contacts[row.get_text("id")]["name"] == "Kim Roe"


async def test_row_that_somebody_else_made_is_not_taken_for_the_lost_one(writing: LeverWriting) -> None:
    account = writing.account

    def add_others() -> None:
        contact = list(account.contacts)[-1]
        account.add_opportunity("other-1", contact, None, createdAt=now(), stage="lead-new")
        account.opportunities = {"other-1": account.opportunities.pop("other-1"), **account.opportunities}
        account.below["opp-2", "notes"].insert(0, {"id": "other-2", "fields": [{"value": "Else"}], "secret": False})

    account.below["opp-2", "notes"] = []
    account.losses, account.meanwhile = 1, add_others
    row = await writing.write("candidate.create", **PERSON, job="posting-1")
    made = [one for one in account.opportunities.values() if one["contact"] == row.find_text("id")]
    assert writing.touched["opportunities"] == [one["id"] for one in made if one["applications"]]
    account.losses = 1
    note = await writing.write("activity.create", application="opp-2", candidate="contact-2", body="Mine")
    (mine,) = [one for one in account.below["opp-2", "notes"] if one["fields"][0]["value"] == "Mine"]
    assert note.find_text("id") == mine["id"]


CHANGES: list[tuple[str, str, dict[str, Any], Callable[[LeverAccount], bool]]] = [
    ("candidate.tag", "contact-2", {"name": "Go"}, lambda one: one.opportunities["opp-2"]["tags"] == ["Go"]),
    ("candidate.untag", "contact-3", {"name": "Old"}, lambda one: one.opportunities["opp-3"]["tags"] == []),
    ("candidate.update", "contact-2", {"last_name": "X"}, lambda one: one.contacts["contact-2"]["name"] == "Jane X"),
    (
        "application.move",
        "opp-2",
        {"current_stage": "offer"},
        lambda one: one.opportunities["opp-2"]["stage"] == "offer",
    ),
    ("application.reject", "opp-2", {"reject_reason": "reason-1"}, lambda one: has_reason(one, "opp-2", "reason-1")),
    ("application.hire", "opp-2", {}, lambda one: has_reason(one, "opp-2", "reason-2")),
    ("application.unreject", "opp-3", {}, lambda one: one.opportunities["opp-3"]["archived"] is None),
    ("application.update", "opp-2", {"source_record": None}, lambda one: one.opportunities["opp-2"]["sources"] == []),
]


def has_reason(account: LeverAccount, id: str, reason: str) -> bool:
    return (account.opportunities[id]["archived"] or {}).get("reason") == reason


@pytest.mark.parametrize("is_done", [True, False], ids=["done and lost", "never arrived"])
@pytest.mark.parametrize(("name", "target", "said", "holds"), CHANGES, ids=[change[0] for change in CHANGES])
async def test_change_whose_answer_is_lost_is_there_once(
    writing: LeverWriting, name: str, target: str, said: dict[str, Any], holds: Callable[[LeverAccount], bool],
    is_done: bool,
) -> None:  # fmt: skip
    account = writing.account
    account.change("opp-3", tags=["Old"], archived={"reason": "reason-1", "archivedAt": now()})
    account.losses, account.drops = int(is_done), int(not is_done)
    await writing.write(name, target, **said)
    assert holds(account)
    is_sent_again = not is_done or writing.list_sent()[0][0] == "PUT"  # which does no harm
    assert len(account.sent) == 1 + is_sent_again


async def test_nothing_is_sent_twice_where_a_write_is_repeated(writing: LeverWriting) -> None:
    steps: dict[str, WriteStep] = {}
    first = await writing.write("application.create", steps=steps, candidate="contact-2", job="posting-1")
    again = await writing.write("application.create", steps=steps, candidate="contact-2", job="posting-1")
    assert first.find_text("id") == again.find_text("id")
    assert writing.account.sent == [{"contact": "contact-2", "postings": ["posting-1"]}]


async def test_dry_run_of_each_write_sends_nothing(writing: LeverWriting) -> None:
    calls = [
        *await writing.plan("candidate.create", **PERSON, attachments=[FileInput(file_name="a", file_content="")]),
        *await writing.plan("application.move", "opp-1", current_stage="offer"),
    ]
    assert [call["path"] for call in calls] == [
        "/opportunities?perform_as=user-1",
        "/opportunities/0/files?perform_as=user-1",
        "/opportunities/opp-1/stage?perform_as=user-1",
    ]
    assert writing.account.sent == []


async def test_person_is_changed_as_a_whole_and_their_texts_one_by_one(writing: LeverWriting) -> None:
    await writing.write(
        "candidate.update", "contact-1", last_name="New", phone_numbers=["2"], tags=["Go"],
        urls=[Url(value="https://example.com")],
    )  # fmt: skip
    person = writing.account.contacts["contact-1"]
    assert (person["name"], person["emails"], person["headline"]) == ("Jane New", ["jane1@example.com"], "Example Ltd")
    assert (person["location"], person["phones"]) == ({"name": "Berlin"}, [{"value": "2"}])
    for id in ("opp-1", "opp-4"):
        assert writing.account.opportunities[id]["tags"] == ["Go"]
        assert writing.account.opportunities[id]["links"] == ["https://example.com"]
    assert {"opp-1", "opp-4"} <= set(writing.touched["opportunities"])
    before = len(writing.account.sent)
    await writing.write("candidate.update", "contact-1", last_name="New", tags=["Go"])
    assert len(writing.account.sent) == before, "it is so already"


async def test_nobody_is_changed_who_was_anonymised(writing: LeverWriting) -> None:
    writing.account.contacts["contact-1"]["isAnonymized"] = True
    with pytest.raises(ReferenceMissing, match="candidate: "):
        await writing.write("candidate.update", "contact-1", last_name="New")


async def test_tag_is_given_in_every_application_and_taken_from_each(writing: LeverWriting) -> None:
    await writing.write("candidate.tag", "contact-1", name="Senior")
    assert [path for _, path, _ in writing.list_sent()] == ["/opportunities/opp-1/addTags"], "the other one has it"
    await writing.write("candidate.untag", "contact-1", name="senior")
    assert all("Senior" not in one["tags"] for one in writing.account.opportunities.values())


async def test_application_is_moved_rejected_opened_again_and_hired(writing: LeverWriting) -> None:
    opportunity = writing.account.opportunities["opp-1"]
    await writing.write("application.move", "opp-1", current_stage="stage-2")
    assert opportunity["stage"] == "stage-2"
    await writing.write("application.reject", "opp-1", reject_reason="reason-1")
    assert opportunity["archived"]["reason"] == "reason-1"
    with pytest.raises(ReferenceMissing, match="application: "):
        await writing.write("application.move", "opp-1", current_stage="offer")
    await writing.write("application.unreject", "opp-1", current_stage="stage-1")
    assert (opportunity["archived"], opportunity["stage"]) == (None, "stage-1")
    await writing.write("application.hire", "opp-1")
    assert opportunity["archived"]["reason"] == "reason-2"
    assert [(method, path.rpartition("/")[2]) for method, path, _ in writing.list_sent()] == [
        ("PUT", "stage"), ("PUT", "archived"), ("PUT", "archived"), ("PUT", "stage"), ("PUT", "archived"),
    ]  # fmt: skip
    assert {tuple(query.items()) for _, _, query in writing.list_sent()} == {tuple(BY_1.items())}


async def test_source_takes_the_place_of_others(writing: LeverWriting) -> None:
    await writing.write("application.update", "opp-1", source_record="Fair")
    assert writing.account.opportunities["opp-1"]["sources"] == ["Fair"]
    await writing.write("application.update", "opp-1", source_record=None)
    assert writing.account.opportunities["opp-1"]["sources"] == []


async def test_note_goes_to_the_newest_application_or_to_the_one_that_is_named(writing: LeverWriting) -> None:
    writing.account.opportunities["opp-4"]["createdAt"] += 1000
    newest = await writing.write("activity.create", candidate="contact-1", body="Hi", visibility="PRIVATE")
    (note,) = writing.account.below["opp-4", "notes"]
    assert (note["id"], note["secret"], note["user"]) == (newest.find_text("id"), True, "user-1")
    named = await writing.write("activity.create", candidate="contact-1", application="opp-1", body="Yo", user="user-2")
    assert writing.account.below["opp-1", "notes"][-1]["id"] == named.find_text("id")
    assert writing.account.below["opp-1", "notes"][-1]["user"] == "user-2"
    with pytest.raises(ReferenceMissing, match="application: "):
        await writing.write("activity.create", candidate="contact-2", application="opp-1", body="No")
    await writing.write("candidate.comment", "contact-2", actor=None, body="Anonymous")
    assert writing.account.below["opp-2", "notes"][-1]["user"] is None


async def test_file_is_posted_as_a_form(writing: LeverWriting) -> None:
    row = await writing.write(
        "attachment.create",
        application="opp-2",
        file_name="a b.txt",
        file_content="SGVsbG8=",
        content_type="text/plain",
    )
    (file,) = writing.account.below["opp-2", "files"]
    assert (file["id"], file["name"]) == (row.find_text("id"), "a b.txt")


async def test_interview_is_a_panel_of_one(writing: LeverWriting) -> None:
    row = await writing.write(
        "scheduled_interview.create", application="opp-1", interviewers=["user-1", "user-2"], location="Room 2", **SLOT
    )
    (panel,) = writing.account.below["opp-1", "panels"]
    (interview,) = panel["interviews"]
    assert (interview["id"], interview["duration"], panel["timezone"]) == (row.find_text("id"), 45, "Europe/Berlin")
    assert interview["date"] == 1_769_936_400_000
    with pytest.raises(ReferenceMissing, match="end_at: "):
        await writing.write(
            "scheduled_interview.create", application="opp-1", interviewers=["user-1"], start_at=SLOT["end_at"],
            end_at=SLOT["start_at"],
        )  # fmt: skip


async def test_scorecard_fills_in_a_form_in_the_name_of_the_interviewer(writing: LeverWriting) -> None:
    made = await writing.write("scheduled_interview.create", application="opp-1", interviewers=["user-2"], **SLOT)
    row = await writing.write(
        "scorecard.create", actor=None, application="opp-1", interview=made.find_text("id"), interviewer="user-2",
        overall_recommendation="YES", notes="Good.", custom_fields={"Again?": "yes"},
    )  # fmt: skip
    (card,) = writing.account.below["opp-1", "feedback"]
    assert {one["id"]: one["value"] for one in card["fields"]} == {
        "verdict": "3 - Hire",
        "text": "Good.",
        "again": "yes",
    }
    assert (card["id"], card["user"], card["interview"]) == (row.find_text("id"), "user-2", made.find_text("id"))
    assert card["panel"] == writing.account.below["opp-1", "panels"][0]["id"]
    assert card["completedAt"] is not None
    refused: list[tuple[dict[str, Any], str]] = [
        ({"overall_recommendation": "NO"}, "overall_recommendation"),
        ({"overall_recommendation": "NO_DECISION"}, "overall_recommendation"),
        ({"custom_fields": {"None such": 1}}, "custom_fields"),
        ({"interview": "other"}, "interview"),
    ]
    for said, field_name in refused:
        given = {"application": "opp-1", "interview": made.find_text("id"), "interviewer": "user-2", **said}
        with pytest.raises(ReferenceMissing, match=f"{field_name}: "):
            await writing.write("scorecard.create", actor=None, **given)


async def test_job_and_user_are_made(writing: LeverWriting) -> None:
    job = await writing.write(
        "job.create", name="Baker", description="<p>Bake.</p>", code="B-1", status="OPEN", departments=["Engineering"],
        offices=["Berlin"], hiring_managers=["user-2"], recruiters=["user-1"],
    )  # fmt: skip
    posting = writing.account.lists["postings"][-1]
    assert posting["id"] == job.find_text("id")
    assert writing.account.sent[-1] == {
        "text": "Baker", "state": "published", "owner": "user-1", "hiringManager": "user-2",
        "categories": {"department": "Engineering", "location": "Berlin", "allLocations": ["Berlin"]},
        "content": {"descriptionHtml": "<p>Bake.</p>"}, "requisitionCodes": ["B-1"],
    }  # fmt: skip
    user = await writing.write(
        "remote_user.create", actor=None, first_name="Sam", last_name="Roe", email="s@example.com"
    )
    assert writing.account.lists["users"][-1]["id"] == user.find_text("id")
    assert writing.list_sent()[-1] == ("POST", "/users", {})


async def test_what_belongs_to_nobodys_application_is_refused_with_the_field(writing: LeverWriting) -> None:
    writing.account.contacts["contact-9"] = {**writing.account.contacts["contact-1"], "id": "contact-9"}
    given: list[tuple[str, dict[str, Any]]] = [
        ("activity.create", {"body": "x"}),
        ("attachment.create", {"file_name": "x", "file_content": ""}),
    ]
    for name, said in given:
        with pytest.raises(ReferenceMissing, match="candidate: "):
            await writing.write(name, candidate="contact-9", **said)
    with pytest.raises(ReferenceMissing, match="candidate: "):
        await writing.write("application.create", candidate="nobody", job="posting-1")
    assert writing.account.sent == []
