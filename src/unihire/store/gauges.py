"""Counts over the whole installation: connectors, runs, jobs, workers and what waits; metrics show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from unihire.store import Pool

SILENT_FOR = timedelta(seconds=20)
"""A worker that gave no sign for so long does not count."""

# Connectors, paused ones among them, unfinished runs, jobs, workers, the schedule that is overdue for longest, open
# issues, quarantined rows, touched rows that wait, and lanes that do: a name, what it is counted by, and the number.
COUNT_GAUGES = """
    SELECT 'connectors' AS name, integration, lower(status) AS kind, count(*)::float8 AS value
    FROM connector GROUP BY integration, status
    UNION ALL
    SELECT 'paused', integration, '', count(*) FILTER (WHERE is_paused) FROM connector GROUP BY integration
    UNION ALL
    SELECT 'runs', integration, CASE
        WHEN waits_until > now() THEN 'deferred' WHEN run.status = 'queued' THEN 'waiting' ELSE 'running'
    END AS kind, count(*)
    FROM sync_run AS run JOIN connector ON connector.number = run.connector
    WHERE run.status IN ('queued', 'running') GROUP BY integration, kind
    UNION ALL
    SELECT 'jobs', '', CASE
        WHEN status = 'doing' THEN 'doing' WHEN scheduled_at > now() THEN 'deferred' ELSE 'waiting'
    END AS kind, count(*)
    FROM procrastinate_jobs WHERE status IN ('todo', 'doing') GROUP BY kind
    UNION ALL
    SELECT 'workers', '', '', count(*) FROM procrastinate_workers
    WHERE last_heartbeat BETWEEN now() - $1::interval AND now() + interval '1 minute'
    UNION ALL
    SELECT 'overdue', '', '', greatest(0, coalesce(extract(epoch FROM now() - min(next_sync_at)), 0))
    FROM connector WHERE NOT is_paused
    UNION ALL
    SELECT 'issues', integration, kind, count(*) FROM issue JOIN connector ON connector.number = issue.connector
    WHERE resolved_at IS NULL GROUP BY integration, kind
    UNION ALL
    SELECT CASE WHEN is_served THEN 'incomplete' ELSE 'quarantine' END AS name, integration, '', count(*)
    FROM quarantine JOIN connector ON connector.number = quarantine.connector GROUP BY name, integration
    UNION ALL
    SELECT 'touched', integration, '', count(*)
    FROM inbox_touch JOIN connector ON connector.number = inbox_touch.connector GROUP BY integration
    UNION ALL
    SELECT 'touched_for', '', '', greatest(0, coalesce(extract(epoch FROM now() - min(touched_at)), 0)) FROM inbox_touch
    UNION ALL
    SELECT 'lanes', '', kind, sum(lanes)::float8 FROM endpoint CROSS JOIN LATERAL (
        SELECT CASE WHEN tries = 0 THEN 'waiting' ELSE 'retrying' END AS kind, count(*) AS lanes FROM lane
        WHERE lane.endpoint = endpoint.id AND due_at IS NOT NULL GROUP BY kind
    ) AS found
    WHERE is_enabled GROUP BY kind
    UNION ALL
    SELECT 'lanes_for', '', '', greatest(0, coalesce(extract(epoch FROM now() - min(due_at)), 0))
    FROM endpoint CROSS JOIN LATERAL (
        SELECT due_at FROM lane WHERE lane.endpoint = endpoint.id AND due_at <= now() ORDER BY due_at LIMIT 1
    ) AS first
    WHERE is_enabled AND (held_until IS NULL OR held_until <= now())
"""


@dataclass(frozen=True, slots=True)
class GaugeValue:
    """One number; `integration` and `kind` are empty where it is not counted by them."""

    name: str
    integration: str
    kind: str
    value: float


async def count_gauges(pool: Pool) -> Sequence[GaugeValue]:
    return [GaugeValue(**row) for row in await pool.fetch(COUNT_GAUGES, SILENT_FOR)]
