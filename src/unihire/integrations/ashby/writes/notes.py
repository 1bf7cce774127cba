"""Notes on candidates, as activities and as comments; and e-mails, which the vendor never shows again."""

from typing import Annotated

from msgspec import Meta

from unihire.errors import ReferenceMissing
from unihire.integration.operate import Trace, WriteContext
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import Given, Params, Write, needs_value
from unihire.integrations.ashby.lookups import NOTES
from unihire.integrations.ashby.refusals import names_member
from unihire.integrations.ashby.writes.calling import call, find_row, get_id, leave_out_nones, look_nowhere, trace
from unihire.model.inputs import ActivityInput, CommentInput

CANDIDATES, EMAIL_MESSAGES = "candidates", "email_messages"
NOTE, EMAIL = "NOTE", "EMAIL"
VISIBILITIES = {"PUBLIC": False, "PRIVATE": True}
"""Whether a note is private; private ones need a switch of the key [official]."""

MARK = "emailProviderEmailId"
"""An e-mail's id at its provider: the vendor takes one once for each key [official]."""


class EmailParams(Params):
    """Who an e-mail went between, where an activity is one."""

    email_from: Annotated[str | None, Meta(description="The address it came from; of an e-mail.")] = None
    email_to: Annotated[str | None, Meta(description="The address it went to; of an e-mail.")] = None
    email_cc: Annotated[str | None, Meta(description="The address it was copied to; of an e-mail.")] = None


async def create_activity(context: WriteContext, given: Given[ActivityInput]) -> VendorRow:
    """A note or an e-mail: the row has its id alone, as a part of the candidate that is read with them."""
    input, candidate = given.input, given.input.candidate or ""
    if (input.activity_type or NOTE) == EMAIL:
        id = await _add_email(context, given, candidate)
    else:
        id = await _add_note(context, candidate, input.body or "", input.visibility, input.user or given.actor)
    return VendorRow(CANDIDATES, {"id": id})


async def comment_candidate(context: WriteContext, given: Given[CommentInput]) -> VendorRow:
    """The candidate, who has a new note."""
    input = given.input
    await _add_note(context, given.target, input.body or "", input.visibility, input.user or given.actor)
    return await find_row(context, CANDIDATES, given.target, "candidate")


async def _add_note(
    context: WriteContext, candidate: str, text: str, visibility: str | None, author: str | None
) -> str:
    """The author acts: otherwise the key is the author."""
    is_private = VISIBILITIES[visibility or "PUBLIC"]
    context.plan(["note"])
    body = {"candidateId": candidate, "note": {"type": "text/plain", "value": text}, "isPrivate": is_private}

    async def look() -> list[VendorRow]:
        return await context.all(NOTES, {"candidateId": candidate})

    def is_it(row: VendorRow) -> bool:
        is_same = (row.find_text("content") or "").strip() == text.strip()
        return is_same and row.find_flag("isPrivate") is not (not is_private)

    sent = call("candidate.createNote", body, author)
    row = await context.create("note", sent, stream=NOTES, trace=trace(look, is_it))
    context.touch(CANDIDATES, [candidate])
    return get_id(row)


async def _add_email(context: WriteContext, given: Given[ActivityInput], candidate: str) -> str:
    input, params = given.input, given.params or EmailParams()
    if input.subject is None:
        raise ReferenceMissing("subject: the vendor wants one of an e-mail")
    for name in ("email_from", "email_to"):
        if getattr(params, name) is None:
            raise ReferenceMissing(f"integration_params/{name}: the vendor wants it of an e-mail")
    context.plan(["email"])
    body = leave_out_nones(
        candidateId=candidate,
        emailProviderEmailId=context.mark("email"),
        subject=input.subject,
        body=input.body,
        to=params.email_to,
        cc=params.email_cc,
        userId=input.user,
        isPrivate=VISIBILITIES[input.visibility or "PUBLIC"],
        **{"from": params.email_from},
    )
    known = Trace(look=look_nowhere, is_there=lambda refusal: names_member(refusal, MARK))
    row = await context.create(
        "email", call("candidate.addEmailMessage", body, given.actor), stream=EMAIL_MESSAGES, trace=known
    )
    return get_id(row)


NOTE_NAMED = {"note": "body", "isPrivate": "visibility"}
ONLY_EMAIL = tuple(needs_value(field, "activity_type", EMAIL) for field in ("subject", "integration_params"))
AUTHOR = "The author is the user who acts, or else the key."

NOTE_WRITES = (
    Write(
        model="activity",
        verb="create",
        run=create_activity,
        stream=CANDIDATES,
        takes=("user", "activity_type", "subject", "body", "visibility", "candidate"),
        rules=ONLY_EMAIL,
        params=EmailParams,
        words={"activity_type": (NOTE, EMAIL), "visibility": tuple(VISIBILITIES)},
        lost_answer="listed",
        named={**NOTE_NAMED, "subject": "subject", "candidateId": "candidate"},
        note=f"{AUTHOR} An e-mail needs a subject and the addresses; the vendor never shows it again, so its answer "
        "has its id alone.",
    ),
    Write(
        model="candidate",
        verb="comment",
        run=comment_candidate,
        stream=CANDIDATES,
        takes=("body", "visibility", "user"),
        words={"visibility": tuple(VISIBILITIES)},
        lost_answer="listed",
        named=NOTE_NAMED,
        note=AUTHOR,
    ),
)
