"""Candidates, notes, tags and files written to Greenhouse in the unified API's words: what the vendor then shows."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from testbed.creating import Company, Creating, open_creating
from testbed.databases import Databases
from testbed.harvest import Row
from testbed.unified_writing import find_write, try_write, write_unified
from unihire.errors import ReferenceMissing, VendorRefused
from unihire.kit.seal import Sealer
from unihire.outbound.client import VendorClient

LINKEDIN = "https://www.linkedin.com/in/ada"
SITE = "https://ada.example.com"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def creating(databases: Databases, sealer: Sealer) -> AsyncIterator[Creating]:
    async with open_creating(databases, sealer, size=100, seed=13) as opened:
        yield opened


@pytest.fixture(scope="module")
def company(creating: Creating) -> Company:
    return Company(creating)


def read(creating: Creating, stream: str, id: object) -> Row:
    return creating.read_one(stream, ids=id)


def make_person(name: str, **more: Any) -> Row:
    return {"first_name": "Ada", "last_name": name, "email_addresses": [f"{name.lower()}@example.com"], **more}


async def make_applicant(creating: Creating, company: Company, name: str, **more: Any) -> int:
    job = str(company.jobs[0]["id"])
    return (await write_unified(creating, "candidate.create", make_person(name, job=job, **more))).id


# Candidates


async def test_candidate_is_created_with_all_that_can_be_said(creating: Creating, company: Company) -> None:
    credited = next(user for user in company.users if any(row["user_id"] == user["id"] for row in company.referrers))
    input = make_person(
        "Voll",
        company="Example Works",
        title="Clerk",
        is_private=True,
        can_email=False,
        locations=["1 Example Street"],
        phone_numbers=["+1 (555) 123-4567"],
        urls=[
            {"value": SITE, "url_type": "PORTFOLIO"},
            {"value": LINKEDIN},
            {"value": "https://x.example.com", "url_type": "SOCIAL_MEDIA"},
            {"value": "https://y.example.com", "type": "-"},
        ],
        tags=["Java", "Tag of Voll"],
        custom_fields={"t_shirt_size": "M", "willing_to_travel": True, "years_of_experience": 5},
        attachments=[
            {"file_name": "cv.pdf", "file_content": "aGk=", "attachment_type": "RESUME"},
            {"file_name": "note.txt", "file_content": "aGk="},
        ],
        job=str(company.jobs[0]["id"]),
        job_interview_stage=str(company.stages[1]["id"]),
        source_record=str(company.source["id"]),
        credited_to=str(credited["id"]),
    )
    input["custom_fields"] = {
        key: value for key, value in input["custom_fields"].items() if key in list_keys(creating, "candidate")
    }
    assert input["custom_fields"]
    written = await write_unified(creating, "candidate.create", input, actor=company.acting)
    row = read(creating, "candidates", written.id)
    assert [row[name] for name in ("first_name", "last_name", "company", "title", "private", "can_email")] == [
        "Ada", "Voll", "Example Works", "Clerk", True, False,
    ]  # fmt: skip
    assert row["addresses"] == [{"value": "1 Example Street"}]
    assert row["phone_numbers"] == [{"value": "+1 (555) 123-4567"}]
    assert row["email_addresses"] == [{"value": "voll@example.com"}]
    assert row["website_addresses"] == [{"value": SITE, "type": "portfolio"}, {"value": "https://y.example.com"}]
    assert [one["value"] for one in row["social_media_addresses"]] == [LINKEDIN, "https://x.example.com"]
    assert row["tags"] == ["Java", "Tag of Voll"]
    for key, value in input["custom_fields"].items():
        assert row["custom_fields"][key]["value"] == value
    application = creating.read_one("applications", candidate_ids=written.id)
    assert (application["job_id"], application["source_id"]) == (company.jobs[0]["id"], company.source["id"])
    assert application["stage_name"] == company.stages[1]["name"]
    assert application["referrer_id"] == company.find_referrer(credited["id"])["id"]
    files = creating.read("attachments", application_ids=application["id"])
    assert sorted((one["filename"], one["type"]) for one in files) == [("cv.pdf", "resume"), ("note.txt", "other")]
    applied = creating.read("applied_candidate_tags", candidate_ids=written.id)
    assert set(written.touched["applied_candidate_tags"]) == {str(one["id"]) for one in applied}
    assert set(written.touched["attachments"]) == {str(one["id"]) for one in files}
    assert str(application["stage_id"]) in written.touched["application_stages"]
    assert str(application["id"]) in written.touched["applications"]
    assert written.refused == {}


def list_keys(creating: Creating, kind: str) -> set[str]:
    return {row["name_key"] for row in creating.read("custom_fields", field_type=kind)}


async def test_candidate_without_a_job_has_no_application(creating: Creating, company: Company) -> None:
    written = await write_unified(creating, "candidate.create", make_person("Ohne"))
    assert read(creating, "candidates", written.id)["last_name"] == "Ohne"
    assert creating.read("applications", candidate_ids=written.id) == []


async def test_file_of_a_candidate_without_a_job_is_refused_and_the_candidate_stands(creating: Creating) -> None:
    files = [{"file_name": "cv.pdf", "file_content": "aGk="}]
    written = await write_unified(creating, "candidate.create", make_person("Datei", attachments=files))
    assert read(creating, "candidates", written.id)
    error = written.refused["attachment.0"]
    assert isinstance(error, ReferenceMissing)
    assert "needs a job" in str(error)


async def test_file_that_is_refused_leaves_the_candidate_and_the_other_files(
    creating: Creating, company: Company
) -> None:
    files = [
        {"file_name": "a.pdf"},
        {"file_name": "b.pdf", "file_content": "aGk="},
        {"file_name": "c.pdf", "file_content": "aGk=", "attachment_type": "picture"},
    ]
    input = make_person("Teils", attachments=files, job=str(company.jobs[0]["id"]))
    written = await write_unified(creating, "candidate.create", input)
    assert [one["filename"] for one in creating.read("attachments", candidate_ids=written.id)] == ["b.pdf"]
    assert list(written.refused) == ["attachment.0", "attachment.2"]
    assert isinstance(written.refused["attachment.0"], VendorRefused)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"source_record": "1"}, "source_record: it is the application's"),
        ({"job_interview_stage": "1"}, "job_interview_stage: it is the application's"),
        ({"credited_to": "1"}, "credited_to: it is the application's"),
        ({"job": "no number"}, "job: the vendor's ids are numbers"),
        ({"custom_fields": {"none_such": 1}}, "custom_fields.none_such: candidates have no such"),
    ],
)
async def test_what_the_vendor_does_not_have_is_said_by_field_and_nobody_is_created(
    creating: Creating, members: Row, words: str
) -> None:
    newest = creating.read("candidates")[0]["id"]
    written = await try_write(creating, "candidate.create", make_person("Nie", **members))
    assert isinstance(written.error, ReferenceMissing)
    assert str(written.error).startswith(words)
    assert creating.read("candidates")[0]["id"] == newest


async def test_user_who_is_no_referrer_cannot_be_credited(creating: Creating, company: Company) -> None:
    input = make_person("Nie", job=str(company.jobs[0]["id"]), credited_to="12")
    written = await try_write(creating, "candidate.create", input)
    assert isinstance(written.error, ReferenceMissing)
    assert str(written.error).startswith("credited_to")


@pytest.mark.parametrize(
    ("members", "member"),
    [
        ({"last_name": None}, "last_name"),
        ({"job": "12"}, "job_id"),
        ({"job_interview_stage": "12", "job": None}, "initial_stage_id"),
        ({"source_record": "12", "job": None}, "source_id"),
    ],
)
async def test_vendor_s_refusal_of_a_candidate_names_a_member_that_is_declared(
    creating: Creating, company: Company, members: Row, member: str
) -> None:
    input = make_person("Nie", **members)
    if "job" in members and members["job"] is None:
        input["job"] = str(company.jobs[0]["id"])
    newest = creating.read("candidates")[0]["id"]
    check_refused(creating, "candidate.create", await try_write(creating, "candidate.create", input), member)
    assert creating.read("candidates")[0]["id"] == newest


def check_refused(creating: Creating, name: str, written: Any, member: str) -> None:
    """That the vendor said no, about this member, which stands for a field of ours."""
    error = written.error
    assert isinstance(error, VendorRefused), error
    assert error.status == 422
    read_refusal = creating.tenant.integration.read_refusal
    assert read_refusal is not None
    assert [name for name, _ in read_refusal(error.body)] == [member]
    assert member in find_write(name).named


def note_sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Any]]:
    """Method, path and body of each write, as they are sent."""
    sent: list[tuple[str, str, Any]] = []
    send = VendorClient.send

    async def note(self: VendorClient, method: str, path: str, body: bytes | None, **more: Any) -> Any:
        sent.append((method, path, None if body is None else msgspec.json.decode(body)))
        return await send(self, method, path, body, **more)

    monkeypatch.setattr(VendorClient, "send", note)
    return sent


async def test_operation_and_unified_write_make_the_same_calls(
    creating: Creating, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = note_sent(monkeypatch)
    job, source, stage = company.jobs[0]["id"], company.source["id"], company.stages[1]["id"]
    person = {"first_name": "Ada", "last_name": "Gleich", "company": "Example Works", "title": "Clerk"}
    key = min(list_keys(creating, "candidate") & {"t_shirt_size", "nickname", "languages"})
    value = ["German"] if key == "languages" else "M"
    await creating.make(
        "create_candidate",
        {
            "user_id": company.acting, **person, "is_private": True, "tags": ["Java"],
            "email_addresses": [{"value": "g@example.com"}], "phone_numbers": [{"value": "+1 555"}],
            "addresses": [{"value": "Berlin"}], "website_addresses": [{"value": SITE, "type2": "portfolio"}],
            "social_media_addresses": [LINKEDIN], "custom_fields": [{"key": key, "value": value}],
            "applications": [
                {"job_id": job, "source_id": source, "initial_stage_id": stage,
                 "attachments": [{"filename": "cv.pdf", "type2": "resume", "content": "aGk="}]},
            ],
        },
    )  # fmt: skip
    first, sent[:] = list(sent), []
    await write_unified(
        creating,
        "candidate.create",
        {
            **person, "is_private": True, "tags": ["Java"], "email_addresses": ["g@example.com"],
            "phone_numbers": ["+1 555"], "locations": ["Berlin"],
            "urls": [{"value": SITE, "url_type": "PORTFOLIO"}, {"value": LINKEDIN}], "custom_fields": {key: value},
            "job": str(job), "source_record": str(source), "job_interview_stage": str(stage),
            "attachments": [{"file_name": "cv.pdf", "attachment_type": "RESUME", "file_content": "aGk="}],
        },
        actor=company.acting,
    )  # fmt: skip
    assert len(sent) == 2
    assert [without_parent(call) for call in sent] == [without_parent(call) for call in first]


def without_parent(call: tuple[str, str, Any]) -> tuple[str, str, Any]:
    method, path, body = call
    return method, path, {name: value for name, value in body.items() if name != "application_id"}


# Changes of candidates


async def test_only_what_is_sent_of_a_candidate_is_changed(creating: Creating, company: Company) -> None:
    id = await make_applicant(creating, company, "Wandel", title="Clerk", tags=["Java"])
    before = read(creating, "candidates", id)
    written = await write_unified(
        creating, "candidate.update", {"company": "Other Works", "title": None, "is_private": True}, target=id
    )
    assert written.id == id
    row = read(creating, "candidates", id)
    assert (row["company"], row["title"], row["private"]) == ("Other Works", None, True)
    same = ("first_name", "last_name", "email_addresses", "tags", "can_email", "custom_fields")
    assert [row[name] for name in same] == [before[name] for name in same]
    assert written.touched["candidates"] == [str(id)]


async def test_entries_that_stay_have_the_types_they_had(creating: Creating, company: Company) -> None:
    made = await creating.make("create_candidate", {
        "user_id": company.acting, "first_name": "Ada", "last_name": "Typ",
        "email_addresses": [{"value": "Ada@example.com", "type2": "work"}, {"value": "old@example.com"}],
        "phone_numbers": [{"value": "+1 (555) 1", "type2": "mobile"}],
        "addresses": [{"value": "Berlin", "type2": "home"}],
        "website_addresses": [{"value": SITE, "type2": "blog"}],
        "applications": [{"job_id": company.jobs[0]["id"]}],
    })  # fmt: skip
    await write_unified(
        creating,
        "candidate.update",
        {
            "email_addresses": ["ada@example.com", "new@example.com"], "phone_numbers": ["+15551", "+49 2"],
            "locations": ["Berlin"], "urls": [{"value": SITE}, {"value": LINKEDIN}],
        },
        target=made["id"],
    )  # fmt: skip
    row = read(creating, "candidates", made["id"])
    assert row["email_addresses"] == [{"type": "work", "value": "ada@example.com"}, {"value": "new@example.com"}]
    assert row["phone_numbers"] == [{"type": "mobile", "value": "+15551"}, {"value": "+49 2"}]
    assert row["addresses"] == [{"type": "home", "value": "Berlin"}]
    assert row["website_addresses"] == [{"type": "blog", "value": SITE}]
    assert row["social_media_addresses"] == [{"value": LINKEDIN}]


async def test_lists_that_are_sent_as_null_are_emptied(creating: Creating, company: Company) -> None:
    id = await make_applicant(
        creating, company, "Leer", tags=["Java"], phone_numbers=["1"], urls=[{"value": SITE}], locations=["Berlin"]
    )
    before = creating.read("applied_candidate_tags", candidate_ids=id)
    assert before
    empty = dict.fromkeys(("tags", "phone_numbers", "email_addresses", "urls", "locations"))
    written = await write_unified(creating, "candidate.update", empty, target=id)
    row = read(creating, "candidates", id)
    members = ("tags", "phone_numbers", "email_addresses", "website_addresses", "social_media_addresses", "addresses")
    assert [row[name] for name in members] == [[]] * 6
    assert str(before[0]["id"]) in written.touched["applied_candidate_tags"]


async def test_tags_that_are_sent_replace_those_there_were(creating: Creating, company: Company) -> None:
    id = await make_applicant(creating, company, "Neu", tags=["Java", "Tag of Neu"])
    written = await write_unified(creating, "candidate.update", {"tags": ["Java", "Brand new"]}, target=id)
    assert read(creating, "candidates", id)["tags"] == ["Java", "Brand new"]
    tag = next(row for row in creating.read("candidate_tags") if row["name"] == "Brand new")
    assert str(tag["id"]) in written.touched["candidate_tags"]


async def test_user_in_a_custom_field_that_stays_is_sent_by_the_id(
    creating: Creating, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As users are written; the row shows one as an object with a name and an address."""
    sent = note_sent(monkeypatch)
    row, key, user = next(
        (row, key, field["value"]["user_id"])
        for row in creating.read("candidates")
        for key, field in row["custom_fields"].items()
        if field["type"] == "user" and field["value"] is not None
    )
    await write_unified(creating, "candidate.update", {"custom_fields": {"willing_to_travel": True}}, target=row["id"])
    ((_, _, body),) = sent
    id = creating.read_one("custom_fields", field_type="candidate", name_key=key)["id"]
    assert {"custom_field_id": id, "value": user} in body["custom_fields"]


