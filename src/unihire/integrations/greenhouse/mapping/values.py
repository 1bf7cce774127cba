"""What every mapping of Harvest v3 rows reads: ids, text, words, moments, joined rows, custom fields."""

from collections.abc import Mapping
from typing import Any

from unihire.integration.declare import Data, Source
from unihire.kit.clock import normalize_moment, parse_moment

LENGTH_OF_MOMENT = len("2026-05-05T22:36:04.296Z")
"""Of the moments Harvest sends, all with milliseconds."""


def get_id(row: Data) -> str:
    """Raises LookupError where the row has no id, TypeError where it is neither a number nor text."""
    found = to_id(row["id"])
    if found is None:
        raise LookupError("a row without an id")
    return found


def to_id(value: Any) -> str | None:
    """A vendor's id as text. Raises TypeError for what can be none."""
    if type(value) is int:
        return str(value)
    if value is None or isinstance(value, str):
        found: str | None = to_text(value)
        return found
    raise TypeError(f"an id of type {type(value).__name__}")


def list_ids(values: list[Any]) -> list[str]:
    """The ids in a list, each once, in their order. Raises TypeError for what is no list."""
    return list({found: None for value in expect_list(values) if (found := to_id(value)) is not None})


def expect_list(value: Any) -> list[Any]:
    """Raises TypeError for what is no list: a text and an object can be walked through as well, and mean nothing."""
    if type(value) is not list:
        raise TypeError(f"a list is a {type(value).__name__}")
    return value


def list_joined(source: Source, name: str, member: str) -> list[str] | None:
    """The ids in a member of the joined rows, each once; None where those were never read."""
    rows = source.details.get(name)
    return None if rows is None else list_ids([row.get(member) for row in rows])


def find_joined(source: Source, name: str, member: str) -> Any:
    """A member of the first joined row; None where there is no row, or those were never read."""
    rows = source.details.get(name)
    return rows[0].get(member) if rows else None


def index_joined(source: Source, name: str) -> dict[str, Data]:
    """The joined rows by their ids; none where those were never read."""
    return {get_id(row): row for row in source.details.get(name) or ()}


def find_by_id(rows: Mapping[str, Data], value: Any, member: str) -> Any:
    """A member of the row of this id as text, None where there is none."""
    row = rows.get(to_id(value) or "")
    return None if row is None else to_text(row.get(member))


def to_text(value: Any) -> Any:
    """The value as it is, blank text as null."""
    return None if value == "" or (isinstance(value, str) and value.isspace()) else value


def to_word(words: Mapping[str, str], word: Any) -> Any:
    """The word in our vocabulary; one that is not among `words` as it is, blank text as null."""
    return words[word] if word in words else to_text(word)


def find_inside(row: Data, *path: str) -> Any:
    """What is in an object of the row, further in with each name; None where that is missing or null.

    Raises AttributeError where something else than an object is on the way.
    """
    found: Any = row
    for name in path:
        found = None if found is None else found.get(name)
    return found


def is_deleted(row: Data) -> bool:
    """Whether a post or a stage of a job is deleted: lists go on showing it."""
    return row.get("active") is False


def is_set(value: Any) -> bool:
    """Whether a flag is true; null is not. Raises TypeError for what is none."""
    if value is None or isinstance(value, bool):
        return value is True
    raise TypeError(f"a flag of type {type(value).__name__}")


def to_moment(value: str | None) -> str | None:
    """A moment in UTC; a day is its midnight. Raises ValueError or TypeError for what is neither."""
    return normalize_moment(value) if value else None


def to_rank(moment: str | None) -> str:
    """A moment as text that sorts as time does, to the millisecond; nothing where there is none."""
    if not moment:
        return ""
    if len(moment) == LENGTH_OF_MOMENT and moment[-1] == "Z":
        return moment
    return parse_moment(moment).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def to_partial_date(year: Any, month: Any, moment: str | None) -> str | None:
    """`2019-09`, or `2019`; the day of the moment where there is no year. Raises TypeError or ValueError for others."""
    if year is None:
        day = to_moment(moment)
        return None if day is None else day[:10]
    if type(year) is not int or not 0 < year < 10_000:
        raise ValueError("a year that is none")
    if month is None:
        return f"{year:04d}"
    if type(month) is not int or not 0 < month < 13:
        raise ValueError("a month that is none")
    return f"{year:04d}-{month:02d}"


def read_custom_fields(source: Source) -> dict[str, Any]:
    """The values of the row's custom fields by `name_key`."""
    fields = source.row.get("custom_fields") or {}
    return {key: field.get("value") if field is not None else None for key, field in fields.items()}
