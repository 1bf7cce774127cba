"""Opening the database: the embedded server or the operator's own, one code for both."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from types import MappingProxyType
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg

from unihire.errors import ConfigError
from unihire.settings import Settings
from unihire.store import Connection, Pool
from unihire.store.embedded.server import EmbeddedServer, is_made
from unihire.store.events.eras import ensure_epoch
from unihire.store.migrate import migrate

DATABASE = "unihire"

SESSION = {
    "application_name": "unihire",
    "jit": "off",
    # Every statement finds what it asks for by the index it is written for (docs/decisions/0019). What looks better to
    # a planner that takes a table for small, or a list for short, reads all there is once it has grown: whole tables,
    # and lists gathered to be sorted.
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "max_parallel_workers_per_gather": "0",
    # What a process that is frozen, or a machine that went away, locked is free again within half a minute.
    "idle_in_transaction_session_timeout": "30s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "30s",
}
"""Settings of every session of ours."""

_SCRATCH_LOCK = 0x73637261746368  # "scratch": one process at a time makes such a database

_addresses: dict[int, str] = {}  # of the database behind an open pool, by the pool's identity

# Databases of the server whose name starts so and that nobody is connected to.
LIST_IDLE_DATABASES = """
    SELECT datname FROM pg_database
    WHERE starts_with(datname, $1)
        AND NOT EXISTS (SELECT FROM pg_stat_activity AS session WHERE session.datid = pg_database.oid)
"""


GET_SERVER_VERSION = "SELECT split_part(current_setting('server_version'), ' ', 1)"

GET_SCHEMA_VERSION = "SELECT max(version) FROM schema_version"


@asynccontextmanager
async def open_database(settings: Settings, *, database: str = DATABASE) -> AsyncIterator[Pool]:
    """A pool of connections to the migrated database, which the embedded server makes if it is missing.

    `database` names one on the embedded server; with UNIHIRE_DATABASE_URL the address says which. Raises ConfigError
    where the database cannot be reached or used.
    """
    if settings.database_url is not None:
        async with _open_pool(settings.database_url.get_secret_value(), settings) as pool:
            yield pool
        return
    server = await asyncio.to_thread(EmbeddedServer, settings.home)
    try:
        await create_database(server, database)
        async with _open_pool(server.dsn(database), settings) as pool:
            yield pool
    finally:
        await asyncio.to_thread(server.close)


class NotMade(ConfigError):
    """There is no database yet: the first command that stores something makes it."""


@asynccontextmanager
async def open_existing_database(settings: Settings, *, can_write: bool) -> AsyncIterator[Pool]:
    """As `open_database`, on a database that is there already, as it is: nothing is made and nothing migrated.

    Unless `can_write`, no session can change anything. Raises NotMade where there is none.
    """
    session = SESSION if can_write else {**SESSION, "default_transaction_read_only": "on"}
    if settings.database_url is not None:
        async with _open_pool(settings.database_url.get_secret_value(), settings, session, migrates=False) as pool:
            yield pool
        return
    if not await asyncio.to_thread(is_made, settings.home):
        raise NotMade(f"there is none yet in {settings.home}: the first command that stores something makes it")
    server = await asyncio.to_thread(EmbeddedServer, settings.home)
    try:
        async with _open_pool(server.dsn(DATABASE), settings, session, migrates=False) as pool:
            yield pool
    finally:
        await asyncio.to_thread(server.close)


@asynccontextmanager
async def open_scratch_database(settings: Settings, *, prefix: str, name: str) -> AsyncIterator[Pool]:
    """As `open_database`, on an embedded database of its own that is dropped at the end.

    `prefix` starts the names of such databases; those a crash left behind are dropped first.
    """
    database = f"{prefix}{name}"
    server = await asyncio.to_thread(EmbeddedServer, settings.home)
    try:
        try:
            async with AsyncExitStack() as making:
                # Until we are connected, another process would take ours for one that was left behind.
                await making.enter_async_context(_take_scratch_lock(server))
                await _drop_idle_databases(server, prefix)
                await create_database(server, database)
                async with _open_pool(server.dsn(database), settings) as pool:
                    await making.aclose()
                    yield pool
        finally:
            connection = await asyncpg.connect(server.dsn())
            await connection.execute(f"DROP DATABASE IF EXISTS {_quote(database)} WITH (FORCE)")
            await connection.close()
    finally:
        await asyncio.to_thread(server.close)


def get_address(pool: Pool) -> str:
    """Where the database behind an open pool is, for libraries with connections of their own. It contains secrets."""
    return _addresses[id(pool)]


async def read_clock(pool: Pool | Connection) -> datetime:
    """The time by the database's clock, the one by which everything stored is dated."""
    now: datetime = await pool.fetchval("SELECT clock_timestamp()")
    return now


