"""How lists are walked: one class a way of paging, each a pure reading of one answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from unihire.errors import VendorChanged
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

    `next` is a path with query, relative to the vendor's origin: what a stream's position stores.
    """

    rows: list[Row]
    next: str | None


class Paging(Protocol):
    """Reads one answer of a list call."""

    def first(self, path: str, params: Mapping[str, str], size: int | None = None) -> tuple[str, Mapping[str, str]]:
        """Path and query of the first call; `size` rows a page where the list is paged, else as many as is best."""
        ...

    def read(self, answer: VendorResponse, *, origin: str, asked: str) -> Page:
        """The page in the answer to `asked` (path with query) at `origin`.

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


def read_row(answer: VendorResponse, *, of: str) -> Row:
    """The row that an answer is; see `decode_row`. Raises VendorChanged where it is no JSON object."""
    row = decode_row(answer.body)
    if not answer.body.lstrip().startswith(b"{"):
        raise VendorChanged(f"{of}: the answer is not a JSON object")
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

    def first(self, path: str, params: Mapping[str, str], size: int | None = None) -> tuple[str, Mapping[str, str]]:
        return path, {**_size(self.page_size, size), **params}

    def read(self, answer: VendorResponse, *, origin: str, asked: str) -> Page:
        of = asked.partition("?")[0]  # a query can contain personal data: no error shows it
        members = decode_object(answer.body, of=of)
        rows = decode_rows(members.get(self.items), of=of)
        return _end_or_follow(rows, self._find_link(members, of), origin=origin, asked=asked)

    def _find_link(self, members: Mapping[str, Any], of: str) -> str | None:
        found: Any = members
        for name in self.link:
            found = found.get(name) if isinstance(found, Mapping) else None
            if isinstance(found, msgspec.Raw):
                try:
                    found = decode(found, ANYTHING)
                except Undecodable as error:
                    raise VendorChanged(f"{of}: the answer's paging part is not JSON") from error
        if found is None:
            return None
        if not isinstance(found, str):
            raise VendorChanged(f"{of}: the link to the next page is not text")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeList:
    """One answer has every row."""

    items: str

    def first(self, path: str, params: Mapping[str, str], size: int | None = None) -> tuple[str, Mapping[str, str]]:
        return path, params

    def read(self, answer: VendorResponse, *, origin: str, asked: str) -> Page:
        of = asked.partition("?")[0]
        return Page(decode_rows(decode_object(answer.body, of=of).get(self.items), of=of), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkHeader:
    """The answer is the bare list of rows, and its `Link` header (RFC 8288) carries the next page's address as `next`.

    It is followed under the rules of `NextLink`.
    """

    page_size: Mapping[str, str]

    def first(self, path: str, params: Mapping[str, str], size: int | None = None) -> tuple[str, Mapping[str, str]]:
        return path, {**_size(self.page_size, size), **params}

    def read(self, answer: VendorResponse, *, origin: str, asked: str) -> Page:
        rows = decode_rows(answer.body, of=asked.partition("?")[0])
        return _end_or_follow(rows, find_next_link(answer.headers), origin=origin, asked=asked)


def _size(page_size: Mapping[str, str], size: int | None) -> Mapping[str, str]:
    """The parameters of the first call: the first of them says how many rows a page has."""
    return page_size if size is None else {**page_size, next(iter(page_size)): str(size)}


def _end_or_follow(rows: list[Row], href: str | None, *, origin: str, asked: str) -> Page:
    of = asked.partition("?")[0]
    if href is None:
        return Page(rows, None)
    try:
        following = follow(href, origin=origin, asked=asked)
    except Unfollowed as error:
        raise VendorChanged(f"{of}: the link to the next page is not followed: it {error}") from None
    return Page(rows, None if following == asked else following)
