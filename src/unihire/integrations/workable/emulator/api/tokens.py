"""Tokens: whose they are, what each may do, and when it ends. They are rows of the stream `api_keys`."""

import hashlib

from unihire.integration.emulate import Credentials, Request, Row
from unihire.integrations.workable.emulator.api.calls import Refused
from unihire.integrations.workable.emulator.rows.find import WorkableRows
from unihire.integrations.workable.emulator.rows.ids import make_id
from unihire.integrations.workable.emulator.rows.values import find_second, list_texts, read_text

SCOPES = (
    "r_jobs", "r_candidates", "w_candidates", "r_requisitions", "w_requisitions", "r_offers", "w_offers", "r_account",
    "w_account",
)  # fmt: skip
READING = [scope for scope in SCOPES if scope.startswith("r_")]
WIDE = ("partner", "oauth")
"""Kinds of tokens with the higher limit; the others are `account` and `user`."""


def complete_credentials(chosen: Credentials | None, seed: int, subdomain: str) -> Credentials:
    """The client secret is the account's token, and the client id what it is called."""
    found = chosen or Credentials("sandbox", _make_token(seed, "account"))
    made = {
        "read_only_token": _make_token(seed, "reads"),
        "partner_token": _make_token(seed, "partner"),
        "user_token": _make_token(seed, "user"),
        "oauth_client_id": "sandbox-partner",
        "oauth_client_secret": _make_token(seed, "partner's client"),
        **found.others,
    }
    own = {"api_token": found.client_secret, "subdomain": subdomain}
    return Credentials(found.client_id, found.client_secret, {**made, **own})


def _make_token(seed: int, use: str) -> str:
    return hashlib.blake2b(f"token {use} {seed}".encode(), digest_size=24).hexdigest()


def make_keys(credentials: Credentials) -> list[Row]:
    """The tokens there are at the start."""
    others = credentials.others
    keys = (
        (credentials.client_id, credentials.client_secret, "account", list(SCOPES)),
        ("reads", others["read_only_token"], "account", READING),
        ("partner", others["partner_token"], "partner", list(SCOPES)),
        ("user", others["user_token"], "user", list(SCOPES)),
    )
    return [
        {
            "title": title,
            "token": token,
            "kind": kind,
            "scopes": scopes,
            "member_id": make_id("members", 1) if kind == "user" else None,
            "isEnabled": True,
            "expires_at": None,
        }
        for title, token, kind, scopes in keys
    ]


class Tokens:
    """Finds the token of a request."""

    def __init__(self, rows: WorkableRows, keys: list[Row], expired: str) -> None:
        self._rows, self._expired = rows, expired
        self._known = {key["token"]: number for number, key in enumerate(keys, 1)}

    def get_token(self, request: Request) -> Row:
        """Raises Refused, 401: by name where it was good and its time is over."""
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        row = self._find(text.strip()) if scheme.lower() == "bearer" else None
        if row is None or row.get("isEnabled") is not True:
            raise Refused(401, "Not authorized")
        ends = find_second(row.get("expires_at"))
        if ends is not None and ends * 1000 <= self._rows.now():
            raise Refused(401, "Token expired" if self._expired == "named" else "Not authorized")
        return row

    def _find(self, text: str) -> Row | None:
        number, stream = self._known.get(text), self._rows.streams["api_keys"]
        if number is not None and not stream.is_touched(number):
            return stream.find(number)
        found = self._rows.find_by_text("api_keys", "_token", text)
        return next((row for row in found if row.get("token") == text), None)

    def expire(self) -> None:
        """What was handed out by signing in is worthless; tokens made in the settings are not handed out."""
        for row in self._rows.list_all("api_keys"):
            if row.get("kind") == "oauth":
                self._rows.change("api_keys", row["id"], {"isEnabled": False})


def check_scope(token: Row, scope: str | None) -> None:
    """Raises Refused, 403."""
    if scope is not None and scope not in list_texts(token, "scopes"):
        raise Refused(403, "Forbidden")


def is_wide(token: Row) -> bool:
    return read_text(token, "kind") in WIDE
