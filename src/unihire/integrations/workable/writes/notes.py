"""Comments on candidates, files that come with them, and ratings: all of them are in the candidate's timeline."""

from typing import Any

from unihire.errors import ReferenceMissing
from unihire.integration.declare import Data
from unihire.integration.operate import Trace, WriteContext
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import Given, SentFile, Write, needs_one_of
from unihire.integrations.workable.lookups import FILES, TIMELINE
from unihire.integrations.workable.mapping.people import name_file, name_resume
from unihire.integrations.workable.writes.calling import (
    CANDIDATES,
    NOT_MADE,
    call,
    find_inner,
    find_row,
    get_actor,
    get_application,
    get_id,
    is_same_text,
    trace,
)
from unihire.model.inputs import ActivityInput, AttachmentInput, CommentInput, ScorecardInput
from unihire.outbound.multipart import clean_file_name

NOTE, RESUME = "NOTE", "RESUME"

POLICIES: dict[str, list[str]] = {
    "PUBLIC": ["simple", "hiring_manager", "admin", "reviewer", "recruiting_admin"],
    "PRIVATE": ["hiring_manager", "admin", "recruiting_admin"],
    "ADMIN_ONLY": ["admin", "recruiting_admin"],
}
"""The roles that see a comment; without any, the vendor's own choice."""

GRADES = {"NO": 0, "YES": 1, "STRONG_YES": 2}
"""On the scale of thumbs."""


async def create_activity(context: WriteContext, given: Given[ActivityInput]) -> VendorRow:
    """The comment has its id alone, as a part of the candidate that is read with it."""
    input = given.input
    candidate = input.candidate or ""
    if input.application not in (None, candidate):
        raise ReferenceMissing("application: it is another candidate's")
    actor = get_actor(given, input.user)
    context.plan(["note"])
    row = await add_comment(context, "note", candidate, actor, _write_comment(input))
    return VendorRow(CANDIDATES, {"id": get_id(row)})


async def comment_candidate(context: WriteContext, given: Given[CommentInput]) -> VendorRow:
    """The candidate, who has a new comment."""
    actor = get_actor(given, given.input.user)
    context.plan(["note"])
    await add_comment(context, "note", given.target, actor, _write_comment(given.input))
    return await find_row(context, CANDIDATES, given.target, "candidate")


def _write_comment(input: ActivityInput | CommentInput) -> Data:
    policy = {} if input.visibility is None else {"policy": POLICIES[input.visibility]}
    return {"body": input.body or "", **policy}


async def add_comment(context: WriteContext, step: str, candidate: str, actor: str, comment: Data) -> VendorRow:
    """A comment, known again by its text and its author."""
    sent = call("POST", "/candidates/{}/comments", {"member_id": actor, "comment": comment}, candidate)
    found = _trace_activity(context, candidate, "comment", actor, comment["body"])
    row = await context.create(step, sent, stream=TIMELINE, trace=found)
    context.touch(CANDIDATES, [candidate])
    return row


def _trace_activity(context: WriteContext, candidate: str, action: str, actor: str, text: Any) -> Trace:
    async def look() -> list[VendorRow]:
        return await context.all(TIMELINE, {"candidate": candidate})

    def is_it(row: VendorRow) -> bool:
        is_theirs = find_inner(row, "member", "id") == actor
        return is_theirs and row.find_text("action") == action and is_same_text(row.find_text("body"), text)

    return trace(look, is_it)


async def create_attachment(context: WriteContext, given: Given[AttachmentInput]) -> VendorRow:
    input = given.input
    candidate = input.candidate or input.application or ""
    if input.application not in (None, candidate):
        raise ReferenceMissing("application: it is another candidate's")
    await find_row(context, CANDIDATES, candidate, "candidate")
    context.plan(["attachment"])
    return VendorRow(CANDIDATES, {"id": await add_file(context, "attachment", candidate, given.files[0], given.actor)})


async def add_file(context: WriteContext, step: str, candidate: str, file: SentFile, actor: str | None) -> str:
    """The id of the file. A résumé takes the place of the one there was; any other file comes with a comment."""
    name = clean_file_name(file.file_name)
    content = {"name": name, "data": file.content.in_json}
    if file.attachment_type == RESUME:
        await _set_resume(context, step, candidate, content)
        return name_resume(candidate)
    if actor is None:
        raise ReferenceMissing("remote_user_id: the vendor takes a file with a comment, in the name of a member alone")
    await add_comment(context, step, candidate, actor, {"body": name, "attachment": content})
    shown = [] if candidate == NOT_MADE else await context.all(FILES, {"candidate": candidate})
    same = [one.data for one in shown if one.find_text("name") == name]
    return name_file(candidate, {"name": name}, same[:-1])


async def _set_resume(context: WriteContext, step: str, candidate: str, content: Data) -> None:
    async def holds() -> bool:
        row = await get_application(context, candidate)
        return is_same_text(find_inner(row, "resume_metadata", "filename"), content["name"])

    sent = call("PATCH", "/candidates/{}", {"candidate": {"resume": content}}, candidate)
    await context.change(step, sent, stream=CANDIDATES, id=candidate, holds=holds)


async def submit_scorecard(context: WriteContext, given: Given[ScorecardInput]) -> VendorRow:
    """A rating in the name of the interviewer; the answer is empty, and it is found in the timeline."""
    input, candidate = given.input, given.input.application or ""
    actor = get_actor(given, input.interviewer)
    await get_application(context, candidate)
    context.plan(["scorecard"])
    body = {
        "member_id": actor,
        "comment": input.notes,
        "scale": "thumbs",
        "grade": GRADES[input.overall_recommendation or ""],
    }
    sent = call("POST", "/candidates/{}/ratings", body, candidate)
    found = _trace_activity(context, candidate, "rating", actor, input.notes)
    row = await context.create("scorecard", sent, stream=TIMELINE, trace=found)
    context.touch(CANDIDATES, [candidate])
    return VendorRow(CANDIDATES, {"id": get_id(row)})


AUTHOR = "The author is the user who acts, an active member with rights on the job."

NOTE_WRITES = (
    Write(
        model="activity",
        verb="create",
        run=create_activity,
        stream=CANDIDATES,
        takes=("user", "activity_type", "body", "visibility", "candidate", "application"),
        words={"activity_type": (NOTE,), "visibility": tuple(POLICIES)},
        lost_answer="listed",
        named={"body": "body", "comment": "body", "policy": "visibility"},
        note=AUTHOR,
    ),
    Write(
        model="candidate",
        verb="comment",
        run=comment_candidate,
        stream=CANDIDATES,
        takes=("body", "visibility", "user"),
        words={"visibility": tuple(POLICIES)},
        lost_answer="listed",
        named={"body": "body", "comment": "body", "policy": "visibility"},
        note=AUTHOR,
    ),
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
        named={"resume": "file_content", "attachment": "file_content"},
        note="A résumé takes the place of the one there was. Any other file comes with a comment that has its name, in "
        "the name of the user who acts.",
    ),
    Write(
        model="scorecard",
        verb="create",
        run=submit_scorecard,
        stream=CANDIDATES,
        takes=("application", "interviewer", "overall_recommendation", "notes"),
        requires=("overall_recommendation", "notes"),
        words={"overall_recommendation": tuple(GRADES)},
        lost_answer="listed",
        named={"comment": "notes", "grade": "overall_recommendation", "member_id": "interviewer"},
        note="The verdict is a thumb down, up, or two up; whoever has rated the candidate before is refused or changes "
        "that. The interviewer, or else the user who acts, is the author.",
    ),
)  # fmt: skip
