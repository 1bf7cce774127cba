"""Hosts one emulator as an ASGI app: reads requests, injects faults, counts, and serves the control plane."""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from email.utils import format_datetime
from time import perf_counter
from typing import Any
from urllib.parse import parse_qsl

from unihire.integration.emulate import Answer, Emulator, EmulatorKind, Request
from unihire.kit.clock import MovableClock, to_text
from unihire.sandbox.faults import FaultPlan
from unihire.sandbox.outbox import SandboxOutbox
from unihire.sandbox.spoiling import SPOILERS

CONTROL_PATH = "/_sandbox"
LOGGED_REQUESTS = 1000
MAX_BODY_BYTES = 1_000_000
_LOOPBACK = ("127.", "::1", "::ffff:127.")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AnswerControl = Callable[[Request], Awaitable[Answer]]


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
    """The ASGI app. `settings` is what the control plane tells about how it was started."""

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
        self._is_control_open = is_control_open
        self.outbox: SandboxOutbox | None = None
        """For emulators that send webhooks."""
        self._answer_control: AnswerControl | None = None

    def set_control(self, answer: AnswerControl) -> None:
        self._answer_control = answer

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
        send = self._date(send)
        request = await self._read(scope, receive)
        if request is None:
            await _send(send, Answer(413))
        elif request.path == CONTROL_PATH or request.path.startswith(CONTROL_PATH + "/"):
            await _send(send, await self._control(scope, request))
        else:
            await self._serve(request, receive, send)

    def _date(self, send: Send) -> Send:
        """`send` with the moment of the answer, by the sandbox's clock."""

        async def send_dated(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"].append((b"date", format_datetime(self.clock.now(), usegmt=True).encode()))
            await send(message)

        return send_dated

    async def _read(self, scope: Scope, receive: Receive) -> Request | None:
        """The request; None when its body is too large."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        body = b""
        if "content-length" in headers or "transfer-encoding" in headers:
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    break
                body += message.get("body", b"")
                if len(body) > MAX_BODY_BYTES:
                    return None
                more = message.get("more_body", False)
        host = headers.get("host") or "{}:{}".format(*(scope.get("server") or ("localhost", 80)))
        text = scope["query_string"].decode("latin-1")
        return Request(
            method=scope["method"],
            path=scope["path"],
            query=parse_qsl(text, keep_blank_values=True) if text else (),
            headers=headers,
            body=body,
            base_url=f"{scope['scheme']}://{host}",
        )

    async def _control(self, scope: Scope, request: Request) -> Answer:
        client = scope.get("client")
        if not self._is_control_open and client is not None and not client[0].startswith(_LOOPBACK):
            return Answer(403, b'{"error": "the control plane answers this machine only"}', "application/json")
        assert self._answer_control is not None, "set_control comes before the first request"
        return await self._answer_control(request)

    async def _serve(self, request: Request, receive: Receive, send: Send) -> None:
        started = perf_counter()
        struck: list[str] = []
        answer = await self._answer(request, struck)
        if answer.status == 200 and answer.body and self.faults:
            answer = self._spoil(request, answer, struck)
        await self._transmit(request, answer, struck, receive, send)
        entry = {
            "at": to_text(self.clock.now()),
            "method": request.method,
            "path": request.path,
            "query": dict(request.query),
            "status": answer.status,
            "milliseconds": round((perf_counter() - started) * 1000, 2),
        }
        if struck:
            entry["faults"] = struck
        self.log.add(entry, f"{request.method} {answer.route or request.path[:100]}", answer.status)

    async def _answer(self, request: Request, struck: list[str]) -> Answer:
        path, faults, emulator = request.path, self.faults, self.emulator
        slow = faults.find("slow", path)
        if slow is not None:
            struck.append("slow")
            await asyncio.sleep(slow.seconds)
        is_signed = request.headers.get("authorization", "").startswith("Bearer ")
        for status in (429, 500, 401, 403, 404):
            # Only what a token is sent with is refused for it, or for what it lacks.
            if (is_signed or status in (429, 500)) and faults.fires(str(status), path):
                struck.append(str(status))
                return emulator.refuse(status, request)
        if faults.fires("redirect", path):
            struck.append("redirect")
            return Answer(302, headers=[("location", f"{request.base_url}/login")])
        if "authorization" in request.headers and faults.fires("expired-token", path):
            struck.append("expired-token")
            emulator.expire_tokens()
        stream = emulator.find_stream(path)
        if stream is not None:
            if faults.fires("update-row", path):
                struck.append("update-row")
                emulator.streams[stream].change_some(1)
            if faults.fires("delete-row", path):
                struck.append("delete-row")
                emulator.streams[stream].delete_some(1)
        return emulator.answer(request)

    def _spoil(self, request: Request, answer: Answer, struck: list[str]) -> Answer:
        """The answer as faults of its content make it."""
        for word, spoil in SPOILERS.items():
            is_open = word != "text-ids" or self.emulator.find_stream(request.path) is not None
            if is_open and self.faults.fires(word, request.path):
                struck.append(word)
                answer = spoil(answer)
        return answer

    async def _transmit(
        self, request: Request, answer: Answer, struck: list[str], receive: Receive, send: Send
    ) -> None:
        if answer.status != 200 or not answer.body:
            await _send(send, answer)
        elif (hang := self.faults.find("hang", request.path)) is not None:
            struck.append("hang")
            await send(_begin(answer, len(answer.body)))
            await send({"type": "http.response.body", "body": answer.body[: len(answer.body) // 2], "more_body": True})
            with suppress(TimeoutError):
                async with asyncio.timeout(hang.seconds):
                    while (await receive())["type"] != "http.disconnect":
                        pass
        elif self.faults.fires("cut-body", request.path):
            struck.append("cut-body")
            await send(_begin(answer, len(answer.body)))
            await send({"type": "http.response.body", "body": answer.body[: len(answer.body) // 2], "more_body": True})
            # Returning without the rest makes the server close the connection.
        elif self.faults.fires("invalid-json", request.path):
            struck.append("invalid-json")
            body = answer.body[: len(answer.body) * 2 // 3]
            await send(_begin(answer, len(body)))
            await send({"type": "http.response.body", "body": body})
        else:
            await _send(send, answer)


def _begin(answer: Answer, length: int) -> dict[str, Any]:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    headers.append((b"content-length", str(length).encode()))
    if answer.content_type is not None:
        headers.append((b"content-type", answer.content_type.encode("latin-1")))
    return {"type": "http.response.start", "status": answer.status, "headers": headers}


async def _send(send: Send, answer: Answer) -> None:
    await send(_begin(answer, len(answer.body)))
    await send({"type": "http.response.body", "body": answer.body})
