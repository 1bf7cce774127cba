"""The connector's sync runs: listed, shown, requested, paused, resumed, cancelled."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unihire.dialects.common.admission import BY_ID, MOST_BYTES, Reply, RequestGate, describe_problem, read_body
from unihire.dialects.common.describing import ID, TOKENED, describe_refusals, describe_response, describe_responses
from unihire.dialects.common.lists import parse_id
from unihire.dialects.unihire.list_pages import PageQuery, describe_page, describe_page_params, read_place, write_page
from unihire.dialects.unihire.views import (
    SyncRun,
    SyncRunDetail,
    SyncState,
    run_detail_view,
    run_view,
    schedule_view,
)
from unihire.errors import Busy, ConfigError, Conflict, Invalid, NotFound, Unauthorized
from unihire.integration.registry import get_integration
from unihire.model import MODELS
from unihire.platform.access import Need, Scope
from unihire.platform.syncs import (
    UNFINISHED,
    RunProgress,
    ask_sync,
    cancel_sync,
    measure_progress,
    pause_syncs,
    resume_syncs,
)
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector, get_numbered
from unihire.store.work import runs
from unihire.store.work.fast_schedules import FastSchedule, get_fast
from unihire.store.work.history import list_history
from unihire.store.work.schedules import get_schedule

PATH = "/api/v1/syncs"
_LIST = "syncs"
_NUMBER_MOST = 2**31 - 1

Change = Callable[[Pool, Connector], Awaitable[object]]


class AskBody(BaseModel):
    """What a run may be asked to do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    full: bool = False
    models: Annotated[list[str], Field(min_length=1)] | None = None


class Syncs:
    """Answers the calls."""

    def __init__(self, pool: Pool, gate: RequestGate, fast: FastSchedule) -> None:
        """`fast` is what the settings say of fast runs."""
        self._pool = pool
        self._gate = gate
        self._fast = fast

    def list_routes(self) -> Sequence[Route]:
        """They are at a path of their own, and below the connector's, by its id."""
        return [route for path in (PATH, f"{BY_ID}/syncs") for route in self._list_at(path)]

    def _list_at(self, path: str) -> Sequence[Route]:
        return [
            Route(path, self._answer_list, methods=["GET"]),
            Route(path, self._answer_ask, methods=["POST"]),
            *(
                Route(f"{path}/{name}", self._answer_change(change), methods=["POST"])
                for name, (change, _, _) in CHANGES.items()
            ),
            Route(path + "/{id}", self._answer_one, methods=["GET"]),
        ]

    async def _answer_list(self, request: Request) -> Response:
        async def read(scope: Scope) -> Reply:
            asked = self._gate.read_query(request, PageQuery)
            before = read_place(scope.connector, _LIST, asked.cursor, int, lambda number: 0 < number <= _NUMBER_MOST)
            found = await self._find_runs(scope, before=before, limit=asked.page_size + 1)
            items = [await self._view(scope, row) for row in found[: asked.page_size]]
            return Reply(write_page(scope.connector, _LIST, items, [row["number"] for row in found]))

        return await self._gate.serve_connector(request, read, needs=Need.READ)

    async def _answer_one(self, request: Request) -> Response:
        async def read(scope: Scope) -> Reply:
            id = parse_id(request.path_params["id"])
            found = [] if id is None else await self._find_runs(scope, id=UUID(id), limit=1)
            if not found:
                raise NotFound("There is no sync run with this id")
            row = found[0]
            parts = await runs.list_stream_runs(self._pool, row["connector"], row["id"])
            view = run_detail_view(row, parts, await self._measure(scope, row))
            return Reply(msgspec.json.encode(view))

        return await self._gate.serve_connector(request, read, needs=Need.READ)

    async def _answer_ask(self, request: Request) -> Response:
        async def ask(scope: Scope) -> Reply:
            body = await read_body(request, AskBody)
            connector = await find_connector(self._pool, scope)
            integration = get_integration(connector.integration)
            try:
                asked = await ask_sync(self._pool, connector, integration, full=body.full, models=body.models)
            except Busy as error:
                raise Conflict(str(error)) from None
            except ConfigError as error:
                raise Invalid([describe_problem("body", "models", str(error), body.models)]) from None
            (row,) = await self._find_runs(scope, id=asked.id, limit=1)
            return Reply(msgspec.json.encode(await self._view(scope, row)), 202 if asked.is_new else 200)

        return await self._gate.serve_connector(request, ask, needs=Need.MANAGE)

    def _answer_change(self, change: Change) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            async def work(scope: Scope) -> Reply:
                await change(self._pool, await find_connector(self._pool, scope))
                latest = await self._find_runs(scope, limit=1)
                run = await self._view(scope, latest[0]) if latest else None
                fast = await get_fast(self._pool, scope.number, self._fast)
                schedule = schedule_view(await get_schedule(self._pool, scope.number), fast)
                return Reply(msgspec.json.encode(SyncState(schedule=schedule, run=run)))

            return await self._gate.serve_connector(request, work, needs=Need.MANAGE)

        return answer

    async def _find_runs(self, scope: Scope, **narrowed: Any) -> list[Mapping[str, Any]]:
        """Newest first; narrowed as `list_history` is."""
        found = await list_history(self._pool, connectors=[scope.number], **narrowed)
        return sorted((dict(row) for row in found), key=lambda row: -row["number"])

    async def _view(self, scope: Scope, row: Mapping[str, Any]) -> SyncRun:
        return run_view(row, await self._measure(scope, row))

    async def _measure(self, scope: Scope, row: Mapping[str, Any]) -> RunProgress | None:
        if row["status"] not in UNFINISHED:
            return None
        connector = await find_connector(self._pool, scope)
        return await measure_progress(self._pool, connector, get_integration(connector.integration), row)


