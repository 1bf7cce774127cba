"""What API v1 writes: an application, and with it the candidate, tags and files.

v1 has a key of its own, answers 201 with neither body nor id, and lets nothing be changed [official]. What it made is
found in v2, by the e-mail address. v1 takes an address once for each job, so a row of both is the one that was sent.
"""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Annotated, Any, Literal

from msgspec import Meta

from unihire.errors import PermissionMissing, ReferenceMissing, VendorChanged, VendorError
from unihire.integration.declare import Data
from unihire.integration.operate import OperationContext, Trace, VendorCall, WriteContext
from unihire.integration.vendor_row import RowPart, VendorRow
from unihire.integration.write import Given, OfferedValue, Params, SentFile
from unihire.integrations.personio.mapping import to_moment
from unihire.integrations.personio.refusals import find_uuid, has_applied
from unihire.kit.clock import parse_moment
from unihire.model.inputs import ApplicationInput, CandidateInput
from unihire.outbound.multipart import clean_file_name, write_file_form

APPLICATIONS = "/v1/recruiting/applications"
DOCUMENTS = "/v1/recruiting/applications/documents"

STEP = "application"

EXAMPLE = b'{"uuid": "5f3c1a52-0c1e-4d0b-9f57-6a4f6a0f9d11"}'
"""The answer to an upload, made up."""

CATEGORIES = {"RESUME": "cv", "COVER_LETTER": "cover-letter"}
"""The category of a file, by the vocabulary's word for its kind."""

OWN_CATEGORIES = ("cv", "cover-letter", "employment-reference", "certificate", "work-sample", "other")
"""The categories that v1 knows [official]; each may be given as it is."""

CUSTOM_ATTRIBUTE = re.compile(r"custom_attribute_\w+", re.ASCII)
"""The ids of the customer's own attributes [official]. No API lists them."""

CHANNEL_PAGES, PAGE = 5, 200
"""The latest applications are looked through for a channel: v1 wants its id, and no list of channels has it."""

ChannelId = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class ApplicationParams(Params):
    """What v1 documents of an application beside the vocabulary's fields."""

    message: Annotated[str | None, Meta(description="The applicant's message.")] = None
    application_date: Annotated[date | None, Meta(description="When they applied; not in the future.")] = None
    system_phase: Annotated[
        Literal["unassigned", "rejected", "withdrawn", "offer", "accepted"] | None,
        Meta(description="A system phase to begin in, instead of a stage of the job."),
    ] = None
    recruiting_channel_id: Annotated[
        ChannelId | None, Meta(description="The channel's id, instead of a source record.")
    ] = None
    external_posting_id: Annotated[str | None, Meta(description="The posting of that channel.")] = None
    salary_expectations: Annotated[str | None, Meta(description="What they expect to earn; v2 never shows it.")] = None


class CandidateParams(ApplicationParams):
    """And of a person."""

    birthday: Annotated[date | None, Meta(description="Day of birth.")] = None
    gender: Annotated[Literal["male", "female", "diverse", "undefined"] | None, Meta(description="Gender.")] = None
    available_from: Annotated[str | None, Meta(description="From when they could start.")] = None


async def create_candidate(context: WriteContext, given: Given[CandidateInput]) -> VendorRow:
    """The candidate whom the application belongs to: a new one, or the one who has the e-mail address already."""
    said, params = given.input, given.params or CandidateParams()
    attributes: dict[str, str | None] = {
        "phone": _take_one("phone_numbers", said.phone_numbers),
        "location": _take_one("locations", said.locations),
        "birthday": params.birthday.isoformat() if params.birthday else None,
        "gender": params.gender,
        "available_from": params.available_from,
    }
    person = {
        "first_name": said.first_name,
        "last_name": said.last_name,
        "email": _take_one("email_addresses", said.email_addresses),
    }
    if "@" not in (person["email"] or ""):  # v2 could not be asked for it
        raise ReferenceMissing("email_addresses: it is no e-mail address")
    files = given.files
    fields = await _write_fields(context, given, "job_interview_stage", said.job_interview_stage, attributes)
    context.plan((STEP,))
    uploads = [await _upload(context, place, file) for place, file in enumerate(files, 1)]
    body = {**person, **fields, "tags": said.tags, "files": [one for one in uploads if one is not None]}
    application = await _submit(context, body)
    return await _find_candidate(context, application)


