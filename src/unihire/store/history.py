"""The history of runs over one connector or several: the latest first, each with what it came to."""

from collections.abc import Collection, Sequence
from uuid import UUID

import asyncpg

from unihire.store import Pool

# The latest runs, those that have not ended first, with what all streams of each came to.
LIST_HISTORY = """
    SELECT latest.*, totals.* FROM (
        SELECT run.*, connector.is_paused FROM connector CROSS JOIN LATERAL (
            SELECT * FROM sync_run WHERE sync_run.connector = connector.number AND ($2::int IS NULL OR number = $2)
                AND ($4::uuid IS NULL OR id = $4) AND ($5::int IS NULL OR number < $5)
            ORDER BY number DESC LIMIT $3
        ) AS run
        WHERE $1::int[] IS NULL OR connector.number = ANY($1)
        ORDER BY run.finished_at IS NOT NULL, run.asked_at DESC, run.connector, run.number DESC LIMIT $3
    ) AS latest CROSS JOIN LATERAL (
        SELECT coalesce(sum(read), 0)::bigint AS read, coalesce(sum(added), 0)::bigint AS added,
            coalesce(sum(changed), 0)::bigint AS changed, coalesce(sum(deleted), 0)::bigint AS deleted,
            coalesce(sum(quarantined), 0)::bigint AS quarantined, coalesce(sum(requests), 0)::bigint AS requests,
            coalesce(sum(waited), 0) AS waited
        FROM stream_run WHERE stream_run.run = latest.id
    ) AS totals
    ORDER BY finished_at IS NOT NULL, asked_at DESC, connector, number DESC
"""


async def list_history(
    pool: Pool,
    *,
    connectors: Collection[int] | None = None,
    number: int | None = None,
    id: UUID | None = None,
    before: int | None = None,
    limit: int,
) -> Sequence[asyncpg.Record]:
    """Rows of sync_run with the connector's `is_paused` and the sums over its streams; of all connectors unless named.

    `number` or `id` are those of one run; `before` leaves out that number and later ones.
    """
    named = None if connectors is None else list(connectors)
    return await pool.fetch(LIST_HISTORY, named, number, limit, id, before)
