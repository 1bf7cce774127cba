"""Who asks: an API key, or a token that an app got for a user.

Keys are rows of the stream `api_keys`, so people can make more and change them. Three are there from the start: one
that may do everything, one that only reads, and one that does not see what is confidential.
"""

import base64
import binascii
import hashlib
from typing import NamedTuple

from unihire.integration.emulate import Credentials, Request, Row
from unihire.integrations.lever.emulator.api.answers import Refused
from unihire.integrations.lever.emulator.api.tokens import Tokens
from unihire.integrations.lever.emulator.rows.find import LeverRows
from unihire.integrations.lever.emulator.rows.ids import make_id
from unihire.integrations.lever.emulator.rows.values import list_texts

RESOURCES = (
    "applications", "archive_reasons", "contact", "eeo_responses", "eeo_responses_pii", "feedback",
    "feedback_templates", "files", "forms", "form_templates", "interviews", "notes", "offers", "opportunities",
    "panels", "postings", "referrals", "requisitions", "requisition_fields", "resumes", "sources", "stages", "tags",
    "uploads", "users", "webhooks",
)  # fmt: skip
CONFIDENTIAL = "confidential:access:admin"
READS = tuple(f"{name}:read:admin" for name in RESOURCES)
WRITES = tuple(f"{name}:write:admin" for name in RESOURCES)
EVERYTHING = (*READS, *WRITES, CONFIDENTIAL)
READ_KEY, PLAIN_KEY = "read_only_key", "plain_key"
UNAUTHORIZED = "The request requires authentication."


def _make_key(seed: int, use: str) -> str:
    return hashlib.blake2b(f"lever {use} {seed}".encode(), digest_size=24).hexdigest()


def complete_credentials(chosen: Credentials | None, seed: int) -> Credentials:
    """The client secret is the first key, and the secret of the app."""
    found = chosen or Credentials("sandbox", _make_key(seed, "everything"))
    made = {READ_KEY: _make_key(seed, "reads"), PLAIN_KEY: _make_key(seed, "plain"), "perform_as": make_id("users", 1)}
    return Credentials(found.client_id, found.client_secret, {**made, **found.others, "api_key": found.client_secret})


def make_keys(credentials: Credentials, lacking: frozenset[str]) -> list[Row]:
    """The keys there are at the start; the first lacks these permissions."""
    keys: tuple[tuple[str, str, list[str]], ...] = (
        (credentials.client_id, credentials.client_secret, [one for one in EVERYTHING if one not in lacking]),
        ("reads", credentials.others[READ_KEY], [*READS, CONFIDENTIAL]),
        ("plain", credentials.others[PLAIN_KEY], [*READS, *WRITES]),
    )
    return [
        {"title": title, "key": key, "permissions": permissions, "isEnabled": True} for title, key, permissions in keys
    ]


class Caller(NamedTuple):
    """Who asks, and for whom."""

    id: str
    permissions: frozenset[str]
    user: str | None = None
    """The user an app acts for."""

    @property
    def sees_confidential(self) -> bool:
        return CONFIDENTIAL in self.permissions

    def check(self, permission: str) -> None:
        """Raises Refused."""
        if permission not in self.permissions:
            raise Refused(403, f"This credential lacks {permission}.")


class Keys:
    """Finds who asks."""

    def __init__(self, rows: LeverRows, keys: list[Row], tokens: Tokens) -> None:
        self._rows, self._tokens = rows, tokens
        self._known = {key["key"]: number for number, key in enumerate(keys, 1)}

    def get_caller(self, request: Request) -> Caller:
        """Raises Refused: 401 without a key, and with one that is wrong or switched off."""
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            grant = self._tokens.find(text.strip())
            if grant is not None:
                return Caller(f"app {grant.user}", frozenset(grant.scope.split()), grant.user)
        elif scheme.lower() == "basic":
            key = _read_user_name(text)
            row = None if key is None else self._rows.find_key(key, self._known.get(key))
            if row is not None and row.get("isEnabled") is True:
                return Caller(row["id"], frozenset(list_texts(row, "permissions")))
        raise Refused(401, UNAUTHORIZED)


def _read_user_name(encoded: str) -> str | None:
    """The user name of Basic authentication; the password is ignored."""
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return text.partition(":")[0] or None
