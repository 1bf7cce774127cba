"""A line between us and a vendor that passes calls on, and loses or holds answers when it is told to."""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec
from aiohttp import web
from aiohttp.test_utils import TestServer

from testbed.vendor import Answerer
from testbed.waiting import within

_OWN = ("content-length", "transfer-encoding", "connection")


@dataclass
class Line:
    """`lost` by path: how the next writes are answered in place of the vendor, which has done what was asked; `dropped`
    the same, and the vendor never saw them.

    Calls of a path in `gates` wait there until its event is set; `arrived` says that one does. The next write to a path
    in `holds` is done, and answered when its event is set; `held` says that one is. `spoils` change the rows of lists,
    by path. `calls` are all that came but for tokens, method and path.
    """

    target: str
    base_url: str = ""
    lost: dict[str, list[Answerer]] = field(default_factory=dict)
    dropped: dict[str, list[Answerer]] = field(default_factory=dict)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    spoils: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    holds: dict[str, asyncio.Event] = field(default_factory=dict)
    held: asyncio.Event = field(default_factory=asyncio.Event)

    def lose(self, path: str, *how: Answerer) -> None:
        self.lost.setdefault(path, []).extend(how)

    def drop(self, path: str, *how: Answerer) -> None:
        self.dropped.setdefault(path, []).extend(how)

    def count(self, path: str) -> int:
        """How many writes went to it."""
        return self.calls.count(("POST", path))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        gate = self.gates.get(request.path)
        if gate is not None:
            self.arrived.set()
            await within(gate.wait())
        if request.path != "/token":
            self.calls.append((request.method, request.path))
        is_write = request.method != "GET"
        if is_write and self.dropped.get(request.path):
            return await _answer(self.dropped[request.path].pop(0), request)
        session = request.app[SESSION]
        url = self.target + request.raw_path
        async with session.request(request.method, url, headers=request.headers, data=io.BytesIO(body)) as answer:
            data = await answer.read()
        hold = self.holds.pop(request.path, None) if is_write else None
        if hold is not None:
            self.held.set()
            await within(hold.wait())
        if is_write and self.lost.get(request.path):
            return await _answer(self.lost[request.path].pop(0), request)
        headers = {name: value for name, value in answer.headers.items() if name.lower() not in _OWN}
        if request.path in self.spoils:
            headers = {name: value for name, value in headers.items() if name.lower() != "content-encoding"}
            spoiled = self.spoils[request.path](msgspec.json.decode(data))
            data = spoiled if isinstance(spoiled, bytes) else msgspec.json.encode(spoiled)
        return web.Response(status=answer.status, body=data, headers=headers)


async def _answer(how: Answerer, request: web.Request) -> web.StreamResponse:
    answer: web.StreamResponse | Awaitable[web.StreamResponse] = how(request)
    return answer if isinstance(answer, web.StreamResponse) else await answer


SESSION = web.AppKey("session", aiohttp.ClientSession)


ENDED = web.AppKey("ended", asyncio.Event)


async def never(request: web.Request) -> web.StreamResponse:
    """No answer for as long as the line is there."""
    await request.app[ENDED].wait()
    return web.Response(status=503)


@asynccontextmanager
async def run_line(target: str) -> AsyncIterator[Line]:
    line = Line(target)
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app[ENDED] = asyncio.Event()
    app.router.add_route("*", "/{path:.*}", line.handle)
    async with aiohttp.ClientSession(auto_decompress=False) as app[SESSION], TestServer(app) as server:
        line.base_url = str(server.make_url("")).rstrip("/")
        try:
            yield line
        finally:
            app[ENDED].set()