async def test_custom_fields_that_are_not_named_stay(creating: Creating, company: Company) -> None:
    """The vendor unsets each one that a change does not name; a user is shown as an object, and written by the id."""
    rows = [row for row in creating.read("candidates") if count_values(row) > 3]
    for row in rows[:5]:
        fields = row["custom_fields"]
        key = next(key for key, field in fields.items() if field["type"] == "yes_no")
        value = not fields[key]["value"]
        await write_unified(creating, "candidate.update", {"custom_fields": {key: value}}, target=row["id"])
        after = read(creating, "candidates", row["id"])["custom_fields"]
        assert after == {**fields, key: {**fields[key], "value": value}}
    await write_unified(creating, "candidate.update", {"custom_fields": {key: None}}, target=row["id"])
    assert read(creating, "candidates", row["id"])["custom_fields"][key]["value"] is None
    await write_unified(creating, "candidate.update", {"custom_fields": None}, target=row["id"])
    assert count_values(read(creating, "candidates", row["id"])) == 0


def count_values(row: Row) -> int:
    return sum(field["value"] not in (None, [], "") for field in row["custom_fields"].values())


async def test_change_that_says_nothing_is_no_call(creating: Creating, company: Company) -> None:
    id = creating.read("candidates")[0]["id"]
    creating.line.calls.clear()
    assert (await write_unified(creating, "candidate.update", {}, target=id)).id == id
    assert [method for method, _ in creating.line.calls] == ["GET"]


