"""What is no request, or too large for one, over a real socket: refused as every other error is."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.tenants import make_tenant
from unihire.app import create_app
from unihire.cli.protocol import LONGEST_TARGET, MOST_HEADER_BYTES
from unihire.cli.serving import address_of, bind, serve_api
from unihire.dialects.common.params import MOST_VALUES
from unihire.kit.seal import Sealer
from unihire.store import Pool

PATH = "/api/ats/v1/job-interview-stages"


@pytest_asyncio.fixture
async def api(databases: Databases, pool: Pool, sealer: Sealer) -> AsyncIterator[httpx.AsyncClient]:
    tenant = await make_tenant(pool, sealer)
    door = bind("127.0.0.1", 0)
    try:
        async with (
            serve_api(create_app(databases.settings("migrated"), pool, sealer), door),
            httpx.AsyncClient(base_url=address_of(door), headers=tenant.headers) as client,
        ):
            yield client
    finally:
        door.close()


async def send(api: httpx.AsyncClient, sent: bytes) -> tuple[int, Any]:
    """Status and body of the answer to these bytes."""
    reader, writer = await asyncio.open_connection(api.base_url.host, api.base_url.port)
    writer.write(sent)
    head, _, body = (await asyncio.wait_for(reader.read(), 5)).partition(b"\r\n\r\n")
    writer.close()
    assert b"content-type: application/json" in head
    return int(head.split()[1]), json.loads(body)


def check(answer: httpx.Response, status: int, words: str) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    assert words in answer.json()["detail"]


@pytest.mark.parametrize("comma", [",", "%2C"])
async def test_as_many_ids_as_are_promised_fit_and_more_are_refused_with_the_number(
    api: httpx.AsyncClient, comma: str
) -> None:
    ids = [str(uuid.uuid4()) for _ in range(2_000)]
    more = "&expand=job&include_raw_data=true&include_custom_fields=true&modified_after=2026-01-01T00%3A00%3A00Z"
    answer = await api.get(f"{PATH}?ids={comma.join(ids[:MOST_VALUES])}{more}")
    assert (answer.status_code, answer.json()["items"]) == (200, [])
    status, body = await send(api, f"GET {PATH}?ids={comma.join(ids)}{more} HTTP/1.1\r\n\r\n".encode())
    assert (status, "1,600 ids at most" in body["detail"]) == (414, True)
    just_more = (await api.get(f"{PATH}?ids={','.join(ids[: MOST_VALUES + 1])}")).json()
    assert "at most 1,600" in just_more["detail"][0]["msg"]


async def test_address_of_any_length_is_refused_while_it_is_read(api: httpx.AsyncClient) -> None:
    check(await api.get(f"{PATH}?ids={'x' * LONGEST_TARGET}"), 414, "65,000 bytes")
    status, body = await send(api, b"GET /" + b"x" * 10**7 + b" HTTP/1.1\r\n\r\n")
    assert (status, "65,000 bytes" in body["detail"]) == (414, True)


async def test_headers_of_any_length_are_refused_while_they_are_read(api: httpx.AsyncClient) -> None:
    check(await api.get(PATH, headers={"X-Long": "x" * MOST_HEADER_BYTES}), 431, "64 KiB")
    check(await api.get(PATH, headers=[(f"X-{number}", "y" * 50) for number in range(2_000)]), 431, "64 KiB")


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET /health HTTP/1.1\r\nX: a\x00b\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01",
    ],
)
async def test_what_is_no_request_is_refused_as_data(api: httpx.AsyncClient, sent: bytes) -> None:
    assert await send(api, sent) == (400, {"detail": "Invalid HTTP request received."})
    assert (await api.get("/health")).status_code == 200
