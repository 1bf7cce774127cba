"""Stages of interview plans: which one an application goes to when it is rejected, hired or opened again."""

from collections.abc import Sequence

from unihire.errors import ReferenceMissing
from unihire.integration.operate import OperationContext
from unihire.integration.vendor_row import VendorRow
from unihire.integrations.ashby.lookups import INTERVIEW_STAGES, PASSED_STAGES
from unihire.integrations.ashby.writes.calling import find_inner, find_row, get_id

ARCHIVED, HIRED, ACTIVE = "Archived", "Hired", "Active"


def find_stage(application: VendorRow) -> str | None:
    """The stage that an application is at."""
    found: str | None = find_inner(application, "currentInterviewStage", "id")
    return found


def is_archived(application: VendorRow) -> bool:
    return application.find_text("status") == ARCHIVED


async def list_stages(context: OperationContext, application: VendorRow) -> list[VendorRow]:
    """The stages of the plan that an application is in, in their order."""
    plan = find_inner(application, "currentInterviewStage", "interviewPlanId")
    if plan is None:
        raise ReferenceMissing("application: the vendor does not show its interview plan")
    rows = await context.all(INTERVIEW_STAGES, {"interviewPlanId": plan})
    return sorted(rows, key=lambda row: row.find_number("orderInInterviewPlan") or 0)


async def find_stage_of_type(context: OperationContext, application: VendorRow, kind: str) -> str:
    """The first stage of a type in the application's plan."""
    for row in await list_stages(context, application):
        if row.find_text("type") == kind:
            return get_id(row)
    raise ReferenceMissing(f"application: its interview plan has no stage of the type {kind}")


async def find_last_open_stage(context: OperationContext, application: VendorRow) -> str:
    """The stage that an archived application was at last; the first active one where the vendor does not show it."""
    open_ones = {
        get_id(row): row.find_text("type")
        for row in await list_stages(context, application)
        if row.find_text("type") not in (ARCHIVED, HIRED)
    }
    shown = await context.find(PASSED_STAGES, "id", [get_id(application)])
    passed = sorted(
        (part for row in shown for part in row.list_parts("applicationHistory")),
        key=lambda part: part.find_text("enteredStageAt") or "",
    )
    known = [stage for part in passed if (stage := part.find_text("stageId")) in open_ones and stage is not None]
    found = known[-1:] or _list_first(open_ones)
    if not found:
        raise ReferenceMissing("current_stage: the application's plan has no stage to come back to")
    return found[0]


def _list_first(stages: dict[str, str | None]) -> Sequence[str]:
    return [id for id, kind in stages.items() if kind == ACTIVE] or list(stages)


async def get_stage(context: OperationContext, id: str | None) -> VendorRow:
    """A stage that an input names."""
    return await find_row(context, INTERVIEW_STAGES, id, "current_stage")
