"""Sync runs over HTTP: asked for, told, listed, paused, gone on with, cancelled."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import timedelta
from typing import Any

import httpx
import pytest
from aiohttp import web

from testbed.databases import Databases
from testbed.passing import let_pass
from testbed.tenants import Tenant, make_tenant, open_api, read_pages
from testbed.vendor import Vendor, fill, job
from testbed.waiting import until
from unihire.dialects.unihire.list_pages import write_place
from unihire.errors import Stopped, UnihireError
from unihire.kit.seal import Sealer
from unihire.store import Pool
from unihire.store.work import runs

PATH = "/api/v1/syncs"
CHANGES = ("pause", "resume", "cancel")

pytestmark = pytest.mark.usefixtures("acme")


@pytest.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    fill(vendor)
    return await make_tenant(pool, sealer, base_url=vendor.base_url)


async def ask(api: httpx.AsyncClient, status: int = 202, **body: Any) -> dict[str, Any]:
    answer = await api.post(PATH, json=body)
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def change(api: httpx.AsyncClient, name: str) -> dict[str, Any]:
    answer = await api.post(f"{PATH}/{name}")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def tell(api: httpx.AsyncClient, id: str) -> dict[str, Any]:
    answer = await api.get(f"{PATH}/{id}")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def list_runs(api: httpx.AsyncClient, **params: Any) -> list[dict[str, Any]]:
    """Every run, page by page."""
    return await read_pages(api, PATH, **params)


def then(vendor: Vendor, path: str, act: Callable[[], Awaitable[object]], *rows: dict[str, Any]) -> None:
    """Let the vendor's next answer be a page of these rows with more to come, sent when `act` has been done."""

    async def answer(request: web.Request) -> web.Response:
        await act()
        following = f"{vendor.base_url}{path}?from=2&limit=2"
        return web.json_response({"rows": list(rows), "next": following})

    vendor.will(path, answer)


async def test_empty_body_asks_for_an_incremental_run_of_all(api: httpx.AsyncClient) -> None:
    answer = await api.post(PATH)
    assert answer.status_code == 202
    run = answer.json()
    assert (run["number"], run["status"], run["full"], run["only_streams"]) == (1, "queued", False, None)
    assert (run["triggered_by"], run["started_at"], run["progress"]) == ("request", None, None)
    assert run["totals"] == {
        "read": 0, "new": 0, "changed": 0, "deleted": 0, "quarantined": 0, "incomplete": 0, "wrong_answers": 0,
        "requests": 0, "waited_seconds": 0.0,
    }  # fmt: skip


async def test_run_that_is_asked_for_leaves_a_job_for_the_workers(api: httpx.AsyncClient, tenant: Tenant) -> None:
    await ask(api)
    query = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo' AND queueing_lock = $1"
    assert await tenant.pool.fetchval(query, f"sync:{tenant.connector.number}") == 1


async def test_models_narrow_the_run_to_the_lists_they_are_made_of(api: httpx.AsyncClient) -> None:
    run = await ask(api, full=True, models=["candidate"])
    assert (run["full"], run["only_streams"]) == (True, ["people"])


async def test_run_is_told_with_what_each_list_came_to(api: httpx.AsyncClient, tenant: Tenant) -> None:
    asked = await ask(api, full=True)
    await tenant.sync(full=True)
    told = await tell(api, asked["id"])
    assert (told["status"], told["error"]) == ("done", None)
    assert told["asked_at"] <= told["started_at"] <= told["finished_at"]
    parts = {part.pop("stream"): part for part in told.pop("streams")}
    assert set(parts) == {"pipelines", "jobs", "people"}
    jobs = parts["jobs"]
    assert (jobs["phase"], jobs["read"], jobs["new"], jobs["since"]) == ("done", 5, 8, None)
    assert jobs["requests"] >= 3
    for name in ("read", "new", "changed", "deleted", "quarantined", "requests"):
        assert told["totals"][name] == sum(part[name] for part in parts.values()), name
    assert await list_runs(api) == [told]


async def test_list_that_could_not_be_read_is_told_with_its_reason(
    api: httpx.AsyncClient, tenant: Tenant, vendor: Vendor
) -> None:
    vendor.will("/jobs", lambda request: web.json_response({}, status=403))
    await tenant.sync()
    (run,) = await list_runs(api)
    assert run["status"] == "partial"
    (failed,) = [part for part in (await tell(api, run["id"]))["streams"] if part["error"]]
    assert (failed["stream"], failed["error"]) == ("jobs", "the credentials lack jobs:read")


@pytest.mark.parametrize("size", [1, 2, 3, 50])
async def test_pages_have_every_run_once_newest_first(api: httpx.AsyncClient, size: int) -> None:
    for _ in range(3):
        await ask(api)
        await change(api, "cancel")
    assert [run["number"] for run in await list_runs(api, page_size=size)] == [3, 2, 1]


