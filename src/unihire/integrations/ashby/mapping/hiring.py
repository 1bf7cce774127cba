"""Ashby rows to unified records: applications, their way and offers. Pure functions, tables on top."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from unihire.integration.declare import Data, Source
from unihire.integrations.ashby.mapping.company import ARCHIVED, ENDED_BY
from unihire.integrations.ashby.mapping.forms import list_submitted, to_answer
from unihire.integrations.ashby.mapping.teams import list_team
from unihire.integrations.ashby.mapping.values import (
    find_detail,
    find_id,
    find_object,
    get_id,
    list_objects,
    read_custom_values,
    to_id,
    to_moment,
    to_number,
    to_rank,
    to_text,
    to_word,
)
from unihire.model import Answer, Application, ApplicationTransition, Attachment, Offer, Pay

LEAD, HIRED = "Lead", "Hired"

APPLICATION_STATUSES = {LEAD: "ACTIVE", "Active": "ACTIVE", HIRED: "HIRED"}
"""Archived applications differ by the kind of reason."""

ENDED_STATUSES = {"RejectedByOrg": "REJECTED", "RejectedByCandidate": "WITHDRAWN", "Other": "REJECTED"}

OFFER_STATUSES = {
    "WaitingOnApprovalStart": "DRAFT",
    "WaitingOnApprovalDefinition": "DRAFT",
    "WaitingOnOfferApproval": "APPROVAL-SENT",
    "WaitingOnCandidateResponse": "SENT",
    "CandidateAccepted": "SIGNED",
    "CandidateRejected": "DENIED",
    "OfferCancelled": "DEPRECATED",
}

ACCEPTANCE_STATUSES = {
    "Created": "DRAFT",
    "Pending": "APPROVAL-SENT",
    "WaitingOnResponse": "SENT",
    "Accepted": "SIGNED",
    "Declined": "DENIED",
    "Cancelled": "DEPRECATED",
}
"""Of an offer that has no `offerStatus`."""

INFO, APPLICATION = "info", "application"
"""What an application, and what an offer has beside its row; the application of an offer."""


def to_application(source: Source) -> Application:
    row, steps = source.row, list_steps(source)
    status, is_archived = row.get("status"), row.get("status") == ARCHIVED
    # One that is active again may have kept both.
    archived_at, reason = to_moment(row.get("archivedAt")), find_object(row, "archiveReason") or {}
    reason_id, kind = to_id(reason.get("id")), reason.get("reasonType")
    ours = find_status(status, reason)
    stage = find_object(row, "currentInterviewStage") or {}
    reached = find_reached(stage, steps)
    current = reached.stage if stage.get("type") == ARCHIVED else to_id(stage.get("id"))
    origin = find_object(row, "source")
    return Application(
        remote_id=get_id(row),
        candidate=find_id(find_object(row, "candidate")),
        job=find_id(find_object(row, "job")),
        applied_at=to_moment(row.get("createdAt")),
        rejected_at=archived_at if is_archived else None,
        source=None if origin is None else to_text(origin.get("title")),
        credited_to=find_id(find_object(row, "creditedToUser")),
        current_stage=current,
        reject_reason=reason_id if is_archived else None,
        status=ours,
        ended_by=to_word(ENDED_BY, kind) if is_archived else None,
        is_prospect=None if to_text(status) is None else status == LEAD,
        hired_at=reached.entered_at if status == HIRED else None,
        withdrawn_at=archived_at if ours == "WITHDRAWN" else None,
        stage_entered_at=reached.entered_at,
        answers=list_answers(source),
        job_posting=to_id(row.get("appliedViaJobPostingId")),
        source_record=find_id(origin),
        hiring_team=list_team(row.get("hiringTeam")),
        remote_created_at=to_moment(row.get("createdAt")),
        remote_updated_at=to_moment(row.get("updatedAt")),
    )


def find_status(status: Any, reason: Data) -> Any:
    """The status in our vocabulary; an archived application without a reason is just that."""
    if status != ARCHIVED:
        return to_word(APPLICATION_STATUSES, status)
    return ENDED_STATUSES.get(str(reason.get("reasonType")), "REJECTED") if reason else "ARCHIVED"


def list_history(info: Data) -> list[Data]:
    """The stages that an application has been at."""
    return list_objects(info.get("applicationHistory"))


class Step(NamedTuple):
    """An application's stay at a stage."""

    entered: str
    """Sorts as the moments of entering do."""
    number: int
    id: str | None
    stage: str | None
    entered_at: str | None


