"""The OpenAPI document: it describes what is served, in our own words, and nothing else."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from testbed.databases import Databases
from testbed.described import describe_in_full
from testbed.effort import IS_THOROUGH, pick
from testbed.fuzzing import EXAMPLES, fuzz, is_asked_for_more
from testbed.records import bury, id_in, make_whole_row, save
from testbed.serving import serve_on_socket
from testbed.tenants import Tenant, make_tenant
from unihire.app import create_app, describe_api
from unihire.dialects.bindbee.face import NATIVE
from unihire.dialects.bindbee.write_routes import WRITE_PATHS
from unihire.dialects.common.admission import BY_ID
from unihire.dialects.common.expansion import parse_expand, write_expand_pattern
from unihire.dialects.common.faces import Face
from unihire.dialects.unihire.records import OWN
from unihire.dialects.unihire.schedule import INTERVAL_PATTERN
from unihire.errors import ConfigError
from unihire.integration.registry import list_operations as list_names
from unihire.kit.durations import parse_duration
from unihire.kit.seal import Sealer
from unihire.model import ModelSpec
from unihire.platform.organisations import create_key
from unihire.store.work import runs
from unihire.store.work.schedules import check_interval

COMMON = {"include_raw_data", "include_custom_fields", "include_deleted"}
RATE = {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"}
LIST = {"ids", "page_size", "cursor", "modified_after"}
RANGES = {f"remote_{what}_{end}" for what in ("created", "updated") for end in ("after", "before")}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served(databases: Databases, sealer: Sealer) -> AsyncIterator[tuple[str, Tenant]]:
    """The API on a socket, and a tenant that has records of every model."""
    async with databases.open() as pool:
        tenant = await make_tenant(pool, sealer)
        for spec in OWN.models:
            await save(tenant, spec.name, *(make_whole_row(spec, number) for number in range(4)), {"remote_id": "bare"})
            await bury(tenant, spec.name, "3")
        async with serve_on_socket(create_app(databases.settings("migrated"), pool, sealer)) as url:
            yield url, tenant


READS = {
    f"{face.path}/{spec.plural}{tail}": (face, spec)
    for face in (NATIVE, OWN)
    for spec in face.models
    for tail in ("", "/{id}")
}
"""The paths of the data reads."""


def pick_reads() -> list[str]:
    """Lists and single records of either face, of some models each: all are answered by the same code."""
    kinds = [[path for path, (face, _) in READS.items() if face is own and path.endswith("{id}") is by_id]
             for own in (NATIVE, OWN) for by_id in (False, True)]  # fmt: skip
    return [path for kind in kinds for path in pick(kind, 3)]


def find_members(described: Any) -> Iterator[dict[str, Any]]:
    """The members of every object that is in a description, at any depth."""
    if isinstance(described, dict):
        if isinstance(described.get("properties"), dict):
            yield described["properties"]
        for part in described.values():
            yield from find_members(part)
    elif isinstance(described, list):
        for part in described:
            yield from find_members(part)


def list_operations() -> list[tuple[str, dict[str, Any]]]:
    """The data reads."""
    return [(path, item["get"]) for path, item in describe_in_full()["paths"].items() if path in READS]


def test_reads_of_both_faces_are_described_and_nothing_they_do_not_do() -> None:
    paths = describe_api()["paths"]
    expected = READS.keys()
    assert len(expected) == 2 * 16 + 2 * 19
    assert {path for path, _ in list_operations()} == expected
    methods = {path: ["get"] for path in expected}
    for path in WRITE_PATHS:
        methods.setdefault(f"{NATIVE.path}/{path.path}", []).append(path.method.lower())
        methods[f"{NATIVE.path}/{path.meta}"] = ["get"]
    assert {path: sorted(item) for path, item in paths.items() if path in methods} == methods
    one = "/core/v1/connectors/{name}/versions/{version}"
    assert {path: list(item) for path, item in paths.items() if path not in methods} == {
        "/api/ats/v1/connectors": ["get"],
        "/api/ats/v1/connectors/{id}": ["get"],
        "/api/ats/v1/connectors/{connector_id}/delete": ["delete"],
        f"{BY_ID}/token": ["post"],
        f"{BY_ID}/move": ["post"],
        f"{BY_ID}/syncs": ["get", "post"],
        f"{BY_ID}/syncs/pause": ["post"],
        f"{BY_ID}/syncs/resume": ["post"],
        f"{BY_ID}/syncs/cancel": ["post"],
        f"{BY_ID}/syncs/{{id}}": ["get"],
        f"{BY_ID}/schedule": ["get", "put"],
        "/api/ats/v1/integrations": ["get"],
        "/api/v1/lookup/integrations": ["get"],
        "/api/v1/lookup/models": ["get"],
        "/api/v1/keys": ["get", "post"],
        "/api/v1/keys/{id}": ["get", "patch", "delete"],
        "/api/v1/keys/{id}/rotate": ["post"],
        "/api/v1/org-check": ["post"],
        "/api/v1/audit": ["get"],
        "/api/embedded/v1/connectors/resync": ["post"],
        "/api/embedded/v1/link/create-link-token": ["post"],
        "/api/embedded/v1/connectors/connector_token/{temporary_token}": ["get"],
        "/api/v1/link-settings": ["get", "put"],
        "/api/v1/link-settings/logo": ["put", "delete"],
        "/api/v1/capabilities": ["get"],
        "/api/v1/events": ["get"],
        "/api/v1/quarantine": ["get"],
        "/api/v1/syncs": ["get", "post"],
        "/api/v1/syncs/pause": ["post"],
        "/api/v1/syncs/resume": ["post"],
        "/api/v1/syncs/cancel": ["post"],
        "/api/v1/syncs/{id}": ["get"],
        "/api/v1/schedule": ["get", "put"],
        "/api/v1/issues": ["get"],
        "/hooks/{vendor}/{token}": ["post"],
        "/api/ats/v1/attachments/{id}/content": ["get"],
        "/api/v1/writes": ["get"],
        "/api/v1/writes/{id}": ["get"],
        "/api/v1/writes/{id}/resolve": ["post"],
        "/api/v1/webhooks": ["get", "post"],
        "/api/v1/webhooks/{id}": ["get", "patch", "delete"],
        "/api/v1/webhooks/{id}/secret": ["post"],
        "/api/v1/webhooks/{id}/test": ["post"],
        "/api/v1/webhooks/logs": ["get"],
        "/api/v1/webhooks/logs/{id}": ["get"],
        "/api/v1/webhooks/{id}/refused": ["get"],
        "/api/v1/webhooks/{id}/replay": ["post"],
        "/core/v1/connectors": ["get"],
        f"{one}/operations": ["get"],
        f"{one}/call": ["post"],
        "/health": ["get"],
    }


def test_every_read_has_the_parameters_of_the_contract() -> None:
    for path, operation in list_operations():
        (face, spec), by_id = READS[path], path.endswith("{id}")
        expected = set(COMMON) | ({"expand"} if face.relations[spec] else set())
        if by_id:
            expected |= {"id"}
        else:
            expected |= LIST | {param.name for param in face.filters[spec]}
            expected |= {"remote_id"} if face.has_remote_id_filter(spec) else set()
            expected |= RANGES if face is OWN else set()
        names = [param["name"] for param in operation["parameters"]]
        assert sorted(names) == sorted(expected), path
        assert all(param["description"] for param in operation["parameters"])
        required = {param["name"] for param in operation["parameters"] if param.get("required")}
        assert required == ({"id"} if by_id else set())
        assert operation["security"] == [{"ApiKey": [], "ConnectorToken": []}]


def test_key_and_token_can_both_be_given_once_for_all_calls() -> None:
    schemes = describe_api()["components"]["securitySchemes"]
    assert (schemes["ApiKey"]["type"], schemes["ApiKey"]["scheme"]) == ("http", "bearer")
    token = schemes["ConnectorToken"]
    assert (token["type"], token["in"], token["name"]) == ("apiKey", "header", "x-connector-token")


def test_bounds_defaults_and_words_of_parameters_are_told() -> None:
    for path, described in dict(list_operations()).items():
        sizes = [param["schema"] for param in described["parameters"] if param["name"] == "page_size"]
        most = 100 if path == "/api/ats/v1/jobs" else 200
        expected = [] if path.endswith("{id}") else [{"type": "integer", "minimum": 1, "maximum": most, "default": 50}]
        assert sizes == expected, path
    params = {param["name"]: param["schema"] for param in dict(list_operations())["/api/ats/v1/jobs"]["parameters"]}
    assert params["status"]["enum"] == ["OPEN", "CLOSED", "DRAFT", "ARCHIVED", "PENDING", "-"]
    assert params["include_raw_data"] == {"type": "boolean", "default": False}
    candidates = {param["name"]: param for param in dict(list_operations())["/api/ats/v1/candidates"]["parameters"]}
    assert candidates["email_addresses"]["schema"] == {"type": "array", "items": {"type": "string"}}


def test_every_status_a_read_can_answer_is_described_with_its_headers() -> None:
    for path, operation in list_operations():
        responses = operation["responses"]
        expected = {"200", "401", "403", "422", "429"} | ({"404"} if path.endswith("{id}") else set())
        assert responses.keys() - {"503"} == expected, path
        for status in expected:
            assert {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} <= responses[status][
                "headers"
            ].keys()
        assert "WWW-Authenticate" in responses["401"]["headers"]
        assert "Retry-After" in responses["429"]["headers"]


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    document = json.dumps(describe_api())
    named = set(re.findall(r'"#/components/schemas/(\w+)"', document))
    assert named == describe_api()["components"]["schemas"].keys()
    assert named >= {"AtsJob", "AtsCandidate", "AtsEEOC", "AtsUrl", "AtsJobPage"}


def test_what_operations_share_is_said_once() -> None:
    document = describe_api()
    text = json.dumps(document)
    for kind in ("parameters", "headers", "responses"):
        for name, part in document["components"][kind].items():
            assert text.count(f'"#/components/{kind}/{name}"') > 1, name
            assert text.count(json.dumps(part)) == 1, name


def test_generators_name_the_types_of_calls_by_their_keys() -> None:
    """A title would name them instead, and operations share titles: `Candidate` is what several give."""
    schemas = describe_api()["components"]["schemas"]
    calls = {name: schema for name, schema in schemas.items() if re.match("Call|Input_|Output_|Shape_", name)}
    assert len(calls) > 100
    assert not [name for name, schema in calls.items() if "title" in schema]
    for name in list_names("greenhouse"):
        assert schemas[f"Call_greenhouse_{name}"]["properties"]["input"] == {
            "$ref": f"#/components/schemas/Input_greenhouse_{name}"
        }


def test_ids_of_operations_are_different() -> None:
    ids = [described["operationId"] for item in describe_api()["paths"].values() for described in item.values()]
    assert len(ids) == len(set(ids))


async def test_document_is_served_as_it_is_and_without_a_key(served: tuple[str, Tenant]) -> None:
    url, _ = served
    async with httpx.AsyncClient(base_url=url) as client:
        answer = await client.get("/openapi.json")
        assert answer.headers["content-type"].startswith("application/json")
        assert answer.json() == json.loads(json.dumps({**describe_api(), "servers": [{"url": "/"}]}))


async def test_interactive_page_loads_everything_from_here(served: tuple[str, Tenant]) -> None:
    url, _ = served
    async with httpx.AsyncClient(base_url=url) as client:
        page = await client.get("/docs")
        assert page.status_code == 200
        links = re.findall(r"""(?:src|href|url)\s*[=:]\s*["']([^"']+)["']""", page.text)
        assert len(links) >= 3
        for link in links:
            assert link.startswith("/"), link
            assert (await client.get(link)).status_code == 200, link
        assert not re.search(r"https?://", page.text)


def test_published_file_is_the_document() -> None:
    path = Path(__file__).parents[2] / "docs" / "openapi.json"
    assert json.loads(path.read_text()) == describe_api(), "run `make docs`"


@pytest.mark.usefixtures("acme")
async def test_requests_as_described_are_taken_and_answered_as_described(
    served: tuple[str, Tenant], tmp_path: Path
) -> None:
    url, tenant = served
    document = describe_in_full()
    async with tenant.pool.acquire() as connection, connection.transaction():
        run = (await runs.ask_run(connection, tenant.connector.number, full=True)).id
    async with httpx.AsyncClient(base_url=url, headers=tenant.headers) as client:
        made = await client.post("/api/v1/webhooks", json={"url": "https://example.com/hook"})
        for path, item in document["paths"].items():
            # Ids and cursors that are there, so that answers of every kind are met.
            there: dict[str, Any] = {}
            if path in READS:
                there["id"] = id_in(tenant, READS[path][1].name, "1")
            elif path == "/api/v1/syncs/{id}":
                there["id"] = str(run)
            elif path.startswith("/api/v1/webhooks/{id}"):
                there["id"] = made.json()["webhook_id"]
            elif path == "/api/ats/v1/connectors/{id}":
                there["id"] = str(tenant.connector.id)
            elif path.startswith((f"{BY_ID}/syncs", f"{BY_ID}/schedule")):
                there |= {"id": str(run), "connector_id": str(tenant.connector.id)}
            for param in [param for described in item.values() for param in described.get("parameters", [])]:
                if param["name"] in there:
                    param["examples"] = {"there": {"value": there[param["name"]]}}
                if param["name"] == "cursor":
                    listed = path.replace("{id}", there.get("id", ""))
                    listed = listed.replace("{connector_id}", there.get("connector_id", ""))
                    given = (await client.get(listed, params={"page_size": 1})).json()["cursor"]
                    assert re.fullmatch(param["schema"]["pattern"], given or "")
                    param["schema"] = {"enum": ["", given] if given else [""]}
                if param["name"] in ("cursor", "include_deleted") and path in READS and READS[path][0] is OWN:
                    param["schema"] = {"enum": [param["schema"].get("default", "")]}  # ranges agree with no other
    for described in (document["paths"][path] for path in document["paths"] if path.startswith("/api/v1/webhooks")):
        for body in find_members(described):  # what is there, and may be: the rest is refused for what there is not
            if "url" in body:
                body["url"] = {"enum": ["https://example.com/hook"]}
            if "connector_ids" in body:
                body["connector_ids"] = {"enum": [[str(tenant.connector.id)]]}
    for path in ("/api/v1/syncs", f"{BY_ID}/syncs"):
        ask = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        ask["properties"]["models"]["items"] = {"enum": ["candidate", "job"]}
    for path in (f"{BY_ID}/move", "/api/ats/v1/connectors/{connector_id}/delete"):
        del document["paths"][path]  # ids that were answered are tried, and the connector would be there no longer
    for path in WRITE_PATHS:  # test_fuzzed_writes.py makes these up, for a vendor that takes everything
        del document["paths"][f"{NATIVE.path}/{path.path}"][path.method.lower()]
        document["paths"].pop(f"{NATIVE.path}/{path.meta}", None)
    del document["paths"][f"{NATIVE.path}/attachments/{{id}}/content"]  # the files of these made-up records are nowhere
    for path in READS.keys() - set(READS if is_asked_for_more() else pick_reads()):
        del document["paths"][path]
    said = await fuzz(document, url, tenant.headers, tmp_path, "--exclude-tag=operations", "--exclude-tag=writes")
    assert not said, said


WEAK_KEYS: dict[str, dict[str, Any]] = {
    "of one model": {"models": ["candidate"]},
    "to read": {"scopes": ["read"]},
    "to write": {"scopes": ["write"]},
    "to manage": {"scopes": ["manage"]},
    "for operations": {"scopes": ["operations"]},
}


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize("kind", pick([*WEAK_KEYS], 1))
async def test_requests_of_keys_of_every_kind_are_answered_with_a_status_that_is_described(
    served: tuple[str, Tenant], tmp_path: Path, kind: str
) -> None:
    url, tenant = served
    _, key = await create_key(tenant.pool, tenant.organisation, "production", kind, **WEAK_KEYS[kind])
    document = describe_in_full()
    del document["paths"]["/api/ats/v1/connectors/{connector_id}/delete"]  # the other tests need it
    for path in READS.keys() - set(READS if is_asked_for_more() else pick_reads()):
        del document["paths"][path]
    headers = {**tenant.headers, "Authorization": f"Bearer {key}"}
    said = await fuzz(
        document, url, headers, tmp_path, checks=["status_code_conformance"], examples=EXAMPLES if IS_THOROUGH else "1"
    )
    assert not said, said


@pytest.mark.parametrize(
    ("face", "spec"),
    [(face, spec) for face in (NATIVE, OWN) for spec in face.models if face.relations[spec]],
    ids=lambda value: value.name if isinstance(value, ModelSpec) else value.path,
)
def test_pattern_of_expand_is_its_grammar(face: Face, spec: ModelSpec) -> None:
    pattern = write_expand_pattern(face, spec)

    @settings(max_examples=20, deadline=None)
    @given(st.from_regex(pattern, fullmatch=True))
    def check(text: str) -> None:
        parse_expand(face, spec, text)

    check()
    first = face.relations[spec][0].field.name
    for good in ("", first, f"{first}[id]", f"{first}[id,remote_id],{first}"):
        assert re.search(pattern, good), good
    for bad in ("x", f"{first},", f"{first}[]", f"{first}[x]", f"{first}[id", f",{first}", f"{first}[id]x"):
        assert not re.search(pattern, bad), bad


def test_pattern_of_durations_is_what_is_taken() -> None:
    for number in (*range(200), 899, 900, 901, 9_999, 10_080, 10_081, 100_000, 599_999, 604_799, 604_800, 604_801):
        for unit in "dhms":
            text = f"{number}{unit}"
            try:
                check_interval(parse_duration(text))
            except (ValueError, ConfigError):
                assert not re.search(INTERVAL_PATTERN, text), text
            else:
                assert re.search(INTERVAL_PATTERN, text), text
