"""A connector to a whole Workable: all it holds is served, nothing is written twice, what goes there is gone here."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from testbed.counting import count, get, numbers
from testbed.databases import Databases
from testbed.harvest_link import find_changed, read_served, read_versions
from testbed.vendor_link import find_fields, flatten
from testbed.workable_expected import OWN, Records
from testbed.workable_line import Row
from testbed.workable_link import WorkableLink, leave_out_links, link_workable
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.model import MODELS

SIZE = 36
ALL = get_integration("workable").streams
WHOLE = {"members", "departments", "disqualification_reasons"}
"""Lists that every run reads whole."""
COUNTED = (
    "candidate", "application", "source", "job", "job_posting", "office", "department", "reject_reason", "remote_user",
    "scheduled_interview",
)  # fmt: skip
"""Models of the rows of lists; what is asked for beside rows is not compared."""
CANNOT = get_integration("workable").cannot

ODD: tuple[tuple[str, Row], ...] = (
    ("candidates", {"image_url": "https://example.com/face.png", "lastname": "", "phone": ""}),
    ("candidates", {"common_source": "Referral", "common_source_category": "Internal applications"}),
    ("candidates", {"email": None, "address": "", "location": {}, "resume_metadata": None, "domain": None}),
    ("candidates", {"firstname": '"\\ </script> \u2028 x', "tags": [], "experience_entries": []}),
    ("candidates", {"social_profiles": [
        {"type": kind, "url": f"https://example.com/{kind}"} for kind in ("linkedin", "github", "somewhere")
    ]}),
    ("candidates", {"job_shortcode": None}),
    ("candidates", {"answers": [
        {"question": {"id": "1", "body": "Which?"}, "answer": {"choices": [{"body": "A"}, {"body": "B"}]}},
        {"question": {"id": "2", "body": "When?"}, "answer": {"date": "2026-11-01"}},
        {"question": {"id": "3", "body": "A sample"}, "answer": {"file_url": "https://example.com/sample.pdf"}},
    ]}),
    ("candidates", {"disqualified": True, "disqualified_at": None, "disqualification_reason": "Never heard of"}),
    ("members", {"name": "Cher", "headline": "Head of made-up things"}),
    ("members", {"name": "Anna Maria de la Cruz", "email": ""}),
    ("jobs", {"department": "Gone", "department_hierarchy": [], "locations": [], "salary": {}}),
    ("jobs", {"department": None, "department_hierarchy": None, "state": "closed", "code": ""}),
    ("jobs", {"salary": {"salary_from": 1.5, "salary_to": None, "salary_currency": "chf"}, "description": None,
        "requirements": None, "benefits": None}),
    ("events", {"members": [], "conference": None, "type": "MeetingEvent", "candidate_id": None}),
    ("activities", {"body": "", "visibility_roles": ["admin"]}),
)  # fmt: skip
"""What the documents allow and the made-up company has not."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def company(databases: Databases, sealer: Sealer) -> AsyncIterator[WorkableLink]:
    """A company that has had its first sync."""
    async with link_workable(databases, sealer, size=SIZE, seed=7) as link:
        await link.look()
        assert link.raw is not None
        timelines = [entry for rows in link.raw.timelines.values() for entry in rows if entry["action"] == "comment"]
        for place, (stream, fields) in enumerate(ODD, 1):
            rows = timelines if stream == "activities" else link.list_rows(stream)
            await link.change(stream, rows[-place % len(rows)]["id"], **fields)
        report = await link.sync()
        assert report.status == "done"
        assert not [part for part in report.streams if part.quarantined]
        await link.look()
        await link.check()
        yield link


@pytest_asyncio.fixture
async def link(company: WorkableLink) -> WorkableLink:
    """The company as it was last found to be right, an hour later."""
    if not company.is_settled:
        await company.settle()
    await company.wait_an_hour()
    return company


async def test_everything_the_vendor_holds_is_served_field_by_field(link: WorkableLink) -> None:
    assert len(link.served.records["candidates"]) == len(link.served.records["applications"]) >= SIZE
    # What makes the comparison worth something: every field has values but for those that Workable is said not to give.
    values = find_fields(link.expected)
    models = [spec for model, spec in MODELS.items() if model not in CANNOT]
    fields = {f"{spec.name}.{field.name}" for spec in models for field in (*spec.fields, *spec.more)}
    empty = {field for field in fields if values.get(field, {b"null"}) <= {b"null", b"[]"}}
    assert empty == {field for field in CANNOT if "." in field}


