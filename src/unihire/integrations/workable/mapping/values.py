"""What every mapping of Workable's rows reads: ids, text, words, moments, names, details and joins."""

from collections.abc import Iterable, Mapping
from typing import Any

from unihire.integration.declare import Data, Source
from unihire.kit.clock import normalize_moment, parse_moment
from unihire.kit.text import is_id


def get_id(row: Data, name: str = "id") -> str:
    """Raises LookupError where the row has no id, TypeError where it is no text and no number."""
    found = to_id(row[name])
    if found is None:
        raise LookupError("a row without an id")
    return found


def get_shortcode(row: Data) -> str:
    """What every path and every row calls a job by; raises as `get_id`."""
    return get_id(row, "shortcode")


def to_id(value: Any) -> str | None:
    """A vendor's id: hexadecimal text mostly, a number here and there.

    Raises TypeError or ValueError for what can be none.
    """
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise TypeError(f"an id of type {type(value).__name__}")
    if value.isspace():
        return None
    if not is_id(value):
        raise ValueError("an id that cannot be stored")
    return value


def find_id(thing: Data | None, name: str = "id") -> str | None:
    """The id of an object in a row, None where there is none."""
    return None if thing is None else to_id(thing.get(name))


def list_ids(values: Iterable[Any]) -> list[str]:
    """The ids, each once, in their order."""
    return list({found: None for value in values if (found := to_id(value)) is not None})


def expect_list(value: Any) -> list[Any]:
    """Raises TypeError for what is no list."""
    if type(value) is not list:
        raise TypeError(f"a list is a {type(value).__name__}")
    return value


def list_objects(value: Any) -> list[Data]:
    """The objects in a list; none where it is null or missing."""
    return [] if value is None else [expect_object(one) for one in expect_list(value)]


def list_texts(value: Any) -> list[str]:
    """The texts in a list that are not blank; none where it is null or missing."""
    found = [] if value is None else [to_text(one) for one in expect_list(value)]
    return [one for one in found if one is not None]


def expect_object(value: Any) -> Data:
    """Raises TypeError for what is no object."""
    if type(value) is not dict:
        raise TypeError(f"an object is a {type(value).__name__}")
    return value


def find_object(row: Data, name: str) -> Data | None:
    """An object in a row; None where it is null or missing."""
    value = row.get(name)
    return None if value is None else expect_object(value)


def find_detail(source: Source, name: str) -> Data | None:
    """The object that a detail or a join has; None where there is none, or it was never read."""
    rows = source.details.get(name)
    return rows[0] if rows else None


def find_parts(source: Source, name: str) -> list[Data] | None:
    """The objects that a detail has, those that are none left out; None where it was not read."""
    rows = source.details.get(name)
    return [one for one in rows if isinstance(one, dict)] if isinstance(rows, list) else None


def to_text(value: Any) -> Any:
    """The value as it is, blank text as null."""
    return None if value == "" or (isinstance(value, str) and value.isspace()) else value


def to_word(words: Mapping[str, Any], word: Any) -> Any:
    """The word in our vocabulary; one that is not among `words` as it is, blank text as null."""
    return words[word] if isinstance(word, str) and word in words else to_text(word)


def to_flag(value: Any) -> bool | None:
    """Raises TypeError for what is neither true nor false nor null."""
    if value is None or isinstance(value, bool):
        return value
    raise TypeError(f"a flag of type {type(value).__name__}")


def to_number(value: Any) -> Any:
    """Raises TypeError for what is no number."""
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise TypeError(f"a number of type {type(value).__name__}")


def to_moment(value: str | None) -> str | None:
    """A moment in UTC; a day is its midnight. Raises ValueError or TypeError for what is neither."""
    return normalize_moment(value) if value else None


def to_rank(value: str | None) -> str:
    """A moment as text that sorts as time does; nothing where there is none."""
    return parse_moment(value).isoformat(timespec="microseconds") if value else ""


def split_name(name: Any) -> tuple[str | None, str | None]:
    """First and last name of one text, which is divided at its last space."""
    if to_text(name) is None:
        return None, None
    first, _, last = name.strip().rpartition(" ")
    return (first.strip(), last) if first else (last, None)


def join_texts(parts: Iterable[Any], between: str = ", ") -> str | None:
    """The texts as one, without blank ones and repeats."""
    return between.join(dict.fromkeys(part for part in map(to_text, parts) if part is not None)) or None
