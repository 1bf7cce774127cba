"""Text from outside: what can be an id, what is stored of the rest, and the form in which it is compared."""

import sys
import time
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unihire.kit.text import (
    BLANKS,
    COMPOSED_LENGTH,
    ID_LENGTH,
    fold_text,
    is_id,
    is_writable,
    make_writable,
    normalise_text,
)


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


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)


def test_blanks_are_what_python_calls_so_and_spaces_without_width() -> None:
    white = {chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()}
    assert set(BLANKS) - white == set("\u180e\u200b\u2060\ufeff")
    assert white <= set(BLANKS)


@given(text=ANY_TEXT, before=st.text(st.sampled_from(BLANKS)), after=st.text(st.sampled_from(BLANKS)))
def test_text_compares_the_same_in_either_form_and_with_blanks_around_it(text: str, before: str, after: str) -> None:
    # A mark that stands first would be composed with nothing: it belongs to the blank before it.
    same = [text, normalize("NFC", text), normalize("NFD", text), f"{before}x{text}x{after}"[len(before) :]]
    assert len({normalise_text(one) for one in same[:3]}) == 1
    assert len({fold_text(one) for one in same[:3]}) == 1
    assert normalise_text(f"{before}x{text}x{after}") == normalise_text(f"x{text}x")
    assert normalise_text(normalise_text(text)) == normalise_text(text)


@pytest.mark.parametrize(("one", "other"), [("JOSÉ", "jose\u0301"), ("\u03ab\u0301", "\u03b0"), ("J\u030c", "\u01f0")])
def test_letter_case_of_composed_letters_does_not_count_where_it_does_not_count(one: str, other: str) -> None:
    assert fold_text(one) == fold_text(other)
    assert normalise_text(one) != normalise_text(other)


def test_text_within_stays_as_it_is() -> None:
    assert normalise_text("\u00a0Mary\u00a0 Ann\t") == "Mary\u00a0 Ann"
    assert normalise_text("\u3000\t ") == ""
    assert normalise_text("\ufb01 \u2460 \uff21") == "\ufb01 \u2460 \uff21"  # what only looks alike is another text


def test_text_made_to_take_long_takes_no_time() -> None:
    begun = time.process_time()
    text = "a" + "\u0301" * 40_000 + "\u0316" * 40_000
    assert normalise_text(f" {text} ") == text
    assert fold_text(text)
    assert time.process_time() - begun < 0.5  # composing it takes 20 seconds
    assert len(normalise_text("e\u0301" * (COMPOSED_LENGTH // 2))) == COMPOSED_LENGTH // 2
