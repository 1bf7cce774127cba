"""Filters of Harvest v3's lists: how they are written, and what they do with rows that were read already.

Source: the published description.
"""

import operator
from collections.abc import Callable, Mapping
from datetime import date, datetime

from unihire.integration.declare import Data, RowFilter, list_values
from unihire.integration.vendor_row import VendorRow
from unihire.kit.clock import parse_moment, to_text
from unihire.kit.text import normalise_text

Test = Callable[[Data], bool]

EVERYWHERE = ("ids", "created_at", "updated_at")

FILTERS: Mapping[str, tuple[str, ...]] = {
    "applications": (
        "candidate_ids", "job_ids", "prospective_job_ids", "job_post_ids", "source_ids", "referrer_ids", "stage_ids",
        "status", "stage_name", "last_activity_at", "prospect",
    ),
    "candidates": ("last_activity_at", "private", "email", "tag"),
    "custom_field_options": ("custom_field_ids", "active"),
    "custom_fields": ("field_type", "active", "name", "name_key"),
    "departments": ("parent_id", "external_id"),
    "job_interview_stages": ("job_ids", "active"),
    "jobs": ("opened_at", "closed_at", "requisition_id", "department_id", "office_id", "confidential", "status"),
    "offers": (
        "application_ids", "job_ids", "candidate_ids", "opening_ids", "status", "resolved_at", "sent_on", "starts_on",
    ),
    "offices": ("parent_id", "external_id"),
    "openings": ("job_ids", "application_ids", "close_reason_ids", "opened_at", "closed_at", "open", "opening_id"),
    "user_emails": ("user_ids", "email"),
    "users": (
        "agency_ids", "office_ids", "department_ids", "linked_candidate_ids", "interviewer_tag_ids", "employee_ids",
        "deactivated", "primary_email",
    ),
}  # fmt: skip
"""By list, the filters that a row alone answers; other filters are unknown here."""

MEMBERS: Mapping[tuple[str, str], str] = {
    ("applications", "prospective_job_ids"): "prospective_job_ids",
    ("candidates", "email"): "email_addresses.value",
    ("candidates", "tag"): "tags",
    ("jobs", "office_id"): "office_ids",
    ("users", "department_ids"): "department_ids",
    ("users", "interviewer_tag_ids"): "interviewer_tags.id",
    ("users", "linked_candidate_ids"): "linked_candidate_ids",
    ("users", "office_ids"): "office_ids",
}
"""The members that filters look at, where the names differ. Otherwise `job_ids` looks at `job_id`."""

WORDS: Mapping[tuple[str, str, str], str] = {("applications", "status", "active"): "in_process"}
"""Words of filters that are other words in rows."""

COMPARISONS = {"gte": operator.ge, "gt": operator.gt, "lte": operator.le, "lt": operator.lt}

SERVICE_ACCOUNTS = "show_service_accounts"
PEOPLE = "people"
"""The stream of users without service accounts: a row does not show whether it is one."""


def write_bounds(**bounds: datetime | None) -> str:
    """The value of a filter by moments: `gte=…, lt=…` is `gte|2026-01-31T00:00:00Z|lt|2026-02-01T00:00:00Z`.

    Moments are aware; a bound that is None is left out.
    """
    return "|".join(f"{by}|{to_text(bound)}" for by, bound in bounds.items() if bound is not None)


def match_filters(stream: str, filters: Mapping[str, str]) -> RowFilter:
    """What the list shows under these filters. Raises KeyError with the name of one that is not known here."""
    tests: list[Test] = []
    values: dict[str, tuple[str, ...]] = {}
    instead = None
    for param, value in filters.items():
        if (stream, param) == ("users", SERVICE_ACCOUNTS):
            instead = PEOPLE if value == "false" else None
            continue
        if param not in (*EVERYWHERE, *FILTERS.get(stream, ())):
            raise KeyError(param)
        if param.endswith(("_at", "_on")):
            tests.append(_within(param, value))
            continue
        member = _find_member(stream, param)
        wanted = tuple(value.split(",")) if param.endswith("ids") else (WORDS.get((stream, param, value), value),)
        tests.append(_has(member, frozenset(wanted)))
        values[member] = wanted
    return RowFilter(accepts=lambda row: all(test(row) for test in tests), values=values, instead=instead)


def _find_member(stream: str, param: str) -> str:
    return MEMBERS.get((stream, param)) or (param[:-1] if param.endswith("ids") else param)


def _has(member: str, wanted: frozenset[str]) -> Test:
    asked = frozenset(map(normalise_text, wanted))
    return lambda row: not asked.isdisjoint(map(normalise_text, list_values(row, member)))


def _within(member: str, value: str) -> Test:
    """`gte|2026-01-31T00:00:00Z|lt|2026-02-01T00:00:00Z`, or one half of it; of days, the days alone."""
    parts, is_day = value.split("|"), member.endswith("_on")
    read: Callable[[str], date | datetime] = date.fromisoformat if is_day else parse_moment
    bounds = [(COMPARISONS[by], read(bound)) for by, bound in zip(parts[::2], parts[1::2], strict=True)]

    def accepts(row: Data) -> bool:
        part = VendorRow("", row)
        found = part.find_day(member) if is_day else part.find_moment(member)
        return found is not None and all(compare(found, bound) for compare, bound in bounds)

    return accepts
