"""Reading a list request: cursor, page size, chosen fields and filters, with the vendor's 422 answers.

The recorded texts are those of a cursor beside other parameters and of a page that is too large; the other texts
follow their pattern and are guesses.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec

from unihire.integrations.greenhouse.emulator.resources import Resource
from unihire.kit.nesting import decode_bounded

PER_PAGE, GREATEST_PER_PAGE, GREATEST_LIST = 100, 500, 50
OPERATORS = ("gte", "lte", "gt", "lt")
CURSOR_ALONE = "When passing a cursor, do not include other query params."
BAD_CURSOR = "The cursor is invalid or has expired."
NOT_TOGETHER = "Filter by created_at or by updated_at, not by both."

_BRACKETS = re.compile(r"(\w+)\[(\w+)\]", re.ASCII)
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?\s?([Zz]|[+-]\d\d:?\d\d)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class Invalid(Exception):
    """The request gets a 422 with these errors: a text, or a parameter and what is wrong with it."""

    def __init__(self, *errors: str | Mapping[str, str]) -> None:
        super().__init__(str(errors))
        self.errors = errors


class Bound(NamedTuple):
    """A comparison: operator and what a row's text is compared with."""

    operator: str
    text: str


class Filter(NamedTuple):
    """One filter, its value read."""

    kind: str
    name: str
    value: Any


class ListQuery(NamedTuple):
    """One list request. `given` is what its next cursors carry on."""

    per_page: int
    fields: tuple[str, ...] | None
    ids: tuple[int, ...] | None
    filters: tuple[Filter, ...]
    given: Mapping[str, str]
    upto: int | None
    """The first id of this page, when a cursor has it."""
    page: int
    request_id: str | None


def read_list_query(resource: Resource, pairs: Sequence[tuple[str, str]], *, lets_unknown: bool) -> ListQuery:
    """Raises Invalid."""
    given = _collect(pairs)
    upto, page, request_id = None, 1, None
    if "cursor" in given:
        if len(given) > 1:
            raise Invalid(CURSOR_ALONE)
        cursor = read_cursor(given["cursor"])
        given, upto, page, request_id = cursor.query, cursor.id, cursor.page, cursor.original_request_id
    kinds = _list_kinds(resource)
    per_page, fields, ids = PER_PAGE, None, None
    filters: list[Filter] = []
    for name, text in given.items():
        if name == "per_page":
            per_page = _read_per_page(text)
        elif name == "fields":
            fields = _read_list(name, text)
        elif name == "ids":
            ids = tuple(_read_ids(name, text))
        elif name in kinds:
            filters.append(_read_filter(kinds[name], name, text))
        elif not lets_unknown:
            raise Invalid({name: "is not a parameter of this list"})
    if resource.has_times and "created_at" in given and "updated_at" in given:
        raise Invalid(NOT_TOGETHER)
    return ListQuery(per_page, fields, ids, tuple(filters), given, upto, page, request_id)


