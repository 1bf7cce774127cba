"""The vendor's timestamps: UTC, with milliseconds and a Z."""

from datetime import UTC, date, datetime
from functools import lru_cache

_ORDINAL_1970 = date(1970, 1, 1).toordinal()
_MINUTES = tuple(f"T{minute // 60:02d}:{minute % 60:02d}:" for minute in range(24 * 60))
_SECONDS = tuple(f"{second:02d}." for second in range(60))
_ENDS = tuple(f"{millis:03d}Z" for millis in range(1000))


@lru_cache(maxsize=16384)
def to_day(days: int) -> str:
    """The date so many days after 1970-01-01."""
    return date.fromordinal(_ORDINAL_1970 + days).isoformat()


def to_moment(seconds: int, millis: int) -> str:
    days, rest = divmod(seconds, 86400)
    minute, second = divmod(rest, 60)
    return to_day(days) + _MINUTES[minute] + _SECONDS[second] + _ENDS[millis]


def from_millis(millis: int) -> str:
    return to_moment(millis // 1000, millis % 1000)


def read_seconds(moment: str) -> int:
    """Whole seconds since 1970 of one of the vendor's timestamps."""
    return int(datetime.fromisoformat(moment).astimezone(UTC).timestamp())
