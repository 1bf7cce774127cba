"""Rows that somebody says have changed, read again: what is gone at the vendor goes here, with all that hangs on it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web

from testbed.tenants import Tenant, make_tenant
from testbed.touching import DELTA, application, fill, remove, tag
from testbed.vendor import IMPATIENT, Vendor, say
from testbed.waiting import within
from unihire.errors import ReauthorizeNeeded
from unihire.kit.seal import Sealer
from unihire.outbound.client import VendorClient
from unihire.platform.connectors import open_client
from unihire.store import Pool
from unihire.store.events.log import read_events
from unihire.store.feed import recency
from unihire.sync.rows_by_id import Reread, Touched, sync_rows_by_id, sync_touched_rows


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    fill(vendor)
    made = await make_tenant(pool, sealer, base_url=vendor.base_url, integration=DELTA)
    await made.sync()
    return made


@pytest_asyncio.fixture
async def client(tenant: Tenant, vendor: Vendor) -> AsyncIterator[VendorClient]:
    async with open_client(
        DELTA, tenant.credentials, vendor.base_url, is_base_url_trusted=True, retry=IMPATIENT
    ) as opened:
        vendor.log.clear()
        yield opened


async def read(tenant: Tenant, client: VendorClient, **touched: Touched) -> Reread:
    return await sync_touched_rows(tenant.pool, tenant.connector, DELTA, client, touched)


async def list_live(tenant: Tenant, stream: str) -> list[str]:
    rows = await tenant.pool.fetch(
        "SELECT remote_id FROM record WHERE connector = $1 AND stream = $2 AND deleted_at IS NULL ORDER BY remote_id",
        tenant.connector.number, stream,
    )  # fmt: skip
    return [row["remote_id"] for row in rows]


async def find_tags(tenant: Tenant, person_id: str) -> list[str]:
    tags: list[str] = await tenant.pool.fetchval(
        "SELECT ARRAY(SELECT jsonb_array_elements_text(convert_from(body, 'UTF8')::jsonb -> 'tags')) FROM record "
        "WHERE connector = $1 AND stream = 'people' AND remote_id = $2",
        tenant.connector.number, person_id,
    )  # fmt: skip
    return tags


async def test_row_the_vendor_has_no_longer_is_deleted_here(
    tenant: Tenant, client: VendorClient, vendor: Vendor
) -> None:
    remove(vendor, "/offers", "211")
    reread = await read(tenant, client, offers=Touched(["111", "211", "999"]))
    assert await list_live(tenant, "offers") == ["111"]
    assert reread.missing == {"offers": {"211", "999"}}
    assert {one.stream: one.deleted for one in reread.counts}["offers"] == 1
    before = await tenant.pool.fetchval("SELECT last_seq FROM feed WHERE connector = $1", tenant.connector.number)
    await read(tenant, client, offers=Touched(["211"]))
    moved = "SELECT count(*) FROM record WHERE connector = $1 AND seq > $2"
    assert await tenant.pool.fetchval(moved, tenant.connector.number, before) == 0, "a tombstone stays where it is"


async def test_what_an_operation_wrote_is_not_deleted_for_not_being_there_yet(
    tenant: Tenant, client: VendorClient, vendor: Vendor
) -> None:
    remove(vendor, "/offers", "211")
    await sync_rows_by_id(tenant.pool, tenant.connector, DELTA, client, {"offers": ["211"]})
    assert await list_live(tenant, "offers") == ["111", "211"]


async def test_what_hangs_on_a_row_that_went_is_asked_for_too(
    tenant: Tenant, client: VendorClient, vendor: Vendor
) -> None:
    """A person goes with one application and its offer; the other application is somebody else's now."""
    remove(vendor, "/people", "1")
    remove(vendor, "/applications", "11")
    remove(vendor, "/offers", "111")
    vendor.lists["/applications"][0]["person_id"] = "3"
    await read(tenant, client, people=Touched(["1"]))
    assert await list_live(tenant, "people") == ["2", "3"]
    assert await list_live(tenant, "applications") == ["12", "21"]
    assert await list_live(tenant, "offers") == ["211"]
    asked = [request.query for request in vendor.log if request.path == "/applications"]
    assert {query["ids"] for query in asked} == {"11,12", "11"}, "what is missing is asked for twice, the rest once"


async def test_what_relates_to_a_row_is_read_again_where_that_is_asked_for(
    tenant: Tenant, client: VendorClient, vendor: Vendor
) -> None:
    remove(vendor, "/applications", "12")
    await read(tenant, client, people=Touched(["1"]))
    assert await list_live(tenant, "applications") == ["11", "12", "21"]
    await read(tenant, client, people=Touched(["1"], wide=["1"]))
    assert await list_live(tenant, "applications") == ["11", "21"]
    assert await list_live(tenant, "offers") == ["111", "211"]


async def test_rows_are_read_by_another_member_those_that_no_longer_have_it_too(
    tenant: Tenant, client: VendorClient, vendor: Vendor
) -> None:
    vendor.lists["/tags"] = [tag("2", "3", "blue"), tag("3", "2", "red"), tag("4", "1", "green")]
    await read(tenant, client, tags=Touched(of={"person_id": ["1"]}))
    assert [await find_tags(tenant, person_id) for person_id in "123"] == [["green"], ["red"], ["blue"]]
    vendor.lists["/applications"] = [application("11", "2"), application("13", "1"), application("21", "2")]
    await read(tenant, client, applications=Touched(of={"person_id": ["1"]}))
    assert await list_live(tenant, "applications") == ["11", "13", "21"]