@pytest.mark.parametrize(
    "name",
    ["candidate.update", "candidate.comment", "candidate.tag", "candidate.untag", "application.update",
     "application.move", "application.reject", "application.unreject", "application.hire", "application.convert"],
)  # fmt: skip
async def test_target_that_is_gone_is_said_to_be(creating: Creating, name: str) -> None:
    input = {"body": "x"} if name.endswith("comment") else {"name": "x"} if name.endswith("tag") else {}
    written = await try_write(creating, name, input, target=12)
    assert isinstance(written.error, ReferenceMissing | VendorRefused)


async def test_vendor_s_refusal_of_a_change_names_a_member(creating: Creating) -> None:
    id = creating.read("candidates")[0]["id"]
    written = await try_write(creating, "candidate.update", {"can_email": None}, target=id)
    check_refused(creating, "candidate.update", written, "can_email")


# Notes


@pytest.mark.parametrize(
    ("said", "shown"),
    [("PUBLIC", "publicly_visible"), ("PRIVATE", "privately_visible"), ("ADMIN_ONLY", "admin_only_visible"),
     (None, "publicly_visible")],
)  # fmt: skip
async def test_note_has_its_author_and_visibility(
    creating: Creating, company: Company, said: str | None, shown: str
) -> None:
    application = creating.read("applications")[0]
    input = {"body": "Met.", "candidate": str(application["candidate_id"]), "application": str(application["id"])}
    author = company.users[1]["id"]
    written = await write_unified(
        creating, "activity.create", {**input, "user": str(author), "visibility": said}, actor=company.acting
    )
    row = next(one for one in creating.read("notes", candidate_ids=input["candidate"]) if one["id"] == written.id)
    assert (row["visibility"], row["user_id"], row["body"], row["type"]) == (shown, author, "Met.", "NOTE")
    assert row["application_id"] == application["id"]
    assert str(application["candidate_id"]) in written.touched["candidates"]


