"""Calls that write, and what their inputs refer to, found at the vendor before anything is written.

Errors about an input are ReferenceMissing, whose message begins with the field.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from unihire.errors import ReferenceMissing
from unihire.integration.declare import Data
from unihire.integration.operate import OperationContext, Trace, VendorCall, WriteContext
from unihire.integration.vendor_row import RowPart, VendorRow
from unihire.kit.text import fold_text

ACTING_USER = "X-On-Behalf-Of"
"""The header that names the user who acts; the key needs a permission of its own for it [official, beta]."""

NOT_MADE = "0"
"""The id of what a dry run would have made: nothing can be asked of it."""

NOT_THERE = "the vendor has nothing with this id"


def call(name: str, body: Data, actor: str | None = None, *, item: str = "results") -> VendorCall:
    """A call by its name, `candidate.create`, in the name of a user where one is said."""
    headers = {} if actor is None else {ACTING_USER: actor}
    return VendorCall(path=f"/{name}", body=body, headers=headers, item=item)


def leave_out_nones(**members: Any) -> Data:
    return {name: value for name, value in members.items() if value is not None}


async def find_row(context: OperationContext, stream: str, id: str | None, field: str) -> VendorRow:
    """The row of this id as the vendor has it now."""
    rows = await context.find(stream, "id", [id])
    if not rows:
        raise ReferenceMissing(f"{field}: {NOT_THERE}")
    return rows[0]


def find_inner(row: RowPart, *members: str) -> Any:
    """A value within objects of a row; None where one is missing."""
    part: RowPart | None = row
    for member in members[:-1]:
        part = None if part is None else part.find_part(member)
    return None if part is None else part.find_value(members[-1])


def get_id(row: VendorRow) -> str:
    return str(row.find_value("id"))


def is_same_text(one: Any, other: Any) -> bool:
    """Whether two texts are the same, letter case and blanks around them aside."""
    return isinstance(one, str) and isinstance(other, str) and fold_text(one) == fold_text(other)


def trace(look: Callable[[], Awaitable[Sequence[VendorRow]]], is_it: Callable[[VendorRow], bool]) -> Trace:
    """Known again by a list: what is new there and is as it was sent."""

    async def find(_: Any) -> list[VendorRow]:
        return [row for row in await look() if is_it(row)]

    return Trace(look=find)


async def look_nowhere(_: Any) -> list[VendorRow]:
    """Of things that the vendor never shows."""
    return []


async def change_until(
    context: WriteContext, step: str, sent: VendorCall, stream: str, id: str, holds: Callable[[], Awaitable[bool]]
) -> None:
    """Bring a row into a state, without a call where it is in it already."""
    if id != NOT_MADE and await holds():
        context.touch(stream, [id])
    else:
        await context.change(step, sent, stream=stream, id=id, holds=holds)
