"""Keys of the filter index: the same value in the same place, and nowhere else."""

from hypothesis import given
from hypothesis import strategies as st

from unihire.model import MODELS
from unihire.store.keys import FilterKeys

FILTERS = [(spec, field) for spec in MODELS.values() for field in spec.filters]


@given(value=st.text(max_size=80))
def test_value_has_another_key_in_every_connector_model_and_filter(value: str) -> None:
    keys = {FilterKeys(connector, spec.number, field).key(value) for connector in (1, 2) for spec, field in FILTERS}
    assert len(keys) == 2 * len(FILTERS)
    assert all(-(2**63) <= key < 2**63 for key in keys)


def test_letter_case_counts_where_the_vocabulary_says_so() -> None:
    fields = {(spec.name, field.param): FilterKeys(1, spec.number, field) for spec, field in FILTERS}
    folded, exact = fields["candidate", "first_name"], fields["candidate", "tag"]
    assert folded.key("STRASSE İ") == folded.key("straße i̇")
    assert exact.key("Junior") != exact.key("JUNIOR")


def test_keys_stay_what_they_are() -> None:
    # Written down: they lie in every database.
    spec, field = FILTERS[0]
    assert (spec.name, field.name) == ("activity", "user")
    assert FilterKeys(1, spec.number, field).key("5b0f7a52-3c1e-5d0b-9f57-6a4f6a0f9d11") == -7237780889170226717


def test_name_and_value_cannot_be_shifted_into_one_another() -> None:
    spec = MODELS["candidate"]
    first, last = (next(f for f in spec.filters if f.name == name) for name in ("first_name", "last_name"))
    assert FilterKeys(1, 4, first).key("x") != FilterKeys(1, 4, last).key("x")
    assert FilterKeys(1, 14, first).key("x") != FilterKeys(11, 4, first).key("x")
