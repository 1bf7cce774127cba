"""Jobs, which are postings, and users."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from unihire.integration.declare import Data
from unihire.integration.operate import WriteContext
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import Given, Params, Write, at_most
from unihire.integrations.lever.writes.calling import call, is_same_text, leave_out_nones, to_millis, trace
from unihire.integrations.lever.writes.candidates import join_name
from unihire.model.inputs import JobInput, RemoteUserInput

POSTINGS, USERS = "postings", "users"

STATES = {"DRAFT": "draft", "OPEN": "published", "CLOSED": "closed", "PENDING": "pending"}

WORKPLACES = Literal["onsite", "remote", "hybrid"]

ROLES = Literal["super admin", "admin", "team member", "limited team member", "interviewer"]


class PostingParams(Params):
    """What a posting has beside: its department and place may be new ones."""

    department: Annotated[str | None, Meta(description="A department by its name, which may be a new one.")] = None
    location: Annotated[str | None, Meta(description="A place by its name, which may be a new one.")] = None
    team: Annotated[str | None, Meta(description="The team.")] = None
    commitment: Annotated[str | None, Meta(description="The kind of employment, in the customer's words.")] = None
    workplace_type: Annotated[WORKPLACES | None, Meta(description="Where the work is done.")] = None


class UserParams(Params):
    """What a user may do."""

    access_role: Annotated[ROLES, Meta(description="The role in the account.")] = "interviewer"


async def create_job(context: WriteContext, given: Given[JobInput]) -> VendorRow:
    input, params = given.input, given.params or PostingParams()
    places = [*(input.offices or ()), *([params.location] if params.location else ())]
    categories = leave_out_nones(
        department=params.department or next(iter(input.departments or ()), None),
        location=next(iter(places), None),
        allLocations=places or None,
        team=params.team,
        commitment=params.commitment,
    )
    body = leave_out_nones(
        text=input.name,
        state=STATES[input.status or "DRAFT"],
        owner=next(iter(input.recruiters or ()), None),
        hiringManager=next(iter(input.hiring_managers or ()), None),
        categories=categories or None,
        content=None if input.description is None else {"descriptionHtml": input.description},
        workplaceType=params.workplace_type,
        requisitionCodes=None if input.code is None else [input.code],
    )
    context.plan(["job"])

    async def look(since: datetime) -> list[VendorRow]:
        rows: list[VendorRow] = await context.all(POSTINGS)
        return [row for row in rows if (row.find_number("createdAt") or 0) >= to_millis(since)]

    def is_it(row: VendorRow) -> bool:
        return is_same_text(row.find_text("text"), input.name) and row.find_text("state") == body["state"]

    return await context.create("job", call("/postings", body, given.actor), stream=POSTINGS, trace=trace(look, is_it))


async def create_user(context: WriteContext, given: Given[RemoteUserInput]) -> VendorRow:
    """A user, known again by the address: the vendor takes one once."""
    input = given.input
    name = join_name(input.first_name, input.last_name)
    body: Data = leave_out_nones(
        name=name or input.email,
        email=input.email,
        accessRole=(given.params or UserParams()).access_role,
        externalDirectoryId=input.employee_id,
        jobTitle=input.title,
    )
    context.plan(["user"])

    async def look(_: datetime) -> list[VendorRow]:
        rows: list[VendorRow] = await context.all(USERS, {"email": input.email})
        return rows

    def is_it(row: VendorRow) -> bool:
        return is_same_text(row.find_text("email"), input.email) and is_same_text(row.find_text("name"), body["name"])

    return await context.create("user", call("/users", body), stream=USERS, trace=trace(look, is_it))


COMPANY_WRITES = (
    Write(
        model="job",
        verb="create",
        run=create_job,
        stream=POSTINGS,
        takes=("name", "description", "code", "status", "departments", "offices", "hiring_managers", "recruiters"),
        requires=("name",),
        params=PostingParams,
        rules=(at_most("departments", 1), at_most("hiring_managers", 1), at_most("recruiters", 1)),
        words={"status": tuple(STATES)},
        needs_actor=True,
        lost_answer="listed",
        named={
            "text": "name",
            "state": "status",
            "content": "description",
            "owner": "recruiters",
            "hiringManager": "hiring_managers",
            "requisitionCodes": "code",
        },
        note="A posting, without approval; a draft where no status is named. Its owner is the recruiter, or else the "
        "user who acts.",
    ),
    Write(
        model="remote_user",
        verb="create",
        run=create_user,
        stream=USERS,
        takes=("first_name", "last_name", "email", "title", "employee_id"),
        params=UserParams,
        no_actor="The vendor takes no acting user where it makes one.",
        lost_answer="listed",
        named={"name": "first_name", "email": "email", "jobTitle": "title", "externalDirectoryId": "employee_id"},
        note="An interviewer, unless another role is named. An address that a user has is refused.",
    ),
)
