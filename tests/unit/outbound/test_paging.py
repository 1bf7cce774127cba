"""Reading a page: rows as sent, and where the next page is."""

from typing import Any

import msgspec
import pytest

from unihire.errors import VendorChanged
from unihire.outbound.paging import Answer, NextLink, WholeList

ORIGIN = "https://api.example.com"
ASKED = "/v2/people?limit=2&email=ada%40example.com"
LIST = NextLink(items="_data", link=("_meta", "links", "next", "href"), page_size={"limit": "2"})
ROW = b'{"id": "1",  "n": 1.50}'


def page(href: Any, rows: bytes = b"[" + ROW + b"]") -> bytes:
    links = msgspec.json.encode({"links": {"next": {"href": href}}})
    return b'{"_meta": %b, "_data": %b}' % (links, rows)


def read(body: bytes) -> str | None:
    return LIST.read(Answer(200, {}, body), origin=ORIGIN, asked=ASKED).next


def test_rows_keep_the_bytes_they_were_sent_in() -> None:
    found = LIST.read(Answer(200, {}, page(None, b"[ " + ROW + b" ,{}]")), origin=ORIGIN, asked=ASKED)
    assert [row.raw for row in found.rows] == [ROW, b"{}"]
    assert found.rows[0].data == {"id": "1", "n": 1.5}


def test_first_call_asks_for_the_page_size_and_keeps_filters() -> None:
    assert LIST.first("/v2/people", {"since": "x"}) == ("/v2/people", {"limit": "2", "since": "x"})
    assert WholeList(items="rows").first("/all", {}) == ("/all", {})


def test_next_link_is_followed_as_it_stands() -> None:
    assert read(page(f"{ORIGIN}/v2/people?cursor=a%2Bb&limit=2")) == "/v2/people?cursor=a%2Bb&limit=2"
    assert read(page(f"{ORIGIN}/v2/people")) == "/v2/people"


@pytest.mark.parametrize(
    "body",
    [
        page(None),
        page(f"{ORIGIN}/v2/people?cursor=x", b"[]"),
        page(f"{ORIGIN}{ASKED}"),
        b'{"_data": [], "_meta": null}',
        b'{"_data": [{}], "_meta": {"links": {}}}',
        b'{"_data": [{}], "_meta": {"links": {"next": null}}}',
        b'{"_data": [{}], "_meta": []}',
        b'{"_data": [{}]}',
    ],
    ids=["null", "empty page", "itself", "no meta", "no next", "null next", "odd meta", "nothing"],
)
def test_walk_ends_without_a_link_on_an_empty_page_or_at_the_same_page(body: bytes) -> None:
    assert read(body) is None


@pytest.mark.parametrize(
    "href",
    [
        "https://evil.example/v2/people?cursor=ada%40example.com",
        "http://api.example.com/v2/people",
        "https://api.example.com:8443/v2/people",
        "https://api.example.com.evil.example/v2/people",
        "https://user@api.example.com/v2/people",
        "//api.example.com/v2/people",
        "https://api.example.com@evil.example/v2",
        "javascript:alert(1)",
        "https://[broken/v2",
        5,
        {"href": "x"},
    ],
)
def test_link_to_another_origin_is_refused_and_the_message_tells_no_query(href: Any) -> None:
    with pytest.raises(VendorChanged) as caught:
        read(page(href))
    assert "ada" not in str(caught.value)
    assert "/v2/people" in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'"x"',
        b'{"data": []}',
        b'{"_data": {}}',
        b'{"_data": null}',
        b'{"_data": [1]}',
        b'{"_data": [[]]}',
        b'{"_data": [null]}',
    ],
)
def test_answer_of_another_shape_is_a_change_of_the_vendors_and_the_message_tells_no_query(body: bytes) -> None:
    for paging in (LIST, WholeList(items="_data")):
        with pytest.raises(VendorChanged) as caught:
            paging.read(Answer(200, {}, body), origin=ORIGIN, asked=ASKED)
        assert "ada" not in str(caught.value)


@pytest.mark.parametrize("following", [None, "/v2/people?page=2"])
def test_link_may_stand_at_the_top_of_the_answer(following: str | None) -> None:
    paging = NextLink(items="rows", link=("next",), page_size={})
    body = msgspec.json.encode({"rows": [{}], "next": following and ORIGIN + following})
    assert paging.read(Answer(200, {}, body), origin=ORIGIN, asked=ASKED).next == following
