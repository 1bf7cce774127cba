"""Reading a page: rows as sent, and where the next page is."""

from typing import Any

import msgspec
import pytest
from multidict import CIMultiDict

from unihire.errors import VendorChanged
from unihire.outbound.paging import LinkHeader, NextLink, VendorResponse, WholeList

ORIGIN = "https://api.example.com"
ASKED = "/v2/people?limit=2&email=ada%40example.com"
LIST = NextLink(items="_data", link=("_meta", "links", "next", "href"), page_size={"limit": "2"})
ROW = b'{"id": "1",  "n": 1.50}'


def page(href: Any, rows: bytes = b"[" + ROW + b"]") -> bytes:
    links = msgspec.json.encode({"links": {"next": {"href": href}}})
    return b'{"_meta": %b, "_data": %b}' % (links, rows)


def read(body: bytes) -> str | None:
    return LIST.read(VendorResponse(200, {}, body), origin=ORIGIN, asked=ASKED).next


def test_rows_keep_the_bytes_they_were_sent_in() -> None:
    found = LIST.read(VendorResponse(200, {}, page(None, b"[ " + ROW + b" ,{}]")), origin=ORIGIN, asked=ASKED)
    assert [row.raw for row in found.rows] == [ROW, b"{}"]
    assert found.rows[0].data == {"id": "1", "n": 1.5}


def test_first_call_asks_for_the_page_size_and_keeps_filters() -> None:
    assert LIST.first("/v2/people", {"since": "x"}) == "/v2/people?limit=2&since=x"
    assert WholeList(items="rows").first("/all", {}) == "/all"


def test_next_link_is_followed_as_it_stands() -> None:
    assert read(page(f"{ORIGIN}/v2/people?cursor=a%2Bb&limit=2")) == "/v2/people?cursor=a%2Bb&limit=2"
    assert read(page(f"{ORIGIN}/v2/people")) == "/v2/people"


@pytest.mark.parametrize(
    "body",
    [
        page(None),
        page(f"{ORIGIN}{ASKED}"),
        b'{"_data": [], "_meta": null}',
        b'{"_data": [{}], "_meta": {"links": {}}}',
        b'{"_data": [{}], "_meta": {"links": {"next": null}}}',
        b'{"_data": [{}], "_meta": []}',
        b'{"_data": [{}]}',
    ],
    ids=["null", "itself", "no meta", "no next", "null next", "odd meta", "nothing"],
)
def test_walk_ends_without_a_link_or_at_the_same_page(body: bytes) -> None:
    assert read(body) is None


def test_link_of_an_empty_page_is_told() -> None:
    assert read(page(f"{ORIGIN}/v2/people?cursor=x", b"[]")) == "/v2/people?cursor=x"


