"""Operations that read jobs and their stages, in the shapes of Harvest v1."""

from typing import Annotated, Literal

from msgspec import Meta

from unihire.integration.operate import (
    Choices,
    Input,
    Nothing,
    Operation,
    OperationContext,
    Output,
    SearchText,
    choose_from,
)
from unihire.integration.vendor_row import VendorRow, list_ids
from unihire.integrations.greenhouse.harvest_v1.operations import lists
from unihire.integrations.greenhouse.harvest_v1.shapes.company import in_order
from unihire.integrations.greenhouse.harvest_v1.shapes.jobs import Job, JobStage, shape_jobs, shape_stages
from unihire.integrations.greenhouse.harvest_v1.values import CUSTOM_FIELDS, sort_newest

JobId = Annotated[int, Meta(title="Job", description="The job's id.", extra_json_schema=choose_from("list_jobs_ddl"))]


class GetJob(Input):
    job_id: JobId


class JobFound(Output):
    job_found: bool
    body: Job | None


async def get_job(context: OperationContext, input: GetJob) -> JobFound:
    rows = await lists.find_by_id(context, "jobs", "id", input.job_id)
    jobs = await shape_jobs(context, rows[:1])
    return JobFound(job_found=bool(jobs), body=jobs[0] if jobs else None)


class ListJobs(Input):
    created_before: lists.CreatedBefore = None
    created_after: lists.CreatedAfter = None
    updated_before: lists.UpdatedBefore = None
    updated_after: lists.UpdatedAfter = None
    requisition_id: Annotated[
        int | SearchText | None, Meta(title="Requisition ID", description="The requisition id of the job.")
    ] = None
    opening_id: Annotated[
        int | SearchText | None,
        Meta(title="Opening ID", description="The opening id, as people write it, of one of the job's openings."),
    ] = None
    status: Annotated[
        Literal["open", "closed", "draft"] | None, Meta(title="Status", description="The status of the job.")
    ] = None
    department_id: Annotated[int | None, Meta(title="Department ID", description="The id of the job's department.")] = (
        None
    )
    external_department_id: Annotated[
        int | SearchText | None,
        Meta(title="External department ID", description="The id another system gave the job's department."),
    ] = None
    office_id: Annotated[int | None, Meta(title="Office ID", description="The id of one of the job's offices.")] = None
    external_office_id: Annotated[
        int | SearchText | None,
        Meta(title="External office ID", description="The id another system gave one of the job's offices."),
    ] = None
    custom_field_option_id: Annotated[
        int | None,
        Meta(title="Custom field option ID", description="An option chosen in one of the job's custom fields."),
    ] = None
    results_per_page: lists.PageSize = lists.DEFAULT_PAGE
    page: lists.PageNumber = 1


class Jobs(Output):
    results: list[Job]


async def list_jobs(context: OperationContext, input: ListJobs) -> Jobs:
    """A page of jobs, newest first. Jobs of an opening are looked up; v3 pages all others but those of an option."""
    conditions = await _list_conditions(context, input)
    if conditions is None:
        return Jobs(results=[])
    if input.opening_id is None:
        rows = await lists.list_page(context, "jobs", conditions, page=input.page, size=input.results_per_page)
    else:
        openings = await context.all("openings", {"opening_id": str(input.opening_id)})
        found = await context.find("jobs", "id", sorted(set(list_ids(openings, "job_id")), reverse=True))
        rows = lists.cut(
            sort_newest(lists.filter_rows(found, conditions)), page=input.page, size=input.results_per_page
        )
    return Jobs(results=await shape_jobs(context, rows))


async def _list_conditions(context: OperationContext, input: ListJobs) -> list[lists.Condition] | None:
    """What the jobs must meet; None where no job can."""
    conditions = lists.within_times(input)
    conditions += lists.equals("requisition_id", input.requisition_id, param="requisition_id")
    conditions += lists.equals("status", input.status, param="status")
    conditions += lists.equals("department_id", input.department_id, param="department_id")
    conditions += lists.includes("office_ids", input.office_id, param="office_id")
    if input.external_department_id is not None:
        department = await _find_external(context, "departments", input.external_department_id)
        if department is None:
            return None
        conditions += lists.equals("department_id", department.get_number("id"), param="department_id")
    if input.external_office_id is not None:
        office = await _find_external(context, "offices", input.external_office_id)
        if office is None:
            return None
        conditions += lists.includes("office_ids", office.get_number("id"), param="office_id")
    if input.custom_field_option_id is not None:
        chosen = await _has_option(context, input.custom_field_option_id)
        if chosen is None:
            return None
        conditions.append(chosen)
    return conditions


async def _find_external(context: OperationContext, stream: str, external_id: int | str) -> VendorRow | None:
    rows = await context.all(stream, {"external_id": str(external_id)})
    return rows[0] if rows else None


