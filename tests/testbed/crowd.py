"""A store with many connectors of very different sizes, filled by SQL in a moment."""

from unihire.store import Connection

BIG = 5000
"""What the biggest connector has of each kind."""

# Each takes a connector, how much it has of each kind, and what the names of its streams begin with.
FILL = (
    """
    INSERT INTO connector
        (id, number, organisation, environment, integration, category, end_user, token_hash, credentials)
    OVERRIDING SYSTEM VALUE
    SELECT md5('connector' || $1::int)::uuid, $1, organisation.id, 'production', 'acme', 'ATS', 'Example',
        decode(md5($1::text), 'hex'), ''
    FROM organisation WHERE $2::int >= 0 AND $3::text IS NOT NULL ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO record
        (seq, connector, model, id, first_saved_at, deleted_at, remote_id, stream, fingerprint, keys, body, raw)
    SELECT row_number() OVER (ORDER BY model, i), $1::int, model, md5($1 || ':' || model || ':' || i)::uuid, now(),
        CASE WHEN i % 50 = 49 THEN now() END, i::text, $3::text || stream, '',
        ARRAY[hashtextextended($1 || ':' || model || ':own:' || i, 0),
            hashtextextended($1 || ':' || model || ':shared:' || i / 50, 0)],
        convert_to(replace('"remote_created_at":"?Z","remote_updated_at":"?Z"', '?',
            to_char('2026-01-01'::timestamp + i * '1 minute'::interval, 'YYYY-MM-DD"T"HH24:MI:SS')
        ) || repeat(md5(i::text), 9), 'UTF8'), convert_to(repeat(md5(i::text), 12), 'UTF8')
    FROM (VALUES ('people', 4::smallint, 1), ('applications', 2, 1), ('notes', 1, 1), ('jobs', 8, 10))
        AS kind (stream, model, nth)
    CROSS JOIN generate_series(1, $2::int) AS i WHERE i % nth = 0
    """,
    """
    INSERT INTO joined (connector, origin, row_id, stream, name, key, id, data)
    SELECT $1::int, $3::text || origin, i::text, $3 || stream, name, (i / nth)::text,
        md5($1 || ':' || origin || ':' || i)::uuid, convert_to(repeat(md5(i::text), 4), 'UTF8')
    FROM (VALUES ('tags', 'tags', 'rows', 1), ('tags', 'tags', 'by person', 2), ('stages', 'applications', 'stages', 1))
        AS kind (origin, stream, name, nth)
    CROSS JOIN generate_series(1, $2::int) AS i
    """,
    """
    INSERT INTO detail (connector, stream, name, row_id, version, raw)
    SELECT $1::int, $3::text || 'notes', 'text', i::text, '1', '{}' FROM generate_series(1, $2::int) AS i
    """,
    """
    INSERT INTO quarantine (connector, stream, row_id, reason, raw)
    SELECT $1::int, $3::text || stream, i::text, 'odd', '{}'
    FROM unnest(ARRAY['people', 'notes']) AS stream CROSS JOIN generate_series(1, $2::int) AS i WHERE i % 2 = 0
    """,
    """
    INSERT INTO stale (connector, stream, name, key)
    SELECT $1::int, $3::text || 'applications', 'stages', i::text FROM generate_series(1, $2::int) AS i WHERE i % 2 = 0
    """,
    """
    INSERT INTO seen (connector, stream, id)
    SELECT $1::int, $3::text || stream, md5($1 || ':' || of || ':' || i)::uuid
    FROM (VALUES ('notes', '1'), ('tags', 'tags')) AS kind (stream, of) CROSS JOIN generate_series(1, $2::int) AS i
    WHERE i % 50 <> 7
    """,
    """
    INSERT INTO sync_run (id, connector, number, status, is_full, asked_at, started_at, finished_at)
    SELECT md5('run' || $1::int || ':' || i)::uuid, $1, i, CASE WHEN i = 20 THEN 'running' ELSE 'done' END, i % 5 = 0,
        now(), now() - (20 - i) * '1 hour'::interval, CASE WHEN i < 20 THEN now() - (20 - i) * '1 hour'::interval END
    FROM generate_series(1, 20) AS i WHERE $2::int > 0 AND $3::text IS NOT NULL
    """,
    """
    INSERT INTO stream_run (run, connector, stream, is_tracking, phase, started_at)
    SELECT md5('run' || $1::int || ':' || i)::uuid, $1, $3::text || stream, false, 'done',
        now() - (20 - i) * '1 hour'::interval
    FROM unnest(ARRAY['people', 'applications', 'notes', 'jobs', 'tags', 'stages']) AS stream
    CROSS JOIN generate_series(1, 20) AS i WHERE $2::int > 0
    """,
    """
    INSERT INTO stream_state (connector, stream, first_read_at, last_read_at, last_whole_at, rows)
    SELECT $1::int, $3::text || stream, now(), now(), now(), 1
    FROM unnest(ARRAY['people', 'applications', 'notes', 'jobs', 'tags', 'stages']) AS stream WHERE $2::int > 0
    """,
    """
    INSERT INTO issue (id, connector, kind, stream, message, opened_at, seen_at, resolved_at)
    SELECT md5('issue' || $1::int || ':' || i)::uuid, $1, 'kind ' || i, $3::text || 'people', 'mend it', now(), now(),
        CASE WHEN i % 2 = 0 THEN now() END
    FROM generate_series(1, 20) AS i WHERE $2::int > 0
    """,
    """
    INSERT INTO operation_call (connector, key, operation, input_hash, begun_at)
    SELECT $1::int, $3::text || i, 'create', '', now() FROM generate_series(1, $2::int) AS i WHERE i % 10 = 0
    """,
    """
    INSERT INTO page_mark (connector, listing, page, position, noted_at)
    SELECT $1::int, convert_to($3::text, 'UTF8'), i, '/next', now() FROM generate_series(2, $2::int) AS i
    WHERE i % 10 = 0
    """,
    """
    INSERT INTO connector_grant (connector, sealed) SELECT $1::int, '' WHERE $2::int > 0 AND $3::text IS NOT NULL
    """,
    """
    INSERT INTO budget (connector, version, state) SELECT $1::int, 1, '' WHERE $2::int > 0 AND $3::text IS NOT NULL
    """,
)

