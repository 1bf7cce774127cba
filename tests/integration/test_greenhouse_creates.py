"""The operations that create, against the emulator: what the vendor has then, what is answered, what is served."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from testbed.creating import Company, Creating, open_creating
from testbed.databases import Databases
from testbed.harvest import Row
from testbed.shapes import check_structure
from testbed.tenants import read_all
from unihire.kit.seal import Sealer

USER = {"id": 1, "first_name": "", "last_name": "", "name": "", "employee_id": None}

# The samples people built on, restated.
APPLICATION = {
    "credited_to": {"id": None, "name": "", "employee_id": None},
    "prospect_detail": {"prospect_pool": None, "prospect_stage": None, "prospect_owner": None},
    "rejection_details": None,
    "prospect": False,
    "status": "active",
    "rejected_at": None,
    "answers": [],
    "applied_at": "2023-05-15T14:30:00Z",
    "location": None,
    "jobs": [{"id": 1, "name": ""}],
    "candidate_id": 1,
    "current_stage": {"id": 1, "name": ""},
    "rejection_reason": None,
    "last_activity_at": "2023-05-15T14:30:00Z",
    "source": {"id": 1, "public_name": ""},
    "id": 1,
}
PERSON = {
    "photo_url": None,
    "addresses": [{"value": "", "type": ""}],
    "applications": [APPLICATION],
    "keyed_custom_fields": {},
    "employments": [],
    "custom_fields": {},
    "application_ids": [1],
    "created_at": "",
    "recruiter": None,
    "educations": [],
    "is_private": False,
    "coordinator": None,
    "attachments": [],
    "last_name": "",
    "social_media_addresses": [{"value": ""}],
    "updated_at": "",
    "title": "",
    "last_activity": "",
    "tags": [""],
    "phone_numbers": [{"value": "", "type": ""}],
    "first_name": "",
    "id": 1,
    "company": "",
    "website_addresses": [{"value": "", "type": ""}],
    "email_addresses": [{"value": "", "type": ""}],
}
NOTE = {
    "id": 1,
    "created_at": "",
    "body": "",
    "user": USER,
    "private": False,
    "visiblity": "",
    "visibility": "",
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def creating(databases: Databases, sealer: Sealer) -> AsyncIterator[Creating]:
    """A company that was synced before anything is created."""
    async with open_creating(databases, sealer, size=110, seed=7) as opened:
        assert (await opened.tenant.sync()).status == "done"
        yield opened


@pytest.fixture(scope="module")
def company(creating: Creating) -> Company:
    return Company(creating)


# What the vendor has then


async def test_candidate_is_made_with_all_that_comes_along(creating: Creating, company: Company) -> None:
    made = await creating.make("create_candidate", company.make_full_candidate("Voll"))
    row = creating.read_one("candidates", ids=made["id"])
    assert (row["first_name"], row["last_name"], row["company"], row["title"]) == (
        "Ada", "Voll", "Example Works", "Clerk",
    )  # fmt: skip
    assert row["private"] is True
    assert row["phone_numbers"] == [{"value": "+1 (555) 123-4567", "type": "mobile"}]
    assert row["addresses"] == [{"value": "1 Example Street", "type": "home"}]
    assert row["email_addresses"] == [{"value": "voll@example.com", "type": "work"}]
    assert row["website_addresses"] == [{"value": "https://ada.example.com", "type": "portfolio"}]
    assert row["social_media_addresses"] == [{"value": "https://social.example.com/in/ada"}]
    assert sorted(row["tags"]) == ["Java", "Tag of Voll"]
    values = {key: field["value"] for key, field in row["custom_fields"].items() if field["value"] not in (None, [])}
    assert values == {
        "years_of_experience": 5, "willing_to_travel": True, "t_shirt_size": "M", "languages": ["German"],
        "nickname": "7",
    }  # fmt: skip
    second, first = creating.read("applications", candidate_ids=made["id"])
    assert (first["job_id"], first["source_id"]) == (company.jobs[0]["id"], company.source["id"])
    assert first["stage_name"] == company.stages[0]["name"]
    assert first["referrer_id"] == company.find_referrer(company.users[1]["id"])["id"]
    assert (second["job_id"], second["source_id"]) == (company.jobs[1]["id"], None)
    outside = {each["id"] for each in company.referrers if each["user_id"] is None}
    assert second["referrer_id"] in outside
    for application in (first, second):
        assert application["recruiter_id"] == company.users[1]["id"]
        assert application["coordinator_id"] == company.users[2]["id"]
    files = creating.read("attachments", candidate_ids=made["id"])
    assert [(file["application_id"], file["filename"], file["type"]) for file in reversed(files)] == [
        (first["id"], "cv.pdf", "resume"), (first["id"], "cv.pdf", "resume"), (second["id"], "test.txt", "other"),
    ]  # fmt: skip
    assert files[1]["url"] == "https://files.example.com/cv.pdf"
    notes = creating.read("notes", candidate_ids=made["id"], type="NOTE")
    acting, author = company.acting, company.users[1]["id"]
    assert [(note["user_id"], note["visibility"], note["body"]) for note in reversed(notes)] == [
        (author, "publicly_visible", "Met at a fair."),
        (acting, "privately_visible", "Met at a fair."),
        (acting, "privately_visible", "Met at a fair."),
    ]
    education = creating.read_one("candidate_educations", candidate_ids=made["id"])
    assert (education["start_at"][:10], education["end_at"][:10]) == ("2001-09-15", "2004-05-01")
    assert education["school_name_custom_field_option_id"] == company.schools[0]["id"]
    employment = creating.read_one("candidate_employments", candidate_ids=made["id"])
    assert (employment["company_name"], employment["title"]) == ("Example", "Engineer")
    assert (employment["start_date"], employment["end_date"]) == ("2012-08-15", None)


async def test_prospect_is_made_for_several_jobs_in_a_pool(creating: Creating, company: Company) -> None:
    application = {
        "job_ids": [job["id"] for job in company.jobs[:2]],
        "source_id": company.source["id"],
        "referrer": {"type2": "id", "value": company.users[1]["id"]},
        "attachments": [{"filename": "cv.pdf", "type2": "resume", "content": "aGk="}],
        "prospect_pool_id": company.pool["id"],
        "prospect_pool_stage_id": company.pool_stage["id"],
        "prospect_owner_id": company.users[1]["id"],
    }
    made = await creating.make("create_prospect", company.make_person("Prospekt", application=application))
    row = creating.read_one("applications", candidate_ids=made["id"])
    assert (row["prospect"], row["job_id"], row["stage_id"]) == (True, None, None)
    assert row["prospective_job_ids"] == application["job_ids"]
    assert (row["source_id"], row["recruiter_id"]) == (company.source["id"], company.users[1]["id"])
    assert row["referrer_id"] == company.find_referrer(company.users[1]["id"])["id"]
    details = creating.read_one("prospect_details", application_ids=row["id"])
    assert (details["pool_id"], details["pool_stage_id"]) == (company.pool["id"], company.pool_stage["id"])
    assert details["prospect_owner_id"] == company.users[1]["id"]
    assert creating.read_one("attachments", application_ids=row["id"])["filename"] == "cv.pdf"
    assert made["applications"][0]["prospect_detail"]["prospect_pool"]["name"] == company.pool["name"]
    assert [job["id"] for job in made["applications"][0]["jobs"]] == application["job_ids"]
    check_structure(PERSON, made)


async def test_prospect_without_an_application_is_on_no_job(creating: Creating, company: Company) -> None:
    made = await creating.make(
        "create_prospect", {"user_id": company.acting, "first_name": "Bo", "last_name": "Nirgends"}
    )
    row = creating.read_one("applications", candidate_ids=made["id"])
    assert (row["prospect"], row["job_id"], row["prospective_job_ids"]) == (True, None, [])
    assert made["applications"][0]["jobs"] == []
    assert made["applications"][0]["current_stage"] is None


async def test_application_comes_on_top_of_what_the_candidate_has(creating: Creating, company: Company) -> None:
    prospect = creating.read("applications", prospect="true", status="active")[0]
    made = await creating.make(
        "create_candidate_application",
        {
            "user_id": company.acting,
            "candidate_id": prospect["candidate_id"],
            "job_id": company.jobs[0]["id"],
            "source_id": company.source["id"],
            "initial_stage_id": company.stages[1]["id"],
            "referrer": {"type2": "outside", "value": company.find_referrer(None)["name"]},
            "attachments": [{"filename": "cover.pdf", "type2": "cover_letter", "content": "aGk="}],
            "recruiter_id": company.users[1]["id"],
            "coordinator_id": None,
        },
    )
    row = creating.read_one("applications", ids=made["id"])
    assert (row["candidate_id"], row["job_id"]) == (prospect["candidate_id"], company.jobs[0]["id"])
    assert (row["recruiter_id"], row["coordinator_id"]) == (company.users[1]["id"], None)
    assert creating.read_one("attachments", application_ids=made["id"])["type"] == "cover_letter"
    assert creating.read_one("applications", ids=prospect["id"])["prospect"] is True
    assert made["current_stage"] == {"id": company.stages[1]["id"], "name": company.stages[1]["name"]}
    assert made["credited_to"]["id"] is None
    assert made["credited_to"]["name"] == company.find_referrer(None)["name"]
    assert [file["filename"] for file in made["attachments"]] == ["cover.pdf"]
    assert made["source"] == {"id": company.source["id"], "public_name": company.source["name"]}
    check_structure(APPLICATION, made)


@pytest.mark.parametrize("visibility", ["admin_only", "private", "public"])
async def test_note_is_written_by_its_author(creating: Creating, company: Company, visibility: str) -> None:
    candidate, author = creating.read("candidates")[-1], company.users[3]
    made = await creating.make(
        "create_candidate_note",
        {"candidate_id": candidate["id"], "user_id": author["id"], "body": "Went well.", "visibility": visibility},
    )
    row = creating.read_one("notes", ids=made["id"])
    assert (row["user_id"], row["candidate_id"], row["type"]) == (author["id"], candidate["id"], "NOTE")
    assert row["visibility"].startswith(visibility.removesuffix("_only"))
    assert made == {
        "id": row["id"],
        "created_at": row["created_at"],
        "body": "Went well.",
        "user": {name: author[name] for name in USER},
        "private": visibility == "private",
        "visiblity": visibility,
        "visibility": visibility,
    }
    check_structure(NOTE, made)


# What is answered and served


@pytest.mark.parametrize("kind", ["candidate", "prospect"])
async def test_created_person_is_answered_as_get_and_list_show_them(
    creating: Creating, company: Company, kind: str
) -> None:
    if kind == "candidate":
        made = await creating.make("create_candidate", company.make_full_candidate("Gelesen"))
    else:
        made = await creating.make("create_prospect", company.make_person("Gesehen", application={}))
    check_structure(PERSON, made)
    assert await creating.make("get_candidate", {"candidate_id": made["id"]}) == {
        "candidate_found": True, "body": made,
    }  # fmt: skip
    listed = await creating.make("list_candidates", {"results_per_page": 1})
    assert listed["results"] == [made]
    applications = await creating.make("list_applications", {"results_per_page": len(made["application_ids"])})
    assert applications["results"] == made["applications"]
    one = await creating.make("get_application", {"application_id": made["application_ids"][0]})
    assert one == {"application_found": True, "body": made["applications"][0]}


async def read_served(creating: Creating) -> dict[str, dict[str, Any]]:
    """Everything served that creating touches, by list and the vendor's id."""
    lists = ("candidates", "applications", "attachments", "activities", "tags")
    return {
        plural: {item["remote_id"]: item for item in await read_all(creating.api, plural, include_raw_data=True)}
        for plural in lists
    }


