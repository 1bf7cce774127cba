"""Rows of offers, of the openings that hires filled, and of the approvals of offers."""

from collections.abc import Mapping, Sequence

from unihire.integration.emulate import PartRows, Row
from unihire.integrations.greenhouse.emulator.rows.profiles import (
    DAY,
    count_offers,
)
from unihire.integrations.greenhouse.emulator.rows.times import to_day, to_moment
from unihire.integrations.greenhouse.emulator.rows.world import ApplicationWorld, World


class OfferRows:
    """Makes the rows; a place counts an application's rows of a stream from 0."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ids = world.ids
        self._begin = world.begin_for_application

    def list_parts(self) -> Mapping[str, Sequence[PartRows]]:
        make = self._world.make_application_part
        return {
            "offers": [make(2, self._shape_offer, count_offers)],
            "openings": [make(1, self._shape_opening, lambda profile: int(profile.outcome == "hired"))],
            "approval_flows": [make(1, self._shape_flow, lambda profile: int(count_offers(profile) > 0))],
            "approver_groups": [make(1, self._shape_group, lambda profile: int(count_offers(profile) > 0))],
            "approvers": [make(2, self._shape_approver, lambda profile: 2 * int(count_offers(profile) > 0))],
        }

    def _shape_offer(self, index: int, place: int) -> Row:
        world, ids = self._world, self._ids
        facts = world.application(index)
        profile, times = facts.profile, world.times(index)
        is_latest = place == count_offers(profile) - 1
        first = times[profile.last + 1] if profile.outcome in ("offer", "hired") else times[-1]
        ended = world.find_ended_at(facts)
        middle = first + ((ended or facts.updated) - first) // 2
        created = middle if place else first
        updated = ended or facts.updated if is_latest else middle
        status = "Deprecated"
        if is_latest:
            status = {"hired": "Accepted", "offer": "Created"}.get(profile.outcome or "", "Rejected")
        opening = None
        if profile.outcome == "hired":
            opening = ids["openings"](index, part=1)
        elif profile.outcome == "offer" and world.job(facts.job).status == "open":
            opening = ids["openings"](facts.job, 0)
        is_sent = status != "Created" or bool(facts.bits & 8)
        return {
            **self._begin(facts, ids["offers"](index, place), created, updated),
            "version": place + 1,
            "application_id": ids["applications"](index),
            "job_id": ids["jobs"](facts.job),
            "candidate_id": ids["candidates"](facts.candidate),
            "opening_id": opening,
            "status": status,
            "starts_on": to_day(created // DAY + 30 + facts.bits % 60) if facts.bits & 7 else None,
            "sent_on": to_day(created // DAY) if is_sent else None,
            "resolved_at": to_moment(updated, facts.millis) if status in ("Accepted", "Rejected") else None,
            "custom_fields": world.values["offer"][profile.variant],
        }

    def _shape_opening(self, index: int, _place: int) -> Row:
        """The opening that a hire filled; the unfilled ones are the job's."""
        facts = self._world.application(index)
        ended = self._world.times(index)[-1]
        row = self._begin(facts, self._ids["openings"](index, part=1), facts.created, ended)
        return {
            **row,
            "job_id": self._ids["jobs"](facts.job),
            "opened_at": row["created_at"],
            "closed_at": row["updated_at"],
            "sort_order": 10 + index % 1000,
            "opening_id": f"{facts.job}-{index}" if facts.bits & 3 else None,
            "application_id": self._ids["applications"](index),
            "close_reason_id": self._ids["close_reasons"](facts.bits & 1),
            "target_start_on": to_day(ended // DAY + 30) if facts.bits & 4 else None,
            "open": False,
            "custom_fields": self._world.values["opening"][facts.profile.variant],
        }

    def _find_approval(self, facts: ApplicationWorld) -> tuple[int, str]:
        """(when the first offer was made, state of its approval)."""
        times = self._world.times(facts.index)
        if facts.profile.outcome == "offer":
            return times[-1], ("pending", "approved")[facts.bits >> 3 & 1]
        return times[-2] if facts.profile.outcome == "hired" else times[-1], "approved"

    def _shape_flow(self, index: int, _place: int) -> Row:
        facts, ids = self._world.application(index), self._ids
        created, status = self._find_approval(facts)
        return {
            **self._begin(facts, ids["approval_flows"](index, part=1), created),
            "job_id": ids["jobs"](facts.job),
            "offer_id": ids["offers"](index, count_offers(facts.profile) - 1),
            "approval_type": "offer_candidate",
            "sequential": bool(facts.bits & 1),
            "version": 1,
            "requested_by_id": self._world.pick_user(facts.bits >> 7),
            "approval_status": status,
        }

    def _shape_group(self, index: int, _place: int) -> Row:
        facts, ids = self._world.application(index), self._ids
        created, status = self._find_approval(facts)
        row = self._begin(facts, ids["approver_groups"](index, part=1), created)
        return {
            **row,
            "approval_flow_id": ids["approval_flows"](index, part=1),
            "approvals_required": 1 + (facts.bits >> 5 & 1),
            "sort_order": 0,
            "required_for_exception": False,
            "resolved_at": row["updated_at"] if status == "approved" else None,
        }

    def _shape_approver(self, index: int, place: int) -> Row:
        facts, ids = self._world.application(index), self._ids
        created, status = self._find_approval(facts)
        row = self._begin(facts, ids["approvers"](index, place, 1), created)
        user = self._world.pick_user((facts.bits >> 9) + place)
        return {
            **row,
            **describe_approval(row, user, place, status),
            "approver_group_id": ids["approver_groups"](index, part=1),
        }


def describe_approval(row: Row, user: int, place: int, status: str) -> Row:
    """An approver's fields; the row has its times already."""
    is_resolved = status in ("approved", "rejected")
    return {
        "sort_order": place,
        "user_id": user,
        "status": status if is_resolved else ("due", "waiting")[place],
        "resolved_by_id": user if is_resolved else None,
        "resolved_at": row["updated_at"] if is_resolved else None,
        "request_sent_at": row["created_at"] if is_resolved or place == 0 else None,
        "version_sent": 1 if is_resolved or place == 0 else None,
        "reminder_sent_at": None,
        "reminder_sent_by_id": None,
        "reminders_sent": 0,
        "added_by_custom_field_id": None,
        "send_auto_reminder_at": None,
        "auto_reminders_sent": 0,
    }
