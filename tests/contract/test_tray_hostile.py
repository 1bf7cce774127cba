"""Calls of operations that mean harm: refused as every other error is, bounded, before the vendor is asked."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
import structlog
from structlog.testing import capture_logs

from testbed.databases import Databases
from testbed.tenants import Tenant, make_tenant, serve_app
from unihire.app import create_app
from unihire.dialects.tray.connectors import PATH
from unihire.integration.operate import Operation, Output
from unihire.integration.registry import get_integration, list_operations
from unihire.kit.seal import Sealer
from unihire.platform import operations

CALL = f"{PATH}/greenhouse/versions/1.0/call"
LONGEST_ANSWER = 20_000
NOBODY = "http://127.0.0.1:9"
"""An address where no vendor is: who is asked there is never reached."""

NOTE = {"candidate_id": 1, "user_id": 1, "body": "x", "visibility": "public"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tenant(databases: Databases, sealer: Sealer) -> AsyncIterator[Tenant]:
    async with databases.open() as pool:
        integration = get_integration("greenhouse")
        yield await make_tenant(pool, sealer, integration=integration, base_url=NOBODY)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(databases: Databases, sealer: Sealer, tenant: Tenant) -> AsyncIterator[httpx.AsyncClient]:
    async with serve_app(create_app(databases.settings("migrated"), tenant.pool, sealer)) as client:
        client.headers["Authorization"] = f"Bearer {tenant.key}"
        yield client


async def refuse(api: httpx.AsyncClient, tenant: Tenant, name: str, given: bytes, *headers: tuple[bytes, bytes]) -> str:
    """The words of the refusal."""
    body = b'{"operation": "%s", "authId": "%s", "input": %s}'
    sent = body % (name.encode(), str(tenant.connector.id).encode(), given)
    answer = await api.post(
        CALL, content=sent, headers=[(b"Authorization", api.headers["Authorization"].encode()), *headers]
    )
    assert 400 <= answer.status_code < 500, answer.text[:300]
    assert len(answer.content) < LONGEST_ANSWER
    assert answer.json().keys() == {"message", "code"}
    return str(answer.json()["message"])


async def test_idempotency_key_that_cannot_be_stored_is_refused(api: httpx.AsyncClient, tenant: Tenant) -> None:
    given = json.dumps({**NOTE, "idempotency_key": "a\0b"}).encode()
    assert "U+0000" in await refuse(api, tenant, "create_candidate_note", given)
    for header in (b"Idempotency-Key", b"X-Idempotency-Key"):
        note = json.dumps(NOTE).encode()
        assert "U+0000" in await refuse(api, tenant, "create_candidate_note", note, (header, b"a\0b"))
        assert "255" in await refuse(api, tenant, "create_candidate_note", note, (header, b"a" * 10**6))


@pytest.mark.parametrize("levels", [33, 255, 256, 400, 900, 5_000, 100_000])
async def test_input_nested_too_deeply_is_refused(api: httpx.AsyncClient, tenant: Tenant, levels: int) -> None:
    for name in list_operations("greenhouse"):
        words = await refuse(api, tenant, name, b"[" * levels + b"]" * levels)
        assert "nested deeper than" in words
        words = await refuse(api, tenant, name, b'{"x":' + b'{"x":' * levels + b"1" + b"}" * levels + b"}")
        assert "nested deeper" in words


@pytest.mark.parametrize("number", [1_000, 300_000])
async def test_any_number_of_unknown_inputs_is_refused_in_few_words(
    api: httpx.AsyncClient, tenant: Tenant, number: int
) -> None:
    given = json.dumps({f"an unknown input of some length {one}": None for one in range(number)}).encode()
    for name in ("get_job", "create_candidate"):
        await refuse(api, tenant, name, given)


HOSTILE = {
    "half a pair": b'{"job_id": "\\ud800"}',
    "NUL": b'{"job_id": "\\u0000"}',
    "NUL in a name": b'{"job\\u0000id": 1}',
    "not UTF-8": b'{"job_id": "\xff"}',
    "beyond 64 bits": b'{"job_id": %d}' % 10**30,
    "4,000 digits": b'{"job_id": ' + b"9" * 4_000 + b"}",
    "5,000 digits": b'{"job_id": ' + b"9" * 5_000 + b"}",
    "beyond any number": b'{"job_id": 1e400}',
    "no number": b'{"job_id": NaN}',
    "a megabyte": b'{"job_id": "' + b"x" * 10**6 + b'"}',
    "a name of a megabyte": b'{"' + b"x" * 10**6 + b'": 1}',
    "a list of a million": b'{"job_id": [' + b"1," * 10**6 + b"1]}",
}


@pytest.mark.parametrize("given", HOSTILE.values(), ids=HOSTILE.keys())
async def test_values_that_nothing_can_hold_are_refused(api: httpx.AsyncClient, tenant: Tenant, given: bytes) -> None:
    await refuse(api, tenant, "get_job", given)


async def test_name_of_an_operation_of_a_megabyte_is_refused_in_few_words(
    api: httpx.AsyncClient, tenant: Tenant
) -> None:
    assert "list_jobs" in await refuse(api, tenant, "x" * 1_000, b"{}")
    await refuse(api, tenant, "x" * 10**6, b"{}")


@pytest.mark.parametrize("source", ["vendor", "synced"])
@pytest.mark.parametrize("page", [2**31, 2**62, 2**63, 10**30])
async def test_page_beyond_any_list_is_refused(api: httpx.AsyncClient, tenant: Tenant, source: str, page: int) -> None:
    names = [name for name, one in list_operations("greenhouse").items() if "page" in one.input.__struct_fields__]
    assert len(names) > 8
    for name in names:
        needed = {"application_id": 1} if name == "list_offers_by_application" else {}
        words = await refuse(api, tenant, name, json.dumps({**needed, "page": page, "source": source}).encode())
        assert "#/page: " in words


async def fall(context: Any, given: Any) -> Output:
    raise ZeroDivisionError("hush")


@pytest.mark.parametrize("source", ["vendor", "synced"])
async def test_exception_nobody_foresaw_names_the_operation_and_the_request_and_is_logged(
    api: httpx.AsyncClient, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    known = list_operations("greenhouse")
    good = known["list_jobs"]
    broken = Operation(
        name=good.name, title="", description="", input=good.input, output=good.output, run=fall, calls="none"
    )
    monkeypatch.setattr(operations, "list_operations", lambda slug: {**known, good.name: broken})
    body = {"operation": "list_jobs", "authId": str(tenant.connector.id), "input": {"source": source}}
    with capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        answer = await api.post(CALL, json=body, headers={"X-Request-Id": "mine-10"})
    assert answer.status_code == 500
    assert answer.json() == {
        "message": "list_jobs: a fault of ours ended the call; the log says more (ZeroDivisionError); request mine-10",
        "code": "internal_error",
    }
    (line,) = [line for line in lines if line["log_level"] == "error"]
    assert (line["operation"], line["connector"]) == ("list_jobs", str(tenant.connector.id))
    assert isinstance(line["exc_info"], ZeroDivisionError)
