"""API keys: what each may do and see. They are rows of the stream `api_keys`, so people can make more and change them.

Three are there from the start: one that may do everything, one that only reads, and one without the switches, to which
private fields, confidential jobs and acting for somebody are closed.
"""

import base64
import binascii
import hashlib
from typing import NamedTuple

from unihire.integration.emulate import Credentials, Request, Row
from unihire.integrations.ashby.emulator.api.envelope import Refused
from unihire.integrations.ashby.emulator.rows.find import AshbyRows
from unihire.integrations.ashby.emulator.rows.links import hash_text
from unihire.integrations.ashby.emulator.rows.show import View
from unihire.integrations.ashby.emulator.rows.values import list_texts, read_flag, read_text

MODULES = (
    "candidates", "jobs", "interviews", "organization", "offers", "hiringProcessMetadata", "approvals", "apiKeys",
    "reports", "notetaker",
)  # fmt: skip
READS = tuple(f"{module}:read" for module in MODULES)
PERMISSIONS = (*READS, *(f"{module}:write" for module in MODULES), "candidates:delete")
SWITCHES = ("confidential", "private", "history", "acting")
"""Confidential jobs and projects; private fields that are not of offers; updating the history; acting for a user."""

READ_KEY, PLAIN_KEY = "read_only_key", "plain_key"
_LEVELS = ("Read", "Write", "Delete")


def read_permission(text: str) -> str:
    """`candidatesRead` as keys have it: `candidates:read`."""
    for level in _LEVELS:
        if text.endswith(level):
            return f"{text.removesuffix(level)}:{level.lower()}"
    return text


def make_credentials(seed: int) -> Credentials:
    key = _make_key(seed, "everything")
    return Credentials("sandbox", key)


def complete_credentials(chosen: Credentials | None, seed: int) -> Credentials:
    """The client secret is the key; the client id is what the key is called."""
    found = chosen or make_credentials(seed)
    made = {"api_key": found.client_secret, READ_KEY: _make_key(seed, "reads"), PLAIN_KEY: _make_key(seed, "plain")}
    return Credentials(found.client_id, found.client_secret, {**made, **found.others, "api_key": found.client_secret})


def _make_key(seed: int, use: str) -> str:
    return hashlib.blake2b(f"{use} {seed}".encode(), digest_size=32).hexdigest()


def make_keys(credentials: Credentials, lacking: frozenset[str], created: str) -> list[Row]:
    """The keys there are at the start."""
    all_but = [permission for permission in PERMISSIONS if permission not in lacking]
    keys: tuple[tuple[str, str, list[str], list[str]], ...] = (
        (credentials.client_id, credentials.client_secret, all_but, list(SWITCHES)),
        ("reads", credentials.others[READ_KEY], list(READS), list(SWITCHES)),
        ("plain", credentials.others[PLAIN_KEY], list(PERMISSIONS), []),
    )
    return [
        {
            "title": title,
            "key": key,
            "permissions": permissions,
            "switches": switches,
            "isEnabled": True,
            "createdAt": created,
        }
        for title, key, permissions, switches in keys
    ]


class Caller(NamedTuple):
    """Who asks: the key, and the user it acts for."""

    key: Row
    user: Row | None

    def has_switch(self, name: str) -> bool:
        return name in list_texts(self.key, "switches")

    def make_view(self) -> View:
        return View(self.has_switch("private"), self.has_switch("confidential"))

    @property
    def actor_id(self) -> str:
        """The user it acts for; otherwise the key itself."""
        found: str = (self.user or self.key)["id"]
        return found


class Keys:
    """Finds the key of a request."""

    def __init__(self, rows: AshbyRows, keys: list[Row]) -> None:
        self._rows = rows
        self._known = {key["key"]: number for number, key in enumerate(keys, 1)}

    def get_caller(self, request: Request) -> Caller:
        """Raises Refused: 401 without a key, 403 with one that is wrong or switched off."""
        text = _read_key(request.headers.get("authorization", ""))
        if text is None:
            raise Refused("missing_api_key", "give an API key as the user name of Basic authentication", status=401)
        key = self._find(text)
        if key is None or not read_flag(key, "isEnabled"):
            raise Refused("invalid_api_key", "this API key is unknown or switched off", status=403)
        return Caller(key, self._find_user(request, key))

    def _find(self, text: str) -> Row | None:
        stream = self._rows.streams["api_keys"]
        numbers = [self._known[text]] if text in self._known else stream.find_linked("_key", hash_text(text))
        for number in numbers:
            row = stream.find(number)
            if row is not None and row.get("key") == text:
                return row
        return None

    def _find_user(self, request: Request, key: Row) -> Row | None:
        given = request.headers.get("x-on-behalf-of")
        if given is None:
            return None
        if "acting" not in list_texts(key, "switches"):
            raise Refused("missing_endpoint_permission", "this key may not act for users", status=403)
        user = self._rows.find("users", given.strip().lower())
        if user is None or not read_flag(user, "isEnabled"):
            raise Refused("user_not_found", "nobody to act for has this id")
        return user


def check_permission(key: Row, permission: str | None) -> None:
    """Raises Refused: 403 with a code of its own."""
    if permission is not None and permission not in list_texts(key, "permissions"):
        raise Refused("missing_endpoint_permission", f"this key lacks {permission}", status=403)


def _read_key(header: str) -> str | None:
    """The user name; the password is ignored."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return text.partition(":")[0] or None


def show_key(key: Row) -> Row:
    return {
        "title": read_text(key, "title"),
        "createdAt": key.get("createdAt"),
        "scopes": list_texts(key, "permissions"),
    }
