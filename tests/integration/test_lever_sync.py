"""A connector to a whole Lever: all it holds is served, nothing is written twice, what goes there is gone here."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.harvest_link import find_changed, read_versions
from testbed.lever_expected import KINDS
from testbed.lever_link import LeverLink, link_lever
from testbed.tenants import read_all
from testbed.vendor_link import find_fields
from unihire.errors import CredentialsRefused
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.model import MODELS, NATIVE_MODELS

SIZE = 30
ALL = get_integration("lever").streams
CANNOT = get_integration("lever").cannot

ODD: tuple[tuple[str, dict[str, Any]], ...] = (
    ("contacts", {"name": "Cher", "emails": [], "phones": [], "location": {"name": ""}}),
    ("contacts", {"name": "Anna Maria de la Cruz", "phones": [{"type": "skype", "value": "anna.example"}]}),
    ("contacts", {"name": '"\\ </script> \u2028 x Ünïcode ✓', "isAnonymized": True}),
    ("opportunities", {"links": [f"https://www.{name}.com/x" for name in (
        "github", "medium", "twitter", "dribbble",
    )] + ["https://blog.example.com/", "https://www.example.com/"]}),
    ("opportunities", {"dataProtection": {"store": {"allowed": False, "expiresAt": None}}, "tags": []}),
    ("opportunities", {"confidentiality": "confidential", "owner": None, "sources": []}),
    ("opportunities", {"origin": "internal", "stageChanges": []}),
    ("postings", {"state": "draft", "urls": {}, "salaryRange": None, "workplaceType": "hybrid"}),
    ("postings", {"state": "rejected", "confidentiality": "confidential"}),
    ("postings", {"state": "internal", "requisitionCodes": [], "reqCode": "OLD-7", "country": "DE"}),
    ("postings", {"distributionChannels": ["internal"], "categories": {
        "team": None, "department": None, "location": "Berlin", "allLocations": ["Berlin", "Paris"],
        "commitment": "On call", "level": "Senior",
    }}),
    ("interviews", {"canceledAt": 1_780_000_000_000, "location": "Room 7"}),
    ("interviews", {"interviewers": [], "location": "", "timezone": ""}),
    ("feedback", {"type": "assignment"}),
    ("notes", {"deletedAt": 1_780_000_000_000}),
    ("notes", {"secret": True, "fields": []}),
    ("users", {"accessRole": "7c0ffee7-0000-4000-8000-000000000001", "jobTitle": ""}),
    ("archive_reasons", {"status": "inactive"}),
)  # fmt: skip
"""What the documents allow and the made-up account has not."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def account(databases: Databases, sealer: Sealer) -> AsyncIterator[LeverLink]:
    """An account that has had its first sync."""
    async with link_lever(databases, sealer, size=SIZE, seed=7) as link:
        await link.look()
        for place, (stream, fields) in enumerate(ODD, 1):
            rows = link.list_rows(stream)
            await link.change(stream, rows[-place % len(rows)]["id"], **fields)
        report = await link.sync()
        assert (report.status, report.is_full) == ("done", False)
        assert not [part for part in report.streams if part.quarantined]
        await link.look()
        await link.check()
        yield link


@pytest_asyncio.fixture
async def link(account: LeverLink) -> LeverLink:
    """The account as it was last found to be right."""
    if not account.is_settled:
        await account.settle()
    return account


async def list_asked(link: LeverLink) -> list[str]:
    """The paths that were asked for, with the ids left out."""
    return [entry["path"] for entry in (await link.control.get("requests")).json()["last"]]


async def test_everything_the_vendor_holds_is_served_field_by_field(link: LeverLink) -> None:
    assert len(link.served.records["candidates"]) == SIZE
    # What makes the comparison worth something: every field has values but for those that Lever is said not to give.
    values = find_fields(link.expected)
    models = [spec for model, spec in MODELS.items() if model not in CANNOT]
    fields = {f"{spec.name}.{field.name}" for spec in models for field in (*spec.fields, *spec.more)}
    empty = {field for field in fields if values.get(field, {b"null"}) <= {b"null", b"[]"}}
    assert empty == {field for field in CANNOT if "." in field} | {"screening_question.description"}


