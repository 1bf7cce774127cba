"""A walk in order of updates is what sorting everything would give, from wherever it begins."""

from hypothesis import given, settings
from hypothesis import strategies as st

from unihire.sandbox.timeline import LaneTimeline

END = 100_000


def make_timeline(count: int, span: int, guess_error: int = 0) -> LaneTimeline:
    return LaneTimeline(
        count,
        lambda index: index * span // max(count, 1),
        lambda moment: moment * count // max(span, 1) + guess_error,
        END,
    )


@settings(deadline=None, max_examples=150)
@given(
    count=st.integers(0, 300),
    span=st.integers(1, END),
    guess_error=st.integers(-400, 400),
    after=st.none() | st.tuples(st.integers(-5, END + 5), st.integers(-1, 301)),
    since=st.none() | st.integers(-5, END + 5),
    until=st.none() | st.integers(-5, END + 5),
)
def test_walk_equals_sorting(
    count: int, span: int, guess_error: int, after: tuple[int, int] | None, since: int | None, until: int | None
) -> None:
    timeline = make_timeline(count, span, guess_error)
    everything = sorted(((timeline.updated_at(index), index) for index in range(count)), reverse=True)
    expected = [
        pair
        for pair in everything
        if (after is None or pair < after) and (since is None or pair[0] > since) and (until is None or pair[0] < until)
    ]
    assert list(timeline.walk_newest(after=after, since=since, until=until)) == expected


def test_update_never_comes_before_creation_or_after_the_end() -> None:
    timeline = make_timeline(1000, END)
    for index in range(1000):
        assert timeline.created_at(index) <= timeline.updated_at(index) <= END


@settings(deadline=None, max_examples=150)
@given(
    count=st.integers(0, 300),
    span=st.integers(1, END),
    guess_error=st.integers(-400, 400),
    upto=st.none() | st.integers(-1, 301),
    since=st.none() | st.integers(-5, END + 5),
    until=st.none() | st.integers(-5, END + 5),
)
def test_walk_by_index_equals_filtering(
    count: int, span: int, guess_error: int, upto: int | None, since: int | None, until: int | None
) -> None:
    timeline = make_timeline(count, span, guess_error)
    expected = [
        index
        for index in reversed(range(count))
        if (upto is None or index <= upto)
        and (since is None or timeline.updated_at(index) >= since)
        and (until is None or timeline.created_at(index) <= until)
    ]
    assert list(timeline.walk_latest(upto=upto, since=since, until=until)) == expected
