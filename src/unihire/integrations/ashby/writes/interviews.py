"""Interviews and scorecards."""

from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta

from unihire.errors import ReferenceMissing
from unihire.integration.declare import Data
from unihire.integration.operate import OperationContext, WriteContext
from unihire.integration.vendor_row import RowPart, VendorRow
from unihire.integration.write import Given, OfferedValue, Params, Write, needs
from unihire.integrations.ashby.lookups import FEEDBACK_FORMS
from unihire.integrations.ashby.mapping.forms import SCORE, find_path
from unihire.integrations.ashby.mapping.interviews import EXTERNAL_ID, SCORES, VERDICTS, is_overall
from unihire.integrations.ashby.writes.calling import call, find_inner, get_id, leave_out_nones, trace
from unihire.integrations.ashby.writes.forms import (
    find_notes,
    find_option,
    fit_answer,
    iterate_fields,
    write_answers,
    write_submission,
)
from unihire.kit.clock import parse_moment, to_text
from unihire.model.inputs import InterviewInput, ScorecardInput

SCHEDULES, FEEDBACK, USERS = "interview_schedules", "feedback", "users"
OF = "applicationId"

POINTS = {verdict: points for points, verdict in SCORES.items()}


class InterviewParams(Params):
    """Which interview of the plan it is."""

    interview_id: Annotated[UUID | None, Meta(description="The vendor's id of the interview that is scheduled.")] = None


async def schedule_interview(context: WriteContext, given: Given[InterviewInput]) -> VendorRow:
    """The event, which is part of a schedule; known again by a mark of ours in it."""
    input, interview = given.input, (given.params or InterviewParams()).interview_id
    people = await _list_emails(context, input.interviewers or [])
    context.plan(["interview"])
    mark = context.mark("interview")
    event = leave_out_nones(
        startTime=_write_moment(input.start_at),
        endTime=_write_moment(input.end_at),
        interviewers=[{"email": email} for email in people],
        extraData={EXTERNAL_ID: mark},
        interviewId=None if interview is None else str(interview),
    )

    async def look() -> list[VendorRow]:
        return await context.find(SCHEDULES, OF, [input.application])

    sent = call(
        "interviewSchedule.create", {"applicationId": input.application, "interviewEvents": [event]}, given.actor
    )
    known = trace(look, lambda row: _find_event(row, mark) is not None)
    schedule = await context.create("interview", sent, stream=SCHEDULES, trace=known)
    context.touch(SCHEDULES, [input.application], by=OF)
    found = _find_event(schedule, mark)
    return VendorRow(SCHEDULES, {"id": schedule.find_value("id")} if found is None else found.data)


def _find_event(schedule: VendorRow, mark: str) -> RowPart | None:
    events = [one for one in schedule.list_parts("interviewEvents") if one.find_text("id")]
    return next((one for one in events if find_inner(one, "extraData", EXTERNAL_ID) == mark), None)


async def _list_emails(context: OperationContext, users: list[str]) -> list[str]:
    """The addresses of interviewers, who are named by them."""
    rows = {get_id(row): row.find_text("email") for row in await context.find(USERS, "id", users)}
    found = [rows.get(user) for user in users]
    if not all(found):
        raise ReferenceMissing("interviewers: the vendor knows interviewers by their address, and one has none")
    return [email for email in found if email]


def _write_moment(text: str | None) -> str | None:
    return None if text is None else to_text(parse_moment(text))


class ScorecardParams(Params):
    """Which form is filled in."""

    form_id: Annotated[UUID | None, Meta(description="The form; without it the one that is the default.")] = None


async def list_forms(context: OperationContext) -> list[OfferedValue]:
    return [
        OfferedValue(value=get_id(row), title=row.find_text("title") or get_id(row))
        for row in await context.all(FEEDBACK_FORMS)
        if row.find_flag("isArchived") is not True
    ]


