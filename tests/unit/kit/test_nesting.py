"""Depth of JSON: the same bound on every Python, counted outside of texts."""

import pytest

from unihire.kit.nesting import MOST_DEPTH, NestedTooDeeply, decode_bounded, has_many_values, is_deep


def nest(levels: int, opening: bytes, closing: bytes) -> bytes:
    return opening * levels + b"1" + closing * levels


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a": "]\\"}", "b":', b"}]")])
@pytest.mark.parametrize("levels", [MOST_DEPTH + 1, 500, 1_500, 5_000, 9_000, 50_000])
def test_more_levels_are_refused_and_as_many_are_not(levels: int, opening: bytes, closing: bytes) -> None:
    with pytest.raises(NestedTooDeeply, match="nested deeper than 100 levels"):
        decode_bounded(nest(levels, opening, closing))
    each = opening.count(b"[") + opening.count(b"{")
    decode_bounded(nest(MOST_DEPTH // each, opening, closing))


def test_brackets_in_texts_and_side_by_side_are_no_levels() -> None:
    assert not is_deep(b'["' + b"[" * 500 + b'"]')
    assert not is_deep(b'["\\"' + b"{" * 500 + b'"]')
    assert not is_deep(b"[" + b"[]," * 500 + b"[]]")
    assert decode_bounded(b"[" + b"[]," * 500 + b"[]]") == [[]] * 501


def test_what_is_of_another_type_or_no_json_is_a_value_error() -> None:
    for raw, kind in ((b'{"a": 1}', dict[str, str]), (b"[", list[int]), (b"\xff", str), (b"", int)):
        with pytest.raises(ValueError):
            decode_bounded(raw, kind)
    assert decode_bounded(b'{"a": "b"}', dict[str, str]) == {"a": "b"}


@pytest.mark.parametrize("text", [b"[],", b"{},", b'["', b"]", b"}", b",", b"1,"])
def test_many_values_are_seen_before_any_is_decoded(text: bytes) -> None:
    assert has_many_values(text * 1_001, 1_000)
    assert not has_many_values(text * 1_001, 10_000)


def test_a_long_text_is_one_value() -> None:
    assert not has_many_values(b'["' + b"x" * 10_000 + b'"]', 1_000)