def _collect(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Parameters by name; `created_at[gte]=x` becomes `created_at=gte|x`, `ids[]=1&ids[]=2` becomes `ids=1,2`."""
    given: dict[str, str] = {}
    for name, text in pairs:
        match = _BRACKETS.fullmatch(name)
        if match is not None:
            name, text = match[1], f"{match[2]}|{text}"
            given[name] = f"{given[name]}|{text}" if name in given else text
        elif name.endswith("[]"):
            name = name[:-2]
            given[name] = f"{given[name]},{text}" if name in given else text
        else:
            given[name] = text
    return given


def _list_kinds(resource: Resource) -> dict[str, str]:
    """Filter → kind: ids, moment, date, bool, int, option, text, or the words an enum takes."""
    kinds = {"created_at": "moment", "updated_at": "moment"} if resource.has_times else {}
    for word in resource.filters.split():
        name, colon, kind = word.partition(":")
        if colon:
            kinds[name] = kind
        elif "=" in name:
            name, _, words = name.partition("=")
            kinds[name] = words
        else:
            kinds[name] = "ids" if name.endswith("_ids") else "text"
    return kinds


def _read_filter(kind: str, name: str, text: str) -> Filter:
    if kind == "ids":
        return Filter(kind, name, _read_list(name, text) if name == "employee_ids" else _read_ids(name, text))
    if kind in ("moment", "date"):
        return Filter(kind, name, _read_bounds(kind, name, text))
    if kind == "bool":
        if text not in ("true", "false"):
            raise Invalid({name: f"`{text}` is not a boolean"})
        return Filter(kind, name, text == "true")
    if kind in ("int", "option"):
        return Filter(kind, name, _read_ids(name, text)[0])
    if kind != "text":
        words = kind.split("|")
        if text not in words:
            raise Invalid({name: f"`{text}` is not one of: {', '.join(words)}"})
        kind = "enum"
    return Filter(kind, name, text)


def _read_per_page(text: str) -> int:
    if not re.fullmatch(r"-?\d{1,9}", text, re.ASCII):
        raise Invalid({"per_page": f"`{text}` is not an integer"})
    number = int(text)
    if number > GREATEST_PER_PAGE:
        raise Invalid({"per_page": f"`{number}` number is greater than: {GREATEST_PER_PAGE}"})
    if number < 1:
        raise Invalid({"per_page": f"`{number}` number is less than: 1"})
    return number


def _read_list(name: str, text: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in text.split(","))
    if len(parts) > GREATEST_LIST:
        raise Invalid({name: f"array size is greater than: {GREATEST_LIST}"})
    return parts


def _read_ids(name: str, text: str) -> list[int]:
    parts = _read_list(name, text)
    for part in parts:
        if not re.fullmatch(r"\d{1,18}", part, re.ASCII):
            raise Invalid({name: f"`{part}` is not an integer"})
    return [int(part) for part in parts]


def _read_bounds(kind: str, name: str, text: str) -> list[Bound]:
    words = text.split("|")
    operators, values = words[::2], words[1::2]
    if len(words) % 2 or any(operator not in OPERATORS for operator in operators):
        raise Invalid({name: f"`{text}` does not begin with one of: {', '.join(f'{word}|' for word in OPERATORS)}"})
    read = _read_moment if kind == "moment" else _read_date
    return [Bound(operator, read(name, value)) for operator, value in zip(operators, values, strict=True)]


def _read_moment(name: str, text: str) -> str:
    # A plus sign that was not escaped arrives as a space.
    text = re.sub(r"(?<=\d) (?=\d\d:?\d\d$)", "+", text)
    if not _DATE_TIME.fullmatch(text) or (_DATE.fullmatch(text[:10]) and len(text) == 10):
        raise Invalid({name: f"`{text}` is not a date-time"})
    try:
        moment = datetime.fromisoformat(text.upper())
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid({name: f"`{text}` is not a date-time"}) from None
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds")  # %Y would leave the zeros of a year out


def _read_date(name: str, text: str) -> str:
    try:
        if _DATE.fullmatch(text):
            datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
            return text
    except ValueError:
        pass
    raise Invalid({name: f"`{text}` is not a date"})


def compare(value: str, bound: Bound) -> bool:
    """Whether a row's timestamp or date fits."""
    if len(value) > 10:
        value = value[:-1] + "000"
    operator, text = bound
    if operator == "gte":
        return value >= text
    if operator == "lte":
        return value <= text
    return value > text if operator == "gt" else value < text


def find_seconds(filters: Sequence[Filter], name: str, operators: tuple[str, str]) -> int | None:
    """The narrowest bound of this filter to this side, in whole seconds since 1970, rounded outwards."""
    found = [
        int(datetime.fromisoformat(bound.text).replace(tzinfo=UTC).timestamp())
        for filter_ in filters
        if filter_.name == name
        for bound in filter_.value
        if bound.operator in operators
    ]
    if not found:
        return None
    return max(found) if operators[0].startswith("g") else min(found)


class Cursor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a cursor carries, in the recorded form."""

    query: dict[str, str]
    per_page: int
    id: int
    page: int
    original_request_id: str


def make_cursor(query: ListQuery, following: int, request_id: str) -> str:
    # The recorded query has numbers where the request had them.
    sent = {name: int(text) if name == "per_page" else text for name, text in query.given.items()}
    cursor = {
        "query": sent,
        "per_page": query.per_page,
        "id": following,
        "page": query.page + 1,
        "original_request_id": query.request_id or request_id,
    }
    return quote(base64.b64encode(msgspec.json.encode(cursor)).decode(), safe="")


def read_cursor(text: str) -> Cursor:
    """Raises Invalid for anything this emulator did not hand out."""
    try:
        # Some clients hand it on as it stood in the link, escaped once more.
        text = text.replace("%3D", "=").replace("%2B", "+").replace("%2F", "/").replace(" ", "+")
        found = decode_bounded(base64.b64decode(text, validate=True))
        found["query"] = {name: str(value) for name, value in found["query"].items()}
        cursor = msgspec.convert(found, Cursor)
    except (binascii.Error, ValueError, TypeError, KeyError, AttributeError, msgspec.ValidationError):
        raise Invalid(BAD_CURSOR) from None
    if "cursor" in cursor.query or cursor.page < 2:
        raise Invalid(BAD_CURSOR)
    return cursor
