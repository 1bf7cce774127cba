"""A server killed with commits that did not reach its disk: no reader is ahead of what is saved afterwards."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from testbed.chaos import Server, insist
from testbed.databases import Databases, make_place
from testbed.records import bury, save
from testbed.tenants import make_tenant
from unihire.kit.seal import Sealer
from unihire.store import Pool
from unihire.store.database import open_database

FIND_LAST = "SELECT max(seq) FROM record"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lazy() -> AsyncIterator[Databases]:
    """A server of one's own that writes what need not be on the disk there as late as it can."""
    with make_place() as folder:
        databases = Databases(folder / "home")
        try:
            await databases.prepare()
            await databases.run("ALTER SYSTEM SET wal_writer_delay = '10s'")
            await databases.run("ALTER SYSTEM SET wal_writer_flush_after = '1GB'")
            await databases.run("SELECT pg_reload_conf()")
            yield databases
        finally:
            databases.server.close()


@pytest.mark.parametrize("ahead", [timedelta(days=1), None], ids=["ahead of its clock", "by its clock"])
async def test_what_is_saved_after_a_crash_is_behind_all_that_readers_were_shown(
    lazy: Databases, sealer: Sealer, ahead: timedelta | None
) -> None:
    async with lazy.create() as name, open_database(lazy.settings(name)) as pool:
        tenant = await make_tenant(pool, sealer)
        await save(tenant, "tag", {"remote_id": "0"}, at=None if ahead is None else datetime.now(UTC) + ahead)
        await pool.execute("CREATE TABLE durable (number integer)")  # waits for the disk, and so for all before it
        for number in range(1, 20):
            await save(tenant, "tag", *({"remote_id": f"{number}-{part}"} for part in range(20)))
        await bury(tenant, "tag", "0")
        shown = await pool.fetchval(FIND_LAST)
        await Server(lazy).crash(0.1)
        await insist(lambda: pool.fetchval("SELECT 1"))
        assert await insist(lambda: count(pool)) == 1, "the crash took nothing back: this test tells nothing"
        await insist(lambda: save(tenant, "tag", {"remote_id": "1-1"}))
        assert await pool.fetchval("SELECT min(seq) FROM record WHERE remote_id <> '0'") > shown
        if ahead is None:
            assert await pool.fetchval(FIND_LAST) < (datetime.now(UTC).timestamp() + 30) * 1_000_000


async def count(pool: Pool) -> int:
    found: int = await pool.fetchval("SELECT count(*) FROM record")
    return found
