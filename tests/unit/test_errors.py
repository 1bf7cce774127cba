"""What an error repeats of a request: bounded, whatever was sent."""

import msgspec
import pytest

from unihire.errors import LONGEST_DETAIL, ApiError, BadRequest, Invalid, shorten, truncate_value

DEEP: list[object] = []
for _ in range(500):
    DEEP = [DEEP]
WIDE = [[["x" * 1_000] * 100] * 100] * 100


def test_text_of_an_error_is_bounded_and_says_how_long_it_was() -> None:
    error = BadRequest("x" * 1_000_000)
    assert len(error.detail) < LONGEST_DETAIL + 50
    assert error.detail.endswith("(1,000,000 characters)")
    assert str(error) == error.detail
    assert BadRequest("short").detail == "short"
    assert isinstance(error, ApiError)


def test_text_that_is_as_long_as_may_be_is_whole() -> None:
    assert shorten("12345", 5) == "12345"
    assert shorten("123456", 5) == "12345… (6 characters)"


def test_half_of_a_surrogate_pair_in_an_error_can_be_sent() -> None:
    assert msgspec.json.encode(shorten("a\ud800b")) == b'"a?b"'


@pytest.mark.parametrize(
    "value",
    ["x" * 10**6, ["x"] * 10**5, {str(number): "x" for number in range(10**5)}, DEEP, WIDE, 10**400, 2**70, -(2**64)],
    ids=["text", "list", "object", "deep", "wide", "huge", "large", "negative"],
)
def test_whatever_was_sent_is_repeated_in_a_few_kilobytes(value: object) -> None:
    problem = {"type": "x", "loc": ["body", "y" * 10**6], "msg": "z" * 10**6, "input": value}
    error = Invalid([problem] * 1_000)
    assert len(msgspec.json.encode(error.problems)) < 500_000
    assert len(msgspec.json.encode(truncate_value(value))) < 20_000
    assert len(str(error)) < 20_000


def test_small_values_are_repeated_as_they_are() -> None:
    for value in ("a", 1, 1.5, None, True, ["a", {"b": [1]}], {"a": {"b": "c"}}):
        assert truncate_value(value) == value
