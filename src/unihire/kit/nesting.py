"""How deep JSON from outside may be nested, and how many values it may have: bounds that are the same on every Python.

Python's own limit is 1,000 levels in one version and 10,000 in the next, less the depth of the caller; and what one
function decoded at some depth the next cannot encode or copy.
"""

import re
from itertools import accumulate
from typing import Any, TypeVar, overload

import msgspec

T = TypeVar("T")

MOST_DEPTH = 100
"""Levels of arrays and objects that are decoded."""

_STEPS = {ord("{"): 1, ord("["): 1, ord("}"): -1, ord("]"): -1}
_NO_BRACKETS = bytes(set(range(256)) - _STEPS.keys())
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)


class NestedTooDeeply(ValueError):
    """JSON of too many levels; the message says nothing of its content."""

    def __init__(self, most: int = MOST_DEPTH) -> None:
        super().__init__(f"nested deeper than {most} levels")


def is_deep(raw: bytes, most: int = MOST_DEPTH) -> bool:
    """Whether it has more than `most` levels, be it JSON or not."""
    if len(raw) <= most or raw.count(b"{") + raw.count(b"[") <= most:
        return False
    brackets = _STRING.sub(b"", raw).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > most


def has_many_values(raw: bytes, most: int) -> bool:
    """Whether it has more than about `most` values, by commas and brackets, those in its texts included.

    To decode a value takes up to 200 bytes and a microsecond, where two bytes were sent for it.
    """
    return len(raw) > most and sum(map(raw.count, (b",", b"[", b"{", b"]", b"}"))) > most


@overload
def decode_bounded(raw: bytes, *, most: int = MOST_DEPTH) -> Any: ...
@overload
def decode_bounded(raw: bytes, type: type[T], *, most: int = MOST_DEPTH) -> T: ...
def decode_bounded(raw: bytes, type: Any = Any, *, most: int = MOST_DEPTH) -> Any:
    """What the JSON says. Raises NestedTooDeeply beyond `most` levels, else as msgspec does: always a ValueError."""
    if is_deep(raw, most):
        raise NestedTooDeeply(most)
    try:
        return msgspec.json.decode(raw, type=type)
    except RecursionError:  # the caller itself is deep
        raise NestedTooDeeply(most) from None
