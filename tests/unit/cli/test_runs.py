from typing import Any

import pytest

from unihire.cli.runs import explain_run, show_span

RUN: dict[str, Any] = {
    "connector_id": "3f2c0000-0000-0000-0000-000000000000",
    "customer": "Example [old]",
    "status": "done",
    "full": False,
    "only_streams": None,
    "triggered_by": "schedule",
    "finished_at": "2026-03-01T12:00:00Z",
    "took_seconds": 75.2,
    "waits_until": None,
    "waits_for": None,
    "error": None,
    "progress": None,
    "totals": {"requests": 1, "waited_seconds": 0.0},
}
UNDER_WAY = {**RUN, "status": "running", "finished_at": None}


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (86_400 * 3 + 4 * 3600, "3 d 4 h"),
    ],
)
def test_spans_are_told_in_their_two_largest_units(seconds: float, told: str) -> None:
    assert show_span(seconds) == told


def tell(run: dict[str, Any]) -> str:
    return "\n".join(explain_run(run))


def test_a_run_tells_who_asked_for_what_and_what_it_took() -> None:
    assert tell(RUN) == "[dim]Example \\[old] · what changed · by schedule · took 1 min 15 s · 1 request[/dim]"
    asked = {**RUN, "full": True, "only_streams": ["jobs", "offers"], "triggered_by": "request"}
    asked["totals"] = {"requests": 1200, "waited_seconds": 65}
    assert "everything of jobs, offers · on request" in tell(asked)
    assert "1,200 requests, 1 min 5 s waiting" in tell(asked)


def test_a_run_under_way_tells_how_far_it_is_where_that_can_be_known() -> None:
    assert "read" not in tell(UNDER_WAY)
    assert "43% read, about 2 min left" in tell({**UNDER_WAY, "progress": {"done": 0.43, "seconds_left": 120}})
    assert "0% read[/cyan]" in tell({**UNDER_WAY, "progress": {"done": 0.0, "seconds_left": None}})


def test_a_run_that_waits_or_rests_tells_why() -> None:
    waits = {"status": "waiting", "waits_until": "2026-03-01T12:10:00Z", "waits_for": "the vendor's rate limit"}
    assert "until 2026-03-01 12:10: the vendor's rate limit" in tell({**UNDER_WAY, **waits})
    paused = tell({**UNDER_WAY, "status": "paused", "progress": {"done": 0.43, "seconds_left": 120}})
    assert "`unihire resume 3f2c0000`" in paused
    assert "43% read[/cyan]" in paused
    assert "refused" in tell({**RUN, "status": "failed", "error": "the credentials are refused"})
