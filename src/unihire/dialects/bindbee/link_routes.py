"""Links: a token that opens a customer's page, and the connector's token for what the page gave.

Both are checked as every call is that names no connector: API key (401), rate (429), body (422).
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unihire.dialects.common.admission import Reply, RequestGate, describe_problem, read_body
from unihire.dialects.common.category import CATEGORY
from unihire.dialects.common.describing import describe_refusals, describe_response
from unihire.errors import Invalid
from unihire.integration.registry import list_integrations
from unihire.kit.files import find_fault
from unihire.platform.access import Caller, Need
from unihire.platform.linking.link_tokens import EndUser, create_link_token, exchange_token
from unihire.store import Pool

CREATE_PATH = "/api/embedded/v1/link/create-link-token"
EXCHANGE_PATH = "/api/embedded/v1/connectors/connector_token/{temporary_token}"

LONGEST = 200
_EMAIL = r"^[^@\s]{1,64}@[^@\s]{1,189}$"


class EndUserBody(BaseModel):
    """The customer."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    org_name: Annotated[str, Field(min_length=2, max_length=LONGEST)]
    origin_id: Annotated[str, Field(min_length=2, max_length=LONGEST)]
    email: Annotated[str | None, Field(max_length=254, pattern=_EMAIL)] = None

    @field_validator("org_name", "origin_id", "email")
    @classmethod
    def _refuse_odd_texts(cls, value: str | None) -> str | None:
        if value is not None and (fault := find_fault(value)) is not None:
            raise PydanticCustomError("value_error", "Value error, {reason}", {"reason": fault})
        return value


