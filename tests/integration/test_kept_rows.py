"""Rows kept for joins, while somebody else keeps them too."""

import asyncio
from uuid import uuid4

import asyncpg

from testbed.tenants import Tenant
from unihire.store.database import get_address
from unihire.store.feed.gate import lock_feed
from unihire.store.joins import FIND_STALE, Joined, JoinedChanges, Key, clear_stale, note_stale, store_joined_rows

COUNT_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def make(key: str, data: bytes, *, stream: str = "others") -> Joined:
    return Joined("1", stream, "shown", key, str(uuid4()), data)


async def test_row_that_two_keep_for_the_first_time_is_as_the_later_one_kept_it(tenant: Tenant) -> None:
    number = tenant.connector.number

    async def keep_later() -> JoinedChanges:
        another = asyncpg.create_pool(get_address(tenant.pool), min_size=1, max_size=1)
        async with another as pool, lock_feed(pool, number) as connection:
            return await store_joined_rows(connection, number, "rows", ["1"], [make("b", b'{"id":2}')])

    async with lock_feed(tenant.pool, number) as connection:
        await store_joined_rows(connection, number, "rows", ["1"], [make("a", b'{"id":1}')])
        later = asyncio.create_task(keep_later())
        async with asyncio.timeout(10):
            while not await tenant.pool.fetchval(COUNT_WAITING):  # noqa: ASYNC110 - PostgreSQL tells nobody
                await asyncio.sleep(0.01)
    kept = await later
    assert (kept.added, kept.changed, kept.removed) == (0, 1, 0)
    found = await tenant.pool.fetch("SELECT row_id, key, data FROM joined WHERE connector = $1", number)
    assert [tuple(row) for row in found] == [("1", "b", b'{"id":2}')]


async def test_those_of_one_process_wait_for_their_turn_without_a_session(tenant: Tenant) -> None:
    async def keep(name: str) -> None:
        async with lock_feed(tenant.pool, tenant.connector.number) as connection:
            await store_joined_rows(connection, tenant.connector.number, "rows", ["1"], [make(name, b"{}")])

    async with lock_feed(tenant.pool, tenant.connector.number):
        others = [asyncio.create_task(keep(name)) for name in "abc"]
        await asyncio.sleep(0.1)
        assert await tenant.pool.fetchval(COUNT_WAITING) == 0
        assert tenant.pool.get_size() - tenant.pool.get_idle_size() == 1
    await asyncio.gather(*others)
    found = await tenant.pool.fetchval("SELECT key FROM joined WHERE connector = $1", tenant.connector.number)
    assert found == "c"


async def test_row_that_one_stream_lets_go_of_is_still_there_for_the_other(tenant: Tenant) -> None:
    """The joins of both have the same name."""
    number = tenant.connector.number
    async with lock_feed(tenant.pool, number) as connection:
        both = [make("a", b"{}"), make("a", b"{}", stream="more")]
        await store_joined_rows(connection, number, "rows", ["1"], both)
        changes = await store_joined_rows(connection, number, "rows", ["1"], both[1:])
    assert changes.keys == {Key("others", "shown", "a")}
    assert (changes.added, changes.changed, changes.removed) == (0, 1, 0)
    found = await tenant.pool.fetch("SELECT stream FROM joined WHERE connector = $1", number)
    assert [row["stream"] for row in found] == ["more"]


async def test_key_is_stale_until_its_records_were_made_again(tenant: Tenant) -> None:
    number = tenant.connector.number
    async with lock_feed(tenant.pool, number) as connection:
        await note_stale(connection, number, [Key("others", "shown", key) for key in "cab"])
        await note_stale(connection, number, [Key("others", "also", "a")])
        await clear_stale(connection, number, "others", [("shown", "a"), ("shown", "c")], ("shown", "b", 7, 9))
        found = await connection.fetch(FIND_STALE, number, "others", ["shown"], 10)
        assert [tuple(row) for row in found] == [("shown", "b", 7, 9)]
        await note_stale(connection, number, [Key("others", "shown", "b")])  # from the beginning again
        found = await connection.fetch(FIND_STALE, number, "others", ["shown", "also"], 10)
        assert [tuple(row) for row in found] == [("shown", "b", 0, None), ("also", "a", 0, None)]
        await clear_stale(connection, number, "others", [("shown", "b")], None)
        found = await connection.fetch(FIND_STALE, number, "others", ["shown", "also"], 10)
        assert [tuple(row) for row in found] == [("also", "a", 0, None)]
