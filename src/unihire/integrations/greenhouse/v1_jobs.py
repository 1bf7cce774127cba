"""Jobs and their stages in the shapes of Harvest v1, which nests what v3 keeps in lists of their own."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from unihire.integration.declare import Data
from unihire.integration.operate import Desk, Output
from unihire.integrations.greenhouse.v1_company import (
    Department,
    Office,
    in_order,
    read_departments,
    read_offices,
)
from unihire.integrations.greenhouse.v1_values import (
    KeyedField,
    UserSummary,
    by_id,
    group_by,
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


async def shape_openings(desk: Desk, rows: Iterable[Data]) -> dict[int, Opening]:
    """Openings by id: 1 call for 50 close reasons they name."""
    found = by_id(rows)
    reasons = by_id(await desk.find("close_reasons", "id", [row.get("close_reason_id") for row in found.values()]))
    return {
        id: Opening(
            id=id,
            opening_id=row.get("opening_id"),
            status="open" if row["open"] else "closed",
            opened_at=to_moment(row.get("opened_at")),
            closed_at=to_moment(row.get("closed_at")),
            application_id=row.get("application_id"),
            close_reason=_find_reason(reasons, row.get("close_reason_id")),
            custom_fields=to_custom_fields(row),
            keyed_custom_fields=to_keyed_fields(row),
        )
        for id, row in found.items()
    }


def _find_reason(reasons: Mapping[int, Data], id: int | None) -> CloseReason | None:
    reason = reasons.get(id) if id is not None else None
    return None if reason is None else CloseReason(id=reason["id"], name=reason["name"])


async def shape_jobs(desk: Desk, rows: list[Data]) -> list[Job]:
    """Jobs with department, offices, openings and hiring team, asked for in two rounds for all of them at once."""
    ids = [row["id"] for row in rows]
    departments, offices, openings, managers, owners = await asyncio.gather(
        read_departments(desk, (row.get("department_id") for row in rows)),
        read_offices(desk, (id for row in rows for id in row.get("office_ids") or ())),
        desk.find("openings", "job_id", ids),
        desk.find("job_hiring_managers", "job_id", ids),
        desk.find("job_owners", "job_id", ids),
    )
    shown, users = await asyncio.gather(
        shape_openings(desk, openings),
        desk.find("users", "id", sorted({row["user_id"] for row in [*managers, *owners]})),
    )
    openings_of = group_by(openings, "job_id")
    teams = _Teams(users=by_id(users), managers=group_by(managers, "job_id"), owners=group_by(owners, "job_id"))
    return [
        Job(
            id=row["id"],
            name=row["name"],
            requisition_id=row.get("requisition_id"),
            notes=row.get("notes"),
            confidential=row["confidential"],
            status=row["status"],
            created_at=to_moment(row.get("created_at")),
            opened_at=to_moment(row.get("opened_at")),
            closed_at=to_moment(row.get("closed_at")),
            updated_at=to_moment(row.get("updated_at")),
            is_template=row.get("is_template"),
            copied_from_id=row.get("copied_from_id"),
            departments=[departments[id] for id in [row.get("department_id")] if id in departments],
            offices=[offices[id] for id in row.get("office_ids") or () if id in offices],
            custom_fields=to_custom_fields(row),
            keyed_custom_fields=to_keyed_fields(row),
            hiring_team=teams.show(row["id"]),
            openings=[shown[opening["id"]] for opening in openings_of.get(row["id"], ())],
        )
        for row in rows
    ]


class _Teams:
    """The hiring teams of jobs, from their parts."""

    def __init__(
        self, *, users: Mapping[int, Data], managers: Mapping[int, list[Data]], owners: Mapping[int, list[Data]]
    ) -> None:
        self._users = users
        self._managers = managers
        self._owners = owners

    def show(self, job: int) -> HiringTeam:
        owners = group_by(self._owners.get(job, ()), "type")
        return HiringTeam(
            hiring_managers=[show_user(self._users, row["user_id"]) for row in self._managers.get(job, ())],
            recruiters=[self._show_owner(row) for row in owners.get("recruiter", ())],
            coordinators=[self._show_owner(row) for row in owners.get("coordinator", ())],
            sourcers=[show_user(self._users, row["user_id"]) for row in owners.get("sourcer", ())],
        )

    def _show_owner(self, row: Data) -> Owner:
        user = show_user(self._users, row["user_id"])
        return Owner(**msgspec.structs.asdict(user), responsible=row["responsible"])


async def shape_stages(desk: Desk, rows: list[Data]) -> list[JobStage]:
    """Stages with the interviews planned for them, in three rounds.

    Interviews and kits are asked for by job: the stages of a job come together, and one call holds 500.
    """
    jobs = sorted({row["job_id"] for row in rows})
    interviews, kits = await asyncio.gather(
        desk.find("job_interviews", "job_id", jobs), desk.find("interview_kits", "job_id", jobs)
    )
    stages = {row["id"] for row in rows}
    planned = in_order(row for row in interviews if row["job_interview_stage_id"] in stages)
    wanted = {row["id"] for row in planned}
    kit_of = {kit["job_interview_id"]: kit for kit in kits if kit["job_interview_id"] in wanted}
    ids = [kit["id"] for kit in kit_of.values()]
    questions, interviewers = await asyncio.gather(
        desk.find("scorecard_questions", "interview_kit_id", ids),
        desk.find("default_interviewers", "interview_kit_id", ids),
    )
    users = by_id(await desk.find("users", "id", sorted({row["user_id"] for row in interviewers})))
    questions_of = group_by(in_order(questions), "interview_kit_id")
    interviewers_of = group_by(interviewers, "interview_kit_id")
    interviews_of = group_by(planned, "job_interview_stage_id")

    def show(interview: Data) -> StageInterview:
        kit = kit_of.get(interview["id"])
        kit_id = kit["id"] if kit is not None else 0
        return StageInterview(
            id=interview["id"],
            name=interview["name"],
            schedulable=_is_schedulable(interview),
            estimated_minutes=interview.get("duration"),
            default_interviewer_users=[show_user(users, row["user_id"]) for row in interviewers_of.get(kit_id, ())],
            interview_kit=None if kit is None else _show_kit(kit, questions_of.get(kit_id, ())),
            created_at=to_moment(interview.get("created_at")),
            updated_at=to_moment(interview.get("updated_at")),
            job_id=interview["job_id"],
        )

    return [
        JobStage(
            id=row["id"],
            name=row["name"],
            created_at=to_moment(row.get("created_at")),
            updated_at=to_moment(row.get("updated_at")),
            active=row["active"],
            job_id=row["job_id"],
            priority=row.get("sort_order"),
            interviews=[show(interview) for interview in interviews_of.get(row["id"], ())],
        )
        for row in rows
    ]


def _show_kit(kit: Data, questions: Iterable[Data]) -> InterviewKit:
    return InterviewKit(
        id=kit["id"],
        content=kit.get("exercises"),
        questions=[Question(id=row["id"], question=row["question"]) for row in questions],
    )


def _is_schedulable(interview: Data) -> bool | None:
    """Whether a time is arranged for it; v3 tells how it is scheduled, or nothing."""
    kind = interview.get("scheduling_type")
    return None if kind is None else kind == "needs_scheduling"
