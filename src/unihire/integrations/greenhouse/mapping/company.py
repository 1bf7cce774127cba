"""Harvest v3 rows to unified records: what a company sets up. Pure functions, vocabulary tables on top.

Candidates are in people.py, what happens on an application in hiring.py. Fields and their doubts: quirks.md.
"""

from collections.abc import Iterable

from unihire.integration.declare import Data, Source
from unihire.integrations.greenhouse.mapping.values import (
    expect_list,
    get_id,
    is_set,
    list_ids,
    list_joined,
    to_id,
    to_moment,
    to_text,
    to_word,
)
from unihire.model import (
    Department,
    Job,
    JobInterviewStage,
    Office,
    RejectReason,
    RemoteUser,
    ScreeningQuestion,
    Tag,
    Url,
)

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
"""The `type` of the job owners that are recruiters; coordinators and sourcers have no relation of their own."""


def to_remote_user(source: Source) -> RemoteUser:
    row = source.row
    return RemoteUser(
        remote_id=get_id(row),
        first_name=to_text(row.get("first_name")),
        last_name=to_text(row.get("last_name")),
        email=to_text(row.get("primary_email")),
        disabled=row.get("deactivated"),
        remote_created_at=to_moment(row.get("created_at")),
        access_role="SUPER_ADMIN" if is_set(row.get("site_admin")) else None,
    )


def to_department(source: Source) -> Department:
    return Department(remote_id=get_id(source.row), name=to_text(source.row.get("name")))


def to_office(source: Source) -> Office:
    row = source.row
    return Office(remote_id=get_id(row), name=to_text(row.get("name")), location=to_text(row.get("location")))


def to_reject_reason(source: Source) -> RejectReason:
    return RejectReason(remote_id=get_id(source.row), name=to_text(source.row.get("name")))


def to_tag(source: Source) -> Tag:
    return Tag(remote_id=get_id(source.row), name=to_text(source.row.get("name")))


def to_job(source: Source) -> Job:
    row = source.row
    posts, owners = list_posts(source), source.details.get("job_owners")
    offices = row.get("office_ids")
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
        hiring_managers=list_joined(source, "job_hiring_managers", "user_id"),
        recruiters=None if owners is None else list_recruiters(owners),
    )


def list_posts(source: Source) -> list[Data] | None:
    """The job's posts but for deleted ones; None where they were never read."""
    posts = source.details.get("job_posts")
    return None if posts is None else [post for post in posts if is_in_use(post)]


def list_recruiters(owners: list[Data]) -> list[str]:
    return list_ids([owner.get("user_id") for owner in owners if owner.get("type") == RECRUITER])


def find_description(posts: list[Data]) -> str | None:
    """The text of the job's first public post, its first one that is live if any is; else of its first internal one."""
    shown = min(posts, key=rank_post, default=None)
    return None if shown is None else to_text(shown.get("content"))


def is_deleted(row: Data) -> bool:
    """Whether a post or a stage of a job is deleted: lists go on showing it."""
    return row.get("active") is False


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
    )


def to_job_interview_stage(source: Source) -> JobInterviewStage:
    row = source.row
    return JobInterviewStage(
        remote_id=get_id(row),
        name=to_text(row.get("name")),
        job=to_id(row.get("job_id")),
        stage_order=row.get("sort_order"),
    )
