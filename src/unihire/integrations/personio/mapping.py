"""Personio rows to unified records: pure functions. Vocabulary tables on top.

Fields and their doubts: quirks.md. A key Personio leaves out is null here.
"""

from collections.abc import Iterable
from typing import Any

from unihire.integration.declare import Data, Source
from unihire.kit.clock import normalize_moment
from unihire.model import Application, Candidate, Department, Job, JobInterviewStage, RemoteUser, Url

ROLE_RELATIONS = {
    "hiring manager": "hiring_managers",
    "recruiter": "recruiters",
}
"""Hiring-team roles that are relations of a job. Roles are the customer's own words; others stay in raw data."""

REJECTED = "REJECTED"
"""The `type` of the stage that means rejected. Compared without letter case: v2's spelling is not published."""

CLOSING = {REJECTED, "WITHDRAWN"}
"""Types of stages in which an application ended; where it stood before is in its history only."""


def to_job(source: Source) -> Job:
    row = source.row
    department = row.get("department")
    return Job(
        remote_id=get_id(row),
        name=to_text(row.get("name")),
        remote_created_at=to_moment(row.get("created_at")),
        remote_updated_at=to_moment(row.get("updated_at")),
        departments=[get_id(department)] if department else None,
        hiring_managers=find_team(row, "hiring_managers"),
        recruiters=find_team(row, "recruiters"),
    )


def to_department(source: Source) -> Department:
    return Department(remote_id=get_id(source.row), name=to_text(source.row.get("name")))


def to_remote_user(source: Source) -> RemoteUser:
    return RemoteUser(remote_id=get_id(source.row))


def to_job_interview_stage(source: Source) -> JobInterviewStage:
    row = source.row
    stages = source.within.get("stages") or ()
    position = next((place for place, stage in enumerate(stages) if is_same(stage, row)), None)
    return JobInterviewStage(remote_id=get_id(row), name=to_text(row.get("name")), stage_order=position)


def is_same(stage: Any, other: Data) -> bool:
    return isinstance(stage, dict) and stage.get("id") == other["id"]


def to_candidate(source: Source) -> Candidate:
    row = source.row
    # A candidate's row is not told anew when an application is made: the list of applications is.
    applications = source.details.get("applications", row.get("applications"))
    profile = to_text(row.get("linkedin_profile"))
    return Candidate(
        remote_id=get_id(row),
        first_name=to_text(row.get("first_name")),
        last_name=to_text(row.get("last_name")),
        email_addresses=to_list(row.get("email")),
        phone_numbers=to_list(row.get("phone")),
        locations=to_list(row.get("location")),
        urls=[Url(value=profile, type="LINKEDIN", url_type="SOCIAL_MEDIA")] if profile else None,
        applications=None if applications is None else [get_id(application) for application in applications],
        remote_created_at=to_moment(row.get("created_at")),
        remote_updated_at=to_moment(row.get("updated_at")),
    )


def to_application(source: Source) -> Application:
    row = source.row
    rejection, stage = read_history(row, source.details.get("stage-transitions", []))
    return Application(
        remote_id=get_id(row),
        candidate=find_id(row.get("candidate")),
        job=find_id(row.get("job")),
        applied_at=to_moment(row.get("application_date")),
        rejected_at=rejection,
        source=to_text((row.get("channel") or {}).get("name")),
        current_stage=stage,
    )


def read_history(row: Data, transitions: list[Data]) -> tuple[str | None, str | None]:
    """When the application was rejected, and the id of the stage it stands at.

    An application that ended keeps the stage at which it did: the latest in its history that has an id (system stages
    have none). `transitions` are latest first.
    """
    stage = row.get("current_stage") or {}
    past = [step.get("stage") or {} for step in transitions]
    rejection = None
    if find_type(stage) == REJECTED:
        entered = next((step for step in transitions if find_type(step.get("stage") or {}) == REJECTED), None)
        rejection = to_moment(entered.get("entered_at")) if entered else None
    if stage.get("id") is None and is_closed(row):
        return rejection, next((get_id(found) for found in past if found.get("id") is not None), None)
    return rejection, None if stage.get("id") is None else get_id(stage)


def is_closed(row: Data) -> bool:
    """Whether the application ended without a hire: its row then tells neither when nor at which stage."""
    return find_type(row.get("current_stage") or {}) in CLOSING


def find_type(stage: Data) -> str:
    return str(stage.get("type")).upper()


def list_departments(row: Data) -> Iterable[Data]:
    department = row.get("department")
    return (department,) if department else ()


def list_team(row: Data) -> Iterable[Data]:
    """Everyone in a job's hiring team."""
    return [member["person"] for member in row.get("hiring_team") or () if "person" in member]


def list_stages(row: Data) -> Iterable[Data]:
    """The stages of a category; system stages without an id are no records of their own."""
    return (stage for stage in row.get("stages") or () if stage.get("id") is not None)


def find_team(row: Data, relation: str) -> list[str] | None:
    """The people of the hiring team whose role is that relation; null where the job tells no team."""
    team = row.get("hiring_team")
    if team is None:
        return None
    return [get_id(member["person"]) for member in team if find_relation(member) == relation]


def find_relation(member: Data) -> str | None:
    """The relation to the job that a member's role is; a member without one is in the team all the same."""
    if "role" not in member:
        return None
    name: str = member["role"]["name"]
    return ROLE_RELATIONS.get(name.strip().lower())


def find_id(ref: Data | None) -> str | None:
    return get_id(ref) if ref else None


def get_id(thing: Data) -> str:
    """Its id as text: documented as text, and no other thing's if it comes as a number."""
    id: Any = thing["id"]
    return str(id) if type(id) is int else id


def to_text(value: Any) -> Any:
    """The value as it is, blank text as null."""
    return None if value == "" or (isinstance(value, str) and value.isspace()) else value


def to_list(value: Any) -> list[Any] | None:
    """One value as a list of one; null and blank text as null."""
    value = to_text(value)
    return None if value is None else [value]


def to_moment(value: Any) -> str | None:
    """A moment in UTC. Personio sends text, or an object `{"date-time", "timezone"}`; both are taken."""
    zone = None
    if isinstance(value, dict):
        value, zone = value.get("date-time"), value.get("timezone")
    return normalize_moment(value, zone) if value else None
