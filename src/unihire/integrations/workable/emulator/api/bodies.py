"""Bodies of requests, checked: `kind` is one of the words below, with `!` where it must be there."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from unihire.integrations.workable.emulator.api.calls import Refused, refuse_field
from unihire.kit.nesting import decode_bounded, has_many_values

MOST_VALUES = 200_000
MOST_TEXT = 100_000


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and abs(value) < 1e15


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MOST_TEXT


CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "text": _is_text,
    "id": lambda value: _is_text(value) or (isinstance(value, int) and not isinstance(value, bool)),
    "bool": lambda value: isinstance(value, bool),
    "int": lambda value: isinstance(value, int) and _is_number(value),
    "number": _is_number,
    "object": lambda value: isinstance(value, dict),
    "objects": lambda value: isinstance(value, list) and all(isinstance(one, dict) for one in value),
    "texts": lambda value: isinstance(value, list) and all(_is_text(one) for one in value),
    "list": lambda value: isinstance(value, list),
}


def read_body(raw: bytes) -> dict[str, Any]:
    """The object that was sent; nothing counts as an empty one. Raises Refused for anything else."""
    if not raw.strip():
        return {}
    try:
        if has_many_values(raw, MOST_VALUES):
            raise ValueError("too many values")
        body = decode_bounded(raw)
    except ValueError:
        raise Refused(400, "the body is not JSON that can be read") from None
    if not isinstance(body, dict):
        raise Refused(400, "the body is not an object")
    return body


def check_body(fields: Mapping[str, str], body: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """What of the body is declared, each of its type; null is as good as left out, except for texts that may go.

    Raises Refused, 422, at the first that is not.
    """
    found: dict[str, Any] = {}
    for name, kind in fields.items():
        value = body.get(name)
        if value is None:
            if kind.endswith("!"):
                raise refuse_field(where + name, "is missing")
            if name in body and kind.endswith("?"):
                found[name] = None
        elif not CHECKS[kind.rstrip("!?")](value):
            raise refuse_field(where + name, "is invalid")
        else:
            found[name] = value
    return found
