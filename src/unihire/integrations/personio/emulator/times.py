"""The vendor's timestamps from whole seconds since 1970."""

from datetime import UTC, date, datetime
from functools import lru_cache

_ORDINAL_1970 = date(1970, 1, 1).toordinal()
_MINUTES = tuple(f"T{minute // 60:02d}:{minute % 60:02d}:" for minute in range(24 * 60))
_SECONDS = tuple(f"{second:02d}" for second in range(60))


@lru_cache(maxsize=8192)
def to_day(days: int) -> str:
    """The date so many days after 1970-01-01."""
    return date.fromordinal(_ORDINAL_1970 + days).isoformat()


@lru_cache(maxsize=8192)
def is_summer_time(hour: int) -> bool:
    """Whether Berlin is two hours from UTC in this hour since 1970; it changes on last Sundays at 01:00 UTC."""
    moment = datetime.fromtimestamp(hour * 3600, UTC)
    begins, ends = (
        datetime(moment.year, month, 31 - (date(moment.year, month, 31).isoweekday() % 7), 1, tzinfo=UTC)
        for month in (3, 10)
    )
    return begins <= moment < ends


def to_time_text(seconds: int) -> str:
    days, rest = divmod(seconds, 86400)
    minute, second = divmod(rest, 60)
    return to_day(days) + _MINUTES[minute] + _SECONDS[second]


def to_moment(seconds: int, bits: int = 0) -> dict[str, str]:
    """The vendor's timestamp object; a quarter of the rows, by their random bits, are in Berlin time."""
    if bits & 3 != 1:
        return {"date-time": to_time_text(seconds) + "Z", "timezone": "UTC"}
    if is_summer_time(seconds // 3600):
        return {"date-time": to_time_text(seconds + 7200) + "+02:00", "timezone": "Europe/Berlin"}
    return {"date-time": to_time_text(seconds + 3600) + "+01:00", "timezone": "Europe/Berlin"}
