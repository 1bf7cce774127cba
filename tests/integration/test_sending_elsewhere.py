"""Files sent to an address that the vendor gave: without credentials, and nowhere but where it is allowed."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web

from testbed.vendor import ACME, IMPATIENT, Vendor, say
from unihire.errors import AddressRefused, RetryLater, Unanswered, VendorChanged, VendorRefused
from unihire.outbound.client import VendorClient
from unihire.platform.connectors import open_client


@pytest_asyncio.fixture
async def client(vendor: Vendor) -> AsyncIterator[VendorClient]:
    credentials = {"client_id": "id", "client_secret": "secret"}
    opened = open_client(ACME, credentials, vendor.base_url, is_base_url_trusted=True, retry=IMPATIENT)
    async with opened:
        yield opened


async def send(client: VendorClient, url: str) -> bytes:
    sent = await client.send_elsewhere("POST", url, b"a file", {"Content-Type": "text/plain"}, of="POST a file")
    return sent.body


async def test_file_goes_there_without_the_credentials(client: VendorClient, vendor: Vendor) -> None:
    vendor.will("/store", lambda _: web.Response(status=204))
    assert await send(client, f"{vendor.base_url}/store?signature=x") == b""
    (asked,) = vendor.log
    assert "Authorization" not in asked.headers
    assert await asked.read() == b"a file"
    assert asked.query["signature"] == "x"
    assert vendor.tokens == 0


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://files.example.com/x", VendorChanged),
        ("ftp://files.example.com/x", VendorChanged),
        ("https://127.0.0.1:1/x", AddressRefused),
        ("https://169.254.169.254/latest", AddressRefused),
        ("https://files.example.com/" + "x" * 9000, VendorChanged),
    ],
)
async def test_address_that_is_not_allowed_is_not_called(
    client: VendorClient, url: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await send(client, url)


@pytest.mark.parametrize(("status", "error"), [(403, Exception), (413, VendorRefused), (503, RetryLater)])
async def test_refusal_is_told_without_the_address(
    client: VendorClient, vendor: Vendor, status: int, error: type[Exception]
) -> None:
    vendor.will("/store", lambda _: say(b"<no/>", status))
    with pytest.raises(error, match="POST a file") as raised:
        await send(client, f"{vendor.base_url}/store?signature=x")
    assert "signature" not in str(raised.value)


async def test_answer_that_is_lost_is_unsure(client: VendorClient, vendor: Vendor) -> None:
    async def hang_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return say({})

    vendor.will("/store", hang_up)
    with pytest.raises(Unanswered):
        await send(client, f"{vendor.base_url}/store")
    assert vendor.count("/store") == 1
