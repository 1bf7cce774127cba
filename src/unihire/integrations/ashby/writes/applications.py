"""Applications: made, changed, moved, rejected and opened again, hired."""

from typing import Any

from unihire.errors import ReferenceMissing
from unihire.integration.declare import Data
from unihire.integration.operate import OperationContext, WriteContext
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import Given, Write
from unihire.integrations.ashby.writes.calling import (
    call,
    change_until,
    find_inner,
    find_row,
    get_id,
    leave_out_nones,
    trace,
)
from unihire.integrations.ashby.writes.custom_values import read_fields_of, set_values, write_values
from unihire.integrations.ashby.writes.stages import (
    ARCHIVED,
    HIRED,
    find_last_open_stage,
    find_stage,
    find_stage_of_type,
    get_stage,
    is_archived,
)
from unihire.model.inputs import (
    ApplicationChanges,
    ApplicationInput,
    HireInput,
    HiringInput,
    MoveInput,
    RejectInput,
    UnrejectInput,
)

APPLICATIONS, CANDIDATES = "applications", "candidates"
CHANGE_STAGE = "application.changeStage"

NAMED = {
    "candidateId": "candidate",
    "jobId": "job",
    "interviewStageId": "current_stage",
    "sourceId": "source_record",
    "creditedToUserId": "credited_to",
    "fieldId": "custom_fields",
    "fieldValue": "custom_fields",
}


def write_application(candidate: str | None, input: Any, stage: str | None) -> Data:
    return leave_out_nones(
        candidateId=candidate,
        jobId=input.job,
        interviewStageId=stage,
        sourceId=input.source_record,
        creditedToUserId=input.credited_to,
    )


async def create_application(context: WriteContext, given: Given[ApplicationInput]) -> VendorRow:
    input, actor = given.input, given.actor
    values = await write_values(context, "Application", input.custom_fields)
    context.plan(["application", *(["custom_fields"] if values else ())])
    row = await make_application(context, write_application(input.candidate, input, input.current_stage), actor)
    if values:
        work = set_values(context, "Application", APPLICATIONS, get_id(row), values, actor)
        await context.attempt("custom_fields", work)
    return row


async def make_application(context: WriteContext, body: Data, actor: str | None) -> VendorRow:
    """The application, known again among those of the candidate."""

    async def look() -> list[VendorRow]:
        people = await context.find(CANDIDATES, "id", [body["candidateId"]])
        return await context.find(APPLICATIONS, "id", [id for row in people for id in row.list_texts("applicationIds")])

    def is_it(row: VendorRow) -> bool:
        is_same = find_inner(row, "job", "id") == body["jobId"]
        return is_same and all(
            member not in body or find_inner(row, shown, "id") == body[member]
            for member, shown in (("sourceId", "source"), ("creditedToUserId", "creditedToUser"))
        )

    sent = call("application.create", body, actor)
    row = await context.create("application", sent, stream=APPLICATIONS, trace=trace(look, is_it))
    context.touch(CANDIDATES, [body["candidateId"]])
    return row


async def update_application(context: WriteContext, given: Given[ApplicationChanges]) -> VendorRow:
    """Only what was sent. A source may be emptied, credit may not."""
    id, input, sent, actor = given.target, given.input, given.sent, given.actor
    await get_application(context, id)
    values = await write_values(context, "Application", input.custom_fields)
    steps = [name for name in ("source_record", "credited_to") if name in sent]
    context.plan([*steps, *(["custom_fields"] if values else ())])
    if "source_record" in sent:
        body = {"applicationId": id, "sourceId": input.source_record}
        await _set(context, "source_record", call("application.changeSource", body, actor), id, "source", input)
    if "credited_to" in sent:
        body = {"applicationId": id, "creditedToUserId": input.credited_to}
        await _set(context, "credited_to", call("application.update", body, actor), id, "creditedToUser", input)
    if values:
        await set_values(context, "Application", APPLICATIONS, id, values, actor)
    return await get_application(context, id)


async def _set(context: WriteContext, field: str, sent: Any, id: str, shown: str, input: HiringInput) -> None:
    async def holds() -> bool:
        found: bool = find_inner(await get_application(context, id), shown, "id") == getattr(input, field)
        return found

    await change_until(context, field, sent, APPLICATIONS, id, holds)


async def get_application(context: OperationContext, id: str) -> VendorRow:
    return await find_row(context, APPLICATIONS, id, "application")


