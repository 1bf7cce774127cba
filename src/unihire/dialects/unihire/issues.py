"""Problems of a connector that somebody must know of or fix, as a list: open ones first, the latest first."""

from collections.abc import Mapping, Sequence
from datetime import MAXYEAR, MINYEAR, datetime
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unihire.dialects.common.admission import Reply, RequestGate
from unihire.dialects.common.describing import TOKENED, describe_responses
from unihire.dialects.unihire.list_pages import PageQuery, describe_page, describe_page_params, read_place, write_page
from unihire.platform.access import Need, Scope
from unihire.store import Pool
from unihire.store.issues import IssuePosition, list_issues
from unihire.sync.issues import ADVICE, IssueKind

PATH = "/api/v1/issues"
_LIST = "issues"
_ADVICE: Mapping[str, str] = {kind.value: advice for kind, advice in ADVICE.items()}


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """A problem that somebody must know of or fix. It opens when it occurs, and is resolved when it is over."""

    id: UUID
    kind: Annotated[str, Meta(description=f"One of {', '.join(IssueKind)}.", examples=[IssueKind.REAUTHORIZE.value])]
    stream: Annotated[str | None, Meta(description="The list it concerns; null: the whole connector.")]
    message: Annotated[str, Meta(description="The latest occurrence.")]
    advice: Annotated[str | None, Meta(description="What to do.")]
    times: Annotated[int, Meta(description="How often it occurred.")]
    opened_at: datetime
    last_seen_at: datetime
    resolved_at: datetime | None


def issue_view(row: asyncpg.Record) -> Issue:
    """`row` as store.issues has it."""
    return Issue(
        id=row["id"],
        kind=row["kind"],
        stream=row["stream"] or None,
        message=row["message"],
        advice=_ADVICE.get(row["kind"]),
        times=row["times"],
        opened_at=row["opened_at"],
        last_seen_at=row["seen_at"],
        resolved_at=row["resolved_at"],
    )


class IssueQuery(PageQuery):
    """What the list may be asked for."""

    resolved: bool = False


class Issues:
    """Answers the list."""

    def __init__(self, pool: Pool, gate: RequestGate) -> None:
        self._pool = pool
        self._gate = gate

    def list_routes(self) -> Sequence[Route]:
        return [Route(PATH, self._answer, methods=["GET"])]

    async def _answer(self, request: Request) -> Response:
        async def read(scope: Scope) -> Reply:
            asked = self._gate.read_query(request, IssueQuery)
            after = read_place(scope.connector, _LIST, asked.cursor, IssuePosition, _can_be)
            found = await list_issues(
                self._pool, scope.number, with_resolved=asked.resolved, limit=asked.page_size + 1, after=after
            )
            items = [issue_view(row) for row in found[: asked.page_size]]
            return Reply(write_page(scope.connector, _LIST, items, [IssuePosition.of(row) for row in found]))

        return await self._gate.serve_connector(request, read, needs=Need.READ)


def _can_be(place: IssuePosition) -> bool:
    """The database stores moments in UTC, where the first and the last of other zones have no year."""
    return MINYEAR < place.opened_at.year < MAXYEAR


def describe_route() -> tuple[dict[str, Any], dict[str, Any]]:
    """Its OpenAPI path, and the schemas it refers to."""
    operation = {
        "operationId": "list_issues",
        "tags": ["syncs"],
        "summary": "List issues",
        "description": "Problems that somebody must know of or fix, and what to do about each: open ones first, the "
        "latest first; the last page is the one whose `cursor` is null.",
        "security": TOKENED,
        "parameters": [
            *describe_page_params(),
            {
                "name": "resolved",
                "in": "query",
                "schema": {"type": "boolean", "default": False},
                "description": "Those that are over as well.",
            },
        ],
        "responses": describe_responses("IssuePage", found=False),
    }
    _, schemas = msgspec.json.schema_components([Issue], ref_template="#/components/schemas/{name}")
    return {PATH: {"get": operation}}, {**schemas, "IssuePage": describe_page("Issue")}
