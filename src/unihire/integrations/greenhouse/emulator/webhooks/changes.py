"""Which event a change of one row is, made over the control plane: what somebody does in the vendor's own interface.

webhooks.md, Events, says what fires each. A change that no event is documented for sends none; what several rows show
(a merge, an anonymization) has a write of the API.
"""

from collections.abc import Callable, Mapping

from unihire.integration.emulate import Row
from unihire.integrations.greenhouse.emulator.rows.find import GreenhouseRows

Publish = Callable[[str, str, Row], None]
Event = tuple[str, str]
"""The event, and the root of its payload."""

CREATED: Mapping[str, Event] = {
    "jobs": ("job_created", "job"),
    "job_posts": ("job_post_created", "job_post"),
    "offers": ("offer_created", "offer"),
}
UPDATED: Mapping[str, Event] = {
    "candidates": ("update_candidate", "candidate"),
    "job_posts": ("job_post_updated", "job_post"),
    "offers": ("offer_updated", "offer"),
}
DELETED: Mapping[str, Event] = {
    "candidates": ("delete_candidate", "deleted_person"),
    "applications": ("delete_application", "deleted_application"),
    "offers": ("offer_deleted", "deleted_offer"),
    "interviews": ("interview_deleted", "interview"),
    "scorecards": ("scorecard_deleted", "deleted_scorecard"),
    "jobs": ("job_deleted", "deleted_job"),
    "job_posts": ("job_post_deleted", "deleted_post"),
    "job_interview_stages": ("job_interview_stage_deleted", "deleted_stage"),
    "departments": ("department_deleted", "deleted_department"),
    "offices": ("office_deleted", "deleted_office"),
}

# What of a job is reported when it changes (webhooks.md, Events: job_updated).
_OF_JOBS = ("name", "department_id", "office_ids", "opened_at", "status", "notes", "custom_fields")


class Changes:
    """Publishes what a change of one row is."""

    def __init__(self, rows: GreenhouseRows, publish: Publish) -> None:
        self._rows = rows
        self._publish = publish

    def announce(self, stream: str, before: Row | None, after: Row | None) -> None:
        """A row was created (`before` is None), changed or deleted (`after` is None)."""
        before, after = (None if row is None else self._rows.type_row(stream, row) for row in (before, after))
        row = after or before
        assert row is not None
        event = self._find_event(stream, before, after)
        if event is not None:
            self._publish(*event, row)

    def _find_event(self, stream: str, before: Row | None, after: Row | None) -> Event | None:
        if after is None:
            return DELETED.get(stream)
        if before is None:
            return _find_application_made(after) if stream == "applications" else CREATED.get(stream)
        if stream == "applications":
            return self._find_application_event(before, after)
        if stream == "jobs":
            return ("job_updated", "job") if any(before[name] != after[name] for name in _OF_JOBS) else None
        if stream == "approval_flows":
            return self._find_approval(before, after)
        return UPDATED.get(stream)

    def _find_application_event(self, before: Row, after: Row) -> Event:
        was, now = before["status"], after["status"]
        if was != now and now == "rejected":
            return "reject_candidate", "application"
        if was != now and now == "hired" and self._can_be_hired(after):
            return "hire_candidate", "hired_application"
        if was in _UNDONE and now == "in_process":
            return _UNDONE[was], "application"
        if before["prospect"] and not after["prospect"]:
            return "new_candidate_application", "application"
        moved = any(before[name] != after[name] for name in ("job_interview_stage_id", "stage_id"))
        return ("candidate_stage_change" if moved else "application_updated"), "application"

    def _can_be_hired(self, row: Row) -> bool:
        """The message holds the offer and the job: without them nobody was hired in the vendor's interface."""
        has_offer = any(True for _ in self._rows.walk_linked("offers", "application_id", row["id"]))
        return has_offer and self._rows.find("jobs", row["job_id"]) is not None

    def _find_approval(self, before: Row, after: Row) -> Event | None:
        if before["approval_status"] == after["approval_status"] or after["approval_status"] != "approved":
            return None
        if self._rows.find("offers", after["offer_id"]) is not None:
            return "offer_approved", "approved_offer"
        return None if self._rows.find("jobs", after["job_id"]) is None else ("job_approved", "approved_job")


_UNDONE = {"rejected": "unreject_candidate", "hired": "unhire_candidate"}


def _find_application_made(row: Row) -> Event:
    return ("new_prospect_application" if row["prospect"] else "new_candidate_application"), "application"
