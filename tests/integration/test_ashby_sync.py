"""A connector to a whole Ashby: all it holds is served, nothing is written twice, what goes there is gone here."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from testbed.ashby_expected import OWN
from testbed.ashby_link import AshbyLink, link_ashby
from testbed.databases import Databases
from testbed.harvest_link import find_changed, read_served, read_versions
from testbed.tenants import read_all
from testbed.vendor_link import find_fields
from unihire.errors import CredentialsRefused
from unihire.integration.declare import CallById
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.model import MODELS, NATIVE_MODELS
from unihire.sync.fetching import SURE_AFTER

SIZE = 60
ALL = get_integration("ashby").streams
WHOLE = {"archive_reasons", "sources", "job_postings"}
"""Lists without sync tokens, which every run reads whole."""
CANNOT = get_integration("ashby").cannot

ODD: tuple[tuple[str, dict[str, Any]], ...] = (
    ("candidates", {"name": "Cher", "position": "", "company": "", "emailAddresses": []}),
    ("candidates", {"name": "Anna Maria de la Cruz", "school": "Example School", "phoneNumbers": []}),
    ("candidates", {"name": "", "emailAddresses": [
        {"value": "", "type": "Work", "isPrimary": True},
        {"value": "b@example.com", "type": "Other", "isPrimary": False},
    ]}),
    ("candidates", {"socialLinks": [{"type": kind, "url": f"https://example.com/{kind}"} for kind in (
        "LinkedIn", "GitHub", "Twitter", "Medium", "StackOverflow", "YouTube", "CodePen", "Website",
    )]}),
    ("candidates", {"name": "Ünïcode ✓", "location": {
        "id": "1", "locationSummary": "Somewhere", "locationComponents": [],
    }}),
    ("candidates", {"name": '"\\ </script> \u2028 x', "tagIds": []}),
    ("jobs", {"compensationTiers": [], "locationId": None, "departmentId": None, "team": []}),
    ("jobs", {"compensationTiers": [{"id": "1", "title": "Two", "tierSummary": "", "components": [
        {"id": "2", "compensationType": "Salary", "interval": "1 HOUR", "currencyCode": "USD", "minValue": 20.5,
            "maxValue": None, "summary": ""},
        {"id": "3", "compensationType": "Bonus", "interval": "NONE", "currencyCode": "USD", "minValue": 1,
            "maxValue": 2, "summary": ""},
    ]}]}),
    ("locations", {"address": {"postalAddress": {
        "streetAddress": "1 Example Street", "postalCode": "10115", "addressLocality": "Berlin", "addressCountry": "DE",
    }}}),
    ("jobs", {"status": "Closed", "closedAt": "2026-11-01T09:00:00.000Z"}),
    ("jobs", {"status": "Archived", "closedAt": None}),
    ("locations", {"address": {"postalAddress": {}}}),
    ("offers", {"acceptanceStatus": "Pending", "offerStatus": "WaitingOnOfferApproval", "decidedAt": ""}),
    ("interview_schedules", {"status": "Unknown"}),
    ("interview_schedules", {"status": "WaitingOnCandidateBooking", "events": []}),
    ("notes", {"content": "", "isPrivate": True}),
    ("users", {"firstName": "", "email": ""}),
    ("applications", {"status": "Paused"}),
    ("applications", {"interviewStageId": None}),
    ("jobs", {"status": "Draft", "locationId": None}),
)  # fmt: skip
"""What the documents allow and the made-up company has not."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def company(databases: Databases, sealer: Sealer) -> AsyncIterator[AshbyLink]:
    """A company that has had its first sync."""
    async with link_ashby(databases, sealer, size=SIZE, seed=7) as link:
        await link.look()
        assert link.raw is not None
        notes = [note for notes in link.raw.notes.values() for note in notes]
        dated = next(row for row in link.list_rows("interview_schedules") if row["interviewEvents"])
        (event, *others) = (await link.control.get(f"rows/interview_schedules/{dated['id']}")).json()["events"]
        marked = {**event, "extraData": {"external_id": "calendar-17"}, "location": None, "meetingLink": ""}
        await link.change("interview_schedules", dated["id"], events=[marked, *others])
        for place, (stream, fields) in enumerate(ODD, 1):
            rows = notes if stream == "notes" else link.list_rows(stream)
            await link.change(stream, rows[-place % len(rows)]["id"], **fields)
        report = await link.sync()
        assert (report.status, report.is_full) == ("done", False)
        assert not [part for part in report.streams if part.quarantined]
        await link.look()
        await link.check()
        yield link


@pytest_asyncio.fixture
async def link(company: AshbyLink) -> AshbyLink:
    """The company as it was last found to be right, an hour later."""
    if not company.is_settled:
        await company.settle()
    await company.wait_an_hour()
    return company


