from datetime import UTC, datetime, timedelta

import pytest

from unihire.platform.syncs import RunProgress, find_progress, find_status

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


RUN = {"status": "running", "is_full": True, "started_at": NOW - timedelta(seconds=30), "now": NOW}


def tell_part(stream: str, read: int, *, has_ended: bool = False) -> dict[str, object]:
    return {"stream": stream, "read": read, "phase": "done" if has_ended else "walk"}


@pytest.mark.parametrize(
    ("parts", "known", "done"),
    [
        ([tell_part("jobs", 3)], {"jobs": 10, "tags": 5}, 3 / 15),
        ([tell_part("jobs", 12)], {"jobs": 10, "tags": 12}, 12 / 24),  # it has grown
        ([tell_part("jobs", 3, has_ended=True)], {"jobs": 10, "tags": 9}, 3 / 12),  # it has shrunk
        ([tell_part("jobs", 3, has_ended=True)], {"jobs": None, "tags": 9}, 3 / 12),
        ([tell_part("jobs", 3)], {"jobs": None, "tags": 9}, None),  # never read whole
        ([tell_part("jobs", 99)], {"jobs": 99}, 0.99),
        ([], {"jobs": 0}, None),
    ],
)
def test_a_full_run_is_as_far_as_what_each_list_had_last_time_tells(
    parts: list[dict[str, object]], known: dict[str, int | None], done: float | None
) -> None:
    found = find_progress(RUN, parts, known)
    if done is None:
        assert found == RunProgress(None, None)
    else:
        assert found.done == pytest.approx(done)
        assert found.seconds_left == pytest.approx(30 * (1 - done) / done)


def test_nobody_knows_how_far_a_run_is_that_reads_what_changed_or_has_not_begun() -> None:
    parts, known = [tell_part("jobs", 3)], {"jobs": 10}
    assert find_progress({**RUN, "is_full": False}, parts, known) == RunProgress(None, None)
    assert find_progress({**RUN, "started_at": None}, parts, known) == RunProgress(None, None)
    assert find_progress({**RUN, "status": "done"}, parts, known) == RunProgress(1.0, 0.0)
