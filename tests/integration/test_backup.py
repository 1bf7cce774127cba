"""The database as one file, and back."""

import os
import stat
from pathlib import Path

import asyncpg
import pytest

from testbed.databases import Databases
from testbed.records import save
from testbed.tenants import Tenant
from unihire.errors import ConfigError
from unihire.settings import Settings
from unihire.store.backup import COUNT_TABLES, restore_backup, write_backup
from unihire.store.migrate import list_migrations, migrate

FORGOTTEN = ("feed_alive", "event_alive")
"""Tables that a crash empties, and of which nothing is restored."""

LIST_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"


async def read_all(settings: Settings) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    assert settings.database_url is not None
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    try:
        names = [row["tablename"] for row in await connection.fetch(LIST_TABLES)]
        return {
            name: sorted(row[0] for row in await connection.fetch(f'SELECT found::text FROM "{name}" AS found'))
            for name in names
        }
    finally:
        await connection.close()


async def count_tables(settings: Settings) -> int:
    assert settings.database_url is not None
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    try:
        return int(await connection.fetchval(COUNT_TABLES))
    finally:
        await connection.close()


async def test_what_is_restored_is_every_row_that_was_there(
    databases: Databases, tenant: Tenant, tmp_path: Path
) -> None:
    await save(tenant, "candidate", *({"remote_id": str(number), "first_name": "Kim"} for number in range(20)))
    file, settings = tmp_path / "one.dump", databases.settings(await tenant.pool.fetchval("SELECT current_database()"))
    await write_backup(settings, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == [file.name]
    async with databases.create(template="template0") as name:
        await restore_backup(databases.settings(name), file)
        restored = await read_all(databases.settings(name))
        # Its feeds go on as after a crash: what was shown since the backup is not known there.
        kept = {table: rows for table, rows in (await read_all(settings)).items() if table not in FORGOTTEN}
        assert {table: restored.pop(table) for table in FORGOTTEN} == {table: [] for table in FORGOTTEN}
        assert restored == kept
        assert len(restored["record"]) == 20
        with pytest.raises(ConfigError, match="not empty"):
            await restore_backup(databases.settings(name), file)


async def test_a_backup_of_an_older_schema_is_restored_as_that_schema(databases: Databases, tmp_path: Path) -> None:
    file, older = tmp_path / "older.dump", [migration.version for migration in list_migrations()][-2]
    async with databases.create(template="template0") as before, databases.create(template="template0") as after:
        url = databases.settings(before).database_url
        assert url is not None
        connection = await asyncpg.connect(url.get_secret_value())
        try:
            await migrate(connection, upto=older)
        finally:
            await connection.close()
        await write_backup(databases.settings(before), file)
        await restore_backup(databases.settings(after), file)
        found = await read_all(databases.settings(after))
        assert len(found["schema_version"]) == older
        assert found["schema_version"] == (await read_all(databases.settings(before)))["schema_version"]


async def test_a_file_that_is_there_is_not_written_over(databases: Databases, tmp_path: Path) -> None:
    file = tmp_path / "one.dump"
    file.write_text("mine")
    with pytest.raises(ConfigError, match="exists"):
        await write_backup(databases.settings("migrated"), file)
    assert file.read_text() == "mine"


async def test_a_backup_that_fails_leaves_no_file_and_tells_no_password(databases: Databases, tmp_path: Path) -> None:
    settings = databases.settings("migrated", database_url="postgresql://ex:s3cret@127.0.0.1:1/nowhere")
    with pytest.raises(ConfigError, match="refused") as failed:
        await write_backup(settings, tmp_path / "one.dump")
    assert "s3cret" not in str(failed.value)
    with pytest.raises(ConfigError, match="cannot write"):
        await write_backup(databases.settings("migrated"), tmp_path / "nowhere" / "one.dump")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("left", [0, 3, 1000, -2000], ids=["empty", "no archive", "cut early", "cut late"])
async def test_a_damaged_backup_restores_nothing(databases: Databases, tmp_path: Path, left: int) -> None:
    whole, cut = tmp_path / "whole.dump", tmp_path / "cut.dump"
    await write_backup(databases.settings("migrated"), whole)
    cut.write_bytes(whole.read_bytes()[:left])
    async with databases.create(template="template0") as name:
        with pytest.raises(ConfigError, match="nothing was restored"):
            await restore_backup(databases.settings(name), cut)
        assert await count_tables(databases.settings(name)) == 0
        await restore_backup(databases.settings(name), whole)
        assert await count_tables(databases.settings(name)) > 20


async def test_a_backup_that_is_not_there_is_refused(databases: Databases, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        await restore_backup(databases.settings("migrated"), tmp_path / "none.dump")
