"""Connectors by their ids: removed, given tokens, moved and synced by a key that has the scope manage; catalogues."""

from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest

from testbed.databases import Databases
from testbed.records import make_row, save
from testbed.tenants import Tenant, open_api
from testbed.vendor import ACME
from testbed.waiting import until
from unihire.dialects.bindbee.face import NATIVE
from unihire.integration.registry import list_integrations
from unihire.model import MODELS
from unihire.platform.organisations import create_key
from unihire.store.audit import list_all_lines

CONNECTORS, BY_ID = "/api/ats/v1/connectors", "/api/v1/connectors"
JOBS = "/api/ats/v1/jobs"


async def list_acts(tenant: Tenant) -> list[tuple[str, str | None, Any]]:
    lines = await list_all_lines(tenant.pool, object=str(tenant.connector.id), limit=100)
    return [(line.act, line.environment, line.after) for line in lines]


async def read_status(api: httpx.AsyncClient, path: str, **headers: str) -> int:
    return (await api.get(path, headers=headers)).status_code


async def test_connector_is_read_and_deleted_with_all_it_has_but_a_line(
    api: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant
) -> None:
    await save(tenant, "job", make_row(MODELS["job"], 1))
    (listed,) = (await api.get(CONNECTORS)).json()["items"]
    assert (await api.get(f"{CONNECTORS}/{tenant.connector.id}")).json() == listed
    foreign = other_tenant.connector.id
    for id in (foreign, uuid4(), "x"):
        assert (await api.get(f"{CONNECTORS}/{id}")).status_code == 404
        assert (await api.delete(f"{CONNECTORS}/{id}/delete")).status_code == 404
    done = await api.delete(f"{CONNECTORS}/{tenant.connector.id}/delete")
    assert done.status_code == 200, done.text
    assert done.json().keys() == {"message"}
    assert (await api.delete(f"{CONNECTORS}/{tenant.connector.id}/delete")).status_code == 404
    left = await tenant.pool.fetchval("SELECT count(*) FROM record WHERE connector = $1", tenant.connector.number)
    assert left == 0
    assert (await api.get(CONNECTORS)).json()["items"] == []
    acts = [act for act, _, _ in await list_acts(tenant)]
    assert acts == ["connector.deleted", "syncs.paused", "connector.connected"]
    assert (await list_all_lines(tenant.pool, object=str(foreign), limit=9))[0].act == "connector.connected"


async def test_connector_moved_is_reached_by_keys_of_its_new_environment_alone(
    api: httpx.AsyncClient, tenant: Tenant
) -> None:
    await save(tenant, "job", make_row(MODELS["job"], 1))
    _, key = await create_key(tenant.pool, tenant.organisation, "development", "of the other")
    there = {"Authorization": f"Bearer {key}", "X-Connector-Token": tenant.token}
    before = (await api.get(JOBS)).json()
    assert await read_status(api, JOBS, **there) == 401
    move = f"{BY_ID}/{tenant.connector.id}/move"
    assert (await api.post(move, json={"environment": "staging"})).status_code == 422
    assert (await api.post(move, json={"environment": "development"}, headers=there)).status_code == 404
    moved = await api.post(move, json={"environment": "development"})
    assert moved.json() == {"connector_id": str(tenant.connector.id), "environment": "development"}

    async def is_closed() -> bool:
        return await read_status(api, JOBS) == 401

    await until(is_closed)
    assert (await api.get(JOBS, headers=there)).json() == before
    assert (await api.get(CONNECTORS)).json()["items"] == []
    assert (await api.post(move, json={"environment": "production"})).status_code == 404
    assert (await api.get(CONNECTORS, headers=there)).json()["items"][0]["is_test_connector"] is True
    after = {"environment": "development"}
    moves = [(act, where, said) for act, where, said in await list_acts(tenant) if act == "connector.moved"]
    assert sorted(moves) == [("connector.moved", "development", after), ("connector.moved", "production", after)]


COUNT_LANES = """
    SELECT environment, count(*) FROM lane JOIN endpoint ON endpoint.id = lane.endpoint
    WHERE connector = $1 GROUP BY environment
"""


async def test_webhooks_follow_the_environment_a_connector_is_moved_to(
    databases: Databases, tenant: Tenant, sealer: Any
) -> None:
    await save(tenant, "job", make_row(MODELS["job"], 1))
    _, key = await create_key(tenant.pool, tenant.organisation, "development", "of the other")
    async with open_api(databases.settings("migrated"), tenant, sealer) as api:
        other = {"Authorization": f"Bearer {key}"}
        for headers in ({}, {}, other):
            made = await api.post("/api/v1/webhooks", json={"url": "https://example.com/x"}, headers=headers)
            assert made.status_code == 201, made.text
        number = tenant.connector.number
        assert [tuple(row) for row in await tenant.pool.fetch(COUNT_LANES, number)] == [("production", 2)]
        await api.post(f"{BY_ID}/{tenant.connector.id}/move", json={"environment": "development"})
        assert [tuple(row) for row in await tenant.pool.fetch(COUNT_LANES, number)] == [("development", 1)]
        place = await tenant.pool.fetchval("SELECT position FROM lane WHERE connector = $1", number)
        assert place == await tenant.pool.fetchval("SELECT last_seq FROM feed WHERE connector = $1", number) > 0
        assert (await api.delete(f"/api/v1/webhooks/{made.json()['webhook_id']}", headers=other)).status_code == 204
    assert not await tenant.pool.fetchval("SELECT has_lanes FROM feed WHERE connector = $1", number)


