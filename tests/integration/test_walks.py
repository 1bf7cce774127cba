"""The pages of a list, each asked for while the one before is worked on."""

import asyncio

from aiohttp import web

from testbed.tenants import Tenant
from testbed.vendor import ACME, HERE, IMPATIENT, Vendor, say
from testbed.waiting import within
from unihire.outbound.client import Target, VendorClient
from unihire.sync.fetching import first_page, walk


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