async def test_what_was_created_is_served_at_once(creating: Creating, company: Company) -> None:
    before = await read_served(creating)
    made = await creating.make("create_candidate", company.make_full_candidate("Sofort"))
    note = await creating.make(
        "create_candidate_note",
        {"candidate_id": made["id"], "user_id": company.acting, "body": "Called.", "visibility": "private"},
    )
    application = await creating.make(
        "create_candidate_application",
        {"user_id": company.acting, "candidate_id": made["id"], "job_id": company.jobs[2]["id"],
         "attachments": [{"filename": "late.pdf", "type2": "resume", "content": "aGk="}]},
    )  # fmt: skip
    served = await read_served(creating)
    candidate = served["candidates"][str(made["id"])]
    ids = [str(id) for id in (*reversed(made["application_ids"]), application["id"])]
    applications = [served["applications"][id] for id in ids]
    assert candidate["applications"] == [each["id"] for each in applications]
    assert {each["candidate"] for each in applications} == {candidate["id"]}
    assert applications[0]["source"] == company.source["name"]
    assert None not in [each["current_stage"] for each in applications]
    assert served["activities"][str(note["id"])]["candidate"] == candidate["id"]
    assert sorted(candidate["tags"]) == ["Java", "Tag of Sofort"]
    new = {plural: served[plural].keys() - before[plural].keys() for plural in served}
    tags = {tag["name"] for tag in before["tags"].values()}
    assert {served["tags"][id]["name"] for id in new.pop("tags")} == {"Java", "Tag of Sofort"} - tags
    assert {plural: len(ids) for plural, ids in new.items()} == {
        "candidates": 1, "applications": 3, "attachments": 4, "activities": 4,
    }  # fmt: skip
    assert set(candidate["attachments"]) == {served["attachments"][id]["id"] for id in new["attachments"]}
    for full in (False, True):
        assert (await creating.tenant.sync(full=full)).status == "done"
        assert await read_served(creating) == served, "a sync has found what was not read"


