"""Files: of an application, which v3 wants for each."""

from unihire.errors import ReferenceMissing
from unihire.integration.declare import Data
from unihire.integration.operate import WriteContext
from unihire.integration.vendor_row import VendorRow, list_ids
from unihire.integration.write import Given, SentFile, Write, needs_one_of
from unihire.integrations.greenhouse.writes.making import Writer, leave_out_nones, scope_to
from unihire.integrations.greenhouse.writes.references import find_row, read_id
from unihire.model.inputs import AttachmentInput

FILE_TYPES = {
    "RESUME": "resume",
    "COVER_LETTER": "cover_letter",
    "OFFER_LETTER": "offer_letter",
    "OTHER": "other",
}

OWN_FILE_TYPES = (
    "take_home_test", "offer_packet", "signed_offer_letter", "form_attachment", "midfunnel_agreement",
    "automated_agreement",
)  # fmt: skip
"""Types of the vendor's without a word in the vocabulary; harvest_v3.json, attachments."""


def write_file(application_id: int, file: SentFile) -> Data:
    """The body of a file. One without a type is `other`."""
    kind = file.attachment_type
    return leave_out_nones(
        application_id=application_id,
        filename=file.file_name,
        type=FILE_TYPES.get(kind, kind) if kind and kind != "-" else "other",
        content=file.content.in_json or None,
    )


async def create_attachment(context: WriteContext, given: Given[AttachmentInput]) -> VendorRow:
    input = given.input
    context.plan(["attachment"], scopes=[scope_to("create", "attachments")])
    if input.application is not None:
        application = (await find_row(context, "applications", input.application, "application")).get_number("id")
    else:
        application = await _find_newest_application(context, input.candidate)
    return await Writer(context, given.actor).make_attachment("attachment", write_file(application, given.files[0]))


async def _find_newest_application(context: WriteContext, candidate: str | None) -> int:
    if candidate is None:
        raise ReferenceMissing("application: a file needs an application, or a candidate who has one")
    rows = await context.find("applications", "candidate_id", [read_id(candidate, "candidate")])
    if not rows:
        raise ReferenceMissing("candidate: the vendor stores files with applications, and the candidate has none")
    return max(list_ids(rows))


FILE_WRITES = (
    Write(
        model="attachment",
        verb="create",
        run=create_attachment,
        stream="attachments",
        takes=(
            "file_name", "file_url", "file_content", "content_type", "attachment_type", "candidate", "application",
        ),
        rules=(needs_one_of("application", "candidate"),),
        words={"attachment_type": (*FILE_TYPES, *OWN_FILE_TYPES)},
        lost_answer="listed",
        scopes=(scope_to("create", "attachments"),),
        named={
            "application_id": "application",
            "filename": "file_name",
            "type": "attachment_type",
            "content": "file_content",
            "url": "file_url",
        },
        note="A file belongs to an application: where only a candidate is named, to the newest of theirs. The vendor "
        "tells the content type by the ending of the name.",
    ),
)  # fmt: skip
