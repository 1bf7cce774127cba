"""What is taken out of a record is put in again where it was, and what was stored otherwise is left as it is."""

import random
import re
from datetime import UTC, datetime, timedelta

import pytest

from unihire.store.bodies import Content
from unihire.store.feed.refreshing import is_fresh
from unihire.store.list_queries import RecordSelection, compose_list, write_many
from unihire.store.rows import write_find_rows
from unihire.store.volatile import fill_content, fill_raw, read_parts, split_volatile

PATTERN = re.compile(rb"\?s=\d*")
NOW = datetime(2026, 1, 31, tzinfo=UTC)
LINK = b"https://files.example.com/a"


def find_end(text: bytes) -> datetime | None:
    return None if text == b"?s=" else NOW + timedelta(days=int(text[3:]))


def split(encoded: bytes, raw: bytes) -> bytes:
    found = split_volatile(PATTERN, find_end, encoded, raw, None, b"{}")
    assert found.parts is not None
    return found.parts


def test_what_is_taken_out_of_any_content_is_put_in_again() -> None:
    luck = random.Random(7)
    for _ in range(500):
        whole = [
            b"{%b}"
            % b"".join(
                luck.choice((b"?s=1", b"?s=22", b"?s=", b"a", b'"', b"\xc3\xa9")) for _ in range(luck.randrange(9))
            )
            for _ in range(4)
        ]
        found = split_volatile(PATTERN, None, *whole)
        assert [found.encoded, found.raw, found.custom, found.more] == [PATTERN.sub(b"", content) for content in whole]
        if found.parts is None:
            assert found[:4] == tuple(whole)
            continue
        parts = read_parts(found.parts)
        assert len(parts.texts) == len(set(parts.texts))
        stored = b"<before>%b<behind>" % found.encoded[1:-1]
        assert fill_content(stored, parts.members, parts.texts, 8, 8) == b"<before>%b<behind>" % whole[0][1:-1]
        assert fill_raw(found.raw, found.parts) == whole[1]
        assert found.custom is not None
        assert fill_content(found.custom, parts.custom, parts.texts) == whole[2]
        assert fill_content(found.more, parts.more, parts.texts) == whole[3]


def test_content_without_anything_volatile_has_no_parts() -> None:
    found = split_volatile(PATTERN, find_end, b'{"a":1}', b"{}", None, b"{}")
    assert found == (b'{"a":1}', b"{}", None, b"{}", None, None)
    nothing = re.compile(rb"(?:\?s=\d+)?")  # matches nothing everywhere
    assert split_volatile(nothing, find_end, b'{"a":1}', b"{}", None, b"{}").parts is None


def test_content_of_another_length_is_left_as_it_is() -> None:
    parts = split(b"{}", LINK + b"?s=1")
    assert fill_raw(LINK, parts) == LINK + b"?s=1"
    assert fill_raw(LINK + b"?s=2", parts) == LINK + b"?s=2"
    assert fill_raw(LINK, None) == LINK


@pytest.mark.parametrize(
    ("raw", "end"),
    [(b"?s=5 ?s=3", timedelta(days=3)), (b"?s=5 ?s=", None), (b"?s=999999999", None), (b"?s=9", timedelta(days=9))],
)
def test_first_end_of_all_texts_counts_and_none_that_cannot_be_read(raw: bytes, end: timedelta | None) -> None:
    found = split_volatile(PATTERN, find_end, b"{}", raw, None, b"{}")
    assert found.ends_at == (None if end is None else NOW + end)
    assert split_volatile(PATTERN, None, b"{}", raw, None, b"{}").ends_at is None


def test_stored_texts_stay_while_they_are_good_and_in_the_same_places() -> None:
    stored, other, moved = split(b"{}", b"a?s=1 b"), split(b"{}", b"a?s=2 b"), split(b"{}", b"a b?s=1")
    later, before = NOW + timedelta(seconds=1), NOW - timedelta(seconds=1)
    assert is_fresh(stored, None, stored, NOW)
    assert is_fresh(stored, later, other, NOW)
    assert not is_fresh(stored, None, other, NOW)
    assert not is_fresh(stored, NOW, other, NOW)
    assert not is_fresh(stored, before, other, NOW)
    assert not is_fresh(stored, later, moved, NOW)


@pytest.mark.parametrize("is_volatile", [True, False])
def test_what_is_beside_records_is_looked_up_where_some_may_be_volatile_alone(is_volatile: bool) -> None:
    content = Content(raw=True, custom=True, is_volatile=is_volatile)
    filters: list[list[list[int]]] = [[], [[1]], [[1], [2]], [[1, 2]], [[1, 2], [3, 4]]]
    queries = [
        compose_list(RecordSelection(1, 2, 0, 50, keys, content=content), [key[0] for key in keys if len(key) == 1])[0]
        for keys in filters
    ]
    queries += (
        write_many(content, by_array=True),
        write_find_rows(is_volatile=is_volatile),
    )
    assert {"record_volatile" in query for query in queries} == {is_volatile}
