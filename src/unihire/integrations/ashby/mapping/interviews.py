"""Ashby rows to unified records: interviews and what was judged in them. Pure functions, tables on top."""

import re
from collections.abc import Iterable
from typing import Any

from unihire.integration.declare import Data, Source
from unihire.integrations.ashby.mapping.forms import SCORE, Submitted, list_chosen, list_submitted, to_answer
from unihire.integrations.ashby.mapping.teams import name_of
from unihire.integrations.ashby.mapping.values import (
    find_id,
    find_object,
    get_id,
    list_objects,
    to_id,
    to_moment,
    to_number,
    to_text,
    to_word,
)
from unihire.model import Answer, Attendee, Rating, ScheduledInterview, Scorecard

CANCELLED = "Cancelled"

INTERVIEW_STATUSES = {
    "Scheduled": "SCHEDULED",
    "WaitingOnFeedback": "AWAITING_FEEDBACK",
    "Complete": "COMPLETE",
    CANCELLED: "CANCELLED",
    "OnHold": None,
    "Unknown": None,
}
"""By the status of the schedule that an interview is in; the last two say nothing about a time in the calendar."""

EXTERNAL_ID = "external_id"
"""The name under which a program that arranges an interview puts its own identifier into `extraData`."""

OVERALL = re.compile(r"overall[ _-]*(recommendation|rating|score)", re.IGNORECASE)
"""What the field with the verdict is called in forms that customers make, in its title or its path."""

SCORE_MAX = 4

SCORES = {4: "STRONG_YES", 3: "YES", 2: "NO", 1: "DEFINITELY_NO"}

VERDICTS = {
    "strong hire": "STRONG_YES",
    "strong yes": "STRONG_YES",
    "hire": "YES",
    "yes": "YES",
    "no decision": "NO_DECISION",
    "no hire": "NO",
    "no": "NO",
    "strong no hire": "DEFINITELY_NO",
    "strong no": "DEFINITELY_NO",
}
"""The labels of verdicts in small letters."""


def list_events(schedule: Data) -> Iterable[Data]:
    return list_objects(schedule.get("interviewEvents"))


def to_scheduled_interview(source: Source) -> ScheduledInterview:
    """An event in the calendar; its schedule has the application, the stage and the status of all its events."""
    row, schedule = source.row, source.within
    status, link = to_text(schedule.get("status")), to_text(row.get("meetingLink"))
    interview, extra = find_object(row, "interview"), find_object(row, "extraData")
    return ScheduledInterview(
        remote_id=get_id(row),
        application=to_id(schedule.get("applicationId")),
        job_interview_stage=to_id(schedule.get("interviewStageId")),
        location=to_text(row.get("location")) or link,
        start_at=to_moment(row.get("startTime")),
        end_at=to_moment(row.get("endTime")),
        remote_created_at=to_moment(row.get("createdAt")),
        remote_updated_at=to_moment(row.get("updatedAt")),
        status=to_word(INTERVIEW_STATUSES, status),
        is_cancelled=None if status is None else status == CANCELLED,
        title=None if interview is None else to_text(interview.get("title")),
        video_url=link,
        attendees=list_attendees(row),
        group=to_id(schedule.get("id")),
        external_id=None if extra is None else to_text(extra.get(EXTERNAL_ID)),
    )


def list_attendees(event: Data) -> list[Attendee] | None:
    members = event.get("interviewers")
    if members is None:
        return None
    return [
        Attendee(user=get_id(one), email=to_text(one.get("email")), name=name_of(one)) for one in list_objects(members)
    ]


def to_scorecard(source: Source) -> Scorecard:
    row = source.row
    submitted = list_submitted(row)
    overall = next((one for one in submitted if is_overall(one.field)), None)
    points = read_score(overall.value) if overall is not None and overall.field.get("type") == SCORE else None
    return Scorecard(
        remote_id=get_id(row),
        application=to_id(row.get("applicationId")),
        interview=to_id(row.get("interviewEventId")),
        interviewer=find_id(find_object(row, "submittedByUser")),
        submitted_at=to_moment(row.get("submittedAt")),
        overall_recommendation=None if overall is None else find_recommendation(overall),
        score=points,
        score_max=None if points is None else SCORE_MAX,
        attributes=list_ratings(submitted, overall),
        answers=list_answers(submitted, overall),
    )


def is_overall(field: Data) -> bool:
    """Whether a field has the verdict: forms are the customers', and nothing else marks it."""
    names = (field.get("title"), field.get("path"), field.get("humanReadablePath"))
    return any(isinstance(name, str) and OVERALL.search(name) is not None for name in names)


def find_recommendation(overall: Submitted) -> Any:
    """The verdict: points, or the label of a choice; a form that asks for one and has none is undecided."""
    chosen = [] if overall.value is None else list_chosen(overall)
    said = chosen[0].strip() if chosen else ""
    if said.isdecimal():
        return SCORES.get(int(said), said)
    return VERDICTS.get(said.casefold(), said) or "NO_DECISION"


def read_score(value: Any) -> Any:
    """Points are a number, digits as text, or an object around one of these."""
    inner = value.get("score") if isinstance(value, dict) else value
    return int(inner) if isinstance(inner, str) and inner.isdecimal() else to_number(inner)


def list_ratings(submitted: Iterable[Submitted], overall: Submitted | None) -> list[Rating]:
    """The fields with points that are not the verdict."""
    return [
        Rating(name=to_text(one.field.get("title")), kind="ATTRIBUTE", score=read_score(one.value))
        for one in submitted
        if one is not overall and one.field.get("type") == SCORE and one.value is not None
    ]


def list_answers(submitted: Iterable[Submitted], overall: Submitted | None) -> list[Answer]:
    """All other fields that were filled in."""
    return [
        to_answer(one)
        for one in submitted
        if one is not overall and one.field.get("type") != SCORE and one.value is not None
    ]
