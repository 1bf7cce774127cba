"""Durations as people write them: `15m`, `90m`, `1h`, `7d`."""

import re
from datetime import timedelta

_UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}
_WRITTEN = re.compile(r"([0-9]{1,9})([dhms])")


def parse_duration(text: str) -> timedelta:
    """A whole number and its unit: `d`, `h`, `m` or `s`. Raises ValueError for anything else."""
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise ValueError("a duration is a whole number and d, h, m or s: 7d, 1h, 15m")
    number, unit = found.groups()
    return int(number) * _UNITS[unit]


def write_duration(duration: timedelta) -> str:
    """In the largest unit that divides it; fractions of a second are cut off."""
    seconds = duration // _UNITS["s"]
    for unit, length in _UNITS.items():
        size = length // _UNITS["s"]
        if seconds and not seconds % size:
            return f"{seconds // size}{unit}"
    return "0s"
