"""Every statement reads what a connector asks for, and no more, whatever the planner knows of the connector.

What it knows of others must not matter: how many there are, how much they have, whether any of it was ever analysed.
`PLAN_SERVERS` in the environment names further servers to look at besides the embedded one.
"""

import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from testbed.asking import Case, make_asker
from testbed.crowd import empty_connector, fill_connector, list_sizes, list_tables
from testbed.databases import Databases
from testbed.effort import IS_THOROUGH
from testbed.planned import CASELESS, find_statements, is_used, list_cases
from unihire.store import Connection
from unihire.store.database import SESSION
from unihire.store.migrate import migrate

SIZE = 1000
"""What the connector that asks has of each kind, once it has something."""

OTHERS = (1, 2, 5, 50, 120) if IS_THOROUGH else (1, 50)
SERVERS = ("", *os.environ.get("PLAN_SERVERS", "").split())

COUNT_STATISTICS = """
    SELECT tablename FROM pg_stats
    WHERE schemaname = 'public' AND (attname = 'connector' OR tablename = 'record_newest' AND attname = 'expr')
"""

# Whether the next ANALYZE will gather statistics of connectors; where it does the target is -1, or null.
LIST_GATHERED = """
    SELECT attrelid::regclass::text FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = 'public'::regnamespace AND attname = 'connector' AND relkind = 'r'
        AND attstattarget IS DISTINCT FROM 0
"""

COUNT_READ = """
    SELECT sum(pg_stat_get_xact_tuples_returned(part))::bigint
    FROM unnest($1::text[]::regclass[]) AS whole (oid)
    CROSS JOIN LATERAL (
        SELECT whole.oid UNION ALL SELECT indexrelid FROM pg_index WHERE indrelid = whole.oid
    ) AS parts (part)
"""


class Server:
    """Databases of one server, each a copy of another where that is asked for."""

    def __init__(self, dsn: Callable[[str], str], template: str) -> None:
        self.template = template
        self._dsn = dsn

    @asynccontextmanager
    async def connect(self, database: str) -> AsyncIterator[Connection]:
        connection = await asyncpg.connect(self._dsn(database), server_settings=SESSION)
        try:
            yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def create(self, name: str, template: str) -> AsyncIterator[str]:
        async with self.connect("postgres") as connection:
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield name
        finally:
            async with self.connect("postgres") as connection:
                await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest_asyncio.fixture(params=SERVERS)
async def server(request: pytest.FixtureRequest, databases: Databases) -> AsyncIterator[Server]:
    if request.param:
        yield Server(lambda name: f"{request.param}/{name}", "template0")
    else:
        yield Server(databases.server.dsn, "template0")


@pytest_asyncio.fixture
async def crowd(server: Server) -> AsyncIterator[str]:
    """A database with an organisation, in which nothing is measured unless somebody asks for it."""
    async with server.create("crowd", server.template) as name:
        async with server.connect(name) as connection:
            await migrate(connection)
            for table in await list_tables(connection):
                await connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
            await connection.execute("INSERT INTO organisation (id, name) VALUES (gen_random_uuid(), 'Example')")
        yield name


