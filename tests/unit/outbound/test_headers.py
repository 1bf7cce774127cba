"""What vendors say in headers: whatever it is, nothing raises, and no wait is longer than an hour."""

import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testbed.effort import count
from unihire.errors import RetryLater
from unihire.outbound.bucket_meter import Bucket
from unihire.outbound.budget import FixedWindowHeaders, TokenBucketHeaders
from unihire.outbound.budget_store import BudgetState
from unihire.outbound.headers import LONGEST_WAIT, read_date, read_number, read_retry_after
from unihire.outbound.judging import judge
from unihire.outbound.paging import VendorResponse
from unihire.outbound.window_meter import Window

NOW = datetime(2026, 11, 29, 6, tzinfo=UTC)
BUCKET = TokenBucketHeaders(remaining="left", per_second="rate")
WINDOW = FixedWindowHeaders(limit="limit", remaining="left", reset="reset", seconds=30)

ODD = [
    *(
        "",
        " ",
        "x",
        "-",
        "+1",
        "-1",
        "-1e308",
        "1e308",
        "1e-7",
        "1E5",
        "0x10",
        "1_000",
        "1,5",
        "1.",
        ".5",
        "..",
        "1.2.3",
    ),
    *(
        "nan",
        "inf",
        "-inf",
        "Infinity",
        "\u0663",
        "\uff11",
        "\0",
        "1\n2",
        "\udc80",
        "True",
        "null",
        "1; q=1",
        "0.0000001",
    ),
    *("9" * 400, "9" * 5000, "0" * 400, "0." + "0" * 400 + "1", "86400", "31536000", "99999999999999", "1" * 15),
    *("Mon, 01 Jan 0001 00:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 +2359", "Sun, 29 Nov 2026 06:00:00 -0000"),
    *("Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 -2359", "Sun, 29 Nov 2026 06:00:00 +9999"),
    *("Sun, 29 Nov 2026 06:00:60 GMT", "Sun, 29 Nov 2026 24:00:00 GMT", "Sun, 00 Nov 2026 06:00:00 GMT", "29 Nov 2026"),
    *("Sun, 29 Nov 99999 06:00:00", "Sun, 29 Nov " + "9" * 400 + " 06:00:00 GMT", "Sunday, 29-Nov-26 06:00:00 GMT"),
    *("Sun Nov 29 06:00:00 2026", "Sun, 29 Nov 2026 06:00:00 " + "9" * 30, "2026-11-29T06:00:00Z"),
    *(",", ", ,", ":", "::", "1 2 3", "Sun,", "Sun, 29", "Sun, 29 Nov", "Sun, 29 Nov 2026", "Sun, 29 Nov 2026 06"),
]
SANE = ["0", "1", "3", "50", "0.5", "10", str(NOW.timestamp()), format_datetime(NOW, usegmt=True)]

headers = (
    st.text(max_size=30) | st.sampled_from(ODD) | st.sampled_from(SANE) | st.floats().map(str) | st.integers().map(str)
)


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("0", 0), ("000", 0), ("7", 7), ("0.5", 0.5), ("120.", 120), (" 7 ", 7), ("3600", 3600),
        ("3601", 3600), ("86400", 3600), ("31536000", 3600), ("9" * 400, 3600), ("9" * 5000, 3600),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600), ("Mon, 01 Jan 0001 00:00:00 GMT", 0),
        ("Sunday, 29-Nov-26 06:01:00 GMT", 60), ("Sun Nov 29 06:01:00 2026", 60),
        ("Sun, 29 Nov 2026 06:01:00 -0000", 60), ("", None), ("soon", None), ("-5", None), ("1e3", None), ("nan", None),
        ("inf", None), ("\u0663", None), ("1_0", None),
        ("Sun, 29 Nov " + "9" * 400 + " 06:00:00 GMT", None), ("Sun, 29 Nov 2026 06:00:00 +9999", None),
    ],
)  # fmt: skip
def test_wait_that_a_vendor_asks_for_is_read_and_no_longer_than_an_hour(said: str, wait: float | None) -> None:
    assert read_retry_after({"Retry-After": said}, NOW) == wait
    with pytest.raises(RetryLater) as caught:
        judge("GET /jobs", VendorResponse(429, {"Retry-After": said, "Date": format_datetime(NOW, usegmt=True)}, b""))
    assert caught.value.after == wait


def test_date_to_come_back_at_is_by_the_clock_that_gave_it() -> None:
    later = format_datetime(NOW + timedelta(days=30, seconds=5), usegmt=True)
    date = format_datetime(NOW + timedelta(days=30), usegmt=True)
    assert read_retry_after({"Retry-After": later, "Date": date}, NOW) == 5


