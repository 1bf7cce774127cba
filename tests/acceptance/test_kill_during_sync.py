"""kill -9 in the middle of a sync, again and again: in the end the records are those of an undisturbed run."""

import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.disturbing import (
    ASHBY,
    COMPANIES,
    LEVER,
    WORKABLE,
    Company,
    change_rows,
    delete_rows,
    leave_rows,
    read_content,
)
from testbed.effort import take_turns
from testbed.forking import Running
from unihire.kit.seal import Sealer, new_key
from unihire.sandbox.runner import Ready, start_sandbox
from unihire.settings import Settings
from unihire.store.database import open_database

KILLS = 4  # and up to MOST, until one has left a list in its middle: many lists fit on a page
MOST = 40

# Syncs one connector for each line, in a fork of its own that says when a page is committed.
SYNCER = """
import asyncio, json, os, socket, sys, time
from functools import partial
from uuid import UUID
from testbed.disturbing import ASHBY, COMPANIES, LEVER, WORKABLE, read_in_small_pages
from testbed.forking import Keepers
from unihire.errors import ConfigError
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.platform.connectors import open_connector_client
from unihire.settings import Settings
from unihire.store.database import open_database
from unihire.store.accounts.tenancy import get_connector
from unihire.sync.run import sync_connector

async def sync(given):
    sealer = Sealer([given["key"]])
    settings = Settings(
        _env_file=None, home=given["home"], database_url=given["dsn"], documented_rates=False
    )
    async with open_database(settings) as pool:
        connector = await get_connector(pool, UUID(given["connector"]))
        integration, pages = read_in_small_pages(get_integration(connector.integration)), 0

        def watch(counts):
            nonlocal pages
            pages += 1
            print("page", flush=True)
            if pages == given["held_at"]:
                time.sleep(60)  # to be killed here: nothing more is saved

        until = time.monotonic() + 10
        while True:
            try:
                report = await sync_connector(
                    pool, connector, integration,
                    open_connector_client(pool, connector, sealer, settings=settings), full=given["full"], watch=watch,
                )
            except ConfigError:  # the database has not noticed the end of the one before
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(0.02)
                continue
            print(json.dumps({"status": report.status, "is_resumed": report.is_resumed}), flush=True)
            return

def work(given):
    code = 1
    try:
        asyncio.run(sync(given))
        code = 0
    finally:
        os._exit(code)

for company in (*COMPANIES, ASHBY, LEVER, WORKABLE):
    get_integration(company.slug)
keepers = Keepers(socket.socket(fileno=int(sys.argv[1])))
for line in sys.stdin:
    keepers.fork(partial(work, json.loads(line)))
keepers.reap()
"""


class Nursery:
    """The process that has loaded what a sync needs, and forks."""

    def __init__(self) -> None:
        self._door, inner = socket.socketpair()
        with inner:
            self._process = subprocess.Popen(
                [sys.executable, "-c", SYNCER, str(inner.fileno())],
                stdin=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                pass_fds=[inner.fileno()],
            )

    def start(self, given: dict[str, Any]) -> Running:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(given) + "\n")
        self._process.stdin.flush()
        return Running(["sync"], self._door)

    def end(self) -> None:
        self._process.communicate()
        self._door.close()


