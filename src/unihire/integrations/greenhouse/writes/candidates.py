"""Candidates: made, with an application or without, and changed."""

from collections.abc import Iterable, Sequence

from unihire.errors import ReferenceMissing
from unihire.integration.declare import Data
from unihire.integration.operate import VendorCall, WriteContext
from unihire.integration.vendor_row import VendorRow, list_ids
from unihire.integration.write import Given, SentFile, Write, needs
from unihire.integrations.greenhouse.comparing import CONTACTS, fold_contact, fold_tag, shows, shows_contacts
from unihire.integrations.greenhouse.mapping.people import LINKEDIN
from unihire.integrations.greenhouse.writes.choices import list_creditable
from unihire.integrations.greenhouse.writes.custom_values import (
    WrittenValues,
    has_values,
    read_fields_of,
    write_changed,
    write_given,
)
from unihire.integrations.greenhouse.writes.files import write_file
from unihire.integrations.greenhouse.writes.making import Writer, leave_out_nones, scope_to
from unihire.integrations.greenhouse.writes.references import find_referrer, find_row, read_id
from unihire.model import Url
from unihire.model.inputs import CandidateChanges, CandidateInput, PersonInput

SCALARS = {
    "first_name": "first_name",
    "last_name": "last_name",
    "company": "company",
    "title": "title",
    "is_private": "private",
    "can_email": "can_email",
}
"""The members that are one value, by our names."""

CONTACT_LISTS = {
    "locations": "addresses",
    "phone_numbers": "phone_numbers",
    "email_addresses": "email_addresses",
}
"""The members that are `[{"value", "type"}]`, by our names."""

SOCIAL_MEDIA = ("SOCIAL_MEDIA", "LINKEDIN")

NAMED = {
    **{member: field for field, member in (SCALARS | CONTACT_LISTS).items()},
    "website_addresses": "urls",
    "social_media_addresses": "urls",
    "tags": "tags",
    "custom_fields": "custom_fields",
    "application": "job",
    "job_id": "job",
    "initial_stage_id": "job_interview_stage",
    "source_id": "source_record",
    "referrer_id": "credited_to",
}

PERSON = (*SCALARS, *CONTACT_LISTS, "urls", "tags", "custom_fields")


async def create_candidate(context: WriteContext, given: Given[CandidateInput]) -> VendorRow:
    """The candidate, with the application in the same call; then each file, without which the candidate stands."""
    input = given.input
    application = await _write_application(context, input)
    custom = await write_given(context, "candidate", input.custom_fields)
    files = given.files
    steps = [f"attachment.{number}" for number in range(len(files))]
    scopes = [scope_to("create", "candidates"), *([scope_to("create", "attachments")] if files else ())]
    context.plan(["candidate", *steps], scopes=scopes)
    writer = Writer(context, given.actor)
    body = _write_new_person(input, custom)
    if application is not None:
        body["application"] = application
    person = await writer.make_candidate(body, custom.keys)
    application_id = None if application is None else await writer.find_first_application(person)
    for step, file in zip(steps, files, strict=True):
        await context.attempt(step, _add_file(writer, step, application_id, file))
    await writer.touch_new_tags(person, input.tags)
    return person


async def _write_application(context: WriteContext, input: CandidateInput) -> Data | None:
    """The application that is made with the candidate; None without a job."""
    if input.job is None:
        for field in ("job_interview_stage", "source_record", "credited_to"):
            if getattr(input, field) is not None:
                raise ReferenceMissing(f"{field}: it is the application's at this vendor, so it needs a job")
        return None
    return leave_out_nones(
        job_id=read_id(input.job, "job"),
        source_id=read_id(input.source_record, "source_record"),
        initial_stage_id=read_id(input.job_interview_stage, "job_interview_stage"),
        referrer_id=await find_referrer(context, input.credited_to),
    )


def _write_new_person(input: CandidateInput, custom: WrittenValues) -> Data:
    websites, profiles = write_urls(input.urls or ())
    return leave_out_nones(
        **{member: getattr(input, field) for field, member in SCALARS.items()},
        **{member: write_texts(getattr(input, field)) or None for field, member in CONTACT_LISTS.items()},
        website_addresses=websites or None,
        social_media_addresses=profiles or None,
        tags=input.tags or None,
        custom_fields=custom.values or None,
    )


async def _add_file(writer: Writer, step: str, application_id: int | None, file: SentFile) -> VendorRow:
    if application_id is None:
        raise ReferenceMissing("attachments: the vendor stores files with applications, so it needs a job")
    return await writer.make_attachment(step, write_file(application_id, file), within="candidate")


def write_texts(texts: Sequence[str] | None) -> list[Data]:
    return [{"value": text} for text in texts or ()]


