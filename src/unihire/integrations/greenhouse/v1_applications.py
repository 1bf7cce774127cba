"""Applications as Harvest v1 showed them, made of the flat rows of v3."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unihire.integration.declare import Data
from unihire.integration.operate import Desk, Output
from unihire.integrations.greenhouse.v1_company import Department, Office, read_departments, read_offices
from unihire.integrations.greenhouse.v1_values import (
    KeyedField,
    UserSummary,
    by_id,
    group_by,
    show_user,
    to_custom_fields,
    to_keyed_fields,
    to_moment,
    to_user_name,
)

STATUSES = {"in_process": "active"}
"""v1's words where v3 has others; `rejected`, `hired` and `converted` are the same."""

REJECTED = "rejected"
"""The `status` of an application that is rejected now; one that no longer is may have kept its rejection_details."""


class Named(Output):
    """A thing as others show it; the name is null where the vendor does not show us the thing."""

    id: int
    name: str | None


class PublicSource(Output):
    id: int
    public_name: str | None


class CreditedTo(Output):
    """Who an application is credited to. Someone who is no user has a name alone."""

    id: int | None
    first_name: str | None
    last_name: str | None
    name: str | None
    employee_id: str | None


class Stage(Output):
    """Where an application is; `id` is the job's stage, null where the vendor does not show us which."""

    id: int | None
    name: str | None


class ReasonType(Output):
    id: int | None
    name: str | None


class RejectionReason(Output):
    id: int
    name: str | None
    type: ReasonType | None


class RejectionDetails(Output):
    custom_fields: dict[str, Any]
    keyed_custom_fields: dict[str, KeyedField]


class Answer(Output):
    question: str | None
    answer: str | None


class Attachment(Output):
    """A file; `url` is signed and works for some days."""

    filename: str | None
    url: str | None
    type: str | None
    created_at: str | None


class Address(Output):
    address: str


class ProspectDetail(Output):
    prospect_pool: Named | None
    prospect_stage: Named | None
    prospect_owner: Named | None


class Application(Output):
    id: int
    candidate_id: int | None
    prospect: bool
    applied_at: str | None
    rejected_at: str | None
    last_activity_at: str | None
    location: Address | None
    source: PublicSource | None
    credited_to: CreditedTo | None
    recruiter: UserSummary | None
    coordinator: UserSummary | None
    rejection_reason: RejectionReason | None
    rejection_details: RejectionDetails | None
    jobs: list[Named]
    job_post_id: int | None
    status: str
    current_stage: Stage | None
    answers: list[Answer]
    prospective_office: Office | None
    prospective_department: Department | None
    prospect_detail: ProspectDetail
    custom_fields: dict[str, Any]
    keyed_custom_fields: dict[str, KeyedField]
    attachments: list[Attachment]


