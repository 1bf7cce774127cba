"""Cursors: a place in one list, opaque to the reader."""

import base64
import binascii
import struct
from hashlib import blake2b
from uuid import UUID

_PLACE = struct.Struct(">q8s")

CURSOR_PATTERN = "^([A-Za-z0-9_-]{22})?$"
"""What `write_cursor` gives, or nothing."""

ANY_CURSOR_PATTERN = "^([A-Za-z0-9_-]{22,60})?$"
"""What `write_cursor` or `write_moment_cursor` gives, or nothing."""


def write_cursor(connector: UUID, model: str, seq: int) -> str:
    """The cursor that goes on after `seq` in that list. It does not expire."""
    return base64.urlsafe_b64encode(_PLACE.pack(seq, _mark(connector, model, seq))).rstrip(b"=").decode()


def read_cursor(connector: UUID, model: str, cursor: str) -> int | None:
    """The place a cursor names; None where it is not one of ours or belongs to another list."""
    try:
        seq, mark = _PLACE.unpack(_decode(cursor.rstrip("=") + "=="))
    except (struct.error, ValueError):
        return None
    return seq if mark == _mark(connector, model, seq) else None


def write_moment_cursor(connector: UUID, model: str, order: str, place: tuple[str, int]) -> str:
    """The cursor of a list in the order of a moment, the field `order`; it continues after a moment and a position."""
    moment, seq = place
    mark = _mark(connector, _name_order(model, order, moment), seq)
    return base64.urlsafe_b64encode(_PLACE.pack(seq, mark) + moment.encode()).rstrip(b"=").decode()


def read_moment_cursor(connector: UUID, model: str, order: str, cursor: str) -> tuple[str, int] | None:
    """The moment and the position a cursor names; None where it is not one of ours or belongs to another list."""
    text = cursor.rstrip("=")
    try:
        packed = _decode(text + "=" * (-len(text) % 4))
        seq, mark = _PLACE.unpack_from(packed)
        moment = packed[_PLACE.size :].decode("ascii")
    except (struct.error, ValueError):
        return None
    return (moment, seq) if mark == _mark(connector, _name_order(model, order, moment), seq) else None


def _decode(text: str) -> bytes:
    """Raises ValueError for what is no base64 in the alphabet of addresses. The library's own looks at it twice."""
    if "+" in text or "/" in text:
        raise ValueError("the other alphabet")
    return binascii.a2b_base64(text.replace("-", "+").replace("_", "/"), strict_mode=True)


def _name_order(model: str, order: str, moment: str) -> str:
    return f"{model}\0{order}\0{moment}"


def _mark(connector: UUID, model: str, seq: int) -> bytes:
    """Ties a place to its list. A check, not a secret: a forged cursor reaches nothing its owner could not read."""
    return blake2b(f"{model}\0{seq}".encode(), digest_size=8, key=connector.bytes).digest()
