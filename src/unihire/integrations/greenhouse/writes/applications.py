"""Applications: made, changed, moved, rejected and opened again, hired, and prospects that become candidates."""

from contextlib import suppress
from typing import Annotated, Any

from msgspec import Meta

from unihire.errors import PermissionMissing, ReferenceMissing, VendorRefused
from unihire.integration.declare import Data
from unihire.integration.operate import OperationContext, VendorCall, WriteContext
from unihire.integration.vendor_row import VendorRow, list_ids
from unihire.integration.write import Given, Params, Write
from unihire.integrations.greenhouse.comparing import agree, shows
from unihire.integrations.greenhouse.refusals import read_refusal
from unihire.integrations.greenhouse.writes.choices import list_close_reasons, list_creditable, list_open_openings
from unihire.integrations.greenhouse.writes.custom_values import (
    WrittenValues,
    has_values,
    read_fields_of,
    write_changed,
    write_given,
)
from unihire.integrations.greenhouse.writes.making import Writer, leave_out_nones, scope_to
from unihire.integrations.greenhouse.writes.references import find_referrer, find_row, read_id, write_moment
from unihire.model.inputs import (
    ApplicationChanges,
    ApplicationInput,
    ConvertInput,
    HireInput,
    MoveInput,
    RejectInput,
    UnrejectInput,
)

APPLICATIONS = "applications"
REJECTED = "rejected"
HIRED = "hired"
CONVERTED = "converted"
FROM_STAGE = "from_stage_id"

NAMED = {
    "candidate_id": "candidate",
    "job_id": "job",
    "initial_stage_id": "current_stage",
    "source_id": "source_record",
    "referrer_id": "credited_to",
    "recruiter_id": "recruiter",
    "coordinator_id": "coordinator",
    "custom_fields": "custom_fields",
}

TEAM = ("source_record", "credited_to", "recruiter", "coordinator", "custom_fields")


async def create_application(context: WriteContext, given: Given[ApplicationInput]) -> VendorRow:
    input = given.input
    custom = await write_given(context, "application", input.custom_fields)
    body = leave_out_nones(
        candidate_id=read_id(input.candidate, "candidate"),
        job_id=read_id(input.job, "job"),
        source_id=read_id(input.source_record, "source_record"),
        initial_stage_id=read_id(input.current_stage, "current_stage"),
        referrer_id=await find_referrer(context, input.credited_to),
        recruiter_id=read_id(input.recruiter, "recruiter"),
        coordinator_id=read_id(input.coordinator, "coordinator"),
        custom_fields=custom.values or None,
    )
    context.plan(["application"], scopes=[scope_to("create", APPLICATIONS)])
    row = await Writer(context, given.actor).make_application("application", body, field_keys=custom.keys)
    context.touch("candidates", [body["candidate_id"]])
    return row


async def update_application(context: WriteContext, given: Given[ApplicationChanges]) -> VendorRow:
    """Only what was sent; null empties. Custom fields are replaced as a whole, so those that stay are sent."""
    id, input, sent = given.target, given.input, given.sent
    row = await find_row(context, APPLICATIONS, id, "application")
    body: Data = {
        member: read_id(getattr(input, field), field)
        for member, field in NAMED.items()
        if field in sent and field in ("source_record", "recruiter", "coordinator")
    }
    if "credited_to" in sent:
        body["referrer_id"] = await find_referrer(context, input.credited_to)
    custom = WrittenValues([], {})
    if "custom_fields" in sent:
        custom = await write_changed(context, "application", input.custom_fields, row)
        body["custom_fields"] = custom.values
    if not body:
        return row
    context.plan(["update"], scopes=[scope_to("update", APPLICATIONS)])

    async def holds() -> bool:
        now = await find_row(context, APPLICATIONS, id, "application")
        is_same = shows(now, body, *(member for member in body if member != "custom_fields"))
        return is_same and ("custom_fields" not in body or has_values(now, custom))

    call = VendorCall(method="PATCH", path=f"/v3/applications/{id}", body=body)
    await Writer(context, given.actor).change("update", call, stream=APPLICATIONS, id=id, holds=holds)
    return await find_row(context, APPLICATIONS, id, "application")


