"""One stream of an emulator: rows that are computed, under a layer of rows that people changed."""

import random
from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from typing import Any

from unihire.errors import ConfigError
from unihire.integration.emulate import CompanyRows, Key, Row, Shape
from unihire.kit.clock import Clock, to_micros
from unihire.sandbox.chance_changes import ChanceChanges

# Numbers of rows that people create begin here, above all computed ones.
CREATED_FIRST = 90_000_000


class LayeredRows(ChanceChanges):
    """Rows (see integration/emulate.py): memory grows with the changes, not with the computed rows."""

    def __init__(
        self,
        source: CompanyRows | None,
        documented: Mapping[int, tuple[int, Row]],
        shape: Shape,
        clock: Clock,
        seed: int,
    ) -> None:
        self._source = source
        self._documented = documented
        self._shape = shape
        self._clock = clock
        self._seed = seed
        self.reset()

    def reset(self) -> None:
        """Undo every creation, change and deletion."""
        self._layer: dict[int, tuple[int, Row] | None] = {}
        self._order: list[Key] = []
        self._names: dict[str, set[int]] = {}
        self._random = random.Random(self._seed)  # noqa: S311 - to be repeated, not to be secret
        self._next_number = CREATED_FIRST
        self._counts = {"created": 0, "changed": 0, "deleted": 0}
        for number, (updated, row) in self._documented.items():
            self._store(number, updated, row)

    # Reading

    def find(self, number: int) -> Row | None:
        if number in self._layer:
            entry = self._layer[number]
            return None if entry is None else entry[1]
        index = None if self._source is None else self._source.find_index(number)
        return None if index is None or self._source is None else self._source.shape(index)

    def find_updated_at(self, number: int) -> int | None:
        if number in self._layer:
            entry = self._layer[number]
            return None if entry is None else entry[0]
        index = None if self._source is None else self._source.find_index(number)
        return None if index is None or self._source is None else self._source.timeline.updated_at(index)

    def is_touched(self, number: int) -> bool:
        return number in self._layer

    def find_touched(self, name: str) -> list[int]:
        return sorted(self._names.get(name, ()))

    def walk_newest(
        self, *, after: Key | None = None, since: int | None = None, until: int | None = None
    ) -> Iterator[tuple[Key, Row]]:
        layer = self._walk_layer(after, since, until)
        following = next(layer, None)
        for key, index in self._walk_source(after, since, until):
            while following is not None and following > key:
                yield following, self._layer[following[1]][1]  # type: ignore[index]
                following = next(layer, None)
            yield key, self._source.shape(index)  # type: ignore[union-attr]
        while following is not None:
            yield following, self._layer[following[1]][1]  # type: ignore[index]
            following = next(layer, None)

    def _walk_source(self, after: Key | None, since: int | None, until: int | None) -> Iterator[tuple[Key, int]]:
        source, layer = self._source, self._layer
        if source is None:
            return
        if after is not None:
            # Numbers rise with the index: the place among numbers becomes the place among indexes.
            updated, number = after
            after = (updated, -(-(number - source.first_number) // source.stride))
        first, stride = source.first_number, source.stride
        for updated, index in source.timeline.walk_newest(after=after, since=since, until=until):
            number = first + stride * index
            if number not in layer:
                yield (updated, number), index

    def _walk_layer(self, after: Key | None, since: int | None, until: int | None) -> Iterator[Key]:
        end = len(self._order)
        if after is not None:
            end = bisect_left(self._order, after)
        if until is not None:
            end = min(end, bisect_left(self._order, (until, -1)))
        for key in reversed(self._order[:end]):
            if since is not None and key[0] <= since:
                return
            yield key

    def count(self) -> dict[str, int]:
        """How many rows there are, and how many were created, changed and deleted since the start."""
        computed = 0 if self._source is None else self._source.timeline.count
        covered = sum(1 for number in self._layer if self._is_computed(number))
        return {"rows": computed - covered + len(self._order), **self._counts}

    # Writing

    def create(self, fields: Row, number: int | None = None) -> int:
        """Add a row and return its number. Raises ConfigError when the number is taken."""
        if number is None:
            while self.find(self._next_number) is not None:
                self._next_number += 1
            number = self._next_number
            self._next_number += 1
        elif self.find(number) is not None:
            raise ConfigError(f"there is a row {number} already; change it instead")
        now = self._read_clock()
        self._store(number, now, self._shape.revise(number, None, fields, now))
        self._counts["created"] += 1
        return number

    def change(self, number: int, fields: Row) -> Row | None:
        """Merge fields into a row, whose update time becomes the clock's; None when there is no such row."""
        before = self.find(number)
        if before is None:
            return None
        now = self._read_clock()
        row = self._shape.revise(number, before, fields, now)
        self._store(number, now, row)
        self._counts["changed"] += 1
        return row

    def delete(self, number: int) -> bool:
        if self.find(number) is None:
            return False
        self._remove(number)
        if self._is_computed(number) or number in self._documented:
            self._layer[number] = None
        self._counts["deleted"] += 1
        return True

    def _pick(self, count: int) -> list[int]:
        """Different rows, taken from the whole stream by chance."""
        if self._source is None:
            living = sorted(number for _, number in self._order)
            return self._random.sample(living, min(count, len(living)))
        timeline, picked = self._source.timeline, list[int]()
        for index in self._random.sample(range(timeline.count), min(timeline.count, count + len(self._layer))):
            if len(picked) == count:
                break
            number = self._source.number(index)
            if self._layer.get(number, ()) is not None:
                picked.append(number)
        return picked

    def _is_computed(self, number: int) -> bool:
        return self._source is not None and self._source.find_index(number) is not None

    def _read_clock(self) -> int:
        return to_micros(self._clock.now()) // 1_000_000

    def _store(self, number: int, updated: int, row: Row) -> None:
        self._remove(number)
        self._layer[number] = (updated, row)
        insort(self._order, (updated, number))
        name = self._shape.look_up(row)
        if name is not None:
            self._names.setdefault(name, set()).add(number)

    def _remove(self, number: int) -> None:
        entry = self._layer.pop(number, None)
        if entry is None:
            return
        updated, row = entry
        del self._order[bisect_left(self._order, (updated, number))]
        name = self._shape.look_up(row)
        if name is not None:
            self._names[name].discard(number)


def show_row(row: Row) -> dict[str, Any]:
    """The row without the emulator's own notes."""
    return {key: value for key, value in row.items() if not key.startswith("_")}
