"""Candidates: made, with an application or without, and changed."""

from collections.abc import Sequence
from typing import Any

from unihire.errors import ReferenceMissing
from unihire.integration.declare import Data
from unihire.integration.operate import WriteContext
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import Given, Write, at_most, needs
from unihire.integrations.ashby.lookups import FOUND_CANDIDATES
from unihire.integrations.ashby.mapping.people import split_name
from unihire.integrations.ashby.writes.applications import make_application, write_application
from unihire.integrations.ashby.writes.calling import (
    call,
    change_until,
    find_inner,
    find_row,
    get_id,
    is_same_text,
    leave_out_nones,
    trace,
)
from unihire.integrations.ashby.writes.custom_values import read_fields_of, set_values, write_values
from unihire.integrations.ashby.writes.files import add_file
from unihire.integrations.ashby.writes.tags import apply_tag
from unihire.model import Url
from unihire.model.inputs import CandidateChanges, CandidateInput, PersonInput

CANDIDATES = "candidates"

NETWORKS = {
    "linkedin": "LinkedIn",
    "github": "GitHub",
    "twitter": "Twitter",
    "medium": "Medium",
    "stackoverflow": "StackOverflow",
    "youtube": "YouTube",
    "codepen": "CodePen",
    "website": "Website",
}
"""The types of links, in small letters; by the host of an address where nothing else says it."""

SINGLE_LINKS = {"LinkedIn": "linkedInUrl", "GitHub": "githubUrl", "Website": "website"}
"""The links that candidate.create takes, one of each; in candidate.update the last is `websiteUrl` [official]."""

NAMED = {
    "name": "first_name",
    "email": "email_addresses",
    "alternateEmail": "email_addresses",
    "alternateEmailAddresses": "email_addresses",
    "phoneNumber": "phone_numbers",
    "socialLinks": "urls",
    "linkedInUrl": "urls",
    "githubUrl": "urls",
    "website": "urls",
    "websiteUrl": "urls",
    "location": "locations",
    "fieldId": "custom_fields",
    "fieldValue": "custom_fields",
}

PERSON = ("first_name", "last_name", "email_addresses", "phone_numbers", "urls", "locations", "custom_fields")


NEVER_EMPTY = ("first_name", "email_addresses", "phone_numbers", "locations", "custom_fields")
"""What candidate.update has no way to empty."""


async def create_candidate(context: WriteContext, given: Given[CandidateInput]) -> VendorRow:
    """The candidate; then the application, and what may fail without undoing the rest: links, tags, fields, files."""
    input, actor = given.input, given.actor
    values = await write_values(context, "Candidate", input.custom_fields)
    links = write_links(input.urls or ())
    has_single_links = _are_single(links)
    files = given.files
    tags = list(dict.fromkeys(input.tags or ()))
    steps = [
        "candidate",
        *(["application"] if input.job is not None else ()),
        *([] if has_single_links else ["links"]),
        *(f"tag.{number}" for number in range(len(tags))),
        *(["custom_fields"] if values else ()),
        *(f"attachment.{number}" for number in range(len(files))),
    ]
    context.plan(steps)
    body = _write_new_person(input)
    if has_single_links:
        body |= {SINGLE_LINKS[link["type"]]: link["url"] for link in links}
    person = await _make_candidate(context, body, actor)
    id = get_id(person)
    if input.job is not None:
        await make_application(context, write_application(id, input, input.job_interview_stage), actor)
    if not has_single_links:
        await context.attempt("links", _set_links(context, id, links, actor))
    for number, tag in enumerate(tags):
        await context.attempt(f"tag.{number}", apply_tag(context, id, tag, actor, step=f"tag.{number}"))
    if values:
        await context.attempt("custom_fields", set_values(context, "Candidate", CANDIDATES, id, values, actor))
    for number, file in enumerate(files):
        step = f"attachment.{number}"
        await context.attempt(step, add_file(context, step, id, file, actor))
    return person


