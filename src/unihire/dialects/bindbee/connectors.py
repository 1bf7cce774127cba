"""The connectors of the key's organisation and environment, as a list; and a whole sync of one, asked for.

The list is checked as every call is that names no connector: API key (401), rate (429), query (422).
"""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unihire.dialects.bindbee.run_words import SYNC_WORDS
from unihire.dialects.common.admission import Reply, RequestGate, describe_problem
from unihire.dialects.common.category import CATEGORY
from unihire.dialects.common.cursors import CURSOR_PATTERN, read_cursor, write_cursor
from unihire.dialects.common.describing import ID, TOKENED, describe_cursor, describe_refusals, describe_response
from unihire.dialects.common.lists import PAGE_SIZE, PAGE_SIZE_MOST, parse_id
from unihire.errors import Invalid, NotFound, Unauthorized
from unihire.integration.registry import get_integration
from unihire.kit.clock import to_text
from unihire.kit.ids import hash_token
from unihire.platform.access import Caller, Need, Scope
from unihire.platform.syncs import ask_sync
from unihire.store import Pool
from unihire.store.accounts.linked import Linked, list_linked
from unihire.store.accounts.tenancy import get_numbered

PATH = "/api/ats/v1/connectors"
RESYNC_PATH = "/api/embedded/v1/connectors/resync"
_LIST = "connectors"
_STARTED = "The sync has been started"