async def _has_option(context: OperationContext, id: int) -> lists.Condition | None:
    """That an option is chosen: v3 has no such filter, and a row shows an option by its name."""
    options = await lists.find_by_id(context, "custom_field_options", "id", id)
    fields = await context.find("custom_fields", "id", list_ids(options, "custom_field_id"))
    if not fields or fields[0].find_text("field_type") != "job":
        return None
    key, name = fields[0].get_text("name_key"), options[0].get_text("name")

    def accepts(row: VendorRow) -> bool:
        field = row.map_parts(CUSTOM_FIELDS).get(key)
        value = None if field is None else field.find_value("value")
        return name in value if isinstance(value, list) else bool(value == name)

    return lists.Condition(accepts)


class ListJobStages(Input):
    created_before: lists.CreatedBefore = None
    created_after: lists.CreatedAfter = None
    updated_before: lists.UpdatedBefore = None
    updated_after: lists.UpdatedAfter = None
    per_page: lists.PageSize = lists.DEFAULT_PAGE
    page: lists.PageNumber = 1


class JobStages(Output):
    results: list[JobStage]


async def list_job_stages(context: OperationContext, input: ListJobStages) -> JobStages:
    conditions = lists.within_times(input)
    rows = await lists.list_page(context, "job_interview_stages", conditions, page=input.page, size=input.per_page)
    return JobStages(results=await shape_stages(context, rows))


class ListJobStagesForJob(Input):
    job_id: JobId
    created_before: lists.CreatedBefore = None
    created_after: lists.CreatedAfter = None
    updated_before: lists.UpdatedBefore = None
    updated_after: lists.UpdatedAfter = None


async def list_job_stages_for_job(context: OperationContext, input: ListJobStagesForJob) -> JobStages:
    """The stages of one job, in the order a candidate goes through them; those taken out of use come last."""
    conditions = lists.within_times(input)
    rows = lists.filter_rows(
        await lists.find_by_id(context, "job_interview_stages", "job_id", input.job_id), conditions
    )
    used = in_order(rows)
    return JobStages(results=await shape_stages(context, used + [row for row in rows if row not in used]))


async def list_jobs_ddl(context: OperationContext, input: Nothing) -> Choices:
    rows = await context.all("jobs")
    return lists.choose(reversed(sort_newest(rows)))


class ListJobStagesForJobDdl(Input):
    job_id: JobId


async def list_job_stages_for_job_ddl(context: OperationContext, input: ListJobStagesForJobDdl) -> Choices:
    """The stages in use: nobody can be put into another."""
    rows = await lists.find_by_id(context, "job_interview_stages", "job_id", input.job_id)
    return lists.choose(in_order(rows))


AROUND_A_JOB = "its departments, offices, openings, hiring managers, owners, then users and close reasons"

OPERATIONS = (
    Operation(
        name="get_job",
        title="Get job",
        description="Retrieve a job by its ID.",
        input=GetJob,
        output=JobFound,
        run=get_job,
        calls=f"1, and 7 for what belongs to it: {AROUND_A_JOB}",
    ),
    Operation(
        name="list_jobs",
        title="List jobs",
        description="List all of an organization's jobs, newest first.",
        input=ListJobs,
        output=Jobs,
        run=list_jobs,
        calls=(
            "1, and for 100 jobs about 12: all departments 1, all offices 1, openings 2, hiring managers 2, owners 2, "
            "users 1 for 50, close reasons 1 for 50. An external id or an opening takes 1 more, an option 2. By "
            "option, and by creation and update at once, pages of 500 jobs are read up to the one wanted"
        ),
        advanced=("external_department_id", "external_office_id", "custom_field_option_id"),
    ),
    Operation(
        name="list_job_stages",
        title="List job stages",
        description="List all of an organization's job stages, newest first.",
        input=ListJobStages,
        output=JobStages,
        run=list_job_stages,
        calls=(
            "1, and for 100 stages about 7: interviews and kits by 50 jobs, questions and default interviewers by 50 "
            "kits, users by 50"
        ),
    ),
    Operation(
        name="list_job_stages_for_job",
        title="List job stages for job",
        description="Retrieve the stages for the specified job ID.",
        input=ListJobStagesForJob,
        output=JobStages,
        run=list_job_stages_for_job,
        calls="6: stages, interviews, kits, questions, default interviewers, users",
    ),
    Operation(
        name="list_job_stages_for_job_ddl",
        title="List job stages for job DDL",
        description="The stages of one job, by name.",
        kind="ddl",
        input=ListJobStagesForJobDdl,
        output=Choices,
        run=list_job_stages_for_job_ddl,
        calls="1",
    ),
    Operation(
        name="list_jobs_ddl",
        title="List jobs DDL",
        description="All jobs, by name.",
        kind="ddl",
        input=Nothing,
        output=Choices,
        run=list_jobs_ddl,
        calls="1 for 500 jobs",
    ),
)
