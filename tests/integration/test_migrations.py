"""The schema's versions: from empty, from every earlier one, at once from two processes, and what is refused."""

import asyncio
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from testbed.databases import Databases
from testbed.migrating import describe
from testbed.passing import let_pass
from testbed.statements import RECORDED, find_refused
from testbed.waiting import within
from unihire.errors import ConfigError
from unihire.settings import Settings, read_settings
from unihire.store import Connection, migrate
from unihire.store.database import open_database
from unihire.store.migrate import Migration, list_migrations
from unihire.store.work import jobs, runs, schedules
from unihire.store.work.schedules import Due

VERSIONS = [migration.version for migration in list_migrations()]

# Everything a schema is made of, in words.
# What a database of version 5 has: a connector with two runs that ended, and one that was stopped on its third page.
BEFORE_SCHEDULES = (
    "INSERT INTO organisation (id, name) VALUES ('00000000-0000-4000-8000-000000000001', 'Example')",
    """
    INSERT INTO connector (id, organisation, environment, integration, category, end_user, token_hash, credentials)
    SELECT gen_random_uuid(), id, 'production', 'acme', 'ATS', 'Example', 'hash', 'sealed' FROM organisation
    """,
    """
    INSERT INTO sync_run (id, connector, number, status, is_full, started_at, finished_at)
    SELECT ('00000000-0000-4000-8000-00000000000' || run.number)::uuid, connector.number, run.number, run.status,
        is_full, '2026-01-01 00:00Z'::timestamptz + (run.number - 1) * '1 hour'::interval, finished_at
    FROM connector, (VALUES
        (1, 'partial', true, '2026-01-01 00:09Z'::timestamptz), (2, 'done', false, '2026-01-01 01:02Z'),
        (3, 'running', true, NULL)
    ) AS run (number, status, is_full, finished_at)
    """,
    """
    INSERT INTO stream_run
        (run, connector, stream, window_start, is_tracking, phase, position, started_at, finished_at, read, error)
    SELECT sync_run.id, connector, stream, part.window_start, true, phase, position, started_at,
        CASE WHEN phase = 'done' THEN started_at END, read, part.error
    FROM sync_run JOIN (VALUES
        (1, 'jobs', NULL, 'done', NULL, 70, NULL), (1, 'candidates', NULL, 'done', NULL, 9, NULL),
        (1, 'offers', NULL, 'done', NULL, 0, 'refused'),
        (2, 'jobs', '2026-01-01 00:00Z'::timestamptz, 'done', NULL, 2, NULL),
        (3, 'jobs', NULL, 'walk', '/jobs?page=3', 40, NULL)
    ) AS part (number, stream, window_start, phase, position, read, error) USING (number)
    """,
)

MIGRATOR = """
import asyncio, sys
from pathlib import Path
from unihire.settings import Settings
from unihire.store.database import open_database
async def main():
    async with open_database(Settings(_env_file=None, home=Path(sys.argv[1]), database_url=sys.argv[2])) as pool:
        print(await pool.fetchval("SELECT count(*) FROM schema_version"))
asyncio.run(main())
"""


def test_versions_are_numbered_from_one_without_a_gap() -> None:
    assert list(range(1, len(VERSIONS) + 1)) == VERSIONS


async def test_empty_database_gets_every_version_and_a_second_time_nothing(connection: Connection) -> None:
    assert await migrate.migrate(connection) == VERSIONS
    before = await describe(connection)
    assert {table for kind, table, *_ in before if kind == "column"} >= {"record", "record_key", "connector", "api_key"}
    assert await migrate.migrate(connection) == []
    assert await describe(connection) == before


