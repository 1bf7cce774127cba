"""One message to one endpoint: sent once, in bounded time, past the address guard."""

import asyncio
import socket
import time
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from unihire import __version__
from unihire.errors import AddressRefused, shorten
from unihire.kit.clock import Clock, SystemClock
from unihire.kit.text import make_writable
from unihire.outbound.addresses import AddressPolicy, make_connector
from unihire.outbound.headers import read_retry_after
from unihire.store.events.endpoints import Endpoint

TIMEOUT_SECONDS = 15.0
"""From the beginning of an attempt to the last byte of the response that is read."""

ANSWER_BYTES = 2_000
"""Bytes of a response that are read; its status decides."""

LONGEST_WAIT = 24 * 3600.0
"""Seconds for which a `Retry-After` is obeyed at most."""

MOST_SESSIONS = 100
"""Sessions for addresses given at the terminal, each with its own connections; those used last stay."""

NAME_THREADS = 16
"""Threads that resolve names: a name server that does not answer delays no other lookup of the process."""

REASON_LENGTH = 500

SHOWN_HEADERS = ("Content-Type", "Content-Length", "Date", "Location", "Retry-After", "Server")
"""Headers of a response that are logged; others may contain secrets."""


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """The outcome of one attempt. `status` is None if no response came; `error` then says why, without secrets.

    `body` is the beginning of the response, `retry_after` the seconds that it asks to wait.
    """

    status: int | None
    error: str | None
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    retry_after: float | None = None

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class MessageSender:
    """Sends messages, in `async with`. Connections to an address given at the terminal serve no other address."""

    def __init__(
        self, policy: AddressPolicy, *, timeout: float = TIMEOUT_SECONDS, per_host: int = 8, clock: Clock | None = None
    ) -> None:
        self._policy = policy
        self._timeout = timeout
        self._per_host = per_host
        self._clock = clock or SystemClock()
        self._names = ThreadPoolExecutor(NAME_THREADS, thread_name_prefix="names")
        self._common: aiohttp.ClientSession | None = None
        self._trusted: OrderedDict[str, aiohttp.ClientSession] = OrderedDict()

    async def __aenter__(self) -> Self:
        self._common = self._open_session(self._policy)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sessions = [*self._trusted.values(), *([] if self._common is None else [self._common])]
        self._trusted.clear()
        for session in sessions:
            await session.close()
        self._names.shutdown(wait=False, cancel_futures=True)

    async def send(self, endpoint: Endpoint, body: bytes, headers: Mapping[str, str]) -> SendOutcome:
        """Send a message once. Redirects are not followed. Whatever the receiver does is an outcome, no exception."""
        began = time.monotonic()
        sent = {**headers, "Content-Type": "application/json", "User-Agent": f"unihire/{__version__}"}
        session = await self._find_session(endpoint)
        ends_at = asyncio.get_running_loop().time() + self._timeout
        try:
            url = URL(endpoint.url, encoded=True)
            async with asyncio.timeout_at(ends_at):
                answer = await session.post(url, data=body, headers=sent, allow_redirects=False)
            async with answer:
                found = await _read_beginning(answer, ends_at)
                wait = read_retry_after(answer.headers, self._clock.now(), longest=LONGEST_WAIT)
                shown = {name: shorten(answer.headers[name]) for name in SHOWN_HEADERS if name in answer.headers}
                return SendOutcome(answer.status, None, time.monotonic() - began, shown, found, wait)
        except TimeoutError:
            return self._fail(f"no response within {self._timeout:g} seconds", began)
        except AddressRefused as error:
            return self._fail(str(error), began)
        except (aiohttp.ClientError, OSError, ValueError) as error:  # ValueError: an address that yarl does not take
            return self._fail(_explain(error), began)

    def _fail(self, reason: str, began: float) -> SendOutcome:
        return SendOutcome(None, make_writable(reason, REASON_LENGTH), time.monotonic() - began)

    async def _find_session(self, endpoint: Endpoint) -> aiohttp.ClientSession:
        assert self._common is not None
        if not endpoint.is_trusted:
            return self._common
        origin = str(URL(endpoint.url, encoded=True).origin())
        session = self._trusted.get(origin)
        if session is None:
            session = self._trusted[origin] = self._open_session(self._policy.allow_origin(endpoint.url))
        self._trusted.move_to_end(origin)
        if len(self._trusted) > MOST_SESSIONS:
            _, oldest = self._trusted.popitem(last=False)
            await oldest.close()
        return session

    def _open_session(self, policy: AddressPolicy) -> aiohttp.ClientSession:
        resolver = ThreadedResolver(_Names(self._names))  # type: ignore[arg-type] # what it asks of a loop
        return aiohttp.ClientSession(
            connector=make_connector(policy, limit=0, limit_per_host=self._per_host, resolver=resolver),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            skip_auto_headers=("Accept-Encoding",),
            cookie_jar=aiohttp.DummyCookieJar(),
        )


class _Names:
    """Resolves names as an event loop does, in threads of its own."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self._threads = threads

    async def getaddrinfo(self, host: str, port: int, **options: Any) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: socket.getaddrinfo(host, port, **options))

    async def getnameinfo(self, address: Any, flags: int = 0) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, socket.getnameinfo, address, flags)


async def _read_beginning(answer: aiohttp.ClientResponse, ends_at: float) -> bytes:
    """What arrives of the body in time, at most `ANSWER_BYTES`."""
    found = bytearray()
    try:
        async with asyncio.timeout_at(ends_at):
            while len(found) < ANSWER_BYTES and (chunk := await answer.content.read(ANSWER_BYTES - len(found))):
                found += chunk
        if not answer.content.at_eof():
            answer.close()  # the rest is not waited for
    except (TimeoutError, aiohttp.ClientError, OSError):
        answer.close()
    return bytes(found)


def _explain(error: Exception) -> str:
    """Why no response came, without the address, which may contain a secret."""
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return "its certificate is not valid"
        case aiohttp.ClientConnectorDNSError():
            return "its name does not resolve"
        case aiohttp.ClientConnectorError():
            return f"it cannot be connected to: {error.os_error.strerror or type(error.os_error).__name__}"
        case aiohttp.ServerDisconnectedError():
            return "the connection ended before a response"
        case aiohttp.ClientPayloadError() | aiohttp.ClientResponseError():
            return "its response is not HTTP"
        case _:
            return f"the request failed ({type(error).__name__})"
