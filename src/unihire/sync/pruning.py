"""The most of a row that maps, where the whole does not: its parts are put in again one after the other, by halves.

Nothing is known of what a mapping reads, so it is asked: a part stays out if the row maps without it and not with it.
Of a list or an object that cannot stay as it is, as much stays as can. That takes about twice the binary logarithm of
the number of parts for each bad one; how many tries a row gets depends on its size alone, not on the time they take.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

from unihire.integration.declare import Data, Source
from unihire.kit.text import make_writable

T = TypeVar("T")

TRIES = 400
"""So often a row is mapped at most to find out what of it maps."""

FEWEST_TRIES = 30
WORK = 16_000_000
"""Bytes that are mapped for one row in all tries, but for the fewest that any row gets."""

RETRIED = 10
"""Parts left out that are tried once more when all others are in: one may have needed another that came later."""

DETAIL = "joined:"
"""Stands before the name of what was asked for beside the row, or joined to it, in the path of a part of that."""

PATH_LENGTH, REASON_LENGTH = 200, 200
MASKED = 1000
"""Texts of a part that are looked for in an error's words."""

TOO_MUCH = "not tried: too much of the row does not map"

_PLACES = re.compile(r"\[\d+\]")

_ABSENT: Any = object()


class LeftOut(NamedTuple):
    """A part that does not map: where it is in the row, as in `phones[1].value`, and why, without what it says."""

    path: str
    reason: str


@dataclass(slots=True)
class Pruned(Generic[T]):
    """What was made of what maps, and what does not."""

    made: T
    left_out: list[LeftOut]


def prune_source(
    source: Source,
    make: Callable[[Source], T],
    *,
    needed: Collection[str],
    at: str = "",
    size: int,
    suspects: Collection[str] = (),
) -> Pruned[T] | None:
    """What `make` makes of the most of a source that it takes; None where it takes nothing.

    `needed` are the members of the row that must stay, `at` is where `source.row` is within its row. `suspects` say
    where other rows of the stream had bad parts, as `find_kind` has it: those are looked at first.
    """
    for hole, expected in (
        (_ABSENT, suspects),
        (_ABSENT, ()),
        (None, ()),
    ):  # a mapping may want all members, and take null
        if hole is _ABSENT and expected is suspects and not suspects:
            continue
        row = _Node(source.row, at, hole)
        within = row if source.within is source.row else _Node(source.within, "", hole)
        beside = _Beside(source)
        search = _Search(partial(_make_of, make, row, within, beside), size)
        parts: list[_Part] = []
        for node in (row,) if within is row else (row, within):
            node.put([part for part in node.parts if part.key in needed])
            parts += [part for part in node.parts if part.key not in needed]
        parts += beside.parts
        if search.run_suspected(parts, expected) if expected else search.run(parts):
            return Pruned(search.made, search.left_out)
    return None


def _make_of(make: Callable[[Source], T], row: "_Node", within: "_Node", beside: "_Beside") -> T:
    return make(Source(row.made, within.made, *beside.show(row.made)))


class _Beside:
    """The details and joins of a source in the making. A row that is itself of one of them stays in its place there."""

    def __init__(self, source: Source) -> None:
        at, others = source.place, dict(source.details)
        self._place = at
        self._home = next(
            (name for name, rows in others.items() if isinstance(rows, list) and _has_at(rows, at, source.row)), ""
        )
        siblings, path = others.pop(self._home, []), f"{DETAIL}{self._home}"
        self._earlier, self._later = _Node(siblings[:at], path, _ABSENT), _Node(siblings[at + 1 :], path, _ABSENT)
        for part in self._later.parts:
            part.path = f"{path}[{at + 1 + part.key}]"
        self._others = _Node({f"{DETAIL}{name}": rows for name, rows in others.items()}, "", _ABSENT)
        self.parts = [*self._earlier.parts, *self._later.parts, *self._others.parts]

    def show(self, row: Any) -> tuple[dict[str, Any], int]:
        """What is in beside the row, as that is now, and its place."""
        shown = {name.removeprefix(DETAIL): rows for name, rows in self._others.made.items()}
        if not self._home:
            return shown, self._place
        shown[self._home] = [*self._earlier.made, row, *self._later.made]
        return shown, len(self._earlier.made)


def _has_at(rows: Sequence[Data], place: int, row: Data) -> bool:
    return place < len(rows) and rows[place] is row


