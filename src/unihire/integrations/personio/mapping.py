"""Personio rows to unified records: pure functions. Vocabulary tables on top.

Uncertain fields: see quirks.md. A key Personio leaves out is null here.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

from unihire.integration.declare import Data, Source
from unihire.kit.clock import normalize_moment
from unihire.kit.text import is_id
from unihire.model import (
    Application,
    ApplicationTransition,
    Candidate,
    Contact,
    Department,
    HiringSource,
    Job,
    JobInterviewStage,
    RemoteUser,
    TeamMember,
    Url,
)

ROLES = {
    "hiring manager": "HIRING_MANAGER",
    "recruiter": "RECRUITER",
    "coordinator": "COORDINATOR",
    "recruiting coordinator": "COORDINATOR",
    "sourcer": "SOURCER",
    "interviewer": "INTERVIEWER",
}
"""Hiring-team roles, in the customer's own words; an unknown one keeps only its name."""

REJECTED, WITHDRAWN, ACCEPTED = "REJECTED", "WITHDRAWN", "ACCEPTED"
"""Types of the stages that end an application. Compared without letter case: v2's spelling is not published."""

CLOSING = {REJECTED, WITHDRAWN}
"""Stages of applications that ended without a hire. The stage before is only in the stage transitions."""

STATUSES = {ACCEPTED: "HIRED", REJECTED: "REJECTED", WITHDRAWN: "WITHDRAWN"}
"""Application status by the type of its current stage; any other type means ACTIVE."""

ENDED_BY = {REJECTED: "COMPANY", WITHDRAWN: "CANDIDATE"}

STAGE_TYPES = {
    "UNASSIGNED": "APPLIED",
    "CUSTOM": "OTHER",  # a stage the customer added: only its name says what it is for
    "OFFER": "OFFER",
    ACCEPTED: "HIRED",
    REJECTED: "ENDED",
    WITHDRAWN: "ENDED",
}

HISTORY = "stage-transitions"
"""The detail with an application's stage transitions, the latest first."""


class Stage(NamedTuple):
    """A stage as rows refer to it. System stages have no id; their type, in capitals, identifies them."""

    id: str | None
    kind: str

    @property
    def name(self) -> str:
        return self.id or self.kind


NO_STAGE = Stage(None, "")


def to_job(source: Source) -> Job:
    row = source.row
    department = row.get("department")
    return Job(
        remote_id=get_id(row),
        name=to_text(row.get("name")),
        remote_created_at=to_moment(row.get("created_at")),
        remote_updated_at=to_moment(row.get("updated_at")),
        departments=[get_id(department)] if department else None,
        hiring_team=read_team(row),
        category=to_text((row.get("category") or {}).get("name")),
    )


def to_department(source: Source) -> Department:
    return Department(remote_id=get_id(source.row), name=to_text(source.row.get("name")))


def to_remote_user(source: Source) -> RemoteUser:
    return RemoteUser(remote_id=get_id(source.row))


def to_job_interview_stage(source: Source) -> JobInterviewStage:
    row, category = source.row, source.within
    stages = category.get("stages") or ()
    position = next((index for index, stage in enumerate(stages) if has_same_id(stage, row)), None)
    jobs = source.details.get("jobs")
    return JobInterviewStage(
        remote_id=get_id(row),
        name=to_text(row.get("name")),
        stage_order=position,
        jobs=None if jobs is None else [get_id(job) for job in jobs],
        pipeline=read_id(category),
        stage_type=STAGE_TYPES.get(find_type(row), to_text(row.get("type"))),
    )


def has_same_id(stage: Any, other: Data) -> bool:
    return isinstance(stage, dict) and stage.get("id") == other["id"]


def to_candidate(source: Source) -> Candidate:
    row = source.row
    # A new application does not change the candidate's row, so the list of applications has the say.
    applications = source.details.get("applications", row.get("applications"))
    profile = to_text(row.get("linkedin_profile"))
    return Candidate(
        remote_id=get_id(row),
        first_name=to_text(row.get("first_name")),
        last_name=to_text(row.get("last_name")),
        locations=to_list(row.get("location")),
        urls=[Url(value=profile, type="LINKEDIN", url_type="SOCIAL_MEDIA")] if profile else None,
        applications=None if applications is None else [get_id(application) for application in applications],
        remote_created_at=to_moment(row.get("created_at")),
        remote_updated_at=to_moment(row.get("updated_at")),
        phones=to_contacts(row.get("phone")),
        emails=to_contacts(row.get("email")),
        is_anonymized=find_anonymized(source.details.get("applications")),
        available_from=to_day(row.get("available_from")),
    )


def find_anonymized(applications: Sequence[Data] | None) -> bool | None:
    """Whether all of a candidate's applications are anonymised. Null if there are none, or one of them does not say."""
    flags = [application.get("is_anonymized") for application in applications or ()]
    return all(flags) if flags and None not in flags else None


