"""What vendors say in headers: each number and moment bounded where it is read, and odd ones passed over.

A header is anything: 400 digits, an exponent, the year 9999. None of it raises, and no wait is longer than an hour.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_WAIT = 3600.0
"""Seconds: no vendor is waited for longer at a time, whatever it says; then it is asked again."""

MOST = 1e15
"""No number of a header is as much."""

FIRST_YEAR, LAST_YEAR = 2020, 2199
"""What says it is another year is no clock."""

_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,15})?", re.ASCII)
_SECONDS = re.compile(r"(\d+)(?:\.\d*)?", re.ASCII)
_DATE_LENGTH = 64


def read_number(headers: Mapping[str, str], name: str) -> float | None:
    """A number without sign or exponent; None where the header is missing or anything else."""
    said = headers.get(name, "").strip()
    return float(said) if _NUMBER.fullmatch(said) else None


def read_date(headers: Mapping[str, str]) -> datetime | None:
    """When the vendor answered, by its own clock, in whole seconds; None where it does not say."""
    moment = _parse_date(headers.get("Date", ""))
    return moment if moment is not None and FIRST_YEAR <= moment.year <= LAST_YEAR else None


def read_retry_after(headers: Mapping[str, str], now: datetime, *, longest: float = LONGEST_WAIT) -> float | None:
    """Seconds to wait, at most `longest`, which a server gives as a number or as a date (RFC 9110, 10.2.3).

    None where it gives neither. A date is compared with the answer's own, or else with `now`, and may be past: 0 then.
    """
    said = headers.get("Retry-After", "").strip()
    if seconds := _SECONDS.fullmatch(said):
        return longest if len(seconds[1].lstrip("0")) > 9 else min(float(said), longest)
    moment = _parse_date(said)
    if moment is None:
        return None
    return min(max(0.0, (moment - (read_date(headers) or now)).total_seconds()), longest)


def _parse_date(said: str) -> datetime | None:
    if not said.isascii() or len(said) > _DATE_LENGTH:
        return None
    try:
        moment = parsedate_to_datetime(said)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, LookupError, AttributeError, OverflowError):
        return None  # the parser of the standard library was made for mail, and raises any of these
