"""Candidates: made on a job or in the talent pool, changed, and their tags, which are replaced as a whole."""

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta

from unihire.integration.declare import Data
from unihire.integration.operate import OperationContext, WriteContext
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import Given, Params, SentFile, Write, at_most, needs
from unihire.integrations.workable.lookups import PROFILES
from unihire.integrations.workable.refusals import is_already_there
from unihire.integrations.workable.writes.calling import (
    CANDIDATES,
    NOT_MADE,
    call,
    change_until,
    find_job,
    find_row,
    get_actor,
    get_id,
    get_stage,
    is_same_text,
    leave_out_nones,
    move_to,
    trace,
)
from unihire.integrations.workable.writes.custom_values import list_steps, read_fields, set_values, write_values
from unihire.integrations.workable.writes.notes import RESUME, add_file
from unihire.model import Url
from unihire.model.inputs import CandidateChanges, CandidateInput, TagCandidateInput, UntagCandidateInput
from unihire.outbound.multipart import clean_file_name

MEMBERS = {
    "first_name": "firstname",
    "last_name": "lastname",
    "title": "headline",
    "email_addresses": "email",
    "phone_numbers": "phone",
    "locations": "address",
    "urls": "social_profiles",
    "tags": "tags",
}
"""What the vendor calls the fields that it takes of a person."""

NAMED = {member: field for field, member in MEMBERS.items()} | {"name": "first_name"}

PERSON = (*MEMBERS, "custom_fields")

ALWAYS_THERE = ("first_name", "last_name", "email_addresses")
"""What no candidate is without."""

NETWORKS = ("linkedin", "twitter", "facebook", "github", "stackoverflow", "dribbble", "behance")
"""The types of profiles, by the host where nothing else says it."""


class CandidateParams(Params):
    """What a candidate is made with besides."""

    sourced: Annotated[
        bool, Meta(description="Whether somebody found them. Without it they have applied, and the vendor thanks them.")
    ] = True
    summary: Annotated[str | None, Meta(description="A text about the person.")] = None
    cover_letter: Annotated[str | None, Meta(description="The text of a cover letter.")] = None


async def create_candidate(context: WriteContext, given: Given[CandidateInput]) -> VendorRow:
    """The candidate, with the résumé; then what may fail without undoing that: a stage, custom fields, other files."""
    input, params = given.input, given.params or CandidateParams()
    values = await write_values(context, input.custom_fields)
    files = given.files
    resume = next((file for file in files if file.attachment_type == RESUME), None)
    others = [file for file in files if file is not resume]
    stage, actor = None, given.actor
    if input.job_interview_stage is not None:
        stage = await get_stage(context, input.job_interview_stage, input.job, "job_interview_stage")
    if stage is not None or others:
        actor = get_actor(given)
    context.plan(
        [
            "candidate",
            *(["stage"] if stage is not None else ()),
            *list_steps(values),
            *(f"attachment.{number}" for number in range(len(others))),
        ]
    )
    person = write_person(input, frozenset(MEMBERS)) | leave_out_nones(
        summary=params.summary,
        cover_letter=params.cover_letter,
        domain=input.source_record,
        resume=None if resume is None else write_file(resume),
    )
    row = await _make_candidate(context, input.job, {"sourced": params.sourced, "candidate": person})
    id = get_id(row)
    if stage is not None:
        await context.attempt("stage", move_to(context, "stage", id, stage, actor or ""))
    if values:
        await context.attempt("custom_fields", set_values(context, id, values))
    for number, file in enumerate(others):
        step = f"attachment.{number}"
        await context.attempt(step, add_file(context, step, id, file, actor))
    return row


def write_person(input: Any, sent: frozenset[str]) -> Data:
    """The members of a person that are named in `sent` and are not empty."""
    found = {}
    for field, member in MEMBERS.items():
        value = getattr(input, field) if field in sent else None
        if value is None:
            continue
        if field == "urls":
            found[member] = [write_profile(url) for url in value if url.value]
        elif field == "tags":
            found[member] = list(dict.fromkeys(value))
        elif isinstance(value, list):
            if value:
                found[member] = value[0]
        else:
            found[member] = value
    return found


def write_profile(url: Url) -> Data:
    """A profile has a type: the one that is said, or that of the host."""
    said = str(url.type or "").lower()
    host = (url.value or "").partition("//")[2].partition("/")[0].lower()
    found = next((name for name in NETWORKS if f".{name}." in f".{host}"), "website")
    return {"type": said or found, "url": url.value}


def write_file(file: SentFile) -> Data:
    return {"name": clean_file_name(file.file_name), "data": file.content.in_json}


async def _make_candidate(context: WriteContext, job: str | None, body: Data) -> VendorRow:
    """The candidate, known again by the address; on one job the vendor takes an address once."""
    person = body["candidate"]
    asked = leave_out_nones(email=person["email"], shortcode=job)

    async def look() -> list[VendorRow]:
        return await context.all(CANDIDATES, asked)

    def is_it(row: VendorRow) -> bool:
        return find_job(row) == job and all(
            is_same_text(row.find_text(name), person[name]) for name in ("email", "firstname", "lastname")
        )

    if job is None:
        sent = call("POST", "/talent_pool/candidates", body, item="candidate")
    else:
        sent = call("POST", "/jobs/{}/candidates", body, job, item="candidate")
    known = trace(look, is_it, None if job is None else is_already_there)
    return await context.create("candidate", sent, stream=CANDIDATES, trace=known)


