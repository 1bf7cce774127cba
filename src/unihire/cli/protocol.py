"""How the API reads HTTP: what is no request, or too large for one, is refused in the shape of every other error."""

from http import HTTPStatus

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from unihire.dialects.common.params import MOST_VALUES

LONGEST_TARGET = 65_000
"""Bytes of a request's path and query: the parser counts them in 16 bits."""

MOST_HEADER_BYTES = 64 * 1024
"""Of all names and values of a request's headers."""

LINGER_SECONDS = 2.0
"""How long who is refused may go on sending."""


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's, with bounds where it has none."""

    _refusal: tuple[HTTPStatus, str] | None = None
    _is_refused = False
    _header_bytes = 0

    def data_received(self, data: bytes) -> None:
        if not self._is_refused:
            super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._refusal, self._header_bytes = None, 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > LONGEST_TARGET:
            self._refuse(
                HTTPStatus.REQUEST_URI_TOO_LONG,
                f"The address is longer than {LONGEST_TARGET:,} bytes. A call may ask for {MOST_VALUES:,} ids at most: "
                "ask for more in several calls",
            )

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MOST_HEADER_BYTES:
            self._refuse(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"The headers are longer than {MOST_HEADER_BYTES // 1024} KiB",
            )
        super().on_header(name, value)

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        self._refusal = (status, detail)
        raise ValueError(detail)  # the parser stops at it, and has send_400_response called

    def send_400_response(self, msg: str) -> None:
        status, detail = self._refusal or (HTTPStatus.BAD_REQUEST, msg)
        body = msgspec.json.encode({"detail": detail})
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        # Who still sends would lose the answer if the connection was closed at once; what comes is read and dropped.
        self._is_refused = True
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)
