"""Files: sent to the vendor's store first, then added to a candidate."""

from unihire.errors import ReferenceMissing, VendorChanged
from unihire.integration.operate import VendorCall, WriteContext
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import Given, SentFile, Write, needs_one_of
from unihire.integrations.ashby.mapping.people import list_files
from unihire.integrations.ashby.writes.calling import call, find_inner, find_row, trace
from unihire.kit.file_contents import FileBytes
from unihire.model.inputs import AttachmentInput
from unihire.outbound.decoding import OBJECT, Undecodable, decode
from unihire.outbound.multipart import clean_file_name, write_file_form

CANDIDATES, FILES = "candidates", "files"
RESUME = "RESUME"
NOWHERE = "results.file"
"""The candidate is answered, and not which of the files is the new one: that is found in the list of them."""

HANDLE_CALL = "file.createFileUploadHandle"
EXAMPLE = b'{"results": {"handle": "made up", "url": "https://files.example.com/made-up", "fields": {}}}'
"""An answer, made up."""


async def add_file(context: WriteContext, step: str, candidate: str, file: SentFile, actor: str | None) -> VendorRow:
    """The file, with its id. A handle lives ten minutes, and is made anew by a repeat."""
    name = clean_file_name(file.file_name)
    kind = file.content_type or "application/octet-stream"
    is_resume = file.attachment_type == RESUME
    handle = await _upload(
        context, step, "CandidateResume" if is_resume else "CandidateFiles", name, kind, file.content
    )
    body = {"candidateId": candidate, "resumeHandle" if is_resume else "fileHandle": handle}

    async def look() -> list[VendorRow]:
        row = await find_row(context, CANDIDATES, candidate, "candidate")
        return [VendorRow(FILES, one) for one in list_files(row.data)]

    sent = call("candidate.uploadResume" if is_resume else "candidate.uploadFile", body, actor, item=NOWHERE)
    known = trace(look, lambda row: row.find_text("name") == name)
    row = await context.create(step, sent, stream=FILES, trace=known)
    context.touch(CANDIDATES, [candidate])
    return row


async def _upload(context: WriteContext, step: str, purpose: str, name: str, kind: str, content: FileBytes) -> str:
    """The handle under which the content is stored, which nothing refers to yet."""
    asked = {
        "fileUploadContext": purpose,
        "filename": name,
        "contentType": kind,
        "contentLength": content.size,
    }
    got = await context.send_aside(
        f"{step}.handle", VendorCall(path=f"/{HANDLE_CALL}", body=asked, example_answer=EXAMPLE)
    )
    try:
        results = decode(got.body, OBJECT)["results"]
        handle, url, fields = results["handle"], results["url"], results.get("fields") or {}
        assert isinstance(handle, str)
        assert isinstance(url, str)
        before = {str(member): str(text) for member, text in fields.items()}
    except (Undecodable, LookupError, TypeError, AttributeError, AssertionError) as error:
        raise VendorChanged(f"/{HANDLE_CALL}: the answer has no handle and address") from error
    form, form_type = await write_file_form("file", name, content, kind, before=before)
    where = VendorCall(path="the vendor's file store", url=url, body=form, content_type=form_type)
    await context.send_aside(f"{step}.content", where)
    return handle


async def create_attachment(context: WriteContext, given: Given[AttachmentInput]) -> VendorRow:
    input = given.input
    candidate = input.candidate
    if candidate is None:
        row = await find_row(context, "applications", input.application, "application")
        candidate = find_inner(row, "candidate", "id")
    if not isinstance(candidate, str):
        raise ReferenceMissing("candidate: a file belongs to a candidate")
    context.plan(["attachment"])
    file = await add_file(context, "attachment", candidate, given.files[0], given.actor)
    return VendorRow(CANDIDATES, {"id": file.find_value("id")})


FILE_WRITES = (
    Write(
        model="attachment",
        verb="create",
        run=create_attachment,
        stream=CANDIDATES,
        takes=(
            "file_name", "file_url", "file_content", "content_type", "attachment_type", "candidate", "application",
        ),
        rules=(needs_one_of("application", "candidate"),),
        words={"attachment_type": (RESUME, "OTHER")},
        lost_answer="listed",
        named={
            "filename": "file_name",
            "contentType": "content_type",
            "contentLength": "file_content",
            "candidateId": "candidate",
        },
        note="A file belongs to a candidate: with an application it is added to its candidate. A résumé takes the "
        "place of the one there was, which stays among the files; the vendor fills what the candidate lacks from it.",
    ),
)  # fmt: skip
