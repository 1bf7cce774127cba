"""Tags: made, and given to candidates and taken from them, by their names."""

from unihire.integration.operate import OperationContext, VendorCall, WriteContext
from unihire.integration.vendor_row import VendorRow, list_ids
from unihire.integration.write import Given, Write
from unihire.integrations.greenhouse.comparing import fold_tag
from unihire.integrations.greenhouse.writes.making import Writer, scope_to
from unihire.integrations.greenhouse.writes.references import find_row, read_id
from unihire.model.inputs import TagCandidateInput, TagInput, UntagCandidateInput


async def create_tag(context: WriteContext, given: Given[TagInput]) -> VendorRow:
    """The tag of this name: the one there is, or a new one."""
    context.plan(["tag"], scopes=[scope_to("create", "candidate_tags")])
    return await _find_or_make_tag(context, Writer(context, given.actor), given.input.name or "")


async def tag_candidate(context: WriteContext, given: Given[TagCandidateInput]) -> VendorRow:
    id, name = given.target, given.input.name or ""
    candidate = await find_row(context, "candidates", id, "candidate")
    scopes = [scope_to("create", "applied_candidate_tags")]
    tag = await _find_tag(context, name)
    if tag is None:
        scopes.append(scope_to("create", "candidate_tags"))
    context.plan(["tag", "apply"] if tag is None else ["apply"], scopes=scopes)
    writer = Writer(context, given.actor)
    if tag is None:
        tag = await _find_or_make_tag(context, writer, name)
    tag_id = tag.get_number("id")

    async def holds() -> bool:
        return bool(await _find_applied(context, id, [tag_id]))

    if await holds():
        return candidate
    body = {"candidate_id": read_id(id, "candidate"), "candidate_tag_id": tag_id}
    call = VendorCall(path="/v3/applied_candidate_tags", body=body)
    await writer.change("apply", call, stream="candidates", id=id, holds=holds)
    context.touch("applied_candidate_tags", list_ids(await _find_applied(context, id, [tag_id])))
    return await find_row(context, "candidates", id, "candidate")


async def untag_candidate(context: WriteContext, given: Given[UntagCandidateInput]) -> VendorRow:
    """The candidate without the tag; without more ado where they do not have it."""
    id, name = given.target, fold_tag(given.input.name)
    await find_row(context, "candidates", id, "candidate")
    tags = [row for row in await context.all("candidate_tags") if fold_tag(row.find_text("name")) == name]
    applied = list_ids(await _find_applied(context, id, list_ids(tags)))
    steps = {f"take.{number}": number for number in applied}
    context.plan(steps, scopes=[scope_to("destroy", "applied_candidate_tags")])
    writer = Writer(context, given.actor)
    for step, number in steps.items():
        await _take(context, writer, step, number)
        context.touch("candidates", [id])
    return await find_row(context, "candidates", id, "candidate")


async def _take(context: WriteContext, writer: Writer, step: str, number: int) -> None:
    async def holds() -> bool:
        return not await context.find("applied_candidate_tags", "id", [number])

    call = VendorCall(method="DELETE", path=f"/v3/applied_candidate_tags/{number}")
    await writer.change(step, call, stream="applied_candidate_tags", id=str(number), holds=holds)


async def _find_tag(context: OperationContext, name: str) -> VendorRow | None:
    """The oldest tag of this name, letter case aside: the list has no filter by it."""
    found = [row for row in await context.all("candidate_tags") if fold_tag(row.find_text("name")) == fold_tag(name)]
    return min(found, key=lambda row: row.get_number("id"), default=None)


async def _find_or_make_tag(context: WriteContext, writer: Writer, name: str) -> VendorRow:
    found = await _find_tag(context, name)
    if found is not None:
        context.touch("candidate_tags", list_ids([found]))
        return found
    return await writer.make_plain("tag", "candidate_tags", {"name": name})


async def _find_applied(context: OperationContext, candidate: str, tags: list[int]) -> list[VendorRow]:
    """What says that the candidate has one of these tags."""
    rows = await context.find("applied_candidate_tags", "candidate_id", [candidate])
    return [row for row in rows if row.find_number("candidate_tag_id") in tags]


TAG_WRITES = (
    Write(
        model="candidate",
        verb="tag",
        run=tag_candidate,
        stream="candidates",
        takes=("name",),
        lost_answer="state",
        scopes=(scope_to("create", "applied_candidate_tags"),),
        more_scopes=(scope_to("create", "candidate_tags"),),
        named={"name": "name", "candidate_tag_id": "name"},
    ),
    Write(
        model="candidate",
        verb="untag",
        run=untag_candidate,
        stream="candidates",
        takes=("name",),
        lost_answer="state",
        scopes=(scope_to("destroy", "applied_candidate_tags"),),
    ),
    Write(
        model="tag",
        verb="create",
        run=create_tag,
        stream="candidate_tags",
        takes=("name",),
        lost_answer="listed",
        scopes=(scope_to("create", "candidate_tags"),),
        named={"name": "name"},
        note="The tag of this name where there is one, letter case aside; else a new one.",
    ),
)
