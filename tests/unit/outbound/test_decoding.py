"""JSON that cannot be decoded as a whole: what is good in it, what is wrong with the rest, what finding that costs."""

import json
import time
import tracemalloc
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testbed.effort import count
from unihire.errors import VendorChanged
from unihire.kit.nesting import MOST_DEPTH
from unihire.outbound import decoding
from unihire.outbound.decoding import (
    ANYTHING,
    Undecodable,
    decode,
    find_json,
    is_json,
    split_array,
    split_object,
)
from unihire.outbound.paging import LinkHeader, NextLink, Row, VendorResponse, WholeList, decode_row, read_row

DEEP = b"[" * 100_000 + b"]" * 100_000

ODD = {
    b'{"id": "7", "name": "Zo\xeb"}': "not UTF-8",
    b'{"id": "7", "Zo\xeb": 1}': "not UTF-8",
    b'{"id": "7", "name": ' + DEEP + b"}": "nested too deeply",
    b'{"id": "7", "name": ' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001: "nested too deeply",
    b'{"id": "7", "name": ' + b"[" * (MOST_DEPTH + 1) + b"]" * (MOST_DEPTH + 1) + b"}": "nested too deeply",
    b'{"id": "7", "name": 1e999}': "a number out of range",
    b'{"id": "7", "name": %b}' % (b"9" * 5000): "a number out of range",
    b'{"id": "7", "name": NaN}': "not JSON",
    b'{"id": "7", "name": "a\nb"}': "not JSON",
    b'{"id": "7", "name": "\\x"}': "not JSON",
    b'{"id": "7", "name": 01}': "not JSON",
    b'{"id": "7", "name": [}': "not JSON",
    b'{"id": "7", "name"}': "not JSON",
    b"[]": "not a JSON object",
    b"null": "not a JSON object",
    b'"7"': "not a JSON object",
    b"7": "not a JSON object",
}
"""Rows, each with what is wrong with it."""

BALANCED = [raw for raw in ODD if raw.count(b"[") == raw.count(b"]")]


def read_list(rows: bytes) -> list[Row]:
    """The rows as a client gets them, by each way of paging; they agree."""
    body = b'{"next": null, "rows": %b}' % rows
    found = [
        paging.read(
            VendorResponse(200, {}, find_json(whole) or b""), origin="https://x", asked="/people?email=ada"
        ).rows
        for paging, whole in (
            (NextLink(items="rows", link=("next",), page_size={}), body),
            (WholeList(items="rows"), body),
            (LinkHeader(page_size={}), rows),
        )
    ]
    assert found[0] == found[1] == found[2]
    return found[0]


@pytest.mark.parametrize("raw", BALANCED, ids=range(len(BALANCED)))
def test_row_that_cannot_be_decoded_costs_that_row_alone(raw: bytes) -> None:
    good = [b'{"id": "1", "tags": ["a,b", "]}"]}', b' { "id" : "2" , "quote": "\\"}," } ', '{"id": "ü"}'.encode()]
    rows = read_list(b"[" + b" ,\n".join([good[0], raw, *good[1:]]) + b"]")
    assert [row.data for row in rows if row.fault is None] == [json.loads(one) for one in good]
    assert [row.raw for row in rows] == [one.strip() for one in (good[0], raw, *good[1:])]
    assert rows[1].fault == ODD[raw]


@pytest.mark.parametrize("raw", ODD, ids=range(len(ODD)))
def test_row_that_cannot_be_decoded_has_the_members_that_can(raw: bytes) -> None:
    row = decode_row(raw)
    assert (row.raw, row.fault) == (raw, ODD[raw])
    known = raw.startswith(b"{") and raw in BALANCED
    assert row.data == ({"id": "7"} if known else {})


def test_row_as_deep_as_allowed_is_whole_whatever_brackets_its_texts_hold() -> None:
    deep = b'{"id": "7", "name": %b"[[{\\"["%b, "many": [%b]}' % (
        b"[" * (MOST_DEPTH - 1),
        b"]" * (MOST_DEPTH - 1),
        b", ".join([b'["]", {}]'] * MOST_DEPTH),
    )
    assert [row.fault for row in read_list(b"[%b]" % deep)] == [None]
    assert decode_row(deep).data == json.loads(deep)


def test_halves_of_surrogate_pairs_beside_what_cannot_be_decoded_are_mended() -> None:
    rows = read_list(rb'[{"id": "1", "n": "\ud83d"}, {"id": "\\ud83d"}, {"n": 1e999}, {"n": "\ud83d\ude00\uDE00"}]')
    assert [row.data for row in rows] == [{"id": "1", "n": "�"}, {"id": r"\ud83d"}, {}, {"n": "😀�"}]


