"""Webhook endpoints over HTTP: listed as the contract lists them with more beside it, made, changed, tested, removed.

Calls are checked as every call is that names no connector: API key (401), rate (429), then the call itself (422).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import MAXYEAR, MINYEAR, datetime, timedelta
from typing import Annotated, NamedTuple, Self
from uuid import UUID

import msgspec
from msgspec import Meta
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unihire.dialects.common.admission import Reply, RequestGate, describe_problem, read_body
from unihire.dialects.common.lists import parse_id
from unihire.dialects.unihire.list_pages import read_place, write_page
from unihire.dialects.unihire.webhook_view import Webhook, show_webhook
from unihire.errors import Conflict, Invalid, NotFound
from unihire.events.deliveries.trial_message import send_test
from unihire.events.endpoints import (
    LONGEST_OVERLAP,
    EndpointOwner,
    EndpointRefused,
    Endpoints,
    EndpointSettings,
    TooManyEndpoints,
)
from unihire.kit.durations import parse_duration, write_duration
from unihire.platform.access import EVERY_MODEL, Caller, Need
from unihire.store import Pool
from unihire.store.events.endpoints import Endpoint, list_endpoints, list_secrets

PATH = "/api/v1/webhooks"
PAGE_SIZE, PAGE_SIZE_MOST = 20, 100
"""Of the contract's list."""

DURATION_PATTERN = (
    "^(0|[1-7]d"
    "|([1-9]|[1-9][0-9]|1[0-5][0-9]|16[0-8])h"
    "|([1-9][0-9]{0,3}|100[0-7][0-9]|10080)m"
    "|([1-9][0-9]{0,4}|[1-5][0-9]{5}|60[0-3][0-9]{3}|604[0-7][0-9]{2}|604800)s)$"
)
"""Durations of 0 to 7 days."""


class NewWebhook(Webhook, frozen=True, kw_only=True):
    """A webhook that was just created."""

    secret: Annotated[str, Meta(description="The secret that signs. It is shown only here.")]


class NewSecret(msgspec.Struct, frozen=True, kw_only=True):
    """A secret that was just created."""

    secret: Annotated[str, Meta(description="The secret that signs. It is shown only here.")]