async def test_choices_feed_the_inputs_they_are_for(creating: Creating, company: Company) -> None:
    async def choose(name: str, **input: Any) -> Any:
        return (await creating.make(name, input))["result"][0]["value"]

    user = await choose("list_users_ddl")
    fields = (await creating.make("list_candidate_custom_fields_ddl", {}))["result"]
    field = next(choice["value"] for choice in fields if choice["text"] == "Nickname")
    job = company.jobs[0]["id"]
    assert job in [choice["value"] for choice in (await creating.make("list_jobs_ddl", {}))["result"]]
    file = {"filename": "cv.pdf", "type2": "resume", "content": "aGk="}
    person = {
        "user_id": user,
        "first_name": "Cy",
        "last_name": "Gewählt",
        "custom_fields": [{"key": field, "value": "C"}],
        "activity_feed_notes": [{"user_id": user, "body": "Chosen.", "visibility": "public"}],
        "applications": [
            {
                "job_id": job,
                "source_id": await choose("list_sources_ddl"),
                "initial_stage_id": await choose("list_job_stages_for_job_ddl", job_id=job),
                "attachments": [{**file, "content_type": await choose("list_attachment_content_types_ddl")}],
            }
        ],
    }
    made = await creating.make("create_candidate", person)
    assert made["custom_fields"]["nickname"] == "C"
    assert made["applications"][0]["jobs"][0]["id"] == job
    candidate = (await creating.make("list_candidates_ddl", {}))["result"][-1]
    assert candidate == {"text": "Cy Gewählt", "value": made["id"]}


# How often the vendor is asked


async def count_calls(creating: Creating, name: str, input: Row) -> int:
    creating.line.calls.clear()
    await creating.make(name, input)
    return len(creating.line.calls)


async def test_calls_grow_by_one_with_each_thing_that_is_written(creating: Creating, company: Company) -> None:
    note = {"user_id": company.acting, "body": "Hello.", "visibility": "public"}
    plain = {"user_id": company.acting, "first_name": "Di", "applications": [{"job_id": company.jobs[0]["id"]}]}

    async def count(last_name: str, **more: Any) -> int:
        return await count_calls(creating, "create_candidate", {**plain, "last_name": last_name, **more})

    alone = await count("Eins")
    assert alone == 1 + 1 + 1 + 6 + 3  # what is there, to write, to read, what belongs to them, to be served
    assert await count("Zwei", activity_feed_notes=[note] * 5) == alone + 5 + 1
    assert await count("Drei", applications=plain["applications"] * 4) == alone + 1 + 3
    assert await count("Vier", custom_fields=[{"key": "nickname", "value": "D"}] * 5) == alone + 1
    note_alone = {"candidate_id": creating.read("candidates")[0]["id"], **note}
    assert await count_calls(creating, "create_candidate_note", note_alone) == 5