async def test_list_that_is_closed_to_the_credentials_says_nothing_of_its_rows(
    tenant: Tenant, client: VendorClient, vendor: Vendor
) -> None:
    vendor.will("/offers", lambda request: say({"error": "no"}, 403))
    remove(vendor, "/applications", "21")
    reread = await read(tenant, client, offers=Touched(["211"]), applications=Touched(["21"]))
    assert reread.unknown["offers"] == {"211"}
    assert await list_live(tenant, "applications") == ["11", "12"]


@pytest.mark.parametrize("is_first", [True, False], ids=["never read", "read before"])
async def test_older_page_does_not_bring_back_what_went(
    pool: Pool, sealer: Sealer, vendor: Vendor, is_first: bool
) -> None:
    vendor.lists = {"/tags": [], "/applications": [], "/offers": [], "/people": [{"id": "1", "name": "Person 1"}]}
    tenant = await make_tenant(pool, sealer, base_url=vendor.base_url, integration=DELTA)
    if not is_first:
        await tenant.sync()
    asked, may_come = asyncio.Event(), asyncio.Event()

    async def wait(request: web.Request) -> web.Response:
        answer = vendor.page(request)
        asked.set()
        await within(may_come.wait())
        return answer

    vendor.will("/people", wait)
    running = asyncio.create_task(tenant.sync(full=True))
    await within(asked.wait())
    remove(vendor, "/people", "1")
    async with open_client(
        DELTA, tenant.credentials, vendor.base_url, is_base_url_trusted=True, retry=IMPATIENT
    ) as client:
        await read(tenant, client, people=Touched(["1"]))
    may_come.set()
    assert (await running).status == "done"
    assert await list_live(tenant, "people") == []


async def test_row_that_was_saved_meanwhile_is_not_deleted_but_asked_for_again(
    tenant: Tenant, client: VendorClient, vendor: Vendor
) -> None:
    """The vendor says that it has no such row; before that is saved, a run saves it: it was made anew."""
    person = vendor.lists["/people"][0]
    remove(vendor, "/people", "1")

    async def sync_meanwhile(request: web.Request) -> web.Response:
        answer = vendor.page(request)
        vendor.lists["/people"].append({**person, "name": "Again"})
        await tenant.sync(full=True)
        return answer

    vendor.will("/people", vendor.page, sync_meanwhile)
    await read(tenant, client, people=Touched(["1"]))
    assert await list_live(tenant, "people") == ["1", "2", "3"]


async def test_row_that_is_read_with_what_it_shows_is_made_once_and_others_that_show_it_are_made_again(
    tenant: Tenant, client: VendorClient, vendor: Vendor
) -> None:
    before = await recency.get_position(tenant.pool, tenant.connector.number)
    vendor.lists["/tags"] = [tag("1", "1", "green"), tag("2", "1", "blue"), tag("3", "3", "red")]
    vendor.lists["/people"][0]["name"] = "Renamed"
    found = await read(tenant, client, tags=Touched(["1", "3"]), people=Touched(["1"]))
    assert [await find_tags(tenant, person_id) for person_id in "123"] == [["green", "blue"], [], ["red"]]
    events = await read_events(tenant.pool, tenant.connector.number, before, 10)
    assert sorted(event.remote_id for event in events) == ["1", "2", "3"]
    assert [counts.changed for counts in found.counts if counts.stream == "people"] == [3]
    assert not await tenant.pool.fetch("SELECT FROM stale")


async def test_rows_of_several_streams_are_requested_at_once(
    tenant: Tenant, client: VendorClient, vendor: Vendor
) -> None:
    asked = {path: asyncio.Event() for path in ("/people", "/applications", "/offers")}

    alone: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked[request.path].set()
        try:
            for other in asked.values():
                await within(other.wait(), 5)
        except TimeoutError:
            alone.append(request.path)
        return vendor.page(request)

    for path in asked:
        vendor.will(path, answer)
    vendor.lists["/people"][0]["name"] = "Renamed"
    remove(vendor, "/offers", "211")
    vendor.lists["/applications"][0]["person_id"] = "2"
    await read(
        tenant, client, people=Touched(["1"]), applications=Touched(of={"person_id": ["1"]}), offers=Touched(["211"])
    )
    assert alone == []
    assert await list_live(tenant, "offers") == ["111"]
    name = "SELECT convert_from(body, 'UTF8')::jsonb ->> 'first_name' FROM record WHERE stream = 'people'"
    assert "Renamed" in [row[0] for row in await tenant.pool.fetch(name)]


async def test_stream_that_fails_ends_the_requests_of_the_others(
    tenant: Tenant, client: VendorClient, vendor: Vendor
) -> None:
    is_waiting = asyncio.Event()

    async def wait(request: web.Request) -> web.Response:
        is_waiting.set()
        await asyncio.sleep(60)
        return vendor.page(request)

    async def refuse(request: web.Request) -> web.Response:
        await within(is_waiting.wait())
        return say({}, 401)

    vendor.will("/people", *[refuse] * 20)
    vendor.will("/offers", wait)
    with pytest.raises(ReauthorizeNeeded):
        await within(read(tenant, client, people=Touched(["1"]), offers=Touched(["111"])), 10)
    left = [task for task in asyncio.all_tasks() if "_request_ahead" in repr(task.get_coro())]
    assert not left
