"""Operations that read candidates and applications."""

from typing import Annotated

from msgspec import Meta

from unihire.integration.operate import (
    Choice,
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
from unihire.integrations.greenhouse.harvest_v1.filters import Window, write_filters
from unihire.integrations.greenhouse.harvest_v1.operations import lists
from unihire.integrations.greenhouse.harvest_v1.shapes.applications import Application, shape_applications
from unihire.integrations.greenhouse.harvest_v1.shapes.company import in_order
from unihire.integrations.greenhouse.harvest_v1.shapes.people import Candidate, shape_candidates
from unihire.integrations.greenhouse.harvest_v1.values import sort_newest
from unihire.kit.text import normalise_text

STATUSES = ("active", "converted", "hired", "rejected")
"""The words that applications can be listed by, in v1 and v3 alike. For any other v1 gave an empty list."""

DigitId = Annotated[str, Meta(pattern="^[0-9]{1,18}$")]
MOST_IDS = 50


class GetCandidate(Input):
    candidate_id: Annotated[int, Meta(title="Candidate", extra_json_schema=choose_from("list_candidates_ddl"))]


class FoundCandidate(Output):
    candidate_found: bool
    body: Candidate | None


async def get_candidate(context: OperationContext, given: GetCandidate) -> FoundCandidate:
    shaped = await shape_candidates(context, await context.find("candidates", "id", [given.candidate_id]))
    return FoundCandidate(candidate_found=bool(shaped), body=shaped[0] if shaped else None)


class GetApplication(Input):
    application_id: Annotated[int, Meta(title="Application", description="The application's id.")]


class FoundApplication(Output):
    application_found: bool
    body: Application | None


async def get_application(context: OperationContext, given: GetApplication) -> FoundApplication:
    shaped = await shape_applications(context, await context.find("applications", "id", [given.application_id]))
    return FoundApplication(application_found=bool(shaped), body=shaped[0] if shaped else None)


class ListApplications(Input):
    created_before: lists.CreatedBefore = None
    created_after: lists.CreatedAfter = None
    last_activity_after: Annotated[
        lists.Moment | None,
        Meta(title="Last activity after", description="Last activity at this time or later."),
    ] = None
    job_id: Annotated[
        int | None,
        Meta(
            title="Job",
            description="On this job, prospects for it included.",
            extra_json_schema=choose_from("list_jobs_ddl"),
        ),
    ] = None
    status: Annotated[
        SearchText | None,
        Meta(
            title="Status",
            description=f"One of {', '.join(STATUSES)}, in any letter case; any other word finds nothing.",
        ),
    ] = None
    results_per_page: lists.PageSize = lists.DEFAULT_PAGE
    page: lists.PageNumber = 1


class Applications(Output):
    results: list[Application]


async def list_applications(context: OperationContext, given: ListApplications) -> Applications:
    status = normalise_text(given.status).lower() if given.status else None
    if status is not None and status not in STATUSES:
        return Applications(results=[])
    filters = write_filters(
        created_at=Window(given.created_after, given.created_before),
        last_activity_at=Window(given.last_activity_after),
    )
    if status is not None:
        filters["status"] = status
    number, size = given.page or 1, given.results_per_page or lists.DEFAULT_PAGE
    if given.job_id is None:
        rows = await context.page("applications", number, size, filters)
    else:
        rows = await _page_of_job(context, given.job_id, filters, number, size)
    return Applications(results=await shape_applications(context, rows))


async def _page_of_job(
    context: OperationContext, job_id: int, filters: dict[str, str], number: int, size: int
) -> list[VendorRow]:
    """A page of a job's applications and of the prospects considered for it, which v3 lists apart; newest first.

    The prospects are read whole. They move a page of the whole list by as many rows as they are, at most: of the
    applications only the pages that can reach into it are read.
    """
    considered = await context.all("applications", {**filters, "prospective_job_ids": str(job_id), "prospect": "true"})
    prospects = [row for row in considered if row.find_number("job_id") != job_id]
    start = (number - 1) * size
    first = max(0, start - len(prospects)) // size + 1
    own: list[VendorRow] = []
    for page in range(first, number + 1):
        rows = await context.page("applications", page, size, {**filters, "job_ids": str(job_id)})
        own += rows
        if not rows:
            break
    return sort_newest([*own, *prospects])[start - (first - 1) * size :][:size]


class ListCandidates(Input):
    created_before: lists.CreatedBefore = None
    created_after: lists.CreatedAfter = None
    updated_before: lists.UpdatedBefore = None
    updated_after: lists.UpdatedAfter = None
    job_id: Annotated[
        int | None,
        Meta(
            title="Job",
            description="With an application on this job; prospects for it are left out.",
            extra_json_schema=choose_from("list_jobs_ddl"),
        ),
    ] = None
    email: Annotated[SearchText | None, Meta(title="E-mail", description="With this address.")] = None
    candidate_ids: Annotated[
        Annotated[list[DigitId], Meta(max_length=MOST_IDS)] | None,
        Meta(
            title="Candidates",
            description=f"With one of these ids, {MOST_IDS} at most; passed over where an e-mail is given.",
        ),
    ] = None
    results_per_page: lists.PageSize = lists.DEFAULT_PAGE
    page: lists.PageNumber = 1


class Candidates(Output):
    results: list[Candidate]


async def list_candidates(context: OperationContext, given: ListCandidates) -> Candidates:
    return Candidates(results=await shape_candidates(context, await _page_of_candidates(context, given)))


async def _page_of_candidates(context: OperationContext, given: ListCandidates) -> list[VendorRow]:
    """v3 has no filter by job: its candidates are those of its applications. An e-mail goes before ids, as in v1."""
    page, size = given.page, given.results_per_page
    conditions = lists.within_times(given)
    if given.email or given.candidate_ids:
        return lists.cut(lists.filter_rows(await _find_named(context, given), conditions), page=page, size=size)
    if given.job_id is None:
        return await lists.list_page(context, "candidates", conditions, page=page, size=size)
    applications = await context.all("applications", {"job_ids": str(given.job_id), "prospect": "false"})
    ids: list[int] = sorted(set(list_ids(applications, "candidate_id")), reverse=True)
    if not conditions:
        return sort_newest(await context.find("candidates", "id", lists.cut(ids, page=page, size=size)))
    rows = sort_newest(await context.find("candidates", "id", ids))
    return lists.cut(lists.filter_rows(rows, conditions), page=page, size=size)


async def _find_named(context: OperationContext, given: ListCandidates) -> list[VendorRow]:
    """The candidates with the e-mail or the ids, newest first; with a job, those of them who applied for it."""
    if given.email:
        rows = await context.all("candidates", {"email": given.email})
    else:
        rows = sort_newest(await context.find("candidates", "id", given.candidate_ids or ()))
    if given.job_id is None:
        return rows
    applications = await context.find("applications", "candidate_id", list_ids(rows))
    on_job = [row for row in applications if row.find_number("job_id") == given.job_id]
    applied = set(list_ids([row for row in on_job if not row.find_flag("prospect")], "candidate_id"))
    return [row for row in rows if row.find_number("id") in applied]


async def list_candidates_ddl(context: OperationContext, _: Nothing) -> Choices:
    rows = reversed(await context.all("candidates"))
    return Choices(result=[Choice(text=_name(row), value=row.get_number("id")) for row in rows])


def _name(row: VendorRow) -> str:
    """A candidate's name; the id of one who has none."""
    names = (row.find_text("first_name"), row.find_text("last_name"))
    return " ".join(part for part in names if part) or str(row.get_number("id"))


async def list_candidate_custom_fields_ddl(context: OperationContext, _: Nothing) -> Choices:
    return lists.choose(in_order(await context.all("custom_fields", {"field_type": "candidate"})))


OPERATIONS = (
    Operation(
        name="get_application",
        title="Get application",
        description="Reads one application.",
        input=GetApplication,
        output=FoundApplication,
        run=get_application,
        calls="1, and for what belongs to it up to 7, then up to 6 at once: about 7 in all",
    ),
    Operation(
        name="get_candidate",
        title="Get candidate",
        description="Reads one candidate with all applications.",
        input=GetCandidate,
        output=FoundCandidate,
        run=get_candidate,
        calls="1, and for what belongs to it 3, then up to 8, then up to 6 at once: about 11 in all",
    ),
    Operation(
        name="list_applications",
        title="List applications",
        description="Lists applications, one page a call, newest first.",
        input=ListApplications,
        output=Applications,
        run=list_applications,
        calls=(
            "1, and for 100 applications about 15: files 2, stages 2, rejections and prospects 1 for 50, of jobs, "
            "sources, referrers, users, reasons, pools and pool stages 1 for 50 different ones, all offices 1, all "
            "departments 1. With a job 1 more for its prospects, and where it has any 1 more on later pages"
        ),
    ),
    Operation(
        name="list_candidates",
        title="List candidates",
        description="Lists candidates with all their applications, one page a call, newest first.",
        input=ListCandidates,
        output=Candidates,
        run=list_candidates,
        calls=(
            "1, and for 100 candidates with 150 applications about 25: applications 2, educations 2, employments 2, "
            "options 1 for 50, and what list_applications asks for. With a job 1 more for 500 of its applications, and "
            "with moments besides 1 for 50 of its candidates. By creation and update at once, pages of 500 candidates "
            "are read up to the one wanted"
        ),
    ),
    Operation(
        name="list_candidate_custom_fields_ddl",
        title="List candidate custom fields DDL",
        description="The active custom fields of candidates, in their order.",
        kind="ddl",
        input=Nothing,
        output=Choices,
        run=list_candidate_custom_fields_ddl,
        calls="1",
    ),
    Operation(
        name="list_candidates_ddl",
        title="List candidates DDL",
        description="All candidates by name, oldest first.",
        kind="ddl",
        input=Nothing,
        output=Choices,
        run=list_candidates_ddl,
        calls="1 for every 500 candidates",
    ),
)
