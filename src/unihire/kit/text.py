"""Text from outside, fit for a text column of PostgreSQL: without U+0000, valid UTF-8, of bounded length."""

from typing import TypeGuard

ID_LENGTH = 500
"""So many characters an id or a key may have: in UTF-8 at most 2,000 bytes, and an index entry holds 2,700."""

_UNWRITABLE = str.maketrans(dict.fromkeys((0, *range(0xD800, 0xE000)), "\N{REPLACEMENT CHARACTER}"))


def is_id(text: object) -> TypeGuard[str]:
    """Whether this can be the id of something: text that is stored and found again as it is."""
    return (
        type(text) is str
        and 0 < len(text) <= ID_LENGTH
        and "\0" not in text
        and (text.isascii() or is_writable(text))
        and not text.isspace()
    )


def is_writable(text: str) -> bool:
    """Whether PostgreSQL takes the text, of whatever length."""
    if "\0" in text:
        return False
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:  # half of a surrogate pair
            return False
    return True


def make_writable(text: str, most: int) -> str:
    """The text with a mark in place of each character that cannot be stored, cut to `most` characters."""
    written = text.translate(_UNWRITABLE)
    return written if len(written) <= most else written[: most - 1] + "…"
