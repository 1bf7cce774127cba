"""What acceptance tests have in common."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from testbed.databases import Databases, make_place


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with make_place() as folder:
        yield folder


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own_server(place: Path) -> AsyncIterator[Databases]:
    """A server of the module's own, which may crash: what a kill leaves must not reach other tests."""
    made = Databases(place / "home")
    await made.prepare()
    yield made
    made.server.close()