# By the table, once there is such a one. One write in a hundred is open, and was sent too long ago to be under way.
FILL_LATER = {
    "operation_write": """
    INSERT INTO operation_write (connector, id, stream, sent_at, is_open, row_id)
    SELECT $1::int, md5($1 || ':write:' || i)::uuid, $3::text || 'people', now() - '1 hour'::interval, i % 100 = 7,
        CASE WHEN i % 100 <> 7 THEN i::text END
    FROM generate_series(1, $2::int) AS i
    """,
    "feed": """
    INSERT INTO feed (connector) SELECT $1::int WHERE $2::int >= 0 AND $3::text IS NOT NULL
    ON CONFLICT (connector) DO NOTHING
    """,
    "event_page": """
    INSERT INTO event_page (connector, last_seq, packed)
    SELECT $1::int, 100 * i, decode(md5(i::text), 'hex') FROM generate_series(1, $2::int) AS i
    WHERE $3::text IS NOT NULL
    """,
    "hook": """
    INSERT INTO hook (connector, secrets) SELECT $1::int, 'sealed' WHERE $2::int > 0 AND $3::text IS NOT NULL
    """,
    "hook_token": """
    INSERT INTO hook_token (hash, connector)
    SELECT decode(md5('hook' || $1::int), 'hex'), $1 WHERE $2::int > 0 AND $3::text IS NOT NULL
    """,
    "inbox": """
    INSERT INTO inbox (connector, due_at, claim)
    SELECT $1::int, now(), md5('claim' || $1::int)::uuid WHERE $2::int > 0 AND $3::text IS NOT NULL
    """,
    "inbox_delivery": """
    INSERT INTO inbox_delivery (connector, event, received_at)
    SELECT $1::int, decode(md5(i::text), 'hex'), now() - i * '1 hour'::interval
    FROM generate_series(1, $2::int) AS i WHERE $3::text IS NOT NULL
    """,
    "inbox_touch": """
    INSERT INTO inbox_touch (connector, stream, member, value, is_gone, is_wide, version, touched_at, due_at)
    SELECT $1::int, $3::text || 'people', '', i::text, false, false, 1, now(), now() - i * '1 second'::interval
    FROM generate_series(1, $2::int) AS i
    """,
    "endpoint": """
    INSERT INTO endpoint (
        id, organisation, environment, url, name, description, format, includes_records, is_trusted, is_open
    )
    SELECT md5('endpoint' || $1::int)::uuid, organisation.id, 'production', 'https://example.com', '', '', 'standard',
        false, false, true
    FROM organisation WHERE $2::int >= 0 AND $3::text IS NOT NULL ON CONFLICT DO NOTHING
    """,
    "lane": """
    INSERT INTO lane (connector, endpoint, connector_id, position, notice, due_at, claim)
    SELECT $1::int, md5('endpoint' || $1::int)::uuid, md5('connector' || $1::int)::uuid, 0, 0, now(),
        md5('lane' || $1::int)::uuid
    WHERE $2::int > 0 AND $3::text IS NOT NULL
    """,
    "notice": """
    INSERT INTO notice (connector, number, at, kind, after_seq, data)
    SELECT $1::int, i, now() - '1 hour'::interval,
        CASE WHEN i % 10 = 0 THEN 'sync.finished' ELSE 'issue.opened' END, 0, '{}'
    FROM generate_series(1, $2::int) AS i WHERE $3::text IS NOT NULL
    """,
    "delivery": """
    INSERT INTO delivery (
        connector, id, endpoint, organisation, environment, connector_id, message, event, url, position, notice,
        until_position, until_notice, at, seconds, status, request, answer
    )
    SELECT $1::int, (lpad(to_hex(i), 12, '0') || md5('delivery' || $1::int)::char(20))::uuid,
        md5('endpoint' || $1::int)::uuid, organisation.id, 'production', md5('connector' || $1::int)::uuid, i::text,
        'issue.opened', 'https://example.com', 0, i, 0, i + 1, now() - '1 hour'::interval, 0.1,
        CASE WHEN i % 10 = 0 THEN 500 ELSE 200 END, '{}', '{}'
    FROM organisation CROSS JOIN generate_series(1, $2::int) AS i WHERE $3::text IS NOT NULL
    """,
    "undelivered": """
    INSERT INTO undelivered (
        connector, endpoint, message, connector_id, event, position, notice, until_position, until_notice, since, at,
        status, reason
    )
    SELECT $1::int, md5('endpoint' || $1::int)::uuid, i::text, md5('connector' || $1::int)::uuid, 'issue.opened', 0, i,
        0, i + 1, now(), now() - i * '1 second'::interval, 400, 'refused'
    FROM generate_series(1, $2::int) AS i WHERE $3::text IS NOT NULL
    """,
    "event_cut": """
    INSERT INTO event_cut (connector, seq, xid) SELECT $1::int, 50, '3'::xid8 WHERE $2::int > 0 AND $3::text IS NOT NULL
    """,
    "unified_write": """
    INSERT INTO unified_write (connector, id, key, model, verb, input_hash, status, answer, asked_at)
    SELECT $1::int, md5($1 || ':unified:' || i)::uuid, i::text, 4, 'create', '', 'done', '{}',
        now() - i * '1 second'::interval
    FROM generate_series(1, $2::int) AS i WHERE $3::text IS NOT NULL
    """,
    "write_queue": """
    INSERT INTO write_queue (connector, id, due_at)
    SELECT $1::int, md5($1 || ':unified:' || i)::uuid, now() - i * '1 second'::interval
    FROM generate_series(1, $2::int) AS i WHERE $3::text IS NOT NULL
    """,
    "record_volatile": """
    INSERT INTO record_volatile (connector, id, parts)
    SELECT $1::int, md5($1 || ':' || model || ':' || i)::uuid, convert_to(repeat(md5(i::text), 12), 'UTF8')
    FROM unnest(ARRAY[1, 4]) AS model CROSS JOIN generate_series(1, $2::int) AS i WHERE $3::text IS NOT NULL
    """,
}

