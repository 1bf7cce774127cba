"""Tables that grow with connectors are keyed by the connector, and statements on them name it."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from testbed.asking import Case, make_asker
from testbed.citus import PAGE, place_statements, spread
from testbed.crowd import fill_connector
from testbed.databases import Databases
from testbed.distributing import COLUMN, GLOBAL, KEYLESS, LOCAL, find_layout, find_refused, list_statements
from testbed.planned import find_statements, list_cases
from unihire.store import Connection

OF_ALL: Mapping[str, str] = {
    "sealed.LIST_OTHER_GRANTS": "sealing anew: of all",
    "sealed.COUNT_GRANT_MARKS": "sealing anew: of all",
    "grants.LIST_OLD": "a chore: which are old",
    "history.LIST_WHOLE_HISTORY": "the operator's list of runs",
    "history.LIST_LATEST_RUNS of all": "the operator's list of connectors",
    "issues.COUNT_OPEN_BY_CONNECTOR": "the operator's list of connectors",
    "issues.DROP_OLD_ISSUES": "retention: of all",
    "fast_schedules.LIST_FAST_DUE_BY_SETTING": "a chore: which are due",
    "jobs.LIST_ORPHANED": "a chore: which have no job",
    "jobs.BRING_RUNS_FORWARD": "a chore: which wait for too long",
    "operations.DROP_OLD_CALLS": "retention: of all",
    "operations.DROP_OLD_MARKS": "retention: of all",
    "tokens.DROP_ALL_ENDED": "retention: of all",
    "erasing.LIST_WITH_OLD": "retention: which have old ones",
    "hooks.LIST_HOOKS": "the operator's list of hooks",
    "deliveries.LIST_DELIVERIES": "the log of an environment, over all its connectors",
    "deliveries.LIST_FAILED": "the log of an environment, over all its connectors",
    "deliveries.LIST_OF_ENDPOINT": "the log of a webhook, over all its connectors",
    "deliveries._FIND_LAST": "a piece of those below",
    "deliveries.FIND_LAST_LOOKED_AT": "the log of an environment, over all its connectors",
    "deliveries.FIND_LAST_FAILED": "the log of an environment, over all its connectors",
    "deliveries.FIND_LAST_OF_ENDPOINT": "the log of a webhook, over all its connectors",
    "deliveries.GET_DELIVERY": "one of the log of an environment, by its id",
    "deliveries.LIST_SPANS": "some of the log of an environment, by their ids",
    "deliveries.DROP_OLD_DELIVERIES": "retention: of all",
    "lanes.LIST_SOURCES": "the connectors of lanes that were claimed together",
    "lanes.LIST_LAST_NOTICES": "the connectors of lanes that are opened together",
    "lanes.LOCK_FEEDS": "the connectors of lanes that ended together",
    "lanes.UNFLAG_FEEDS": "the connectors of lanes that ended together",
    "notices.LIST_NOTICES": "the connectors of lanes that were claimed together",
    "replays.LIST_ENDS": "the connectors of a webhook that are replayed together",
    "replays.LIST_NOTICES_BEFORE": "the connectors of a webhook that are replayed together",
    "notices.DROP_OLD_NOTICES": "retention: of all",
    "issues.LIST_CONNECTORS_OF": "what is open about a webhook, of whatever connector",
    "inbox.LIST_WITH_OLD": "retention: which have old ones",
    "log.LIST_WITH_OLD": "retention: which have old ones",
    "order.LIST_ORDERED": "the events of an environment, over all its connectors",
    "order.FIND_LAST_ORDERED": "the events of an environment, over all its connectors",
    "order.FIND_LAST_CUT": "the events of an environment, over all its connectors",
    "order.IS_CUT_AFTER": "the events of an environment, over all its connectors",
    "order.FIND_ALL_REMOTE_IDS": "the events of an environment, over all its connectors",
    "eras.HAS_LATER": "once, where the log comes to another server",
    "eras.PUT_PAGES_FIRST": "once, where the log comes to another server",
    "eras.PUT_CUTS_FIRST": "once, where the log comes to another server",
    "requested_writes.DROP_OLD_UNIFIED": "retention: of all",
    "writes.DROP_OLD_WRITES": "retention: of all",
    "retention.DROP_OLD_RUNS": "retention: of all",
    "streams.COUNT_ALL_QUARANTINE": "the operator's list of connectors",
    "refiling.FIND_DUE": "a chore: whose is next",
    "gauges.COUNT_GAUGES": "figures of the whole installation",
    "linked.LIST_LINKED": "an organisation's connectors, each with its latest run",
    "history._TOTALS": "a piece of those of history",
    "history.LIST_HISTORY": "the runs of several connectors",
    "history.LIST_LATEST_RUNS": "of one connector or of all: the parameter says",
}
"""Statements that ask of more connectors than one, each with the reason: on Citus every server answers them."""

BY_EXPRESSION: Mapping[str, str] = dict.fromkeys(
    ("rows.LIST_RECORDS", "rows.LIST_BOTH", "operations.LIST_REMOTE_IDS"),
    "the expression of record_newest has it, and no index beside that one may be a candidate (docs/decisions/0019)",
)
"""Statements of one connector that every server is asked all the same, each with the reason."""

NAMES_IT = re.compile(
    r"\bconnector = (?:\$\d|\{)|\bconnector\.number = \$\d|\bnumber = \$\d"
    r"|VALUES \(\$1::integer\)\) AS wanted \(connector\)"
    r"|\bINSERT INTO \w+(?: AS \w+)?\s*\([^)]*\bconnector\b"
)
"""A condition on the connector, or a row of it that is put in."""


@pytest.fixture
async def connection(databases: Databases) -> Any:
    async with databases.open() as pool, pool.acquire() as connection:
        yield connection


async def test_every_key_of_a_table_that_grows_with_connectors_begins_with_the_connector(
    connection: Connection,
) -> None:
    assert await find_refused(connection) == []
    layout = await find_layout(connection)
    assert {"record", "record_key", "feed", "sync_run", "stream_run", "detail", "joined"} <= set(layout.spread)
    assert {*layout.copied, *layout.local} == {*GLOBAL, *LOCAL}
    assert KEYLESS.keys() <= set(layout.spread)


@pytest.mark.parametrize(
    ("made", "complaint"),
    [
        ("CREATE TABLE odd (id uuid PRIMARY KEY, connector integer)", "odd_pkey does not begin"),
        ("CREATE TABLE odd (connector integer, id uuid)", "odd: no primary key"),
        (
            "CREATE TABLE odd (connector integer, id uuid UNIQUE, PRIMARY KEY (connector, id))",
            "odd_id_key does not begin",
        ),
        ("CREATE UNIQUE INDEX odd ON record (remote_id, connector)", "odd does not begin"),
        (
            "CREATE TABLE odd (connector integer, key uuid REFERENCES api_key (id), PRIMARY KEY (connector, key))",
            "odd_key_fkey does not begin",
        ),
        (
            "CREATE TABLE odd (connector integer, run uuid, PRIMARY KEY (connector, run));"
            "CREATE UNIQUE INDEX bare ON sync_run (id);"
            "ALTER TABLE odd ADD FOREIGN KEY (run) REFERENCES sync_run (id)",
            "does not find sync_run by connector",
        ),
    ],
)
async def test_key_without_the_connector_is_found(connection: Connection, made: str, complaint: str) -> None:
    await connection.execute(made)
    assert any(complaint in one for one in await find_refused(connection))


async def test_every_statement_on_such_a_table_names_the_connector(connection: Connection) -> None:
    found = find_statements([*(await find_layout(connection)).spread])
    assert len(found) > 100
    exempt = {*OF_ALL, *BY_EXPRESSION}
    mute = {name for name, statement in found.items() if name not in exempt and not NAMES_IT.search(statement)}
    assert not mute


def list_scans(plan: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [plan, *(node for part in plan.get("Plans", ()) for node in list_scans(part))]


def find_open_scans(plan: Mapping[str, Any], spread: set[str], number: int) -> list[str]:
    """The looks into spread tables that do not say of which connector, and row locks above one."""
    return [
        f"{node['Node Type']} on {node['Relation Name']}"
        for node in list_scans(plan)
        if node.get("Relation Name") in spread
        and node["Node Type"] != "ModifyTable"
        and f"(connector = {number})" not in f"{node.get('Index Cond')} {node.get('Filter')} {node.get('Recheck Cond')}"
    ]


async def test_every_look_into_such_a_table_is_of_one_connector(connection: Connection) -> None:
    """Wherever in a statement it is, joins among them: so a statement is one server's as a whole."""
    number = 7
    await connection.execute("INSERT INTO organisation (id, name) VALUES (gen_random_uuid(), 'Example')")
    await connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
    for one in (3, number):
        await fill_connector(connection, one, 100)
    await connection.execute("ANALYZE")
    spread = set((await find_layout(connection)).spread)
    cases = list_cases(await make_asker(connection, number, 100, "", connectors=2))
    open_ = dict[str, list[str]]()
    for case in cases:
        plan = await explain(connection, case)
        if found := find_open_scans(plan, spread, number):
            open_[case.name] = found
    assert {name: found for name, found in open_.items() if name not in {*OF_ALL, *BY_EXPRESSION}} == {}
    assert BY_EXPRESSION.keys() <= open_.keys()  # those that need no exception any more have none


