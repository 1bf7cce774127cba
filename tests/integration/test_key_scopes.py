"""What a key may do is in its scopes and models: a call beyond them is refused before anything is asked or counted."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from testbed.databases import Databases
from testbed.event_log import save_logged
from testbed.records import make_row
from testbed.tenants import Tenant, open_api
from unihire.dialects.bindbee.face import NATIVE
from unihire.errors import ConfigError
from unihire.platform.access import SCOPES, Access
from unihire.platform.organisations import create_key, list_keys, rotate_key

READ, WRITE, MANAGE, OPERATIONS = (scope.value for scope in SCOPES)
JOBS, OFFERS = "/api/ats/v1/jobs", "/api/ats/v1/offers"


async def make_key(tenant: Tenant, *scopes: str, models: list[str] | None = None) -> dict[str, str]:
    """Headers with a key of these scopes."""
    made = await create_key(tenant.pool, tenant.organisation, "production", "few", scopes=scopes, models=models)
    return {"Authorization": f"Bearer {made[1]}", "X-Connector-Token": tenant.token}


CALLS = [
    (READ, "GET", JOBS),
    (READ, "GET", "/api/v1/events"),
    (READ, "GET", "/api/ats/v1/connectors"),
    (READ, "GET", "/api/v1/schedule"),
    (READ, "GET", "/api/v1/webhooks"),
    (WRITE, "POST", "/api/ats/v1/candidates"),
    (WRITE, "GET", "/api/v1/writes"),
    (MANAGE, "PUT", "/api/v1/schedule"),
    (MANAGE, "POST", "/api/v1/webhooks"),
    (MANAGE, "POST", "/api/embedded/v1/connectors/resync"),
    (OPERATIONS, "GET", "/core/v1/connectors"),
]


@pytest.mark.parametrize(("scope", "method", "path"), CALLS)
async def test_call_needs_its_scope_and_no_other(
    api: httpx.AsyncClient, tenant: Tenant, scope: str, method: str, path: str
) -> None:
    allowed = await api.request(method, path, headers=await make_key(tenant, scope))
    assert allowed.status_code not in (401, 403, 500), allowed.text
    others = [each for each in (READ, WRITE, MANAGE, OPERATIONS) if each != scope]
    refused = await api.request(method, path, headers=await make_key(tenant, *others))
    assert refused.status_code == 403
    said = refused.json()
    assert said.get("detail", said.get("message")) == f"This API key lacks the scope '{scope}', which this call needs"


async def test_call_beyond_a_keys_scopes_asks_nobody_and_does_not_count(
    databases: Databases, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = await make_key(tenant, WRITE)
    async with open_api(databases.settings("migrated", rate_limit=200), tenant) as api:
        assert (await api.get(JOBS, headers=headers)).status_code == 403
        with monkeypatch.context() as patched:
            patched.setattr("unihire.platform.access.FIND_OPENED", "no statement")
            patched.setattr("unihire.store.accounts.tenancy.FIND_KEY", "no statement")
            answers = [await api.get(JOBS, headers={**headers, "X-Connector-Token": f"no {n}"}) for n in range(300)]
        assert {answer.status_code for answer in answers} == {403}
        left = (await api.get(JOBS)).headers["x-ratelimit-remaining"]
    assert left == "199"


async def test_key_limited_to_models_reads_no_other(api: httpx.AsyncClient, tenant: Tenant) -> None:
    for spec in NATIVE.models:
        await save_logged(tenant, spec.name, make_row(spec, 1))
    headers = await make_key(tenant, READ, WRITE, MANAGE, models=["application", "job"])

    async def read(path: str, **params: Any) -> httpx.Response:
        return await api.get(path, params=params, headers=headers)

    for spec in NATIVE.models:
        found = await read(f"{NATIVE.path}/{spec.plural}")
        assert found.status_code == (200 if spec.name in ("application", "job") else 403), spec.name
        if found.status_code == 403:
            assert f"{spec.name} is not among them" in found.json()["detail"]
    assert (await read("/api/v1/applications", expand="job")).status_code == 200
    assert (await read("/api/v1/applications", expand="candidate")).status_code == 403
    (shown,) = (await read("/api/ats/v1/applications", include_raw_data=True)).json()["items"]
    assert shown["raw_data"] is None
    events = (await read("/api/v1/events", page_size=200)).json()["items"]
    assert {event["model"] for event in events} == {"application", "job"}
    assert (await api.post("/api/ats/v1/candidates", json={}, headers=headers)).status_code == 403
    for method, path in (("GET", "/api/v1/quarantine"), ("POST", "/api/v1/webhooks")):
        refused = await api.request(method, path, headers=headers)
        assert refused.status_code == 403
        assert "limited to models" in refused.json()["detail"]


async def test_new_key_has_no_operations_unless_asked_and_a_rotated_one_what_the_old_one_has(tenant: Tenant) -> None:
    id, _ = await create_key(tenant.pool, tenant.organisation, "production", "plain")
    few, _ = await create_key(
        tenant.pool, tenant.organisation, "production", "few", scopes=[READ], models=["offer", "job"]
    )
    rotated, _ = await rotate_key(tenant.pool, few, old_valid_for=timedelta(hours=1))
    keys = {key["id"]: key for key in await list_keys(tenant.pool)}
    assert keys[id]["scopes"] == [READ, WRITE, MANAGE]
    assert keys[id]["models"] is None
    assert (keys[rotated]["scopes"], keys[rotated]["models"]) == ([READ], ["job", "offer"])


@pytest.mark.parametrize(
    ("scopes", "models"),
    [([], None), (["all"], None), ([READ], []), ([READ], ["salary"]), ([READ, OPERATIONS], ["job"])],
)
async def test_key_that_cannot_be_is_refused(tenant: Tenant, scopes: list[str], models: list[str] | None) -> None:
    with pytest.raises(ConfigError):
        await create_key(tenant.pool, tenant.organisation, "production", "odd", scopes=scopes, models=models)


async def test_use_of_a_key_is_written_down_once_a_minute_and_not_lost_with_the_database(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = Access(tenant.pool)

    async def use() -> Any:
        await access.check_key(f"Bearer {tenant.key}")
        await access.write_uses()
        (key,) = await list_keys(tenant.pool)
        return key["last_used_at"]

    with monkeypatch.context() as patched:
        patched.setattr("unihire.store.accounts.tenancy.NOTE_USES", "SELECT FROM nothing WHERE $1 = $2")
        assert await use() is None
    first = await use()
    assert first is not None
    await asyncio.sleep(0.01)
    assert await use() == first
    await tenant.pool.execute("UPDATE api_key SET last_used_at = last_used_at - interval '1 minute'")
    assert await use() > first