class Place:
    """One database with one connector, synced by processes of its own."""

    def __init__(self, nursery: Nursery, settings: Settings, connector: str, key: str, pages: int) -> None:
        assert settings.database_url is not None
        self.nursery = nursery
        self.settings = settings
        self.pages = pages
        dsn = settings.database_url.get_secret_value()
        self.given = {"home": str(settings.home), "dsn": dsn, "connector": connector, "key": key}

    def start(self, *, full: bool, held_at: int | None = None) -> "subprocess.Popen[str]":
        return self.nursery.start({**self.given, "full": full, "held_at": held_at})

    def sync(self, *, full: bool = False) -> dict[str, Any]:
        """An undisturbed run to the end."""
        process = self.start(full=full)
        out, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        said = out.splitlines()
        report: dict[str, Any] = json.loads(said[-1])
        return report

    def kill_one(self, chance: random.Random, *, full: bool) -> bool:
        """Start a run and kill it after some page was saved, at once or a little later; False where it came to its end
        first.
        """
        pages, is_held = chance.randint(1, self.pages), chance.random() < 0.5
        with self.start(full=full, held_at=pages if is_held else None) as process:
            assert process.stdout is not None
            while pages and (said := process.stdout.readline()):
                assert said, process.communicate(timeout=10)[1]
                pages -= said == "page\n"  # beside lines of the log
            if not is_held:
                time.sleep(chance.uniform(0, 0.05))
            process.kill()
            return "status" not in process.stdout.read()

    async def read(self) -> dict[str, list[Any]]:
        return await read_content(self.settings)

    async def count_begun(self) -> int:
        """How many lists were left in their middle."""
        async with open_database(self.settings) as pool:
            query = "SELECT count(*) FROM stream_run WHERE finished_at IS NULL AND position IS NOT NULL"
            begun: int = await pool.fetchval(query)
            return begun


KINDS = {"first": (leave_rows, False), "incremental": (change_rows, False), "full": (delete_rows, True)}
"""What happens at the vendor before a run, and whether that run reads all again."""

CASES = [
    pytest.param(company, kind, id=f"{company.slug}-{kind}")
    for turn, company in enumerate((*COMPANIES, ASHBY, LEVER, WORKABLE))
    for kind in take_turns([*KINDS], 1 if turn else len(KINDS), turn)
]
"""Each kind for the first company, and one of them in turn for each other."""


@pytest.fixture(scope="module")
def company(request: pytest.FixtureRequest) -> Company:
    found: Company = request.param
    return found


@pytest.fixture(scope="module")
def ready(company: Company) -> Iterator[Ready]:
    with start_sandbox(company.slug, size=company.size, seed=2, options=company.options) as sandbox:
        yield sandbox.ready


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.end()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def places(
    own_server: Databases, nursery: Nursery, company: Company, ready: Ready
) -> AsyncIterator[tuple[Place, Place]]:
    """The same connector twice, in a database each: one to be disturbed, one not."""
    key = new_key()
    async with own_server.create() as first:
        async with open_database(own_server.settings(first)) as pool:
            tenant = await company.connect(pool, Sealer([key]), ready)
        async with own_server.create(template=first) as second:
            names = (first, second)
            id, pages = str(tenant.connector.id), company.pages
            disturbed, undisturbed = (Place(nursery, own_server.settings(name), id, key, pages) for name in names)
            yield disturbed, undisturbed


@pytest.mark.parametrize(("company", "kind"), CASES, indirect=["company"], scope="module")
async def test_killed_syncs_end_with_the_records_of_an_undisturbed_one(
    places: tuple[Place, Place], company: Company, ready: Ready, kind: str
) -> None:
    disturbed, undisturbed = places
    prepare, full = KINDS[kind]
    if kind != "first":
        for place in places:
            place.sync()
    await prepare(ready, company.streams)
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    kills = begun = 0
    for turn in range(MOST):
        kills += disturbed.kill_one(chance, full=full)
        begun += await disturbed.count_begun()
        if turn + 1 >= KILLS and kills and (begun or prepare is change_rows):  # what changed since may fit on a page
            break
    else:
        raise AssertionError(f"{kills} killed, {begun} lists left in their middle; seed {seed}")
    report = disturbed.sync(full=full)
    assert report["status"] == "done"
    assert undisturbed.sync(full=full)["status"] == "done"
    left, expected = await disturbed.read(), await undisturbed.read()
    assert len(expected["records"]) > company.size * 2
    for name, rows in expected.items():
        assert left[name] == rows, name
