"""What a folder declares, found: streams by name, members of rows, and the values in them."""

import pytest

from testbed.vendor import ACME
from unihire.integration.declare import RecordMapping, find_member, list_values, pick_members
from unihire.model import Tag

ROW = {
    "id": 12,
    "private": False,
    "name": None,
    "office": {"id": 7},
    "tags": ["a", None, "b"],
    "emails": [{"value": "one@example.com"}, {"type": "work"}, {"value": "two@example.com"}, "odd"],
}


def test_member_is_found_within_others_or_is_none() -> None:
    assert (find_member(ROW, "id"), find_member(ROW, "office.id")) == (12, 7)
    assert (find_member(ROW, "tags.id"), find_member(ROW, "name.first"), find_member(ROW, "other")) == (None,) * 3


def test_item_of_a_list_is_found_by_its_place() -> None:
    assert (find_member(ROW, "tags.0"), find_member(ROW, "emails.2.value")) == ("a", "two@example.com")
    assert (find_member(ROW, "tags.3"), find_member(ROW, "name.0"), find_member(ROW, "office.0")) == (None,) * 3


def test_joined_row_has_its_id_and_the_members_that_are_named_without_what_is_around_them() -> None:
    row = {"id": 12, "office": {"id": 7, "name": "Berlin"}, "name": None}
    assert pick_members(row, ("name", "office.id", "other", "office.other")) == {"id": 12, "name": None, "office.id": 7}


def test_parts_are_rows_of_a_detail_or_in_each_of_these() -> None:
    a, b, c = ({"id": id} for id in "abc")
    details = {"info": [{"steps": [a, b]}, {"steps": [c]}]}
    rows = RecordMapping(Tag, lambda source: Tag(), of="info", is_owned=True)
    steps = RecordMapping(Tag, lambda source: Tag(), of="info", split=lambda row: row["steps"], is_owned=True)
    assert list(rows.list_parts({}, details)) == details["info"]
    assert list(steps.list_parts({}, details)) == [a, b, c]
    assert list(steps.list_parts({}, {})) == []


def test_values_are_told_as_in_a_query() -> None:
    assert list_values(ROW, "id") == ["12"]
    assert list_values(ROW, "private") == ["false"]
    assert list_values(ROW, "name") == list_values(ROW, "other.name") == []


def test_list_has_the_values_of_each_item() -> None:
    assert list_values(ROW, "tags") == ["a", "b"]
    assert [list_values(ROW, f"tags.{place}") for place in ("0", "1", "9", "0.name")] == [["a"], [], [], []]
    assert list_values(ROW, "emails.value") == ["one@example.com", "two@example.com"]
    assert list_values(ROW, "office.id") == ["7"]


def test_stream_is_found_by_its_name_or_refused() -> None:
    assert [ACME.get_stream(stream.name) for stream in ACME.streams] == list(ACME.streams)
    with pytest.raises(KeyError, match="nothing"):
        ACME.get_stream("nothing")
