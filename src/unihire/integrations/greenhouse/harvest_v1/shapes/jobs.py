"""Jobs and their stages in the shapes of Harvest v1, which nests what v3 has in lists of their own."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from unihire.integration.operate import OperationContext, Output
from unihire.integration.vendor_row import VendorRow, by_id, group_by, list_ids
from unihire.integrations.greenhouse.harvest_v1.shapes.company import (
    Department,
    Office,
    in_order,
    read_departments,
    read_offices,
)
from unihire.integrations.greenhouse.harvest_v1.values import (
    KeyedField,
    UserSummary,
    show_user,
    to_custom_fields,
    to_keyed_fields,
    to_moment,
)


class CloseReason(Output):
    id: int
    name: str


class Opening(Output):
    id: int
    opening_id: str | None
    status: str
    opened_at: str | None
    closed_at: str | None
    application_id: int | None
    close_reason: CloseReason | None
    custom_fields: dict[str, Any]
    keyed_custom_fields: dict[str, KeyedField]


class Owner(UserSummary):
    """A recruiter or coordinator; `responsible` for new candidates of the job."""

    responsible: bool


class HiringTeam(Output):
    hiring_managers: list[UserSummary]
    recruiters: list[Owner]
    coordinators: list[Owner]
    sourcers: list[UserSummary]


class Job(Output):
    id: int
    name: str
    requisition_id: str | None
    notes: str | None
    confidential: bool
    status: str
    created_at: str | None
    opened_at: str | None
    closed_at: str | None
    updated_at: str | None
    is_template: bool | None
    copied_from_id: int | None
    departments: list[Department]
    offices: list[Office]
    custom_fields: dict[str, Any]
    keyed_custom_fields: dict[str, KeyedField]
    hiring_team: HiringTeam
    openings: list[Opening]


class Question(Output):
    id: int
    question: str


class InterviewKit(Output):
    """`content` is what the kit asks of a candidate: v3's `exercises`."""

    id: int
    content: str | None
    questions: list[Question]


class StageInterview(Output):
    id: int
    name: str
    schedulable: bool | None
    estimated_minutes: int | None
    default_interviewer_users: list[UserSummary]
    interview_kit: InterviewKit | None
    created_at: str | None
    updated_at: str | None
    job_id: int


class JobStage(Output):
    id: int
    name: str
    created_at: str | None
    updated_at: str | None
    active: bool
    job_id: int
    priority: int | None
    interviews: list[StageInterview]


async def read_close_reasons(context: OperationContext, openings: Iterable[VendorRow]) -> dict[int, VendorRow]:
    """The reasons these openings were closed for, by id: 1 call for 50."""
    return by_id(await context.find("close_reasons", "id", list_ids(openings, "close_reason_id")))


def shape_opening(row: VendorRow, reasons: Mapping[int, VendorRow]) -> Opening:
    return Opening(
        id=row.get_number("id"),
        opening_id=row.find_text("opening_id"),
        status="open" if row.get_flag("open") else "closed",
        opened_at=to_moment(row.find_moment("opened_at")),
        closed_at=to_moment(row.find_moment("closed_at")),
        application_id=row.find_number("application_id"),
        close_reason=_find_reason(reasons, row.find_number("close_reason_id")),
        custom_fields=to_custom_fields(row),
        keyed_custom_fields=to_keyed_fields(row),
    )


def _find_reason(reasons: Mapping[int, VendorRow], id: int | None) -> CloseReason | None:
    reason = reasons.get(id) if id is not None else None
    return None if reason is None else CloseReason(id=reason.get_number("id"), name=reason.get_text("name"))


async def shape_jobs(context: OperationContext, rows: list[VendorRow]) -> list[Job]:
    """Jobs with department, offices, openings and hiring team, asked for in two rounds for all of them at once."""
    ids = list_ids(rows)
    departments, offices, openings, managers, owners = await asyncio.gather(
        read_departments(context, list_ids(rows, "department_id")),
        read_offices(context, (id for row in rows for id in row.list_numbers("office_ids"))),
        context.find("openings", "job_id", ids),
        context.find("job_hiring_managers", "job_id", ids),
        context.find("job_owners", "job_id", ids),
    )
    team = list_ids([*managers, *owners], "user_id")
    reasons, users = await asyncio.gather(
        read_close_reasons(context, openings), context.find("users", "id", sorted(set(team)))
    )
    teams = _Teams(users=by_id(users), managers=group_by(managers, "job_id"), owners=group_by(owners, "job_id"))
    openings_of = group_by(openings, "job_id")

    def show(row: VendorRow) -> Job:
        id = row.get_number("id")
        department = departments.find(row.find_number("department_id"))
        return Job(
            id=id,
            name=row.get_text("name"),
            requisition_id=row.find_text("requisition_id"),
            notes=row.find_text("notes"),
            confidential=row.get_flag("confidential"),
            status=row.get_text("status"),
            created_at=to_moment(row.find_moment("created_at")),
            opened_at=to_moment(row.find_moment("opened_at")),
            closed_at=to_moment(row.find_moment("closed_at")),
            updated_at=to_moment(row.find_moment("updated_at")),
            is_template=row.find_flag("is_template"),
            copied_from_id=row.find_number("copied_from_id"),
            departments=[] if department is None else [department],
            offices=offices.list(row.list_numbers("office_ids")),
            custom_fields=to_custom_fields(row),
            keyed_custom_fields=to_keyed_fields(row),
            hiring_team=teams.show(id),
            openings=[shape_opening(opening, reasons) for opening in openings_of.get(id, ())],
        )

    return [show(row) for row in rows]


