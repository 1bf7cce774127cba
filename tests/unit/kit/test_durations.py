"""Durations as people write them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unihire.kit.durations import parse_duration, write_duration


@pytest.mark.parametrize(
    ("text", "minutes", "written"),
    [
        ("15m", 15, "15m"),
        ("90m", 90, "90m"),
        ("60m", 60, "1h"),
        ("1h", 60, "1h"),
        ("36h", 36 * 60, "36h"),
        ("24h", 24 * 60, "1d"),
        ("7d", 7 * 24 * 60, "7d"),
        ("030m", 30, "30m"),
        ("90s", 1.5, "90s"),
        ("0d", 0, "0s"),
    ],
)
def test_duration_is_read_and_written_in_its_largest_whole_unit(text: str, minutes: float, written: str) -> None:
    assert parse_duration(text) == timedelta(minutes=minutes)
    assert write_duration(timedelta(minutes=minutes)) == written


@pytest.mark.parametrize(
    "text",
    ["", "1", "h", "1 h", " 1h", "1h\n", "-1h", "+1h", "1.5h", "1h30m", "1H", "1w", "\u0661h", "9999999999d", "PT1H"],
)
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="a duration is a whole number"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=999_999_999))
def test_what_is_written_reads_as_what_it_was(seconds: int) -> None:
    duration = timedelta(seconds=seconds)
    assert parse_duration(write_duration(duration)) == duration
