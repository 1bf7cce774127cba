"""How a connector is authorised: the OAuth flows as data, the grants they return, and the interface of their store."""

import asyncio
import base64
import hashlib
import json
import math
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from unihire.errors import VendorChanged
from unihire.kit.clock import parse_moment
from unihire.outbound.decoding import OBJECT, Undecodable, decode

TOKEN_MARGIN = 60.0
"""A token is renewed this many seconds before the vendor says it ends: clocks differ and calls take time. Of one that
lasts less than twice as long, half its time is used: some vendors hand out the same token again with what is left."""

TOKEN_LONGEST = 30 * 86400
"""Seconds after which even a token that never ends is renewed."""

TOKEN_BYTES = 16 * 1024
"""Longest token that is taken: every call carries it in a header, and servers take headers of 8 to 16 KB."""

_UNTOLD = 3600.0
"""Seconds a token is taken to last where the vendor does not say, or not so that it can be read."""

_LAST_SECOND = 253_402_300_799
"""The end of the year 9999 in seconds since 1970: a larger number counts milliseconds."""

_TOKEN = re.compile(r"[\x21-\x7e]+")
_REFRESH_TOKEN = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]+")  # it travels in a form, which takes any character
_SCOPES = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]*")
_NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?", re.ASCII)


REFUSALS = frozenset(
    {
        "access_denied",
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_grant_type",
    }
)
"""The error codes of RFC 6749, 4.1.2.1 and 5.2, but for those that say that the server cannot answer now."""


def find_oauth_refusal(body: bytes) -> str | None:
    """The code in an OAuth refusal, `invalid_client`; None where the answer is none: a firewall's page, most often."""
    answer = read_object(body)
    word = answer.get("error")
    return word if isinstance(word, str) and word in REFUSALS else None


def read_object(body: bytes) -> dict[str, Any]:
    """A JSON object; an empty one for anything else."""
    try:
        return decode(body, OBJECT)
    except Undecodable:
        return {}


FindRefusal = Callable[[bytes], str | None]
"""Makes of a 4xx answer of a token endpoint the word for why the vendor itself refuses; None where somebody else may
have answered. The word is shown to operators: no free text of the vendor's."""


@dataclass(frozen=True, slots=True)
class Credential:
    """One thing the customer gives us; also draws the connect form."""

    name: str
    title: str
    help: str
    is_secret: bool = False
    is_optional: bool = False
    pattern: str | None = None
    """A regular expression that the whole value matches: of what becomes a part of an address, no more than a host or a
    path takes. `shape` says it in words."""
    shape: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    """The values there are, each with what stands for it in an address; the first where none is given."""

    def find_fault(self, value: str) -> str | None:
        """Why a value cannot be one, in words; None where it can, or there is none. It does not repeat the value."""
        if not value:
            return None
        if self.choices and value not in self.choices:
            return f"is none of: {', '.join(self.choices)}"
        if self.pattern is not None and re.fullmatch(self.pattern, value, re.ASCII) is None:
            return f"is not {self.shape}"
        return None

    def write_part(self, value: str | None) -> str:
        """What stands for a value in an address."""
        if self.choices:
            return self.choices[value or next(iter(self.choices))]
        return value or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteKey:
    """What calls that write are authorised with, where a vendor wants something else for them than for reads.

    `headers` are sent as they are, with `{name}` for the credentials of that name, all of which are optional. They go
    together: a connector has all or none.
    """

    credentials: tuple[Credential, ...]
    headers: Mapping[str, str]
    rest: float | None = None
    """Seconds to wait after a 429 that does not say how long."""

    def write_headers(self, credentials: Mapping[str, str]) -> dict[str, str] | None:
        """The headers; None where the customer gave no key."""
        if self.list_missing(credentials):
            return None
        return {name: text.format_map(credentials) for name, text in self.headers.items()}

    def list_missing(self, credentials: Mapping[str, str]) -> list[Credential]:
        """Those of its credentials that are not there, or empty."""
        return [one for one in self.credentials if not credentials.get(one.name)]

    def find_gap(self, credentials: Mapping[str, str]) -> str | None:
        """What is wrong where some of its credentials are there and others are not; None where all or none are."""
        missing = [one.name for one in self.list_missing(credentials)]
        given = [one.name for one in self.credentials if one.name not in missing]
        if not missing or not given:
            return None
        return f"{' and '.join(given)} is for writing, which also needs {' and '.join(missing)}: give all or none"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentials:
    """OAuth 2.0 client credentials: an id and a secret buy a token for a while.

    `token_path` is joined to `token_host`, the vendor's token server where that is not its API's, else to its base
    address; for a connector with an address of its own always to that one. With `sent_as="basic"` the credentials
    `client_id` and `client_secret` go into a header and the others into the form. `find_refusal` knows the vendor's own
    refusals, where they are not OAuth's.
    """

    token_path: str
    credentials: tuple[Credential, ...]
    token_host: str | None = None
    sent_as: Literal["form", "basic"] = "form"
    form: Mapping[str, str] = field(default_factory=lambda: {"grant_type": "client_credentials"})
    find_refusal: FindRefusal = find_oauth_refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationCode:
    """OAuth 2.0 authorization code: the customer lets in a partner, whose own id and secret are `credentials`.

    `params` are what the authorize address has beside what OAuth puts there. Both paths are joined as that of
    `ClientCredentials` is. `scopes` are those that reads need; where there are none, the vendor grants all that the
    partner has. Those of writes are declared with the operations. A refresh token may work once only. `takes_pkce`: the
    vendor documents that it takes a code challenge (RFC 7636, S256). `find_refusal` as of `ClientCredentials`.
    """

    authorize_path: str
    token_path: str
    credentials: tuple[Credential, ...]
    token_host: str | None = None
    sent_as: Literal["form", "basic"] = "basic"
    scopes: tuple[str, ...] = ()
    params: Mapping[str, str] = field(default_factory=dict)
    takes_pkce: bool = False
    find_refusal: FindRefusal = find_oauth_refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A call that changes nothing, by which credentials are tried: its answer is not looked at. With `body`, JSON, it
    is a POST.
    """

    path: str
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key that the customer made at the vendor; every call is signed with it, and nothing is bought for it.

    `headers`, `basic` (user and password) and `params` say what it is sent in, with `{name}` for the credential of that
    name. `params` join the query of a call when it goes out: no position, log or error has them. A key that the vendor
    refuses is refused at once, not asked with again within the call; `probe` tries one. `ends` says in words why a key
    that was good is refused one day, for the error.
    """

    credentials: tuple[Credential, ...]
    probe: Probe
    headers: Mapping[str, str] = field(default_factory=dict)
    basic: tuple[str, str] | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    ends: str = ""

    def sign(self, credentials: Mapping[str, str]) -> "CallSignature":
        headers = {name: text.format_map(credentials) for name, text in self.headers.items()}
        if self.basic is not None:
            headers["Authorization"] = write_basic(*(text.format_map(credentials) for text in self.basic))
        return CallSignature(headers, {name: text.format_map(credentials) for name, text in self.params.items()})


