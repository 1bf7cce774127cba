"""Bodies with the content of a file between bytes: the same bytes as if all of it were in memory."""

import os

import msgspec
import pytest

from unihire.kit.file_contents import IN_MEMORY, FileBytes, Spool
from unihire.outbound.multipart import write_file_form
from unihire.outbound.streamed_body import Body, StreamedBody, encode_json


async def spool(content: bytes) -> FileBytes:
    with Spool() as writing:
        await writing.write(content)
        return writing.finish()


async def join(body: Body) -> bytes:
    assert isinstance(body, StreamedBody)
    found = b"".join([piece async for piece in body.pieces()])
    assert len(found) == body.size
    return found


@pytest.mark.parametrize("more", [1, 2, 3])
async def test_json_with_a_file_has_it_as_base64(more: int) -> None:
    content = os.urandom(IN_MEMORY + more)
    large, small = await spool(content), FileBytes(content)
    body = encode_json({"name": '"cv".pdf', "resume": {"data": large.in_json}, "after": 1})
    assert await join(body) == encode_json({"name": '"cv".pdf', "resume": {"data": small.in_json}, "after": 1})


def test_json_without_a_file_is_bytes() -> None:
    assert encode_json({"name": "Ä", "parts": [1, None]}) == msgspec.json.encode({"name": "Ä", "parts": [1, None]})


def test_what_json_cannot_have_is_a_fault_of_ours() -> None:
    with pytest.raises(TypeError, match="object is nothing for a body"):
        encode_json({"name": object()})


async def test_form_with_a_large_file_is_that_with_a_small_one() -> None:
    content = os.urandom(IN_MEMORY + 1)
    bodies = []
    for file in (await spool(content), FileBytes(content)):
        body, content_type = await write_file_form("file", "cv.pdf", file, "application/pdf", before={"key": "k"})
        whole = body if isinstance(body, bytes) else await join(body)
        bodies.append(whole.replace(content_type.partition("boundary=")[2].strip('"').encode(), b"boundary"))
    assert bodies[0] == bodies[1]
    assert content in bodies[0]
