"""Writes made up from our own description of them: one that is as described is taken, whatever the vendor takes."""

from collections.abc import AsyncIterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.described import describe_in_full
from testbed.fuzzing import fuzz
from testbed.made_up_writes import EVERY_WRITE, declare_writes
from testbed.records import id_in, make_whole_row, save
from testbed.serving import serve_on_socket
from testbed.tenants import Tenant, make_tenant
from unihire.app import create_app
from unihire.dialects.bindbee.face import NATIVE
from unihire.dialects.bindbee.write_routes import OLDER_NAMES, WRITE_PATHS, WritePath, unwrap
from unihire.kit.seal import Sealer
from unihire.model import INPUTS, NATIVE_MODELS
from unihire.platform.writing.body_schema import RELATION

PARAMS = {"type": "object", "properties": {"region": {"type": "string"}}, "additionalProperties": False}
FILE = {"file_name": "resume.pdf", "file_content": "SGVsbG8=", "content_type": "application/pdf"}


@pytest_asyncio.fixture
async def served(databases: Databases, sealer: Sealer, acme: None) -> AsyncIterator[tuple[str, Tenant]]:
    with declare_writes(EVERY_WRITE):
        async with databases.open() as pool:
            tenant = await make_tenant(pool, sealer)
            for spec in NATIVE_MODELS.values():
                await save(tenant, spec.name, make_whole_row(spec, 1))
            async with serve_on_socket(create_app(databases.settings("migrated"), pool, sealer)) as url:
                yield url, tenant


def narrow(described: Any, tenant: Tenant) -> Any:
    """Records that are there, files that can be had, parameters of this vendor: others are refused by their nature."""
    if isinstance(described, list):
        return [narrow(one, tenant) for one in described]
    if not isinstance(described, dict):
        return described
    if RELATION in described:
        to = described[RELATION]
        known = [id_in(tenant, to, "1")] if to in NATIVE_MODELS else []
        return {"enum": [*known, {"remote_id": "1"}]}
    found = {name: narrow(value, tenant) for name, value in described.items()}
    members = found.get("properties", {})
    for name in ("integration_params", "additional_attributes"):
        if name in members:
            members[name] = PARAMS
    if "file" in members:
        members["content_type"] = {"const": "text/plain"}
    if "file_url" in members:
        del members["file_url"]
        members |= {name: {"const": value} for name, value in FILE.items()}
        found["required"] = [*FILE]
    return found


async def test_writes_as_described_are_taken_and_answered_as_described(
    served: tuple[str, Tenant], tmp_path: Path
) -> None:
    url, tenant = served
    document = describe_in_full()
    whole = {f"{NATIVE.path}/{path.path}": path for path in WRITE_PATHS}
    metas = {f"{NATIVE.path}/{path.meta}" for path in WRITE_PATHS}
    paths = {}
    for path, item in document["paths"].items():
        if path in whole:
            item.pop("get", None)
        elif path not in metas and not path.startswith("/api/v1/writes"):
            continue
        for described in item.values():
            for param in described["parameters"]:
                if param["name"] == "id" and path in whole:
                    owner = whole[path].within or whole[path].model
                    param["schema"] = {"const": id_in(tenant, owner, "1")}
                if param["name"] == "name":
                    param["schema"] = {"enum": ["Senior", "so so"]}
            # What the vendor has is read first, and this one is not there to be asked.
            described["parameters"] = [one for one in described["parameters"] if one["name"] != "If-Match"]
        paths[path] = item
    document["paths"] = paths
    document["components"]["schemas"] = narrow(document["components"]["schemas"], tenant)
    said = await fuzz(document, url, tenant.headers, tmp_path, "--generation-allow-x00=false")
    assert not said, said


@cache
def describe_once() -> dict[str, Any]:
    """The description, to be looked at only."""
    return describe_in_full()


def list_members(name: str, schemas: dict[str, Any]) -> set[str]:
    return {*schemas[name]["properties"]}


