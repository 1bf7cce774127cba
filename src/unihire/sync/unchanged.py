"""Rows that come again as they are stored: known by a hash, without being decoded or mapped.

The hash is of the row as it was sent, under a key that stands for all else by which rows become records: the mapping,
our own code, the joins that can be answered. What a mapping reads besides moves records without their row: joined rows
make records again that show them, and details go by the version that is in the row. So a row with the stored hash is
passed over; it only counts as met.

Parts that other rows may have as well are read from a skipped row too: a part that no row has any longer is gone.

A row is not passed over that maps into parts of it that are its own, that is deleted at the vendor, quarantined, lacks
details that the next read is to ask for, or has a signed link that is to be stored anew. Nor is one that a page before
has in another version while that is not saved yet.
"""

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from hashlib import blake2b
from struct import Struct
from typing import Any

import msgspec

from unihire.integration.declare import Join, Stream, has_deleted
from unihire.outbound.decoding import Undecodable, read_members
from unihire.outbound.paging import Row
from unihire.store import Pool
from unihire.store.feed import hashes
from unihire.sync.fetching import is_due
from unihire.sync.joining import RowStorage
from unihire.sync.quarantine import read_row_id
from unihire.sync.rendering import Renderer
from unihire.sync.versions import find_making_version

_MARK = b"\0"
"""Stands in the place of what is volatile: no JSON has it."""

_AS_INT = Struct(">q").unpack


class _Head(msgspec.Struct):
    """Of a row the one member by which rows are named everywhere."""

    id: Any = msgspec.UNSET

    def __getitem__(self, name: str) -> Any:
        """Raises KeyError for whatever else is asked for: then the whole row is to be read."""
        if name != "id" or self.id is msgspec.UNSET:
            raise KeyError(name)
        return self.id


_HEADS = msgspec.json.Decoder(list[_Head])


class UnchangedRows:
    """The rows of one stream that are stored as they come."""

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
        self._key: bytes | None = None
        self._unsaved: deque[set[str]] = deque()
        self._pattern = None if stream.volatile is None else stream.volatile.pattern
        self.day: int | None = None
        self.is_able = (
            (len(own) == 1 if stream.mappings else bool(storage))
            and not any(mapping.split is not None and mapping.is_owned for mapping in stream.mappings)
            and not has_deleted(stream)
        )

    def open(self, known: Iterable[Join]) -> None:
        """`known` are the joins that can be answered."""
        self._others = [join.name for join in known]
        self._key = None

    def begin(self) -> None:
        """A walk begins: no page of it waits to be saved."""
        self._unsaved.clear()

    def expect(self, rows: Sequence[Row]) -> None:
        """A page with these rows is to be saved behind those before it."""
        self._unsaved.append({row.row_id or "" for row in rows if not row.is_unchanged})

    def page_saved(self) -> None:
        """Call when the first of the expected pages was saved."""
        if self._unsaved:
            self._unsaved.popleft()

    def hash(self, raw: bytes) -> int:
        """Of a row as it was sent, but for what is volatile in it: of that only where it is."""
        if self._key is None:
            self._key = find_making_version(self._storage.slug, self._stream, self._others)
        if self._pattern is not None:
            raw = self._pattern.sub(_MARK, raw)
        found: int = _AS_INT(blake2b(raw, digest_size=8, key=self._key).digest())[0]
        return found

    def hash_rows(self, rows: Iterable[Row], row_ids: Iterable[str], without: Collection[str]) -> dict[str, int]:
        """The hashes to be stored of these rows, by their ids; of one that is there in two versions none."""
        if not self.is_able:
            return {}
        found: dict[str, int] = {}
        doubtful = set(without)
        for row, row_id in zip(rows, row_ids, strict=True):
            made = self.hash(row.raw)
            if found.setdefault(row_id, made) != made:
                doubtful.add(row_id)
        for row_id in doubtful:
            found.pop(row_id, None)
        return found

    async def mark(self, rows: Sequence[Row], *, has_quarantine: bool) -> None:
        """Say of the rows of a page, as soon as it is there, which are unchanged. Some may be quarantined."""
        self._read_ids(rows)
        unsaved = set[str]().union(*self._unsaved)
        asked: dict[str, tuple[Row, int]] = {}
        for row in rows:
            row_id = row.row_id
            if row_id is None or row_id in unsaved or (self._stream.details and is_due(row_id, self.day)):
                continue
            made = self.hash(row.raw)
            if row_id in asked:  # of two versions the first counts
                unsaved.add(row_id)
                asked.pop(row_id, None)
                continue
            asked[row_id] = row, made
        if not asked:
            return
        row_ids, made_of = list(asked), [made for _, made in asked.values()]
        if self._has_records:
            ids = self._renderer.seen_ids(self._stream, row_ids)
            changed = await hashes.find_records_changed(self._pool, self._connector, ids, made_of)
        else:
            changed = await hashes.find_joined_changed(self._pool, self._connector, self._stream.name, row_ids, made_of)
        if self._pattern is not None:
            changed += await self._find_old_texts([row for row, _ in asked.values()], row_ids)
        if has_quarantine:
            changed += await hashes.find_quarantined(self._pool, self._connector, self._stream.name, row_ids)
        places = set(changed)
        for place, (row, _) in enumerate(asked.values()):
            row.is_unchanged = place not in places

    async def _find_old_texts(self, rows: Sequence[Row], row_ids: Sequence[str]) -> list[int]:
        """Those of the rows, by their places, whose volatile texts are to be stored anew."""
        assert self._pattern is not None
        places = [place for place, row in enumerate(rows) if self._pattern.search(row.raw)]
        if not places or not self._has_records:
            return places
        ids = self._renderer.seen_ids(self._stream, [row_ids[place] for place in places])
        return [places[old] for old in await hashes.find_old_texts(self._pool, self._connector, ids)]

    def _read_ids(self, rows: Sequence[Row]) -> None:
        """Read the rows' ids, without decoding the rest of them where that is possible."""
        try:
            heads = read_members([row.raw for row in rows], _HEADS)
        except Undecodable:
            heads = []
        for row, head in zip(rows, heads, strict=False):
            read_row_id(self._stream, row, head)
        for row in rows:
            read_row_id(self._stream, row)
