"""Cursors and sync tokens: opaque texts that say where a list goes on.

A cursor is bound to the list and its filters, a sync token to the list. Neither is stored: each has a check that only
this sandbox can make. A token has the count of changes at which the reading began that gave it out.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec

from unihire.integrations.ashby.emulator.api.envelope import Refused, refuse_input
from unihire.kit.clock import Clock, to_micros

T = TypeVar("T")

MOST_ROWS = 100
STRANGER = "https://stranger.example.com/?cursor="
"""What a cursor begins with that looks like a link to another host: it is as opaque as any."""
NOT_FILTERS = frozenset(("cursor", "syncToken", "limit"))


class PageRequest(NamedTuple):
    """Where a list goes on."""

    limit: int
    upto: int | None
    """The greatest number still to come; None at the start."""
    since: int | None
    """The count of changes of the sync token; None reads everything."""
    began: int
    """The count of changes when the reading began."""
    page: int
    """1 is the first."""


class _Place(msgspec.Struct, array_like=True):
    """What a cursor has in it."""

    bound: str
    upto: int
    since: int | None
    count: int
    page: int
    issued: int


class _Token(msgspec.Struct, array_like=True):
    """What a sync token has in it."""

    bound: str
    count: int
    issued: int
    era: int


class Pages:
    """Reads and makes cursors and sync tokens."""

    def __init__(self, seed: int, clock: Clock, options: Mapping[str, str]) -> None:
        self._seed, self._clock = seed, clock
        self._cursor_life = int(options["cursor_minutes"]) * 60
        self._token_life = int(options["sync_token_days"]) * 86400
        self._most_pages = int(options["sync_pages"])
        self.reset()

    def reset(self) -> None:
        self._era = 0

    def expire(self) -> None:
        """Make every sync token that was handed out worthless."""
        self._era += 1

    def read(self, name: str, body: Mapping[str, Any], count: int, owner: str = "") -> PageRequest:
        """Raises Refused for a page that is too large, a cursor or token that is wrong, used up or too old."""
        limit = body.get("limit", MOST_ROWS)
        if not 1 <= limit <= MOST_ROWS:
            raise refuse_input(f"limit must be from 1 to {MOST_ROWS}", "limit")
        cursor, token = body.get("cursor"), body.get("syncToken")
        if cursor:
            place = self._read_cursor(name, body, cursor)
            if place.since is not None and self._most_pages and place.page > self._most_pages:
                raise Refused("incremental_sync_too_large", "too much changed since this sync token: read everything")
            return PageRequest(limit, place.upto, place.since, place.count, place.page)
        since = self._read_token(name, token, count, owner) if token else None
        return PageRequest(limit, None, since, count, 1)

    def _read_cursor(self, name: str, body: Mapping[str, Any], cursor: str) -> _Place:
        try:
            place = self._open(cursor.removeprefix(STRANGER), _Place)
        except ValueError:
            raise Refused("cursor_invalid", "this cursor was not handed out here") from None
        if place.bound != _bind(name, body):
            raise Refused("invalid_next_cursor", "this cursor is of another list, or of other filters")
        if self._cursor_life and self._now() - place.issued > self._cursor_life:
            raise Refused("next_cursor_expired", "this cursor is too old: begin again")
        return place

    def _read_token(self, name: str, token: str, count: int, owner: str) -> int:
        try:
            found = self._open(token, _Token)
        except ValueError:
            raise Refused("sync_token_invalid", "this sync token was not handed out here") from None
        if found.bound != _hash(f"{name} {owner}"):
            raise Refused("sync_token_invalid", "this sync token is of another list")
        is_old = self._token_life and self._now() - found.issued > self._token_life
        if is_old or found.era < self._era or found.count > count:
            raise Refused("sync_token_expired", "this sync token is too old: read everything")
        return found.count

    def make_cursor(self, name: str, body: Mapping[str, Any], page: PageRequest, upto: int) -> str:
        place = _Place(_bind(name, body), upto, page.since, page.began, page.page + 1, self._now())
        return self._seal(place)

    def make_token(self, name: str, page: PageRequest, owner: str = "") -> str:
        return self._seal(_Token(_hash(f"{name} {owner}"), page.began, self._now(), self._era))

    def _now(self) -> int:
        return to_micros(self._clock.now()) // 1_000_000

    def _seal(self, value: msgspec.Struct) -> str:
        raw = msgspec.json.encode(value)
        return base64.urlsafe_b64encode(self._sign(raw) + raw).decode().rstrip("=")

    def _open(self, text: str, type_: type[T]) -> T:
        try:
            raw = base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
        except binascii.Error:
            raise ValueError("no base64") from None
        if raw[:6] != self._sign(raw[6:]):
            raise ValueError("not ours")
        return msgspec.json.decode(raw[6:], type=type_)

    def _sign(self, raw: bytes) -> bytes:
        return hashlib.blake2b(raw, key=f"pages {self._seed}".encode()[:64], digest_size=6).digest()


def _bind(name: str, body: Mapping[str, Any]) -> str:
    filters = {key: value for key, value in body.items() if key not in NOT_FILTERS}
    return _hash(f"{name} {msgspec.json.encode(filters, order='deterministic')!r}")


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=5).hexdigest()
