"""What is refused of the operations that create: by the vendor, or because it has no such thing. What is told then."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from testbed.creating import Company, Creating, open_creating
from testbed.databases import Databases
from testbed.tenants import read_all
from unihire.kit.seal import Sealer


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def creating(databases: Databases, sealer: Sealer) -> AsyncIterator[Creating]:
    async with open_creating(databases, sealer, size=100, seed=9) as opened:
        yield opened


@pytest.fixture(scope="module")
def company(creating: Creating) -> Company:
    return Company(creating)


async def test_vendor_s_refusal_is_told_in_its_words_and_nobody_is_left_behind(
    creating: Creating, company: Company
) -> None:
    newest = creating.read("candidates")[0]["id"]
    person = {"user_id": company.acting, "first_name": "E", "last_name": "Fehler", "applications": [{"job_id": 12}]}
    outcome = await creating.call("create_candidate", person)
    assert not outcome.is_success
    assert outcome.output["response"] == {
        "statusCode": 422,
        "body": {"message": "Unprocessable Content", "errors": [{"job_id": "`12` does not exist"}]},
    }
    assert (outcome.output["code"], "made" in outcome.output) == ("unprocessable_entity_web_dav", False)
    assert creating.read("candidates")[0]["id"] == newest


async def test_half_made_person_is_told_step_by_step(creating: Creating, company: Company) -> None:
    person = company.make_person(
        "Halb",
        applications=[{"job_id": job["id"]} for job in company.jobs[:3]],
        activity_feed_notes=[{"user_id": company.acting, "body": "Never.", "visibility": "public"}],
    )
    person["applications"][1]["initial_stage_id"] = 12
    outcome = await creating.call("create_candidate", person)
    made = creating.read("candidates")[0]
    assert made["last_name"] == "Halb"
    assert not outcome.is_success
    assert outcome.output["response"]["statusCode"] == 422
    assert outcome.output["made"] == {"candidate": made["id"]}
    assert outcome.output["perhaps_made"] == []
    assert outcome.output["not_made"] == ["application.1", "application.2", "note.0"]
    assert f"made: candidate {made['id']}; not made: application.1, application.2, note.0" in outcome.output["message"]
    served = {item["remote_id"] for item in await read_all(creating.api, "candidates")}
    assert str(made["id"]) in served


MISSING = {
    "#/recruiter/email": {"recruiter": {"email": "nobody@example.com"}},
    "#/coordinator/email": {"coordinator": {"email": "nobody@example.com"}},
    "#/custom_fields/1/key": {"custom_fields": [{"key": "nickname", "value": "A"}, {"key": "Nonsense", "value": 1}]},
    "#/applications/2/job_id": {"applications": [{"job_id": 0}, {"job_id": 0}, {"job_id": 12}]},
    "#/activity_feed_notes/1/user_id": {
        "activity_feed_notes": [
            {"user_id": 0, "body": "x", "visibility": "public"},
            {"user_id": 12, "body": "x", "visibility": "public"},
        ]
    },
    "#/custom_fields/0/key": {"custom_fields": [{"key": "12", "value": 1}]},
    "#/applications/0/referrer/value": {
        "applications": [{"job_id": 0, "referrer": {"type2": "email", "value": "nobody@example.com"}}]
    },
    "#/applications/1/referrer/value": {
        "applications": [{"job_id": 0}, {"job_id": 0, "referrer": {"type2": "outside", "value": "Nobody"}}]
    },
}


def fill_in(person: Any, company: Company) -> Any:
    """The input with 0 as an id there is."""
    if isinstance(person, list):
        return [fill_in(each, company) for each in person]
    if not isinstance(person, dict):
        return person
    there = {"job_id": company.jobs[0]["id"], "user_id": company.acting}
    return {name: there[name] if value == 0 else fill_in(value, company) for name, value in person.items()}


@pytest.mark.parametrize("place", MISSING)
async def test_what_the_vendor_does_not_have_is_told_before_anything_is_written(
    creating: Creating, company: Company, place: str
) -> None:
    person = company.make_person("Fehlt", applications=[{"job_id": company.jobs[0]["id"]}]) | MISSING[place]
    person = fill_in(person, company)
    creating.line.calls.clear()
    outcome = await creating.call("create_candidate", person)
    assert not outcome.is_success
    assert outcome.output["code"] == "not_found"
    assert outcome.output["message"].startswith(f"{place}: ")
    assert "nobody@example.com" not in outcome.output["message"]
    assert {method for method, _ in creating.line.calls} <= {"GET"}


async def test_user_nobody_may_act_as_is_told_and_the_connector_stays_good(
    creating: Creating, company: Company
) -> None:
    candidate = creating.read("candidates")[0]["id"]
    note = {"candidate_id": candidate, "user_id": 12, "body": "x", "visibility": "public"}
    outcome = await creating.call("create_candidate_note", note)
    assert not outcome.is_success
    assert (outcome.output["code"], outcome.output["response"]) == ("not_found", {})
    assert "act as user 12" in outcome.output["message"]
    await creating.make("create_candidate_note", {**note, "user_id": company.acting})


# Missing rights


async def test_missing_scope_is_told_in_the_vendor_s_words(databases: Databases, sealer: Sealer) -> None:
    options = {"without_scopes": "notes:create"}
    async with open_creating(databases, sealer, size=100, options=options) as creating:
        candidate, user = creating.read("candidates")[0]["id"], creating.read("users")[0]["id"]
        note = {"candidate_id": candidate, "user_id": user, "body": "x", "visibility": "public"}
        outcome = await creating.call("create_candidate_note", note)
        assert (outcome.is_success, outcome.output["code"]) == (False, "forbidden")
        assert outcome.output["response"]["statusCode"] == 403
        assert "harvest:notes:create" in str(outcome.output["response"]["body"])
        assert "made" not in outcome.output


def grant(creating: Creating, *scopes: str) -> Creating:
    """The same where the vendor has said that it granted these."""
    connector = replace(creating.tenant.connector, scopes=list(scopes))
    return replace(creating, tenant=replace(creating.tenant, connector=connector))


async def test_write_without_a_scope_is_not_tried_where_it_is_known_that_it_was_not_granted(
    creating: Creating, company: Company
) -> None:
    creating = grant(creating, "harvest:candidates:create")
    candidate = creating.read("candidates")[0]["id"]
    note = {"candidate_id": candidate, "user_id": company.acting, "body": "x", "visibility": "public"}
    creating.line.calls.clear()
    outcome = await creating.call("create_candidate_note", note)
    assert (outcome.is_success, outcome.output["code"], outcome.output["response"]) == (False, "forbidden", {})
    assert "the scope harvest:notes:create" in outcome.output["message"]
    assert "made" not in outcome.output
    assert not creating.line.calls


async def test_nothing_is_made_where_a_part_of_it_could_not_be(creating: Creating, company: Company) -> None:
    file = {"filename": "a.pdf", "type2": "resume", "content": "aGk="}
    person = company.make_person("Halb", application={"attachments": [file]})
    creating.line.calls.clear()
    outcome = await grant(creating, "harvest:candidates:create").call("create_prospect", person)
    assert (outcome.is_success, outcome.output["code"]) == (False, "forbidden")
    assert "harvest:attachments:create" in outcome.output["message"]
    assert "made" not in outcome.output
    assert {method for method, _ in creating.line.calls} <= {"GET"}
    granted = grant(creating, "harvest:candidates:create", "harvest:attachments:create")
    await granted.make("create_prospect", person)


async def test_what_can_be_read_is_served_where_other_rights_are_missing(databases: Databases, sealer: Sealer) -> None:
    options = {"without_scopes": "attachments:list"}
    async with open_creating(databases, sealer, size=100, options=options) as creating:
        company = Company(creating)
        file = {"filename": "a.pdf", "type2": "resume", "content": "aGk="}
        person = company.make_person("Ohne", application={"attachments": [file]})
        outcome = await creating.call("create_prospect", person)
        assert (outcome.is_success, outcome.output["not_made"]) == (False, [])
        assert outcome.output["made"].keys() == {"candidate", "attachment.0.0"}
        served = (await creating.api.get("/api/ats/v1/candidates")).json()["items"]
        assert [item["remote_id"] for item in served] == [str(outcome.output["made"]["candidate"])]
