"""Rows that do not map, or not whole, as a list: a page at a time, by stream and the vendor's id."""

from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unihire.dialects.common.admission import Reply, RequestGate
from unihire.dialects.common.describing import TOKENED, describe_responses
from unihire.dialects.unihire.list_pages import PageQuery, describe_page, describe_page_params, read_place, write_page
from unihire.kit.clock import to_text
from unihire.platform.access import EVERY_MODEL, Need, Scope
from unihire.store import Pool
from unihire.store.streams import list_quarantine

PATH = "/api/v1/quarantine"
_LIST = "quarantine"


class QuarantineQuery(PageQuery):
    """What the list may be asked for."""

    include_raw_data: bool = False


class Quarantine:
    """Answers the list from the store."""

    def __init__(self, pool: Pool, gate: RequestGate) -> None:
        self._pool = pool
        self._gate = gate

    def list_routes(self) -> Sequence[Route]:
        return [Route(PATH, self._answer)]

    async def _answer(self, request: Request) -> Response:
        async def read(scope: Scope) -> Reply:
            return Reply(await self._list(scope, self._gate.read_query(request, QuarantineQuery)))

        return await self._gate.serve_connector(request, read, needs=Need.READ, model=EVERY_MODEL)

    async def _list(self, scope: Scope, asked: QuarantineQuery) -> bytes:
        after = read_place(scope.connector, _LIST, asked.cursor, tuple[str, str], _can_be) or ("", "")
        raw, size = asked.include_raw_data, asked.page_size
        rows = await list_quarantine(self._pool, scope.number, after=after, limit=size + 1, raw=raw)
        items = [
            {
                "stream": row["stream"],
                "remote_id": row["row_id"],
                "reason": row["reason"],
                "served": row["is_served"],
                "left_out": row["left_out"],
                "since": to_text(row["since"]),
                "raw_data": msgspec.Raw(row["raw"]) if raw else None,
            }
            for row in rows[:size]
        ]
        places = [(row["stream"], row["row_id"]) for row in rows]
        return write_page(scope.connector, _LIST, items, places)


def _can_be(place: tuple[str, str]) -> bool:
    """No text of the database has a NUL."""
    return not any("\0" in part for part in place)


def describe_route() -> tuple[dict[str, Any], dict[str, Any]]:
    """Its OpenAPI path, and the schemas it refers to."""
    operation = {
        "operationId": "list_quarantine",
        "tags": ["service"],
        "summary": "List rows that do not map, or not whole",
        "description": "Where a part of a vendor's row is not as documented, the row is served without it and noted "
        "here; where nothing of it maps, or its id cannot be read, it is quarantined, and an earlier record of it is "
        "served unchanged. Both are tried again when the row changes and by `unihire remap`. Ordered by stream "
        "and the vendor's id; the last page is the one whose `cursor` is null.",
        "security": TOKENED,
        "parameters": [
            *describe_page_params(),
            {
                "name": "include_raw_data",
                "in": "query",
                "schema": {"type": "boolean", "default": False},
                "description": "Fill `raw_data`.",
            },
        ],
        "responses": describe_responses("QuarantinePage", found=False),
    }
    return {PATH: {"get": operation}}, {"QuarantinePage": describe_page("QuarantinedRow"), "QuarantinedRow": _ROW}


_ROW = {
    "type": "object",
    "description": "A row that does not map, or not whole.",
    "required": ["stream", "remote_id", "reason", "served", "left_out", "since", "raw_data"],
    "properties": {
        "stream": {"type": "string", "description": "The list at the vendor it is from."},
        "remote_id": {
            "type": "string",
            "description": "The vendor's id of it; if none can be read, `?` and a hash of the row.",
        },
        "reason": {
            "type": "string",
            "description": "Why it does not map: for each part that was left out, where it is and what is wrong with "
            "it, without what it says.",
        },
        "served": {"type": "boolean", "description": "Whether it is served, without the parts left out."},
        "left_out": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Where in the row those parts are, as in `phone_numbers[1].value`; the first 20.",
        },
        "since": {"type": "string", "format": "date-time", "description": "When it was noted first."},
        "raw_data": {
            "type": ["object", "string", "null"],
            "description": "What the vendor sent, unchanged; of a row that could not be decoded or is too large, the "
            "beginning as text. Null unless requested.",
        },
    },
}
