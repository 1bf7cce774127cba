"""Inputs of operations: whatever is sent, the fault is one of the caller's and is named in few words."""

from typing import Any

import pytest

from testbed.effort import pick
from unihire.integration.operate import Operation
from unihire.integration.registry import list_operations
from unihire.platform.inputs import (
    DEEPEST,
    GREATEST_INTEGER,
    LEAST_INTEGER,
    MOST_VALUES,
    BadInput,
    describe_input,
    read_input,
)

OPERATIONS = list_operations("greenhouse")
ALL = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())
SOME = pytest.mark.parametrize("operation", pick(list(OPERATIONS.values()), 6), ids=pick(list(OPERATIONS), 6))
"""Of what is checked before an operation's own shape is looked at."""


def nest(levels: int, value: Any = None) -> Any:
    for _ in range(levels):
        value = [value]
    return value


def refuse(operation: Operation, given: Any) -> str:
    with pytest.raises(BadInput) as refused:
        read_input(operation, given)
    assert len(refused.value.detail) < 5_000
    return refused.value.detail


@SOME
@pytest.mark.parametrize("levels", [DEEPEST, 255, 256, 500, 900])
def test_input_nested_too_deeply_is_refused(operation: Operation, levels: int) -> None:
    for given in (nest(levels + 1), {"deep": nest(levels)}, {"applications": nest(levels)}):
        assert "nested deeper than 32 levels" in refuse(operation, given)


@SOME
def test_many_unknown_members_are_named_in_part(operation: Operation) -> None:
    unknown = {f"unknown {number}": number for number in range(5_000)}
    assert "and 4,980 more" in refuse(operation, unknown)
    assert "more than 100,000 values" in refuse(operation, dict.fromkeys(map(str, range(3 * MOST_VALUES)), 1))
    assert "more than 100,000 values" in refuse(operation, {"x": [[1] * 1_000] * 300})


@ALL
def test_texts_that_nothing_can_store_are_refused(operation: Operation) -> None:
    for text, words in (("a\0b", "U+0000"), ("a\ud800b", "surrogate")):
        for given in ({"x": text}, {"x": [{"y": text}]}, {text: 1}, [text]):
            assert words in refuse(operation, given)


@SOME
def test_long_names_and_values_are_repeated_in_part(operation: Operation) -> None:
    refuse(operation, {"x" * 10**6: 1})
    refuse(operation, {name: "y" * 10**6 for name in describe_input(operation)["properties"] if name != "body"})
    refuse(operation, dict.fromkeys(describe_input(operation)["properties"], 10**400) | {"z": 10**400})


def list_integers(schema: Any) -> list[Any]:
    found = [schema] if isinstance(schema, dict) and schema.get("type") == "integer" else []
    for part in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        found += list_integers(part)
    return found


@ALL
def test_every_integer_is_bounded_in_the_schema(operation: Operation) -> None:
    for schema in list_integers(describe_input(operation)):
        assert LEAST_INTEGER <= schema["minimum"] <= schema["maximum"] <= GREATEST_INTEGER


@ALL
def test_page_beyond_any_list_is_refused_and_the_last_one_is_not(operation: Operation) -> None:
    schema = describe_input(operation)
    if "page" not in schema["properties"]:
        return
    needed = dict.fromkeys(schema.get("required", ()), 1)
    for page in (2**31, 2**62, 2**63, 2**64):
        assert "#/page" in refuse(operation, {**needed, "page": page})
    read_input(operation, {**needed, "page": 10**9})


def test_number_without_a_fraction_is_an_integer_as_a_schema_has_it() -> None:
    given, _ = read_input(OPERATIONS["list_jobs"], {"page": 2.0, "results_per_page": 32.0, "department_id": -0.0})
    assert (given.page, given.results_per_page, given.department_id) == (2, 32, 0)  # type: ignore[attr-defined]
    assert all(type(value) is int for value in (given.page, given.results_per_page))  # type: ignore[attr-defined]
    for page in (2.5, 1e300, float(2**63)):
        assert "#/page: " in refuse(OPERATIONS["list_jobs"], {"page": page})
