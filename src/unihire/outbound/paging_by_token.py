"""Lists whose next page is asked for by repeating the first call with another token, offset or page number."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from unihire.errors import VendorChanged
from unihire.outbound.asked import find_param, name_asked, set_param, write_asked
from unihire.outbound.paging import (
    Page,
    VendorResponse,
    decode_object,
    decode_rows,
    find_text,
    find_value,
    read_items,
    set_size,
)

LONGEST_TOKEN = 4096
"""Characters of a token that is taken: a stream's position stores it."""

MOST_PAGES = 1_000_000
"""Pages of a list that is walked by number: one that claims more has no end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextToken:
    """The answer carries a token, with which as `param` the call is repeated for the next page.

    `items` names the member with the rows, `token` the path to the token; a missing one ends the walk, and so does
    False at `more`, where that is declared. `in_body`: the call is a POST, and its parameters are the JSON of its body.
    `sync` is the path to the sync token, which the last page has.
    """

    items: str
    token: tuple[str, ...]
    param: str
    page_size: Mapping[str, Any] = field(default_factory=dict)
    more: tuple[str, ...] | None = None
    in_body: bool = False
    sync: tuple[str, ...] | None = None

    def first(self, path: str, params: Mapping[str, Any], size: int | None = None) -> str:
        asked = {**set_size(self.page_size, size), **params}
        return write_asked(path, body=asked) if self.in_body else write_asked(path, asked)

    def read(self, answer: VendorResponse, *, origin: str, asked: str) -> Page:
        of = name_asked(asked)
        members = decode_object(answer.body, of=of)
        rows = decode_rows(members.get(self.items), of=of)
        sync = None if self.sync is None else _find_token(members, self.sync, of=of)
        if self.more is not None and not _read_flag(members, self.more, of=of):
            return Page(rows, None, sync)
        token = _find_token(members, self.token, of=of)
        if token is None:
            return Page(rows, None, sync)
        following = set_param(asked, self.param, token)
        return Page(rows, None if following == asked else following)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageNumber:
    """Pages are asked for by number, in `param`, or in the path where that is None (`/applicants/page/2`).

    `first_number` is that of the first. The walk ends on a page without rows; a page shorter than was asked for is no
    end, as a vendor may give fewer than that. Where the answer has `pages`, the path to how many there are, or `more`,
    that to a flag, it ends there and takes no further call. `items` and `may_be_lone` as in `WholeList`.
    """

    items: str | None
    param: str | None = "page"
    page_size: Mapping[str, str] = field(default_factory=dict)
    first_number: int = 1
    pages: tuple[str, ...] | None = None
    more: tuple[str, ...] | None = None
    may_be_lone: bool = False

    def first(self, path: str, params: Mapping[str, Any], size: int | None = None) -> str:
        asked = {**set_size(self.page_size, size), **params}
        if self.param is None:
            return write_asked(f"{path}/{self.first_number}", asked)
        return write_asked(path, {**asked, self.param: str(self.first_number)})

    def read(self, answer: VendorResponse, *, origin: str, asked: str) -> Page:
        of = name_asked(asked)
        rows = read_items(answer, self.items, of=of, may_be_lone=self.may_be_lone)
        number, is_last = self._find_number(asked), not rows
        if self.pages is not None:
            passed = number - self.first_number + 1
            is_last |= passed >= _read_count(decode_object(answer.body, of=of), self.pages, of=of)
        if self.more is not None:
            is_last |= not _read_flag(decode_object(answer.body, of=of), self.more, of=of)
        if is_last:
            return Page(rows, None)
        if number - self.first_number >= MOST_PAGES:
            raise VendorChanged(f"{of}: the list has more than {MOST_PAGES:,} pages")
        return Page(rows, self._set_number(asked, number + 1))

    def _find_number(self, asked: str) -> int:
        if self.param is not None:
            return int(find_param(asked, self.param))
        return int(name_asked(asked).rpartition("/")[2])

    def _set_number(self, asked: str, number: int) -> str:
        if self.param is not None:
            return set_param(asked, self.param, number)
        path, mark, query = asked.partition("?")
        return f"{path.rpartition('/')[0]}/{number}{mark}{query}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offset:
    """Pages are asked for by how many rows come before them, in `param`.

    The walk ends on a page without rows, as in `PageNumber`; and at `total`, the path to the number of all rows, where
    the answer has it. `items` as in `WholeList`.
    """

    items: str | None
    param: str = "offset"
    page_size: Mapping[str, str] = field(default_factory=dict)
    total: tuple[str, ...] | None = None

    def first(self, path: str, params: Mapping[str, Any], size: int | None = None) -> str:
        return write_asked(path, {**set_size(self.page_size, size), **params, self.param: "0"})

    def read(self, answer: VendorResponse, *, origin: str, asked: str) -> Page:
        of = name_asked(asked)
        rows = read_items(answer, self.items, of=of)
        passed, is_last = int(find_param(asked, self.param)) + len(rows), not rows
        if self.total is not None:
            is_last |= passed >= _read_count(decode_object(answer.body, of=of), self.total, of=of)
        return Page(rows, None if is_last else set_param(asked, self.param, passed))


def _find_token(members: Mapping[str, msgspec.Raw], path: tuple[str, ...], *, of: str) -> str | None:
    token = find_text(members, path, of=of, what="the token of the next page")
    if token is not None and len(token) > LONGEST_TOKEN:
        raise VendorChanged(f"{of}: the answer's token has more than {LONGEST_TOKEN:,} characters")
    return token or None


def _read_flag(members: Mapping[str, msgspec.Raw], path: tuple[str, ...], *, of: str) -> bool:
    found = find_value(members, path, of=of)
    if found is not None and not isinstance(found, bool):
        raise VendorChanged(f"{of}: {'.'.join(path)} is neither true nor false")
    return bool(found)


def _read_count(members: Mapping[str, msgspec.Raw], path: tuple[str, ...], *, of: str) -> int:
    found = find_value(members, path, of=of)
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        raise VendorChanged(f"{of}: {'.'.join(path)} is no count")
    return found
