"""Lever rows to unified records: opportunities, which are applications, their way and offers. Pure functions."""

from collections.abc import Iterable, Sequence
from typing import Any

from unihire.integration.declare import Data, Source
from unihire.integrations.lever.mapping.company import HIRED, LEAD
from unihire.integrations.lever.mapping.forms import is_answered, to_answer
from unihire.integrations.lever.mapping.jobs import name_question
from unihire.integrations.lever.mapping.people import find_page
from unihire.integrations.lever.mapping.values import (
    find_joined,
    find_object,
    get_id,
    list_objects,
    list_texts,
    to_flag,
    to_id,
    to_millis,
    to_moment,
    to_said,
    to_text,
    to_word,
)
from unihire.model import Answer, Application, ApplicationTransition, Attachment, Offer, TeamMember

OFFER_STATUSES = {
    word: word.upper()
    for word in ("draft", "approval-sent", "approved", "sent", "sent-manually", "opened", "denied", "signed")
}

REASON, OFFERS = "reason", "offers"
"""The reason with which an opportunity was archived; its offers."""

POSTING, REFERRAL = "posting", "referral"
"""Types of applications: by the form of a posting, by a referral."""

START = "anticipated_start_date"
"""The field of an offer that has the first day of work."""

DOCUMENTS = {"sentDocument": "sent", "signedDocument": "signed"}
"""The files of an offer, which have no ids, and what they are called in ours."""


def to_application(source: Source) -> Application:
    row = source.row
    application, archived = find_application(row), find_object(row, "archived")
    reason, archived_at = to_id((archived or {}).get("reason")), to_moment((archived or {}).get("archivedAt"))
    status = find_status(archived, source)
    is_rejected, job, stage = status == "REJECTED", find_job(application), to_id(row.get("stage"))
    sources = list_texts(row.get("sources"))
    applied_at = None if application is None else application.get("createdAt")
    return Application(
        remote_id=get_id(row),
        candidate=to_id(row.get("contact")),
        job=job,
        applied_at=to_moment(row.get("createdAt") if applied_at is None else applied_at),
        rejected_at=archived_at if is_rejected else None,
        source=sources[0] if sources else None,
        credited_to=find_credited(row, application),
        current_stage=stage,
        reject_reason=reason if is_rejected else None,
        status=status,
        is_prospect=job is None or (stage or "").startswith(LEAD),
        hired_at=archived_at if status == "HIRED" else None,
        stage_entered_at=find_entered(row, stage),
        answers=None if application is None else list_answers(application),
        job_posting=job,
        source_record=sources[0] if sources else None,
        hiring_team=list_team(row),
        is_anonymized=to_flag(row.get("isAnonymized")),
        remote_created_at=to_moment(row.get("createdAt")),
        remote_updated_at=to_moment(row.get("updatedAt")),
        remote_url=find_page(row),
    )


def is_open(row: Data) -> bool:
    return row.get("archived") is None


def find_application(row: Data) -> Data | None:
    """The application of an opportunity, of which it has one at most; None for a lead."""
    return next(iter(list_objects(row.get("applications"))), None)


def find_job(application: Data | None) -> str | None:
    return None if application is None else to_id(application.get("posting"))


def find_status(archived: Data | None, source: Source) -> str:
    """Hired and rejected are both archived: the type of the reason says which. Without it, it is just archived."""
    if archived is None:
        return "ACTIVE"
    reason = find_joined(source, REASON)
    if reason is None or reason.get("type") is None:
        return "ARCHIVED"
    return "HIRED" if reason["type"] == HIRED else "REJECTED"


def find_credited(row: Data, application: Data | None) -> str | None:
    """Who found the person; of a referral, who referred them."""
    referrer = application.get("user") if application is not None and application.get("type") == REFERRAL else None
    return to_id(row.get("sourcedBy")) or to_id(referrer)


