"""Databases on one embedded server, each a copy of a migrated one: a fresh one takes a few dozen milliseconds."""

import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg

from unihire.settings import Settings
from unihire.store import Pool
from unihire.store.database import open_database
from unihire.store.embedded.server import EmbeddedServer

MIGRATED = "migrated"

ELSEWHERE = "TEST_DATABASE_URL"
"""Names, in the environment, the database that tests share instead of one on the embedded server."""

# What a test may leave behind; what belongs to a connector goes with its organisation.
EMPTY = [
    f"DELETE FROM {table}"
    for table in (
        "record",
        "record_volatile",
        "record_key",
        "seen",
        "joined",
        "stale",
        "event_page",
        "notice",
        "audit",
        "delivery",
        "lane",
        "chore",
        "organisation",
    )
]


@contextmanager
def make_place() -> Iterator[Path]:
    """A folder every user may pass through, unlike tmp_path: as root the server runs as another user."""
    folder = Path(tempfile.mkdtemp(prefix="unihire-test-", dir="/tmp"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


class Databases:
    """The databases of one server."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.server = EmbeddedServer(home)
        self._numbers = itertools.count(1)

    async def run(self, statement: str) -> None:
        connection = await asyncpg.connect(self.server.dsn())
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def prepare(self, *, is_safe: bool = True) -> None:
        """Make the migrated database the others are copied from. Not `is_safe`: no commit waits for the disk."""
        if not is_safe:
            for name in ("fsync", "full_page_writes"):
                await self.run(f"ALTER SYSTEM SET {name} = off")
            await self.run("SELECT pg_reload_conf()")
        await self.run(f"CREATE DATABASE {MIGRATED} TEMPLATE template0")
        async with open_database(self.settings(MIGRATED)):
            pass

    def settings(self, name: str, **others: object) -> Settings:
        """Settings that point at one of the databases; no rate limit unless one is given."""
        return Settings(
            _env_file=None, **{"home": self.home, "database_url": self.server.dsn(name), "rate_limit": 0, **others}
        )

    @asynccontextmanager
    async def create(self, *, template: str = MIGRATED) -> AsyncIterator[str]:
        """The name of a fresh database, dropped at the end."""
        name = f"test_{next(self._numbers)}"
        await self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield name
        finally:
            await self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    @asynccontextmanager
    async def share(self) -> AsyncIterator[Callable[[], Awaitable[Pool]]]:
        """A pool on one database for many tests; each call gives it emptied, which is quicker than a new one."""
        async with self._open_shared() as pool:

            async def empty() -> Pool:
                for statement in EMPTY:
                    await pool.execute(statement)
                return pool

            yield empty

    @asynccontextmanager
    async def _open_shared(self) -> AsyncIterator[Pool]:
        address = os.environ.get(ELSEWHERE)
        if address is None:
            async with self.open() as pool:
                yield pool
            return
        async with open_database(Settings(_env_file=None, home=self.home, database_url=address)) as pool:
            yield pool

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Pool]:
        """A pool on a fresh migrated database, opened as the program opens it."""
        async with self.create() as name, open_database(self.settings(name)) as pool:
            yield pool
