"""The mirror of docs/howto/mirror.md, killed with the service it follows: in the end its copy is what is served.

The whole of it is a part of `make chaos`. MIRROR_KILLS says how often the program is killed at each vendor, CHAOS_SEED
repeats a run's luck.
"""

import asyncio
import os
import random
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from testbed.chaos import QUICK, Server, Workers, insist
from testbed.command import find_free_port
from testbed.databases import Databases
from testbed.disturbing import COMPANIES, Company, change_rows, delete_rows
from testbed.howto_mirror import MirrorProgram, count_deleted, find_difference, read_program, read_served
from testbed.tenants import Tenant
from testbed.waiting import until
from unihire.kit.seal import Sealer, new_key
from unihire.model import MODELS
from unihire.platform.syncs import ask_sync
from unihire.sandbox.runner import Ready, start_sandbox
from unihire.store.database import open_database
from unihire.store.events.log import cut_events

KILLS = int(os.environ.get("MIRROR_KILLS", "3"))
IS_WHOLE = KILLS >= 100
SEED = int(os.environ.get("CHAOS_SEED", random.randrange(1_000_000)))
KILLS_A_ROUND = 10 if IS_WHOLE else 2
SIZES = {"personio": 250, "greenhouse": 400 if IS_WHOLE else 100}
"""Candidates: lists that fill a page, and more, at one of them at least."""

SERVICE_SHARE = 0.3
"""Of the kills, those that the service shares; the last one always."""

SERVER_SHARE = 0.2
"""Those that the database shares, in the whole of it."""


@dataclass
class Scene:
    """A connector, the service that syncs and serves it with its database, and the mirror that follows."""

    company: Company
    vendor: Ready
    tenant: Tenant
    service: Workers
    server: Server
    mirror: MirrorProgram
    api: httpx.AsyncClient

    def keep_running(self) -> None:
        self.service.keep(1)
        self.mirror.keep_running()

    async def mutate(self, *, deletes: bool = True) -> None:
        await change_rows(self.vendor, self.company.streams)
        if deletes:
            await delete_rows(self.vendor, self.company.streams, 0.05)

    async def ask_sync(self) -> None:
        """A complete read, which finds what is gone too."""
        tenant = self.tenant
        await insist(partial(ask_sync, tenant.pool, tenant.connector, tenant.integration, full=True))

    async def is_synced(self) -> bool:
        self.service.keep(1)  # one that began while the database was away has ended
        open_runs = "SELECT count(*) FROM sync_run WHERE status IN ('queued', 'running')"
        return not await insist(partial(self.tenant.pool.fetchval, open_runs))

    async def has_caught_up(self) -> bool:
        self.keep_running()
        return await self.mirror.has_caught_up(self.api)

    async def cut_log(self) -> None:
        """Let all events go, as retention does."""
        async with self.tenant.pool.acquire() as connection, connection.transaction():
            assert not await cut_events(connection, timedelta(0), 1_000_000)

    async def find_missed(self) -> dict[str, Any]:
        """What is answered at the mirror's place, after which events are not there."""
        answer = await self.api.get("/api/v1/events", params={"cursor": self.mirror.read_places()["events"]})
        assert answer.status_code == 410
        found: dict[str, Any] = answer.json()
        return found

    async def expect_exact_copy(self) -> int:
        """What the program says it has is what is served, record for record; returns how many records that is."""
        await until(self.is_synced, 90)
        assert [row[0] for row in await self.tenant.pool.fetch("SELECT DISTINCT status FROM sync_run")] == ["done"]
        await until(self.has_caught_up, 60)
        served = await read_served(self.api)
        assert find_difference(self.mirror.read_copy(), served) == []
        return sum(map(len, served.values()))


