"""Every request has an id, which its answer carries and its log lines name."""

import httpx
import pytest
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from testbed.databases import Databases
from testbed.tenants import serve_app
from unihire.app import create_app
from unihire.dialects.common.telemetry import TelemetryMiddleware
from unihire.kit.request_id import REQUEST_ID
from unihire.store import Pool

PATHS = ("/api/ats/v1/jobs", "/nowhere", "/health", "/metrics", "/docs", "/docs/files/swagger-ui.css", "/capabilities")


@pytest.mark.parametrize("path", PATHS)
async def test_answer_carries_the_id_its_request_came_with(api: httpx.AsyncClient, path: str) -> None:
    answer = await api.get(path, headers={"X-Request-Id": "mine-7"})
    assert answer.headers.get_list("x-request-id") == ["mine-7"]


@pytest.mark.parametrize("given", [None, "", "two words", "x" * 129, "a\u00e4", 'quote"'])
async def test_request_without_a_good_id_gets_one_of_its_own(api: httpx.AsyncClient, given: str | None) -> None:
    headers = {} if given is None else {"X-Request-Id": given.encode()}
    made = [(await api.get("/health", headers=headers)).headers["x-request-id"] for _ in range(3)]
    assert len(set(made)) == 3
    assert given not in made


async def test_fault_of_ours_is_answered_as_data_and_told_with_the_id_and_without_the_path(
    databases: Databases, pool: Pool
) -> None:
    app = create_app(databases.settings("migrated"), pool)

    async def fail(request: Request) -> Response:
        raise ValueError("no")

    app.router.routes.insert(0, Route("/faulty/{name}", fail))
    async with serve_app(app) as client:
        with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as lines:
            answer = await client.get("/faulty/hush?email=hush", headers={"X-Request-Id": "mine-8"})
    assert (answer.status_code, answer.json()) == (500, {"detail": "Internal Server Error; request mine-8"})
    assert answer.headers["x-request-id"] == "mine-8"
    (line,) = [line for line in lines if line["event"] == "a request failed"]
    assert (line["route"], line["status"], line["log_level"]) == ("/faulty/{name}", 500, "warning")
    assert "hush" not in str(lines)


async def test_id_of_a_request_is_known_to_everything_it_does_and_to_nothing_else() -> None:
    heard: list[bytes | None] = []

    async def answer(request: Request) -> Response:
        heard.append(REQUEST_ID.get())
        return Response()

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(TelemetryMiddleware(Starlette(routes=[Route("/", answer)]))),
        base_url="http://api",
    ) as client:
        answers = [await client.get("/") for _ in range(2)]
    assert heard == [answer.headers["x-request-id"].encode() for answer in answers]
