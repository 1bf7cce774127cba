"""Sealing: what is sealed opens under its key and in its place only."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unihire.errors import ConfigError
from unihire.kit.seal import Sealer, new_key

OLD, NEW = new_key(), new_key()


@given(plain=st.binary(max_size=200), context=st.binary(max_size=20))
def test_sealed_opens_to_the_same_and_never_looks_the_same(plain: bytes, context: bytes) -> None:
    sealer = Sealer([NEW])
    sealed = sealer.seal(plain, context)
    assert sealer.open(sealed, context) == plain
    assert sealer.seal(plain, context) != sealed
    assert len(plain) < 8 or plain not in sealed


def test_new_key_in_front_seals_and_the_old_one_still_opens() -> None:
    before = Sealer([OLD]).seal(b"secret", b"here")
    both = Sealer([NEW, OLD])
    assert both.open(before, b"here") == b"secret"
    after = both.seal(b"secret", b"here")
    assert Sealer([NEW]).open(after, b"here") == b"secret"
    with pytest.raises(ConfigError, match="no longer contains"):
        Sealer([OLD]).open(after, b"here")


def test_every_altered_byte_is_noticed_and_another_place_too() -> None:
    sealer = Sealer([NEW])
    sealed = sealer.seal(b"secret", b"here")
    for place in range(len(sealed)):
        altered = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises(ConfigError):
            sealer.open(altered, b"here")
    for shorter in (b"", sealed[:3], sealed[:10], sealed[:-1]):
        with pytest.raises(ConfigError):
            sealer.open(shorter, b"here")
    with pytest.raises(ConfigError, match="altered or moved"):
        sealer.open(sealed, b"elsewhere")


@pytest.mark.parametrize("key", ["", "short", "ü" * 43, base64.urlsafe_b64encode(bytes(range(16))).decode(), "=" * 44])
def test_bad_key_is_refused_without_being_told(key: str) -> None:
    with pytest.raises(ConfigError, match="32 bytes") as caught:
        Sealer([key])
    assert not key or key not in str(caught.value)


def test_no_key_is_refused() -> None:
    with pytest.raises(ConfigError, match="UNIHIRE_ENCRYPTION_KEYS"):
        Sealer([])


def test_key_may_have_blanks_around_it() -> None:
    sealed = Sealer([NEW]).seal(b"x", b"")
    assert Sealer([f" {NEW}\n"]).open(sealed, b"") == b"x"
