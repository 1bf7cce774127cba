"""Sealing of secrets at rest: AES-256-GCM under keys the operator has."""

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from unihire.errors import ConfigError

KEY_BYTES = 32
_NONCE_BYTES = 12
MARK_BYTES = 4
"""At the beginning of a sealed value: which key it was sealed under."""


def new_key() -> str:
    """A fresh key in the form the settings take: url-safe base64 of 32 random bytes."""
    return base64.urlsafe_b64encode(os.urandom(KEY_BYTES)).decode()


def _decode_key(text: str) -> bytes:
    try:
        key = base64.urlsafe_b64decode(text.strip())
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigError("an encryption key must be url-safe base64 of 32 bytes; `unihire keys seal` makes one")
    return key


class Sealer:
    """Seals with the first key and opens with any: add a new key in front to rotate.

    A sealed value is mark (4 bytes, which key) + nonce (12) + ciphertext and tag. `context` binds it to
    its place (a connector's id, say), so a value copied into another row does not open.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ConfigError("no encryption key: set UNIHIRE_ENCRYPTION_KEYS")
        self._ciphers: dict[bytes, AESGCM] = {}
        for text in keys:
            key = _decode_key(text)
            self._ciphers[hashlib.sha256(key).digest()[:MARK_BYTES]] = AESGCM(key)
        self._current = next(iter(self._ciphers))

    @property
    def marks(self) -> frozenset[bytes]:
        """How values sealed under its keys begin."""
        return frozenset(self._ciphers)

    @property
    def current(self) -> bytes:
        """How values it seals begin: the mark of the newest key."""
        return self._current

    def seal(self, plain: bytes, context: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return self._current + nonce + self._ciphers[self._current].encrypt(nonce, plain, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Raises ConfigError when no configured key fits or the value was altered."""
        mark, nonce = sealed[:MARK_BYTES], sealed[MARK_BYTES : MARK_BYTES + _NONCE_BYTES]
        cipher = self._ciphers.get(mark)
        if cipher is None:
            raise ConfigError("a stored secret was sealed under a key that UNIHIRE_ENCRYPTION_KEYS no longer contains")
        try:
            return cipher.decrypt(nonce, sealed[MARK_BYTES + _NONCE_BYTES :], context)
        except (InvalidTag, ValueError) as error:  # ValueError: cut too short for a nonce
            raise ConfigError("a stored secret does not open: it was altered or moved") from error
