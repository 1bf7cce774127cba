"""Records made again from stored rows: reading those rows, and updating what no fingerprint covers."""

from collections.abc import Iterable, Sequence

import asyncpg

from unihire.store import Connection
from unihire.store.feed.rendered import Rendered
from unihire.store.feed.saving import DELETE_KEYS, INSERT_KEYS
from unihire.store.volatile import PARTS_COLUMN

# Rows of a stream, after a place: those that became live records of one model, in feed order, with what is stored
# beside them.
LIST_ROWS = f"""
    SELECT seq AS place, id, raw{PARTS_COLUMN} FROM record
    WHERE connector = $1 AND stream = $2 AND seq > $3 AND model = $5 AND seq <= $6 AND deleted_at IS NULL
    ORDER BY seq LIMIT $4
"""  # noqa: S608 - of constants

# Rows that are stored whole.
LIST_WHOLE = """
    SELECT row_id AS place, NULL::uuid AS id, data AS raw FROM (
        SELECT row_id, stream, name, data FROM joined
        WHERE connector = $1 AND origin = $2 AND row_id > $3 ORDER BY row_id OFFSET 0
    ) AS stored
    WHERE stream = $2 AND name = $5 ORDER BY row_id LIMIT $4
"""

# Of these streams, one that has rows which are stored whole.
FIND_KEEPING = """
    SELECT own.stream FROM unnest($2::text[]) AS own (stream) CROSS JOIN LATERAL (
        SELECT FROM joined WHERE connector = $1 AND stream = own.stream AND name = $3 LIMIT 1
    ) AS found
"""

# Those that are quarantined; of rows that were refused unmapped there is a text, which nobody can map.
LIST_QUARANTINED = """
    SELECT row_id AS place, raw, is_served FROM quarantine
    WHERE connector = $1 AND stream = $2 AND row_id > $3 AND substr(raw, 1, 1) <> '"'
    ORDER BY row_id LIMIT $4
"""

# What live records were made of, without what is volatile.
FIND_RAW = """
    SELECT id::text, raw
    FROM (
        SELECT id, raw, deleted_at FROM record WHERE connector = $1 AND id = ANY($2::text[]::uuid[]) OFFSET 0
    ) AS found
    WHERE deleted_at IS NULL
"""

# How many live records of these models a stream has.
COUNT_LIVING = """
    SELECT count(*) FROM unnest($2::smallint[]) AS kind (model) CROSS JOIN LATERAL (
        SELECT FROM record
        WHERE connector = $1 AND model = kind.model AND stream = $3 AND deleted_at IS NULL OFFSET 0
    ) AS living
"""

# Let a record count as changed whose custom fields differ: its fingerprint does not cover them.
OUTDATE_CUSTOM = """
    UPDATE record SET fingerprint = ''
    WHERE connector = $1 AND id = $2::text::uuid AND coalesce(custom, '{}') <> coalesce($3::bytea, '{}')
"""

# Where records stand in the filter index, and the vendor's own words.
FIND_FILED = """
    SELECT id::text, seq, keys, words
    FROM (
        SELECT id, seq, keys, words, deleted_at FROM record
        WHERE connector = $1 AND id = ANY($2::text[]::uuid[]) OFFSET 0
    ) AS found
    WHERE deleted_at IS NULL
"""

REFILE_RECORD = "UPDATE record SET keys = $3, words = $4 WHERE connector = $1 AND id = $2::text::uuid"


async def find_raw(connection: Connection, connector: int, ids: Sequence[str]) -> dict[str, bytes]:
    """Of those of the records that live: what they were made of, without what is volatile."""
    return {row["id"]: row["raw"] for row in await connection.fetch(FIND_RAW, connector, ids)} if ids else {}


async def outdate_records(connection: Connection, connector: int, records: Sequence[Rendered]) -> None:
    """Let those count as changed whose custom fields are others now. Call before they are saved, in its transaction."""
    await connection.executemany(OUTDATE_CUSTOM, [(connector, record.id, record.custom) for record in records])


async def refile_records(connection: Connection, connector: int, records: Sequence[Rendered]) -> None:
    """Put saved records under the keys and words they have now; their place in the feed stays."""
    filed: dict[str, asyncpg.Record] = {
        row["id"]: row for row in await connection.fetch(FIND_FILED, connector, [record.id for record in records])
    }
    moved = [
        (record, known)
        for record in records
        if (known := filed.get(record.id)) is not None
        and (known["keys"] != list(record.keys) or known["words"] != record.words)
    ]
    if moved:
        await connection.execute(DELETE_KEYS, connector, *_pair((known["keys"], known["seq"]) for _, known in moved))
        await connection.execute(INSERT_KEYS, connector, *_pair((record.keys, known["seq"]) for record, known in moved))
        await connection.executemany(
            REFILE_RECORD, [(connector, record.id, list(record.keys), record.words) for record, _ in moved]
        )


def _pair(filed: Iterable[tuple[Sequence[int], int]]) -> tuple[list[int], list[int]]:
    """Keys, and beside each the place of its record."""
    keys, seqs = list[int](), list[int]()
    for own, seq in filed:
        keys += own
        seqs += [seq] * len(own)
    return keys, seqs