async def move_application(context: WriteContext, given: Given[MoveInput]) -> VendorRow:
    """To a stage, of this job or of another.

    The vendor compares the stage it is said to come from with the one it is in. Raises VendorRefused of status 409
    where it was moved meanwhile.
    """
    id = given.target
    to_stage, to_job = read_id(given.input.current_stage, "current_stage"), read_id(given.input.job, "job")
    row = await find_row(context, APPLICATIONS, id, "application")
    from_stage = await _find_stage(context, row)
    if from_stage is None:
        raise ReferenceMissing("application: it is in no stage, as a prospect is who was not converted yet")
    if _is_at(row, from_stage, to_stage, to_job):
        return row
    is_other_job = to_job is not None and to_job != row.find_number("job_id")
    body = leave_out_nones(from_stage_id=from_stage, to_stage_id=to_stage, to_job_id=to_job if is_other_job else None)
    context.plan(["move"], scopes=[scope_to("move", APPLICATIONS)])
    writer = Writer(context, given.actor)

    async def holds() -> bool:
        now = await find_row(context, APPLICATIONS, id, "application")
        return _is_at(now, await _find_stage(context, now), to_stage, to_job)

    call = VendorCall(path=f"/v3/applications/{id}/move", body=body)
    try:
        await writer.change("move", call, stream=APPLICATIONS, id=id, holds=holds)
    except VendorRefused as error:
        if any(member == FROM_STAGE for member, _ in read_refusal(error.body)):
            words = f"{call.name}: the application is not in stage {from_stage} any more; read it, and repeat"
            raise VendorRefused(words, status=409, body=error.body) from error
        raise
    await writer.touch_found("application_stages", "application_id", [id])
    return await find_row(context, APPLICATIONS, id, "application")


async def _find_stage(context: OperationContext, row: VendorRow) -> int | None:
    """The job's stage an application is in: `stage_id` is a row of its way through them."""
    passed = await context.find("application_stages", "id", list_ids([row], "stage_id"))
    return passed[0].find_number("job_interview_stage_id") if passed else None


def _is_at(row: VendorRow, stage: int | None, to_stage: int | None, to_job: int | None) -> bool:
    return stage == to_stage and to_job in (None, row.find_number("job_id"))


async def reject_application(context: WriteContext, given: Given[RejectInput]) -> VendorRow:
    id, reason = given.target, read_id(given.input.reject_reason, "reject_reason")
    row = await find_row(context, APPLICATIONS, id, "application")
    context.plan(["reject"], scopes=[scope_to("reject", APPLICATIONS)])
    writer = Writer(context, given.actor)

    async def holds() -> bool:
        now = await find_row(context, APPLICATIONS, id, "application")
        if now.find_text("status") != REJECTED:
            return False
        if reason is None:
            return True
        with suppress(PermissionMissing):  # what may not be seen speaks for nothing
            details = await context.find("rejection_details", "application_id", [id])
            return any(agree(one.find_value("rejection_reason_id"), reason) for one in details)
        return True

    body = leave_out_nones(rejection_reason_id=reason, notes=given.input.note)
    call = VendorCall(path=f"/v3/applications/{id}/reject", body=body)
    await writer.change("reject", call, stream=APPLICATIONS, id=id, holds=holds)
    details = await writer.touch_found("rejection_details", "application_id", [id])
    context.touch("notes", list_ids(details, "rejection_note_id"))
    context.touch("candidates", list_ids([row], "candidate_id"))
    return await find_row(context, APPLICATIONS, id, "application")


async def unreject_application(context: WriteContext, given: Given[UnrejectInput]) -> VendorRow:
    """It comes back to the stage it was in."""
    id = given.target
    await find_row(context, APPLICATIONS, id, "application")
    context.plan(["unreject"], scopes=[scope_to("unreject", APPLICATIONS)])
    writer = Writer(context, given.actor)
    await writer.touch_found("rejection_details", "application_id", [id])

    async def holds() -> bool:
        now = await find_row(context, APPLICATIONS, id, "application")
        return now.find_text("status") != REJECTED

    call = VendorCall(path=f"/v3/applications/{id}/unreject")
    await writer.change("unreject", call, stream=APPLICATIONS, id=id, holds=holds)
    return await find_row(context, APPLICATIONS, id, "application")


class HireParams(Params):
    """What a hire fills."""

    opening_id: Annotated[int | None, Meta(description="The opening it fills; else one that the vendor chooses.")] = (
        None
    )
    close_reason_id: Annotated[int | None, Meta(description="Why the opening is closed.")] = None