def prune_fields(
    fields: Data, make: Callable[[Data], T], *, needed: Collection[str], of: str, size: int
) -> Pruned[T] | None:
    """What `make` makes of the most of a record's fields that it takes; None where it takes none."""
    node = _Node(fields, "", None)
    for part in node.parts:
        part.path = f"the {of}'s {part.key}"
    node.put([part for part in node.parts if part.key in needed])
    search = _Search(lambda: make(node.made), size)
    if not search.run([part for part in node.parts if part.key not in needed]):
        return None
    return Pruned(search.made, search.left_out)


def explain_error(error: Exception, value: Any) -> str:
    """Why a part does not map, without its texts and numbers: they can be personal data."""
    said = str(error)
    for text in sorted(set(_list_texts(value)), key=len, reverse=True):
        said = said.replace(repr(text), "…")
        if len(text) > 2:
            said = said.replace(text, "…")
    return make_writable(f"{type(error).__name__}: {said}", REASON_LENGTH)


def find_kind(path: str) -> str:
    """Where a part is, whichever entry of a list it is in: `phones[].value`."""
    return _PLACES.sub("[]", path)


def find_path(row: Data, part: Any) -> str | None:
    """Where a list or an object is in a row."""
    left = [("", row)]
    while left:
        path, value = left.pop()
        if value is part:
            return path
        if isinstance(value, dict | list):
            left += [(one.path, one.value) for one in _Node(value, path, None).parts]
    return None


class _Part:
    """A member of an object or an entry of a list; `now` is as much of its value as is in."""

    __slots__ = ("key", "node", "now", "path", "value")

    def __init__(self, node: "_Node", key: Any, value: Any, path: str) -> None:
        self.node = node
        self.key = key
        self.value = value
        self.path = path
        self.now = _ABSENT


class _Node:
    """An object or a list in the making: `made` has of its parts those that are in, a `hole` in place of others."""

    __slots__ = ("hole", "made", "parts")

    def __init__(self, value: Any, path: str, hole: Any) -> None:
        self.hole = hole
        self.made: Any = [] if isinstance(value, list) else {}
        if isinstance(value, list):
            self.parts = [_Part(self, key, one, f"{path}[{key}]") for key, one in enumerate(value)]
        elif isinstance(value, dict):
            self.parts = [_Part(self, key, one, f"{path}.{key}" if path else key) for key, one in value.items()]
        else:
            self.made, self.parts = value, []
        self._show()

    def put(self, parts: Sequence[_Part]) -> None:
        for part in parts:
            part.now = part.value
        self._show()

    def take(self, parts: Sequence[_Part]) -> None:
        for part in parts:
            part.now = _ABSENT
        self._show()

    def open(self, part: _Part) -> "_Node":
        """Put a part in as a list or an object that has no parts yet."""
        inner = _Node(part.value, part.path, self.hole)
        part.now = inner.made
        self._show()
        return inner

    def list_seeds(self) -> Iterator[Sequence[_Part]]:
        """The parts of which one group may have to be in before any other can be: none, the id, any one."""
        yield ()
        if isinstance(self.made, dict):
            yield from ((part,) for part in sorted(self.parts, key=lambda part: part.key != "id"))

    def _show(self) -> None:
        if isinstance(self.made, list):
            self.made[:] = [part.now for part in self.parts if part.now is not _ABSENT]
        elif isinstance(self.made, dict):
            self.made.clear()
            for part in self.parts:
                now = self.hole if part.now is _ABSENT else part.now
                if now is not _ABSENT:
                    self.made[part.key] = now


