"""Text from outside: what can be an id, and what is stored of the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unihire.kit.text import ID_LENGTH, is_id, is_writable, make_writable


@pytest.mark.parametrize("text", ["1", "a b", "Zoë", "💥", "x" * ID_LENGTH, "💥" * ID_LENGTH, "?", "\u200b"])
def test_text_that_can_be_stored_and_found_is_an_id(text: str) -> None:
    assert is_id(text)


@pytest.mark.parametrize(
    "value", ["", " ", "\t\n", "a\0", "\0", "\ud800", "a\udfff", "x" * (ID_LENGTH + 1), None, 5, True, b"1", ["1"], {}]
)
def test_anything_else_is_none(value: object) -> None:
    assert not is_id(value)


@given(text=st.text(st.characters(exclude_categories=()), max_size=60), most=st.integers(1, 40))
def test_text_made_writable_is_writable_and_as_it_was_where_it_was_so(text: str, most: int) -> None:
    made = make_writable(text, most)
    assert is_writable(made)
    assert len(made) <= most
    if is_writable(text) and len(text) <= most:
        assert made == text
