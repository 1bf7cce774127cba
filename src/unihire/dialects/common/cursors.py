"""Cursors: a place in one list, opaque to the reader."""

import base64
import binascii
import struct
from hashlib import blake2b
from uuid import UUID

_PLACE = struct.Struct(">q8s")

CURSOR_PATTERN = "^([A-Za-z0-9_-]{22})?$"
"""What `write_cursor` gives, or nothing."""


def write_cursor(connector: UUID, model: str, seq: int) -> str:
    """The cursor that goes on after `seq` in that list. It stays good: a reader may keep it for later."""
    return base64.urlsafe_b64encode(_PLACE.pack(seq, _mark(connector, model, seq))).rstrip(b"=").decode()


def read_cursor(connector: UUID, model: str, cursor: str) -> int | None:
    """The place a cursor names; None where it is not one of ours or belongs to another list."""
    try:
        packed = base64.b64decode(cursor.rstrip("=") + "==", altchars=b"-_", validate=True)
        seq, mark = _PLACE.unpack(packed)
    except (binascii.Error, struct.error, ValueError):
        return None
    return seq if mark == _mark(connector, model, seq) else None


def _mark(connector: UUID, model: str, seq: int) -> bytes:
    """Ties a place to its list. A check, not a secret: a forged cursor reaches nothing its owner could not read."""
    return blake2b(f"{model}\0{seq}".encode(), digest_size=8, key=connector.bytes).digest()