async def test_note_without_an_author_is_of_who_acts_or_of_the_token_s_user(
    creating: Creating, company: Company
) -> None:
    input = {"body": "Met.", "candidate": str(creating.read("candidates")[0]["id"])}
    acting = await write_unified(creating, "activity.create", input, actor=company.users[1]["id"])
    assert acting.row is not None
    assert acting.row.find_value("user_id") == company.users[1]["id"]
    nobody = await write_unified(creating, "activity.create", input)
    assert nobody.row is not None
    assert nobody.row.find_value("user_id") not in (None, company.users[1]["id"])


async def test_mail_is_an_activity_with_a_subject(creating: Creating, company: Company) -> None:
    candidate = creating.read("candidates")[0]["id"]
    input = {"body": "Hello.", "candidate": str(candidate), "activity_type": "EMAIL", "subject": "Hi"}
    params = {"email_to": ["ada@example.com"], "email_from": ["rita@example.com"]}
    written = await write_unified(creating, "activity.create", input, params=params)
    row = next(one for one in creating.read("notes", candidate_ids=candidate) if one["id"] == written.id)
    assert (row["type"], row["subject"], row["email_to"]) == ("EMAIL", "Hi", "ada@example.com")


async def test_note_with_a_subject_is_refused(creating: Creating) -> None:
    input = {"body": "x", "candidate": str(creating.read("candidates")[0]["id"]), "subject": "Hi"}
    written = await try_write(creating, "activity.create", input)
    assert isinstance(written.error, ReferenceMissing)


