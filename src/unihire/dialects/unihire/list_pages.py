"""Pages of our own lists, and the cursors between them."""

import base64
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from unihire.dialects.common.admission import describe_problem
from unihire.dialects.common.describing import describe_cursor
from unihire.dialects.common.lists import PAGE_SIZE, PAGE_SIZE_MOST
from unihire.errors import Invalid
from unihire.kit.nesting import decode_bounded

_MARK_BYTES = 8

Place = TypeVar("Place")


class PageQuery(BaseModel):
    """What any of the lists may be asked for."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    page_size: Annotated[int, Field(ge=1, le=PAGE_SIZE_MOST)] = PAGE_SIZE
    cursor: str | None = None


def write_page(connector: UUID, list_name: str, items: Sequence[Any], places: Sequence[Any]) -> bytes:
    """The page that has these items; `places` are theirs, with those of items beyond the page where there are any."""
    goes_on = len(places) > len(items)
    cursor = write_place(connector, list_name, places[len(items) - 1]) if goes_on else None
    return msgspec.json.encode({"cursor": cursor, "page_size": len(items), "items": items})


def write_place(connector: UUID, list_name: str, place: Any) -> str:
    """The cursor that goes on after an item. It stays good when that item is there no longer."""
    packed = msgspec.json.encode(place)
    return base64.urlsafe_b64encode(_mark(connector, list_name, packed) + packed).rstrip(b"=").decode()


def read_place(
    connector: UUID, list_name: str, cursor: str | None, kind: type[Place], can_be: Callable[[Place], bool]
) -> Place | None:
    """The place a cursor names; None without one. Raises Invalid where it is none of this list's.

    `can_be` says whether the database can store such a place: an owner knows enough to make a cursor up.
    """
    if not cursor:
        return None
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        mark, place = packed[:_MARK_BYTES], packed[_MARK_BYTES:]
        if mark == _mark(connector, list_name, place):
            named = decode_bounded(place, kind)
            if can_be(named):
                return named
    except ValueError:  # what was never a cursor, or was made up
        pass
    raise Invalid([describe_problem("query", "cursor", "this is not a cursor of this list", cursor)])


def _mark(connector: UUID, list_name: str, place: bytes) -> bytes:
    """Ties a place to its list. A check, not a secret: a forged cursor reaches nothing its owner could not read."""
    return blake2b(list_name.encode() + b"\0" + place, digest_size=_MARK_BYTES, key=connector.bytes).digest()


def describe_page(item: str) -> dict[str, Any]:
    """The schema of a page of items whose schema is so named."""
    return {
        "type": "object",
        "required": ["cursor", "page_size", "items"],
        "properties": {
            "cursor": {"type": ["string", "null"], "description": "Where to continue; null on the last page."},
            "page_size": {"type": "integer", "description": "How many items this page has."},
            "items": {"type": "array", "items": {"$ref": f"#/components/schemas/{item}"}},
        },
    }


def describe_page_params() -> list[dict[str, Any]]:
    size = {"type": "integer", "minimum": 1, "maximum": PAGE_SIZE_MOST, "default": PAGE_SIZE}
    return [
        {"name": "page_size", "in": "query", "schema": size, "description": "Most items in a page."},
        describe_cursor("^[A-Za-z0-9_-]*$"),
    ]
