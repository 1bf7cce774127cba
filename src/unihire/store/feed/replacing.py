"""Old versions of records: deleted, and compared with the new ones to name the fields that changed.

Call everything here with the feed locked.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import asyncpg
import msgspec
from msgspec.structs import astuple

from unihire.model import MODELS
from unihire.store import Connection
from unihire.store.feed.rendered import CONTENT_BYTES, EMPTY_ENDING, MEMBERS_AT, NOTHING, Rendered, begin_content

Replaced = tuple[Rendered, asyncpg.Record]
"""A new version, and what FIND_STORED returned of the old one: its fingerprint and the length of its row."""

WHOLE_BYTES = CONTENT_BYTES + 8
"""The length of a fingerprint that covers `more`."""

# Delete old versions of records.
DELETE_VERSIONS = "DELETE FROM record WHERE connector = $1 AND id = ANY($2::text[]::uuid[])"

# The same; returns the columns that are compared.
TAKE_VERSIONS = DELETE_VERSIONS + " RETURNING id::text{columns}"


class OldVersion(NamedTuple):
    """A deleted version: the record that replaces it, what was known of it, and the columns of it that may differ."""

    record: Rendered
    known: asyncpg.Record
    row: asyncpg.Record
    columns: str


async def take_versions(connection: Connection, connector: int, replaced: Sequence[Replaced]) -> list[OldVersion]:
    """Delete the old versions, and read those of their columns that may differ from the new ones."""
    by_columns: dict[str, list[Replaced]] = {}
    for record, known in replaced:
        by_columns.setdefault(_choose_columns(record, known), []).append((record, known))
    old: list[OldVersion] = []
    for columns, some in by_columns.items():
        ids = [record.id for record, _ in some]
        taken = await connection.fetch(TAKE_VERSIONS.format(columns=columns), connector, ids)
        before = {row["id"]: row for row in taken}
        old += [OldVersion(record, known, before[record.id], columns) for record, known in some]
    return old


def name_fields(old: Iterable[OldVersion]) -> dict[str, tuple[str, ...]]:
    """By record id, the names of the fields in which the new version differs; extended fields are named `more.x`.

    If the old version was saved before `more` was stored, its extended fields count as equal.
    """
    return {version.record.id: _name_fields(*version) for version in old}


def _choose_columns(record: Rendered, known: asyncpg.Record) -> str:
    """The columns of the old version to read, each after a comma."""
    fingerprint: bytes = known["fingerprint"]
    if len(fingerprint) not in (CONTENT_BYTES, WHOLE_BYTES):  # it was marked outdated, to be saved again
        return ", body, custom, more, raw"
    is_same = fingerprint[:CONTENT_BYTES] == record.fingerprint[:CONTENT_BYTES]
    columns = "" if is_same else ", body, custom"
    if len(fingerprint) == WHOLE_BYTES and fingerprint[CONTENT_BYTES:] != record.fingerprint[CONTENT_BYTES:]:
        columns += ", more"
    return columns


def _name_fields(record: Rendered, known: asyncpg.Record, before: asyncpg.Record, columns: str) -> tuple[str, ...]:
    names: list[str] = []
    members = b""
    if "body" in columns:
        members = before["body"][MEMBERS_AT : -len(EMPTY_ENDING)]
        if members != record.members:
            names += _MEMBERS[record.model].compare(b"{%b}" % members, b"{%b}" % record.members)
    if "more" in columns and before["more"] is not None:
        names += _MORE[record.model].compare(before["more"], record.more)
    if "custom" in columns and (before["custom"] or NOTHING) != (record.custom or NOTHING):
        names.append("custom_fields")
    if "raw" in columns:
        if before["raw"] != record.raw:
            names.append("raw_data")
    elif "body" in columns and _has_other_row(record, known, members):
        names.append("raw_data")
    return tuple(names)


def _has_other_row(record: Rendered, known: asyncpg.Record, members: bytes) -> bool:
    """Whether the old version, with these members, was made of another row; its fingerprint says so."""
    if known["raw_length"] != len(record.raw):
        return True
    digest = begin_content()
    digest.update(b"{%b}" % members)
    digest.update(record.raw)
    stored: bytes = known["fingerprint"]
    return digest.digest() != stored[:CONTENT_BYTES]


class _MemberComparison:
    """Compares JSON objects with the same members, member by member, without decoding the values."""

    def __init__(self, names: Sequence[str], prefix: str = "") -> None:
        self._names = [prefix + name for name in names]
        made = msgspec.defstruct("Members", [(name, msgspec.Raw, msgspec.Raw(b"null")) for name in names], gc=False)
        self._decode: Callable[[bytes], msgspec.Struct] = msgspec.json.Decoder(made).decode

    def compare(self, one: bytes, other: bytes) -> list[str]:
        """The names of the members that differ; a missing one is null."""
        pairs = zip(self._names, astuple(self._decode(one)), astuple(self._decode(other)), strict=True)
        return [name for name, was, now in pairs if was != now]


_MEMBERS = {spec.number: _MemberComparison([field.name for field in spec.fields]) for spec in MODELS.values()}
_MORE = {spec.number: _MemberComparison([field.name for field in spec.more], "more.") for spec in MODELS.values()}
