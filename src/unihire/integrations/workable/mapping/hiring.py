"""Workable rows to unified records: the application in a candidate's row, its offer, interviews. Pure functions."""

from collections.abc import Iterable, Sequence
from typing import Any

from unihire.integration.declare import Data, Source
from unihire.integrations.workable.mapping.activities import (
    find_job,
    find_slug_by_name,
    list_activities,
    list_stays,
    name_known_stage,
)
from unihire.integrations.workable.mapping.company import CANDIDATE, COMPANY, find_ended_by, find_source, say_whose
from unihire.integrations.workable.mapping.jobs import name_question
from unihire.integrations.workable.mapping.people import PROFILE
from unihire.integrations.workable.mapping.values import (
    find_detail,
    find_id,
    find_object,
    find_parts,
    get_id,
    list_objects,
    list_texts,
    to_flag,
    to_id,
    to_moment,
    to_text,
    to_word,
)
from unihire.kit.text import is_id
from unihire.model import Answer, Application, Attendee, Offer, ScheduledInterview

HIRED, SOURCED = "hired", "sourced"
"""Kinds of stages."""

OFFER_STATUSES = {
    "draft": "DRAFT",
    "pending": "APPROVAL-SENT",
    "approved": "APPROVED",
    "sent": "SENT",
    "accepted": "SIGNED",
    "rejected": "DENIED",
}

INTERVIEW_KINDS = {"CallEvent": "CALL", "InterviewEvent": "INTERVIEW", "MeetingEvent": "MEETING"}

ATTENDANCES = {"accepted": "ACCEPTED", "declined": "DECLINED", "tentative": "TENTATIVE", "needs-action": "PENDING"}

REASONS, ACCOUNT_STAGES = "reasons", "account_stages"
"""The reasons of the name, and the stages of the account's own pipeline of the name, that a candidate's row has."""

START_DATES: Sequence[Any] = ("start_date", "job_start_date", "starting_date")
"""What customers call the variable with the first day of work, of those that documents of offers have."""


def to_application(source: Source) -> Application:
    row, profile = source.row, find_detail(source, PROFILE) or {}
    stays, stage = list_stays(source), find_stage(source)
    is_ended = to_flag(row.get("disqualified")) is True
    ended_by = find_ender(source) if is_ended else None
    ended_at = to_moment(profile.get("disqualified_at")) if is_ended else None
    job, kind = find_job(row), row.get("stage_kind")
    is_hired = kind == HIRED and not is_ended
    reached = next(
        (stay for stay in reversed(stays) if stage is not None and name_known_stage(job, stay.slug) == stage), None
    )
    return Application(
        remote_id=get_id(row),
        candidate=get_id(row),
        job=job,
        applied_at=to_moment(row.get("created_at")),
        rejected_at=ended_at,
        source=find_source(row),
        credited_to=to_id(profile.get("uploader_id")),
        current_stage=stage,
        reject_reason=find_reason(source, ended_by) if is_ended else None,
        status=find_status(ended_by) if is_ended else "HIRED" if is_hired else "ACTIVE",
        ended_by=ended_by,
        is_prospect=job is None or kind == SOURCED,
        hired_at=to_moment(row.get("hired_at")) if is_hired else None,
        withdrawn_at=ended_at if ended_by == CANDIDATE else None,
        stage_entered_at=None if reached is None else reached.entered_at,
        answers=list_answers(profile, job),
        source_record=find_source(row),
        cover_letter=to_text(profile.get("cover_letter")),
        is_anonymized=to_flag(row.get("anonymized")),
        remote_created_at=to_moment(row.get("created_at")),
        remote_updated_at=to_moment(row.get("updated_at")),
        remote_url=to_text(row.get("profile_url")),
    )


def find_stage(source: Source) -> str | None:
    """The stage that a candidate is at; the row has its name alone.

    The timeline knows the slug of the name, or the account's own pipeline, which jobs begin with.
    """
    name = source.row.get("stage")
    slug = find_slug_by_name(name, list_activities(source))
    if slug is None:
        slug = find_id(find_detail(source, ACCOUNT_STAGES), "slug")
    return name_known_stage(find_job(source.row), slug)


def find_ender(source: Source) -> str | None:
    """Who ended it: the candidate alone says so, else the reason does; None where neither was read."""
    profile = find_detail(source, PROFILE) or {}
    said = find_ended_by(profile.get("withdrew"))
    if said is not None:
        return said
    found = {say_whose(one) for one in find_parts(source, REASONS) or ()}
    return found.pop() if len(found) == 1 else None


def find_status(ended_by: str | None) -> str:
    return "WITHDRAWN" if ended_by == CANDIDATE else "REJECTED"


def find_reason(source: Source, ended_by: str | None) -> str | None:
    """The reason, which a row has as text: of several of that text the one of whoever ended it."""
    found = [one for one in find_parts(source, REASONS) or () if is_id(one.get("id"))]
    fitting = [one for one in found if say_whose(one) == (ended_by or COMPANY)]
    return next((str(one["id"]) for one in fitting or found), None)


