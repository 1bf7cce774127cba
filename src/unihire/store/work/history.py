"""The history of runs over one connector or several: the latest first, each with what it came to."""

from collections.abc import Collection, Sequence
from uuid import UUID

import asyncpg

from unihire.store import Pool

_TOTALS = """
    SELECT coalesce(sum(read), 0)::bigint AS read, coalesce(sum(added), 0)::bigint AS added,
        coalesce(sum(changed), 0)::bigint AS changed, coalesce(sum(deleted), 0)::bigint AS deleted,
        coalesce(sum(quarantined), 0)::bigint AS quarantined, coalesce(sum(incomplete), 0)::bigint AS incomplete,
        coalesce(sum(requests), 0)::bigint AS requests, coalesce(sum(waited), 0) AS waited,
        coalesce(sum(wrong_answers), 0)::bigint AS wrong_answers
    FROM stream_run WHERE stream_run.connector = latest.connector AND stream_run.run = latest.id
"""

# The latest runs of some connectors, those that have not ended first, with what all streams of each came to.
LIST_HISTORY = f"""
    SELECT latest.*, totals.* FROM (
        SELECT run.*, connector.is_paused FROM connector CROSS JOIN LATERAL (
            SELECT *, now() AS now FROM sync_run
            WHERE sync_run.connector = connector.number AND ($2::int IS NULL OR number = $2)
                AND ($4::uuid IS NULL OR id = $4) AND ($5::int IS NULL OR number < $5)
            ORDER BY number DESC LIMIT $3
        ) AS run
        WHERE connector.number = ANY($1::int[])
        ORDER BY run.finished_at DESC NULLS FIRST, run.connector, run.number DESC LIMIT $3
    ) AS latest CROSS JOIN LATERAL ({_TOTALS}) AS totals
    ORDER BY finished_at DESC NULLS FIRST, connector, number DESC
"""  # noqa: S608 - of constants

# The same of all connectors: the end of the index of ended runs.
LIST_WHOLE_HISTORY = f"""
    SELECT latest.*, connector.is_paused, totals.*
    FROM (SELECT *, now() AS now FROM sync_run ORDER BY finished_at DESC NULLS FIRST LIMIT $1) AS latest
    JOIN connector ON connector.number = latest.connector CROSS JOIN LATERAL ({_TOTALS}) AS totals
    ORDER BY finished_at DESC NULLS FIRST, connector, number DESC
"""  # noqa: S608 - of constants

# How one connector or all stand: paused or not, and the latest run, fast ones aside, if there is one.
LIST_LATEST_RUNS = """
    SELECT connector.number AS of, connector.is_paused, run.*
    FROM connector LEFT JOIN LATERAL (
        SELECT *, now() AS now FROM sync_run
        WHERE sync_run.connector = connector.number AND NOT is_fast ORDER BY number DESC LIMIT 1
    ) AS run ON true
    WHERE $1::int IS NULL OR connector.number = $1
"""


async def list_history(
    pool: Pool,
    *,
    connectors: Collection[int],
    number: int | None = None,
    id: UUID | None = None,
    before: int | None = None,
    limit: int,
) -> Sequence[asyncpg.Record]:
    """Rows of sync_run with `now`, the connector's `is_paused` and the sums over its streams.

    `number` or `id` are those of one run; `before` leaves out that number and later ones.
    """
    return await pool.fetch(LIST_HISTORY, list(connectors), number, limit, id, before)


async def list_whole_history(pool: Pool, *, limit: int) -> Sequence[asyncpg.Record]:
    """The latest of all connectors, as `list_history` has them."""
    return await pool.fetch(LIST_WHOLE_HISTORY, limit)


async def list_latest_runs(pool: Pool, connector: int | None = None) -> dict[int, asyncpg.Record]:
    """By connector: `is_paused`, and the row of its latest run, whose `id` is None where there is none."""
    return {row["of"]: row for row in await pool.fetch(LIST_LATEST_RUNS, connector)}
