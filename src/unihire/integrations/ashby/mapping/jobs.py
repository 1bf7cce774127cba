"""Ashby rows to unified records: jobs, their postings and what those ask. Pure functions, tables on top."""

from collections.abc import Iterable, Sequence
from typing import Any

from unihire.integration.declare import Data, Source
from unihire.integrations.ashby.mapping.forms import QUESTION_TYPES, find_path, list_choices, list_fields
from unihire.integrations.ashby.mapping.places import WORKPLACES, find_place
from unihire.integrations.ashby.mapping.teams import list_team
from unihire.integrations.ashby.mapping.values import (
    find_detail,
    find_object,
    get_id,
    list_ids,
    list_objects,
    to_flag,
    to_id,
    to_moment,
    to_number,
    to_text,
    to_word,
)
from unihire.model import Job, JobPosting, Pay, ScreeningQuestion, Url

JOB_STATUSES = {"Open": "OPEN", "Closed": "CLOSED", "Draft": "DRAFT", "Archived": "ARCHIVED"}

EMPLOYMENT_TYPES = {
    "FullTime": "FULL_TIME",
    "PartTime": "PART_TIME",
    "Intern": "INTERNSHIP",
    "Contract": "CONTRACT",
    "Temporary": "TEMPORARY",
}

PERIODS = {
    "1 YEAR": "YEAR",
    "1 MONTH": "MONTH",
    "2 WEEK": "TWO_WEEKS",
    "1 WEEK": "WEEK",
    "1 DAY": "DAY",
    "1 HOUR": "HOUR",
    "NONE": None,
}

SALARY = "Salary"
"""The part of a compensation that is pay for time; others are bonuses and shares."""

PUBLISHED, DRAFT = "Published", "Draft"

POSTING_STATUSES = {PUBLISHED: "PUBLISHED", DRAFT: "DRAFT"}

CATEGORIES = {"EEOC": "EEO", "Diversity": "DEMOGRAPHIC", "CandidateDataConsent": "CONSENT", "Questionnaire": None}
"""What the surveys beside an application form are for."""

POSTING, POSTINGS, LOCATION, FORM = "posting", "postings", "location", "form"
"""The text of a job's first posting, its postings and its location; the text and the forms of a posting."""


def to_job(source: Source) -> Job:
    row = source.row
    postings, location, text = list_postings(source), find_detail(source, LOCATION), find_detail(source, POSTING)
    place = None if location is None else find_place(location)
    openings = row.get("openings")
    return Job(
        remote_id=get_id(row),
        name=to_text(row.get("title")),
        description=None if text is None else find_content(text),
        code=to_text(row.get("customRequisitionId")),
        status=to_word(JOB_STATUSES, row.get("status")),
        job_posting_urls=None if postings is None else [url for one in postings for url in list_urls(one)[:1]],
        remote_created_at=to_moment(row.get("createdAt")),
        remote_updated_at=to_moment(row.get("updatedAt")),
        confidential=to_flag(row.get("confidential")),
        departments=list_ids([row.get("departmentId")]),
        offices=list_ids([row.get("locationId")]),
        hiring_team=list_team(row.get("hiringTeam")),
        employment_type=to_word(EMPLOYMENT_TYPES, row.get("employmentType")),
        workplace=find_workplace(postings or (), location),
        pay=find_pay(row),
        places=None if place is None else [place],
        visibility=find_visibility(row, postings or ()),
        opened_at=to_moment(row.get("openedAt")),
        closed_at=to_moment(row.get("closedAt")),
        openings_count=None if openings is None else count_openings(openings),
    )


def list_postings(source: Source) -> list[Data] | None:
    """The job's published postings; None where postings were never read."""
    rows = source.details.get(POSTINGS)
    return None if rows is None else [row for row in rows if is_published(row)]


def is_published(posting: Data) -> bool:
    """Whether candidates can see a posting. Rows that do not say so are only listed while they are published."""
    return posting.get("status") in (None, PUBLISHED)


def find_content(text: Data) -> Any:
    return to_text(text.get("descriptionHtml")) or to_text(text.get("descriptionPlain"))


