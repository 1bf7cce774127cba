"""API keys over HTTP: listed, made, changed, replaced and ended by a key with the scope `manage`; and a key checked.

Calls are checked as every call is that names no connector: API key (401), scope (403), rate (429), then the call itself
(422), the key it is about (404), and what the calling key may give (403).
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import MAXYEAR, MINYEAR, datetime, timedelta
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unihire.dialects.common.admission import Reply, RequestGate, describe_problem, read_body
from unihire.dialects.common.describing import describe_response
from unihire.dialects.common.lists import parse_id
from unihire.dialects.unihire.endpoint_schema import describe_call
from unihire.dialects.unihire.list_pages import (
    PageQuery,
    describe_page,
    describe_page_params,
    read_place,
    write_page,
)
from unihire.errors import ConfigError, Invalid, NotFound
from unihire.kit.durations import parse_duration, write_duration
from unihire.model import MODELS
from unihire.platform.access import SCOPES, SCOPES_UNASKED, Caller, Need
from unihire.platform.organisations import LONGEST_KEY, LONGEST_OVERLAP, NAME_MOST, KeyReach
from unihire.platform.own_keys import MOST_KEYS, KeyChange, OwnKeys
from unihire.store import Pool
from unihire.store.accounts.tenancy import GET_ORGANISATION

PATH = "/api/v1/keys"
CHECK_PATH = "/api/v1/org-check"
_LIST = "keys"

OVERLAP_PATTERN = "^(0|([1-9]|[12][0-9]|30)d|([1-9][0-9]?|[1-6][0-9]{2}|7[01][0-9]|720)h|[1-9][0-9]{0,3}[ms])$"
"""Durations of 0 to 30 days."""

VALIDITY_PATTERN = "^(([1-9][0-9]{0,2}|[12][0-9]{3}|3[0-5][0-9]{2}|36[0-4][0-9]|3650)d|[1-9][0-9]{0,3}[smh])$"
"""Durations of 1 second to 3,650 days."""


class ApiKeyView(msgspec.Struct, frozen=True, kw_only=True):
    """An API key, without what opens anything."""

    id: UUID
    name: str
    environment: str
    scopes: Annotated[list[str], Meta(description="What it may do.")]
    models: Annotated[list[str] | None, Meta(description="The models it is limited to; null: all.")]
    created_at: datetime
    ends_at: Annotated[datetime | None, Meta(description="When it ends by itself; null: never.")]
    revoked_at: datetime | None
    last_used_at: Annotated[datetime | None, Meta(description="To a minute; null: never.")]
    is_valid: bool


class NewApiKey(ApiKeyView, frozen=True, kw_only=True):
    """A key that was just created."""

    key: Annotated[str, Meta(description="The key itself. It is shown only here.")]


class OrganisationOfKey(msgspec.Struct, frozen=True, kw_only=True):
    """Whose a key is."""

    id: UUID
    name: str


class KeyCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What a valid key is and may do."""

    organisation: OrganisationOfKey
    environment: str
    key: ApiKeyView


def _make_parser(least: timedelta, most: timedelta) -> Callable[[object], timedelta | None]:
    def parse(text: object) -> timedelta | None:
        if text is None:
            return None
        if not isinstance(text, str):
            raise PydanticCustomError("string_type", "Input should be a valid string")
        try:
            found = timedelta() if text == "0" else parse_duration(text)
        except ValueError as error:
            raise PydanticCustomError("value_error", "Value error, {reason}", {"reason": str(error)}) from None
        if not least <= found <= most:
            reason = f"it must be from {write_duration(least)} to {write_duration(most)}"
            raise PydanticCustomError("value_error", "Value error, {reason}", {"reason": reason})
        return found

    return parse


ValidFor = Annotated[timedelta | None, BeforeValidator(_make_parser(timedelta(seconds=1), LONGEST_KEY))]
Overlap = Annotated[timedelta, BeforeValidator(_make_parser(timedelta(), LONGEST_OVERLAP))]
Name = Annotated[str, Field(min_length=1, max_length=NAME_MOST)]
Words = Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=len(MODELS))]


class ApiKeyBody(BaseModel):
    """What becomes of a key. What is left out stays."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name | None = None
    scopes: Words | None = None
    models: Words | None = None
    valid_for: ValidFor = None


class NewApiKeyBody(ApiKeyBody):
    """A key to create."""

    name: Name


class ApiKeyRotation(BaseModel):
    """How a key is replaced."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    old_valid_for: Overlap = timedelta(days=1)
    valid_for: ValidFor = None