def list_answers(profile: Data, job: str | None) -> list[Answer] | None:
    """What was answered in the application form."""
    answers = profile.get("answers")
    return None if answers is None else [to_answer(one, job) for one in list_objects(answers)]


def to_answer(entry: Data, job: str | None) -> Answer:
    question, answer = find_object(entry, "question") or {}, entry.get("answer")
    id, kind = to_id(question.get("id")), find_kind(answer)
    chosen = None
    if isinstance(answer, dict) and kind == "MULTI_SELECT":
        chosen = [one["body"] for one in list_objects(answer.get("choices"))]
    return Answer(
        question=None if id is None or job is None else name_question(job, id),
        question_remote_id=id,
        title=to_text(question.get("body")),
        type=kind,
        text=say_answer(answer) if chosen is None else ", ".join(chosen) or None,
        values=chosen,
    )


ANSWER_KINDS = {
    "choices": "MULTI_SELECT",
    "checked": "BOOLEAN",
    "number": "NUMERIC",
    "date": "DATE",
    "file_url": "FILE",
}
"""By the member that has the answer; text, in `body`, may be of one line or of many."""


def find_kind(answer: Any) -> str | None:
    """What an answer is, by its members: the question's kind is not among them."""
    if not isinstance(answer, dict):
        return None
    return next((kind for member, kind in ANSWER_KINDS.items() if answer.get(member) is not None), None)


def say_answer(answer: Any) -> str | None:
    """An answer as one text."""
    said = answer
    if isinstance(answer, dict):
        said = next((answer[name] for name in ("body", *ANSWER_KINDS) if answer.get(name) is not None), None)
    if isinstance(said, bool):
        return "Yes" if said else "No"
    if isinstance(said, int | float):
        return str(said)
    if said is None or isinstance(said, str):
        return to_text(said)  # type: ignore[no-any-return]
    return ", ".join(list_texts(said))


def list_offers(answer: Data) -> Iterable[Data]:
    """The offer in an answer, which has the candidate alone where there is none."""
    return [answer] if to_text(answer.get("state")) is not None else []


def to_offer(source: Source) -> Offer:
    """A candidate's latest offer: it has no id of its own."""
    row, candidate = source.row, get_id(source.within)
    day = find_variable(row, START_DATES)
    return Offer(
        remote_id=candidate,
        application=candidate,
        remote_created_at=to_moment(row.get("created_at")),
        start_date=to_moment(day),
        status=to_word(OFFER_STATUSES, row.get("state")),
    )


def find_variable(offer: Data, slugs: Sequence[Any]) -> str | None:
    """The text of a variable of the offer's documents, by what the customer calls it; None where it is no day."""
    for one in list_objects(offer.get("document_variables")):
        named, value = find_object(one, "document_variable") or {}, find_object(one, "value") or {}
        if named.get("slug") in slugs and is_day(value.get("body")):
            return str(value["body"])
    return None


def is_day(text: Any) -> bool:
    """Whether a text is a day or a moment: customers write what they like."""
    try:
        return isinstance(text, str) and to_moment(text) is not None
    except ValueError:
        return False


def read_offer_fields(source: Source) -> dict[str, Any]:
    """The variables of an offer's documents, which each customer names: a text, or an amount."""
    found: dict[str, Any] = {}
    for one in list_objects(source.row.get("document_variables")):
        named, value = find_object(one, "document_variable") or {}, find_object(one, "value") or {}
        name = to_text(named.get("name")) or to_text(named.get("slug"))
        if isinstance(name, str):
            found.setdefault(name, value.get("data") if value.get("body") is None else value["body"])
    return found


def to_scheduled_interview(source: Source) -> ScheduledInterview:
    """An event of the calendar: Workable says whether it was cancelled, and no other status."""
    row = source.row
    cancelled, conference = to_flag(row.get("cancelled")), find_object(row, "conference") or {}
    link = to_text(conference.get("url"))
    return ScheduledInterview(
        remote_id=get_id(row),
        application=find_id(find_object(row, "candidate")),
        location=link,
        start_at=to_moment(row.get("starts_at")),
        end_at=to_moment(row.get("ends_at")),
        status=None if cancelled is None else "CANCELLED" if cancelled else "SCHEDULED",
        is_cancelled=cancelled,
        title=to_text(row.get("title")),
        kind=to_word(INTERVIEW_KINDS, row.get("type")),
        video_url=link,
        attendees=list_attendees(row),
    )


def list_attendees(event: Data) -> list[Attendee] | None:
    members = event.get("members")
    if members is None:
        return None
    return [
        Attendee(
            user=to_id(one.get("id")), name=to_text(one.get("name")), status=to_word(ATTENDANCES, one.get("status"))
        )
        for one in list_objects(members)
    ]
