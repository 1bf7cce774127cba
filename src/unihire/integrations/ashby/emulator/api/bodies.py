"""Bodies of requests, checked: what is required, types, words, ids.

A body is declared in words: `name:kind`, with `!` where it is required and `?` where it may be null. A kind is one of
the checks below, words divided by bars (`=word` for a single one), or such words in brackets for a list of them.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from unihire.integrations.ashby.emulator.api.envelope import refuse_input
from unihire.integrations.ashby.emulator.rows.values import find_millis
from unihire.kit.nesting import decode_bounded, has_many_values
from unihire.kit.posted_forms import FormPart

MOST_VALUES = 200_000
MOST_TEXT = 200_000
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_WRONG: Any = object()

FAR_MILLIS = 8.64e15


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
        words = tuple(kind.strip("=[]").split("|")) if kind[0] in "=[" or "|" in kind else ()
        if words:
            kind = "words" if kind.startswith("[") else "word"
        assert kind in _CHECKS or words, word
        fields.append(BodyField(name, kind, words, is_required, is_nullable))
    return tuple(fields)


def read_body(raw: bytes) -> dict[str, Any]:
    """The object that was sent; nothing counts as an empty one. Raises Refused for anything else."""
    if not raw.strip():
        return {}
    if has_many_values(raw, MOST_VALUES):
        raise refuse_input("the body has too many values")
    try:
        body = decode_bounded(raw)
    except ValueError:
        raise refuse_input("the body is not JSON") from None
    if not isinstance(body, dict):
        raise refuse_input("the body is not an object")
    return body


def read_form_body(parts: Sequence[FormPart]) -> dict[str, Any]:
    """The body that a form's texts stand for: those that are JSON objects, lists or truth values are read as that."""
    body: dict[str, Any] = {}
    for part in parts:
        if part.filename is not None:
            continue
        text = part.content.decode("utf-8", "replace")
        try:
            value = decode_bounded(part.content)
        except ValueError:
            value = text
        body[part.name] = value if isinstance(value, dict | list | bool) else text
    return body


def check_body(text: str, body: Mapping[str, Any], *, is_strict: bool = False, where: str = "") -> dict[str, Any]:
    """What of the body is declared, each of its type. Raises Refused at the first that is not."""
    found: dict[str, Any] = {}
    for field in declare_body(text):
        place = where + field.name
        if field.name not in body:
            if field.is_required:
                raise refuse_input(f"{place} is required", place)
            continue
        value = body[field.name]
        if value is None:
            if field.is_nullable:
                found[field.name] = None
                continue
            raise refuse_input(f"{place} must not be null", place)
        checked = _check(field, value)
        if checked is _WRONG:
            raise refuse_input(f"{place} must be {_describe(field)}", place)
        found[field.name] = checked
    if is_strict and (unknown := sorted(set(body) - {field.name for field in declare_body(text)})):
        raise refuse_input(f"{unknown[0][:100]} is no parameter here", unknown[0][:100])
    return found


def check_entries(text: str, entries: list[Any], where: str) -> list[dict[str, Any]]:
    """The objects of a list, each checked. Raises Refused."""
    found = []
    for place, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise refuse_input(f"{where}[{place}] must be an object", where)
        found.append(check_body(text, entry, where=f"{where}[{place}]."))
    return found


def _describe(field: BodyField) -> str:
    if field.kind == "word":
        return f"one of {', '.join(field.words)}"
    if field.kind == "words":
        return f"a list of some of {', '.join(field.words)}"
    return _NAMES.get(field.kind, f"a {field.kind}")


def _check(field: BodyField, value: Any) -> Any:
    if field.kind == "word":
        return value if isinstance(value, str) and value in field.words else _WRONG
    if field.kind == "words":
        is_right = isinstance(value, list) and all(isinstance(one, str) and one in field.words for one in value)
        return value if is_right else _WRONG
    return _CHECKS[field.kind](value)


def _check_text(value: Any) -> Any:
    return value if isinstance(value, str) and len(value) <= MOST_TEXT else _WRONG


def _check_uuid(value: Any) -> Any:
    return value.lower() if isinstance(value, str) and _UUID.fullmatch(value) else _WRONG


def _check_bool(value: Any) -> Any:
    # Since 2026 booleans and limits sent as text are read as what they say: corrections.md, Smaller.
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value, _WRONG)
    return value if isinstance(value, bool) else _WRONG


def _check_number(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,15}", value, re.ASCII):
        return int(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and math.isfinite(value) and abs(value) < 1e15 else _WRONG


def _check_int(value: Any) -> Any:
    number = _check_number(value)
    return int(number) if number is not _WRONG and number == int(number) else _WRONG


def _check_millis(value: Any) -> Any:
    """Milliseconds since 1970, also as a float."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _WRONG
    return int(value) if math.isfinite(value) and abs(value) <= FAR_MILLIS else _WRONG


def _check_moment(value: Any) -> Any:
    return value if find_millis(value) is not None else _WRONG


def _check_list(value: Any) -> Any:
    return value if isinstance(value, list) else _WRONG


def _check_texts(value: Any) -> Any:
    return value if isinstance(value, list) and all(isinstance(one, str) for one in value) else _WRONG


def _check_uuids(value: Any) -> Any:
    return value if isinstance(value, list) and all(_check_uuid(one) is not _WRONG for one in value) else _WRONG


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "text": _check_text,
    "uuid": _check_uuid,
    "bool": _check_bool,
    "number": _check_number,
    "int": _check_int,
    "millis": _check_millis,
    "moment": _check_moment,
    "list": _check_list,
    "texts": _check_texts,
    "uuids": _check_uuids,
    "object": lambda value: value if isinstance(value, dict) else _WRONG,
    "any": lambda value: value,
}
_NAMES = {
    "uuid": "a UUID", "bool": "a boolean", "int": "a whole number", "millis": "milliseconds since 1970",
    "moment": "an ISO 8601 date-time", "texts": "a list of texts", "uuids": "a list of UUIDs", "object": "an object",
}  # fmt: skip
