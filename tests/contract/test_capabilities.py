"""The published capability matrix: true by the fixtures, whole by the description, the same wherever it is shown."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from testbed.described import describe_in_full
from testbed.tenants import Tenant
from unihire.app import describe_api
from unihire.dialects.bindbee.face import NATIVE
from unihire.dialects.common.markup import to_markdown
from unihire.dialects.unihire.capabilities_page import describe_all
from unihire.dialects.unihire.matrix import IntegrationCapabilities, list_capabilities
from unihire.dialects.unihire.records import OWN
from unihire.integration.declare import Integration
from unihire.integration.inspect import list_cases
from unihire.integration.registry import list_integrations, list_operations
from unihire.model import MODELS

PATH = "/api/v1/capabilities"
EACH = pytest.mark.parametrize("integration", list_integrations(), ids=lambda integration: integration.slug)
TOLD = {integration.slug: integration for integration in list_capabilities().integrations}


NO_FILTERS = {"page_size", "cursor", "expand", "include_raw_data", "include_custom_fields", "include_deleted"} | {
    f"remote_{done}_{side}" for done in ("created", "updated") for side in ("after", "before")
}


def get_told(integration: Integration) -> IntegrationCapabilities:
    return TOLD[integration.slug]


@EACH
def test_field_is_told_as_given_exactly_where_a_fixture_fills_it(integration: Integration) -> None:
    filled: set[tuple[str, str]] = set()
    for case in list_cases(integration):
        for record in case.expected:
            filled |= {(record.model, name) for name, value in record.record.items() if value not in ([], "")}
    told = get_told(integration)
    assert {(model.name, field.name) for model in told.models for field in model.fields if field.is_given} == filled


@EACH
def test_what_is_not_given_has_a_reason_and_what_is_given_has_none(integration: Integration) -> None:
    for model in get_told(integration).models:
        assert model.is_given == (model.reason is None) == bool(model.streams), model.name
        for field in model.fields:
            assert field.is_given == (field.reason is None), f"{model.name}.{field.name}"


@EACH
def test_filters_are_those_the_lists_take(integration: Integration) -> None:
    paths = describe_in_full()["paths"]
    for model in get_told(integration).models:
        face = NATIVE if model.is_native else OWN
        params = {
            param["name"]: param["schema"]
            for param in paths[f"{face.path}/{model.plural}"]["get"]["parameters"]
            if param["in"] == "query" and param["name"] not in NO_FILTERS
        }
        assert {known.param for known in model.filters} == params.keys()
        for known in model.filters:
            assert known.words == params[known.param].get("enum", [])
            assert (known.several == "repeat") == (params[known.param]["type"] == "array")


@EACH
def test_operation_that_writes_says_which_fields_of_which_models(integration: Integration) -> None:
    for operation in list_operations(integration.slug).values():
        assert operation.is_write == bool(operation.writes), f"{operation.name} and what it `writes`"
        for model, fields in operation.writes.items():
            assert set(fields) <= {field.name for field in (*MODELS[model].fields, *MODELS[model].more)}, (
                f"{operation.name}: {model}"
            )


def refuse_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), names
    return dict(pairs)


async def test_matrix_is_answered_without_a_key_and_may_be_kept(api: httpx.AsyncClient) -> None:
    api.headers = httpx.Headers()
    answer = await api.get(PATH)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "public, max-age=300"
    body = json.loads(answer.content, object_pairs_hook=refuse_repeated_keys)
    assert [integration["slug"] for integration in body["integrations"]] == [one.slug for one in list_integrations()]
    for integration in body["integrations"]:
        assert [model["plural"] for model in integration["models"]] == [spec.plural for spec in OWN.models]
    assert (await api.get(PATH)).content == answer.content


@EACH
def test_write_of_a_vendor_that_grants_scopes_names_those_it_needs(integration: Integration) -> None:
    auth = integration.partner_auth
    operations = list_operations(integration.slug).values()
    for operation in operations:
        assert operation.is_write or not (operation.scopes or operation.more_scopes), operation.name
        if operation.is_write and auth is not None and auth.scopes:
            assert operation.scopes, operation.name
            assert not {*operation.scopes, *operation.more_scopes} & {*auth.scopes}, operation.name


async def set_scopes(tenant: Tenant, slug: str, scopes: list[str] | None) -> None:
    statement = "UPDATE connector SET integration = $2, scopes = $3 WHERE number = $1"
    await tenant.pool.execute(statement, tenant.connector.number, slug, scopes)


WRITER, WRITES = next(
    (one.slug, writes)
    for one in list_integrations()
    if (writes := [each for each in list_operations(one.slug).values() if each.is_write and each.scopes])
)


async def test_with_a_token_it_says_which_writes_the_grant_allows(tenant: Tenant, api: httpx.AsyncClient) -> None:
    first = WRITES[0]
    others = sorted({scope for one in WRITES for scope in one.scopes} - {*first.scopes})
    await set_scopes(tenant, WRITER, list(first.scopes))
    answer = await api.get(PATH)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "x-connector-token" in answer.headers["vary"]
    body = answer.json()
    assert [one["slug"] for one in body["integrations"]] == [WRITER]
    grant = body["connector"]
    assert (grant["connector_id"], grant["scopes"]) == (str(tenant.connector.id), list(first.scopes))
    assert [one["name"] for one in grant["writes"]] == [one.name for one in WRITES]
    for one, write in zip(grant["writes"], WRITES, strict=True):
        missing = [scope for scope in write.scopes if scope in others]
        assert (one["allowed"], one["missing_scopes"]) == (not missing, missing)
        assert one["missing_more"] == [scope for scope in write.more_scopes if scope not in first.scopes]
        assert (one["reason"] is None) == (not missing and not one["missing_more"])
        assert all("--access read-write" in text for text in [one["reason"]] if text)


async def test_what_the_vendor_did_not_say_it_granted_is_not_guessed(tenant: Tenant, api: httpx.AsyncClient) -> None:
    await set_scopes(tenant, WRITER, None)
    grant = (await api.get(PATH)).json()["connector"]
    assert grant["scopes"] is None
    assert {(one["allowed"], one["reason"], *one["missing_scopes"]) for one in grant["writes"]} == {(None, None)}


async def test_what_the_vendor_names_in_other_words_is_not_taken_for_a_refusal(
    tenant: Tenant, api: httpx.AsyncClient
) -> None:
    await set_scopes(tenant, WRITER, ["read", "write"])
    grant = (await api.get(PATH)).json()["connector"]
    assert grant["scopes"] == ["read", "write"]
    assert {(one["allowed"], one["reason"], *one["missing_scopes"]) for one in grant["writes"]} == {(None, None)}


async def test_token_of_another_is_no_way_to_a_grant(tenant: Tenant, api: httpx.AsyncClient) -> None:
    for headers in ({"X-Connector-Token": "x"}, {"Authorization": "Bearer x"}):
        assert (await api.get(PATH, headers=headers)).status_code == 401
    api.headers = httpx.Headers()
    answer = await api.get(PATH)
    assert "connector" not in answer.json()
    assert "x-connector-token" in answer.headers["vary"]


async def test_matrix_cannot_be_written_to(api: httpx.AsyncClient) -> None:
    for path in (PATH, "/capabilities"):
        answer = await api.post(path)
        assert (answer.status_code, answer.json()) == (405, {"detail": "Method Not Allowed"})


async def test_page_is_whole_in_itself_and_says_what_the_matrix_says(api: httpx.AsyncClient) -> None:
    api.headers = httpx.Headers()
    answer = await api.get("/capabilities")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; ")
    assert not re.search(r"<(script|img|iframe|object|embed)\b|\ssrc=|@import|url\(", answer.text)
    assert "prefers-color-scheme: dark" in answer.text
    text = unescape(re.sub(r"<[^>]+>", "", answer.text))
    for integration in list_capabilities().integrations:
        reasons = {model.reason for model in integration.models} | {
            field.reason for model in integration.models if model.is_given for field in model.fields
        }
        permissions = {stream.permission for stream in integration.streams}
        expected = {integration.name, integration.website} | reasons | permissions
        assert [part for part in expected - {None} if part is not None and part not in text] == []


def test_description_has_the_shape_of_the_answer() -> None:
    operation = describe_in_full()["paths"][PATH]["get"]
    assert operation["security"] == [{}, {"ApiKey": [], "ConnectorToken": []}]
    assert "parameters" not in operation
    schemas = describe_api()["components"]["schemas"]
    (told, *_) = msgspec.to_builtins(list_capabilities())["integrations"]
    for name, part in (
        ("IntegrationCapabilities", told),
        ("AuthFlow", told["auth"][0]),
        ("StreamCapability", told["streams"][0]),
        ("ModelCapability", told["models"][0]),
        ("FieldCapability", told["models"][0]["fields"][0]),
        ("FilterCapability", told["models"][0]["filters"][0]),
        ("WriteCapability", told["writes"][0]),
        *(("OperationCapability", operation) for operation in told["operations"][:1]),
    ):
        assert schemas[name]["properties"].keys() == part.keys()
        assert schemas[name]["required"] == list(part)


def test_published_page_is_the_one_the_declarations_make() -> None:
    path = Path(__file__).parents[2] / "docs" / "capabilities.md"
    assert path.read_text() == to_markdown(describe_all(list_capabilities())), "run `make docs`"
