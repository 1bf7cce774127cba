"""Candidates: made, with an application or without, and changed. A person is a contact, made with an opportunity."""

from typing import Any

from unihire.errors import ReferenceMissing
from unihire.integration.declare import Data
from unihire.integration.operate import WriteContext
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import Given, Write, at_most
from unihire.integrations.lever.mapping.people import PHONE_TYPES
from unihire.integrations.lever.mapping.values import split_name
from unihire.integrations.lever.writes.applications import make_opportunity, set_texts
from unihire.integrations.lever.writes.calling import (
    CONTACTS,
    NOT_MADE,
    OPPORTUNITIES,
    call,
    change_until,
    find_row,
    get_id,
    is_same_text,
    leave_out_nones,
    list_opportunities,
)
from unihire.integrations.lever.writes.files import add_file
from unihire.model.inputs import CandidateChanges, CandidateInput, PersonInput

NAMED = {
    "name": "first_name",
    "emails": "email_addresses",
    "phones": "phone_numbers",
    "links": "urls",
    "location": "locations",
    "tags": "tags",
}

PERSON = ("first_name", "last_name", "email_addresses", "phone_numbers", "urls", "locations", "tags")


async def create_candidate(context: WriteContext, given: Given[CandidateInput]) -> VendorRow:
    """An opportunity, with whose first one of an address a contact is made; then the files."""
    input, actor = given.input, given.actor
    files = given.files
    context.plan(["candidate", *(f"attachment.{number}" for number in range(len(files)))])
    body = leave_out_nones(
        name=join_name(input.first_name, input.last_name),
        emails=input.email_addresses,
        phones=write_phones(input.phone_numbers),
        links=list_links(input),
        location=next(iter(input.locations or ()), None),
        tags=input.tags,
        postings=None if input.job is None else [input.job],
        stage=input.job_interview_stage,
        sources=None if input.source_record is None else [input.source_record],
    )
    asked = {"email": input.email_addresses[0]} if input.email_addresses else {}
    row = await make_opportunity(context, "candidate", body, actor, asked)
    contact = row.find_text("contact")
    for number, file in enumerate(files):
        step = f"attachment.{number}"
        await context.attempt(step, add_file(context, step, get_id(row), file, actor))
    if contact is None:
        return VendorRow(CONTACTS, {"id": NOT_MADE})
    context.touch(CONTACTS, [contact])
    return VendorRow(CONTACTS, {"id": contact})


def join_name(first: str | None, last: str | None) -> str:
    return " ".join(part.strip() for part in (first, last) if part and part.strip())


def write_phones(numbers: list[str] | None, row: VendorRow | None = None) -> list[Data] | None:
    """Numbers as the vendor takes them; one that a contact has keeps its type."""
    if numbers is None:
        return None
    known = {} if row is None else {one.find_text("value"): one.data for one in row.list_parts("phones")}
    kinds = [(number, known.get(number, {}).get("type")) for number in numbers]
    return [{"value": number} | ({"type": kind} if kind in PHONE_TYPES else {}) for number, kind in kinds]


def list_links(input: PersonInput) -> list[str] | None:
    return None if input.urls is None else [url.value for url in input.urls if url.value]


async def update_candidate(context: WriteContext, given: Given[CandidateChanges]) -> VendorRow:
    """Only what was sent. A contact is replaced as a whole: what was not sent is sent as it is."""
    id, input, sent = given.target, given.input, given.sent
    row = await find_row(context, CONTACTS, id, "candidate")
    if row.find_flag("isAnonymized"):
        raise ReferenceMissing("candidate: the vendor has taken the person out of it, and changes it no more")
    texts = [(field, member) for field, member in (("urls", "links"), ("tags", "tags")) if field in sent]
    opportunities = await list_opportunities(context, id) if texts else []
    is_changed = any(field in sent for field in PERSON if field not in ("urls", "tags"))
    context.plan(
        [
            *(["update"] if is_changed else ()),
            *(f"{field}.{number}" for field, _ in texts for number in range(len(opportunities))),
        ]
    )
    if is_changed:
        await _replace(context, id, write_contact(input, sent, row))
    for field, member in texts:
        wanted = (list_links(input) if field == "urls" else input.tags) or []
        for number, opportunity in enumerate(opportunities):
            await set_texts(context, f"{field}.{number}", opportunity, member, wanted, given.actor)
    context.touch(CONTACTS, [id])
    return await find_row(context, CONTACTS, id, "candidate")


def write_contact(input: PersonInput, sent: frozenset[str], row: VendorRow) -> Data:
    """The whole contact, as a change leaves it."""
    place, name = row.find_part("location"), row.find_text("name")
    if "first_name" in sent or "last_name" in sent:
        first, last = split_name(name)
        first = input.first_name if "first_name" in sent else first
        name = join_name(first, input.last_name if "last_name" in sent else last)
    location = (place.find_text("name") if place is not None else None) or ""
    return {
        "name": name or "",
        "headline": row.find_text("headline") or "",
        "location": next(iter(input.locations or ()), "") if "locations" in sent else location,
        "emails": (input.email_addresses or []) if "email_addresses" in sent else row.list_texts("emails"),
        "phones": (write_phones(input.phone_numbers or [], row) if "phone_numbers" in sent else row.data.get("phones"))
        or [],
    }


async def _replace(context: WriteContext, id: str, body: Data) -> None:
    async def holds() -> bool:
        return is_contact(await find_row(context, CONTACTS, id, "candidate"), body)

    await change_until(context, "update", call(f"/contacts/{id}", body, method="PUT"), id, holds, stream=CONTACTS)
    context.touch(OPPORTUNITIES, [get_id(row) for row in await list_opportunities(context, id)])


def is_contact(row: VendorRow, body: Data) -> bool:
    """Whether the contact is as it was sent."""
    place = row.find_part("location")
    numbers: list[Any] = [one.find_text("value") for one in row.list_parts("phones")]
    location = (place.find_text("name") if place is not None else None) or ""
    return (
        (is_same_text(row.find_text("name"), body["name"]) or not (row.find_text("name") or body["name"]))
        and location == body["location"]
        and [email.lower() for email in row.list_texts("emails")] == [email.lower() for email in body["emails"]]
        and numbers == [one["value"] for one in body["phones"]]
    )


ONE_PLACE = (at_most("locations", 1),)

CANDIDATE_WRITES = (
    Write(
        model="candidate",
        verb="create",
        run=create_candidate,
        stream=CONTACTS,
        takes=(*PERSON, "attachments", "job", "job_interview_stage", "source_record"),
        requires=("first_name",),
        rules=ONE_PLACE,
        needs_actor=True,
        lost_answer="listed",
        named={**NAMED, "postings": "job", "stage": "job_interview_stage", "sources": "source_record"},
        note="An address that the vendor knows is of a person it has: that one gets another application, and what is "
        "stored of them stays. Without a job it is a lead. A résumé is stored as a file like others. Files that are "
        "refused leave the candidate.",
    ),
    Write(
        model="candidate",
        verb="update",
        run=update_candidate,
        stream=CONTACTS,
        takes=PERSON,
        rules=ONE_PLACE,
        lost_answer="state",
        named=NAMED,
        note="The person is read, changed and sent back as a whole, so a change that somebody makes meanwhile may be "
        "lost. Addresses of pages and tags are changed in every application. Nobody is changed who was anonymised.",
    ),
)
