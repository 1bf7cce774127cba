"""Rows that are stored unchanged: recognised by a hash and skipped, without being decoded or mapped.

The hash is over the row as it was sent. Its key covers everything else that decides how rows become records: the
mapping, our own code, the joins that can be answered. What a mapping reads besides the row is covered elsewhere: a
joined row that changes rebuilds the records that display it, and details are stored with the version that is in the
row. So a row with the stored hash is skipped; it only counts as seen.

Shared parts are read from a skipped row too: a part that no row has any longer is deleted.

A row is not skipped if it maps into owned parts, is deleted at the vendor, is quarantined, lacks details that the next
read is to request, or has a signed link that is to be stored again. Nor if an earlier page has another version of it
that is not saved yet.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from hashlib import blake2b
from struct import Struct
from typing import Any

import msgspec

from unihire.integration.declare import Join, Stream, has_deleted
from unihire.outbound.decoding import Undecodable, read_members
from unihire.outbound.paging import Row
from unihire.store import Pool
from unihire.store.feed import hashes
from unihire.sync.details import is_due
from unihire.sync.joining import RowStorage
from unihire.sync.quarantine import read_row_id
from unihire.sync.rendering import Renderer
from unihire.sync.versions import find_making_version

_MARK = b"\0"
"""Replaces volatile texts in what is hashed: no JSON contains it."""

_AS_INT = Struct(">q").unpack


class _Head(msgspec.Struct):
    """The one member of a row that is its id in nearly every list."""

    id: Any = msgspec.UNSET

    def __getitem__(self, name: str) -> Any:
        """Raises KeyError for any other member: the row must then be decoded in full."""
        if name != "id" or self.id is msgspec.UNSET:
            raise KeyError(name)
        return self.id


_HEADS = msgspec.json.Decoder(list[_Head])


class UnchangedRows:
    """Finds the rows of one stream that are stored unchanged."""

    def __init__(
        self, *, pool: Pool, renderer: Renderer, connector: int, stream: Stream, storage: RowStorage, own: Sequence[int]
    ) -> None:
        self._pool = pool
        self._renderer = renderer
        self._connector = connector
        self._stream = stream
        self._storage = storage
        self._has_records = bool(own)
        self._others: list[str] = []
        self._begin_hash: Callable[[], Any] | None = None
        self._unsaved: deque[set[str]] = deque()
        self._pattern = None if stream.volatile is None else stream.volatile.pattern
        self.day: int | None = None
        self.is_able = (
            (len(own) == 1 if stream.mappings else bool(storage))
            and not any(mapping.is_owned and mapping.of is None for mapping in stream.mappings)
            and not has_deleted(stream)
        )

    def open(self, known: Iterable[Join]) -> None:
        """`known` are the joins that can be answered."""
        self._others = [join.name for join in known]
        self._begin_hash = None

    def begin(self) -> None:
        """Call when paging begins: no page waits to be saved."""
        self._unsaved.clear()

    def expect(self, rows: Sequence[Row], *, joins_last: bool) -> None:
        """A page with these rows is to be saved after those expected before, or with the last of them."""
        if not joins_last:
            self._unsaved.append(set())
        self._unsaved[-1].update(row.row_id or "" for row in rows if not row.is_unchanged)

    def page_saved(self) -> None:
        """Call when the first of the expected pages was saved."""
        if self._unsaved:
            self._unsaved.popleft()

    def hash(self, raw: bytes) -> int:
        """The hash of a row as it was sent; of volatile texts only their offsets count."""
        digest = (self._begin_hash or self._begin())()
        digest.update(raw if self._pattern is None else self._pattern.sub(_MARK, raw))
        found: int = _AS_INT(digest.digest())[0]
        return found

    def _begin(self) -> Callable[[], Any]:
        key = find_making_version(self._storage.slug, self._stream, self._others)
        self._begin_hash = blake2b(digest_size=8, key=key).copy
        return self._begin_hash

    def hash_rows(self, rows: Iterable[Row], row_ids: Iterable[str], without: Collection[str]) -> dict[str, int]:
        """The hashes to store, by row id; none for a row that is there in two versions, or is in `without`."""
        if not self.is_able:
            return {}
        found: dict[str, int] = {}
        ambiguous, hash_row = set(without), self.hash
        for row, row_id in zip(rows, row_ids, strict=True):
            made = hash_row(row.raw)
            if found.setdefault(row_id, made) != made:
                ambiguous.add(row_id)
        for row_id in ambiguous:
            found.pop(row_id, None)
        return found

    async def mark(self, rows: Sequence[Row], *, has_quarantine: bool) -> None:
        """Mark the rows of a page that are stored unchanged. `has_quarantine`: some of them may be quarantined."""
        self._read_ids(rows)
        unsaved = set[str]().union(*self._unsaved)
        wanted: dict[str, tuple[Row, int]] = {}
        for row in rows:
            row_id = row.row_id
            if (
                row_id is None
                or row_id in unsaved
                or any(is_due(row_id, self.day, detail) for detail in self._stream.details)
            ):
                continue
            made = self.hash(row.raw)
            if row_id in wanted:  # neither of two versions is skipped
                unsaved.add(row_id)
                wanted.pop(row_id, None)
                continue
            wanted[row_id] = row, made
        if not wanted:
            return
        row_ids, made_of = list(wanted), [made for _, made in wanted.values()]
        if self._has_records:
            ids = self._renderer.seen_ids(self._stream, row_ids)
            changed = await hashes.find_records_changed(self._pool, self._connector, ids, made_of)
        else:
            changed = await hashes.find_joined_changed(self._pool, self._connector, self._stream.name, row_ids, made_of)
        if self._pattern is not None:
            changed += await self._find_old_texts([row for row, _ in wanted.values()], row_ids)
        if has_quarantine:
            changed += await hashes.find_quarantined(self._pool, self._connector, self._stream.name, row_ids)
        indexes = set(changed)
        for index, (row, _) in enumerate(wanted.values()):
            row.is_unchanged = index not in indexes

    async def _find_old_texts(self, rows: Sequence[Row], row_ids: Sequence[str]) -> list[int]:
        """The indexes of rows whose volatile texts are to be stored again."""
        assert self._pattern is not None
        indexes = [index for index, row in enumerate(rows) if self._pattern.search(row.raw)]
        if not indexes or not self._has_records:
            return indexes
        ids = self._renderer.seen_ids(self._stream, [row_ids[index] for index in indexes])
        return [indexes[old] for old in await hashes.find_old_texts(self._pool, self._connector, ids)]

    def _read_ids(self, rows: Sequence[Row]) -> None:
        """Read the rows' ids, without decoding the rest of them if that is possible."""
        try:
            heads = read_members([row.raw for row in rows], _HEADS)
        except Undecodable:
            heads = []
        for row, head in zip(rows, heads, strict=False):
            read_row_id(self._stream, row, head)
        for row in rows:
            read_row_id(self._stream, row)
