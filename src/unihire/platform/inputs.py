"""Inputs of operations: their schemas, and checking what a caller sends against them.

What a schema cannot say is checked before it: how deep and how large an input is, and that a database and a vendor can
have its texts and numbers.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any

import jsonschema_rs
import msgspec

from unihire.errors import ApiError, shorten
from unihire.integration.operate import Input, Operation, describe_type

SOURCE = "source"
SYNCED = "synced"
IDEMPOTENCY_KEY = "idempotency_key"

LONGEST_KEY = 255

DEEPEST = 32
"""Levels of an input; what operations take has five."""

MOST_VALUES = 100_000
"""Values of an input, at all levels together."""

LEAST_INTEGER, GREATEST_INTEGER = -(2**63), 2**63 - 1
"""What an integer may be where an operation does not say: no system has ids beyond."""

MOST_FAULTS = 20
"""Faults of an input that are listed, and unknown members that one of them names."""

LONGEST_FAULT = 1_000
"""Characters of one of them."""

_CLOSING = str.maketrans("", "", "]`")

_OPTIONS: Mapping[bool, tuple[str, dict[str, Any]]] = {
    False: (
        SOURCE,
        {
            "type": "string",
            "title": "Source",
            "description": "Ask the vendor now, or answer from what was last synced.",
            "enum": ["vendor", SYNCED],
            "default": "vendor",
        },
    ),
    True: (
        IDEMPOTENCY_KEY,
        {
            "type": "string",
            "title": "Idempotency key",
            "description": "A repeat under the same key gives the first answer and writes nothing.",
            "minLength": 1,
            "maxLength": LONGEST_KEY,
        },
    ),
}
"""What every operation takes besides its own inputs, by whether it writes."""


class BadInput(ApiError):
    """The input does not fit the operation's schema; the text names every fault and where it is."""

    status = 400

    def __init__(self, faults: Iterable[str]) -> None:
        first = [shorten(fault, LONGEST_FAULT) for fault in islice(faults, MOST_FAULTS)]
        listed = ", ".join(f"{number} - {fault}" for number, fault in enumerate(first, 1))
        super().__init__(f"Connector input validation failed. Schema validation errors: [ {listed} ]")


@cache
def describe_input(operation: Operation) -> dict[str, Any]:
    """The schema of the operation's input: its own members, and the option that all like it have.

    Every integer has bounds: those the operation declares, or else those of 64 bits.
    """
    schema = _bound_integers(describe_type(operation.input))
    name, option = _OPTIONS[operation.is_write]
    return {
        **schema,
        "properties": {**schema["properties"], name: option},
        "advanced": [*operation.advanced, name],
    }


def _bound_integers(part: Any) -> Any:
    if isinstance(part, list):
        return [_bound_integers(one) for one in part]
    if not isinstance(part, dict):
        return part
    bounds = {"minimum": LEAST_INTEGER, "maximum": GREATEST_INTEGER} if part.get("type") == "integer" else {}
    return {**bounds, **{name: _bound_integers(each) for name, each in part.items()}}


@cache
def _validator(operation: Operation) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(describe_input(operation))


def read_input(operation: Operation, data: Any) -> tuple[Input, dict[str, Any]]:
    """The input, and the options sent with it. Raises BadInput; nothing has been asked of the vendor then."""
    if isinstance(data, dict | list):
        check_values(data)
    if faults := [_describe_fault(error) for error in islice(_validator(operation).iter_errors(data), MOST_FAULTS)]:
        raise BadInput(faults)
    name, _ = _OPTIONS[operation.is_write]
    own = {key: value for key, value in data.items() if key != name}
    options = {key: value for key, value in data.items() if key == name}
    try:
        return msgspec.convert(own, operation.input), options
    except msgspec.ValidationError:
        pass
    try:  # `7.0` is an integer to a schema
        return msgspec.convert(to_integers(own), operation.input), options
    except msgspec.ValidationError as error:  # what a schema does not check, such as a date that is none
        text, _, place = str(error).partition(" - at `$")
        raise BadInput([f"#{re.sub(r'[.[]', '/', place).translate(_CLOSING)}: {text}"]) from error


