"""The log of writes: what was asked for, how it ended, and settling what was perhaps made.

A call is checked as reads are; what these check themselves: query and body (422), write (404), its state (409).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unihire.dialects.common.admission import Reply, RequestGate, describe_problem, read_body
from unihire.dialects.common.lists import parse_id
from unihire.errors import Invalid, NotFound
from unihire.kit.text import ID_LENGTH
from unihire.model import MODELS
from unihire.platform.access import Need, Scope
from unihire.platform.writing import outcomes
from unihire.platform.writing.unified_writes import UnifiedWrites, is_open
from unihire.store import Pool
from unihire.store.accounts.tenancy import get_connector
from unihire.store.calls.requested_writes import StoredWrite, get_write, list_stored_writes

PATH = "/api/v1/writes"

PAGE_SIZE_MOST = 200

Outcome = Literal["waiting", "running", "done", "partly_done", "refused", "perhaps_made", "not_made"]

_NAMES = {spec.number: spec.name for spec in MODELS.values()}


class WritesQuery(BaseModel):
    """The query of the list."""

    model_config = ConfigDict(extra="ignore")

    page_size: int = Field(50, ge=1, le=PAGE_SIZE_MOST)
    cursor: str | None = None
    outcome: Outcome | None = None


class Settlement(BaseModel):
    """How somebody who looked says that a write ended; an empty body has us look."""

    model_config = ConfigDict(extra="forbid")

    outcome: Literal["done", "not_made"] | None = None
    remote_id: str | None = Field(None, min_length=1, max_length=ID_LENGTH)


class WriteLog:
    """Answers the log of writes of a connector."""

    def __init__(self, pool: Pool, gate: RequestGate, writes: UnifiedWrites) -> None:
        self._pool = pool
        self._gate = gate
        self._writes = writes

    def list_routes(self) -> Sequence[Route]:
        return [
            Route(PATH, self._answer_list),
            Route(f"{PATH}/{{id}}", self._answer_one),
            Route(f"{PATH}/{{id}}/resolve", self._answer_resolve, methods=["POST"]),
        ]

    async def _answer_list(self, request: Request) -> Response:
        async def work(scope: Scope) -> Reply:
            query = self._gate.read_query(request, WritesQuery)
            before = parse_id(query.cursor) if query.cursor else None
            if query.cursor and before is None:
                problem = describe_problem("query", "cursor", "this is not a cursor of this list", query.cursor)
                raise Invalid([problem])
            found = await list_stored_writes(
                self._pool, scope.number, before=None if before is None else UUID(before), status=query.outcome,
                limit=query.page_size + 1, models=_list_shown(scope),
            )  # fmt: skip
            page = found[: query.page_size]
            cursor = str(page[-1].id) if len(found) > len(page) else None
            items = [show_write(one) for one in page]
            return Reply(msgspec.json.encode({"cursor": cursor, "page_size": len(items), "items": items}))

        return await self._gate.serve_connector(request, work, needs=Need.WRITE)

    async def _answer_one(self, request: Request) -> Response:
        async def work(scope: Scope) -> Reply:
            return Reply(msgspec.json.encode(show_write(await self._find(scope, request), is_whole=True)))

        return await self._gate.serve_connector(request, work, needs=Need.WRITE)

    async def _answer_resolve(self, request: Request) -> Response:
        async def work(scope: Scope) -> Reply:
            said = await read_body(request, Settlement)
            stored = await self._find(scope, request)
            connector = await get_connector(self._pool, scope.connector)
            if connector is None:
                raise NotFound("The connector was removed meanwhile")
            if said.outcome is None:
                await self._writes.resolve(connector, scope, stored)
            else:
                await self._writes.settle(
                    connector, scope, stored, is_done=said.outcome == "done", remote_id=said.remote_id
                )
            return Reply(msgspec.json.encode(show_write(await self._find(scope, request), is_whole=True)))

        return await self._gate.serve_connector(request, work, needs=Need.WRITE)

    async def _find(self, scope: Scope, request: Request) -> StoredWrite:
        id = parse_id(request.path_params["id"])
        found = None if id is None else await get_write(self._pool, scope.number, UUID(id))
        shown = _list_shown(scope)
        if found is None or (shown is not None and found.model not in shown):
            raise NotFound("There is no write with this id")
        return found


def _list_shown(scope: Scope) -> list[int] | None:
    """The numbers of the models whose writes the key is shown; None for all."""
    if scope.hidden is None or scope.hidden.models is None:
        return None
    return [spec.number for spec in MODELS.values() if scope.hidden.shows(spec.name)]


def show_write(stored: StoredWrite, *, is_whole: bool = False) -> dict[str, Any]:
    """A write as the API shows it; `is_whole` with what the vendor answered and, where it is stored, what was sent."""
    shown: dict[str, Any] = {
        "id": str(stored.id),
        "model": _NAMES.get(stored.model),
        "verb": stored.verb,
        "outcome": find_outcome(stored),
        "record": stored.record,
        "target": stored.target,
        "asked_by": stored.asked_by,
        "acting_user": stored.actor,
        "idempotency_key": stored.key,
        "message": stored.message,
        "asked_at": stored.asked_at,
        "ended_at": stored.ended_at,
    }
    if not is_whole:
        return shown
    answer = None if stored.answer is None else msgspec.json.decode(stored.answer)
    return {
        **shown,
        "steps": outcomes.show_progress(stored.steps) if answer is None else answer["steps"],
        "answer": answer,
        "vendor_response": outcomes.show_steps(stored.steps),
        "refusal": None if stored.refusal is None else stored.refusal.decode("utf-8", "replace"),
        "body": None if stored.body is None else msgspec.json.decode(stored.body).get("data"),
    }


def find_outcome(stored: StoredWrite) -> str:
    """How a write ended, or where it is. One whose process died is perhaps made, where it had sent something."""
    if stored.status != outcomes.RUNNING or is_open(stored, datetime.now(UTC)):
        return stored.status
    return outcomes.PERHAPS_MADE if stored.steps else outcomes.NOT_MADE
