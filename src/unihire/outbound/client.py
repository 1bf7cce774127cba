"""One connector's HTTP client: authorised, within budget, tried again where that can help."""

import asyncio
import io
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlencode, urlsplit

import aiohttp
from yarl import URL

from unihire.errors import (
    AnswerTooLarge,
    BudgetSpent,
    CredentialsRefused,
    CredentialsReplaced,
    NoToken,
    PermissionMissing,
    RetryLater,
    Unanswered,
    VendorChanged,
    VendorRefused,
)
from unihire.kit.clock import Clock, SystemClock
from unihire.outbound.addresses import AddressPolicy, make_connector
from unihire.outbound.answers import ACCEPTED, ANSWER_BYTES, TOKEN_ANSWER_BYTES, read_answer
from unihire.outbound.asked import drop_params, name_asked, split_asked, write_asked
from unihire.outbound.auth import (
    ApiKey,
    Auth,
    AuthorizationCode,
    CallSignature,
    ClientCredentials,
    Grant,
    GrantStore,
    MemoryGrants,
    WriteKey,
    write_challenge,
)
from unihire.outbound.budget import Budget, BudgetRule, RouteLimit
from unihire.outbound.budget_store import BudgetStore, BudgetUnavailable
from unihire.outbound.failures import Failures
from unihire.outbound.granting import Standing, Tokens
from unihire.outbound.headers import read_date
from unihire.outbound.judging import CredentialsUnknown, judge
from unihire.outbound.paging import Page, Paging, VendorResponse
from unihire.outbound.streamed_body import Body, StreamedBody
from unihire.outbound.streamed_payload import StreamedPayload
from unihire.outbound.tally import TALLY
from unihire.outbound.telemetry import log_retry, watch_exchange, watch_wait

TOKEN_TIMEOUT = 30.0
"""Most seconds one call of the token endpoint may take: others wait for what it buys."""

LONGEST_LEAD = timedelta(days=31)
"""So far our clock may be seen to run ahead of a vendor's; what a vendor's says beyond that is ignored."""

FRESH_REFUSALS = 4
"""So often a fresh token is refused before the credentials are given up: not every server of a vendor knows it at once,
and another call may have made it worthless."""

MOST_SKEW = timedelta(days=400)
"""A vendor's `Date` that is further from our clock is no date."""

LONGEST_ADDRESS = 8_000
"""Characters of an address that a vendor gives for a file: signed ones are long."""

LARGE_BODY = 2**20
"""Bytes above which a body is sent piece by piece: aiohttp warns of one that is not."""

T = TypeVar("T")


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
    """Where a connector's calls go and what every call carries. `token_base_url` None: tokens are bought there too.

    Calls are counted under the name of the `integration`. `addresses` says where its connections may lead.
    """

    base_url: str
    auth: Auth
    token_base_url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    budget_rule: BudgetRule | None = None
    routes: Sequence[RouteLimit] = ()
    calls_at_once: int | None = None
    failures: Failures | None = None
    retry: Retry = field(default_factory=Retry)
    answer_bytes: int = ANSWER_BYTES
    integration: str = ""
    addresses: AddressPolicy = field(default_factory=AddressPolicy)

    @property
    def origin(self) -> str:
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def sign_in_url(self) -> str:
        return self.token_base_url or self.base_url

    def locate(self, path: str) -> str:
        """A declared path as seen from the origin: the base address may have a path of its own."""
        return urlsplit(self.base_url).path.rstrip("/") + path


