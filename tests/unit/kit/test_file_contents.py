"""Contents of files: small ones in memory, large ones on disk, read alike."""

import base64
import os
from hashlib import blake2b

import pytest

from unihire.kit import file_contents
from unihire.kit.file_contents import IN_MEMORY, PIECE, DiskFull, FileBytes, Spool, take_over


async def write(content: bytes, piece: int = 100_000) -> FileBytes:
    with Spool() as spool:
        for start in range(0, len(content), piece):
            await spool.write(content[start : start + piece])
        return spool.finish()


@pytest.mark.parametrize(
    "size", [0, 1, PIECE - 1, PIECE, PIECE + 1, IN_MEMORY, IN_MEMORY + 1, IN_MEMORY + PIECE * 3 + 2]
)
async def test_content_is_read_again_and_again_as_it_was_written(size: int) -> None:
    content = os.urandom(size)
    written = await write(content)
    assert (written.size, written.is_in_memory) == (size, size <= IN_MEMORY)
    for _ in range(2):
        assert b"".join([piece async for piece in written.pieces()]) == content
        assert b"".join([piece async for piece in written.pieces(in_base64=True)]) == base64.b64encode(content)
    assert await written.to_base64() == base64.b64encode(content).decode()
    assert await written.digest() == base64.b64encode(blake2b(content, digest_size=16).digest()).decode()
    if written.is_in_memory:
        assert (written.get_bytes(), written.in_json) == (content, base64.b64encode(content).decode())
    else:
        assert written.in_json is written


async def test_what_is_on_disk_has_no_name_and_goes_with_its_last_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    used, opened = file_contents._Disk.used, len(os.listdir("/proc/self/fd"))
    written = await write(bytes(IN_MEMORY + 1))
    assert file_contents._Disk.used == used + IN_MEMORY + 1
    monkeypatch.setattr(file_contents, "MOST_ON_DISK", file_contents._Disk.used)
    with pytest.raises(DiskFull):
        await write(bytes(IN_MEMORY + 1))
    del written
    assert (file_contents._Disk.used, len(os.listdir("/proc/self/fd"))) == (used, opened)


async def test_disk_that_takes_no_more_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(file_contents.tempfile, "TemporaryFile", refuse)
    with pytest.raises(DiskFull):
        await write(bytes(IN_MEMORY + 1))


async def test_file_that_is_taken_over_may_be_closed() -> None:
    with file_contents.tempfile.TemporaryFile() as file:
        file.write(b"hello")
        file.flush()
        taken = take_over(file, 5)
    assert [piece async for piece in taken.pieces()] == [b"hello"]


def test_forgotten_content_has_its_size_alone() -> None:
    assert (FileBytes.forget(7).size, FileBytes.forget(7).get_bytes()) == (7, b"")
