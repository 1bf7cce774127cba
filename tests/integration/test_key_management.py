"""Keys made and changed by keys: in their own environment, never beyond themselves; all written down."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from testbed.databases import Databases
from testbed.hooking import HOOKED
from testbed.tenants import Tenant, make_tenant, open_api
from unihire.errors import ConfigError
from unihire.events.inbox.hooks import close_hook, open_hook
from unihire.kit.seal import Sealer
from unihire.platform.organisations import (
    change_key,
    create_key,
    create_organisation,
    rename_organisation,
    revoke_key,
)
from unihire.store.audit import list_all_lines

KEYS, AUDIT = "/api/v1/keys", "/api/v1/audit"
JOBS = "/api/ats/v1/jobs"


async def make_client(api: httpx.AsyncClient, tenant: Tenant, *scopes: str, **options: Any) -> "Keys":
    made = await create_key(tenant.pool, tenant.organisation, "production", "maker", scopes=scopes, **options)
    return Keys(api, made[1], str(made[0]))


class Keys:
    """The calls of keys, by one of them."""

    def __init__(self, api: httpx.AsyncClient, key: str, id: str = "") -> None:
        self.api, self.id = api, id
        self.headers = {"Authorization": f"Bearer {key}"}

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        return await self.api.request(method, path, headers=self.headers, **options)

    async def make(self, expected: int = 201, **body: Any) -> dict[str, Any]:
        answer = await self.call("POST", KEYS, json={"name": "made", **body})
        assert answer.status_code == expected, answer.text
        made: dict[str, Any] = answer.json()
        return made


async def test_key_is_made_listed_changed_replaced_and_ended_and_each_is_in_the_audit_trail(
    api: httpx.AsyncClient, tenant: Tenant
) -> None:
    maker = await make_client(api, tenant, "read", "manage")
    made = await maker.make(scopes=["read"], valid_for="90d", models=["job"])
    assert made["key"].startswith("uh_live_")
    assert (made["scopes"], made["models"], made["is_valid"]) == (["read"], ["job"], True)
    assert made["ends_at"] is not None
    reader = Keys(api, made["key"])
    reader.headers["X-Connector-Token"] = tenant.token
    assert (await reader.call("GET", JOBS)).status_code == 200
    one = f"{KEYS}/{made['id']}"
    changed = await maker.call("PATCH", one, json={"name": "warehouse", "models": ["offer"], "valid_for": None})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["name"], changed.json()["models"], changed.json()["ends_at"]) == (
        "warehouse",
        ["offer"],
        None,
    )
    for _ in range(200):
        if (refused := await reader.call("GET", JOBS)).status_code == 403:
            break
        await asyncio.sleep(0.01)
    assert refused.status_code == 403
    rotated = (await maker.call("POST", f"{one}/rotate", json={"old_valid_for": "1h"})).json()
    assert (rotated["name"], rotated["scopes"], rotated["models"]) == ("warehouse", ["read"], ["offer"])
    assert (await maker.call("GET", one)).json()["ends_at"] is not None
    assert (await maker.call("DELETE", one)).status_code == 204
    assert (await maker.call("DELETE", one)).status_code == 404
    listed = (await maker.call("GET", KEYS, params={"page_size": 2})).json()
    rest = (await maker.call("GET", KEYS, params={"cursor": listed["cursor"]})).json()
    assert [key["id"] for key in [*listed["items"], *rest["items"]]][1:] == [maker.id, made["id"], rotated["id"]]
    assert rest["cursor"] is None

    lines = (await maker.call("GET", AUDIT, params={"page_size": 3})).json()
    more = (await maker.call("GET", AUDIT, params={"cursor": lines["cursor"], "page_size": 200})).json()
    found = [line for line in [*lines["items"], *more["items"]] if line["actor"]["key_id"] == maker.id]
    acts = ["key.revoked", "key.shortened", "key.rotated", "key.changed", "key.created"]
    assert [line["act"] for line in found] == acts
    assert found[3]["before"]["models"] == ["job"]
    assert found[3]["after"]["models"] == ["offer"]
    assert found[2]["after"]["replaces"] == made["id"]
    assert {line["actor"]["name"] for line in found} == {"maker"}
    texts = lines | more
    assert made["key"] not in str(texts)
    assert rotated["key"] not in str(texts)
    of_object = (await maker.call("GET", AUDIT, params={"object_id": rotated["id"]})).json()["items"]
    assert [line["act"] for line in of_object] == ["key.rotated"]


@pytest.mark.parametrize(
    "body",
    [
        {"scopes": ["read", "write"]},
        {"scopes": ["operations"], "models": None},
        {"scopes": ["read"], "models": None},
        {"scopes": ["read"], "models": ["job", "candidate"]},
        {"scopes": ["read"], "valid_for": "2h"},
    ],
)
async def test_key_makes_none_that_reaches_beyond_itself(
    api: httpx.AsyncClient, tenant: Tenant, body: dict[str, Any]
) -> None:
    maker = await make_client(api, tenant, "read", "manage", models=["job", "offer"], valid_for=timedelta(hours=1))
    await maker.make(403, **body)
    made = await maker.make(scopes=["read"], models=["job"])
    assert made["ends_at"] is not None  # no later than its maker
    if "valid_for" not in body:
        assert (await maker.call("PATCH", f"{KEYS}/{made['id']}", json=body)).status_code == 403
        assert (await maker.call("PATCH", f"{KEYS}/{maker.id}", json=body)).status_code == 403
    plain = await maker.make()
    assert (plain["scopes"], plain["models"]) == (["read", "manage"], ["job", "offer"])


async def test_key_acts_on_none_that_reaches_beyond_it_or_is_of_somebody_else(
    api: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant
) -> None:
    maker = await make_client(api, tenant, "read", "manage")
    other_environment, _ = await create_key(tenant.pool, tenant.organisation, "development", "x", scopes=["read"])
    expected = {
        str(tenant.key_id): 403,
        str(other_tenant.key_id): 404,
        str(other_environment): 404,
        str(uuid4()): 404,
        "x": 404,
    }
    for id, status in expected.items():
        for method, path, body in (
            ("DELETE", "", None), ("PATCH", "", {"name": "mine"}), ("POST", "/rotate", {"old_valid_for": "0"}),
        ):  # fmt: skip
            answer = await maker.call(method, f"{KEYS}/{id}{path}", json=body)
            assert answer.status_code == status, (id, method, answer.text)
    listed = (await maker.call("GET", KEYS)).json()["items"]
    assert {key["id"] for key in listed} == {str(tenant.key_id), maker.id}


async def test_key_that_ended_a_moment_ago_makes_none(api: httpx.AsyncClient, tenant: Tenant) -> None:
    maker = await make_client(api, tenant, "read", "manage")
    await maker.make(scopes=["read"])
    await tenant.pool.execute("UPDATE api_key SET revoked_at = now() WHERE id = $1::text::uuid", maker.id)
    assert (await maker.call("POST", KEYS, json={"name": "late"})).status_code == 401  # though remembered as good
    narrowed = await make_client(api, tenant, "read", "manage")
    await narrowed.make(scopes=["read"])
    await tenant.pool.execute("UPDATE api_key SET scopes = '{read}' WHERE id = $1::text::uuid", narrowed.id)
    assert (await narrowed.call("POST", KEYS, json={"name": "late"})).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {}, {"name": ""}, {"name": "x" * 1001}, {"name": "\0"}, {"name": "x", "scopes": []}, {"name": " "},
        {"name": "x", "scopes": ["all"]}, {"name": "x", "models": []}, {"name": "x", "models": ["salary"]},
        {"name": "x", "valid_for": "99999d"}, {"name": "x", "valid_for": 3}, {"name": "x", "key": "mine"},
        {"name": "x", "scopes": ["read"] * 100}, {"name": "x", "scopes": ["operations"], "models": ["job"]},
    ],
)  # fmt: skip
async def test_body_that_cannot_be_is_refused(api: httpx.AsyncClient, tenant: Tenant, body: dict[str, Any]) -> None:
    answer = await Keys(api, tenant.key).call("POST", KEYS, json=body)
    assert answer.status_code == 422, answer.text
    assert isinstance(answer.json()["detail"], list)


async def test_any_valid_key_can_be_checked(api: httpx.AsyncClient, tenant: Tenant) -> None:
    few = await make_client(api, tenant, "write", models=["offer"])
    answer = await few.call("POST", "/api/v1/org-check")
    assert answer.status_code == 200
    found = answer.json()
    assert found["organisation"] == {"id": str(tenant.organisation), "name": "Example"}
    assert (found["environment"], found["key"]["scopes"], found["key"]["id"]) == ("production", ["write"], few.id)
    assert (await Keys(api, "wrong").call("POST", "/api/v1/org-check")).status_code == 401


async def test_commands_are_in_the_trail_and_an_act_that_fails_is_not(tenant: Tenant, sealer: Sealer) -> None:
    pool = tenant.pool
    id = await create_organisation(pool, "New")
    await rename_organisation(pool, id, "Newer")
    with pytest.raises(ConfigError):
        await create_organisation(pool, "Newer")
    for name in ("", " ", "x" * 1001, "\0"):
        with pytest.raises(ConfigError):
            await rename_organisation(pool, id, name)
    key, _ = await create_key(pool, id, "production", "one")
    await change_key(pool, key, name="two", scopes=["read"])
    await revoke_key(pool, key)
    lines = await list_all_lines(pool, organisation=id, limit=100)
    acts = ["key.revoked", "key.changed", "key.created", "organisation.renamed", "organisation.created"]
    assert [line.act for line in lines] == acts
    assert {(line.actor, line.key, line.organisation_name) for line in lines} == {("command", None, "Newer")}
    other = await make_tenant(pool, sealer, organisation="Newer")
    assert other.organisation == id


async def test_webhooks_and_hooks_are_in_the_trail_without_addresses_and_secrets(
    databases: Databases, tenant: Tenant, sealer: Sealer
) -> None:
    async with open_api(databases.settings("migrated"), tenant, sealer) as api:
        made = (await api.post("/api/v1/webhooks", json={"url": "https://example.com/secret-path", "name": "a"})).json()
        one = f"/api/v1/webhooks/{made['webhook_id']}"
        await api.patch(one, json={"name": "b", "models": ["job"], "url": "https://example.com/other-path"})
        rotated = (await api.post(f"{one}/secret", json={})).json()
        assert (await api.post(f"{one}/replay", json={"since": "2026-01-01T00:00:00Z"})).status_code == 202
        assert (await api.delete(one)).status_code == 204
        await open_hook(tenant.pool, sealer, tenant.connector, HOOKED)
        await close_hook(tenant.pool, tenant.connector)
        lines = (await api.get(AUDIT, params={"page_size": 7})).json()["items"]
    assert [(line["act"], line["actor"]["name"]) for line in lines] == [
        ("hook.closed", "command"),
        ("hook.created", "command"),
        ("webhook.deleted", "test"),
        ("webhook.replayed", "test"),
        ("webhook.secret_rotated", "test"),
        ("webhook.changed", "test"),
        ("webhook.created", "test"),
    ]
    changed = lines[5]
    assert (changed["before"]["name"], changed["after"]["name"]) == ("a", "b")
    assert (changed["before"]["models"], changed["after"]["models"]) == (None, ["job"])
    assert changed["after"]["is_url_changed"] is True
    for secret in ("secret-path", "other-path", made["secret"], rotated["secret"]):
        assert secret not in str(lines)
