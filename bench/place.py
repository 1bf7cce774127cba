"""Where a run keeps what it needs: a home folder of its own, with the embedded PostgreSQL and its scratch databases."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from unihire.settings import Settings
from unihire.store import Pool
from unihire.store.database import open_scratch_database
from unihire.store.embedded.server import EmbeddedServer


@dataclass(frozen=True, slots=True)
class Place:
    """A home folder whose embedded server runs."""

    home: Path
    server: EmbeddedServer

    @asynccontextmanager
    async def open_scratch(self, purpose: str) -> AsyncIterator[tuple[str, Pool]]:
        """The name of an empty, migrated database and a pool on it; it is dropped at the end."""
        prefix = f"bench_{purpose}_"
        async with open_scratch_database(make_settings(self.home), prefix=prefix, name="1") as pool:
            yield f"{prefix}1", pool


@asynccontextmanager
async def open_place() -> AsyncIterator[Place]:
    """A fresh home; at the end the server is stopped and the folder removed."""
    home = _make_home()
    try:
        server = await asyncio.to_thread(EmbeddedServer, home)
        try:
            yield Place(home, server)
        finally:
            await asyncio.to_thread(server.close)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _make_home() -> Path:
    home = Path(tempfile.mkdtemp(prefix="unihire-bench-"))
    # Where we are root the server runs as another user, who must be able to pass to its files.
    home.chmod(0o711)
    return home


def make_settings(home: str | Path, *, rate_limit: int = 0) -> Settings:
    """The settings of a run: what the operator set elsewhere has no say."""
    return Settings(
        _env_file=None, home=Path(home), database_url=None, encryption_keys=None, rate_limit=rate_limit, database_pool=8
    )