def list_nodes(plan: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [plan, *(node for part in plan.get("Plans", ()) for node in list_nodes(part))]


def count_rows(plan: Mapping[str, Any]) -> int:
    """How many rows a plan took from tables and their indexes, those among them that it had no use for."""
    taken = 0.0
    for node in list_nodes(plan):
        removed = sum(amount for name, amount in node.items() if name.startswith("Rows Removed by "))
        found = node["Actual Rows"] if "Relation Name" in node and node["Node Type"] != "ModifyTable" else 0
        taken += (found + removed) * node["Actual Loops"]
    return round(taken)


async def find_greedy(connection: Connection, cases: list[Case], state: str) -> list[str]:
    """Those of the statements that read more than they must."""
    greedy = []
    for case in cases:
        transaction = connection.transaction()
        await transaction.start()
        try:
            if case.before:
                await connection.execute(case.before)
            query = f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {case.query}"
            plan = json.loads(await connection.fetchval(query, *case.arguments))[0]["Plan"]
        finally:
            await transaction.rollback()
        blocks, rows = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"], count_rows(plan)
        if blocks > case.most_blocks or rows > case.most_rows:
            greedy.append(
                f"{state}: {case.name}: {blocks} blocks of {case.most_blocks}, {rows} rows of {case.most_rows}"
            )
    return greedy


async def look(connection: Connection, number: int, state: str, size: int, streams: str = "") -> list[str]:
    asker = await make_asker(connection, number, size, streams, connectors=number)
    return await find_greedy(connection, list_cases(asker), f"{number - 1} others, {state}")


async def test_every_statement_reads_what_its_connector_asks_for(server: Server, crowd: str) -> None:
    greedy: list[str] = []
    sizes, filled = list_sizes(OTHERS[-1]), 0
    for others in OTHERS:
        async with server.connect(crowd) as connection:
            for number in range(filled, others):
                await fill_connector(connection, number + 1, sizes[number])
        filled, new = others, others + 1
        async with server.create("copy", crowd) as name, server.connect(name) as connection:
            await fill_connector(connection, new, 0)
            greedy += await look(connection, new, "never analysed, empty", 0)
            await fill_connector(connection, new, SIZE)
            greedy += await look(connection, new, "never analysed, just filled", SIZE)
            await empty_connector(connection, new)
            await connection.execute("ANALYZE")
            greedy += await look(connection, new, "unknown, empty", 0)
            await fill_connector(connection, new, SIZE)
            greedy += await look(connection, new, "unknown, just filled", SIZE)
            await empty_connector(connection, new)
            await fill_connector(connection, new, SIZE, streams="another vendor's ")
            greedy += await look(connection, new, "unknown with its streams", SIZE, "another vendor's ")
            await connection.execute("ANALYZE")
            greedy += await look(connection, new, "analysed", SIZE, "another vendor's ")
    assert not greedy, "\n".join(greedy)


async def test_plans_made_while_the_tables_were_empty_read_no_more_later(server: Server, crowd: str) -> None:
    async with server.connect(crowd) as connection:
        tables = await list_tables(connection)
        await connection.execute("VACUUM (ANALYZE)")  # from now on the tables are known to be empty
        await fill_connector(connection, 1, 0)
        asker = await make_asker(connection, 1, 0, "", connectors=1)
        for case in list_cases(asker):
            if not case.written:
                for _ in range(8):  # after five uses a plan for any value may be kept
                    await connection.fetch(case.query, *case.arguments)
        await fill_connector(connection, 1, SIZE)
        greedy = []
        for case in list_cases(await make_asker(connection, 1, SIZE, "", connectors=1)):
            async with connection.transaction():
                before = await connection.fetchval(COUNT_READ, tables)
                if not case.written:
                    await connection.fetch(case.query, *case.arguments)
                read = await connection.fetchval(COUNT_READ, tables) - before
            if read > case.most_rows:
                greedy.append(f"{case.name}: {read} rows of {case.most_rows}")
    assert not greedy, "\n".join(greedy)


async def test_every_statement_on_tables_of_connectors_has_a_case(databases: Databases) -> None:
    async with databases.open() as pool, pool.acquire() as connection:
        found = find_statements([*await list_tables(connection), "vendor_record"])
        cases = list_cases(await make_asker(connection, 1, SIZE, "", connectors=1))
    assert len(found) > 100
    missing = {name for name, statement in found.items() if not is_used(statement, cases)} - CASELESS.keys()
    assert not missing, f"a case each in testbed/planned.py is missing: {missing}"
    assert CASELESS.keys() <= found.keys()


async def test_nothing_is_known_of_connectors_whoever_analyses(server: Server, crowd: str) -> None:
    async with server.connect(crowd) as connection:
        for number in (1, 2):
            await fill_connector(connection, number, 50)
        await connection.execute("ANALYZE")
        await connection.execute("ANALYZE record (connector, model)")
        assert await connection.fetch(LIST_GATHERED) == []
        assert await connection.fetch(COUNT_STATISTICS) == []


async def test_what_was_known_of_connectors_is_forgotten(server: Server) -> None:
    async with server.create("known", server.template) as name, server.connect(name) as connection:
        await migrate(connection, upto=12)
        await connection.execute("INSERT INTO organisation (id, name) VALUES (gen_random_uuid(), 'Example')")
        for number in (1, 2):
            await fill_connector(connection, number, 50)
        await connection.execute("ANALYZE")
        assert len(await connection.fetch(COUNT_STATISTICS)) > 10
        await migrate(connection)
        assert await connection.fetch(COUNT_STATISTICS) == []
