"""Filters by time, of Harvest v1 over v3."""

from datetime import UTC, datetime, timedelta, timezone

from unihire.integrations.greenhouse.harvest_v1.filters import Window, choose_window, write_filters
from unihire.kit.clock import parse_moment

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
APRIL = datetime(2026, 4, 1, tzinfo=UTC)
MAY = datetime(2026, 5, 1, tzinfo=UTC)


def test_after_is_inclusive_and_before_is_not() -> None:
    window = Window(MARCH, APRIL)
    assert window.write() == "gte|2026-03-01T00:00:00Z|lt|2026-04-01T00:00:00Z"
    assert window.contains(parse_moment("2026-03-01T00:00:00.000Z"))
    assert not window.contains(parse_moment("2026-02-28T23:59:59.999Z"))
    assert window.contains(parse_moment("2026-03-31T23:59:59.999Z"))
    assert not window.contains(parse_moment("2026-04-01T00:00:00.000Z"))


def test_half_a_window_is_half_a_filter() -> None:
    assert write_filters(created_at=Window(after=MARCH), last_activity_at=Window()) == {
        "created_at": "gte|2026-03-01T00:00:00Z"
    }
    assert Window(before=MARCH).write() == "lt|2026-03-01T00:00:00Z"


def test_moments_are_compared_in_utc_whatever_their_offset() -> None:
    east = timezone(timedelta(hours=2))
    assert Window(after=datetime(2026, 3, 1, 1, 30, 0, 500_000, tzinfo=east)).write() == (
        "gte|2026-02-28T23:30:00.500000Z"
    )
    assert Window(after=datetime(2026, 3, 1, tzinfo=None)) != Window(after=MARCH)  # noqa: DTZ001 as a caller may send
    assert Window(after=datetime(2026, 3, 1, tzinfo=None)).write() == Window(after=MARCH).write()  # noqa: DTZ001


def test_moments_at_the_ends_of_the_calendar_are_its_ends() -> None:
    east, west = timezone(timedelta(hours=2)), timezone(timedelta(hours=-2))
    window = Window(datetime(1, 1, 1, tzinfo=east), datetime(9999, 12, 31, 23, tzinfo=west))
    assert window.write() == "gte|0001-01-01T00:00:00Z|lt|9999-12-31T23:59:59.999999Z"


def test_a_row_without_the_moment_is_outside_every_window_but_an_open_one() -> None:
    moment = datetime(2026, 3, 5, tzinfo=UTC)
    assert [Window(after=MARCH).contains(each) for each in (None, moment)] == [False, True]
    assert [Window().contains(each) for each in (None, moment)] == [True, True]


def test_one_window_is_asked_for_as_it_is() -> None:
    assert choose_window(Window(MARCH), Window()) == {"created_at": "gte|2026-03-01T00:00:00Z"}
    assert choose_window(Window(), Window(before=MAY)) == {"updated_at": "lt|2026-05-01T00:00:00Z"}
    assert choose_window(Window(), Window()) == {}


def test_of_two_windows_one_is_asked_for_and_narrowed_by_the_other() -> None:
    assert choose_window(Window(MARCH), Window(before=APRIL)) == {
        "created_at": "gte|2026-03-01T00:00:00Z|lt|2026-04-01T00:00:00Z"
    }
    assert choose_window(Window(before=MAY), Window(before=APRIL)) == {"created_at": "lt|2026-04-01T00:00:00Z"}
    assert choose_window(Window(APRIL, MAY), Window(MARCH)) == {"updated_at": "gte|2026-04-01T00:00:00Z"}
    assert choose_window(Window(before=MAY), Window(MARCH)) == {"updated_at": "gte|2026-03-01T00:00:00Z"}
