"""One member of one row, spoiled: left out, null, of another type, huge, deep, of bytes that are no text, no time."""

import random
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import msgspec

from unihire.sandbox.spoiling.reply import Json, OutgoingResponse, Spoiler, Strike, encode, has_rows, note

MILLION = 1_000_000
DEPTHS = (50, 500, 5_000, 100_000)
OTHERS: tuple[Json, ...] = (True, 7, -1.5, "text", "7", [], [None], [["x"]], {}, {"value": None}, [{"id": None}])
ODD_NUMBERS = (
    "-0", "1e400", "-1e308", "1E-400", "1.0", "9007199254740993", str(2**63), str(2**64), "-" + str(2**63 + 1),
    "9" * 400, "0." + "1" * 400, "NaN", "Infinity", "007", "0x1F",
)  # fmt: skip
CONTROL_TEXTS = (
    "\x07",
    "\x1b[31m",
    "\x7f",
    "\x85",
    "\u2028",
    "\u202e",
    "\ufeff",
    "\ufffe",
    "\r\n",
    "\U000e0001",
    "\ud7ff",
)
IMPOSSIBLE_TIMES = (
    "2026-02-30", "2026-13-01", "2026-00-00", "0000-00-00", "2026-05-01T25:00:00Z", "2026-05-01T12:61:00Z",
    "2026-05-01T12:00:61Z", "2026-05-01T12:00:00+99:99", "2026-05-01T", "05/01/2026", "yesterday", "1777636800",
    "2026-W53-8", "-2026-05-01T12:00:00Z", "\uff12\uff10\uff12\uff16-05-01",
)  # fmt: skip
FAR_TIMES = (
    "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59",
    "1969-12-31T23:59:59Z", "2262-04-12T00:00:00Z", "99999-01-01T00:00:00Z", "9999-12-31", "0001-01-01",
)  # fmt: skip
_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?", re.ASCII)


class MemberPlace(NamedTuple):
    """Where a member is: its parent, the key in it, and the name that people know it by."""

    parent: Any
    key: Any
    name: str

    @property
    def value(self) -> Json:
        return self.parent[self.key]


def walk_places(row: dict[str, Json]) -> Iterator[MemberPlace]:
    """All members of a row, those of its objects and lists included; what was spoiled already is no place."""
    waiting: list[tuple[Any, str]] = [(row, "")]
    while waiting:
        parent, name = waiting.pop()
        pairs = parent.items() if isinstance(parent, dict) else enumerate(parent)
        for key, value in pairs:
            if isinstance(value, msgspec.Raw):
                continue
            place = MemberPlace(parent, key, key if isinstance(key, str) else name)
            yield place
            if isinstance(value, dict | list):
                waiting.append((value, place.name))


def find_places(row: dict[str, Json], strike: Strike, fits: Callable[[Json], bool]) -> list[MemberPlace]:
    glob = strike.member
    return [
        place for place in walk_places(row) if fits(place.value) and (glob is None or fnmatchcase(place.name, glob))
    ]


def pick_place(
    reply: OutgoingResponse, strike: Strike, fits: Callable[[Json], bool], *, in_object: bool = False
) -> tuple[dict[str, Json], MemberPlace] | None:
    """A row and a member of it, chosen at random; None where no row has one that fits."""
    rows = reply.list_rows()
    for row in strike.rng.sample(rows, len(rows)):
        places = [place for place in find_places(row, strike, fits) if not in_object or isinstance(place.parent, dict)]
        if places:
            return row, strike.rng.choice(places)
    return None


def spoil_member(word: str, fits: Callable[[Json], bool], make: Callable[[Json, random.Random], Json]) -> Spoiler:
    """A spoiler that puts something else in a member's place; where no member of any row fits, nothing happens."""

    def spoil(reply: OutgoingResponse, strike: Strike) -> None:
        found = pick_place(reply, strike, fits)
        if found is not None:
            row, place = found
            note(reply, word, row, place.name)
            place.parent[place.key] = make(place.value, strike.rng)
            reply.is_touched = True

    return Spoiler(HELP[word], has_rows, spoil)


HELP = {
    "missing-member": "one member of a row is left out",
    "null-member": "one member of a row is null",
    "odd-member": "one member of a row has another type",
    "empty-member": "one member of a row is empty: a text, list or object with nothing in it",
    "odd-number": "one number of a row is out of all bounds, or none that JSON knows: 1e400, NaN, 400 digits",
    "huge-member": "one member of a row is a text of 1 MB, or a list of 100,000 entries",
    "deep-member": "one member of a row is nested 50 to 100,000 deep",
    "double-member": "one member of a row is in it twice, with two values",
    "zero-text": "one text of a row contains U+0000",
    "surrogate-text": "one text of a row contains half of a surrogate pair",
    "broken-text": "one text of a row contains bytes that are no UTF-8",
    "control-text": "one text of a row contains control characters",
    "impossible-time": "one time of a row is none: 30 February, hour 25, words",
    "far-time": "one time of a row is in the year 1 or 9999, or beyond what clocks can show",
}


