"""A body that is sent piece by piece, as aiohttp sends it; apart, as commands that send nothing start without that."""

from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

from unihire.outbound.streamed_body import StreamedBody


class StreamedPayload(Payload):
    """A streamed body as aiohttp sends it, with its length."""

    _value: StreamedBody

    def __init__(self, body: StreamedBody) -> None:
        super().__init__(body)
        self._size = body.size

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        raise TypeError("a streamed body is never text")

    async def write(self, writer: AbstractStreamWriter) -> None:
        async for piece in self._value.pieces():
            await writer.write(piece)
