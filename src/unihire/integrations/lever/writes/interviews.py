"""Interviews, each in a panel of its own, and scorecards."""

from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta

from unihire.errors import ReferenceMissing
from unihire.integration.declare import Data
from unihire.integration.operate import OperationContext, WriteContext
from unihire.integration.vendor_row import RowPart, VendorRow
from unihire.integration.write import Given, OfferedValue, Params, Write
from unihire.integrations.lever.lookups import FEEDBACK, FEEDBACK_TEMPLATES, PANELS
from unihire.integrations.lever.mapping.interviews import (
    MILLIS_A_MINUTE,
    NOTE,
    RECOMMENDATIONS,
    TEXTAREA,
    find_overall,
)
from unihire.integrations.lever.writes.calling import (
    OPPORTUNITIES,
    below,
    call,
    get_id,
    get_opportunity,
    is_same_text,
    leave_out_nones,
    read_millis,
    to_millis,
    trace_below,
)
from unihire.kit.clock import SystemClock
from unihire.model.inputs import InterviewInput, ScorecardInput

POINTS = {verdict: points for points, verdict in RECOMMENDATIONS.items()}


class InterviewParams(Params):
    """What an interview has beside."""

    subject: Annotated[str | None, Meta(description="What it is called.")] = None
    note: Annotated[str | None, Meta(description="A text for the interviewers.")] = None


async def schedule_interview(context: WriteContext, given: Given[InterviewInput]) -> VendorRow:
    """The interview, known again in a panel by its time and interviewers; the row has its id alone."""
    input, params = given.input, given.params or InterviewParams()
    start, end = read_millis(input.start_at or ""), read_millis(input.end_at or "")
    minutes = (end - start) // MILLIS_A_MINUTE
    if minutes < 1:
        raise ReferenceMissing("end_at: an interview takes a minute at least")
    people = list(dict.fromkeys(input.interviewers or ()))
    id = get_id(await get_opportunity(context, input.application))
    context.plan(["interview"])
    interview = leave_out_nones(
        subject=params.subject,
        note=params.note,
        interviewers=[{"id": user} for user in people],
        date=start,
        duration=minutes,
        location=input.video_url if input.location is None else input.location,
    )
    body = {"timezone": input.time_zone or "UTC", "interviews": [interview]}

    def is_it(row: VendorRow) -> bool:
        return _find_interview(row, start, minutes, people) is not None

    sent = call(below(id, "panels"), body, given.actor)
    panel = await context.create("interview", sent, stream=PANELS, trace=trace_below(context, PANELS, id, is_it))
    context.touch(OPPORTUNITIES, [id])
    found = _find_interview(panel, start, minutes, people)
    return VendorRow(OPPORTUNITIES, {"id": get_id(panel if found is None else found)})


def _find_interview(panel: VendorRow, start: int, minutes: int, people: list[str]) -> RowPart | None:
    for one in panel.list_parts("interviews"):
        users = {user.find_text("id") for user in one.list_parts("interviewers")}
        if one.find_number("date") == start and one.find_number("duration") == minutes and users == set(people):
            return one if one.find_text("id") else None
    return None


class ScorecardParams(Params):
    """Which form is filled in."""

    form_id: Annotated[UUID | None, Meta(description="The form; without it the first one.")] = None


async def list_forms(context: OperationContext) -> list[OfferedValue]:
    return [
        OfferedValue(value=get_id(row), title=row.find_text("text") or get_id(row))
        for row in await context.all(FEEDBACK_TEMPLATES)
    ]


async def submit_scorecard(context: WriteContext, given: Given[ScorecardInput]) -> VendorRow:
    """The scorecard, in the name of the interviewer."""
    input = given.input
    id = get_id(await get_opportunity(context, input.application))
    form = await _choose_form(context, given)
    values = fill_in(form, input)
    panel = None if input.interview is None else await _find_panel(context, id, input.interview)
    context.plan(["scorecard"])
    body = leave_out_nones(
        baseTemplateId=get_id(form),
        panel=panel,
        interview=input.interview,
        fieldValues=[{"id": field, "value": value} for field, value in values.items()],
        completedAt=to_millis(SystemClock().now()),  # without it, it is a draft [guess]
    )

    def is_it(row: VendorRow) -> bool:
        shown = {one.find_text("id"): one.find_value("value") for one in row.list_parts("fields")}
        is_theirs = row.find_text("user") == input.interviewer and row.find_text("interview") == input.interview
        return is_theirs and all(shown.get(field) == value for field, value in values.items())

    sent = call(below(id, "feedback"), body, input.interviewer)
    row = await context.create("scorecard", sent, stream=FEEDBACK, trace=trace_below(context, FEEDBACK, id, is_it))
    context.touch(OPPORTUNITIES, [id])
    return VendorRow(OPPORTUNITIES, {"id": get_id(row)})


