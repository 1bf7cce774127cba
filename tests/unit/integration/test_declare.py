"""What a folder declares, found: streams by name, members of rows, and the values in them."""

import pytest

from testbed.vendor import ACME
from unihire.integration.declare import find_member, list_values

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


def test_values_are_told_as_in_a_query() -> None:
    assert list_values(ROW, "id") == ["12"]
    assert list_values(ROW, "private") == ["false"]
    assert list_values(ROW, "name") == list_values(ROW, "other.name") == []


def test_list_has_the_values_of_each_item() -> None:
    assert list_values(ROW, "tags") == ["a", "b"]
    assert list_values(ROW, "emails.value") == ["one@example.com", "two@example.com"]
    assert list_values(ROW, "office.id") == ["7"]


def test_stream_is_found_by_its_name_or_refused() -> None:
    assert [ACME.get_stream(stream.name) for stream in ACME.streams] == list(ACME.streams)
    with pytest.raises(KeyError, match="nothing"):
        ACME.get_stream("nothing")