async def hire_candidate(context: WriteContext, given: Given[HireInput]) -> VendorRow:
    id, params = given.target, given.params or HireParams()
    await find_row(context, APPLICATIONS, id, "application")
    context.plan(["hire"], scopes=[scope_to("hire", APPLICATIONS)])
    writer = Writer(context, given.actor)

    async def holds() -> bool:
        now = await find_row(context, APPLICATIONS, id, "application")
        return now.find_text("status") == HIRED

    body = leave_out_nones(
        start_date=write_moment(given.input.start_date),
        opening_id=params.opening_id,
        close_reason_id=params.close_reason_id,
    )
    call = VendorCall(path=f"/v3/applications/{id}/hire", body=body)
    await writer.change("hire", call, stream=APPLICATIONS, id=id, holds=holds)
    await writer.touch_found("offers", "application_id", [id])
    await writer.touch_found("openings", "application_id", [id])
    return await find_row(context, APPLICATIONS, id, "application")


async def convert_prospect(context: WriteContext, given: Given[ConvertInput]) -> VendorRow:
    """The application for the job: the prospect's own, or one the vendor made beside it, once that is shown."""
    id = given.target
    job, stage = read_id(given.input.job, "job"), read_id(given.input.current_stage, "current_stage")
    row = await find_row(context, APPLICATIONS, id, "application")
    context.plan(["convert"], scopes=[scope_to("convert_to_candidate", APPLICATIONS)])
    writer = Writer(context, given.actor)
    await writer.touch_found("prospect_details", "application_id", [id])

    async def holds() -> bool:
        return await _find_converted(context, row, job) is not None

    body = leave_out_nones(job_id=job, to_job_interview_stage_id=stage)
    call = VendorCall(path=f"/v3/applications/{id}/convert_to_candidate", body=body)
    await writer.change("convert", call, stream=APPLICATIONS, id=id, holds=holds)
    made = await _find_converted(context, row, job) or row
    context.touch(APPLICATIONS, list_ids([made]))
    await writer.touch_found("application_stages", "application_id", list_ids([made]))
    return made


async def _find_converted(context: OperationContext, prospect: VendorRow, job: int | None) -> VendorRow | None:
    """The candidate's application for the job, once the prospect is none any more."""
    now = await find_row(context, APPLICATIONS, str(prospect.find_value("id")), "application")
    if now.find_text("status") != CONVERTED:
        return now if not now.find_flag("prospect") and now.find_number("job_id") == job else None
    rows = await context.find(APPLICATIONS, "candidate_id", list_ids([now], "candidate_id"))
    found = [row for row in rows if not row.find_flag("prospect") and row.find_number("job_id") == job]
    return max(found, key=lambda row: row.get_number("id"), default=None)


def _declare(verb: str, run: Any, *takes: str, action: str | None = None, **more: Any) -> Write:
    """A write that brings an application into a state; `action` is the vendor's verb where it is another."""
    return Write(
        model="application",
        verb=verb,
        run=run,
        stream=APPLICATIONS,
        takes=takes,
        lost_answer="state",
        scopes=(scope_to(action or verb, APPLICATIONS),),
        **more,
    )


APPLICATION_WRITES = (
    Write(
        model="application",
        verb="create",
        run=create_application,
        stream=APPLICATIONS,
        takes=("candidate", "job", "current_stage", *TEAM),
        options={"credited_to": list_creditable},
        custom_fields=read_fields_of("application"),
        lost_answer="listed",
        scopes=(scope_to("create", APPLICATIONS),),
        named=NAMED,
    ),
    _declare(
        "update",
        update_application,
        *TEAM,
        options={"credited_to": list_creditable},
        custom_fields=read_fields_of("application"),
        named={member: field for member, field in NAMED.items() if field in TEAM},
        note="Custom fields that are not named stay.",
    ),
    _declare(
        "move",
        move_application,
        "current_stage",
        "job",
        named={"to_stage_id": "current_stage", "to_job_id": "job"},
        note="Refused with 409 where somebody else moved the application meanwhile.",
    ),
    _declare(
        "reject",
        reject_application,
        "reject_reason",
        "note",
        named={"rejection_reason_id": "reject_reason", "notes": "note"},
        note="The moment is the vendor's own. Nothing is mailed to the candidate.",
    ),
    _declare("unreject", unreject_application, note="The application comes back to the stage it was in."),
    _declare(
        "hire",
        hire_candidate,
        "start_date",
        params=HireParams,
        options={"opening_id": list_open_openings, "close_reason_id": list_close_reasons},
        named={"start_date": "start_date"},
        note="The newest offer is accepted, and an opening of the job is filled. Only the vendor's pages undo a hire.",
    ),
    _declare(
        "convert",
        convert_prospect,
        "job",
        "current_stage",
        action="convert_to_candidate",
        named={"job_id": "job", "to_job_interview_stage_id": "current_stage"},
    ),
)