async def _find_panel(context: OperationContext, opportunity: str, interview: str) -> str:
    """The panel that an interview is in, which the vendor wants beside it."""
    for panel in await context.all(PANELS, {"opportunity": opportunity}):
        if any(one.find_text("id") == interview for one in panel.list_parts("interviews")):
            return get_id(panel)
    raise ReferenceMissing("interview: it is none of this application")


async def _choose_form(context: WriteContext, given: Given[ScorecardInput]) -> VendorRow:
    wanted = (given.params or ScorecardParams()).form_id
    for row in await context.all(FEEDBACK_TEMPLATES):
        if wanted is None or get_id(row) == str(wanted):
            return row
    raise ReferenceMissing("integration_params/form_id: the vendor has no such form for scorecards")


def fill_in(form: VendorRow, input: ScorecardInput) -> dict[str, Any]:
    """The values of the fields of a form, by their ids."""
    fields = [one.data for one in form.list_parts("fields") if one.find_text("id")]
    values: dict[str, Any] = {}
    for name, value in (input.custom_fields or {}).items():
        field = next((one for one in fields if name == one["id"] or is_same_text(one.get("text"), name)), None)
        if field is None:
            titles = ", ".join(str(one.get("text")) for one in fields)
            raise ReferenceMissing(f"custom_fields: the form has no field {name}; it has {titles}")
        values[field["id"]] = value
    if input.overall_recommendation is not None:
        overall = find_overall(fields)
        if overall is None:
            raise ReferenceMissing("overall_recommendation: the form asks for no verdict")
        values[overall["id"]] = write_verdict(overall, input.overall_recommendation)
    if input.notes is not None:
        text = next((one for one in fields if one.get("type") in (NOTE, TEXTAREA) and one["id"] not in values), None)
        if text is None:
            raise ReferenceMissing("notes: the form has no field for a text")
        values[text["id"]] = input.notes
    return values


def write_verdict(field: Data, verdict: str) -> Any:
    """The option that begins with the points of the verdict: `3 - Hire`; the points where there are no options."""
    points = POINTS.get(verdict)
    if points is None:
        raise ReferenceMissing("overall_recommendation: the form asks for a verdict of four")
    options = [one.get("text") for one in field.get("options") or () if isinstance(one, dict)]
    if not options:
        return points
    for text in options:
        if isinstance(text, str) and text.strip().startswith(str(points)):
            return text
    raise ReferenceMissing(f"overall_recommendation: the form has no answer that means {verdict}")


INTERVIEW_WRITES = (
    Write(
        model="scheduled_interview",
        verb="create",
        run=schedule_interview,
        stream=OPPORTUNITIES,
        takes=("application", "start_at", "end_at", "interviewers", "location", "video_url", "time_zone"),
        requires=("interviewers",),
        params=InterviewParams,
        needs_actor=True,
        lost_answer="listed",
        named={
            "date": "start_at",
            "duration": "end_at",
            "interviewers": "interviewers",
            "location": "location",
            "timezone": "time_zone",
        },
        note="A panel of one interview, of whole minutes, at the stage where the application stands; the user who acts "
        "organises it. The vendor has one place: without a location the address of the video call stands there.",
    ),
    Write(
        model="scorecard",
        verb="create",
        run=submit_scorecard,
        stream=OPPORTUNITIES,
        takes=("application", "interview", "interviewer", "overall_recommendation", "notes", "custom_fields"),
        requires=("interviewer", "interview"),
        params=ScorecardParams,
        options={"form_id": list_forms},
        no_actor="The interviewer is the one who acts.",
        lost_answer="listed",
        named={"baseTemplateId": "custom_fields", "interview": "interview", "fieldValues": "custom_fields"},
        note="A form that the customer made is filled in: the verdict in the field for it, the text in the first one "
        "of several lines, and other fields by their names in custom_fields. It is about one interview.",
    ),
)
