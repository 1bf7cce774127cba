"""How lists are walked: one class a way of paging, each a pure reading of one answer."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from unihire.errors import VendorChanged
from unihire.outbound.asked import name_asked, write_asked
from unihire.outbound.decoding import (
    ANYTHING,
    MEMBERS,
    OBJECT,
    Undecodable,
    decode,
    decode_objects,
    split_items,
    split_object,
)
from unihire.outbound.links import Unfollowed, find_next_link, follow


class Row:
    """One row of a page: `raw` is the vendor's own bytes, `data` the same decoded, when it is asked for first.

    Where they cannot be decoded, `fault` says why, without their content, and `data` has those members that can be:
    enough perhaps to know whose row it is, and for nothing else. `row_id` is the vendor's id once somebody has read it.
    `is_unchanged`: what it becomes is stored already.
    """

    __slots__ = ("_data", "_fault", "is_unchanged", "raw", "row_id")

    def __init__(self, data: dict[str, Any] | None, raw: bytes, fault: str | None = None) -> None:
        self._data = data
        self._fault = fault
        self.raw = raw
        self.row_id: str | None = None
        self.is_unchanged = False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Row) and (self.raw, self.data, self.fault) == (other.raw, other.data, other.fault)

    __hash__ = None  # type: ignore[assignment]

    @property
    def data(self) -> dict[str, Any]:
        if self._data is None:
            self._data, self._fault = _decode_row(self.raw)
        return self._data

    @property
    def fault(self) -> str | None:
        if self._data is None:
            self._data, self._fault = _decode_row(self.raw)
        return self._fault

    def forget_data(self) -> None:
        """Free the memory of what was decoded; it is decoded again when somebody looks into it."""
        if self._fault is None:
            self._data = None

    @classmethod
    def decode_together(cls, rows: "Sequence[Row]") -> None:
        """Decode rows at once, which takes less than one after the other."""
        left = [row for row in rows if row._data is None]
        try:
            decoded = decode_objects([row.raw for row in left])
        except Undecodable:
            return  # each has its own
        for row, data in zip(left, decoded, strict=True):
            row._data = data


@dataclass(frozen=True, slots=True)
class VendorResponse:
    """What the vendor answered. The names of `headers` are found in any letter case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of one answer and where the next page is; `next` None ends the walk.

    `next` is what to ask then (see `asked`): what a stream's position stores. `token` is the sync token in the answer.
    """

    rows: list[Row]
    next: str | None
    token: str | None = None


class Paging(Protocol):
    """Reads one answer of a list call."""

    def first(self, path: str, params: Mapping[str, Any], size: int | None = None) -> str:
        """What to ask first (see `asked`); `size` rows a page where the list is paged, else as many as is best."""
        ...

    def read(self, answer: VendorResponse, *, origin: str, asked: str) -> Page:
        """The page in the answer to `asked` at `origin`.

        Raises VendorChanged where the answer does not have the documented shape.
        """
        ...


def decode_object(body: bytes, *, of: str) -> dict[str, msgspec.Raw]:
    """The members of a JSON object, each still as sent. `of` names the call for the error."""
    try:
        return decode(body, MEMBERS)
    except Undecodable:
        pass
    try:
        return {name: msgspec.Raw(value) for name, value in split_object(body).items()}
    except Undecodable as error:
        raise VendorChanged(f"{of}: the answer is not a JSON object") from error


def decode_rows(raw: msgspec.Raw | bytes | None, *, of: str) -> list[Row]:
    """The rows of a JSON array of objects, each with its own bytes; one that cannot be decoded has a fault.

    They are decoded when somebody looks into them.

    Raises VendorChanged for anything but an array, and for one that has items and no object among them.
    """
    if raw is None:
        raise VendorChanged(f"{of}: the answer has no list of rows")
    try:
        items = split_items(raw)
    except Undecodable as error:
        raise VendorChanged(f"{of}: the rows are not a list of JSON objects") from error
    if items and not any(item.startswith(b"{") for item in items):
        raise VendorChanged(f"{of}: the rows are not a list of JSON objects")
    return [Row(None, item) for item in items]


def decode_row(raw: bytes) -> Row:
    """One row, with a fault where it cannot be decoded or is no object."""
    data, fault = _decode_row(raw)
    return Row(data, raw, fault)


def _decode_row(raw: bytes) -> tuple[dict[str, Any], str | None]:
    """A row decoded, as far as it can be, and its fault."""
    try:
        return decode(raw, OBJECT), None
    except Undecodable as error:
        fault = str(error)
    try:
        members = split_object(raw)
    except Undecodable:
        return {}, fault
    data = {}
    for name, value in members.items():
        try:
            data[name] = decode(value, ANYTHING)
        except Undecodable:
            continue
    return data, fault


def read_row(answer: VendorResponse, *, of: str, item: str | None = None, without: Collection[str] = ()) -> Row:
    """The row that an answer is, or that is its member `item`, without some of its members; see `decode_row`.

    Raises VendorChanged where it is no JSON object.
    """
    raw: bytes = answer.body if item is None else bytes(decode_object(answer.body, of=of).get(item, b""))
    if not raw.lstrip().startswith(b"{"):
        raise VendorChanged(f"{of}: the answer is not a JSON object" + ("" if item is None else f" with {item}"))
    row = decode_row(raw)
    if row.fault is None and not row.data.keys().isdisjoint(without):
        members = decode_object(raw, of=of)
        return decode_row(msgspec.json.encode({name: members[name] for name in members if name not in without}))
    return row


@dataclass(frozen=True, slots=True, kw_only=True)
class NextLink:
    """The answer carries the address of the next page, followed as `links.follow` says.

    `items` names the member with the rows, `link` the path to the address. The walk ends on a missing
    link, or a link to the page just read.
    """

    items: str
    link: tuple[str, ...]
    page_size: Mapping[str, str]

    def first(self, path: str, params: Mapping[str, Any], size: int | None = None) -> str:
        return write_asked(path, {**set_size(self.page_size, size), **params})

    def read(self, answer: VendorResponse, *, origin: str, asked: str) -> Page:
        of = name_asked(asked)
        members = decode_object(answer.body, of=of)
        rows = decode_rows(members.get(self.items), of=of)
        link = find_text(members, self.link, of=of, what="the link to the next page")
        return _end_or_follow(rows, link, origin=origin, asked=asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeList:
    """One answer has every row, in the member `items`, or as a bare list where that is None.

    `in_body`: the call is a POST. `may_be_lone`: a list of one row may be answered as that row, and so a detail that is
    one object is read.
    """

    items: str | None
    in_body: bool = False
    may_be_lone: bool = False

    def first(self, path: str, params: Mapping[str, Any], size: int | None = None) -> str:
        return write_asked(path, body=params) if self.in_body else write_asked(path, params)

    def read(self, answer: VendorResponse, *, origin: str, asked: str) -> Page:
        return Page(read_items(answer, self.items, of=name_asked(asked), may_be_lone=self.may_be_lone), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkHeader:
    """The answer is the bare list of rows, and its `Link` header (RFC 8288) carries the next page's address as `next`.

    It is followed under the rules of `NextLink`.
    """

    page_size: Mapping[str, str]

    def first(self, path: str, params: Mapping[str, Any], size: int | None = None) -> str:
        return write_asked(path, {**set_size(self.page_size, size), **params})

    def read(self, answer: VendorResponse, *, origin: str, asked: str) -> Page:
        rows = decode_rows(answer.body, of=name_asked(asked))
        return _end_or_follow(rows, find_next_link(answer.headers), origin=origin, asked=asked)


def read_items(answer: VendorResponse, items: str | None, *, of: str, may_be_lone: bool = False) -> list[Row]:
    """The rows in a member of the answer, or in the answer itself; see `WholeList`."""
    raw = answer.body if items is None else decode_object(answer.body, of=of).get(items)
    if may_be_lone and raw is not None and (lone := bytes(raw).lstrip()).startswith(b"{"):
        return [decode_row(lone)]
    return decode_rows(raw, of=of)


def find_text(members: Mapping[str, Any], path: Sequence[str], *, of: str, what: str) -> str | None:
    """Text in an answer; None where it, or what it is in, is missing or null. Raises VendorChanged for anything else.

    `what` names it for the error.
    """
    found = find_value(members, path, of=of)
    if found is not None and not isinstance(found, str):
        raise VendorChanged(f"{of}: {what} is not text")
    return found


def find_value(members: Mapping[str, Any], path: Sequence[str], *, of: str) -> Any:
    """A value in an answer's members, still as sent; None where it, or what it is in, is missing or null."""
    found: Any = members
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
        if isinstance(found, msgspec.Raw):
            try:
                found = decode(found, ANYTHING)
            except Undecodable as error:
                raise VendorChanged(f"{of}: the answer's paging part is not JSON") from error
    return found


def set_size(page_size: Mapping[str, Any], size: int | None) -> Mapping[str, Any]:
    """The parameters of the first call: the first of them says how many rows a page has."""
    if size is None or not page_size:
        return page_size
    name = next(iter(page_size))
    return {**page_size, name: type(page_size[name])(size)}


def _end_or_follow(rows: list[Row], href: str | None, *, origin: str, asked: str) -> Page:
    of = name_asked(asked)
    if href is None:
        return Page(rows, None)
    try:
        following = follow(href, origin=origin, asked=asked)
    except Unfollowed as error:
        raise VendorChanged(f"{of}: the link to the next page is not followed: it {error}") from None
    return Page(rows, None if following == asked else following)