async def list_asked(link: AshbyLink) -> list[str]:
    return [entry["path"] for entry in (await link.control.get("requests")).json()["last"]]


async def test_everything_the_vendor_holds_is_served_field_by_field(link: AshbyLink) -> None:
    assert len(link.served.records["candidates"]) == SIZE
    # What makes the comparison worth something: every field has values but for those that Ashby is said not to give.
    values = find_fields(link.expected)
    models = [spec for model, spec in MODELS.items() if model not in CANNOT]
    fields = {f"{spec.name}.{field.name}" for spec in models for field in (*spec.fields, *spec.more)}
    empty = {field for field in fields if values.get(field, {b"null"}) <= {b"null", b"[]"}}
    assert empty == {field for field in CANNOT if "." in field} | {"scheduled_interview.title"}
    with_null = {field for field in fields if b"null" in values[field]}
    assert with_null >= {
        "application.current_stage", "application.rejected_at", "application.source", "application.credited_to",
        "application.job_posting", "candidate.locations", "candidate.title", "candidate.first_name", "job.code",
        "job.description", "job.pay", "offer.closed_at", "office.place", "job_posting.content",
        "scheduled_interview.location", "scorecard.overall_recommendation", "scorecard.score", "department.parent",
    }  # fmt: skip


async def test_custom_fields_are_there_when_asked_for(link: AshbyLink) -> None:
    for plural in ("jobs", "candidates", "applications", "offers"):
        assert any(record["custom_fields"] for record in link.served.records[plural].values()), plural
        assert all(item["custom_fields"] is None for item in await read_all(link.api, plural))


async def test_relations_lead_to_every_record_that_is_there(link: AshbyLink) -> None:
    there = {record["id"] for records in link.served.records.values() for record in records.values()}
    for spec in NATIVE_MODELS.values():
        names = [relation.name for relation in spec.relations]
        if not names:
            continue
        for item in await read_all(link.api, spec.plural, expand=",".join(f"{name}[id]" for name in names)):
            shown = [item[name] for name in names]
            for one in [one for value in shown for one in (value if isinstance(value, list) else [value]) if one]:
                assert isinstance(one, dict) == ((one["id"] if isinstance(one, dict) else one) in there)


@pytest.mark.parametrize("full", [False, True])
async def test_second_run_with_nothing_changed_writes_nothing(link: AshbyLink, full: bool) -> None:
    await link.sync(full=full)
    before = await read_versions(link.tenant.pool)
    assert len(before["record"]) == len(link.served.times)
    report = await link.sync(full=full)
    assert report.status == "done"
    assert [part for part in report.streams if part.added or part.changed or part.deleted] == []
    assert await read_versions(link.tenant.pool) == before
    assert before["stale"] == before["seen"] == before["quarantine"] == []


async def test_run_with_nothing_changed_asks_each_list_once_and_nothing_else(link: AshbyLink) -> None:
    await link.sync()
    await link.control.delete("requests")
    report = await link.sync()
    # Plans are read once an hour.
    assert sorted(await list_asked(link)) == sorted(one.path for one in ALL if one.name != "interview_plans")
    assert report.requests == len(ALL) - 1


async def test_whole_read_with_nothing_changed_asks_for_few_details(link: AshbyLink) -> None:
    await link.sync(full=True)
    await link.control.delete("requests")
    await link.sync(full=True)
    asked = await list_asked(link)
    # Within a week, a month, and each day: see the details that the connector declares.
    assert asked.count("/candidate.listNotes") < SIZE / 3
    assert asked.count("/application.info") + asked.count("/offer.info") < len(link.list_rows("applications")) / 6
    assert asked.count("/interviewStage.list") == len(link.list_rows("interview_plans"))


# Rows gone


