"""Stores of before texts were compared in one form, and what finds their records."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from unihire.model import FilterMatch
from unihire.store import record_keys


def as_it_is(text: str) -> str:
    return text


@contextmanager
def compare_as_written() -> Iterator[None]:
    """Keys as the versions before made them, of all that is rendered within."""
    with pytest.MonkeyPatch.context() as patch:
        folds = {match: (before, before) for match, (_, before) in record_keys._FOLDS.items()}
        patch.setattr(record_keys, "_FOLDS", {**folds, FilterMatch.ID: record_keys._FOLDS[FilterMatch.ID]})
        patch.setattr(record_keys, "normalise_text", as_it_is)
        yield
