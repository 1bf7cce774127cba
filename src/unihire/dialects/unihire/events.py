"""The change log as a list: what became of records, in order, with a cursor that is always there."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unihire.dialects.common.admission import Reply, RequestGate, describe_problem
from unihire.dialects.common.describing import describe_param, describe_refusals, describe_response
from unihire.dialects.common.lists import PAGE_SIZE, PAGE_SIZE_MOST
from unihire.dialects.unihire.event_views import (
    CHANGEABLE,
    END,
    Event,
    explain_way_back,
    find_place,
    show_event,
    write_cursor,
)
from unihire.dialects.unihire.records import MORE, OWN
from unihire.errors import Gone, Invalid, NotFound
from unihire.events.current_records import find_records
from unihire.events.log_reading import EventPage, EventQuery, EventReader, EventsMissed
from unihire.events.places import TEXT_PATTERN
from unihire.kit.clock import to_text
from unihire.model import MODELS
from unihire.platform.access import Caller, Need, Scope
from unihire.platform.reads import Reader, RecordView
from unihire.store import Pool
from unihire.store.accounts.tenancy import FIND_NUMBER
from unihire.store.events.eras import Era
from unihire.store.events.order import LogPlace
from unihire.store.feed.changes import ChangeKind

PATH = "/api/v1/events"


class EventParams(BaseModel):
    """What the log may be asked for."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    page_size: Annotated[int, Field(ge=1, le=PAGE_SIZE_MOST)] = PAGE_SIZE
    cursor: str | None = None
    model: Literal[tuple(MODELS)] | None = None  # type: ignore[valid-type]
    kind: ChangeKind | None = None
    connector_id: UUID | None = None
    changed: str | None = None
    include_record: bool = False

    @field_validator("changed")
    @classmethod
    def _refuse_unknown(cls, name: str | None) -> str | None:
        if name is not None and name not in CHANGEABLE:
            reason = f"no model has this field; those in `{MORE}` are named {MORE}.x"
            raise PydanticCustomError("value_error", "Value error, {reason}", {"reason": reason})
        return name


class Events:
    """Answers the list."""

    def __init__(self, pool: Pool, gate: RequestGate, records: Reader) -> None:
        self._pool = pool
        self._gate = gate
        self._events = EventReader(pool)
        self._records = records

    def list_routes(self) -> Sequence[Route]:
        return [Route(PATH, self._answer, methods=["GET"])]

    async def _answer(self, request: Request) -> Response:
        async def read(caller: Caller, scope: Scope | None) -> Reply:
            asked = self._gate.read_query(request, EventParams)
            wanted = await self._translate(caller, scope, asked)
            try:
                return Reply(await self._list(wanted, asked))
            except EventsMissed as missed:
                raise Gone(*_describe_missed(wanted, missed)) from None

        return await self._gate.serve_either(request, read, needs=Need.READ)

    async def _translate(self, caller: Caller, scope: Scope | None, asked: EventParams) -> EventQuery:
        """The events that are asked for. Raises NotFound for another's connector."""
        connector = None if scope is None else (scope.connector, scope.number)
        if asked.connector_id is not None:
            number = await self._pool.fetchval(FIND_NUMBER, asked.connector_id, caller.organisation, caller.environment)
            if number is None or (scope is not None and scope.number != number):
                raise NotFound("There is no connector with this id")
            connector = asked.connector_id, number
        return EventQuery(
            organisation=caller.organisation,
            environment=caller.environment,
            connector=connector,
            model=None if asked.model is None else MODELS[asked.model],
            kind=asked.kind,
            changed=asked.changed,
            hidden=caller.hidden if scope is None else scope.hidden,
        )

    async def _list(self, wanted: EventQuery, asked: EventParams) -> bytes:
        if asked.cursor == END:
            era, place = await self._events.find_end(wanted)
            found = EventPage(era, (), place, False)
        else:
            found = await self._events.read(wanted, _read_cursor(wanted, asked.cursor), asked.page_size)
        items = [show_event(wanted, found.era, one) for one in found.events]
        shown: list[Any] = items
        if asked.include_record and items:
            shown = await self._add_records(wanted, found, items)
        return msgspec.json.encode(
            {
                "items": shown,
                "page_size": len(items),
                "cursor": write_cursor(wanted, found.era, found.place),
                "more": found.has_more,
            }
        )

    async def _add_records(self, wanted: EventQuery, found: EventPage, items: Sequence[Event]) -> list[dict[str, Any]]:
        bodies = await find_records(
            self._pool,
            self._records,
            (one.event for one in found.events),
            RecordView(projection=OWN.projection),
            wanted.hidden,
        )
        shown = []
        for one, item in zip(found.events, items, strict=True):
            body = bodies.get((one.event.connector, one.event.id))
            record = None if body is None else msgspec.Raw(body)
            shown.append({**msgspec.structs.asdict(item), "record": record})
        return shown