class KeyPlace(NamedTuple):
    """The place of a key in the list."""

    created_at: datetime
    id: UUID

    def can_be(self) -> bool:
        return MINYEAR < self.created_at.year < MAXYEAR


class KeyRoutes:
    """Answers the calls."""

    def __init__(self, pool: Pool, gate: RequestGate) -> None:
        self._pool = pool
        self._gate = gate
        self._keys = OwnKeys(pool)

    def list_routes(self) -> Sequence[Route]:
        one = f"{PATH}/{{id}}"
        return [
            Route(PATH, self._answer_all, methods=["GET", "POST"]),
            Route(one, self._answer_one, methods=["GET", "PATCH", "DELETE"]),
            Route(f"{one}/rotate", self._answer_rotate, methods=["POST"]),
            Route(CHECK_PATH, self._answer_check, methods=["POST"]),
        ]

    async def _answer_all(self, request: Request) -> Response:
        async def work(caller: Caller) -> Reply:
            return await (self._create if request.method == "POST" else self._list)(request, caller)

        return await self._serve(request, work)

    async def _list(self, request: Request, caller: Caller) -> Reply:
        asked = self._gate.read_query(request, PageQuery)
        list_name = f"{_LIST}\0{caller.environment}"
        after = read_place(caller.organisation, list_name, asked.cursor, KeyPlace, KeyPlace.can_be)
        rows = await self._keys.list(caller, after=after, limit=asked.page_size + 1)
        items = [_show(row) for row in rows[: asked.page_size]]
        places = [KeyPlace(row["created_at"], row["id"]) for row in rows]
        return Reply(write_page(caller.organisation, list_name, items, places))

    async def _create(self, request: Request, caller: Caller) -> Reply:
        asked = await read_body(request, NewApiKeyBody)
        wanted = asked.scopes
        if wanted is None:  # as many of those that are usual as the key itself has
            wanted = [scope for scope in SCOPES_UNASKED if scope in caller.scopes]
        models = asked.models if "models" in asked.model_fields_set else _list_own(caller)
        row, key = await self._keys.create(caller, asked.name, KeyReach.check(wanted, models), asked.valid_for)
        return Reply(_write_new(row, key), 201)

    async def _answer_one(self, request: Request) -> Response:
        async def work(caller: Caller) -> Reply:
            id = _read_id(request)
            if request.method == "DELETE":
                await self._keys.revoke(caller, id)
                return Reply(b"", 204)
            if request.method == "GET":
                return Reply(msgspec.json.encode(_show(await self._keys.get(caller, id))))
            asked = await read_body(request, ApiKeyBody)
            change = KeyChange(
                name=asked.name,
                scopes=asked.scopes,
                models=asked.models,
                is_models_set="models" in asked.model_fields_set,
                valid_for=asked.valid_for,
                is_ending_set="valid_for" in asked.model_fields_set,
            )
            return Reply(msgspec.json.encode(_show(await self._keys.change(caller, id, change))))

        return await self._serve(request, work)

    async def _answer_rotate(self, request: Request) -> Response:
        async def work(caller: Caller) -> Reply:
            id, asked = _read_id(request), await read_body(request, ApiKeyRotation)
            row, key = await self._keys.rotate(caller, id, old_valid_for=asked.old_valid_for, valid_for=asked.valid_for)
            return Reply(_write_new(row, key), 201)

        return await self._serve(request, work)

    async def _answer_check(self, request: Request) -> Response:
        async def work(caller: Caller) -> Reply:
            assert caller.key is not None
            row = await self._keys.get(caller, caller.key)
            name = await self._pool.fetchval(GET_ORGANISATION, caller.organisation)
            organisation = OrganisationOfKey(id=caller.organisation, name=name)
            found = KeyCheck(organisation=organisation, environment=caller.environment, key=_show(row))
            return Reply(msgspec.json.encode(found))

        return await self._gate.serve_caller(request, work, needs=Need.KEY)

    async def _serve(self, request: Request, work: Callable[[Caller], Awaitable[Reply]]) -> Response:
        """What the rules of keys refuse is answered as an error of the API."""

        async def try_to(caller: Caller) -> Reply:
            try:
                return await work(caller)
            except ConfigError as error:
                raise Invalid([describe_problem("body", "key", str(error), None)]) from None

        return await self._gate.serve_caller(request, try_to, needs=Need.MANAGE)


def _list_own(caller: Caller) -> list[str] | None:
    return None if caller.models is None else sorted(caller.models)


def _read_id(request: Request) -> UUID:
    found = parse_id(request.path_params["id"])
    if found is None:
        raise NotFound("There is no API key with this id in this environment")
    return UUID(found)


