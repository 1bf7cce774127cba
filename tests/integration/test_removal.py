"""A connector removed while somebody saves for it: what is being saved is there before or not at all, nothing stays."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from testbed.records import save
from testbed.tenants import Tenant
from testbed.waiting import within
from unihire.errors import Stopped
from unihire.store.accounts.tenancy import delete_connector
from unihire.store.feed.gate import lock_feed
from unihire.store.feed.refreshing import store_volatile
from unihire.store.joins import Joined, Key, note_stale, store_joined_rows
from unihire.store.streams import note_seen

COUNT_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

LIST_TABLES = """
    SELECT table_name FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
    WHERE table_schema = 'public' AND column_name = 'connector' AND table_type = 'BASE TABLE'
"""


async def list_left(tenant: Tenant) -> dict[str, int]:
    """How many rows there are of the connector, by table."""
    counted = {}
    for row in await tenant.pool.fetch(LIST_TABLES):
        query = f"SELECT count(*) FROM {row['table_name']} WHERE connector = $1"
        counted[row["table_name"]] = await tenant.pool.fetchval(query, tenant.connector.number)
    return {table: count for table, count in counted.items() if count}


async def save_everything(connection: Any, tenant: Tenant) -> None:
    number, id = tenant.connector.number, str(tenant.connector.id)
    await note_seen(connection, number, "tags", [id])
    await store_joined_rows(connection, number, "tags", ["1"], [Joined("1", "others", "shown", "1", id, b"{}")])
    await note_stale(connection, number, [Key("others", "shown", "1")])
    await store_volatile(connection, number, [(id, b"x", None)], datetime.now(UTC))


async def test_a_save_under_way_ends_before_its_connector_is_removed(tenant: Tenant) -> None:
    number = tenant.connector.number
    async with lock_feed(tenant.pool, number) as connection:
        removing = asyncio.create_task(delete_connector(tenant.pool, tenant.connector))
        async with asyncio.timeout(10):
            while not await tenant.pool.fetchval(COUNT_WAITING):  # noqa: ASYNC110 - PostgreSQL tells nobody
                await asyncio.sleep(0.01)
        await save_everything(connection, tenant)
    await removing
    assert await list_left(tenant) == {}


async def test_nothing_is_saved_for_a_connector_that_is_gone(tenant: Tenant) -> None:
    await delete_connector(tenant.pool, tenant.connector)
    with pytest.raises(Stopped, match="removed"):
        async with lock_feed(tenant.pool, tenant.connector.number) as connection:
            await save_everything(connection, tenant)
    assert await list_left(tenant) == {}


async def test_a_removal_beside_many_who_save_leaves_nothing(tenant: Tenant) -> None:
    has_saved, saved = asyncio.Event(), 0

    async def save_on(name: str) -> None:
        nonlocal saved
        for round_ in range(1000):
            rows = [{"remote_id": f"{name}-{round_}-{number}", "name": "x"} for number in range(20)]
            try:
                await save(tenant, "tag", *rows)
            except Stopped:
                return
            saved += 1
            if saved == 10:
                has_saved.set()

    savers = [asyncio.create_task(save_on(name)) for name in "abcd"]
    await within(has_saved.wait())
    await delete_connector(tenant.pool, tenant.connector)
    await asyncio.gather(*savers)
    assert saved < 4000
    assert await list_left(tenant) == {}
