"""Members of rows read as what they should be: people put anything into a row, and no answer may break on it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from unihire.integration.emulate import Row
from unihire.kit.clock import parse_moment, to_micros

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC, and written so
_UNIX = re.compile(r"\d{9,12}", re.ASCII)


def to_second(seconds: int) -> str:
    """As the vendor writes the moments of candidates and jobs."""
    return (_EPOCH + timedelta(seconds=seconds)).isoformat() + "Z"


def to_milli(millis: int) -> str:
    """As the vendor writes the moments of what happened."""
    return (_EPOCH + timedelta(milliseconds=millis)).isoformat(timespec="milliseconds") + "Z"


def find_second(value: object) -> float | None:
    """Seconds since 1970 of a moment in text, ISO 8601 or unix; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromtimestamp(int(value), UTC) if _UNIX.fullmatch(value) else parse_moment(value)
        return to_micros(moment) / 1_000_000
    except (ValueError, OverflowError, OSError):
        return None


def read_text(row: Row, name: str) -> str | None:
    value = row.get(name)
    return value if isinstance(value, str) else None


def list_texts(row: Row, name: str) -> list[str]:
    value = row.get(name)
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list) else []


def read_object(row: Row, name: str) -> dict[str, Any]:
    value = row.get(name)
    return value if isinstance(value, dict) else {}


def pick(row: Row, *names: str) -> Row:
    """The named members that are there."""
    return {name: row[name] for name in names if name in row}


def hash_text(text: str) -> int:
    """A number that a text can be looked up by."""
    value = 0xCBF29CE484222325
    for byte in text.strip().lower().encode("utf-8", "replace"):
        value = (value ^ byte) * 0x100000001B3 & (1 << 60) - 1
    return value