async def explain(connection: Connection, case: Case) -> Mapping[str, Any]:
    transaction = connection.transaction()
    await transaction.start()
    try:
        if case.before:
            await connection.execute(case.before)
        text = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {case.query}", *case.arguments)
    finally:
        await transaction.rollback()
    plan: Mapping[str, Any] = json.loads(text)[0]["Plan"]
    return plan


async def test_page_on_scale_has_the_statements_that_spread_the_store(connection: Connection) -> None:
    page = PAGE.read_text()
    assert place_statements(page, await list_statements(connection)) == page, "make docs writes it anew"


async def test_server_without_citus_is_told_from_one_that_has_it(databases: Databases) -> None:
    async with databases.create() as name:
        assert not await spread(databases.server.dsn(name))


async def test_statements_that_spread_the_store_are_those_of_its_tables(connection: Connection) -> None:
    statements = await list_statements(connection)
    layout = await find_layout(connection)
    tables = [re.search(r"create_distributed_table\('(\w+)', 'connector'", one) for one in statements]
    assert {one[1] for one in tables if one} == set(layout.spread)
    copied = [re.search(r"create_reference_table\('(\w+)'\)", one) for one in statements]
    assert {one[1] for one in copied if one} == set(layout.copied)
    own = [one for one in statements if "create_" not in one]
    for statement in own:  # what is PostgreSQL's own, PostgreSQL does
        await connection.execute(statement)
    assert "DROP TRIGGER move_feed_of_before ON connector" in own
    await connection.execute("INSERT INTO organisation (id, name) VALUES (gen_random_uuid(), 'Example')")
    await fill_connector(connection, 7, 10)
    assert COLUMN == "connector"
