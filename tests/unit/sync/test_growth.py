"""A list that grows is told from one that shows its rows again, whatever its length, in a few hundred bytes."""

import random
from collections.abc import Callable

import pytest

from unihire.errors import VendorChanged
from unihire.sync.growth import EMPTY_PAGES, SLACK, Growth

IDS: dict[str, Callable[[int], str]] = {
    "counted": str,
    "large": lambda number: str(4_000_000_000 + 17 * number),
    "hexadecimal": lambda number: f"{number * 7919:024x}",
    "prefixed": lambda number: f"cand_{number}",
    "random": lambda number: str(random.Random(number).getrandbits(128)),
    "odd": lambda number: f"\ud800{number}",
}


@pytest.mark.parametrize("kind", IDS)
@pytest.mark.parametrize("count", [1, 100, 1_000, 30_000])
def test_list_may_be_as_long_as_it_likes_and_shift_a_little(kind: str, count: int) -> None:
    growth = Growth()
    ids = [IDS[kind](number) for number in range(count)]
    for start in range(0, count, 50):
        growth = Growth(growth.dump())
        growth.note(ids[max(0, start - 10) : start + 50])  # newest first: rows move on to the next page
        growth.check("/list")
    assert 0.6 * count < growth.different < 1.5 * count
    assert len(growth.dump()) < 1_000


@pytest.mark.parametrize("kind", IDS)
@pytest.mark.parametrize("count", [1, 100, 1_000, 30_000])
def test_list_that_shows_its_rows_again_is_found_out_before_the_third_time_is_over(kind: str, count: int) -> None:
    ids, growth = [IDS[kind](number) for number in range(count)], Growth()
    pages = (3 * count + 2 * SLACK) // 50

    def walk() -> None:
        for number in range(pages):
            growth.note([ids[random.Random(number * 50 + place).randrange(count)] for place in range(50)])
            growth.check("/list")

    with pytest.raises(VendorChanged, match="/list: the list does not end"):
        walk()


def test_pages_without_rows_are_passed_over_until_there_are_too_many_in_a_row() -> None:
    growth = Growth()
    for page in (*[[]] * EMPTY_PAGES, ["1"], *[[]] * EMPTY_PAGES):
        growth.note(page)
        growth.check("/list")
    growth.note([])
    with pytest.raises(VendorChanged, match="100 pages in a row have no rows"):
        growth.check("/list")
