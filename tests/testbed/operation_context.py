"""An operation context over rows in memory, with the filters of Harvest v3. It counts the calls to the vendor."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from unihire.integration.operate import Trace, VendorCall
from unihire.integration.vendor_row import VendorRow, read_rows
from unihire.kit.clock import parse_moment

Json = dict[str, Any]

LONGEST_PAGE = 500
MOST_VALUES = 50

SWITCHES = {"show_service_accounts", "include_defaults"}
"""Filters that let rows through which a list leaves out otherwise; here none is left out."""

COMPARISONS = {
    "gte": lambda moment, bound: moment >= bound,
    "gt": lambda moment, bound: moment > bound,
    "lte": lambda moment, bound: moment <= bound,
    "lt": lambda moment, bound: moment < bound,
}


class MemoryContext:
    """`rows` by stream, in any order; `calls` counts them by stream, and `asked` tells what they filtered by."""

    can_act = True

    def __init__(self, **rows: Sequence[Json]) -> None:
        self.rows = {stream: list(held) for stream, held in rows.items()}
        self.calls: Counter[str] = Counter()
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.created: list[tuple[str, str, Json]] = []
        self.touched: dict[str, list[str]] = {}
        self.planned: list[str] = []
        self.scopes: set[str] = set()

    async def page(self, stream: str, number: int, size: int, filters: Mapping[str, Any]) -> list[VendorRow]:
        assert 1 <= size <= LONGEST_PAGE
        assert number >= 1
        self._count(stream, filters)
        return read_rows(stream, self._list(stream, filters)[(number - 1) * size : number * size])

    async def all(self, stream: str, filters: Mapping[str, Any] | None = None) -> list[VendorRow]:
        found = self._list(stream, filters or {})
        self._count(stream, filters or {}, max(1, math.ceil(len(found) / LONGEST_PAGE)))
        return read_rows(stream, found)

    async def find(self, stream: str, member: str, values: Iterable[object]) -> list[VendorRow]:
        wanted = list(dict.fromkeys(str(value) for value in values if value is not None))
        batches = [wanted[start : start + MOST_VALUES] for start in range(0, len(wanted), MOST_VALUES)]
        return [row for batch in batches for row in await self.all(stream, {f"{member}s": ",".join(batch)})]

    def touch(self, stream: str, ids: Iterable[object]) -> None:
        self.touched.setdefault(stream, []).extend(str(id) for id in ids)

    def plan(self, steps: Iterable[str], *, scopes: Iterable[str] = ()) -> None:
        self.planned, self.scopes = list(steps), set(scopes)

    async def create(self, step: str, call: VendorCall, *, stream: str, trace: Trace) -> VendorRow:
        """Keeps the body as a row of the stream, under the next id."""
        assert isinstance(call.body, dict)
        held, body = self.rows.setdefault(stream, []), call.body
        moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        id = max((row["id"] for row in held), default=0) + 1
        held.append({**body, "id": id, "created_at": moment, "updated_at": moment})
        self.created.append((step, call.path, body))
        return VendorRow(stream, held[-1])

    def _count(self, stream: str, filters: Mapping[str, str], calls: int = 1) -> None:
        self.calls[stream] += calls
        self.asked.append((stream, dict(filters)))

    def _list(self, stream: str, filters: Mapping[str, str]) -> list[Json]:
        assert not {"created_at", "updated_at"} <= filters.keys(), "the vendor refuses both at once"
        asked = [(name, wanted, frozenset(wanted.split(","))) for name, wanted in filters.items()]
        found = [row for row in self.rows.get(stream, ()) if all(_holds(row, *each) for each in asked)]
        return sorted(found, key=lambda row: row["id"], reverse=True)


def _holds(row: Json, name: str, wanted: str, values: frozenset[str]) -> bool:
    """Whether a row is let through by a filter; `values` are those that `wanted` lists."""
    if name not in row and name.endswith("s") and (one := name[:-1]) in row:
        return str(row[one]) in values
    if name in SWITCHES:
        return True
    if name == "email" and "email_addresses" in row:
        return any(address["value"] == wanted for address in row["email_addresses"])
    if name.endswith(("_at", "_on")):
        return _holds_moment(row[name], wanted)
    value = row[name if name in row else f"{name}s"]
    if isinstance(value, list):
        return any(str(one) in values for one in value)
    if name == "status" and wanted == "active":
        return bool(value == "in_process")
    return (str(value).lower() if isinstance(value, bool) else str(value)) == wanted


def _holds_moment(value: str | None, wanted: str) -> bool:
    parts = wanted.split("|")
    bounds = zip(parts[::2], parts[1::2], strict=True)
    return value is not None and all(COMPARISONS[by](parse_moment(value), parse_moment(bound)) for by, bound in bounds)
