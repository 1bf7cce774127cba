"""An exception nobody foresaw, in any route: answered as data that names the request, and logged."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from testbed.databases import Databases
from testbed.tenants import serve_app
from unihire.app import create_app, create_metrics_app
from unihire.store import Pool


async def fail(scope: Any, receive: Any, send: Any) -> None:
    raise ZeroDivisionError("hush")


@pytest.mark.parametrize("create", [create_app, create_metrics_app])
async def test_handler_that_raises_is_answered_as_data_with_the_request_s_id(
    databases: Databases, pool: Pool, create: Callable[..., Starlette]
) -> None:
    app = create(databases.settings("migrated"), pool)
    met = 0
    for route in app.routes:
        assert isinstance(route, Route | Mount)
        route.app = fail
    async with serve_app(app) as client:
        for route in app.routes:
            assert isinstance(route, Route | Mount)
            path = re.sub(r"\{\w+(:path)?\}", "x", route.path) + ("/x" if isinstance(route, Mount) else "")
            for method in sorted(getattr(route, "methods", None) or {"GET"}):
                answer = await client.request(method, path, headers={"X-Request-Id": "mine-9"})
                assert answer.status_code == 500, path
                assert answer.headers["x-request-id"] == "mine-9"
                if method != "HEAD":
                    assert answer.json() == {"detail": "Internal Server Error; request mine-9"}, path
                    met += 1
    assert met >= len(app.routes)


@pytest.mark.parametrize("create", [create_app, create_metrics_app])
async def test_what_is_not_there_is_answered_as_data(
    databases: Databases, pool: Pool, create: Callable[..., Starlette]
) -> None:
    async with serve_app(create(databases.settings("migrated"), pool)) as client:
        for method, path, status in (("GET", "/nowhere", 404), ("POST", "/metrics", 405), ("PUT", "/a%00b/c", 404)):
            answer = await client.request(method, path)
            assert (answer.status_code, answer.json().keys()) == (status, {"detail"})
