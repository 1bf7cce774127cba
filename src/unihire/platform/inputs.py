"""Inputs of operations: their schemas, and checking what a caller sends against them."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import jsonschema_rs
import msgspec

from unihire.errors import ApiError
from unihire.integration.operate import Input, Operation, describe_type

SOURCE = "source"
SYNCED = "synced"
IDEMPOTENCY_KEY = "idempotency_key"

LONGEST_KEY = 255

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

    def __init__(self, faults: Sequence[str]) -> None:
        listed = ", ".join(f"{number} - {fault}" for number, fault in enumerate(faults, 1))
        super().__init__(f"Connector input validation failed. Schema validation errors: [ {listed} ]")


@cache
def describe_input(operation: Operation) -> dict[str, Any]:
    """The schema of the operation's input: its own members, and the option that all like it have."""
    schema = describe_type(operation.input)
    name, option = _OPTIONS[operation.is_write]
    return {
        **schema,
        "properties": {**schema["properties"], name: option},
        "advanced": [*operation.advanced, name],
    }


@cache
def _validator(operation: Operation) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(describe_input(operation))


def read_input(operation: Operation, data: Any) -> tuple[Input, dict[str, Any]]:
    """The input, and the options sent with it. Raises BadInput; nothing has been asked of the vendor then."""
    faults = [_tell(error) for error in _validator(operation).iter_errors(data)]
    if faults:
        raise BadInput(faults)
    name, _ = _OPTIONS[operation.is_write]
    own = {key: value for key, value in data.items() if key != name}
    try:
        return msgspec.convert(own, operation.input), {key: value for key, value in data.items() if key == name}
    except msgspec.ValidationError as error:  # what a schema does not check, such as a date that is none
        text, _, place = str(error).partition(" - at `$")
        raise BadInput([f"#{re.sub(r'[.[]', '/', place).translate(_CLOSING)}: {text}"]) from error


def _tell(error: jsonschema_rs.ValidationError) -> str:
    kind = error.kind.as_dict()
    place = "#" + "".join(f"/{part}" for part in error.instance_path)
    match error.kind.name:
        case "required":
            return f"{place}: required key [{kind['property']}] not found"
        case "additionalProperties":
            unexpected = ", ".join(f"extraneous key [{name}] is not permitted" for name in kind["unexpected"])
            return f"{place}: {unexpected}"
        case "type":
            return f"{place}: expected type: {_name_types(kind['types'])}, found: {_name_type(error.instance)}"
        case "anyOf":
            return "; ".join(_tell_branches(place, kind["context"], error.instance))
        case _:
            return f"{place}: {error.message}"


def _tell_branches(place: str, branches: Sequence[Sequence[jsonschema_rs.ValidationError]], found: Any) -> list[str]:
    """The faults of the branch that takes values of this type; where there is none, the types that are taken."""
    for branch in branches:
        if all(each.kind.name != "type" for each in branch):
            return [_tell(each) for each in branch]
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
