"""Companies whose sync is disturbed, and everything a sync leaves, to be compared with that of an undisturbed one."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from testbed.ashby_link import NO_LIMIT, make_ashby_tenant
from testbed.harvest import NO_LIMITS
from testbed.harvest_link import make_harvest_tenant
from testbed.lever_link import NO_LEVER_LIMIT, make_lever_tenant
from testbed.personio import make_emulated_tenant
from testbed.tenants import Tenant
from testbed.workable_link import make_workable_tenant
from unihire.integration.declare import Integration, Stream
from unihire.kit.seal import Sealer
from unihire.sandbox.runner import Ready
from unihire.settings import Settings
from unihire.store import Pool
from unihire.store.database import open_database


@dataclass(frozen=True)
class Company:
    """What is synced: the system, how many candidates, the streams that change, and the pages before a kill at most."""

    slug: str
    size: int
    connect: Callable[[Pool, Sealer, Ready], Awaitable[Tenant]]
    streams: tuple[str, ...]
    pages: int
    options: Mapping[str, str] = field(default_factory=dict)


def read_in_small_pages(integration: Integration) -> Integration:
    """The same, with lists of twenty rows a page, so that most are read in many."""
    return replace(integration, streams=tuple(map(_read_in_small_pages, integration.streams)))


def _read_in_small_pages(stream: Stream) -> Stream:
    page_size = getattr(stream.paging, "page_size", None)
    if not page_size:
        return stream
    name = next(iter(page_size))
    size = type(page_size[name])(20)
    return replace(stream, paging=replace(stream.paging, page_size={**page_size, name: size}))


COMPANIES = (
    Company("personio", 240, make_emulated_tenant, ("jobs", "candidates", "applications"), 6),
    Company(
        "greenhouse",
        120,
        make_harvest_tenant,
        (
            "users", "sources", "job_owners", "job_posts", "jobs", "application_stages", "attachments", "applications",
            "candidates", "interviewers", "interviews", "scorecards", "notes",
        ),
        30,
        NO_LIMITS,
    ),
)  # fmt: skip

ASHBY = Company(
    "ashby",
    100,
    make_ashby_tenant,
    (
        "users", "departments", "locations", "candidate_tags", "job_postings", "jobs", "applications", "candidates",
        "interview_schedules", "feedback", "offers",
    ),
    12,
    NO_LIMIT,
)  # fmt: skip
"""Its rate is documented alone, so whoever syncs it here must leave that alone."""

LEVER = Company(
    "lever",
    100,
    make_lever_tenant,
    ("users", "archive_reasons", "tags", "sources", "requisitions", "postings", "opportunities", "contacts"),
    12,
    NO_LEVER_LIMIT,
)
"""The same."""

WORKABLE = Company(
    "workable",
    100,
    make_workable_tenant,
    ("members", "departments", "disqualification_reasons", "jobs", "candidates", "events"),
    12,
    {"rate_limit": "0"},
)

# Everything a sync leaves, but for when: modified_at, places in the feed, times and what signs links for a while. Of a
# deleted record its name alone: what it showed last depends on whether that, or the deletion, was read first.
CONTENT = {
    "records": """
        SELECT connector, model, remote_id, stream, live.*
        FROM record LEFT JOIN LATERAL (
            SELECT regexp_replace(convert_from(body, 'UTF8'), '"modified_at":"[^"]*"|[?]X-Amz-[^"]*', '', 'g'),
                regexp_replace(convert_from(raw, 'UTF8'), '[?]X-Amz-[^"]*', '', 'g'), keys, fingerprint
            WHERE deleted_at IS NULL
        ) AS live ON true
        ORDER BY connector, model, remote_id
    """,
    "filter index": "SELECT key, count(*) FROM record_key GROUP BY key ORDER BY key",
    "shown": "SELECT connector, origin, row_id, stream, name, key, id, data FROM joined ORDER BY 1, 2, 3, 4, 5, 6",
    "to be shown": "SELECT count(*) FROM stale",
    "details": """
        SELECT connector, stream, name, row_id, version,
            regexp_replace(convert_from(raw, 'UTF8'), '[?]X-Amz-[^"]*', '', 'g')
        FROM detail ORDER BY 1, 2, 3, 4
    """,
    "quarantine": "SELECT connector, stream, row_id, raw FROM quarantine ORDER BY 1, 2, 3",
    "met": "SELECT count(*) FROM seen",
    "unfinished": "SELECT count(*) FROM sync_run WHERE status IN ('queued', 'running')",
}
# Rows of the filter index that are not of a live record, or the other way round.
STRAY_KEYS = """
    SELECT count(*) FROM (SELECT connector, unnest(keys) AS key, seq FROM record WHERE deleted_at IS NULL) AS a
    FULL JOIN record_key AS b ON a.connector = b.connector AND a.key = b.key AND a.seq = b.seq
    WHERE a.key IS NULL OR b.key IS NULL
"""


async def read_content(settings: Settings) -> dict[str, list[Any]]:
    """What a database holds, by what it is."""
    async with open_database(settings) as pool:
        assert await pool.fetchval(STRAY_KEYS) == 0
        return {name: [tuple(row) for row in await pool.fetch(query)] for name, query in CONTENT.items()}


async def change_rows(ready: Ready, streams: tuple[str, ...], share: float = 0.3) -> None:
    async with httpx.AsyncClient(base_url=ready.control_url) as control:
        for stream in streams:
            (await control.patch(f"rows/{stream}", json={"share": share})).raise_for_status()


async def delete_rows(ready: Ready, streams: tuple[str, ...], share: float = 0.2) -> None:
    async with httpx.AsyncClient(base_url=ready.control_url) as control:
        for stream in streams:
            (await control.request("DELETE", f"rows/{stream}", json={"share": share})).raise_for_status()


async def leave_rows(ready: Ready, streams: tuple[str, ...]) -> None:
    """The first sync of all: there is nothing yet."""
