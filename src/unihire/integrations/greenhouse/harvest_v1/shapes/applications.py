"""Applications as Harvest v1 showed them, made of the flat rows of v3."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unihire.integration.operate import OperationContext, Output
from unihire.integration.vendor_row import VendorRow, by_id, group_by, list_ids
from unihire.integrations.greenhouse.harvest_v1.shapes.company import (
    Department,
    DepartmentTree,
    Office,
    OfficeTree,
    read_departments,
    read_offices,
)
from unihire.integrations.greenhouse.harvest_v1.values import (
    KeyedField,
    UserSummary,
    show_user,
    sort_newest,
    to_custom_fields,
    to_keyed_fields,
    to_moment,
    to_user_name,
)

STATUSES = {"in_process": "active"}
"""v1's words where v3 has others; `rejected`, `hired` and `converted` are the same."""

REJECTION_FIELDS = "question_custom_fields"

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


async def shape_applications(context: OperationContext, rows: Sequence[VendorRow]) -> list[Application]:
    """Rows of `applications` as v1 showed them, in their order.

    Asks for what they point at in two rounds: a call for fifty values of each of up to seven lists, then of up to six.
    """
    around = await _look_around(context, rows)
    return [_shape(row, around) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Around:
    """What applications point at: rows by id, or by application where they belong to one."""

    attachments: Mapping[int, list[VendorRow]]
    stages: Mapping[int, VendorRow]
    jobs: Mapping[int, VendorRow]
    sources: Mapping[int, VendorRow]
    referrers: Mapping[int, VendorRow]
    rejections: Mapping[int, VendorRow]
    prospects: Mapping[int, VendorRow]
    users: Mapping[int, VendorRow]
    reasons: Mapping[int, VendorRow]
    pools: Mapping[int, VendorRow]
    pool_stages: Mapping[int, VendorRow]
    offices: OfficeTree
    departments: DepartmentTree


async def _look_around(context: OperationContext, rows: Sequence[VendorRow]) -> _Around:
    rejected = [row for row in rows if row.find_text("status") == REJECTED]
    considered = [row for row in rows if row.find_flag("prospect")]
    job_ids = [id for row in rows for id in list_job_ids(row)]
    attachments, stages, jobs, sources, referrers, rejections, prospects = await asyncio.gather(
        context.find("attachments", "application_id", list_ids(rows)),
        context.find("application_stages", "id", list_ids(rows, "stage_id")),
        context.find("jobs", "id", job_ids),
        context.find("sources", "id", list_ids(rows, "source_id")),
        context.find("referrers", "id", list_ids(rows, "referrer_id")),
        context.find("rejection_details", "application_id", list_ids(rejected)),
        context.find("prospect_details", "application_id", list_ids(considered)),
    )
    user_ids = [
        *list_ids(rows, "recruiter_id"),
        *list_ids(rows, "coordinator_id"),
        *list_ids(referrers, "user_id"),
        *list_ids(prospects, "prospect_owner_id"),
    ]
    users, reasons, pools, pool_stages, offices, departments = await asyncio.gather(
        context.find("users", "id", user_ids),
        context.find("rejection_reasons", "id", list_ids(rejections, "rejection_reason_id")),
        context.find("prospect_pools", "id", list_ids(prospects, "pool_id")),
        context.find("prospect_pool_stages", "id", list_ids(prospects, "pool_stage_id")),
        read_offices(context, list_ids(prospects, "office_id")),
        read_departments(context, list_ids(prospects, "department_id")),
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


def list_job_ids(row: VendorRow) -> list[int]:
    """The jobs of an application: its own; a prospect has its own, if any, and those it is considered for."""
    own = row.find_number("job_id")
    wished = row.list_numbers("prospective_job_ids") if row.find_flag("prospect") else []
    return list(dict.fromkeys([*wished] if own is None else [own, *wished]))


def _newest_by(rows: Iterable[VendorRow], member: str) -> dict[int, VendorRow]:
    return {value: group[0] for value, group in group_by(sort_newest(rows), member).items()}


def _shape(row: VendorRow, around: _Around) -> Application:
    id, status = row.get_number("id"), row.get_text("status")
    rejection = around.rejections.get(id)
    prospect = around.prospects.get(id, VendorRow("prospect_details", {}))
    address = row.find_text("location_address")
    return Application(
        id=id,
        candidate_id=row.find_number("candidate_id"),
        prospect=row.get_flag("prospect"),
        applied_at=to_moment(row.find_moment("created_at")),
        rejected_at=to_moment(row.find_moment("rejected_at")),
        last_activity_at=to_moment(row.find_moment("last_activity_at")),
        location=Address(address=address) if address else None,
        source=_shape_source(row.find_number("source_id"), around),
        credited_to=_shape_credited_to(row.find_number("referrer_id"), around),
        recruiter=_shape_user(row.find_number("recruiter_id"), around),
        coordinator=_shape_user(row.find_number("coordinator_id"), around),
        rejection_reason=_shape_reason(rejection, around),
        rejection_details=_shape_rejection(rejection),
        jobs=[Named(id=id, name=_find_name(id, around.jobs)) for id in list_job_ids(row)],
        job_post_id=row.find_number("job_post_id"),
        status=STATUSES.get(status, status),
        current_stage=_shape_stage(row, around),
        answers=[
            Answer(question=one.find_text("question"), answer=one.find_text("answer"))
            for one in row.list_parts("answers")
        ],
        prospective_office=around.offices.find(prospect.find_number("office_id")),
        prospective_department=around.departments.find(prospect.find_number("department_id")),
        prospect_detail=ProspectDetail(
            prospect_pool=_shape_named(prospect.find_number("pool_id"), around.pools),
            prospect_stage=_shape_named(prospect.find_number("pool_stage_id"), around.pool_stages),
            prospect_owner=_shape_owner(prospect.find_number("prospect_owner_id"), around.users),
        ),
        custom_fields=to_custom_fields(row),
        keyed_custom_fields=to_keyed_fields(row),
        attachments=[_shape_attachment(file) for file in around.attachments.get(id, [])],
    )


def _find_name(id: int, rows: Mapping[int, VendorRow]) -> str | None:
    row = rows.get(id)
    return None if row is None else row.find_text("name")


def _shape_source(id: int | None, around: _Around) -> PublicSource | None:
    return None if id is None else PublicSource(id=id, public_name=_find_name(id, around.sources))


def _shape_user(id: int | None, around: _Around) -> UserSummary | None:
    return None if id is None else show_user(around.users, id)


def _shape_credited_to(referrer_id: int | None, around: _Around) -> CreditedTo | None:
    """v1 knew whom an application is credited to by the user's id; v3's referrers have ids of their own."""
    referrer = around.referrers.get(referrer_id) if referrer_id is not None else None
    if referrer is None:
        return None
    id = referrer.find_number("user_id")
    user = around.users.get(id) if id is not None else None
    return CreditedTo(
        id=id,
        first_name=None if user is None else user.find_text("first_name"),
        last_name=None if user is None else user.find_text("last_name"),
        name=to_user_name(user) or referrer.find_text("name"),
        employee_id=None if user is None else user.find_text("employee_id"),
    )


def _shape_reason(rejection: VendorRow | None, around: _Around) -> RejectionReason | None:
    id = rejection.find_number("rejection_reason_id") if rejection is not None else None
    if id is None:
        return None
    reason = around.reasons.get(id)
    of = reason.find_part("type") if reason is not None else None
    return RejectionReason(
        id=id,
        name=_find_name(id, around.reasons),
        type=None if of is None else ReasonType(id=of.find_number("id"), name=of.find_text("name")),
    )


def _shape_rejection(rejection: VendorRow | None) -> RejectionDetails | None:
    if rejection is None:
        return None
    return RejectionDetails(
        custom_fields=to_custom_fields(rejection, REJECTION_FIELDS),
        keyed_custom_fields=to_keyed_fields(rejection, REJECTION_FIELDS),
    )


def _shape_stage(row: VendorRow, around: _Around) -> Stage | None:
    """v1 had the job's stage; `stage_id` of v3 is the application's own passing through it."""
    id = row.find_number("stage_id")
    if id is None:
        return None
    passed = around.stages.get(id)
    stage = passed.find_number("job_interview_stage_id") if passed is not None else None
    return Stage(id=stage, name=row.find_text("stage_name"))


def _shape_named(id: int | None, rows: Mapping[int, VendorRow]) -> Named | None:
    return None if id is None else Named(id=id, name=_find_name(id, rows))


def _shape_owner(id: int | None, users: Mapping[int, VendorRow]) -> Named | None:
    return None if id is None else Named(id=id, name=to_user_name(users.get(id)))


def _shape_attachment(file: VendorRow) -> Attachment:
    return Attachment(
        filename=file.find_text("filename"),
        url=file.find_text("url"),
        type=file.find_text("type"),
        created_at=to_moment(file.find_moment("created_at")),
    )
