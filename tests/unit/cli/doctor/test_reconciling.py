"""The doctor's words for what a reconciliation found."""

import io
from typing import Any

import pytest
from rich.console import Console

from unihire.cli.doctor.reconciling import describe_reconciliation, judge, make_comparison_table, make_stored_tables
from unihire.sync.reconcile import Comparison, Reconciliation, Unread

MEND = "unihire sync --full 3f2c"


def compare(model: str, **numbers: Any) -> Comparison:
    empty: dict[str, Any] = {"there": 10, "here": 10, "quarantined": 0, "missing": 0, "gone": 0, "unconfirmed": 0}
    return Comparison(model=model, **{**empty, "missing_ids": [], "gone_ids": [], **numbers})


def verdict(*models: Comparison, **others: Any) -> tuple[str, str]:
    found = judge("records", Reconciliation(list(models), **others), remedy=MEND)
    return found.status, found.detail


def test_equal_is_one_short_line() -> None:
    assert verdict(compare("candidate"), compare("job")) == ("ok", "20 at the vendor, 20 here; the same")


def test_what_differs_is_told_with_ids_and_what_to_do() -> None:
    status, detail = verdict(
        compare("candidate", here=8, missing=2, missing_ids=["7", "12"]),
        compare("job", here=1017, gone=1007, gone_ids=["1", "2", "3", "4", "5"]),
    )
    assert status == "failed"
    assert detail == (
        "20 at the vendor, 1,025 here; missing here: 2 candidate (7, 12); "
        "gone there: 1,007 job (1, 2, 3, 4, 5 and 1,002 more); `unihire sync --full 3f2c` brings them together"
    )


def test_quarantined_rows_are_a_warning() -> None:
    status, detail = verdict(compare("candidate", here=9, quarantined=1), compare("department", here=11, unconfirmed=1))
    assert status == "warning"
    assert detail.startswith("20 at the vendor, 20 here; 1 there in rows that do not map")
    assert "1 here stay" in detail
    assert detail.endswith("; otherwise the same")


@pytest.mark.parametrize(("is_closed", "status"), [(True, "warning"), (False, "failed")])
def test_stream_that_could_not_be_read_is_told(is_closed: bool, status: str) -> None:
    unread = Unread("jobs", "the credentials lack jobs:read", ["job", "department"], is_closed)
    assert verdict(compare("candidate"), unread=[unread]) == (
        status,
        "10 at the vendor, 10 here; the same; not compared: job, department, for the credentials lack jobs:read",
    )


def test_nothing_compared_is_not_called_the_same() -> None:
    assert "the same" not in verdict(unread=[Unread("jobs", "refused", ["job"], False)])[1]


def test_sync_meanwhile_is_told() -> None:
    assert "a sync went on meanwhile" in verdict(compare("job"), has_synced=True)[1]


def test_json_says_what_the_table_says() -> None:
    found = Reconciliation([compare("job", there=12, missing=2, missing_ids=["1", "2"])], has_synced=True)
    assert describe_reconciliation(found) == {
        "equal": False,
        "synced_meanwhile": True,
        "models": [
            {
                "model": "job", "at_vendor": 12, "here": 10, "quarantined": 0, "unconfirmed": 0,
                "missing_here": 2, "missing_here_ids": ["1", "2"], "gone_there": 0, "gone_there_ids": [],
            }
        ],
        "not_compared": [],
    }  # fmt: skip


def draw(*tables: Any) -> list[list[str]]:
    console = Console(file=io.StringIO(), width=80)
    console.print(*tables)
    return [line.split() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def test_long_model_fits_a_narrow_terminal() -> None:
    lines = draw(make_comparison_table([compare("job_interview_stage", there=1_000_000, quarantined=3)]))
    assert lines[-1] == ["job_interview_stage", "1,000,000", "10", "3", "0", "0"]


def test_streams_are_told_with_their_last_complete_read() -> None:
    read = {"started_at": "2026-01-01T10:00:00Z", "finished_at": "2026-01-01T10:01:00Z"}
    streams = [
        {
            "stream": "jobs",
            "quarantined": 2,
            "incomplete": 0,
            "last_complete_read": {**read, "status": "done", "error": None},
        },
        {
            "stream": "people",
            "quarantined": 0,
            "incomplete": 3,
            "last_complete_read": {**read, "status": "failed", "error": "[shut]"},
        },
        {
            "stream": "tags",
            "quarantined": 0,
            "incomplete": 0,
            "last_complete_read": {**read, "status": "unfinished", "error": None},
        },
        {"stream": "notes", "quarantined": 0, "incomplete": 0, "last_complete_read": None},
    ]
    models, told = make_stored_tables({"records": {"job": 1234}, "streams": streams}, is_counted=False)
    assert draw(models)[1:] == [["job", "1,234"]]
    assert [" ".join(line) for line in draw(told)[1:]] == [
        "jobs 2 0 done 2026-01-01 10:01",
        "people 0 3 failed 2026-01-01 10:01: [shut]",
        "tags 0 0 begun 2026-01-01 10:00, not ended",
        "notes 0 0 never",
    ]


def test_connector_that_was_never_read_has_no_tables() -> None:
    streams = [{"stream": "jobs", "quarantined": 0, "incomplete": 0, "last_complete_read": None}]
    assert make_stored_tables({"records": {}, "streams": streams}, is_counted=False) == []
