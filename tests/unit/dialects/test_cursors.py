"""Cursors: a place in one list of one connector."""

from uuid import uuid4

from unihire.dialects.common.cursors import read_cursor, write_cursor


def test_cursor_names_a_place_of_its_own_list_only() -> None:
    connector = uuid4()
    for seq in (0, 1, 1_700_000_000_000_000, 2**63 - 1, -1):
        cursor = write_cursor(connector, "tag", seq)
        assert read_cursor(connector, "tag", cursor) == seq
        assert read_cursor(connector, "job", cursor) is None
        assert read_cursor(uuid4(), "tag", cursor) is None
        for place in range(len(cursor) - 1):
            other = "A" if cursor[place] != "A" else "B"
            assert read_cursor(connector, "tag", cursor[:place] + other + cursor[place + 1 :]) is None
