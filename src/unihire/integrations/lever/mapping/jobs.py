"""Lever rows to unified records: postings, which are jobs and advertisements, and what they ask. Pure functions."""

from collections.abc import Iterator, Sequence
from typing import Any

from unihire.integration.declare import Data, Source
from unihire.integrations.lever.mapping.company import find_categories, list_departments, list_locations
from unihire.integrations.lever.mapping.forms import QUESTION_TYPES, join_texts, list_choices
from unihire.integrations.lever.mapping.values import (
    find_object,
    get_id,
    list_objects,
    list_texts,
    list_values,
    to_flag,
    to_id,
    to_moment,
    to_number,
    to_said,
    to_text,
    to_word,
)
from unihire.model import Job, JobPosting, Pay, Place, ScreeningQuestion, TeamMember, Url

JOB_STATUSES = {
    "published": "OPEN",
    "internal": "OPEN",
    "closed": "CLOSED",
    "draft": "DRAFT",
    "pending": "PENDING",
    "rejected": "ARCHIVED",
}

POSTING_STATUSES = {
    "published": "PUBLISHED",
    "internal": "INTERNAL",
    "closed": "CLOSED",
    "draft": "DRAFT",
    "pending": "PENDING",
}

OPEN = ("published", "internal")
"""The states in which one can apply."""

EMPLOYMENT_TYPES = {
    "full-time": "FULL_TIME",
    "full time": "FULL_TIME",
    "fulltime": "FULL_TIME",
    "permanent": "PERMANENT",
    "part-time": "PART_TIME",
    "part time": "PART_TIME",
    "intern": "INTERNSHIP",
    "internship": "INTERNSHIP",
    "contract": "CONTRACT",
    "contractor": "CONTRACT",
    "temporary": "TEMPORARY",
    "temp": "TEMPORARY",
    "temp-worker": "TEMPORARY",
}
"""The commitment of a posting, a text of the customer's, in small letters."""

WORKPLACES = {"onsite": "ON_SITE", "hybrid": "HYBRID", "remote": "REMOTE", "unspecified": None}

PERIODS = {
    "per-year-salary": "YEAR",
    "per-month-salary": "MONTH",
    "per-week-salary": "WEEK",
    "per-day-wage": "DAY",
    "per-hour-wage": "HOUR",
}

CONFIDENTIAL = {"confidential": True, "non-confidential": False}

REQUISITIONS, FORM = "requisitions", "form"
"""The requisition of a job; the application form of a posting."""

EEO_QUESTIONS = ("gender", "race", "veteran", "disability", "disabilitySignature", "disabilitySignatureDate")


def to_job(source: Source) -> Job:
    row = source.row
    categories = find_categories(row)
    return Job(
        remote_id=get_id(row),
        name=to_text(row.get("text")),
        description=find_content(row),
        code=find_code(row),
        status=to_word(JOB_STATUSES, row.get("state")),
        job_posting_urls=list_urls(row)[:1],
        remote_created_at=to_moment(row.get("createdAt")),
        remote_updated_at=to_moment(row.get("updatedAt")),
        confidential=to_flag(to_word(CONFIDENTIAL, row.get("confidentiality"))),
        departments=[one["text"] for one in list_departments(row)],
        offices=list_locations(row),
        hiring_team=list_team(row),
        employment_type=find_employment_type(categories.get("commitment")),
        workplace=to_word(WORKPLACES, row.get("workplaceType")),
        pay=find_pay(row),
        places=list_places(row),
        visibility=find_visibility(row),
        openings_count=count_openings(source.details.get(REQUISITIONS)),
        seniority=to_text(categories.get("level")),
        team=to_text(categories.get("team")),
    )


def find_content(row: Data) -> str | None:
    """The text of a posting as HTML: description, lists under their headings, closing."""
    content = find_object(row, "content")
    if content is None:
        return None
    description = to_said(content.get("descriptionHtml")) or to_said(content.get("description"))
    lists = [
        join_texts((f"<h3>{heading}</h3>" if heading else None, f"<ul>{items}</ul>" if items else None), "")
        for one in list_objects(content.get("lists"))
        for heading, items in [(to_said(one.get("text")), to_said(one.get("content")))]
    ]
    closing = to_said(content.get("closingHtml")) or to_said(content.get("closing"))
    return join_texts((description, *lists, closing), "\n")


def find_code(row: Data) -> Any:
    """The code of the first requisition; in older postings their own."""
    return next(iter(list_texts(row.get("requisitionCodes"))), to_text(row.get("reqCode")))


