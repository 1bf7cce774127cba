"""What a refused read answers: status, shape, order of the checks, and the headers every answer carries."""

import itertools
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.effort import pick
from testbed.records import PLURALS, bury, id_in, save
from testbed.tenants import Tenant, open_api, serve_app
from unihire.app import create_app

JOBS = "/api/ats/v1/jobs"
ALL = pytest.mark.parametrize("plural", pick(list(PLURALS), 6))
UNKNOWN = list(itertools.product(PLURALS, ["sort", "mail", "candidate_id", "", "Page_Size"]))


@pytest_asyncio.fixture
async def limited(databases: Databases, tenant: Tenant) -> AsyncIterator[httpx.AsyncClient]:
    """The API with three calls a minute."""
    async with open_api(databases.settings("migrated", rate_limit=3), tenant) as client:
        yield client


def check_problems(answer: httpx.Response, *locations: str) -> list[dict[str, Any]]:
    """A 422 in FastAPI's shape, with a problem at each of the places."""
    assert answer.status_code == 422, answer.text
    problems = answer.json()["detail"]
    assert answer.json().keys() == {"detail"}
    for problem in problems:
        assert problem.keys() - {"ctx"} == {"type", "loc", "msg", "input"}
    assert sorted(problem["loc"][1] for problem in problems) == sorted(locations)
    return list(problems)