def list_steps(row: Data) -> list[Data]:
    """The stages an opportunity came to, the first one first."""
    return sorted(list_objects(row.get("stageChanges")), key=lambda step: to_millis(step.get("updatedAt")) or 0)


def find_entered(row: Data, stage: str | None) -> str | None:
    """When it came to its stage; without a history, when it was last moved on."""
    reached = [step for step in list_steps(row) if to_id(step.get("toStageId")) == stage]
    return to_moment(reached[-1].get("updatedAt") if reached else row.get("lastAdvancedAt"))


def list_answers(application: Data) -> list[Answer]:
    """What was answered in the forms of an application. Only those of a posting are questions of a job."""
    posting = to_id(application.get("posting")) if application.get("type") == POSTING else None
    return [
        to_answer(field, None if posting is None or id is None else name_question(posting, id))
        for form in list_objects(application.get("customQuestions"))
        for field in list_objects(form.get("fields"))
        if is_answered(field)
        for id in [to_id(field.get("id"))]
    ]


def list_team(row: Data) -> list[TeamMember]:
    owner = to_id(row.get("owner"))
    return [] if owner is None else [TeamMember(user=owner, role="OWNER", role_name="Owner")]


def to_application_transition(source: Source) -> ApplicationTransition:
    """A stay at a stage; the history only ever grows, so its place in it is what a stay is known by."""
    step, id, place = source.row, get_id(source.within), source.place
    steps = list_steps(source.within)
    before, after = steps[place - 1 : place] if place else [], steps[place + 1 : place + 2]
    return ApplicationTransition(
        remote_id=f"{id}:{place}",
        application=id,
        from_stage=find_of(before, "toStageId"),
        to_stage=to_id(step.get("toStageId")),
        entered_at=to_moment(step.get("updatedAt")),
        left_at=to_moment(after[0].get("updatedAt")) if after else None,
        user=to_id(step.get("userId")),
    )


def find_of(steps: Sequence[Data], member: str) -> str | None:
    return to_id(steps[0].get(member)) if steps else None


def to_offer(source: Source) -> Offer:
    row = source.row
    return Offer(
        remote_id=get_id(row),
        application=get_id(source.within),
        creator=to_id(row.get("creator")),
        remote_created_at=to_moment(row.get("createdAt")),
        closed_at=find_signed(row),
        sent_at=to_moment(row.get("sentAt")),
        start_date=find_start(row),
        status=to_word(OFFER_STATUSES, row.get("status")),
    )


def find_signed(offer: Data) -> str | None:
    """When the candidate signed; the vendor does not say when an offer was denied."""
    candidate = find_object(find_object(offer, "signatures") or {}, "candidate")
    return None if candidate is None or not candidate.get("signed") else to_moment(candidate.get("signedAt"))


def find_start(offer: Data) -> str | None:
    fields = list_objects(offer.get("fields"))
    return next((to_moment(one.get("value")) for one in fields if one.get("identifier") == START), None)


def read_offer_fields(source: Source) -> dict[str, Any]:
    """The fields of an offer by their identifiers: they are the customer's, but for the first day of work."""
    found: dict[str, Any] = {}
    for field in list_objects(source.row.get("fields")):
        identifier = to_said(field.get("identifier"))
        if identifier is not None and identifier != START:
            found[identifier] = field.get("value")
    return found


def list_offer_files(offer: Data) -> Iterable[Data]:
    """The documents of an offer, each with an id of ours."""
    for member, name in DOCUMENTS.items():
        if (document := find_object(offer, member)) is not None:
            yield {**document, "id": f"{get_id(offer)}:{name}"}


def to_offer_letter(source: Source) -> Attachment:
    document, opportunity = source.row, source.within
    return Attachment(
        remote_id=get_id(document),
        file_name=to_text(document.get("fileName")),
        file_url=to_text(document.get("downloadUrl")),
        attachment_type="OFFER_LETTER",
        candidate=to_id(opportunity.get("contact")),
        application=get_id(opportunity),
        remote_created_at=to_moment(document.get("uploadedAt")),
    )