async def find_connector(pool: Pool, scope: Scope) -> Connector:
    """The connector a call reaches. Raises Unauthorized where it is gone since its token was looked at."""
    connector = await get_numbered(pool, scope.number)
    if connector is None:
        raise Unauthorized("The connector token is not valid for this API key")
    return connector


CHANGES: Mapping[str, tuple[Change, str, str]] = {
    "pause": (
        pause_syncs,
        "Pause the connector's syncs",
        "No run is started or resumed, by schedule or request. One under way pauses after the page it is on.",
    ),
    "resume": (
        resume_syncs,
        "Resume the connector's syncs",
        "The schedule applies again, and a paused run resumes after its last committed page.",
    ),
    "cancel": (
        cancel_sync,
        "Cancel the run under way",
        "What it saved stays; the page it is on is not saved. Without one under way nothing changes.",
    ),
}
"""Calls that change the state of syncs, idempotent: by name, with handler, summary and description."""


def describe_routes() -> tuple[dict[str, Any], dict[str, Any]]:
    """Their OpenAPI paths, and the schemas they refer to."""
    ask = {
        "operationId": "ask_sync",
        "summary": "Request a sync run",
        "description": "Reads what changed or, with `full`, every list whole; with `models` only the lists these are "
        "made of. A worker does it, through any crash. If a run under way does all that is requested, it is the "
        "answer; one that does less is cancelled and replaced.",
        "requestBody": {"required": False, "content": {"application/json": {"schema": _ASK}}},
        "responses": {
            "200": describe_response("A run under way does it.", "SyncRun"),
            "202": describe_response("It was requested.", "SyncRun"),
            "409": describe_response("A run is under way that does something else.", "Error"),
            "413": describe_response(f"The body is larger than {MOST_BYTES // 1024} KiB.", "Error"),
            **describe_refusals(),
        },
    }
    listing = {
        "operationId": "list_syncs",
        "summary": "List sync runs",
        "description": "Newest first; the last page is the one whose `cursor` is null.",
        "responses": describe_responses("SyncRunPage", found=False),
    }
    one = {
        "operationId": "get_sync",
        "summary": "One sync run, with what each list came to",
        "responses": describe_responses("SyncRunDetail", found=True),
    }
    id = {"name": "id", "in": "path", "required": True, "schema": ID, "description": "The run's id."}
    paths = {
        PATH: {"get": _finish(listing, *describe_page_params()), "post": _finish(ask)},
        **{
            f"{PATH}/{name}": {
                "post": _finish({
                    "operationId": f"{name}_syncs",
                    "summary": summary,
                    "description": f"{description} It is idempotent.",
                    "responses": {"200": describe_response("Its state.", "SyncState"), **describe_refusals()},
                })
            }
            for name, (_, summary, description) in CHANGES.items()
        },
        PATH + "/{id}": {"get": _finish(one, id)},
    }  # fmt: skip
    _, schemas = msgspec.json.schema_components(
        [SyncRunDetail, SyncRun, SyncState], ref_template="#/components/schemas/{name}"
    )
    return paths, {**schemas, "SyncRunPage": describe_page("SyncRun")}


def _finish(operation: dict[str, Any], *params: dict[str, Any]) -> dict[str, Any]:
    return {"tags": ["syncs"], "security": TOKENED, "parameters": list(params), **operation}


_ASK = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "full": {"type": "boolean", "default": False, "description": "Read every list whole."},
        "models": {
            "type": ["array", "null"],
            "items": {"type": "string", "enum": list(MODELS)},
            "minItems": 1,
            "default": None,
            "description": "Only the lists these models are made of; null: all. One that the connector's integration "
            "does not give is a 422.",
            "examples": [["candidate", "job"]],
        },
    },
}