@pytest.mark.parametrize("path", WRITE_PATHS, ids=lambda path: f"{path.method} {path.path}")
def test_every_write_is_described_with_every_field_of_the_vocabulary_and_every_answer(path: WritePath) -> None:
    document = describe_once()
    described = document["paths"][f"{NATIVE.path}/{path.path}"][path.method.lower()]
    statuses = {"200", "202", "400", "401", "403", "409", "413", "422", "429", "501", "502", "503"}
    assert statuses <= described["responses"].keys()
    assert ("404" in described["responses"]) == ("{id}" in path.path)
    names = {param["name"] for param in described["parameters"]}
    assert names >= {"async", "dry_run", "include_vendor_response", "X-Idempotency-Key", "Idempotency-Key", "Prefer"}
    assert ("If-Match" in names) == ("{id}" in path.path and path.within is None)
    if path.member is not None:
        assert "requestBody" not in described
        assert path.member in names
        return
    schemas = document["components"]["schemas"]
    body = described["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    fields = {field.name for field in INPUTS[path.model, path.verb].fields} | {"integration_params", "remote_user_id"}
    if (path.model, path.verb) == ("candidate", "create"):
        flat, wrapped = (one["$ref"].rpartition("/")[2] for one in schemas[body]["anyOf"])
        assert list_members(wrapped, schemas) == {"data", "remote_user_id", "job_requisition_id"}
        inner = {*schemas[wrapped]["properties"]["data"]["properties"]}
        assert {OLDER_NAMES.get(name, name) for name in inner} == fields - {"remote_user_id"}
        body = flat
    assert list_members(body, schemas) == fields - {path.within}


def test_two_shapes_of_a_candidate_are_the_same_write() -> None:
    path = next(path for path in WRITE_PATHS if (path.model, path.verb) == ("candidate", "create"))
    flat = {"first_name": "Jane", "job": "1", "integration_params": {"a": 1}, "remote_user_id": None}
    wrapped = {
        "data": {"first_name": "Jane", "job_id": "1", "additional_attributes": {"a": 1}, "applications": None},
        "remote_user_id": None,
        "job_requisition_id": None,
    }
    assert unwrap(path, wrapped) == unwrap(path, flat) == flat


async def test_form_with_a_file_is_taken_with_every_part_that_is_described(served: tuple[str, Tenant]) -> None:
    url, tenant = served
    path = f"{NATIVE.path}/attachments"
    content = describe_once()["paths"][path]["post"]["requestBody"]["content"]
    assert content["multipart/form-data"]["schema"] == {"$ref": "#/components/schemas/AttachmentInputForm"}
    body = describe_once()["components"]["schemas"]["AttachmentInputForm"]
    relations = {"candidate": "candidate", "application": "application", "remote_user_id": "remote_user"}
    texts = {"file_name": "resume.txt", "content_type": "text/plain", "attachment_type": "RESUME"}
    form = {**texts, **{name: id_in(tenant, model, "1") for name, model in relations.items()}}
    assert body["properties"].keys() - form.keys() == {"file"} == {*body["required"]}
    async with httpx.AsyncClient(base_url=url, headers=tenant.headers) as client:
        answer = await client.post(path, data=form, files={"file": ("resume.txt", b"Hello", "text/plain")})
        assert answer.status_code == 200, answer.text
        texts_alone: dict[str, Any] = {name: (None, text) for name, text in form.items()}
        before = {"file": ("cv.txt", b"Hello", "text/plain"), **texts_alone}
        assert (await client.post(path, files=before)).status_code == 200
        without = await client.post(path, files=texts_alone)
        assert without.status_code == 422, without.text


async def test_file_for_a_candidate_that_is_not_there_is_not_found(served: tuple[str, Tenant]) -> None:
    url, tenant = served
    async with httpx.AsyncClient(base_url=url, headers=tenant.headers) as client:
        for model in ("candidate", "job"):  # a candidate, and what is none
            id = id_in(tenant, model, "1" if model == "job" else "2")
            answer = await client.post(f"{NATIVE.path}/candidates/{id}/attachments", json=FILE)
            assert (answer.status_code, answer.json()["detail"]) == (404, "There is no candidate with this id")
        id = id_in(tenant, "candidate", "1")
        assert (await client.post(f"{NATIVE.path}/candidates/{id}/attachments", json=FILE)).status_code == 200


async def test_if_match_is_refused_where_nothing_is_changed(served: tuple[str, Tenant]) -> None:
    url, tenant = served
    id = id_in(tenant, "candidate", "1")
    async with httpx.AsyncClient(base_url=url, headers=tenant.headers | {"If-Match": '"2026-01-31"'}) as client:
        for path, body in (("offices", {"name": "Berlin"}), (f"candidates/{id}/attachments", FILE)):
            answer = await client.post(f"{NATIVE.path}/{path}", json=body)
            assert (answer.status_code, answer.json()["detail"][:8]) == (400, "If-Match"), path


async def test_whole_number_may_have_a_fraction_of_zero(served: tuple[str, Tenant]) -> None:
    url, tenant = served
    body = {"name": "Phone screen", "job": {"remote_id": "1"}}
    async with httpx.AsyncClient(base_url=url, headers=tenant.headers) as client:
        assert (await client.post(f"{NATIVE.path}/job-interview-stages", json=body)).status_code == 200
        assert (
            await client.post(f"{NATIVE.path}/job-interview-stages", json=body | {"stage_order": 2.5})
        ).status_code == 422
