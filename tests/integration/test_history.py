"""The history of runs, over connectors."""

from datetime import UTC, datetime, timedelta

import pytest_asyncio

from testbed.passing import let_pass
from testbed.tenants import Tenant, make_tenant
from testbed.vendor import Vendor, fill, say
from unihire.kit.seal import Sealer
from unihire.platform.syncs import ask_sync, pause_syncs
from unihire.store import Pool
from unihire.store.issues import list_issues, open_issue
from unihire.store.work.history import list_history, list_latest_runs, list_whole_history
from unihire.sync.chores import PACE, expire_history
from unihire.sync.issues import IssueKind


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    fill(vendor)
    return await make_tenant(pool, sealer, base_url=vendor.base_url)


async def test_history_starts_with_what_has_not_ended_and_sums_the_streams(tenant: Tenant, sealer: Sealer) -> None:
    pool = tenant.pool
    first = await tenant.sync()
    await tenant.sync(full=True)
    other = await make_tenant(pool, sealer, organisation="Other", base_url=tenant.connector.base_url)
    await ask_sync(pool, tenant.connector, tenant.integration, full=True)
    await other.sync()
    found = [(row["connector"], row["number"]) for row in await list_whole_history(pool, limit=20)]
    mine, theirs = tenant.connector.number, other.connector.number
    assert found == [(mine, 3), (theirs, 1), (mine, 2), (mine, 1)]
    assert len(await list_whole_history(pool, limit=2)) == 2
    of_both = await list_history(pool, connectors=[mine, theirs], limit=20)
    assert [(row["connector"], row["number"]) for row in of_both] == found
    (row,) = await list_history(pool, connectors=[mine], number=1, limit=20)
    assert row["read"] == sum(counts.read for counts in first.streams) > 0
    assert row["added"] == sum(counts.added for counts in first.streams) > 0
    assert row["requests"] == sum(counts.requests for counts in first.streams) > 0
    assert row["asked_at"] < row["finished_at"] < datetime.now(UTC)


async def test_a_run_that_has_read_nothing_yet_is_in_the_history(tenant: Tenant) -> None:
    await ask_sync(tenant.pool, tenant.connector, tenant.integration)
    (row,) = await list_history(tenant.pool, connectors=[tenant.connector.number], limit=20)
    assert (row["status"], row["read"], row["waited"], row["is_paused"]) == ("queued", 0, 0.0, False)


async def test_a_connector_stands_as_its_latest_run_does(tenant: Tenant, sealer: Sealer) -> None:
    idle = await make_tenant(tenant.pool, sealer, organisation="Other", base_url=tenant.connector.base_url)
    await tenant.sync()
    await pause_syncs(tenant.pool, idle.connector)
    await ask_sync(tenant.pool, tenant.connector, tenant.integration)
    found = await list_latest_runs(tenant.pool)
    assert (found[tenant.connector.number]["number"], found[tenant.connector.number]["is_paused"]) == (2, False)
    assert (found[idle.connector.number]["id"], found[idle.connector.number]["is_paused"]) == (None, True)
    assert list(await list_latest_runs(tenant.pool, idle.connector.number)) == [idle.connector.number]


async def test_history_is_stored_for_a_month_and_the_latest_run_for_good(tenant: Tenant, vendor: Vendor) -> None:
    vendor.will("/pipelines", lambda request: say({}, 403))
    for _ in range(3):
        await tenant.sync()
    pool, number = tenant.pool, tenant.connector.number
    await open_issue(pool, number, IssueKind.FAULT, "still open")

    async def cut(*, days: int) -> tuple[list[int], list[str]]:
        await let_pass(pool, timedelta(days=days))
        await expire_history(pool, PACE)  # finds that much time has passed at once
        await let_pass(pool, timedelta(hours=2))
        await expire_history(pool, PACE)
        runs = await list_history(pool, connectors=[number], limit=20)
        return [run["number"] for run in runs], [
            one["kind"] for one in await list_issues(pool, number, with_resolved=True)
        ]

    assert await cut(days=29) == ([3, 2, 1], [IssueKind.FAULT, IssueKind.PERMISSION_MISSING])
    assert await cut(days=1) == ([3], [IssueKind.FAULT])
    assert await pool.fetchval("SELECT count(DISTINCT run) FROM stream_run") == 1


async def test_a_clock_that_is_wrong_for_a_moment_deletes_no_history(tenant: Tenant) -> None:
    for _ in range(3):
        await tenant.sync()
    pool, number, month = tenant.pool, tenant.connector.number, timedelta(days=31)
    for span in (timedelta(hours=2), timedelta(hours=2)):  # workers that were there before
        await expire_history(pool, PACE)
        await let_pass(pool, span)
    await let_pass(pool, month)
    for _ in range(2):  # within nine seconds
        await expire_history(pool, PACE)
    await let_pass(pool, -month)
    for _ in range(2):
        await expire_history(pool, PACE)
        await let_pass(pool, timedelta(hours=2))
    assert len(await list_history(pool, connectors=[number], limit=20)) == 3
