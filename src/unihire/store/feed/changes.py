"""What a save changed, as it is passed to the change log."""

from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from enum import StrEnum
from uuid import UUID

import msgspec

from unihire.store import Connection


class ChangeKind(StrEnum):
    """What happened to a record. One that was deleted and came again is created."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"


class Change(msgspec.Struct, frozen=True, gc=False):
    """A record's change, with its position in the feed; of an update the names of the fields that differ.

    Fields outside the native API are named `more.x`. `raw_data` and `custom_fields` count as fields: if only the
    vendor's row differs, `fields` is `raw_data` alone.
    """

    kind: ChangeKind
    seq: int
    model: int
    id: str
    fields: tuple[str, ...] = ()


CAUSE: ContextVar[UUID | None] = ContextVar("CAUSE", default=None)
"""The write through the unified API whose rows are being read back."""

ChangeLog = Callable[[Connection, int, Sequence[Change]], Awaitable[None]]
"""Called with the changes of a connector, in feed order, at the end of the transaction that makes them."""
