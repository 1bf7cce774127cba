"""What was sent to webhooks, over HTTP: the log as the contract lists it, with more; refused messages; replays."""

from collections.abc import Mapping, Sequence
from datetime import MAXYEAR, MINYEAR, datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unihire.dialects.common.admission import Reply, RequestGate, read_body
from unihire.dialects.common.lists import parse_id
from unihire.dialects.unihire.endpoints import PATH, read_webhook_id, serve_owner
from unihire.dialects.unihire.list_pages import PageQuery, read_place, write_page, write_place
from unihire.errors import Conflict, NotFound
from unihire.events.deliveries.replaying import TooManyReplays, replay_refused, replay_since, replay_tries
from unihire.events.endpoints import FIND_CONNECTORS, EndpointOwner
from unihire.kit.clock import parse_moment
from unihire.platform.access import EVERY_MODEL, Caller, Need
from unihire.store import Pool
from unihire.store.events.deliveries import DeliveryFilter, find_delivery, list_deliveries, list_undelivered
from unihire.store.events.endpoints import Endpoint, find_endpoint

LOGS_PATH = f"{PATH}/logs"
LOG_PAGE_SIZE, LOG_PAGE_SIZE_MOST = 25, 50
"""Sizes of pages, as the contract has them."""

MOST_LOGS = 100
"""Attempts whose messages one call sends again."""


