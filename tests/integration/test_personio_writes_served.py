"""Personio's writes as our API serves them: our ids in, a record out, faults by our names of fields."""

from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from testbed.databases import Databases
from testbed.writing import Writing, create_candidate, draw_name, open_writing
from unihire.kit.seal import Sealer
from unihire.platform.connectors import reconnect_connector

CANDIDATES = "/api/ats/v1/candidates"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def writing(databases: Databases, sealer: Sealer) -> AsyncIterator[Writing]:
    async with open_writing(databases, sealer, "personio") as opened:
        yield opened


def find_problems(answer: Any, status: int) -> list[tuple[list[Any], str]]:
    assert answer.status_code == status, answer.text
    return [(problem["loc"], problem["msg"]) for problem in answer.json()["detail"]]


async def test_candidate_is_created_with_our_ids_and_applies_again(writing: Writing) -> None:
    first, second, *_ = writing.records["jobs"]
    made = await create_candidate(
        writing,
        job=first["id"],
        tags=["remote"],
        custom_fields={"custom_attribute_1": "a text"},
        attachments=[{"file_name": "cv.pdf", "file_content": b64encode(b"%PDF").decode(), "attachment_type": "RESUME"}],
        integration_params={"message": "Hello."},
    )
    assert (made["outcome"], len(made["steps"])) == ("done", 1)
    (application,) = made["applications"]
    shown = (await writing.api.get(f"/api/ats/v1/applications/{application}")).json()
    assert (shown["job"], shown["candidate"]) == (first["id"], made["id"])
    sent = writing.sandbox.app.emulator.streams["submissions"].find(int(shown["remote_id"]))
    assert sent is not None
    assert (sent["message"], sent["tags"]) == ("Hello.", ["remote"])
    assert sent["attributes"] == [{"id": "custom_attribute_1", "value": "a text"}]
    assert [file["original_filename"] for file in sent["files"]] == ["cv.pdf"]
    body = {"candidate": made["id"], "job": second["id"]}
    again = await writing.api.post("/api/ats/v1/applications", json=body)
    assert again.status_code == 200, again.text
    assert (again.json()["job"], again.json()["candidate"]) == (second["id"], made["id"])
    refused = await writing.api.post("/api/ats/v1/applications", json=body)
    ((place, words),) = find_problems(refused, 422)
    assert place == ["body", "candidate"]
    assert "may have applied for this job already" in words


async def test_fault_of_the_vendor_has_our_name_of_the_field(writing: Writing) -> None:
    body = {"first_name": "Kim", "last_name": draw_name(), "email_addresses": ["kim@example.com"]}
    missing = await writing.api.post(CANDIDATES, json=body)
    assert find_problems(missing, 422) == [(["body", "job"], "Field required")]
    body["job"] = writing.records["jobs"][0]["id"]
    unknown = await writing.api.post(CANDIDATES, json={**body, "custom_fields": {"custom_attribute_99": "x"}})
    ((place, words),) = find_problems(unknown, 422)
    assert place == ["body", "custom_fields"]
    assert "there is no such attribute" in words
    twice = await writing.api.post(CANDIDATES, json={**body, "phone_numbers": ["1", "2"]})
    ((_, words),) = find_problems(twice, 422)
    assert words.endswith("has more than 1 item")


async def test_connector_without_a_key_is_told_where_to_get_it(writing: Writing, sealer: Sealer) -> None:
    tenant = writing.tenant
    own = {name: tenant.credentials[name] for name in ("client_id", "client_secret")}
    body = {"first_name": "Kim", "last_name": draw_name(), "email_addresses": ["kim@example.com"]}
    body["job"] = writing.records["jobs"][0]["id"]
    await reconnect_connector(tenant.pool, sealer, tenant.connector, tenant.integration, own)
    answer = await writing.api.post(CANDIDATES, json=body)
    assert answer.status_code == 403, answer.text
    assert "Settings > Integrations > API credentials" in answer.text
    await reconnect_connector(tenant.pool, sealer, tenant.connector, tenant.integration, tenant.credentials)
    assert (await writing.api.post(CANDIDATES, json=body)).status_code == 200
