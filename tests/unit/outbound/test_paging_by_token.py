import json
from typing import Any

import pytest

from unihire.errors import VendorChanged
from unihire.outbound.paging import Page, Paging, VendorResponse, WholeList
from unihire.outbound.paging_by_token import MOST_PAGES, NextToken, Offset, PageNumber

ROW = {"id": 1}
TOKEN = NextToken(items="data", token=("next",), param="offset", page_size={"limit": "2"}, more=("hasNext",))
BODY = NextToken(
    items="results", token=("nextCursor",), param="cursor", page_size={"limit": 100}, more=("more",), in_body=True,
    sync=("meta", "syncToken"),
)  # fmt: skip


def read(paging: Paging, asked: str, body: Any) -> Page:
    answer = VendorResponse(200, {}, json.dumps(body).encode())
    return paging.read(answer, origin="https://api.example", asked=asked)


def test_token_is_asked_with_beside_what_the_first_call_had() -> None:
    asked = TOKEN.first("/people", {"since": "1 2"})
    assert asked == "/people?limit=2&since=1+2"
    assert read(TOKEN, asked, {"data": [ROW], "next": "a&b", "hasNext": True}).next == (
        "/people?limit=2&since=1+2&offset=a%26b"
    )


def test_token_in_a_body_is_a_post() -> None:
    asked = BODY.first("/candidate.list", {"archived": True}, 1)
    assert asked == '/candidate.list {"limit":1,"archived":true}'
    page = read(BODY, asked, {"results": [], "nextCursor": "x", "more": True, "meta": {"syncToken": "early"}})
    assert page.next == '/candidate.list {"limit":1,"archived":true,"cursor":"x"}'
    assert page.token is None


def test_walk_ends_where_there_is_no_more_whatever_token_is_beside_it() -> None:
    page = read(BODY, "/x {}", {"results": [ROW], "nextCursor": "x", "more": False, "meta": {"syncToken": "t"}})
    assert (page.next, page.token) == (None, "t")
    assert read(TOKEN, "/x", {"data": [ROW], "hasNext": True}).next is None
    assert read(TOKEN, "/x", {"data": [ROW], "hasNext": True, "next": ""}).next is None


def test_token_that_is_that_of_the_page_just_read_ends_the_walk() -> None:
    assert read(TOKEN, "/x?offset=a", {"data": [ROW], "next": "a", "hasNext": True}).next is None


@pytest.mark.parametrize(
    "body",
    [
        {"data": [ROW], "next": 7, "hasNext": True},
        {"data": [ROW], "next": "a" * 5000, "hasNext": True},
        {"data": [ROW], "next": "a", "hasNext": "yes"},
        {"next": "a", "hasNext": True},
        {"data": "none", "hasNext": False},
        [],
    ],
)
def test_answer_of_another_shape_is_told(body: Any) -> None:
    with pytest.raises(VendorChanged):
        read(TOKEN, "/x", body)


def test_pages_are_counted_until_one_is_empty_though_one_is_short() -> None:
    paging = PageNumber(items="rows", page_size={"per_page": "2"})
    asked = paging.first("/jobs", {})
    assert asked == "/jobs?per_page=2&page=1"
    second = read(paging, asked, {"rows": [ROW]}).next
    assert second == "/jobs?per_page=2&page=2"
    assert read(paging, second, {"rows": []}).next is None


def test_pages_end_where_the_answer_says_so() -> None:
    paging = PageNumber(items="rows", pages=("meta", "pages"), first_number=0)
    assert read(paging, "/jobs?page=0", {"rows": [ROW], "meta": {"pages": 2}}).next == "/jobs?page=1"
    assert read(paging, "/jobs?page=1", {"rows": [ROW], "meta": {"pages": 2}}).next is None
    flagged = PageNumber(items="rows", more=("more",))
    assert read(flagged, "/jobs?page=1", {"rows": [ROW], "more": True}).next == "/jobs?page=2"
    assert read(flagged, "/jobs?page=1", {"rows": [ROW], "more": False}).next is None
    with pytest.raises(VendorChanged, match=r"meta\.pages is no count"):
        read(paging, "/jobs?page=0", {"rows": [ROW], "meta": {"pages": "2"}})


def test_page_number_may_stand_in_the_path_and_one_row_alone() -> None:
    paging = PageNumber(items=None, param=None, may_be_lone=True)
    asked = paging.first("/applicants/page", {"status": "new"})
    assert asked == "/applicants/page/1?status=new"
    page = read(paging, asked, ROW)
    assert [row.data for row in page.rows] == [ROW]
    assert page.next == "/applicants/page/2?status=new"
    assert read(paging, "/applicants/page/2?status=new", []).next is None


def test_list_of_pages_has_an_end() -> None:
    with pytest.raises(VendorChanged, match="more than"):
        read(PageNumber(items=None), f"/jobs?page={MOST_PAGES + 1}", [ROW])


def test_offset_moves_on_by_the_rows_that_came() -> None:
    paging = Offset(items="rows", page_size={"limit": "100"}, total=("total",))
    asked = paging.first("/jobs", {})
    assert asked == "/jobs?limit=100&offset=0"
    assert read(paging, asked, {"rows": [ROW] * 50, "total": 120}).next == "/jobs?limit=100&offset=50"
    assert read(paging, "/jobs?limit=100&offset=50", {"rows": [ROW] * 70, "total": 120}).next is None
    blind = Offset(items="rows")
    assert read(blind, "/jobs?offset=0", {"rows": [ROW]}).next == "/jobs?offset=1"
    assert read(blind, "/jobs?offset=1", {"rows": []}).next is None


def test_whole_list_may_be_bare_or_asked_for_by_post() -> None:
    assert WholeList(items=None).first("/stages", {"a": "b"}) == "/stages?a=b"
    assert len(read(WholeList(items=None), "/stages", [ROW, ROW]).rows) == 2
    with pytest.raises(VendorChanged):
        read(WholeList(items=None), "/stages", ROW)
    assert [row.data for row in read(WholeList(items=None, may_be_lone=True), "/stages", ROW).rows] == [ROW]
    assert WholeList(items="results", in_body=True).first("/x.list", {"a": 1}) == '/x.list {"a":1}'
