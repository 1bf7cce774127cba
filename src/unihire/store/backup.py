"""The whole database in one file, and back, by PostgreSQL's own programs, which come with the embedded server."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
import psycopg
from psycopg import pq

from unihire.errors import ConfigError
from unihire.settings import Settings
from unihire.store.database import DATABASE, create_database, mask_secrets
from unihire.store.embedded.cluster import ServerUser, find_programs
from unihire.store.embedded.server import EmbeddedServer

END_SECONDS = 3.0
"""How long a program that is no longer wanted may take to end."""

PSQL = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--no-password", "--command=BEGIN", "--file=-")

# What is restored knows nothing of what was saved after it: its feeds go on as after a crash.
DUMP = (
    "--format=custom", "--no-password", "--exclude-table-data=public.feed_alive",
    "--exclude-table-data=public.event_alive",
)  # fmt: skip

HEADER_LINES = 40
NEW_IN_17 = b"SET transaction_timeout = 0;\n"
"""Stands among the first lines of what pg_restore writes, whatever server it is for."""

# How many tables a database has besides PostgreSQL's own.
COUNT_TABLES = """
    SELECT count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind IN ('r', 'p') AND nspname NOT IN ('pg_catalog', 'information_schema') AND nspname NOT LIKE 'pg_toast%'
"""


async def write_backup(settings: Settings, file: Path) -> None:
    """Write the database, as of one moment, to a new file that its owner alone may read.

    What runs goes on. The file is in pg_dump's custom format, and appears under its name when it is whole. The keys
    that seal credentials are not in it. Raises ConfigError where the file exists, or what pg_dump says went wrong.
    """
    with _make_whole(file) as partial:
        async with _open_address(settings) as (address, programs):
            await _run(programs / "pg_dump", address, [*DUMP, f"--file={partial}"])


@contextmanager
def _make_whole(file: Path) -> Iterator[Path]:
    """Another name to write a new file under, which gets its own when the block ends well and goes otherwise."""
    if file.exists():
        raise ConfigError(f"{file} exists: name a new file")
    partial = file.with_name(file.name + ".partial")
    try:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        yield partial
        partial.replace(file)
    except OSError as error:
        raise ConfigError(f"cannot write {file}: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)


async def restore_backup(settings: Settings, file: Path) -> None:
    """Fill an empty database with the content of a backup, all of it or nothing.

    Raises ConfigError where the database has tables already, or what pg_restore says went wrong.
    """
    if not os.access(file, os.R_OK):
        raise ConfigError(f"cannot read {file}: there is no such file, or it may not be read")
    async with _open_address(settings) as (address, programs):
        if tables := await _count_tables(address):
            raise ConfigError(f"the database is not empty, it has {tables} tables: restore into a new one")
        await _restore(programs, address, file)


def list_variables(address: str) -> dict[str, str]:
    """The variables of the environment with which PostgreSQL's programs reach an address: none shows in a list of
    processes."""
    try:
        options = pq.Conninfo.parse(address.encode())
    except psycopg.OperationalError as error:
        raise ConfigError(f"the address of the database is not one: {mask_secrets(str(error), address)}") from None
    return {
        option.envvar.decode(): option.val.decode()
        for option in options
        if option.envvar is not None and option.val is not None
    }


@asynccontextmanager
async def _open_address(settings: Settings) -> AsyncIterator[tuple[str, Path]]:
    """Where the database is, without a look at what is in it, and the folder of PostgreSQL's programs."""
    programs = find_programs(Path(), ServerUser(0, 0, {}))  # run as ourselves, so as they are installed
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value(), programs
        return
    server = await asyncio.to_thread(EmbeddedServer, settings.home)
    try:
        await create_database(server, DATABASE)
        yield server.dsn(DATABASE), programs
    finally:
        await asyncio.to_thread(server.close)


async def _count_tables(address: str) -> int:
    try:
        connection = await asyncpg.connect(address)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise ConfigError(f"the database does not answer: {mask_secrets(str(error), address)}") from None
    try:
        counted: int = await connection.fetchval(COUNT_TABLES)
        return counted
    finally:
        await connection.close()


async def _restore(programs: Path, address: str, file: Path) -> None:
    """Pass what pg_restore writes on to psql, in one transaction, without what servers before 17 do not know."""
    async with (
        _start(programs / "pg_restore", ["--file=-", "--no-owner", "--no-privileges", str(file)]) as reading,
        _start(programs / "psql", PSQL, address=address) as writing,
    ):
        errors = asyncio.gather(_read_errors(reading), _read_errors(writing))
        assert reading.stdout is not None
        assert writing.stdin is not None
        with contextlib.suppress(ConnectionError):  # it has ended, and says why
            for _ in range(HEADER_LINES):
                line = await reading.stdout.readline()
                writing.stdin.write(b"" if line == NEW_IN_17 else line)
            while some := await reading.stdout.read(65536):
                writing.stdin.write(some)
                await writing.stdin.drain()
        if await reading.wait() == 0:  # else the transaction is left open, and is undone with the session
            writing.stdin.write(b"COMMIT;\n")
            writing.stdin.close()
        else:
            writing.terminate()
        code = await writing.wait()
        said = await errors
        for process, lines in zip((reading, writing), said, strict=True):
            if process.returncode:
                raise ConfigError(f"nothing was restored: {mask_secrets(lines)}")
        assert code == 0


async def _run(program: Path, address: str, arguments: Sequence[str]) -> None:
    """Run a program of PostgreSQL's to its end. Raises ConfigError with what it says where it fails."""
    async with _start(program, arguments, address=address) as process:
        said = await _read_errors(process)
        if await process.wait():
            raise ConfigError(mask_secrets(said))


@asynccontextmanager
async def _start(
    program: Path, arguments: Sequence[str], *, address: str | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program of PostgreSQL's, which ends with the block."""
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        env={**os.environ, **({} if address is None else list_variables(address)), "LC_ALL": "C"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), END_SECONDS)


async def _read_errors(process: asyncio.subprocess.Process) -> str:
    """The first error a program prints, else its last line."""
    assert process.stderr is not None
    lines = (await process.stderr.read()).decode(errors="replace").strip().splitlines()
    return next((line for line in lines if "error:" in line.lower()), lines[-1] if lines else "it says nothing")
