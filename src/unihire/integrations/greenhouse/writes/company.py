"""What a company sets up: departments, offices, jobs and users."""

from typing import Annotated, Any

from msgspec import Meta

from unihire.errors import ReferenceMissing
from unihire.integration.operate import WriteContext
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import Given, Params, Write, at_most
from unihire.integrations.greenhouse.mapping.jobs import RECRUITER
from unihire.integrations.greenhouse.writes.choices import list_templates
from unihire.integrations.greenhouse.writes.custom_values import read_fields_of, write_given
from unihire.integrations.greenhouse.writes.making import Writer, leave_out_nones, scope_to
from unihire.integrations.greenhouse.writes.references import read_id, read_ids
from unihire.model.inputs import DepartmentInput, JobInput, OfficeInput, RemoteUserInput

WITH_A_JOB = ("job_posts", "openings", "job_interview_stages", "job_interviews", "job_hiring_managers", "job_owners")
"""Lists that have rows of a new job: copies of its template's, and what is made beside it."""


async def create_department(context: WriteContext, given: Given[DepartmentInput]) -> VendorRow:
    input = given.input
    context.plan(["department"], scopes=[scope_to("create", "departments")])
    body = leave_out_nones(name=input.name, parent_id=read_id(input.parent, "parent"))
    return await Writer(context, given.actor).make_plain("department", "departments", body)


async def create_office(context: WriteContext, given: Given[OfficeInput]) -> VendorRow:
    input = given.input
    context.plan(["office"], scopes=[scope_to("create", "offices")])
    body = leave_out_nones(name=input.name, location=input.location, parent_id=read_id(input.parent, "parent"))
    return await Writer(context, given.actor).make_plain("office", "offices", body)


async def create_job(context: WriteContext, given: Given[JobInput]) -> VendorRow:
    """The job, a copy of its template; then each of its hiring managers and recruiters, without whom it stands."""
    input = given.input
    template = read_id(input.template_id, "template_id")
    if template is None:
        raise ReferenceMissing("template_id: the vendor makes a job as a copy of another")
    department = _choose_department(read_ids(input.departments, "departments") or [])
    custom = await write_given(context, "job", input.custom_fields)
    team = _write_team(input)
    scopes = dict.fromkeys(scope_to("create", stream) for _, stream, _ in team)
    context.plan(["job", *(step for step, _, _ in team)], scopes=[scope_to("create", "jobs"), *scopes])
    sets = leave_out_nones(
        department_id=department,
        office_ids=read_ids(input.offices, "offices") or None,
        requisition_id=input.code,
        custom_fields=custom.values or None,
    )
    body = {
        "template_job_id": template,
        "number_of_openings": 1 if input.openings is None else input.openings,
        **leave_out_nones(job_name=input.name, job_post_name=input.name),
        **sets,
    }
    shown = {**sets, "copied_from_id": template, **leave_out_nones(name=input.name)}
    shown.pop("custom_fields", None)
    writer = Writer(context, given.actor)
    row = await writer.make_plain("job", "jobs", body, shown=shown, field_keys=custom.keys)
    job = row.get_number("id")
    for step, stream, member in team:
        among = {"job_ids": str(job)}
        work = writer.make_plain(step, stream, {"job_id": job, **member}, among=among, within="job")
        await context.attempt(step, work)
    for stream in WITH_A_JOB:
        await writer.touch_found(stream, "job_id", [job])
    return row


def _choose_department(departments: list[int]) -> int | None:
    if len(departments) > 1:
        raise ReferenceMissing("departments: at this vendor a job is in one department")
    return departments[0] if departments else None


def _write_team(input: JobInput) -> list[tuple[str, str, dict[str, Any]]]:
    """The step, the list and the members of each who is in charge of a job."""
    managers = read_ids(input.hiring_managers, "hiring_managers") or []
    recruiters = read_ids(input.recruiters, "recruiters") or []
    return [
        *((f"hiring_manager.{place}", "job_hiring_managers", {"user_id": id}) for place, id in enumerate(managers)),
        *(
            (f"recruiter.{place}", "job_owners", {"user_id": id, "type": RECRUITER})
            for place, id in enumerate(recruiters)
        ),
    ]


class UserParams(Params):
    """How a user is welcomed."""

    send_email_invite: Annotated[bool, Meta(description="Whether the vendor mails the user an invitation.")] = False


async def create_user(context: WriteContext, given: Given[RemoteUserInput]) -> VendorRow:
    """The user, known again by the e-mail address, of which the vendor takes no second one."""
    input, params = given.input, given.params or UserParams()
    custom = await write_given(context, "user_attribute", input.custom_fields)
    context.plan(["user"], scopes=[scope_to("create", "users")])
    sets = leave_out_nones(
        first_name=input.first_name,
        last_name=input.last_name,
        primary_email=input.email,
        job_title=input.title,
        employee_id=input.employee_id,
        office_ids=read_ids(input.offices, "offices") or None,
        department_ids=read_ids(input.departments, "departments") or None,
    )
    body = {
        **sets,
        **leave_out_nones(
            custom_fields=custom.values or None, send_email_invite=True if params.send_email_invite else None
        ),
    }
    among = {"primary_email": input.email or ""}
    writer = Writer(context, given.actor)
    row = await writer.make_plain("user", "users", body, among=among, shown=sets, field_keys=custom.keys)
    await writer.touch_found("user_emails", "user_id", [row.get_number("id")])
    return row


def _declare(model: str, run: Any, stream: str, takes: tuple[str, ...], named: dict[str, str], **more: Any) -> Write:
    return Write(
        model=model,
        verb="create",
        run=run,
        stream=stream,
        takes=takes,
        lost_answer="listed",
        scopes=(scope_to("create", stream),),
        named=named,
        **more,
    )


COMPANY_WRITES = (
    _declare(
        "department", create_department, "departments", ("name", "parent"), {"name": "name", "parent_id": "parent"}
    ),
    _declare(
        "office",
        create_office,
        "offices",
        ("name", "location", "parent"),
        {"name": "name", "location": "location", "parent_id": "parent"},
    ),
    _declare(
        "job",
        create_job,
        "jobs",
        (
            "name", "code", "departments", "offices", "hiring_managers", "recruiters", "template_id", "openings",
            "custom_fields",
        ),
        {
            "template_job_id": "template_id",
            "number_of_openings": "openings",
            "job_name": "name",
            "job_post_name": "name",
            "department_id": "departments",
            "office_ids": "offices",
            "requisition_id": "code",
            "custom_fields": "custom_fields",
        },
        requires=("template_id", "name"),
        more_scopes=(scope_to("create", "job_hiring_managers"), scope_to("create", "job_owners")),
        custom_fields=read_fields_of("job"),
        options={"template_id": list_templates},
        rules=(at_most("departments", 1),),
        note="A job is a copy of another, with its stages and interview plan, and opens with one opening where no "
        "number is said. It is in one department. Its text is that of its posts.",
    ),
    _declare(
        "remote_user",
        create_user,
        "users",
        ("first_name", "last_name", "email", "title", "employee_id", "offices", "departments", "custom_fields"),
        {
            "first_name": "first_name",
            "last_name": "last_name",
            "primary_email": "email",
            "job_title": "title",
            "employee_id": "employee_id",
            "office_ids": "offices",
            "department_ids": "departments",
            "custom_fields": "custom_fields",
        },
        requires=("first_name", "last_name"),
        params=UserParams,
        custom_fields=read_fields_of("user_attribute"),
        note="A user without roles, who is invited where the parameter says so.",
    ),
)  # fmt: skip
