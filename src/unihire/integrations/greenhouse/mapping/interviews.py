"""Harvest v3 rows to unified records: interviews and what was judged in them. Pure functions."""

from typing import Any

from unihire.integration.declare import Data, Source
from unihire.integrations.greenhouse.mapping.values import (
    find_by_id,
    find_joined,
    get_id,
    index_joined,
    to_id,
    to_moment,
    to_text,
    to_word,
)
from unihire.model import Answer, Attendee, Rating, ScheduledInterview, Scorecard

INTERVIEW_STATUSES = {
    "scheduled": "SCHEDULED",
    "awaiting_feedback": "AWAITING_FEEDBACK",
    "complete": "COMPLETE",
}

ATTENDANCES = {
    "needs_action": "PENDING",
    "accepted": "ACCEPTED",
    "declined": "DECLINED",
    "tentative": "TENTATIVE",
}

RECOMMENDATIONS = {
    "strong_no": "DEFINITELY_NO",
    "definitely_not": "DEFINITELY_NO",
    "no": "NO",
    "no_decision": "NO_DECISION",
    "yes": "YES",
    "strong_yes": "STRONG_YES",
}
"""Of scorecards and of single attributes: what the former call `strong_no` the latter call `definitely_not`."""

SCORECARD_STATUSES = {
    "draft": "DRAFT",
    "complete": "COMPLETE",
}

QUESTION_TYPES = {
    "text": "MULTI_LINE_TEXT",
    "yes_no": "BOOLEAN",
    "single_select": "SINGLE_SELECT",
    "multi_select": "MULTI_SELECT",
}

SKILLS = "skills"
"""The kind of attributes that are skills, in small letters; all others are attributes."""


def to_scheduled_interview(source: Source) -> ScheduledInterview:
    row = source.row
    return ScheduledInterview(
        remote_id=get_id(row),
        application=to_id(row.get("application_id")),
        job_interview_stage=to_id(find_joined(source, "job_interviews", "job_interview_stage_id")),
        organizer=to_id(row.get("organizer_id")),
        location=to_text(row.get("location") or row.get("video_conferencing_url")),
        start_at=to_moment(row.get("starts_at") or row.get("all_day_start_on")),
        end_at=to_moment(row.get("ends_at") or row.get("all_day_end_on")),
        remote_created_at=to_moment(row.get("created_at")),
        remote_updated_at=to_moment(row.get("updated_at")),
        status=to_word(INTERVIEW_STATUSES, row.get("status")),
        title=to_text(find_joined(source, "job_interviews", "name")),
        video_url=to_text(row.get("video_conferencing_url")),
        attendees=list_attendees(source),
        external_id=to_text(row.get("external_event_id")),
    )


def list_attendees(source: Source) -> list[Attendee] | None:
    """Whoever interviews; those from outside have an address and are no user."""
    rows = source.details.get("interviewers")
    if rows is None:
        return None
    return [
        Attendee(
            user=to_id(row.get("user_id")),
            email=to_text(row.get("email")),
            status=to_word(ATTENDANCES, row.get("response_status")),
        )
        for row in rows
    ]


def to_scorecard(source: Source) -> Scorecard:
    row = source.row
    return Scorecard(
        remote_id=get_id(row),
        application=to_id(row.get("application_id")),
        interview=to_id(find_joined(source, "interviewers", "interview_id")),
        interviewer=to_id(row.get("interviewer_id")),
        remote_created_at=to_moment(row.get("created_at")),
        submitted_at=to_moment(row.get("submitted_at")),
        overall_recommendation=to_word(RECOMMENDATIONS, row.get("candidate_rating")),
        attributes=list_ratings(source),
        answers=list_answers(source),
        notes=to_text(row.get("notes")),
        status=to_word(SCORECARD_STATUSES, row.get("status")),
        remote_updated_at=to_moment(row.get("updated_at")),
    )


def list_ratings(source: Source) -> list[Rating] | None:
    rows = source.details.get("attributes")
    if rows is None:
        return None
    names, kinds = index_joined(source, "attribute_names"), index_joined(source, "attribute_types")
    found = []
    for row in rows:
        attribute = row.get("job_candidate_attribute_id")
        kind = find_by_id(kinds, find_by_id(names, attribute, "candidate_attribute_type_id"), "name")
        found.append(
            Rating(
                name=find_by_id(names, attribute, "name"),
                kind=to_rating_kind(kind),
                rating=to_word(RECOMMENDATIONS, row.get("candidate_attribute_rating")),
                note=to_text(row.get("note")),
            )
        )
    return found


def to_rating_kind(name: str | None) -> str | None:
    if name is None:
        return None
    return "SKILL" if name.strip().casefold() == SKILLS else "ATTRIBUTE"


def list_answers(source: Source) -> list[Answer] | None:
    rows = source.details.get("answers")
    if rows is None:
        return None
    questions, options = index_joined(source, "questions"), index_joined(source, "options")
    chosen: dict[str | None, list[str]] = {}
    for row in source.details.get("choices") or ():
        label = find_by_id(options, row.get("scorecard_question_option_id"), "name")
        if label is not None:
            chosen.setdefault(to_id(row.get("scorecard_question_answer_id")), []).append(label)
    return [to_answer(row, questions, chosen.get(get_id(row))) for row in rows]


def to_answer(row: Data, questions: dict[str, Data], values: list[str] | None) -> Answer:
    """A text, yes or no, or the options that were chosen."""
    question = to_id(row.get("scorecard_question_id"))
    return Answer(
        question_remote_id=question,
        title=find_by_id(questions, question, "question"),
        type=to_word(QUESTION_TYPES, find_by_id(questions, question, "answer_type")),
        text=", ".join(values) if values else find_said(row),
        values=values,
    )


def find_said(row: Data) -> Any:
    said = row.get("boolean_value")
    if said is None:
        return to_text(row.get("answer"))
    return ("No", "Yes")[said] if isinstance(said, bool) else said
