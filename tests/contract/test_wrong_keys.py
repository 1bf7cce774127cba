"""Every route, from the application's own table, with every kind of key that may not make the call."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest_asyncio

from testbed.databases import Databases
from testbed.every_route import OPEN, RouteCall, list_calls, list_closed_calls
from testbed.tenants import Tenant, make_tenant, serve_app
from unihire.app import create_app
from unihire.dialects.common.admission import BY_ID
from unihire.dialects.tray.connectors import PATH as CALLS_PATH
from unihire.kit.seal import Sealer
from unihire.model import MODELS
from unihire.platform.access import SCOPES
from unihire.platform.organisations import create_key, revoke_key

READ, WRITE, MANAGE, OPERATIONS = (scope.value for scope in SCOPES)
UNKNOWN = "uh_live_" + "A" * 43


@dataclass(frozen=True, slots=True)
class Service:
    """The application with what it is called by."""

    client: httpx.AsyncClient
    calls: Sequence[RouteCall]
    tenant: Tenant

    async def ask(self, call: RouteCall, authorization: str | None, token: str | None = None) -> httpx.Response:
        """One call, without a body; ids in its path are of nothing, but of the tenant's connector with a token."""
        values = dict.fromkeys(call.params, str(uuid4()))
        values |= {"name": "acme", "version": "1.0"}
        if token is not None:
            values["connector_id"] = str(self.tenant.connector.id)
        headers = {} if authorization is None else {"Authorization": authorization}
        if token is not None:
            headers["X-Connector-Token"] = token
        return await self.client.request(call.method, call.fill(values), headers=headers)


@pytest_asyncio.fixture
async def service(databases: Databases, tenant: Tenant, sealer: Sealer, acme: None) -> AsyncIterator[Service]:
    app = create_app(databases.settings("migrated"), tenant.pool, sealer)
    async with serve_app(app) as client:
        yield Service(client, list_closed_calls(app), tenant)


def read_text(call: RouteCall, answer: httpx.Response) -> str:
    """The text of an error, which is in the shape of its face and says nothing else."""
    body = answer.json()
    name = "message" if call.path.startswith(CALLS_PATH) else "detail"
    assert body.keys() == ({"message", "code"} if name == "message" else {"detail"}), (call, body)
    assert isinstance(body[name], str), (call, body)
    return str(body[name])


def test_every_open_route_is_named(databases: Databases, service: Service) -> None:
    app = create_app(databases.settings("migrated"), service.tenant.pool)
    assert {call.path for call in list_calls(app)} >= OPEN
    assert len(service.calls) > 170


async def test_call_without_a_good_key_is_a_401_on_every_route(service: Service) -> None:
    tenant = service.tenant
    whose = tenant.pool, tenant.organisation, "production", "wrong"
    revoked_id, revoked = await create_key(*whose, scopes=SCOPES)
    await revoke_key(tenant.pool, revoked_id)
    _, expired = await create_key(*whose, scopes=SCOPES, valid_for=timedelta(seconds=-1))
    absent = (None, "", "Bearer", "Bearer ", "Basic eDp5", tenant.key, f"Token {tenant.key}")
    invalid = (UNKNOWN, revoked, expired, tenant.key + "x", tenant.key[:-1], "\t" + tenant.token, "ä", "x" * 5_000)
    for call in service.calls:
        for authorization, words in (
            *((one, "Not authenticated: send your API key as 'Authorization: Bearer <key>'") for one in absent),
            *((f"Bearer {one}", "The API key is not valid") for one in invalid),
        ):
            sent = authorization if authorization is None else authorization.encode()
            answer = await service.ask(call, sent, tenant.token)  # type: ignore[arg-type]
            assert answer.status_code == 401, (call, authorization, answer.text)
            assert read_text(call, answer) == words, (call, authorization)
            assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_key_of_another_organisation_or_environment_reaches_no_connector_on_any_route(
    service: Service, sealer: Sealer
) -> None:
    tenant = service.tenant
    foreign = await make_tenant(tenant.pool, sealer, organisation="Another")
    _, elsewhere = await create_key(tenant.pool, tenant.organisation, "development", "elsewhere", scopes=SCOPES)
    for call in service.calls:
        needs_token = (await service.ask(call, f"Bearer {tenant.key}")).status_code == 422 and is_of_connector(call)
        for key in (foreign.key, elsewhere):
            answer = await service.ask(call, f"Bearer {key}", tenant.token)
            assert answer.status_code < 500, (call, answer.text)
            if needs_token:
                assert answer.status_code == 401, (call, answer.text)
                assert read_text(call, answer) == "The connector token is not valid for this API key"
            elif "{connector_id}" in call.path:
                assert answer.status_code == 404, (call, answer.text)
                assert read_text(call, answer) == "There is no connector with this id"
            assert str(tenant.connector.id) not in answer.text
            assert tenant.connector.end_user not in answer.text or call.method == "GET"


