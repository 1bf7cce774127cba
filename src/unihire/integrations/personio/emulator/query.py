"""How the emulator reads list parameters, and the cursors it hands out."""

import math
import re
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from unihire.integration.emulate import Key
from unihire.integrations.personio.emulator.documented import (
    BAD_FILTER,
    BAD_PARAMETERS,
    DOCUMENTED_AT,
    DOCUMENTED_CURSORS,
    Problem,
)
from unihire.kit.clock import parse_moment, to_micros

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
_LONGEST_CURSOR = 4000
_AFTER_ALL = 2**53

# An offset whose plus sign was not escaped arrives as a space: 2026-01-31T09:30:00 02:00.
_LOST_PLUS = re.compile(r"([T ]\d\d:?\d\d\S*) (\d\d:?\d\d)$")


class Refusal(Exception):
    """The request gets this problem for an answer."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class ListRules(NamedTuple):
    """What one list takes: its page sizes, its filters, and which two of them exclude each other."""

    stream: str
    filters: tuple[str, ...]
    greatest: int = 200
    default: int = 100
    exclusive: tuple[str, str] | None = ("updated_at.lt", "updated_at.gt")


class ListQuery(NamedTuple):
    """A checked list request."""

    limit: int
    filters: Mapping[str, str]
    after: Key | None
    """The last row of the page before."""
    cursor: str | None
    """The cursor as it was sent."""


def read_list_query(rules: ListRules, query: Sequence[tuple[str, str]]) -> ListQuery:
    """Raises Refusal for what the vendor documents as 400, or would be ambiguous."""
    given: dict[str, str] = {}
    names = ("limit", "cursor", *rules.filters)
    for name, value in query:
        if name in names:
            if name in given:
                raise Refusal(BAD_PARAMETERS)
            given[name] = value
        elif name.rpartition(".")[0] in names or f"{name.rpartition('.')[0]}.gt" in names:
            # An operator the filter does not have, such as updated_at.gte (persons document).
            raise Refusal(BAD_FILTER)
        # Any other key is let through: a real client sends limit to lists without pages (notes.md, listCategories).
    limit_text, cursor = given.pop("limit", None), given.pop("cursor", None)
    if rules.exclusive is not None and set(rules.exclusive) <= set(given):
        raise Refusal(BAD_PARAMETERS)
    position = None
    if cursor:
        limit, filters, position = read_cursor(rules, cursor)
        # A client may repeat limit and filters beside the cursor: what it says now counts.
        given = given or filters
    else:
        limit = rules.default
    if limit_text is not None:
        limit = read_limit(limit_text, rules.greatest)
    return ListQuery(limit, given, position, cursor or None)


def read_limit(text: str, greatest: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= greatest):
        raise Refusal(BAD_PARAMETERS)
    return int(text)


def read_moment(text: str) -> datetime:
    """A date-time with or without an offset; one without is UTC (a guess: the examples have none)."""
    try:
        return parse_moment(_LOST_PLUS.sub(r"\1+\2", text.strip()).upper())
    except (ValueError, OverflowError):
        raise Refusal(BAD_PARAMETERS) from None


def read_since(filters: Mapping[str, str], name: str = "updated_at.gt") -> int | None:
    """The last whole second that the filter leaves out."""
    if name not in filters:
        return None
    return to_micros(read_moment(filters[name])) // 1_000_000


def read_until(filters: Mapping[str, str], name: str = "updated_at.lt") -> int | None:
    """The first whole second that the filter leaves out."""
    if name not in filters:
        return None
    return math.ceil(to_micros(read_moment(filters[name])) / 1_000_000)


def read_day(filters: Mapping[str, str], name: str) -> str | None:
    """The filter's date, of which a time is dropped, in its ISO form; None without the filter."""
    return read_moment(filters[name]).date().isoformat() if name in filters else None


def read_email(text: str) -> str:
    """An e-mail filter; a space in it was a plus sign that was not escaped."""
    email = text.strip().replace(" ", "+")
    if "@" not in email:
        raise Refusal(BAD_PARAMETERS)
    return email


def make_cursor(rules: ListRules, query: ListQuery, last: Key) -> str:
    """`cur_` and letters and digits that encode the limit, the filters and the last row seen."""
    content = msgspec.msgpack.encode((query.limit, dict(query.filters), *last))
    value = int.from_bytes(b"\1" + _sign(rules, content) + content)
    letters = []
    while value:
        value, letter = divmod(value, 62)
        letters.append(_ALPHABET[letter])
    return "cur_" + "".join(reversed(letters))


def read_cursor(rules: ListRules, cursor: str) -> tuple[int, dict[str, str], Key]:
    """Limit, filters and place. Raises Refusal for a cursor this list did not hand out."""
    if cursor in DOCUMENTED_CURSORS:
        return rules.default, {}, (DOCUMENTED_AT, _AFTER_ALL)
    letters = cursor.removeprefix("cur_")
    if letters == cursor or len(cursor) > _LONGEST_CURSOR:
        raise Refusal(BAD_PARAMETERS)
    value = 0
    for letter in letters:
        if letter not in _VALUES:
            raise Refusal(BAD_PARAMETERS)
        value = value * 62 + _VALUES[letter]
    content = value.to_bytes((value.bit_length() + 7) // 8)
    if len(content) < 6 or content[0] != 1 or content[1:5] != _sign(rules, content[5:]):
        raise Refusal(BAD_PARAMETERS)
    fields: tuple[Any, ...] = msgspec.msgpack.decode(content[5:])
    limit, filters, updated, number = fields
    return limit, filters, (updated, number)


def _sign(rules: ListRules, content: bytes) -> bytes:
    return zlib.crc32(content, zlib.crc32(rules.stream.encode())).to_bytes(4)