def to_application(source: Source) -> Application:
    row = source.row
    steps = [(read_stage(step), step.get("entered_at")) for step in source.details.get(HISTORY, ())]
    current = read_stage(row, "current_stage")
    stage = find_current_stage(current, steps)
    over_at = next((at for past, at in steps if past.kind == current.kind), None) if current.kind in STATUSES else None
    entered_at = next((at for past, at in steps if past.name == stage.name), None)
    channel = (row.get("channel") or {}).get("name")
    return Application(
        remote_id=get_id(row),
        candidate=find_id(row.get("candidate")),
        job=find_id(row.get("job")),
        applied_at=to_moment(row.get("application_date")),
        rejected_at=to_moment(over_at) if current.kind == REJECTED else None,
        source=to_text(channel),
        current_stage=stage.id,
        status=STATUSES.get(current.kind, "ACTIVE") if current.kind else None,
        ended_by=ENDED_BY.get(current.kind),
        hired_at=to_moment(over_at) if current.kind == ACCEPTED else None,
        withdrawn_at=to_moment(over_at) if current.kind == WITHDRAWN else None,
        stage_entered_at=to_moment(entered_at) if stage.name else None,
        source_record=channel if is_id(channel) else None,
        hiring_team=read_team(row),
        is_anonymized=row.get("is_anonymized"),
        remote_created_at=to_moment(row.get("created_at")),
        remote_updated_at=to_moment(row.get("updated_at")),
    )


def find_current_stage(current: Stage, steps: Sequence[tuple[Stage, Any]]) -> Stage:
    """The application's current stage; for one that was rejected or withdrawn, the last in its history with an id."""
    if current.id is None and current.kind in CLOSING:
        return next((past for past, _ in steps if past.id is not None), NO_STAGE)
    return current


def to_application_transition(source: Source) -> ApplicationTransition:
    """One stage transition. Personio gives it no id; application, time and stage make one.

    System stages, such as rejected, are no records: relations to them are null.
    """
    step, application = source.row, get_id(source.within)
    stage, entered_at = read_stage(step), to_moment(step.get("entered_at"))
    steps, index = source.details[HISTORY], source.place
    later, earlier = (steps[at] if 0 <= at < len(steps) else {} for at in (index - 1, index + 1))
    return ApplicationTransition(
        remote_id=f"{application}:{entered_at or ''}:{stage.name}",
        application=application,
        from_stage=read_stage(earlier).id,
        to_stage=stage.id,
        entered_at=entered_at,
        left_at=to_moment(later.get("entered_at")),
    )


def read_stage(row: Data, member: str = "stage") -> Stage:
    stage = row.get(member) or {}
    return Stage(read_id(stage), find_type(stage))


def to_source(source: Source) -> HiringSource:
    name = source.row["name"]
    return HiringSource(remote_id=name, name=name)


def is_closed(row: Data) -> bool:
    """Whether the application was rejected or withdrawn. Its row then shows neither when nor at which stage."""
    return find_type(row.get("current_stage") or {}) in CLOSING


def find_type(stage: Data) -> str:
    """The type of a stage, in capitals; empty if it has none."""
    kind = stage.get("type")
    return "" if kind is None else str(kind).upper()


def list_departments(row: Data) -> Iterable[Data]:
    department = row.get("department")
    return (department,) if department else ()


def list_team(row: Data) -> Iterable[Data]:
    """Everyone in a job's hiring team."""
    return [member["person"] for member in row.get("hiring_team") or () if "person" in member]


def list_channels(row: Data) -> Iterable[Data]:
    """The channel an application came through, if its name can be the id of a record."""
    channel = row.get("channel") or {}
    return (channel,) if is_id(channel.get("name")) else ()


def list_stages(row: Data) -> Iterable[Data]:
    """The stages of a category that have an id; system stages have none, and are no records."""
    return (stage for stage in row.get("stages") or () if stage.get("id") is not None)


def read_team(row: Data) -> list[TeamMember] | None:
    """The hiring team of a job or an application; null if there is none."""
    team = row.get("hiring_team")
    return None if team is None else [read_member(member) for member in team]


def read_member(member: Data) -> TeamMember:
    """One member of a hiring team; the role may be missing."""
    name = member["role"]["name"] if "role" in member else None
    role = ROLES.get(name.strip().lower()) if name is not None else None
    return TeamMember(
        user=get_id(member["person"]) if role or "person" in member else None, role=role, role_name=to_text(name)
    )


def find_id(ref: Data | None) -> str | None:
    return get_id(ref) if ref else None


def read_id(thing: Data | None) -> str | None:
    """Its id; null if it has none, as system stages."""
    return get_id(thing) if thing and thing.get("id") is not None else None


def get_id(thing: Data) -> str:
    """The id as text. Personio documents text; a number becomes the same digits as text."""
    id: Any = thing["id"]
    return str(id) if type(id) is int else id


def to_text(value: Any) -> Any:
    """The value as it is, blank text as null."""
    return None if value == "" or (isinstance(value, str) and value.isspace()) else value


def to_list(value: Any) -> list[Any] | None:
    """One value as a list of one; null and blank text as null."""
    value = to_text(value)
    return None if value is None else [value]


def to_contacts(value: Any) -> list[Contact] | None:
    """One phone number or e-mail address; Personio does not say its type."""
    value = to_text(value)
    return None if value is None else [Contact(value=value)]


def to_day(value: Any) -> str | None:
    """The date part, exactly as written; no time-zone conversion. Raises ValueError if it is not a date."""
    text = to_text(read_instant(value)[0])
    if text is None:
        return None
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        raise ValueError("no day") from None


def to_moment(value: Any) -> str | None:
    """A moment in UTC. Personio sends text, or an object `{"date-time", "timezone"}`; both are taken."""
    text, zone = read_instant(value)
    return normalize_moment(text, zone) if text else None


def read_instant(value: Any) -> tuple[Any, Any]:
    """The text of a moment, and the time zone beside it."""
    return (value.get("date-time"), value.get("timezone")) if isinstance(value, dict) else (value, None)