async def test_comment_is_a_note_of_the_candidate(creating: Creating, company: Company) -> None:
    candidate = creating.read("candidates")[1]["id"]
    input = {"body": "Fine.", "visibility": "PRIVATE", "user": str(company.acting)}
    written = await write_unified(creating, "candidate.comment", input, target=candidate)
    assert written.id == candidate
    note = creating.read("notes", candidate_ids=candidate)[0]
    assert (note["body"], note["visibility"], note["user_id"]) == ("Fine.", "privately_visible", company.acting)
    assert written.touched["notes"] == [str(note["id"])]


async def test_note_in_the_name_of_nobody_is_not_written(creating: Creating) -> None:
    input = {"body": "x", "candidate": str(creating.read("candidates")[0]["id"]), "user": "12"}
    assert isinstance((await try_write(creating, "activity.create", input)).error, ReferenceMissing)


# Tags


async def test_tag_is_given_made_where_it_is_not_there_and_taken(creating: Creating, company: Company) -> None:
    id = await make_applicant(creating, company, "Marke")
    written = await write_unified(creating, "candidate.tag", {"name": "Never Seen"}, target=id)
    assert written.id == id
    tag = next(row for row in creating.read("candidate_tags") if row["name"] == "Never Seen")
    (applied,) = creating.read("applied_candidate_tags", candidate_ids=id)
    assert applied["candidate_tag_id"] == tag["id"]
    assert written.touched["candidate_tags"] == [str(tag["id"])]
    assert written.touched["applied_candidate_tags"] == [str(applied["id"])]
    assert read(creating, "candidates", id)["tags"] == ["Never Seen"]
    creating.line.calls.clear()
    await write_unified(creating, "candidate.tag", {"name": "never seen"}, target=id)
    assert {method for method, _ in creating.line.calls} == {"GET"}
    written = await write_unified(creating, "candidate.untag", {"name": "NEVER SEEN"}, target=id)
    assert creating.read("applied_candidate_tags", candidate_ids=id) == []
    assert written.touched["applied_candidate_tags"] == [str(applied["id"])]
    assert read(creating, "candidates", id)["tags"] == []


