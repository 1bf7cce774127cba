"""How much of what has very many cases one run of the tests takes: a part spread over all, or everything."""

import os
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

IS_THOROUGH = os.environ.get("THOROUGH") == "1"
"""Set by `make chaos` and `make thorough`."""


def pick(cases: Sequence[T], most: int) -> list[T]:
    """Every case where the run is thorough, else `most` of them: the first, the last, and those spread between.

    The same ones every time, so a red test is red again.
    """
    if IS_THOROUGH or len(cases) <= most:
        return list(cases)
    if most == 1:
        return [cases[0]]
    return [cases[round(place * (len(cases) - 1) / (most - 1))] for place in range(most)]


def take_turns(cases: Sequence[T], most: int, turn: int) -> list[T]:
    """Every case where the run is thorough, else `most` of them in a row, from another one on each `turn`.

    For several tests over the same cases: with turns that follow on each other each case is in some of them.
    """
    if IS_THOROUGH or len(cases) <= most:
        return list(cases)
    return [cases[(turn * most + place) % len(cases)] for place in range(most)]


def count(thorough: int, usual: int) -> int:
    """How often something is repeated."""
    return thorough if IS_THOROUGH else usual
