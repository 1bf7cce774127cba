"""OAuth for apps: a code, then an access token of an hour, and a refresh token that works once.

Whoever asks consents at once. The scopes are those that were asked for.
"""

import hashlib
import re
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

import msgspec

from unihire.integration.emulate import Credentials, EmulatorResponse, Request
from unihire.integrations.lever.emulator.api.answers import JSON
from unihire.kit.clock import Clock, to_micros

AUTHORIZE, TOKEN = "/authorize", "/oauth/token"
AUDIENCES = ("https://api.lever.co/v1/", "https://api.sandbox.lever.co/v1/")
CODE_SECONDS, ACCESS_SECONDS = 600, 3600
IDLE_SECONDS, REFRESH_SECONDS = 90 * 86400, 365 * 86400
MOST_GRANTS = 10_000
_ADDRESS = re.compile(r"https?://[!-~]{1,2000}", re.ASCII)


class Grant(NamedTuple):
    """What was handed out: a code, an access token or a refresh token."""

    kind: str
    user: str
    scope: str
    expires_at: int
    """In seconds."""
    redirect_uri: str = ""
    began_at: int = 0
    """When the user consented, in seconds."""


class Tokens:
    """Hands out codes and tokens, and knows them again."""

    def __init__(self, credentials: Credentials, user: str, seed: int, clock: Clock) -> None:
        self._credentials, self._user, self._seed, self._clock = credentials, user, seed, clock
        self.reset()

    def reset(self) -> None:
        self._grants: dict[str, Grant] = {}
        self._count = 0

    def expire(self) -> None:
        """Access tokens alone: an app gets another one with its refresh token."""
        self._grants = {text: grant for text, grant in self._grants.items() if grant.kind != "access"}

    def find(self, text: str, kind: str = "access") -> Grant | None:
        grant = self._grants.get(text)
        return grant if grant is not None and grant.kind == kind and grant.expires_at > self._now() else None

    def authorize(self, request: Request) -> EmulatorResponse:
        """Back to the app, with a code or with what is wrong."""
        query = dict(request.query)
        redirect_uri = query.get("redirect_uri", "")
        if query.get("client_id") != self._credentials.client_id or not _ADDRESS.fullmatch(redirect_uri):
            return _refuse(400, "invalid_request", "client_id or redirect_uri is unknown", AUTHORIZE)
        found: dict[str, str] = {}
        if query.get("response_type") != "code":
            found = {"error": "unsupported_response_type"}
        elif query.get("audience") not in AUDIENCES:
            found = {"error": "access_denied", "error_description": "audience is missing or unknown"}
        else:
            now = self._now()
            grant = Grant("code", self._user, query.get("scope", ""), now + CODE_SECONDS, redirect_uri, now)
            found = {"code": self._keep(grant)}
        if "state" in query:
            found["state"] = query["state"]
        sign = "&" if "?" in redirect_uri else "?"
        location = f"{redirect_uri}{sign}{urlencode(found)}"
        return EmulatorResponse(302, headers=[("location", location)], route=AUTHORIZE)

    def exchange(self, request: Request) -> EmulatorResponse:
        """A code or a refresh token for an access token; either works once."""
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        own = (self._credentials.client_id, self._credentials.client_secret)
        if (form.get("client_id"), form.get("client_secret")) != own:
            return _refuse(401, "access_denied", "Unauthorized", TOKEN)
        kind = {"authorization_code": "code", "refresh_token": "refresh"}.get(form.get("grant_type", ""))
        if kind is None:
            return _refuse(400, "unsupported_grant_type", "authorization_code or refresh_token", TOKEN)
        text = form.get("code" if kind == "code" else "refresh_token", "")
        grant = self.find(text, kind)
        if grant is None or (kind == "code" and form.get("redirect_uri") != grant.redirect_uri):
            return _refuse(403, "invalid_grant", f"unknown, used or expired {kind}", TOKEN)
        del self._grants[text]
        now = self._now()
        body = {
            "access_token": self._keep(grant._replace(kind="access", expires_at=now + ACCESS_SECONDS)),
            "scope": grant.scope,
            "expires_in": ACCESS_SECONDS,
            "token_type": "Bearer",
        }
        if "offline_access" in grant.scope.split():
            until = min(now + IDLE_SECONDS, grant.began_at + REFRESH_SECONDS)
            body["refresh_token"] = self._keep(grant._replace(kind="refresh", expires_at=until))
        return EmulatorResponse(200, msgspec.json.encode(body), JSON, route=TOKEN)

    def _keep(self, grant: Grant) -> str:
        self._count += 1
        text = hashlib.blake2b(f"{grant.kind} {self._seed} {self._count}".encode(), digest_size=24).hexdigest()
        while len(self._grants) >= MOST_GRANTS:
            del self._grants[next(iter(self._grants))]
        self._grants[text] = grant
        return text

    def _now(self) -> int:
        return to_micros(self._clock.now()) // 1_000_000


def _refuse(status: int, error: str, description: str, route: str) -> EmulatorResponse:
    body = {"error": error, "error_description": description}
    return EmulatorResponse(status, msgspec.json.encode(body), JSON, route=route)
