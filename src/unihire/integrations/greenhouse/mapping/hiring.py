"""Harvest v3 rows to unified records: an application and what happens on it. Pure functions."""

from typing import Any

from unihire.integration.declare import Data, Source
from unihire.integrations.greenhouse.mapping.values import (
    find_joined,
    get_id,
    list_joined,
    to_id,
    to_moment,
    to_text,
    to_word,
)
from unihire.model import Application, Offer, ScheduledInterview, Scorecard

REJECTED = "rejected"
"""The `status` of an application that is rejected now; one that no longer is may have kept its rejection_details."""

INTERVIEW_STATUSES = {
    "scheduled": "SCHEDULED",
    "awaiting_feedback": "AWAITING_FEEDBACK",
    "complete": "COMPLETE",
}

RECOMMENDATIONS = {
    "strong_no": "DEFINITELY_NO",
    "no": "NO",
    "no_decision": "NO_DECISION",
    "yes": "YES",
    "strong_yes": "STRONG_YES",
}

OPEN_OFFER = "Created"
"""The `status` of an offer that is not resolved: sent where it has a day of sending, else a draft."""

OFFER_STATUSES = {
    "Accepted": "SIGNED",
    "Rejected": "DENIED",
    "Deprecated": "DEPRECATED",
}


def to_application(source: Source) -> Application:
    row = source.row
    return Application(
        remote_id=get_id(row),
        candidate=to_id(row.get("candidate_id")),
        job=to_id(row.get("job_id")),
        applied_at=to_moment(row.get("created_at")),
        rejected_at=to_moment(row.get("rejected_at")),
        source=to_text(find_joined(source, "sources", "name")),
        credited_to=to_id(find_joined(source, "referrers", "user_id")),
        current_stage=to_id(find_joined(source, "application_stages", "job_interview_stage_id")),
        reject_reason=find_reject_reason(source),
    )


def find_reject_reason(source: Source) -> str | None:
    """Why the application is rejected, told by the newest of its rejections."""
    rejections = source.details.get("rejection_details")
    if not rejections or source.row.get("status") != REJECTED:
        return None
    return to_id(rejections[-1].get("rejection_reason_id"))


def to_scheduled_interview(source: Source) -> ScheduledInterview:
    row = source.row
    return ScheduledInterview(
        remote_id=get_id(row),
        application=to_id(row.get("application_id")),
        job_interview_stage=to_id(find_joined(source, "job_interviews", "job_interview_stage_id")),
        organizer=to_id(row.get("organizer_id")),
        interviewers=list_joined(source, "interviewers", "user_id"),
        location=to_text(row.get("location") or row.get("video_conferencing_url")),
        start_at=to_moment(row.get("starts_at") or row.get("all_day_start_on")),
        end_at=to_moment(row.get("ends_at") or row.get("all_day_end_on")),
        remote_created_at=to_moment(row.get("created_at")),
        remote_updated_at=to_moment(row.get("updated_at")),
        status=to_word(INTERVIEW_STATUSES, row.get("status")),
    )


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
    )


def to_offer(source: Source) -> Offer:
    row = source.row
    return Offer(
        remote_id=get_id(row),
        application=to_id(row.get("application_id")),
        remote_created_at=to_moment(row.get("created_at")),
        closed_at=to_moment(row.get("resolved_at")),
        sent_at=to_moment(row.get("sent_on")),
        start_date=to_moment(row.get("starts_on")),
        status=find_offer_status(row),
    )


def find_offer_status(row: Data) -> Any:
    if row.get("status") == OPEN_OFFER:
        return "SENT" if row.get("sent_on") else "DRAFT"
    return to_word(OFFER_STATUSES, row.get("status"))
