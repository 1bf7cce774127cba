"""A receiver of webhooks that notes everything, and answers as it is told to."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.test_utils import TestServer
from multidict import CIMultiDict

Answer = Callable[["Received"], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Received:
    """One request, as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    request: web.Request | None = field(default=None, compare=False, repr=False)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def said(self) -> Any:
        return msgspec.json.decode(self.body)


async def accept(received: Received) -> web.StreamResponse:
    return web.Response(text="ok")


def answer_with(status: int, **headers: str) -> Answer:
    """Answers with this status and these headers, whose names have _ for -."""

    async def answer(received: Received) -> web.StreamResponse:
        return web.Response(status=status, headers={name.replace("_", "-"): said for name, said in headers.items()})

    return answer


@dataclass
class Receiver:
    """`answers` are, by path, how the next requests are answered; the others are by `otherwise`."""

    base_url: str = ""
    received: list[Received] = field(default_factory=list)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    otherwise: dict[str, Answer] = field(default_factory=dict)

    def at(self, path: str = "/hook") -> str:
        return f"{self.base_url}{path}"

    def list(self, path: str = "/hook") -> list[Received]:
        return [one for one in self.received if one.path == path]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        received = Received(request.path, CIMultiDict(request.headers), await request.read(), request)
        self.received.append(received)
        waiting = self.answers.get(received.path)
        answer = waiting.pop(0) if waiting else self.otherwise.get(received.path, accept)
        return await answer(received)


@asynccontextmanager
async def run_receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/{path:.*}", receiver.handle)
    async with TestServer(app) as server:
        receiver.base_url = str(server.make_url("/")).rstrip("/")
        yield receiver