async def test_relations_lead_to_every_record_that_is_there(link: LeverLink) -> None:
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
async def test_second_run_with_nothing_changed_writes_nothing(link: LeverLink, full: bool) -> None:
    await link.sync(full=full)
    before = await read_versions(link.tenant.pool)
    assert len(before["record"]) == len(link.served.times)
    report = await link.sync(full=full)
    assert report.status == "done"
    assert [part for part in report.streams if part.added or part.changed or part.deleted] == []
    assert await read_versions(link.tenant.pool) == before
    assert before["stale"] == before["seen"] == before["quarantine"] == []
    link.is_settled = True


async def test_run_with_nothing_changed_asks_each_list_and_for_no_details(link: LeverLink) -> None:
    await link.sync()
    await link.control.delete("requests")
    report = await link.sync()
    asked = await list_asked(link)
    assert not [path for path in asked if path.rpartition("/")[2] in KINDS]
    assert report.requests == len(ALL) + 2  # and what was deleted, for two of them
    link.is_settled = True


async def test_deleted_rows_are_gone_with_the_next_run_and_what_belongs_to_opportunities_with_a_complete_one(
    link: LeverLink,
) -> None:
    before, expected = link.served, link.expected
    whole = ("users", "archive_reasons", "tags", "sources", "postings", "requisitions")
    ids = {name: link.list_rows(name)[len(link.list_rows(name)) // 2] for name in whole}
    ids |= {kind: rows[len(rows) // 2] for kind in KINDS if (rows := link.list_of_open(kind))}
    counted = Counter(row["contact"] for row in link.list_rows("opportunities"))
    gone = next(row for row in link.list_rows("opportunities") if counted[row["contact"]] > 1)
    for name, row in ids.items():
        if "id" in row:
            await link.delete(name, row["id"])
    await link.delete("opportunities", gone["id"])
    assert (await link.sync()).status == "done"
    served = await link.read_served()
    assert gone["id"] not in served.records["applications"]
    assert ids["users"]["id"] not in served.records["remote-users"]
    assert ids["postings"]["id"] not in served.records["jobs"]
    await link.settle()
    lost = {(plural, id) for plural in expected for id in expected[plural].keys() - link.expected[plural].keys()}
    assert lost >= {("applications", gone["id"]), ("jobs", ids["postings"]["id"])}
    assert lost >= {("scheduled-interviews", ids["interviews"]["id"]), ("attachments", ids["files"]["id"])}
    for plural, remote_id in lost:
        id = before.records[plural][remote_id]["id"]
        assert (await link.api.get(f"/api/v1/{plural}/{id}")).status_code == 404
    assert link.served.changed_since(before) == find_changed(expected, link.expected)


async def test_deleted_contact_goes_with_its_opportunities(link: LeverLink) -> None:
    contact = link.list_rows("contacts")[2]["id"]
    own = [row["id"] for row in link.list_rows("opportunities") if row["contact"] == contact]
    await link.delete("contacts", contact)
    assert (await link.sync()).status == "done"
    served = await link.read_records()
    assert contact not in served["candidates"]
    assert not served["applications"].keys() & set(own)


async def test_new_rows_are_shown_by_the_next_run(link: LeverLink) -> None:
    before, expected = link.served, link.expected
    posting = next(row for row in link.list_rows("postings") if row["state"] == "published")
    body = {"name": "Ada New", "emails": ["ada.new@example.com"], "postings": [posting["id"]], "tags": ["Brand new"]}
    made = link.line.act("POST", "/opportunities", body)
    link.line.act("POST", f"/opportunities/{made['id']}/notes", {"value": "New note"})
    assert (await link.sync()).status == "done"
    await link.look()
    await link.check()
    assert link.served.changed_since(before) == find_changed(expected, link.expected)
    application = link.served.records["applications"][made["id"]]
    assert link.served.records["candidates"][made["contact"]]["applications"] == [application["id"]]


async def test_accounts_with_the_same_ids_do_not_meet(databases: Databases, sealer: Sealer, link: LeverLink) -> None:
    async with link_lever(databases, sealer, pool=link.tenant.pool, size=12, seed=8) as other:
        await other.settle()
        assert other.expected["job-interview-stages"].keys() & link.expected["job-interview-stages"].keys()
        await link.check()


async def test_key_that_was_switched_off_is_reported_and_deletes_nothing(link: LeverLink) -> None:
    keys = link.sandbox.app.emulator.streams["api_keys"]
    keys.change_some(keys.count()["rows"], {"isEnabled": False})
    try:
        with pytest.raises(CredentialsRefused):
            await link.sync()
    finally:
        keys.change_some(keys.count()["rows"], {"isEnabled": True})
    await link.check()