async def test_two_requests_at_once_are_one_run(api: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(api.post(PATH, json={"full": True}) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [202]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await list_runs(api)) == 1


async def test_run_under_way_that_covers_what_is_asked_for_is_the_answer(api: httpx.AsyncClient) -> None:
    full = await ask(api, full=True)
    assert (await ask(api, 200, models=["job"]))["id"] == full["id"]


async def test_full_run_takes_the_place_of_an_incremental_one(
    api: httpx.AsyncClient, tenant: Tenant, vendor: Vendor
) -> None:
    async def ask_full() -> None:
        assert (await ask(api, full=True))["number"] == 2

    then(vendor, "/jobs", ask_full, job("1"), job("2"))
    with pytest.raises(Stopped):
        await tenant.sync()
    assert [(run["number"], run["status"]) for run in await list_runs(api)] == [(2, "queued"), (1, "cancelled")]
    assert (await tenant.sync(full=True)).status == "done"


async def test_run_that_neither_covers_nor_is_covered_is_refused(api: httpx.AsyncClient) -> None:
    first = await ask(api, full=True, models=["candidate"])
    answer = await api.post(PATH, json={"models": ["job"]})
    assert answer.status_code == 409
    assert "run 1 of the connector is under way" in answer.json()["detail"]
    assert [run["id"] for run in await list_runs(api)] == [first["id"]]


async def test_cancelled_run_saves_nothing_more(api: httpx.AsyncClient, tenant: Tenant, vendor: Vendor) -> None:
    async def cancel() -> None:
        state = await change(api, "cancel")
        assert state["run"]["status"] == "cancelled"

    then(vendor, "/jobs", cancel, job("1"), job("2"))
    with pytest.raises(Stopped):
        await tenant.sync(models=["job"])
    assert (await api.get("/api/ats/v1/jobs")).json()["items"] == []
    (run,) = await list_runs(api)
    assert (run["status"], run["totals"]["new"]) == ("cancelled", 0)
    assert run["finished_at"] is not None


async def test_paused_run_rests_after_its_page_and_goes_on_when_resumed(
    api: httpx.AsyncClient, tenant: Tenant, vendor: Vendor
) -> None:
    async def pause() -> None:
        state = await change(api, "pause")
        assert (state["schedule"]["paused"], state["schedule"]["next_at"]) == (True, None)
        assert state["run"]["status"] == "paused"

    then(vendor, "/jobs", pause, job("1"), job("2"))
    with pytest.raises(Stopped):
        await tenant.sync(models=["job"])
    (run,) = await list_runs(api)
    assert (run["status"], run["finished_at"]) == ("paused", None)
    assert 0 < run["totals"]["read"] < 5
    state = await change(api, "resume")
    assert (state["schedule"]["paused"], state["run"]["status"]) == (False, "running")
    assert (await tenant.sync(models=["job"])).is_resumed
    (run,) = await list_runs(api)
    assert (run["status"], run["totals"]["new"]) == ("done", 8)


async def test_run_asked_for_while_paused_is_told_as_paused(api: httpx.AsyncClient) -> None:
    await change(api, "pause")
    assert (await ask(api))["status"] == "paused"
    assert (await change(api, "resume"))["run"]["status"] == "queued"


@pytest.mark.parametrize("name", CHANGES)
async def test_what_changes_syncs_may_be_repeated(api: httpx.AsyncClient, name: str) -> None:
    assert (await change(api, name))["run"] is None
    await ask(api)
    first, second = [await change(api, name) for _ in range(2)]
    assert first == second
    assert first["schedule"]["paused"] == (name == "pause")


async def test_run_that_was_put_off_says_until_when_and_why(api: httpx.AsyncClient, tenant: Tenant) -> None:
    asked = await ask(api)
    run = await runs.take_run(tenant.pool, tenant.connector.number, version=1)
    assert run is not None
    half, reason = timedelta(minutes=30), "the vendor's rate budget is spent"
    until = await tenant.pool.fetchval(runs.DEFER_RUN, run.connector, run.id, run.attempt, half, reason, 1)
    told = await tell(api, asked["id"])
    assert (told["status"], told["waits_until"]) == ("waiting", until.isoformat().replace("+00:00", "Z"))
    assert told["waits_for"] == "the vendor's rate budget is spent"
    await let_pass(tenant.pool, half)
    told = await tell(api, asked["id"])
    assert (told["status"], told["waits_until"], told["waits_for"]) == ("running", None, None)


async def test_progress_of_a_full_run_is_told_once_every_list_was_read_whole_before(
    api: httpx.AsyncClient, tenant: Tenant, vendor: Vendor
) -> None:
    seen: list[Any] = []

    async def look() -> None:
        (latest, *_) = await list_runs(api)
        seen.append(latest["progress"])

    async def look_when_saved() -> None:
        """The next page is asked for while the one before is being saved."""
        await until(lambda: tenant.pool.fetchval("SELECT sum(read) FROM stream_run WHERE finished_at IS NULL"))
        await look()

    then(vendor, "/jobs", look, job("1"), job("2"))
    await tenant.sync(full=True, models=["job"])
    vendor.answers.clear()
    vendor.will("/jobs", vendor.page)
    then(vendor, "/jobs", look_when_saved, job("3"), job("4"))
    await tenant.sync(full=True, models=["job"])
    first, second = seen
    assert first is None
    assert 0 < second["done"] < 1
    assert second["seconds_left"] > 0
    assert [run["progress"] for run in await list_runs(api)] == [None, None]


async def test_run_the_schedule_asked_for_says_so(api: httpx.AsyncClient, tenant: Tenant) -> None:
    async with tenant.pool.acquire() as connection, connection.transaction():
        await runs.ask_run(connection, tenant.connector.number, is_scheduled=True)
    (run,) = await list_runs(api)
    assert run["triggered_by"] == "schedule"


async def test_runs_of_another_connector_are_neither_told_nor_touched(
    api: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant
) -> None:
    run = await ask(api)
    await change(api, "cancel")
    again = await ask(api)
    theirs = other_tenant.headers
    assert (await api.get(f"{PATH}/{run['id']}", headers=theirs)).status_code == 404
    assert (await api.get(PATH, headers=theirs)).json()["items"] == []
    cursor = (await api.get(PATH, params={"page_size": 1})).json()["cursor"]
    assert (await api.get(PATH, params={"cursor": cursor}, headers=theirs)).status_code == 422
    for name in ("cancel", "pause"):
        assert (await api.post(f"{PATH}/{name}", headers=theirs)).json()["run"] is None
    assert (await tell(api, again["id"]))["status"] == "queued"


async def test_key_of_the_other_environment_reaches_nothing(
    api: httpx.AsyncClient, tenant: Tenant, pool: Pool, sealer: Sealer
) -> None:
    development = await make_tenant(pool, sealer, environment="development")
    assert development.organisation == tenant.organisation
    headers = {"Authorization": f"Bearer {development.key}", "X-Connector-Token": tenant.token}
    for method, path in CALLS:
        assert (await api.request(method, path, headers=headers)).status_code == 401, path
    assert await list_runs(api) == []


CALLS = [
    ("GET", PATH),
    ("GET", f"{PATH}/x"),
    ("POST", PATH),
    *(("POST", f"{PATH}/{name}") for name in CHANGES),
    ("GET", "/api/v1/schedule"),
    ("PUT", "/api/v1/schedule"),
    ("GET", "/api/v1/issues"),
    ("POST", "/api/embedded/v1/connectors/resync"),
]


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_call_is_refused_as_the_data_reads_refuse_it(
    api: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant, method: str, path: str
) -> None:
    key = {"Authorization": f"Bearer {tenant.key}"}
    async with httpx.AsyncClient(transport=api._transport, base_url="http://api") as plain:
        for headers, status in (
            ({}, 401),
            ({"Authorization": "Bearer wrong", "x-connector-token": tenant.token}, 401),
            (key, 422),
            ({**key, "x-connector-token": "wrong"}, 401),
            ({**key, "x-connector-token": other_tenant.token}, 401),
        ):
            answer = await plain.request(method, path, headers=headers)
            read = await plain.get("/api/ats/v1/jobs", headers=headers)
            assert answer.status_code == read.status_code == status
            assert answer.json() == read.json()
    assert await list_runs(api) == []


async def test_calls_count_with_the_reads_of_the_connector(databases: Databases, tenant: Tenant) -> None:
    async with open_api(databases.settings("migrated", rate_limit=2), tenant) as api:
        assert (await api.get("/api/ats/v1/jobs")).headers["X-RateLimit-Remaining"] == "1"
        assert (await api.post(PATH)).headers["X-RateLimit-Remaining"] == "0"
        refused = await api.post(PATH)
        assert refused.status_code == 429
        assert (await api.post(f"{PATH}/cancel")).status_code == 429
    assert (await tenant.pool.fetchval("SELECT status FROM sync_run")) == "queued"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"{", []),
        (b"\xff", []),
        (b"[" * 30_000, []),
        (b"null", []),
        (b"[]", []),
        (b'{"full": "yes"}', ["full"]),
        (b'{"full": 1}', ["full"]),
        (b'{"full": null}', ["full"]),
        (b'{"models": "job"}', ["models"]),
        (b'{"models": []}', ["models"]),
        (b'{"models": [1]}', ["models"]),
        (b'{"models": [{}, 1e999]}', ["models"]),
        (b'{"models": ["unicorn"]}', ["models"]),
        (b'{"models": ["offer"]}', ["models"]),
        (b'{"models": ["\\u0000"]}', ["models"]),
        (b'{"everything": true}', ["everything"]),
        (b'{"fu\\u0000ll": %b}' % (b"9" * 100), ["fu\0ll"]),
    ],
)
async def test_body_that_cannot_be_is_told_by_its_member(api: httpx.AsyncClient, body: bytes, where: list[str]) -> None:
    answer = await api.post(PATH, content=body)
    assert answer.status_code == 422
    assert {tuple(problem["loc"]) for problem in answer.json()["detail"]} == {("body", *where)}
    assert await list_runs(api) == []


