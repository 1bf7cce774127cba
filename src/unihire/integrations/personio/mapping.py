"""Personio rows to unified records: pure functions. Vocabulary tables on top.

Fields and their doubts: quirks.md. A key Personio leaves out is null here.
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
"""Hiring-team roles. They are the customer's own words; another has its name alone."""

REJECTED, WITHDRAWN, ACCEPTED = "REJECTED", "WITHDRAWN", "ACCEPTED"
"""Types of the stages at which an application is over. Compared without letter case: v2's spelling is not published."""

CLOSING = {REJECTED, WITHDRAWN}
"""Those at which it ended without a hire; where it stood before is in its history only."""

STATUSES = {ACCEPTED: "HIRED", REJECTED: "REJECTED", WITHDRAWN: "WITHDRAWN"}
"""What an application is by the type of its stage; at a stage of any other it is active."""

ENDED_BY = {REJECTED: "COMPANY", WITHDRAWN: "CANDIDATE"}

STAGE_TYPES = {
    "UNASSIGNED": "APPLIED",
    "CUSTOM": "OTHER",  # a step of the customer's making: what it is for is in its name alone
    "OFFER": "OFFER",
    ACCEPTED: "HIRED",
    REJECTED: "ENDED",
    WITHDRAWN: "ENDED",
}

HISTORY = "stage-transitions"
"""The detail of an application that has the stages it came to, the latest first."""


class Stage(NamedTuple):
    """A stage as rows refer to it. Those of the system have no id; their type, in capitals, identifies them."""

    id: str | None
    kind: str

    @property
    def name(self) -> str:
        return self.id or self.kind


NOWHERE = Stage(None, "")


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
    position = next((place for place, stage in enumerate(stages) if is_same(stage, row)), None)
    jobs = source.details.get("jobs")
    return JobInterviewStage(
        remote_id=get_id(row),
        name=to_text(row.get("name")),
        stage_order=position,
        jobs=None if jobs is None else [get_id(job) for job in jobs],
        pipeline=read_id(category),
        stage_type=STAGE_TYPES.get(find_type(row), to_text(row.get("type"))),
    )


def is_same(stage: Any, other: Data) -> bool:
    return isinstance(stage, dict) and stage.get("id") == other["id"]


def to_candidate(source: Source) -> Candidate:
    row = source.row
    # A candidate's row does not change when an application is made: the list of applications does.
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
    """Whether a candidate is anonymised, which applications alone say: all are. Null where not each of them says so."""
    said = [application.get("is_anonymized") for application in applications or ()]
    return all(said) if said and None not in said else None


def to_application(source: Source) -> Application:
    row = source.row
    steps = [(read_stage(step), step.get("entered_at")) for step in source.details.get(HISTORY, ())]
    now = read_stage(row, "current_stage")
    stage = find_standing(now, steps)
    over_at = next((at for past, at in steps if past.kind == now.kind), None) if now.kind in STATUSES else None
    entered_at = next((at for past, at in steps if past.name == stage.name), None)
    channel = (row.get("channel") or {}).get("name")
    return Application(
        remote_id=get_id(row),
        candidate=find_id(row.get("candidate")),
        job=find_id(row.get("job")),
        applied_at=to_moment(row.get("application_date")),
        rejected_at=to_moment(over_at) if now.kind == REJECTED else None,
        source=to_text(channel),
        current_stage=stage.id,
        status=STATUSES.get(now.kind, "ACTIVE") if now.kind else None,
        ended_by=ENDED_BY.get(now.kind),
        hired_at=to_moment(over_at) if now.kind == ACCEPTED else None,
        withdrawn_at=to_moment(over_at) if now.kind == WITHDRAWN else None,
        stage_entered_at=to_moment(entered_at) if stage.name else None,
        source_record=channel if is_id(channel) else None,
        hiring_team=read_team(row),
        is_anonymized=row.get("is_anonymized"),
        remote_created_at=to_moment(row.get("created_at")),
        remote_updated_at=to_moment(row.get("updated_at")),
    )


def find_standing(now: Stage, steps: Sequence[tuple[Stage, Any]]) -> Stage:
    """The stage an application stands at. One that ended keeps that at which it did: the latest that has an id."""
    if now.id is None and now.kind in CLOSING:
        return next((past for past, _ in steps if past.id is not None), NOWHERE)
    return now


def to_application_transition(source: Source) -> ApplicationTransition:
    """A step of an application's history. It has no id: the application, the moment and the stage identify it.

    Stages of the system, such as rejected, are no records: relations to them are null.
    """
    step, application = source.row, get_id(source.within)
    stage, entered_at = read_stage(step), to_moment(step.get("entered_at"))
    steps, place = source.details[HISTORY], source.place
    later, earlier = (steps[at] if 0 <= at < len(steps) else {} for at in (place - 1, place + 1))
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
    """Whether the application ended without a hire: its row then shows neither when nor at which stage."""
    return find_type(row.get("current_stage") or {}) in CLOSING


def find_type(stage: Data) -> str:
    """The type of a stage, in capitals; empty where it has none."""
    kind = stage.get("type")
    return "" if kind is None else str(kind).upper()


def list_departments(row: Data) -> Iterable[Data]:
    department = row.get("department")
    return (department,) if department else ()


def list_team(row: Data) -> Iterable[Data]:
    """Everyone in a job's hiring team."""
    return [member["person"] for member in row.get("hiring_team") or () if "person" in member]


def list_channels(row: Data) -> Iterable[Data]:
    """The channel an application came through, where its name can be the id of a record."""
    channel = row.get("channel") or {}
    return (channel,) if is_id(channel.get("name")) else ()


def list_stages(row: Data) -> Iterable[Data]:
    """The stages of a category; system stages without an id are no records of their own."""
    return (stage for stage in row.get("stages") or () if stage.get("id") is not None)


def read_team(row: Data) -> list[TeamMember] | None:
    """The hiring team of a job or an application; null where there is none."""
    team = row.get("hiring_team")
    return None if team is None else [read_member(member) for member in team]


def read_member(member: Data) -> TeamMember:
    """A member without a role is in the team all the same."""
    name = member["role"]["name"] if "role" in member else None
    role = ROLES.get(name.strip().lower()) if name is not None else None
    return TeamMember(
        user=get_id(member["person"]) if role or "person" in member else None, role=role, role_name=to_text(name)
    )


def find_id(ref: Data | None) -> str | None:
    return get_id(ref) if ref else None


def read_id(thing: Data | None) -> str | None:
    """Its id; null where it has none, as stages of the system have."""
    return get_id(thing) if thing and thing.get("id") is not None else None


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


def to_contacts(value: Any) -> list[Contact] | None:
    """One number or address, which Personio does not say the kind of."""
    value = to_text(value)
    return None if value is None else [Contact(value=value)]


def to_day(value: Any) -> str | None:
    """A day, as it is written wherever one stands: no time zone moves it. Raises ValueError for what is none."""
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
