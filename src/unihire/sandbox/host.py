"""Hosts one emulator as an ASGI app: reads requests, injects faults, counts, and serves the control plane."""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from email.utils import format_datetime
from functools import partial
from time import perf_counter
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from unihire.integration.emulate import Emulator, EmulatorKind, EmulatorResponse, Request, Watch
from unihire.kit.clock import MovableClock, to_text
from unihire.sandbox.faults import FaultPlan
from unihire.sandbox.outbox import SandboxOutbox
from unihire.sandbox.spoiling.memory import Memory
from unihire.sandbox.spoiling.reply import OutgoingResponse, Wire
from unihire.sandbox.spoiling.sending import send_whole
from unihire.sandbox.spoiling.spoiled_headers import RETRY_AFTERS

CONTROL_PATH = "/_sandbox"
LOGGED_REQUESTS = 1000
MAX_BODY_BYTES = 64 * 2**20
SOCKET = "unihire.write"
"""The member of a scope with which an app writes to the socket, past the server."""
_LOOPBACK = ("127.", "::1", "::ffff:127.")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AnswerControl = Callable[[Request], Awaitable[EmulatorResponse]]


class RequestLog:
    """Counts of what was asked and answered, and the last requests themselves."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.total = 0
        self.by_status: Counter[int] = Counter()
        self.by_route: dict[str, Counter[int]] = {}
        self.last: deque[dict[str, Any]] = deque(maxlen=LOGGED_REQUESTS)

    def add(self, entry: dict[str, Any], route: str, status: int) -> None:
        self.total += 1
        self.by_status[status] += 1
        self.by_route.setdefault(route, Counter())[status] += 1
        self.last.append(entry)


class SandboxApp:
    """The ASGI app. `settings` is how it was started, as the control plane shows it."""

    def __init__(
        self,
        kind: EmulatorKind,
        emulator: Emulator,
        faults: FaultPlan,
        clock: MovableClock,
        settings: Mapping[str, Any],
        *,
        is_control_open: bool = False,
    ) -> None:
        self.kind = kind
        self.emulator = emulator
        self.faults = faults
        self.clock = clock
        self.settings = settings
        self.log = RequestLog()
        self.memory = Memory()
        self._is_control_open = is_control_open
        self.outbox: SandboxOutbox | None = None
        """For emulators that send webhooks."""
        self._answer_control: AnswerControl | None = None

    def set_control(self, answer: AnswerControl) -> None:
        self._answer_control = answer

    def watch(self, stream: str) -> Watch | None:
        """What is called with changes of a stream's rows that are not made over the vendor's API."""
        return None if self.outbox is None else partial(self.outbox.announce, stream)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["type"] != "http":
            return
        if self.outbox is not None:
            self.outbox.start()
        wire = Wire(receive, self._date(send), scope.get(SOCKET))
        request = await self._read(scope, receive)
        if request is None:
            await send_whole(EmulatorResponse(413), wire)
        elif request.path == CONTROL_PATH or request.path.startswith(CONTROL_PATH + "/"):
            await send_whole(await self._control(scope, request), wire)
        else:
            await self._serve(request, wire)

    def _date(self, send: Send) -> Send:
        """`send` with the moment of the answer, by the sandbox's clock."""

        async def send_dated(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start" and b"date" not in dict(message["headers"]):
                message["headers"].append((b"date", format_datetime(self.clock.now(), usegmt=True).encode()))
            await send(message)

        return send_dated

    async def _read(self, scope: Scope, receive: Receive) -> Request | None:
        """The request; None when its body is too large."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        chunks: list[bytes] = []
        size = 0
        if "content-length" in headers or "transfer-encoding" in headers:
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    break
                chunks.append(message.get("body", b""))
                size += len(chunks[-1])
                if size > MAX_BODY_BYTES:
                    return None
                more = message.get("more_body", False)
        host = headers.get("host") or "{}:{}".format(*(scope.get("server") or ("localhost", 80)))
        text = scope["query_string"].decode("latin-1")
        return Request(
            method=scope["method"],
            path=scope["path"],
            query=parse_qsl(text, keep_blank_values=True) if text else (),
            headers=headers,
            body=b"".join(chunks),
            base_url=f"{scope['scheme']}://{host}",
        )

    async def _control(self, scope: Scope, request: Request) -> EmulatorResponse:
        client = scope.get("client")
        if not self._is_control_open and client is not None and not client[0].startswith(_LOOPBACK):
            return EmulatorResponse(
                403, b'{"error": "the control plane answers this machine only"}', "application/json"
            )
        assert self._answer_control is not None, "set_control comes before the first request"
        return await self._answer_control(request)

    async def _serve(self, request: Request, wire: Wire) -> None:
        started = perf_counter()
        struck: list[str] = []
        answer = await self._answer(self.memory.resolve(request), struck)
        reply = self._spoil(request, answer, wire, struck)
        if reply is None:
            await send_whole(answer, wire)
        elif reply.send is None:
            await send_whole(reply.answer, wire)
        else:
            send, strike = reply.send
            await send(reply, strike, wire)
        entry: dict[str, Any] = {
            "at": to_text(self.clock.now()),
            "method": request.method,
            "path": request.path,
            "query": dict(request.query),
            "status": answer.status if reply is None else reply.answer.status,
            "milliseconds": round((perf_counter() - started) * 1000, 2),
        }
        if struck:
            entry["faults"] = struck
        if reply is not None and reply.spoiled:
            entry["spoiled"] = reply.spoiled
        self.log.add(entry, f"{request.method} {answer.route or request.path[:100]}", entry["status"])

    async def _answer(self, request: Request, struck: list[str]) -> EmulatorResponse:
        path, faults, emulator = request.path, self.faults, self.emulator
        slow = faults.find("slow", path)
        if slow is not None:
            struck.append("slow")
            await asyncio.sleep(slow.seconds)
        is_signed = request.headers.get("authorization", "").startswith(f"{self.kind.scheme} ")
        if is_signed and (strike := faults.strike("odd-retry-after", path)) is not None:
            struck.append("odd-retry-after")
            refusal = emulator.refuse(429, request)
            headers = [pair for pair in refusal.headers if pair[0] != "retry-after"]
            return msgspec.structs.replace(
                refusal, headers=[*headers, ("retry-after", strike.rng.choice(RETRY_AFTERS))]
            )
        for status in (429, 500, 401, 403, 404):
            # Only what a token is sent with is refused for it, or for what it lacks.
            if (is_signed or status in (429, 500)) and faults.fires(str(status), path):
                struck.append(str(status))
                return emulator.refuse(status, request)
        if faults.fires("redirect", path):
            struck.append("redirect")
            return EmulatorResponse(302, headers=[("location", f"{request.base_url}/login")])
        if "authorization" in request.headers and faults.fires("expired-token", path):
            struck.append("expired-token")
            emulator.expire_tokens()
        stream = emulator.find_stream(path)
        if stream is not None:
            if faults.fires("update-row", path):
                struck.append("update-row")
                emulator.streams[stream].change_some(1, watch=self.watch(stream))
            if faults.fires("delete-row", path):
                struck.append("delete-row")
                emulator.streams[stream].delete_some(1, watch=self.watch(stream))
        return emulator.answer(request)

    def _spoil(
        self, request: Request, answer: EmulatorResponse, wire: Wire, struck: list[str]
    ) -> OutgoingResponse | None:
        """The answer as spoilers make it; None where there are none."""
        if not self.faults.spoils or answer.status not in (200, 201):
            return None
        stream = self.emulator.find_stream(request.path)
        reply = OutgoingResponse(self.kind, request, answer, self.memory, stream, wire.write is not None)
        if stream is not None and reply.rows is not None:
            self.memory.remember_rows(answer.route, reply.list_rows())
            self.memory.remember_query(request)
        struck.extend(self.faults.spoil(reply))
        for entry in reply.spoiled:
            # Rows without an id belong to what is asked for: the path names it.
            self.memory.note_spoiled(answer.route, entry["id"] or request.path)
        reply.finish()
        return reply
