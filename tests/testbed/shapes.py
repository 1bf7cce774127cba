"""Answers compared with what they must be; where they are not, the places are told, not thousands of lines."""

from collections.abc import Iterator
from typing import Any


def check_equal(found: Any, expected: Any) -> None:
    """That both are the same, member by member."""
    odd = [f"{place}: {mine!r}, not {theirs!r}" for place, mine, theirs in _find_differences(found, expected, "$")]
    if odd:
        raise AssertionError("\n".join(odd[:20]))


def _find_differences(found: Any, expected: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(found, dict) and isinstance(expected, dict) and found.keys() == expected.keys():
        for name in expected:
            yield from _find_differences(found[name], expected[name], f"{place}.{name}")
    elif isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        for number, (mine, theirs) in enumerate(zip(found, expected, strict=True)):
            yield from _find_differences(mine, theirs, f"{place}[{number}]")
    elif type(found) is not type(expected) or found != expected:
        if isinstance(found, dict) and isinstance(expected, dict):
            found, expected = sorted(found.keys() - expected.keys()), sorted(expected.keys() - found.keys())
        yield place, found, expected


def check_structure(sample: Any, found: Any, place: str = "$") -> None:
    """That every member of the sample is there with its type, at every depth; where either is null any type will do.

    Members that customers name themselves (custom fields) are compared where both have them.
    """
    if sample is None or found is None:
        return
    if type(found) is not type(sample):
        raise AssertionError(f"{place}: {type(found).__name__}, not {type(sample).__name__}")
    if isinstance(sample, list) and sample:
        for each in found:
            check_structure(sample[0], each, f"{place}[]")
    if isinstance(sample, dict):
        for name, value in sample.items():
            if name not in found and not place.endswith("custom_fields"):
                raise AssertionError(f"{place}: no {name}")
            check_structure(value, found.get(name), f"{place}.{name}")
