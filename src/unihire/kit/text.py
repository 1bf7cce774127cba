"""Text from outside: fit for a text column of PostgreSQL (no U+0000, valid UTF-8, bounded), and as it is compared."""

from typing import TypeGuard
from unicodedata import normalize

ID_LENGTH = 500
"""So many characters an id or a key may have: in UTF-8 at most 2,000 bytes, and an index entry has room for 2,700."""

COMPOSED_LENGTH = 256
"""A longer text is compared without being composed: that takes the square of its length, where somebody means it."""

_WHITE_SPACE = (
    *range(0x09, 0x0E), *range(0x1C, 0x21), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F,
    0x3000,
)  # fmt: skip
_WITHOUT_WIDTH = (0x180E, 0x200B, 0x2060, 0xFEFF)
BLANKS = "".join(map(chr, (*_WHITE_SPACE, *_WITHOUT_WIDTH)))
"""What Unicode calls white space, no-break and full-width spaces among it, and spaces without width."""

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


def normalise_text(text: str) -> str:
    """The form in which a text is compared: composed (Unicode's NFC), without blanks around it."""
    if text.isascii():
        return text.strip()
    return (normalize("NFC", text) if len(text) <= COMPOSED_LENGTH else text).strip(BLANKS)


def fold_text(text: str) -> str:
    """The same where letter case does not count."""
    text = normalise_text(text)
    if text.isascii():
        return text.lower()
    folded = text.casefold()
    return normalize("NFC", folded) if len(text) <= COMPOSED_LENGTH else folded
