from datetime import UTC, datetime, timedelta

import pytest

from unihire.platform.syncs import find_status

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER, EARLIER = NOW + timedelta(minutes=1), NOW - timedelta(minutes=1)


@pytest.mark.parametrize(
    ("stored", "waits_until", "is_paused", "told"),
    [
        ("queued", None, False, "queued"),
        ("running", None, False, "running"),
        ("running", LATER, False, "waiting"),
        ("running", EARLIER, False, "running"),
        ("running", LATER, True, "paused"),
        ("queued", None, True, "paused"),
        ("done", None, True, "done"),
        ("cancelled", None, False, "cancelled"),
    ],
)
def test_a_run_that_has_not_ended_is_told_as_what_keeps_it(
    stored: str, waits_until: datetime | None, is_paused: bool, told: str
) -> None:
    run = {"status": stored, "waits_until": waits_until, "now": NOW}
    assert find_status(run, is_paused=is_paused) == told
