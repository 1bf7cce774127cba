"""`unihire reconnect` beside a running `unihire serve`: from then on nobody asks with the old credentials, or saves."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from testbed.command import PATIENCE, Command, read_json_line
from testbed.databases import make_place
from testbed.vendor import say
from testbed.waiting import within
from unihire.store.embedded.server import EmbeddedServer

CALL = "/core/v1/connectors/greenhouse/versions/1.0/call"


@dataclass
class Departments:
    """A Greenhouse whose lists are empty but for its departments: two customers have one each, under their own name."""

    log: list[tuple[float, str, str]] = field(default_factory=list)
    """When whose token asked for what, or who bought one."""
    held: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    will_hold: bool = False
    bought: int = 0
    base_url: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        scheme, _, word = request.headers["Authorization"].partition(" ")
        if request.path == "/token":
            customer = base64.b64decode(word).decode().partition("-")[0]
            self.log.append((time.time(), request.path, customer))
            self.bought += 1
            return say({"access_token": f"{customer}.{self.bought}", "expires_in": 3600})
        assert scheme == "Bearer"
        customer = word.partition(".")[0]
        self.log.append((time.time(), request.path, customer))
        row = {"id": {"old": 1, "new": 2}[customer], "name": f"of {customer}", "parent_id": None, "external_id": None}
        moments = {"created_at": "2026-03-02T09:15:04.296Z", "updated_at": "2026-05-05T22:36:04.000Z"}
        if request.path == "/v3/departments":
            if self.will_hold and customer == "old":
                self.held.set()
                await within(self.go_on.wait())
            asked = request.query.get("ids")
            return say([{**row, **moments}] if asked is None or str(row["id"]) in asked.split(",") else [])
        return say([])

    def list_asked(self, customer: str, since: float) -> list[str]:
        return [path for moment, path, name in self.log if name == customer and moment > since]


@pytest.fixture(scope="module")
def command() -> Iterator[Command]:
    with make_place() as place, EmbeddedServer(place / "home"):
        yield Command(place / "home")


def name_credentials(customer: str) -> dict[str, str]:
    return {
        "UNIHIRE_GREENHOUSE_CLIENT_ID": f"{customer}-custom",
        "UNIHIRE_GREENHOUSE_CLIENT_SECRET": f"secret of {customer}",
    }


@pytest_asyncio.fixture
async def greenhouse() -> AsyncIterator[Departments]:
    made = Departments()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    async with TestServer(app) as server:
        made.base_url = str(server.make_url("")).rstrip("/")
        yield made


async def test_serve_goes_on_with_the_new_credentials_and_keeps_nothing_of_the_old(
    command: Command, greenhouse: Departments
) -> None:
    connected = await asyncio.to_thread(
        command.ask, "connect", "greenhouse", "--customer", "Example", "--base-url", greenhouse.base_url,
        **name_credentials("old"),
    )  # fmt: skip
    scopes = "--scope", "read", "--scope", "operations"
    key = (await asyncio.to_thread(command.ask, "keys", "create", "--name", "test", *scopes))["key"]
    headers = {"Authorization": f"Bearer {key}", "X-Connector-Token": connected["connector_token"]}
    with command.start("serve", "--port", "0", "--json", UNIHIRE_RATE_LIMIT="0") as process:
        ready = await asyncio.to_thread(read_json_line, process)
        async with httpx.AsyncClient(base_url=ready["base_url"], headers=headers, timeout=PATIENCE) as api:

            async def list_departments() -> list[str]:
                """The names, of the vendor now."""
                body = {"operation": "list_departments", "input": {}, "authId": connected["connector_id"]}
                answer = (await api.post(CALL, json=body)).raise_for_status().json()
                assert answer["outcome"] == "success", answer
                return [found["name"] for found in answer["output"]["results"]]

            async def list_served() -> list[str]:
                answer = (await api.get("/api/ats/v1/departments")).raise_for_status().json()
                return [found["name"] for found in answer["items"]]

            async def list_runs() -> list[tuple[str, bool]]:
                answer = (await api.get("/api/v1/syncs")).raise_for_status().json()
                return [(run["status"], run["full"]) for run in answer["items"]]

            await wait_until(list_served, ["of old"])
            await wait_until(list_runs, [("done", False)])
            assert await list_departments() == ["of old"]  # the API's client is open, with its token

            greenhouse.will_hold = True  # a full run is reading when the credentials change
            await asyncio.to_thread(command.ask, "sync", connected["connector_id"], "--full", "--queue")
            await asyncio.wait_for(greenhouse.held.wait(), PATIENCE)
            await asyncio.to_thread(
                command.ask,
                "reconnect",
                connected["connector_id"],
                "--no-check",
                "--same-account",
                **name_credentials("new"),
            )
            since = time.time()
            assert await list_departments() == ["of new"]
            greenhouse.go_on.set()
            await wait_until(list_served, ["of new"])
            assert await list_departments() == ["of new"]
            asked = greenhouse.list_asked("old", since + 1.5)  # a list begun in the same second may still be asked for
            assert asked == []
            assert "/token" not in greenhouse.list_asked("old", since)

            await wait_until(list_runs, [("done", True), ("cancelled", True), ("done", False)])


async def wait_until(read: Any, expected: Any) -> None:
    give_up_at = time.monotonic() + PATIENCE
    while (found := await read()) != expected:
        assert time.monotonic() < give_up_at, found
        await asyncio.sleep(0.05)
