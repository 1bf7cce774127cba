"""Ids that are derived, and tokens that are drawn."""

import hashlib
import secrets
import time
from uuid import UUID

_VARIANTS = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
"""The digit of a UUID that also encodes its variant, by the hash's own digit there."""


class DerivedIds:
    """Version-5 UUIDs under one namespace and prefix: the same name gives the same id, always.

    Equal to `uuid.uuid5(namespace, prefix + name)`, at a fraction of its cost: the hash of the
    fixed part is computed once and only the name is added.
    """

    __slots__ = ("_start",)

    def __init__(self, namespace: UUID, prefix: str) -> None:
        # SHA-1 is what RFC 9562 prescribes for version 5; no secret depends on it.
        self._start = hashlib.sha1(namespace.bytes + prefix.encode(), usedforsecurity=False)

    def text(self, name: str) -> str:
        """The id in its 36-character form."""
        digest = self._start.copy()
        digest.update(name.encode())
        hexes = digest.hexdigest()
        return f"{hexes[:8]}-{hexes[8:12]}-5{hexes[13:16]}-{_VARIANTS[hexes[16]]}{hexes[17:20]}-{hexes[20:32]}"


def new_ordered_id() -> UUID:
    """A version-7 UUID (RFC 9562): after those that were made before, by this machine's clock.

    The twelve bits after the milliseconds are their fraction (section 6.2, method 3): ids that one task makes in turn
    are in this order. 62 bits are random.
    """
    millis, nanos = divmod(time.time_ns(), 1_000_000)
    return _make_version_7(millis, nanos * 4096 // 1_000_000 << 68 | secrets.randbits(62))


def make_ordered_id(micros: int) -> UUID:
    """The first of the ids that `new_ordered_id` makes so many microseconds after 1970; before, the first of all."""
    return _make_version_7(max(0, micros // 1000), 0)


def _make_version_7(millis: int, random: int) -> UUID:
    return UUID(int=millis << 80 | 7 << 76 | (random >> 68 & 0xFFF) << 64 | 2 << 62 | random & (1 << 62) - 1)


def new_token(size: int = 48) -> str:
    """A url-safe secret drawn from `size` random bytes."""
    return secrets.token_urlsafe(size)


def hash_token(token: str) -> bytes:
    """What is stored of a token: SHA-256, enough because tokens carry 256 random bits or more."""
    return hashlib.sha256(token.encode()).digest()