@dataclass(frozen=True, slots=True)
class CallSignature:
    """What a call carries to be let in: headers, and parameters of its query."""

    headers: Mapping[str, str] = field(repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)


OAuth = ClientCredentials | AuthorizationCode

Auth = OAuth | ApiKey


@dataclass(frozen=True, slots=True)
class Grant:
    """What a vendor gave a connector: a token, when a new one is to be bought, and what may buy it.

    `scopes` are those the vendor granted, None where it did not say.
    """

    access_token: str = field(repr=False)
    renew_at: datetime
    refresh_token: str | None = field(default=None, repr=False)
    scopes: tuple[str, ...] | None = None


class LockedGrant(Protocol):
    """A grant that nobody else renews meanwhile."""

    @property
    def grant(self) -> Grant | None:
        """The grant that was stored when the lock was taken."""
        ...

    async def save(self, grant: Grant) -> None:
        """Store this grant; it is stored when this returns."""
        ...


class GrantStore(Protocol):
    """Stores one connector's grant for all its clients that have the same credentials.

    A refresh token that works once is spent under the lock, and the new grant is saved before it is used. So no two
    clients spend the same one, and whenever a process dies after the saving, the grant lives. What cannot be promised:
    a process or a network that dies after the vendor has answered and before the saving takes the answer along; where
    the vendor had spent the token by then, the customer must connect again. Where it had not, the next try succeeds.

    Once the connector has other credentials, every method raises CredentialsReplaced, and nothing is saved.
    """

    async def find(self) -> Grant | None:
        """The stored grant."""
        ...

    def lock(self) -> AbstractAsyncContextManager[LockedGrant]:
        """Lock the grant, waiting for other owners of the lock. To be held for one token request only."""
        ...

    async def confirm(self) -> None:
        """The credentials are the connector's still."""
        ...

    async def note_refusal(self) -> bool:
        """Note that the vendor refuses the credentials. Whether it has for so long and so often that it is acted on."""
        ...

    async def note_acceptance(self) -> None:
        """Note that the vendor accepts the credentials; it costs nothing where no refusal was stored."""
        ...