async def test_deleted_rows_are_gone_with_the_next_full_sync_and_no_earlier(link: AshbyLink) -> None:
    before, expected = link.served, link.expected
    ids = {stream: link.list_rows(stream)[len(link.list_rows(stream)) // 2]["id"] for stream in OWN}
    assert link.raw is not None
    ids["interview_schedules"] = next(
        row["id"] for row in link.list_rows("interview_schedules") if row["interviewEvents"]
    )
    for stream, id in ids.items():
        await link.delete(stream, id)
    report = await link.sync()
    assert {part.stream for part in report.streams if part.deleted} == WHOLE
    await link.control.delete("requests")
    assert (await link.sync_slow_cycle()).status == "done"
    await link.look()
    await link.check()
    now = link.expected
    gone = {(plural, id) for plural in expected for id in expected[plural].keys() - now[plural].keys()}
    assert gone >= {(MODELS[OWN[stream]].plural, id) for stream, id in ids.items() if stream in OWN}
    asked = await list_asked(link)
    for stream in ALL:
        if isinstance(stream.by_id, CallById):
            assert asked.count(stream.by_id.path) >= SURE_AFTER, stream.name
    for plural, remote_id in gone:
        id = before.records[plural][remote_id]["id"]
        assert (await link.api.get(f"/api/v1/{plural}/{id}")).status_code == 404
    # Those that showed them have changed, and nobody else.
    assert link.served.changed_since(before) == find_changed(expected, now)


async def test_rows_that_come_back_are_served_again_under_their_ids(link: AshbyLink) -> None:
    before = link.served
    ids = {stream: link.list_rows(stream)[len(link.list_rows(stream)) // 3]["id"] for stream in OWN}
    held = {stream: (await link.control.get(f"rows/{stream}/{id}")).json() for stream, id in ids.items()}
    for stream, id in ids.items():
        await link.delete(stream, id)
    await link.settle()
    gone = [(plural, id) for plural, records in before.records.items() for id in records.keys() - link.expected[plural]]
    assert len(gone) > len(OWN)
    for stream, row in held.items():
        await link.create(stream, **{name: value for name, value in row.items() if name != "updatedAt"})
    await link.settle()
    for plural, records in before.records.items():
        if plural != "application-transitions":  # who comes back has a new history
            assert {id: record["id"] for id, record in records.items()} == {
                id: record["id"] for id, record in link.served.records[plural].items()
            }


async def test_new_rows_are_shown_by_the_next_run(link: AshbyLink) -> None:
    before, expected = link.served, link.expected
    job, user = link.list_rows("jobs")[3], link.list_rows("users")[0]["id"]
    person = (await link.create("candidates", name="Ada New"))["id"]
    application = (
        await link.create(
            "applications",
            candidateId=person,
            jobId=job["id"],
            interviewStageId=link.list_rows("applications")[0]["currentInterviewStage"]["id"],
        )
    )["id"]
    await link.create("notes", candidateId=person, content="New note", authorId=user)
    for stream in ("users", "departments", "locations", "candidate_tags", "sources", "archive_reasons"):
        await link.create(stream)
    await link.create("job_postings", jobId=job["id"], title="New posting", publishedDate="2026-11-01")
    assert (await link.sync()).status == "done"
    await link.look()
    await link.check()
    assert link.served.changed_since(before) == find_changed(expected, link.expected)
    assert link.served.records["candidates"][person]["applications"] == [
        link.served.records["applications"][application]["id"]
    ]
    assert len(link.served.changed_since(before)) >= 10


async def test_merged_candidate_goes_and_what_it_had_is_the_others(link: AshbyLink) -> None:
    rows = [row for row in link.list_rows("candidates") if row["applicationIds"] and row["fileHandles"]]
    merged, other = rows[0], rows[-1]
    await link.change("candidates", merged["id"], mergedIntoId=other["id"])
    assert (await link.sync()).status == "done"
    served = (await read_served(link.api)).records
    ours = link.served.records["applications"]
    both = {ours[id]["id"] for id in (*merged["applicationIds"], *other["applicationIds"])}
    assert set(served["candidates"][other["id"]]["applications"]) == both
    assert merged["id"] in served["candidates"], "only a complete read shows that it is gone"
    await link.settle()
    assert merged["id"] not in link.served.records["candidates"]
    for id in merged["applicationIds"]:
        assert link.served.records["applications"][id]["candidate"] == served["candidates"][other["id"]]["id"]


async def test_companies_with_the_same_ids_do_not_meet(databases: Databases, sealer: Sealer, link: AshbyLink) -> None:
    async with link_ashby(databases, sealer, pool=link.tenant.pool, size=24, seed=8) as other:
        await other.settle()
        assert other.expected["offices"].keys() & link.expected["offices"].keys()
        await link.check()
        for stream in ("candidates", "applications", "jobs"):
            (await other.control.request("DELETE", f"rows/{stream}", json={"share": 0.2})).raise_for_status()
        await other.settle()
        before = link.served
        await link.sync(full=True)
        await link.check()
        assert link.served == before


async def test_key_that_was_switched_off_is_reported_and_deletes_nothing(link: AshbyLink) -> None:
    keys = link.sandbox.app.emulator.streams["api_keys"]
    keys.change_some(keys.count()["rows"], {"isEnabled": False})
    try:
        for full in (False, True):
            with pytest.raises(CredentialsRefused):
                await link.sync(full=full)
    finally:
        keys.change_some(keys.count()["rows"], {"isEnabled": True})
    assert await read_served(link.api) == link.served
    assert (await link.sync()).status == "done"
