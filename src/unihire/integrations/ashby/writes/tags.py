"""Tags: made, and given to candidates and taken from them, by their names."""

from unihire.integration.operate import OperationContext, WriteContext
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import Given, Write
from unihire.integrations.ashby.writes.calling import call, change_until, find_row, get_id, is_same_text, trace
from unihire.model.inputs import TagCandidateInput, TagInput, UntagCandidateInput

CANDIDATES, TAGS = "candidates", "candidate_tags"


async def create_tag(context: WriteContext, given: Given[TagInput]) -> VendorRow:
    """The tag of this name: the one there is, or a new one."""
    context.plan(["tag"])
    return await find_or_make_tag(context, "tag", given.input.name or "", given.actor)


async def find_or_make_tag(context: WriteContext, step: str, name: str, actor: str | None) -> VendorRow:
    found = await _list_tags(context, name)
    if found:
        context.touch(TAGS, [get_id(found[0])])
        return found[0]

    async def look() -> list[VendorRow]:
        return await _list_tags(context, name)

    sent = call("candidateTag.create", {"title": name}, actor)
    return await context.create(step, sent, stream=TAGS, trace=trace(look, lambda _: True))


async def _list_tags(context: OperationContext, name: str) -> list[VendorRow]:
    """Those of this name, letter case aside, that may be given."""
    rows = await context.all(TAGS)
    return [
        row for row in rows if is_same_text(row.find_text("title"), name) and row.find_flag("isArchived") is not True
    ]


async def apply_tag(context: WriteContext, candidate: str, name: str, actor: str | None, *, step: str) -> None:
    """Give a candidate the tag of this name, which is made where it is not there."""
    tag = get_id(await find_or_make_tag(context, f"{step}.made", name, actor))

    async def holds() -> bool:
        return tag in await _list_given(context, candidate)

    sent = call("candidate.addTag", {"candidateId": candidate, "tagId": tag}, actor)
    await change_until(context, step, sent, CANDIDATES, candidate, holds)


async def _list_given(context: OperationContext, candidate: str, name: str | None = None) -> list[str]:
    """The ids of the candidate's tags; with a name, of those that are called so."""
    row = await find_row(context, CANDIDATES, candidate, "candidate")
    return [
        id
        for tag in row.list_parts("tags")
        if (id := tag.find_text("id")) and (name is None or is_same_text(tag.find_text("title"), name))
    ]


async def tag_candidate(context: WriteContext, given: Given[TagCandidateInput]) -> VendorRow:
    await find_row(context, CANDIDATES, given.target, "candidate")
    context.plan(["tag"])
    await apply_tag(context, given.target, given.input.name or "", given.actor, step="tag")
    return await find_row(context, CANDIDATES, given.target, "candidate")


async def untag_candidate(context: WriteContext, given: Given[UntagCandidateInput]) -> VendorRow:
    """The candidate without the tag; without more ado where they do not have it."""
    id = given.target
    tags = await _list_given(context, id, given.input.name or "")
    context.plan(f"take.{tag}" for tag in tags)
    for tag in tags:
        await _take(context, id, tag, given.actor)
    return await find_row(context, CANDIDATES, id, "candidate")


async def _take(context: WriteContext, candidate: str, tag: str, actor: str | None) -> None:
    async def holds() -> bool:
        return tag not in await _list_given(context, candidate)

    sent = call("candidate.removeTag", {"candidateId": candidate, "tagId": tag}, actor)
    await context.change(f"take.{tag}", sent, stream=CANDIDATES, id=candidate, holds=holds)


TAG_WRITES = (
    Write(
        model="candidate",
        verb="tag",
        run=tag_candidate,
        stream=CANDIDATES,
        takes=("name",),
        lost_answer="state",
        named={"title": "name", "tagId": "name"},
        note="A tag that is not there is made, for which the key needs to write Hiring Process Metadata.",
    ),
    Write(
        model="candidate",
        verb="untag",
        run=untag_candidate,
        stream=CANDIDATES,
        takes=("name",),
        lost_answer="state",
        named={"tagId": "name"},
    ),
    Write(
        model="tag",
        verb="create",
        run=create_tag,
        stream=TAGS,
        takes=("name",),
        lost_answer="listed",
        named={"title": "name"},
        note="The tag of this name where there is one, letter case aside; else a new one.",
    ),
)
