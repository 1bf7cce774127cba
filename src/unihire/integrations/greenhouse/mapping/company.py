"""Harvest v3 rows to unified records: what a company sets up. Pure functions, vocabulary tables on top.

Jobs are in jobs.py, candidates in people.py, what happens on an application in hiring.py and interviews.py. Fields and
their doubts: quirks.md.
"""

from unihire.integration.declare import Source
from unihire.integrations.greenhouse.mapping.values import (
    find_inside,
    get_id,
    is_set,
    to_id,
    to_moment,
    to_text,
    to_word,
)
from unihire.model import (
    Department,
    HiringSource,
    JobInterviewStage,
    Office,
    RejectReason,
    RemoteUser,
    Role,
    Tag,
)

ENDED_BY = {
    "WE_REJECTED_THEM": "COMPANY",
    "SECURITY_CONCERN": "COMPANY",
    "THEY_REJECTED_US": "CANDIDATE",
    "NONE_SPECIFIED": "OTHER",
}
"""Whose a reason for rejecting is, by the `key` of its type."""


def to_remote_user(source: Source) -> RemoteUser:
    row = source.row
    is_admin = is_set(row.get("site_admin"))
    return RemoteUser(
        remote_id=get_id(row),
        first_name=to_text(row.get("first_name")),
        last_name=to_text(row.get("last_name")),
        email=to_text(row.get("primary_email")),
        disabled=row.get("deactivated"),
        remote_created_at=to_moment(row.get("created_at")),
        access_role="SUPER_ADMIN" if is_admin else None,
        roles=[Role(type="SUPER_ADMIN")] if is_admin else None,
        title=to_text(row.get("job_title")),
        employee_id=to_text(row.get("employee_id")),
        remote_updated_at=to_moment(row.get("updated_at")),
    )


def to_department(source: Source) -> Department:
    row = source.row
    return Department(
        remote_id=get_id(row),
        name=to_text(row.get("name")),
        parent=to_id(row.get("parent_id")),
        remote_created_at=to_moment(row.get("created_at")),
        remote_updated_at=to_moment(row.get("updated_at")),
    )


def to_office(source: Source) -> Office:
    row = source.row
    return Office(
        remote_id=get_id(row),
        name=to_text(row.get("name")),
        location=to_text(row.get("location")),
        parent=to_id(row.get("parent_id")),
        remote_created_at=to_moment(row.get("created_at")),
        remote_updated_at=to_moment(row.get("updated_at")),
    )


def to_reject_reason(source: Source) -> RejectReason:
    row = source.row
    return RejectReason(
        remote_id=get_id(row),
        name=to_text(row.get("name")),
        ended_by=to_word(ENDED_BY, find_inside(row, "type", "key")),
        remote_created_at=to_moment(row.get("created_at")),
        remote_updated_at=to_moment(row.get("updated_at")),
    )


def to_tag(source: Source) -> Tag:
    row = source.row
    return Tag(
        remote_id=get_id(row),
        name=to_text(row.get("name")),
        remote_created_at=to_moment(row.get("created_at")),
        remote_updated_at=to_moment(row.get("updated_at")),
    )


def to_hiring_source(source: Source) -> HiringSource:
    row = source.row
    return HiringSource(
        remote_id=get_id(row),
        name=to_text(row.get("name")),
        category=to_text(find_inside(row, "type", "name")),
        remote_created_at=to_moment(row.get("created_at")),
        remote_updated_at=to_moment(row.get("updated_at")),
    )


def to_job_interview_stage(source: Source) -> JobInterviewStage:
    row = source.row
    return JobInterviewStage(
        remote_id=get_id(row),
        name=to_text(row.get("name")),
        job=to_id(row.get("job_id")),
        stage_order=row.get("sort_order"),
        remote_created_at=to_moment(row.get("created_at")),
        remote_updated_at=to_moment(row.get("updated_at")),
    )
