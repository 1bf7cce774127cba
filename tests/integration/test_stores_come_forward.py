"""Stores that earlier versions filled: brought forward beside programs at work, and served as before."""

import asyncio
import contextlib
import json
import sys

import asyncpg
import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.effort import pick
from testbed.migrating import describe, expect_shown, fill_store, read_shown
from testbed.records import save
from testbed.statements import RECORDED
from testbed.tenants import Tenant
from testbed.waiting import until, within
from unihire.store import Connection, migrate
from unihire.store.database import open_database
from unihire.store.feed.gate import lock_feed
from unihire.store.migrate import Migration, list_migrations

VERSIONS = [migration.version for migration in list_migrations()]
BESIDE = [one for one in list_migrations() if one.name.endswith(".beside.sql")]
FIRST_BESIDE = BESIDE[0].version

EARLIER = pick(VERSIONS[:-1], 10)
"""The first is brought through every version there is, the last through one."""


def pick_steps() -> list[int]:
    """Where a store may be stopped: behind versions of each kind."""
    later = [one for one in list_migrations() if one.version >= FIRST_BESIDE]
    kinds = [one for one in later if one.name.count(".") == 1], BESIDE, [one for one in later if "batches" in one.name]
    return sorted(step for kind in kinds for step in pick([one.version for one in kind], 2))


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

# An index that is being made, and the session that makes it.
FIND_MAKER = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'active' AND query LIKE 'CREATE UNIQUE INDEX CONCURRENTLY%'
        AND wait_event_type = 'Lock'
"""

COUNT_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

COUNT_BROKEN = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"


@pytest_asyncio.fixture(scope="module")
async def newest(databases: Databases) -> list[tuple[str, ...]]:
    """The schema of a store that has only ever been today's."""
    async with databases.open() as pool, pool.acquire() as connection:
        return await describe(connection)


@pytest.mark.parametrize("version", EARLIER)
async def test_store_of_every_earlier_version_gets_the_newest_schema_and_serves_the_same_bytes(
    databases: Databases, connection: Connection, empty: str, version: int, newest: list[tuple[str, ...]]
) -> None:
    await migrate.migrate(connection, upto=version)
    await fill_store(connection, connectors=2, size=40)
    before = [await expect_shown(connection, number) for number in (1, 2)]
    assert [len(shown.all) for shown in before] == [36, 36]
    async with open_database(databases.settings(empty)) as pool:
        assert [await read_shown(pool, number) for number in (1, 2)] == before
    assert await describe(connection) == newest


@pytest.mark.parametrize("how", ["the process is killed", "the server ends its session"])
async def test_index_whose_making_was_stopped_is_made_when_the_program_is_started_again(
    databases: Databases, connection: Connection, empty: str, how: str
) -> None:
    await migrate.migrate(connection, upto=FIRST_BESIDE - 1)
    await fill_store(connection, connectors=2, size=200)
    before = [await expect_shown(connection, number) for number in (1, 2)]
    command = [sys.executable, "-W", "error", "-c", MIGRATOR, str(databases.home), databases.server.dsn(empty)]
    other = await asyncpg.connect(databases.server.dsn(empty))
    try:
        async with other.transaction():
            await other.execute(
                "UPDATE record SET first_saved_at = now() WHERE connector = 1"
            )  # the index waits for it
            process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
            await until(lambda: connection.fetchval(FIND_MAKER))
            maker = await connection.fetchval(FIND_MAKER)
            # Meanwhile records are read, and written.
            await asyncio.wait_for(connection.fetch("SELECT body FROM record WHERE connector = 2"), timeout=5)
            await asyncio.wait_for(
                connection.execute("UPDATE record SET first_saved_at = now() WHERE connector = 2"), timeout=5
            )
            if how == "the process is killed":
                process.kill()
            else:
                await connection.execute("SELECT pg_terminate_backend($1)", maker)
            await within(process.wait())
            if how != "the process is killed":
                assert await connection.fetchval(COUNT_BROKEN) == 1
        assert await connection.fetchval("SELECT max(version) FROM schema_version") == FIRST_BESIDE - 1
    finally:
        await other.close()
    async with open_database(databases.settings(empty)) as pool:
        assert await pool.fetchval(COUNT_BROKEN) == 0
        assert await pool.fetchval("SELECT count(*) FROM schema_version") == len(VERSIONS)
        assert [await read_shown(pool, number) for number in (1, 2)] == before


@pytest.mark.parametrize("step", pick_steps())
async def test_store_stopped_between_two_versions_is_gone_on_with(
    databases: Databases, connection: Connection, empty: str, step: int
) -> None:
    await migrate.migrate(connection, upto=FIRST_BESIDE - 1)
    await fill_store(connection, connectors=2, size=40)
    before = [await expect_shown(connection, number) for number in (1, 2)]
    await migrate.migrate(connection, upto=step)
    async with open_database(databases.settings(empty)) as pool:
        assert [await read_shown(pool, number) for number in (1, 2)] == before


async def test_processes_that_wait_for_their_turn_to_migrate_keep_no_index_from_being_made(
    databases: Databases, connection: Connection, empty: str
) -> None:
    """An index that is made beside waits for everybody who looks at the tables as they were, within a statement too."""
    await migrate.migrate(connection, upto=FIRST_BESIDE - 1)
    await fill_store(connection, connectors=1, size=20)
    others = [await asyncpg.connect(databases.server.dsn(empty)) for _ in range(2)]
    try:
        done = await within(asyncio.gather(*(migrate.migrate(one) for one in (connection, *others))))
    finally:
        for other in others:
            await other.close()
    assert sorted(done) == [[], [], VERSIONS[FIRST_BESIDE - 1 :]]


