"""What the thirty-two reads answer, key by key: the same rules on every model."""

import json
import re
from typing import Any

import httpx
import pytest

from testbed.records import PLURALS, id_in, make_row, save
from testbed.tenants import Tenant
from unihire.dialects.bindbee.face import NATIVE
from unihire.model import FieldSpec, ModelSpec

ALL = pytest.mark.parametrize("plural", PLURALS)
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


async def read(api: httpx.AsyncClient, path: str, **params: Any) -> dict[str, Any]:
    answer = await api.get(f"/api/ats/v1/{path}", params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    body: dict[str, Any] = json.loads(answer.content, object_pairs_hook=refuse_repeated_keys)
    return body


def refuse_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), names
    return dict(pairs)


def check_value(spec: ModelSpec, field: FieldSpec, value: Any, sent: Any, tenant: Tenant) -> None:
    if field.to and field.type == "array":
        assert value == [id_in(tenant, field.to, one) for one in sent]
    elif field.to:
        assert value == id_in(tenant, field.to, sent)
    else:
        assert (value, type(value)) == (sent, type(sent)), f"{spec.name}.{field.name}"


@ALL
async def test_full_record_is_answered_with_every_key_and_value(
    api: httpx.AsyncClient, tenant: Tenant, plural: str
) -> None:
    spec = PLURALS[plural]
    row = make_row(spec, 7)
    await save(tenant, spec.name, row)
    page = await read(api, plural)
    assert page.keys() == {"cursor", "page_size", "items"}
    assert (page["cursor"], page["page_size"]) == (None, 1)
    (item,) = page["items"]
    assert sorted(item) == sorted(NATIVE.list_keys(spec))
    assert item["id"] == id_in(tenant, spec.name, "7")
    assert UUID.fullmatch(item["id"])
    assert MOMENT.fullmatch(item["modified_at"])
    assert item["custom_fields"] is None
    assert item["raw_data"] is None
    for field in spec.fields:
        check_value(spec, field, item[field.name], row[field.name], tenant)
    assert await read(api, f"{plural}/{item['id']}") == item
    assert await read(api, f"{plural}/{item['id'].upper()}") == item


@ALL
async def test_empty_record_has_every_key_and_says_null(api: httpx.AsyncClient, tenant: Tenant, plural: str) -> None:
    spec = PLURALS[plural]
    await save(tenant, spec.name, {"remote_id": "7"})
    (item,) = (await read(api, plural))["items"]
    assert sorted(item) == sorted(NATIVE.list_keys(spec))
    values = {item.pop(name) for name in ("id", "modified_at", "remote_id")}
    assert None not in values
    assert set(item.values()) == {None}


@ALL
async def test_raw_data_and_custom_fields_are_answered_where_asked_for(
    api: httpx.AsyncClient, tenant: Tenant, plural: str
) -> None:
    spec = PLURALS[plural]
    row = make_row(spec, 7)
    await save(tenant, spec.name, row)
    id = id_in(tenant, spec.name, "7")
    for path in (plural, f"{plural}/{id}"):
        for raw in ("true", "false", "1", "0"):
            for custom in ("true", "false"):
                body = await read(api, path, include_raw_data=raw, include_custom_fields=custom)
                item = body if path != plural else body["items"][0]
                assert item["raw_data"] == (row if raw in ("true", "1") else None)
                assert item["custom_fields"] == ({} if custom == "true" else None)
                assert sorted(item) == sorted(NATIVE.list_keys(spec))


@ALL
async def test_list_without_records_is_an_empty_page(api: httpx.AsyncClient, plural: str) -> None:
    assert await read(api, plural) == {"cursor": None, "page_size": 0, "items": []}


async def test_raw_data_is_what_the_vendor_sent_to_the_last_digit(api: httpx.AsyncClient, tenant: Tenant) -> None:
    row = {"remote_id": "1", "name": 'Zoë 雪 \u2028"\\/', "_odd": [1, 1.50, 10**25, None, {"a": {"b": []}}, "\u0000"]}
    await save(tenant, "job", row)
    await save(tenant, "department", {"remote_id": "1"})
    id = id_in(tenant, "job", "1")
    assert (await read(api, f"jobs/{id}", include_raw_data=True))["raw_data"] == row
    expanded = await read(api, f"jobs/{id}", include_raw_data=True, expand="departments")
    assert expanded["raw_data"] == row
    assert expanded["name"] == row["name"]


