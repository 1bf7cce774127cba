"""What the service says of itself: the first page, the OpenAPI document, and the page on which it can be tried."""

import importlib.util
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from unihire import __version__
from unihire.dialects.common.markup import Block, Heading, Link, Paragraph, Table, to_html

_SCRIPTS = "fastapi_offline"
"""Ships the interactive page's scripts. Its files are served; the package itself is never imported."""

PLACES = {
    "/docs": "the API, described, to be tried here",
    "/openapi.json": "the same for programs",
    "/capabilities": "what each system can give, filter and write",
    "/health": "whether the service can answer",
}
"""Where somebody who knows nothing yet may look, without a key."""

_DOCS_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Unihire API</title>
<link rel="icon" href="{prefix}/docs/files/favicon.png">
<link rel="stylesheet" href="{prefix}/docs/files/swagger-ui.css">
</head>
<body>
<div id="page"></div>
<script src="{prefix}/docs/files/swagger-ui-bundle.js"></script>
<script>
SwaggerUIBundle({{url: "{prefix}/openapi.json", dom_id: "#page", deepLinking: true, persistAuthorization: true}});
</script>
</body>
</html>
"""


def list_routes(describe: Callable[[], Mapping[str, Any]]) -> list[BaseRoute]:
    """`describe` gives the OpenAPI document, without the servers it is at."""

    async def show_description(request: Request) -> Response:
        return JSONResponse({**describe(), "servers": [{"url": _find_prefix(request) or "/"}]})

    return [
        Route("/", _show_service),
        Route("/openapi.json", show_description),
        Route("/docs", _show_docs),
        Mount("/docs/files", StaticFiles(directory=_find_scripts())),
    ]


async def _show_service(request: Request) -> Response:
    """Where to look, for people as a page and for programs as JSON."""
    prefix = _find_prefix(request)
    if "text/html" not in request.headers.get("accept", ""):
        places = {path.strip("/").partition(".")[0]: prefix + path for path in PLACES}
        return JSONResponse({"name": "Unihire", "version": __version__, **places})
    page: list[Block] = [
        Heading(1, "Unihire"),
        Paragraph((f"One API for every applicant tracking system; version {__version__}.",)),
        Table(
            ("where", "what"),
            tuple(((Link(path, prefix + path),), (meaning,)) for path, meaning in PLACES.items()),
        ),
    ]
    return HTMLResponse(to_html("Unihire", page))


async def _show_docs(request: Request) -> HTMLResponse:
    return HTMLResponse(_DOCS_PAGE.format(prefix=escape(_find_prefix(request))))


def _find_prefix(request: Request) -> str:
    prefix: str = request.scope.get("root_path", "")
    return prefix


def _find_scripts() -> Path:
    found = importlib.util.find_spec(_SCRIPTS)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "static"