@pytest.mark.parametrize(
    "rows",
    [
        b"",
        b"[",
        b'[{"id": 1}, {"id":',
        b'[{"id": 1}, {"id": "',
        b'[{"id": 1e999}, {"id": "x\\"]',
        b'[{"id": 1e999},]',
        b'[{"id": 1e999}, , {}]',
        b'[{"id": 1e999}}',
        b'[{"id": 1e999}]]',
        b'[{"id": 1e999}] x',
        b"[1, null, 1e999]",
        b"<html>[{}]</html>",
        DEEP,
        DEEP[:100_000],
    ],
)
def test_list_whose_rows_cannot_be_told_apart_is_refused_and_the_message_tells_no_query(rows: bytes) -> None:
    with pytest.raises(VendorChanged) as caught:
        LinkHeader(page_size={}).read(VendorResponse(200, {}, rows), origin="https://x", asked="/people?email=ada")
    assert "ada" not in str(caught.value)


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"7", b"", b"<html>", DEEP])
def test_answer_by_id_that_is_no_object_is_a_change_of_the_vendors(body: bytes) -> None:
    with pytest.raises(VendorChanged):
        read_row(VendorResponse(200, {}, body), of="/people/1")


@pytest.mark.parametrize("body", [b'[{"id": 1e9', b'{"a": "\xff', b"<html>", b"", b"[1}", b'{"a": 1e999}}', b"\xff"])
def test_body_that_is_cut_or_something_else_is_no_json(body: bytes) -> None:
    assert find_json(body) is None


def values() -> st.SearchStrategy[Any]:
    leaves = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    texts |= st.sampled_from(['"', "\\", '\\"', "[]{},:"])
    return st.recursive(leaves | texts, lambda one: st.lists(one, max_size=4) | st.dictionaries(texts, one, max_size=4))


@given(st.lists(values(), max_size=6), st.dictionaries(st.text(max_size=5), values(), max_size=6), st.booleans())
@settings(deadline=None)
def test_parts_are_those_that_were_put_together(items: list[Any], members: dict[str, Any], is_wide: bool) -> None:
    def write(value: Any) -> bytes:
        return json.dumps(value, indent=2 if is_wide else None, ensure_ascii=is_wide).encode(errors="replace")

    assert [decode(one, ANYTHING) for one in split_array(write(items))] == decode(write(items), ANYTHING)
    found = {name: decode(one, ANYTHING) for name, one in split_object(write(members)).items()}
    assert found == decode(write(members), ANYTHING)


@given(st.binary(max_size=60) | st.text('[]{}",:\\ ud8e1\n', max_size=60).map(str.encode))
@settings(deadline=None, max_examples=count(500, 100))
def test_no_bytes_raise_anything_but_what_says_that_they_cannot_be_decoded(body: bytes) -> None:
    for raw in (body, b"[" + body + b"]", b'{"rows": [' + body + b"]}"):
        found = find_json(raw)
        if found is not None and not is_json(found):
            for split in (split_array, split_object):
                with suppress(Undecodable):
                    split(found)
        decode_row(raw)
        for paging in (NextLink(items="rows", link=("next",), page_size={}), LinkHeader(page_size={})):
            with suppress(VendorChanged):
                paging.read(VendorResponse(200, {}, found or raw), origin="https://x", asked="/a")


def hostile(size: int) -> list[bytes]:
    """Bodies that are no JSON, each the worst for something."""
    return [
        b"[" + b"[]," * (size // 3) + b"1e999]",
        b'[{"a": "' + b"\\n" * (size // 2) + b'"}, 1e999]',
        b'["' + b'\\"' * (size // 2),
        b'"\\' * (size // 2),
        b"\\" * size,
        b"[" + b"\\ud83d" * (size // 6) + b"]",
        b"[" + b"x" * size + b"]",
        b'{"a":' * (size // 5),
        b"\xff" * size,
    ]


def test_large_body_that_is_no_json_costs_seconds_at_most() -> None:
    size = count(8_000_000, 4_000_000)
    for number, body in enumerate(hostile(size)):
        started_at = time.process_time()
        find_json(body)
        with suppress(Undecodable):
            split_array(body)
        assert time.process_time() - started_at < 5 * size / 8_000_000, number


def test_large_body_that_is_no_json_takes_no_memory_beyond_a_few_times_its_own() -> None:
    for number, body in enumerate(hostile(100_000)):
        tracemalloc.start()
        find_json(body)
        with suppress(Undecodable):
            split_array(body)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 20 * len(body), number  # a part of two bytes is an object of 35


def test_good_parts_of_a_body_are_sought_up_to_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b"[" + b",".join(b'{"id": %d}' % number for number in range(100)) + b", 1e999]"
    assert len(split_array(body)) == 101
    monkeypatch.setattr(decoding, "MOST_TOKENS", 100)
    with pytest.raises(Undecodable):
        split_array(body)
    monkeypatch.undo()
    monkeypatch.setattr(decoding, "MOST_BYTES", len(body) - 1)
    with pytest.raises(Undecodable):
        split_array(body)
    assert find_json(body + b"]") is None


def test_row_that_shows_more_than_in_its_list_is_without_what_the_list_has_not() -> None:
    body = b'{"success": true, "results": {"id":"1","rate":1.50,"name":"Z\\u00fc","history":[{"id": "2"}],"file":null}}'
    row = read_row(VendorResponse(200, {}, body), of="/info", item="results", without=("history", "file", "gone"))
    assert row.raw == b'{"id":"1","rate":1.50,"name":"Z\\u00fc"}'
    assert row.data == {"id": "1", "rate": 1.5, "name": "Z\u00fc"}
    whole = read_row(VendorResponse(200, {}, b'{"id": "1"}'), of="/info", without=("history",))
    assert whole.raw == b'{"id": "1"}'
