"""A connector whose credentials were refused gets new ones: it goes on as what it was."""

import httpx
import pytest

from testbed.tenants import Tenant, make_tenant, read_all
from testbed.vendor import Vendor, fill, say
from unihire.errors import ConfigError, ReauthorizeNeeded
from unihire.kit.seal import Sealer
from unihire.platform.connectors import open_credentials, reconnect_connector
from unihire.store import Pool
from unihire.store.accounts.tenancy import get_connector
from unihire.store.issues import list_issues


@pytest.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    fill(vendor)
    return await make_tenant(pool, sealer, base_url=vendor.base_url)


async def test_new_credentials_keep_id_token_and_records_and_ask_for_a_run(
    pool: Pool, sealer: Sealer, tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    before = await read_all(api, "jobs")
    vendor.will("/token", lambda request: say({"error": "invalid_client"}, 401))
    with pytest.raises(ReauthorizeNeeded):
        await tenant.sync()
    assert [issue["kind"] for issue in await list_issues(pool, tenant.connector.number)] == ["reauthorize"]

    new = {"client_id": "new", "client_secret": "new-secret"}
    await reconnect_connector(pool, sealer, tenant.connector, tenant.integration, new)
    connector = await get_connector(pool, tenant.connector.id)
    assert connector is not None
    assert (connector.status, connector.number) == ("COMPLETE", tenant.connector.number)
    assert open_credentials(connector, sealer) == new
    assert await list_issues(pool, connector.number) == []
    assert await pool.fetchval("SELECT status FROM sync_run ORDER BY number DESC LIMIT 1") == "queued"
    lock = f"sync:{connector.number}"
    assert await pool.fetchval("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo' AND lock = $1", lock) == 1
    assert await read_all(api, "jobs") == before


async def test_missing_credential_changes_nothing(pool: Pool, sealer: Sealer, tenant: Tenant) -> None:
    with pytest.raises(ConfigError, match="also needs: client_secret"):
        await reconnect_connector(pool, sealer, tenant.connector, tenant.integration, {"client_id": "new"})
    connector = await get_connector(pool, tenant.connector.id)
    assert connector is not None
    assert open_credentials(connector, sealer) == tenant.credentials