def list_urls(row: Data) -> list[Url]:
    """Where a posting can be read, then where one can apply; drafts have neither."""
    urls = find_object(row, "urls") or {}
    addresses = (to_said(urls.get("show")), to_said(urls.get("apply")))
    return [Url(value=one, type="JOB_POSTING", url_type="JOB_POSTING") for one in addresses if one is not None]


def list_team(row: Data) -> list[TeamMember]:
    members = (("hiringManager", "HIRING_MANAGER", "Hiring manager"), ("owner", "RECRUITER", "Owner"))
    return [
        TeamMember(user=user, role=role, role_name=name)
        for member, role, name in members
        if (user := to_id(row.get(member))) is not None
    ]


def find_employment_type(commitment: Any) -> Any:
    said = to_said(commitment)
    return None if said is None else EMPLOYMENT_TYPES.get(said.strip().casefold(), said)


def find_pay(row: Data) -> Pay | None:
    salary = find_object(row, "salaryRange")
    if salary is None:
        return None
    return Pay(
        minimum=to_number(salary.get("min")),
        maximum=to_number(salary.get("max")),
        currency=to_text(salary.get("currency")),
        period=to_word(PERIODS, salary.get("interval")),
    )


def list_places(row: Data) -> list[Place]:
    """A posting has one country, so that of several places is not known."""
    locations, country = list_locations(row), to_said(row.get("country"))
    code = country if len(locations) == 1 else None
    return [Place(text=location, country_code=code) for location in locations]


def find_visibility(row: Data) -> str | None:
    """Of a confidential job, or by where it is published; None where it is not."""
    is_internal, state = find_internal(row), row.get("state")
    if row.get("confidentiality") == "confidential":
        return "CONFIDENTIAL"
    if state == "internal":
        return "UNLISTED"
    return None if state != "published" else "INTERNAL" if is_internal else "PUBLIC"


def find_internal(row: Data) -> bool | None:
    """Whether only the company's own people see a posting; None where it does not say who does."""
    channels = row.get("distributionChannels")
    return None if channels is None else "public" not in list_values(channels)


def count_openings(requisitions: Sequence[Data] | None) -> int | None:
    """How many are to be hired by the requisitions of a job; None where it has none, or one without a limit."""
    totals = [one.get("headcountTotal") for one in requisitions or ()]
    numbers = [total for total in totals if isinstance(total, int) and not isinstance(total, bool)]
    return sum(numbers) if numbers and len(numbers) == len(totals) else None


def list_posting(row: Data) -> list[Data]:
    """The posting itself: it is a job, and an advertisement of one."""
    return [row]


def to_job_posting(source: Source) -> JobPosting:
    row = source.row
    return JobPosting(
        remote_id=get_id(row),
        title=to_text(row.get("text")),
        content=find_content(row),
        status=to_word(POSTING_STATUSES, row.get("state")),
        is_internal=find_internal(row),
        job=get_id(row),
        urls=list_urls(row),
        remote_created_at=to_moment(row.get("createdAt")),
        remote_updated_at=to_moment(row.get("updatedAt")),
    )


def is_open(row: Data) -> bool:
    return row.get("state") in OPEN


def list_questions(form: Data) -> Iterator[Data]:
    """The fields of an application form; those about equal opportunity have their name, by which they are known."""
    for questions in list_objects(form.get("customQuestions")):
        yield from list_objects(questions.get("fields"))
    survey = find_object(form, "eeoQuestions") or {}
    for name in EEO_QUESTIONS:
        if (field := find_object(survey, name)) is not None:
            yield {**field, "eeo": name}


def to_screening_question(source: Source) -> ScreeningQuestion:
    """Postings share sets of questions, and a question is one of a posting: it is known by both."""
    field, posting = source.row, get_id(source.within)
    survey = to_said(field.get("eeo"))
    return ScreeningQuestion(
        remote_id=name_question(posting, f"eeo:{survey}" if survey else to_id(field.get("id")) or str(source.place)),
        job=posting,
        description=to_text(field.get("description")),
        title=to_text(field.get("text")) or survey,
        type=to_word(QUESTION_TYPES, field.get("type")),
        required=to_flag(field.get("required")),
        options=field.get("options"),
        choices=list_choices(field),
        position=source.place,
        posting=posting,
        category="EEO" if survey else None,
    )


def name_question(posting: str, field: str) -> str:
    return f"{posting}:{field}"
