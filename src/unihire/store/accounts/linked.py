"""Connectors with how their syncs stand, for the organisation they are of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from unihire.store import Pool

# Connectors of an organisation's environment in the order they were made, after a number; each with the status of its
# latest run that was not cancelled, and when its latest run began; fast ones aside.
LIST_LINKED = """
    SELECT id, number, environment, integration, category, end_user, origin_id, status, relink_needed_at, created_at,
        next_sync_at, is_paused, (
            SELECT run.status FROM sync_run AS run
            WHERE run.connector = connector.number AND run.status <> 'cancelled' AND NOT run.is_fast
            ORDER BY run.number DESC LIMIT 1
        ) AS run_status, (
            SELECT run.started_at FROM sync_run AS run
            WHERE run.connector = connector.number AND run.started_at IS NOT NULL AND NOT run.is_fast
            ORDER BY run.number DESC LIMIT 1
        ) AS last_run_at
    FROM connector
    WHERE organisation = $1 AND environment = $2 AND category = $3 AND number > $4::bigint
        AND ($5::text IS NULL OR origin_id = $5) AND (
            $6::bytea IS NULL OR token_hash = $6
            OR number = (SELECT old.connector FROM replaced_token AS old WHERE old.hash = $6 AND old.ends_at > now())
        )
        AND ($8::uuid IS NULL OR id = $8)
    ORDER BY number LIMIT $7
"""


@dataclass(frozen=True, slots=True)
class Linked:
    """A connector without its secrets. `run_status` is that of its latest run that was not cancelled."""

    id: UUID
    number: int
    environment: str
    integration: str
    category: str
    end_user: str
    origin_id: str | None
    status: str
    relink_needed_at: datetime | None
    created_at: datetime
    next_sync_at: datetime
    is_paused: bool
    run_status: str | None
    last_run_at: datetime | None


async def list_linked(
    pool: Pool,
    organisation: UUID,
    environment: str,
    *,
    category: str,
    after: int,
    limit: int,
    origin_id: str | None = None,
    token_hash: bytes | None = None,
    id: UUID | None = None,
) -> Sequence[Linked]:
    found = await pool.fetch(LIST_LINKED, organisation, environment, category, after, origin_id, token_hash, limit, id)
    return [Linked(**row) for row in found]
