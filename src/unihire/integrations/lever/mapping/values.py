"""What every mapping of Lever's rows reads: ids, text, words, moments, names, details and joins."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from unihire.integration.declare import Data, Source
from unihire.kit import clock
from unihire.kit.text import is_id


def get_id(row: Data) -> str:
    """Raises LookupError where the row has no id, TypeError where it is no text."""
    return get_text_id(row, "id")


def get_text(row: Data) -> str:
    """The text that a tag or a source is known by: it has no id. Raises as `get_id`."""
    return get_text_id(row, "text")


def get_text_id(row: Data, member: str) -> str:
    found = to_id(row[member])
    if found is None:
        raise LookupError(f"a row without {member}")
    return found


def to_id(value: Any) -> str | None:
    """An id, or a text that is one, as it is. Raises TypeError or ValueError for what can be none."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise TypeError(f"an id of type {type(value).__name__}")
    if value.isspace():
        return None
    if not is_id(value):
        raise ValueError("an id that cannot be stored")
    return value


def list_ids(values: Iterable[Any]) -> list[str]:
    """The ids, each once, in their order."""
    return list({found: None for value in values if (found := to_id(value)) is not None})


def expect_list(value: Any) -> list[Any]:
    """Raises TypeError for what is no list: a text and an object can be walked through as well, and mean nothing."""
    if type(value) is not list:
        raise TypeError(f"a list is a {type(value).__name__}")
    return value


def list_values(value: Any) -> list[Any]:
    """The items of a list; none where it is null or missing."""
    return [] if value is None else expect_list(value)


def list_texts(value: Any) -> list[str]:
    """The texts of a list, each once, without those that are blank. Raises TypeError for what is no text."""
    return list({text: None for one in list_values(value) if (text := to_said(one)) is not None})


def list_objects(value: Any) -> list[Data]:
    """The objects in a list; none where it is null or missing."""
    return [expect_object(one) for one in list_values(value)]


def expect_object(value: Any) -> Data:
    """Raises TypeError for what is no object."""
    if type(value) is not dict:
        raise TypeError(f"an object is a {type(value).__name__}")
    return value


def find_object(row: Data, name: str) -> Data | None:
    """An object in a row; None where it is null or missing."""
    value = row.get(name)
    return None if value is None else expect_object(value)


def find_joined(source: Source, name: str) -> Data | None:
    """The one row that a detail or a join has; None where there is none, or it was never read."""
    rows = source.details.get(name)
    return rows[0] if rows else None


def to_text(value: Any) -> Any:
    """The value as it is, blank text as null."""
    return None if value == "" or (isinstance(value, str) and value.isspace()) else value


def to_said(value: Any) -> str | None:
    """A text, blank as null. Raises TypeError for what is none."""
    if value is not None and not isinstance(value, str):
        raise TypeError(f"a text of type {type(value).__name__}")
    said: str | None = to_text(value)
    return said


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


def to_millis(value: Any) -> int | None:
    """Milliseconds since 1970; digits as text in some of the documents. Raises TypeError for anything else."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise TypeError(f"a moment of type {type(value).__name__}")


def to_moment(value: Any) -> str | None:
    """The moment of so many milliseconds since 1970. Raises ValueError or TypeError for what is none."""
    millis = to_millis(value)
    if millis is None:
        return None
    try:
        return clock.to_text(clock.EPOCH + timedelta(milliseconds=millis))
    except OverflowError:
        raise ValueError("a moment outside the years 1 to 9999") from None


def split_name(name: Any) -> tuple[str | None, str | None]:
    """First and last name, split at the last blank: the vendor has one name."""
    first, _, last = (to_said(name) or "").strip().rpartition(" ")
    return (first.strip() or None, last or None) if first else (last or None, None)
