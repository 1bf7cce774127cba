"""Ashby rows to unified records: what a company sets up. Pure functions, tables on top."""

from unihire.integration.declare import Source
from unihire.integrations.ashby.mapping.places import find_place
from unihire.integrations.ashby.mapping.values import (
    find_object,
    get_id,
    list_ids,
    to_id,
    to_moment,
    to_not,
    to_text,
    to_word,
)
from unihire.model import Department, HiringSource, JobInterviewStage, Office, RejectReason, RemoteUser, Role, Tag

ACCESS_ROLES = {
    "Organization Admin": "ADMIN",
    "Elevated Access": "TEAM_MEMBER",
    "Limited Access": "LIMITED_TEAM_MEMBER",
    "External Recruiter": "RECRUITER",
}

ENDED_BY = {"RejectedByOrg": "COMPANY", "RejectedByCandidate": "CANDIDATE", "Other": "OTHER"}
"""Whose a reason for archiving an application is."""

ARCHIVED = "Archived"
"""The type of the stage that an application is at once it has ended without a hire."""

STAGE_TYPES = {
    "Lead": "LEAD",
    "PreInterviewScreen": "SCREEN",
    "Active": "INTERVIEW",
    "Offer": "OFFER",
    "Hired": "HIRED",
    ARCHIVED: "ENDED",
}

STAGES = "stages"
"""The detail with the stages of an interview plan."""


def to_remote_user(source: Source) -> RemoteUser:
    row = source.row
    label = to_text(row.get("globalRole"))
    role = to_word(ACCESS_ROLES, label)
    return RemoteUser(
        remote_id=get_id(row),
        first_name=to_text(row.get("firstName")),
        last_name=to_text(row.get("lastName")),
        email=to_text(row.get("email")),
        disabled=to_not(row.get("isEnabled")),
        access_role=role,
        roles=None if label is None else [Role(label=label, type=role)],
        remote_updated_at=to_moment(row.get("updatedAt")),
    )


def to_department(source: Source) -> Department:
    row = source.row
    return Department(
        remote_id=get_id(row),
        name=to_text(row.get("name")),
        parent=to_id(row.get("parentId")),
        remote_created_at=to_moment(row.get("createdAt")),
        remote_updated_at=to_moment(row.get("updatedAt")),
    )


def to_office(source: Source) -> Office:
    row = source.row
    place = find_place(row)
    return Office(
        remote_id=get_id(row),
        name=to_text(row.get("name")),
        location=None if place is None else place.text,
        place=place,
        parent=to_id(row.get("parentLocationId")),
    )


def to_reject_reason(source: Source) -> RejectReason:
    row = source.row
    return RejectReason(
        remote_id=get_id(row),
        name=to_text(row.get("text")),
        ended_by=to_word(ENDED_BY, row.get("reasonType")),
        is_active=to_not(row.get("isArchived")),
    )


def to_tag(source: Source) -> Tag:
    return Tag(remote_id=get_id(source.row), name=to_text(source.row.get("title")))


def to_hiring_source(source: Source) -> HiringSource:
    row = source.row
    kind = find_object(row, "sourceType")
    return HiringSource(
        remote_id=get_id(row),
        name=to_text(row.get("title")),
        category=None if kind is None else to_text(kind.get("title")),
        is_active=to_not(row.get("isArchived")),
    )


def to_job_interview_stage(source: Source) -> JobInterviewStage:
    """A stage of a plan. Jobs share plans: `jobs` are those whose default plan it is of."""
    row, jobs = source.row, source.details.get("jobs")
    return JobInterviewStage(
        remote_id=get_id(row),
        name=to_text(row.get("title")),
        stage_order=row.get("orderInInterviewPlan"),
        jobs=None if jobs is None else list_ids(job.get("id") for job in jobs),
        pipeline=to_id(source.within.get("id")),
        stage_type=to_word(STAGE_TYPES, row.get("type")),
    )
