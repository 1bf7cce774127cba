"""Workers and the server killed at every step of a delivery: receivers hold every event, in order, under one id each.

`make chaos` does it 500 times. DELIVERY_ROUNDS says how often, CHAOS_SEED repeats a run's luck.
"""

import asyncio
import os
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from testbed.chaos import QUICK, Server, Workers, insist
from testbed.databases import Databases, make_place
from testbed.delivering import list_logged
from testbed.disturbing import change_rows, delete_rows
from testbed.personio import make_emulated_tenant
from testbed.tenants import Tenant
from unihire.events.endpoints import EndpointOwner, Endpoints, EndpointSettings
from unihire.kit.seal import Sealer, new_key
from unihire.outbound.addresses import AddressPolicy
from unihire.platform.syncs import ask_sync
from unihire.sandbox.runner import Ready, start_sandbox
from unihire.store import Pool
from unihire.store.connections import LOST
from unihire.store.database import open_database
from unihire.webhook_forms import FORMS

ROUNDS = int(os.environ.get("DELIVERY_ROUNDS", "12"))
SEED = int(os.environ.get("CHAOS_SEED", random.randrange(1_000_000)))
CHECK_EVERY = 25
STREAMS = ("jobs", "candidates", "applications")
PAGE = 10
"""Rows of a page: of many small ones there are many steps."""

PATHS = {"/ids": False, "/records": True}
"""The endpoints, and whether records are sent with what became of them."""

STEPS: dict[str, str | None] = {
    "page saved": "SELECT sum(last_seq)::text FROM feed",
    "lane claimed": "SELECT string_agg(claim::text, ',' ORDER BY claim) FROM lane",
    "position moved": "SELECT (sum(position) + sum(notice))::text FROM lane",
    "request sent": None,
    "answer lost": None,
    "any moment": None,
}
"""What to kill at; a query's result changes with the step, the others are seen by the receiver."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a receiver took: `path` is its endpoint, `told` what each try must say alike."""

    path: str
    id: str
    kind: str
    connector: str
    told: tuple[tuple[str, str], ...]


@dataclass
class Receiver:
    """Notes every message; at the next request it kills, before it answers or after."""

    base_url: str = ""
    taken: list[Message] = field(default_factory=list)
    kill_at: str | None = None
    kill: Callable[[], None] = lambda: None
    has_killed: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        said = msgspec.json.decode(await request.read())
        data = said["data"]
        told = tuple((record["id"], record["modified_at"]) for record in data.get("records", ()))
        message = Message(request.path, request.headers["webhook-id"], said["type"], data["connector_id"], told)
        if self._must_kill("request sent"):  # it does not take the message either
            return web.Response(status=500)
        self.taken.append(message)
        response = web.Response()
        with suppress(ConnectionResetError):  # the sender was killed meanwhile
            await response.prepare(request)
            await response.write_eof()
        self._must_kill("answer lost")
        return response

    def _must_kill(self, step: str) -> bool:
        if self.kill_at != step:
            return False
        self.kill_at = None
        self.kill()
        self.has_killed.set()
        return True


@dataclass
class Scene:
    """Two connectors of one organisation; all that happens to each is sent to two endpoints."""

    folder: Path
    databases: Databases
    name: str
    key: str
    vendor: Ready
    tenants: list[Tenant]
    receiver: Receiver


@pytest.fixture(scope="module")
def vendor() -> Iterator[Ready]:
    with start_sandbox("personio", size=100, seed=3) as sandbox:
        yield sandbox.ready


@pytest_asyncio.fixture(loop_scope="session")
async def scene(vendor: Ready) -> AsyncIterator[Scene]:
    key, receiver = new_key(), Receiver()
    app = web.Application(client_max_size=64 << 20)
    app.router.add_post("/{path:.*}", receiver.handle)
    with make_place() as folder:
        databases = Databases(folder / "home")
        try:
            await databases.prepare()
            async with databases.create() as name, TestServer(app) as server:
                receiver.base_url = str(server.make_url("/"))
                async with open_database(databases.settings(name)) as pool:
                    tenants = [await make_emulated_tenant(pool, Sealer([key]), vendor) for _ in range(2)]
                    await pool.execute("UPDATE connector SET next_sync_at = now() + '1 day'")
                    endpoints = Endpoints(pool, Sealer([key]), FORMS, AddressPolicy())
                    owner = EndpointOwner(tenants[0].organisation, tenants[0].connector.environment)
                    for path, with_records in PATHS.items():
                        url = f"{receiver.base_url}{path.removeprefix('/')}"
                        what = EndpointSettings(url=url, is_trusted=True, includes_records=with_records)
                        await endpoints.create(owner, what, format="standard")
                yield Scene(folder, databases, name, key, vendor, tenants, receiver)
        finally:
            databases.server.close()


def tell(line: str) -> None:
    """Shown by `make chaos`, and where the test fails."""
    sys.stdout.write(line + "\n")


