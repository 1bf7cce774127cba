"""The pages of a list, each asked for while the one before is worked on."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

import pytest
from aiohttp import web

from testbed.tenants import Tenant
from testbed.vendor import ACME, HERE, IMPATIENT, Vendor, say
from testbed.waiting import within
from unihire.errors import VendorRefused
from unihire.outbound.client import Target, VendorClient
from unihire.outbound.paging import Page, Row
from unihire.sync import fetching
from unihire.sync.fetching import Expect, first_page, walk


async def test_nothing_of_a_list_that_is_left_is_asked_for_any_more(vendor: Vendor, tenant: Tenant) -> None:
    vendor.lists["/jobs"] = [{"id": str(number), "name": "N"} for number in range(2500)]
    stream, asked = ACME.get_stream("jobs"), asyncio.Event()

    async def never(request: web.Request) -> web.StreamResponse:
        asked.set()
        await within(asyncio.Event().wait())
        return say({})

    target = Target(base_url=vendor.base_url, addresses=HERE, auth=ACME.auth, retry=IMPATIENT)
    async with VendorClient(target, tenant.credentials) as client:
        await client.check()
        before = asyncio.all_tasks()
        pages = walk(client, stream, first_page(client, stream, {}))
        await anext(pages)
        vendor.will("/jobs", never)
        await within(asked.wait())
        await pages.aclose()
        ours = {task for task in asyncio.all_tasks() - before if "fetch_page" in repr(task.get_coro())}
        assert ours == set()


@asynccontextmanager
async def open_walk(
    vendor: Vendor, tenant: Tenant, expect: Expect | None = None, *, gathers: bool = True
) -> AsyncIterator[AsyncGenerator[Page, None]]:
    stream = ACME.get_stream("jobs")
    target = Target(base_url=vendor.base_url, addresses=HERE, auth=ACME.auth, retry=IMPATIENT)
    async with VendorClient(target, tenant.credentials) as client:
        start = first_page(client, stream, {})
        async with aclosing(walk(client, stream, start, expect=expect, gathers=gathers)) as pages:
            yield pages


def fill_jobs(vendor: Vendor, count: int) -> None:
    """Jobs 0, 1, …: two to a page of the vendor's."""
    vendor.lists["/jobs"] = [{"id": str(number), "name": "N"} for number in range(count)]


async def list_ids(pages: AsyncGenerator[Page, None]) -> list[list[str]]:
    return [[row.data["id"] for row in page.rows] async for page in pages]


async def test_pages_of_few_rows_that_arrive_at_once_are_one_page(
    vendor: Vendor, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "GATHERED", 4)
    fill_jobs(vendor, 9)
    noted: list[tuple[list[str], bool]] = []

    def expect(rows: Sequence[Row], *, joins_last: bool) -> None:
        noted.append(([row.data["id"] for row in rows], joins_last))

    async with open_walk(vendor, tenant, expect) as pages:
        assert await list_ids(pages) == [["0", "1", "2", "3"], ["4", "5", "6", "7"], ["8"]]
    each = [["0", "1"], ["2", "3"], ["4", "5"], ["6", "7"], ["8"]]
    assert noted == list(zip(each, [False, True, False, True, False], strict=True))
    async with open_walk(vendor, tenant, gathers=False) as pages:
        assert await list_ids(pages) == each


async def test_pages_are_one_only_while_they_have_few_bytes(
    vendor: Vendor, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "GATHERED", 500)
    monkeypatch.setattr(fetching, "GATHERED_BYTES", 100)
    fill_jobs(vendor, 4)
    vendor.lists["/jobs"][0]["name"] = "N" * 100
    async with open_walk(vendor, tenant) as pages:
        assert await list_ids(pages) == [["0", "1"], ["2", "3"]]


async def test_a_page_waits_for_no_page_that_is_late(
    vendor: Vendor, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "GATHERED", 4)
    fill_jobs(vendor, 4)
    may_come = asyncio.Event()

    async def answer_late(request: web.Request) -> web.Response:
        await within(may_come.wait())
        return vendor.page(request)

    vendor.will("/jobs", vendor.page, answer_late)
    async with open_walk(vendor, tenant) as pages:
        assert [row.data["id"] for row in (await within(anext(pages))).rows] == ["0", "1"]
        may_come.set()
        assert await list_ids(pages) == [["2", "3"]]


async def test_the_pages_before_one_that_fails_are_not_lost_with_it(
    vendor: Vendor, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "GATHERED", 500)
    fill_jobs(vendor, 6)
    vendor.will("/jobs", vendor.page, vendor.page, lambda request: say({"error": "no such thing"}, 400))
    async with open_walk(vendor, tenant) as pages:
        assert [row.data["id"] for row in (await anext(pages)).rows] == ["0", "1", "2", "3"]
        with pytest.raises(VendorRefused):
            await anext(pages)
