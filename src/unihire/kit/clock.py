"""Time: aware, UTC, and movable where a test or an emulator wants it so."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Anything that can say what time it is."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class MovableClock:
    """The machine's clock, shifted: it ticks on, and can be moved forward or back."""

    def __init__(self, shift: timedelta = timedelta(0)) -> None:
        self.shift = shift

    def now(self) -> datetime:
        return datetime.now(UTC) + self.shift

    def advance(self, by: timedelta) -> None:
        self.shift += by

    def set(self, moment: datetime) -> None:
        self.shift = moment - datetime.now(UTC)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_UNMARKED = EPOCH.replace(tzinfo=None)
_SERVED_LENGTH = len("2026-01-31T09:30:00Z")
_MILLIS_LENGTH = len("2026-01-31T09:30:00.000Z")
_DAY_LENGTH = len("2026-01-31")
_MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    """Whole microseconds since 1970, exact (a float would lose the last digits)."""
    return (moment - EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


def parse_moment(text: str) -> datetime:
    """An ISO 8601 date-time or date as an aware UTC moment; without an offset it is read as UTC.

    Raises ValueError for anything else.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text} is outside the years 1 to 9999 in UTC") from error


_LOOSE = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d)(:\d\d:)(\d\d)(?:[.,](\d+))? ?(Z|UTC|GMT|[+-]\d\d:?\d\d)?", re.ASCII)
"""A date and a time as systems print them that do not write ISO 8601 to the letter: `2026-05-01 12:00:00 UTC`."""

_NAMES_OF_UTC = {None, "", "Z", "UTC", "GMT", "Etc/UTC"}


def read_moment(text: str, zone: str | None = None) -> datetime:
    """A moment as vendors write it, aware, UTC: what `parse_moment` reads, and other spellings of the same.

    `24:00:00` is the end of its day, second 60 the beginning of the next minute, and UTC may be a word. Without an
    offset a time is in the time zone `zone`, an IANA name, or in UTC; in an hour that the zone skips, it is taken as if
    clocks had not been put forward, and of an hour that comes twice the first is meant. A day alone begins at midnight
    UTC in every zone. Raises ValueError, which never repeats the text, for anything else.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = _read_loosely(text)
    try:
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC if zone in _NAMES_OF_UTC or _is_day(text) else _find_zone(zone))
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("a moment outside the years 1 to 9999") from None


def _read_loosely(text: str) -> datetime:
    """With the offset the text has, if any. Raises ValueError for what `read_moment` does not read."""
    found = _LOOSE.fullmatch(text)
    if found is None:
        raise ValueError("no date or time")
    day, hour, minute, second, fraction, offset = found.groups(default="")
    carried = timedelta()
    if hour == "24" and minute == ":00:" and second == "00" and not fraction.strip("0"):
        hour, carried = "00", timedelta(days=1)
    elif second == "60" and not fraction.strip("0"):
        second, carried = "59", timedelta(seconds=1)
    offset = "Z" if offset in ("UTC", "GMT") else offset
    try:
        return datetime.fromisoformat(f"{day}T{hour}{minute}{second}.{fraction or 0}{offset}") + carried
    except (ValueError, OverflowError):
        raise ValueError("a date or time that never was") from None


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=100)
def _find_zone(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (LookupError, ValueError, OSError):  # OSError: a name that is a folder of the database, or too long
        raise ValueError("an unknown time zone") from None


def normalize_moment(text: str, zone: str | None = None) -> str:
    """A moment as vendors write it (`read_moment`) in the form we serve; what has it already comes back as it is.

    Raises ValueError, which never repeats the text, for what is none.
    """
    try:
        if len(text) == _SERVED_LENGTH and text[4::3] == "--T::Z" and text[11:13] < "24":
            datetime.fromisoformat(text)
            return text
        if len(text) == _MILLIS_LENGTH and text[4:20:3] == "--T::." and text[23] == "Z" and text[11:13] < "24":
            datetime.fromisoformat(text)
            return f"{text[:19]}Z" if text[20:23] == "000" else f"{text[:23]}000Z"
        if len(text) == _DAY_LENGTH and text[4::3] == "--":
            datetime.fromisoformat(text)
            return f"{text}T00:00:00Z"
    except ValueError:
        pass
    return to_text(read_moment(text, zone))


def to_text(moment: datetime) -> str:
    """`2026-01-31T09:30:00Z`, with microseconds only where there are any."""
    return (_EPOCH_UNMARKED + (moment - EPOCH)).isoformat() + "Z"  # half the time of astimezone and replace