class WebhookLog(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to deliver a message."""

    id: UUID
    connector_id: UUID
    method: str
    url: Annotated[str, Meta(description="Where it was sent.")]
    response_code: Annotated[int | None, Meta(description="The status of the response; null if none came.")]
    created_at: datetime
    integration_name: str | None
    end_user_name: str | None
    origin_id: str | None
    webhook_action: Annotated[str, Meta(description="The event.")]
    webhook_name: str | None
    webhook_id: UUID
    message_id: Annotated[str, Meta(description="The same for each attempt to deliver a message.")]
    error: Annotated[str | None, Meta(description="Why no response came.")]
    seconds: Annotated[float, Meta(description="From the beginning of the attempt to the end of its response.")]


class WebhookLogDetail(WebhookLog, frozen=True, kw_only=True):
    """One attempt with request and response, both cut."""

    request: list[dict[str, Any]]
    response: Annotated[list[dict[str, Any]], Meta(description="Empty if none came.")]


class RefusedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message that a webhook refused, passed over so that later ones are sent."""

    message_id: str
    event: str
    connector_id: UUID
    response_code: int | None
    reason: str
    since: Annotated[datetime, Meta(description="When it was first sent.")]
    passed_over_at: datetime


class ReplayResult(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent again."""

    replays: Annotated[int, Meta(description="How many messages; with `since`, how many connectors.")]
    is_complete: Annotated[
        bool, Meta(description="Whether that is all that was requested: some of it may no longer be stored.")
    ]


def _split(text: object) -> list[str] | None:
    """The words of a comma list; no text of the database has a NUL."""
    if not isinstance(text, str):
        return None
    return [word.strip() for word in text.split(",") if word.strip() and "\0" not in word]


def _split_codes(text: object) -> list[int] | None:
    words = _split(text)
    if words is not None and not all(word.isascii() and word.isdigit() and len(word) == 3 for word in words):
        raise PydanticCustomError("value_error", "Value error, statuses are numbers as 200,503", {})
    return None if words is None else [int(word) for word in words]


def _parse_moment(text: object) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_moment(text if isinstance(text, str) else "")
    except ValueError:
        raise PydanticCustomError("datetime_parsing", "Input should be a valid datetime", {}) from None


Moment = Annotated[datetime | None, BeforeValidator(_parse_moment)]


class LogQuery(BaseModel):
    """The parameters of the log."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    page_size: Annotated[int, Field(ge=1, le=LOG_PAGE_SIZE_MOST)] = LOG_PAGE_SIZE
    cursor: str | None = None
    webhook_id: UUID | None = None
    connector_id: UUID | None = None
    webhook_action: Annotated[list[str] | None, BeforeValidator(_split)] = None
    response_code: Annotated[list[int] | None, BeforeValidator(_split_codes)] = None
    created_at_from: Moment = None
    created_at_to: Moment = None
    errors_only: bool = False


class ReplayBody(BaseModel):
    """What is to be sent again: one of the three."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    log_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_LOGS)] | None = None
    refused: bool = False
    since: Moment = None
    until: Moment = None
    connector_ids: Annotated[list[UUID], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def check(self) -> "ReplayBody":
        if (self.log_ids is not None) + self.refused + (self.since is not None) != 1:
            raise PydanticCustomError("value_error", "Value error, send one of log_ids, refused (true) and since", {})
        if self.since is None and (self.until is not None or self.connector_ids is not None):
            raise PydanticCustomError("value_error", "Value error, until and connector_ids go with since", {})
        return self


class AttemptPlace(NamedTuple):
    """The place of an attempt in the log."""

    id: UUID


class RefusedPlace(NamedTuple):
    """The place of a message in the list of refused ones."""

    at: datetime
    message: str

    def can_be(self) -> bool:
        return MINYEAR < self.at.year < MAXYEAR and "\0" not in self.message


class DeliveryLogRoutes:
    """The calls of the log, of refused messages and of replays."""

    def __init__(self, pool: Pool, gate: RequestGate) -> None:
        self._pool = pool
        self._gate = gate

    def list_routes(self) -> Sequence[Route]:
        """They precede those of webhooks, which take any word for an id."""
        return [
            Route(LOGS_PATH, self._answer_logs, methods=["GET"]),
            Route(f"{LOGS_PATH}/{{id}}", self._answer_log, methods=["GET"]),
            Route(f"{PATH}/{{id}}/refused", self._answer_refused, methods=["GET"]),
            Route(f"{PATH}/{{id}}/replay", self._answer_replay, methods=["POST"]),
        ]

    async def _answer_logs(self, request: Request) -> Response:
        async def read(caller: Caller) -> Reply:
            asked = self._gate.read_query(request, LogQuery)
            list_name = f"webhook logs\0{caller.environment}"
            place = read_place(caller.organisation, list_name, asked.cursor, AttemptPlace, lambda _: True)
            connector = None
            if asked.connector_id is not None:
                whose = caller.organisation, caller.environment
                rows = await self._pool.fetch(FIND_CONNECTORS, [asked.connector_id], *whose)
                connector = rows[0]["number"] if rows else 0
            wanted = DeliveryFilter(
                endpoint=asked.webhook_id, connector=connector, events=asked.webhook_action,
                statuses=asked.response_code, since=asked.created_at_from, until=asked.created_at_to,
                is_failed=asked.errors_only,
            )  # fmt: skip
            found, last = await list_deliveries(
                self._pool, caller.organisation, caller.environment, wanted,
                before=None if place is None else place.id, limit=asked.page_size,
            )  # fmt: skip
            cursor = None if last is None else write_place(caller.organisation, list_name, AttemptPlace(last))
            items = [WebhookLog(**_describe(row)) for row in found]
            return Reply(msgspec.json.encode({"cursor": cursor, "page_size": len(items), "items": items}))

        return await self._gate.serve_caller(request, read, needs=Need.READ)

    async def _answer_log(self, request: Request) -> Response:
        async def read(caller: Caller) -> Reply:
            id = parse_id(request.path_params["id"])
            row = id and await find_delivery(self._pool, caller.organisation, caller.environment, UUID(id))
            if not row:
                raise NotFound("There is no such attempt in the log of this environment")
            sent = {"method": "POST", "url": row["url"], **msgspec.json.decode(row["request"])}
            came = [{"status": row["status"], **msgspec.json.decode(row["answer"])}] if row["answer"] else []
            return Reply(msgspec.json.encode(WebhookLogDetail(**_describe(row), request=[sent], response=came)))

        return await self._gate.serve_caller(request, read, needs=Need.READ, model=EVERY_MODEL)

    async def _answer_refused(self, request: Request) -> Response:
        async def read(owner: EndpointOwner) -> Reply:
            endpoint = await self._find(request, owner)
            asked = self._gate.read_query(request, PageQuery)
            place = read_place(endpoint.id, "refused", asked.cursor, RefusedPlace, RefusedPlace.can_be)
            found = await list_undelivered(self._pool, endpoint.id, after=place, limit=asked.page_size + 1)
            items = [_describe_refused(row) for row in found[: asked.page_size]]
            places = [RefusedPlace(row["at"], row["message"]) for row in found]
            return Reply(write_page(endpoint.id, "refused", items, places))

        return await serve_owner(self._gate, request, read, needs=Need.READ)

    async def _answer_replay(self, request: Request) -> Response:
        async def replay(owner: EndpointOwner) -> Reply:
            endpoint, asked = await self._find(request, owner), await read_body(request, ReplayBody)
            try:
                if asked.log_ids is not None:
                    done = await replay_tries(self._pool, owner, endpoint, asked.log_ids)
                elif asked.since is not None:
                    done = await replay_since(self._pool, endpoint, asked.since, asked.until, asked.connector_ids)
                else:
                    done = await replay_refused(self._pool, endpoint)
            except TooManyReplays as error:
                raise Conflict(str(error)) from None
            return Reply(msgspec.json.encode(ReplayResult(replays=done.count, is_complete=done.is_whole)), 202)

        return await serve_owner(self._gate, request, replay, needs=Need.MANAGE, model=EVERY_MODEL)

    async def _find(self, request: Request, owner: EndpointOwner) -> Endpoint:
        """Raises LookupError."""
        id = read_webhook_id(request)
        found = await find_endpoint(self._pool, id, owner.organisation, owner.environment)
        if found is None:
            raise LookupError(f"there is no webhook {id}")
        return found


def _describe(row: asyncpg.Record) -> Mapping[str, Any]:
    return {
        "id": row["id"],
        "connector_id": row["connector_id"],
        "method": "POST",
        "url": row["url"],
        "response_code": row["status"],
        "created_at": row["at"],
        "integration_name": row["integration"],
        "end_user_name": row["end_user"],
        "origin_id": row["origin_id"],
        "webhook_action": row["event"],
        "webhook_name": row["name"],
        "webhook_id": row["endpoint"],
        "message_id": row["message"],
        "error": row["error"],
        "seconds": round(row["seconds"], 3),
    }


def _describe_refused(row: asyncpg.Record) -> RefusedMessage:
    return RefusedMessage(
        message_id=row["message"],
        event=row["event"],
        connector_id=row["connector_id"],
        response_code=row["status"],
        reason=row["reason"],
        since=row["since"],
        passed_over_at=row["at"],
    )
