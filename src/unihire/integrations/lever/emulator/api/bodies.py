"""Bodies of requests, checked: what is required, types, words.

A body is declared in words: `name:kind`, with `!` where it is required and `?` where it may be null. A kind is one of
the checks below, or words divided by bars (`=word` for a single one).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from unihire.integrations.lever.emulator.api.answers import refuse_input
from unihire.integrations.lever.emulator.rows.values import find_millis
from unihire.kit.nesting import decode_bounded, has_many_values
from unihire.kit.posted_forms import FormPart

MOST_VALUES = 200_000
MOST_TEXT = 200_000
_WRONG: Any = object()


class BodyField(NamedTuple):
    """A declared member of a body."""

    name: str
    kind: str
    words: tuple[str, ...]
    is_required: bool
    is_nullable: bool


@cache
def declare_body(text: str) -> tuple[BodyField, ...]:
    fields = []
    for word in text.split():
        name, _, kind = word.partition(":")
        is_required, is_nullable = "!" in kind, "?" in kind
        kind = kind.rstrip("!?")
        words = tuple(kind.lstrip("=").split("|")) if kind[0] == "=" or "|" in kind else ()
        assert kind in _CHECKS or words, word
        fields.append(BodyField(name, "word" if words else kind, words, is_required, is_nullable))
    return tuple(fields)


def read_body(raw: bytes) -> dict[str, Any]:
    """The object that was sent; nothing counts as an empty one. Raises Refused for anything else."""
    if not raw.strip():
        return {}
    if has_many_values(raw, MOST_VALUES):
        raise refuse_input("The body has too many values")
    try:
        body = decode_bounded(raw)
    except ValueError:
        raise refuse_input("The body is not JSON") from None
    if not isinstance(body, dict):
        raise refuse_input("The body is not an object")
    return body


_NAME = re.compile(r"(\w+)(?:\[(\w*)\])?(?:\[(\w*)\])?", re.ASCII)


def read_form_body(parts: Sequence[FormPart]) -> dict[str, Any]:
    """The body that a form's texts stand for: `emails[]` is one of several, `archived[reason]` a member."""
    body: dict[str, Any] = {}
    for part in parts:
        match = _NAME.fullmatch(part.name)
        if part.filename is not None or match is None:
            continue
        name, inner, member = match.groups()
        text = part.content.decode("utf-8", "replace")
        value: Any = {"true": True, "false": False}.get(text, text)
        if re.fullmatch("[0-9]{12,15}", text, re.ASCII):
            value = int(text)
        if inner is None:
            body[name] = value
        elif inner == "" or inner.isdecimal():
            found = body.setdefault(name, [])
            if not isinstance(found, list):
                continue
            if not member:
                found.append(value)
            elif found and isinstance(found[-1], dict) and member not in found[-1]:
                found[-1][member] = value
            else:
                found.append({member: value})
        elif isinstance(body.setdefault(name, {}), dict):
            body[name][inner] = value
    return body


def check_body(text: str, body: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """What of the body is declared, each of its type. Raises Refused at the first that is not."""
    found: dict[str, Any] = {}
    for field in declare_body(text):
        place = where + field.name
        if field.name not in body:
            if field.is_required:
                raise refuse_input(f"Missing required property {field.name}", place)
            continue
        value = body[field.name]
        if value is None and field.is_nullable:
            found[field.name] = None
            continue
        checked = _WRONG if value is None else _check(field, value)
        if checked is _WRONG:
            expected = f"one of {', '.join(field.words)}" if field.words else field.kind
            raise refuse_input(f"Expected {expected}", place)
        found[field.name] = checked
    return found


def check_entries(text: str, entries: list[Any], where: str) -> list[dict[str, Any]]:
    """The objects of a list, each checked. Raises Refused."""
    found = []
    for place, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise refuse_input("Expected object", f"{where}.{place}")
        found.append(check_body(text, entry, f"{where}.{place}."))
    return found


def _check(field: BodyField, value: Any) -> Any:
    if field.words:
        return value if isinstance(value, str) and value in field.words else _WRONG
    return _CHECKS[field.kind](value)


def _text(value: Any) -> Any:
    return value if isinstance(value, str) and len(value) <= MOST_TEXT else _WRONG


def _texts(value: Any) -> Any:
    return value if isinstance(value, list) and all(_text(entry) is not _WRONG for entry in value) else _WRONG


def _count(value: Any) -> Any:
    return value if type(value) is int and 1 <= value <= 100_000 else _WRONG


def _score(value: Any) -> Any:
    return value if type(value) is int and 1 <= value <= 4 else _WRONG


def _millis(value: Any) -> Any:
    found = find_millis(value)
    return found if found is not None and found >= 0 else _WRONG


def _headcount(value: Any) -> Any:
    return value if value == "unlimited" or (type(value) is int and 0 <= value <= 100_000) else _WRONG


_CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "text": _text,
    "texts": _texts,
    "bool": lambda value: value if isinstance(value, bool) else _WRONG,
    "count": _count,
    "score": _score,
    "millis": _millis,
    "headcount": _headcount,
    "object": lambda value: value if isinstance(value, dict) else _WRONG,
    "list": lambda value: value if isinstance(value, list) else _WRONG,
    "any": lambda value: value,
}