@pytest.mark.parametrize("full", [False, True])
async def test_second_run_with_nothing_changed_writes_nothing(link: WorkableLink, full: bool) -> None:
    await link.sync(full=full)
    before = await read_versions(link.tenant.pool)
    assert len(before["record"]) == len(link.served.times)
    report = await link.sync(full=full)
    assert report.status == "done"
    assert [part for part in report.streams if part.added or part.changed or part.deleted] == []
    assert await read_versions(link.tenant.pool) == before
    assert before["stale"] == before["seen"] == before["quarantine"] == []


async def test_run_with_nothing_changed_asks_each_list_once_and_nothing_else(link: WorkableLink) -> None:
    await link.sync()
    await link.control.delete("requests")
    report = await link.sync()
    # Events are read once an hour.
    lists = sorted(f"/spi/v3{one.path}" for one in ALL if one.name != "events")
    assert sorted(await link.list_asked()) == lists
    assert report.requests == len(lists)


async def test_whole_read_with_nothing_changed_asks_for_few_details(link: WorkableLink) -> None:
    await link.sync(full=True)
    await link.control.delete("requests")
    await link.sync(full=True)
    asked = await link.list_asked()
    # Within a week, a month, and each day: see the details that the connector declares.
    assert sum(path.endswith("/activities") for path in asked) < SIZE / 3
    assert sum(path.endswith("/files") for path in asked) < SIZE / 6
    assert len({path for path in asked if path.endswith("/stages")}) == 1 + len(link.list_rows("jobs"))


# Rows gone, and new ones


async def test_deleted_rows_are_gone_with_the_next_full_sync_and_no_earlier(link: WorkableLink) -> None:
    before, expected = link.served, link.expected
    ids = {stream: link.list_rows(stream)[len(link.list_rows(stream)) // 2]["id"] for stream in OWN}
    for stream, id in ids.items():
        await link.delete(stream, id)
    report = await link.sync()
    assert {part.stream for part in report.streams if part.deleted} == WHOLE
    await link.settle()
    gone = {(plural, id) for plural in expected for id in expected[plural].keys() - link.expected[plural].keys()}
    assert {plural for plural, _ in gone} >= {MODELS[model].plural for model in OWN.values()} | {
        "applications", "activities", "job-postings", "job-interview-stages",
    }  # fmt: skip
    for plural, remote_id in gone:
        id = before.records[plural][remote_id]["id"]
        assert (await link.api.get(f"/api/v1/{plural}/{id}")).status_code == 404
    assert link.served.changed_since(before) <= find_changed(leave_out(expected), leave_out(link.expected))


def leave_out(records: Records) -> Records:
    return leave_out_links(flatten(records))


async def test_new_rows_are_shown_by_the_next_run(link: WorkableLink) -> None:
    before = link.served
    job = link.list_rows("jobs")[0]["shortcode"]
    body = {"firstname": "Ada", "lastname": "New", "email": "ada.new@example.com", "tags": ["new"]}
    made = link.line.post(f"/jobs/{job}/candidates", candidate=body)["candidate"]["id"]
    link.line.post("/departments", name="New department")
    await link.sync()
    served = await read_served(link.api)
    assert served.records["candidates"][made]["tags"] == ["new"]
    assert served.records["applications"][made]["job"] == served.records["jobs"][job]["id"]
    shown = {plural for plural, _ in served.changed_since(before)}
    assert {"candidates", "applications", "activities", "application-transitions", "departments"} <= shown
    await link.settle()


async def test_vendor_is_counted_as_its_documents_say(link: WorkableLink) -> None:
    found = await count(link.tenant)
    assert found.is_equal
    there = {model: row[0] for model, row in numbers(found).items() if row[0]}
    assert there == {model: len(link.expected[MODELS[model].plural]) for model in COUNTED}
    await link.delete("candidates", link.list_rows("candidates")[0]["id"])
    found = await count(link.tenant)
    assert (get(found, "candidate").gone, get(found, "application").gone) == (1, 1)
    await link.settle()
