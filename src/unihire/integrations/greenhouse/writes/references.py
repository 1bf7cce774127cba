"""What an input refers to, found at the vendor before anything is written, and its values as v3 takes them.

Each raises ReferenceMissing, whose message begins with the field of the input.
"""

from collections.abc import Iterable

from unihire.errors import ReferenceMissing
from unihire.integration.operate import OperationContext
from unihire.integration.vendor_row import VendorRow
from unihire.kit.clock import parse_moment, to_text


def read_id(id: str | None, field: str) -> int | None:
    """The vendor's id as v3 takes it, a number."""
    if id is None:
        return None
    if not (id.isascii() and id.isdecimal()):
        raise ReferenceMissing(f"{field}: the vendor's ids are numbers, and this is none")
    return int(id)


def read_ids(ids: Iterable[str] | None, field: str) -> list[int] | None:
    return None if ids is None else [number for id in ids if (number := read_id(id, field)) is not None]


async def find_row(context: OperationContext, stream: str, id: str, field: str) -> VendorRow:
    """The row of this id as the vendor has it now."""
    rows = await context.find(stream, "id", [read_id(id, field)])
    if not rows:
        raise ReferenceMissing(f"{field}: the vendor has no such row in {stream}")
    return rows[0]


async def find_referrer(context: OperationContext, user: str | None) -> int | None:
    """The referrer that a user is: v3 credits referrers, whose ids are their own, and cannot make one."""
    if user is None:
        return None
    rows = await context.find("referrers", "user_id", [read_id(user, "credited_to")])
    if not rows:
        raise ReferenceMissing("credited_to: the vendor has this user not among its referrers, and makes none")
    return min(row.get_number("id") for row in rows)


def write_moment(text: str | None) -> str | None:
    """A moment in UTC, to the second where it has no more: `2026-01-31T09:30:00Z`."""
    return None if text is None else to_text(parse_moment(text))


def write_day(text: str | None) -> str | None:
    """The day of a moment, in UTC."""
    return None if text is None else parse_moment(text).date().isoformat()
