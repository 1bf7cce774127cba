"""Lever rows to unified records: interviews and what was judged in them. Pure functions, tables on top."""

from typing import Any

from unihire.integration.declare import Data, Source
from unihire.integrations.lever.mapping.forms import is_answered, join_texts, to_answer, write_value
from unihire.integrations.lever.mapping.values import (
    expect_list,
    get_id,
    list_objects,
    list_values,
    to_id,
    to_millis,
    to_moment,
    to_number,
    to_said,
    to_text,
)
from unihire.model import Answer, Attendee, Rating, ScheduledInterview, Scorecard

INTERVIEWS, FEEDBACK = "interviews", "feedback"
"""The interviews of an opportunity, and what was judged of it."""

INTERVIEW = "interview"
"""The type of feedback that is a scorecard; others are assignments and what was shared."""

OVERALL = ("score-system", "score")
"""The types of the field with the verdict: as rows have it, and as the documents and some answers do."""

RECOMMENDATIONS = {4: "STRONG_YES", 3: "YES", 2: "NO", 1: "DEFINITELY_NO"}
"""By the digit that a verdict begins with: `3 - Hire`."""

SCORE_MAX = 4
MILLIS_A_MINUTE = 60_000
SCORECARD, NOTE, TEXTAREA = "scorecard", "note", "textarea"


def to_scheduled_interview(source: Source) -> ScheduledInterview:
    """An interview; one without a form of feedback counts as scheduled, whatever the time is."""
    row = source.row
    start, minutes, is_cancelled = to_millis(row.get("date")), to_number(row.get("duration")), is_canceled(row)
    end = None if start is None or minutes is None else start + int(minutes * MILLIS_A_MINUTE)
    return ScheduledInterview(
        remote_id=get_id(row),
        application=get_id(source.within),
        job_interview_stage=to_id(row.get("stage")),
        organizer=to_id(row.get("user")),
        location=to_text(row.get("location")),
        start_at=to_moment(start),
        end_at=to_moment(end),
        remote_created_at=to_moment(row.get("createdAt")),
        status="CANCELLED" if is_cancelled else "COMPLETE" if list_values(row.get("feedbackForms")) else "SCHEDULED",
        is_cancelled=is_cancelled,
        time_zone=to_text(row.get("timezone")),
        title=to_text(row.get("subject")),
        attendees=list_attendees(row),
        group=to_id(row.get("panel")),
    )


def is_canceled(row: Data) -> bool:
    return row.get("canceledAt") is not None


def list_attendees(row: Data) -> list[Attendee] | None:
    members = row.get("interviewers")
    if members is None:
        return None
    return [
        Attendee(user=to_id(one.get("id")), email=to_text(one.get("email")), name=to_text(one.get("name")))
        for one in list_objects(members)
    ]


def list_scorecards(feedback: Data) -> list[Data]:
    """A form about an interview, unless it was deleted: those can still be read."""
    is_scorecard = feedback.get("type") == INTERVIEW and feedback.get("deletedAt") is None
    return [feedback] if is_scorecard else []


def to_scorecard(source: Source) -> Scorecard:
    row = source.row
    fields = list_objects(row.get("fields"))
    overall = find_overall(fields)
    value = None if overall is None else overall.get("value")
    points = read_points(value)
    return Scorecard(
        remote_id=get_id(row),
        application=get_id(source.within),
        interviewer=to_id(row.get("user")),
        interview=to_id(row.get("interview")),
        remote_created_at=to_moment(row.get("createdAt")),
        submitted_at=to_moment(row.get("completedAt")),
        overall_recommendation=find_recommendation(value, points),
        score=points,
        score_max=SCORE_MAX if points in RECOMMENDATIONS else None,
        attributes=[rating for one in fields if one.get("type") == SCORECARD for rating in list_ratings(one)],
        answers=list_answers(fields, overall),
        notes=find_notes(fields),
        status="DRAFT" if row.get("completedAt") is None else "COMPLETE",
        remote_updated_at=to_moment(row.get("updatedAt")),
    )


def find_overall(fields: list[Data]) -> Data | None:
    """The field with the verdict."""
    return next((one for kind in OVERALL for one in fields if one.get("type") == kind), None)


def read_points(value: Any) -> int | None:
    """The points of a verdict: a number, or the digit that its text begins with. None for other words."""
    if isinstance(value, str):
        digit = value.strip()[:1]
        return int(digit) if digit.isascii() and digit.isdecimal() else None
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise TypeError(f"a verdict of type {type(value).__name__}")


def find_recommendation(value: Any, points: int | None) -> Any:
    """The verdict in our words; words without points pass through, and where nothing is said it is undecided."""
    if points is not None:
        return RECOMMENDATIONS.get(points, str(value))
    return to_said(value) or "NO_DECISION"


def list_ratings(field: Data) -> list[Rating]:
    """What was given for each of the attributes of a field, whose names are in the same order."""
    value, names = field.get("value"), list_objects(field.get("scores"))
    given = [] if value is None else list_objects(expect_list(value))
    return [
        Rating(
            name=to_text(names[place].get("text")) if place < len(names) else None,
            kind="ATTRIBUTE",
            score=to_number(one.get("score")),
            note=to_text(one.get("comment")),
        )
        for place, one in enumerate(given)
    ]


def list_answers(fields: list[Data], overall: Data | None) -> list[Answer]:
    """All other fields that were filled in."""
    return [
        to_answer(one) for one in fields if one is not overall and one.get("type") != SCORECARD and is_answered(one)
    ]


def find_notes(fields: list[Data]) -> str | None:
    """What the interviewer wrote: the texts of several lines."""
    return join_texts((write_value(one.get("value")) for one in fields if one.get("type") in (NOTE, TEXTAREA)), "\n\n")