FIND_TABLES = "SELECT name FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NOT NULL"

FILL_KEYS = """
    INSERT INTO record_key (connector, key, seq) SELECT connector, key, seq FROM record CROSS JOIN unnest(keys) AS key
    WHERE connector = $1 AND deleted_at IS NULL
"""

# The same before its entries said whose they are.
FILL_KEYS_OF_NOBODY = FILL_KEYS.replace("(connector, key, seq) SELECT connector,", "(key, seq) SELECT")

HAS_OWNERS = """
    SELECT EXISTS (
        SELECT FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name = 'record_key' AND column_name = 'connector'
    )
"""

LIST_TABLES = """
    SELECT table_name FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
    WHERE table_schema = 'public' AND column_name = 'connector' AND table_type = 'BASE TABLE' ORDER BY table_name
"""


def list_sizes(count: int) -> list[int]:
    """How much each of so many connectors has: one very much, some little, most next to nothing."""
    return [BIG] + [max(5, round(BIG / 3 / nth**1.2)) for nth in range(1, count)]


async def list_tables(connection: Connection) -> list[str]:
    """The tables that carry the connector."""
    return [row["table_name"] for row in await connection.fetch(LIST_TABLES)]


async def fill_connector(connection: Connection, connector: int, size: int, *, streams: str = "") -> None:
    """Make a connector, unless it is there, and give it so much of each kind. `streams` begins its streams' names."""
    for statement in FILL:
        await connection.execute(statement, connector, size, streams)
    await fill_keys(connection, connector)
    there = {row["name"] for row in await connection.fetch(FIND_TABLES, list(FILL_LATER))}
    for table, statement in FILL_LATER.items():
        if table in there:
            await connection.execute(statement, connector, size, streams)


async def fill_keys(connection: Connection, connector: int) -> None:
    """The entries of the filter index of a connector's records."""
    has_owners = await connection.fetchval(HAS_OWNERS)
    await connection.execute(FILL_KEYS if has_owners else FILL_KEYS_OF_NOBODY, connector)


async def empty_connector(connection: Connection, connector: int) -> None:
    """Take everything from a connector, and tidy up behind it."""
    for table in await list_tables(connection):
        await connection.execute(f"DELETE FROM {table} WHERE connector = $1", connector)
    await connection.execute("VACUUM")
