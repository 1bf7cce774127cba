"""Tags, given to candidates and taken from them: they are texts of their opportunities."""

from unihire.integration.operate import WriteContext
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import Given, Write
from unihire.integrations.lever.writes.applications import change_texts
from unihire.integrations.lever.writes.calling import CONTACTS, find_row, get_newest, is_same_text, list_opportunities
from unihire.model.inputs import TagCandidateInput, UntagCandidateInput


async def tag_candidate(context: WriteContext, given: Given[TagCandidateInput]) -> VendorRow:
    """The tag in every opportunity of the person."""
    name = given.input.name or ""
    await get_newest(context, given.target)
    rows = [row for row in await list_opportunities(context, given.target) if name not in row.list_texts("tags")]
    return await _change(context, given, "addTags", [(row, [name]) for row in rows])


async def untag_candidate(context: WriteContext, given: Given[UntagCandidateInput]) -> VendorRow:
    """The tag in no opportunity of the person, letter case aside."""
    name = given.input.name or ""
    found = [
        (row, [tag for tag in row.list_texts("tags") if is_same_text(tag, name)])
        for row in await list_opportunities(context, given.target)
    ]
    return await _change(context, given, "removeTags", [(row, tags) for row, tags in found if tags])


async def _change(
    context: WriteContext,
    given: Given[TagCandidateInput] | Given[UntagCandidateInput],
    name: str,
    changes: list[tuple[VendorRow, list[str]]],
) -> VendorRow:
    steps = [f"tag.{number}" for number in range(len(changes))]
    context.plan(steps)
    for step, (row, tags) in zip(steps, changes, strict=True):
        await change_texts(context, step, row, name, tags, given.actor)
    context.touch(CONTACTS, [given.target])
    return await find_row(context, CONTACTS, given.target, "candidate")


TAG_WRITES = (
    Write(
        model="candidate",
        verb="tag",
        run=tag_candidate,
        stream=CONTACTS,
        takes=("name",),
        lost_answer="state",
        named={"tags": "name"},
        note="Every application of the person gets it; a tag that is not there is made.",
    ),
    Write(
        model="candidate",
        verb="untag",
        run=untag_candidate,
        stream=CONTACTS,
        takes=("name",),
        lost_answer="state",
        named={"tags": "name"},
        note="It is taken from every application of the person.",
    ),
)
