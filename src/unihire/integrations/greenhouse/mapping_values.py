"""What every mapping of Harvest v3 rows reads: ids, text, words, moments, joined rows, custom fields."""

from collections.abc import Iterable, Mapping
from typing import Any

from unihire.integration.declare import Data, Source
from unihire.kit.clock import normalize_moment


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
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    raise TypeError(f"an id of type {type(value).__name__}")


def list_ids(values: Iterable[Any]) -> list[str]:
    """The ids among the values, each once, in their order."""
    return list({found: None for value in values if (found := to_id(value)) is not None})


def list_joined(source: Source, name: str, member: str) -> list[str] | None:
    """The ids in a member of the joined rows, each once; None where those were never read."""
    rows = source.details.get(name)
    return None if rows is None else list_ids([row.get(member) for row in rows])


def find_joined(source: Source, name: str, member: str) -> Any:
    """A member of the first joined row; None where there is no row, or those were never read."""
    rows = source.details.get(name)
    return rows[0].get(member) if rows else None


def to_text(value: Any) -> Any:
    """The value as it is, empty text as null."""
    return None if value == "" else value


def to_word(words: Mapping[str, str], word: Any) -> Any:
    """The word in our vocabulary; one that is not among `words` as it is, empty text as null."""
    return words.get(word, word) if word else to_text(word)


def to_moment(value: str | None) -> str | None:
    """A moment in UTC; a day is its midnight. Raises ValueError or TypeError for what is neither."""
    return normalize_moment(value) if value else None


def read_custom_fields(source: Source) -> dict[str, Any]:
    """The values of the row's custom fields by `name_key`."""
    fields = source.row.get("custom_fields") or {}
    return {key: field.get("value") if field is not None else None for key, field in fields.items()}
