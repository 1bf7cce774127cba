"""Fixtures of the embedded server's own tests, of those with workers, and of those of empty databases."""

import contextlib
import functools
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from testbed.databases import Databases, make_place
from testbed.server_users import Users, make_users, wait_until
from testbed.tenants import Tenant
from testbed.vendor import Vendor, fill
from testbed.working import Works
from testbed.writing import Writing, open_writing
from unihire.kit.seal import Sealer
from unihire.store import Connection, Pool


@pytest.fixture
def place() -> Iterator[Path]:
    with make_place() as folder:
        yield folder


@pytest.fixture(scope="module")
def prepared_homes() -> Iterator[Callable[[str], Path]]:
    """Homes with an empty cluster in them, to be copied: initdb takes longer than most tests."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def prepare(kind: str) -> Path:
            users = make_users(kind, stack.enter_context(make_place()))
            users.run_briefly()
            return users.home

        yield prepare


@pytest.fixture
def users(request: pytest.FixtureRequest, place: Path, prepared_homes: Callable[[str], Path]) -> Iterator[Users]:
    """Users of a home whose cluster is there and not running; afterwards no process of theirs may be left."""
    kind = getattr(request, "param", "as ourselves")
    users = make_users(kind, place)
    subprocess.run(["cp", "-a", prepared_homes(kind), users.home], check=True)
    yield users
    for user in users.started:
        if user.process.returncode is None:
            user.kill()
    try:
        wait_until(users.has_ended)
    finally:
        for process in users.processes():
            process.kill()


@pytest_asyncio.fixture
async def works(pool: Pool, sealer: Sealer, vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Works]:
    await pool.execute("DELETE FROM procrastinate_jobs")
    await pool.execute("DELETE FROM procrastinate_workers")
    fill(vendor)
    yield Works(pool, sealer, vendor, monkeypatch)


@pytest_asyncio.fixture
async def customer(works: Works) -> Tenant:
    return await works.connect()


@pytest_asyncio.fixture
async def empty(databases: Databases) -> AsyncIterator[str]:
    """The name of a database with nothing in it."""
    async with databases.create(template="template0") as name:
        yield name


@pytest_asyncio.fixture
async def connection(databases: Databases, empty: str) -> AsyncIterator[Connection]:
    opened = await asyncpg.connect(databases.server.dsn(empty))
    yield opened
    await opened.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def writing(databases: Databases, sealer: Sealer) -> AsyncIterator[Writing]:
    """A synced connector to a Greenhouse sandbox that is written to."""
    async with open_writing(databases, sealer, "greenhouse") as opened:
        yield opened