@dataclass(slots=True)
class _Search(Generic[T]):
    """Looks for the parts that can be in together. `made` is of what is in, once something is."""

    make: Callable[[], T]
    size: int
    made: T = _ABSENT
    bad: list[tuple[_Part, LeftOut]] = field(default_factory=list)
    tries: int = field(init=False)
    error: Exception = field(init=False)

    def __post_init__(self) -> None:
        self.tries = max(FEWEST_TRIES, min(TRIES, WORK // (self.size + 1)))

    @property
    def left_out(self) -> list[LeftOut]:
        return [left_out for _, left_out in self.bad]

    def run(self, parts: Sequence[_Part]) -> bool:
        """Put in as many of the parts as can be; false where not even none of them can."""
        seed = self._plant([(), *((part,) for part in parts)])
        if seed is None:
            return False
        self._settle(self._grow([part for part in parts if part not in seed]))
        self._retry()
        return True

    def run_suspected(self, parts: Sequence[_Part], suspects: Collection[str]) -> bool:
        """Put in all but what is where bad parts were before, and of that what can be; false where more is bad."""
        around = {kind[:end] for kind in suspects for end, mark in enumerate(kind) if mark in ".["}
        suspected, left = list[_Part](), list(parts)
        for node in {id(part.node): part.node for part in parts}.values():
            node.put([part for part in parts if part.node is node])
        while left:
            part = left.pop()
            kind = find_kind(part.path)
            if kind in suspects:
                suspected.append(part)
                part.node.take([part])
            elif kind in around and part.value and isinstance(part.value, dict | list):
                inner = part.node.open(part)
                inner.put(inner.parts)
                left += inner.parts
        if not (suspected and self._put(())):
            return False
        self._settle(self._grow(suspected[::-1]))
        return True

    def _plant(self, seeds: Iterable[Sequence[_Part]]) -> Sequence[_Part] | None:
        """Put in the first of these groups of parts that can be in without any other."""
        for seed in seeds:
            if self._put(seed):
                return seed
            if self.tries <= 0:
                break
        return None

    def _grow(self, parts: Sequence[_Part]) -> list[tuple[_Part, LeftOut]]:
        """Put in those that can be as they are; the others, each with why it cannot."""
        bad = []
        waiting = [parts]
        while waiting:
            some = waiting.pop()
            if not some or self._put(some):
                continue
            if self.tries <= 0:
                bad += [(part, LeftOut(make_writable(part.path, PATH_LENGTH), TOO_MUCH)) for part in some]
            elif len(some) == 1:
                (part,) = some
                why = explain_error(self.error, part.value)
                bad.append((part, LeftOut(make_writable(part.path, PATH_LENGTH), why)))
            else:
                half = len(some) // 2
                waiting += [some[half:], some[:half]]  # the first half is next
        return bad

    def _settle(self, bad: Sequence[tuple[_Part, LeftOut]]) -> None:
        """Put in of each as much as can be."""
        for part, left_out in bad:
            if not self._open(part):
                self.bad.append((part, left_out))

    def _open(self, part: _Part) -> bool:
        """Put in what can be of the parts of a part. Of an object nothing may be left: then it is itself bad."""
        if self.tries <= 0 or not (part.value and isinstance(part.value, dict | list)):
            return False
        inner = part.node.open(part)
        known = len(self.bad)
        seed = self._plant(inner.list_seeds())
        if seed is not None:
            self._settle(self._grow([one for one in inner.parts if one not in seed]))
            if isinstance(inner.made, list) or any(one.now is not _ABSENT for one in inner.parts):
                return True
            del self.bad[known:]
        part.node.take([part])
        if seed is not None and not self._put(()):
            part.node.open(part)  # it maps with an empty one, and not without
        return False

    def _retry(self) -> None:
        """Put in what can be now that the others are. Not in lists: the place of what stayed has moved."""
        if len(self.bad) <= RETRIED:
            self.bad = [(part, why) for part, why in self.bad if isinstance(part.key, int) or not self._put([part])]

    def _put(self, parts: Sequence[_Part]) -> bool:
        """Put parts in if it maps with them."""
        if self.tries <= 0:
            return False
        self.tries -= 1
        nodes = {id(part.node): part.node for part in parts}.values()
        for node in nodes:
            node.put([part for part in parts if part.node is node])
        try:
            self.made = self.make()
        except Exception as error:  # noqa: BLE001 - whatever a mapping raises over a part is why it stays out
            self.error = error
        else:
            return True
        for node in nodes:
            node.take([part for part in parts if part.node is node])
        return False


def _list_texts(value: Any) -> Iterator[str]:
    """The texts and numbers in a value, some of very many."""
    left, listed = [value], 0
    while left and listed < MASKED:
        one = left.pop()
        listed += 1
        if isinstance(one, dict):
            left += one.values()
        elif isinstance(one, list):
            left += one
        elif isinstance(one, str):
            if one:
                yield one
        elif isinstance(one, int | float) and not isinstance(one, bool):
            yield repr(one) if abs(one) < 1e300 else "inf"
