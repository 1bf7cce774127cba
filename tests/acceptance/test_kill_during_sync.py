"""kill -9 in the middle of a sync, again and again: in the end the records are those of an undisturbed run."""

import json
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from testbed.databases import Databases, make_place
from testbed.disturbing import COMPANIES, Company, change_rows, delete_rows, leave_rows, read_content
from unihire.kit.seal import Sealer, new_key
from unihire.sandbox.runner import Ready, start_sandbox
from unihire.settings import Settings
from unihire.store.database import open_database

KILLS = 4


# Syncs one connector, and says when a page is committed.
SYNCER = """
import asyncio, json, sys, time
from uuid import UUID
from unihire.errors import ConfigError
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.platform.connectors import open_connector_client
from unihire.settings import Settings
from unihire.store.database import open_database
from unihire.store.accounts.tenancy import get_connector
from unihire.sync.run import sync_connector

given = json.loads(sys.argv[1])

async def main():
    sealer = Sealer([given["key"]])
    async with open_database(Settings(_env_file=None, home=given["home"], database_url=given["dsn"])) as pool:
        connector = await get_connector(pool, UUID(given["connector"]))
        watch = lambda counts: print("page", flush=True)
        until = time.monotonic() + 10
        while True:
            try:
                report = await sync_connector(
                    pool, connector, get_integration(connector.integration),
                    open_connector_client(pool, connector, sealer), full=given["full"], watch=watch,
                )
            except ConfigError:  # the database has not noticed the end of the one before
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(0.02)
                continue
            print(json.dumps({"status": report.status, "is_resumed": report.is_resumed}), flush=True)
            return

asyncio.run(main())
"""


class Place:
    """One database with one connector, synced by processes of its own."""

    def __init__(self, settings: Settings, connector: str, key: str, pages: int) -> None:
        assert settings.database_url is not None
        self.settings = settings
        self.pages = pages
        dsn = settings.database_url.get_secret_value()
        self.given = {"home": str(settings.home), "dsn": dsn, "connector": connector, "key": key}

    def start(self, *, full: bool) -> "subprocess.Popen[str]":
        given = json.dumps({**self.given, "full": full})
        return subprocess.Popen([sys.executable, "-c", SYNCER, given], stdout=subprocess.PIPE, text=True)

    def sync(self, *, full: bool = False) -> dict[str, Any]:
        """An undisturbed run to the end."""
        process = self.start(full=full)
        said = process.communicate(timeout=120)[0].splitlines()
        assert process.returncode == 0
        report: dict[str, Any] = json.loads(said[-1])
        return report

    def kill_one(self, chance: random.Random, *, full: bool) -> bool:
        """Start a run and kill it some time after it began to save; False where it came to its end first."""
        with self.start(full=full) as process:
            assert process.stdout is not None
            for _ in range(chance.randint(1, self.pages)):
                if not process.stdout.readline().startswith("page"):
                    break
            time.sleep(chance.uniform(0, 0.05))
            process.kill()
            return "status" not in process.stdout.read()

    async def read(self) -> dict[str, list[Any]]:
        return await read_content(self.settings)


@pytest.fixture(scope="module", params=COMPANIES, ids=lambda company: company.slug)
def company(request: pytest.FixtureRequest) -> Company:
    found: Company = request.param
    return found


@pytest.fixture(scope="module")
def ready(company: Company) -> Iterator[Ready]:
    with start_sandbox(company.slug, size=company.size, seed=2, options=company.options) as sandbox:
        yield sandbox.ready


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def databases() -> AsyncIterator[Databases]:
    """A server of its own: what a kill leaves must not reach other tests."""
    with make_place() as folder:
        made = Databases(folder / "home")
        await made.prepare()
        yield made
        made.server.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def places(databases: Databases, company: Company, ready: Ready) -> AsyncIterator[tuple[Place, Place]]:
    """The same connector twice, in a database each: one to be disturbed, one not."""
    key = new_key()
    async with databases.create() as first:
        async with open_database(databases.settings(first)) as pool:
            tenant = await company.connect(pool, Sealer([key]), ready)
        async with databases.create(template=first) as second:
            names = (first, second)
            id, pages = str(tenant.connector.id), company.pages
            disturbed, undisturbed = (Place(databases.settings(name), id, key, pages) for name in names)
            yield disturbed, undisturbed


@pytest.mark.parametrize(
    ("prepare", "full"),
    [(leave_rows, False), (change_rows, False), (delete_rows, True)],
    ids=["first", "incremental", "full"],
)
async def test_killed_syncs_end_with_the_records_of_an_undisturbed_one(
    places: tuple[Place, Place], company: Company, ready: Ready, prepare: Any, full: bool
) -> None:
    disturbed, undisturbed = places
    chance = random.Random()
    await prepare(ready, company.streams)
    kills = sum(disturbed.kill_one(chance, full=full) for _ in range(KILLS))
    assert kills >= 1
    report = disturbed.sync(full=full)
    assert report["status"] == "done"
    assert undisturbed.sync(full=full)["status"] == "done"
    left, expected = await disturbed.read(), await undisturbed.read()
    assert len(expected["records"]) > company.size * 2
    for name, rows in expected.items():
        assert left[name] == rows, name
