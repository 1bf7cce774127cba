"""Places in the change log as text: opaque to the reader, who may store one for as long as the log reaches back."""

import base64
import binascii
import struct
from hashlib import blake2b
from uuid import UUID

from unihire.store.events.eras import Era
from unihire.store.events.order import LogPlace

_PLACE = struct.Struct(">IIQIQ")
_MARK_BYTES = 8

TEXT_PATTERN = "[A-Za-z0-9_-]{48}"
"""What `write_place` gives."""


def write_place(organisation: UUID, environment: str, era: Era, place: LogPlace) -> str:
    """The text of a place in the log of an organisation's environment."""
    packed = _PLACE.pack(*era, *place)
    return base64.urlsafe_b64encode(packed + _mark(organisation, environment, packed)).decode()


def read_place(organisation: UUID, environment: str, text: str) -> tuple[Era, LogPlace] | None:
    """The place a text names; None where it is not one of ours, or is of another organisation or environment."""
    try:
        read = base64.b64decode(text, altchars=b"-_", validate=True)
        packed, mark = read[:-_MARK_BYTES], read[-_MARK_BYTES:]
        epoch, token, xid, connector, seq = _PLACE.unpack(packed)
    except (binascii.Error, struct.error, ValueError):
        return None
    place = LogPlace(xid, connector, seq)
    is_ours = mark == _mark(organisation, environment, packed) and max(xid, seq) < 2**63 and connector < 2**31
    return (Era(epoch, token), place) if is_ours else None


def _mark(organisation: UUID, environment: str, packed: bytes) -> bytes:
    """Ties a place to its log. A check, not a secret: a forged one reaches nothing its owner could not read."""
    return blake2b(environment.encode() + packed, digest_size=_MARK_BYTES, key=organisation.bytes).digest()
