"""Calls that write, and what their inputs refer to, found at the vendor before anything is written.

Errors about an input are ReferenceMissing, whose message begins with the field.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import quote

from unihire.errors import ReferenceMissing
from unihire.integration.declare import Data
from unihire.integration.operate import OperationContext, Trace, VendorCall, WriteContext
from unihire.integration.vendor_row import RowPart, VendorRow
from unihire.integration.write import Given
from unihire.integrations.workable.lookups import JOB_STAGES
from unihire.kit.text import fold_text

CANDIDATES = "candidates"

ACTOR = "remote_user_id"
"""The member of a body that names the user who acts."""

NOT_MADE = "0"
"""The id of what a dry run would have made: nothing can be asked of it."""

NOT_THERE = "the vendor has nothing with this id"


def call(method: str, path: str, body: Data, *ids: str, item: str | None = None) -> VendorCall:
    """A call; `{}` in the path are the ids, in order."""
    return VendorCall(path=path.format(*(quote(id, safe="") for id in ids)), body=body, method=method, item=item)


def get_actor(given: Given[Any], author: str | None = None) -> str:
    """The member in whose name it is done: an active one with rights on the job, or the vendor refuses."""
    actor = author or given.actor
    if actor is None:
        raise ReferenceMissing(f"{ACTOR}: the vendor does this in the name of a member alone")
    return actor


def leave_out_nones(**members: Any) -> Data:
    return {name: value for name, value in members.items() if value is not None}


async def find_row(context: OperationContext, stream: str, id: str | None, field: str) -> VendorRow:
    """The row of this id as the vendor has it now."""
    rows = await context.find(stream, "id", [id])
    if not rows:
        raise ReferenceMissing(f"{field}: {NOT_THERE}")
    return rows[0]


async def get_application(context: OperationContext, id: str) -> VendorRow:
    return await find_row(context, CANDIDATES, id, "application")


def find_inner(row: RowPart, *members: str) -> Any:
    """A value within objects of a row; None where one is missing."""
    part: RowPart | None = row
    for member in members[:-1]:
        part = None if part is None else part.find_part(member)
    return None if part is None else part.find_value(members[-1])


def find_job(candidate: VendorRow) -> str | None:
    """The job that a candidate is on; None in the talent pool."""
    found: str | None = find_inner(candidate, "job", "shortcode")
    return found


def get_id(row: VendorRow) -> str:
    return str(row.find_value("id"))


def is_same_text(one: Any, other: Any) -> bool:
    """Whether two texts are the same, letter case and blanks around them aside; none is as an empty one."""
    return fold_text(str(one or "")) == fold_text(str(other or ""))


def trace(
    look: Callable[[], Awaitable[Sequence[VendorRow]]],
    is_it: Callable[[VendorRow], bool],
    is_there: Callable[[bytes], bool] | None = None,
) -> Trace:
    """Known again by a list: what is new there and is as it was sent."""

    async def find(_: Any) -> list[VendorRow]:
        return [row for row in await look() if is_it(row)]

    return Trace(look=find, is_there=is_there)


async def change_until(
    context: WriteContext, step: str, sent: VendorCall, id: str, holds: Callable[[], Awaitable[bool]]
) -> None:
    """Bring a candidate into a state, without a call where it is in it already."""
    if id != NOT_MADE and await holds():
        context.touch(CANDIDATES, [id])
    else:
        await context.change(step, sent, stream=CANDIDATES, id=id, holds=holds)


async def get_stage(context: OperationContext, stage: str | None, job: str | None, field: str) -> VendorRow:
    """The stage of a job that an input names by its id, `<shortcode>:<slug>`."""
    of, _, slug = (stage or "").partition(":")
    if job is None or of != job:
        raise ReferenceMissing(f"{field}: this stage is of another job")
    for row in await context.all(JOB_STAGES, {"job": job}):
        if row.find_text("slug") == slug:
            return row
    raise ReferenceMissing(f"{field}: the job has no such stage")


async def move_to(context: WriteContext, step: str, id: str, stage: VendorRow, actor: str, **more: Any) -> None:
    """Bring a candidate to a stage of the job they are on; rows show a stage's name and its kind."""
    name, kind = stage.find_text("name"), stage.find_text("kind")

    async def holds() -> bool:
        now = await get_application(context, id)
        return now.find_text("stage") == name and now.find_text("stage_kind") == kind

    body = leave_out_nones(member_id=actor, target_stage=stage.find_text("slug"), **more)
    await change_until(context, step, call("POST", "/candidates/{}/move", body, id), id, holds)