async def move_application(context: WriteContext, given: Given[MoveInput]) -> VendorRow:
    """To a stage of the plan it is in, or to another job, of which the stage must be."""
    id, job = given.target, given.input.job
    row, stage = await get_application(context, id), await get_stage(context, given.input.current_stage)
    if stage.find_text("type") == ARCHIVED:
        raise ReferenceMissing("current_stage: this stage is for ended applications; reject it with a reason instead")
    context.plan(["move"])
    body: Data = {"applicationId": id, "interviewStageId": get_id(stage)}
    name, is_other_job = CHANGE_STAGE, job is not None and job != find_inner(row, "job", "id")
    if is_other_job:
        name, body = (
            "application.transfer",
            {**body, "jobId": job, "interviewPlanId": stage.find_text("interviewPlanId")},
        )

    async def holds() -> bool:
        now = await get_application(context, id)
        return find_stage(now) == get_id(stage) and (job is None or find_inner(now, "job", "id") == job)

    await change_until(context, "move", call(name, body, given.actor), APPLICATIONS, id, holds)
    return await get_application(context, id)


async def reject_application(context: WriteContext, given: Given[RejectInput]) -> VendorRow:
    """To the archived stage of its plan; nothing is mailed."""
    id, reason = given.target, given.input.reject_reason
    stage = await find_stage_of_type(context, await get_application(context, id), ARCHIVED)
    context.plan(["reject"])

    async def holds() -> bool:
        now = await get_application(context, id)
        return is_archived(now) and find_inner(now, "archiveReason", "id") == reason

    await _change_stage(context, "reject", given, stage, holds, archiveReasonId=reason)
    return await get_application(context, id)


async def unreject_application(context: WriteContext, given: Given[UnrejectInput]) -> VendorRow:
    """Back to the stage it was at last, or to one that is named."""
    id, row = given.target, await get_application(context, given.target)
    stage = given.input.current_stage
    context.plan(["unreject"])
    if stage is None:
        if not is_archived(row):
            return row
        stage = await find_last_open_stage(context, row)

    async def holds() -> bool:
        return not is_archived(await get_application(context, id))

    await _change_stage(context, "unreject", given, stage, holds)
    return await get_application(context, id)


async def hire_candidate(context: WriteContext, given: Given[HireInput]) -> VendorRow:
    """To the stage of its plan that is of the type Hired [guess]."""
    id = given.target
    stage = await find_stage_of_type(context, await get_application(context, id), HIRED)
    context.plan(["hire"])

    async def holds() -> bool:
        return (await get_application(context, id)).find_text("status") == HIRED

    await _change_stage(context, "hire", given, stage, holds)
    return await get_application(context, id)


async def _change_stage(
    context: WriteContext, step: str, given: Given[Any], stage: str, holds: Any, **more: str | None
) -> None:
    body = leave_out_nones(applicationId=given.target, interviewStageId=stage, **more)
    await change_until(context, step, call(CHANGE_STAGE, body, given.actor), APPLICATIONS, given.target, holds)


def _declare(verb: str, run: Any, *takes: str, **more: Any) -> Write:
    """A write that brings an application into a state."""
    return Write(model="application", verb=verb, run=run, stream=APPLICATIONS, takes=takes, lost_answer="state", **more)


APPLICATION_WRITES = (
    Write(
        model="application",
        verb="create",
        run=create_application,
        stream=APPLICATIONS,
        takes=("candidate", "job", "current_stage", "source_record", "credited_to", "custom_fields"),
        custom_fields=read_fields_of("Application"),
        lost_answer="listed",
        named=NAMED,
        note="Without a stage it is at the plan's first stage for leads, of somebody who did not apply. Custom fields "
        "that are refused leave the application.",
    ),
    _declare(
        "update",
        update_application,
        "source_record",
        "credited_to",
        "custom_fields",
        cannot_empty=("credited_to", "custom_fields"),
        custom_fields=read_fields_of("Application"),
        named={member: field for member, field in NAMED.items() if field not in ("candidate", "job", "current_stage")},
        note="Custom fields that are not named stay.",
    ),
    _declare(
        "move",
        move_application,
        "current_stage",
        "job",
        named={"interviewStageId": "current_stage", "interviewPlanId": "current_stage", "jobId": "job"},
        note="The stage must be of the plan that the application is in, or of one of the other job that is named.",
    ),
    _declare(
        "reject",
        reject_application,
        "reject_reason",
        requires=("reject_reason",),
        named={"archiveReasonId": "reject_reason"},
        note="It goes to the archived stage of its plan; the vendor mails nobody.",
    ),
    _declare(
        "unreject",
        unreject_application,
        "current_stage",
        named={"interviewStageId": "current_stage"},
        note="Without a stage it comes back to the one it was at last.",
    ),
    _declare("hire", hire_candidate, note="It goes to the stage of its plan that is for hired people."),
)
