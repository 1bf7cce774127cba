"""The values that parameters of writes take, of the rows of the account."""

from collections.abc import Sequence

from unihire.integration.operate import OperationContext
from unihire.integration.vendor_row import VendorRow, by_id, list_ids
from unihire.integration.write import OfferedValue


async def list_open_openings(context: OperationContext) -> Sequence[OfferedValue]:
    """The openings that can be filled, by the id customers give them and their job."""
    rows = await context.all("openings", {"open": "true"})
    return await _show_with_jobs(context, rows, "opening_id")


async def list_close_reasons(context: OperationContext) -> Sequence[OfferedValue]:
    rows = await context.all("close_reasons")
    return [OfferedValue(value=row.get_number("id"), title=row.find_text("name") or "-") for row in rows]


async def list_planned_interviews(context: OperationContext) -> Sequence[OfferedValue]:
    """The interviews of every job's plan, by their names and their job."""
    rows = [row for row in await context.all("job_interviews") if row.find_flag("active") is not False]
    return await _show_with_jobs(context, rows, "name")


async def list_planned_stages(context: OperationContext) -> Sequence[OfferedValue]:
    """The stages in which the plans of jobs have interviews."""
    rows = [row for row in await context.all("job_interviews") if row.find_flag("active") is not False]
    stages = dict.fromkeys(row.find_number("job_interview_stage_id") for row in rows)
    return [OfferedValue(value=stage, title=str(stage)) for stage in stages if stage is not None]


async def list_creditable(context: OperationContext) -> Sequence[OfferedValue]:
    """The users who can be credited: those the vendor has among its referrers."""
    users = [row.find_number("user_id") for row in await context.all("referrers")]
    return [OfferedValue(value=user, title=str(user)) for user in users if user is not None]


async def list_templates(context: OperationContext) -> Sequence[OfferedValue]:
    """The jobs that one can be a copy of: every job."""
    rows = await context.all("jobs")
    return [OfferedValue(value=str(row.get_number("id")), title=row.find_text("name") or "-") for row in rows]


async def _show_with_jobs(context: OperationContext, rows: Sequence[VendorRow], member: str) -> list[OfferedValue]:
    """Each row by a text of its own, or its id, and the name of its job: `Phone screen (Software engineer)`."""
    jobs = by_id(await context.find("jobs", "id", list_ids(rows, "job_id")))
    found = []
    for row in rows:
        id, job = row.get_number("id"), jobs.get(row.find_number("job_id") or 0)
        name = row.find_text(member) or str(id)
        title = name if job is None else f"{name} ({job.find_text('name')})"
        found.append(OfferedValue(value=id, title=title, job=None if job is None else str(job.get_number("id"))))
    return found
