"""Conditions of lists as they are seen on rows that were read already."""

from datetime import date

import pytest

from unihire.integration.vendor_row import VendorRow
from unihire.integrations.greenhouse.harvest_v1.operations.lists import within_days

DAYS = ["2026-05-01", "2026-05-02", "2026-05-03", None]


@pytest.mark.parametrize(
    ("after", "before", "told", "found"),
    [
        (date(2026, 5, 2), None, "gte|2026-05-02", ["2026-05-02", "2026-05-03"]),
        (None, date(2026, 5, 2), "lte|2026-05-02", ["2026-05-01", "2026-05-02"]),
        (date(2026, 5, 2), date(2026, 5, 2), "gte|2026-05-02|lte|2026-05-02", ["2026-05-02"]),
        (date(2026, 5, 3), date(2026, 5, 1), "gte|2026-05-03|lte|2026-05-01", []),
    ],
)
def test_days_are_from_the_first_to_the_last(
    after: date | None, before: date | None, told: str, found: list[str]
) -> None:
    (condition,) = within_days("starts_at", after, before)
    assert condition.filters == {"starts_at": told}
    assert [day for day in DAYS if condition.accepts(VendorRow("offers", {"starts_at": day}))] == found


def test_no_day_asks_for_nothing() -> None:
    assert within_days("starts_at", None, None) == []
