"""What a page stores besides records: details, quarantined rows, the ids seen."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import asyncpg
import msgspec

from unihire.store import Connection, Pool

# Store the details of single rows.
UPSERT_DETAILS = """
    INSERT INTO detail AS stored (connector, stream, name, row_id, version, raw)
    SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::text[], $6::bytea[])
    ON CONFLICT (connector, stream, name, row_id) DO UPDATE SET version = excluded.version, raw = excluded.raw
    WHERE (stored.version, stored.raw) IS DISTINCT FROM (excluded.version, excluded.raw)
"""

# Quarantine rows that did not map completely.
UPSERT_QUARANTINE = """
    INSERT INTO quarantine (connector, stream, row_id, reason, raw, is_served, left_out, hides)
    SELECT $1, $2, row_id, reason, raw, is_served, ARRAY(SELECT jsonb_array_elements_text(left_out::jsonb)),
        ARRAY(SELECT jsonb_array_elements_text(hides::jsonb)::smallint)
    FROM unnest($3::text[], $4::text[], $5::bytea[], $6::bool[], $7::text[], $8::text[])
        AS noted (row_id, reason, raw, is_served, left_out, hides)
    ON CONFLICT (connector, stream, row_id) DO UPDATE SET reason = excluded.reason, raw = excluded.raw,
        is_served = excluded.is_served, left_out = excluded.left_out, hides = excluded.hides, noted_at = now()
"""

# Release rows that map completely again.
RELEASE_QUARANTINE = """
    DELETE FROM quarantine WHERE connector = $1 AND ctid = ANY(ARRAY(
        SELECT found.ctid FROM unnest($3::text[]) AS released (row_id) CROSS JOIN LATERAL (
            SELECT q.ctid FROM quarantine AS q
            WHERE q.connector = $1 AND q.stream = $2 AND q.row_id = released.row_id OFFSET 0
        ) AS found
    ))
"""

# What is known of these streams, and the feed's position.
FIND_STATES = """
    SELECT asked.stream, (SELECT last_seq FROM feed WHERE connector = $1) AS position,
        (SELECT true FROM stream_state WHERE connector = $1 AND stream = asked.stream LIMIT 1) AS is_read,
        (SELECT true FROM quarantine WHERE connector = $1 AND stream = asked.stream LIMIT 1) AS has_quarantine,
        (SELECT true FROM stale WHERE connector = $1 AND stream = asked.stream LIMIT 1) AS has_stale
    FROM unnest($2::text[]) AS asked (stream)
"""

HAS_QUARANTINE = "SELECT EXISTS (SELECT FROM quarantine WHERE connector = $1 AND stream = $2)"

# The models of which rows quarantined in this read of the stream may have parts that became no records; a row that is
# not served may have parts of any.
FIND_HIDDEN = """
    SELECT DISTINCT is_served, model FROM quarantine LEFT JOIN unnest(hides) AS model ON true
    WHERE connector = $1 AND stream = $2
        AND noted_at >= (SELECT started_at FROM stream_run WHERE connector = $1 AND run = $3 AND stream = $2)
"""

# Which of these rows could not be mapped at all.
FIND_UNSERVED = """
    SELECT noted.row_id FROM unnest($3::text[]) AS wanted (row_id) CROSS JOIN LATERAL (
        SELECT row_id, is_served FROM quarantine
        WHERE connector = $1 AND stream = $2 AND row_id = wanted.row_id OFFSET 0
    ) AS noted
    WHERE NOT noted.is_served
"""

# Of which of these rows another version than this could not be mapped at all.
FIND_NEWER_QUARANTINED = """
    SELECT stored.row_id FROM unnest($3::text[], $4::bytea[]) AS stored (row_id, raw) CROSS JOIN LATERAL (
        SELECT raw, is_served FROM quarantine
        WHERE connector = $1 AND stream = $2 AND row_id = stored.row_id OFFSET 0
    ) AS noted
    WHERE NOT noted.is_served AND noted.raw <> stored.raw
"""

# Quarantined rows after a stream and row id, in that order.
LIST_QUARANTINE = """
    SELECT stream, row_id, reason, is_served, left_out, since{raw} FROM quarantine
    WHERE connector = $1 AND (stream, row_id) > ($2, $3) ORDER BY stream, row_id LIMIT $4
"""

# The rows with one id, of whatever stream.
FIND_QUARANTINED = "SELECT stream, row_id, raw FROM quarantine WHERE connector = $1 AND row_id = $2 ORDER BY stream"

# How many rows of each stream are quarantined: those that became nothing, and those served without some part.
COUNT_QUARANTINE = """
    SELECT stream, count(*) FILTER (WHERE NOT is_served) AS rows, count(*) FILTER (WHERE is_served) AS incomplete
    FROM quarantine WHERE connector = $1 GROUP BY stream ORDER BY stream
"""

# The same of every connector that has any.
COUNT_ALL_QUARANTINE = """
    SELECT connector, count(*) FILTER (WHERE NOT is_served) AS rows, count(*) FILTER (WHERE is_served) AS incomplete
    FROM quarantine GROUP BY connector
"""

# The ids a complete read saw: stored page by page, or one by one by an earlier version.
SEEN = """
    SELECT unnest(ids) AS id FROM seen_page WHERE connector = $1 AND stream = $2
    UNION ALL SELECT id FROM seen WHERE connector = $1 AND stream = $2
