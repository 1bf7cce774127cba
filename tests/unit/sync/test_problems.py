"""Which problem a run ends with, where its streams meet several."""

from itertools import pairwise

import pytest

from unihire.errors import BudgetSpent, NoToken, ReauthorizeNeeded, RetryLater, Stopped, UnihireError
from unihire.sync.run import _choose

LESS_TO_MORE: list[UnihireError] = [
    RetryLater("the list rests", after=3600),
    BudgetSpent(5),
    NoToken("the token's server rests", after=60),
    Stopped("asked to end"),
]
"""Each lasts longer, or is of more, than the one before."""


@pytest.mark.parametrize(("less", "more"), list(pairwise(LESS_TO_MORE)))
def test_run_ends_with_what_concerns_more_of_it_or_else_lasts_longer(less: UnihireError, more: UnihireError) -> None:
    assert _choose(less, more) is more
    assert _choose(more, less) is more
    assert _choose(None, less) is less


def test_of_two_lists_that_rest_the_longer_rest_counts() -> None:
    short, long = RetryLater("one list", after=5), RetryLater("another list", after=50)
    assert _choose(short, long) is long
    assert _choose(long, short) is long


def test_what_does_not_pass_by_itself_goes_before_the_rest_of_one_list() -> None:
    rest, refused = RetryLater("one list"), ReauthorizeNeeded("refused")
    assert _choose(rest, refused) is refused
    assert _choose(refused, rest) is refused