class VendorClient:
    """Calls one vendor with one customer's credentials.

    A call either returns a 2xx answer, its body whole and parsed as JSON once to prove it, or raises a VendorError.
    429, 5xx, redirects, timeouts, cut bodies and bodies that are no JSON are tried again; a token refused with 401 is
    replaced, and a key that is refused is not asked with again within the call. Only the configured addresses, of the
    API and of its tokens, are ever called; redirects are not followed.
    Where one leads to a network that nothing connects to, it raises AddressRefused, at once.

    The store of the grant shares it among all clients of the connector, and likewise the budget. A grant that is being
    bought is bought to the end, also when the call that needed it is cancelled: a refresh token spent for nothing would
    be lost. Calls in the background let others go first; with `patience` those raise RetryLater that the budget or the
    vendor asks to wait longer, in seconds, and `after` says how long.
    """

    def __init__(
        self,
        target: Target,
        credentials: Mapping[str, str],
        *,
        grants: GrantStore | None = None,
        budgets: BudgetStore | None = None,
        is_background: bool = False,
        patience: float | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.target = target
        self.budget = Budget(
            target.budget_rule,
            budgets,
            routes=target.routes,
            at_once=target.calls_at_once,
            is_background=is_background,
            patience=patience,
            timeout=target.retry.timeout + 1,
        )
        self.calls = 0
        self.ahead = timedelta()
        """How far our clock was seen to run ahead of the vendor's, by the Date of its answers."""
        self.skew = timedelta()
        """How far it ran ahead by the latest answer; less than nothing where the vendor's does."""
        self.clock = clock or SystemClock()
        self._patience = patience
        self._credentials = credentials
        self._grants = grants or MemoryGrants()
        self._standing = Standing(self._grants)
        self._tokens: Tokens | None = None
        self._key: CallSignature | None = None
        if isinstance(target.auth, ApiKey):
            self._key = target.auth.sign(credentials)
        else:
            self._tokens = Tokens(
                target.auth, credentials, self._grants, self._standing, self._ask_for_token, self.clock
            )
        self._session: aiohttp.ClientSession | None = None
        self._acting: dict[tuple[tuple[str, str], ...], VendorClient] = {}

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self.target.retry.timeout),
            connector=make_connector(self.target.addresses, limit=32),
            headers={"Accept-Encoding": ACCEPTED},
            auto_decompress=False,  # `read_answer` does, within bounds
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._tokens is not None:
            await self._tokens.close()
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> VendorResponse:
        """What is at `path`, as seen from the origin; it may carry a query of its own."""
        asked = path + (f"{'&' if '?' in path else '?'}{urlencode(params)}" if params else "")
        return await self.read(asked, lambda answer: answer)

    async def read(self, asked: str, read: Callable[[VendorResponse], T], *, most: int | None = None) -> T:
        """What `read` makes of the answer to `asked` (see `asked`), which changes nothing at the vendor.

        Where it raises VendorChanged, that is tried again as a body not JSON is. `most` bytes are read of it, where
        that is less than of any answer.
        """
        path, body = split_asked(asked)
        method = "GET" if body is None else "POST"
        call = f"{method} {name_asked(asked)}"

        async def once() -> T:
            answer = await self._ask_signed(call, method, self.target.origin + path, body, most=most, is_write=False)
            return read(answer)

        return await self._persist(call, once)

    async def read_page(self, paging: Paging, asked: str, *, most: int | None = None) -> Page:
        """A page of a list; see `read`. What is asked for next has nothing of a key, though a vendor's link had it."""
        page = await self.read(
            asked, lambda answer: paging.read(answer, origin=self.target.origin, asked=asked), most=most
        )
        if self._key is None or not self._key.params or page.next is None:
            return page
        following = drop_params(page.next, self._key.params)
        return replace(page, next=None if following == asked else following)

    async def find(self, asked: str, read: Callable[[VendorResponse], T], *, most: int | None = None) -> T | None:
        """As `read`, or None where the vendor says there is no such thing (404)."""
        try:
            return await self.read(asked, read, most=most)
        except VendorRefused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def send(
        self,
        method: str,
        path: str,
        body: Body | None,
        *,
        headers: Mapping[str, str] | None = None,
        by_key: WriteKey | None = None,
    ) -> VendorResponse:
        """Write: send `body`, JSON unless `headers` name another type, to `path`, and return the 2xx answer.

        It is sent again only where the vendor says that nothing was done: 401, for which a new token is bought, and
        429. With `by_key` that is sent and no token, outside the budget; raises PermissionMissing where the connector
        has no key, or the vendor refuses it. Raises Unanswered where it may have been done: no answer, a cut one, or a
        5xx.
        """
        call, url = f"{method} {path.partition('?')[0]}", self.target.origin + path

        async def once() -> VendorResponse:
            try:
                if by_key is not None:
                    return await self._ask_by_key(call, method, url, body, by_key, headers or {})
                return await self._ask_signed(call, method, url, body, headers=headers, is_write=True)
            except (NoToken, BudgetSpent, BudgetUnavailable, aiohttp.ClientConnectorError):
                raise  # it never left
            except (aiohttp.ClientError, TimeoutError) as error:
                raise Unanswered(f"{call}: sent, and no answer came back ({type(error).__name__})") from error
            except RetryLater as error:
                if error.status == HTTPStatus.TOO_MANY_REQUESTS:
                    raise
                words = f"{call}: sent, and the vendor answers {error.status}"
                raise Unanswered(words, status=error.status) from error
            except VendorChanged as error:
                raise Unanswered(f"{call}: sent, and the answer cannot be read ({error})") from error

        return await self._persist(call, once)

    async def send_elsewhere(
        self, method: str, url: str, body: Body | None, headers: Mapping[str, str], *, of: str
    ) -> VendorResponse:
        """Send to an address that the vendor gave, a file store's: without credentials and outside the budget.

        It must be https, or at the origin of the API; where it leads to a network that nothing connects to, it raises
        AddressRefused, as every call. `of` names it for errors, as the address may itself let somebody in. An answer
        need not be JSON. Raises as `send` does; one that is not answered is not tried again.
        """
        if not url.startswith(("https://", f"{self.target.origin}/")) or len(url) > LONGEST_ADDRESS:
            raise VendorChanged(f"{of}: the address that the vendor gave is not https, or too long")
        try:
            async with self._open(of, method, url, headers, data=_make_payload(body)) as got:
                answer = await read_answer(got, of=of, most=self.target.answer_bytes)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unanswered(f"{of}: sent, and no answer came back ({type(error).__name__})") from error
        if answer.status in range(200, 300):
            return answer
        return judge(of, answer, most_bytes=self.target.answer_bytes)

    async def _ask_by_key(
        self, call: str, method: str, url: str, body: Body | None, key: WriteKey, headers: Mapping[str, str]
    ) -> VendorResponse:
        """One call with the customer's key for writes. Raises PermissionMissing without one, or where it is refused."""
        signed = key.write_headers(self._credentials)
        if signed is None:
            names = " and ".join(f"the {one.title} ({one.help})" for one in key.list_missing(self._credentials))
            raise PermissionMissing(f"{call}: writing needs {names}; unihire reconnect takes what is missing")
        sent = {"Content-Type": "application/json", "Accept": "application/json", **headers, **signed}
        if (tally := TALLY.get()) is not None:
            tally.calls += 1
        async with self._open(call, method, url, sent, data=_make_payload(body)) as got:
            self._compare_clocks(got.headers)
            answer = await read_answer(got, of=call, most=self.target.answer_bytes)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            names = " and ".join(f"the {one.title}" for one in key.credentials)
            words = f"{call}: the vendor refuses {names} (401); unihire reconnect takes others"
            raise PermissionMissing(words, body=answer.body)
        if answer.status in range(200, 300) and not answer.body:
            return answer
        try:
            return judge(call, answer, most_bytes=self.target.answer_bytes)
        except RetryLater as error:
            if error.status == HTTPStatus.TOO_MANY_REQUESTS and error.after is None and key.rest is not None:
                raise RetryLater(str(error), after=key.rest, status=error.status) from None
            raise

    def act_as(self, credentials: Mapping[str, str]) -> "VendorClient":
        """This client with other credentials among its own, to write on somebody's behalf; it shares the budget.

        A grant that no credentials buy, a partner's, acts for the user who gave it: then it is this client itself. Made
        once for each; it lives as long as this one.
        """
        if isinstance(self.target.auth, AuthorizationCode):
            return self
        name = tuple(sorted(credentials.items()))
        if name not in self._acting:
            others = {**self._credentials, **credentials}
            grants = MemoryGrants(beside=self._grants)
            acting = VendorClient(self.target, others, grants=grants, patience=self._patience, clock=self.clock)
            acting.budget, acting._session = self.budget, self._session
            self._acting[name] = acting
        return self._acting[name]

    def sign_file(self, url: str) -> Mapping[str, str]:
        """The headers of the key for a file at the origin of the API; none for an address of anybody else's."""
        parts = urlsplit(url)
        is_own = f"{parts.scheme}://{parts.netloc}" == self.target.origin
        return self._key.headers if self._key is not None and is_own else {}

    async def check(self) -> None:
        """Prove the credentials: by buying a token, or by the declared probe.

        Raises ReauthorizeNeeded where the vendor refuses them: at once, where no other client shares the grant.
        """
        auth = self.target.auth
        if isinstance(auth, ApiKey):
            await self.read(write_asked(self.target.locate(auth.probe.path), body=auth.probe.body), lambda answer: None)
        else:
            assert self._tokens is not None
            await self._persist("POST " + auth.token_path, self._tokens.buy_new)

    def write_authorize_url(
        self, redirect_uri: str, state: str, scopes: Sequence[str], verifier: str | None = None
    ) -> str:
        """Where the customer grants the partner `scopes`, and is sent on to `redirect_uri` with `state` and a code.

        `verifier` is that of PKCE, where the vendor takes one: the code is then of no use without it.
        """
        auth = self.target.auth
        assert isinstance(auth, AuthorizationCode)
        asked = {**auth.params, "response_type": "code", "client_id": self._credentials["client_id"]}
        asked["redirect_uri"] = redirect_uri
        if scopes:
            asked["scope"] = " ".join(scopes)
        if verifier is not None:
            asked |= {"code_challenge": write_challenge(verifier), "code_challenge_method": "S256"}
        return f"{self.target.sign_in_url}{auth.authorize_path}?{urlencode({**asked, 'state': state})}"

    async def redeem(self, code: str, redirect_uri: str, scopes: Sequence[str], verifier: str | None = None) -> Grant:
        """The grant for which a customer was sent back with this code; it works once. The caller stores it.

        `scopes` are those that were asked for: where the answer names none, these are granted (RFC 6749, 5.1).
        """
        auth, tokens = self.target.auth, self._tokens
        assert isinstance(auth, AuthorizationCode)
        assert tokens is not None
        grant = await self._persist("POST " + auth.token_path, lambda: tokens.redeem(code, redirect_uri, verifier))
        return grant if grant.scopes is not None or not scopes else replace(grant, scopes=tuple(scopes))

    async def _ask_signed(
        self,
        call: str,
        method: str,
        url: str,
        body: Body | None = None,
        *,
        most: int | None = None,
        headers: Mapping[str, str] | None = None,
        is_write: bool,
    ) -> VendorResponse:
        """One call with a token that is good, or with the key."""

        async def ask(signature: CallSignature) -> VendorResponse:
            return await self._ask(call, method, url, signature, body, most, headers, is_write=is_write)

        if self._key is None:
            answer = await self._ask_with_token(call, ask)
        else:
            answer = await ask(self._key)
            if answer.status == HTTPStatus.UNAUTHORIZED:
                await self._standing.refuse(f"{call}: the vendor refuses the key (401){self._explain_end()}")
        if not is_write or answer.status != HTTPStatus.NO_CONTENT:
            answer = await self._judge(call, answer, most)
        await self._standing.accept()
        return answer

    def _explain_end(self) -> str:
        """Why a key that was good is refused one day, in words."""
        ends = self.target.auth.ends if isinstance(self.target.auth, ApiKey) else ""
        return f"; {ends}" if ends else ""

    async def _ask_with_token(
        self, call: str, ask: Callable[[CallSignature], Awaitable[VendorResponse]]
    ) -> VendorResponse:
        """The answer to a call with a token that is not refused; one that is, is replaced."""
        assert self._tokens is not None
        grant = await self._tokens.get()
        purchases, refusals = self._tokens.purchases, 0
        while (answer := await ask(_sign(grant))).status == HTTPStatus.UNAUTHORIZED:
            if self._tokens.is_fresh(grant, purchases):
                refusals += 1
                if refusals == FRESH_REFUSALS:
                    await self._standing.refuse(f"{call}: the vendor refuses a fresh token (401)")
                await self._rest(self.target.retry.pause(refusals))
            # Every other time the same once more, if nobody has bought another meanwhile.
            grant = await self._tokens.get(refused=None if refusals % 2 else grant)
        return answer

    async def _judge(self, call: str, answer: VendorResponse, most: int | None) -> VendorResponse:
        """A vendor that says when to come back is obeyed by every call of the budget.

        Unless the connector has other credentials by now: the budget may be another account's then.
        """
        try:
            return judge(call, answer, most_bytes=most or self.target.answer_bytes, failures=self.target.failures)
        except CredentialsUnknown as error:
            await self._standing.refuse(str(error))
        except RetryLater as error:
            if error.after is not None:
                await self._standing.confirm(is_write=True)
                await self.budget.block(error.after)
            raise

    async def _persist(self, call: str, once: Callable[[], Awaitable[T]]) -> T:
        """`once`, tried again after what passes by itself; raises the last problem when the tries are spent."""
        retry = self.target.retry
        for attempt in range(1, retry.attempts + 1):
            pause = retry.pause(attempt)
            try:
                return await once()
            except (CredentialsRefused, CredentialsReplaced):
                raise  # the first passes in minutes at the earliest, the second never
            except AnswerTooLarge:
                raise
            except (RetryLater, VendorChanged) as error:
                problem: Exception = error
                if attempt == retry.attempts:
                    raise
                if isinstance(error, RetryLater) and error.after is not None:
                    if self._patience is not None and error.after > self._patience:
                        raise
                    pause = max(pause, error.after)  # it may ask to come back at once, for ever
            except (aiohttp.ClientError, TimeoutError) as error:
                problem = error
                if attempt == retry.attempts:
                    kind = type(error).__name__
                    raise RetryLater(f"{call}: no answer after {attempt} tries ({kind})") from error
            log_retry(self.target.integration, call, attempt=attempt, pause=pause, error=problem)
            await self._rest(pause)
        raise AssertionError("a Retry has at least one attempt")

    @staticmethod
    async def _rest(seconds: float) -> None:
        tally = TALLY.get()
        with nullcontext() if tally is None else tally.count_wait():
            await asyncio.sleep(seconds)

    async def _ask(
        self,
        call: str,
        method: str,
        url: str,
        signature: CallSignature,
        body: Body | None,
        most: int | None,
        further: Mapping[str, str] | None,
        *,
        is_write: bool,
    ) -> VendorResponse:
        """One call of the API, within its budget."""
        headers = {
            "Accept": "application/json",
            **self.target.headers,
            **({} if body is None else {"Content-Type": "application/json"}),
            **(further or {}),
            **signature.headers,
        }
        with watch_wait(self.target.integration):
            taken = await self.budget.take(urlsplit(url).path)
        if (tally := TALLY.get()) is not None:
            tally.calls += 1
        try:
            await self._standing.confirm(is_write=is_write)  # last of all: the wait for the budget may be long
            async with self._open(
                call, method, url, headers, data=_make_payload(body), signed_by=signature.params
            ) as answer:
                await self.budget.end(taken, answer.headers)
                self._compare_clocks(answer.headers)
                return await read_answer(answer, of=call, most=most or self.target.answer_bytes)
        finally:
            await self.budget.end(taken)

    async def _ask_for_token(self, headers: Mapping[str, str], form: Mapping[str, str]) -> VendorResponse:
        """One call of the token endpoint, which is outside the API's budget."""
        auth = self.target.auth
        assert isinstance(auth, ClientCredentials | AuthorizationCode)
        call, url = "POST " + auth.token_path, self.target.sign_in_url + auth.token_path
        timeout = aiohttp.ClientTimeout(total=min(TOKEN_TIMEOUT, self.target.retry.timeout))
        async with self._open(call, "POST", url, headers, data=form, timeout=timeout) as got:
            return await read_answer(got, of=call, most=TOKEN_ANSWER_BYTES)

    def _compare_clocks(self, headers: Mapping[str, str]) -> None:
        said = read_date(headers)
        if said is not None:
            skew = self.clock.now() - said
            self.ahead = max(self.ahead, min(skew, LONGEST_LEAD))
            self.skew = skew if abs(skew) <= MOST_SKEW else timedelta()

    @asynccontextmanager
    async def _open(
        self,
        call: str,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        signed_by: Mapping[str, str] | None = None,
        **more: Any,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer that is under way; the block reads it. Raises VendorChanged where it is no HTTP.

        What is in `signed_by` joins the query here, where nobody logs it.
        """
        if self._session is None:
            raise RuntimeError("the client is used outside its `async with`")
        self.calls += 1
        sent_to = f"{url}{'&' if '?' in url else '?'}{urlencode(signed_by)}" if signed_by else url
        with watch_exchange(self.target.integration, method, url) as exchange:
            try:
                async with self._session.request(
                    method, URL(sent_to, encoded=True), headers=headers, allow_redirects=False, **more
                ) as answer:
                    yield answer
                    exchange.status = answer.status
            except aiohttp.ClientResponseError as error:  # its message has what was sent in it
                raise VendorChanged(f"{call}: the answer is no HTTP, or its headers are beyond all bounds") from error


def _make_payload(body: Body | None) -> bytes | io.BytesIO | StreamedPayload | None:
    if isinstance(body, StreamedBody):
        return StreamedPayload(body)
    return body if body is None or len(body) <= LARGE_BODY else io.BytesIO(body)


def _sign(grant: Grant) -> CallSignature:
    return CallSignature({"Authorization": f"Bearer {grant.access_token}"})
