"""Tray's connectors API: what is listed, what a call answers, and every way it is refused."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import jsonschema_rs
import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.harvest import serve_harvest
from testbed.harvest_link import make_harvest_tenant
from testbed.tenants import Tenant, make_tenant, serve_app
from unihire.app import create_app
from unihire.dialects.common.markup import to_markdown
from unihire.dialects.tray.connectors import MOST_BYTES, PATH
from unihire.dialects.tray.operations_page import describe_operations
from unihire.kit.seal import Sealer, new_key
from unihire.sandbox.runner import RunningSandbox
from unihire.store import Pool

GREENHOUSE = f"{PATH}/greenhouse/versions/1.0"
PREFIX = "Connector input validation failed. Schema validation errors: "


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with serve_harvest(size=100) as running:
        yield running


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, sandbox: RunningSandbox) -> Tenant:
    return await make_harvest_tenant(pool, sealer, sandbox.ready)


@pytest_asyncio.fixture
async def api(databases: Databases, pool: Pool, sealer: Sealer, tenant: Tenant) -> AsyncIterator[httpx.AsyncClient]:
    async with serve_app(create_app(databases.settings("migrated"), pool, sealer)) as client:
        client.headers["Authorization"] = f"Bearer {tenant.key}"
        yield client


async def call(api: httpx.AsyncClient, tenant: Tenant, operation: str, given: Any, **headers: str) -> httpx.Response:
    body = {"operation": operation, "authId": str(tenant.connector.id), "input": given}
    return await api.post(f"{GREENHOUSE}/call", json=body, headers=headers)


async def count_requests(sandbox: RunningSandbox) -> int:
    async with httpx.AsyncClient(base_url=sandbox.ready.control_url) as control:
        seen = (await control.get("requests")).json()
        return sum(sum(by_status.values()) for by_status in seen["by_route"].values())


async def test_connectors_are_integrations_that_offer_operations(api: httpx.AsyncClient) -> None:
    answer = await api.get(PATH)
    assert answer.status_code == 200
    (element,) = answer.json()["elements"]
    assert element.keys() == {"name", "version", "title", "description", "service"}
    assert (element["name"], element["version"], element["title"]) == ("greenhouse", "1.0", "Greenhouse")
    assert element["service"].keys() == {"id", "name", "version"}
    assert isinstance(element["service"]["version"], int)


async def test_every_operation_is_described_by_schemas_that_hold(api: httpx.AsyncClient) -> None:
    elements = (await api.get(f"{GREENHOUSE}/operations")).json()["elements"]
    names = [element["name"] for element in elements]
    assert len(names) == len(set(names))
    for element in elements:
        assert element.keys() == {
            "name", "title", "description", "inputSchema", "outputSchema", "hasDynamicOutput",
        }  # fmt: skip
        assert element["title"].endswith(" DDL") == element["name"].endswith("_ddl")
        for kind, name in (("input", "inputSchema"), ("output", "outputSchema")):
            schema = element[name]
            assert schema.pop("$schema") == f"https://api.tray.io/core/v1/connectors/operations/{kind}-schema#"
            jsonschema_rs.meta.validate(schema)
            assert "$ref" not in str(schema)
        assert element["inputSchema"]["additionalProperties"] is False
        assert set(element["inputSchema"]["advanced"]) <= element["inputSchema"]["properties"].keys()


async def test_every_lookup_names_an_operation_there_is_and_inputs_it_takes(api: httpx.AsyncClient) -> None:
    elements = {one["name"]: one for one in (await api.get(f"{GREENHOUSE}/operations")).json()["elements"]}
    found = 0
    for element in elements.values():
        for lookup, siblings in find_lookups(element["inputSchema"]):
            found += 1
            asked = elements[lookup["operation"]]["inputSchema"]
            assert lookup["input"].keys() <= asked["properties"].keys()
            assert set(asked.get("required", ())) <= lookup["input"].keys()
            for template in lookup["input"].values():
                assert template.removeprefix("{{").removesuffix("}}") in siblings
    assert found > 10


def find_lookups(schema: dict[str, Any]) -> Iterator[tuple[dict[str, Any], set[str]]]:
    """Every look-up in a schema, with the fields that stand where it does."""
    properties = schema.get("properties", {})
    for one in properties.values():
        if "lookup" in one:
            yield one["lookup"], set(properties)
        for part in (one, one.get("items", {}), *one.get("anyOf", ())):
            yield from find_lookups(part)
            yield from find_lookups(part.get("items", {}))


async def test_call_that_succeeds_gives_the_output(api: httpx.AsyncClient, tenant: Tenant) -> None:
    answer = await call(api, tenant, "list_jobs", {"results_per_page": 2})
    assert answer.status_code == 200
    assert answer.json()["outcome"] == "success"
    assert len(answer.json()["output"]["results"]) == 2


async def test_what_is_not_there_is_no_error(api: httpx.AsyncClient, tenant: Tenant) -> None:
    answer = await call(api, tenant, "get_job", {"job_id": 1})
    assert answer.json() == {"outcome": "success", "output": {"job_found": False, "body": None}}


async def test_refusal_of_the_vendor_is_an_outcome_with_its_status_and_words(
    api: httpx.AsyncClient, tenant: Tenant
) -> None:
    (author, *_) = (await call(api, tenant, "list_users_ddl", {})).json()["output"]["result"]
    note = {"candidate_id": 1, "user_id": author["value"], "body": "Hello", "visibility": "public"}
    answer = await call(api, tenant, "create_candidate_note", note)
    assert answer.status_code == 200
    told = answer.json()
    assert told["outcome"] == "error"
    assert told["output"]["response"]["statusCode"] == 422, told
    assert "message" in told["output"]["response"]["body"]
    assert told["output"]["expects"]["statusCode"]
    assert told["output"]["message"]


@pytest.mark.parametrize(
    ("operation", "given", "faults"),
    [
        ("get_job", {}, "[ 1 - #: required key [job_id] not found ]"),
        ("get_job", {"job_id": "7"}, "[ 1 - #/job_id: expected type: Integer, found: String ]"),
        ("get_job", {"job_id": True}, "[ 1 - #/job_id: expected type: Integer, found: Boolean ]"),
        ("get_job", {"job_id": 1, "colour": 1}, "[ 1 - #: extraneous key [colour] is not permitted ]"),
        ("get_job", [], "[ 1 - #: expected type: JSONObject, found: JSONArray ]"),
        ("list_jobs", {"results_per_page": 501}, "#/results_per_page: "),
        ("list_jobs", {"page": 0}, "#/page: "),
        ("list_jobs", {"created_after": "yesterday"}, "#/created_after: "),
        ("list_jobs", {"source": "elsewhere"}, "#/source: "),
    ],
)
async def test_bad_input_is_refused_before_any_call(
    api: httpx.AsyncClient, tenant: Tenant, sandbox: RunningSandbox, operation: str, given: Any, faults: str
) -> None:
    before = await count_requests(sandbox)
    answer = await call(api, tenant, operation, given)
    assert answer.status_code == 400
    assert answer.json().keys() == {"message", "code"}
    assert answer.json()["message"].startswith(PREFIX)
    assert faults in answer.json()["message"]
    assert await count_requests(sandbox) == before


async def test_unknown_operation_says_which_there_are(api: httpx.AsyncClient, tenant: Tenant) -> None:
    answer = await call(api, tenant, "list_everything", {})
    assert answer.status_code == 404
    assert "list_jobs" in answer.json()["message"]


@pytest.mark.parametrize("path", [f"{PATH}/acme/versions/1.0", f"{PATH}/greenhouse/versions/9.9"])
async def test_unknown_connector_or_version_says_which_there_are(api: httpx.AsyncClient, path: str) -> None:
    for answer in (await api.get(f"{path}/operations"), await api.post(f"{path}/call", json={})):
        assert answer.status_code == 404
        assert "greenhouse 1.0" in answer.json()["message"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "not JSON"),
        (b'{"input": {}}', "operation"),
        (b'{"operation": "get_job"}', "input"),
        (b'{"operation": 7, "input": {}}', "operation"),
        (b'{"operation": "get_job", "input": {}}', "authId"),
        (b'{"operation": "get_job", "input": {}, "authId": "me"}', "authId"),
        (b'{"operation": "get_job", "input": ' + b"[" * 100_000, "not JSON"),
    ],
)
async def test_bad_body_is_refused_and_says_why(api: httpx.AsyncClient, body: bytes, words: str) -> None:
    answer = await api.post(f"{GREENHOUSE}/call", content=body)
    assert answer.status_code == 400
    assert words in answer.json()["message"]


async def test_body_too_large_is_refused(api: httpx.AsyncClient) -> None:
    answer = await api.post(f"{GREENHOUSE}/call", content=b" " * (MOST_BYTES + 1))
    assert answer.status_code == 413


@pytest.mark.parametrize("authorization", [None, "Bearer nobody", "Basic abc"])
async def test_without_a_good_key_nothing_is_told(api: httpx.AsyncClient, authorization: str | None) -> None:
    del api.headers["Authorization"]
    headers = {"Authorization": authorization} if authorization else {}
    for method, path in (("GET", PATH), ("GET", f"{GREENHOUSE}/operations"), ("POST", f"{GREENHOUSE}/call")):
        answer = await api.request(method, path, headers=headers)
        assert answer.status_code == 401
        assert answer.json().keys() == {"message", "code"}


async def test_connector_of_somebody_else_is_as_unknown_as_one_there_is_not(
    api: httpx.AsyncClient, pool: Pool, sealer: Sealer, sandbox: RunningSandbox
) -> None:
    other = await make_tenant(pool, sealer, organisation="Another", base_url=sandbox.ready.base_url)
    before = await count_requests(sandbox)
    messages = []
    for id in (other.connector.id, uuid4()):
        body = {"operation": "list_jobs", "authId": str(id), "input": {}}
        answer = await api.post(f"{GREENHOUSE}/call", json=body)
        assert answer.status_code == 404
        messages.append(answer.json()["message"].replace(str(id), ""))
    assert messages[0] == messages[1]
    assert await count_requests(sandbox) == before


async def test_credentials_that_do_not_open_are_a_503_that_tells_no_more(
    databases: Databases, pool: Pool, tenant: Tenant
) -> None:
    async with serve_app(create_app(databases.settings("migrated"), pool, Sealer([new_key()]))) as api:
        api.headers["Authorization"] = f"Bearer {tenant.key}"
        answer = await call(api, tenant, "list_jobs", {})
        assert answer.status_code == 503
        assert answer.json() == {
            "message": "This cannot be served as the service is set up; its log says why",
            "code": None,
        }


async def test_calls_are_limited_with_the_connector_s_reads_and_lists_with_the_organisation_s(
    databases: Databases, pool: Pool, sealer: Sealer, tenant: Tenant
) -> None:
    async with serve_app(create_app(databases.settings("migrated", rate_limit=3), pool, sealer)) as api:
        api.headers.update(tenant.headers)
        refused = await api.post(f"{GREENHOUSE}/call", json={"operation": "get_job", "input": {}}, headers={})
        assert (refused.status_code, refused.headers["X-RateLimit-Remaining"]) == (400, "2"), "the organisation's"
        left = []
        for _ in range(2):
            answer = await call(api, tenant, "list_attachment_content_types_ddl", {})
            left.append(
                (answer.status_code, answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"])
            )
        assert left == [(200, "3", "2"), (200, "3", "1")]
        assert (await api.get("/api/ats/v1/jobs")).headers["X-RateLimit-Remaining"] == "0"
        spent = await call(api, tenant, "list_attachment_content_types_ddl", {})
        assert (spent.status_code, spent.json()) == (429, {"message": "Rate limit exceeded", "code": None})
        assert 0 < int(spent.headers["Retry-After"]) <= 60
        assert spent.headers["X-RateLimit-Remaining"] == "0"
        assert (await api.get("/api/ats/v1/jobs")).status_code == 429
        lists = [await api.get(path) for path in (PATH, f"{GREENHOUSE}/operations", PATH, PATH)]
        assert [answer.headers["X-RateLimit-Remaining"] for answer in lists] == ["1", "0", "0", "0"]
        assert [answer.status_code for answer in lists] == [200, 200, 429, 429]
        assert lists[-1].json() == {"message": "Rate limit exceeded", "code": None}


async def test_tokens_cannot_be_guessed_without_end(
    databases: Databases, pool: Pool, sealer: Sealer, tenant: Tenant
) -> None:
    async with serve_app(create_app(databases.settings("migrated", rate_limit=3), pool, sealer)) as api:
        api.headers.update({**tenant.headers, "X-Connector-Token": "guessed"})
        answers = [await api.get("/api/ats/v1/jobs") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
        assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
        good = await api.get("/api/ats/v1/jobs", headers={"X-Connector-Token": tenant.headers["X-Connector-Token"]})
        assert good.status_code == 200, "calls of a connector count by themselves"


async def test_calls_without_a_limit_have_no_headers_of_one(api: httpx.AsyncClient) -> None:
    assert not [name for name in (await api.get(PATH)).headers if name.startswith("x-ratelimit")]


def test_published_page_of_operations_is_the_one_the_declarations_make() -> None:
    path = Path(__file__).parents[2] / "docs" / "operations.md"
    assert path.read_text() == to_markdown(describe_operations()), "run `make docs`"
