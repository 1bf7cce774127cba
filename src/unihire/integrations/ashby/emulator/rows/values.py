"""Members of rows read as what they should be: people put anything into a row, and no answer may break on it."""

from datetime import datetime, timedelta
from typing import Any

from unihire.integration.emulate import Row
from unihire.kit.clock import parse_moment, to_micros

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC, and written so


def to_moment(seconds: int, millis: int = 0) -> str:
    """As the vendor writes moments: milliseconds and Z."""
    return from_millis(seconds * 1000 + millis)


def from_millis(millis: int) -> str:
    return (_EPOCH + timedelta(milliseconds=millis)).isoformat(timespec="milliseconds") + "Z"


def find_millis(value: object) -> int | None:
    """Milliseconds since 1970 of a moment in text; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        return to_micros(parse_moment(value)) // 1000
    except (ValueError, OverflowError):
        return None


def read_text(row: Row, name: str) -> str | None:
    value = row.get(name)
    return value if isinstance(value, str) else None


def read_flag(row: Row, name: str) -> bool:
    return row.get(name) is True


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
