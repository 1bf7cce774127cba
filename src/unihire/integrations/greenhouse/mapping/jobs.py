"""Harvest v3 rows to unified records: jobs, their posts and what those ask. Pure functions, tables on top."""

from collections.abc import Iterable, Sequence
from typing import Any

from unihire.integration.declare import Data, Source
from unihire.integrations.greenhouse.mapping.values import (
    expect_list,
    find_inside,
    get_id,
    is_deleted,
    is_set,
    list_ids,
    list_joined,
    to_id,
    to_moment,
    to_text,
    to_word,
)
from unihire.model import Choice, Job, JobPosting, Pay, ScreeningQuestion, TeamMember, Url

JOB_STATUSES = {
    "open": "OPEN",
    "draft": "DRAFT",
    "closed": "CLOSED",
}

QUESTION_TYPES = {
    "short_text": "SINGLE_LINE_TEXT",
    "long_text": "MULTI_LINE_TEXT",
    "boolean": "BOOLEAN",
    "single_select": "SINGLE_SELECT",
    "multi_select": "MULTI_SELECT",
    "attachment": "FILE",
}

RECRUITER = "recruiter"

TEAM_ROLES = {
    RECRUITER: "RECRUITER",
    "coordinator": "COORDINATOR",
    "sourcer": "SOURCER",
}
"""The `type` of a job's owners."""

EMPLOYMENT_TYPES = {
    "full-time": "FULL_TIME",
    "full time": "FULL_TIME",
    "part-time": "PART_TIME",
    "part time": "PART_TIME",
    "contract": "CONTRACT",
    "contractor": "CONTRACT",
    "temporary": "TEMPORARY",
    "seasonal": "SEASONAL",
    "intern": "INTERNSHIP",
    "internship": "INTERNSHIP",
    "permanent": "PERMANENT",
    "other": "OTHER",
}
"""Options of the custom field that every account has for it, in small letters; customers add their own."""


def to_job(source: Source) -> Job:
    row = source.row
    posts, team = list_posts(source), list_team(source)
    managers, recruiters = None, None
    if team is None:  # one of the two lists may be readable alone
        managers, recruiters = list_joined(source, "job_hiring_managers", "user_id"), list_recruiters(source)
    offices, openings = row.get("office_ids"), source.details.get("openings")
    return Job(
        remote_id=get_id(row),
        name=to_text(row.get("name")),
        description=find_description(posts or []),
        code=to_text(row.get("requisition_id")),
        status=to_word(JOB_STATUSES, row.get("status")),
        job_posting_urls=None if posts is None else list_addresses(posts),
        remote_created_at=to_moment(row.get("created_at")),
        remote_updated_at=to_moment(row.get("updated_at")),
        confidential=row.get("confidential"),
        departments=list_ids([row.get("department_id")]),
        offices=None if offices is None else list_ids(offices),
        hiring_managers=managers,
        recruiters=recruiters,
        hiring_team=team,
        employment_type=find_employment_type(row),
        pay=find_pay(posts or [], source.details.get("pay_input_ranges") or []),
        visibility=find_visibility(row, posts or []),
        opened_at=to_moment(row.get("opened_at")),
        closed_at=to_moment(row.get("closed_at")),
        openings_count=None if openings is None else len(openings),
    )


def list_posts(source: Source) -> list[Data] | None:
    """The job's posts but for deleted ones; None where they were never read."""
    posts = source.details.get("job_posts")
    return None if posts is None else [post for post in posts if is_in_use(post)]


def list_team(source: Source) -> list[TeamMember] | None:
    """Hiring managers, then owners; None where one of the two lists was never read."""
    managers, owners = source.details.get("job_hiring_managers"), source.details.get("job_owners")
    if managers is None or owners is None:
        return None
    found: list[tuple[str | None, str | None, str | None]] = [
        (to_id(one.get("user_id")), "HIRING_MANAGER", None) for one in managers
    ]
    for owner in owners:
        kind = to_text(owner.get("type"))
        role = TEAM_ROLES.get(kind)
        found.append((to_id(owner.get("user_id")), role, kind if role is None else None))
    return [
        TeamMember(user=user, role=role, role_name=name)
        for user, role, name in dict.fromkeys(found)
        if user is not None
    ]


def list_recruiters(source: Source) -> list[str] | None:
    owners = source.details.get("job_owners")
    if owners is None:
        return None
    return list_ids([owner.get("user_id") for owner in owners if owner.get("type") == RECRUITER])


