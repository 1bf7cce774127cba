"""Contents of files: those that were uploaded, and made-up ones for all others."""

import re
from typing import NamedTuple

from unihire.integrations.lever.emulator.api.answers import Download, Refused
from unihire.kit.posted_forms import FormPart

MOST_BYTES = 30 * 1024 * 1024
MOST_STORED = 512 * 1024 * 1024
_TYPE = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}", re.ASCII)
UPLOAD_LIFE = 24 * 3600 * 1000
"""How long an upload can be used, in milliseconds."""


class StoredFile(NamedTuple):
    content: bytes
    content_type: str


class Files:
    """By the id of the row."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._stored: dict[str, StoredFile] = {}
        self._size = 0

    def check(self, part: FormPart) -> None:
        """Raises Refused for what is too large."""
        if len(part.content) > MOST_BYTES:
            raise Refused(413, "File took too long to upload.")
        if self._size + len(part.content) > MOST_STORED:
            raise Refused(500, "This sandbox stores no more files.")

    def store(self, id_: str, part: FormPart) -> None:
        self.check(part)
        self._size += len(part.content)
        self._stored[id_] = StoredFile(part.content, part.content_type)

    def copy(self, source: str, target: str) -> None:
        """The same content under another id."""
        if source in self._stored:
            self._stored[target] = self._stored[source]
            self._size += len(self._stored[source].content)

    def remove(self, id_: str) -> None:
        file = self._stored.pop(id_, None)
        if file is not None:
            self._size -= len(file.content)

    def read(self, id_: str, name: str) -> Download:
        file = self._stored.get(id_)
        if file is not None:
            kind = file.content_type if _TYPE.fullmatch(file.content_type) else "application/octet-stream"
            return Download(file.content, kind)
        text = f"%PDF-1.4\n% made up: {name}\n%%EOF\n"
        return Download(text.encode("utf-8", "replace"), "application/pdf")
