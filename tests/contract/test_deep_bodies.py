"""JSON nested without end, at every place that decodes a caller's: a 4xx in few words, on every Python."""

import base64
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.harvest import connect_harvest, serve_harvest
from testbed.tenants import Tenant, make_tenant, serve_app
from unihire.app import create_app
from unihire.dialects.tray.connectors import PATH
from unihire.dialects.unihire.list_pages import _mark
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.sandbox.runner import RunningSandbox

CALL = f"{PATH}/greenhouse/versions/1.0/call"
LONGEST_ANSWER = 2_000


@pytest.fixture(params=[500, 1_500, 5_000, 9_000, 50_000])
def levels(request: pytest.FixtureRequest) -> int:
    found: int = request.param
    return found


@pytest.fixture(params=["array", "object"])
def deep(request: pytest.FixtureRequest, levels: int) -> bytes:
    if request.param == "array":
        return b"[" * levels + b"]" * levels
    return b'{"a":' * levels + b"1" + b"}" * levels


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with serve_harvest(size=100) as running:
        yield running


@pytest.fixture(scope="module")
def vendor(sandbox: RunningSandbox) -> Iterator[httpx.Client]:
    with connect_harvest(sandbox) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tenant(databases: Databases, sealer: Sealer, sandbox: RunningSandbox) -> AsyncIterator[Tenant]:
    async with databases.open() as pool:
        greenhouse = get_integration("greenhouse")
        yield await make_tenant(pool, sealer, integration=greenhouse, base_url=sandbox.ready.base_url)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(databases: Databases, sealer: Sealer, tenant: Tenant) -> AsyncIterator[httpx.AsyncClient]:
    async with serve_app(create_app(databases.settings("migrated"), tenant.pool, sealer)) as client:
        client.headers.update(tenant.headers)
        yield client


def check(answer: httpx.Response, *statuses: int) -> None:
    assert answer.status_code in statuses, (answer.status_code, answer.text[:300])
    assert len(answer.content) < LONGEST_ANSWER
    assert answer.json()


@pytest.mark.parametrize("text", [b"[],", b"{},", b'["', b"]", b"1,"])
async def test_call_of_an_operation_with_more_values_than_are_decoded(api: httpx.AsyncClient, text: bytes) -> None:
    many = b'{"operation":"list_many_candidates","input":[' + text * 1_000_001
    answer = await api.post(CALL, content=many)
    check(answer, 400)
    assert answer.json()["message"] == "The body has more than 1,000,000 values"


async def test_call_of_an_operation(api: httpx.AsyncClient, tenant: Tenant, deep: bytes) -> None:
    id = str(tenant.connector.id).encode()
    for body in (
        deep,
        b'{"operation": "get_job", "authId": "%s", "input": %s}' % (id, deep),
        b'{"operation": "get_job", "authId": "%s", "input": {"job_id": %s}}' % (id, deep),
        b'{"operation": "get_job", "authId": "%s", "input": {"job_id": 1}, "other": %s}' % (id, deep),
        b'{"operation": %s, "authId": "%s", "input": {}}' % (deep, id),
        b'{"operation": "get_job", "authId": %s, "input": {}}' % deep,
    ):
        answer = await api.post(CALL, content=body)
        check(answer, 400)
        assert answer.json()["message"] == "The body is nested deeper than 100 levels, or not JSON"


async def test_bodies_of_the_own_face(api: httpx.AsyncClient, deep: bytes) -> None:
    for method, path, member in (("POST", "/api/v1/syncs", b"models"), ("PUT", "/api/v1/schedule", b"every")):
        for body in (deep, b'{"%s": %s}' % (member, deep), b'{"other": %s}' % deep):
            answer = await api.request(method, path, content=body)
            check(answer, 413 if len(body) > 64 * 1024 else 422)


async def test_bodies_that_are_not_read_do_no_harm(api: httpx.AsyncClient, deep: bytes) -> None:
    for path in ("/api/embedded/v1/connectors/resync", "/api/v1/syncs/pause", "/api/v1/syncs/resume"):
        assert (await api.post(path, content=deep)).status_code == 200


async def test_cursors(api: httpx.AsyncClient, tenant: Tenant, deep: bytes) -> None:
    if len(deep) > 20_000:
        deep = deep[:20_000]  # the most that an address holds
    for name in ("syncs", "issues", "quarantine"):
        for place in (deep, b"[" + deep + b"]", b'["a", ' + deep + b"]"):
            packed = _mark(tenant.connector.id, name, place) + place
            cursor = base64.urlsafe_b64encode(packed).rstrip(b"=").decode()
            check(await api.get(f"/api/v1/{name}", params={"cursor": cursor}), 422)


def test_control_of_the_sandbox(sandbox: RunningSandbox, deep: bytes) -> None:
    with httpx.Client(base_url=sandbox.ready.control_url) as control:
        for method, path in (
            ("PUT", "faults"),
            ("POST", "clock"),
            ("POST", "rows/candidates"),
            ("PATCH", "rows/candidates/4000000001"),
            ("PATCH", "rows/candidates"),
            ("DELETE", "rows/candidates"),
            ("POST", "receivers"),
        ):
            for body in (deep, b'{"phone": %s, "fields": {"phone": %s}, "count": 1}' % (deep, deep)):
                answer = control.request(method, path, content=body)
                check(answer, 400)
                assert "nested deeper than 300 levels" in answer.text, (method, path)


def test_row_as_deep_as_the_control_takes_is_served(sandbox: RunningSandbox, vendor: httpx.Client) -> None:
    deep = b"[" * 299 + b"]" * 299
    (row, *_) = vendor.get("/candidates").json()
    with httpx.Client(base_url=sandbox.ready.control_url) as control:
        path = f"rows/candidates/{row['id']}"
        control.patch(path, content=b'{"company": %s}' % deep).raise_for_status()
        assert deep in vendor.get("/candidates", params={"ids": row["id"]}).content
        control.get(path).raise_for_status()
        control.patch(path, json={"company": None}).raise_for_status()


def test_writes_and_cursors_of_the_greenhouse_emulator(vendor: httpx.Client, deep: bytes) -> None:
    (row, *_) = vendor.get("/candidates").json()
    for method, path in (("POST", "/notes"), ("POST", "/candidates"), ("PATCH", f"/candidates/{row['id']}")):
        for body in (deep, b'{"first_name": %s}' % deep, b'{"custom_fields": %s}' % deep, b'{"other": %s}' % deep):
            check(vendor.request(method, path, content=body, headers={"content-type": "application/json"}), 400, 422)
    cursor = base64.b64encode(deep[:20_000]).decode()
    check(vendor.get("/candidates", params={"cursor": cursor}), 400, 422)
