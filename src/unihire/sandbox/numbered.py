"""One stream of an emulator in the order of its numbers: computed rows, under a layer of rows that people changed.

The numbers of a stream's parts follow each other, the later part's above the earlier's, and those of created rows
are above them all: with a vendor that lists the newest number first, what was created last comes first.
"""

import random
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence

from unihire.errors import ConfigError
from unihire.integration.emulate import PartRows, Row, Shape
from unihire.kit.clock import Clock, to_micros
from unihire.sandbox.chance_changes import ChanceChanges


class NumberedLayer(ChanceChanges):
    """NumberedRows (see integration/emulate.py): memory grows with the changes, not with the computed rows."""

    def __init__(self, parts: Sequence[PartRows], first: int, step: int, shape: Shape, clock: Clock, seed: int) -> None:
        self._parts = tuple(parts)
        self._first, self._step = first, step
        self._shape = shape
        self._clock = clock
        self._seed = f"{seed} {first}"
        self._offsets = [0]
        for part in parts:
            self._offsets.append(self._offsets[-1] + part.records * part.places)
        self._total: int | None = None
        self.reset()

    def reset(self) -> None:
        """Undo every creation, change and deletion."""
        self._layer: dict[int, Row | None] = {}
        self._order: list[int] = []
        self._linked: dict[tuple[str, int], set[int]] = {}
        self._random = random.Random(self._seed)  # noqa: S311 - to be repeated, not to be secret
        self._next_number = self._first + self._step * self._offsets[-1]
        self._counts = {"created": 0, "changed": 0, "deleted": 0}
        self._covered = 0

    # Numbers

    def number(self, record: int, place: int = 0, part: int = 0) -> int:
        return self._first + self._step * (self._offsets[part] + record * self._parts[part].places + place)

    def find_place(self, number: int) -> tuple[int, int, int] | None:
        slot, rest = divmod(number - self._first, self._step)
        if rest or not 0 <= slot < self._offsets[-1]:
            return None
        part = bisect_right(self._offsets, slot) - 1
        record, place = divmod(slot - self._offsets[part], self._parts[part].places)
        return part, record, place

    def _holds(self, part: PartRows, record: int) -> int:
        return part.places if part.used is None else part.used(record)

    def _compute(self, number: int) -> Row | None:
        found = self.find_place(number)
        if found is None:
            return None
        part, record, place = self._parts[found[0]], found[1], found[2]
        return part.shape(record, place) if place < self._holds(part, record) else None

    # Reading

    def find(self, number: int) -> Row | None:
        return self._layer[number] if number in self._layer else self._compute(number)

    def is_touched(self, number: int) -> bool:
        return number in self._layer

    def find_linked(self, link: str, value: int) -> list[int]:
        return sorted(self._linked.get((link, value), ()))

    def walk_latest(
        self, *, upto: int | None = None, since: int | None = None, until: int | None = None
    ) -> Iterator[tuple[int, Row]]:
        end = len(self._order) if upto is None else bisect_right(self._order, upto)
        layer = iter(self._order[end - 1 :: -1] if end else ())
        return self._merge(self._walk_computed(upto, since, until), layer)

    def walk_earliest(self, *, start: int = 0, since: int | None = None) -> Iterator[tuple[int, Row]]:
        touched, parts = self._layer, self._parts
        layer = iter(self._order[bisect_left(self._order, start) :])
        following = next(layer, None)
        for number, part, record, place in self._climb_computed(start, since):
            while following is not None and following < number:
                yield following, touched[following]  # type: ignore[misc]
                following = next(layer, None)
            if number not in touched:
                yield number, parts[part].shape(record, place)
        while following is not None:
            yield following, touched[following]  # type: ignore[misc]
            following = next(layer, None)

    def walk_owned(
        self, owners: Sequence[Sequence[int]], link: str, values: Sequence[int], *, upto: int | None = None
    ) -> Iterator[tuple[int, Row]]:
        numbers = {number for value in values for number in self._linked.get((link, value), ())}
        layer = sorted((number for number in numbers if upto is None or number <= upto), reverse=True)
        return self._merge(self._walk_records(owners, upto), iter(layer))

    def _merge(self, computed: Iterator[tuple[int, int, int, int]], layer: Iterator[int]) -> Iterator[tuple[int, Row]]:
        touched, parts = self._layer, self._parts
        following = next(layer, None)
        for number, part, record, place in computed:
            while following is not None and following > number:
                yield following, touched[following]  # type: ignore[misc]
                following = next(layer, None)
            if number not in touched:
                yield number, parts[part].shape(record, place)
        while following is not None:
            yield following, touched[following]  # type: ignore[misc]
            following = next(layer, None)

    def _walk_computed(
        self, upto: int | None, since: int | None, until: int | None
    ) -> Iterator[tuple[int, int, int, int]]:
        """(number, part, record, place) with falling numbers."""
        for which in reversed(range(len(self._parts))):
            part = self._parts[which]
            last = None if upto is None else self._last_record(which, upto)
            if part.timeline is not None:
                records = part.timeline.walk_latest(upto=last, since=since, until=until)
            else:
                records = iter(range(part.records - 1 if last is None else last, -1, -1))
            yield from self._walk_places(which, records, upto)

    def _climb_computed(self, start: int, since: int | None) -> Iterator[tuple[int, int, int, int]]:
        """(number, part, record, place) with rising numbers."""
        step = self._step
        for which, part in enumerate(self._parts):
            begin = self._first + step * self._offsets[which]
            first = min(max((start - begin) // step // part.places, 0), part.records)
            records = (
                range(first, part.records)
                if part.timeline is None
                else part.timeline.walk_earliest(start=first, since=since)
            )
            for record in records:
                for place in range(self._holds(part, record)):
                    number = begin + step * (part.places * record + place)
                    if number >= start:
                        yield number, which, record, place

    def _walk_records(self, owners: Sequence[Sequence[int]], upto: int | None) -> Iterator[tuple[int, int, int, int]]:
        for which in reversed(range(min(len(self._parts), len(owners)))):
            last = self._parts[which].records - 1 if upto is None else self._last_record(which, upto)
            records = sorted({record for record in owners[which] if 0 <= record <= last}, reverse=True)
            yield from self._walk_places(which, iter(records), upto)

    def _last_record(self, which: int, upto: int) -> int:
        """The greatest record of a part that can have a number up to this one; -1 when none can."""
        slot = (upto - self._first) // self._step - self._offsets[which]
        part = self._parts[which]
        return -1 if slot < 0 else min(slot // part.places, part.records - 1)

    def _walk_places(self, which: int, records: Iterator[int], upto: int | None) -> Iterator[tuple[int, int, int, int]]:
        part, step = self._parts[which], self._step
        places, used = part.places, part.used
        first = self._first + step * self._offsets[which]
        for record in records:
            start = first + step * places * record
            for place in range((places if used is None else used(record)) - 1, -1, -1):
                number = start + step * place
                if upto is None or number <= upto:
                    yield number, which, record, place

    def count(self) -> dict[str, int]:
        """How many rows there are, and how many were created, changed and deleted since the start."""
        if self._total is None:
            self._total = sum(
                part.total()
                if part.total is not None
                else part.records * part.places
                if part.used is None
                else sum(map(part.used, range(part.records)))
                for part in self._parts
            )
        return {"rows": self._total - self._covered + len(self._order), **self._counts}

    # Writing

    def create(self, fields: Row, number: int | None = None) -> int:
        """Add a row and return its number. Raises ConfigError when the number is taken."""
        if number is None:
            while self.find(self._next_number) is not None:
                self._next_number += self._step
            number = self._next_number
            self._next_number += self._step
        elif self.find(number) is not None:
            raise ConfigError(f"there is a row {number} already; change it instead")
        self._store(number, self._shape.revise(number, None, fields, self._read_clock()))
        self._counts["created"] += 1
        return number

    def change(self, number: int, fields: Row) -> Row | None:
        """Merge fields into a row, whose update time becomes the clock's; None when there is no such row."""
        before = self.find(number)
        if before is None:
            return None
        row = self._shape.revise(number, before, fields, self._read_clock())
        self._store(number, row)
        self._counts["changed"] += 1
        return row

    def delete(self, number: int) -> bool:
        if self.find(number) is None:
            return False
        self._store(number, None)
        self._counts["deleted"] += 1
        return True

    def _pick(self, count: int) -> list[int]:
        """Different rows, taken from the whole stream by chance."""
        if count * 4 < self._offsets[-1]:
            picked: set[int] = set()
            for _ in range(count * 200 + 1000):
                if len(picked) == count:
                    return sorted(picked)
                slot = self._random.randrange(self._offsets[-1] + len(self._order))
                over = slot - self._offsets[-1]
                number = self._first + self._step * slot if over < 0 else self._order[over]
                if number in self._layer:
                    if self._layer[number] is not None:
                        picked.add(number)
                elif self._has_computed(number):
                    picked.add(number)
        numbers = [number for number, *_ in self._walk_computed(None, None, None) if number not in self._layer]
        numbers.extend(self._order)
        return self._random.sample(numbers, min(count, len(numbers)))

    def _has_computed(self, number: int) -> bool:
        found = self.find_place(number)
        return found is not None and found[2] < self._holds(self._parts[found[0]], found[1])

    def _read_clock(self) -> int:
        return to_micros(self._clock.now()) // 1000

    def _store(self, number: int, row: Row | None) -> None:
        before = self._layer.get(number)
        if before is not None:
            del self._order[bisect_left(self._order, number)]
            for link in self._list_links(before):
                self._linked[link].discard(number)
        elif number not in self._layer and self._has_computed(number):
            self._covered += 1
        if row is not None:
            insort(self._order, number)
            for link in self._list_links(row):
                self._linked.setdefault(link, set()).add(number)
        if row is None and not self._has_computed(number):
            self._layer.pop(number, None)
        else:
            self._layer[number] = row

    def _list_links(self, row: Row) -> Iterator[tuple[str, int]]:
        for link in self._shape.links:
            value = row.get(link)
            if isinstance(value, list):
                yield from ((link, one) for one in value if isinstance(one, int))
            elif isinstance(value, int):
                yield link, value
