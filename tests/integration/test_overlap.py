"""Work of ours beside a statement: both are done, and a connection whose work failed can be used on."""

import asyncio
import time

import pytest

from unihire.store import Pool
from unihire.store.overlap import work_beside


async def test_work_is_done_while_the_server_is_at_work(pool: Pool) -> None:
    async with pool.acquire() as connection:
        begun_at = time.monotonic()
        done = await work_beside(connection.execute("SELECT pg_sleep(0.5)"), lambda: time.sleep(0.4) or "done")
        assert done == "done"
        assert time.monotonic() - begun_at < 0.8


async def test_work_that_fails_ends_the_statement_and_leaves_the_connection_usable(pool: Pool) -> None:
    async with pool.acquire() as connection:
        with pytest.raises(ZeroDivisionError):
            await work_beside(connection.execute("SELECT pg_sleep(30)"), lambda: 1 // 0)
        assert await asyncio.wait_for(connection.fetchval("SELECT 7"), 10) == 7


async def test_statement_that_fails_is_raised_after_the_work(pool: Pool) -> None:
    done: list[int] = []
    async with pool.acquire() as connection:
        with pytest.raises(Exception, match="division by zero"):
            await work_beside(connection.execute("SELECT 1 / 0"), lambda: done.append(1))
    assert done == [1]
