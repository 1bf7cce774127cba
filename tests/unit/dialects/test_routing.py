"""The index of routes finds for every request what trying one route after the other finds."""

from collections.abc import Sequence

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router

from unihire.app import create_app
from unihire.dialects.common.routing import IndexedRouter
from unihire.settings import Settings


async def tell(request: Request) -> Response:
    """Which route was found, and with which parameters."""
    return PlainTextResponse(f"{request.scope['route'].path} {sorted(request.path_params.items())}")


SMALL = (
    Route("/", tell),
    Route("/a/{id}", tell, methods=["POST"]),
    Route("/a/b", tell),
    Route("/a/{plural}", tell),
    Route("/a/never", tell),
    Route("/a/{id}/b", tell),
    Route("/a/{id}.json", tell),
    Route("/{one}/{two}", tell),
    Route("/files/{name:path}", tell),
    Route("/n/{number:int}", tell),
    Mount("/m", routes=[Route("/{id}", tell)]),
)


def fill_path(route: BaseRoute) -> str:
    path = route.path if isinstance(route, Route | Mount) else ""
    return "/".join("x" if part.startswith("{") else part for part in path.split("/"))


def open_client(routes: Sequence[BaseRoute], router: type[Router], **options: str) -> httpx.AsyncClient:
    app = Starlette()
    app.router = router(routes)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, **options), base_url="http://test.example")  # type: ignore[arg-type]


def tell_of(routes: Sequence[BaseRoute]) -> list[BaseRoute]:
    """The same routes, each answered by `tell`."""
    return [Route(route.path, tell, methods=route.methods) if isinstance(route, Route) else route for route in routes]


@pytest.mark.parametrize("name", ["small", "ours"])
async def test_requests_find_the_routes_that_starlette_finds(name: str) -> None:
    routes: Sequence[BaseRoute] = SMALL
    if name == "ours":
        settings = Settings(_env_file=None, database_url=None, encryption_keys=None)
        routes = tell_of(create_app(settings, None).routes)  # type: ignore[arg-type]
    paths = {fill_path(route) for route in routes} | {"/a/b/", "/a//b", "/files/a/b", "/n/7", "/m/7", "//", "/a/%2Fb"}
    paths |= {f"{path}/" for path in paths} | {f"{path}/x" for path in paths}
    found = 0
    async with open_client(routes, IndexedRouter) as ours, open_client(routes, Router) as starlettes:
        for path in sorted(paths):
            for method in ("GET", "POST", "DELETE"):
                answer, expected = await ours.request(method, path), await starlettes.request(method, path)
                assert (answer.status_code, answer.text) == (expected.status_code, expected.text), (method, path)
                assert answer.headers == expected.headers
                found += answer.status_code == 200
    assert found >= len(routes)


async def test_a_route_that_is_added_is_found() -> None:
    app = Starlette()
    app.router = IndexedRouter(SMALL)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test.example") as client:
        assert (await client.get("/a/b")).text.startswith("/a/b ")
        app.router.routes.insert(0, Route("/{x}/b", tell))
        assert (await client.get("/a/b")).text.startswith("/{x}/b ")


async def test_routes_behind_a_prefix_are_found() -> None:
    prefixed = {"root_path": "/ats"}
    async with open_client(SMALL, IndexedRouter, **prefixed) as ours, open_client(SMALL, Router, **prefixed) as theirs:
        assert (await ours.get("/ats/a/b")).text.startswith("/a/b ")
        for path in (
            "/ats/a/b",
            "/a/b",
            "/ats",
            "/ats/",
            "/atsa/b",
            "/ats/ats/a/b",
            "/ats/n/7",
            "/ats/m/7",
            "/ats/a/x/b",
        ):
            answer, expected = await ours.get(path), await theirs.get(path)
            assert (answer.status_code, answer.text) == (expected.status_code, expected.text), path
