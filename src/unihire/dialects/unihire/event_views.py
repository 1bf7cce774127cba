"""Events and places in the change log as the API shows them: what its list and the command have in common."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from unihire.dialects.unihire.records import MORE
from unihire.events.log_reading import EventQuery, EventsMissed, PlacedEvent
from unihire.events.places import read_place, write_place
from unihire.kit.clock import to_text
from unihire.model import MODELS
from unihire.platform.hiding import CUSTOM_FIELDS
from unihire.store.events.eras import Era
from unihire.store.events.order import LogPlace

END = "end"
"""A cursor after every event of now."""

RAW_DATA = "raw_data"

_SPECS = {spec.number: spec for spec in MODELS.values()}

CHANGEABLE = frozenset(
    [
        *(field.name for spec in MODELS.values() for field in spec.fields),
        *(f"{MORE}.{field.name}" for spec in MODELS.values() for field in spec.more),
        CUSTOM_FIELDS,
        RAW_DATA,
    ]
)
"""What may be among the changed fields of an event."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a record."""

    position: Annotated[str, Meta(description="Its position in the log; as `cursor` the list continues after it.")]
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
    write_id: Annotated[
        UUID | None, Meta(description="The write through this API that caused it; null for what a sync found.")
    ] = None


def show_event(wanted: EventQuery, era: Era, one: PlacedEvent) -> Event:
    event = one.event
    return Event(
        position=write_cursor(wanted, era, one.place),
        connector_id=one.connector_id,
        model=_SPECS[event.model].name,
        id=UUID(event.id),
        remote_id=event.remote_id,
        kind=event.kind.value,
        changed=list(event.changed),
        at=event.at,
        write_id=event.write,
    )


def write_cursor(wanted: EventQuery, era: Era, place: LogPlace) -> str:
    """The text of a place in the log of the query's environment."""
    return write_place(wanted.organisation, wanted.environment, era, place)


def find_place(wanted: EventQuery, cursor: str) -> tuple[Era, LogPlace] | None:
    """The place that a cursor names; None where it is not of the environment's log, nor of the connector's."""
    read = read_place(wanted.organisation, wanted.environment, cursor)
    if read is None or wanted.connector is None:
        return read
    return read if read[1].connector in (0, wanted.connector[1]) else None


def explain_way_back(missed: EventsMissed) -> str:
    """How a reader who missed events misses no change: what to do before events are asked for again."""
    if missed.modified_after is None:
        return "To go on without a gap: read every list whole and drop what is not in it"
    after = to_text(missed.modified_after)
    return f"To go on without a gap: read every list with modified_after={after} and include_deleted=true"
