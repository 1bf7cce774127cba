"""The capability matrix as JSON and as a page. Neither asks for a key: it says nothing of any customer."""

from functools import cache
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from unihire.dialects.markup import to_html
from unihire.dialects.unihire.page import TITLE, describe_all
from unihire.integration.capabilities import Capabilities, list_capabilities

PATH = "/api/v1/capabilities"

_HEADERS = {"Cache-Control": "public, max-age=300"}
_PAGE_HEADERS = {**_HEADERS, "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:"}


def list_routes() -> list[Route]:
    return [Route(PATH, _answer_json), Route("/capabilities", _show_page)]


@cache
def _write_json() -> bytes:
    return msgspec.json.encode(list_capabilities())


@cache
def _write_page() -> str:
    return to_html(TITLE, describe_all(list_capabilities()))


async def _answer_json(request: Request) -> Response:
    return Response(_write_json(), headers=_HEADERS, media_type="application/json")


async def _show_page(request: Request) -> Response:
    return HTMLResponse(_write_page(), headers=_PAGE_HEADERS)


def describe_route() -> tuple[dict[str, Any], dict[str, Any]]:
    """Its OpenAPI path, and the schemas it refers to, drawn from the structs that are answered."""
    (schema,), schemas = msgspec.json.schema_components([Capabilities], ref_template="#/components/schemas/{name}")
    operation = {
        "operationId": "get_capabilities",
        "tags": ["service"],
        "summary": "What each system gives",
        "description": "For every integration: how it is connected, what is read, and of each model the fields that "
        "are given, the filters that find something, and what can be written. No key is needed.",
        "responses": {
            "200": {"description": "The whole matrix.", "content": {"application/json": {"schema": schema}}},
        },
    }
    return {PATH: {"get": operation}}, schemas
