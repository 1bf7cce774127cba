"""What every mapping of Ashby's rows reads: ids, text, words, moments, details and joins, custom fields."""

from collections.abc import Iterable, Mapping
from typing import Any

from unihire.integration.declare import Data, Source
from unihire.kit.clock import normalize_moment, parse_moment
from unihire.kit.text import is_id


def get_id(row: Data) -> str:
    """Raises LookupError where the row has no id, TypeError where it is no text."""
    found = to_id(row["id"])
    if found is None:
        raise LookupError("a row without an id")
    return found


def to_id(value: Any) -> str | None:
    """A vendor's id, a UUID, as it is. Raises TypeError or ValueError for what can be none."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise TypeError(f"an id of type {type(value).__name__}")
    if value.isspace():
        return None
    if not is_id(value):
        raise ValueError("an id that cannot be stored")
    return value


def find_id(thing: Data | None) -> str | None:
    """The id of an object in a row, None where there is none."""
    return None if thing is None else get_id(thing)


def list_ids(values: Iterable[Any]) -> list[str]:
    """The ids, each once, in their order."""
    return list({found: None for value in values if (found := to_id(value)) is not None})


def expect_list(value: Any) -> list[Any]:
    """Raises TypeError for what is no list: a text and an object can be walked through as well, and mean nothing."""
    if type(value) is not list:
        raise TypeError(f"a list is a {type(value).__name__}")
    return value


def list_objects(value: Any) -> list[Data]:
    """The objects in a list; none where it is null or missing."""
    return [] if value is None else [expect_object(one) for one in expect_list(value)]


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


def to_not(value: Any) -> bool | None:
    """The opposite of a flag; null stays null."""
    flag = to_flag(value)
    return None if flag is None else not flag


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


def read_custom_fields(source: Source) -> dict[str, Any]:
    """The values of the row's custom fields by their titles; of a choice its label."""
    return read_custom_values(source.row)


def read_custom_values(row: Data) -> dict[str, Any]:
    """A title that several fields have is followed by the field's id, from the second one on."""
    found: dict[str, Any] = {}
    for field in list_objects(row.get("customFields")):
        title = field["title"]
        if not isinstance(title, str):
            raise TypeError(f"a title of type {type(title).__name__}")
        label = field.get("valueLabel")
        name = f"{title} ({get_id(field)})" if title in found else title
        found[name] = field.get("value") if label is None else label
    return found
