"""Webhook endpoints over HTTP: made, listed as the contract has it, changed, tested, removed."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from standardwebhooks import Webhook

from testbed.databases import Databases
from testbed.receiver import Receiver, answer_with
from testbed.tenants import Tenant, make_tenant, read_pages, serve_app
from unihire.app import create_app
from unihire.dialects.bindbee.native_form import SIGNATURE_HEADER
from unihire.dialects.unihire.list_pages import write_place
from unihire.kit.seal import Sealer
from unihire.store import Pool
from unihire.store.events import endpoints

PATH = "/api/v1/webhooks"
HOOK = {"url": "https://example.com/hook"}


@pytest_asyncio.fixture
async def api(databases: Databases, tenant: Tenant, sealer: Sealer) -> AsyncIterator[httpx.AsyncClient]:
    async with serve_app(create_app(databases.settings("migrated"), tenant.pool, sealer)) as client:
        client.headers["Authorization"] = f"Bearer {tenant.key}"
        yield client


@pytest_asyncio.fixture
async def open_api(databases: Databases, tenant: Tenant, sealer: Sealer) -> AsyncIterator[httpx.AsyncClient]:
    """The API where the operator lets webhooks lead to this machine."""
    settings = databases.settings("migrated").model_copy(update={"allowed_networks": "127.0.0.0/8"})
    async with serve_app(create_app(settings, tenant.pool, sealer)) as client:
        client.headers["Authorization"] = f"Bearer {tenant.key}"
        yield client


async def create(api: httpx.AsyncClient, **members: Any) -> dict[str, Any]:
    answer = await api.post(PATH, json={**HOOK, **members})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_webhook_that_is_made_has_what_the_contract_lists_and_its_secret_once(
    api: httpx.AsyncClient, tenant: Tenant
) -> None:
    made = await create(api, name="Backend", events=["record.deleted", "record.created"], models=["job"])
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    (listed,) = await read_pages(api, PATH)
    assert listed == made
    assert UUID(listed["webhook_id"])
    assert {
        name: listed[name] for name in ("name", "url", "is_enabled", "for_test_connector", "last_triggered_at")
    } == {
        "name": "Backend",
        "url": HOOK["url"],
        "is_enabled": True,
        "for_test_connector": False,
        "last_triggered_at": None,
    }
    assert datetime.fromisoformat(listed["created_at"]) <= datetime.now(UTC)
    assert (listed["events"], listed["models"]) == (["record.created", "record.deleted"], ["job"])
    (one,) = listed["secrets"]
    assert one["ends_at"] is None
    assert (await api.get(f"{PATH}/{made['webhook_id']}")).json() == made
    for value in await tenant.pool.fetch("SELECT sealed FROM endpoint_secret"):
        assert secret.encode() not in value["sealed"]


async def test_webhooks_are_of_an_environment_and_of_an_organisation(
    api: httpx.AsyncClient, other_tenant: Tenant, tenant: Tenant, sealer: Sealer
) -> None:
    made = await create(api)
    test = await make_tenant(tenant.pool, sealer, environment="development")
    for stranger in (other_tenant, test):
        headers = {"Authorization": f"Bearer {stranger.key}"}
        assert (await api.get(PATH, headers=headers)).json()["items"] == []
        one = f"{PATH}/{made['webhook_id']}"
        assert (await api.get(one, headers=headers)).status_code == 404
        assert (await api.patch(one, json={"name": "x"}, headers=headers)).status_code == 404
        assert (await api.delete(one, headers=headers)).status_code == 404
        assert (await api.post(f"{one}/secret", headers=headers)).status_code == 404
        assert (await api.post(f"{one}/test", headers=headers)).status_code == 404
        named = {**HOOK, "connector_ids": [str(tenant.connector.id)]}
        assert (await api.post(PATH, json=named, headers=headers)).status_code == 422
    answer = await api.post(PATH, json=HOOK, headers={"Authorization": f"Bearer {test.key}"})
    assert answer.json()["for_test_connector"] is True


@pytest.mark.parametrize("size", [1, 2, 3, 100])
async def test_pages_have_every_webhook_once_in_the_order_they_were_made(api: httpx.AsyncClient, size: int) -> None:
    made = [await create(api, name=str(number)) for number in range(4)]
    await api.patch(f"{PATH}/{made[1]['webhook_id']}", json={"is_enabled": False})
    assert [one["name"] for one in await read_pages(api, PATH, page_size=size)] == ["0", "1", "2", "3"]
    assert [one["name"] for one in await read_pages(api, PATH, page_size=size, is_active="true")] == ["0", "2", "3"]
    assert [one["name"] for one in await read_pages(api, PATH, page_size=size, is_active="false")] == ["1"]


async def test_change_leaves_what_it_does_not_name_and_counts_what_it_is_sent(
    api: httpx.AsyncClient, tenant: Tenant
) -> None:
    made = await create(api, description="for tests", events=["record.created"], include_record=True)
    one = f"{PATH}/{made['webhook_id']}"
    version = "SELECT version FROM endpoint"
    changed = (await api.patch(one, json={"name": "Other", "is_enabled": False})).json()
    made.pop("secret")
    assert changed == {**made, "name": "Other", "is_enabled": False}
    assert await tenant.pool.fetchval(version) == 1
    ids = [str(tenant.connector.id)]
    changed = (await api.patch(one, json={"events": None, "models": ["candidate"], "connector_ids": ids})).json()
    assert (changed["events"], changed["models"], changed["connector_ids"]) == (None, ["candidate"], ids)
    assert await tenant.pool.fetchval(version) == 2
    assert (await api.patch(one, json={"is_enabled": True})).json()["is_enabled"] is True


async def test_webhook_that_is_removed_is_gone_with_its_secrets(api: httpx.AsyncClient, tenant: Tenant) -> None:
    made = await create(api)
    answer = await api.delete(f"{PATH}/{made['webhook_id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert await read_pages(api, PATH) == []
    assert await tenant.pool.fetchval("SELECT count(*) FROM endpoint_secret") == 0
    assert (await api.delete(f"{PATH}/{made['webhook_id']}")).status_code == 404


@pytest.mark.parametrize(
    ("members", "where"),
    [
        ({"url": "ftp://example.com"}, "url"),
        ({"url": "https://"}, "url"),
        ({"url": "https://user:secret-word@example.com"}, "url"),
        ({"url": "https://example.com/#part"}, "url"),
        ({"url": "https://example.com/a b"}, "url"),
        ({"url": "https://example.com:99999/"}, "url"),
        ({"url": "https://[::1"}, "url"),
        ({"url": f"https://example.com/{'x' * 2000}"}, "url"),
        ({"url": "http://127.0.0.1:8000/"}, "url"),
        ({"url": "http://[::ffff:127.0.0.1]/"}, "url"),
        ({"url": "http://169.254.169.254/latest"}, "url"),
        ({"url": 5}, "url"),
        ({"name": "x" * 201}, "name"),
        ({"name": "\0"}, "name"),
        ({"description": "x" * 2001}, "description"),
        ({"format": "other"}, "format"),
        ({"events": []}, "events"),
        ({"events": ["connector_synced"]}, "events"),
        ({"models": ["employee"]}, "models"),
        ({"models": []}, "models"),
        ({"connector_ids": []}, "connector_ids"),
        ({"connector_ids": [str(uuid4())]}, "connector_ids"),
        ({"connector_ids": ["x"]}, "connector_ids"),
        ({"secret": "too short"}, "secret"),
        ({"format": "bindbee", "include_record": True}, "include_record"),
        ({"other": 1}, "other"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused_by_its_member(
    api: httpx.AsyncClient, members: dict[str, Any], where: str
) -> None:
    answer = await api.post(PATH, json={**HOOK, **members})
    assert answer.status_code == 422, answer.text
    assert [problem["loc"] for problem in answer.json()["detail"]] == [["body", where]]
    assert "secret-word" not in answer.text
    assert await read_pages(api, PATH) == []
    if where not in ("format", "secret", "include_record"):
        made = await create(api)
        answer = await api.patch(f"{PATH}/{made['webhook_id']}", json=members)
        assert answer.status_code == 422, answer.text


async def test_cursor_of_another_list_is_refused(api: httpx.AsyncClient, tenant: Tenant) -> None:
    place = ("9999-12-31T23:59:59-23:59", UUID(int=0))
    made_up = write_place(tenant.organisation, "webhooks\0production", place)
    for cursor in ("x", made_up):
        answer = await api.get(PATH, params={"cursor": cursor})
        assert [problem["loc"] for problem in answer.json()["detail"]] == [["query", "cursor"]]
    assert (await api.get(PATH, params={"page_size": 101})).status_code == 422


async def test_environment_has_so_many_webhooks_at_most(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "MOST_ENDPOINTS", 2)
    first = await create(api)
    await create(api)
    assert (await api.post(PATH, json=HOOK)).status_code == 409
    await api.delete(f"{PATH}/{first['webhook_id']}")
    await create(api)


async def test_test_message_arrives_signed_and_the_answer_is_told(
    open_api: httpx.AsyncClient, receiver: Receiver
) -> None:
    made = await create(open_api, url=receiver.at("/hook?key=1"), name="Backend")
    answer = await open_api.post(f"{PATH}/{made['webhook_id']}/test")
    (received,) = receiver.received
    assert answer.json() == {
        "delivered": True,
        "response_code": 200,
        "error": None,
        "seconds": answer.json()["seconds"],
        "message_id": received.id,
    }
    said = Webhook(made["secret"]).verify(received.body, dict(received.headers))
    assert said["type"] == "webhook.test"
    assert said["data"] == {"webhook_id": made["webhook_id"], "name": "Backend"}
    assert received.headers["content-type"] == "application/json"
    receiver.answers["/hook"] = [answer_with(500)]
    told = (await open_api.post(f"{PATH}/{made['webhook_id']}/test")).json()
    assert (told["delivered"], told["response_code"]) == (False, 500)


async def test_native_test_message_is_signed_by_the_contracts_recipe(
    open_api: httpx.AsyncClient, receiver: Receiver
) -> None:
    key = "an-organisations-key"
    made = await create(open_api, url=receiver.at(), format="bindbee", secret=key)
    assert made["secret"] == key
    await open_api.post(f"{PATH}/{made['webhook_id']}/test")
    (received,) = receiver.received
    digest = hmac.new(key.encode(), received.body, hashlib.sha256).digest()
    assert received.headers[SIGNATURE_HEADER] == base64.urlsafe_b64encode(digest).decode()
    assert list(received.said) == ["webhook", "connector", "data", "sync"]
    assert received.said["webhook"] == {
        "webhook_id": made["webhook_id"],
        "url": receiver.at(),
        "event": "connector_sync_started",
    }


async def test_secrets_sign_together_for_as_long_as_is_said(
    open_api: httpx.AsyncClient, receiver: Receiver, tenant: Tenant
) -> None:
    made = await create(open_api, url=receiver.at())
    one = f"{PATH}/{made['webhook_id']}"
    old = made["secret"]
    new = (await open_api.post(f"{one}/secret", json={"old_valid_for": "1h"})).json()["secret"]
    shown = (await open_api.get(one)).json()["secrets"]
    assert [secret["ends_at"] is None for secret in shown] == [True, False]

    async def list_good(*secrets: str) -> list[bool]:
        receiver.received.clear()
        await open_api.post(f"{one}/test")
        (received,) = receiver.received
        parts = set(received.headers["webhook-signature"].split())
        moment = datetime.fromtimestamp(int(received.headers["webhook-timestamp"]), UTC)
        signed = [Webhook(secret).sign(received.id, moment, received.body.decode()) for secret in secrets]
        assert parts <= set(signed)
        return [part in parts for part in signed]

    assert await list_good(old, new) == [True, True]
    await tenant.pool.execute("UPDATE endpoint_secret SET ends_at = now() WHERE ends_at IS NOT NULL")
    assert await list_good(old, new) == [False, True]
    last = (await open_api.post(f"{one}/secret", json={"old_valid_for": "0"})).json()["secret"]
    assert await list_good(new, last) == [False, True]
    assert len((await open_api.get(one)).json()["secrets"]) == 1
    for _ in range(5):
        await open_api.post(f"{one}/secret")
    assert len((await open_api.get(one)).json()["secrets"]) == endpoints.MOST_SECRETS


@pytest.mark.parametrize(
    "body", [{"old_valid_for": "8d"}, {"old_valid_for": "x"}, {"old_valid_for": 5}, {"secret": "x"}]
)
async def test_rotation_that_cannot_be_is_refused(api: httpx.AsyncClient, body: dict[str, Any]) -> None:
    made = await create(api)
    answer = await api.post(f"{PATH}/{made['webhook_id']}/secret", json=body)
    assert answer.status_code == 422
    assert [problem["loc"] for problem in answer.json()["detail"]] == [["body", *body]]


async def test_address_that_came_by_the_api_leads_to_nothing_of_this_machines(
    api: httpx.AsyncClient, receiver: Receiver, pool: Pool
) -> None:
    """By a name, that is: a literal is refused when it is given."""
    port = receiver.base_url.rpartition(":")[2]
    made = await create(api, url=f"http://localhost:{port}/hook")
    told = (await api.post(f"{PATH}/{made['webhook_id']}/test")).json()
    assert (told["delivered"], told["response_code"]) == (False, None)
    assert "this machine" in told["error"]
    await pool.execute("UPDATE endpoint SET is_trusted = true")  # as if the operator had given it at the terminal
    assert (await api.post(f"{PATH}/{made['webhook_id']}/test")).json()["delivered"] is True
    changed = {"url": f"http://localhost:{port}/other"}
    await api.patch(f"{PATH}/{made['webhook_id']}", json=changed)
    assert (await api.post(f"{PATH}/{made['webhook_id']}/test")).json()["delivered"] is False
    assert len(receiver.received) == 1


async def test_call_without_a_key_is_refused(api: httpx.AsyncClient) -> None:
    for method, path in (("GET", PATH), ("POST", PATH), ("DELETE", f"{PATH}/{uuid4()}")):
        answer = await api.request(method, path, headers={"Authorization": ""})
        assert answer.status_code == 401
    assert (await api.get(f"{PATH}/x")).status_code == 404