def write_urls(urls: Iterable[Url]) -> tuple[list[Data], list[Data]]:
    """Websites, whose types are ours in small letters, and social media addresses, which have none."""
    websites, profiles = [], []
    for url in urls:
        if not url.value:
            continue
        kind = url.url_type or url.type
        if kind in SOCIAL_MEDIA or (kind is None and LINKEDIN.match(url.value)):
            profiles.append({"value": url.value})
        else:
            websites.append(leave_out_nones(value=url.value, type=None if kind in (None, "-") else str(kind).lower()))
    return websites, profiles


async def update_candidate(context: WriteContext, given: Given[CandidateChanges]) -> VendorRow:
    """Only what was sent; null empties. The vendor replaces lists and custom fields as a whole, so what stays is sent.

    Entries that stay have the types they had.
    """
    id = given.target
    row = await find_row(context, "candidates", id, "candidate")
    custom = WrittenValues([], {})
    if "custom_fields" in given.sent:
        custom = await write_changed(context, "candidate", given.input.custom_fields, row)
    body = _write_changes(given.input, given.sent, custom, row)
    if not body:
        return row
    context.plan(["update"], scopes=[scope_to("update", "candidates")])
    writer = Writer(context, given.actor)
    if "tags" in body:
        await writer.touch_found("applied_candidate_tags", "candidate_id", [id])

    async def holds() -> bool:
        now = await find_row(context, "candidates", id, "candidate")
        return _is_changed(now, body, custom)

    call = VendorCall(method="PATCH", path=f"/v3/candidates/{id}", body=body)
    await writer.change("update", call, stream="candidates", id=id, holds=holds)
    if "tags" in body:
        rows = await writer.touch_found("applied_candidate_tags", "candidate_id", [id])
        context.touch("candidate_tags", list_ids(rows, "candidate_tag_id"))
    return await find_row(context, "candidates", id, "candidate")


def _write_changes(input: PersonInput, sent: frozenset[str], custom: WrittenValues, row: VendorRow) -> Data:
    body: Data = {member: getattr(input, field) for field, member in SCALARS.items() if field in sent}
    for field, member in CONTACT_LISTS.items():
        if field in sent:
            body[member] = _keep_types(row, member, write_texts(getattr(input, field)))
    if "urls" in sent:
        websites, profiles = write_urls(input.urls or ())
        body["website_addresses"] = _keep_types(row, "website_addresses", websites)
        body["social_media_addresses"] = _keep_types(row, "social_media_addresses", profiles)
    if "tags" in sent:
        body["tags"] = input.tags or []
    if "custom_fields" in sent:
        body["custom_fields"] = custom.values
    return body


def _keep_types(row: VendorRow, member: str, entries: Sequence[Data]) -> list[Data]:
    """The entries, each that has no type with that of the row's entry of the same value."""
    types = {fold_contact(member, one.find_value("value")): one.find_text("type") for one in row.list_parts(member)}
    return [leave_out_nones(**{"type": types.get(fold_contact(member, one["value"])), **one}) for one in entries]


def _is_changed(row: VendorRow, body: Data, custom: WrittenValues) -> bool:
    """Whether the candidate is as the change has it."""
    scalars = [member for member in body if member not in (*CONTACTS, "tags", "custom_fields")]
    now, asked = ({fold_tag(tag) for tag in tags} for tags in (row.list_texts("tags"), body.get("tags", ())))
    return (
        shows(row, body, *scalars)
        and all(shows_contacts(row, body, member) for member in CONTACTS if member in body)
        and ("tags" not in body or now == asked)
        and ("custom_fields" not in body or has_values(row, custom))
    )


CANDIDATE_WRITES = (
    Write(
        model="candidate",
        verb="create",
        run=create_candidate,
        stream="candidates",
        takes=(*PERSON, "attachments", "job", "job_interview_stage", "source_record", "credited_to"),
        requires=("first_name", "last_name"),
        options={"credited_to": list_creditable},
        rules=tuple(
            needs(field, "job") for field in ("attachments", "job_interview_stage", "source_record", "credited_to")
        ),
        custom_fields=read_fields_of("candidate"),
        lost_answer="listed",
        scopes=(scope_to("create", "candidates"),),
        more_scopes=(scope_to("create", "attachments"),),
        named=NAMED,
        note="Files, source, stage and credit are those of an application, so they need a job. A file that is refused "
        "leaves the candidate.",
    ),
    Write(
        model="candidate",
        verb="update",
        run=update_candidate,
        stream="candidates",
        takes=PERSON,
        cannot_empty=("can_email",),
        custom_fields=read_fields_of("candidate"),
        lost_answer="state",
        scopes=(scope_to("update", "candidates"),),
        named={member: field for member, field in NAMED.items() if field in PERSON},
        note="An entry of a list that stays has the type it had; custom fields that are not named stay.",
    ),
)