def is_of_connector(call: RouteCall) -> bool:
    """Whether the call may be one that asks for a connector token: the others' 422 is of their body."""
    no_token = ("/api/v1/keys", "/api/v1/webhooks", "/api/v1/connectors", CALLS_PATH)
    return not call.path.startswith(no_token)


NEEDED = {
    MANAGE: (
        f"GET {BY_ID}/", "PUT ", f"POST {BY_ID}/", "DELETE /api/ats/v1/connectors/", "POST /api/v1/syncs",
        "POST /api/embedded/v1/connectors/resync", "POST /api/v1/webhooks", "PATCH /api/v1/webhooks",
        "DELETE /api/v1/webhooks", "GET /api/v1/keys", "POST /api/v1/keys", "PATCH /api/v1/keys", "DELETE /api/v1/keys",
        "GET /api/v1/audit",
    ),
    OPERATIONS: (f"GET {CALLS_PATH}", f"POST {CALLS_PATH}"),
    WRITE: (
        "POST /api/ats/v1/", "PATCH /api/ats/v1/", "DELETE /api/ats/v1/", "GET /api/v1/writes", "POST /api/v1/writes",
    ),
    READ: ("GET ",),
}  # fmt: skip
"""How the calls that need a scope begin; the first that fits says which. Metas of writes are found by their ends."""

ANY_KEY = {"/api/v1/org-check"}


def find_need(call: RouteCall) -> str | None:
    """The scope a call needs, by its method and path; None where any key will do."""
    if call.path in ANY_KEY:
        return None
    if call.path.endswith("/meta"):
        return WRITE
    begins = f"{call.method} {call.path}"
    return next(scope for scope, beginnings in NEEDED.items() if begins.startswith(beginnings))


async def test_every_route_needs_one_scope_and_names_it(service: Service) -> None:
    tenant = service.tenant
    keys = {}
    for scope in SCOPES:
        _, key = await create_key(tenant.pool, tenant.organisation, "production", scope.value, scopes=[scope])
        keys[scope.value] = f"Bearer {key}"
    for call in service.calls:
        need = find_need(call)
        for scope, authorization in keys.items():
            answer = await service.ask(call, authorization)
            assert answer.status_code < 500, (call, answer.text)
            if need in (None, scope):
                assert answer.status_code not in (401, 403), (call, scope, answer.text)
                continue
            assert answer.status_code == 403, (call, scope, answer.text)
            assert read_text(call, answer) == f"This API key lacks the scope {need!r}, which this call needs"


OF_EVERY_MODEL = (
    "GET /api/v1/quarantine", "GET /api/v1/webhooks/logs/{id}", "POST /api/v1/webhooks", "PATCH /api/v1/webhooks",
    "DELETE /api/v1/webhooks", "DELETE /api/ats/v1/connectors/", f"POST {BY_ID}/move",
)  # fmt: skip
"""How the calls begin that reach records of all models."""


def find_model(call: RouteCall) -> str | None:
    """The model a call is about, by its path."""
    words = call.path.split("/")
    if words[2:4] != ["ats", "v1"] and words[2] != "v1":
        return None
    if "attachments" in words:
        return "attachment"
    plural = words[4] if words[2] == "ats" else words[3]
    return next((spec.name for spec in MODELS.values() if spec.plural == plural), None)


async def test_key_limited_to_a_model_is_refused_on_every_route_of_another(service: Service) -> None:
    tenant = service.tenant
    _, key = await create_key(
        tenant.pool, tenant.organisation, "production", "few", scopes=[READ, WRITE, MANAGE], models=["tag"]
    )
    refused: dict[str | None, int] = {}
    for call in service.calls:
        if find_need(call) == OPERATIONS:
            continue
        answer = await service.ask(call, f"Bearer {key}")
        assert answer.status_code < 500, (call, answer.text)
        model = find_model(call)
        if f"{call.method} {call.path}".startswith(OF_EVERY_MODEL):
            words = "This API key is limited to models, and this call reaches records of all models"
        elif model in (None, "tag"):
            assert answer.status_code not in (401, 403), (call, answer.text)
            continue
        else:
            words = f"This API key is limited to models (tag): {model} is not among them"
        assert answer.status_code == 403, (call, answer.text)
        assert read_text(call, answer) == words
        refused[model] = refused.get(model, 0) + 1
    assert refused.keys() == {None, *(spec.name for spec in MODELS.values())} - {"tag"}
