"""Rows kept for joins, while somebody else keeps them too."""

import asyncio
from uuid import uuid4

from testbed.tenants import Tenant
from unihire.store import Pool
from unihire.store.joins import Joined, Kept, keep_rows
from unihire.store.saving import hold_feed

COUNT_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def make(key: str, data: bytes) -> Joined:
    return Joined("1", "others", "shown", key, str(uuid4()), data)


async def keep(tenant: Tenant, row: Joined) -> Kept:
    async with hold_feed(tenant.pool, tenant.connector.number) as connection:
        return await keep_rows(connection, tenant.connector.number, "rows", [row.row_id], [row])


async def wait_for_a_waiting_statement(pool: Pool) -> None:
    async with asyncio.timeout(10):
        while not await pool.fetchval(COUNT_WAITING):  # noqa: ASYNC110 - PostgreSQL tells nobody
            await asyncio.sleep(0.01)


async def test_row_that_two_keep_for_the_first_time_is_as_the_later_one_kept_it(tenant: Tenant) -> None:
    number = tenant.connector.number
    async with hold_feed(tenant.pool, number) as connection:
        await keep_rows(connection, number, "rows", ["1"], [make("a", b'{"id":1}')])
        later = asyncio.create_task(keep(tenant, make("b", b'{"id":2}')))
        await wait_for_a_waiting_statement(tenant.pool)
    kept = await later
    assert (kept.added, kept.changed, kept.removed) == (0, 1, 0)
    found = await tenant.pool.fetch("SELECT row_id, key, data FROM joined WHERE connector = $1", number)
    assert [tuple(row) for row in found] == [("1", "b", b'{"id":2}')]