class MemoryGrants:
    """Stores a grant for as long as this object lives: for a check, or clients of one process.

    Refusals are acted on at once: somebody waits, and there is nothing to remember them in. `beside` stores the grant
    of the connector through which this one acts, where it does.
    """

    def __init__(self, grant: Grant | None = None, *, beside: GrantStore | None = None) -> None:
        self.grant = grant
        self._beside = beside
        self._lock = asyncio.Lock()

    async def find(self) -> Grant | None:
        await self.confirm()
        return self.grant

    async def save(self, grant: Grant) -> None:
        """Where it names no scopes, the earlier ones stay."""
        await self.confirm()
        if grant.scopes is None and self.grant is not None:
            grant = replace(grant, scopes=self.grant.scopes)
        self.grant = grant

    @asynccontextmanager
    async def lock(self) -> AsyncIterator[LockedGrant]:
        async with self._lock:
            yield self

    async def confirm(self) -> None:
        if self._beside is not None:
            await self._beside.confirm()

    async def note_refusal(self) -> bool:
        return True

    async def note_acceptance(self) -> None:
        pass


def write_challenge(verifier: str) -> str:
    """The S256 code challenge of a PKCE verifier (RFC 7636, 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def write_basic(user: str, password: str) -> str:
    """The value of an `Authorization` header (RFC 7617), in UTF-8."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def write_token_request(
    auth: OAuth, credentials: Mapping[str, str], form: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Headers and form of a call of the token endpoint that asks what is in `form`.

    It is sent the credentials that are declared for it, and none that are for other calls.
    """
    headers = {"Accept": "application/json"}
    own = {one.name: credentials[one.name] for one in auth.credentials if one.name in credentials}
    if auth.sent_as == "form":
        return headers, {**form, **own}
    headers["Authorization"] = write_basic(credentials["client_id"], credentials["client_secret"])
    others = {name: value for name, value in own.items() if name not in ("client_id", "client_secret")}
    return headers, {**form, **others}


def read_grant(body: bytes, *, now: datetime, spent: str | None = None) -> Grant:
    """The grant in a token answer; `spent` is the refresh token that bought it, which stays good if no other came.

    The end is given as `expires_in`, in seconds, or else as `expires_at`, a moment or seconds since 1970; both may be
    text. `scope` lists the scopes that were granted. A token whose end cannot be read, or is past, is used for an hour:
    where it ends before, a call is refused and buys another. A refresh token that cannot be one counts as none. Raises
    VendorChanged where there is no token that a header could carry.
    """
    try:
        # An exponent or an integer of any length becomes a float, infinite at worst; NaN is a number to this reader.
        answer: Any = json.loads(body, parse_int=float)
    except (ValueError, RecursionError):
        raise VendorChanged("the token answer is not JSON") from None
    if not isinstance(answer, dict):
        raise VendorChanged("the token answer is not a JSON object")
    token: Any = answer.get("access_token")
    if fault := _find_fault(token):
        raise VendorChanged(f"the access_token of the token answer {fault}")
    refresh, lasts = answer.get("refresh_token"), _read_lifetime(answer, now)
    has_refresh = isinstance(refresh, str) and len(refresh) <= TOKEN_BYTES and _REFRESH_TOKEN.fullmatch(refresh)
    return Grant(
        token,
        now + timedelta(seconds=lasts - min(TOKEN_MARGIN, lasts / 2)),
        refresh if has_refresh else spent,
        _read_scopes(answer.get("scope")),
    )


def _read_scopes(value: Any) -> tuple[str, ...] | None:
    """The scopes in an answer, each once; None where there are none that can be read.

    RFC 6749, 3.3, separates them by spaces; other vendors do it by commas, or send an array.
    """
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        value = " ".join(value)
    if not isinstance(value, str) or len(value) > TOKEN_BYTES or not _SCOPES.fullmatch(value):
        return None
    return tuple(dict.fromkeys(value.replace(",", " ").split())) or None


def _find_fault(token: Any) -> str | None:
    """Why this is no token; None where it is one: visible ASCII (RFC 6749, appendix A.12), and not too long."""
    if token is None:
        return "is missing"
    if not isinstance(token, str):
        return "is not text"
    if not token:
        return "is empty"
    if len(token) > TOKEN_BYTES:
        return f"has {len(token):,} characters, more than {TOKEN_BYTES:,}"
    if not _TOKEN.fullmatch(token):
        return "contains characters other than visible ASCII"
    return None


def _read_lifetime(answer: Mapping[str, Any], now: datetime) -> float:
    """Seconds for which a token is taken to be good."""
    lasts = _read_number(answer.get("expires_in"))
    if lasts is None or lasts <= 0:
        ends_at = _read_epoch(answer.get("expires_at"))
        lasts = None if ends_at is None else ends_at - now.timestamp()
    return min(lasts, TOKEN_LONGEST) if lasts is not None and lasts > 0 else _UNTOLD


def _read_number(value: Any) -> float | None:
    """A number, or text that is one; None for anything else, and for what is not finite."""
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value.strip()):
            return None
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _read_epoch(value: Any) -> float | None:
    """A moment in seconds since 1970, from such a number, one of milliseconds, or an ISO 8601 text."""
    number = _read_number(value)
    if number is not None:
        return number / 1000 if number > _LAST_SECOND else number
    try:
        return parse_moment(value).timestamp() if isinstance(value, str) else None
    except ValueError:
        return None
