"""The audit trail of the key's organisation and environment, as a list."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unihire.dialects.common.admission import Reply, RequestGate
from unihire.dialects.common.describing import describe_param, describe_response
from unihire.dialects.common.lists import PAGE_SIZE, PAGE_SIZE_MOST
from unihire.dialects.unihire.endpoint_schema import describe_call
from unihire.dialects.unihire.list_pages import describe_page, describe_page_params, read_place, write_page
from unihire.platform.access import Caller, Need
from unihire.store import Pool
from unihire.store.audit import AuditLine, list_lines

PATH = "/api/v1/audit"


class AuditActor(msgspec.Struct, frozen=True, kw_only=True):
    """Who did it."""

    key_id: Annotated[UUID | None, Meta(description="The API key; null: a command at the service's terminal.")]
    name: Annotated[str, Meta(description="The key's name then, or `command`.")]


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One administrative act."""

    id: UUID
    at: datetime
    actor: AuditActor
    act: Annotated[str, Meta(description="What was done.", examples=["key.created", "connector.deleted"])]
    object_type: Annotated[str, Meta(description="What it was done to.", examples=["key", "connector", "webhook"])]
    object_id: str
    environment: Annotated[str | None, Meta(description="Null: the act is of the whole organisation.")]
    before: Annotated[dict[str, Any] | None, Meta(description="What was, without secrets.")]
    after: Annotated[dict[str, Any] | None, Meta(description="What is since then, without secrets.")]


class AuditQuery(BaseModel):
    """What the trail may be asked for."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    page_size: Annotated[int, Field(ge=1, le=PAGE_SIZE_MOST)] = PAGE_SIZE
    cursor: str | None = None
    object_id: Annotated[str | None, Field(max_length=200, pattern=r"^[^\x00]*$")] = None
    act: Annotated[str | None, Field(max_length=100, pattern=r"^[a-z_.]*$")] = None


class AuditTrail:
    """Answers the list."""

    def __init__(self, pool: Pool, gate: RequestGate) -> None:
        self._pool = pool
        self._gate = gate

    def list_routes(self) -> Sequence[Route]:
        return [Route(PATH, self._answer, methods=["GET"])]

    async def _answer(self, request: Request) -> Response:
        async def read(caller: Caller) -> Reply:
            asked = self._gate.read_query(request, AuditQuery)
            list_name = f"audit\0{caller.environment}"
            before = read_place(caller.organisation, list_name, asked.cursor, UUID, lambda _: True)
            found = await list_lines(
                self._pool, caller.organisation, caller.environment, before=before, object=asked.object_id,
                act=asked.act, limit=asked.page_size + 1,
            )  # fmt: skip
            items = [show_line(line) for line in found[: asked.page_size]]
            return Reply(write_page(caller.organisation, list_name, items, [line.id for line in found]))

        return await self._gate.serve_caller(request, read, needs=Need.MANAGE)


def show_line(line: AuditLine) -> AuditEntry:
    return AuditEntry(
        id=line.id, at=line.at, actor=AuditActor(key_id=line.key, name=line.actor), act=line.act,
        object_type=line.kind, object_id=line.object, environment=line.environment, before=line.before,
        after=line.after,
    )  # fmt: skip


def describe_route() -> tuple[dict[str, Any], dict[str, Any]]:
    """Its OpenAPI path, and the schemas it refers to."""
    listing = describe_call(
        "list_audit", "List administrative acts",
        "Who changed what in the key's organisation and environment, by API or by command, the latest first; the last "
        "page is the one whose `cursor` is null.",
        {"200": describe_response("Found.", "AuditPage")},
        params=[
            describe_param(
                "object_id", "Only what was done to what has this id.", schema={"type": "string", "maxLength": 200}
            ),
            describe_param(
                "act", "Only acts of this kind.", schema={"type": "string", "pattern": "^[a-z_.]*$", "maxLength": 100}
            ),
            *describe_page_params(),
        ],
        tag="keys",
    )  # fmt: skip
    _, schemas = msgspec.json.schema_components([AuditEntry], ref_template="#/components/schemas/{name}")
    return {PATH: {"get": listing}}, {**schemas, "AuditPage": describe_page("AuditEntry")}
