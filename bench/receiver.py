"""A child of the bench that receives webhooks on every address of the loopback, and notes when each record came.

Each order is answered with what came since the last: a path, a record's id and the moment, of time.monotonic(), which
all processes of a machine share.
"""

import asyncio
import contextlib
import socket
import threading
import time
from typing import Any

import msgspec
from aiohttp import web

from bench.processes import answer, read_order


class _Record(msgspec.Struct):
    id: str


class _Data(msgspec.Struct):
    records: list[_Record] = []


class _Body(msgspec.Struct):
    data: _Data


_DECODE = msgspec.json.Decoder(_Body).decode


class Arrivals:
    """What came, by whom."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, float]] = []

    async def take(self, request: web.Request) -> web.Response:
        now = time.monotonic()
        body = _DECODE(await request.read())
        self.taken += [(request.path, record.id, now) for record in body.data.records]
        return web.Response()


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(3600)


async def _serve() -> None:
    arrivals, ended = Arrivals(), asyncio.Event()
    loop = asyncio.get_running_loop()
    app = web.Application(client_max_size=4 << 20)
    app.router.add_post("/{path:.*}", arrivals.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "0.0.0.0", 0, backlog=1000)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    # Connections to the silent one are accepted, and nobody answers; the closed one refuses them.
    silent = await asyncio.start_server(_say_nothing, "0.0.0.0", 0, backlog=1000)
    with socket.socket() as closed:
        closed.bind(("0.0.0.0", 0))
        closed_port = closed.getsockname()[1]
    answer({"port": port, "silent_port": silent.sockets[0].getsockname()[1], "closed_port": closed_port})

    def report(order: Any) -> None:
        taken, arrivals.taken = arrivals.taken, []
        answer(taken)

    def read() -> None:
        while (order := read_order()) is not None:
            loop.call_soon_threadsafe(report, order)
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=read, daemon=True).start()
    await ended.wait()
    await runner.cleanup()


if __name__ == "__main__":
    read_order()
    asyncio.run(_serve())