def _write_new_person(input: CandidateInput) -> Data:
    emails, phones = input.email_addresses or [], input.phone_numbers or []
    return leave_out_nones(
        name=_join_name(input.first_name, input.last_name),
        email=emails[0] if emails else None,
        alternateEmailAddresses=emails[1:] or None,
        phoneNumber=phones[0] if phones else None,
        location=write_location(input.locations),
        sourceId=input.source_record if input.job is None else None,
        creditedToUserId=input.credited_to if input.job is None else None,
    )


async def _make_candidate(context: WriteContext, body: Data, actor: str | None) -> VendorRow:
    """The candidate, known again by the address, or the name where there is none."""
    asked = {"email": body["email"]} if "email" in body else {"name": body["name"]}

    async def look() -> Sequence[VendorRow]:
        return await context.all(FOUND_CANDIDATES, asked)

    def is_it(row: VendorRow) -> bool:
        return is_same_text(row.find_text("name"), body["name"]) and set(_list_emails(row)) == set(_fold_emails(body))

    return await context.create(
        "candidate", call("candidate.create", body, actor), stream=CANDIDATES, trace=trace(look, is_it)
    )


def _fold_emails(body: Data) -> list[str]:
    sent = [body["email"], *body.get("alternateEmailAddresses", ())] if "email" in body else []
    return [str(email).strip().lower() for email in sent]


def _list_emails(row: VendorRow, member: str = "emailAddresses") -> list[str]:
    found = [one.find_text("value") for one in row.list_parts(member)]
    return [email.strip().lower() for email in found if email]


def _join_name(first: str | None, last: str | None) -> str:
    return " ".join(part.strip() for part in (first, last) if part and part.strip())


def write_location(texts: Sequence[str] | None) -> Data | None:
    """A place as city, region and country, by its commas: the first is the city, the last one the country."""
    if not texts:
        return None
    parts = [part.strip() for part in texts[0].split(",") if part.strip()]
    names = {1: ("city",), 2: ("city", "country")}.get(len(parts), ("city", "region", "country"))
    return dict(zip(names, (*parts[:2], *parts[-1:]) if len(parts) > 3 else parts, strict=True)) if parts else None


def write_links(urls: Sequence[Url]) -> list[Data]:
    return [{"type": _find_network(url), "url": url.value} for url in urls if url.value]


def _find_network(url: Url) -> str:
    said = str(url.type or "").lower().replace("_", "")
    if said in NETWORKS:
        return NETWORKS[said]
    host = (url.value or "").partition("//")[2].partition("/")[0].lower()
    return next((kind for name, kind in NETWORKS.items() if f".{name}." in f".{host}"), "Website")


def _are_single(links: Sequence[Data]) -> bool:
    types = [link["type"] for link in links]
    return len(set(types)) == len(types) and set(types) <= SINGLE_LINKS.keys()


async def _set_links(context: WriteContext, id: str, links: list[Data], actor: str | None) -> None:
    async def holds() -> bool:
        return _shows_links(await find_row(context, CANDIDATES, id, "candidate"), links)

    sent = call("candidate.update", {"candidateId": id, "socialLinks": links}, actor)
    await change_until(context, "links", sent, CANDIDATES, id, holds)


def _shows_links(row: VendorRow, links: Sequence[Data]) -> bool:
    shown = {(one.find_text("type"), one.find_text("url")) for one in row.list_parts("socialLinks")}
    return shown == {(link["type"], link["url"]) for link in links}


async def update_candidate(context: WriteContext, given: Given[CandidateChanges]) -> VendorRow:
    """Only what was sent. The vendor takes no address away."""
    id, input, sent, actor = given.target, given.input, given.sent, given.actor
    row = await find_row(context, CANDIDATES, id, "candidate")
    values = await write_values(context, "Candidate", input.custom_fields)
    body, alternates = _write_changes(input, sent, row)
    context.plan(
        [
            *(["update"] if body else ()),
            *(f"email.{number}" for number in range(len(alternates))),
            *(["custom_fields"] if values else ()),
        ]
    )
    if body:
        await _update(context, "update", id, body, actor)
    for number, email in enumerate(alternates):
        await _update(context, f"email.{number}", id, {"alternateEmail": email}, actor)
    if values:
        await set_values(context, "Candidate", CANDIDATES, id, values, actor)
    return await find_row(context, CANDIDATES, id, "candidate")


