"""The change log as a list: what became of records, in order, with a cursor that is always there."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unihire.dialects.common.admission import Reply, RequestGate, describe_problem
from unihire.dialects.common.describing import describe_param, describe_refusals, describe_response
from unihire.dialects.common.lists import PAGE_SIZE, PAGE_SIZE_MOST
from unihire.dialects.unihire.records import MORE, OWN
from unihire.errors import Gone, Invalid, NotFound
from unihire.events.current_records import find_records
from unihire.events.log_reading import EventPage, EventQuery, EventReader, EventsMissed, PlacedEvent
from unihire.events.places import TEXT_PATTERN, read_place, write_place
from unihire.kit.clock import to_text
from unihire.model import MODELS
from unihire.platform.access import Caller, Scope
from unihire.platform.hiding import CUSTOM_FIELDS
from unihire.platform.reads import Reader, RecordView
from unihire.store import Pool
from unihire.store.accounts.tenancy import FIND_NUMBER
from unihire.store.events.eras import Era
from unihire.store.events.order import LogPlace
from unihire.store.feed.changes import ChangeKind

PATH = "/api/v1/events"
END = "end"
"""A cursor after every event of now."""

RAW_DATA = "raw_data"

_SPECS = {spec.number: spec for spec in MODELS.values()}
_CHANGED = frozenset(
    [
        *(field.name for spec in MODELS.values() for field in spec.fields),
        *(f"{MORE}.{field.name}" for spec in MODELS.values() for field in spec.more),
        CUSTOM_FIELDS,
        RAW_DATA,
    ]
)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a record."""

    position: Annotated[str, Meta(description="Its place in the log; as `cursor` it continues after it.")]
    connector_id: Annotated[UUID, Meta(description="Whose record it is.")]
    model: Annotated[str, Meta(description=f"One of {', '.join(MODELS)}.", examples=["candidate"])]
    id: Annotated[UUID, Meta(description="The record's id.")]
    remote_id: Annotated[str, Meta(description="The vendor's id of it.")]
    kind: Annotated[
        Literal["created", "updated", "deleted"],
        Meta(description="A record that was deleted and is there again is created."),
    ]
    changed: Annotated[
        list[str],
        Meta(
            description=f"The fields in which an update differs, those of `{MORE}` as `{MORE}.x`; `{CUSTOM_FIELDS}` "
            f"and `{RAW_DATA}` may be among them. Empty for other kinds.",
            examples=[["stage", f"{MORE}.rejected_at", RAW_DATA]],
        ),
    ]
    at: Annotated[datetime, Meta(description="The record's `modified_at` as of this event.")]


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
        if name is not None and name not in _CHANGED:
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
                raise Gone(*_write_missed(wanted, missed)) from None

        return await self._gate.serve_either(request, read)

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
        items = [_show(wanted, found.era, one) for one in found.events]
        shown: list[Any] = items
        if asked.include_record and items:
            shown = await self._add_records(wanted, found, items)
        return msgspec.json.encode(
            {
                "items": shown,
                "page_size": len(items),
                "cursor": _write(wanted, found.era, found.place),
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


def _show(wanted: EventQuery, era: Era, one: PlacedEvent) -> Event:
    event = one.event
    return Event(
        position=_write(wanted, era, one.place),
        connector_id=one.connector_id,
        model=_SPECS[event.model].name,
        id=UUID(event.id),
        remote_id=event.remote_id,
        kind=event.kind.value,
        changed=list(event.changed),
        at=event.at,
    )


def _write(wanted: EventQuery, era: Era, place: LogPlace) -> str:
    return write_place(wanted.organisation, wanted.environment, era, place)


def _read_cursor(wanted: EventQuery, cursor: str | None) -> tuple[Era, LogPlace] | None:
    """The place a cursor names; None without one. Raises Invalid where it is none of this log's."""
    if not cursor:
        return None
    read = read_place(wanted.organisation, wanted.environment, cursor)
    if read is not None:
        number = read[1].connector
        if wanted.connector is None or number in (0, wanted.connector[1]):
            return read
    raise Invalid([describe_problem("query", "cursor", "this is not a cursor of these events", cursor)])


def _write_missed(wanted: EventQuery, missed: EventsMissed) -> tuple[str, Mapping[str, Any]]:
    """The text of a 410 and the members that say how to go on."""
    after = None if missed.modified_after is None else to_text(missed.modified_after)
    way = (
        "read every list anew and drop what is not in it"
        if after is None
        else f"read every list with modified_after={after} and include_deleted=true"
    )
    text = f"{missed}. To go on without a gap: {way}, then ask for events with the cursor of this answer"
    return text, {"modified_after": after, "cursor": _write(wanted, missed.era, missed.last)}


def describe_route() -> tuple[dict[str, Any], dict[str, Any]]:
    """Its OpenAPI path, and the schemas it refers to."""
    size = {"type": "integer", "minimum": 1, "maximum": PAGE_SIZE_MOST, "default": PAGE_SIZE}
    operation = {
        "operationId": "list_events",
        "tags": ["events"],
        "summary": "List what became of records",
        "description": "Each record created, updated or deleted is an event. With a connector token the events are one "
        "connector's, in the order of its changes; without it those of all connectors of the key's organisation and "
        "environment, in an order that holds for each of them and in which nothing comes before what was answered. "
        "`cursor` is always there and says where to go on, at any later time; `more` says whether to ask at once. A "
        "page may be empty and be followed by more, where few events fit. See docs/events.md.",
        "security": [{"ApiKey": [], "ConnectorToken": []}, {"ApiKey": []}],
        "parameters": [
            describe_param("page_size", "Most events in a page.", schema=size),
            describe_param(
                "cursor",
                "Where to go on: the `cursor` of the page before, or the `position` of an event. Without one, from the "
                f"oldest event that is stored. `{END}`: after every event of now, to begin a copy of the lists there.",
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
                schema={"type": "string", "enum": sorted(_CHANGED)},
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
            "cursor": {"type": "string", "description": "Where to go on, now or later."},
            "more": {"type": "boolean", "description": "Whether there is more to ask for at once."},
        },
    },
    "EventsGone": {
        "type": "object",
        "required": ["detail", "modified_after", "cursor"],
        "properties": {
            "detail": {"type": "string", "description": "What is missing, and how to go on."},
            "modified_after": {
                "type": ["string", "null"],
                "format": "date-time",
                "description": "Read every list from here, with deleted records; null: read every list whole, and drop "
                "what is not in it.",
            },
            "cursor": {"type": "string", "description": "Where to go on after that."},
        },
    },
}
