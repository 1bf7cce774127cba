"""API keys and connector tokens that are replaced: the new one is good at once, the old one as long as was said."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.tenants import Tenant, make_tenant
from unihire.errors import ConfigError, Unauthorized
from unihire.kit.seal import Sealer
from unihire.platform import access
from unihire.platform.access import Access, Caller
from unihire.platform.connectors import reconnect_connector
from unihire.platform.organisations import create_key, list_keys, revoke_key, rotate_key, rotate_token
from unihire.store import Pool
from unihire.store.accounts.tenancy import delete_connector
from unihire.store.accounts.tokens import list_replaced

HOUR, NOW = timedelta(hours=1), timedelta()
JOBS = "/api/ats/v1/jobs"
LINKED = "/api/ats/v1/connectors"

# What time does to tokens and keys.
AGE = (
    "UPDATE replaced_token SET ends_at = ends_at - $1::interval",
    "UPDATE api_key SET ends_at = ends_at - $1::interval",
)


@pytest_asyncio.fixture
async def checking(pool: Pool) -> AsyncIterator[Access]:
    """Access that remembers nothing of before."""
    yield Access(pool)


def caller(tenant: Tenant) -> Caller:
    return Caller(tenant.organisation, tenant.connector.environment)


async def opens(checking: Access, tenant: Tenant, token: str) -> bool:
    try:
        scope = await checking.check_token(caller(tenant), token, "ATS")
    except Unauthorized:
        return False
    assert scope.number == tenant.connector.number
    return True


async def pass_time(pool: Pool, time: timedelta) -> None:
    for statement in AGE:
        await pool.execute(statement, time)


async def test_old_token_is_good_until_its_end_and_the_new_one_for_good(
    tenant: Tenant, other_tenant: Tenant, checking: Access
) -> None:
    new = await rotate_token(tenant.pool, tenant.connector, old_valid_for=HOUR)
    assert new != tenant.token
    assert [await opens(checking, tenant, token) for token in (tenant.token, new, other_tenant.token)] == [
        True, True, False,
    ]  # fmt: skip
    (ends_at,) = (await list_replaced(tenant.pool, tenant.connector.number))[tenant.connector.number]
    assert ends_at.tzinfo is not None
    await pass_time(tenant.pool, HOUR)
    checking.forget()
    assert [await opens(checking, tenant, token) for token in (tenant.token, new)] == [False, True]
    assert await list_replaced(tenant.pool, tenant.connector.number) == {}


async def test_with_zero_the_new_token_is_the_only_one(tenant: Tenant, checking: Access) -> None:
    second = await rotate_token(tenant.pool, tenant.connector, old_valid_for=HOUR)
    third = await rotate_token(tenant.pool, tenant.connector, old_valid_for=NOW)
    assert [await opens(checking, tenant, token) for token in (tenant.token, second, third)] == [False, False, True]
    assert await tenant.pool.fetchval("SELECT count(*) FROM replaced_token") == 0


async def test_token_replaced_before_ends_no_later_than_the_one_replaced_now(tenant: Tenant, checking: Access) -> None:
    second = await rotate_token(tenant.pool, tenant.connector, old_valid_for=2 * HOUR)
    third = await rotate_token(tenant.pool, tenant.connector, old_valid_for=3 * HOUR)
    await pass_time(tenant.pool, 2 * HOUR)
    assert [await opens(checking, tenant, token) for token in (tenant.token, second, third)] == [False, True, True]
    await rotate_token(tenant.pool, tenant.connector, old_valid_for=HOUR / 2)
    await pass_time(tenant.pool, HOUR / 2)
    checking.forget()
    assert not await opens(checking, tenant, second)


async def test_token_is_not_remembered_beyond_its_end(
    tenant: Tenant, checking: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No news comes when a token ends: it is the memory that must end."""
    now = 1_000.0
    monkeypatch.setattr(access.time, "monotonic", lambda: now)
    await rotate_token(tenant.pool, tenant.connector, old_valid_for=timedelta(seconds=10))
    key = (await create_key(tenant.pool, tenant.organisation, "production", "short", valid_for=timedelta(seconds=10)))[
        1
    ]
    assert await opens(checking, tenant, tenant.token)
    assert await checking.check_key(f"Bearer {key}") == caller(tenant)
    await pass_time(tenant.pool, timedelta(seconds=10))
    now += 10.1
    assert not await opens(checking, tenant, tenant.token)
    with pytest.raises(Unauthorized):
        await checking.check_key(f"Bearer {key}")


async def test_apis_take_both_tokens_until_the_old_one_is_ended(tenant: Tenant, api: httpx.AsyncClient) -> None:
    new = await rotate_token(tenant.pool, tenant.connector, old_valid_for=HOUR)
    for token in (tenant.token, new):
        assert (await api.get(JOBS, headers={"X-Connector-Token": token})).status_code == 200
        found = (await api.get(LINKED, params={"connector_token": token})).json()["items"]
        assert [one["id"] for one in found] == [str(tenant.connector.id)]
    await pass_time(tenant.pool, HOUR)
    assert (await api.get(LINKED, params={"connector_token": tenant.token})).json()["items"] == []