async def test_token_is_replaced_by_id(api: httpx.AsyncClient, tenant: Tenant) -> None:
    path = f"{BY_ID}/{tenant.connector.id}/token"
    made = await api.post(path, json={"old_valid_for": "1h"})
    assert made.status_code == 201
    token = made.json()["connector_token"]
    assert await read_status(api, JOBS, **{"X-Connector-Token": token}) == 200
    assert await read_status(api, JOBS) == 200
    last = (await api.post(path, json={"old_valid_for": "0"})).json()["connector_token"]

    async def are_closed() -> bool:
        return {await read_status(api, JOBS, **{"X-Connector-Token": one}) for one in (tenant.token, token)} == {401}

    await until(are_closed)
    assert await read_status(api, JOBS, **{"X-Connector-Token": last}) == 200
    assert (await api.post(path, json={"old_valid_for": "31d"})).status_code == 422
    said = str(await list_acts(tenant))
    assert token not in said
    assert last not in said


async def test_syncs_and_schedule_are_managed_by_id_without_a_token(
    api: httpx.AsyncClient, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unihire.dialects.unihire.syncs.get_integration", lambda slug: ACME)
    one = f"{BY_ID}/{tenant.connector.id}"
    by_token = (await api.get("/api/v1/schedule")).json()
    del api.headers["X-Connector-Token"]
    assert (await api.get(f"{one}/schedule")).json() == by_token
    assert (await api.put(f"{one}/schedule", json={"every": "2h"})).json()["every"] == "2h"
    asked = await api.post(f"{one}/syncs", json={"full": True})
    assert asked.status_code == 202, asked.text
    assert (await api.post(f"{one}/syncs/pause")).json()["schedule"]["paused"] is True
    assert (await api.post(f"{one}/syncs/cancel")).status_code == 200
    assert (await api.post(f"{one}/syncs/resume")).status_code == 200
    (run,) = (await api.get(f"{one}/syncs")).json()["items"]
    assert (await api.get(f"{one}/syncs/{run['id']}")).json()["status"] == "cancelled"
    _, reader = await create_key(tenant.pool, tenant.organisation, "production", "reader", scopes=["read", "write"])
    for path in ("/schedule", "/syncs"):
        assert await read_status(api, one + path, Authorization=f"Bearer {reader}") == 403
    acts = [act for act, _, _ in await list_acts(tenant)]
    assert acts == [
        "syncs.resumed", "sync.cancelled", "syncs.paused", "sync.requested", "schedule.changed", "connector.connected",
    ]  # fmt: skip


async def test_catalogues_are_those_of_the_contract(api: httpx.AsyncClient, tenant: Tenant) -> None:
    slugs = sorted(one.slug for one in list_integrations())
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        params = {"page_size": 2, **({"cursor": cursor} if cursor else {})}
        page = (await api.get("/api/ats/v1/integrations", params=params)).json()
        assert page["page_size"] == len(page["items"]) <= 2
        items += page["items"]
        if (cursor := page["cursor"]) is None:
            break
    assert [item["integration_slug"] for item in items] == slugs
    names = {
        "id", "integration_id", "is_enabled", "integration_slug", "integration_type", "category", "display_name",
        "icon_url", "description",
    }  # fmt: skip
    assert all(item.keys() == names for item in items)
    assert len({item["id"] for item in items} | {item["integration_id"] for item in items}) == 2 * len(slugs)
    assert (await api.get("/api/ats/v1/integrations", params={"cursor": "made up"})).status_code == 422
    looked = (await api.get("/api/v1/lookup/integrations", params={"category": "ATS"})).json()
    assert [one["slug"] for one in looked["integrations"]] == slugs
    assert all(one.keys() == {"slug", "display_name", "categories"} for one in looked["integrations"])
    assert (await api.get("/api/v1/lookup/integrations", params={"category": "LMS"})).json() == {"integrations": []}
    assert (await api.get("/api/v1/lookup/models", params={"category": "CRM"})).status_code == 422
    models = msgspec.json.decode((await api.get("/api/v1/lookup/models")).content)["models"]
    assert [one["slug"] for one in models] == [spec.name for spec in NATIVE.models]
    assert models[0].keys() == {"slug", "display_name", "category"}
