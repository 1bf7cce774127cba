"""Files, which belong to one opportunity; posted as a form."""

from unihire.integration.operate import VendorCall, WriteContext
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import Given, SentFile, Write, needs_one_of
from unihire.integrations.lever.lookups import FILES
from unihire.integrations.lever.mapping.people import name_file
from unihire.integrations.lever.writes.calling import (
    ACTING_USER,
    OPPORTUNITIES,
    below,
    choose_opportunity,
    get_id,
    trace_below,
)
from unihire.model.inputs import AttachmentInput
from unihire.outbound.multipart import clean_file_name, write_file_form


async def add_file(context: WriteContext, step: str, opportunity: str, file: SentFile, actor: str | None) -> VendorRow:
    """The file, known again by its name and size."""
    name = clean_file_name(file.file_name)
    form, form_type = await write_file_form("file", name, file.content, file.content_type)

    def is_it(row: VendorRow) -> bool:
        return name_file(row.data) == name and row.find_number("size") in (None, file.content.size)

    sent = VendorCall(
        path=below(opportunity, "files"), body=form, content_type=form_type, item="data",
        query={} if actor is None else {ACTING_USER: actor},
    )  # fmt: skip
    row = await context.create(step, sent, stream=FILES, trace=trace_below(context, FILES, opportunity, is_it))
    context.touch(OPPORTUNITIES, [opportunity])
    return row


async def create_attachment(context: WriteContext, given: Given[AttachmentInput]) -> VendorRow:
    input = given.input
    opportunity = await choose_opportunity(context, input.application, input.candidate)
    context.plan(["attachment"])
    file = await add_file(context, "attachment", get_id(opportunity), given.files[0], given.actor)
    return VendorRow(OPPORTUNITIES, {"id": file.find_value("id")})


FILE_WRITES = (
    Write(
        model="attachment",
        verb="create",
        run=create_attachment,
        stream=OPPORTUNITIES,
        takes=(
            "file_name", "file_url", "file_content", "content_type", "attachment_type", "candidate", "application",
        ),
        rules=(needs_one_of("application", "candidate"),),
        words={"attachment_type": ("OTHER",)},
        needs_actor=True,
        lost_answer="listed",
        named={"file": "file_content"},
        note="It belongs to the application that is named, or else to the person's newest. The vendor has no way to "
        "add a résumé to one.",
    ),
)  # fmt: skip