async def create_application(context: WriteContext, given: Given[ApplicationInput]) -> VendorRow:
    """The application. v1 knows the candidate by the e-mail address, which no other candidate may have."""
    said = given.input
    person = await _read_person(context, said.candidate)
    fields = await _write_fields(context, given, "current_stage", said.current_stage, {})
    context.plan((STEP,))
    application = await _submit(context, {**person, **fields})
    context.touch("candidates", {said.candidate, _find_in(application, "candidate", "id") or said.candidate})
    return application


async def _submit(context: WriteContext, body: Data) -> VendorRow:
    """The application that was made, as v2 shows it."""
    sent = {name: value for name, value in body.items() if value is not None and value != []}

    async def look(since: datetime) -> list[VendorRow]:
        rows = await context.all("applications", {"candidate.email": sent["email"]})
        return [row for row in rows if _was_made_since(row, since) and _shows(row, sent)]

    call = VendorCall(path=APPLICATIONS, body=sent, by_key=True)
    return await context.create(STEP, call, stream="applications", trace=Trace(look=look, is_there=has_applied))


def _was_made_since(row: VendorRow, since: datetime) -> bool:
    """Whether it may have been: a moment that cannot be read speaks for nothing."""
    try:
        made_at = to_moment(row.find_value("created_at"))
        return made_at is None or parse_moment(made_at) >= since
    except (ValueError, TypeError, AttributeError):
        return True


def _shows(row: VendorRow, sent: Data) -> bool:
    """Whether a row is of this e-mail address and job, and shows nothing else than was sent.

    Neither names nor stage are compared: a known person keeps theirs [guess], and a stage that the job does not have
    becomes another [official].
    """
    email, channel = _find_in(row, "candidate", "email"), _find_in(row, "channel", "id")
    day = row.find_text("application_date")
    return (
        _find_in(row, "candidate", "id") is not None
        and _find_in(row, "job", "id") == str(sent["job_position_id"])
        and (email is None or email.casefold() == sent["email"].casefold())
        and channel in (None, str(sent.get("recruiting_channel_id", channel)))
        and (day is None or day[:10] == sent.get("application_date", day[:10]))
    )


def _find_in(row: RowPart, part: str, member: str) -> str | None:
    """The member of an object in a row, as text."""
    found = row.find_part(part)
    value = None if found is None else found.find_value(member)
    return str(value) if isinstance(value, int | str) and not isinstance(value, bool) else None


async def _find_candidate(context: WriteContext, application: VendorRow) -> VendorRow:
    """The application's candidate. What v2 does not show yet has the id alone: it is there, whatever this says."""
    id = _find_in(application, "candidate", "id")
    if id is None:  # a dry run, which made neither
        return VendorRow("candidates", application.data)
    context.touch("candidates", [id])
    with suppress(VendorError):
        for row in await context.find("candidates", "id", [id]):
            return row
    return VendorRow("candidates", {"id": id})


async def _read_person(context: WriteContext, candidate: str | None) -> Data:
    """What v1 knows a candidate by. Raises ReferenceMissing where that is not there, or is another's as well."""
    rows = await context.find("candidates", "id", [candidate])
    if not rows:
        raise ReferenceMissing("candidate: the vendor has no such candidate")
    person: Data = {name: rows[0].find_text(name) for name in ("first_name", "last_name", "email")}
    missing = [name.replace("_", " ") for name, text in person.items() if not (text or "").strip()]
    if missing:
        raise ReferenceMissing(f"candidate: the vendor knows a candidate by more than it has: {', '.join(missing)}")
    for row in await context.all("applications", {"candidate.email": person["email"]}):
        email, id = _find_in(row, "candidate", "email"), _find_in(row, "candidate", "id")
        if id != candidate and email is not None and email.casefold() == person["email"].casefold():
            raise ReferenceMissing("candidate: another candidate has the same e-mail address, by which the vendor goes")
    return person


async def _write_fields(
    context: WriteContext,
    given: Given[Any],
    stage_field: str,
    stage: str | None,
    attributes: Mapping[str, str | None],
) -> Data:
    """What both writes send alike. Raises ReferenceMissing for what v1 would take for something else."""
    said, params = given.input, given.params or ApplicationParams()
    channel, phase = params.recruiting_channel_id, None
    if said.source_record is not None:
        if channel is not None:
            raise ReferenceMissing("source_record: integration_params.recruiting_channel_id says it already")
        channel = await _find_channel(context, said.source_record)
    if params.system_phase is not None:
        if stage is not None:
            raise ReferenceMissing(f"{stage_field}: integration_params.system_phase says it already")
        phase = {"type": "system", "id": params.system_phase}
    job = _read_number("job", said.job)
    if stage is not None:
        phase = {"type": "custom", "id": _read_number(stage_field, stage)}
        await _check_stage(context, stage_field, said.job, stage)
    every = {**attributes, "salary_expectations": params.salary_expectations, **_read_custom(said.custom_fields)}
    return {
        "job_position_id": job,
        "recruiting_channel_id": channel,
        "external_posting_id": params.external_posting_id,
        "message": params.message,
        "application_date": params.application_date.isoformat() if params.application_date else None,
        "phase": phase,
        "attributes": [{"id": id, "value": value} for id, value in every.items() if value is not None],
    }


