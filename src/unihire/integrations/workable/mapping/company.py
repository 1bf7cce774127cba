"""Workable rows to unified records: what a company sets up. Pure functions, tables on top."""

from unihire.integration.declare import Data, Source
from unihire.integrations.workable.mapping.values import (
    find_detail,
    find_id,
    get_id,
    get_shortcode,
    join_texts,
    list_objects,
    list_texts,
    split_name,
    to_flag,
    to_id,
    to_number,
    to_text,
    to_word,
)
from unihire.model import Department, HiringSource, JobInterviewStage, Office, Place, RejectReason, RemoteUser, Role

ACCESS_ROLES = {
    "admin": "ADMIN",
    "recruiting_admin": "ADMIN",
    "simple": "TEAM_MEMBER",
    "hiring_manager": "TEAM_MEMBER",
    "reviewer": "INTERVIEWER",
}

SUPER_ADMIN = "workable.superadmin"
"""Among `roles`, it stands above the role."""

STAGE_TYPES = {
    "sourced": "LEAD",
    "applied": "APPLIED",
    "shortlisted": "SCREEN",
    "phone-screen": "SCREEN",
    "assessment": "ASSESSMENT",
    "interview": "INTERVIEW",
    "offer": "OFFER",
    "hired": "HIRED",
    "other": "OTHER",
}

COMPANY, CANDIDATE = "COMPANY", "CANDIDATE"


def to_remote_user(source: Source) -> RemoteUser:
    row = source.row
    first, last = split_name(row.get("name"))
    labels, active = row.get("roles"), to_flag(row.get("active"))
    is_super = labels is not None and SUPER_ADMIN in list_texts(labels)
    return RemoteUser(
        remote_id=get_id(row),
        first_name=first,
        last_name=last,
        email=to_text(row.get("email")),
        disabled=None if active is None else not active,
        access_role="SUPER_ADMIN" if is_super else to_word(ACCESS_ROLES, row.get("role")),
        roles=None if labels is None else [Role(label=label) for label in list_texts(labels)],
        name=to_text(row.get("name")),
        title=to_text(row.get("headline")),
    )


def to_department(source: Source) -> Department:
    row = source.row
    return Department(remote_id=get_id(row), name=to_text(row.get("name")), parent=to_id(row.get("parent_id")))


def to_reject_reason(source: Source) -> RejectReason:
    row = source.row
    return RejectReason(
        remote_id=get_id(row),
        name=to_text(row.get("description")),
        ended_by=find_ended_by(row.get("candidate_withdrew")),
    )


def find_ended_by(withdrew: bool | None) -> str | None:
    """Whose decision it was: Workable says whether it was the candidate's."""
    flag = to_flag(withdrew)
    return None if flag is None else CANDIDATE if flag else COMPANY


def say_whose(reason: Data) -> str | None:
    """Whose a reason is that a row names by its text; None where it does not say."""
    withdrew = reason.get("candidate_withdrew")
    return find_ended_by(withdrew) if isinstance(withdrew, bool) else None


def to_hiring_source(source: Source) -> HiringSource:
    """A text that candidates share, and its category: there is no list of them."""
    row = source.row
    return HiringSource(remote_id=get_id(row), name=to_text(row.get("id")), category=to_text(row.get("category")))


def list_sources(candidate: Data) -> list[Data]:
    """The source of a candidate as a row of its own."""
    name = find_source(candidate)
    return [] if name is None else [{"id": name, "category": candidate.get("common_source_category")}]


def find_source(candidate: Data) -> str | None:
    """Where a candidate came from: the common name of it, else the site."""
    return to_id(candidate.get("common_source")) or to_id(candidate.get("domain"))


def to_office(source: Source) -> Office:
    """A place that jobs are at: there is no list of offices."""
    row = source.row
    place = to_place(row)
    return Office(remote_id=get_shortcode(row), name=place.text, location=place.text, place=place)


def to_place(location: Data) -> Place:
    """A place of a job. A region that repeats the city is not in the text."""
    city, region, code = (to_text(location.get(name)) for name in ("city", "subregion", "country_code"))
    return Place(
        text=join_texts((city, region, location.get("country_name") or code)),
        postal_code=to_text(location.get("zip_code")),
        city=city,
        region=region or to_text(location.get("state_code")),
        country_code=code,
    )


def to_job_interview_stage(source: Source) -> JobInterviewStage:
    """A stage of a job: names repeat and are changed, slugs are what calls take."""
    row, job = source.row, get_shortcode(source.within)
    return JobInterviewStage(
        remote_id=name_stage(job, row["slug"]),
        name=to_text(row.get("name")),
        job=job,
        stage_order=to_number(row.get("position")),
        stage_type=to_word(STAGE_TYPES, row.get("kind")),
    )


def name_stage(job: str, slug: str) -> str:
    """The id of a stage: jobs have slugs in common. Raises TypeError or LookupError where there is no slug."""
    return f"{job}:{get_id({'id': slug})}"


def find_department(source: Source) -> str | None:
    """The department of a job: the last of its hierarchy, else the one with the name that it has."""
    hierarchy = list_objects(source.row.get("department_hierarchy"))
    return find_id(hierarchy[-1] if hierarchy else find_detail(source, "department"))