"""

# Live records of a stream and model with `seq` > $4 that its complete read did not see, in feed order. A full join is
# never a nested loop, whatever sizes the planner assumes; the conditions on its result must stay outside.
FIND_ABSENT = f"""
    SELECT id, remote_id, seq FROM (
        SELECT here.id, remote_id, seq, here.stream, noted.id AS seen_id FROM (
            SELECT id, remote_id, seq, stream FROM record
            WHERE connector = $1 AND model = $3 AND seq > $4 AND deleted_at IS NULL OFFSET 0
        ) AS here FULL JOIN ({SEEN}) AS noted ON noted.id = here.id OFFSET 0
    ) AS compared
    WHERE seen_id IS NULL AND stream = $2 ORDER BY seq LIMIT $5
"""  # noqa: S608 - of constants

# Store the ids seen on one more page of a complete read.
NOTE_SEEN = """
    INSERT INTO seen_page (connector, stream, number, ids)
    SELECT $1, $2, coalesce(max(number), 0) + 1, $3::text[]::uuid[] FROM seen_page WHERE connector = $1 AND stream = $2
"""

FORGET_SEEN = """
    WITH single AS (DELETE FROM seen WHERE connector = $1 AND stream = $2)
    DELETE FROM seen_page WHERE connector = $1 AND stream = $2
"""


AHEAD = 50_000
"""How many records that were not seen are found by one query."""


async def save_details(
    connection: Connection, connector: int, stream: str, details: Sequence[tuple[str, str, str, bytes]]
) -> None:
    """Store details, each `(name, row id, version, raw)`."""
    if details:
        await connection.execute(UPSERT_DETAILS, connector, stream, *map(list, zip(*details, strict=True)))


class Noted(Protocol):
    """A row for the quarantine, as sync/quarantine.py has it."""

    @property
    def row_id(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def raw(self) -> bytes: ...
    @property
    def is_served(self) -> bool: ...
    @property
    def left_out(self) -> Sequence[str]: ...
    @property
    def hides(self) -> Sequence[int]: ...


async def quarantine_rows(connection: Connection, connector: int, stream: str, rows: Sequence[Noted]) -> None:
    """Quarantine rows that did not map completely. Each row must be there once."""
    if rows:
        noted = [
            (row.row_id, row.reason, row.raw, row.is_served, _to_json(row.left_out), _to_json(row.hides))
            for row in rows
        ]
        await connection.execute(UPSERT_QUARANTINE, connector, stream, *map(list, zip(*noted, strict=True)))


def _to_json(values: Sequence[object]) -> str:
    return msgspec.json.encode(values).decode()


async def list_quarantine(
    pool: Pool, connector: int, *, after: tuple[str, str] = ("", ""), limit: int, raw: bool = False
) -> list[asyncpg.Record]:
    """Quarantined rows after a `(stream, row id)`, with their raw data if `raw`."""
    query = LIST_QUARANTINE.format(raw=", raw" if raw else "")
    return await pool.fetch(query, connector, *after, limit)


async def count_quarantine(pool: Pool, connector: int, stream: str) -> tuple[int, int]:
    """How many rows of a stream became nothing, and how many are served without some part."""
    counted = await pool.fetch(COUNT_QUARANTINE, connector)
    return next(((row["rows"], row["incomplete"]) for row in counted if row["stream"] == stream), (0, 0))


async def note_seen(connection: Connection, connector: int, stream: str, ids: Sequence[str]) -> None:
    """Store the ids a complete read saw. Call with the feed locked."""
    if ids:
        await connection.execute(NOTE_SEEN, connector, stream, list(ids))


async def walk_absent(
    pool: Pool, connector: int, stream: str, models: Sequence[int], limit: int
) -> AsyncIterator[list[asyncpg.Record]]:
    """Live records the read did not see, `id` and `remote_id`, `limit` at a time.

    A record that is deleted meanwhile is not found again; one that is saved meanwhile gets a higher position and is
    compared there. Each query compares every record after a position, so it finds `AHEAD` at once.
    """
    for model in models:
        after = 0
        while found := await pool.fetch(FIND_ABSENT, connector, stream, model, after, AHEAD):
            for start in range(0, len(found), limit):
                yield found[start : start + limit]
            after = found[-1]["seq"]


async def forget_seen(connection: Connection | Pool, connector: int, stream: str) -> None:
    await connection.execute(FORGET_SEEN, connector, stream)


@dataclass(frozen=True, slots=True)
class StreamStates:
    """What is known of a connector's streams at a feed position: which were read well once, which have rows that are
    quarantined, and which have records to be made again.
    """

    position: int
    read: frozenset[str]
    quarantined: frozenset[str]
    stale: frozenset[str]


async def find_states(pool: Pool | Connection, connector: int, names: Iterable[str]) -> StreamStates:
    found = await pool.fetch(FIND_STATES, connector, list(names))

    def having(column: str) -> frozenset[str]:
        return frozenset(row["stream"] for row in found if row[column])

    position = found[0]["position"] if found else None
    return StreamStates(position or 0, having("is_read"), having("has_quarantine"), having("has_stale"))
