"""kill -9 in the middle of a sync, again and again: in the end the records are those of an undisturbed run."""

import json
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import pytest_asyncio

from testbed.databases import Databases, make_place
from testbed.harvest import NO_LIMITS
from testbed.harvest_link import make_harvest_tenant
from testbed.personio import make_emulated_tenant
from testbed.tenants import Tenant
from unihire.kit.seal import Sealer, new_key
from unihire.sandbox.runner import Ready, start_sandbox
from unihire.settings import Settings
from unihire.store import Pool
from unihire.store.database import open_database

KILLS = 4


@dataclass(frozen=True)
class Company:
    """What is synced: the system, how many candidates, the streams that change, and the pages before a kill at most."""

    slug: str
    size: int
    connect: Callable[[Pool, Sealer, Ready], Awaitable[Tenant]]
    streams: tuple[str, ...]
    pages: int
    options: Mapping[str, str] = field(default_factory=dict)


COMPANIES = (
    Company("personio", 1500, make_emulated_tenant, ("jobs", "candidates", "applications"), 6),
    Company(
        "greenhouse",
        120,
        make_harvest_tenant,
        (
            "users", "sources", "job_owners", "job_posts", "jobs", "application_stages", "attachments", "applications",
            "candidates", "interviewers", "interviews", "scorecards", "notes",
        ),
        30,
        NO_LIMITS,
    ),
)  # fmt: skip

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
from unihire.store.tenancy import get_connector
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

# Everything a sync leaves, but for when: modified_at, places in the feed and times.
CONTENT = {
    "records": """
        SELECT model, remote_id, deleted_at IS NULL, stream, regexp_replace(convert_from(body, 'UTF8'),
            '"modified_at":"[^"]*"', ''), raw, keys, fingerprint FROM record ORDER BY model, remote_id
    """,
    "filter index": "SELECT key, count(*) FROM record_key GROUP BY key ORDER BY key",
    "shown": "SELECT origin, row_id, stream, name, key, id, data FROM joined ORDER BY 1, 2, 3, 4",
    "to be shown": "SELECT count(*) FROM stale",
    "details": "SELECT stream, name, row_id, version, raw FROM detail ORDER BY 1, 2, 3",
    "quarantine": "SELECT stream, row_id, raw FROM quarantine ORDER BY 1, 2",
    "met": "SELECT count(*) FROM seen",
    "unfinished": "SELECT count(*) FROM sync_run WHERE status = 'running'",
}
# Rows of the filter index that are not of a living record, or the other way round.
STRAY_KEYS = """
    SELECT count(*) FROM (SELECT unnest(keys) AS key, seq FROM record WHERE deleted_at IS NULL) AS a
    FULL JOIN record_key AS b ON a.key = b.key AND a.seq = b.seq WHERE a.key IS NULL OR b.key IS NULL
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
        async with open_database(self.settings) as pool:
            assert await pool.fetchval(STRAY_KEYS) == 0
            return {name: [tuple(row) for row in await pool.fetch(query)] for name, query in CONTENT.items()}


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


async def change_rows(ready: Ready, streams: tuple[str, ...]) -> None:
    async with httpx.AsyncClient(base_url=ready.control_url) as control:
        for stream in streams:
            (await control.patch(f"rows/{stream}", json={"share": 0.3})).raise_for_status()


async def delete_rows(ready: Ready, streams: tuple[str, ...]) -> None:
    async with httpx.AsyncClient(base_url=ready.control_url) as control:
        for stream in streams:
            (await control.request("DELETE", f"rows/{stream}", json={"share": 0.2})).raise_for_status()


async def leave_rows(ready: Ready, streams: tuple[str, ...]) -> None:
    """The first sync of all: there is nothing yet."""


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
