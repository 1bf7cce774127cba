"""Moments: aware, UTC, exact to the microsecond, and written one way."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unihire.kit.clock import (
    EPOCH,
    MovableClock,
    SystemClock,
    from_micros,
    normalize_moment,
    parse_moment,
    read_moment,
    to_micros,
    to_text,
)

MOMENTS = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(moment=MOMENTS)
def test_microseconds_are_exact_both_ways(moment: datetime) -> None:
    assert from_micros(to_micros(moment)) == moment
    assert to_micros(moment + timedelta(microseconds=1)) == to_micros(moment) + 1


@given(moment=MOMENTS, offset=OFFSETS)
def test_text_of_a_moment_is_utc_and_reads_as_the_same_moment(moment: datetime, offset: timezone) -> None:
    text = to_text(moment.astimezone(offset) if 2 < moment.year < 9998 else moment)
    assert text.endswith("Z")
    assert parse_moment(text) == moment
    assert normalize_moment(text) == text


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-01-31T09:30:00Z", "2026-01-31T09:30:00Z"),
        ("2026-01-31T09:30:00", "2026-01-31T09:30:00Z"),
        ("2026-01-31", "2026-01-31T00:00:00Z"),
        ("2026-01-31T09:30:00+01:00", "2026-01-31T08:30:00Z"),
        ("2026-01-31T00:30:00+01:00", "2026-01-30T23:30:00Z"),
        ("2026-01-31T09:30:00.5Z", "2026-01-31T09:30:00.500000Z"),
        ("2026-01-31T09:30:00.000Z", "2026-01-31T09:30:00Z"),
        ("2026-01-31T09:30:00.120Z", "2026-01-31T09:30:00.120000Z"),
        ("2026-01-31 09:30:00.120Z", "2026-01-31T09:30:00.120000Z"),
        ("2026-01-31T09:30:00,120Z", "2026-01-31T09:30:00.120000Z"),
        ("2026-W05-6T09:30:00.120Z", "2026-01-31T09:30:00.120000Z"),
        ("2026-01-31T09:30:00+0000", "2026-01-31T09:30:00Z"),
        ("2026-01-31 09:30:00", "2026-01-31T09:30:00Z"),
        ("20260131T093000Z", "2026-01-31T09:30:00Z"),
        ("2026-W05-6T09:30:00Z", "2026-01-31T09:30:00Z"),
        ("2026-01-31T093000.5Z", "2026-01-31T09:30:00.500000Z"),
        ("2026-01-31 09:30:00Z", "2026-01-31T09:30:00Z"),
    ],
)
def test_moment_of_any_form_is_written_one_way(given: str, expected: str) -> None:
    assert to_text(parse_moment(given)) == expected
    assert normalize_moment(given) == expected


@pytest.mark.parametrize(
    "text",
    [
        *["", "soon", "1700000000", "31.01.2026", "2026-02-30", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z"],
        *["2026-01-31T25:00:00Z", "2026-01-31T09:61:00Z", "2026-1-31T9:30:00Z", "aaaa-aa-aaTaa:aa:aaZ"],
        *[
            "2026-02-30T00:00:00.120Z",
            "2026-01-31T09:30:60.120Z",
            "2026-01-31T09:30:00.1x0Z",
            "2026-01-31T09:30:00.120z",
        ],
        *["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00"],
    ],
)
def test_text_that_is_no_moment_is_an_error_in_every_reading(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_moment(text)
    with pytest.raises(ValueError, match=r".+"):
        normalize_moment(text)
    with pytest.raises(ValueError, match=r".+"):
        read_moment(text)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-05-01 12:00:00 UTC", "2026-05-01T12:00:00Z"),
        ("2026-05-01 12:00:00.25 UTC", "2026-05-01T12:00:00.250000Z"),
        ("2026-05-01T12:00:00 GMT", "2026-05-01T12:00:00Z"),
        ("2026-05-01 12:00:00 +0200", "2026-05-01T10:00:00Z"),
        ("2026-05-01 12:00:00 -03:30", "2026-05-01T15:30:00Z"),
        ("2026-05-01T24:00:00Z", "2026-05-02T00:00:00Z"),
        ("2026-05-01T24:00:00.000Z", "2026-05-02T00:00:00Z"),
        ("2026-12-31T24:00:00+01:00", "2026-12-31T23:00:00Z"),
        ("2026-05-01T12:00:60Z", "2026-05-01T12:01:00Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("2016-12-31T23:59:60.000Z", "2017-01-01T00:00:00Z"),
        ("2026-05-01T20:00:00Z", "2026-05-01T20:00:00Z"),
        ("2026-05-01T23:59:59.999Z", "2026-05-01T23:59:59.999000Z"),
    ],
)
def test_moment_as_other_systems_print_it_is_read(given: str, expected: str) -> None:
    assert normalize_moment(given) == expected
    assert to_text(read_moment(given)) == expected


@pytest.mark.parametrize(
    "text",
    [
        *["2026-05-01T24:00:01Z", "2026-05-01T24:01:00Z", "2026-05-01T24:00:00.5Z", "2026-05-01T12:00:61Z"],
        *["9999-12-31T24:00:00Z", "2026-05-01 12:00:00 PDT", "2026-02-30 12:00:00 UTC", "2026-05-01 12:00:00  UTC"],
        "\u0662\u0660\u0662\u0666-05-01 12:00:00 UTC",
    ],
)
def test_moment_that_never_was_is_refused_without_its_text(text: str) -> None:
    for read in (normalize_moment, read_moment):
        with pytest.raises(ValueError, match=r".+") as raised:
            read(text)
        assert text[:4] not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-07-01T10:00:00", "Europe/Berlin", "2026-07-01T08:00:00Z"),
        ("2026-01-01T10:00:00", "Europe/Berlin", "2026-01-01T09:00:00Z"),
        ("2026-07-01T10:00:00.500", "Europe/Berlin", "2026-07-01T08:00:00.500000Z"),
        ("2026-07-01 10:00:00", "America/St_Johns", "2026-07-01T12:30:00Z"),
        ("2026-07-01T24:00:00", "Europe/Berlin", "2026-07-01T22:00:00Z"),
        ("2026-07-01T10:00:00", "UTC", "2026-07-01T10:00:00Z"),
        ("2026-07-01T10:00:00", None, "2026-07-01T10:00:00Z"),
        ("2026-07-01T10:00:00", "", "2026-07-01T10:00:00Z"),
        # An offset says more than the zone beside it.
        ("2026-07-01T10:00:00Z", "Europe/Berlin", "2026-07-01T10:00:00Z"),
        ("2026-07-01T10:00:00+05:00", "Europe/Berlin", "2026-07-01T05:00:00Z"),
        ("2026-07-01T10:00:00Z", "Nowhere/At_All", "2026-07-01T10:00:00Z"),
        # A day is that day everywhere.
        ("2026-07-01", "Asia/Tokyo", "2026-07-01T00:00:00Z"),
        ("20260701", "Asia/Tokyo", "2026-07-01T00:00:00Z"),
        # The hour that is skipped, and the one that comes twice.
        ("2026-03-29T02:30:00", "Europe/Berlin", "2026-03-29T01:30:00Z"),
        ("2026-10-25T02:30:00", "Europe/Berlin", "2026-10-25T00:30:00Z"),
        ("2026-10-25T03:00:00", "Europe/Berlin", "2026-10-25T02:00:00Z"),
    ],
)
def test_moment_without_offset_is_in_the_zone_beside_it(text: str, zone: str | None, expected: str) -> None:
    assert normalize_moment(text, zone) == expected
    assert to_text(read_moment(text, zone)) == expected


@pytest.mark.parametrize("zone", ["Nowhere/At_All", "Europe", "../etc/passwd", "a\0b", "x" * 5000, "CEST"])
def test_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match="an unknown time zone"):
        normalize_moment("2026-07-01T10:00:00", zone)


def test_epoch_is_nought() -> None:
    assert to_micros(EPOCH) == 0
    assert to_micros(EPOCH - timedelta(microseconds=1)) == -1


def test_movable_clock_ticks_from_where_it_was_put() -> None:
    clock = MovableClock()
    assert abs(clock.now() - SystemClock().now()) < timedelta(seconds=1)
    clock.set(datetime(2030, 1, 1, tzinfo=UTC))
    clock.advance(timedelta(days=1))
    assert timedelta(0) <= clock.now() - datetime(2030, 1, 2, tzinfo=UTC) < timedelta(seconds=1)
