"""Harvest v3 rows to unified records: an application, its way and its offers. Pure functions."""

from typing import Any

from unihire.integration.declare import Data, Source
from unihire.integrations.greenhouse.mapping.company import ENDED_BY
from unihire.integrations.greenhouse.mapping.values import (
    find_inside,
    find_joined,
    get_id,
    index_joined,
    to_id,
    to_moment,
    to_rank,
    to_text,
    to_word,
)
from unihire.model import Answer, Application, ApplicationTransition, Offer, TeamMember

REJECTED = "rejected"
"""The `status` of an application that is rejected now; one that no longer is may have kept its rejection_details."""

HIRED = "hired"

APPLICATION_STATUSES = {
    "in_process": "ACTIVE",
    HIRED: "HIRED",
    "converted": "CONVERTED",
}
"""Rejected applications differ by the kind of reason."""

OPEN_OFFER = "Created"
"""The `status` of an offer that is not resolved: sent where it has a day of sending, else a draft."""

OFFER_STATUSES = {
    "Accepted": "SIGNED",
    "Rejected": "DENIED",
    "Deprecated": "DEPRECATED",
}

LOOKED_AT = 500
"""So many steps of an application on either side of one are looked at for the one it came from: no way has as many."""


def to_application(source: Source) -> Application:
    row = source.row
    rejected_at, ended_by = to_moment(row.get("rejected_at")), find_ended_by(source)
    status = find_status(row, ended_by)
    return Application(
        remote_id=get_id(row),
        candidate=to_id(row.get("candidate_id")),
        job=to_id(row.get("job_id")),
        applied_at=to_moment(row.get("created_at")),
        rejected_at=rejected_at,
        source=to_text(find_joined(source, "sources", "name")),
        credited_to=to_id(find_joined(source, "referrers", "user_id")),
        current_stage=to_id(find_joined(source, "application_stages", "job_interview_stage_id")),
        reject_reason=find_reject_reason(source),
        status=status,
        ended_by=ended_by,
        is_prospect=row.get("prospect"),
        hired_at=find_hired_at(source),
        withdrawn_at=rejected_at if status == "WITHDRAWN" else None,
        stage_entered_at=to_moment(find_joined(source, "application_stages", "entered_at")),
        answers=list_answers(row.get("answers")),
        job_posting=to_id(row.get("job_post_id")),
        source_record=to_id(row.get("source_id")),
        hiring_team=list_team(source),
        remote_created_at=to_moment(row.get("created_at")),
        remote_updated_at=to_moment(row.get("updated_at")),
    )


def find_reject_reason(source: Source) -> str | None:
    """Why the application is rejected: the reason of its newest rejection."""
    rejections = source.details.get("rejection_details")
    if not rejections or source.row.get("status") != REJECTED:
        return None
    return to_id(rejections[-1].get("rejection_reason_id"))


def find_ended_by(source: Source) -> Any:
    """Whose the reason is that the application is rejected for."""
    reasons = index_joined(source, "rejection_reasons")
    reason = reasons.get(find_reject_reason(source) or "")
    return None if reason is None else to_word(ENDED_BY, find_inside(reason, "type", "key"))


def find_status(row: Data, ended_by: Any) -> Any:
    """A rejection for the candidate's own reason is a withdrawal."""
    status = row.get("status")
    if status == REJECTED:
        return "WITHDRAWN" if ended_by == "CANDIDATE" else "REJECTED"
    return to_word(APPLICATION_STATUSES, status)


def find_hired_at(source: Source) -> str | None:
    """When the opening was closed that a hired application fills: the API has no other moment of a hire."""
    if source.row.get("status") != HIRED:
        return None
    closed = [row.get("closed_at") for row in source.details.get("openings") or ()]
    return to_moment(max(closed, key=to_rank, default=None))


def list_answers(answers: list[Data] | None) -> list[Answer] | None:
    """The API identifies questions by their text alone."""
    if answers is None:
        return None
    return [Answer(title=to_text(one.get("question")), text=to_text(one.get("answer"))) for one in answers]


def list_team(source: Source) -> list[TeamMember]:
    """Recruiter and coordinator, and of a prospect who owns it."""
    row = source.row
    users = (
        ("RECRUITER", row.get("recruiter_id")),
        ("COORDINATOR", row.get("coordinator_id")),
        ("OWNER", find_joined(source, "prospect_details", "prospect_owner_id")),
    )
    return [TeamMember(user=user, role=role) for role, id in users if (user := to_id(id)) is not None]


def was_entered(stage: Data) -> bool:
    """Whether an application has been at a stage: there may be rows of stages it never came to."""
    return stage.get("entered_at") is not None


def to_application_transition(source: Source) -> ApplicationTransition:
    row = source.row
    return ApplicationTransition(
        remote_id=get_id(row),
        application=get_id(source.within),
        from_stage=find_stage_before(source),
        to_stage=to_id(row.get("job_interview_stage_id")),
        entered_at=to_moment(row.get("entered_at")),
        left_at=to_moment(row.get("exited_at")),
        remote_created_at=to_moment(row.get("created_at")),
        remote_updated_at=to_moment(row.get("updated_at")),
    )


def find_stage_before(source: Source) -> str | None:
    """The stage of the latest step that was entered before this one; of several at one moment the newest row's.

    Not known where that of another is not.
    """
    own, before, found = _rank(source.row), ("", 0, ""), None
    for other in source.details.get("stages", [])[max(0, source.place - LOOKED_AT) : source.place + LOOKED_AT]:
        rank, stage = _rank(other), to_id(other.get("job_interview_stage_id"))
        if not rank[0]:
            return None
        if before <= rank < own:
            before, found = rank, stage
    return found


def _rank(stage: Data) -> tuple[str, int, str]:
    """Sorts as the moments of entering do, and as ids where these are the same."""
    id = get_id(stage)
    return to_rank(stage.get("entered_at")), len(id), id


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
        version=row.get("version"),
        is_current=is_current(source),
        remote_updated_at=to_moment(row.get("updated_at")),
    )


def find_offer_status(row: Data) -> Any:
    if row.get("status") == OPEN_OFFER:
        return "SENT" if row.get("sent_on") else "DRAFT"
    return to_word(OFFER_STATUSES, row.get("status"))


def is_current(source: Source) -> bool | None:
    """Whether no other offer of the application has a higher version."""
    version = source.row.get("version")
    if version is None or "versions" not in source.details:
        return None
    return all(other.get("version") is None or other["version"] <= version for other in source.details["versions"])
