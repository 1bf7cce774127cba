"""Keys of the filter index: the same value in the same place, and nowhere else."""

from hypothesis import given
from hypothesis import strategies as st

from unihire.kit.text import normalise_text
from unihire.model import MODELS
from unihire.store.record_keys import FilterKeys, MemberKeys, find_member_keys

BY_NAME = {(spec.name, field.name): field for spec in MODELS.values() for field in spec.filters}
FOLDED_KEY, EXACT_KEY = -2370803892822657453, 88824735562478057
FILTERS = [(spec, field) for spec in MODELS.values() for field in spec.filters]


@given(value=st.text(max_size=80))
def test_value_has_another_key_in_every_connector_model_and_filter(value: str) -> None:
    keys = {FilterKeys(connector, spec.number, field).key(value) for connector in (1, 2) for spec, field in FILTERS}
    assert len(keys) == 2 * len(FILTERS)
    assert all(-(2**63) <= key < 2**63 for key in keys)


def test_letter_case_counts_where_the_vocabulary_says_so() -> None:
    fields = {(spec.name, field.name): FilterKeys(1, spec.number, field) for spec, field in FILTERS}
    folded, exact = fields["candidate", "first_name"], fields["candidate", "tags"]
    assert folded.key("STRASSE İ") == folded.key("straße i̇")
    assert exact.key("Junior") != exact.key("JUNIOR")


def test_keys_stay_what_they_are() -> None:
    # Written down: they lie in every database.
    spec, field = FILTERS[0]
    assert (spec.name, field.name) == ("activity", "user")
    assert FilterKeys(1, spec.number, field).key("5b0f7a52-3c1e-5d0b-9f57-6a4f6a0f9d11") == -7237780889170226717
    assert FilterKeys(1, 4, BY_NAME["candidate", "first_name"]).key("Jose\u0301 ") == FOLDED_KEY
    assert FilterKeys(1, 4, BY_NAME["candidate", "tags"]).key("\u00a0Jose\u0301") == EXACT_KEY


def test_text_has_one_key_in_either_form_and_with_blanks_around_it() -> None:
    for name in ("first_name", "tags", "email_addresses"):
        keys = FilterKeys(1, 4, BY_NAME["candidate", name])
        assert {keys.key(text) for text in ("José", "Jose\u0301", "\u00a0José\t", "\u3000Jose\u0301 ")} == {
            keys.key("José")
        }
    members = MemberKeys(1, "people", "email")
    assert members.key("\u00a0Jose\u0301") == members.key("José") != members.key("JOSÉ")


@given(values=st.lists(st.text(max_size=20), max_size=4))
def test_who_asks_for_a_text_asks_for_its_key_of_before_too(values: list[str]) -> None:
    for name in ("first_name", "tags"):
        keys = FilterKeys(1, 4, BY_NAME["candidate", name])
        asked = keys.list_asked(values)
        assert len(asked) == len(set(asked))
        for value in values:
            moved = keys.find_moved(value)
            if not normalise_text(value):
                assert keys.key(value) not in asked
            else:
                assert {keys.key(value), *(moved or ())} <= set(asked)
                assert moved is None or (moved[0] != moved[1] == keys.key(value))


def test_texts_that_are_compared_as_they_were_have_one_key() -> None:
    keys = FilterKeys(1, 4, BY_NAME["candidate", "email_addresses"])
    assert keys.list_asked(["Jane@example.com", "jane@example.com", " \u3000"]) == [keys.key("jane@example.com")]
    assert keys.list_asked(["", "\u00a0"]) == []
    assert len(keys.list_asked([" jane@example.com"])) == 2


def test_ids_are_compared_as_they_are() -> None:
    keys = FilterKeys(1, 2, BY_NAME["application", "candidate"])
    assert keys.list_asked([" x", ""]) == [keys.key(" x"), keys.key("")]
    assert keys.key(" x") != keys.key("x")


def test_keys_of_rows_stored_whole_are_in_the_form_of_now_first() -> None:
    assert find_member_keys("\u00a0Jose\u0301") == ["José", "\u00a0Jose\u0301"]
    assert find_member_keys("jane@example.com") == ["jane@example.com"]
    assert find_member_keys(12) == ["12"]
    assert find_member_keys(None) == find_member_keys([]) == []


def test_name_and_value_cannot_be_shifted_into_one_another() -> None:
    spec = MODELS["candidate"]
    first, last = (next(f for f in spec.filters if f.name == name) for name in ("first_name", "last_name"))
    assert FilterKeys(1, 4, first).key("x") != FilterKeys(1, 4, last).key("x")
    assert FilterKeys(1, 14, first).key("x") != FilterKeys(11, 4, first).key("x")
