"""Rows of a vendor, read member by member."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from unihire.errors import VendorChanged
from unihire.integration.vendor_row import VendorRow, by_id, group_by, list_ids, read_rows

ROW = {
    "id": 17, "name": "Ada", "number": 5, "whole": 6.0, "part": 6.5, "flag": True, "none": None, "day": "2026-05-01",
    "at": "2026-05-01 12:00:00 UTC", "texts": ["a", None, "b"], "numbers": [1, None, 2.0], "mixed": ["a", 1],
    "object": {"name": "x"}, "objects": [{"name": "x"}, None], "map": {"a": {"name": "x"}, "b": None, "c": "y"},
}  # fmt: skip
ODD = ("none", "nowhere", "object", "texts", "part")


@pytest.fixture
def row() -> VendorRow:
    return VendorRow("people", ROW)


def test_values_of_the_type_are_given(row: VendorRow) -> None:
    assert (row.find_text("name"), row.get_text("name")) == ("Ada", "Ada")
    assert (row.find_number("number"), row.get_number("whole")) == (5, 6)
    assert (row.find_flag("flag"), row.get_flag("flag")) == (True, True)
    assert row.find_moment("at") == datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert row.find_day("day") == date(2026, 5, 1)
    assert (row.list_texts("texts"), row.list_numbers("numbers")) == (["a", "b"], [1, 2])
    assert [each.get_text("name") for each in row.list_parts("objects")] == ["x"]
    parts = row.map_parts("map")
    assert {name: part and part.find_text("name") for name, part in parts.items()} == {"a": "x", "b": None, "c": None}
    assert row.find_value("part") == 6.5


@pytest.mark.parametrize("member", ODD)
def test_what_may_be_missing_is_none_where_it_is_odd(row: VendorRow, member: str) -> None:
    assert row.find_text(member) is None
    assert row.find_number(member) is None
    assert row.find_flag(member) is None
    assert row.find_moment(member) is None
    assert row.find_day(member) is None


def test_a_truth_is_no_number_and_a_number_no_truth(row: VendorRow) -> None:
    assert (row.find_number("flag"), row.find_flag("number"), row.find_text("number")) == (None, None, None)


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (lambda row: row.get_text("none"), "people 17: `none` is null, and the answer needs a text there"),
        (lambda row: row.get_text("nowhere"), "people 17: `nowhere` is missing, and the answer needs a text there"),
        (lambda row: row.get_number("name"), "people 17: `name` is a text, and the answer needs a whole number there"),
        (lambda row: row.get_number("flag"), "people 17: `flag` is a boolean"),
        (lambda row: row.get_flag("none"), "people 17: `none` is null, and the answer needs true or false there"),
        (lambda row: row.get_flag("nowhere", null=False), "`nowhere` is missing"),
        (lambda row: row.list_texts("mixed"), "people 17: `mixed` has something else than texts"),
        (lambda row: row.list_numbers("mixed"), "`mixed` has something else than whole numbers"),
        (lambda row: row.list_parts("mixed"), "`mixed` has something else than objects"),
        (lambda row: row.list_parts("object"), "people 17: `object` is an object, and the answer needs a list there"),
        (lambda row: row.map_parts("texts"), "people 17: `texts` is a list, and the answer needs an object there"),
        (lambda row: row.find_part("object").get_text("kind"), "people 17: object: `kind` is missing"),
        (lambda row: row.map_parts("map")["a"].get_text("kind"), "people 17: map.a: `kind` is missing"),
        (lambda row: VendorRow("people", {}).get_text("name"), "people without an id: `name` is missing"),
        (lambda row: VendorRow("people", {"id": "x" * 999}).get_text("name"), r"people x{50}… \(999 characters\): "),
    ],
)
def test_what_an_answer_needs_is_named_where_it_is_odd(
    row: VendorRow, read: Callable[[Any], object], words: str
) -> None:
    with pytest.raises(VendorChanged, match=words):
        read(row)


def test_lists_that_are_not_there_are_empty_and_null_may_mean_no(row: VendorRow) -> None:
    for member in ("none", "nowhere"):
        assert row.list_texts(member) == row.list_numbers(member) == row.list_parts(member) == []
        assert row.map_parts(member) == {}
    assert row.get_flag("none", null=False) is False


def test_rows_are_found_and_grouped_by_numeric_ids_in_their_order() -> None:
    rows = read_rows("people", [{"id": 3, "team": 7}, {"id": None, "team": 7}, {"id": "x", "team": 2}, {"id": 1.0}])
    third, nameless, odd, first = rows
    assert by_id(rows) == {3: third, 1: first}
    assert list_ids(rows) == [3, 1]
    assert list_ids(rows, "team") == [7, 7, 2]
    assert group_by(rows, "team") == {7: [third, nameless], 2: [odd]}
