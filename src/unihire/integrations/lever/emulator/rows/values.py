"""Members of rows read as what they should be: people put anything into a row, and no answer may break on it."""

from typing import Any

from unihire.integration.emulate import Row

FAR_MILLIS = 8_640_000_000_000_000


def to_millis(seconds: int) -> int:
    """Milliseconds that are the same for the same second, so that both have one order."""
    return seconds * 1000 + (seconds * 379 + 296) % 1000


def find_millis(value: object) -> int | None:
    """A moment in milliseconds since 1970; None for anything else."""
    return value if type(value) is int and -FAR_MILLIS <= value <= FAR_MILLIS else None


def read_text(row: Row, name: str) -> str | None:
    value = row.get(name)
    return value if isinstance(value, str) else None


def list_texts(row: Row, name: str) -> list[str]:
    value = row.get(name)
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list) else []


def list_objects(row: Row, name: str) -> list[dict[str, Any]]:
    value = row.get(name)
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def read_object(row: Row, name: str) -> dict[str, Any]:
    value = row.get(name)
    return value if isinstance(value, dict) else {}


def pick(row: Row, *names: str) -> Row:
    """The named members that are there."""
    return {name: row[name] for name in names if name in row}


def hash_text(text: str) -> int:
    """A number that a text can be looked up by."""
    value = 0xCBF29CE484222325
    for byte in text.encode("utf-8", "replace"):
        value = (value ^ byte) * 0x100000001B3 & (1 << 60) - 1
    return value


def hash_email(email: str) -> int:
    return hash_text(email.strip().lower())