class _Teams:
    """The hiring teams of jobs, from their parts."""

    def __init__(
        self,
        *,
        users: Mapping[int, VendorRow],
        managers: Mapping[int, list[VendorRow]],
        owners: Mapping[int, list[VendorRow]],
    ) -> None:
        self._users = users
        self._managers = managers
        self._owners = owners

    def show(self, job: int) -> HiringTeam:
        owners: dict[str, list[VendorRow]] = {}
        for row in self._owners.get(job, ()):
            owners.setdefault(row.get_text("type"), []).append(row)
        return HiringTeam(
            hiring_managers=[show_user(self._users, row.get_number("user_id")) for row in self._managers.get(job, ())],
            recruiters=[self._show_owner(row) for row in owners.get("recruiter", ())],
            coordinators=[self._show_owner(row) for row in owners.get("coordinator", ())],
            sourcers=[show_user(self._users, row.get_number("user_id")) for row in owners.get("sourcer", ())],
        )

    def _show_owner(self, row: VendorRow) -> Owner:
        user = show_user(self._users, row.get_number("user_id"))
        return Owner(**msgspec.structs.asdict(user), responsible=row.get_flag("responsible"))


async def shape_stages(context: OperationContext, rows: list[VendorRow]) -> list[JobStage]:
    """Stages with the interviews planned for them, in three rounds.

    Interviews and kits are asked for by job: the stages of a job come together, and one call takes 500.
    """
    jobs = sorted(set(list_ids(rows, "job_id")))
    interviews, kits = await asyncio.gather(
        context.find("job_interviews", "job_id", jobs), context.find("interview_kits", "job_id", jobs)
    )
    stages = set(list_ids(rows))
    planned = in_order(row for row in interviews if row.find_number("job_interview_stage_id") in stages)
    wanted = set(list_ids(planned))
    kit_of = {id: group[0] for id, group in group_by(reversed(kits), "job_interview_id").items() if id in wanted}
    ids = list_ids(kit_of.values())
    questions, interviewers = await asyncio.gather(
        context.find("scorecard_questions", "interview_kit_id", ids),
        context.find("default_interviewers", "interview_kit_id", ids),
    )
    users = by_id(await context.find("users", "id", sorted(set(list_ids(interviewers, "user_id")))))
    questions_of = group_by(in_order(questions), "interview_kit_id")
    interviewers_of = group_by(interviewers, "interview_kit_id")
    interviews_of = group_by(planned, "job_interview_stage_id")

    def show(interview: VendorRow) -> StageInterview:
        id = interview.get_number("id")
        kit = kit_of.get(id)
        chosen: list[int] = []
        shown: InterviewKit | None = None
        if kit is not None:
            kit_id = kit.get_number("id")
            chosen = [row.get_number("user_id") for row in interviewers_of.get(kit_id, ())]
            shown = _show_kit(kit, questions_of.get(kit_id, ()))
        return StageInterview(
            id=id,
            name=interview.get_text("name"),
            schedulable=_is_schedulable(interview),
            estimated_minutes=interview.find_number("duration"),
            default_interviewer_users=[show_user(users, user) for user in chosen],
            interview_kit=shown,
            created_at=to_moment(interview.find_moment("created_at")),
            updated_at=to_moment(interview.find_moment("updated_at")),
            job_id=interview.get_number("job_id"),
        )

    def show_stage(row: VendorRow) -> JobStage:
        id = row.get_number("id")
        return JobStage(
            id=id,
            name=row.get_text("name"),
            created_at=to_moment(row.find_moment("created_at")),
            updated_at=to_moment(row.find_moment("updated_at")),
            active=row.get_flag("active"),
            job_id=row.get_number("job_id"),
            priority=row.find_number("sort_order"),
            interviews=[show(interview) for interview in interviews_of.get(id, ())],
        )

    return [show_stage(row) for row in rows]


def _show_kit(kit: VendorRow, questions: Iterable[VendorRow]) -> InterviewKit:
    return InterviewKit(
        id=kit.get_number("id"),
        content=kit.find_text("exercises"),
        questions=[Question(id=row.get_number("id"), question=row.get_text("question")) for row in questions],
    )


def _is_schedulable(interview: VendorRow) -> bool | None:
    """Whether a time is arranged for it; v3 shows how it is scheduled, or nothing."""
    kind = interview.find_text("scheduling_type")
    return None if kind is None else kind == "needs_scheduling"