@pytest_asyncio.fixture(params=COMPANIES, ids=lambda company: company.slug)
async def scene(request: pytest.FixtureRequest, own_server: Databases, place: Path) -> AsyncIterator[Scene]:
    company: Company = request.param
    key, port = new_key(), find_free_port()
    folder = place / f"{company.slug}-{port}"
    folder.mkdir()
    with start_sandbox(company.slug, size=SIZES[company.slug], seed=2, options=company.options) as sandbox:
        async with own_server.create() as name, open_database(own_server.settings(name)) as pool:
            tenant = await company.connect(pool, Sealer([key]), sandbox.ready)
            await pool.execute("UPDATE connector SET next_sync_at = now() + '1 day'")
            settings = own_server.settings(name)
            service = Workers(settings, key, folder, QUICK, command=("serve", "--port", port))
            url = f"http://127.0.0.1:{port}"
            mirror = MirrorProgram(folder, url, tenant)
            async with httpx.AsyncClient(base_url=url, headers=tenant.headers, timeout=30) as api:
                try:
                    service.keep(1)
                    await until(partial(is_up, api))
                    yield Scene(company, sandbox.ready, tenant, service, Server(own_server), mirror, api)
                finally:
                    mirror.kill()
                    service.end()


async def is_up(api: httpx.AsyncClient) -> bool:
    try:
        return (await api.get("/api/v1/events")).is_success
    except httpx.TransportError:
        return False


def test_program_of_the_page_has_forty_lines_at_most_and_knows_every_model() -> None:
    program = read_program()
    assert len(program.splitlines()) <= 40
    (models,) = re.findall(r'^MODELS = """(.*?)"""', program, re.MULTILINE | re.DOTALL)
    assert models.split() == list(MODELS)


async def test_copy_is_what_is_served_however_often_the_program_and_the_service_are_killed(scene: Scene) -> None:
    chance, killed = random.Random(SEED), Counter[str]()
    rounds = 0
    while killed["mirror"] < KILLS or not rounds:
        if rounds:
            await scene.mutate()
        await scene.ask_sync()
        for _ in range(min(KILLS_A_ROUND, KILLS - killed["mirror"])):
            scene.keep_running()
            await asyncio.sleep(chance.uniform(0.2, 1.2))
            scene.mirror.kill()
            killed["mirror"] += 1
            if IS_WHOLE and scene.server.may_crash and chance.random() < SERVER_SHARE:
                await scene.server.crash(chance.uniform(0, 1))
                killed["database"] += 1
            if chance.random() < SERVICE_SHARE or killed["mirror"] == KILLS:
                scene.service.kill(chance.choice(scene.service.alive))
                killed["service"] += 1
        records = await scene.expect_exact_copy()
        rounds += 1
    deleted = await count_deleted(scene.api)
    sys.stdout.write(
        f"\nCHAOS_SEED={SEED} {scene.company.slug}: {dict(killed)}, {rounds} rounds, "
        f"{records} records, {deleted} deleted\n"
    )
    assert records > SIZES[scene.company.slug]
    assert deleted
    assert not [line for line in scene.service.list_problems() if "fault of ours" in line or "stumbled" in line]


@pytest.mark.parametrize("scene", COMPANIES[:1], indirect=True, ids=lambda company: company.slug)
async def test_program_that_missed_events_finds_its_way_back_by_the_lists(scene: Scene) -> None:
    await scene.ask_sync()
    await scene.expect_exact_copy()
    scene.mirror.kill()
    await scene.mutate()
    await scene.ask_sync()
    await until(scene.is_synced, 90)
    await scene.cut_log()  # it was away for longer than events are stored
    assert (await scene.find_missed())["modified_after"] is not None
    stray = scene.mirror.add_stray()
    await until(scene.has_caught_up)
    scene.mirror.kill()
    copy = scene.mirror.read_copy()
    assert copy["candidate"].pop(stray) == {}, "it began anew"
    assert find_difference(copy, await read_served(scene.api)) == []

    await scene.tenant.pool.execute("UPDATE event_epoch SET epoch = epoch # 1")  # another database: all is read anew
    assert (await scene.find_missed())["modified_after"] is None
    await scene.expect_exact_copy()
