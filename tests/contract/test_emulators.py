"""Every emulator that has a connector beside it, asked through that connector: what no emulator may lack.

What only one vendor does is tested in a file of its own.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from testbed.vendor import IMPATIENT
from unihire.cli.demo.pasting import pick_credentials
from unihire.errors import ConfigError, ReauthorizeNeeded
from unihire.integration.declare import Integration, Stream
from unihire.integration.emulate import Request
from unihire.integration.registry import get_integration, list_integrations
from unihire.outbound.asked import split_asked
from unihire.outbound.auth import ApiKey
from unihire.outbound.client import VendorClient
from unihire.outbound.paging import Row
from unihire.platform.connectors import open_client
from unihire.sandbox.faults import PAGING
from unihire.sandbox.host import SandboxApp
from unihire.sandbox.runner import Ready, get_emulator, list_emulators, start_sandbox
from unihire.sync.fetching import fetch_rows, find_row_id, first_page, walk

SLUGS = [integration.slug for integration in list_integrations() if integration.slug in list_emulators()]
WITH_KEYS = [slug for slug in SLUGS if isinstance(get_integration(slug).auth, ApiKey)]
WITH_TOKENS = [slug for slug in SLUGS if slug not in WITH_KEYS]

SMALL = 20
"""Rows a page: lists of a hundred have several."""

ODD_VALUES: tuple[Any, ...] = (None, "", "x", 0, 1.5, True, [], [None], ["x"], {}, {"id": []}, "x" * 10_000)


@dataclass(frozen=True)
class Side:
    """A running emulator, and the connector that asks it."""

    app: SandboxApp
    ready: Ready
    integration: Integration

    @property
    def credentials(self) -> dict[str, str]:
        """Those that connecting asks for."""
        return pick_credentials(self.integration, self.ready)

    @asynccontextmanager
    async def connect(self, **others: str) -> AsyncIterator[VendorClient]:
        credentials = self.credentials | others
        async with open_client(
            self.integration, credentials, self.ready.base_url, is_base_url_trusted=True, retry=IMPATIENT
        ) as client:
            yield client

    def locate(self, stream: Stream) -> str:
        """The path of a stream at the vendor's host."""
        return urlsplit(self.integration.locate(self.credentials)).path + stream.path

    def find_rows(self, stream: Stream) -> str | None:
        """The emulator's name of a stream's rows; None where it does not list them page by page."""
        return self.app.emulator.find_stream(self.locate(stream))

    def list_paged(self) -> list[Stream]:
        """The streams that the emulator lists page by page."""
        streams = self.integration.streams
        return [one for one in streams if self.find_rows(one) and not self.is_inside(one)]

    def is_inside(self, stream: Stream) -> bool:
        """Whether its rows are shown inside those of an earlier stream: some may come twice, or lack an id."""
        return next(one for one in self.integration.streams if one.path == stream.path) != stream

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
    return (await read_to_token(client, stream, size, **filters))[0]


async def read_to_token(
    client: VendorClient, stream: Stream, size: int | None = None, **filters: str
) -> tuple[list[Row], str | None]:
    """All rows, and the sync token with which the list ends, if it ends with one."""
    rows: list[Row] = []
    token = None
    async with aclosing(walk(client, stream, first_page(client, stream, filters, size))) as pages:
        async for page in pages:
            rows += page.rows
            token = page.token
    return rows, token


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
            assert len(set(large)) == len(large) or side.is_inside(stream), stream.name
            name = side.find_rows(stream)
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
            name = side.find_rows(stream)
            assert name is not None
            side.app.emulator.streams[name].delete_some(2)
            gone = set(before) - set(list_ids(stream, await read(client, stream)))
            assert (await fetch_rows(client, stream, sorted(gone))).missing == gone, stream.name


async def test_what_changed_is_listed_under_the_filter_of_an_incremental_read(side: Side) -> None:
    streams = [stream for stream in side.list_paged() if stream.is_incremental]
    before: dict[str, dict[str, bytes]] = {}
    tokens: dict[str, str | None] = {}
    async with side.connect() as client:
        for stream in streams:
            rows, tokens[stream.name] = await read_to_token(client, stream)
            before[stream.name] = {find_row_id(stream, row): row.raw for row in rows}
    side.control("POST", "clock", {"advance_seconds": 3600})
    since = side.app.clock.now()
    side.control("POST", "clock", {"advance_seconds": 3600})
    for stream in streams:
        side.control("PATCH", f"rows/{side.find_rows(stream)}", {"count": 3})
    met = set[str]()
    async with side.connect() as client:
        for stream in streams:
            after, was = await read_raw(client, stream), before[stream.name]
            changed = {id for id, raw in after.items() if was.get(id) != raw}
            asked = stream.ask_changed(since, tokens[stream.name])
            assert asked, stream.name
            listed = set(list_ids(stream, await read(client, stream, **asked)))
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


@pytest.mark.parametrize("served", WITH_TOKENS, indirect=True)
async def test_token_is_asked_for_checked_and_bought_anew(side: Side) -> None:
    stream = side.list_paged()[0]
    for headers in ({}, {"authorization": "Bearer wrong"}):
        request = Request("GET", side.locate(stream), (), headers, b"", side.ready.base_url)
        assert side.app.emulator.answer(request).status == 401
    async with side.connect() as client:
        await read(client, stream)
        side.app.emulator.expire_tokens()
        side.control("DELETE", "requests")
        await read(client, stream)
        statuses = [request["status"] for request in side.control("GET", "requests")["last"]]
        assert statuses[0] == 401, "a token that expired is taken"
    with pytest.raises(ReauthorizeNeeded):
        async with side.connect(client_secret="another") as client:
            await read(client, stream)


@pytest.mark.parametrize("served", WITH_KEYS, indirect=True)
async def test_key_that_is_wrong_or_switched_off_is_refused(side: Side) -> None:
    assert isinstance(side.integration.auth, ApiKey)
    stream, wrong = side.list_paged()[0], dict.fromkeys(side.credentials, "another")
    signature = side.integration.auth.sign(side.credentials)
    path, body = split_asked(stream.paging.first(stream.path, {**stream.params, **signature.params}))
    headers = {name.lower(): value for name, value in signature.headers.items()} | {"content-type": "application/json"}
    method, query = ("GET" if body is None else "POST"), parse_qsl(urlsplit(path).query)

    def ask(headers: dict[str, str]) -> int:
        request = Request(method, side.locate(stream), query, headers, body or b"", side.ready.base_url)
        return side.app.emulator.answer(request).status

    assert ask(headers) == 200
    assert ask({"content-type": "application/json"}) == 401
    assert ask(headers | {"authorization": "Bearer wrong"}) in (401, 403)
    with pytest.raises(ReauthorizeNeeded):
        async with side.connect(**wrong) as client:
            await read(client, stream)
    keys = side.app.emulator.streams["api_keys"]
    keys.change_some(keys.count()["rows"], {"isEnabled": False})
    with pytest.raises(ReauthorizeNeeded):
        async with side.connect() as client:
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
            name = side.find_rows(stream)
            assert name is not None
            rows = await read(client, stream)
            for member in sorted({member for row in rows[:10] for member in row.data}):
                for value in ODD_VALUES:
                    with suppress(ConfigError):
                        side.app.emulator.streams[name].change_some(1, {member: value})
        for stream in side.integration.streams:
            ids = list_ids(stream, await read(client, stream))
            if side.is_inside(stream):
                ids = sorted({id for id in ids if not id.startswith("?")})
            if stream.by_id is not None:
                assert len((await fetch_rows(client, stream, ids[:50])).rows) == len(ids[:50]), stream.name
