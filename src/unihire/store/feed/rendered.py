"""A record ready to save, and the form in which its body is stored."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b

import msgspec

NOTHING = b"{}"
"""`more` of a record without extended fields."""

CONTENT_BYTES = 16
"""The first CONTENT_BYTES of a fingerprint cover members and row. The last eight cover `more`, and have a column of
their own, because earlier versions of this program compare only the first."""

EMPTY_ENDING = b',"custom_fields":null,"raw_data":null}'
"""How every stored body ends; the reader replaces it by the custom fields and the row that were requested."""

MEMBERS_AT = len(b'{"id":"12345678-1234-1234-1234-123456789012","modified_at":"2026-01-31T09:30:00.000001Z",')
"""Where in a stored body the members begin."""


class Rendered(msgspec.Struct, frozen=True, gc=False):
    """A record ready to save."""

    id: str
    model: int
    remote_id: str

    fingerprint: bytes
    """CONTENT_BYTES over members and row, then eight bytes over `more`."""

    keys: Sequence[int]
    """The hashed values by which it is found: filters, and the rows it is made of or related to."""

    members: bytes
    """Its body's JSON between modified_at and the ending."""

    raw: bytes
    """The vendor's row, or the part of it."""

    custom: bytes | None = None
    """A JSON object: its custom fields."""

    words: bytes | None = None
    """A JSON object: for each normalised field the vendor's own word."""

    is_volatile: bool = False
    """Its changing texts (signed links, store/volatile.py) were taken out. They are in `volatile_texts`."""

    row_id: str = ""
    """The vendor's id of the row the record was made of."""

    is_shared: bool = False
    """Other rows may contain it too."""

    volatile_texts: bytes | None = None
    """None if there are none."""

    ends_at: datetime | None = None
    """The earliest known expiry of its volatile texts; None if that of any is not known."""

    more: bytes = NOTHING
    """A JSON object: the fields that the native API does not have and other API faces do (decision 31)."""


begin_content = blake2b(digest_size=CONTENT_BYTES).copy
"""Begins the digest of a record's members, a JSON object, and its row: the first part of its fingerprint."""


def compose_body(record: Rendered, modified_at: bytes) -> bytes:
    """A record's body as it is stored."""
    return b'{"id":"%b","modified_at":"%b",%b%b' % (record.id.encode(), modified_at, record.members, EMPTY_ENDING)
