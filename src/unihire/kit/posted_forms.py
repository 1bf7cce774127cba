"""Forms that are posted with files, read by aiohttp's reader of such forms."""

import asyncio
import warnings
from collections.abc import Coroutine
from typing import Any, NamedTuple, TypeVar

from aiohttp import BodyPartReader, MultipartReader, StreamReader
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError

T = TypeVar("T")
FORM = "multipart/form-data"
MOST_PARTS = 100


class FormPart(NamedTuple):
    """A part of a form; `filename` is None where it is no file."""

    name: str
    filename: str | None
    content_type: str
    content: bytes


def is_form(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == FORM


def read_form(content_type: str, body: bytes, *, until: str | None = None) -> list[FormPart]:
    """The parts with a name, in their order, `until` the first with that name. Raises ValueError for a body that is no
    such form.
    """
    if not is_form(content_type):
        raise ValueError(f"not {FORM}")
    # The reader wants a loop, though nothing waits: the whole body is there.
    loop = asyncio.new_event_loop()
    try:
        with warnings.catch_warnings():
            # Of a part whose header it cannot read; such a part has no name and is passed over.
            warnings.simplefilter("ignore", RuntimeWarning)
            return _run(_read_parts(content_type, body, until, loop))
    except (HttpProcessingError, RuntimeError) as error:
        raise ValueError(f"no {FORM}: {error}") from None
    finally:
        loop.close()


async def _read_parts(
    content_type: str, body: bytes, until: str | None, loop: asyncio.AbstractEventLoop
) -> list[FormPart]:
    # With a limit above the body's size the stream never asks its connection to pause.
    stream = StreamReader(BaseProtocol(loop), len(body) + 1, loop=loop)
    stream.feed_data(body)
    stream.feed_eof()
    reader = MultipartReader({"Content-Type": content_type}, stream)
    found = []
    while (part := await reader.next()) is not None:
        if not isinstance(part, BodyPartReader):
            raise ValueError("a form within the form")
        content = bytes(await part.read())
        if part.name:
            kind = part.headers.get("Content-Type", "application/octet-stream")
            found.append(FormPart(_clean(part.name), _clean(part.filename), _clean(kind), content))
            if part.name == until:
                break
        if len(found) > MOST_PARTS:
            raise ValueError("too many parts")
    return found


def _clean(text: str | None) -> Any:
    """Bytes that are no UTF-8 come as surrogates, which no answer could carry."""
    return None if text is None else text.encode("utf-8", "replace").decode()


def _run(reading: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that has nothing to wait for."""
    try:
        reading.send(None)
    except StopIteration as end:
        found: T = end.value
        return found
    reading.close()
    raise ValueError("the body ends early")
