"""The content of a file: in memory where it is small, else in a file without a name, read piece by piece."""

import asyncio
import base64
import os
import tempfile
import weakref
from collections.abc import AsyncIterator, Iterable
from hashlib import blake2b
from typing import BinaryIO

PIECE = 126 * 1024
"""Bytes of a piece: a multiple of three, so that pieces in base64 follow one another."""

IN_MEMORY = 1024 * 1024
"""Bytes of a file that is held in memory at most."""

MOST_ON_DISK = 1024 * 1024 * 1024
"""Bytes of all files together that this process has on disk at once."""


class DiskFull(Exception):
    """This process has as much on disk as it may, or the disk takes no more; nobody is to be told more."""


class _Disk:
    """How much is on disk."""

    used = 0


class FileBytes:
    """The content of a file, read any number of times. What is on disk is gone with the last who refers to it."""

    __slots__ = ("__weakref__", "_bytes", "_descriptor", "size")

    def __init__(self, content: bytes = b"", *, descriptor: int | None = None, size: int = 0) -> None:
        """`descriptor` is an open file of `size` bytes, which is closed in the end; nobody else closes it."""
        self._bytes, self._descriptor = content, descriptor
        self.size = len(content) if descriptor is None else size
        if descriptor is not None:
            weakref.finalize(self, _close, descriptor, size)

    @classmethod
    def forget(cls, size: int) -> "FileBytes":
        """What is left of a content that nobody has any more, and that is only looked for."""
        found = cls()
        found.size = size
        return found

    @property
    def is_in_memory(self) -> bool:
        return self._descriptor is None

    @property
    def in_json(self) -> "str | FileBytes":
        """The content as a member of a body: base64, or itself, which is written so when it is sent."""
        return base64.b64encode(self._bytes).decode() if self._descriptor is None else self

    def get_bytes(self) -> bytes:
        """The content where it is in memory."""
        assert self._descriptor is None
        return self._bytes

    async def pieces(self, *, in_base64: bool = False) -> AsyncIterator[bytes]:
        """The content in order, 126 KiB at a time, as it is or as base64."""
        for start in range(0, self.size, PIECE):
            piece = self._bytes[start : start + PIECE]
            if self._descriptor is not None:
                piece = await asyncio.to_thread(os.pread, self._descriptor, min(PIECE, self.size - start), start)
            yield base64.b64encode(piece) if in_base64 else piece

    async def to_base64(self) -> str:
        """All of it, in memory."""
        return b"".join([piece async for piece in self.pieces(in_base64=True)]).decode()

    async def digest(self) -> str:
        """A hash of the content, as base64."""
        hashed = blake2b(digest_size=16)
        async for piece in self.pieces():
            hashed.update(piece)
        return base64.b64encode(hashed.digest()).decode()


def _close(descriptor: int, size: int) -> None:
    _Disk.used -= size
    os.close(descriptor)


def take_over(file: BinaryIO, size: int) -> FileBytes:
    """The content of an open file of `size` bytes, which is then closed by its owner. Raises DiskFull."""
    if _Disk.used + size > MOST_ON_DISK:
        raise DiskFull
    file.flush()
    descriptor = os.dup(file.fileno())
    _Disk.used += size
    return FileBytes(descriptor=descriptor, size=size)


class Spool:
    """Takes a content piece by piece, onto disk once it is large. Use it in `with`, which ends what is not finished."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._file: BinaryIO | None = None
        self.size = 0

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    async def write(self, piece: bytes) -> None:
        """Raises DiskFull."""
        self.size += len(piece)
        self._pieces.append(piece)
        if self._file is not None or self.size > IN_MEMORY:
            pieces, self._pieces = self._pieces, []
            await asyncio.to_thread(self._write_out, pieces)

    def _write_out(self, pieces: Iterable[bytes]) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - __exit__ closes it
            for piece in pieces:
                self._file.write(piece)
        except OSError as error:
            raise DiskFull from error

    def finish(self) -> FileBytes:
        """What was written. Raises DiskFull."""
        if self._file is None:
            return FileBytes(b"".join(self._pieces))
        return take_over(self._file, self.size)
