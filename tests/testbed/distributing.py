"""What Citus spreads over servers by connector, told from the catalogue: statements that do it, and what it refuses.

Citus spreads a table by one column. Each of its unique indexes must contain that column, and a foreign key between two
spread tables must join them by it; a statement goes to one server where it says the column's value, and to all of them
otherwise. Small tables that all servers need are copied to each (reference tables). Source: Citus 13's documentation,
"Creating and Modifying Distributed Objects (DDL)" and "SQL Support and Workarounds".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from unihire.store import Connection

COLUMN = "connector"

GLOBAL: Mapping[str, str] = {
    "organisation": "who connectors are of",
    "api_key": "found by its hash, before anybody knows whose it is",
    "audit": "who changed what, read by organisation",
    "connector": "the directory: found by its id or its token's hash, and joined by everything that asks of all",
    "replaced_token": "found by its hash, before anybody knows whose it is",
    "hook": "what a delivery is verified with, found with the token of its address",
    "hook_token": "found by its hash, before anybody knows whose it is",
    "endpoint": "where events of an environment are sent, joined with lanes of all its connectors",
    "endpoint_secret": "what signs the messages to an endpoint, found with it",
    "chore": "what is done now and then for all",
}
"""Tables without a key that begins with the connector, each with the reason. Servers have copies of them all."""

LOCAL: Mapping[str, str] = {
    "schema_version": "the migrations'",
    "inbox": "claimed with SKIP LOCKED, which Citus refuses over shards",
    "lane": "claimed with SKIP LOCKED, which Citus refuses over shards",
    "write_queue": "claimed with SKIP LOCKED, which Citus refuses over shards",
    "undelivered": "written and settled with lanes, listed by their endpoint",
    "job_schema": "the migrations' of the queue",
    "event_epoch": "of the server that the program connects to, whose transactions order the events",
    "event_alive": "of the server that the program connects to",
    "procrastinate_jobs": "the library's, which knows no connectors",
    "procrastinate_events": "the library's",
    "procrastinate_periodic_defers": "the library's",
    "procrastinate_workers": "the library's",
}
"""Tables that stay where the program connects to, each with the reason."""

OF_BEFORE = "_of_before"
"""How the names of what only programs of before need end. None of them is at work where tables are being spread."""

KEYLESS: Mapping[str, str] = {
    "seen": "notes of one read, each any number of times",
}
"""Tables that are spread by the connector without a primary key, each with the reason."""

LIST_TABLES = """
    SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname
"""

LIST_UNIQUE = """
    SELECT indrelid::regclass::text AS table, indexrelid::regclass::text AS name, indisprimary AS is_primary,
        (SELECT attname FROM pg_attribute WHERE attrelid = indrelid AND attnum = indkey[0]) AS first
    FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
    WHERE indisunique AND relnamespace = 'public'::regnamespace ORDER BY 1, 2
"""

LIST_FOREIGN = """
    SELECT conrelid::regclass::text AS table, conname AS name, confrelid::regclass::text AS target,
        (SELECT attname FROM pg_attribute WHERE attrelid = conrelid AND attnum = conkey[1]) AS first,
        (SELECT attname FROM pg_attribute WHERE attrelid = confrelid AND attnum = confkey[1]) AS target_first
    FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace ORDER BY 1, 2
"""

LIST_TRIGGERS = """
    SELECT tgrelid::regclass::text AS table, tgname AS name FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
    WHERE NOT tgisinternal AND relnamespace = 'public'::regnamespace ORDER BY 1, 2
"""

LIST_OF_BEFORE = """
    SELECT indexrelid::regclass::text AS name FROM pg_index
    WHERE right(indexrelid::regclass::text, length($1)) = $1 ORDER BY 1
"""

# Columns that number themselves by less than a bigint, which Citus does not take.
LIST_IDENTITIES = """
    SELECT attrelid::regclass::text AS table, attname AS name FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE attidentity <> '' AND atttypid <> 'bigint'::regtype AND relnamespace = 'public'::regnamespace ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Layout:
    """Which tables go where."""

    spread: Sequence[str]
    copied: Sequence[str]
    local: Sequence[str]


async def find_layout(connection: Connection) -> Layout:
    tables = [row["relname"] for row in await connection.fetch(LIST_TABLES)]
    copied, local = [name for name in tables if name in GLOBAL], [name for name in tables if name in LOCAL]
    return Layout([name for name in tables if name not in {*copied, *local}], copied, local)


async def find_refused(connection: Connection) -> list[str]:
    """What of the schema does not fit a spread by connector, in words."""
    spread = set((await find_layout(connection)).spread)
    unique = [row for row in await connection.fetch(LIST_UNIQUE) if row["table"] in spread]
    keyed = {row["table"] for row in unique if row["is_primary"]}
    refused = [f"{name}: no primary key" for name in sorted(spread - keyed - KEYLESS.keys())]
    refused += [
        f"{row['table']}: {row['name']} does not begin with {COLUMN}"
        for row in unique
        if row["first"] != COLUMN and not row["name"].endswith(OF_BEFORE)
    ]
    for row in await connection.fetch(LIST_FOREIGN):
        if row["table"] in spread and row["first"] != COLUMN:
            refused.append(f"{row['table']}: {row['name']} does not begin with {COLUMN}")
        if row["target"] in spread and row["target_first"] != COLUMN:
            refused.append(f"{row['table']}: {row['name']} does not find {row['target']} by {COLUMN}")
    return refused


async def list_statements(connection: Connection) -> list[str]:
    """The statements that spread an empty store of ours, or a filled one, over the servers of a Citus cluster."""
    layout, keys = await find_layout(connection), await connection.fetch(LIST_FOREIGN)
    found = [
        f"DROP TRIGGER {row['name']} ON {row['table']}"
        for row in await connection.fetch(LIST_TRIGGERS)
        if row["name"].endswith(OF_BEFORE)
    ]
    found += [f"DROP INDEX {row['name']}" for row in await connection.fetch(LIST_OF_BEFORE, OF_BEFORE)]
    for row in await connection.fetch(LIST_IDENTITIES):
        table, name = row["table"], row["name"]
        if table not in layout.local:
            found += [
                f"ALTER TABLE {table} ALTER COLUMN {name} DROP IDENTITY",
                f"CREATE SEQUENCE {table}_{name}_next OWNED BY {table}.{name}",
                f"SELECT setval('{table}_{name}_next', (SELECT coalesce(max({name}), 0) + 1 FROM {table}), false)",
                f"ALTER TABLE {table} ALTER COLUMN {name} SET DEFAULT nextval('{table}_{name}_next')",
            ]
    found += [f"SELECT create_reference_table('{table}')" for table in _sort_by_keys(layout.copied, keys)]
    spread = list(_sort_by_keys(layout.spread, keys))
    found.append(f"SELECT create_distributed_table('{spread[0]}', '{COLUMN}')")
    beside = f"colocate_with => '{spread[0]}'"
    return found + [f"SELECT create_distributed_table('{table}', '{COLUMN}', {beside})" for table in spread[1:]]


def _sort_by_keys(tables: Sequence[str], keys: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """The tables, each behind those it refers to."""
    left = list(tables)
    while left:
        free = [
            name
            for name in left
            if not any(key["table"] == name and key["target"] in left and key["target"] != name for key in keys)
        ]
        yield from free
        left = [name for name in left if name not in free]