NOWHERE = Step("", 0, None, None, None)


def list_steps(source: Source) -> list[Step]:
    """An application's history in the order of time; nothing where it was not read."""
    return sorted((to_step(row) for row in list_history(find_detail(source, INFO) or {})), key=rank_step)


def to_step(row: Data) -> Step:
    entered, number = row.get("enteredStageAt"), row.get("stageNumber")
    return Step(
        to_rank(entered),
        number if type(number) is int else 0,
        to_id(row.get("id")),
        to_id(row.get("stageId")),
        to_moment(entered),
    )


def rank_step(step: Step) -> tuple[str, int]:
    return step.entered, step.number


def find_reached(stage: Data, steps: Sequence[Step]) -> Step:
    """The step with which an application came to its stage; of an archived one, the last before it was archived.

    NOWHERE if the history does not have it.
    """
    is_ended, id = stage.get("type") == ARCHIVED, to_id(stage.get("id"))
    return next((step for step in reversed(steps) if (step.stage == id) is not is_ended), NOWHERE)


def list_answers(source: Source) -> list[Answer] | None:
    """What was answered in the form of the posting; questions are known by both."""
    info, posting = find_detail(source, INFO), to_id(source.row.get("appliedViaJobPostingId"))
    submissions = None if info is None else info.get("applicationFormSubmissions")
    if submissions is None:
        return None
    return [
        to_answer(one, None if posting is None else f"{posting}:{one.path}")
        for submission in list_objects(submissions)
        for one in list_submitted(submission)
        if one.value is not None
    ]


def to_application_transition(source: Source) -> ApplicationTransition:
    row, steps, id = source.row, list_steps(source), get_id(source.row)
    place = next((place for place, step in enumerate(steps) if step.id == id), 0)
    return ApplicationTransition(
        remote_id=id,
        application=get_id(source.within),
        from_stage=steps[place - 1].stage if place else None,
        to_stage=to_id(row.get("stageId")),
        entered_at=to_moment(row.get("enteredStageAt")),
        left_at=to_moment(row.get("leftStageAt")),
        user=to_id(row.get("actorId")),
    )


def to_offer(source: Source) -> Offer:
    """An offer as its latest version is. When it was made is the moment of its first version."""
    row, latest = source.row, find_latest(source.row)
    versions = list_versions(source)
    made = [moment for one in versions or [latest] if (moment := one.get("createdAt"))]
    return Offer(
        remote_id=get_id(row),
        application=to_id(row.get("applicationId")),
        creator=find_id(find_object(latest, "author")),
        remote_created_at=to_moment(min(made, key=to_rank, default=None)),
        closed_at=to_moment(row.get("decidedAt")),
        start_date=to_moment(latest.get("startDate")),
        status=to_word(OFFER_STATUSES, row.get("offerStatus"))
        or to_word(ACCEPTANCE_STATUSES, row.get("acceptanceStatus")),
        version=None if versions is None else len(versions),
        is_current=True,
        pay=find_salary(latest),
    )


def find_latest(offer: Data) -> Data:
    return find_object(offer, "latestVersion") or {}


def list_versions(source: Source) -> list[Data] | None:
    """All versions of an offer; None where they were not read."""
    info = find_detail(source, INFO)
    return (list_objects(info.get("versions")) or None) if info is not None else None


def find_salary(version: Data) -> Pay | None:
    """The vendor does not say for what time."""
    salary = find_object(version, "salary")
    if salary is None:
        return None
    return Pay(amount=to_number(salary.get("value")), currency=to_text(salary.get("currencyCode")))


def read_offer_fields(source: Source) -> dict[str, Any]:
    """The custom fields of an offer are those of its version."""
    return read_custom_values(find_latest(source.row))


def list_offer_files(offer: Data) -> Iterable[Data]:
    return list_objects(find_latest(offer).get("fileHandles"))


def to_offer_letter(source: Source) -> Attachment:
    application = find_detail(source, APPLICATION)
    return Attachment(
        remote_id=get_id(source.row),
        file_name=to_text(source.row.get("name")),
        attachment_type="OFFER_LETTER",
        candidate=None if application is None else to_id(application.get("candidate.id")),
        application=to_id(source.within.get("applicationId")),
    )
