"""Rows in the order of their numbers: parts, places, the layer of changes, and what a walk may leave out."""

import random
from datetime import timedelta

import pytest

from unihire.errors import ConfigError
from unihire.integration.emulate import PartRows, Row, Shape
from unihire.kit.clock import MovableClock
from unihire.sandbox.numbered import NumberedLayer
from unihire.sandbox.timeline import LaneTimeline

FIRST, STEP, END = 1002, 10, 100_000


def make_timeline(count: int = 50) -> LaneTimeline:
    return LaneTimeline(count, lambda index: index * 1000, lambda moment: moment // 1000, END)


def revise(number: int, before: Row | None, fields: Row, now: int) -> Row:
    return {"owner": None, **(before or {}), **fields, "id": number, "now": now}


def make_rows(clock: MovableClock | None = None) -> NumberedLayer:
    timeline = make_timeline()
    rows: list[NumberedLayer] = []

    def shape(record: int, place: int, part: int) -> Row:
        return {"id": rows[0].number(record, place, part), "owner": record, "place": place, "part": part}

    parts = [
        PartRows(50, 3, lambda record, place: shape(record, place, 0), lambda record: record % 4, timeline),
        PartRows(5, 1, lambda record, place: shape(record, place, 1)),
    ]
    vary = Shape(revise, lambda bits: {"owner": bits % 50}, links=("owner",))
    rows.append(NumberedLayer(parts, FIRST, STEP, vary, clock or MovableClock(), 1))
    return rows[0]


def list_numbers(rows: NumberedLayer) -> list[int]:
    return [number for number, _ in rows.walk_latest()]


@pytest.fixture
def rows() -> NumberedLayer:
    # No record holds more than its places.
    made = make_rows()
    assert made.count()["rows"] == sum(index % 4 for index in range(50)) + 5
    return made


def test_walk_goes_down_over_all_parts(rows: NumberedLayer) -> None:
    numbers = list_numbers(rows)
    assert numbers == sorted(set(numbers), reverse=True)
    assert len(numbers) == rows.count()["rows"]
    assert [row["part"] for _, row in rows.walk_latest()][:6] == [1] * 5 + [0]
    assert all(number == row["id"] for number, row in rows.walk_latest())


def test_number_tells_its_place_and_only_rows_that_are_there_are_found(rows: NumberedLayer) -> None:
    assert rows.find_place(rows.number(7, 2)) == (0, 7, 2)
    assert rows.find_place(rows.number(4, part=1)) == (1, 4, 0)
    assert rows.find_place(FIRST + 1) is None
    assert rows.find_place(FIRST - STEP) is None
    assert rows.find(rows.number(7, 2)) is not None
    assert rows.find(rows.number(6, 2)) is None


@pytest.mark.parametrize("upto", [0, FIRST, FIRST + 57 * STEP, FIRST + 150 * STEP, 10**9])
def test_walk_begins_at_any_number(rows: NumberedLayer, upto: int) -> None:
    rows.create({})
    rows.delete(rows.number(19, 1))
    expected = [number for number in list_numbers(rows) if number <= upto]
    assert [number for number, _ in rows.walk_latest(upto=upto)] == expected


def test_created_rows_come_first_and_changed_ones_stay_in_place(rows: NumberedLayer) -> None:
    before = list_numbers(rows)
    changed, deleted = before[10], before[20]
    rows.change(changed, {"owner": 3})
    rows.delete(deleted)
    made = [rows.create({"owner": 3}), rows.create({"owner": 4})]
    assert list_numbers(rows) == made[::-1] + [number for number in before if number != deleted]
    assert rows.count() == {"rows": len(before) + 1, "created": 2, "changed": 1, "deleted": 1}
    rows.delete(made[0])
    rows.reset()
    assert list_numbers(rows) == before
    assert rows.count() == {"rows": len(before), "created": 0, "changed": 0, "deleted": 0}


def test_owned_rows_are_those_of_the_records_and_of_the_layer_s_links(rows: NumberedLayer) -> None:
    made = rows.create({"owner": 7})
    moved = rows.number(11, 0)
    rows.change(moved, {"owner": 7})
    rows.delete(rows.number(7, 1))
    found = [number for number, _ in rows.walk_owned([[7], []], "owner", [7])]
    assert found == [made, moved, rows.number(7, 2), rows.number(7, 0)]
    assert [number for number, _ in rows.walk_owned([[7], []], "owner", [7], upto=rows.number(7, 1))] == found[3:]
    assert rows.find_linked("owner", 7) == sorted([made, moved])
    rows.change(moved, {"owner": 8})
    assert rows.find_linked("owner", 7) == [made]


@pytest.mark.parametrize("since", [None, 0, 30_000, 70_500, END])
@pytest.mark.parametrize("until", [None, 10_000, 49_999])
def test_walk_in_a_window_of_time_misses_no_row(rows: NumberedLayer, since: int | None, until: int | None) -> None:
    timeline = make_timeline()
    found = {number for number, row in rows.walk_latest(since=since, until=until) if row["part"] == 0}
    needed = {
        rows.number(record, place)
        for record in range(50)
        for place in range(record % 4)
        if (since is None or timeline.updated_at(record) >= since)
        and (until is None or timeline.created_at(record) <= until)
    }
    assert found == needed


def test_rows_are_picked_by_chance_and_each_once(rows: NumberedLayer) -> None:
    clock_before = rows.count()["rows"]
    assert rows.change_some(20) == 20
    assert rows.count()["changed"] == 20
    assert rows.delete_some(1000) == clock_before
    assert list_numbers(rows) == []


def test_number_that_is_taken_is_refused(rows: NumberedLayer) -> None:
    with pytest.raises(ConfigError):
        rows.create({}, rows.number(3, 0))
    free = rows.number(4, 0)
    assert rows.create({}, free) == free
    assert rows.find(free) is not None


def test_change_knows_the_moment_in_milliseconds() -> None:
    clock = MovableClock()
    rows = make_rows(clock)
    first = (rows.change(rows.number(3), {}) or {})["now"]
    clock.advance(timedelta(seconds=5))
    assert 5000 <= (rows.change(rows.number(3), {}) or {})["now"] - first < 6000
    assert rows.change(rows.number(4), {}) is None
    assert rows.delete(rows.number(4)) is False


def test_many_changes_at_random_keep_walk_count_and_find_in_agreement() -> None:
    rows, rng = make_rows(), random.Random(5)
    living = set(list_numbers(rows))
    for _ in range(400):
        kind, number = rng.randrange(3), rng.choice(sorted(living))
        if kind == 0:
            living.add(rows.create({"owner": rng.randrange(50)}))
        elif kind == 1:
            rows.change(number, {"owner": rng.randrange(50)})
        else:
            rows.delete(number)
            living.discard(number)
    assert list_numbers(rows) == sorted(living, reverse=True)
    assert rows.count()["rows"] == len(living)
    assert all(rows.find(number) is not None for number in living)


def test_walk_goes_up_over_all_parts_and_the_layer(rows: NumberedLayer) -> None:
    rows.change(rows.number(3, 1), {"owner": 7})
    rows.delete(rows.number(2, 0))
    made = rows.create({"owner": 1})
    everything = list_numbers(rows)[::-1]
    assert [number for number, _ in rows.walk_earliest()] == everything
    assert everything[-1] == made
    assert all(number == row["id"] for number, row in rows.walk_earliest())
    for start in (0, everything[10], everything[10] + 1, everything[-1], everything[-1] + 1):
        assert [number for number, _ in rows.walk_earliest(start=start)] == [one for one in everything if one >= start]


def test_walk_up_leaves_out_only_what_was_not_updated_since(rows: NumberedLayer) -> None:
    timeline = make_timeline()
    for since in (0, 20_000, 45_000, END):
        down = [number for number, _ in rows.walk_latest(since=since)][::-1]
        assert [number for number, _ in rows.walk_earliest(since=since)] == down
        assert list(timeline.walk_earliest(start=11, since=since)) == [
            index for index in range(11, 50) if timeline.updated_at(index) >= since
        ]