async def submit_scorecard(context: WriteContext, given: Given[ScorecardInput]) -> VendorRow:
    """The scorecard, in the name of the interviewer."""
    input = given.input
    form = await _choose_form(context, given)
    answers = _fill_in(form, input)
    context.plan(["scorecard"])
    author = input.interviewer or given.actor
    body = leave_out_nones(
        feedbackForm=write_submission(answers),
        formDefinitionId=get_id(form),
        applicationId=input.application,
        userId=author,
        interviewEventId=input.interview,
    )

    async def look() -> list[VendorRow]:
        return await context.find(FEEDBACK, OF, [input.application])

    def is_it(row: VendorRow) -> bool:
        is_theirs = author is None or find_inner(row, "submittedByUser", "id") == author
        shown = row.find_part("submittedValues")
        is_same = shown is not None and all(path in shown.data for path in answers)
        return is_theirs and is_same and row.find_text("feedbackFormDefinitionId") in (None, get_id(form))

    sent = call("applicationFeedback.submit", body, given.actor, item="results.submittedFormInstance")
    row = await context.create("scorecard", sent, stream=FEEDBACK, trace=trace(look, is_it))
    context.touch(FEEDBACK, [input.application], by=OF)
    if input.interview is not None:
        context.touch(SCHEDULES, [input.application], by=OF)
    return row


async def _choose_form(context: WriteContext, given: Given[ScorecardInput]) -> VendorRow:
    wanted = (given.params or ScorecardParams()).form_id
    rows = [row for row in await context.all(FEEDBACK_FORMS) if row.find_flag("isArchived") is not True]
    if wanted is not None:
        rows = [row for row in rows if get_id(row) == str(wanted)]
    default = [row for row in rows if row.find_flag("isDefaultForm")]
    for row in default or rows:
        return row
    raise ReferenceMissing("integration_params/form_id: the vendor has no such form for scorecards")


def _fill_in(form: VendorRow, input: ScorecardInput) -> dict[str, Any]:
    definition: Data | None = form.data.get("formDefinition")
    answers = write_answers(definition, input.custom_fields)
    if input.overall_recommendation is not None:
        field = next((one for one in iterate_fields(definition) if is_overall(one)), None)
        if field is None:
            raise ReferenceMissing("overall_recommendation: the form asks for no verdict")
        answers[find_path(field) or ""] = _write_verdict(field, input.overall_recommendation)
    if input.notes is not None:
        field = find_notes(definition)
        if field is None:
            raise ReferenceMissing("notes: the form has no field for a text")
        answers[find_path(field) or ""] = fit_answer(field, input.notes)
    return answers


def _write_verdict(field: Data, verdict: str) -> Any:
    """Points, or the option that means it: by its label, which is the customer's."""
    points = POINTS.get(verdict)
    if field.get("type") == SCORE and points is not None:
        return {"score": points}
    labels = [label for label, meant in VERDICTS.items() if meant == verdict]
    for label in [*labels, str(points), verdict]:
        if (value := find_option(field, label)) is not None:
            return value
    raise ReferenceMissing(f"overall_recommendation: the form has no answer that means {verdict}")


INTERVIEW_WRITES = (
    Write(
        model="scheduled_interview",
        verb="create",
        run=schedule_interview,
        stream=SCHEDULES,
        takes=("application", "start_at", "end_at", "interviewers"),
        requires=("interviewers",),
        params=InterviewParams,
        lost_answer="marked",
        named={
            "applicationId": "application",
            "startTime": "start_at",
            "endTime": "end_at",
            "interviewers": "interviewers",
            "email": "interviewers",
        },
        note="It is at the stage where the application stands. Interviewers need an address.",
    ),
    Write(
        model="scorecard",
        verb="create",
        run=submit_scorecard,
        stream=FEEDBACK,
        takes=("application", "interview", "interviewer", "overall_recommendation", "notes", "custom_fields"),
        rules=(needs("interview", "interviewer"),),
        params=ScorecardParams,
        options={"form_id": list_forms},
        lost_answer="listed",
        named={
            "applicationId": "application",
            "interviewEventId": "interview",
            "userId": "interviewer",
            "feedbackForm": "custom_fields",
        },
        note="A form that the customer made is filled in: the verdict in the field that is called so, the text in the "
        "one for notes, and other fields by their titles in custom_fields. With an interview, the interviewer is one "
        "of its own.",
    ),
)
