"""The first read of a list: what is stored of its rows is not looked up, and what is stored all the same is found."""

from collections.abc import Sequence
from dataclasses import replace

import asyncpg
import pytest
import pytest_asyncio
from aiohttp import web

from testbed.tenants import Tenant, make_tenant
from testbed.vendor import ACME, IMPATIENT, Vendor, counts, fill, person
from unihire.kit.seal import Sealer
from unihire.platform.connectors import open_client
from unihire.store import Connection, Pool
from unihire.store.feed import saving
from unihire.store.feed.rendered import Rendered
from unihire.sync.rows_by_id import sync_rows_by_id

PEOPLE = replace(ACME, streams=(ACME.get_stream("people"),))


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    fill(vendor)
    return await make_tenant(pool, sealer, base_url=vendor.base_url, integration=PEOPLE)


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The vendor's ids of the records that were looked up, page by page."""
    found: list[list[str]] = []
    look_up = saving.find_stored

    async def find_stored(
        connection: Connection, connector: int, records: Sequence[Rendered]
    ) -> Sequence[asyncpg.Record]:
        found.append([record.remote_id for record in records])
        return await look_up(connection, connector, records)

    monkeypatch.setattr(saving, "find_stored", find_stored)
    return found


async def list_people(tenant: Tenant) -> dict[str, str]:
    """The names of the stored candidates by the vendor's ids."""
    rows = await tenant.pool.fetch("""
        SELECT remote_id, convert_from(raw, 'UTF8')::jsonb ->> 'name' AS name FROM record
        WHERE stream = 'people' AND deleted_at IS NULL
    """)
    return {row["remote_id"]: row["name"] for row in rows}


async def test_only_the_first_read_looks_nothing_up(tenant: Tenant, vendor: Vendor, looked_up: list[list[str]]) -> None:
    people = [person(number) for number in "1234"]
    vendor.lists["/people"] = people
    report = await tenant.sync()
    assert (counts(report, "people"), looked_up) == ((4, 0, 0, 0), [])
    assert await list_people(tenant) == {number: f"Person {number}" for number in "1234"}

    people[3]["name"] = "Another"
    report = await tenant.sync(full=True)
    assert (counts(report, "people"), looked_up) == ((0, 1, 0, 0), [["4"]])


async def test_parts_that_rows_share_are_looked_up_always(
    pool: Pool, sealer: Sealer, vendor: Vendor, looked_up: list[list[str]]
) -> None:
    fill(vendor)
    jobs = replace(ACME, streams=(ACME.get_stream("jobs"),))
    tenant = await make_tenant(pool, sealer, base_url=vendor.base_url, integration=jobs)
    assert counts(await tenant.sync(), "jobs") == (8, 0, 0, 0)
    assert len(looked_up) == 3


async def test_a_row_that_comes_again_on_a_later_page_is_saved_once(
    tenant: Tenant, vendor: Vendor, looked_up: list[list[str]]
) -> None:
    """A row comes in at the top of the list after its first page was read, which ends as the second then begins."""
    people = vendor.lists["/people"] = [person(number) for number in "12345"]

    def push_down(request: web.Request) -> web.Response:
        answer = vendor.page(request)
        people.insert(0, person("0"))
        people[2]["name"] = "Another"
        return answer

    vendor.will("/people", push_down)
    report = await tenant.sync()
    assert report.status == "done"
    assert looked_up[0] == ["2", "3"]  # the page that could not be saved as all new, and those after it
    assert await list_people(tenant) == {"2": "Another"} | {number: f"Person {number}" for number in "1345"}
    assert counts(report, "people")[2:] == (0, 0)

    await tenant.sync(full=True)
    assert (await list_people(tenant))["0"] == "Person 0"


@pytest.mark.parametrize("read", ["2", "3"], ids=["of the page before", "of a page to come"])
async def test_a_row_read_by_its_id_meanwhile_is_saved_once(
    tenant: Tenant, vendor: Vendor, looked_up: list[list[str]], read: str
) -> None:
    vendor.lists["/people"] = [person(number) for number in "1234"]

    async def read_meanwhile(request: web.Request) -> web.Response:
        answer = vendor.page(request)
        vendor.lists["/people"][int(read) - 1]["name"] = "Newer"
        client = open_client(
            tenant.integration, tenant.credentials, tenant.connector.base_url,
            is_base_url_trusted=True, retry=IMPATIENT,
        )  # fmt: skip
        async with client:
            await sync_rows_by_id(tenant.pool, tenant.connector, tenant.integration, client, {"people": [read]})
        return answer

    vendor.will("/people", vendor.page, read_meanwhile)
    report = await tenant.sync()
    assert report.status == "done"
    assert counts(report, "people")[3] == 0
    assert await list_people(tenant) == {number: f"Person {number}" for number in "1234"} | {read: "Newer"}
