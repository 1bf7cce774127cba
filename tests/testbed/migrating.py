"""Stores of earlier versions of the schema: filled as these had them, and what readers were shown of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from testbed.crowd import fill_keys
from unihire.store import Connection, Pool
from unihire.store.bodies import BODY
from unihire.store.list_queries import RecordSelection
from unihire.store.reading import find_record, list_records

MODEL = 4

FILL_ORGANISATION = "INSERT INTO organisation (id, name) VALUES (gen_random_uuid(), 'Example')"

FILL_CONNECTOR = """
    INSERT INTO connector
        (id, number, organisation, environment, integration, category, end_user, token_hash, credentials, last_seq)
    OVERRIDING SYSTEM VALUE
    SELECT md5('connector' || $1::int)::uuid, $1, id, 'production', 'acme', 'ATS', 'Example', md5($1::text)::bytea, '',
        $2::bigint FROM organisation
"""

# Every tenth is a tombstone. Every connector has records at the same places of its feed.
FILL_RECORDS = """
    INSERT INTO record
        (seq, connector, model, id, first_saved_at, deleted_at, remote_id, stream, fingerprint, keys, body, raw)
    SELECT 1000 + i, $1::int, 4, md5($1 || ':' || i)::uuid, now(), CASE WHEN i % 10 = 9 THEN now() END, i::text,
        'people', '', ARRAY[hashtextextended($1 || ':own:' || i, 0), hashtextextended($1 || ':shared:' || i % 7, 0)],
        convert_to('{"id":"' || md5($1 || ':' || i)::uuid || '","custom_fields":null,"raw_data":null}', 'UTF8'),
        convert_to('{"id":' || i || '}', 'UTF8')
    FROM generate_series(1, $2::int) AS i
"""

FILL_RUN = """
    INSERT INTO sync_run (id, connector, number, status, is_full, started_at, finished_at)
    SELECT md5('run' || $1::int)::uuid, $1, 1, 'done', true, now(), now()
"""

FILL_STREAM = """
    INSERT INTO stream_run (run, connector, stream, is_tracking, phase, started_at, read)
    SELECT md5('run' || $1::int)::uuid, $1, 'people', false, 'done', now(), 7
"""

LIST_BODIES = "SELECT body FROM record WHERE connector = $1 AND model = 4 AND deleted_at IS NULL ORDER BY seq"

LIST_KEYED = """
    SELECT body FROM record
    WHERE connector = $1 AND model = 4 AND deleted_at IS NULL AND keys && ARRAY[$2::bigint] ORDER BY seq
"""

LIST_IDS = "SELECT id::text FROM record WHERE connector = $1 AND deleted_at IS NULL"

MAKE_KEY = "SELECT hashtextextended($1::int || ':shared:' || $2::int, 0)"


DESCRIBE = """
    SELECT 'column', table_name, column_name, data_type || ' ' || is_nullable || coalesce(column_default, '')
        || is_identity FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'storage', attrelid::regclass::text, attname::text, attstorage::text FROM pg_attribute
        WHERE attnum > 0 AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    UNION ALL SELECT 'statistics', attrelid::regclass::text, attname::text, coalesce(attstattarget, -1)::text
        FROM pg_attribute WHERE attnum > 0 AND attrelid IN (
            SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace
        )
    UNION ALL SELECT 'function', proname::text, '', pg_get_functiondef(oid) FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace
    ORDER BY 1, 2, 3, 4
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the readers of a connector are shown: its list, its lists by a filter, and its records one by one."""

    all: Sequence[bytes]
    filtered: Sequence[Sequence[bytes]]
    single: Sequence[bytes]


async def fill_store(connection: Connection, *, connectors: int, size: int) -> None:
    """Fill an empty store of any version of the schema."""
    await connection.execute(FILL_ORGANISATION)
    for number in range(1, connectors + 1):
        await connection.execute(FILL_CONNECTOR, number, 1000 + size)
        await connection.execute(FILL_RECORDS, number, size)
        await connection.execute(FILL_RUN, number)
        await connection.execute(FILL_STREAM, number)
        await fill_keys(connection, number)


async def expect_shown(connection: Connection, connector: int) -> Shown:
    """What readers must be shown, from the records alone: of a store of any version."""
    keys = [await connection.fetchval(MAKE_KEY, connector, number) for number in range(7)]
    every = {
        row["id"]: bytes(row["body"])
        for row in await connection.fetch("SELECT id::text, body FROM record WHERE connector = $1", connector)
    }
    living = sorted(row["id"] for row in await connection.fetch(LIST_IDS, connector))
    return Shown(
        [row["body"] for row in await connection.fetch(LIST_BODIES, connector)],
        [[row["body"] for row in await connection.fetch(LIST_KEYED, connector, key)] for key in keys],
        [every[id] for id in living],
    )


async def read_shown(pool: Pool, connector: int) -> Shown:
    """What readers of the program as it is are shown."""

    async def walk(keys: Sequence[Sequence[int]] = ()) -> list[bytes]:
        bodies, after = list[bytes](), 0
        for _ in range(10_000):
            page = await list_records(
                pool, RecordSelection(connector=connector, model=MODEL, after=after, limit=7, keys=keys)
            )
            bodies += page.bodies
            if page.last is None:
                return bodies
            after = page.last
        raise AssertionError("the list does not end")

    keys = [await pool.fetchval(MAKE_KEY, connector, number) for number in range(7)]
    ids = sorted(row["id"] for row in await pool.fetch(LIST_IDS, connector))
    return Shown(
        await walk(),
        [await walk([[key]]) for key in keys],
        [body for id in ids for body in (await find_record(pool, connector, MODEL, id, BODY)).bodies],
    )


async def describe(connection: Connection) -> list[tuple[str, ...]]:
    """The whole schema, line by line."""
    return [tuple(row) for row in await connection.fetch(DESCRIBE)]
