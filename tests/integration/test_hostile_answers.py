"""A vendor that means harm, over a real socket: whatever it answers costs a row, a list or a call, and no more."""

from collections.abc import AsyncIterator

import pytest_asyncio

from testbed.vendor import ACME, IMPATIENT, Vendor, say
from unihire.outbound.client import Target, VendorClient
from unihire.sync.fetching import fetch_page, fetch_rows

SECRETS = {"client_id": "the-id", "client_secret": "the-secret"}
DEEP = b"[" * 100_000 + b"]" * 100_000
JOBS = ACME.get_stream("jobs")


@pytest_asyncio.fixture
async def client(vendor: Vendor) -> AsyncIterator[VendorClient]:
    async with VendorClient(Target(base_url=vendor.base_url, auth=ACME.auth, retry=IMPATIENT), SECRETS) as opened:
        yield opened


async def test_rows_that_cannot_be_decoded_come_with_their_fault_and_the_others_as_ever(
    vendor: Vendor, client: VendorClient
) -> None:
    bad = [b'{"id": "2", "x": ' + DEEP + b"}", b'{"id": "3", "name": "Zo\xeb"}', b'{"id": "4", "x": 1e999}', b"null"]
    body = b'{"next": null, "rows": [' + b",".join([b'{"id": "1"}', *bad, b'{"id": "5"}']) + b"]}"
    vendor.will("/jobs", *[lambda request: say(body)] * 2)
    page = await fetch_page(client, JOBS, "/jobs")
    assert [row.data.get("id") for row in page.rows] == ["1", "2", "3", "4", None, "5"]
    assert [row.raw for row in page.rows[1:5]] == bad
    faults = ["nested too deeply", "not UTF-8", "a number out of range", "not a JSON object"]
    assert [row.fault for row in page.rows] == [None, *faults, None]
    assert vendor.count("/jobs") == 2


async def test_page_whose_rows_can_be_decoded_when_it_is_asked_for_again_is_a_good_one(
    vendor: Vendor, client: VendorClient
) -> None:
    vendor.lists["/jobs"] = [{"id": "1", "name": "Zoë"}]
    vendor.will("/jobs", lambda request: say(b'{"next": null, "rows": [{"id": "1", "name": "Zo\xc3"}]}'))
    page = await fetch_page(client, JOBS, "/jobs")
    assert [(row.data, row.fault) for row in page.rows] == [({"id": "1", "name": "Zoë"}, None)]


async def test_row_by_id_that_cannot_be_decoded_comes_with_its_fault(vendor: Vendor, client: VendorClient) -> None:
    vendor.will("/jobs/1", lambda request: say(b'{"id": "1", "x": ' + DEEP + b"}"))
    rows, missing = await fetch_rows(client, JOBS, ["1"])
    assert [(row.data, row.fault) for row in rows] == [({"id": "1"}, "nested too deeply")]
    assert not missing
