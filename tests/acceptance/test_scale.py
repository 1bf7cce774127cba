"""The capacity model against what it was not made of, and its page against the model."""

import dataclasses
from pathlib import Path

import msgspec
import pytest
from bench.assumptions import ASSUMED, Assumptions, read_assumptions
from bench.capacity import (
    QUANTITIES,
    Line,
    Measured,
    find_ends,
    list_deviations,
    make_plan,
    plan_first_sync,
)
from bench.scale import BEGIN, END, main, read_fair, read_measured, render
from bench.scale_check import compare_crowd

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scale.md"

WITHIN = 0.25
TOLD = {"calls", "rows", "records", "transactions", "size"}
"""What a run takes however busy the machine is that it is measured on."""


@pytest.fixture(scope="module")
def measured() -> Measured:
    return read_measured()


@pytest.fixture
def given() -> Assumptions:
    return read_assumptions()


def test_model_predicts_a_size_it_was_not_made_of(measured: Measured) -> None:
    found = [one for one in list_deviations(measured) if one.kind in ("first", "whole") and one.quantity in TOLD]
    assert {one.quantity for one in found} == TOLD
    assert [one for one in found if abs(one.ratio - 1) > WITHIN] == []


def test_model_predicts_what_five_hundred_connectors_take(measured: Measured) -> None:
    found = compare_crowd(measured, read_fair())
    assert {one.quantity for one in found} >= {"worker_cpu", "database_cpu", "transactions", "wal", "size", "rows"}
    assert [one for one in found if abs(one.ratio - 1) > WITHIN] == []


@pytest.mark.parametrize("quantity", ["worker_cpu", "database_cpu", "wal"])
def test_model_predicts_what_all_runs_of_that_size_take_together(measured: Measured, quantity: str) -> None:
    found = [one for one in list_deviations(measured) if one.quantity == quantity]
    assert abs(sum(one.predicted for one in found) / sum(one.measured for one in found) - 1) <= WITHIN


def test_line_goes_through_its_points_and_never_below_zero() -> None:
    line = Line.through((100, 50.0), (300, 90.0))
    assert (line.fixed, line.at(200)) == (30.0, 70.0)
    assert Line.through((100, 50.0), (300, 40.0)) == Line(50.0, 0.0)
    assert Line.through((100, 10.0), (200, 40.0)).fixed == 0.0


def test_ten_times_the_connectors_take_ten_times_as_much(measured: Measured, given: Assumptions) -> None:
    few, many = (dataclasses.asdict(make_plan(measured, given, count)) for count in (1_000, 10_000))
    for name in ("records", "calls_an_hour", "transactions_a_second", "wal_mb_a_second", "storage_gb"):
        assert many[name] == pytest.approx(10 * few[name])
    assert few["workers"] <= many["workers"] <= 10 * few["workers"]


def test_first_sync_takes_what_the_budget_allows(measured: Measured, given: Assumptions) -> None:
    vendor = msgspec.structs.replace(given.vendors[0], calls_a_second=5.0, used=1.0)
    planned = plan_first_sync(measured, vendor, 100_000)
    assert planned.hours == pytest.approx(planned.calls / 5 / 3600)


def test_resource_that_ends_first_ends_the_server(measured: Measured, given: Assumptions) -> None:
    limits = msgspec.structs.replace(given.one_postgresql, flushes_a_second=1)
    ends = find_ends(measured, msgspec.structs.replace(given, one_postgresql=limits))
    assert next(iter(ends)) == "flushes"
    assert list(ends.values()) == sorted(ends.values())
    at_end = make_plan(measured, given, round(find_ends(measured, given)["WAL"]))
    assert at_end.wal_mb_a_second == pytest.approx(given.one_postgresql.wal_mb_a_second, rel=0.01)


def test_page_shows_the_tables_of_the_model(measured: Measured, given: Assumptions) -> None:
    told = render(measured, given, given.connectors)
    assert f"{BEGIN}\n{told}\n{END}" in PAGE.read_text()


def test_command_tells_other_numbers_of_connectors(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--connectors", "7", "1234567", "--checks"]) == 0
    printed = capsys.readouterr().out
    assert "1,234,567" in printed
    assert all(name in printed for name in QUANTITIES)


def test_assumptions_that_do_not_add_up_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "other.toml"
    for changed, reason in ({"share = 0.5": "share = 0.7"}, "shares"), ({"candidates =": "candidate ="}, "candidate"):
        text = ASSUMED.read_text()
        for old, new in changed.items():
            text = text.replace(old, new)
        path.write_text(text)
        assert main(["--assumptions", str(path)]) == 2
        assert reason in capsys.readouterr().err


def test_tables_go_between_the_marks_of_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    assert main(["--into", str(page)]) == 0
    lines = page.read_text().splitlines()
    assert (lines[0], lines[-1]) == ("before", "after")
    assert "old" not in lines
    page.write_text("nothing\n")
    assert main(["--into", str(page)]) == 2
    assert "no place" in capsys.readouterr().err
