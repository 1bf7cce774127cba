"""A line between us and a vendor that passes calls on, and loses or holds answers when it is told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from testbed.vendor import Answerer

_OWN = ("content-length", "transfer-encoding", "connection")


@dataclass
class Line:
    """`lost` by path: how the next answers are given in place of the vendor's, which has done what was asked.

    Calls of a path in `gates` wait there until its event is set. `calls` are all that were passed on but for tokens,
    method and path.
    """

    target: str
    base_url: str = ""
    lost: dict[str, list[Answerer]] = field(default_factory=dict)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def lose(self, path: str, *how: Answerer) -> None:
        self.lost.setdefault(path, []).extend(how)

    def count(self, path: str) -> int:
        """How many writes went to it."""
        return self.calls.count(("POST", path))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.arrived.set()
        gate = self.gates.get(request.path)
        if gate is not None:
            await gate.wait()
        if request.path != "/token":
            self.calls.append((request.method, request.path))
        session = request.app[SESSION]
        url = self.target + request.raw_path
        async with session.request(request.method, url, headers=request.headers, data=body) as answer:
            data = await answer.read()
        queued = self.lost.get(request.path)
        if queued and request.method == "POST":
            instead = queued.pop(0)(request)
            return await instead if asyncio.iscoroutine(instead) else instead
        headers = {name: value for name, value in answer.headers.items() if name.lower() not in _OWN}
        return web.Response(status=answer.status, body=data, headers=headers)


SESSION = web.AppKey("session", aiohttp.ClientSession)


async def never(request: web.Request) -> web.StreamResponse:
    """No answer for as long as a test lasts."""
    await asyncio.sleep(30)
    raise AssertionError(f"somebody waits for {request.path} all this time")


@asynccontextmanager
async def run_line(target: str) -> AsyncIterator[Line]:
    line = Line(target)
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", line.handle)
    async with aiohttp.ClientSession(auto_decompress=False) as app[SESSION], TestServer(app) as server:
        line.base_url = str(server.make_url("")).rstrip("/")
        yield line
