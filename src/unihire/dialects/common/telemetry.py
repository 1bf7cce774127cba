"""Around every request of the API: an id, a measure, a span where traces are sent, a line where it fails."""

import itertools
import re
import secrets
from collections.abc import Awaitable, Mapping
from time import perf_counter

from opentelemetry.trace import SpanKind
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unihire.kit.logs import get_logger
from unihire.kit.metrics import REQUEST_SECONDS
from unihire.kit.request_id import REQUEST_ID
from unihire.kit.tracing import Span, is_tracing, span

log = get_logger()

HEADER = b"x-request-id"

NO_ROUTE = "none"

_GOOD_ID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
_NUMBERS = itertools.count(1)
_OWN_ID = secrets.token_hex(6).encode() + b"-%x"


class TelemetryMiddleware:
    """An application, watched. Written to cost next to nothing: every request passes through.

    The id of a request is that of its X-Request-Id, where that is one, else ours; the answer carries it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_at, status, id = perf_counter(), 500, b""
        for name, value in scope["headers"]:
            if name == HEADER and _GOOD_ID.fullmatch(value):
                id = value
        id = id or _OWN_ID % next(_NUMBERS)
        REQUEST_ID.set(id)

        def send_named(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (HEADER, id)]
            return send(message)

        try:
            if is_tracing():
                with span(scope["method"], kind=SpanKind.SERVER, came_with=_list_headers(scope)) as span_of_request:
                    try:
                        await self._app(scope, receive, send_named)
                    finally:
                        _set_route(span_of_request, scope, status)
            else:
                await self._app(scope, receive, send_named)
        finally:
            route = scope["route"].path if "route" in scope else NO_ROUTE
            REQUEST_SECONDS.note(scope["method"], route, status, perf_counter() - started_at)
            if status >= 500:
                log.warning("a request failed", method=scope["method"], route=route, status=status)


def name_fault(message: str) -> str:
    """The text of an answer to a fault of ours, with the id that its lines in the log have."""
    id = REQUEST_ID.get()
    return message if id is None else f"{message}; request {id.decode()}"


def _list_headers(scope: Scope) -> Mapping[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def _set_route(span_of_request: Span, scope: Scope, status: int) -> None:
    method, route = scope["method"], scope["route"].path if "route" in scope else NO_ROUTE
    span_of_request.rename(f"{method} {route}")
    span_of_request.set_attributes(
        {"http.request.method": method, "http.route": route, "http.response.status_code": status}
    )
    if status >= 500:
        span_of_request.fail(str(status))