def _take_one(field: str, values: Sequence[str] | None) -> str | None:
    if values and len(values) > 1:
        raise ReferenceMissing(f"{field}: the vendor takes one")
    return values[0] if values else None


def _read_number(field: str, id: str | None) -> int:
    """An id as v1 wants it, a number [official]; v2 has the same digits as text [client]."""
    if id is None or not (id.isascii() and id.isdecimal()) or len(id) > 18:
        raise ReferenceMissing(f"{field}: the vendor's id of it is no number, so nothing can be written with it")
    return int(id)


def _read_custom(fields: Mapping[str, Any] | None) -> dict[str, str]:
    """Custom attributes: every value is a text [official]."""
    found = {}
    for name, value in (fields or {}).items():
        if not CUSTOM_ATTRIBUTE.fullmatch(name):
            raise ReferenceMissing(f"custom_fields/{name}: the vendor's names are custom_attribute_ and a number")
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ReferenceMissing(f"custom_fields/{name}: the vendor takes a text")
        found[name] = str(value)
    return found


async def _check_stage(context: WriteContext, field: str, job: str | None, stage: str) -> None:
    """Raises ReferenceMissing for a stage that the job does not have: v1 would begin at `unassigned` [official]."""
    with suppress(PermissionMissing):  # what may not be seen speaks for nothing
        jobs = await context.find("jobs", "id", [job])
        category = _find_in(jobs[0], "category", "id") if jobs else None
        for row in await context.all("categories") if jobs else ():
            stages = [_find_id(one) for one in row.list_parts("stages")]
            if _find_id(row) == category and stage in stages:
                return
        if jobs:  # of a job that is not there the vendor says so itself
            raise ReferenceMissing(f"{field}: the job has no such stage")


def _find_id(part: RowPart) -> str | None:
    value = part.find_value("id")
    return str(value) if isinstance(value, int | str) and not isinstance(value, bool) else None


async def _walk_channels(context: OperationContext) -> AsyncIterator[tuple[str, str]]:
    """Id and name of the channel of each of the latest applications that have one."""
    for number in range(1, CHANNEL_PAGES + 1):
        rows = await context.page("applications", number, PAGE, {})
        for row in rows:
            id, name = _find_in(row, "channel", "id"), _find_in(row, "channel", "name")
            if id is not None and name is not None:
                yield id, name
        if len(rows) < PAGE:
            return


async def _find_channel(context: WriteContext, name: str) -> int:
    """The id of a channel, whose name is that of our record. Raises ReferenceMissing where no application shows it."""
    async for id, named in _walk_channels(context):
        if named == name:
            return _read_number("source_record", id)
    raise ReferenceMissing(
        f"source_record: none of the latest {CHANNEL_PAGES * PAGE:,} applications came through it, so its id at the "
        "vendor is not known; integration_params.recruiting_channel_id takes that"
    )


async def list_channels(context: OperationContext) -> Sequence[OfferedValue]:
    """The channels of the latest applications, by name."""
    found = {int(id): name async for id, name in _walk_channels(context) if id.isascii() and id.isdecimal()}
    return [OfferedValue(value=id, title=name) for id, name in sorted(found.items(), key=lambda one: (one[1], one[0]))]


async def _upload(context: WriteContext, place: int, file: SentFile) -> Data | None:
    """The entry of `files` for a file that was uploaded; None where the vendor refuses it."""
    step, name = f"attachment {place}", clean_file_name(file.file_name)

    async def send() -> Data:
        body, content_type = await write_file_form("file", name, file.content, file.content_type)
        call = VendorCall(path=DOCUMENTS, body=body, content_type=content_type, by_key=True, example_answer=EXAMPLE)
        uuid = find_uuid((await context.send_aside(step, call)).body)
        if uuid is None:
            raise VendorChanged(f"{call.name}: the answer has no uuid of the file")
        return {"uuid": uuid, "original_filename": name, "category": _choose_category(file.attachment_type)}

    return await context.attempt(step, send())


def _choose_category(kind: str | None) -> str:
    word = (kind or "").lower().replace("_", "-")
    return CATEGORIES.get(kind or "", word if word in OWN_CATEGORIES else "other")
