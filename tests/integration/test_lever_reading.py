"""Lever, read from an account of few rows: whole, then what changed, what was deleted, and what is below."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
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
from unihire.kit.seal import Sealer
from unihire.model import MODELS
from unihire.platform.connectors import open_client
from unihire.store import Pool
from unihire.sync.rows_by_id import Touched, sync_touched_rows


@pytest_asyncio.fixture
async def account() -> AsyncIterator[LeverAccount]:
    async with run_lever_account() as running:
        fill_account(running)
        yield running


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, account: LeverAccount) -> Tenant:
    made = await make_lever_tenant(pool, sealer, account)
    report = await made.sync()
    assert [one.stream for one in report.streams if one.quarantined] == []
    return made


async def list_records(tenant: Tenant, model: str) -> dict[str, dict[str, Any]]:
    """The records that are there, by the vendor's ids; relations are ours."""
    rows = await tenant.pool.fetch(
        "SELECT remote_id, body, more FROM record WHERE connector = $1 AND model = $2 AND deleted_at IS NULL",
        tenant.connector.number,
        MODELS[model].number,
    )
    return {
        row["remote_id"]: msgspec.json.decode(row["body"]) | msgspec.json.decode(row["more"] or b"{}") for row in rows
    }


async def touch(tenant: Tenant, account: LeverAccount, **ids: list[str]) -> None:
    async with open_client(LEVER, CREDENTIALS, account.base_url, is_base_url_trusted=True, retry=IMPATIENT) as client:
        touched = {stream: Touched(some) for stream, some in ids.items()}
        await sync_touched_rows(tenant.pool, tenant.connector, LEVER, client, touched)


async def test_every_stream_is_read(tenant: Tenant, account: LeverAccount) -> None:
    found = await tenant.pool.fetch(
        "SELECT stream, count(*) AS many FROM record WHERE connector = $1 AND deleted_at IS NULL GROUP BY stream",
        tenant.connector.number,
    )
    assert {row["stream"]: row["many"] for row in found} == {
        "users": 2,
        "archive_reasons": 1,
        "stages": 5,
        "tags": 1,
        "sources": 1,
        "postings": 4,
        "opportunities": 6,
        "contacts": 3,
        "eeo_responses": 1,
    }
    assert account.count("/v1/opportunities/opp-1/notes") == 1
    channels = [query for _, path, query in account.asked if path == "/v1/postings"]
    assert channels[0]["confidentiality"] == "all"


async def test_person_is_what_all_applications_say(tenant: Tenant, account: LeverAccount) -> None:
    people = await list_records(tenant, "candidate")
    assert people.keys() == {"contact-1", "contact-2", "contact-3"}
    jane = people["contact-1"]
    assert (jane["first_name"], jane["last_name"], jane["tags"]) == ("Jane", "Doe1", ["Senior"])
    assert len(jane["applications"]) == 2
    account.change("opp-1", tags=["Go"], name="Jane Doe1")
    account.contacts["contact-1"]["name"] = "Ada Doe1"
    before = account.count("/v1/opportunities/opp-2/notes")
    await tenant.sync()
    jane = (await list_records(tenant, "candidate"))["contact-1"]
    assert (jane["first_name"], sorted(jane["tags"])) == ("Ada", ["Go", "Senior"])
    assert account.count("/v1/opportunities/opp-2/notes") == before, "nothing is asked about what did not move"
    assert account.count("/v1/opportunities/opp-1/notes") == 2


async def test_only_what_changed_is_listed_in_the_next_run(tenant: Tenant, account: LeverAccount) -> None:
    account.asked.clear()
    await tenant.sync()
    lists = [query for _, path, query in account.asked if path == "/v1/opportunities"]
    assert len(lists) == 2
    assert all(int(query["updated_at_start"]) > now() - 600_000 for query in lists)
    assert {query["expand"] for query in lists} == {"applications", "contact"}


async def test_archived_is_rejected_or_hired_by_its_reason(tenant: Tenant, account: LeverAccount) -> None:
    account.change("opp-1", archived={"reason": "reason-1", "archivedAt": now()})
    account.change("opp-2", archived={"reason": "reason-2", "archivedAt": now()})
    await tenant.sync()
    found = await list_records(tenant, "application")
    assert found["opp-1"]["rejected_at"] is not None
    assert found["opp-1"]["reject_reason"] is not None
    assert (found["opp-2"]["rejected_at"], found["opp-2"]["reject_reason"]) == (None, None)


async def test_what_the_vendor_deleted_goes_with_the_next_run(tenant: Tenant, account: LeverAccount) -> None:
    """One that its list of deletions names and that is there all the same stays."""
    account.deleted = [{**account.opportunities.pop("opp-1"), "deletedAt": now()}]
    account.deleted.append({**account.opportunities["opp-2"], "deletedAt": now()})
    account.deleted.append({**account.opportunities.pop("opp-3"), "deletedAt": now()})
    del account.contacts["contact-3"]
    await tenant.sync()
    assert (await list_records(tenant, "application")).keys() == {"opp-2", "opp-4"}
    assert await list_records(tenant, "activity") == {}
    people = await list_records(tenant, "candidate")
    assert people.keys() == {"contact-1", "contact-2"}, "the person of the last application went with it"
    assert len(people["contact-1"]["applications"]) == 1


async def test_what_is_below_an_application_is_read_when_that_is_touched(tenant: Tenant, account: LeverAccount) -> None:
    """A note does not move its application; of an ended one neither."""
    account.below["opp-3", "notes"] = [{"id": "note-3", "fields": [], "secret": True, "createdAt": 1}]
    account.change("opp-3", archived={"reason": "reason-1", "archivedAt": now()})
    await tenant.sync()
    account.below["opp-3", "notes"].append({"id": "note-4", "fields": [], "secret": True, "createdAt": 1})
    await tenant.sync()
    assert (await list_records(tenant, "activity")).keys() == {"note-1", "note-3"}
    await touch(tenant, account, opportunities=["opp-3"])
    assert (await list_records(tenant, "activity")).keys() == {"note-1", "note-3", "note-4"}


async def test_touched_person_is_read_by_id_and_a_deleted_one_goes(tenant: Tenant, account: LeverAccount) -> None:
    account.contacts["contact-2"]["emails"] = ["new@example.com"]
    del account.contacts["contact-3"], account.opportunities["opp-3"]
    await touch(tenant, account, contacts=["contact-2", "contact-3"], opportunities=["opp-3"])
    people = await list_records(tenant, "candidate")
    assert people.keys() == {"contact-1", "contact-2"}
    assert people["contact-2"]["email_addresses"] == ["new@example.com"]


async def test_job_has_the_seats_of_its_requisition(tenant: Tenant, account: LeverAccount) -> None:
    assert (await list_records(tenant, "job"))["posting-1"]["openings_count"] == 2
    account.lists["requisitions"][0]["headcountTotal"] = 5
    await tenant.sync(full=True)
    assert (await list_records(tenant, "job"))["posting-1"]["openings_count"] == 5


async def test_use_of_a_tag_is_no_change_of_it(tenant: Tenant, account: LeverAccount) -> None:
    account.lists["tags"][0]["count"] = 17
    report = await tenant.sync()
    assert [(one.stream, one.changed) for one in report.streams if one.changed] == []
