"""`expand`: relations answered as records."""

from typing import Any

import httpx
import pytest

from testbed.records import PLURALS, bury, id_in, make_row, save
from testbed.tenants import Tenant
from unihire.dialects.bindbee.face import NATIVE
from unihire.model import MODELS

RELATIONS = [(spec.plural, field.name) for spec in PLURALS.values() for field in spec.relations]


async def expand(api: httpx.AsyncClient, plural: str, text: str, **params: Any) -> dict[str, Any]:
    """The one record of a list; the same by its id."""
    answer = await api.get(f"/api/ats/v1/{plural}", params={"expand": text, **params})
    assert answer.status_code == 200, answer.text
    (item,) = answer.json()["items"]
    by_id = await api.get(f"/api/ats/v1/{plural}/{item['id']}", params={"expand": text, **params})
    assert by_id.json() == item
    return dict(item)


async def refuse(api: httpx.AsyncClient, plural: str, text: str) -> str:
    """The message of the 422."""
    answer = await api.get(f"/api/ats/v1/{plural}", params={"expand": text})
    assert answer.status_code == 422, answer.text
    (problem,) = answer.json()["detail"]
    assert (problem["loc"], problem["type"], problem["input"]) == (["query", "expand"], "value_error", text)
    return str(problem["msg"])


@pytest.fixture
async def application(tenant: Tenant) -> dict[str, Any]:
    """An application whose candidate and job are there, and whose stage is not."""
    await save(tenant, "candidate", {"remote_id": "c", "first_name": "Ada", "email_addresses": ["ada@example.com"]})
    await save(tenant, "job", {"remote_id": "j", "name": "Engineer"})
    row = {"remote_id": "a", "candidate": "c", "job": "j", "current_stage": "nowhere"}
    await save(tenant, "application", row)
    return row


@pytest.mark.parametrize(("plural", "relation"), RELATIONS)
async def test_every_relation_expands_to_the_whole_record(
    api: httpx.AsyncClient, tenant: Tenant, plural: str, relation: str
) -> None:
    spec = PLURALS[plural]
    field = next(field for field in spec.relations if field.name == relation)
    assert field.to
    await save(tenant, spec.name, make_row(spec, 5))
    if field.to != spec.name:
        await save(tenant, field.to, make_row(MODELS[field.to], 5))
    item = await expand(api, plural, relation)
    target = (await api.get(f"/api/ats/v1/{MODELS[field.to].plural}/{id_in(tenant, field.to, '5')}")).json()
    if field.type == "array":
        assert item[relation] == [target, id_in(tenant, field.to, "6")]  # the second was never synced
    else:
        assert item[relation] == target


async def test_brackets_give_the_listed_fields_only(
    api: httpx.AsyncClient, tenant: Tenant, application: dict[str, Any]
) -> None:
    item = await expand(api, "applications", "candidate[first_name,email_addresses],job[id]")
    assert item["candidate"] == {"first_name": "Ada", "email_addresses": ["ada@example.com"]}
    assert item["job"] == {"id": id_in(tenant, "job", "j")}


async def test_null_stays_null_and_a_target_that_is_not_there_stays_an_id(
    api: httpx.AsyncClient, tenant: Tenant, application: dict[str, Any]
) -> None:
    item = await expand(api, "applications", "current_stage,credited_to,job[name]")
    assert item["current_stage"] == id_in(tenant, "job_interview_stage", "nowhere")
    assert item["credited_to"] is None
    assert item["job"] == {"name": "Engineer"}
    await bury(tenant, "job", "j")
    assert (await expand(api, "applications", "job"))["job"] == id_in(tenant, "job", "j")


async def test_relation_named_twice_is_expanded_as_last_said(
    api: httpx.AsyncClient, tenant: Tenant, application: dict[str, Any]
) -> None:
    assert (await expand(api, "applications", "job,job[name]"))["job"] == {"name": "Engineer"}
    whole = (await expand(api, "applications", "job[name],job"))["job"]
    assert sorted(whole) == sorted(NATIVE.list_keys(MODELS["job"]))


async def test_flags_reach_the_expanded_records(api: httpx.AsyncClient, application: dict[str, Any]) -> None:
    item = await expand(api, "applications", "job", include_raw_data=True, include_custom_fields=True)
    assert item["job"]["raw_data"] == {"remote_id": "j", "name": "Engineer"}
    assert item["raw_data"] == application
    assert item["job"]["custom_fields"] == {}


async def test_expansion_is_one_level_deep(api: httpx.AsyncClient, tenant: Tenant) -> None:
    await save(tenant, "candidate", {"remote_id": "c", "applications": ["a"]})
    await save(tenant, "application", {"remote_id": "a", "candidate": "c"})
    item = await expand(api, "candidates", "applications")
    assert item["applications"][0]["candidate"] == item["id"]


async def test_nothing_to_expand_is_said_by_an_empty_text(
    api: httpx.AsyncClient, tenant: Tenant, application: dict[str, Any]
) -> None:
    assert (await expand(api, "applications", ""))["job"] == id_in(tenant, "job", "j")


@pytest.mark.parametrize("plural", PLURALS)
async def test_unknown_relation_is_refused_with_those_there_are(api: httpx.AsyncClient, plural: str) -> None:
    message = await refuse(api, plural, "manager[first_name,last_name]")
    assert "'manager'" in message
    for relation in PLURALS[plural].relations:
        assert relation.name in message


async def test_unknown_field_is_refused_with_those_there_are(api: httpx.AsyncClient) -> None:
    message = await refuse(api, "applications", "job[name,salary]")
    assert "'salary'" in message
    for field in NATIVE.list_keys(MODELS["job"]):
        assert field in message


@pytest.mark.parametrize(
    "text",
    [
        ",",
        "job,",
        ",job",
        "job[",
        "job]",
        "job[]",
        "[name]",
        "job[name",
        "job[name]]",
        "job[name],,",
        "job[[name]]",
        "job[name]candidate",
    ],
)
async def test_text_outside_the_grammar_is_refused(api: httpx.AsyncClient, text: str) -> None:
    assert await refuse(api, "applications", text)


async def test_record_whose_raw_data_cannot_be_decoded_is_answered_without_expansion(
    api: httpx.AsyncClient, tenant: Tenant, application: dict[str, Any]
) -> None:
    deep = b'{"x":' + b"[" * 1_500 + b"]" * 1_500 + b"}"
    await tenant.pool.execute("UPDATE record SET raw = $1", deep)
    answer = await api.get("/api/ats/v1/applications", params={"expand": "candidate,job[name]"})
    (item,) = answer.json()["items"]
    assert (item["candidate"]["first_name"], item["job"]) == ("Ada", {"name": "Engineer"})
    answer = await api.get("/api/ats/v1/applications", params={"expand": "candidate,job", "include_raw_data": "true"})
    assert answer.status_code == 200
    assert deep in answer.content
    assert id_in(tenant, "candidate", "c").encode() in answer.content
