"""What a key that has the scope `manage` does with connectors by their ids: removed, given a token, moved, synced.

Calls are checked as every call of a connector is whose path names it by id: API key (401), scope (403), connector
(404), rate (429), then the call itself (422). Syncs and the schedule are answered as they are with a token.
"""

import copy
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unihire.dialects.common.admission import BY_ID, CONNECTOR_ID, Otherwise, Reply, RequestGate, read_body
from unihire.dialects.common.describing import ID, describe_response
from unihire.dialects.unihire.endpoint_schema import KEYED, describe_call
from unihire.dialects.unihire.key_routes import OVERLAP_PATTERN, Overlap
from unihire.dialects.unihire.syncs import find_connector
from unihire.errors import Busy, ConfigError, Conflict, NotFound
from unihire.kit.durations import write_duration
from unihire.platform.access import EVERY_MODEL, Caller, Need, Scope
from unihire.platform.linking.link_tokens import end_unfinished_link
from unihire.platform.moving import move_connector
from unihire.platform.organisations import ENVIRONMENTS, LONGEST_OVERLAP, rotate_token
from unihire.platform.removal import remove_connector
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector

DELETE_PATH = f"/api/ats/v1/connectors/{{{CONNECTOR_ID}}}/delete"


class NewToken(msgspec.Struct, frozen=True, kw_only=True):
    """A connector token that was just made."""

    connector_id: UUID
    connector_token: Annotated[str, Meta(description="The token. It is shown only here.")]


class MovedConnector(msgspec.Struct, frozen=True, kw_only=True):
    """Where a connector is now."""

    connector_id: UUID
    environment: Annotated[str, Meta(description="Keys of this environment reach it.")]


class TokenBody(BaseModel):
    """How a token is replaced."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    old_valid_for: Overlap = timedelta(days=1)


class MoveBody(BaseModel):
    """Where a connector is moved to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    environment: Literal["production", "development"]


class ConnectorAdmin:
    """Answers the calls."""

    def __init__(self, pool: Pool, gate: RequestGate) -> None:
        self._pool = pool
        self._gate = gate

    def list_routes(self) -> Sequence[Route]:
        return [
            Route(DELETE_PATH, self._answer_delete, methods=["DELETE"]),
            Route(f"{BY_ID}/token", self._answer_token, methods=["POST"]),
            Route(f"{BY_ID}/move", self._answer_move, methods=["POST"]),
        ]

    async def _answer_delete(self, request: Request) -> Response:
        async def remove(connector: Connector) -> Reply:
            await remove_connector(self._pool, connector)
            return Reply(msgspec.json.encode({"message": "The connector and all that was stored of it are deleted"}))

        async def end_link(caller: Caller, id: str) -> Reply | None:
            if not await end_unfinished_link(self._pool, caller.organisation, caller.environment, id):
                return None
            return Reply(msgspec.json.encode({"message": "The link is ended, and what was entered there is deleted"}))

        return await self._serve(request, remove, model=EVERY_MODEL, otherwise=end_link)

    async def _answer_token(self, request: Request) -> Response:
        async def rotate(connector: Connector) -> Reply:
            asked = await read_body(request, TokenBody)
            token = await rotate_token(self._pool, connector, old_valid_for=asked.old_valid_for)
            return Reply(msgspec.json.encode(NewToken(connector_id=connector.id, connector_token=token)), 201)

        return await self._serve(request, rotate)

    async def _answer_move(self, request: Request) -> Response:
        async def move(connector: Connector) -> Reply:
            asked = await read_body(request, MoveBody)
            await move_connector(self._pool, connector, asked.environment)
            found = MovedConnector(connector_id=connector.id, environment=asked.environment)
            return Reply(msgspec.json.encode(found))

        return await self._serve(request, move, model=EVERY_MODEL)

    async def _serve(
        self,
        request: Request,
        work: Callable[[Connector], Awaitable[Reply]],
        *,
        model: str | None = None,
        otherwise: Otherwise | None = None,
    ) -> Response:
        async def try_to(scope: Scope) -> Reply:
            connector = await find_connector(self._pool, scope)
            try:
                return await work(connector)
            except Busy as error:
                raise Conflict(str(error)) from None
            except ConfigError:  # gone since it was looked at
                raise NotFound("There is no connector with this id") from None

        return await self._gate.serve_connector(request, try_to, needs=Need.MANAGE, model=model, otherwise=otherwise)


def describe_routes(*with_token: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Their OpenAPI paths, and the schemas they refer to. `with_token` are paths that are answered by id as well."""
    named: dict[str, Any] = {"tag": "connector", "thing": "connector", "has_id": True, "id_name": CONNECTOR_ID}
    delete = describe_call(
        "delete_connector", "Delete a connector",
        "With its records, its credentials and everything that waits to be done for it; a run under way is cancelled "
        "first. A line of the audit trail remains, and events and webhooks say that it is gone. Of one that is "
        "INCOMPLETE, its link ends: the customer who opens it is told so.",
        {
            "200": describe_response("It is gone.", "DeletedConnector"),
            "409": describe_response("A run does not end: the connector is paused, nothing is gone.", "Error"),
        },
        **named,
    )  # fmt: skip
    token = describe_call(
        "rotate_connector_token", "Replace the connector token",
        "The token that it had is valid for `old_valid_for` still, and any that was replaced before ends by then.",
        {"201": describe_response("The new token.", "NewToken")},
        body={
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "old_valid_for": {
                    "type": "string",
                    "pattern": OVERLAP_PATTERN,
                    "default": "1d",
                    "description": f"How long the old token is valid still: 0 to {write_duration(LONGEST_OVERLAP)}.",
                    "examples": ["0", "1h"],
                }
            },
        },
        **named,
    )  # fmt: skip
    move = describe_call(
        "move_connector", "Move a connector to another environment",
        "Ids, token, credentials and records stay. Keys of its old environment no longer reach it, and that "
        "environment's webhooks are sent nothing more of it; those of the new one are, from now on.",
        {"200": describe_response("Where it is now.", "MovedConnector")},
        body={
            "type": "object",
            "additionalProperties": False,
            "required": ["environment"],
            "properties": {"environment": {"type": "string", "enum": list(ENVIRONMENTS)}},
        },
        **named,
    )  # fmt: skip
    paths: dict[str, Any] = {
        DELETE_PATH: {"delete": delete},
        f"{BY_ID}/token": {"post": token},
        f"{BY_ID}/move": {"post": move},
    }
    for given in with_token:
        for path, item in given.items():
            paths[path.replace("/api/v1", BY_ID, 1)] = {method: _name_by_id(call) for method, call in item.items()}
    _, schemas = msgspec.json.schema_components([NewToken, MovedConnector], ref_template="#/components/schemas/{name}")
    message = {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}}
    return paths, {**schemas, "DeletedConnector": message}


def _name_by_id(call: dict[str, Any]) -> dict[str, Any]:
    """The description of a call that names its connector by a token, as one that names it by id."""
    found = copy.deepcopy(call)
    id = {"name": CONNECTOR_ID, "in": "path", "required": True, "schema": ID, "description": "The connector's id."}
    found["operationId"] += "_by_id"
    found["security"] = KEYED
    found["parameters"] = [id, *found.get("parameters", [])]
    found["responses"]["403"] = describe_response("The key lacks the scope.", "Error")
    found["responses"].setdefault("404", describe_response("The environment has no such connector.", "Error"))
    return found
