"""Small files of the operator's: read whole, or refused in a sentence."""

from pathlib import Path

import pytest

from unihire.errors import ConfigError
from unihire.kit.files import read_file, read_text


def test_file_is_read_up_to_its_bound_and_not_beyond(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(b"12345")
    assert read_file(file, limit=5) == b"12345"
    with pytest.raises(ConfigError, match="cannot read the key: it has more than 4 bytes"):
        read_file(file, limit=4, what="the key")


def test_text_is_utf_8_with_or_without_its_mark(tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_bytes(b"\xef\xbb\xbfJos\xc3\xa9")
    assert read_text(file, limit=20) == "José"
    for odd, fault in ((b"Jos\xe9", r"not text in UTF-8 \(byte 4\)"), (b"a\0b", "a zero byte")):
        file.write_bytes(odd)
        with pytest.raises(ConfigError, match=fault):
            read_text(file, limit=20)
