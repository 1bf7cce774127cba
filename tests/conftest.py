"""Fixtures every test may use. The server and the emulator live as long as the session, databases as long as a test."""

import functools
import gc
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
import structlog
from httpx._transports import default
from hypothesis import HealthCheck, settings

from testbed.databases import Databases, make_place
from testbed.delivering import Delivers
from testbed.receiver import Receiver, run_receiver
from testbed.tenants import Tenant, make_tenant, open_api
from testbed.vendor import Vendor, run_vendor
from unihire.integration.registry import list_volatile_models
from unihire.kit.seal import Sealer, new_key
from unihire.store import Pool
from unihire.sync import fetching

sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type] # httpcore looks for it on the disk at each request


settings.register_profile("busy", suppress_health_check=[HealthCheck.too_slow])  # other tests run beside each
settings.load_profile("busy")


def pytest_collection_finish() -> None:
    """What was collected stays to the end: no collection of garbage walks it again, a tenth of all work."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)  # as the program's own processes


@pytest.fixture(scope="session", autouse=True)
def one_ssl_context() -> Iterator[None]:
    """All clients of a session verify certificates by the same ones: to read them takes 20 ms of processor a client."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(default, "create_ssl_context", functools.cache(default.create_ssl_context))
        yield


@pytest.fixture(autouse=True)
def volatile_models_of_this_test() -> None:
    """What one test's made-up vendor has of volatile rows is not taken for another's of the same slug."""
    list_volatile_models.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def plain_tracebacks() -> None:
    """Logged as the program logs them: coloured ones with every local take seconds each."""
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], renderer])


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    with make_place() as folder:
        yield folder / "home"


@pytest_asyncio.fixture(scope="session")
async def databases(home: Path) -> AsyncIterator[Databases]:
    """The one embedded server of the session."""
    made = Databases(home)
    await made.prepare(is_safe=False)
    yield made
    made.server.close()


@pytest_asyncio.fixture(scope="session")
async def emptied(databases: Databases) -> AsyncIterator[Callable[[], Awaitable[Pool]]]:
    async with databases.share() as empty:
        yield empty


@pytest_asyncio.fixture
async def pool(emptied: Callable[[], Awaitable[Pool]]) -> Pool:
    """A database with nothing in it but its tables."""
    return await emptied()


@pytest.fixture(scope="session")
def sealer() -> Sealer:
    return Sealer([new_key()])


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer) -> Tenant:
    """An organisation with a key and a connector, in the test's own database."""
    return await make_tenant(pool, sealer)


@pytest_asyncio.fixture
async def other_tenant(pool: Pool, sealer: Sealer) -> Tenant:
    """Another organisation with a key and a connector, in the same database."""
    return await make_tenant(pool, sealer, organisation="Another")


@pytest_asyncio.fixture
async def api(databases: Databases, tenant: Tenant) -> AsyncIterator[httpx.AsyncClient]:
    """The API as `tenant` calls it."""
    async with open_api(databases.settings("migrated"), tenant) as client:
        yield client


@pytest_asyncio.fixture
async def vendor(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Vendor]:
    """A vendor whose pages of two rows stand for others' pages of hundreds: each is saved by itself."""
    monkeypatch.setattr(fetching, "GATHERED", 0)
    async with run_vendor() as running:
        yield running


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Where webhooks are sent."""
    async with run_receiver() as running:
        yield running


@pytest_asyncio.fixture
async def delivers(pool: Pool, sealer: Sealer, receiver: Receiver) -> Delivers:
    return Delivers(pool, sealer, receiver)
