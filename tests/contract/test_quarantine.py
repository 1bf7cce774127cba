"""The list of rows that would not map: who may read it, its pages, and when raw data is in it."""

from typing import Any

import httpx
import pytest

from testbed.databases import Databases
from testbed.tenants import Tenant, open_api
from unihire.dialects.unihire.list_pages import write_place

PATH = "/api/v1/quarantine"
INSERT = """
    INSERT INTO quarantine (connector, stream, row_id, reason, raw, since)
    VALUES ($1, $2, $3, $4, $5, '2026-01-31T09:30:00Z')
"""


async def quarantine(tenant: Tenant, *rows: tuple[str, str]) -> None:
    for stream, row_id in rows:
        raw = b'{"id": "%b", "n": 1.50}' % row_id.encode()
        await tenant.pool.execute(INSERT, tenant.connector.number, stream, row_id, f"KeyError: '{row_id}'", raw)


async def read(api: httpx.AsyncClient, **params: Any) -> dict[str, Any]:
    answer = await api.get(PATH, params=params)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    assert page["page_size"] == len(page["items"])
    return page


async def test_nothing_set_aside_is_an_empty_page(api: httpx.AsyncClient) -> None:
    assert await read(api) == {"cursor": None, "page_size": 0, "items": []}


async def test_row_is_told_with_its_reason_and_with_raw_data_on_request_alone(
    api: httpx.AsyncClient, tenant: Tenant
) -> None:
    await quarantine(tenant, ("jobs", "7"))
    told = {
        "stream": "jobs", "remote_id": "7", "reason": "KeyError: '7'", "served": False, "left_out": [],
        "since": "2026-01-31T09:30:00Z", "raw_data": None,
    }  # fmt: skip
    assert (await read(api))["items"] == [told]
    assert (await read(api, include_raw_data=True))["items"] == [{**told, "raw_data": {"id": "7", "n": 1.5}}]
    answer = await api.get(PATH, params={"include_raw_data": "true"})
    assert b'"raw_data":{"id": "7", "n": 1.50}' in answer.content


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 100])
async def test_pages_have_every_row_once(api: httpx.AsyncClient, tenant: Tenant, size: int) -> None:
    rows = [("jobs", "1"), ("jobs", "10"), ("jobs", "2"), ("people", "1"), ("people", "?ab")]
    await quarantine(tenant, *rows)
    found, cursor = [], None
    for _ in range(1_000):  # no walk that goes round is waited for
        page = await read(api, page_size=size, **({"cursor": cursor} if cursor else {}))
        assert len(page["items"]) <= size
        found += [(item["stream"], item["remote_id"]) for item in page["items"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert sorted(found) == sorted(rows)


async def test_cursor_goes_on_behind_a_row_that_was_released(api: httpx.AsyncClient, tenant: Tenant) -> None:
    await quarantine(tenant, ("jobs", "1"), ("jobs", "2"), ("jobs", "3"))
    page = await read(api, page_size=2)
    await tenant.pool.execute("DELETE FROM quarantine WHERE row_id = '2'")
    assert [item["remote_id"] for item in (await read(api, cursor=page["cursor"]))["items"]] == ["3"]


async def test_rows_of_another_connector_are_not_told(
    api: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant
) -> None:
    await quarantine(tenant, ("jobs", "1"), ("jobs", "2"))
    await quarantine(other_tenant, ("jobs", "3"), ("jobs", "4"))
    page = await read(api, page_size=1)
    answer = await api.get(PATH, params={"cursor": page["cursor"]}, headers=other_tenant.headers)
    assert answer.status_code == 422
    assert [item["remote_id"] for item in (await read(api))["items"]] == ["1", "2"]


async def test_call_is_refused_as_the_data_reads_refuse_it(
    api: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant
) -> None:
    key = {"Authorization": f"Bearer {tenant.key}"}
    async with httpx.AsyncClient(transport=api._transport, base_url="http://api") as plain:
        for headers, status in (
            ({}, 401),
            ({"Authorization": "Bearer wrong", "x-connector-token": tenant.token}, 401),
            (key, 422),
            ({**key, "x-connector-token": "wrong"}, 401),
            ({**key, "x-connector-token": other_tenant.token}, 401),
            (tenant.headers, 200),
        ):
            answers = [await plain.get(path, headers=headers) for path in (PATH, "/api/ats/v1/jobs")]
            assert [answer.status_code for answer in answers] == [status, status]
            assert answers[0].json().get("detail") == answers[1].json().get("detail")


@pytest.mark.parametrize(
    ("params", "where"),
    [
        ({"page_size": "0"}, "page_size"),
        ({"page_size": "201"}, "page_size"),
        ({"page_size": "many"}, "page_size"),
        ({"include_raw_data": "perhaps"}, "include_raw_data"),
        ({"cursor": "x"}, "cursor"),
        ({"cursor": "é"}, "cursor"),
        ({"cursor": "AAAAAAAAAABbImpvYnMiLCAiMSJd"}, "cursor"),
    ],
)
async def test_query_that_cannot_be_is_told_by_its_parameter(
    api: httpx.AsyncClient, params: dict[str, str], where: str
) -> None:
    answer = await api.get(PATH, params=params)
    assert answer.status_code == 422
    assert [problem["loc"] for problem in answer.json()["detail"]] == [["query", where]]


async def test_cursor_that_its_owner_made_up_is_refused(api: httpx.AsyncClient, tenant: Tenant) -> None:
    cursor = write_place(tenant.connector.id, "quarantine", ("jobs", "\0"))
    answer = await api.get(PATH, params={"cursor": cursor})
    assert answer.status_code == 422
    assert [problem["loc"] for problem in answer.json()["detail"]] == [["query", "cursor"]]


async def test_calls_count_as_reads_of_the_connector(databases: Databases, tenant: Tenant) -> None:
    async with open_api(databases.settings("migrated", rate_limit=2), tenant) as api:
        assert (await api.get("/api/ats/v1/jobs")).headers["X-RateLimit-Remaining"] == "1"
        assert (await api.get(PATH)).headers["X-RateLimit-Remaining"] == "0"
        refused = await api.get(PATH)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