async def test_model_that_is_not_filled_is_answered_with_those_that_are(api: httpx.AsyncClient) -> None:
    (problem,) = (await api.post(PATH, json={"models": ["job", "offer"]})).json()["detail"]
    assert problem["msg"].endswith("fills no offer; what it fills: candidate, department, job, job_interview_stage")
    assert problem["input"] == ["job", "offer"]


async def test_body_that_is_too_large_is_not_read_to_its_end(api: httpx.AsyncClient) -> None:
    sent = 0

    async def flood() -> Any:
        nonlocal sent
        for _ in range(1000):
            sent += 10_000
            yield b" " * 10_000

    answer = await api.post(PATH, content=flood())
    assert answer.status_code == 413
    assert sent <= 10_000_000
    assert await list_runs(api) == []


@pytest.mark.parametrize("cursor", ["x", "é", "AAAAAAAAAAAxMjM", "AAAAAAAAAAAAAAAAAAAAAA"])
async def test_cursor_from_elsewhere_is_refused(api: httpx.AsyncClient, cursor: str) -> None:
    answer = await api.get(PATH, params={"cursor": cursor})
    assert answer.status_code == 422
    assert [problem["loc"] for problem in answer.json()["detail"]] == [["query", "cursor"]]


@pytest.mark.parametrize("place", [0, -1, 2**31, 10**30])
async def test_cursor_that_its_owner_made_up_is_refused(api: httpx.AsyncClient, tenant: Tenant, place: int) -> None:
    answer = await api.get(PATH, params={"cursor": write_place(tenant.connector.id, "syncs", place)})
    assert answer.status_code == 422
    assert [problem["loc"] for problem in answer.json()["detail"]] == [["query", "cursor"]]


