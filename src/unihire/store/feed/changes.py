"""What a save changed, as the change log is given it."""

from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum

import asyncpg
import msgspec

from unihire.store import Connection


class ChangeKind(StrEnum):
    """What became of a record. One that was deleted and is there again is created."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"


class Change(msgspec.Struct, frozen=True, gc=False):
    """A record's change, with its place in the feed; of an update the names of the fields that differ.

    Those that only richer faces show are named `more.x`. `raw_data` and `custom_fields` are among them; an update of
    which nothing but the vendor's row differs has only `raw_data`.
    """

    kind: ChangeKind
    seq: int
    model: int
    id: str
    fields: tuple[str, ...] = ()


ChangeLog = Callable[[Connection, int, Sequence[Change]], Awaitable[None]]
"""Takes the changes of a connector in feed order, at the end of the transaction that makes them and within it."""

_NOT_CONTENT = {"id", "modified_at", "custom_fields", "raw_data"}


def name_fields(
    before: asyncpg.Record, *, body: bytes, raw: bytes, custom: bytes | None, more: bytes
) -> tuple[str, ...]:
    """The names of the fields in which a new version differs from `before`, which has what is given of the new one.

    Of one that was saved before `more` was stored, nothing of that is known to differ.
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
