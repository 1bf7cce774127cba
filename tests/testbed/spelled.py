"""Stores of before texts were compared in one form, and what finds their records."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from unihire.model import FilterMatch
from unihire.store import keys


def as_it_is(text: str) -> str:
    return text


@contextmanager
def compare_as_written() -> Iterator[None]:
    """Keys as the versions before made them, of all that is rendered within."""
    with pytest.MonkeyPatch.context() as patch:
        folds = {match: (before, before) for match, (_, before) in keys._FOLDS.items()}
        patch.setattr(keys, "_FOLDS", {**folds, FilterMatch.ID: keys._FOLDS[FilterMatch.ID]})
        patch.setattr(keys, "normalise_text", as_it_is)
        yield
