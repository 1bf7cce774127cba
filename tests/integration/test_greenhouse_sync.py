"""A connector to a whole Greenhouse: all it holds is served, nothing is written twice, what goes there is gone here."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.harvest_link import HarvestLink, find_changed, link_harvest, read_served, read_versions
from testbed.harvest_truth import OWN, STREAMS, Records
from testbed.tenants import read_all
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.model import MODELS, NATIVE_MODELS
from unihire.sync.fetching import SURE_AFTER

SIZE = 70
ALL = get_integration("greenhouse").streams
GIVEN = {(spec.plural, field.name) for spec in NATIVE_MODELS.values() for field in spec.fields} - {
    ("candidates", "avatar"),
    ("offers", "creator"),
}

# What the contract allows and the made-up company has not, a row each.
ODD: tuple[tuple[str, dict[str, Any]], ...] = (
    ("candidates", {"social_media_addresses": [{"value": text} for text in (
        "linkedin.com/in/example", "https://de.linkedin.com/in/example", "HTTPS://WWW.LINKEDIN.COM/in/example",
        "https://notlinkedin.com/example", "https://example.com/linkedin.com", "@example", "",
    )]}),
    ("candidates", {"website_addresses": [{"value": f"https://example.com/{kind}", "type": kind} for kind in (
        "personal", "company", "portfolio", "blog", "other", "shrine",
    )]}),
    ("candidates", {"first_name": "", "last_name": None, "title": "", "private": None, "email_addresses": []}),
    ("candidates", {"phone_numbers": [{"value": "", "type": "home"}, {"value": "030 0", "type": "fax"}]}),
    ("candidates", {"custom_fields": None, "addresses": [], "tags": ["  spaced  ", "Ünïcode ✓ 🎉", "\u2028"]}),
    ("candidates", {"last_activity_at": "2026-05-05T22:36:04+02:00", "first_name": '"\\ </script> \u0000'}),
    ("jobs", {"requisition_id": "", "office_ids": None, "department_id": None, "status": "archived"}),
    ("jobs", {"office_ids": [], "custom_fields": {}}),
    ("job_posts", {"content": "", "public_url": None}),
    ("job_posts", {"questions": []}),
    ("job_posts", {"questions": [{
        "id": 71, "name": "q", "label": "Which?", "description": "Of all", "required": None, "private": True,
        "answer_type": "single_select", "options": [{"id": 1, "label": "This"}, {"id": 2, "label": "That", "more": []}],
    }]}),
    ("applications", {"status": "paused", "rejected_at": "2026-05-05T22:36:04.296Z"}),
    ("applications", {"source_id": 1, "referrer_id": 2, "stage_id": 3, "job_id": 4, "candidate_id": 5}),
    ("attachments", {"candidate_id": None, "type": "automated_agreement"}),
    ("attachments", {"filename": "", "type": "other"}),
    ("interviews", {"status": "moved", "location": "", "organizer_id": None, "job_interview_id": 7}),
    ("scorecards", {"candidate_rating": None, "submitted_at": None}),
    ("scorecards", {"candidate_rating": "perhaps"}),
    ("offers", {"status": "Pending", "sent_on": None}),
    ("eeoc", {"race": {"id": 7, "description": "Two or More Races"}, "gender": {"id": 9, "description": "Agender"}}),
    ("eeoc", {"race": {"id": None, "description": None}, "veteran_status": {"id": 1, "description": ""}}),
    ("notes", {"visibility": None, "type": "TOUCHPOINT", "subject": "", "user_id": None, "candidate_id": None}),
    ("users", {"first_name": None, "last_name": "", "custom_fields": None}),
    ("offices", {"location": ""}),
)  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def company(databases: Databases, sealer: Sealer) -> AsyncIterator[HarvestLink]:
    """A company that has had its first sync."""
    async with link_harvest(databases, sealer, size=SIZE, seed=7) as link:
        await link.look()
        for place, (stream, fields) in enumerate(ODD, 1):
            rows = link.rows[stream] or []
            number = rows[-place % len(rows)]["id"]
            (await link.control.patch(f"rows/{stream}/{number}", json=fields)).raise_for_status()
        report = await link.sync()
        assert (report.status, report.is_full) == ("done", False)
        assert not [part for part in report.streams if part.quarantined]
        await link.look()
        await link.check()
        yield link


@pytest_asyncio.fixture
async def link(company: HarvestLink) -> HarvestLink:
    """The company as it was last found to be right, an hour later."""
    if not company.is_settled:
        await company.settle()
    await company.wait_an_hour()
    return company


def find_fields(records: Records) -> dict[tuple[str, str], set[bytes]]:
    """By plural and field: the values there are, as JSON."""
    found: dict[tuple[str, str], set[bytes]] = {}
    for plural, items in records.items():
        for record in items.values():
            for name, value in record.items():
                found.setdefault((plural, name), set()).add(msgspec.json.encode(value))
    return found


async def test_everything_the_vendor_holds_is_served_field_by_field(link: HarvestLink) -> None:
    assert len(link.served.records["candidates"]) == SIZE
    # What makes the comparison worth something: every field that is given has values, and every answer its null.
    values = find_fields(link.expected)
    assert [field for field in GIVEN if values[field] <= {b"null", b"[]"}] == []
    with_null = {field for field in GIVEN if b"null" in values[field]}
    assert with_null >= {
        ("applications", "current_stage"), ("applications", "reject_reason"), ("applications", "job"),
        ("applications", "source"), ("applications", "credited_to"), ("candidates", "title"), ("jobs", "description"),
        ("scheduled-interviews", "start_at"), ("scheduled-interviews", "location"), ("offers", "closed_at"),
        ("eeocs", "race"), ("eeocs", "gender"), ("remote-users", "access_role"),
    }  # fmt: skip


def test_streams_that_make_or_show_records_are_those_compared() -> None:
    assert [stream.name for stream in ALL[: len(STREAMS)]] == STREAMS
    assert not any(stream.mappings or stream.joins for stream in ALL[len(STREAMS) :])


async def test_custom_fields_are_there_when_asked_for_and_always_in_the_raw_data(link: HarvestLink) -> None:
    kinds = set()
    for plural in ("jobs", "candidates", "applications", "offers", "remote-users"):
        for record in link.served.records[plural].values():
            fields = record["raw_data"]["custom_fields"] or {}
            assert record["custom_fields"] == {key: field["value"] for key, field in fields.items()}
            kinds |= {field["type"] for field in fields.values() if field["value"] is not None}
        assert all(item["custom_fields"] is None for item in await read_all(link.api, plural))
    assert {"short_text", "number", "yes_no", "multi_select", "currency", "user", "date"} <= kinds


async def test_relations_lead_to_every_record_that_is_there(link: HarvestLink) -> None:
    there = {record["id"] for records in link.served.records.values() for record in records.values()}
    for spec in NATIVE_MODELS.values():
        names = [relation.name for relation in spec.relations]
        if not names:
            continue
        for item in await read_all(link.api, spec.plural, expand=",".join(f"{name}[id]" for name in names)):
            shown = [item[name] for name in names]
            for one in [one for value in shown for one in (value if isinstance(value, list) else [value]) if one]:
                assert isinstance(one, dict) == ((one["id"] if isinstance(one, dict) else one) in there)


async def test_record_by_id_is_the_record_of_the_list(link: HarvestLink) -> None:
    flags = {"include_raw_data": True, "include_custom_fields": True}
    for plural, records in link.served.records.items():
        for record in list(records.values())[:5]:
            answer = await link.api.get(f"/api/v1/{plural}/{record['id']}", params=flags)
            found = answer.raise_for_status().json()
            found["more"] = {name: found["more"][name] for name in record["more"]}
            assert found == record | {"modified_at": link.served.times[plural, record["remote_id"]]}


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("later", [False, True], ids=["at once", "an hour later"])
async def test_second_run_with_nothing_changed_writes_nothing(link: HarvestLink, full: bool, later: bool) -> None:
    await link.sync(full=full)
    before = await read_versions(link.tenant.pool)
    assert len(before["record"]) == len(link.served.times)
    if later:
        await link.wait_an_hour()
    report = await link.sync(full=full)
    assert report.status == "done"
    assert [part for part in report.streams if part.added or part.changed or part.deleted] == []
    assert await read_versions(link.tenant.pool) == before
    assert before["stale"] == before["seen"] == before["quarantine"] == []


async def test_incremental_run_asks_each_list_for_what_changed_and_for_nothing_else(link: HarvestLink) -> None:
    await link.control.delete("requests")
    report = await link.sync()
    asked = [entry for entry in (await link.control.get("requests")).json()["last"] if entry["method"] == "GET"]
    assert sorted(entry["path"] for entry in asked) == sorted(stream.path for stream in ALL)
    assert all(entry["query"]["updated_at"].startswith("gte|") for entry in asked)
    assert report.requests <= len(ALL) + 1


# Rows gone


PARTS = [stream for stream in STREAMS if stream not in OWN]


@pytest.mark.parametrize("streams", [PARTS, list(OWN)], ids=["shown by records", "records"])
async def test_deleted_rows_are_gone_with_the_next_full_sync_and_no_earlier(
    link: HarvestLink, streams: list[str]
) -> None:
    before, expected = link.served, link.expected
    numbers = {}
    for stream in streams:
        rows = link.rows[stream] or []
        numbers[stream] = str(rows[len(rows) // 2]["id"])
        (await link.control.delete(f"rows/{stream}/{numbers[stream]}")).raise_for_status()
    assert [part for part in (await link.sync()).streams if part.deleted or part.changed or part.added] == []
    assert await read_served(link.api) == before
    await link.control.delete("requests")
    report = await link.sync(full=True)
    assert report.status == "done"
    asked = [entry for entry in (await link.control.get("requests")).json()["last"] if "ids" in entry["query"]]
    lists = [stream.path for stream in ALL if stream.path[4:] in numbers]
    assert sorted((entry["path"], entry["query"]["ids"]) for entry in asked) == sorted(
        (path, numbers[path[4:]]) for path in lists * SURE_AFTER
    )
    await link.look()
    await link.check()
    now = link.expected
    gone = {(plural, id) for plural in expected for id in expected[plural].keys() - now[plural].keys()}
    assert gone >= {(MODELS[OWN[stream]].plural, id) for stream, id in numbers.items() if stream in OWN}
    # An application's steps are rows of another list.
    losing = set(streams) | ({"applications"} if "application_stages" in streams else set())
    assert {part.stream for part in report.streams if part.deleted and part.stream in STREAMS} == losing
    for plural, remote_id in gone:
        id = before.records[plural][remote_id]["id"]
        assert (await link.api.get(f"/api/v1/{plural}/{id}")).status_code == 404
        kept = await link.tenant.pool.fetchrow("SELECT deleted_at, length(body) AS size FROM record WHERE id = $1", id)
        assert kept is not None
        assert kept["deleted_at"] is not None
        assert kept["size"] > 50
    # Those that showed them have changed, and nobody else.
    assert link.served.changed_since(before) == find_changed(expected, now)


async def test_rows_that_come_back_are_served_again_under_their_ids(link: HarvestLink) -> None:
    before, rows = link.expected, {stream: link.rows[stream] or [] for stream in STREAMS}
    gone = {stream: rows[stream][len(rows[stream]) // 3] for stream in STREAMS}
    for stream, row in gone.items():
        (await link.control.delete(f"rows/{stream}/{row['id']}")).raise_for_status()
    await link.settle()
    assert find_changed(link.expected, before)
    for stream, row in gone.items():
        fields = {name: value for name, value in row.items() if name not in ("created_at", "updated_at")}
        (await link.control.post(f"rows/{stream}", json=fields)).raise_for_status()
    await link.follow()
    for plural, records in before.items():
        assert {id: record["id"] for id, record in records.items()} == {
            id: record["id"] for id, record in link.served.records[plural].items()
        }


async def test_companies_with_the_same_ids_do_not_meet(databases: Databases, sealer: Sealer, link: HarvestLink) -> None:
    async with link_harvest(databases, sealer, pool=link.tenant.pool, size=60, seed=8) as other:
        await other.settle()
        assert len(other.expected["candidates"].keys() & link.expected["candidates"].keys()) > 50
        await link.check()
        for stream in STREAMS:
            (await other.control.patch(f"rows/{stream}", json={"share": 0.5})).raise_for_status()
            (await other.control.request("DELETE", f"rows/{stream}", json={"share": 0.2})).raise_for_status()
        await other.settle()
        before = link.served
        await link.sync(full=True)
        await link.check()
        assert link.served == before


async def test_absence_of_many_rows_is_confirmed_in_batches_of_fifty(link: HarvestLink) -> None:
    answer = await link.control.request("DELETE", "rows/attachments", json={"count": 120})
    assert answer.raise_for_status().json() == {"deleted": 120}
    await link.control.delete("requests")
    await link.sync(full=True)
    asked = [entry["query"] for entry in (await link.control.get("requests")).json()["last"] if "ids" in entry["query"]]
    assert sorted(len(query["ids"].split(",")) for query in asked) == [20] * SURE_AFTER + [50, 50] * SURE_AFTER
    await link.look()
    await link.check()
