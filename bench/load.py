"""The load generator, a process of its own: asks over kept-alive connections and counts what comes back.

It reads orders as JSON lines and answers each with one. It does as little as it can for a page, so that what is
measured is the server.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import cast

import msgspec
import uvloop

from bench.processes import answer, read_order, read_orders

PATIENCE_SECONDS = 300.0
"""An order that takes longer than this, on top of its own seconds, has gone wrong."""

_LENGTH = b"content-length: "


class Order(msgspec.Struct, kw_only=True):
    """Paths to ask of a server.

    With `seconds`: all connections ask, one request at a time each, going round the paths, for that long. Without: one
    connection asks each path once, in order.
    """

    port: int
    paths: list[str]
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    connections: int = 1
    seconds: float | None = None


class Answer(msgspec.Struct):
    """Pages and seconds, the seconds of each request where they were asked for one by one, and what went wrong."""

    pages: int
    seconds: float
    bytes: int
    each: list[float]
    failed: list[str]


class _Walker(asyncio.Protocol):
    """One connection: sends the next request when the answer before is whole."""

    def __init__(self, requests: Iterator[bytes], ends_at: float) -> None:
        self.done = asyncio.get_running_loop().create_future()
        self.each: list[float] = []
        self.bytes = 0
        self.failed: list[str] = []
        self._requests = requests
        self._ends_at = ends_at
        self._head = b""
        self._left = 0
        self._asked_at = 0.0
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's own class is not one by inheritance
        self._ask()

    def data_received(self, data: bytes) -> None:
        self.bytes += len(data)
        if self._left:
            self._left -= len(data)
        else:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            head, got = self._head[:end].lower(), len(self._head) - end - 4
            if head[9:12] != b"200":
                self.failed.append(head[:64].decode("latin-1"))
            start = head.index(_LENGTH) + len(_LENGTH)
            self._left = int(head[start:].split(b"\r\n", 1)[0]) - got
            self._head = b""
        if self._left == 0:
            self.each.append(time.perf_counter() - self._asked_at)
            self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.failed.append(f"the connection was lost: {error}")
            self.done.set_result(None)

    def _ask(self) -> None:
        assert self._transport is not None
        self._asked_at = time.perf_counter()
        request = next(self._requests, None) if self._asked_at < self._ends_at else None
        if request is None:
            self.done.set_result(None)
            self._transport.close()
        else:
            self._transport.write(request)


def write_requests(order: Order) -> Sequence[bytes]:
    """The order's requests as they go over the wire."""
    headers = {"host": f"127.0.0.1:{order.port}", **order.headers}
    tail = "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    return [f"GET {path} HTTP/1.1\r\n{tail}".encode() for path in order.paths]


async def carry_out(order: Order) -> Answer:
    """Ask as ordered."""
    requests = write_requests(order)
    supply = iter(requests) if order.seconds is None else cycle(requests)
    started = time.perf_counter()
    ends_at = float("inf") if order.seconds is None else started + order.seconds
    loop = asyncio.get_running_loop()
    walkers = [
        (await loop.create_connection(lambda: _Walker(supply, ends_at), "127.0.0.1", order.port))[1]
        for _ in range(order.connections)
    ]
    async with asyncio.timeout(PATIENCE_SECONDS + (order.seconds or 0)):
        await asyncio.gather(*(walker.done for walker in walkers))
    seconds = time.perf_counter() - started
    return Answer(
        pages=sum(len(walker.each) for walker in walkers),
        seconds=seconds,
        bytes=sum(walker.bytes for walker in walkers),
        each=walkers[0].each if order.seconds is None else [],
        failed=[text for walker in walkers for text in walker.failed][:5],
    )


def main() -> None:
    read_order()  # every child has a first line; this one needs nothing from it
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for order in read_orders():
            answer(runner.run(carry_out(msgspec.convert(order, Order))))


if __name__ == "__main__":
    main()