async def test_old_key_is_good_until_its_end_and_the_new_one_reaches_the_same(tenant: Tenant, checking: Access) -> None:
    id, new = await rotate_key(tenant.pool, tenant.key_id, old_valid_for=HOUR)
    for key in (tenant.key, new):
        assert await checking.check_key(f"Bearer {key}") == caller(tenant)
    rows = {row["id"]: row for row in await list_keys(tenant.pool)}
    assert (rows[id]["name"], rows[id]["environment"], rows[id]["ends_at"]) == ("test", "production", None)
    assert rows[tenant.key_id]["is_good"]
    await pass_time(tenant.pool, HOUR)
    checking.forget()
    with pytest.raises(Unauthorized):
        await checking.check_key(f"Bearer {tenant.key}")
    assert await checking.check_key(f"Bearer {new}") == caller(tenant)
    with pytest.raises(ConfigError, match="no valid API key"):
        await rotate_key(tenant.pool, tenant.key_id, old_valid_for=HOUR)


async def test_key_that_ends_anyway_is_not_prolonged(tenant: Tenant) -> None:
    id, _ = await create_key(tenant.pool, tenant.organisation, "production", "short", valid_for=HOUR)
    before = await tenant.pool.fetchval("SELECT ends_at FROM api_key WHERE id = $1", id)
    await rotate_key(tenant.pool, id, old_valid_for=24 * HOUR)
    assert await tenant.pool.fetchval("SELECT ends_at FROM api_key WHERE id = $1", id) == before


async def test_key_in_place_of_one_that_ends_has_its_end_unless_another_is_said(tenant: Tenant) -> None:
    id, _ = await create_key(tenant.pool, tenant.organisation, "production", "short", valid_for=HOUR)
    ends_at = "SELECT ends_at FROM api_key WHERE id = $1"
    before = await tenant.pool.fetchval(ends_at, id)
    for old_valid_for in (HOUR / 2, NOW):
        other, _ = await create_key(tenant.pool, tenant.organisation, "production", "short", valid_for=2 * HOUR)
        end = await tenant.pool.fetchval(ends_at, other)
        new, _ = await rotate_key(tenant.pool, other, old_valid_for=old_valid_for)
        assert await tenant.pool.fetchval(ends_at, new) == end
    longer, _ = await rotate_key(tenant.pool, id, old_valid_for=HOUR, valid_for=24 * HOUR)
    assert await tenant.pool.fetchval(ends_at, longer) > before + 22 * HOUR


async def test_with_zero_the_old_key_ends_at_once_and_revoked_ones_are_not_rotated(
    tenant: Tenant, checking: Access
) -> None:
    id, new = await rotate_key(tenant.pool, tenant.key_id, old_valid_for=NOW)
    with pytest.raises(Unauthorized):
        await checking.check_key(f"Bearer {tenant.key}")
    await revoke_key(tenant.pool, id)
    with pytest.raises(Unauthorized):
        await checking.check_key(f"Bearer {new}")
    with pytest.raises(ConfigError, match="no valid API key"):
        await rotate_key(tenant.pool, id, old_valid_for=HOUR)


async def test_a_good_token_takes_one_statement_and_none_while_it_is_remembered(
    tenant: Tenant, checking: Access
) -> None:
    asked: list[str] = []
    find = checking._pool.fetchrow

    class Counting:
        async def fetchrow(self, query: str, *arguments: object) -> object:
            asked.append(query)
            return await find(query, *arguments)

    checking._pool = Counting()  # type: ignore[assignment]
    for _ in range(3):
        assert await opens(checking, tenant, tenant.token)
    assert len(asked) == 1


# Note by what each transaction commits that changes a key or a connector.
NOTE_COMMITS = """
    CREATE TABLE noted (on_commit text);
    CREATE FUNCTION note_commit() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO noted VALUES (current_setting('synchronous_commit')); RETURN NULL; END
    $$;
    CREATE CONSTRAINT TRIGGER noted AFTER INSERT OR UPDATE OR DELETE ON api_key DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION note_commit();
    CREATE CONSTRAINT TRIGGER noted AFTER INSERT OR UPDATE OR DELETE ON connector DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION note_commit()
"""


async def test_what_is_shown_or_has_ended_is_on_the_disk_where_the_server_s_default_is_another(
    databases: Databases, sealer: Sealer
) -> None:
    async with databases.open() as pool:
        name = await pool.fetchval("SELECT current_database()")
        await pool.execute(f'ALTER DATABASE "{name}" SET synchronous_commit TO off')
        await pool.expire_connections()
        assert await pool.fetchval("SHOW synchronous_commit") == "off"
        await pool.execute(NOTE_COMMITS)
        tenant = await make_tenant(pool, sealer, base_url="http://127.0.0.1:9")
        id, _ = await create_key(pool, tenant.organisation, "production", "one")
        await revoke_key(pool, (await rotate_key(pool, id, old_valid_for=HOUR))[0])
        await rotate_token(pool, tenant.connector, old_valid_for=NOW)
        await reconnect_connector(pool, sealer, tenant.connector, tenant.integration, tenant.credentials)
        await delete_connector(pool, tenant.connector)
        noted = [row["on_commit"] for row in await pool.fetch("SELECT on_commit FROM noted")]
        assert (set(noted), len(noted) >= 8) == ({"on"}, True)
