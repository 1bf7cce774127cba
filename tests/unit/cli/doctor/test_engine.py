from dataclasses import replace

import pytest

from unihire.cli.doctor.engine import Engine, judge_engine

IDLE = Engine(workers=0, waiting=0, deferred=0, doing=0, orphaned=0, overdue=0, too_late=0, paused=0, issues=0)


def judge(engine: Engine) -> dict[str, tuple[str, str]]:
    return {finding.name: (finding.status, finding.detail) for finding in judge_engine(engine)}


def test_no_worker_is_no_matter_while_nothing_waits() -> None:
    assert {status for status, _ in judge(IDLE).values()} == {"ok"}


@pytest.mark.parametrize("work", [{"waiting": 1}, {"overdue": 1}, {"doing": 1}])
def test_no_worker_is_told_with_the_commands_that_start_one_where_something_waits(work: dict[str, int]) -> None:
    status, said = judge(replace(IDLE, **work))["workers"]
    assert status == "warning"
    assert "no worker is running: `unihire serve` or `unihire worker`" in said
    assert judge(replace(IDLE, workers=1, **work))["workers"][0] == "ok"


def test_what_is_overdue_while_workers_run_is_theirs() -> None:
    status, said = judge(replace(IDLE, overdue=3, workers=2, paused=1))["schedules"]
    assert status == "warning"
    assert "3 connectors" in said
    assert "the workers are behind; 1 connector paused" in said


def test_runs_nobody_looks_after_and_open_issues_are_told() -> None:
    found = judge(replace(IDLE, orphaned=1, issues=2))
    assert found["runs"][0] == found["issues"][0] == "warning"
    assert "`unihire issues`" in found["issues"][1]