async def shape_applications(desk: Desk, rows: Sequence[Data]) -> list[Application]:
    """Rows of `applications` as v1 showed them, in their order.

    Asks for what they point at in two rounds: a call for fifty values of each of up to seven lists, then of up to six.
    """
    around = await _look_around(desk, rows)
    return [_shape(row, around) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Around:
    """What applications point at: rows by id, or by application where they belong to one."""

    attachments: Mapping[int, list[Data]]
    stages: Mapping[int, Data]
    jobs: Mapping[int, Data]
    sources: Mapping[int, Data]
    referrers: Mapping[int, Data]
    rejections: Mapping[int, Data]
    prospects: Mapping[int, Data]
    users: Mapping[int, Data]
    reasons: Mapping[int, Data]
    pools: Mapping[int, Data]
    pool_stages: Mapping[int, Data]
    offices: Mapping[int, Office]
    departments: Mapping[int, Department]


async def _look_around(desk: Desk, rows: Sequence[Data]) -> _Around:
    attachments, stages, jobs, sources, referrers, rejections, prospects = await asyncio.gather(
        desk.find("attachments", "application_id", [row["id"] for row in rows]),
        desk.find("application_stages", "id", _pick(rows, "stage_id")),
        desk.find("jobs", "id", [id for row in rows for id in list_job_ids(row)]),
        desk.find("sources", "id", _pick(rows, "source_id")),
        desk.find("referrers", "id", _pick(rows, "referrer_id")),
        desk.find("rejection_details", "application_id", [row["id"] for row in rows if row.get("status") == REJECTED]),
        desk.find("prospect_details", "application_id", [row["id"] for row in rows if row.get("prospect")]),
    )
    user_ids = [
        *_pick(rows, "recruiter_id"),
        *_pick(rows, "coordinator_id"),
        *_pick(referrers, "user_id"),
        *_pick(prospects, "prospect_owner_id"),
    ]
    users, reasons, pools, pool_stages, offices, departments = await asyncio.gather(
        desk.find("users", "id", user_ids),
        desk.find("rejection_reasons", "id", _pick(rejections, "rejection_reason_id")),
        desk.find("prospect_pools", "id", _pick(prospects, "pool_id")),
        desk.find("prospect_pool_stages", "id", _pick(prospects, "pool_stage_id")),
        read_offices(desk, _pick(prospects, "office_id")),
        read_departments(desk, _pick(prospects, "department_id")),
    )
    return _Around(
        attachments=group_by(sort_newest(attachments), "application_id"),
        stages=by_id(stages),
        jobs=by_id(jobs),
        sources=by_id(sources),
        referrers=by_id(referrers),
        rejections=_newest_by(rejections, "application_id"),
        prospects=_newest_by(prospects, "application_id"),
        users=by_id(users),
        reasons=by_id(reasons),
        pools=by_id(pools),
        pool_stages=by_id(pool_stages),
        offices=offices,
        departments=departments,
    )


def list_job_ids(row: Data) -> list[int]:
    """The jobs of an application: its own; a prospect has its own, if any, and those it is considered for."""
    wished = row.get("prospective_job_ids") or [] if row.get("prospect") else []
    return list(dict.fromkeys(id for id in (row.get("job_id"), *wished) if id is not None))


def sort_newest(rows: Iterable[Data]) -> list[Data]:
    """The rows by descending id, as the vendor lists them."""
    return sorted(rows, key=lambda row: int(row["id"]), reverse=True)


def _pick(rows: Iterable[Data], member: str) -> list[Any]:
    return [row[member] for row in rows if row.get(member) is not None]


def _newest_by(rows: Iterable[Data], member: str) -> dict[int, Data]:
    return {value: held[0] for value, held in group_by(sort_newest(rows), member).items()}


def _shape(row: Data, around: _Around) -> Application:
    rejection = around.rejections.get(row["id"])
    prospect = around.prospects.get(row["id"], {})
    address = row.get("location_address")
    return Application(
        id=row["id"],
        candidate_id=row.get("candidate_id"),
        prospect=bool(row.get("prospect")),
        applied_at=to_moment(row.get("created_at")),
        rejected_at=to_moment(row.get("rejected_at")),
        last_activity_at=to_moment(row.get("last_activity_at")),
        location=Address(address=address) if address else None,
        source=_shape_source(row.get("source_id"), around),
        credited_to=_shape_credited_to(row.get("referrer_id"), around),
        recruiter=_shape_user(row.get("recruiter_id"), around),
        coordinator=_shape_user(row.get("coordinator_id"), around),
        rejection_reason=_shape_reason(rejection, around),
        rejection_details=_shape_rejection(rejection),
        jobs=[Named(id=id, name=around.jobs.get(id, {}).get("name")) for id in list_job_ids(row)],
        job_post_id=row.get("job_post_id"),
        status=STATUSES.get(str(row["status"]), str(row["status"])),
        current_stage=_shape_stage(row, around),
        answers=[Answer(question=one.get("question"), answer=one.get("answer")) for one in row.get("answers") or []],
        prospective_office=around.offices.get(prospect.get("office_id", 0)),
        prospective_department=around.departments.get(prospect.get("department_id", 0)),
        prospect_detail=ProspectDetail(
            prospect_pool=_shape_named(prospect.get("pool_id"), around.pools),
            prospect_stage=_shape_named(prospect.get("pool_stage_id"), around.pool_stages),
            prospect_owner=_shape_owner(prospect.get("prospect_owner_id"), around.users),
        ),
        custom_fields=to_custom_fields(row),
        keyed_custom_fields=to_keyed_fields(row),
        attachments=[_shape_attachment(file) for file in around.attachments.get(row["id"], [])],
    )


def _shape_source(id: int | None, around: _Around) -> PublicSource | None:
    return None if id is None else PublicSource(id=id, public_name=around.sources.get(id, {}).get("name"))


def _shape_user(id: int | None, around: _Around) -> UserSummary | None:
    return None if id is None else show_user(around.users, id)


def _shape_credited_to(referrer_id: int | None, around: _Around) -> CreditedTo | None:
    """v1 knew whom an application is credited to by the user's id; v3's referrers have ids of their own."""
    referrer = around.referrers.get(referrer_id) if referrer_id is not None else None
    if referrer is None:
        return None
    user = around.users.get(referrer.get("user_id") or 0, {})
    return CreditedTo(
        id=referrer.get("user_id"),
        first_name=user.get("first_name"),
        last_name=user.get("last_name"),
        name=to_user_name(user) or referrer.get("name"),
        employee_id=user.get("employee_id"),
    )


def _shape_reason(rejection: Data | None, around: _Around) -> RejectionReason | None:
    id = rejection.get("rejection_reason_id") if rejection is not None else None
    if id is None:
        return None
    reason = around.reasons.get(id, {})
    of = reason.get("type")
    return RejectionReason(
        id=id,
        name=reason.get("name"),
        type=None if of is None else ReasonType(id=of.get("id"), name=of.get("name")),
    )


def _shape_rejection(rejection: Data | None) -> RejectionDetails | None:
    if rejection is None:
        return None
    fields = {"custom_fields": rejection.get("question_custom_fields")}
    return RejectionDetails(custom_fields=to_custom_fields(fields), keyed_custom_fields=to_keyed_fields(fields))


def _shape_stage(row: Data, around: _Around) -> Stage | None:
    """v1 told the job's stage; `stage_id` of v3 is the application's own passing through it."""
    if row.get("stage_id") is None:
        return None
    passed = around.stages.get(row["stage_id"], {})
    return Stage(id=passed.get("job_interview_stage_id"), name=row.get("stage_name"))


def _shape_named(id: int | None, rows: Mapping[int, Data]) -> Named | None:
    return None if id is None else Named(id=id, name=rows.get(id, {}).get("name"))


def _shape_owner(id: int | None, users: Mapping[int, Data]) -> Named | None:
    return None if id is None else Named(id=id, name=to_user_name(users.get(id, {})))


def _shape_attachment(file: Data) -> Attachment:
    return Attachment(
        filename=file.get("filename"),
        url=file.get("url"),
        type=file.get("type"),
        created_at=to_moment(file.get("created_at")),
    )