async def describe_database(pool: Pool) -> tuple[str, int]:
    """The server's version, and that of the schema: 0 where nothing of ours is in it."""
    server: str = await pool.fetchval(GET_SERVER_VERSION)
    try:
        return server, await pool.fetchval(GET_SCHEMA_VERSION) or 0
    except asyncpg.UndefinedTableError:
        return server, 0


@asynccontextmanager
async def _open_pool(
    dsn: str, settings: Settings, session: Mapping[str, str] = MappingProxyType(SESSION), *, migrates: bool = True
) -> AsyncIterator[Pool]:
    try:
        pool = await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=settings.database_pool,
            # Our connections carry no session state between uses, so the round trip that clears it is saved.
            reset=_skip_reset,
            server_settings=dict(session),
        )
    except asyncpg.InvalidCatalogNameError as error:
        raise NotMade(f"the server has no such database: {mask_secrets(str(error), dsn)}") from None
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        said = mask_secrets(str(error) or type(error).__name__, dsn)
        raise ConfigError(f"the database does not answer: {said}") from None
    try:
        if migrates:
            async with pool.acquire() as connection:
                await migrate(connection)
                await ensure_epoch(connection)
        _addresses[id(pool)] = dsn
        yield pool
    finally:
        _addresses.pop(id(pool), None)
        try:
            async with asyncio.timeout(2):
                await pool.close()
        except TimeoutError:
            pool.terminate()


async def _skip_reset(connection: Connection) -> None:
    """Leave a connection as it is when it goes back to the pool."""


@asynccontextmanager
async def _take_scratch_lock(server: EmbeddedServer) -> AsyncIterator[None]:
    connection = await asyncpg.connect(server.dsn())
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _SCRATCH_LOCK)
        yield
    finally:
        connection.terminate()


async def create_database(server: EmbeddedServer, database: str) -> None:
    """Make an empty database on the embedded server, unless it is there."""
    connection = await asyncpg.connect(server.dsn())
    try:
        await connection.execute(f"CREATE DATABASE {_quote(database)} TEMPLATE template0")
    except asyncpg.DuplicateDatabaseError:
        return
    except asyncpg.UniqueViolationError:  # another process made it at the same moment
        return
    finally:
        await connection.close()


async def _drop_idle_databases(server: EmbeddedServer, prefix: str) -> None:
    connection = await asyncpg.connect(server.dsn())
    try:
        for row in await connection.fetch(LIST_IDLE_DATABASES, prefix):
            try:
                await connection.execute(f"DROP DATABASE IF EXISTS {_quote(row['datname'])}")
            except asyncpg.ObjectInUseError:
                continue  # its owner connected meanwhile: it is not left behind
    finally:
        await connection.close()


def _quote(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9_]+", name):
        raise ValueError(f"not a database name: {name}")
    return f'"{name}"'


def mask_secrets(text: str, dsn: str = "") -> str:
    """The text without user and password in addresses, and without the password of `dsn` anywhere."""
    parts = urlsplit(dsn)
    written = [parts.netloc.rpartition("@")[0].partition(":")[2], *parse_qs(parts.query).get("password", [])]
    for secret in sorted({form for one in written for form in (one, unquote(one)) if form}, key=len, reverse=True):
        text = text.replace(secret, "…")
    return re.sub(r"://[^@/\s]*@", "://…@", text)
