"""Notes, as activities and as comments: they belong to one opportunity."""

from unihire.integration.operate import WriteContext
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import Given, Write
from unihire.integrations.lever.lookups import NOTES
from unihire.integrations.lever.mapping.forms import join_texts
from unihire.integrations.lever.writes.calling import (
    CONTACTS,
    OPPORTUNITIES,
    below,
    call,
    choose_opportunity,
    find_row,
    get_id,
    trace_below,
)
from unihire.model.inputs import ActivityInput, CommentInput

VISIBILITIES = {"PUBLIC": False, "PRIVATE": True}
"""Whether a note is secret."""

NAMED = {"value": "body", "secret": "visibility"}


async def create_activity(context: WriteContext, given: Given[ActivityInput]) -> VendorRow:
    """A note; the row has its id alone, as a part of the opportunity that is read with it."""
    input = given.input
    opportunity = await choose_opportunity(context, input.application, input.candidate)
    note = await _add_note(context, opportunity, input, given.actor)
    return VendorRow(OPPORTUNITIES, {"id": note})


async def comment_candidate(context: WriteContext, given: Given[CommentInput]) -> VendorRow:
    """The candidate, whose newest application has a new note."""
    opportunity = await choose_opportunity(context, None, given.target)
    await _add_note(context, opportunity, given.input, given.actor)
    return await find_row(context, CONTACTS, given.target, "candidate")


async def _add_note(
    context: WriteContext, opportunity: VendorRow, input: ActivityInput | CommentInput, actor: str | None
) -> str:
    """The author acts: otherwise nobody is the author."""
    text, is_secret, id = input.body or "", VISIBILITIES[input.visibility or "PUBLIC"], get_id(opportunity)
    context.plan(["note"])

    def is_it(row: VendorRow) -> bool:
        said = join_texts((one.find_text("value") for one in row.list_parts("fields")), "\n\n") or ""
        return said.strip() == text.strip() and bool(row.find_flag("secret")) is is_secret

    sent = call(below(id, "notes"), {"value": text, "secret": is_secret}, input.user or actor)
    row = await context.create("note", sent, stream=NOTES, trace=trace_below(context, NOTES, id, is_it))
    context.touch(OPPORTUNITIES, [id])
    return get_id(row)


AUTHOR = "The author is the user who acts; without one it has none."

NOTE_WRITES = (
    Write(
        model="activity",
        verb="create",
        run=create_activity,
        stream=OPPORTUNITIES,
        takes=("user", "activity_type", "body", "visibility", "candidate", "application"),
        words={"activity_type": ("NOTE",), "visibility": tuple(VISIBILITIES)},
        lost_answer="listed",
        named=NAMED,
        note=f"It belongs to the application that is named, or else to the person's newest. {AUTHOR}",
    ),
    Write(
        model="candidate",
        verb="comment",
        run=comment_candidate,
        stream=CONTACTS,
        takes=("body", "visibility", "user"),
        words={"visibility": tuple(VISIBILITIES)},
        lost_answer="listed",
        named=NAMED,
        note=f"It belongs to the person's newest application. {AUTHOR}",
    ),
)
