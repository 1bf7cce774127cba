"""Applications: made, changed, moved, rejected and opened again, hired."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta

from unihire.errors import ReferenceMissing
from unihire.integration.declare import Data
from unihire.integration.operate import OperationContext, VendorCall, WriteContext
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import Given, Params, Write
from unihire.integrations.lever.mapping.company import HIRED
from unihire.integrations.lever.writes.calling import (
    CONTACTS,
    OPPORTUNITIES,
    below,
    call,
    change_until,
    find_row,
    get_id,
    get_opportunity,
    leave_out_nones,
    to_millis,
    trace,
)
from unihire.model.inputs import (
    ApplicationChanges,
    ApplicationInput,
    HireInput,
    MoveInput,
    RejectInput,
    UnrejectInput,
)

ARCHIVE_REASONS = "archive_reasons"

NAMED = {
    "contact": "candidate",
    "postings": "job",
    "stage": "current_stage",
    "sources": "source_record",
    "owner": "recruiter",
}


class HireParams(Params):
    """Which seat is filled."""

    requisition_id: Annotated[
        UUID | None, Meta(description="The vendor's id of the requisition that the person is hired for.")
    ] = None


def find_posting(row: VendorRow) -> str | None:
    """The posting of an opportunity, by its application, of which it has one at most."""
    for application in row.list_parts("applications"):
        return application.find_text("posting")
    return None


async def create_application(context: WriteContext, given: Given[ApplicationInput]) -> VendorRow:
    """An opportunity of a contact that there is."""
    input = given.input
    await find_row(context, CONTACTS, input.candidate, "candidate")
    context.plan(["application"])
    body = leave_out_nones(
        contact=input.candidate,
        postings=[input.job],
        stage=input.current_stage,
        sources=None if input.source_record is None else [input.source_record],
        owner=input.recruiter,
    )
    row = await make_opportunity(context, "application", body, given.actor, {"contact_id": input.candidate})
    context.touch(CONTACTS, [input.candidate])
    return row


async def make_opportunity(
    context: WriteContext, step: str, body: Data, actor: str | None, asked: dict[str, Any]
) -> VendorRow:
    """An opportunity, known again in the list that `asked` selects, since the moment of its sending."""

    async def look(since: datetime) -> list[VendorRow]:
        return await context.all(OPPORTUNITIES, {**asked, "created_at_start": str(to_millis(since))})

    def is_it(row: VendorRow) -> bool:
        is_for = find_posting(row) == next(iter(body.get("postings", ())), None)
        is_at = body.get("stage") in (None, row.find_text("stage"))
        is_of = body.get("contact") in (None, row.find_text("contact"))
        is_named = "email" in asked or "contact_id" in asked or row.find_text("name") == body.get("name")
        return (
            is_for and is_at and is_of and is_named and set(body.get("sources", ())) <= set(row.list_texts("sources"))
        )

    return await context.create(
        step, call("/opportunities", body, actor), stream=OPPORTUNITIES, trace=trace(look, is_it)
    )


async def update_application(context: WriteContext, given: Given[ApplicationChanges]) -> VendorRow:
    """Its source: the others are taken from it."""
    id, wanted = given.target, given.input.source_record
    row = await get_opportunity(context, id)
    if "source_record" not in given.sent:
        return row
    await set_texts(context, "source_record", row, "sources", [] if wanted is None else [wanted], given.actor)
    return await get_opportunity(context, id)


async def set_texts(
    context: WriteContext, step: str, row: VendorRow, member: str, wanted: list[str], actor: str | None
) -> None:
    """Give an opportunity these tags, links or sources, and take the others from it: two calls at most."""
    now = row.list_texts(member)
    given, taken = [text for text in wanted if text not in now], [text for text in now if text not in wanted]
    if taken:
        await change_texts(context, f"{step}.take" if given else step, row, f"remove{member.title()}", taken, actor)
    if given:
        await change_texts(context, step, row, f"add{member.title()}", given, actor)


async def change_texts(
    context: WriteContext, step: str, row: VendorRow, name: str, texts: list[str], actor: str | None
) -> None:
    """Call `addTags`, `removeLinks` or the like."""
    id, is_added = get_id(row), name.startswith("add")
    member = name.removeprefix("add" if is_added else "remove").lower()

    async def holds() -> bool:
        now = set((await get_opportunity(context, id)).list_texts(member))
        return now >= set(texts) if is_added else now.isdisjoint(texts)

    await context.change(step, call(below(id, name), {member: texts}, actor), stream=OPPORTUNITIES, id=id, holds=holds)


def put(id: str, name: str, body: Data, actor: str | None) -> VendorCall:
    return call(below(id, name), body, actor, method="PUT")


async def move_application(context: WriteContext, given: Given[MoveInput]) -> VendorRow:
    """To a stage of the account. One that has ended would stay so."""
    id, stage = given.target, given.input.current_stage
    if (await get_opportunity(context, id)).find_part("archived") is not None:
        raise ReferenceMissing("application: it has ended, and is to be opened again before it is moved")
    context.plan(["move"])
    await _move(context, id, stage, given.actor)
    return await get_opportunity(context, id)


async def _move(context: WriteContext, id: str, stage: str | None, actor: str | None) -> None:
    async def holds() -> bool:
        return (await get_opportunity(context, id)).find_text("stage") == stage

    await change_until(context, "move", put(id, "stage", {"stage": stage}, actor), id, holds)


def find_reason(row: VendorRow) -> str | None:
    archived = row.find_part("archived")
    return None if archived is None else archived.find_text("reason")


async def _archive(
    context: WriteContext, step: str, given: Given[Any], reason: str | None, more: Data | None = None
) -> VendorRow:
    """Archive an opportunity for a reason, or bring it back without one."""
    id = given.target
    await get_opportunity(context, id)

    async def holds() -> bool:
        row = await get_opportunity(context, id)
        return (row.find_part("archived") is None) if reason is None else find_reason(row) == reason

    sent = put(id, "archived", {"reason": reason, **(more or {})}, given.actor)
    await change_until(context, step, sent, id, holds)
    return await get_opportunity(context, id)


async def reject_application(context: WriteContext, given: Given[RejectInput]) -> VendorRow:
    """Archived for a reason; nobody is written to."""
    context.plan(["reject"])
    return await _archive(context, "reject", given, given.input.reject_reason)


async def unreject_application(context: WriteContext, given: Given[UnrejectInput]) -> VendorRow:
    """Back at the stage where it was archived, or at one that is named."""
    stage = given.input.current_stage
    context.plan(["unreject", *(["move"] if stage is not None else ())])
    row = await _archive(context, "unreject", given, None)
    if stage is None:
        return row
    await context.attempt("move", _move(context, given.target, stage, given.actor))
    return await get_opportunity(context, given.target)


async def hire_candidate(context: WriteContext, given: Given[HireInput]) -> VendorRow:
    """Archived for the reason of those who were hired, of which an account has one."""
    requisition = (given.params or HireParams()).requisition_id
    reason = await find_hired_reason(context)
    context.plan(["hire"])
    more = {} if requisition is None else {"requisitionId": str(requisition)}
    return await _archive(context, "hire", given, reason, more)


async def find_hired_reason(context: OperationContext) -> str:
    rows: list[VendorRow] = await context.all(ARCHIVE_REASONS)
    found = [row for row in rows if row.find_text("type") == HIRED]
    for row in sorted(found, key=lambda one: one.find_text("status") != "active"):
        return get_id(row)
    raise ReferenceMissing("application: the vendor has no archive reason for those who are hired")


Run = Callable[[WriteContext, Given[Any]], Awaitable[VendorRow]]


def _declare(verb: str, run: Run, *takes: str, **more: Any) -> Write:
    """A write that brings an application into a state."""
    return Write(
        model="application", verb=verb, run=run, stream=OPPORTUNITIES, takes=takes, lost_answer="state", **more
    )


APPLICATION_WRITES = (
    Write(
        model="application",
        verb="create",
        run=create_application,
        stream=OPPORTUNITIES,
        takes=("candidate", "job", "current_stage", "source_record", "recruiter"),
        needs_actor=True,
        lost_answer="listed",
        named=NAMED,
        note="Without a stage it is a new lead. The recruiter owns it, or else the user who acts. The vendor gives the "
        "candidate the names of the job, its department and its places as tags.",
    ),
    _declare(
        "update",
        update_application,
        "source_record",
        named={"sources": "source_record"},
        note="The source takes the place of those it had.",
    ),
    _declare(
        "move",
        move_application,
        "current_stage",
        named={"stage": "current_stage"},
        note="One that has ended is to be opened again first: it would stay archived.",
    ),
    _declare(
        "reject",
        reject_application,
        "reject_reason",
        requires=("reject_reason",),
        named={"reason": "reject_reason"},
        note="It is archived and keeps its stage; the reason takes the place of an earlier one. Nobody is written to.",
    ),
    _declare(
        "unreject",
        unreject_application,
        "current_stage",
        named={"stage": "current_stage"},
        note="It is where it was when it was archived, or is moved to the stage that is named.",
    ),
    _declare(
        "hire",
        hire_candidate,
        params=HireParams,
        note="It is archived for the vendor's reason for those who are hired. With a requisition the vendor refuses it "
        "while another application is active or an offer is not signed.",
    ),
)
