"""Workable rows to unified records: jobs, their advertisements and what those ask. Pure functions, tables on top."""

from typing import Any

from unihire.integration.declare import Data, Source
from unihire.integrations.workable.mapping.company import find_department, to_place
from unihire.integrations.workable.mapping.values import (
    find_detail,
    find_object,
    get_id,
    get_shortcode,
    list_ids,
    list_objects,
    to_flag,
    to_id,
    to_moment,
    to_number,
    to_text,
    to_word,
)
from unihire.model import Choice, Job, JobPosting, Pay, ScreeningQuestion, TeamMember, Url

PUBLISHED = "published"

JOB_STATUSES = {"draft": "DRAFT", PUBLISHED: "OPEN", "closed": "CLOSED", "archived": "ARCHIVED"}

POSTING_STATUSES = {"draft": "DRAFT", PUBLISHED: "PUBLISHED", "closed": "CLOSED", "archived": "CLOSED"}

EMPLOYMENT_TYPES = {
    "Full-time": "FULL_TIME",
    "Part-time": "PART_TIME",
    "Contract": "CONTRACT",
    "Temporary": "TEMPORARY",
    "Internship": "INTERNSHIP",
    "Other": "OTHER",
}
"""Texts as they are displayed."""

WORKPLACES = {"on_site": "ON_SITE", "hybrid": "HYBRID", "remote": "REMOTE"}

TEAM_ROLES = {
    "hiring_manager": "HIRING_MANAGER",
    "recruiting_admin": "RECRUITER",
    "recruiter": "RECRUITER",
    "reviewer": "INTERVIEWER",
}
"""What members do for a job; others have the name of their role alone."""

QUESTION_TYPES = {
    "free_text": "MULTI_LINE_TEXT",
    "short_text": "SINGLE_LINE_TEXT",
    "multiple_choice": "MULTI_SELECT",
    "dropdown": "SINGLE_SELECT",
    "boolean": "BOOLEAN",
    "numeric": "NUMERIC",
    "date": "DATE",
    "file": "FILE",
}

INFO, STAGES, QUESTIONS, TEAM, DEPARTMENT = "info", "stages", "questions", "team", "department"
"""What a job has beside its row: the job alone, with its texts; its stages, questions and members; its department."""


def to_job(source: Source) -> Job:
    row, info = source.row, find_detail(source, INFO) or {}
    places, department = row.get("locations"), find_department(source)
    return Job(
        remote_id=get_shortcode(row),
        name=to_text(row.get("title")),
        description=find_text(info),
        code=to_text(row.get("code")),
        status=to_word(JOB_STATUSES, row.get("state")),
        job_posting_urls=list_urls(row),
        remote_created_at=to_moment(row.get("created_at")),
        remote_updated_at=to_moment(row.get("updated_at")),
        confidential=to_flag(row.get("confidential")),
        departments=find_departments(source, department),
        offices=None if places is None else list_ids(place.get("shortcode") for place in list_objects(places)),
        hiring_team=list_team(source),
        employment_type=to_word(EMPLOYMENT_TYPES, info.get("employment_type")),
        workplace=to_word(WORKPLACES, row.get("workplace_type")),
        pay=find_pay(row),
        places=None if places is None else [to_place(place) for place in list_objects(places)],
        visibility=find_visibility(row),
        category=to_text(info.get("function")),
        seniority=to_text(info.get("experience")),
    )


def find_departments(source: Source, department: str | None) -> list[str] | None:
    """None where a job names an unknown department: departments were never read, or it is renamed."""
    if department is not None:
        return [department]
    return None if to_text(source.row.get("department")) is not None else []


def find_text(info: Data) -> Any:
    """The text of a job: all of it, else its first part."""
    return to_text(info.get("full_description")) or to_text(info.get("description"))


def list_urls(row: Data) -> list[Url]:
    """Where a job can be read, then where one can apply."""
    addresses = (to_text(row.get("shortlink")), to_text(row.get("application_url")))
    return [Url(value=one, type="JOB_POSTING", url_type="JOB_POSTING") for one in addresses if one is not None]


def list_team(source: Source) -> list[TeamMember] | None:
    """Who works on a job, each once in a role; None where it was not read."""
    members = source.details.get(TEAM)
    if members is None:
        return None
    found = list[TeamMember]()
    for one in members:
        member = TeamMember(
            user=to_id(one.get("id")),
            role=find_role(one.get("collaboration_role")),
            role_name=to_text(one.get("collaboration_role")),
        )
        if member not in found:
            found.append(member)
    return found


def find_role(word: Any) -> str | None:
    """The role in our vocabulary; None for one that has only its name."""
    return TEAM_ROLES.get(word) if isinstance(word, str) else None


def find_pay(row: Data) -> Pay | None:
    """The vendor does not say for what time."""
    salary = find_object(row, "salary") or {}
    least, most = to_number(salary.get("salary_from")), to_number(salary.get("salary_to"))
    currency = to_text(salary.get("salary_currency"))
    if least is None and most is None:
        return None
    return Pay(minimum=least, maximum=most, currency=None if currency is None else currency.upper())


def find_visibility(row: Data) -> str | None:
    """Of a confidential job, or of one that is published; None of any other."""
    if to_flag(row.get("confidential")):
        return "CONFIDENTIAL"
    return "PUBLIC" if row.get("state") == PUBLISHED else None


def to_job_posting(source: Source) -> JobPosting:
    """The advertisement of a job is the same row."""
    row, info = source.row, find_detail(source, INFO) or {}
    return JobPosting(
        remote_id=get_shortcode(row),
        title=to_text(row.get("title")),
        content=find_text(info),
        status=to_word(POSTING_STATUSES, row.get("state")),
        job=get_shortcode(row),
        urls=list_urls(row),
        remote_created_at=to_moment(row.get("created_at")),
        remote_updated_at=to_moment(row.get("updated_at")),
    )


def list_places(row: Data) -> list[Data]:
    """The places of a job that have an id of their own."""
    return [place for place in list_objects(row.get("locations")) if to_id(place.get("shortcode")) is not None]


def to_screening_question(source: Source) -> ScreeningQuestion:
    row, job = source.row, get_shortcode(source.within)
    options = row.get("choices")
    return ScreeningQuestion(
        remote_id=name_question(job, get_id(row)),
        job=job,
        title=to_text(row.get("body")),
        type=find_question_type(row),
        required=to_flag(row.get("required")),
        options=options,
        choices=None
        if options is None
        else [Choice(remote_id=to_id(one.get("id")), label=to_text(one.get("body"))) for one in list_objects(options)],
        position=source.place,
        posting=job,
    )


def find_question_type(question: Data) -> Any:
    """Several choices may be offered of which one is taken."""
    if question.get("type") == "multiple_choice" and question.get("single_answer") is True:
        return "SINGLE_SELECT"
    return to_word(QUESTION_TYPES, question.get("type"))


def name_question(job: str, question: str) -> str:
    """A question is one of a job's."""
    return f"{job}:{question}"
