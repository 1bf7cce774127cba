"""Signing in for partners: a customer agrees, and the partner's client changes the code into tokens, and later anew."""

import hashlib
import hmac
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from unihire.integration.emulate import EmulatorResponse, Request, Row
from unihire.integrations.workable.emulator.api.tokens import SCOPES
from unihire.integrations.workable.emulator.rows.find import WorkableRows
from unihire.integrations.workable.emulator.rows.values import find_second
from unihire.kit.clock import Clock, to_text
from unihire.kit.nesting import decode_bounded

AUTHORIZE, TOKEN = "/oauth/authorize", "/oauth/token"
CODE_LIFETIME = 600
MOST_GRANTS = 1000
"""Codes and refresh tokens in memory; the oldest go first."""


class _Grant(NamedTuple):
    """What a code or a refresh token stands for; only a code has an address and an end."""

    scopes: tuple[str, ...]
    redirect_uri: str | None = None
    ends: int | None = None


class SigningIn:
    """Codes and refresh tokens work once. What is handed out is a row of `api_keys`."""

    def __init__(self, rows: WorkableRows, client: tuple[str, str], seed: int, clock: Clock, life: int) -> None:
        self._rows, self._client, self._seed, self._clock, self._life = rows, client, seed, clock, life
        self.reset()

    def reset(self) -> None:
        self._grants: dict[str, _Grant] = {}
        self._count = 0

    def answer(self, request: Request) -> EmulatorResponse | None:
        """None for what is no page of signing in."""
        if request.path == AUTHORIZE and request.method == "GET":
            return self._authorize(dict(request.query))
        if request.path == TOKEN and request.method == "POST":
            return self._hand_out(_read_form(request))
        return None

    def _authorize(self, asked: dict[str, str]) -> EmulatorResponse:
        """The customer agrees at once and is sent back with a code."""
        uri, scopes = asked.get("redirect_uri", ""), tuple(asked.get("scope", "").replace("+", " ").split())
        if asked.get("client_id") != self._client[0]:
            return _refuse(401, "invalid_client")
        if asked.get("response_type") != "code" or urlsplit(uri).scheme not in ("http", "https"):
            return _refuse(400, "invalid_request")
        answer = {"state": asked["state"]} if "state" in asked else {}
        if set(scopes) <= set(SCOPES):
            ends = self._rows.now() // 1000 + CODE_LIFETIME
            answer["code"] = self._store(_Grant(scopes or SCOPES, uri, ends))
        else:
            answer["error"] = "invalid_scope"
        sign = "&" if "?" in uri else "?"
        return EmulatorResponse(302, headers=[("location", f"{uri}{sign}{urlencode(answer)}")], route=AUTHORIZE)

    def _hand_out(self, form: dict[str, Any]) -> EmulatorResponse:
        client = f"{form.get('client_id')} {form.get('client_secret')}"
        if not hmac.compare_digest(client.encode("utf-8", "replace"), " ".join(self._client).encode()):
            return _refuse(401, "invalid_client")
        kind = form.get("grant_type")
        if kind not in ("authorization_code", "refresh_token"):
            return _refuse(400, "unsupported_grant_type")
        given = form.get("code" if kind == "authorization_code" else "refresh_token")
        grant = self._grants.pop(given, None) if isinstance(given, str) else None
        if grant is None or (grant.ends is not None) is not (kind == "authorization_code"):
            return _refuse(400, "invalid_grant")
        is_late = grant.ends is not None and grant.ends < self._rows.now() // 1000
        if is_late or form.get("redirect_uri", grant.redirect_uri) != (grant.redirect_uri or form.get("redirect_uri")):
            return _refuse(400, "invalid_grant")
        body: Row = {
            "access_token": self._make_token(grant.scopes),
            "token_type": "bearer",
            "expires_in": self._life,
            "refresh_token": self._store(_Grant(grant.scopes)),
            "scope": " ".join(grant.scopes),
        }
        return EmulatorResponse(200, msgspec.json.encode(body), "application/json", route=TOKEN)

    def _make_token(self, scopes: tuple[str, ...]) -> str:
        now = self._rows.now() / 1000
        for row in self._rows.list_all("api_keys"):
            ends = find_second(row.get("expires_at"))
            if row.get("kind") == "oauth" and ends is not None and ends <= now:
                self._rows.delete("api_keys", row["id"])
        text = self._draw("access")
        expires = to_text(self._clock.now() + timedelta(seconds=self._life))
        fields = {"title": "signed in", "token": text, "kind": "oauth", "scopes": list(scopes), "expires_at": expires}
        self._rows.create("api_keys", {**fields, "signs_with": self._client[1]})
        return text

    def _store(self, grant: _Grant) -> str:
        text = self._draw("code" if grant.ends is not None else "refresh")
        self._grants[text] = grant
        while len(self._grants) > MOST_GRANTS:
            del self._grants[next(iter(self._grants))]
        return text

    def _draw(self, use: str) -> str:
        self._count += 1
        return hashlib.blake2b(f"{use} {self._seed} {self._count}".encode(), digest_size=24).hexdigest()


def _read_form(request: Request) -> dict[str, Any]:
    """A form, or JSON, of which clients send either."""
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            body = decode_bounded(request.body)
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}
    return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))


def _refuse(status: int, error: str) -> EmulatorResponse:
    return EmulatorResponse(status, msgspec.json.encode({"error": error}), "application/json", route=TOKEN)
