"""Departments, offices and jobs."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta

from unihire.integration.declare import Data
from unihire.integration.operate import WriteContext
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import Given, Params, Write, at_most
from unihire.integrations.ashby.lookups import FOUND_JOBS
from unihire.integrations.ashby.writes.calling import (
    call,
    change_until,
    find_row,
    get_id,
    is_same_text,
    leave_out_nones,
    trace,
)
from unihire.model.inputs import DepartmentInput, JobInput, OfficeInput

DEPARTMENTS, LOCATIONS, JOBS = "departments", "locations", "jobs"
STATUSES = {"DRAFT": "Draft", "OPEN": "Open", "CLOSED": "Closed", "ARCHIVED": "Archived"}


async def create_department(context: WriteContext, given: Given[DepartmentInput]) -> VendorRow:
    body = leave_out_nones(name=given.input.name, parentId=given.input.parent)
    return await _make(context, given, "department", DEPARTMENTS, body, ("name", "parentId"))


class OfficeParams(Params):
    """What the vendor knows of a location besides."""

    workplace_type: Annotated[
        Literal["OnSite", "Hybrid", "Remote"] | None, Meta(description="Where people work who belong to it.")
    ] = None
    is_remote: Annotated[bool | None, Meta(description="Whether it is no place.")] = None


async def create_office(context: WriteContext, given: Given[OfficeInput]) -> VendorRow:
    input, params = given.input, given.params or OfficeParams()
    body = leave_out_nones(
        name=input.name,
        type="Location",
        address=_write_address(input.location),
        parentLocationId=input.parent,
        isRemote=params.is_remote,
        workplaceType=params.workplace_type,
    )
    return await _make(context, given, "location", LOCATIONS, body, ("name", "type", "parentLocationId"))


def _write_address(text: str | None) -> Data | None:
    """An address by the commas of its text: the first part is the place, the last the country, between a region."""
    parts = [part.strip() for part in (text or "").split(",") if part.strip()]
    if not parts:
        return None
    members = {"addressLocality": parts[0]}
    if len(parts) > 1:
        members["addressCountry"] = parts[-1]
    if len(parts) > 2:
        members["addressRegion"] = ", ".join(parts[1:-1])
    return {"postalAddress": members}


async def _make(
    context: WriteContext, given: Given[Any], noun: str, stream: str, body: Data, shown: Sequence[str]
) -> VendorRow:
    """One thing, known again in its list by the members that its row shows as they were sent."""
    context.plan([noun])

    async def look() -> list[VendorRow]:
        return await context.all(stream)

    def is_it(row: VendorRow) -> bool:
        same = (is_same_text(row.find_value(name), body[name]) for name in shown if name in body)
        return all(same)

    sent = call(f"{noun}.create", body, given.actor)
    return await context.create(noun, sent, stream=stream, trace=trace(look, is_it))


class JobParams(Params):
    """What a job is made with."""

    interview_plan_id: Annotated[UUID | None, Meta(description="Its interview plan; else the vendor's default.")] = None
    brand_id: Annotated[UUID | None, Meta(description="Its brand; else the vendor's default.")] = None


async def create_job(context: WriteContext, given: Given[JobInput]) -> VendorRow:
    """The job, a draft; then its status, without which it stands."""
    input, params = given.input, given.params or JobParams()
    body = leave_out_nones(
        title=input.name,
        teamId=next(iter(input.departments or ()), None),
        locationId=next(iter(input.offices or ()), None),
        defaultInterviewPlanId=None if params.interview_plan_id is None else str(params.interview_plan_id),
        jobTemplateId=input.template_id,
        brandId=None if params.brand_id is None else str(params.brand_id),
    )
    status = None if input.status is None else STATUSES[input.status]
    context.plan(["job", *(["status"] if status is not None else ())])

    async def look() -> list[VendorRow]:
        return await context.all(FOUND_JOBS, {"title": input.name})

    def is_it(row: VendorRow) -> bool:
        members = (("title", "title"), ("departmentId", "teamId"), ("locationId", "locationId"))
        return all(is_same_text(row.find_value(shown), body[sent]) for shown, sent in members)

    row = await context.create("job", call("job.create", body, given.actor), stream=JOBS, trace=trace(look, is_it))
    if status is not None:
        await context.attempt("status", _set_status(context, get_id(row), status, given.actor))
    return row


async def _set_status(context: WriteContext, id: str, status: str, actor: str | None) -> None:
    async def holds() -> bool:
        return (await find_row(context, JOBS, id, "job")).find_text("status") == status

    sent = call("job.setStatus", {"jobId": id, "status": status}, actor)
    await change_until(context, "status", sent, JOBS, id, holds)


COMPANY_WRITES = (
    Write(
        model="department",
        verb="create",
        run=create_department,
        stream=DEPARTMENTS,
        takes=("name", "parent"),
        lost_answer="listed",
        named={"name": "name", "parentId": "parent"},
    ),
    Write(
        model="office",
        verb="create",
        run=create_office,
        stream=LOCATIONS,
        takes=("name", "location", "parent"),
        params=OfficeParams,
        lost_answer="listed",
        named={"name": "name", "address": "location", "parentLocationId": "parent"},
        note="A location is sent as town, region and country, by its commas. An office that another is part of is a "
        "region, which the vendor's pages make.",
    ),
    Write(
        model="job",
        verb="create",
        run=create_job,
        stream=JOBS,
        takes=("name", "departments", "offices", "status", "template_id"),
        requires=("name", "departments", "offices"),
        params=JobParams,
        rules=(at_most("departments", 1), at_most("offices", 1)),
        words={"status": tuple(STATUSES)},
        lost_answer="listed",
        named={
            "title": "name",
            "teamId": "departments",
            "locationId": "offices",
            "status": "status",
            "jobTemplateId": "template_id",
        },
        note="A job begins as a draft; a status that is refused leaves it one. It has one department and one office.",
    ),
)
