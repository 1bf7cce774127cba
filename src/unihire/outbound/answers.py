"""Answers read within bounds: so many bytes as sent, and so many unpacked."""

import asyncio
import zlib
from collections.abc import Iterator

import aiohttp

from unihire.errors import AnswerTooLarge, VendorChanged
from unihire.outbound.paging import VendorResponse

ANSWER_BYTES = 64 << 20
"""Most bytes of an answer, unless the operator says otherwise (`UNIHIRE_ANSWER_BYTES`)."""

TOKEN_ANSWER_BYTES = 1 << 20
"""Most bytes of a token endpoint's answer."""

REFUSAL_BYTES = 256 << 10
"""So much is read of an answer that is not 2xx, whose words are all that matters."""

PIECE_BYTES = 256 << 10
"""So much is unpacked in one go: about a millisecond, in which nothing else is done."""

ACCEPTED = "gzip, deflate"
"""The encodings that are asked for (Accept-Encoding) and read."""

MEMBERS = 100
"""Gzip streams that one answer may be made of."""

_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
_UNREADABLE = {"br", "zstd", "compress", "x-compress"}


async def read_answer(response: aiohttp.ClientResponse, *, of: str, most: int) -> VendorResponse:
    """The answer, of at most `most` bytes, packed and unpacked; `of` names the call for the error.

    Of one that is not 2xx what goes beyond `REFUSAL_BYTES` is left out, and all where it cannot be unpacked: its status
    says enough. Needs a session that does not unpack by itself. Raises AnswerTooLarge, without reading more, and
    VendorChanged where it cannot be unpacked.
    """
    if 200 <= response.status < 300:
        body = await _read(response, of, most)
        if body is None:
            raise AnswerTooLarge(f"{of}: the answer has more than {most:,} bytes, and no more are read")
    else:
        try:
            body = await _read(response, of, min(most, REFUSAL_BYTES), is_cut=True)
        except VendorChanged:
            body = None
    return VendorResponse(response.status, response.headers, body or b"")


async def _read(response: aiohttp.ClientResponse, of: str, most: int, *, is_cut: bool = False) -> bytes | None:
    """The body, None where it is too large; with `is_cut` its beginning."""
    unpacking = _find_unpacking(response.headers.get("Content-Encoding", ""), of)
    if not is_cut and (response.content_length or 0) > most:
        return None
    body, received = bytearray(), 0
    async for chunk in response.content.iter_any():
        received += len(chunk)
        for piece in (chunk,) if unpacking is None else unpacking.unpack(chunk):
            body += piece
            if len(body) > most:
                break
            if unpacking is not None and unpacking.has_more:
                await asyncio.sleep(0)
        if len(body) > most or received > most:
            return bytes(body[:most]) if is_cut else None
    return bytes(body)


def _find_unpacking(encoding: str, of: str) -> "_Unpacking | None":
    word = encoding.strip().lower()
    if word in _UNREADABLE or "," in word:
        raise VendorChanged(f"{of}: the answer is compressed in a way that was not asked for")
    return _Unpacking(word, of) if word in _WINDOWS else None  # any other word says nothing of compression


class _Unpacking:
    """Unpacks what comes, piece by piece; a piece has `PIECE_BYTES` at most."""

    def __init__(self, encoding: str, of: str) -> None:
        self._window = _WINDOWS[encoding]
        self._of = of
        self._stream = zlib.decompressobj(self._window)
        self._members = 0
        self._has_begun = False
        self._has_ended = False
        self.has_more = False
        """Whether the last part is larger than the pieces so far."""

    def unpack(self, chunk: bytes) -> Iterator[bytes]:
        if not self._has_begun and chunk:
            self._has_begun = True
            if self._window == zlib.MAX_WBITS and chunk[0] & 0x0F != zlib.DEFLATED:
                self._stream = zlib.decompressobj(-zlib.MAX_WBITS)  # some send "deflate" without zlib's header
        self.has_more = not self._has_ended
        while self.has_more:
            try:
                piece = self._stream.decompress(chunk, PIECE_BYTES)
            except zlib.error as error:
                raise VendorChanged(f"{self._of}: the answer cannot be unpacked") from error
            chunk = self._stream.unconsumed_tail
            if self._stream.eof and self._stream.unused_data:
                chunk = self._begin_next(self._stream.unused_data)
            self.has_more = bool(chunk) or len(piece) == PIECE_BYTES
            yield piece

    def _begin_next(self, left: bytes) -> bytes:
        """What of the bytes after a stream's end is to be unpacked: the next stream of gzip, and nothing else."""
        self._has_ended = self._window == zlib.MAX_WBITS or not left.startswith(b"\x1f")
        if self._has_ended:
            return b""
        self._members += 1
        if self._members == MEMBERS:
            raise VendorChanged(f"{self._of}: the answer is made of {MEMBERS} compressed streams")
        self._stream = zlib.decompressobj(self._window)
        return left
