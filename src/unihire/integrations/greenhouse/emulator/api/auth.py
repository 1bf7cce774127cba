"""The emulator's sign-in: the token endpoint with its four grants, and the page where a customer lets a partner in."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from unihire.integration.emulate import Credentials, EmulatorResponse, Request
from unihire.kit.clock import Clock, to_text

ACCESS_LIFETIME, CODE_LIFETIME, REFRESH_LIFETIME = timedelta(hours=1), timedelta(seconds=60), timedelta(hours=24)
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - a grant's name
GRANTS = ("authorization_code", "refresh_token", "client_credentials", TOKEN_EXCHANGE)
JSON = "application/json"


def make_credentials(seed: int) -> Credentials:
    """Made-up credentials; the id ends in the kind of credential."""
    return Credentials(f"sandbox{_draw(seed, 'client id')[:20]}-custom", _draw(seed, "secret")[:48])


def _draw(seed: int, purpose: str) -> str:
    return hashlib.sha512(f"unihire sandbox greenhouse {seed} {purpose}".encode()).hexdigest()


class Token(NamedTuple):
    """Who acts with a token, and what it allows. `user` is None for the integration service user."""

    user: int | None
    scopes: frozenset[str]
    is_partner: bool
    expires_at: datetime


class TokenRefusal(Exception):
    """The token request gets this status and body."""

    def __init__(self, status: int, body: Mapping[str, str]) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body


class TokenEndpoint:
    """Hands out and checks tokens. Codes and refresh tokens work once."""

    def __init__(
        self,
        credentials: Credentials,
        seed: int,
        clock: Clock,
        scopes: frozenset[str],
        find_user: Callable[[int], bool],
    ) -> None:
        self._credentials = credentials
        self._seed = seed
        self._clock = clock
        self._scopes = scopes
        self._find_user = find_user
        self.reset()

    def clear(self) -> None:
        """Make every access token worthless; grants stay good."""
        self._tokens: dict[str, Token] = {}

    def reset(self) -> None:
        self.clear()
        self._issued = 0
        self._codes: dict[str, tuple[Token, str]] = {}
        self._refreshes: dict[str, Token] = {}

    def find(self, authorization: str) -> Token | None:
        """The token in an Authorization header, when it is good now."""
        scheme, _, text = authorization.partition(" ")
        token = self._tokens.get(text.strip())
        if scheme.lower() != "bearer" or token is None or token.expires_at <= self._clock.now():
            return None
        return token

    # The token endpoint

    def hand_out(self, request: Request) -> EmulatorResponse:
        try:
            form = self._read(request)
            grant = form["grant_type"]
            if grant == "client_credentials":
                token, is_lasting = self._make_token(self._read_subject(form), self._read_scopes(form), False), False
            elif grant == TOKEN_EXCHANGE:
                token, is_lasting = self._exchange(form), False
            else:
                token = self._redeem_code(form) if grant == "authorization_code" else self._refresh(form)
                is_lasting = True
        except TokenRefusal as refusal:
            return EmulatorResponse(refusal.status, msgspec.json.encode(refusal.body), JSON)
        text = self._sign(token)
        self._tokens = {known: one for known, one in self._tokens.items() if one.expires_at > self._clock.now()}
        self._tokens[text] = token
        # Recorded answers have expires_at; other readers look for expires_in (harvest_v3.md, Auth).
        body: dict[str, str | int] = {
            "token_type": "Bearer",
            "access_token": text,
            "expires_at": to_text(token.expires_at),
            "expires_in": int(ACCESS_LIFETIME.total_seconds()),
        }
        if is_lasting:
            refresh = f"rt-{self._number()}"
            self._refreshes[refresh] = token._replace(expires_at=self._clock.now() + REFRESH_LIFETIME)
            body["refresh_token"] = refresh
        return EmulatorResponse(200, msgspec.json.encode(body), JSON, [("cache-control", "no-store")])

    def _read(self, request: Request) -> dict[str, str]:
        """The form, once the client is known; the order of the checks is the documents' table."""
        client_id, secret = _read_basic(request.headers.get("authorization", ""))
        if not client_id:
            raise TokenRefusal(401, {"message": "Unauthorized", "errorId": self._make_error_id()})
        own = self._credentials
        if client_id != own.client_id and client_id.rpartition("-")[2] not in ("custom", "partner"):
            message = f"client_id={client_id} does not contain a valid client ID suffix"
            raise TokenRefusal(400, {"message": message, "errorId": self._make_error_id()})
        if not (_is_same(client_id, own.client_id) and _is_same(secret, own.client_secret)):
            raise TokenRefusal(401, {"error": "invalid_client"})
        # The partner guide's examples carry the parameters in the query, custom credentials in a form.
        form = dict(request.query)
        form |= dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        if not form.get("grant_type"):
            raise TokenRefusal(400, {"message": "Must include `grant_type` parameter in /token request"})
        if form["grant_type"] not in GRANTS:
            raise TokenRefusal(400, {"message": f"`grant_type` must be one of: {', '.join(GRANTS)}"})
        return form

    def _read_subject(self, form: Mapping[str, str]) -> int | None:
        text = form.get("sub", "")
        if not text:
            return None
        if not (text.isascii() and text.isdecimal() and len(text) < 18 and self._find_user(int(text))):
            raise TokenRefusal(400, {"error": "invalid_request", "message": f"sub={text} is not a user"})
        return int(text)

    def _read_scopes(self, form: Mapping[str, str]) -> frozenset[str]:
        asked = frozenset(form.get("scope", "").split())
        if not asked <= self._scopes:
            raise TokenRefusal(400, {"error": "invalid_scope"})
        return asked or self._scopes

    def _make_token(self, user: int | None, scopes: frozenset[str], is_partner: bool) -> Token:
        return Token(user, scopes, is_partner, self._clock.now() + ACCESS_LIFETIME)

    def _redeem_code(self, form: Mapping[str, str]) -> Token:
        token, redirect_uri = self._codes.pop(form.get("code", ""), (None, ""))
        # The partner guide sends no redirect_uri here; one that is sent must be that of the first step.
        is_elsewhere = form.get("redirect_uri", redirect_uri) != redirect_uri
        if token is None or token.expires_at <= self._clock.now() or is_elsewhere:
            raise TokenRefusal(400, {"error": "invalid_grant"})
        return self._make_token(token.user, token.scopes, True)

    def _refresh(self, form: Mapping[str, str]) -> Token:
        token = self._refreshes.pop(form.get("refresh_token", ""), None)
        if token is None or token.expires_at <= self._clock.now():
            raise TokenRefusal(400, {"error": "invalid_grant"})
        return self._make_token(token.user, token.scopes, True)

    def _exchange(self, form: Mapping[str, str]) -> Token:
        """A token for another one of this endpoint; what the vendor exchanges is not documented."""
        token = self.find(f"Bearer {form.get('subject_token', '')}")
        if token is None:
            raise TokenRefusal(400, {"error": "invalid_grant"})
        return self._make_token(token.user, token.scopes, token.is_partner)

    def _sign(self, token: Token) -> str:
        """A JSON Web Token; what counts is that this endpoint knows it."""
        now = self._clock.now()
        claims = {
            "sub": None if token.user is None else str(token.user),
            "iat": int(now.timestamp()),
            "exp": int(token.expires_at.timestamp()),
            "jti": self._number(),
        }
        text = ".".join(_encode(msgspec.json.encode(part)) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
        return f"{text}.{_encode(hmac.digest(self._credentials.client_secret.encode(), text.encode(), 'sha256'))}"

    def _number(self) -> str:
        self._issued += 1
        return _draw(self._seed, f"token {self._issued}")[:40]

    def _make_error_id(self) -> str:
        return f"err-{self._number()[:12]}"

    # The page a customer sees

    def authorize(self, request: Request) -> EmulatorResponse:
        """GET /authorize: the customer agrees at once and is sent back with a code."""
        asked = dict(request.query)
        redirect_uri = asked.get("redirect_uri", "")
        problem = None
        if not _is_same(asked.get("client_id", ""), self._credentials.client_id):
            problem = {"error": "invalid_client"}
        elif asked.get("response_type") != "code" or urlsplit(redirect_uri).scheme not in ("http", "https"):
            problem = {"error": "invalid_request"}
        if problem is not None:
            return EmulatorResponse(400, msgspec.json.encode(problem), JSON)
        answer = {"state": asked["state"]} if "state" in asked else {}
        try:
            token = Token(None, self._read_scopes(asked), True, self._clock.now() + CODE_LIFETIME)
            answer["code"] = f"code-{self._number()}"
            self._codes[answer["code"]] = (token, redirect_uri)
        except TokenRefusal as refusal:
            answer |= refusal.body
        sign = "&" if "?" in redirect_uri else "?"
        return EmulatorResponse(302, headers=[("location", f"{redirect_uri}{sign}{urlencode(answer)}")])


def _read_basic(authorization: str) -> tuple[str, str]:
    scheme, _, text = authorization.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        client_id, _, secret = base64.b64decode(text).decode().partition(":")
    except ValueError:
        return "", ""
    return client_id, secret


def _encode(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _is_same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())