async def test_caller_who_hangs_up_within_a_body_is_no_fault_of_ours(api: httpx.AsyncClient, tenant: Tenant) -> None:
    app = api._transport.app  # type: ignore[attr-defined]
    told: list[MutableMapping[str, Any]] = []
    came = iter([
        {"type": "http.request", "body": b'{"full"', "more_body": True},
        {"type": "http.disconnect"},
    ])  # fmt: skip

    async def receive() -> MutableMapping[str, Any]:
        return next(came)

    async def send(message: MutableMapping[str, Any]) -> None:
        told.append(message)

    headers = [(name.lower().encode(), value.encode()) for name, value in tenant.headers.items()]
    scope = {"type": "http", "method": "POST", "path": PATH, "query_string": b"", "headers": headers}
    await app(scope, receive, send)
    assert told[0]["status"] == 400
    assert await list_runs(api) == []


@pytest.mark.parametrize("id", ["x", "pause", "00000000-0000-0000-0000-000000000000", "%00", "1"])
async def test_run_that_is_not_there_is_not_found(api: httpx.AsyncClient, id: str) -> None:
    answer = await api.get(f"{PATH}/{id}")
    assert (answer.status_code, answer.json()) == (404, {"detail": "There is no sync run with this id"})


async def test_connector_that_is_gone_since_its_token_was_looked_at_is_refused(
    api: httpx.AsyncClient, tenant: Tenant
) -> None:
    await list_runs(api)
    await tenant.pool.execute("DELETE FROM connector WHERE number = $1", tenant.connector.number)
    for method, path in CALLS:
        body = b'{"every": "1h"}' if method == "PUT" else None
        answer = await api.request(method, path, content=body)
        assert answer.status_code in (200, 401, 404), (path, answer.text)
        assert method == "GET" or answer.status_code == 401


async def test_run_with_an_error_of_its_own_tells_it(api: httpx.AsyncClient, tenant: Tenant, vendor: Vendor) -> None:
    vendor.will("/token", *[lambda request: web.json_response({"error": "invalid_client"}, status=401)] * 9)
    with pytest.raises(UnihireError):
        await tenant.sync()
    (run,) = await list_runs(api)
    assert run["status"] == "failed"
    assert run["error"]
