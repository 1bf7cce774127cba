"""Rows that would not map, as a list: a page at a time, by stream and the vendor's id.

Checked as the data reads are, and in their order: API key (401), connector-token header (422), connector token (401,
403), rate (429), query (422).
"""

import base64
import binascii
from collections.abc import Sequence
from hashlib import blake2b
from typing import Annotated, Any
from uuid import UUID

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unihire.dialects.bindbee.params import PAGE_SIZE, PAGE_SIZE_MOST
from unihire.dialects.bindbee.reads import answer_read
from unihire.dialects.bindbee.schema import describe_responses, describe_token
from unihire.errors import Invalid
from unihire.kit.clock import to_text
from unihire.platform.access import Access, Scope
from unihire.platform.limits import RateLimiter
from unihire.store import Pool
from unihire.store.streams import list_quarantine

PATH = "/api/v1/quarantine"

_MARK_BYTES = 8


class AsideQuery(BaseModel):
    """What the list may be asked for."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    page_size: Annotated[int, Field(ge=1, le=PAGE_SIZE_MOST)] = PAGE_SIZE
    cursor: str | None = None
    include_raw_data: bool = False


class Quarantine:
    """Answers the list from the store."""

    def __init__(self, pool: Pool, access: Access, limiter: RateLimiter | None) -> None:
        self._pool = pool
        self._access = access
        self._limiter = limiter

    def list_routes(self) -> Sequence[Route]:
        return [Route(PATH, self._answer)]

    async def _answer(self, request: Request) -> Response:
        async def read(scope: Scope) -> bytes:
            return await self._list(scope, _read_query(request))

        return await answer_read(request, self._access, self._limiter, read)

    async def _list(self, scope: Scope, asked: AsideQuery) -> bytes:
        after = ("", "")
        if asked.cursor:
            place = read_place(scope.connector, asked.cursor)
            if place is None:
                raise Invalid([_bad_cursor(asked.cursor)])
            after = place
        raw, size = asked.include_raw_data, asked.page_size
        rows = await list_quarantine(self._pool, scope.number, after=after, limit=size + 1, raw=raw)
        shown = rows[:size]
        items = [
            {
                "stream": row["stream"],
                "remote_id": row["row_id"],
                "reason": row["reason"],
                "since": to_text(row["since"]),
                "raw_data": msgspec.Raw(row["raw"]) if raw else None,
            }
            for row in shown
        ]
        last = (shown[-1]["stream"], shown[-1]["row_id"]) if len(rows) > size else None
        cursor = None if last is None else write_place(scope.connector, *last)
        return msgspec.json.encode({"cursor": cursor, "page_size": len(items), "items": items})


def write_place(connector: UUID, stream: str, row_id: str) -> str:
    """The cursor that goes on after a row. It stays good when that row is there no longer."""
    place = msgspec.json.encode((stream, row_id))
    return base64.urlsafe_b64encode(_mark(connector, place) + place).rstrip(b"=").decode()


def read_place(connector: UUID, cursor: str) -> tuple[str, str] | None:
    """The stream and row a cursor names; None where it is none of this list's."""
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    mark, place = packed[:_MARK_BYTES], packed[_MARK_BYTES:]
    if mark != _mark(connector, place):
        return None
    return msgspec.json.decode(place, type=tuple[str, str])


def _mark(connector: UUID, place: bytes) -> bytes:
    """Ties a place to its list. A check, not a secret: a forged cursor reaches nothing its owner could not read."""
    return blake2b(b"quarantine\0" + place, digest_size=_MARK_BYTES, key=connector.bytes).digest()


def _read_query(request: Request) -> AsideQuery:
    try:
        return AsideQuery.model_validate(dict(request.query_params))
    except ValidationError as error:
        raise Invalid(
            [
                {**problem, "loc": ["query", *problem["loc"][:1]]}
                for problem in error.errors(include_url=False, include_context=True)
            ]
        ) from None


def _bad_cursor(cursor: str) -> dict[str, object]:
    message = "Value error, this is not a cursor of the quarantine"
    return {"type": "value_error", "loc": ["query", "cursor"], "msg": message, "input": cursor}


def describe_route() -> tuple[dict[str, Any], dict[str, Any]]:
    """Its OpenAPI path, and the schemas it refers to."""
    size = {"type": "integer", "minimum": 1, "maximum": PAGE_SIZE_MOST, "default": PAGE_SIZE}
    operation = {
        "operationId": "list_quarantine",
        "tags": ["service"],
        "summary": "List rows that would not map",
        "description": "A row of the vendor's that is not as documented becomes no record: it is set aside with the "
        "reason, and tried again when it changes and by `unihire remap`. A record it was before is served as it last "
        "was. Ordered by stream and the vendor's id; the last page is the one whose `cursor` is null.",
        "security": [{"ApiKey": []}],
        "parameters": [
            {"name": "page_size", "in": "query", "schema": size, "description": "Most rows in a page."},
            {
                "name": "cursor",
                "in": "query",
                "schema": {"type": "string"},
                "description": "Where to go on: the `cursor` of the page before.",
            },
            {
                "name": "include_raw_data",
                "in": "query",
                "schema": {"type": "boolean", "default": False},
                "description": "Fill `raw_data`.",
            },
            describe_token(),
        ],
        "responses": describe_responses("QuarantinePage", found=False),
    }
    return {PATH: {"get": operation}}, {"QuarantinePage": _PAGE, "QuarantinedRow": _ROW}


_PAGE = {
    "type": "object",
    "required": ["cursor", "page_size", "items"],
    "properties": {
        "cursor": {"type": ["string", "null"], "description": "Where to go on; null on the last page."},
        "page_size": {"type": "integer", "description": "How many rows this page has."},
        "items": {"type": "array", "items": {"$ref": "#/components/schemas/QuarantinedRow"}},
    },
}

_ROW = {
    "type": "object",
    "description": "A row that would not map.",
    "required": ["stream", "remote_id", "reason", "since", "raw_data"],
    "properties": {
        "stream": {"type": "string", "description": "The list at the vendor it is from."},
        "remote_id": {
            "type": "string",
            "description": "The vendor's id of it; where none can be read, `?` and a hash that stands for it.",
        },
        "reason": {"type": "string", "description": "What kept it from becoming a record."},
        "since": {"type": "string", "format": "date-time", "description": "When it was set aside first."},
        "raw_data": {
            "type": ["object", "null"],
            "description": "What the vendor sent, unchanged; null unless asked for.",
        },
    },
}
