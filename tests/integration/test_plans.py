"""What a page of a first read looks up costs the same however much is stored, with no statistics of the tables."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.records import PLURALS, bury, id_in, save
from testbed.tenants import Tenant, make_tenant
from unihire.kit.seal import Sealer
from unihire.store import Connection, joins, streams
from unihire.store.feed import saving
from unihire.store.feed.gate import lock_feed
from unihire.store.record_keys import FilterKeys
from unihire.store.work import runs

PAGE = 500
ASKED = [str(number) for number in range(0, PAGE, 10)]
SPEC = PLURALS["applications"]

COUNT_READ = """
    SELECT sum(pg_stat_get_xact_tuples_returned(part))::bigint
    FROM unnest(ARRAY['record', 'record_key', 'joined']::regclass[]) AS whole (oid)
    CROSS JOIN LATERAL (
        SELECT whole.oid UNION ALL SELECT indexrelid FROM pg_index WHERE indrelid = whole.oid
    ) AS parts (part)
"""

Look = tuple[str, tuple[Any, ...]]


@pytest_asyncio.fixture
async def fresh(databases: Databases, sealer: Sealer) -> AsyncIterator[Tenant]:
    """A tenant in a database whose tables nobody measures."""
    async with databases.open() as pool:
        for table in ("record", "record_key", "joined"):
            await pool.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
        yield await make_tenant(pool, sealer)


async def save_page(tenant: Tenant, number: int) -> None:
    """Save records, each with a key of its own, and rows that joins find."""
    names = [str(name) for name in range(number * PAGE, (number + 1) * PAGE)]
    await save(tenant, "application", *({"remote_id": name, "candidate": name} for name in names))
    wanted = [
        joins.Joined(name, "others", "shown", name, id_in(tenant, "application", name), b'{"id":1}') for name in names
    ]
    async with lock_feed(tenant.pool, tenant.connector.number) as connection:
        await joins.store_joined_rows(connection, tenant.connector.number, "applications", names, wanted)


def list_looks(tenant: Tenant) -> Mapping[str, Look]:
    number = tenant.connector.number
    hashed = FilterKeys(number, SPEC.number, next(field for field in SPEC.filters if field.name == "candidate"))
    keys = [hashed.key(id_in(tenant, "candidate", name)) for name in ASKED]
    ids, names = [id_in(tenant, "application", name) for name in ASKED], ["shown"] * len(ASKED)
    return {
        "stored": (saving.FIND_STORED, (number, ids)),
        "keyed": (saving.FIND_KEYED, (number, "applications", keys, [SPEC.number])),
        "showing": (joins.FIND_SHOWING, (number, "applications", keys, 0, 2**62, PAGE, [SPEC.number])),
        "kept": (joins.FIND_STORED, (number, "applications", ASKED)),
        "joined": (joins.FIND_JOINED, (number, "others", names, ASKED)),
    }


async def count_blocks(tenant: Tenant, look: Look, *, found: int = len(ASKED)) -> int:
    """How many blocks of tables and indexes a query reads that finds so many rows."""
    query, arguments = look
    assert len(await tenant.pool.fetch(query, *arguments)) == found
    plan = await tenant.pool.fetch(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) {query}", *arguments)
    read = next(line for (line,) in plan if "Buffers: shared hit=" in line)
    return int(read.partition("hit=")[2].split()[0])


async def test_looking_up_a_page_reads_no_more_when_more_is_stored(fresh: Tenant) -> None:
    await save_page(fresh, 0)
    few = {name: await count_blocks(fresh, look) for name, look in list_looks(fresh).items()}
    for number in range(1, 9):
        await save_page(fresh, number)
    many = {name: await count_blocks(fresh, look) for name, look in list_looks(fresh).items()}
    # An index may have grown by a level.
    assert {name: blocks for name, blocks in many.items() if blocks > 2 * few[name] + len(ASKED)} == {}, (few, many)


async def test_plans_made_while_the_tables_were_empty_read_no_more_later(fresh: Tenant) -> None:
    await fresh.pool.execute("VACUUM (ANALYZE) record, record_key, joined")  # from now on they are known to be empty
    for _ in range(8):  # after five uses a plan for any value may be kept
        async with lock_feed(fresh.pool, fresh.connector.number) as connection:
            for query, arguments in list_looks(fresh).values():
                await connection.fetch(query, *arguments)
    for number in range(4):
        await save_page(fresh, number)
    async with lock_feed(fresh.pool, fresh.connector.number) as connection:
        before = await count_read(connection)
        for query, arguments in list_looks(fresh).values():
            assert len(await connection.fetch(query, *arguments)) == len(ASKED)
        assert await count_read(connection) - before < len(list_looks(fresh)) * PAGE


async def count_read(connection: Connection) -> int:
    """How many rows of tables read whole, and entries of indexes, this transaction read."""
    read: int = await connection.fetchval(COUNT_READ)
    return read


@pytest.mark.parametrize("is_measured", [True, False])
async def test_new_connector_reads_nothing_of_what_others_have(
    fresh: Tenant, sealer: Sealer, *, is_measured: bool
) -> None:
    for number in range(9):
        await save_page(fresh, number)
    new = await make_tenant(fresh.pool, sealer, organisation="Example Two")
    if is_measured:
        await fresh.pool.execute("ANALYZE")
    arguments = (new.connector.number, [SPEC.number], "applications")
    assert await count_blocks(new, (joins.HAS_RECORDS, arguments), found=1) < 10
    run = await begin_run(new)
    opened = (new.connector.number, run.id, "applications", None, [SPEC.number])
    assert await count_blocks(new, (runs.INSERT_STREAM, opened), found=0) < 30


async def begin_run(tenant: Tenant) -> runs.Run:
    async with tenant.pool.acquire() as connection, connection.transaction():
        await runs.ask_run(connection, tenant.connector.number)
    run = await runs.take_run(tenant.pool, tenant.connector.number, version=1)
    assert run is not None
    return run


async def test_absent_records_are_met_once_however_many_batches(fresh: Tenant) -> None:
    await save_page(fresh, 0)
    number, models = fresh.connector.number, [SPEC.number]
    met = [id_in(fresh, "application", str(name)) for name in range(0, PAGE, 2)]
    async with fresh.pool.acquire() as connection:
        await streams.note_seen(connection, number, "applications", met)
    found: list[str] = []
    async for batch in streams.walk_absent(fresh.pool, number, "applications", models, 100):
        assert len(batch) <= 100
        found += [row["remote_id"] for row in batch]
        await bury(fresh, "application", *(row["remote_id"] for row in batch[:50]))  # the others are left as they are
    assert sorted(found, key=int) == [str(name) for name in range(1, PAGE, 2)]
    ids = [batch async for batch in joins.walk_absent_rows(fresh.pool, number, "applications", 100)]
    assert sorted(name for batch in ids for name in batch) == sorted(found)
