"""Replays: further lanes of an endpoint, which send again what was sent or passed over, and end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from unihire.kit.clock import to_micros
from unihire.store import Connection, Pool
from unihire.store.audit import Act, log_act
from unihire.store.events.lanes import LANES_CHANNEL, MAIN, OPENED_AT_ONCE

MOST_REPLAYS = 100
"""Of one endpoint that have not ended."""

# How many replays of an endpoint have not ended.
COUNT_REPLAYS = "SELECT count(DISTINCT replay) FROM lane WHERE endpoint = $1 AND replay <> $2"

# Insert lanes that send from one place to another, due now.
INSERT_REPLAYS = """
    INSERT INTO lane (
        connector, endpoint, replay, connector_id, position, notice, until_position, until_notice, due_at
    )
    SELECT number, $1, replay, id, position, notice, until_position, until_notice, now()
    FROM unnest(
        $2::integer[], $3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[]
    ) AS made (number, replay, id, position, notice, until_position, until_notice)
    ON CONFLICT (connector, endpoint, replay) DO NOTHING
"""

# The connectors of an endpoint's lanes after a number; $4: only these ids, null for all.
LIST_LANES = """
    SELECT connector, connector_id FROM lane
    WHERE endpoint = $1 AND replay = $2 AND connector > $3 AND ($4::uuid[] IS NULL OR connector_id = ANY($4))
    ORDER BY connector LIMIT $5
"""

# How far the feeds and notices of connectors are, from where on their events are stored, and the last notice before a
# moment.
LIST_ENDS = """
    SELECT wanted.connector, coalesce(feed.last_seq, 0) AS last_seq, coalesce(event_cut.seq, 0) AS cut_seq,
        coalesce(last.number, 0) AS last_notice, coalesce(first.number - 1, last.number, 0) AS notice
    FROM unnest($1::integer[]) AS wanted (connector)
    LEFT JOIN feed ON feed.connector = wanted.connector
    LEFT JOIN event_cut ON event_cut.connector = wanted.connector
    LEFT JOIN LATERAL (
        SELECT number FROM notice WHERE connector = wanted.connector ORDER BY number DESC LIMIT 1 OFFSET 0
    ) AS last ON true
    LEFT JOIN LATERAL (
        SELECT number FROM notice WHERE connector = wanted.connector AND at >= $2 ORDER BY number LIMIT 1 OFFSET 0
    ) AS first ON true
"""

# The same of the last notices before another moment.
LIST_NOTICES_BEFORE = """
    SELECT wanted.connector, found.number FROM unnest($1::integer[]) AS wanted (connector) CROSS JOIN LATERAL (
        SELECT number FROM notice WHERE connector = wanted.connector AND at < $2 ORDER BY number DESC LIMIT 1 OFFSET 0
    ) AS found
"""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What of a connector is sent again: after one place, up to another."""

    connector: int
    connector_id: UUID
    replay: UUID
    position: int
    notice: int
    until_position: int
    until_notice: int


async def count_replays(connection: Connection | Pool, endpoint: UUID) -> int:
    counted: int = await connection.fetchval(COUNT_REPLAYS, endpoint, MAIN)
    return counted


async def insert_replays(pool: Pool, endpoint: UUID, stretches: Sequence[Stretch], act: Act) -> None:
    """Have these sent again, and note the act that asks for it; they are on the disk when this returns."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            INSERT_REPLAYS, endpoint,
            [one.connector for one in stretches], [one.replay for one in stretches],
            [one.connector_id for one in stretches], [one.position for one in stretches],
            [one.notice for one in stretches], [one.until_position for one in stretches],
            [one.until_notice for one in stretches],
        )  # fmt: skip
        await log_act(connection, act)
        await connection.execute("SELECT pg_notify($1, '')", LANES_CHANNEL)


async def find_stretches(
    pool: Pool, endpoint: UUID, replay: UUID, since: datetime, until: datetime | None, connectors: Sequence[UUID] | None
) -> tuple[list[Stretch], bool]:
    """What happened to an endpoint's connectors from a moment on, and before another; whether all of it is stored."""
    found: list[Stretch] = []
    is_whole, after = True, 0
    while rows := await pool.fetch(LIST_LANES, endpoint, MAIN, after, connectors, OPENED_AT_ONCE):
        numbers = [row["connector"] for row in rows]
        ends = {row["connector"]: row for row in await pool.fetch(LIST_ENDS, numbers, since)}
        before = {}
        if until is not None:
            before = {row["connector"]: row["number"] for row in await pool.fetch(LIST_NOTICES_BEFORE, numbers, until)}
        for row in rows:
            one = _make_stretch(row, replay, ends[row["connector"]], since, until, before.get(row["connector"], 0))
            is_whole = is_whole and one.position >= ends[row["connector"]]["cut_seq"]
            if one.until_position > one.position or one.until_notice > one.notice:
                found.append(one)
        after = numbers[-1]
    return found, is_whole


def _make_stretch(
    lane: asyncpg.Record, replay: UUID, ends: asyncpg.Record, since: datetime, until: datetime | None, notice: int
) -> Stretch:
    last_seq, last_notice = ends["last_seq"], ends["last_notice"]
    position = min(to_micros(since) - 1, last_seq)
    if until is not None:
        last_seq, last_notice = min(last_seq, to_micros(until) - 1), notice
    return Stretch(
        lane["connector"], lane["connector_id"], replay, position, ends["notice"],
        max(position, last_seq), max(ends["notice"], last_notice),
    )  # fmt: skip
