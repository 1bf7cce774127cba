"""Whatever a caller sends, the answer is one of those described: never a 5xx, always an error that can be read."""

import json
from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testbed.databases import Databases
from testbed.records import PLURALS, make_row, save
from testbed.tenants import Tenant, make_tenant, open_api
from unihire.dialects.bindbee.face import NATIVE
from unihire.kit.seal import Sealer

NAMES = sorted({param.name for params in NATIVE.filters.values() for param in params})
PARAMS = ["page_size", "cursor", "modified_after", "ids", "remote_id", "expand", "include_raw_data", *NAMES]
WORDS = [
    *["", "0", "1", "100", "101", "-1", "1e400", "NaN", "true", "no", "{}", "[1]", "null"],
    *["\x00", "\ud7ff", "é", "💥", "\u202e", "\r\nX-Injected: 1", "%", "%zz", "'", '"', "\\", ";", "SELECT 1; --"],
    *["a,b", ",", "]", "[]", "job,candidate", "job[name]", "job[name],job", "candidate[", "OPEN", "-", "A" * 3000],
    *["2026-01-01", "2026-01-01T00:00:00 02:00", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00+23:59"],
    "00000000-0000-0000-0000-000000000000",
]
VALUE = st.one_of(st.sampled_from(WORDS), st.text(max_size=40))
QUERY = st.lists(st.tuples(st.one_of(st.sampled_from(PARAMS), st.text(max_size=10)), VALUE), max_size=6)
RAW = st.binary(max_size=60).map(lambda raw: raw.replace(b"#", b"").replace(b" ", b"+"))
HEADER = st.binary(max_size=60).filter(lambda raw: not set(raw) & set(b"\r\n\x00"))
PATH = st.sampled_from([f"/api/ats/v1/{plural}{tail}" for plural in PLURALS for tail in ("", "/x")])


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(databases: Databases, sealer: Sealer) -> AsyncIterator[httpx.AsyncClient]:
    async with databases.open() as pool:
        tenant: Tenant = await make_tenant(pool, sealer)
        for spec in PLURALS.values():
            await save(tenant, spec.name, *(make_row(spec, number) for number in range(4)))
        async with open_api(databases.settings("migrated"), tenant) as client:
            yield client


def check(answer: httpx.Response) -> None:
    assert answer.status_code in (200, 401, 404, 422), answer.text
    body = json.loads(answer.content)
    assert ("detail" in body) == (answer.status_code != 200)
    if answer.status_code == 422:
        for problem in body["detail"]:
            assert {"type", "loc", "msg", "input"} <= problem.keys()
            assert problem["loc"][0] in ("query", "header")
    assert "x-injected" not in answer.headers


FUZZ = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(path=PATH, query=QUERY)
async def test_any_parameters_get_an_answer_that_is_described(
    api: httpx.AsyncClient, path: str, query: list[tuple[str, str]]
) -> None:
    check(await api.get(path, params=query))


@FUZZ
@given(path=PATH, raw=RAW)
async def test_any_bytes_as_query_get_an_answer_that_is_described(
    api: httpx.AsyncClient, path: str, raw: bytes
) -> None:
    request = api.build_request("GET", path)
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": path, "raw_path": path.encode(), "root_path": "", "query_string": raw, "client": ("127.0.0.1", 1),
        "server": ("api", 80), "headers": [(name.lower(), value) for name, value in request.headers.raw],
    }  # fmt: skip
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    await api._transport.app(scope, receive, send)  # type: ignore[attr-defined]
    body = b"".join(message.get("body", b"") for message in sent)  # type: ignore[misc]
    check(httpx.Response(sent[0]["status"], content=body))  # type: ignore[arg-type]


@FUZZ
@given(path=PATH, authorization=HEADER, token=HEADER)
async def test_any_headers_get_an_answer_that_is_described(
    api: httpx.AsyncClient, path: str, authorization: bytes, token: bytes
) -> None:
    for key in (authorization, b"Bearer " + authorization, api.headers["Authorization"].encode()):
        answer = await api.get(path, headers=[(b"Authorization", key), (b"X-Connector-Token", token)])
        check(answer)
        assert answer.status_code == 401


@FUZZ
@given(plural=st.sampled_from(list(PLURALS)), id=st.one_of(VALUE, st.uuids().map(str)))
async def test_any_id_is_there_or_not(api: httpx.AsyncClient, plural: str, id: str) -> None:
    answer = await api.get(f"/api/ats/v1/{plural}/{quote(id, safe='')}")
    assert answer.status_code in (200, 307, 404), answer.text
