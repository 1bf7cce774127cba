"""Departments and users."""

from typing import Annotated

from msgspec import Meta

from unihire.integration.operate import WriteContext
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import Given, Params, Write
from unihire.integrations.workable.writes.calling import call, get_actor, is_same_text, leave_out_nones, trace
from unihire.model.inputs import DepartmentInput, RemoteUserInput

DEPARTMENTS, MEMBERS = "departments", "members"


async def create_department(context: WriteContext, given: Given[DepartmentInput]) -> VendorRow:
    body = leave_out_nones(name=given.input.name, parent_id=given.input.parent)
    context.plan(["department"])

    async def look() -> list[VendorRow]:
        return await context.all(DEPARTMENTS)

    def is_it(row: VendorRow) -> bool:
        is_same = is_same_text(row.find_text("name"), body["name"])
        return is_same and row.find_value("parent_id") == body.get("parent_id")

    sent = call("POST", "/departments", body)
    return await context.create("department", sent, stream=DEPARTMENTS, trace=trace(look, is_it))


class MemberParams(Params):
    """What a user may do."""

    roles: Annotated[
        tuple[str, ...], Meta(description="The roles of the user, `ats.simple` for one.", min_length=1, max_length=20)
    ] = ("ats.simple",)


async def invite_member(context: WriteContext, given: Given[RemoteUserInput]) -> VendorRow:
    """A user who is invited by mail, and says a name when the invitation is taken."""
    email, actor = given.input.email or "", get_actor(given)
    context.plan(["member"])

    async def look() -> list[VendorRow]:
        return await context.all(MEMBERS, {"email": email})

    def is_it(row: VendorRow) -> bool:
        return is_same_text(row.find_text("email"), email)

    body = {"member_id": actor, "email": email, "roles": list((given.params or MemberParams()).roles)}
    sent = call("POST", "/members/invite", body)
    return await context.create("member", sent, stream=MEMBERS, trace=trace(look, is_it))


COMPANY_WRITES = (
    Write(
        model="department",
        verb="create",
        run=create_department,
        stream=DEPARTMENTS,
        takes=("name", "parent"),
        lost_answer="listed",
        no_actor="The vendor makes departments in nobody's name.",
        named={"name": "name", "parent_id": "parent"},
    ),
    Write(
        model="remote_user",
        verb="create",
        run=invite_member,
        stream=MEMBERS,
        takes=("email",),
        params=MemberParams,
        lost_answer="listed",
        needs_actor=True,
        named={"email": "email"},
        note="The vendor mails an invitation to the address; the name is the user's to say.",
    ),
)