class ConnectorsQuery(BaseModel):
    """What the list may be asked for."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    connector_token: str | None = None
    is_active: bool | None = None
    origin_id: str | None = None
    page_size: Annotated[int, Field(ge=1, le=PAGE_SIZE_MOST)] = PAGE_SIZE
    cursor: str | None = None


class LinkedConnectors:
    """Answers the calls."""

    def __init__(self, pool: Pool, gate: RequestGate) -> None:
        self._pool = pool
        self._gate = gate

    def list_routes(self) -> Sequence[Route]:
        return [
            Route(PATH, self._answer_list, methods=["GET"]),
            Route(f"{PATH}/{{id}}", self._answer_one, methods=["GET"]),
            Route(RESYNC_PATH, self._answer_resync, methods=["POST"]),
        ]

    async def _answer_list(self, request: Request) -> Response:
        async def read(caller: Caller) -> Reply:
            return Reply(await self._list(caller, self._gate.read_query(request, ConnectorsQuery)))

        return await self._gate.serve_caller(request, read, needs=Need.READ)

    async def _list(self, caller: Caller, asked: ConnectorsQuery) -> bytes:
        list_name = f"{_LIST}\0{caller.environment}"
        after: int | None = 0
        if asked.cursor:
            after = read_cursor(caller.organisation, list_name, asked.cursor)
            if after is None:
                problem = describe_problem("query", "cursor", "this is not a cursor of this list", asked.cursor)
                raise Invalid([problem])
        found: Sequence[Linked] = []
        # A deleted connector is gone, so all there are are active; no text of the database has a NUL.
        if asked.is_active is not False and "\0" not in (asked.origin_id or ""):
            found = await list_linked(
                self._pool, caller.organisation, caller.environment,
                category=CATEGORY, after=after or 0, origin_id=asked.origin_id, limit=asked.page_size + 1,
                token_hash=None if asked.connector_token is None else hash_token(asked.connector_token),
            )  # fmt: skip
        shown = found[: asked.page_size]
        cursor = None
        if len(found) > len(shown):
            cursor = write_cursor(caller.organisation, list_name, shown[-1].number)
        items = [describe_connector(one, asked.connector_token) for one in shown]
        return msgspec.json.encode({"cursor": cursor, "page_size": len(items), "items": items})

    async def _answer_one(self, request: Request) -> Response:
        async def read(caller: Caller) -> Reply:
            self._gate.check_names(dict(request.query_params), set())
            id = parse_id(request.path_params["id"])
            found: Sequence[Linked] = []
            if id is not None:
                found = await list_linked(
                    self._pool, caller.organisation, caller.environment,
                    category=CATEGORY, after=0, limit=1, id=UUID(id),
                )  # fmt: skip
            if not found:
                raise NotFound("There is no connector with this id")
            return Reply(msgspec.json.encode(describe_connector(found[0], None)))

        return await self._gate.serve_caller(request, read, needs=Need.READ)

    async def _answer_resync(self, request: Request) -> Response:
        async def ask(scope: Scope) -> Reply:
            connector = await get_numbered(self._pool, scope.number)
            if connector is None:  # gone since its token was looked at
                raise Unauthorized("The connector token is not valid for this API key")
            await ask_sync(self._pool, connector, get_integration(connector.integration), full=True)
            return Reply(msgspec.json.encode(_STARTED))

        return await self._gate.serve_connector(request, ask, needs=Need.MANAGE)


def describe_connector(one: Linked, token: str | None) -> dict[str, Any]:
    """A connector as the contract shows it. `token` is its token where the caller named it."""

    def read_moment_of(name: str) -> str | None:
        moment = getattr(one, name)
        return None if moment is None else to_text(moment)

    return {
        "id": str(one.id),
        "is_active": True,
        "status": one.status,
        "integration_slug": one.integration,
        "end_user": one.end_user,
        "origin_id": one.origin_id,
        "sync_status": None if one.run_status is None else SYNC_WORDS[one.run_status],
        "last_sync_start_time": read_moment_of("last_run_at"),
        "next_sync_start_time": None if one.is_paused else read_moment_of("next_sync_at"),
        "connector_token": token,
        "category": one.category,
        "relink_needed_at": read_moment_of("relink_needed_at"),
        "is_test_connector": one.environment == "development",
        # Here a connector is made with its credentials: linking it ends when it is there.
        "completed_at": None if one.status == "INCOMPLETE" else read_moment_of("created_at"),
        "created_at": read_moment_of("created_at"),
    }


def describe_routes() -> tuple[dict[str, Any], dict[str, Any]]:
    """Their OpenAPI paths, and the schemas they refer to."""
    text = {"type": "string"}
    size = {"type": "integer", "minimum": 1, "maximum": PAGE_SIZE_MOST, "default": PAGE_SIZE}
    params = (
        ("connector_token", text, "Only the connector that this token opens."),
        (
            "is_active",
            {"type": "boolean"},
            "Only connectors that are, or are not, active. A deleted one no longer exists.",
        ),
        ("origin_id", text, "Only connectors of this end user, by your own id."),
        ("page_size", size, "Most connectors in a page."),
    )
    refusals = describe_refusals()
    refusals["403"] = describe_response("The key lacks the scope.", "Error")
    listing = {
        "operationId": "list_linked_connectors",
        "tags": ["connector"],
        "summary": "List connectors",
        "description": "Those of the key's organisation and environment, in the order they were made; the last page "
        "is the one whose `cursor` is null. Calls count by organisation and environment.",
        "security": [{"ApiKey": []}],
        "parameters": [
            *(
                {"name": name, "in": "query", "schema": schema, "description": meaning}
                for name, schema, meaning in params
            ),
            describe_cursor(CURSOR_PATTERN),
        ],
        "responses": {"200": describe_response("Found.", "ConnectorPage"), **refusals},
    }
    resync = {
        "operationId": "resync_connector",
        "tags": ["connector"],
        "summary": "Start a whole sync now",
        "description": "Every list is read whole. Where such a run is under way already, it is the one; any other is "
        "cancelled for it. It is started, not ended, when this answers.",
        "security": TOKENED,
        "responses": {"200": describe_response("It is started.", "ResyncAnswer"), **describe_refusals()},
    }
    one = {
        "operationId": "get_linked_connector",
        "tags": ["connector"],
        "summary": "One connector",
        "security": [{"ApiKey": []}],
        "parameters": [
            {"name": "id", "in": "path", "required": True, "schema": ID, "description": "The connector's id."}
        ],
        "responses": {
            "200": describe_response("Found.", "LinkedConnector"),
            **refusals,
            "404": describe_response("The environment has no such connector.", "Error"),
        },
    }
    return {PATH: {"get": listing}, f"{PATH}/{{id}}": {"get": one}, RESYNC_PATH: {"post": resync}}, _SCHEMAS


def _moment(description: str) -> dict[str, Any]:
    return {"type": ["string", "null"], "format": "date-time", "description": description}


_PROPERTIES: dict[str, Any] = {
    "id": {"type": "string", "format": "uuid", "description": "The connector's id."},
    "is_active": {"type": "boolean", "description": "True: a deleted connector no longer exists."},
    "status": {
        "type": "string",
        "enum": ["COMPLETE", "INCOMPLETE", "RELINK_NEEDED"],
        "description": "State of its credentials.",
    },
    "integration_slug": {"type": "string", "description": "The system it is connected to."},
    "end_user": {"type": "string", "description": "The customer it is of."},
    "origin_id": {"type": ["string", "null"], "description": "Your own id of the customer."},
    "sync_status": {
        "type": ["string", "null"],
        "enum": ["Syncing", "Done", "Failed", None],
        "description": "State of its latest sync; Done also where some lists could not be read.",
    },
    "last_sync_start_time": _moment("When its latest sync began."),
    "next_sync_start_time": _moment("When the next one is due; null while it is paused."),
    "connector_token": {
        "type": ["string", "null"],
        "description": "Null, unless the list was asked for this token: only a hash of a token is stored.",
    },
    "category": {"type": "string", "enum": [CATEGORY], "description": "What kind of system it is."},
    "relink_needed_at": _moment("When its credentials were refused."),
    "is_test_connector": {"type": "boolean", "description": "Whether it is of the environment development."},
    "completed_at": _moment("When it was linked."),
    "created_at": {"type": "string", "format": "date-time", "description": "When it was made."},
}

_SCHEMAS: dict[str, Any] = {
    "ConnectorPage": {
        "type": "object",
        "required": ["cursor", "page_size", "items"],
        "properties": {
            "cursor": {"type": ["string", "null"], "description": "Where to continue; null on the last page."},
            "page_size": {"type": "integer", "description": "How many connectors this page has."},
            "items": {"type": "array", "items": {"$ref": "#/components/schemas/LinkedConnector"}},
        },
    },
    "LinkedConnector": {
        "type": "object",
        "description": "One customer's link to one system.",
        "required": list(_PROPERTIES),
        "properties": _PROPERTIES,
    },
    "ResyncAnswer": {"type": "string", "description": "What was done, in words."},
}
