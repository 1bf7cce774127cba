"""The emulator's token endpoint: client credentials in, a token that stays the same for 24 hours out."""

import base64
import hashlib
import hmac
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec

from unihire.errors import ConfigError
from unihire.integration.emulate import Credentials, EmulatorResponse, Request
from unihire.integrations.personio.emulator.documented import (
    BAD_GRANT,
    BAD_SCOPE,
    COMPANY_ID,
    ERRORS_REFERENCE,
    MISSING_PARAMETERS,
    OTHER_GRANT_PREFIX,
    OTHER_GRANTS,
    SCOPES,
    UNKNOWN_CLIENT,
    UNSUPPORTED_GRANT,
    WRONG_CONTENT_TYPE,
    WRONG_SECRET,
    TokenProblem,
)
from unihire.kit.clock import Clock, to_text

TOKEN_LIFETIME = timedelta(hours=24)
FORM = "application/x-www-form-urlencoded"


RECRUITING_API_KEY = "recruiting_api_key"
"""The name of the credential of v1's recruiting paths."""


def make_credentials(seed: int, chosen: Credentials | None = None) -> Credentials:
    """The chosen credentials, or made-up ones in the form of the documents' examples; always with those of v1.

    The form of the recruiting API key is a guess. Raises ConfigError for a credential that there is not.
    """
    if chosen is None:
        client_id = f"papi-{UUID(bytes=_draw(seed, 'client id')[:16], version=4)}"
        chosen = Credentials(client_id, _make_secret(seed, "secret"))
    made = {RECRUITING_API_KEY: _draw(seed, "recruiting api key").hex()[:40], "company_id": COMPANY_ID}
    unknown = sorted(set(chosen.others) - set(made))
    if unknown:
        raise ConfigError(f"no credential {', '.join(unknown)}: there are {', '.join(made)}")
    others = {**made, **chosen.others}
    if others["company_id"] != COMPANY_ID or not others[RECRUITING_API_KEY]:
        raise ConfigError(f"company_id is {COMPANY_ID} here, and {RECRUITING_API_KEY} is not empty")
    return replace(chosen, others=others)


def _draw(seed: int, purpose: str) -> bytes:
    return hashlib.sha512(f"unihire sandbox {seed} {purpose}".encode()).digest()


def _make_secret(seed: int, purpose: str) -> str:
    return "papi-" + base64.urlsafe_b64encode(_draw(seed, purpose)).rstrip(b"=").decode()


class Token(NamedTuple):
    """A token that was handed out."""

    text: str
    scopes: frozenset[str]
    expires_at: datetime


class TokenRefusal(Exception):
    """The token request gets an OAuth error."""

    def __init__(self, problem: TokenProblem, meta: Mapping[str, Any] | None = None) -> None:
        super().__init__(problem.description)
        self.problem = problem
        self.meta = meta


class TokenEndpoint:
    """Hands out, checks and revokes tokens."""

    def __init__(self, credentials: Credentials, seed: int, clock: Clock, make_trace_id: Callable[[], str]) -> None:
        self._credentials = credentials
        self._seed = seed
        self._clock = clock
        self._make_trace_id = make_trace_id
        self._issued = 0
        self.clear()

    def clear(self) -> None:
        """Make every token worthless."""
        self._tokens: dict[str, Token] = {}

    def reset(self) -> None:
        self.clear()
        self._issued = 0

    def find_scopes(self, authorization: str) -> frozenset[str] | None:
        """The scopes behind an Authorization header; None when it has no token that is valid now."""
        scheme, _, text = authorization.partition(" ")
        token = self._tokens.get(text.strip())
        if scheme.lower() != "bearer" or token is None or token.expires_at <= self._clock.now():
            return None
        return token.scopes

    def hand_out(self, request: Request) -> EmulatorResponse:
        """POST /v2/auth/token. Every documented failure is a 400."""
        try:
            form = _read_form(request)
            token = self._get_token(self._check(form))
        except TokenRefusal as refusal:
            return self._explain(refusal)
        left = math.ceil((token.expires_at - self._clock.now()).total_seconds())
        return EmulatorResponse(
            200,
            msgspec.json.encode(
                {
                    "access_token": token.text,
                    "token_type": "Bearer",
                    "expires_in": left,
                    "scope": " ".join(scope for scope in SCOPES if scope in token.scopes),
                }
            ),
            "application/json",
        )

    def revoke(self, request: Request) -> EmulatorResponse:
        """POST /v2/auth/revoke: 200 without a body, for an unknown token too, as RFC 7009 asks."""
        try:
            form = _read_form(request)
            if not form.get("token"):
                raise TokenRefusal(MISSING_PARAMETERS, {"missing_parameters": ["token"]})
        except TokenRefusal as refusal:
            return self._explain(refusal)
        self._tokens.pop(form["token"], None)
        return EmulatorResponse(200)

    def _check(self, form: Mapping[str, str]) -> frozenset[str]:
        """The scopes to grant. The order of the checks follows the documented request and error pairs."""
        grant = form.get("grant_type")
        if not grant:
            raise TokenRefusal(MISSING_PARAMETERS, {"missing_parameters": ["grant_type"]})
        if grant != "client_credentials":
            if grant in OTHER_GRANTS or grant.startswith(OTHER_GRANT_PREFIX):
                raise TokenRefusal(UNSUPPORTED_GRANT, {"grant_type": grant})
            raise TokenRefusal(BAD_GRANT)
        missing = [name for name in ("client_id", "client_secret") if not form.get(name)]
        if "client_id" in missing:
            raise TokenRefusal(MISSING_PARAMETERS, {"missing_parameters": missing})
        if not is_same(form["client_id"], self._credentials.client_id):
            raise TokenRefusal(UNKNOWN_CLIENT)
        if missing:
            raise TokenRefusal(MISSING_PARAMETERS, {"missing_parameters": missing})
        if not is_same(form["client_secret"], self._credentials.client_secret):
            raise TokenRefusal(WRONG_SECRET)
        asked = frozenset(form.get("scope", "").split())
        if not asked <= set(SCOPES):
            raise TokenRefusal(BAD_SCOPE)
        return asked or frozenset(SCOPES)

    def _get_token(self, scopes: frozenset[str]) -> Token:
        """The token these scopes have, or a new one."""
        now = self._clock.now()
        self._tokens = {text: token for text, token in self._tokens.items() if token.expires_at > now}
        for token in self._tokens.values():
            if token.scopes == scopes:
                return token
        self._issued += 1
        token = Token(_make_secret(self._seed, f"token {self._issued}"), scopes, now + TOKEN_LIFETIME)
        self._tokens[token.text] = token
        return token

    def _explain(self, refusal: TokenRefusal) -> EmulatorResponse:
        problem = refusal.problem
        # The documented example for a wrong content type carries the link in `type`, the others in `error_uri`.
        link = "type" if problem is WRONG_CONTENT_TYPE else "error_uri"
        body: dict[str, Any] = {
            "error": problem.error,
            "error_description": problem.description,
            link: f"{ERRORS_REFERENCE}credentials.oauth2.{problem.link}",
            "timestamp": to_text(self._clock.now().replace(microsecond=0)),
            "trace_id": self._make_trace_id(),
        }
        if refusal.meta is not None:
            body["meta"] = refusal.meta
        return EmulatorResponse(400, msgspec.json.encode(body), "application/problem+json")


def _read_form(request: Request) -> dict[str, str]:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != FORM:
        raise TokenRefusal(WRONG_CONTENT_TYPE)
    return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))


def is_same(one: str, other: str) -> bool:
    """Whether two secrets are the same; how long it takes does not depend on where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())
