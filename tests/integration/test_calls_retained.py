"""How long calls under idempotency keys and notes of writes are stored: seven days of the database's clock."""

import uuid
from datetime import timedelta

import pytest_asyncio

from testbed.passing import let_pass
from testbed.tenants import Tenant, make_tenant
from unihire.kit.seal import Sealer
from unihire.store import Pool
from unihire.store.calls import operations, writes
from unihire.store.retention import PLAUSIBLE, Retention, delete_expired

CLAIM = timedelta(minutes=2)


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer) -> Tenant:
    return await make_tenant(pool, sealer)


async def begin(tenant: Tenant, key: str) -> None:
    number = tenant.connector.number
    call = await operations.claim_call(tenant.pool, number, key, operation="x", input_hash=b"", claim=CLAIM)
    assert call is not None
    assert await writes.open_write(tenant.pool, number, uuid.uuid4(), key)


async def cut_after(pool: Pool, span: timedelta) -> set[str]:
    """The keys that are left, of calls and of writes alike, when history is cut so long after it was last cut."""
    await pool.execute("UPDATE chore SET done_at = now() - $1::interval WHERE name = 'retention'", span)
    async with pool.acquire() as connection, connection.transaction():
        await delete_expired(connection, pool, Retention())
    calls = {row["key"] for row in await pool.fetch("SELECT key FROM operation_call")}
    assert {row["stream"] for row in await pool.fetch("SELECT stream FROM operation_write")} == calls
    return calls


async def test_calls_and_writes_are_forgotten_after_a_week_and_not_by_a_clock_that_jumps(
    pool: Pool, tenant: Tenant
) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await delete_expired(connection, pool, Retention())
    await begin(tenant, "old")
    await let_pass(pool, timedelta(days=6, hours=23))
    await begin(tenant, "new")
    assert await cut_after(pool, timedelta(hours=2)) == {"old", "new"}
    await let_pass(pool, timedelta(hours=2))
    assert await cut_after(pool, PLAUSIBLE + timedelta(days=28)) == {"old", "new"}
    assert await cut_after(pool, timedelta(hours=2)) == {"new"}


async def test_write_of_a_connector_that_is_gone_is_not_begun(pool: Pool, tenant: Tenant) -> None:
    assert not await writes.open_write(pool, 2**31 - 1, uuid.uuid4(), "notes")
