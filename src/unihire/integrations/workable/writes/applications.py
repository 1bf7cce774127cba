"""Applications: a candidate let into another job, moved, rejected and opened again, hired."""

from typing import Annotated, Any

from msgspec import Meta

from unihire.errors import ReferenceMissing
from unihire.integration.operate import WriteContext
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import Given, Params, Rule, Write, needs
from unihire.integrations.workable.lookups import JOB_STAGES
from unihire.integrations.workable.writes.calling import (
    CANDIDATES,
    call,
    change_until,
    find_job,
    find_row,
    get_actor,
    get_application,
    get_id,
    get_stage,
    is_same_text,
    leave_out_nones,
    move_to,
    trace,
)
from unihire.model.inputs import ApplicationInput, HireInput, MoveInput, RejectInput, UnrejectInput

REASONS = "disqualification_reasons"
HIRED = "hired"
NOTE_LENGTH = 256

SHORT_NOTE: Rule = {"properties": {"note": {"maxLength": NOTE_LENGTH}}}


async def create_application(context: WriteContext, given: Given[ApplicationInput]) -> VendorRow:
    """A copy of the candidate on the other job: a row of its own, with an id of its own."""
    input, actor = given.input, get_actor(given)
    person, job = await find_row(context, CANDIDATES, input.candidate, "candidate"), input.job or ""
    if find_job(person) == job:
        raise ReferenceMissing("job: the candidate is on this job")
    slug = None
    if input.current_stage is not None:
        slug = (await get_stage(context, input.current_stage, job, "current_stage")).find_text("slug")
    context.plan(["application"])
    email = person.find_text("email")
    asked = leave_out_nones(email=email, shortcode=job)

    async def look() -> list[VendorRow]:
        return await context.all(CANDIDATES, asked)

    def is_it(row: VendorRow) -> bool:
        return find_job(row) == job and all(
            is_same_text(row.find_text(name), person.find_text(name)) for name in ("email", "firstname", "lastname")
        )

    body = leave_out_nones(member_id=actor, target_job_shortcode=job, target_stage=slug)
    sent = call("POST", "/candidates/{}/copy", body, get_id(person), item="candidate")
    return await context.create("application", sent, stream=CANDIDATES, trace=trace(look, is_it))


async def move_application(context: WriteContext, given: Given[MoveInput]) -> VendorRow:
    """To a stage of the job it is for."""
    id, actor = given.target, get_actor(given)
    row = await get_application(context, id)
    stage = await get_stage(context, given.input.current_stage, find_job(row), "current_stage")
    context.plan(["move"])
    await move_to(context, "move", id, stage, actor)
    return await get_application(context, id)


class RejectParams(Params):
    """Who ended it, where no reason says so."""

    withdrew: Annotated[
        bool | None, Meta(description="Whether the candidate withdrew; else the reason says whose it is.")
    ] = None


async def reject_application(context: WriteContext, given: Given[RejectInput]) -> VendorRow:
    """It stays at its stage; nothing is mailed."""
    id, input, actor = given.target, given.input, get_actor(given)
    await get_application(context, id)
    reason = None
    if input.reject_reason is not None:
        reason = await find_row(context, REASONS, input.reject_reason, "reject_reason")
    withdrew = (given.params or RejectParams()).withdrew
    if withdrew is None and reason is not None:
        withdrew = reason.find_flag("candidate_withdrew")
    context.plan(["reject"])

    async def holds() -> bool:
        now = await get_application(context, id)
        is_same = reason is None or now.find_text("disqualification_reason") == reason.find_text("description")
        return now.find_flag("disqualified") is True and is_same

    body = leave_out_nones(
        member_id=actor,
        disqualify_reason_id=input.reject_reason,
        disqualify_note=input.note,
        withdrew=withdrew,
    )
    await change_until(context, "reject", call("POST", "/candidates/{}/disqualify", body, id), id, holds)
    return await get_application(context, id)


async def unreject_application(context: WriteContext, given: Given[UnrejectInput]) -> VendorRow:
    """At the stage where it was: a rejected one stays there."""
    id, actor = given.target, get_actor(given)
    await get_application(context, id)
    context.plan(["unreject"])

    async def holds() -> bool:
        return (await get_application(context, id)).find_flag("disqualified") is False

    await change_until(context, "unreject", call("POST", "/candidates/{}/revert", {"member_id": actor}, id), id, holds)
    return await get_application(context, id)


class HireParams(Params):
    """The requisition that a hire fills."""

    requisition_code: Annotated[
        str | None, Meta(description="The code of the requisition that is filled; a first day of work needs it.")
    ] = None


async def hire_candidate(context: WriteContext, given: Given[HireInput]) -> VendorRow:
    """To the stage of its job that is of the kind hired."""
    id, actor = given.target, get_actor(given)
    job = find_job(await get_application(context, id))
    stages = [] if job is None else await context.all(JOB_STAGES, {"job": job})
    stage = next((row for row in stages if row.find_text("kind") == HIRED), None)
    if stage is None:
        raise ReferenceMissing("application: its job has no stage of the kind hired")
    code = (given.params or HireParams()).requisition_code
    if given.input.start_date is not None and code is None:
        raise ReferenceMissing(
            "integration_params/requisition_code: the vendor takes a first day of work with it alone"
        )
    context.plan(["hire"])
    requisition = None if code is None else leave_out_nones(code=code, start_date=given.input.start_date)
    await move_to(context, "hire", id, stage, actor, requisition=requisition)
    return await get_application(context, id)


def _declare(verb: str, run: Any, *takes: str, **more: Any) -> Write:
    """A write that brings an application into a state."""
    return Write(
        model="application", verb=verb, run=run, stream=CANDIDATES, takes=takes, lost_answer="state",
        needs_actor=True, **more,
    )  # fmt: skip


ACTS = "The user who acts must be an active member with rights on the job."

APPLICATION_WRITES = (
    Write(
        model="application",
        verb="create",
        run=create_application,
        stream=CANDIDATES,
        takes=("candidate", "job", "current_stage"),
        lost_answer="listed",
        needs_actor=True,
        named={"target_job_shortcode": "job", "target_stage": "current_stage"},
        note=f"The vendor makes a copy of the candidate on the other job, a candidate with an id of its own. {ACTS}",
    ),
    _declare(
        "move",
        move_application,
        "current_stage",
        named={"target_stage": "current_stage"},
        note=f"The stage must be of the job that the application is for; another job takes application.create. {ACTS}",
    ),
    _declare(
        "reject",
        reject_application,
        "reject_reason",
        "note",
        params=RejectParams,
        rules=(SHORT_NOTE,),
        named={"disqualify_reason_id": "reject_reason", "disqualify_note": "note"},
        note=f"It stays at its stage, and nobody is mailed. A reason of the candidate's makes it withdrawn. {ACTS}",
    ),
    _declare("unreject", unreject_application, note=f"It is at the stage where it was rejected. {ACTS}"),
    _declare(
        "hire",
        hire_candidate,
        "start_date",
        params=HireParams,
        rules=(needs("start_date", "integration_params"),),
        named={"requisition": "start_date"},
        note=f"It goes to the stage of its job that is for hired people. {ACTS}",
    ),
)
