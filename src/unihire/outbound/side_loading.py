"""Rows that an answer has beside the list: each row of the list gets those it refers to."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from unihire.outbound.asked import name_asked
from unihire.outbound.paging import Page, Paging, Row, VendorResponse, decode_object, decode_rows

MEMBER = "included"
"""The member of a row in which those it refers to are."""

Name = tuple[str, str]
"""The type and the id of a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SideLoaded:
    """A list whose answers have, in the member `items`, rows of other kinds that its rows refer to.

    Each row of the list becomes one with a further member `included`, the rows it refers to in the order of `refers`,
    without those that are not there: so a row changes where one it shows does. `name_of` names a row beside the list.
    A row that cannot be read, or over which one of the two raises, is left as it is.
    """

    paging: Paging
    items: str
    refers: Callable[[dict[str, Any]], Iterable[Name]]
    name_of: Callable[[dict[str, Any]], Name]

    def first(self, path: str, params: Mapping[str, Any], size: int | None = None) -> str:
        return self.paging.first(path, params, size)

    def read(self, answer: VendorResponse, *, origin: str, asked: str) -> Page:
        page = self.paging.read(answer, origin=origin, asked=asked)
        of = name_asked(asked)
        beside = decode_object(answer.body, of=of).get(self.items)
        by_name: dict[Name, bytes] = {}
        for row in () if beside is None else decode_rows(beside, of=of):
            name = self._name(row)
            if name is not None:
                by_name[name] = row.raw
        return Page([self._include(row, by_name) for row in page.rows], page.next, page.token)

    def _name(self, row: Row) -> Name | None:
        try:
            return self.name_of(row.data)
        except Exception:  # noqa: BLE001 - whatever it raises over a row
            return None

    def _include(self, row: Row, by_name: Mapping[Name, bytes]) -> Row:
        try:
            names = list(dict.fromkeys(self.refers(row.data)))
        except Exception:  # noqa: BLE001 - as above
            return row
        if row.fault is not None or MEMBER in row.data:
            return row
        shown = b",".join(by_name[name] for name in names if name in by_name)
        start = row.raw.rstrip()[:-1].rstrip()
        separator = b"" if start == b"{" else b","
        return Row(None, b"".join((start, separator, msgspec.json.encode(MEMBER), b":[", shown, b"]}")))