def find_employment_type(row: Data) -> Any:
    """The vendor's own custom field for it; an option that a customer has added is passed through."""
    said = to_text(find_inside(row, "custom_fields", "employment_type", "value"))
    return EMPLOYMENT_TYPES.get(said.strip().casefold(), said) if isinstance(said, str) else said


def find_pay(posts: Sequence[Data], ranges: Sequence[Data]) -> Pay | None:
    """The range that is said of the job's posts; None where they say several, as for several places."""
    used = {get_id(post) for post in posts}
    found = {
        (to_amount(one["min_cents"]), to_amount(one["max_cents"]), to_text(one["currency_type"]))
        for one in ranges
        if to_id(one.get("job_post_id")) in used
    }
    if len(found) != 1:
        return None
    ((least, most, currency),) = found
    return Pay(minimum=least, maximum=most, currency=currency)


def to_amount(cents: int) -> float:
    """Raises TypeError for what are no cents."""
    if type(cents) is not int:
        raise TypeError(f"cents of type {type(cents).__name__}")
    return cents // 100 if cents % 100 == 0 else cents / 100


def find_visibility(row: Data, posts: Sequence[Data]) -> str | None:
    """Of a confidential job, or by its live posts; None where it has none."""
    if is_set(row.get("confidential")):
        return "CONFIDENTIAL"
    shown = [(is_set(post.get("live")), is_set(post.get("internal"))) for post in posts]
    live = [is_internal for is_live, is_internal in shown if is_live]
    return None if not live else "INTERNAL" if all(live) else "PUBLIC"


def find_description(posts: list[Data]) -> str | None:
    """The text of the job's first public post, its first one that is live if any is; else of its first internal one."""
    shown = min(posts, key=rank_post, default=None)
    return None if shown is None else to_text(shown.get("content"))


def is_in_use(row: Data) -> bool:
    return not is_deleted(row)


def rank_post(post: Data) -> int:
    if is_set(post.get("internal")):
        return 2
    return 0 if is_set(post.get("live")) else 1


def list_addresses(posts: list[Data]) -> list[Url]:
    return [
        Url(value=post["public_url"], type="JOB_POSTING", url_type="JOB_POSTING")
        for post in posts
        if is_set(post.get("live")) and post.get("public_url")
    ]


def to_job_posting(source: Source) -> JobPosting:
    row = source.row
    address = to_text(row.get("public_url"))
    return JobPosting(
        remote_id=get_id(row),
        title=to_text(row.get("title")),
        content=to_text(row.get("content")),
        status=find_posting_status(row),
        is_internal=row.get("internal"),
        job=to_id(row.get("job_id")),
        urls=[] if address is None else [Url(value=address, type="JOB_POSTING", url_type="JOB_POSTING")],
        language=to_text(row.get("language")),
        published_at=to_moment(row.get("first_published_at")),
        remote_created_at=to_moment(row.get("created_at")),
        remote_updated_at=to_moment(row.get("updated_at")),
    )


def find_posting_status(row: Data) -> str | None:
    """Live, or not, and then whether it ever was."""
    is_live, is_internal = is_set(row.get("live")), is_set(row.get("internal"))
    was_published = to_moment(row.get("first_published_at")) is not None
    if row.get("live") is None:
        return None
    if is_live:
        return "INTERNAL" if is_internal else "PUBLISHED"
    return "CLOSED" if was_published else "DRAFT"


def list_questions(post: Data) -> Iterable[Data]:
    """The questions of a post; those of a deleted one are gone with it."""
    return expect_list(post.get("questions") or []) if is_in_use(post) else ()


def to_screening_question(source: Source) -> ScreeningQuestion:
    """A question without an id (name, e-mail, résumé) is known by its name in its post."""
    row, post = source.row, source.within
    return ScreeningQuestion(
        remote_id=to_id(row.get("id")) or f"{get_id(post)}:{row['name']}",
        job=to_id(post.get("job_id")),
        description=to_text(row.get("description")),
        title=to_text(row.get("label")),
        type=to_word(QUESTION_TYPES, row.get("answer_type")),
        required=row.get("required"),
        options=row.get("options"),
        choices=list_choices(row.get("options")),
        position=source.place,
        posting=to_id(post.get("id")),
    )


def list_choices(options: list[Data] | None) -> list[Choice] | None:
    if options is None:
        return None
    return [Choice(remote_id=to_id(option.get("id")), label=to_text(option.get("label"))) for option in options]
