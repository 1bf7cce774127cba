"""What the query of a request says: filters, pages, and what is to be expanded."""

import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from unihire.integrations.lever.emulator.api.answers import refuse_input
from unihire.integrations.lever.emulator.rows.values import FAR_MILLIS
from unihire.kit.nesting import decode_bounded

MOST_ROWS = 100
MOST_TOKEN = 2000
STRANGER = "https://elsewhere.example.com/"
"""What a token begins with where the fault says that it is of another host."""
CONFIDENTIALITY = ("confidential", "non-confidential", "all")


class Query:
    """The parameters by name, those that came as `name[]` too."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name.removesuffix("[]"), []).append(value)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def names(self) -> set[str]:
        return set(self._values)

    def values(self, name: str) -> Sequence[str]:
        return self._values.get(name, ())

    def find(self, name: str) -> str | None:
        """The last one."""
        found = self._values.get(name)
        return found[-1] if found else None

    def find_millis(self, name: str) -> int | None:
        """Raises Refused for what is no number of milliseconds."""
        text = self.find(name)
        if text is None:
            return None
        if not re.fullmatch("-?[0-9]{1,16}", text, re.ASCII) or abs(int(text)) > FAR_MILLIS:
            raise refuse_input("Expected a timestamp in milliseconds", name)
        return int(text)

    def find_bool(self, name: str) -> bool | None:
        """Whatever the letter case."""
        text = self.find(name)
        if text is None:
            return None
        if text.lower() not in ("true", "false"):
            raise refuse_input("Expected true or false", name)
        return text.lower() == "true"

    def find_word(self, name: str, words: Sequence[str]) -> str | None:
        text = self.find(name)
        if text is not None and text not in words:
            raise refuse_input(f"Expected one of {', '.join(words)}", name)
        return text

    def read_limit(self) -> int:
        text = self.find("limit")
        if text is None:
            return MOST_ROWS
        if not re.fullmatch("[0-9]{1,9}", text, re.ASCII) or not 1 <= int(text) <= MOST_ROWS:
            raise refuse_input(f"Expected a number from 1 to {MOST_ROWS}", "limit")
        return int(text)

    def read_offset(self) -> list[Any] | None:
        """The position that a token says, however often it was encoded. Raises Refused."""
        text = self.find("offset")
        if not text:
            return None
        text = text.removeprefix(STRANGER)
        for _ in range(3):
            if len(text) <= MOST_TOKEN and text.startswith("["):
                try:
                    found = decode_bounded(text.encode("utf-8", "replace"))
                except ValueError:
                    break
                if isinstance(found, list) and len(found) == 3 and isinstance(found[2], str):
                    return found
                break
            text = unquote(text)
        raise refuse_input("Invalid offset token", "offset")


def make_offset(rank: int, moment: int, id_: str) -> str:
    """A token as the vendor makes it: it is encoded already, and encoded once more in an address."""
    return quote(msgspec.json.encode([rank, moment, id_]).decode(), safe="")
