"""The capability matrix as JSON and as a page, for anybody; and by a connector token, what its grant allows."""

from functools import cache
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from unihire.dialects.common.admission import TOKEN_HEADER, Reply, RequestGate
from unihire.dialects.common.describing import TOKENED, describe_refusals
from unihire.dialects.common.markup import to_html
from unihire.dialects.unihire.capabilities_page import TITLE, describe_all
from unihire.dialects.unihire.matrix import Capabilities, describe_grant, list_capabilities
from unihire.errors import Unauthorized
from unihire.platform.access import Need, Scope
from unihire.store import Pool
from unihire.store.accounts.tenancy import get_numbered

PATH = "/api/v1/capabilities"

_HEADERS = {"Cache-Control": "public, max-age=300"}
_JSON_HEADERS = {**_HEADERS, "Vary": f"Authorization, {TOKEN_HEADER}"}
_PAGE_HEADERS = {**_HEADERS, "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:"}
_OWN_HEADERS = {"Cache-Control": "no-store", "Vary": _JSON_HEADERS["Vary"]}


class CapabilityRoutes:
    """Answers the matrix."""

    def __init__(self, pool: Pool, gate: RequestGate) -> None:
        self._pool = pool
        self._gate = gate

    def list_routes(self) -> list[Route]:
        return [Route(PATH, self._answer_json), Route("/capabilities", _show_page)]

    async def _answer_json(self, request: Request) -> Response:
        if TOKEN_HEADER not in request.headers:
            return Response(_write_json(), headers=_JSON_HEADERS, media_type="application/json")
        response = await self._gate.serve_connector(request, self._describe, needs=Need.READ)
        response.headers.update(_OWN_HEADERS)
        return response

    async def _describe(self, scope: Scope) -> Reply:
        connector = await get_numbered(self._pool, scope.number)
        if connector is None:  # gone since its token was looked at
            raise Unauthorized("The connector token is not valid for this API key")
        slug = connector.integration
        found = list_capabilities(slug)
        return Reply(
            msgspec.json.encode(
                msgspec.structs.replace(found, connector=describe_grant(slug, connector.id, connector.scopes))
            )
        )


@cache
def _write_json() -> bytes:
    return msgspec.json.encode(list_capabilities())


@cache
def _write_page() -> str:
    return to_html(TITLE, describe_all(list_capabilities()))


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
        "are given, the filters that find something, and what can be written. No key is needed. With an API key and "
        "a connector token: the same of that connector's integration, and which writes its grant allows.",
        "security": [{}, *TOKENED],
        "responses": {
            "200": {"description": "The whole matrix.", "content": {"application/json": {"schema": schema}}},
            **describe_refusals(),
        },
    }
    return {PATH: {"get": operation}}, schemas