def check_detail(answer: httpx.Response, status: int) -> str:
    """An error whose detail is text."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.json().keys() == {"detail"}
    detail = answer.json()["detail"]
    assert isinstance(detail, str)
    assert len(detail) > 5
    return detail


@ALL
async def test_every_read_asks_for_a_key_first_and_challenges(api: httpx.AsyncClient, plural: str) -> None:
    keys = (None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic dTpw", "wrong", "Bearer ü", "bearer\twrong")
    for path in (f"/api/ats/v1/{plural}", f"/api/ats/v1/{plural}/{uuid4()}"):
        for key in keys:
            # The connector token and the query are as wrong: the key is looked at before them.
            headers = {"X-Connector-Token": b"x", "Authorization": (key or "").encode()}
            request = api.build_request("GET", path, params={"page_size": 0}, headers=headers)
            if key is None:
                del request.headers["authorization"]
            answer = await api.send(request)
            check_detail(answer, 401)
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_scheme_is_read_without_letter_case(api: httpx.AsyncClient, tenant: Tenant) -> None:
    for scheme in ("bearer", "BEARER", "Bearer "):
        answer = await api.get(JOBS, headers={"Authorization": f"{scheme} {tenant.key}"})
        assert answer.status_code == 200


@ALL
async def test_missing_connector_token_is_a_422_before_the_query_is_read(api: httpx.AsyncClient, plural: str) -> None:
    for path in (f"/api/ats/v1/{plural}", f"/api/ats/v1/{plural}/{uuid4()}"):
        request = api.build_request("GET", path, params={"page_size": 0})
        del request.headers["x-connector-token"]
        (problem,) = check_problems(await api.send(request), "x-connector-token")
        assert problem == {
            "type": "missing", "loc": ["header", "x-connector-token"], "msg": "Field required", "input": None,
        }  # fmt: skip


@pytest.mark.parametrize("token", ["", "wrong", "ü", "x" * 10_000])
async def test_unknown_connector_token_is_a_401(api: httpx.AsyncClient, token: str) -> None:
    answer = await api.get(JOBS, params={"page_size": 0}, headers={"X-Connector-Token": token.encode()})
    check_detail(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_token_of_another_category_is_a_403(api: httpx.AsyncClient, tenant: Tenant) -> None:
    await tenant.pool.execute("UPDATE connector SET category = 'HRIS'")
    assert "HRIS" in check_detail(await api.get(JOBS, params={"page_size": 0}), 403)


@ALL
async def test_id_that_is_not_there_is_a_404(api: httpx.AsyncClient, tenant: Tenant, plural: str) -> None:
    spec = PLURALS[plural]
    await save(tenant, spec.name, {"remote_id": "gone"})
    await bury(tenant, spec.name, "gone")
    other = "tag" if spec.name != "tag" else "office"
    await save(tenant, other, {"remote_id": "here"})
    for id in (uuid4(), id_in(tenant, spec.name, "gone"), id_in(tenant, other, "here"), "x", "1", "%00", "..", "☃"):
        answer = await api.get(f"/api/ats/v1/{plural}/{id}")
        check_detail(answer, 404)


async def test_bad_query_of_a_record_is_told_before_its_absence(api: httpx.AsyncClient) -> None:
    check_problems(await api.get(f"{JOBS}/{uuid4()}", params={"include_raw_data": "perhaps"}), "include_raw_data")


async def test_every_bad_parameter_of_a_list_is_told_at_once(api: httpx.AsyncClient) -> None:
    bad = {"page_size": "101", "include_custom_fields": "x", "status": "Q", "modified_after": "no", "expand": "zz"}
    check_problems(await api.get(JOBS, params=bad), *bad)


@pytest.mark.parametrize("size", ["0", "101", "abc", "-1", "", "1e2", "1" * 400])
async def test_page_size_outside_its_bounds_is_a_422(api: httpx.AsyncClient, size: str) -> None:
    (problem,) = check_problems(await api.get(JOBS, params={"page_size": size}), "page_size")
    assert problem["input"].startswith(size[:250])


@pytest.mark.parametrize(
    "cursor", ["x", "AAAA", "MDE4YjE4ZWYtYzk5Yy03YTg2", "☃", "=" * 30, "A" * 22, "\x00", "A" * 60_000]
)
async def test_cursor_that_is_not_ours_is_a_422(api: httpx.AsyncClient, cursor: str) -> None:
    (problem,) = check_problems(await api.get(JOBS, params={"cursor": cursor}), "cursor")
    assert problem["input"].startswith(cursor[:250])


async def test_cursor_of_another_list_or_connector_is_a_422(
    api: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant
) -> None:
    for owner in (tenant, other_tenant):
        await save(owner, "job", {"remote_id": "1"}, {"remote_id": "2"})
    cursor = (await api.get(JOBS, params={"page_size": 1})).json()["cursor"]
    check_problems(await api.get("/api/ats/v1/offers", params={"cursor": cursor}), "cursor")
    assert (await api.get(JOBS, params={"cursor": cursor})).status_code == 200
    check_problems(await api.get(JOBS, params={"cursor": cursor}, headers=other_tenant.headers), "cursor")


async def test_cursor_of_a_filtered_list_still_works_when_the_record_it_names_is_gone(
    api: httpx.AsyncClient, tenant: Tenant
) -> None:
    await save(tenant, "job", *({"remote_id": number} for number in "123"))
    cursor = (await api.get(JOBS, params={"page_size": 1})).json()["cursor"]
    await bury(tenant, "job", "1", "2")
    items = (await api.get(JOBS, params={"cursor": cursor})).json()["items"]
    assert [item["remote_id"] for item in items] == ["3"]


async def test_path_or_method_that_is_not_ours_is_told_as_json(api: httpx.AsyncClient) -> None:
    check_detail(await api.get("/api/ats/v1/employees"), 404)
    check_detail(await api.get("/api/ats/v1/jobs/1/2"), 404)
    check_detail(await api.get("/nothing"), 404)
    for method in ("PUT", "PATCH", "DELETE"):
        answer = await api.request(method, JOBS)
        check_detail(answer, 405)
        assert "GET" in answer.headers["allow"]


async def test_head_answers_as_get_does(api: httpx.AsyncClient) -> None:
    assert (await api.head(JOBS)).status_code == 200


async def test_call_over_the_limit_is_a_429_that_says_when_to_come_back(limited: httpx.AsyncClient) -> None:
    for remaining in (2, 1, 0):
        answer = await limited.get(JOBS)
        assert answer.status_code == 200
        assert answer.headers["x-ratelimit-limit"] == "3"
        assert answer.headers["x-ratelimit-remaining"] == str(remaining)
    for _ in range(2):
        refused = await limited.get(JOBS)
        assert check_detail(refused, 429) == "Rate limit exceeded"
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert refused.headers["x-ratelimit-remaining"] == "0"
        assert refused.headers["x-ratelimit-reset"] == answer.headers["x-ratelimit-reset"]


async def test_limit_counts_each_connector_by_itself(limited: httpx.AsyncClient, other_tenant: Tenant) -> None:
    for _ in range(4):
        spent = await limited.get(JOBS)
    assert spent.status_code == 429
    assert (await limited.get(JOBS, headers=other_tenant.headers)).status_code == 200


async def test_errors_count_but_calls_not_let_in_count_against_nobody(limited: httpx.AsyncClient) -> None:
    statuses = [(await limited.get(JOBS, headers={"Authorization": "Bearer guess"})).status_code for _ in range(5)]
    assert statuses == [401] * 5
    statuses = [(await limited.get(JOBS, params={"page_size": 0})).status_code for _ in range(5)]
    assert statuses == [422, 422, 422, 429, 429]


async def test_every_answer_carries_the_limits_headers(databases: Databases, tenant: Tenant) -> None:
    bad_key = {"Authorization": "Bearer x"}
    async with serve_app(create_app(databases.settings("migrated", rate_limit=100), tenant.pool)) as client:
        key_only = {"Authorization": tenant.headers["Authorization"]}
        calls: list[tuple[str, dict[str, str], int]] = [
            (JOBS, tenant.headers, 200),
            (f"{JOBS}/x", tenant.headers, 404),
            (f"{JOBS}?page_size=0", tenant.headers, 422),
            (f"{JOBS}?cursor=x", tenant.headers, 422),
            (JOBS, {}, 401),
            (JOBS, bad_key, 401),
            (JOBS, {**tenant.headers, "X-Connector-Token": "x"}, 401),
            (JOBS, key_only, 422),
            ("/api/ats/v1/employees", tenant.headers, 404),
        ]
        answers = [(await client.get(path, headers=headers), status) for path, headers, status in calls]
        await tenant.pool.execute("UPDATE connector SET category = 'HRIS'")
        await tenant.pool.execute("SELECT pg_notify('unihire_access', '')")
        while (forbidden := await client.get(JOBS, headers=tenant.headers)).status_code == 200:
            pass
        answers.append((forbidden, 403))
    for answer, status in answers:
        assert answer.status_code == status
        for name, least, most in (("limit", 100, 100), ("remaining", 0, 100), ("reset", 1_700_000_000, 5_000_000_000)):
            assert least <= int(answer.headers[f"x-ratelimit-{name}"]) <= most, answer.request.url


async def test_without_a_limit_nothing_is_said_of_it(api: httpx.AsyncClient) -> None:
    for _ in range(300):
        answer = await api.get("/api/ats/v1/tags")
    assert answer.status_code == 200
    assert not [name for name in answer.headers if "ratelimit" in name.lower()]


@pytest.mark.parametrize(("plural", "name"), pick(UNKNOWN, 17))
async def test_parameter_that_a_read_does_not_have_is_refused_with_those_it_has(
    api: httpx.AsyncClient, tenant: Tenant, plural: str, name: str
) -> None:
    await save(tenant, PLURALS[plural].name, {"remote_id": "1"})
    for path, some in ((plural, "page_size"), (f"{plural}/{id_in(tenant, PLURALS[plural].name, '1')}", "expand")):
        answer = await api.get(f"/api/ats/v1/{path}", params={name: "x", "include_raw_data": "true"})
        (problem,) = check_problems(answer, name)
        assert (problem["type"], problem["input"]) == ("extra_forbidden", "x")
        assert some in problem["msg"]
        assert "include_raw_data" in problem["msg"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("candidates?email=jane@example.com", "is email_addresses what you mean?"),
        ("offers?candidate=5b0f7a52-3c1e-5d0b-9f57-6a4f6a0f9d11", "/applications?candidate=… and then"),
        ("offers?candidate=5b0f7a52-3c1e-5d0b-9f57-6a4f6a0f9d11", "/offers?application=… with their ids"),
        ("jobs?pagesize=3", "is page_size what you mean?"),
    ],
)
async def test_refused_parameter_shows_the_way_to_the_answer(api: httpx.AsyncClient, asked: str, said: str) -> None:
    answer = await api.get(f"/api/ats/v1/{asked}")
    (problem,) = check_problems(answer, asked.partition("?")[2].partition("=")[0])
    assert said in problem["msg"]


@pytest.mark.parametrize("path", ["/api/v1/issues", "/api/v1/quarantine", "/api/v1/syncs", "/api/ats/v1/connectors"])
async def test_our_own_lists_refuse_what_they_do_not_know_too(api: httpx.AsyncClient, path: str) -> None:
    check_problems(await api.get(path, params={"colour": "red"}), "colour")


async def test_unknown_parameters_are_passed_over_where_the_operator_says_so(
    databases: Databases, tenant: Tenant
) -> None:
    async with open_api(databases.settings("migrated", unknown_parameters="ignore"), tenant) as client:
        for path in (JOBS, "/api/v1/issues"):
            assert (await client.get(path, params={"colour": "red"})).status_code == 200
