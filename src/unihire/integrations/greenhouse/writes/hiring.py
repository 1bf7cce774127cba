"""Interviews and offers."""

from typing import Annotated

from msgspec import Meta

from unihire.errors import ReferenceMissing
from unihire.integration.operate import WriteContext
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import Given, Params, Write
from unihire.integrations.greenhouse.writes.choices import list_planned_interviews, list_planned_stages
from unihire.integrations.greenhouse.writes.custom_values import read_fields_of, write_given
from unihire.integrations.greenhouse.writes.making import Writer, leave_out_nones, scope_to
from unihire.integrations.greenhouse.writes.references import read_id, read_ids, write_day, write_moment
from unihire.model.inputs import InterviewInput, OfferInput

MARK = "external_event_id"


JobInterviewId = Annotated[int, Meta(ge=1)]


class InterviewParams(Params):
    """Which interview of the job's plan it is."""

    job_interview_id: Annotated[
        JobInterviewId | None,
        Meta(description="The interview of the job's plan; without it, the first of the stage."),
    ] = None


async def schedule_interview(context: WriteContext, given: Given[InterviewInput]) -> VendorRow:
    """The interview, known again by a mark of ours."""
    input = given.input
    context.plan(["interview"], scopes=[scope_to("create", "interviews")])
    mark = context.mark("interview")
    body = leave_out_nones(
        application_id=read_id(input.application, "application"),
        job_interview_id=given.params.job_interview_id or await _choose_interview(context, input),
        starts_at=write_moment(input.start_at),
        ends_at=write_moment(input.end_at),
        interviewers=_write_panel(input),
        organizer_id=read_id(input.organizer, "organizer"),
        location=input.location,
        video_conferencing_url=input.video_url,
        external_event_id=mark,
    )
    writer = Writer(context, given.actor)
    row = await writer.make_plain("interview", "interviews", body, among={MARK: mark}, shown={MARK: mark})
    await writer.touch_found("interviewers", "interview_id", [row.get_number("id")])
    return row


async def _choose_interview(context: WriteContext, input: InterviewInput) -> int:
    """The first interview of the plan in the stage."""
    stage = read_id(input.job_interview_stage, "job_interview_stage")
    planned = await context.find("job_interviews", "job_interview_stage_id", [stage])
    active = [row.get_number("id") for row in planned if row.find_flag("active") is not False]
    if not active:
        raise ReferenceMissing("job_interview_stage: the plan of the job has no interview in this stage")
    return min(active)


def _write_panel(input: InterviewInput) -> list[dict[str, int | str]]:
    users = read_ids(input.interviewers, "interviewers") or []
    return [{"user_id": user, "response_status": "needs_action"} for user in users]


async def create_offer(context: WriteContext, given: Given[OfferInput]) -> VendorRow:
    """A new version: the vendor deprecates the offer there was."""
    input = given.input
    application = read_id(input.application, "application")
    if application is None:
        raise ReferenceMissing("application: an offer belongs to one")
    custom = await write_given(context, "offer", input.custom_fields)
    context.plan(["offer"], scopes=[scope_to("create", "offers")])
    body = leave_out_nones(
        application_id=application,
        starts_on=write_day(input.start_date),
        sent_on=write_day(input.sent_at),
        custom_fields=custom.values or None,
    )
    writer = Writer(context, given.actor)
    among = {"application_ids": str(application)}
    row = await writer.make_plain("offer", "offers", body, among=among, field_keys=custom.keys)
    await writer.touch_found("offers", "application_id", [application])
    return row


HIRING_WRITES = (
    Write(
        model="scheduled_interview",
        verb="create",
        run=schedule_interview,
        stream="interviews",
        takes=(
            "application",
            "job_interview_stage",
            "start_at",
            "end_at",
            "interviewers",
            "organizer",
            "location",
            "video_url",
        ),
        requires=("job_interview_stage",),
        params=InterviewParams,
        options={"job_interview_id": list_planned_interviews, "job_interview_stage": list_planned_stages},
        lost_answer="marked",
        scopes=(scope_to("create", "interviews"),),
        named={
            "application_id": "application",
            "job_interview_id": "job_interview_stage",
            "starts_at": "start_at",
            "ends_at": "end_at",
            "interviewers": "interviewers",
            "organizer_id": "organizer",
            "location": "location",
            "video_conferencing_url": "video_url",
        },
        note="What is scheduled is an interview of the job's plan. Without an organizer it is the user who acts.",
    ),
    Write(
        model="offer",
        verb="create",
        run=create_offer,
        stream="offers",
        takes=("application", "start_date", "sent_at", "custom_fields"),
        custom_fields=read_fields_of("offer"),
        lost_answer="listed",
        scopes=(scope_to("create", "offers"),),
        named={
            "application_id": "application",
            "starts_on": "start_date",
            "sent_on": "sent_at",
            "custom_fields": "custom_fields",
        },
        note="A new version: the open offer of the application is deprecated. Of the sending the day is stored.",
    ),
)
