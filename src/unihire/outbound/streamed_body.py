"""Bodies that are sent piece by piece: bytes, and contents of files between them that no memory holds."""

import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from unihire.kit.file_contents import FileBytes


@dataclass(frozen=True, slots=True)
class StreamedBody:
    """A body with a file in it, as it is or as base64; sent again, it is read again."""

    before: bytes
    content: FileBytes
    after: bytes
    in_base64: bool = False

    @property
    def size(self) -> int:
        """Its length in bytes."""
        written = (self.content.size + 2) // 3 * 4 if self.in_base64 else self.content.size
        return len(self.before) + written + len(self.after)

    async def pieces(self) -> AsyncIterator[bytes]:
        yield self.before
        async for piece in self.content.pieces(in_base64=self.in_base64):
            yield piece
        yield self.after


Body = bytes | StreamedBody
"""What is sent."""


def encode_json(body: Mapping[str, Any]) -> Body:
    """The body as JSON, in which a content of a file, of which there is one at most, is base64."""
    found: list[FileBytes] = []
    marker = secrets.token_hex(16)

    def write(value: Any) -> str:
        if not isinstance(value, FileBytes):
            raise TypeError(f"{type(value).__name__} is nothing for a body")
        found.append(value)
        return marker

    encoded = msgspec.json.encode(body, enc_hook=write)
    if not found:
        return encoded
    (content,) = found
    return put_between(encoded, marker.encode(), content, in_base64=True)


def put_between(body: bytes, marker: bytes, content: FileBytes, *, in_base64: bool = False) -> Body:
    """The body with the content in place of a marker: as it is, or as base64."""
    before, _, after = body.partition(marker)
    if content.is_in_memory and not in_base64:
        return before + content.get_bytes() + after
    return StreamedBody(before, content, after, in_base64)