def to_integers(value: Any) -> Any:
    """The value, in which numbers without a fraction are integers."""
    match value:
        case dict():
            return {name: to_integers(each) for name, each in value.items()}
        case list():
            return [to_integers(each) for each in value]
        case float() if value.is_integer() and LEAST_INTEGER <= value < GREATEST_INTEGER:
            return int(value)
        case _:
            return value


_Place = tuple["_Place", object] | None
"""The path of a value: that of its container, and its name or number in it."""


def check_values(data: dict[str, Any] | list[Any]) -> None:
    """That an input can be worked with, whatever the operation. Raises BadInput for the first fault."""
    waiting: list[tuple[_Place, Any, int]] = [(None, data, 1)]
    count = 0
    while waiting:
        place, value, level = waiting.pop()
        count += len(value)
        if count > MOST_VALUES:
            raise BadInput([f"#: more than {MOST_VALUES:,} values"])
        if level > DEEPEST:
            raise BadInput([f"{_write_place(place)}: nested deeper than {DEEPEST} levels"])
        for name, each in _list_members(value):
            if isinstance(name, str) and (fault := find_text_fault(name)):
                raise BadInput([f"{_write_place(place)}: the name of a member {fault}"])
            if isinstance(each, dict | list):
                waiting.append(((place, name), each, level + 1))
            elif fault := _find_fault(each):
                raise BadInput([f"{_write_place((place, name))}: {fault}"])


def _list_members(value: dict[str, Any] | list[Any]) -> Iterator[tuple[object, Any]]:
    return iter(value.items()) if isinstance(value, dict) else iter(enumerate(value))


def _find_fault(value: Any) -> str | None:
    if isinstance(value, str):
        return find_text_fault(value)
    if isinstance(value, int) and not LEAST_INTEGER <= value <= GREATEST_INTEGER:
        return "an integer of more than 64 bits"
    return None


def find_text_fault(text: str) -> str | None:
    """Why a text cannot be stored or sent; None where it can."""
    if "\0" in text:
        return "has the character U+0000, which no text may have"
    try:
        if not text.isascii():
            text.encode()
    except UnicodeEncodeError:
        return "has half of a surrogate pair, which is no character"
    return None


def _write_place(place: _Place) -> str:
    parts: list[str] = []
    while place is not None:
        place, name = place
        parts.append(f"/{shorten(str(name), 100)}")
    return "#" + "".join(reversed(parts))


def _describe_fault(error: jsonschema_rs.ValidationError) -> str:
    kind = error.kind.as_dict()
    place = "#" + "".join(f"/{shorten(str(part), 100)}" for part in error.instance_path)
    match error.kind.name:
        case "required":
            return f"{place}: required key [{kind['property']}] not found"
        case "additionalProperties":
            names = [shorten(name, 100) for name in kind["unexpected"][:MOST_FAULTS]]
            unexpected = ", ".join(f"extraneous key [{name}] is not permitted" for name in names)
            further = len(kind["unexpected"]) - len(names)
            return f"{place}: {unexpected}" + (f", and {further:,} more" if further else "")
        case "type":
            return f"{place}: expected type: {_name_types(kind['types'])}, found: {_name_type(error.instance)}"
        case "anyOf":
            return "; ".join(_describe_branches(place, kind["context"], error.instance))
        case _:
            return f"{place}: {error.message}"


def _describe_branches(
    place: str, branches: Sequence[Sequence[jsonschema_rs.ValidationError]], found: Any
) -> list[str]:
    """The faults of the branch that takes values of this type; where there is none, the types that are taken."""
    for branch in branches:
        if all(each.kind.name != "type" for each in branch):
            return [_describe_fault(each) for each in branch]
    types = [name for branch in branches for each in branch for name in each.kind.as_dict().get("types", ())]
    return [f"{place}: expected type: {_name_types(types)}, found: {_name_type(found)}"]


_TYPES = {bool: "Boolean", int: "Integer", float: "Number", str: "String", list: "JSONArray", dict: "JSONObject"}
_SCHEMA_TYPES = {
    "boolean": "Boolean",
    "integer": "Integer",
    "number": "Number",
    "string": "String",
    "array": "JSONArray",
    "object": "JSONObject",
}


def _name_types(types: Sequence[str]) -> str:
    return " or ".join(_SCHEMA_TYPES[name] for name in types if name in _SCHEMA_TYPES)


def _name_type(value: Any) -> str:
    return _TYPES.get(type(value), "Null")