@pytest.mark.parametrize(
    "href",
    [
        "https://evil.example/v2/people?cursor=ada%40example.com",
        "http://api.example.com/v2/people",
        "https://api.example.com:8443/v2/people",
        "https://api.example.com.evil.example/v2/people",
        "https://user@api.example.com/v2/people",
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
            paging.read(VendorResponse(200, {}, body), origin=ORIGIN, asked=ASKED)
        assert "ada" not in str(caught.value)


@pytest.mark.parametrize("following", [None, "/v2/people?page=2"])
def test_link_may_stand_at_the_top_of_the_answer(following: str | None) -> None:
    paging = NextLink(items="rows", link=("next",), page_size={})
    body = msgspec.json.encode({"rows": [{}], "next": following and ORIGIN + following})
    assert paging.read(VendorResponse(200, {}, body), origin=ORIGIN, asked=ASKED).next == following


HEADER = LinkHeader(page_size={"per_page": "2"})
NEXT = f"{ORIGIN}/v3/people?cursor=a%2Bb%3D"


def read_header(link: str | None, rows: bytes = b"[{}]", *, asked: str = ASKED, name: str = "Link") -> str | None:
    headers = {} if link is None else {name: link}
    return HEADER.read(VendorResponse(200, CIMultiDict(headers), rows), origin=ORIGIN, asked=asked).next


def test_bare_list_keeps_the_bytes_of_its_rows() -> None:
    page = HEADER.read(VendorResponse(200, {}, b"[ " + ROW + b" ,{}]"), origin=ORIGIN, asked=ASKED)
    assert [row.raw for row in page.rows] == [ROW, b"{}"]
    assert HEADER.first("/v3/people", {"since": "x"}) == "/v3/people?per_page=2&since=x"


@pytest.mark.parametrize(
    "link",
    [
        f'<{NEXT}>; rel="next"',
        f"<{NEXT}>; rel=next",
        f"<{NEXT}>;rel=next",
        f'<{NEXT}> ; rel = "next"',
        f'<{NEXT}>; REL="Next"',
        f'<{NEXT}>; rel="prefetch next last"',
        f'<{NEXT}>; title="a, b; rel=prev"; rel="next"',
        f'<{NEXT}>; title="<x>"; type=text/html; rel="next"; media=screen',
        f'<{ORIGIN}/v3/people?cursor=z>; rel="prev", <{NEXT}>; rel="next", <{ORIGIN}/v3/people>; rel="first"',
        f"<{ORIGIN}/v3/people?ids=1,2>; rel=last,<{NEXT}>; rel=next",
    ],
)
def test_link_header_is_followed_to_the_next_page_as_it_stands(link: str) -> None:
    assert read_header(link) == "/v3/people?cursor=a%2Bb%3D"
    assert read_header(link, name="link") == "/v3/people?cursor=a%2Bb%3D"


@pytest.mark.parametrize(
    "link",
    [
        None,
        "",
        "nonsense",
        f"<{NEXT}>",
        f'<{NEXT}>; rel="prev"',
        f'<{NEXT}>; rel="nextish"',
        f'<{NEXT}>; title="rel=next"',
        f'<{NEXT}>; prel="next"',
        f'{NEXT}; rel="next"',
        f'<{ORIGIN}{ASKED}>; rel="next"',
    ],
)
def test_walk_ends_without_a_link_header_to_another_page(link: str | None) -> None:
    assert read_header(link) is None


def test_link_header_of_an_empty_page_is_told() -> None:
    assert read_header(f'<{NEXT}>; rel="next"', b"[]") == NEXT.removeprefix(ORIGIN)


@pytest.mark.parametrize(
    "href",
    [
        "https://evil.example/v3/people?cursor=ada%40example.com",
        "http://api.example.com/v3/people",
        "https://api.example.com@evil.example/v3",
        "https://[broken/v3",
    ],
)
def test_link_header_to_another_origin_is_refused_and_the_message_tells_no_query(href: str) -> None:
    with pytest.raises(VendorChanged) as caught:
        read_header(f'<{href}>; rel="next"')
    assert "ada" not in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"rows": []}', b"null", b"[1]", b"[null]"])
def test_answer_that_is_no_bare_list_is_a_change_of_the_vendors(body: bytes) -> None:
    with pytest.raises(VendorChanged):
        read_header(None, body)


def test_lone_row_in_a_member_of_the_answer_is_read_where_that_is_declared() -> None:
    answer = VendorResponse(200, {}, b'{"results":  ' + ROW + b"}")
    info = WholeList(items="results", in_body=True, may_be_lone=True)
    assert [row.raw for row in info.read(answer, origin=ORIGIN, asked="/x {}").rows] == [ROW]
    listed = VendorResponse(200, {}, b'{"results": [' + ROW + b",{}]}")
    assert [row.raw for row in info.read(listed, origin=ORIGIN, asked="/x {}").rows] == [ROW, b"{}"]
    for paging, body in ((WholeList(items="results"), answer.body), (info, b"{}"), (info, b'{"results": "x"}')):
        with pytest.raises(VendorChanged):
            paging.read(VendorResponse(200, {}, body), origin=ORIGIN, asked="/x {}")


def test_links_are_resolved_by_every_way_of_paging() -> None:
    for link in (f"{ORIGIN.upper()}:443/v2/people?cursor=x", "//api.example.com/v2/people?cursor=x", "?cursor=x"):
        assert read(page(link)) == "/v2/people?cursor=x"
        assert read_header(f'<{link}>; rel="next"') == "/v2/people?cursor=x"
    for link in ("", ASKED, f"?{ASKED.partition('?')[2]}"):
        assert read(page(link)) is None
        assert read_header(f'<{link}>; rel="next"') is None


def test_next_link_is_found_in_whichever_link_header_has_it() -> None:
    headers = CIMultiDict([("Link", f'<{ORIGIN}/v3/people>; rel="first"'), ("link", f'<{NEXT}>; rel="next"')])
    assert (
        HEADER.read(VendorResponse(200, headers, b"[{}]"), origin=ORIGIN, asked=ASKED).next
        == "/v3/people?cursor=a%2Bb%3D"
    )
