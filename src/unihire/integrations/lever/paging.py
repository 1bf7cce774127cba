"""How Lever's lists are walked: by an offset that is given with each page; contacts are inside the rows of another."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unihire.errors import VendorChanged
from unihire.outbound.asked import name_asked
from unihire.outbound.decoding import Undecodable, split_object
from unihire.outbound.paging import Page, Paging, Row, VendorResponse, WholeList
from unihire.outbound.paging_by_token import NextToken

PAGE = {"limit": "100"}
"""The most rows that a page has [official]."""

LIST = NextToken(items="data", token=("next",), param="offset", page_size=PAGE, more=("hasNext",))
ONE = WholeList(items="data", may_be_lone=True)
"""The answer of a call for one thing."""


@dataclass(frozen=True, slots=True)
class Inside:
    """The pages of another list, whose rows are what its rows have in a member; rows that lack it have none."""

    list: Paging
    member: str

    def first(self, path: str, params: Mapping[str, Any], size: int | None = None) -> str:
        return self.list.first(path, params, size)

    def read(self, answer: VendorResponse, *, origin: str, asked: str) -> Page:
        page = self.list.read(answer, origin=origin, asked=asked)
        found = [inner for row in page.rows if (inner := self._find(row.raw)) is not None]
        return Page([Row(None, raw) for raw in found], page.next, page.token)

    def _find(self, raw: bytes) -> bytes | None:
        try:
            inner = bytes(split_object(raw).get(self.member, b""))
        except Undecodable:
            return None
        return inner if inner.lstrip().startswith(b"{") else None


@dataclass(frozen=True, slots=True)
class PageAsRow:
    """The first page as one row, whose parts then have a place in the list. It is never empty: else it is no answer."""

    def first(self, path: str, params: Mapping[str, Any], size: int | None = None) -> str:
        return WHOLE.first(path, params)

    def read(self, answer: VendorResponse, *, origin: str, asked: str) -> Page:
        if not LIST.read(answer, origin=origin, asked=asked).rows:
            raise VendorChanged(f"{name_asked(asked)}: an empty list, which this one cannot be")
        return WHOLE.read(answer, origin=origin, asked=asked)


WHOLE = WholeList(items=None, may_be_lone=True)
PAGE_AS_ROW = PageAsRow()
CONTACTS = Inside(LIST, "contact")
