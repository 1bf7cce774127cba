"""Rows of a vendor in which one member is missing, null or of another type, and a context that returns them."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from testbed.operation_context import Json, MemoryContext
from unihire.integration.declare import list_values
from unihire.integration.operate import Trace, VendorCall
from unihire.integration.vendor_row import VendorRow, read_rows

Path = tuple[str, ...]
"""A member, `*` for each item of a list and each value of an object under names of the customer's."""

EACH = "*"
LEFT_OUT = object()
OTHERS: Mapping[type, tuple[Any, ...]] = {
    str: (5, ["x"], {"x": 1}, True),
    bool: ("yes", 1, [True]),
    int: ("12", [12], {"id": 12}, 1.5),
    float: ("12", [12]),
    list: ("a@x", {"0": "x"}, 7, ["a@x", 5, None, {"x": 1}, ["y"]]),
    dict: ("x", [1], 5),
    type(None): (["x"], {"x": 1}, 7),
}
"""What may stand in the place of a value of a type."""


def list_paths(rows: Iterable[Json]) -> dict[Path, Any]:
    """Every member of the rows, and of what is in them, each with a value it has somewhere."""
    found: dict[Path, Any] = {}
    for row in rows:
        for path, value in _walk((), row):
            if found.get(path) is None:
                found[path] = value
    return found


def _walk(place: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, list):
        for each in value:
            yield (*place, EACH), each
            yield from _walk((*place, EACH), each)
    elif isinstance(value, dict):
        for name, each in value.items():
            inner = (*place, EACH if place and place[-1].endswith("custom_fields") else name)
            yield inner, each
            yield from _walk(inner, each)


def list_spoils(path: Path, value: Any, *, every: bool = False) -> list[Any]:
    """What to put at a path: nothing, null, and a value of another type, or one of `every` other type."""
    others = OTHERS[type(value)]
    chosen = others if every else (others[sum(map(len, path)) % len(others)],)
    return [LEFT_OUT, None, *chosen]


def spoil(value: Any, path: Path, put: Any) -> Any:
    """A copy of the value with this in the place of what is at the path."""
    if not path:
        return put
    name, further = path[0], path[1:]
    if isinstance(value, list) and name == EACH:
        spoiled = [spoil(each, further, put) for each in value]
        return [each for each in spoiled if each is not LEFT_OUT]
    if isinstance(value, dict):
        names = list(value) if name == EACH else [name] if name in value else []
        changed = {each: spoil(value[each], further, put) for each in names}
        return {each: inner for each, inner in {**value, **changed}.items() if inner is not LEFT_OUT}
    return value


class SpoiledContext(MemoryContext):
    """Finds rows by what they are, and hands out those of one stream spoiled."""

    def __init__(self, rows: Mapping[str, list[Json]], stream: str = "", path: Path = (), put: Any = None) -> None:
        super().__init__(**rows)
        self._spoil = (stream, path, put)
        self._ids = itertools.count(10**12)
        self.handed: set[str] = set()

    def hand_out(self, stream: str, rows: Iterable[Json]) -> list[VendorRow]:
        spoiled, path, put = self._spoil
        rows = list(rows)
        self.handed |= {stream} if rows else set()
        return read_rows(stream, (spoil(row, path, put) for row in rows) if stream == spoiled else rows)

    async def page(self, stream: str, number: int, size: int, filters: Mapping[str, Any]) -> list[VendorRow]:
        return self.hand_out(stream, [row.data for row in await super().page(stream, number, size, filters)])

    async def all(self, stream: str, filters: Mapping[str, Any] | None = None) -> list[VendorRow]:
        return self.hand_out(stream, [row.data for row in await super().all(stream, filters)])

    async def find(self, stream: str, member: str, values: Iterable[object]) -> list[VendorRow]:
        wanted = {str(value) for value in values if value is not None}
        found = await super().find(stream, member, wanted)
        return [row for row in found if not wanted.isdisjoint(list_values(row.data, member))]

    async def create(self, step: str, call: VendorCall, *, stream: str, trace: Trace) -> VendorRow:
        """A row like those there are, with what is in the body; its first application with a candidate."""
        assert isinstance(call.body, dict)
        body = call.body
        sent = {name: value for name, value in body.items() if name != "custom_fields"}
        row = {**self.rows[stream][0], "custom_fields": {}, **sent}
        row["id"] = next(self._ids)
        self.rows[stream].append(row)
        if "application" in body:
            within = {"candidate_id": row["id"], "id": next(self._ids), "prospect": False, **row.pop("application")}
            self.rows["applications"].append({**self.rows["applications"][0], **within})
        return self.hand_out(stream, [row])[0]
