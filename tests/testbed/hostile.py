"""A vendor that answers with whatever bytes it is given, over a raw socket: nothing between a test and the wire."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from queue import Queue
from threading import Thread

TOKEN = b'{"access_token": "x", "expires_in": 3600}'
MEGABYTE = b" " * 1_000_000


@dataclass
class Hostile:
    """By path, what is sent for each request of it; `others` is what is sent for any other."""

    base_url: str = ""
    answers: dict[str, Callable[[], Iterable[bytes | float]]] = field(default_factory=dict)
    others: Callable[[], Iterable[bytes | float]] = field(default_factory=lambda: lambda: whole(TOKEN))
    asked: list[str] = field(default_factory=list)
    sent: int = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(60):
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ")[1].decode().partition("?")[0]
                self.asked.append(path)
                for part in self.answers.get(path, self.others)():
                    if isinstance(part, float):
                        await asyncio.sleep(part)
                    else:
                        writer.write(part)
                        await writer.drain()
                        self.sent += len(part)
                writer.close()
                await writer.wait_closed()
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            pass  # the client has had enough
        finally:
            writer.transport.abort()


@asynccontextmanager
async def run_hostile() -> AsyncIterator[Hostile]:
    hostile, tasks = Hostile(), set[asyncio.Task[None]]()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(hostile.handle(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    hostile.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield hostile
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


@contextmanager
def serve_hostile() -> Iterator[Hostile]:
    """The same beside a test that has no loop of its own."""
    ready, ended = Queue[tuple[Hostile, asyncio.AbstractEventLoop]](), asyncio.Event()

    async def serve() -> None:
        async with run_hostile() as hostile:
            ready.put((hostile, asyncio.get_running_loop()))
            await ended.wait()

    thread = Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    hostile, loop = ready.get(timeout=10)
    try:
        yield hostile
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(timeout=10)


def whole(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> Iterable[bytes]:
    """An answer that is as it should be, but for what is in it."""
    lines = (b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), b"Connection: close", *headers)
    yield b"\r\n".join(lines) + b"\r\n\r\n" + body


def head(*headers: bytes, status: bytes = b"200 OK") -> bytes:
    """The head of an answer that ends when the connection does."""
    return b"\r\n".join((b"HTTP/1.1 " + status, b"Connection: close", *headers)) + b"\r\n\r\n"


def plain(megabytes: int, status: bytes = b"200 OK") -> Iterable[bytes]:
    """So much of nothing, of which the head does not say how much it is."""
    yield head(status=status)
    for _ in range(megabytes):
        yield MEGABYTE


def bomb(megabytes: int, *, encoding: str = "gzip", status: bytes = b"200 OK") -> Iterable[bytes]:
    """So much of nothing, compressed a thousandfold."""
    window = {"gzip": 31, "deflate": 15, "raw": -15}[encoding]
    yield head(b"Content-Encoding: " + (b"deflate" if encoding == "raw" else encoding.encode()), status=status)
    yield pack(megabytes, window)


@cache
def pack(megabytes: int, window: int) -> bytes:
    packer = zlib.compressobj(9, wbits=window)
    return b"".join(packer.compress(MEGABYTE) for _ in range(megabytes)) + packer.flush()


def endless_bomb(megabytes: int) -> Iterable[bytes]:
    """Gzip without an end, of which so much is sent, compressed a thousandfold."""
    packer = zlib.compressobj(9, wbits=31)
    yield head(b"Content-Encoding: gzip") + packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    again = b"".join(packer.compress(MEGABYTE) for _ in range(20)) + packer.flush(zlib.Z_FULL_FLUSH)
    for _ in range(megabytes * 1_000_000 // len(again)):
        yield again


def empty_blocks(megabytes: int) -> Iterable[bytes]:
    """So much of gzip that unpacks to nothing at all."""
    packer = zlib.compressobj(wbits=31)
    yield head(b"Content-Encoding: gzip") + packer.compress(b"") + packer.flush(zlib.Z_SYNC_FLUSH)
    for _ in range(megabytes):
        yield b"\x00\x00\x00\xff\xff" * 200_000


def drip(head: bytes, pause: float) -> Iterable[bytes | float]:
    """A byte now and then, for ever."""
    yield head
    while True:
        yield b" "
        yield pause