@pytest.mark.parametrize("version", VERSIONS[:: len(VERSIONS) // 2])
async def test_versions_that_are_missing_are_applied_in_order(connection: Connection, version: int) -> None:
    assert await migrate.migrate(connection, upto=version) == VERSIONS[:version]
    assert await migrate.migrate(connection) == VERSIONS[version:]


async def test_data_of_a_version_without_schedules_is_gone_on_with(
    databases: Databases, connection: Connection, empty: str
) -> None:
    day, hour = timedelta(days=1), timedelta(hours=1)
    whole_at = datetime(2026, 1, 1, tzinfo=UTC)
    await migrate.migrate(connection, upto=5)
    for statement in BEFORE_SCHEDULES:
        await connection.execute(statement)
    async with open_database(databases.settings(empty)) as pool:
        number = await pool.fetchval("SELECT number FROM connector")
        schedule = await schedules.get_schedule(pool, number)
        assert (schedule.every, schedule.full_every, schedule.is_paused) == (hour, day, False)
        states = {row["stream"]: tuple(row)[2:] for row in await pool.fetch(runs.LIST_STATES, number)}
        assert states == {  # what was refused or is under way was not read well
            "jobs": (whole_at, whole_at + hour, whole_at, 70, None),
            "candidates": (whole_at, whole_at, whole_at, 9, None),
        }
        history = [tuple(row) for row in await pool.fetch("SELECT status, asked_at = started_at FROM sync_run")]
        assert sorted(history) == [("done", True), ("partial", True), ("running", True)]
        assert await jobs.list_orphaned(connection) == [(number, None)]  # a worker takes it up
        run = await runs.take_run(pool, number, version=1)
        assert run is not None
        assert (run.number, run.attempt, run.is_resumed, run.streams) == (3, 1, True, None)
        state = await runs.open_stream(pool, run, "jobs", window_start=None, models=[])
        assert (state["phase"], state["position"], state["read"]) == ("walk", "/jobs?page=3", 40)
        await pool.execute(runs.FINISH_RUN, number, run.id, run.attempt, "done", None)
        await let_pass(pool, day)
        async with pool.acquire() as one, one.transaction():
            due = await schedules.list_due(one, 10)
        assert due == [Due(number, is_full=True)]


async def test_altered_version_is_refused_by_name(databases: Databases, connection: Connection, empty: str) -> None:
    await migrate.migrate(connection)
    await connection.execute("UPDATE schema_version SET checksum = 'another' WHERE version = 1")
    with pytest.raises(ConfigError, match=r"0001_first\.sql was altered"):
        await migrate.migrate(connection)
    with pytest.raises(ConfigError, match=r"0001_first\.sql was altered"):
        async with open_database(databases.settings(empty)):
            pass


async def test_schema_of_a_newer_program_is_refused(connection: Connection) -> None:
    await migrate.migrate(connection)
    await connection.execute("INSERT INTO schema_version (version, checksum) VALUES (999, 'x')")
    with pytest.raises(ConfigError, match="version 999, this program knows"):
        await migrate.migrate(connection)


async def test_version_that_fails_leaves_the_one_before_whole(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = list_migrations()
    broken = Migration(VERSIONS[-1] + 1, "9999_broken.sql", "CREATE TABLE half_done (id int); SELECT 1/0")
    monkeypatch.setattr(migrate, "list_migrations", lambda: [*versions, broken])
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate.migrate(connection)
    assert await connection.fetchval("SELECT max(version) FROM schema_version") == VERSIONS[-1]
    assert await connection.fetchval("SELECT to_regclass('half_done')") is None
    mended = replace(broken, sql="CREATE TABLE half_done (id int)")
    monkeypatch.setattr(migrate, "list_migrations", lambda: [*versions, mended])
    assert await migrate.migrate(connection) == [broken.version]


async def test_version_waits_little_for_a_table_that_is_in_use_and_tries_again(
    databases: Databases, connection: Connection, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate.migrate(connection, upto=12)
    monkeypatch.setattr(migrate, "PAUSE_SECONDS", 0.01)
    other = await asyncpg.connect(databases.server.dsn(empty))
    async with other.transaction():
        await other.execute("SELECT FROM record")
        migrating = asyncio.create_task(migrate.migrate(connection))
        await asyncio.sleep(0.2)  # it waits for the one that reads: who comes later is kept waiting no longer than it
        reader = await asyncpg.connect(databases.server.dsn(empty))
        await asyncio.wait_for(reader.execute("SELECT FROM record"), timeout=2.5)
        await reader.close()
        assert not migrating.done()
    await other.close()
    assert await migrating == VERSIONS[12:]


async def test_table_that_somebody_does_not_let_go_of_is_told(
    databases: Databases, connection: Connection, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate.migrate(connection, upto=12)
    monkeypatch.setattr(migrate, "TRIES", 1)
    monkeypatch.setattr(migrate, "PAUSE_SECONDS", 0)
    other = await asyncpg.connect(databases.server.dsn(empty))
    async with other.transaction():
        await other.execute("SELECT FROM record")
        with pytest.raises(ConfigError, match=r"0013_no_statistics\.sql waits for a table that another session holds"):
            await migrate.migrate(connection)
    await other.close()
    assert await connection.fetchval("SELECT max(version) FROM schema_version") == 12


async def test_processes_that_migrate_at_once_make_one_schema(
    databases: Databases, connection: Connection, empty: str
) -> None:
    command = [sys.executable, "-W", "error", "-c", MIGRATOR, str(databases.home), databases.server.dsn(empty)]
    processes = [
        await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        for _ in range(3)
    ]
    for process in processes:
        said, complaint = await within(process.communicate())
        assert (process.returncode, complaint) == (0, b"")
        assert int(said) == len(VERSIONS)


async def test_database_that_does_not_answer_is_told_without_its_password(databases: Databases) -> None:
    bad = Settings(_env_file=None, home=databases.home, database_url="postgresql://user:hush@127.0.0.1:9/x")
    with pytest.raises(ConfigError) as caught:
        async with open_database(bad):
            pass
    assert "hush" not in str(caught.value)
    assert "hush" not in repr(bad)


@pytest.mark.parametrize("url", ["postgresql://user:hush@[broken/x", "nonsense://user:hush@x"])
def test_address_that_is_none_is_told_without_its_password(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNIHIRE_DATABASE_URL", url)
    with pytest.raises(ConfigError, match="UNIHIRE_DATABASE_URL") as caught:
        read_settings()
    assert "hush" not in str(caught.value)


RELEASES = sorted(RECORDED.glob("*.json"))


def read_statements(path: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads(path.read_text())
    return found


@pytest.mark.parametrize("path", RELEASES, ids=[path.stem for path in RELEASES])
async def test_statements_of_the_versions_before_are_taken_by_the_schema_of_now(
    databases: Databases, path: Path
) -> None:
    """So a worker of theirs that is at work while a newer program migrates goes on."""
    statements = read_statements(path)
    assert len(statements) > 100
    async with databases.open() as pool, pool.acquire() as connection:
        assert await find_refused(connection, statements) == {}


async def test_statements_of_the_last_two_versions_are_recorded_and_a_lost_column_is_noticed(
    databases: Databases,
) -> None:
    assert len(RELEASES) == 2
    statements = read_statements(RELEASES[-1])
    async with databases.open() as pool, pool.acquire() as connection:
        await connection.execute("ALTER TABLE stream_run DROP COLUMN position; DROP INDEX issue_open")
        refused = await find_refused(connection, statements)
    assert {"runs.MOVE_STREAM", "issues.OPEN_ISSUE"} <= refused.keys()