def _is_text(value: Json) -> bool:
    return isinstance(value, str)


def _is_number(value: Json) -> bool:
    """A number, or a text of digits, as some vendors write ids."""
    if isinstance(value, str):
        return value.isascii() and value.isdecimal()
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_time(value: Json) -> bool:
    return isinstance(value, str) and _TIME.fullmatch(value) is not None


def _is_anything(value: Json) -> bool:
    return True


def _make_other(value: Json, rng: random.Random) -> Json:
    return rng.choice([one for one in OTHERS if type(one) is not type(value)])


def _make_empty(value: Json, rng: random.Random) -> Json:
    return type(value)() if isinstance(value, str | list | dict) else ""


def _make_huge(value: Json, rng: random.Random) -> Json:
    return [7] * 100_000 if isinstance(value, list) else rng.choice(("x", "é", "\\")) * MILLION


def _make_deep(value: Json, rng: random.Random) -> Json:
    depth = rng.choice(DEPTHS)
    opening, closing = rng.choice(((b"[", b"]"), (b'{"a":', b"}")))
    return msgspec.Raw(opening * depth + b"0" + closing * depth)


def _insert(piece: bytes) -> Callable[[Json, random.Random], Json]:
    """The text with these bytes, as they stand in JSON, somewhere in it."""

    def make(value: Json, rng: random.Random) -> Json:
        at = rng.randint(0, len(value))
        return msgspec.Raw(encode(value[:at])[:-1] + piece + encode(value[at:])[1:])

    return make


def _insert_control(value: Json, rng: random.Random) -> Json:
    at = rng.randint(0, len(value))
    return value[:at] + rng.choice(CONTROL_TEXTS) + value[at:]


def _make_number(value: Json, rng: random.Random) -> Json:
    return msgspec.Raw(rng.choice(ODD_NUMBERS).encode())


def leave_out(reply: OutgoingResponse, strike: Strike) -> None:
    found = pick_place(reply, strike, _is_anything, in_object=True)
    if found is not None:
        row, place = found
        note(reply, "missing-member", row, place.name)
        del place.parent[place.key]
        reply.is_touched = True


def double(reply: OutgoingResponse, strike: Strike) -> None:
    """The parent object is written by hand, for no dict has a key twice."""
    found = pick_place(reply, strike, _is_anything, in_object=True)
    if found is None:
        return
    row, place = found
    note(reply, "double-member", row, place.name)
    pairs = [encode(name) + b":" + encode(value) for name, value in place.parent.items()]
    other = encode(place.key) + b":" + encode(strike.rng.choice((None, *OTHERS)))
    pairs.insert(strike.rng.randint(0, len(pairs)), other)
    raw = msgspec.Raw(b"{" + b",".join(pairs) + b"}")
    if place.parent is row:
        reply.put_row(row, raw)
    else:
        _put_parent(row, place.parent, raw)
    reply.is_touched = True


def _put_parent(row: dict[str, Json], parent: Json, raw: msgspec.Raw) -> None:
    place = next(place for place in walk_places(row) if place.value is parent)
    place.parent[place.key] = raw


MEMBERS: dict[str, Spoiler] = {
    "missing-member": Spoiler(HELP["missing-member"], has_rows, leave_out),
    "null-member": spoil_member("null-member", lambda value: value is not None, lambda _value, _rng: None),
    "odd-member": spoil_member("odd-member", _is_anything, _make_other),
    "empty-member": spoil_member("empty-member", lambda value: bool(value) or value == 0, _make_empty),
    "odd-number": spoil_member("odd-number", _is_number, _make_number),
    "huge-member": spoil_member("huge-member", _is_anything, _make_huge),
    "deep-member": spoil_member("deep-member", _is_anything, _make_deep),
    "zero-text": spoil_member("zero-text", _is_text, _insert(b"\\u0000")),
    "surrogate-text": spoil_member("surrogate-text", _is_text, _insert(b"\\ud83d")),
    "broken-text": spoil_member("broken-text", _is_text, _insert(b"\xff\xc3")),
    "control-text": spoil_member("control-text", _is_text, _insert_control),
    "impossible-time": spoil_member("impossible-time", _is_time, lambda _value, rng: rng.choice(IMPOSSIBLE_TIMES)),
    "far-time": spoil_member("far-time", _is_time, lambda _value, rng: rng.choice(FAR_TIMES)),
    "double-member": Spoiler(HELP["double-member"], has_rows, double),
}
