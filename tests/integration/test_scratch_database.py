"""Scratch databases: each its own, none left, none taken for another's leavings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from testbed.databases import Databases
from unihire.settings import Settings
from unihire.store import Pool, database

LIST_SCRATCH = "SELECT datname FROM pg_database WHERE datname LIKE 'scratch%'"


@pytest.fixture
def settings(databases: Databases) -> Settings:
    return databases.settings("migrated", database_url=None)


async def list_scratch(databases: Databases) -> list[str]:
    connection = await asyncpg.connect(databases.server.dsn())
    try:
        return [row["datname"] for row in await connection.fetch(LIST_SCRATCH)]
    finally:
        await connection.close()


async def test_what_a_crash_left_is_dropped_and_nothing_stays(databases: Databases, settings: Settings) -> None:
    await databases.run("CREATE DATABASE scratch_left")
    async with database.open_scratch_database(settings, prefix="scratch_", name="mine") as pool:
        assert await pool.fetchval("SELECT count(*) FROM record") == 0
        assert await list_scratch(databases) == ["scratch_mine"]
    assert await list_scratch(databases) == []


async def test_one_that_is_being_made_is_not_taken_for_left_behind(
    databases: Databases, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_pool = database._open_pool

    @asynccontextmanager
    async def open_late(*arguments: Any) -> AsyncIterator[Pool]:
        await asyncio.sleep(0.1)
        async with open_pool(*arguments) as pool:
            yield pool

    async def use(name: str, after: float) -> None:
        await asyncio.sleep(after)
        async with database.open_scratch_database(settings, prefix="scratch_", name=name) as pool:
            await pool.fetchval("SELECT 1")

    monkeypatch.setattr(database, "_open_pool", open_late)
    await asyncio.gather(*(use(f"n{number}", number * 0.05) for number in range(4)))
    assert await list_scratch(databases) == []