def _write_changes(input: PersonInput, sent: frozenset[str], row: VendorRow) -> tuple[Data, list[str]]:
    """What candidate.update takes at once, and the further addresses, of which it takes one a call."""
    body: Data = {}
    if "first_name" in sent or "last_name" in sent:
        first, last = split_name(row.find_text("name"))
        first = input.first_name if "first_name" in sent else first
        last = input.last_name if "last_name" in sent else last
        body["name"] = _join_name(first, last)
    emails = (input.email_addresses or []) if "email_addresses" in sent else []
    if emails:
        _check_emails(row, emails)
        body["email"] = emails[0]
    if "phone_numbers" in sent and input.phone_numbers:
        body["phoneNumber"] = input.phone_numbers[0]
    if "urls" in sent:
        body["socialLinks"] = write_links(input.urls or ())
    if "locations" in sent:
        body["location"] = write_location(input.locations)
    known = _list_emails(row)
    return body, [email for email in emails[1:] if email.strip().lower() not in known]


def _check_emails(row: VendorRow, emails: Sequence[str]) -> None:
    """The first takes the place of the primary one; the others are only added."""
    given, primary = {email.strip().lower() for email in emails}, find_inner(row, "primaryEmailAddress", "value")
    staying = [email for email in _list_emails(row) if email not in given and not is_same_text(email, primary)]
    if staying:
        raise ReferenceMissing(f"email_addresses: the vendor takes no address away, and {staying[0]} is not named")


async def _update(context: WriteContext, step: str, id: str, body: Data, actor: str | None) -> None:
    async def holds() -> bool:
        return _is_changed(await find_row(context, CANDIDATES, id, "candidate"), body)

    sent = call("candidate.update", {"candidateId": id, **body}, actor)
    await context.change(step, sent, stream=CANDIDATES, id=id, holds=holds)


def _is_changed(row: VendorRow, body: Data) -> bool:
    """Whether the candidate is as the change has it. A place is shown as the vendor finds it on a map."""
    checks: dict[str, Any] = {
        "name": lambda value: is_same_text(row.find_text("name"), value),
        "email": lambda value: is_same_text(find_inner(row, "primaryEmailAddress", "value"), value),
        "alternateEmail": lambda value: value.strip().lower() in _list_emails(row),
        "phoneNumber": lambda value: value in [one.find_text("value") for one in row.list_parts("phoneNumbers")],
        "socialLinks": lambda value: _shows_links(row, value),
        "location": lambda value: row.find_part("location") is not None,
    }
    return all(checks[member](value) for member, value in body.items())


ONE_EACH = (at_most("phone_numbers", 1), at_most("locations", 1))

CANDIDATE_WRITES = (
    Write(
        model="candidate",
        verb="create",
        run=create_candidate,
        stream=CANDIDATES,
        takes=(*PERSON, "tags", "attachments", "job", "job_interview_stage", "source_record", "credited_to"),
        requires=("first_name",),
        rules=(needs("job_interview_stage", "job"), *ONE_EACH),
        custom_fields=read_fields_of("Candidate"),
        lost_answer="listed",
        named={
            **NAMED,
            "jobId": "job",
            "interviewStageId": "job_interview_stage",
            "sourceId": "source_record",
            "creditedToUserId": "credited_to",
            "title": "tags",
        },
        note="The vendor does not look for a person with the same address: each call makes one. With a job, source and "
        "credit are the application's, which begins as a lead where no stage is named. What is refused of links, tags, "
        "custom fields and files leaves the candidate. A location is sent as city, region and country, by its commas.",
    ),
    Write(
        model="candidate",
        verb="update",
        run=update_candidate,
        stream=CANDIDATES,
        takes=PERSON,
        cannot_empty=NEVER_EMPTY,
        rules=ONE_EACH,
        custom_fields=read_fields_of("Candidate"),
        lost_answer="state",
        named=NAMED,
        note="The first address takes the place of the primary one, others are added, and none is taken away; a "
        "telephone number takes the place of the primary one. Company, title, school and tags are not taken here.",
    ),
)
