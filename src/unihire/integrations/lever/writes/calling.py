"""Calls that write, and what their inputs refer to, found at the vendor before anything is written.

Errors about an input are ReferenceMissing, whose message begins with the field.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from unihire.errors import ReferenceMissing
from unihire.integration.declare import Data
from unihire.integration.operate import OperationContext, Trace, VendorCall, WriteContext
from unihire.integration.vendor_row import RowPart, VendorRow
from unihire.kit.clock import EPOCH, parse_moment
from unihire.kit.text import fold_text

OPPORTUNITIES, CONTACTS = "opportunities", "contacts"

ACTING_USER = "perform_as"
"""The parameter that names the user who acts."""

NOT_MADE = "0"
"""The id of what a dry run would have made: nothing can be asked of it."""


def call(path: str, body: Data | None, actor: str | None = None, *, method: str = "POST") -> VendorCall:
    """A call, in the name of a user where one is said."""
    query = {} if actor is None else {ACTING_USER: actor}
    return VendorCall(path=path, body=body, method=method, query=query, item="data")


def below(opportunity: str, name: str) -> str:
    return f"/opportunities/{opportunity}/{name}"


def leave_out_nones(**members: Any) -> Data:
    return {name: value for name, value in members.items() if value is not None}


async def find_row(context: OperationContext, stream: str, id: str | None, field: str) -> VendorRow:
    """The row of this id as the vendor has it now."""
    rows = await context.find(stream, "id", [id])
    if not rows:
        raise ReferenceMissing(f"{field}: the vendor has nothing with this id")
    return rows[0]


async def get_opportunity(context: OperationContext, id: str | None, field: str = "application") -> VendorRow:
    return await find_row(context, OPPORTUNITIES, id, field)


async def list_opportunities(context: OperationContext, contact: str | None) -> list[VendorRow]:
    """Those of a contact, the newest first."""
    if contact is None or contact == NOT_MADE:
        return []
    rows = await context.all(OPPORTUNITIES, {"contact_id": contact})
    own = [row for row in rows if row.find_text("contact") == contact]
    return sorted(own, key=lambda row: row.find_number("createdAt") or 0, reverse=True)


async def get_newest(context: OperationContext, contact: str | None) -> VendorRow:
    """The newest opportunity of a contact: where notes and files of a candidate go."""
    for row in await list_opportunities(context, contact):
        return row
    raise ReferenceMissing("candidate: the vendor has no opportunity of this person, to which it would belong")


async def choose_opportunity(context: OperationContext, application: str | None, candidate: str | None) -> VendorRow:
    """The application that is named, which must be the candidate's where both are; else the candidate's newest."""
    if application is None:
        return await get_newest(context, candidate)
    row = await get_opportunity(context, application)
    if candidate is not None and row.find_text("contact") != candidate:
        raise ReferenceMissing("application: it is of another candidate")
    return row


def get_id(row: RowPart) -> str:
    return str(row.find_value("id"))


def is_same_text(one: Any, other: Any) -> bool:
    """Whether two texts are the same, letter case and blanks around them aside."""
    return isinstance(one, str) and isinstance(other, str) and fold_text(one) == fold_text(other)


def to_millis(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)


def read_millis(text: str) -> int:
    return to_millis(parse_moment(text))


def trace(look: Callable[[datetime], Awaitable[Sequence[VendorRow]]], is_it: Callable[[VendorRow], bool]) -> Trace:
    """Known again by a list: what is new there and is as it was sent."""

    async def find(since: datetime) -> list[VendorRow]:
        return [row for row in await look(since) if is_it(row)]

    return Trace(look=find)


def trace_below(context: OperationContext, lookup: str, opportunity: str, is_it: Callable[[VendorRow], bool]) -> Trace:
    """Known again in a list of what belongs to an opportunity."""

    async def look(_: datetime) -> list[VendorRow]:
        return [] if opportunity == NOT_MADE else await context.all(lookup, {"opportunity": opportunity})

    return trace(look, is_it)


async def change_until(
    context: WriteContext, step: str, sent: VendorCall, id: str, holds: Callable[[], Awaitable[bool]],
    *, stream: str = OPPORTUNITIES,
) -> None:  # fmt: skip
    """Bring a row into a state, without a call where it is in it already."""
    if id != NOT_MADE and await holds():
        context.touch(stream, [id])
    else:
        await context.change(step, sent, stream=stream, id=id, holds=holds)
