"""What a save changed, as it is passed to the change log."""

from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum

import asyncpg
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


ChangeLog = Callable[[Connection, int, Sequence[Change]], Awaitable[None]]
"""Called with the changes of a connector, in feed order, at the end of the transaction that makes them."""

_NOT_CONTENT = {"id", "modified_at", "custom_fields", "raw_data"}


def name_fields(
    before: asyncpg.Record, *, body: bytes, raw: bytes, custom: bytes | None, more: bytes
) -> tuple[str, ...]:
    """The names of the fields in which a new version, as given, differs from `before`.

    If `before` was saved before `more` was stored, fields of `more` count as equal.
    """
    was, now = msgspec.json.decode(before["body"]), msgspec.json.decode(body)
    names = [name for name in {**was, **now} if name not in _NOT_CONTENT and was.get(name) != now.get(name)]
    if before["more"] is not None and before["more"] != more:
        was, now = msgspec.json.decode(before["more"]), msgspec.json.decode(more)
        names += [f"more.{name}" for name in {**was, **now} if was.get(name) != now.get(name)]
    if (before["custom"] or b"{}") != (custom or b"{}"):
        names.append("custom_fields")
    if before["raw"] != raw:
        names.append("raw_data")
    return tuple(names)