BEFORE: dict[str, str] = json.loads((RECORDED / "0012.json").read_text())
"""Statements of a program of before that is at work still."""


async def test_feed_goes_on_behind_what_a_program_of_before_saves(tenant: Tenant) -> None:
    number, far = tenant.connector.number, 4_000_000_000_000_000
    await save(tenant, "tag", {"remote_id": "1"})
    await tenant.pool.execute(BEFORE["saving.MOVE_FEED"], number, far)
    await save(tenant, "tag", {"remote_id": "2"})
    assert await tenant.pool.fetchval("SELECT max(seq) FROM record") == far + 1


async def test_program_of_before_saves_nothing_that_readers_would_miss(tenant: Tenant) -> None:
    await save(tenant, "tag", {"remote_id": "1"})
    last = await tenant.pool.fetchval("SELECT last_seq FROM feed")
    with pytest.raises(asyncpg.RaiseError, match="start this one anew"):
        await tenant.pool.execute(BEFORE["saving.MOVE_FEED"], tenant.connector.number, last - 1)
    assert await tenant.pool.fetchval("SELECT last_seq FROM feed") == last


async def test_program_of_before_waits_for_who_saves(tenant: Tenant) -> None:
    number = tenant.connector.number
    async with lock_feed(tenant.pool, number):
        moving = asyncio.create_task(tenant.pool.execute(BEFORE["saving.MOVE_FEED"], number, 4_000_000_000_000_000))
        await until(lambda: tenant.pool.fetchval(COUNT_WAITING))
        assert not moving.done()
    await within(moving)


INSERT_RECORD = """
    INSERT INTO record (seq, connector, model, id, first_saved_at, remote_id, stream, fingerprint, keys, body, raw)
    VALUES ($1, $2, 2, gen_random_uuid(), now(), 'x', 'tags', '', ARRAY[7, 8]::bigint[], '', '')
"""


@pytest.mark.parametrize("are_others_at_it", [False, True])
async def test_entries_that_a_program_of_before_makes_are_its_connectors(
    tenant: Tenant, other_tenant: Tenant, *, are_others_at_it: bool
) -> None:
    """It locks its connector's row, beside which others may hold a lock that agrees with its own."""
    place = 4_000_000_000_000_000
    async with tenant.pool.acquire() as saving, tenant.pool.acquire() as other, other.transaction():
        if are_others_at_it:
            await other.execute("SELECT FROM connector FOR KEY SHARE")
        for one in (other_tenant, tenant):
            number = one.connector.number
            async with saving.transaction():
                await saving.execute("SELECT FROM connector WHERE number = $1 FOR NO KEY UPDATE", number)
                await saving.execute(INSERT_RECORD, place, number)
                await saving.execute(BEFORE["saving.FILE_KEYS"], number, place - 1, place, [2])
    found = await tenant.pool.fetch("SELECT connector, key, seq FROM record_key")
    numbers = (tenant.connector.number, other_tenant.connector.number)
    assert {tuple(row) for row in found} == {(number, key, place) for number in numbers for key in (7, 8)}


async def test_entry_of_nobody_is_refused(tenant: Tenant) -> None:
    with pytest.raises(asyncpg.NotNullViolationError, match="says whose it is"):
        await tenant.pool.execute("INSERT INTO record_key (key, seq) VALUES (1, 1)")


async def test_entries_that_are_there_twice_or_of_no_record_keep_no_store_from_coming_forward(
    connection: Connection,
) -> None:
    await migrate.migrate(connection, upto=FIRST_BESIDE)
    await fill_store(connection, connectors=2, size=40)
    count = await connection.fetchval("SELECT count(*) FROM record_key")
    await connection.execute("INSERT INTO record_key SELECT key, seq FROM record_key LIMIT 9")
    await connection.execute("INSERT INTO record_key SELECT i, i FROM generate_series(1, 9) AS i")
    await migrate.migrate(connection)
    assert await connection.fetchval("SELECT count(*) FROM record_key") == count


async def test_version_beside_others_that_makes_more_than_indexes_is_refused(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = list_migrations()
    odd = Migration(VERSIONS[-1] + 1, "9999_odd.beside.sql", "CREATE INDEX odd ON record (seq)")
    monkeypatch.setattr(migrate, "list_migrations", lambda: [*versions, odd])
    with pytest.raises(ValueError, match="makes more than indexes"):
        await migrate.migrate(connection)
    with contextlib.suppress(asyncpg.PostgresError):
        assert await connection.fetchval("SELECT to_regclass('odd')") is None


async def test_batches_are_done_until_nothing_is_left(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    await migrate.migrate(connection)
    await connection.execute("CREATE TABLE number AS SELECT i FROM generate_series(1, 25) AS i")
    some = "DELETE FROM number WHERE i IN (SELECT i FROM number LIMIT 10)"
    batches = Migration(VERSIONS[-1] + 1, "9999_some.batches.sql", some)
    versions = list_migrations()
    monkeypatch.setattr(migrate, "list_migrations", lambda: [*versions, batches])
    assert await migrate.migrate(connection) == [batches.version]
    assert await connection.fetchval("SELECT count(*) FROM number") == 0
