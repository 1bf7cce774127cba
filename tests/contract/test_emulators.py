"""Every emulator that has a connector beside it, asked through that connector: what no emulator may lack.

What only one vendor does is tested in a file of its own.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from testbed.vendor import IMPATIENT
from unihire.errors import ConfigError, ReauthorizeNeeded
from unihire.integration.declare import Integration, Stream
from unihire.integration.emulate import Request
from unihire.integration.registry import get_integration, list_integrations
from unihire.outbound.client import VendorClient
from unihire.outbound.paging import Row
from unihire.platform.connectors import open_client
from unihire.sandbox.faults import PAGING
from unihire.sandbox.host import SandboxApp
from unihire.sandbox.runner import Ready, get_emulator, list_emulators, start_sandbox
from unihire.sync.fetching import fetch_rows, find_row_id, first_page, walk

SLUGS = [integration.slug for integration in list_integrations() if integration.slug in list_emulators()]

SMALL = 20
"""Rows a page: lists of a hundred have several."""

ODD_VALUES: tuple[Any, ...] = (None, "", "x", 0, 1.5, True, [], [None], ["x"], {}, {"id": []}, "x" * 10_000)


@dataclass(frozen=True)
class Side:
    """A running emulator, and the connector that asks it."""

    app: SandboxApp
    ready: Ready
    integration: Integration

    @asynccontextmanager
    async def connect(self, secret: str | None = None) -> AsyncIterator[VendorClient]:
        credentials = {"client_id": self.ready.client_id, "client_secret": secret or self.ready.client_secret}
        async with open_client(
            self.integration, credentials, self.ready.base_url, is_base_url_trusted=True, retry=IMPATIENT
        ) as client:
            yield client

    def list_paged(self) -> list[Stream]:
        """The streams that the emulator lists page by page."""
        return [stream for stream in self.integration.streams if self.app.emulator.find_stream(stream.path)]

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = httpx.request(method, f"{self.ready.control_url}{path}", json=body)
        return answer.raise_for_status().json()


@pytest.fixture(scope="module", params=SLUGS)
def served(request: pytest.FixtureRequest) -> Iterator[Side]:
    options = {name: option.in_demo for name, option in get_emulator(request.param).options.items() if option.in_demo}
    with start_sandbox(request.param, size=100, seed=7, options=options) as sandbox:
        yield Side(sandbox.app, sandbox.ready, get_integration(request.param))


@pytest.fixture
def side(served: Side) -> Side:
    served.control("POST", "reset")
    return served


async def read(client: VendorClient, stream: Stream, size: int | None = None, **filters: str) -> list[Row]:
    async with aclosing(walk(client, stream, first_page(client, stream, filters, size))) as pages:
        return [row async for page in pages for row in page.rows]


async def read_raw(client: VendorClient, stream: Stream) -> dict[str, bytes]:
    return {find_row_id(stream, row): row.raw for row in await read(client, stream)}


def list_ids(stream: Stream, rows: list[Row]) -> list[str]:
    return [find_row_id(stream, row) for row in rows]


async def test_pages_of_any_size_give_every_row_once_in_one_order(side: Side) -> None:
    counted = side.control("GET", "streams")
    async with side.connect() as client:
        for stream in side.integration.streams:
            large = list_ids(stream, await read(client, stream))
            small = list_ids(stream, await read(client, stream, SMALL))
            assert large == small, stream.name
            assert len(set(large)) == len(large), stream.name
            name = side.app.emulator.find_stream(stream.path)
            assert name is None or len(large) <= counted[name]["rows"]
    assert side.list_paged(), "find_stream knows none of the lists that the connector reads"


async def test_row_is_found_by_its_id_until_it_is_gone(side: Side) -> None:
    async with side.connect() as client:
        for stream in side.list_paged():
            before = list_ids(stream, await read(client, stream))
            if stream.by_id is None or not before:
                continue
            found = await fetch_rows(client, stream, before[:3])
            assert sorted(list_ids(stream, found.rows)) == sorted(before[:3])
            name = side.app.emulator.find_stream(stream.path)
            assert name is not None
            side.app.emulator.streams[name].delete_some(2)
            gone = set(before) - set(list_ids(stream, await read(client, stream)))
            assert (await fetch_rows(client, stream, sorted(gone))).missing == gone, stream.name


async def test_what_changed_is_listed_under_the_filter_of_an_incremental_read(side: Side) -> None:
    streams = [stream for stream in side.list_paged() if stream.changed_since is not None]
    async with side.connect() as client:
        before = {stream.name: await read_raw(client, stream) for stream in streams}
    side.control("POST", "clock", {"advance_seconds": 3600})
    since = side.app.clock.now()
    side.control("POST", "clock", {"advance_seconds": 3600})
    for stream in streams:
        side.control("PATCH", f"rows/{side.app.emulator.find_stream(stream.path)}", {"count": 3})
    met = set[str]()
    async with side.connect() as client:
        for stream in streams:
            assert stream.changed_since is not None
            after, was = await read_raw(client, stream), before[stream.name]
            changed = {id for id, raw in after.items() if was.get(id) != raw}
            listed = set(list_ids(stream, await read(client, stream, **stream.changed_since(since))))
            # Rows that repeat what changed in others look changed too, and are not; some are listed on request only.
            assert listed <= changed, stream.name
            met |= listed
    assert met


@pytest.mark.parametrize("word", PAGING)
async def test_paging_that_goes_wrong_is_made_by_the_emulator_and_withstood(side: Side, word: str) -> None:
    async with side.connect() as client:
        for stream in side.list_paged():
            rows = list_ids(stream, await read(client, stream))
            if len(rows) > SMALL:
                break
        side.control("PUT", "faults", [{"word": word, "next": 1}])
        found = list_ids(stream, await read(client, stream, SMALL))
        assert side.control("GET", "faults")["fired"] == {word: 1}, "the emulator does not ask whether it strikes"
    assert len(set(rows) - set(found)) == (word == "skip-row")
    assert set(found) <= set(rows)


async def test_token_is_asked_for_checked_and_bought_anew(side: Side) -> None:
    stream = side.list_paged()[0]
    for headers in ({}, {"authorization": "Bearer wrong"}):
        request = Request("GET", stream.path, (), headers, b"", side.ready.base_url)
        assert side.app.emulator.answer(request).status == 401
    async with side.connect() as client:
        await read(client, stream)
        side.app.emulator.expire_tokens()
        side.control("DELETE", "requests")
        await read(client, stream)
        statuses = [request["status"] for request in side.control("GET", "requests")["last"]]
        assert statuses[0] == 401, "a token that expired is taken"
    with pytest.raises(ReauthorizeNeeded):
        async with side.connect(secret="another") as client:
            await read(client, stream)


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
def test_refusals_have_the_status_they_were_asked_for(side: Side, status: int) -> None:
    for path in (*(stream.path for stream in side.integration.streams), "/", "/nothing"):
        request = Request("GET", path, (), {}, b"", side.ready.base_url)
        assert side.app.emulator.refuse(status, request).status == status


async def test_rows_with_members_of_any_kind_are_listed_and_shown(side: Side) -> None:
    """An exception of the emulator's is a 500 to the client, which raises when it comes again."""
    async with side.connect() as client:
        for stream in side.list_paged():
            name = side.app.emulator.find_stream(stream.path)
            assert name is not None
            rows = await read(client, stream)
            for member in sorted({member for row in rows[:10] for member in row.data}):
                for value in ODD_VALUES:
                    with suppress(ConfigError):
                        side.app.emulator.streams[name].change_some(1, {member: value})
        for stream in side.integration.streams:
            ids = list_ids(stream, await read(client, stream))
            if stream.by_id is not None:
                assert len((await fetch_rows(client, stream, ids[:50])).rows) == len(ids[:50]), stream.name