async def update_candidate(context: WriteContext, given: Given[CandidateChanges]) -> VendorRow:
    """Only what was sent; a list that is sent replaces the one there is."""
    id, input, sent = given.target, given.input, given.sent
    await find_row(context, CANDIDATES, id, "candidate")
    values = await write_values(context, input.custom_fields)
    body = write_person(input, sent)
    for field, member in MEMBERS.items():
        if field in sent and member not in body:
            body[member] = [] if field in ("urls", "tags") else ""
    context.plan([*(["update"] if body else ()), *list_steps(values)])
    if body:
        await _update(context, id, body)
    if values:
        await set_values(context, id, values)
    return await find_row(context, CANDIDATES, id, "candidate")


async def _update(context: WriteContext, id: str, body: Data) -> None:
    async def holds() -> bool:
        return is_changed(await find_row(context, PROFILES, id, "candidate"), body)

    sent = call("PATCH", "/candidates/{}", {"candidate": body}, id)
    await context.change("update", sent, stream=CANDIDATES, id=id, holds=holds)


def is_changed(row: VendorRow, body: Data) -> bool:
    """Whether a candidate is as the change has it."""
    for member, value in body.items():
        if member == "social_profiles":
            shown = {one.find_text("url") for one in row.list_parts(member)} if row.find_value(member) else set()
            if shown != {one["url"] for one in value}:
                return False
        elif member == "tags":
            if set(row.list_texts(member)) != set(value):
                return False
        elif not is_same_text(row.find_text(member), value):
            return False
    return True


async def tag_candidate(context: WriteContext, given: Given[TagCandidateInput]) -> VendorRow:
    """The tag beside those there are; without more ado where it is one of them."""
    return await _set_tag(context, given.target, given.input.name or "", has_it=True)


async def untag_candidate(context: WriteContext, given: Given[UntagCandidateInput]) -> VendorRow:
    """The candidate without the tag; without more ado where they do not have it."""
    return await _set_tag(context, given.target, given.input.name or "", has_it=False)


async def _set_tag(context: WriteContext, id: str, name: str, *, has_it: bool) -> VendorRow:
    """All tags are sent: what another changed between the reading and the writing is lost."""
    context.plan(["tags"])
    tags = [] if id == NOT_MADE else await _list_tags(context, id)
    others = [tag for tag in tags if not is_same_text(tag, name)]

    async def holds() -> bool:
        return any(is_same_text(tag, name) for tag in await _list_tags(context, id)) is has_it

    sent = call("PUT", "/candidates/{}/tags", {"tags": [*others, name] if has_it else others}, id)
    await change_until(context, "tags", sent, id, holds)
    return await find_row(context, CANDIDATES, id, "candidate")


async def _list_tags(context: OperationContext, id: str) -> Sequence[str]:
    return (await find_row(context, PROFILES, id, "candidate")).list_texts("tags")


ONE_EACH = tuple(at_most(field, 1) for field in ("email_addresses", "phone_numbers", "locations"))

CANDIDATE_WRITES = (
    Write(
        model="candidate",
        verb="create",
        run=create_candidate,
        stream=CANDIDATES,
        takes=(*PERSON, "attachments", "job", "job_interview_stage", "source_record"),
        requires=ALWAYS_THERE,
        params=CandidateParams,
        rules=(needs("job_interview_stage", "job"), *ONE_EACH),
        custom_fields=read_fields,
        lost_answer="listed",
        named={
            **NAMED,
            "resume": "attachments",
            "domain": "source_record",
            "target_stage": "job_interview_stage",
        },
        note="Without a job the candidate is in the talent pool. With one, it is the application too, at the stage for "
        "sourced people, and nothing is mailed; an address that is on the job already is refused. A stage, and a file "
        "that is no résumé, need a user who acts. What is refused of stage, custom fields and files leaves the "
        "candidate.",
    ),
    Write(
        model="candidate",
        verb="update",
        run=update_candidate,
        stream=CANDIDATES,
        takes=PERSON,
        cannot_empty=(*ALWAYS_THERE, "custom_fields"),
        rules=ONE_EACH,
        custom_fields=read_fields,
        lost_answer="state",
        no_actor="The vendor changes candidates in nobody's name.",
        named=NAMED,
        note="A person has a row on each job: those on other jobs stay as they are. Tags and addresses of profiles are "
        "replaced as a whole. Values of custom fields are written, and are in no answer.",
    ),
    Write(
        model="candidate",
        verb="tag",
        run=tag_candidate,
        stream=CANDIDATES,
        takes=("name",),
        lost_answer="state",
        no_actor="The vendor takes tags in nobody's name.",
        named={"tags": "name"},
        note="All tags are written at once: one that another program gives at the same moment may be lost.",
    ),
    Write(
        model="candidate",
        verb="untag",
        run=untag_candidate,
        stream=CANDIDATES,
        takes=("name",),
        lost_answer="state",
        no_actor="The vendor takes tags in nobody's name.",
        named={"tags": "name"},
        note="All tags are written at once: one that another program gives at the same moment may be lost.",
    ),
)
