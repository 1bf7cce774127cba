"""`unihire doctor` over many connectors, an older schema and no database at all: a page, and nothing is changed."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from testbed.command import Command
from testbed.databases import Databases, make_place
from testbed.shell import Shell
from unihire.cli.doctor.findings import SHOWN
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer, new_key
from unihire.platform.connectors import create_connector
from unihire.platform.organisations import ensure_organisation
from unihire.store import Connection
from unihire.store.database import open_database, open_existing_database
from unihire.store.migrate import list_migrations, migrate

MANY = 201
KEY = new_key()

# A done run for every connector but the last twenty.
INSERT_RUNS = """
    INSERT INTO sync_run (id, connector, number, status, is_full, asked_at, started_at, finished_at)
    SELECT gen_random_uuid(), number, 1, 'done', true, now(), now(), now() FROM connector
    WHERE number <= (SELECT max(number) - 20 FROM connector)
"""


@pytest_asyncio.fixture
async def crowd(databases: Databases) -> AsyncIterator[str]:
    """The address of a database with many connectors."""
    async with databases.create() as name:
        settings = databases.settings(name)
        async with open_database(settings) as pool:
            organisation = await ensure_organisation(pool, "default")
            for number in range(MANY):
                await create_connector(
                    pool, Sealer([KEY]), organisation=organisation, environment="production",
                    integration=get_integration("personio"), end_user=f"ACME {number}",
                    credentials={"client_id": str(number), "client_secret": "b"},
                )  # fmt: skip
            await pool.execute(INSERT_RUNS)
        assert settings.database_url is not None
        yield settings.database_url.get_secret_value()


async def test_many_connectors_are_a_page_with_the_verdict_first(crowd: str, home: Path) -> None:
    shell = Command(home, UNIHIRE_DATABASE_URL=crowd, UNIHIRE_ENCRYPTION_KEYS=KEY, UNIHIRE_PORT="0")
    shown = (await asyncio.to_thread(shell.run, "doctor")).stdout
    lines = shown.splitlines()
    assert len(lines) <= 40, shown
    assert lines[0].startswith("! ")
    assert f"{MANY} connectors" in lines[0]
    assert sum("never synced" in line and line.startswith("! connector ") for line in lines) == SHOWN
    assert f"and {20 - SHOWN} connectors more: {20 - SHOWN} never synced" in shown
    assert f"{MANY - 20} connectors" in " ".join(shown.split())
    told = await asyncio.to_thread(shell.ask, "doctor")
    assert told["verdict"] == lines[0].removeprefix("! ")
    assert sum(one["name"].startswith("connector ") for one in told["findings"]) == MANY
    assert told["connectors"] == []
    whole = (await asyncio.to_thread(shell.run, "doctor", "--details")).stdout
    assert sum("connector " in line and line.startswith(("! ", "✓ ")) for line in whole.splitlines()) == MANY
    assert len((await asyncio.to_thread(shell.ask, "doctor", "--details"))["connectors"]) == MANY


async def test_an_older_schema_stays_as_it_is(databases: Databases, home: Path) -> None:
    *_, older, newest = (migration.version for migration in list_migrations())
    async with databases.create(template="template0") as name:
        address = databases.server.dsn(name)
        shell = Command(home, UNIHIRE_DATABASE_URL=address, UNIHIRE_ENCRYPTION_KEYS=KEY, UNIHIRE_PORT="0")
        assert await find_database(shell) == ("warning", "schema 0 of")
        connection = await asyncpg.connect(address)
        try:
            assert await list_tables(connection) == []
            await migrate(connection, upto=older)
            before = await list_tables(connection)
            assert await find_database(shell) == ("warning", f"schema {older} of")
            assert await list_tables(connection) == before
            assert await connection.fetchval("SELECT max(version) FROM schema_version") == older
            await connection.execute("INSERT INTO schema_version (version, checksum) VALUES ($1, '')", newest + 1)
            assert await find_database(shell, code=1) == ("failed", f"schema {newest + 1} of")
        finally:
            await connection.close()


async def find_database(shell: Command, code: int = 0) -> tuple[str, str]:
    told = json.loads((await asyncio.to_thread(shell.run, "doctor", "--json", code=code)).stdout)
    (found,) = [one for one in told["findings"] if one["name"] == "database"]
    return found["status"], found["detail"].partition("; ")[2].partition(" of")[0] + " of"


async def list_tables(connection: Connection) -> list[str]:
    rows = await connection.fetch(
        "SELECT table_name || '.' || column_name AS name FROM information_schema.columns"
        " WHERE table_schema = 'public' ORDER BY 1"
    )
    return [row["name"] for row in rows]


def list_files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in folder.rglob("*")
    }


def test_where_nothing_is_nothing_is_made() -> None:
    with make_place() as place:
        shell = Shell(place / "home", UNIHIRE_PORT="0")
        shown = shell.run("doctor").stdout
        assert "database: there is none yet in" in shown
        assert "is not there yet and can be made" in shell.run("doctor", "--details").stdout
        assert list_files(place) == {}


async def test_no_session_of_the_doctor_can_write(databases: Databases) -> None:
    settings = databases.settings("migrated")
    async with open_existing_database(settings, can_write=False) as pool:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await ensure_organisation(pool, "Another")