async def test_word_outside_the_list_and_the_dash_pass_through(api: httpx.AsyncClient, tenant: Tenant) -> None:
    await save(tenant, "job", {"remote_id": "1", "status": "On hold"}, {"remote_id": "2", "status": "-"})
    items = (await read(api, "jobs"))["items"]
    assert [item["status"] for item in items] == ["On hold", "-"]
    assert [item["remote_id"] for item in (await read(api, "jobs", status="-"))["items"]] == ["2"]


async def test_url_items_carry_value_type_and_url_type(api: httpx.AsyncClient, tenant: Tenant) -> None:
    await save(tenant, "candidate", {"remote_id": "1", "urls": [{"value": "https://example.com"}]})
    (item,) = (await read(api, "candidates"))["items"]
    assert item["urls"] == [{"value": "https://example.com", "type": None, "url_type": None}]


@pytest.mark.parametrize(("size", "expected"), [(1, [1, 1, 1, 1, 1]), (2, [2, 2, 1]), (5, [5]), (100, [5])])
async def test_page_size_is_the_number_of_items_in_the_page_and_a_null_cursor_ends_the_walk(
    api: httpx.AsyncClient, tenant: Tenant, size: int, expected: list[int]
) -> None:
    for number in range(5):
        await save(tenant, "tag", {"remote_id": str(number)})
    sizes, remote_ids, cursor = [], [], None
    for _ in range(1_000):  # no walk that goes round is waited for
        page = await read(api, "tags", page_size=size, **({"cursor": cursor} if cursor else {}))
        assert page["page_size"] == len(page["items"])
        sizes.append(page["page_size"])
        remote_ids += [item["remote_id"] for item in page["items"]]
        cursor = page["cursor"]
        if cursor is None:
            break
        assert re.fullmatch(r"[A-Za-z0-9_-]+", cursor)  # safe in a query as it is
    assert sizes == expected
    assert remote_ids == ["0", "1", "2", "3", "4"]


async def test_cursor_is_read_however_it_is_written(api: httpx.AsyncClient, tenant: Tenant) -> None:
    await save(tenant, "tag", *({"remote_id": str(number)} for number in range(5)))
    first = await read(api, "tags", page_size=2)
    cursor, path = first["cursor"], "/api/ats/v1/tags?page_size=2"
    escaped = "".join(f"%{ord(letter):02X}" for letter in cursor)

    async def list_ids(query: str) -> list[str] | int:
        answer = await api.get(path + query)
        return [item["remote_id"] for item in answer.json()["items"]] if answer.status_code == 200 else 422

    for _ in range(2):  # the second time from memory
        assert await list_ids("") == ["0", "1"]
        for query in ("cursor={}", "cur%73or={}", "cursor={}&include_raw_data=true", "cursor=no&cursor={}"):
            for written in (cursor, escaped):
                assert await list_ids("&" + query.format(written)) == ["2", "3"], query
        for query in ("cursor=no", f"cursor={cursor}&cursor=no", f"cursor={cursor}&cur%73or=no", "cursor=%2B"):
            assert await list_ids("&" + query) == 422, query
        assert await list_ids("&cursor=") == ["0", "1"]


async def test_page_holds_fifty_unless_asked_otherwise(api: httpx.AsyncClient, tenant: Tenant) -> None:
    await save(tenant, "tag", *({"remote_id": str(number)} for number in range(201)))
    assert (await read(api, "tags"))["page_size"] == 50
    assert (await read(api, "tags", page_size=100))["page_size"] == 100
    page = await read(api, "tags", page_size=200)
    assert page["page_size"] == 200
    assert (await read(api, "tags", page_size=200, cursor=page["cursor"]))["page_size"] == 1


@pytest.mark.parametrize("plural", PLURALS)
async def test_page_size_has_the_bound_of_the_list(api: httpx.AsyncClient, plural: str) -> None:
    most = 100 if plural == "jobs" else 200
    assert (await read(api, plural, page_size=most))["items"] == []
    answer = await api.get(f"/api/ats/v1/{plural}", params={"page_size": most + 1})
    (problem,) = answer.json()["detail"]
    assert problem["loc"] == ["query", "page_size"]
    assert problem["msg"] == f"Input should be less than or equal to {most}"
