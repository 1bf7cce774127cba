"""Notes on candidates: as activities, and as comments."""

from typing import Annotated, Any

from msgspec import Meta

from unihire.errors import ReferenceMissing
from unihire.integration.declare import Data
from unihire.integration.operate import WriteContext
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import Given, Params, Write, needs_value
from unihire.integrations.greenhouse.writes.making import NOTE, Writer, leave_out_nones, scope_to
from unihire.integrations.greenhouse.writes.references import find_row, read_id
from unihire.model.inputs import ActivityInput, CommentInput

EMAIL = "EMAIL"

WRITTEN_VISIBILITIES = {"ADMIN_ONLY": "admin_only", "PRIVATE": "private", "PUBLIC": "public"}
"""Who sees a note; harvest_v3.json, notes."""

NAMED = {
    "candidate_id": "candidate",
    "application_id": "application",
    "note_type": "activity_type",
    "visibility": "visibility",
    "body": "body",
    "subject": "subject",
}


class EmailParams(Params):
    """Who an e-mail went between, where an activity is one."""

    email_to: Annotated[list[str] | None, Meta(description="Addresses it went to; of an e-mail.")] = None
    email_from: Annotated[list[str] | None, Meta(description="Addresses it came from; of an e-mail.")] = None
    email_cc: Annotated[list[str] | None, Meta(description="Addresses it was copied to; of an e-mail.")] = None


async def create_activity(context: WriteContext, given: Given[ActivityInput]) -> VendorRow:
    input = given.input
    kind = input.activity_type or NOTE
    mail: dict[str, Any] = {"subject": input.subject}
    if given.params is not None:
        mail |= {name: getattr(given.params, name) for name in ("email_to", "email_from", "email_cc")}
    mail = leave_out_nones(**mail)
    if mail and kind != EMAIL:
        raise ReferenceMissing(f"{next(iter(mail))}: only an activity of the type {EMAIL} has one at this vendor")
    context.plan(["note"], scopes=[scope_to("create", "notes")])
    body = leave_out_nones(
        candidate_id=read_id(input.candidate, "candidate"),
        application_id=read_id(input.application, "application"),
        body=input.body,
        visibility=_write_visibility(input.visibility),
        **mail,
    )
    return await _write_note(context, given, body, input.user, kind)


async def comment_candidate(context: WriteContext, given: Given[CommentInput]) -> VendorRow:
    """The candidate, who has a new note."""
    input = given.input
    context.plan(["note"], scopes=[scope_to("create", "notes")])
    body = {
        "candidate_id": read_id(given.target, "candidate"),
        "body": input.body,
        "visibility": _write_visibility(input.visibility),
    }
    await _write_note(context, given, body, input.user, NOTE)
    return await find_row(context, "candidates", given.target, "candidate")


async def _write_note(context: WriteContext, given: Given[Any], body: Data, author: str | None, kind: str) -> VendorRow:
    """The author acts: v3 takes no other, so nobody can be one where the grant acts for the user who gave it."""
    if author is not None and not context.can_act:
        raise ReferenceMissing("user: the grant acts for the user who gave it, who is the author of what it writes")
    row = await Writer(context, given.actor).make_note("note", body, author=read_id(author, "user"), kind=kind)
    context.touch("candidates", [body["candidate_id"]])
    return row


def _write_visibility(visibility: str | None) -> str:
    """As the pages of the vendor do where nobody says."""
    return WRITTEN_VISIBILITIES[visibility or "PUBLIC"]


NOTE_WRITES = (
    Write(
        model="activity",
        verb="create",
        run=create_activity,
        stream="notes",
        takes=("user", "activity_type", "subject", "body", "visibility", "candidate", "application"),
        rules=tuple(needs_value(field, "activity_type", EMAIL) for field in ("subject", "integration_params")),
        params=EmailParams,
        words={"activity_type": (NOTE, EMAIL, "ACTIVITY"), "visibility": tuple(WRITTEN_VISIBILITIES)},
        lost_answer="listed",
        scopes=(scope_to("create", "notes"),),
        named=NAMED,
        note="The author is the user who acts. A note is public where nothing is said of it.",
    ),
    Write(
        model="candidate",
        verb="comment",
        run=comment_candidate,
        stream="candidates",
        takes=("body", "visibility", "user"),
        words={"visibility": tuple(WRITTEN_VISIBILITIES)},
        lost_answer="listed",
        scopes=(scope_to("create", "notes"),),
        named={name: field for name, field in NAMED.items() if field in ("body", "visibility")},
        note="A note in the candidate's activity feed, which is public where nothing is said of it.",
    ),
)