NUMBERS = {"0": 0.0, "50": 50.0, "0.5": 0.5, " 7 ": 7.0, "007": 7.0, "9" * 15: 999_999_999_999_999.0, "0.0000001": 1e-7}
NO_NUMBERS = [
    "",
    "+1",
    "-1",
    "-1e308",
    "1e308",
    "1e-7",
    "1_000",
    "1.",
    ".5",
    "nan",
    "inf",
    "\u0663",
    "9" * 16,
    "9" * 400,
]


@pytest.mark.parametrize(("said", "number"), [*NUMBERS.items(), *((said, None) for said in NO_NUMBERS)])
def test_number_is_plain_digits_or_nothing(said: str, number: float | None) -> None:
    assert read_number({"left": said}, "left") == number
    assert read_number({}, "left") is None


@given(headers, headers)
@settings(deadline=None, max_examples=count(400, 80))
def test_no_header_raises_or_makes_a_wait_longer_than_an_hour(said: str, date: str) -> None:
    wait = read_retry_after({"Retry-After": said, "Date": date}, NOW)
    assert wait is None or 0 <= wait <= LONGEST_WAIT
    number = read_number({"left": said}, "left")
    assert number is None or 0 <= number < 1e15
    moment = read_date({"Date": date})
    assert moment is None or (moment.tzinfo is UTC and 2020 <= moment.year < 2200)
    for odd in ODD:
        read_retry_after({"Retry-After": odd, "Date": date}, NOW)


def check_pause(state: BudgetState, now: float) -> float:
    """The pause of both kinds of call."""
    pauses = [state.find_pause(now, is_background=is_background) for is_background in (False, True)]
    for pause in pauses:
        assert math.isfinite(pause)
        assert pause <= LONGEST_WAIT
    return max(pauses)


@pytest.mark.parametrize("rules", [BUCKET, WINDOW], ids=["bucket", "window"])
@given(
    st.lists(
        st.tuples(
            st.fixed_dictionaries(dict.fromkeys(("left", "rate", "limit", "reset", "Date", "Retry-After"), headers)),
            st.floats(0, 100),
        ),
        max_size=8,
    )
)
@settings(deadline=None, max_examples=count(300, 60), suppress_health_check=[HealthCheck.too_slow])
def test_no_headers_make_a_budget_wait_longer_than_an_hour_or_stop_for_good(
    rules: TokenBucketHeaders | FixedWindowHeaders, said: list[tuple[dict[str, str], float]]
) -> None:
    state, now = BudgetState(), 1000.0
    state.reset_if_outdated(rules.make_meter(), now)
    for answer, pause in said:
        for _ in range(3):
            call = state.start(now, now + 60)
        now += pause
        state.end(call, rules.read(answer), now)
        wait = read_retry_after(answer, NOW)
        if wait is not None:
            state.block(now + wait, now)
        state.reset_if_outdated(rules.make_meter(), now)
        check_pause(state, now)
    for _ in range(3):  # whatever it said, a call can be made in time
        now += max(check_pause(state, now), 61)
        state.reset_if_outdated(rules.make_meter(), now)
    assert state.find_pause(now, is_background=False) <= 0


finite = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([1e308, -1e308, 0.0, 1e-7, 31_536_000.0])


@given(finite, finite, finite, finite | st.just(math.inf), finite)
@settings(deadline=None, max_examples=count(300, 60))
def test_budget_kept_by_a_version_that_believed_more_lets_a_call_go_within_hours(
    left: float, rate: float, most: float, free_at: float, left_at: float
) -> None:
    now = 1000.0
    meter = Bucket(left=left, left_at=min(left_at, now), rate=rate, most=max(1.0, most))
    kept = msgspec.msgpack.encode(BudgetState(born_at=0, changed_at=now, meter=meter, free_at=free_at))
    for _ in range(4):
        state: Any = msgspec.msgpack.decode(kept, type=BudgetState)
        state.reset_if_outdated(Bucket(), now)
        pause = check_pause(state, now)
        if pause < 1e-6:  # what is left of it is rounding
            return
        kept, now = msgspec.msgpack.encode(state), now + pause
    raise AssertionError("no call in four hours")


def test_window_that_a_vendor_spoiled_is_right_again_with_its_next_answer() -> None:
    state, now, reset = BudgetState(), 1000.0, NOW.timestamp()
    state.reset_if_outdated(WINDOW.make_meter(), now)

    def answer(left: str, reset: str) -> None:
        call = state.start(now, now + 60)
        state.end(call, WINDOW.read({"limit": "50", "left": left, "reset": reset}), now)

    answer("40", str(int(reset)))
    answer("0", "999999999999999")
    now += 31
    state.find_pause(now, is_background=False)
    answer("49", str(int(reset) + 60))
    assert isinstance(state.meter, Window)
    assert (state.meter.left, state.meter.reset) == (49, int(reset) + 60)
    assert state.find_pause(now, is_background=False) <= 0