def _read_cursor(wanted: EventQuery, cursor: str | None) -> tuple[Era, LogPlace] | None:
    """The place a cursor names; None without one. Raises Invalid where it is none of this log's."""
    if not cursor:
        return None
    place = find_place(wanted, cursor)
    if place is None:
        raise Invalid([describe_problem("query", "cursor", "this is not a cursor of these events", cursor)])
    return place


def _describe_missed(wanted: EventQuery, missed: EventsMissed) -> tuple[str, Mapping[str, Any]]:
    """The text of a 410 and the members that say how to go on."""
    text = f"{missed}. {explain_way_back(missed)}, then ask for events with the cursor of this answer"
    after = None if missed.modified_after is None else to_text(missed.modified_after)
    return text, {"modified_after": after, "cursor": write_cursor(wanted, missed.era, missed.last)}


def describe_route() -> tuple[dict[str, Any], dict[str, Any]]:
    """Its OpenAPI path, and the schemas it refers to."""
    size = {"type": "integer", "minimum": 1, "maximum": PAGE_SIZE_MOST, "default": PAGE_SIZE}
    operation = {
        "operationId": "list_events",
        "tags": ["events"],
        "summary": "List what became of records",
        "description": "Each record created, updated or deleted is an event. With a connector token the events are one "
        "connector's, in the order of its changes; without it those of all connectors of the key's organisation and "
        "environment, in an order that is right for each of them and in which nothing comes before what was answered. "
        "`cursor` is always there and says where to go on, at any later time; `more` says whether to ask at once. A "
        "page may be empty and be followed by more, where few events fit. See docs/events.md.",
        "security": [{"ApiKey": [], "ConnectorToken": []}, {"ApiKey": []}],
        "parameters": [
            describe_param("page_size", "Most events in a page.", schema=size),
            describe_param(
                "cursor",
                "Where to continue: the `cursor` of the page before, or the `position` of an event. Without one, from "
                f"the oldest stored event. `{END}`: after every event of now, to begin a copy of the lists there.",
                schema={"type": "string", "pattern": f"^({TEXT_PATTERN}|{END})?$"},
            ),
            describe_param("model", "Only events of this model.", schema={"type": "string", "enum": list(MODELS)}),
            describe_param("kind", "Only events of this kind.", schema={"type": "string", "enum": list(ChangeKind)}),
            describe_param(
                "connector_id", "Only events of this connector.", schema={"type": "string", "format": "uuid"}
            ),
            describe_param(
                "changed",
                f"Only updates in which this field differs: `stage`, `{MORE}.rejected_at`.",
                schema={"type": "string", "enum": sorted(CHANGEABLE)},
            ),
            describe_param(
                "include_record",
                "Add `record`: the record as it is now, as our own face shows it; null where it is deleted.",
                schema={"type": "boolean", "default": False},
            ),
        ],
        "responses": {
            "200": describe_response("Found.", "EventPage"),
            **describe_refusals(),
            "404": describe_response("The key has no such connector.", "Error"),
            "410": describe_response("Events after the cursor are no longer stored.", "EventsGone"),
        },
    }
    _, schemas = msgspec.json.schema_components([Event], ref_template="#/components/schemas/{name}")
    record = {"description": "With `include_record`: the record as it is now; null where it is deleted."}
    schemas["Event"]["properties"]["record"] = record
    return {PATH: {"get": operation}}, {**schemas, **_SCHEMAS}


_SCHEMAS: Mapping[str, Any] = {
    "EventPage": {
        "type": "object",
        "required": ["items", "page_size", "cursor", "more"],
        "properties": {
            "items": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
            "page_size": {"type": "integer", "description": "How many events this page has."},
            "cursor": {"type": "string", "description": "Where to continue, now or later."},
            "more": {"type": "boolean", "description": "Whether there is more now."},
        },
    },
    "EventsGone": {
        "type": "object",
        "required": ["detail", "modified_after", "cursor"],
        "properties": {
            "detail": {"type": "string", "description": "What is missing, and how to continue."},
            "modified_after": {
                "type": ["string", "null"],
                "format": "date-time",
                "description": "Read every list from here, with deleted records; null: read every list whole, and drop "
                "what is not in it.",
            },
            "cursor": {"type": "string", "description": "Where to continue after that."},
        },
    },
}
