"""Small files and texts that an operator gives us: bounded, and what is wrong with them said in a sentence."""

import stat
from pathlib import Path

from unihire.errors import ConfigError

TEXT_LENGTH = 32_768
"""The longest text a setting or an argument may be: paths and addresses are a tenth of it."""


def read_file(path: Path, *, limit: int, what: str = "", can_be_pipe: bool = False) -> bytes:
    """The bytes of a file, `limit` at most. Raises ConfigError that names `what` it is for, or else the path.

    With `can_be_pipe` it may be a pipe too, as a shell's `<(…)` is; otherwise that is refused, and not waited for.
    """
    name = what or str(path)
    try:
        mode = path.stat().st_mode  # a pipe must not be opened to be known: that waits for who writes
        if stat.S_ISDIR(mode):
            raise ConfigError(f"cannot read {name}: it is a folder")
        if not (stat.S_ISREG(mode) or can_be_pipe):
            raise ConfigError(f"cannot read {name}: it is no ordinary file")
        with path.open("rb") as file:
            found = file.read(limit + 1)
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte in it
        raise ConfigError(f"cannot read {name}: {getattr(error, 'strerror', None) or error}") from None
    if len(found) > limit:
        raise ConfigError(f"cannot read {name}: it has more than {limit:,} bytes")
    return found


def read_text(path: Path, *, limit: int, what: str = "") -> str:
    """As `read_file`, the text of a file in UTF-8."""
    return decode_text(read_file(path, limit=limit, what=what), what or str(path))


def decode_text(found: bytes, name: str) -> str:
    """The text; a mark of UTF-8 at its beginning is left out. Raises ConfigError where it is no text in UTF-8."""
    try:
        text = found.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"cannot read {name}: it is not text in UTF-8 (byte {error.start + 1})") from None
    if "\0" in text:
        raise ConfigError(f"cannot read {name}: it is not text, for it has a zero byte")
    return text


def find_fault(text: str, *, limit: int = TEXT_LENGTH) -> str | None:
    """What is wrong with a text that somebody gave on a line, never the text itself; None where nothing is."""
    if not text.strip():
        return "it is empty"
    if len(text) > limit:
        return f"it has more than {limit:,} characters"
    if any(ord(one) < 0x20 or 0x7F <= ord(one) < 0xA0 for one in text):
        return "it has control characters"
    if any(0xD800 <= ord(one) < 0xE000 for one in text):
        return "it is not text in UTF-8"
    return None
