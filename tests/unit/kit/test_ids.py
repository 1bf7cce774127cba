"""Ids that are derived as RFC 9562 says, and tokens that are drawn."""

import itertools
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unihire.kit import ids
from unihire.kit.ids import DerivedIds, hash_token, make_ordered_id, new_ordered_id, new_token


@given(namespace=st.uuids(), prefix=st.text(max_size=20), name=st.text(max_size=60))
def test_derived_id_is_the_standard_version_5(namespace: uuid.UUID, prefix: str, name: str) -> None:
    if any("\ud800" <= letter <= "\udfff" for letter in prefix + name):
        return
    assert DerivedIds(namespace, prefix).text(name) == str(uuid.uuid5(namespace, prefix + name))


def test_id_of_a_record_never_changes() -> None:
    # Written down: readers keep these ids. A change here is a change of every id in every installation.
    connector = uuid.UUID("0b6f4c1e-8f3a-4a5e-9d34-1c2f3e4d5a6b")
    assert DerivedIds(connector, "candidate:").text("495039") == "18378ae5-30e2-55b9-a192-67ca5656f194"


def test_tokens_are_long_different_and_safe_in_a_header() -> None:
    tokens = {new_token(32) for _ in range(100)}
    assert len(tokens) == 100
    assert all(len(token) >= 43 and token.isascii() and token.isprintable() for token in tokens)


def test_what_is_stored_of_a_token_does_not_hold_it() -> None:
    token = new_token()
    assert len(hash_token(token)) == 32
    assert token.encode() not in hash_token(token)
    assert hash_token(token) == hash_token(token)
    assert hash_token("ü☃") != hash_token("u")


def test_ordered_ids_of_one_millisecond_are_in_the_order_they_were_made(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = itertools.count(1_800_000_000_000_000_000, 300)
    monkeypatch.setattr(ids.time, "time_ns", lambda: next(moments))
    made = [new_ordered_id() for _ in range(3_000)]
    assert made == sorted(made)
    assert len({id.int >> 80 for id in made}) == 1
    assert {id.version for id in made} == {7}
    assert make_ordered_id(1_800_000_000_000_000) < made[0]
