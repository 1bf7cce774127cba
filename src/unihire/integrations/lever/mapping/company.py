"""Lever rows to unified records: what a company sets up. Pure functions, tables on top."""

from collections.abc import Iterable
from typing import Any

from unihire.integration.declare import Data, Source
from unihire.integrations.lever.mapping.values import (
    find_object,
    get_id,
    get_text,
    list_objects,
    list_texts,
    split_name,
    to_flag,
    to_moment,
    to_said,
    to_text,
    to_word,
)
from unihire.model import Department, HiringSource, JobInterviewStage, Office, RejectReason, RemoteUser, Role, Tag

ACCESS_ROLES = {
    "super admin": "SUPER_ADMIN",
    "admin": "ADMIN",
    "team member": "TEAM_MEMBER",
    "limited team member": "LIMITED_TEAM_MEMBER",
    "interviewer": "INTERVIEWER",
}
"""A role that a customer made has its id instead of a name."""

HIRED = "hired"
"""The type of the archive reason of those who were hired; all others are `non-hired`."""

LEAD, NEW_APPLICANT, OFFER = "lead-", "applicant-new", "offer"
"""What the ids of the fixed stages for leads begin with; the two other fixed ones."""

MOST_STAGES = 100
"""The stages that one page has."""


def to_remote_user(source: Source) -> RemoteUser:
    row = source.row
    first, last = split_name(row.get("name"))
    label = to_text(row.get("accessRole"))
    role = to_word(ACCESS_ROLES, label)
    is_known = label in ACCESS_ROLES
    return RemoteUser(
        remote_id=get_id(row),
        first_name=first,
        last_name=last,
        email=to_text(row.get("email")),
        disabled=row.get("deactivatedAt") is not None,
        remote_created_at=to_moment(row.get("createdAt")),
        access_role=role,
        roles=None if label is None else [Role(label=label, type=role) if is_known else Role(remote_id=to_said(label))],
        name=to_text(row.get("name")),
        title=to_text(row.get("jobTitle")),
        employee_id=to_text(row.get("externalDirectoryId")),
    )


def list_reject_reasons(row: Data) -> Iterable[Data]:
    """A reason, where it is not the one of those who were hired."""
    return () if row.get("type") == HIRED else (row,)


def to_reject_reason(source: Source) -> RejectReason:
    row = source.row
    status = to_text(row.get("status"))
    return RejectReason(
        remote_id=get_id(row),
        name=to_text(row.get("text")),
        is_active=None if status is None else status == "active",
    )


def list_stages(answer: Data) -> list[Data]:
    """The stages of the account, in their order, each once. Raises ValueError where there are more than a page has."""
    found = list_objects(answer["data"])
    if to_flag(answer.get("hasNext")) and len(found) >= MOST_STAGES:
        raise ValueError("more than a hundred stages")
    return list({get_id(one): one for one in found}.values())


def to_job_interview_stage(source: Source) -> JobInterviewStage:
    """A stage of the account: all jobs share them, in one order."""
    row = source.row
    return JobInterviewStage(
        remote_id=get_id(row),
        name=to_text(row.get("text")),
        stage_order=source.place,
        stage_type=find_stage_type(row, [get_id(one) for one in list_stages(source.within)]),
    )


def find_stage_type(stage: Data, ids: list[str]) -> str | None:
    """By the ids that all accounts have: what stands before new applicants is for leads. Others may be anything."""
    id = get_id(stage)
    if id == NEW_APPLICANT:
        return "APPLIED"
    if id == OFFER:
        return "OFFER"
    is_before = NEW_APPLICANT in ids and ids.index(id) < ids.index(NEW_APPLICANT)
    return "LEAD" if is_before or id.startswith(LEAD) else None


def to_tag(source: Source) -> Tag:
    return Tag(remote_id=get_text(source.row), name=get_text(source.row))


def to_hiring_source(source: Source) -> HiringSource:
    return HiringSource(remote_id=get_text(source.row), name=get_text(source.row))


def find_categories(posting: Data) -> Data:
    return find_object(posting, "categories") or {}


def list_departments(posting: Data) -> list[Data]:
    """The department of a posting: a text, which is all that it is known by."""
    department = to_said(find_categories(posting).get("department"))
    return [] if department is None else [{"text": department}]


def list_locations(posting: Data) -> list[str]:
    """The places of a posting, each once."""
    categories = find_categories(posting)
    found: list[Any] = [*list_texts(categories.get("allLocations")), to_said(categories.get("location"))]
    return list_texts([one for one in found if one is not None])


def list_offices(posting: Data) -> list[Data]:
    return [{"text": location} for location in list_locations(posting)]


def to_department(source: Source) -> Department:
    return Department(remote_id=get_text(source.row), name=get_text(source.row))


def to_office(source: Source) -> Office:
    text = get_text(source.row)
    return Office(remote_id=text, name=text, location=text)