class TestResult(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a test message."""

    delivered: bool
    response_code: Annotated[int | None, Meta(description="The status of the response; null if none came.")]
    error: Annotated[str | None, Meta(description="Why no response came.")]
    seconds: float
    message_id: Annotated[str, Meta(description="The header webhook-id, in formats that have it.")]


class WebhookQuery(BaseModel):
    """The parameters of the list."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    is_active: bool | None = None
    page_size: Annotated[int, Field(ge=1, le=PAGE_SIZE_MOST)] = PAGE_SIZE
    cursor: str | None = None


class ChangeBody(BaseModel):
    """A change. What is left out stays."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = ""
    name: str = ""
    description: str = ""
    events: list[str] | None = None
    models: list[str] | None = None
    connector_ids: list[UUID] | None = None
    include_record: bool = False
    is_enabled: bool = True

    def apply(self, wanted: EndpointSettings) -> EndpointSettings:
        """The settings with the given members. An address that comes over the API is not trusted."""
        given = self.model_fields_set
        if "url" in given and self.url != wanted.url:
            wanted = replace(wanted, url=self.url, is_trusted=False)
        for member, name in _MEMBERS.items():
            if member in given:
                wanted = replace(wanted, **{name: getattr(self, member)})
        return wanted


class CreateBody(ChangeBody):
    """A webhook to create."""

    url: str
    format: str = "standard"
    secret: str | None = None


_MEMBERS: Mapping[str, str] = {
    "name": "name",
    "description": "description",
    "events": "events",
    "models": "models",
    "connector_ids": "connectors",
    "include_record": "includes_records",
}


def _parse_overlap(text: object) -> timedelta:
    if not isinstance(text, str):
        raise PydanticCustomError("string_type", "Input should be a valid string")
    try:
        found = timedelta() if text == "0" else parse_duration(text)
    except ValueError as error:
        raise PydanticCustomError("value_error", "Value error, {reason}", {"reason": str(error)}) from None
    if found > LONGEST_OVERLAP:
        reason = f"it must be from 0 to {write_duration(LONGEST_OVERLAP)}"
        raise PydanticCustomError("value_error", "Value error, {reason}", {"reason": reason})
    return found


class SecretBody(BaseModel):
    """The replacement of a secret."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    old_valid_for: Annotated[timedelta, BeforeValidator(_parse_overlap)] = timedelta(days=1)
    secret: str | None = None


class EndpointPlace(NamedTuple):
    """The place of an endpoint in the list."""

    created_at: datetime
    id: UUID

    @classmethod
    def of(cls, endpoint: Endpoint) -> Self:
        return cls(endpoint.created_at, endpoint.id)

    def can_be(self) -> bool:
        """Whether the database can store the moment: in UTC, so not all of the first and the last year."""
        return MINYEAR < self.created_at.year < MAXYEAR


class EndpointRoutes:
    """The calls of webhooks. `open_endpoints` is called when the sealer is needed."""

    def __init__(self, pool: Pool, gate: RequestGate, open_endpoints: Callable[[], Endpoints]) -> None:
        self._pool = pool
        self._gate = gate
        self._open = open_endpoints

    def list_routes(self) -> Sequence[Route]:
        one = f"{PATH}/{{id}}"
        return [
            Route(PATH, self._answer_list, methods=["GET"]),
            Route(PATH, self._answer_create, methods=["POST"]),
            Route(one, self._answer_one, methods=["GET", "PATCH", "DELETE"]),
            Route(f"{one}/secret", self._answer_rotate, methods=["POST"]),
            Route(f"{one}/test", self._answer_test, methods=["POST"]),
        ]

    async def _answer_list(self, request: Request) -> Response:
        async def read(caller: Caller) -> Reply:
            asked = self._gate.read_query(request, WebhookQuery)
            list_name = f"webhooks\0{caller.environment}"
            after = read_place(caller.organisation, list_name, asked.cursor, EndpointPlace, EndpointPlace.can_be)
            found = await list_endpoints(
                self._pool, caller.organisation, caller.environment,
                is_enabled=asked.is_active, after=after, limit=asked.page_size + 1,
            )  # fmt: skip
            items = await self._show(found[: asked.page_size])
            return Reply(write_page(caller.organisation, list_name, items, [EndpointPlace.of(one) for one in found]))

        return await self._gate.serve_caller(request, read, needs=Need.READ)

    async def _answer_create(self, request: Request) -> Response:
        async def make(owner: EndpointOwner) -> Reply:
            asked = await read_body(request, CreateBody)
            wanted = asked.apply(EndpointSettings(url=asked.url))
            endpoint, secret = await self._open().create(owner, wanted, format=asked.format, secret=asked.secret)
            (shown,) = await self._show([endpoint])
            return Reply(msgspec.json.encode(NewWebhook(**msgspec.structs.asdict(shown), secret=secret)), 201)

        return await serve_owner(self._gate, request, make, needs=Need.MANAGE, model=EVERY_MODEL)

    async def _answer_one(self, request: Request) -> Response:
        async def work(owner: EndpointOwner) -> Reply:
            id = read_webhook_id(request)
            if request.method == "DELETE":
                await self._open().remove(owner, id)
                return Reply(b"", 204)
            if request.method == "PATCH":
                asked = await read_body(request, ChangeBody)
                is_enabled = asked.is_enabled if "is_enabled" in asked.model_fields_set else None
                endpoint = await self._open().change(owner, id, asked.apply, is_enabled=is_enabled)
            else:
                endpoint = await self._open().get(owner, id)
            return Reply(msgspec.json.encode((await self._show([endpoint]))[0]))

        if request.method == "GET":
            return await serve_owner(self._gate, request, work, needs=Need.READ)
        return await serve_owner(self._gate, request, work, needs=Need.MANAGE, model=EVERY_MODEL)

    async def _answer_rotate(self, request: Request) -> Response:
        async def rotate(owner: EndpointOwner) -> Reply:
            id, asked = read_webhook_id(request), await read_body(request, SecretBody)
            secret = await self._open().rotate_secret(owner, id, old_valid_for=asked.old_valid_for, secret=asked.secret)
            return Reply(msgspec.json.encode(NewSecret(secret=secret)))

        return await serve_owner(self._gate, request, rotate, needs=Need.MANAGE, model=EVERY_MODEL)

    async def _answer_test(self, request: Request) -> Response:
        async def test(owner: EndpointOwner) -> Reply:
            endpoints = self._open()
            message, outcome = await send_test(endpoints, await endpoints.get(owner, read_webhook_id(request)))
            found = TestResult(
                delivered=outcome.is_success,
                response_code=outcome.status,
                error=outcome.error,
                seconds=round(outcome.seconds, 3),
                message_id=message.id,
            )
            return Reply(msgspec.json.encode(found))

        return await serve_owner(self._gate, request, test, needs=Need.MANAGE, model=EVERY_MODEL)

    async def _show(self, found: Sequence[Endpoint]) -> list[Webhook]:
        secrets = await list_secrets(self._pool, [endpoint.id for endpoint in found])
        return [show_webhook(endpoint, secrets.get(endpoint.id, [])) for endpoint in found]


async def serve_owner(
    gate: RequestGate,
    request: Request,
    work: Callable[[EndpointOwner], Awaitable[Reply]],
    *,
    needs: Need,
    model: str | None = None,
) -> Response:
    """As `serve_caller`; what the rules of endpoints refuse is answered as an error of the API."""

    async def try_to(caller: Caller) -> Reply:
        try:
            return await work(EndpointOwner(caller.organisation, caller.environment))
        except EndpointRefused as error:
            raise Invalid([describe_problem("body", error.member, str(error), None)]) from None
        except LookupError:
            raise NotFound("There is no such webhook in this environment") from None
        except TooManyEndpoints as error:
            raise Conflict(str(error)) from None

    return await gate.serve_caller(request, try_to, needs=needs, model=model)


def read_webhook_id(request: Request) -> UUID:
    """The id in the path. Raises LookupError for what is no id."""
    found = parse_id(request.path_params["id"])
    if found is None:
        raise LookupError("no id")
    return UUID(found)