def count_openings(openings: Any) -> int:
    return sum(not to_flag(opening.get("isArchived")) for opening in list_objects(openings))


def find_workplace(postings: Sequence[Data], location: Data | None) -> Any:
    """Where the work is done, in the word of all postings; without one, in that of the job's location."""
    words = {word: None for posting in postings if (word := to_text(posting.get("workplaceType"))) is not None}
    if len(words) > 1:
        return None
    return to_word(WORKPLACES, next(iter(words), None if location is None else location.get("workplaceType")))


def find_visibility(row: Data, postings: Sequence[Data]) -> str | None:
    """Of a confidential job, or by its published postings; None where it has none."""
    if to_flag(row.get("confidential")):
        return "CONFIDENTIAL"
    listed = [to_flag(posting.get("isListed")) for posting in postings]
    if True in listed:
        return "PUBLIC"
    return "UNLISTED" if False in listed else None


def find_pay(row: Data) -> Pay | None:
    """The salary that all tiers name; None where they name several, as for several places."""
    compensation = find_object(row, "compensation")
    if compensation is None:
        return None
    found = {
        (
            to_number(one.get("minValue")),
            to_number(one.get("maxValue")),
            to_text(one.get("currencyCode")),
            one.get("interval"),
        )
        for tier in list_objects(compensation.get("compensationTiers"))
        for one in list_objects(tier.get("components"))
        if one.get("compensationType") == SALARY
    }
    if len(found) != 1:
        return None
    ((least, most, currency, interval),) = found
    return Pay(minimum=least, maximum=most, currency=currency, period=to_word(PERIODS, interval))


def to_job_posting(source: Source) -> JobPosting:
    row, text = source.row, find_detail(source, FORM)
    return JobPosting(
        remote_id=get_id(row),
        title=to_text(row.get("title")),
        content=None if text is None else find_content(text),
        status=to_word(POSTING_STATUSES, row.get("status") or PUBLISHED),
        job=to_id(row.get("jobId")),
        urls=list_urls(row),
        published_at=to_moment(row.get("publishedDate")),
        remote_updated_at=to_moment(row.get("updatedAt")),
    )


def list_urls(posting: Data) -> list[Url]:
    """Where a posting can be read, then where one can apply."""
    addresses = (to_text(posting.get("externalLink")), to_text(posting.get("applyLink")))
    return [Url(value=one, type="JOB_POSTING", url_type="JOB_POSTING") for one in addresses if one is not None]


def list_questions(form: Data) -> Iterable[Data]:
    """What a posting asks: its application form, then the surveys beside it."""
    yield from list_fields(find_object(form, "applicationFormDefinition"))
    for survey in list_objects(form.get("surveyFormDefinitions")):
        yield from list_fields(find_object(survey, "formDefinition"))


def to_screening_question(source: Source) -> ScreeningQuestion:
    """Postings share forms, and a question is one of a posting: it is known by both, without a path by its place."""
    entry, posting = source.row, get_id(source.within)
    field = find_object(entry, "field") or {}
    path = find_path(field) or str(source.place)
    return ScreeningQuestion(
        remote_id=f"{posting}:{path}",
        job=to_id(source.within.get("jobId")),
        description=to_text(entry.get("descriptionPlain")),
        title=to_text(field.get("title")),
        type=to_word(QUESTION_TYPES, field.get("type")),
        required=to_flag(entry.get("isRequired")),
        options=field.get("selectableValues"),
        choices=list_choices(field),
        position=source.place,
        posting=posting,
        category=find_category(source, path),
    )


def find_category(source: Source, path: str) -> Any:
    """What the survey is for that asks this; None for a question of the application form, which is about the job."""
    form = find_detail(source, FORM) or {}
    for survey in list_objects(form.get("surveyFormDefinitions")):
        fields = list_fields(find_object(survey, "formDefinition"))
        if any(find_path(find_object(entry, "field") or {}) == path for entry in fields):
            return to_word(CATEGORIES, survey.get("surveyType"))
    return None
