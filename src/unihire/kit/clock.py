"""Time: aware, UTC, and movable where a test or an emulator wants it so."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


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


def normalize_moment(text: str) -> str:
    """An ISO 8601 date-time or date in the form we serve; what has it already comes back as it is.

    Raises ValueError for anything else.
    """
    if len(text) == _SERVED_LENGTH and text[4::3] == "--T::Z":
        datetime.fromisoformat(text)
        return text
    if len(text) == _MILLIS_LENGTH and text[4:20:3] == "--T::." and text[23] == "Z":
        datetime.fromisoformat(text)
        return f"{text[:19]}Z" if text[20:23] == "000" else f"{text[:23]}000Z"
    if len(text) == _DAY_LENGTH and text[4::3] == "--":
        datetime.fromisoformat(text)
        return f"{text}T00:00:00Z"
    return to_text(parse_moment(text))


def to_text(moment: datetime) -> str:
    """`2026-01-31T09:30:00Z`, with microseconds only where there are any."""
    return (_EPOCH_UNMARKED + (moment - EPOCH)).isoformat() + "Z"  # half the time of astimezone and replace
