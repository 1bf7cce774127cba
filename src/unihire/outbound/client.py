"""One connector's HTTP client: authorised, within budget, tried again where that can help."""

import asyncio
import base64
import random
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlencode, urlsplit

import aiohttp
import msgspec
from yarl import URL

from unihire.errors import (
    PermissionMissing,
    ReauthorizeNeeded,
    RetryLater,
    VendorChanged,
    VendorRefused,
)
from unihire.kit.clock import Clock, SystemClock
from unihire.outbound.auth import ClientCredentials, Token
from unihire.outbound.budget import Budget, FixedWindowHeaders, TokenBucketHeaders
from unihire.outbound.paging import Answer

TOKEN_MARGIN = 60.0
"""A token is renewed this many seconds before the vendor says it ends: clocks differ and calls take time. Of one that
lasts less than twice as long, half its time is used: some vendors hand out the same token again with what is left."""

TOKEN_LONGEST = 30 * 86400
"""Seconds after which even a token that never ends is renewed."""

T = TypeVar("T")

_PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often and how patiently a call is tried: waits double from `first` to `longest`, with jitter."""

    attempts: int = 8
    first: float = 0.25
    longest: float = 20.0
    timeout: float = 60.0

    def pause(self, attempt: int) -> float:
        """Seconds before try number `attempt` + 1."""
        return float(min(self.longest, self.first * 2**attempt) * random.uniform(0.5, 1.0))  # noqa: S311


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a connector's calls go and what every call carries."""

    base_url: str
    auth: ClientCredentials
    headers: Mapping[str, str] = field(default_factory=dict)
    budget_headers: TokenBucketHeaders | FixedWindowHeaders | None = None
    retry: Retry = field(default_factory=Retry)

    @property
    def origin(self) -> str:
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    def locate(self, path: str) -> str:
        """A declared path as seen from the origin: the base address may have a path of its own."""
        return urlsplit(self.base_url).path.rstrip("/") + path


