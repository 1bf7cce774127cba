"""A connector with a key for writes beside its credentials: sealed with them, given later, and never half of it."""

from dataclasses import replace

import pytest

from testbed.tenants import Tenant, make_tenant
from testbed.vendor import ACME
from unihire.errors import ConfigError
from unihire.kit.seal import Sealer
from unihire.outbound.auth import Credential, WriteKey
from unihire.platform.connectors import open_credentials, reconnect_connector
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector, get_connector

OWN = {"client_id": "id", "client_secret": "secret-of-the-vendor"}
KEY = {"api_key": "key-for-writes", "company": "17"}
KEYED = replace(
    ACME,
    write_key=WriteKey(
        credentials=(
            Credential("api_key", "API key", "", is_secret=True, is_optional=True),
            Credential("company", "Company", "", is_optional=True),
        ),
        headers={"Authorization": "Bearer {api_key}", "X-Company": "{company}"},
    ),
)


async def find(pool: Pool, tenant: Tenant) -> Connector:
    connector = await get_connector(pool, tenant.connector.id)
    assert connector is not None
    return connector


@pytest.mark.parametrize("given", [OWN, {**OWN, **KEY}, {**OWN, "api_key": "", "company": ""}])
async def test_key_is_sealed_with_the_credentials(pool: Pool, sealer: Sealer, given: dict[str, str]) -> None:
    tenant = await make_tenant(pool, sealer, integration=KEYED, credentials=given)
    connector = await find(pool, tenant)
    assert open_credentials(connector, sealer) == {name: value for name, value in given.items() if value}
    for secret in ("key-for-writes", "secret-of-the-vendor"):
        assert secret.encode() not in connector.credentials
        assert secret not in str(await pool.fetch("SELECT connector::text FROM connector"))


@pytest.mark.parametrize("name", KEY)
async def test_half_a_key_is_refused_and_nothing_is_stored(pool: Pool, sealer: Sealer, name: str) -> None:
    half = {**OWN, name: KEY[name]}
    with pytest.raises(ConfigError, match=f"{name} is for writing, which also needs"):
        await make_tenant(pool, sealer, integration=KEYED, credentials=half)
    assert await pool.fetchval("SELECT count(*) FROM connector") == 0
    tenant = await make_tenant(pool, sealer, integration=KEYED, credentials=OWN)
    with pytest.raises(ConfigError, match="give all or none"):
        await reconnect_connector(pool, sealer, tenant.connector, KEYED, half)
    assert open_credentials(await find(pool, tenant), sealer) == OWN


async def test_key_comes_and_goes_with_new_credentials_and_the_budget_stays(pool: Pool, sealer: Sealer) -> None:
    tenant = await make_tenant(pool, sealer, integration=KEYED, credentials=OWN)
    accounts = [await pool.fetchval("SELECT account FROM connector")]
    for given in ({**OWN, **KEY}, OWN):
        await reconnect_connector(pool, sealer, tenant.connector, KEYED, given)
        assert open_credentials(await find(pool, tenant), sealer) == given
        accounts.append(await pool.fetchval("SELECT account FROM connector"))
    assert accounts[0] is not None
    assert set(accounts) == {accounts[0]}