def _describe(row: asyncpg.Record) -> dict[str, Any]:
    shown = {name: row[name] for name in ApiKeyView.__struct_fields__ if name != "is_valid"}
    return {**shown, "is_valid": row["is_good"]}


def _show(row: asyncpg.Record) -> ApiKeyView:
    return ApiKeyView(**_describe(row))


def _write_new(row: asyncpg.Record, key: str) -> bytes:
    return msgspec.json.encode(NewApiKey(**_describe(row), key=key))


def describe_routes() -> tuple[dict[str, Any], dict[str, Any]]:
    """Their OpenAPI paths, and the schemas they refer to."""
    scopes = {"type": "array", "items": {"type": "string", "enum": list(SCOPES)}, "minItems": 1}
    models = {"type": "array", "items": {"type": "string", "enum": list(MODELS)}, "minItems": 1}
    lasting = {
        "type": ["string", "null"],
        "pattern": VALIDITY_PATTERN,
        "description": f"How long it is valid, at most {LONGEST_KEY.days}d, and no longer than the key that asks for "
        "it; null: for ever.",
        "examples": ["90d"],
    }
    members = {
        "name": {"type": "string", "minLength": 1, "maxLength": NAME_MOST, "description": "What you call it."},
        "scopes": {
            **scopes,
            "description": "What it may do; of a new one, without it: read, write and manage, as far as the key that "
            "asks for it has them.",
        },
        "models": {
            "anyOf": [models, {"type": "null"}],
            "description": "The models it is limited to; null: all. Without the scope operations only.",
        },
        "valid_for": lasting,
    }
    body = {"type": "object", "additionalProperties": False, "properties": members}
    rotation = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "old_valid_for": {
                "type": "string",
                "pattern": OVERLAP_PATTERN,
                "default": "1d",
                "description": f"How long the old key is valid still: 0 to {write_duration(LONGEST_OVERLAP)}.",
                "examples": ["0", "1h"],
            },
            "valid_for": {
                **lasting,
                "description": "How long the new one is; null: until the old one would have ended.",
            },
        },
    }
    named: dict[str, Any] = {"tag": "keys", "thing": "API key"}
    new = {"201": describe_response("Created.", "NewApiKey")}
    listing = describe_call(
        "list_keys", "List API keys",
        "Those of the key's organisation and environment in the order they were made, ended ones too; the last page is "
        "the one whose `cursor` is null.",
        {"200": describe_response("Found.", "ApiKeyPage")}, params=describe_page_params(), **named,
    )  # fmt: skip
    create = describe_call(
        "create_key", "Create an API key",
        "In the organisation and environment of the key that asks for it, and with no scope or model that it lacks. "
        "The key is shown only here.",
        {**new, "409": describe_response(f"The environment has {MOST_KEYS:,} valid keys.", "Error")},
        body={**body, "required": ["name"]}, **named,
    )  # fmt: skip
    shown = {"200": describe_response("Found.", "ApiKeyView")}
    get = describe_call("get_key", "One API key", "", shown, has_id=True, **named)
    change = describe_call(
        "change_key", "Change an API key",
        "What is left out stays; it holds at once, in every process. A key that has more than the one that asks is not "
        "changed, and none gets more.",
        {"200": describe_response("As it is now.", "ApiKeyView")}, body=body, has_id=True, **named,
    )  # fmt: skip
    revoke = describe_call(
        "revoke_key", "End an API key", "At once, in every process.", {"204": {"description": "Ended."}},
        has_id=True, **named,
    )  # fmt: skip
    rotate = describe_call(
        "rotate_key", "Replace an API key",
        "The new one has its name, scopes, models and end; the old one is valid for `old_valid_for` still.",
        new, body=rotation, has_id=True, **named,
    )  # fmt: skip
    check = describe_call(
        "check_key", "Check an API key", "Whose it is and what it may do. Any valid key will do.",
        {"200": describe_response("It is valid.", "KeyCheck")}, **named,
    )  # fmt: skip
    del check["responses"]["403"]
    _, schemas = msgspec.json.schema_components(
        [ApiKeyView, NewApiKey, KeyCheck], ref_template="#/components/schemas/{name}"
    )
    paths = {
        PATH: {"get": listing, "post": create},
        f"{PATH}/{{id}}": {"get": get, "patch": change, "delete": revoke},
        f"{PATH}/{{id}}/rotate": {"post": rotate},
        CHECK_PATH: {"post": check},
    }
    return paths, {**schemas, "ApiKeyPage": describe_page("ApiKeyView")}