class VendorClient:
    """Calls one vendor with one customer's credentials.

    A call either returns a 2xx answer, its body whole and parsed as JSON once to prove it, or raises a VendorError.
    429, 5xx, timeouts, cut bodies and bodies that are no JSON are tried again; a 401 buys a new token once. Only the
    configured origin is ever called; redirects are not followed.
    """

    def __init__(self, target: Target, credentials: Mapping[str, str], *, clock: Clock | None = None) -> None:
        self.target = target
        self.budget = Budget(target.budget_headers)
        self.calls = 0
        self._credentials = credentials
        self._clock = clock or SystemClock()
        self._token: Token | None = None
        self._token_lock = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self.target.retry.timeout),
            connector=aiohttp.TCPConnector(limit=32),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        """What is at `path`, as seen from the origin; it may carry a query of its own."""
        asked = path + (f"{'&' if '?' in path else '?'}{urlencode(params)}" if params else "")
        return await self._call("GET", asked)

    async def exists(self, path: str) -> Answer | None:
        """What is at `path`, or None where the vendor says there is no such thing (404)."""
        try:
            return await self.get(path)
        except VendorRefused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def check(self) -> None:
        """Prove the credentials by buying a token. Raises ReauthorizeNeeded where they are refused."""
        await self._persist("POST " + self.target.auth.token_path, lambda: self._get_token(refresh=True))

    async def _call(self, method: str, asked: str) -> Answer:
        async def once() -> Answer:
            token = await self._get_token()
            answer = await self._send(method, asked, self._sign(token))
            if answer.status == HTTPStatus.UNAUTHORIZED:
                await self._drop_token(token)
                answer = await self._send(method, asked, self._sign(await self._get_token()))
                if answer.status == HTTPStatus.UNAUTHORIZED:
                    raise ReauthorizeNeeded(f"{method} {_path(asked)}: the vendor refuses a fresh token (401)")
            return _judge(f"{method} {_path(asked)}", answer)

        return await self._persist(f"{method} {_path(asked)}", once)

    def _sign(self, token: Token) -> dict[str, str]:
        return {**self.target.headers, "Authorization": f"Bearer {token.value}", "Accept": "application/json"}

    async def _persist(self, call: str, once: Callable[[], Awaitable[T]]) -> T:
        """`once`, tried again after what passes by itself; raises the last problem when the tries are spent."""
        retry = self.target.retry
        for attempt in range(1, retry.attempts + 1):
            pause = retry.pause(attempt)
            try:
                return await once()
            except (RetryLater, VendorChanged) as error:
                if attempt == retry.attempts:
                    raise
                if isinstance(error, RetryLater) and error.after is not None:
                    pause = error.after
                    self.budget.hold(pause)
            except (aiohttp.ClientError, TimeoutError) as error:
                if attempt == retry.attempts:
                    kind = type(error).__name__
                    raise RetryLater(f"{call}: no answer after {attempt} tries ({kind})") from error
            await asyncio.sleep(pause)
        raise AssertionError("a Retry has at least one attempt")

    async def _send(
        self, method: str, asked: str, headers: Mapping[str, str], data: Mapping[str, str] | None = None
    ) -> Answer:
        if self._session is None:
            raise RuntimeError("the client is used outside its `async with`")
        call = await self.budget.wait()
        self.calls += 1
        url = URL(self.target.origin + asked, encoded=True)
        async with self._session.request(method, url, headers=headers, data=data, allow_redirects=False) as answer:
            body = await answer.read()
            self.budget.learn(answer.headers, call)
            return Answer(answer.status, answer.headers, body)

    async def _get_token(self, *, refresh: bool = False) -> Token:
        async with self._token_lock:
            if self._token is None or refresh or self._token.renew_at <= self._clock.now():
                self._token = await self._buy_token()
            return self._token

    async def _drop_token(self, refused: Token) -> None:
        async with self._token_lock:
            if self._token is refused:  # another call may have renewed it meanwhile
                self._token = None

    async def _buy_token(self) -> Token:
        auth = self.target.auth
        path = self.target.locate(auth.token_path)
        form, headers = dict(auth.form), {"Accept": "application/json"}
        if auth.sent_as == "basic":
            pair = f"{self._credentials['client_id']}:{self._credentials['client_secret']}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            form |= self._credentials

        answer = await self._send("POST", path, headers, form)
        if answer.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            word = _oauth_word(answer.body)
            raise ReauthorizeNeeded(f"the vendor refuses the credentials ({answer.status}{word})")
        return self._read_token(_judge(f"POST {path}", answer).body)

    def _read_token(self, body: bytes) -> Token:
        answer: Any = msgspec.json.decode(body)
        value = answer.get("access_token") if isinstance(answer, dict) else None
        lasts = answer.get("expires_in", 3600) if isinstance(answer, dict) else None
        if not isinstance(value, str) or not isinstance(lasts, int | float):
            raise VendorChanged("the token answer has no access_token")
        lasts = min(lasts, TOKEN_LONGEST)
        return Token(value, self._clock.now() + timedelta(seconds=lasts - min(TOKEN_MARGIN, lasts / 2)))


def _judge(call: str, answer: Answer) -> Answer:
    """The answer where it is good; otherwise raises what the answer means for the engine.

    `call` is method and path. A query is never told: it can hold personal data.
    """
    status = answer.status
    if 200 <= status < 300:
        if is_json(answer.body):
            return answer
        mended = _HALF_PAIRS.sub(_mend, answer.body)
        if is_json(mended):
            return Answer(status, answer.headers, mended)
        raise VendorChanged(f"{call}: the body is not JSON")
    if status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise RetryLater(f"{call}: the vendor answers {status}", after=_retry_after(answer.headers))
    if status == HTTPStatus.FORBIDDEN:
        raise PermissionMissing(f"{call}: the credentials do not reach this (403)")
    raise VendorRefused(f"{call}: the vendor answers {status}", status=status)


def is_json(body: bytes) -> bool:
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except msgspec.DecodeError:
        return False
    return True


# Escapes, pairs of surrogates first: what is left over of them is half a character, cut off by a system that counts
# UTF-16 units. It is JSON to its grammar and text to nobody, so it becomes U+FFFD.
_HALF_PAIRS = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..)|.)", re.DOTALL)


def _mend(escape: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if escape.group(1) else escape.group(0)


def _path(asked: str) -> str:
    return asked.partition("?")[0]


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, which a vendor gives as a number or as a date (RFC 9110); None where it gives neither."""
    said = headers.get("Retry-After", "")
    try:
        if said.replace(".", "", 1).isdecimal():
            return float(said)
        return max(0.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def _oauth_word(body: bytes) -> str:
    """The OAuth error code of a refusal (`unauthorized_client`), never its free text."""
    try:
        word = msgspec.json.decode(body, type=dict[str, Any]).get("error")
    except msgspec.DecodeError:
        return ""
    return f", {word}" if isinstance(word, str) and word.isidentifier() else ""
