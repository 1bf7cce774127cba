"""What workers do besides syncing: one of them at a time, every few seconds."""

from collections.abc import Callable
from datetime import timedelta

import structlog

from unihire.errors import ReauthorizeNeeded, VendorError
from unihire.kit.clock import Clock
from unihire.outbound.client import VendorClient
from unihire.store import Pool, grants, issues, jobs, retention, runs, schedules
from unihire.store.tenancy import Connector, get_numbered, set_status
from unihire.sync.issues import Kind

log = structlog.get_logger()

SILENT_FOR = timedelta(seconds=20)
"""A worker that gave no sign for so long is dead, and its jobs are others'."""

DUE_AT_ONCE = 200
"""Connectors whose runs are asked for in one go."""

RENEW_AFTER = timedelta(hours=8)
"""How old the grant of a partner may get: refresh tokens that nobody uses end, the shortest known after 24 hours."""

RENEW_AT_ONCE = 20


async def do_chores(pool: Pool, open_client: Callable[[Connector], VendorClient], clock: Clock) -> None:
    """Once: what is due is asked for, jobs of dead workers are put back, runs without a job get one, grants are renewed
    before they end, history that is too old goes."""
    async with pool.acquire() as connection, connection.transaction():
        if not await connection.fetchval(jobs.TRY_CHORE, jobs.CHORE_LOCK):
            return
        now = clock.now()
        if recovered := await jobs.recover_jobs(connection, SILENT_FOR):
            log.warning("jobs of a worker that is gone were put back", jobs=recovered)
        for number, until in await jobs.list_forsaken(connection):
            await jobs.defer_sync(connection, number, until)
        for due in await schedules.list_due(connection, now, DUE_AT_ONCE):
            await runs.ask_run(connection, due.number, full=due.is_full, is_scheduled=True, now=now)
            await jobs.defer_sync(connection, due.number)
        await retention.cut(connection, now)
        old = await connection.fetch(grants.LIST_OLD, now - RENEW_AFTER, RENEW_AT_ONCE)
    for row in old:
        await _renew(pool, open_client, clock, row["connector"])


async def _renew(pool: Pool, open_client: Callable[[Connector], VendorClient], clock: Clock, number: int) -> None:
    connector = await get_numbered(pool, number)
    if connector is None or connector.status != "COMPLETE":
        return
    try:
        async with open_client(connector) as client:
            await client.check()
    except ReauthorizeNeeded as error:
        await set_status(pool, connector.id, "RELINK_NEEDED")
        await issues.open_issue(pool, number, Kind.REAUTHORIZE, str(error), clock.now())
    except VendorError as error:
        log.warning("a grant could not be renewed yet", connector=str(connector.id), reason=str(error))
