"""A row read by its id while a page with an older version is on its way: the newer one stays, whatever shows it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from testbed.tenants import Tenant, make_tenant
from testbed.vendor import ACME, IMPATIENT, Vendor, fill
from testbed.waiting import within
from unihire.integration.declare import Join, RecordMapping, Source, Stream
from unihire.kit.seal import Sealer
from unihire.model import Candidate
from unihire.outbound.client import VendorClient
from unihire.outbound.paging import NextLink
from unihire.platform.connectors import open_client
from unihire.store import Pool
from unihire.store.feed import gate
from unihire.sync.rows_by_id import sync_rows_by_id

LIST = NextLink(items="rows", link=("next",), page_size={"limit": "2"})


def to_person(source: Source) -> Candidate:
    files = source.details.get("files", [])
    return Candidate(remote_id=source.row["id"], first_name=source.row["name"], tags=[file["name"] for file in files])


def id_of(row: dict[str, Any]) -> str:
    return str(row["id"])


FILES = Stream(name="files", path="/files", by_id="/files/{id}", paging=LIST, id_of=id_of)
PEOPLE = Stream(
    name="people", path="/people", by_id="/people/{id}", paging=LIST, id_of=id_of,
    mappings=(RecordMapping(Candidate, to_person),),
    joins=(Join(name="files", stream="files", on="person_id", members=("name",)),),
)  # fmt: skip
GAMMA = replace(ACME, streams=(FILES, PEOPLE))


def person(id: str, name: str) -> dict[str, Any]:
    return {"id": id, "name": name}


def file(id: str, person_id: str, name: str) -> dict[str, Any]:
    return {"id": id, "person_id": person_id, "name": name}


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    fill(vendor)
    vendor.lists = {
        "/people": [person(number, "old") for number in "123456"],
        "/files": [file("1", "1", "old"), file("2", "5", "old"), file("3", "5", "old")],
    }
    return await make_tenant(pool, sealer, base_url=vendor.base_url, integration=GAMMA)


@pytest_asyncio.fixture
async def client(tenant: Tenant, vendor: Vendor) -> AsyncIterator[VendorClient]:
    opened = open_client(GAMMA, tenant.credentials, vendor.base_url, is_base_url_trusted=True, retry=IMPATIENT)
    async with opened:
        yield opened


async def read(tenant: Tenant, client: VendorClient, **ids: list[str]) -> None:
    await sync_rows_by_id(tenant.pool, tenant.connector, GAMMA, client, ids)


async def list_people(tenant: Tenant) -> dict[str, tuple[str, list[str]]]:
    rows = await tenant.pool.fetch("""
        SELECT remote_id, convert_from(body, 'UTF8')::jsonb ->> 'first_name' AS name,
            ARRAY(SELECT jsonb_array_elements_text(convert_from(body, 'UTF8')::jsonb -> 'tags')) AS tags
        FROM record WHERE stream = 'people' AND deleted_at IS NULL
    """)
    return {row["remote_id"]: (row["name"], row["tags"]) for row in rows}


async def hold_page(vendor: Vendor, path: str, after: int) -> tuple[asyncio.Event, asyncio.Event]:
    """The page of a list after so many is answered with what the list has now, late: when it has left, and when it may
    come."""
    asked, may_come = asyncio.Event(), asyncio.Event()

    async def wait(request: web.Request) -> web.Response:
        answer = vendor.page(request)
        asked.set()
        await within(may_come.wait())
        return answer

    vendor.will(path, *[vendor.page] * after, wait)
    return asked, may_come


@pytest.mark.parametrize("is_first", [True, False], ids=["first read", "later read"])
@pytest.mark.parametrize("after", [0, 2], ids=["first page", "last page"])
async def test_an_older_page_does_not_win_over_a_row_read_again(
    tenant: Tenant, client: VendorClient, vendor: Vendor, is_first: bool, after: int
) -> None:
    if not is_first:
        await tenant.sync()
    asked, may_come = await hold_page(vendor, "/people", after)
    running = asyncio.create_task(tenant.sync(full=True))
    await within(asked.wait())
    changed = "5" if after else "1"
    vendor.lists["/people"][int(changed) - 1]["name"] = "new"
    await read(tenant, client, people=[changed])
    may_come.set()
    assert (await running).status == "done"
    people = await list_people(tenant)
    assert {id: name for id, (name, _) in people.items()} == dict.fromkeys("123456", "old") | {changed: "new"}


async def test_an_older_page_of_rows_that_others_show_does_not_win_either(
    tenant: Tenant, client: VendorClient, vendor: Vendor
) -> None:
    await tenant.sync()
    asked, may_come = await hold_page(vendor, "/files", 1)
    running = asyncio.create_task(tenant.sync(full=True))
    await within(asked.wait())
    vendor.lists["/files"][2]["name"] = "new"
    await read(tenant, client, files=["3"])
    may_come.set()
    await running
    assert (await list_people(tenant))["5"] == ("old", ["old", "new"])


@pytest.mark.parametrize("is_first", [True, False], ids=["first read", "later read"])
async def test_a_page_mapped_before_what_it_shows_was_read_again_shows_it_as_it_is_now(
    tenant: Tenant, client: VendorClient, vendor: Vendor, monkeypatch: pytest.MonkeyPatch, is_first: bool
) -> None:
    """A file moves from one person to another while the page of both is mapped and not yet saved."""
    if not is_first:
        await tenant.sync()
    vendor.lists["/people"][4]["name"] = "renamed"
    is_mapped, may_save, open_feed = asyncio.Event(), asyncio.Event(), gate.write_feed

    async def hold_save(*given: Any, **named: Any) -> Any:
        if not may_save.is_set() and "renamed" in repr(getattr(given[2], "__closure__", None) and [
            cell.cell_contents for cell in given[2].__closure__
        ]):  # fmt: skip
            is_mapped.set()
            await within(may_save.wait())
        return await open_feed(*given, **named)

    monkeypatch.setattr("unihire.sync.pages.write_feed", hold_save)
    running = asyncio.create_task(tenant.sync(full=True))
    await within(is_mapped.wait())
    vendor.lists["/files"][1]["person_id"] = "6"
    vendor.lists["/files"][2]["name"] = "new"
    monkeypatch.setattr("unihire.sync.pages.write_feed", open_feed)
    await read(tenant, client, files=["2", "3"])
    may_save.set()
    assert (await running).status == "done"
    people = await list_people(tenant)
    assert (people["5"], people["6"]) == (("renamed", ["new"]), ("old", ["old"]))


async def test_a_row_that_is_there_again_is_not_let_go_by_who_found_it_gone_before(
    tenant: Tenant, client: VendorClient, vendor: Vendor
) -> None:
    await tenant.sync()
    asked, may_come = asyncio.Event(), asyncio.Event()

    async def find_none_late(request: web.Request) -> web.Response:
        asked.set()
        await within(may_come.wait())
        return web.json_response({}, status=404)

    del vendor.lists["/people"][0]
    vendor.will("/people/1", lambda request: web.json_response({}, status=404), find_none_late)
    running = asyncio.create_task(tenant.sync(full=True))
    await within(asked.wait())
    vendor.lists["/people"].append(person("1", "again"))
    await read(tenant, client, people=["1"])
    may_come.set()
    assert (await running).status == "done"
    assert (await list_people(tenant))["1"] == ("again", ["old"])


async def test_an_answer_by_id_that_comes_late_does_not_win_over_a_page(
    tenant: Tenant, client: VendorClient, vendor: Vendor
) -> None:
    await tenant.sync()
    asked, may_come = asyncio.Event(), asyncio.Event()

    async def answer_late(request: web.Request) -> web.Response:
        answer = web.json_response(vendor.lists["/people"][0])
        asked.set()
        await within(may_come.wait())
        return answer

    vendor.will("/people/1", answer_late)
    reading = asyncio.create_task(read(tenant, client, people=["1"]))
    await within(asked.wait())
    vendor.lists["/people"][0]["name"] = "new"
    await tenant.sync(full=True)
    may_come.set()
    await reading
    assert (await list_people(tenant))["1"] == ("new", ["old"])


async def test_what_was_read_again_is_forgotten_when_the_next_run_is_taken_up(
    tenant: Tenant, client: VendorClient, vendor: Vendor
) -> None:
    await tenant.sync()
    await read(tenant, client, people=["1"], files=["1", "2"])
    count = "SELECT count(*) FROM row_read WHERE connector = $1"
    assert await tenant.pool.fetchval(count, tenant.connector.number) == 3
    vendor.lists["/people"][0]["name"] = "new"
    await tenant.sync(full=True)
    assert await tenant.pool.fetchval(count, tenant.connector.number) == 0
    assert (await list_people(tenant))["1"] == ("new", ["old"])