async def test_tag_that_a_candidate_does_not_have_is_taken_without_a_write(creating: Creating) -> None:
    id = creating.read("candidates")[0]["id"]
    creating.line.calls.clear()
    assert (await write_unified(creating, "candidate.untag", {"name": "No such"}, target=id)).id == id
    assert {method for method, _ in creating.line.calls} == {"GET"}


async def test_tag_of_a_name_is_made_once(creating: Creating) -> None:
    first = await write_unified(creating, "tag.create", {"name": "Einmal"})
    assert (await write_unified(creating, "tag.create", {"name": "einmal"})).id == first.id
    assert [row["name"] for row in creating.read("candidate_tags")].count("Einmal") == 1


# Files


async def test_file_is_added_to_an_application_or_to_the_newest_of_a_candidate(
    creating: Creating, company: Company
) -> None:
    id = await make_applicant(creating, company, "Akte")
    first = creating.read_one("applications", candidate_ids=id)["id"]
    input = {"candidate": str(id), "job": str(company.jobs[1]["id"])}
    newest = (await write_unified(creating, "application.create", input)).id
    file = {"file_name": "a.pdf", "file_content": "aGk=", "content_type": "application/pdf"}
    for where, attachment_type, application, kind in (
        ({"application": str(first)}, "OFFER_LETTER", first, "offer_letter"),
        ({"candidate": str(id)}, "take_home_test", newest, "take_home_test"),
    ):
        written = await write_unified(
            creating, "attachment.create", {**file, **where, "attachment_type": attachment_type}
        )
        row = next(one for one in creating.read("attachments", candidate_ids=id) if one["id"] == written.id)
        assert (row["application_id"], row["type"], row["filename"]) == (application, kind, "a.pdf")


async def test_file_needs_an_application(creating: Creating) -> None:
    id = (await write_unified(creating, "candidate.create", make_person("Keine"))).id
    file = {"file_name": "a.pdf", "file_content": "aGk="}
    for input in (file, {**file, "candidate": str(id)}, {**file, "application": "12"}):
        written = await try_write(creating, "attachment.create", input)
        assert isinstance(written.error, ReferenceMissing)
        assert str(written.error).startswith(("application:", "candidate:"))


async def test_file_without_content_is_refused_in_the_vendor_s_words(creating: Creating) -> None:
    application = creating.read("applications")[0]["id"]
    written = await try_write(creating, "attachment.create", {"file_name": "a.pdf", "application": str(application)})
    assert isinstance(written.error, VendorRefused)
    assert b"content and url" in written.error.body