async def test_receivers_hold_every_event_in_order_whatever_is_killed_at_whichever_step(scene: Scene) -> None:
    tell(f"\nCHAOS_SEED={SEED} DELIVERY_ROUNDS={ROUNDS}")
    begun_at, chance, done = time.monotonic(), random.Random(SEED), Counter[str]()
    settings = scene.databases.settings(scene.name)
    workers = Workers(settings, scene.key, scene.folder, QUICK, page=PAGE)
    server = Server(scene.databases)
    steps = [step for _ in range(ROUNDS // len(STEPS) + 1) for step in chance.sample(list(STEPS), len(STEPS))]
    try:
        async with open_database(settings) as pool:
            for number, step in enumerate(steps[:ROUNDS], 1):
                workers.keep(2)
                await have_something_to_send(scene, pool, chance, is_first=number == 1)
                if not await wait_for_step(scene, pool, chance, step, partial(kill_some, workers, chance, step)):
                    done["steps that did not come"] += 1
                elif server.may_crash and chance.random() < 0.3:
                    await server.crash(chance.uniform(0.0, 1.0))
                    done["crashes of the server"] += 1
                else:
                    done[f"kills: {step}"] += 1
                if number % CHECK_EVERY == 0 or number == ROUNDS:
                    done["events"] = await check(scene, pool, workers)
    finally:
        workers.end()
    twice = len(scene.receiver.taken) - len({(one.path, one.id) for one in scene.receiver.taken})
    counted = ", ".join(f"{count} {what}" for what, count in sorted(done.items()))
    tell(f"{counted}; {len(scene.receiver.taken)} messages, {twice} again; {time.monotonic() - begun_at:.0f} s")
    problems = workers.list_problems()
    assert not [problem for problem in problems if "fault of ours" in problem or "could not be" in problem], problems
    assert done["steps that did not come"] <= max(4, ROUNDS // 10)  # a busy machine


def kill_some(workers: Workers, chance: random.Random, step: str) -> None:
    """Kill the workers: all of them, so that the sender of a request is among them, or else sometimes one alone."""
    kills_all = STEPS[step] is None or chance.random() < 0.5
    for worker in list(workers.alive) if kills_all else [chance.choice(workers.alive)]:
        workers.kill(worker)


async def have_something_to_send(scene: Scene, pool: Pool, chance: random.Random, *, is_first: bool) -> None:
    """Unless much is on its way, let rows change and go at the vendor and ask for the next runs."""
    busy = await insist(lambda: pool.fetchval("SELECT count(*) FROM sync_run WHERE status IN ('queued', 'running')"))
    if busy:
        return
    full = is_first or chance.random() < 0.3
    if not is_first:
        await change_rows(scene.vendor, STREAMS, 0.4)
        if full:
            await delete_rows(scene.vendor, ("applications",), 0.03)
    for tenant in scene.tenants:
        await insist(partial(ask_sync, pool, tenant.connector, tenant.integration, full=full))


async def wait_for_step(
    scene: Scene, pool: Pool, chance: random.Random, step: str, kill: Callable[[], None], seconds: float = 8.0
) -> bool:
    """Kill as soon as the step was done; returns whether it was."""
    give_up_at = time.monotonic() + seconds
    if step == "any moment":
        await asyncio.sleep(chance.uniform(0.0, 1.0))
        kill()
        return True
    if (query := STEPS[step]) is None:
        scene.receiver.kill, scene.receiver.kill_at = kill, step
        scene.receiver.has_killed.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(scene.receiver.has_killed.wait(), seconds)
        scene.receiver.kill_at = None
        return scene.receiver.has_killed.is_set()
    before = await insist(lambda: pool.fetchval(query))
    while time.monotonic() < give_up_at:
        with suppress(*LOST, asyncpg.CannotConnectNowError):
            if await pool.fetchval(query) not in (before, None):
                kill()
                return True
        await asyncio.sleep(0.005)
    return False


async def check(scene: Scene, pool: Pool, workers: Workers) -> int:
    """All that happened was received, in order, and what came twice says the same; returns how many events that is."""
    await wait_until_all_is_sent(pool, workers)
    events = 0
    for tenant in scene.tenants:
        connector = tenant.connector.number
        logged = await list_logged(pool, connector)
        notices = [
            row["kind"]
            for row in await pool.fetch("SELECT kind FROM notice WHERE connector = $1 ORDER BY number", connector)
        ]
        for path in PATHS:
            known: dict[str, Message] = {}
            for message in scene.receiver.taken:
                if message.path == path and message.connector == str(tenant.connector.id):
                    assert known.setdefault(message.id, message) == message
            found = [(message.kind.removeprefix("record."), id) for message in known.values() for id, _ in message.told]
            assert found == logged
            assert [message.kind for message in known.values() if not message.told] == notices
        events += len(logged) + len(notices)
    return events


async def wait_until_all_is_sent(pool: Pool, workers: Workers) -> None:
    query = """
        SELECT (SELECT count(*) FROM sync_run WHERE status IN ('queued', 'running'))
            + (SELECT count(*) FROM lane WHERE due_at IS NOT NULL)
    """
    give_up_at = time.monotonic() + 90
    while await insist(lambda: pool.fetchval(query)):
        assert time.monotonic() < give_up_at, "\n".join(map(str, await describe(pool)))
        workers.keep(2)  # who was started while the server was away has ended
        await asyncio.sleep(0.05)


async def describe(pool: Pool) -> Sequence[Any]:
    return [
        await pool.fetch("SELECT id, status, attempt, waits_until FROM sync_run WHERE status IN ('queued', 'running')"),
        await pool.fetch("SELECT *, due_at - now() AS due_in FROM lane"),
        await pool.fetch("SELECT id, is_enabled, failures, held_until FROM endpoint"),
    ]
