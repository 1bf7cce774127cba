"""The layer of changed rows over the computed ones behaves like one list."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from unihire.errors import ConfigError
from unihire.integration.emulate import CompanyRows, Row, Shape
from unihire.kit.clock import MovableClock, from_micros
from unihire.sandbox.layered_rows import CREATED_FIRST, LayeredRows
from unihire.sandbox.timeline import LaneTimeline

COUNT = 40


class StoppedClock(MovableClock):
    """Stands still until it is moved."""

    def __init__(self) -> None:
        super().__init__()
        self.moment = datetime(2030, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment


def revise(number: int, before: Row | None, fields: Row, now: int) -> Row:
    if "bad" in fields:
        raise ConfigError("bad")
    return {"id": number, **(before or {}), **fields, "updated": now}


def make_rows(clock: MovableClock, documented: dict[int, tuple[int, Row]] | None = None) -> LayeredRows:
    timeline = LaneTimeline(COUNT, lambda index: index * 10, lambda moment: moment // 10, 1000)
    source = CompanyRows(timeline, 5, 3, lambda index: {"id": 5 + 3 * index, "updated": timeline.updated_at(index)})
    shape = Shape(revise, lambda bits: {"varied": bits}, lambda row: row.get("name"))
    return LayeredRows(source, documented or {}, shape, clock, 1)


def list_ids(rows: LayeredRows, **bounds: Any) -> list[int]:
    return [row["id"] for _, row in rows.walk_newest(**bounds)]


class RowsMatchAPlainDict(RuleBasedStateMachine):
    """Any mix of writes leaves the same rows, in the same order, as a dict that is sorted afresh."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = StoppedClock()
        self.rows = make_rows(self.clock, {3: (200, {"id": 3, "updated": 200, "name": "doc"})})
        self.model = {row["id"]: row for _, row in make_rows(self.clock).walk_newest()}
        self.model[3] = {"id": 3, "updated": 200, "name": "doc"}

    @rule(seconds=st.integers(0, 3))
    def tick(self, seconds: int) -> None:
        self.clock.moment += timedelta(seconds=seconds)

    @rule(number=st.integers(0, 130), name=st.sampled_from(["a", "b", None]))
    def change(self, number: int, name: str | None) -> None:
        row = self.rows.change(number, {"name": name})
        assert (row is None) == (number not in self.model)
        if row is not None:
            self.model[number] = row

    @rule(number=st.integers(0, 130))
    def delete(self, number: int) -> None:
        assert self.rows.delete(number) == (self.model.pop(number, None) is not None)

    @rule(number=st.none() | st.integers(0, 130))
    def create(self, number: int | None) -> None:
        if number in self.model:
            with pytest.raises(ConfigError):
                self.rows.create({}, number)
            return
        created = self.rows.create({}, number)
        row = self.rows.find(created)
        assert row is not None
        self.model[created] = row

    @rule(count=st.integers(0, 5))
    def change_some(self, count: int) -> None:
        self.rows.change_some(count)
        for _, row in self.rows.walk_newest():
            self.model[row["id"]] = row

    @invariant()
    def walk_is_sorted_and_whole(self) -> None:
        expected = sorted(self.model.values(), key=lambda row: (row["updated"], row["id"]), reverse=True)
        assert [row for _, row in self.rows.walk_newest()] == expected
        assert self.rows.count()["rows"] == len(expected)
        middle = expected[len(expected) // 2]
        key = (middle["updated"], middle["id"])
        rest = [row["id"] for row in expected if (row["updated"], row["id"]) < key]
        assert list_ids(self.rows, after=key) == rest
        assert list_ids(self.rows, since=middle["updated"]) == [
            row["id"] for row in expected if row["updated"] > middle["updated"]
        ]
        assert list_ids(self.rows, until=middle["updated"]) == [
            row["id"] for row in expected if row["updated"] < middle["updated"]
        ]
        assert self.rows.find_touched("a") == sorted(row["id"] for row in expected if row.get("name") == "a")


RowsMatchAPlainDict.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
TestRowsMatchAPlainDict = RowsMatchAPlainDict.TestCase


def test_reset_undoes_everything_and_repeats_the_same_chance() -> None:
    rows = make_rows(StoppedClock())
    before = list_ids(rows)
    picks = []
    for _ in range(2):
        rows.change_some(4)
        picks.append(list_ids(rows)[:4])
        rows.delete_some(2)
        assert rows.create({"name": "x"}) == CREATED_FIRST
        rows.reset()
        assert list_ids(rows) == before
    assert picks[0] == picks[1]


def test_refused_change_leaves_the_row_as_it_was() -> None:
    rows = make_rows(StoppedClock())
    with pytest.raises(ConfigError):
        rows.change(5, {"bad": 1})
    assert not rows.is_touched(5)
    assert rows.find_updated_at(5) == rows.find(5)["updated"]  # type: ignore[index]


def test_update_time_is_the_clocks() -> None:
    rows, clock = make_rows(StoppedClock()), StoppedClock()
    rows.change(5, {})
    updated = rows.find_updated_at(5)
    assert updated is not None
    assert from_micros(updated * 1_000_000) == clock.now()