class LinkBody(BaseModel):
    """What a link is for."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    end_user_data: EndUserBody | None = None
    category: Literal["ATS", "HRIS", "LMS", "CUSTOM"]
    integration: Annotated[str | None, Field(max_length=LONGEST)] = None
    connector_id: UUID | None = None

    @field_validator("connector_id", mode="before")
    @classmethod
    def _read_id(cls, value: object) -> object:
        if isinstance(value, str):
            try:
                return UUID(value)
            except ValueError:
                raise PydanticCustomError("value_error", "Value error, this is not a UUID") from None
        return value


class LinkTokens:
    """Answers the two calls."""

    def __init__(self, pool: Pool, gate: RequestGate) -> None:
        self._pool = pool
        self._gate = gate

    def list_routes(self) -> Sequence[Route]:
        return [
            Route(CREATE_PATH, self._answer_create, methods=["POST"]),
            Route(EXCHANGE_PATH, self._answer_exchange, methods=["GET"]),
        ]

    async def _answer_create(self, request: Request) -> Response:
        async def create(caller: Caller) -> Reply:
            asked = await read_body(request, LinkBody)
            if asked.category != CATEGORY:
                raise Invalid([describe_problem("body", "category", f"it must be {CATEGORY}", asked.category)])
            user = asked.end_user_data
            token = await create_link_token(
                self._pool,
                organisation=caller.organisation,
                environment=caller.environment,
                category=CATEGORY,
                integration=asked.integration,
                end_user=None if user is None else EndUser(user.org_name.strip(), user.origin_id, user.email),
                connector_id=asked.connector_id,
            )
            return Reply(msgspec.json.encode({"link_token": token}))

        return await self._gate.serve_caller(request, create, needs=Need.MANAGE)

    async def _answer_exchange(self, request: Request) -> Response:
        async def answer(caller: Caller) -> Reply:
            given = str(request.path_params["temporary_token"])
            token, id = await exchange_token(self._pool, caller.organisation, caller.environment, given)
            return Reply(msgspec.json.encode({"connector_token": token, "connector_id": str(id)}))

        return await self._gate.serve_caller(request, answer, needs=Need.MANAGE)


def describe_routes() -> tuple[dict[str, Any], dict[str, Any]]:
    """Their OpenAPI paths, and the schemas they refer to."""
    refusals = describe_refusals()
    refusals["403"] = describe_response("The key lacks the scope.", "Error")
    missing = describe_response("There is no such connector.", "Error")
    create = {
        "operationId": "create_link_token",
        "tags": ["link"],
        "summary": "Create a link token",
        "description": "The token opens `/embed?link_token=…`, where one customer connects their system: in a frame, "
        "or by a link that is sent to them. It is valid for 7 days and for one connector. Without `integration` the "
        "customer picks the system. With `connector_id` an existing connector gets new credentials; its id, its tokens "
        "and its records stay, and `end_user_data` can be left out.",
        "security": [{"ApiKey": []}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/LinkTokenCreate"}}},
        },
        "responses": {"200": describe_response("The token.", "LinkTokenResponse"), "404": missing, **refusals},
    }
    gone = describe_response("The token is none of this environment's, was exchanged already or has ended.", "Error")
    exchange = {
        "operationId": "exchange_temporary_token",
        "tags": ["link"],
        "summary": "Exchange a temporary token for the connector's token",
        "description": "The page gives the temporary token to the page that frames it. It works once, within an hour.",
        "security": [{"ApiKey": []}],
        "parameters": [
            {
                "name": "temporary_token",
                "in": "path",
                "required": True,
                "schema": {"type": "string"},
                "description": "What the message SUCCESS has.",
            }
        ],
        "responses": {"200": describe_response("The connector.", "LinkedConnectorToken"), "404": gone, **refusals},
    }
    return {CREATE_PATH: {"post": create}, EXCHANGE_PATH: {"get": exchange}}, _SCHEMAS


def _text(description: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, **more}


_LINE = r"^[^\u0000-\u001f\u007f-\u009f]*[^\u0000-\u0020\u007f-\u00a0]{2}[^\u0000-\u001f\u007f-\u009f]*$"
"""A text on one line. More is accepted: single characters with spaces between."""

_SCHEMAS: dict[str, Any] = {
    "LinkEndUser": {
        "type": "object",
        "description": "The customer.",
        "required": ["org_name", "origin_id"],
        "properties": {
            "org_name": _text("What the customer is called.", minLength=2, maxLength=LONGEST, pattern=_LINE),
            "origin_id": _text("Your own id of the customer.", minLength=2, maxLength=LONGEST, pattern=_LINE),
            "email": {
                "type": ["string", "null"],
                "maxLength": 254,
                "pattern": r"^[!-?A-~]{1,64}@[!-?A-~]{1,189}$",
                "description": "Whom the link is for.",
            },
        },
    },
    "LinkTokenCreate": {
        "type": "object",
        "description": "What the link is for.",
        "required": ["category"],
        "anyOf": [
            {"required": ["end_user_data"], "properties": {"end_user_data": {"type": "object"}}},
            {"required": ["connector_id"], "properties": {"connector_id": {"type": "string"}}},
        ],
        "properties": {
            "end_user_data": {
                "anyOf": [{"$ref": "#/components/schemas/LinkEndUser"}, {"type": "null"}],
                "description": "Required, unless `connector_id` is given.",
            },
            "category": _text("What kind of system it is.", enum=[CATEGORY]),
            "integration": {
                "type": ["string", "null"],
                "enum": [*(one.slug for one in list_integrations()), None],
                "description": "The slug of the system; without it the customer picks one.",
            },
            "connector_id": {
                "type": ["string", "null"],
                "format": "uuid",
                "description": "The connector that gets new credentials.",
            },
        },
    },
    "LinkTokenResponse": {
        "type": "object",
        "required": ["link_token"],
        "properties": {"link_token": _text("The token: 54 url-safe characters.")},
    },
    "LinkedConnectorToken": {
        "type": "object",
        "required": ["connector_token", "connector_id"],
        "properties": {
            "connector_token": _text("What the header X-Connector-Token takes. It is shown only here."),
            "connector_id": _text("The connector's id.", format="uuid"),
        },
    },
}
