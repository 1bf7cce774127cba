"""What is sent for a token, and what its answer says."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from unihire.errors import VendorChanged
from unihire.kit.clock import to_text
from unihire.outbound.auth import (
    TOKEN_BYTES,
    TOKEN_LONGEST,
    AuthorizationCode,
    ClientCredentials,
    Credential,
    Grant,
    MemoryGrants,
    WriteKey,
    read_grant,
    write_token_request,
)

ID, SECRET = Credential("client_id", "Id", ""), Credential("client_secret", "Secret", "", is_secret=True)
USER = Credential("sub", "User", "", is_optional=True)
SECRETS = {"client_id": "the-id", "client_secret": "the-secret"}
BASIC = "Basic dGhlLWlkOnRoZS1zZWNyZXQ="
KEYS = {"api_key": "the-key", "company": "17"}
WRITE_KEY = WriteKey(
    credentials=(
        Credential("api_key", "Key", "", is_secret=True, is_optional=True),
        Credential("company", "Company", "", is_optional=True),
    ),
    headers={"Authorization": "Bearer {api_key}", "X-Company": "{company}"},
)
NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
FORM = {"grant_type": "client_credentials"}


def test_basic_keeps_id_and_secret_out_of_the_form() -> None:
    auth = ClientCredentials(token_path="/token", credentials=(ID, SECRET, USER), sent_as="basic")
    headers, form = write_token_request(auth, SECRETS, auth.form)
    assert headers == {"Accept": "application/json", "Authorization": BASIC}
    assert form == FORM


def test_other_credentials_go_into_the_form_when_they_are_given() -> None:
    auth = ClientCredentials(token_path="/token", credentials=(ID, SECRET, USER), sent_as="basic")
    assert write_token_request(auth, {**SECRETS, "sub": "4000001"}, auth.form)[1] == {**FORM, "sub": "4000001"}


def test_form_carries_all_credentials() -> None:
    auth = ClientCredentials(token_path="/token", credentials=(ID, SECRET))
    assert write_token_request(auth, SECRETS, auth.form) == ({"Accept": "application/json"}, {**FORM, **SECRETS})


@pytest.mark.parametrize("sent_as", ["form", "basic"])
def test_credentials_of_other_calls_do_not_go_to_the_token_endpoint(sent_as: Any) -> None:
    auth = ClientCredentials(token_path="/token", credentials=(ID, SECRET), sent_as=sent_as)
    assert write_token_request(auth, {**SECRETS, **KEYS}, auth.form) == write_token_request(auth, SECRETS, auth.form)


def test_key_for_writes_is_all_of_its_credentials_or_none() -> None:
    assert WRITE_KEY.write_headers({**SECRETS, **KEYS}) == {"Authorization": "Bearer the-key", "X-Company": "17"}
    assert WRITE_KEY.find_gap({**SECRETS, **KEYS}) is None
    assert WRITE_KEY.find_gap(SECRETS) is None
    for missing, other in (("api_key", "company"), ("company", "api_key")):
        some = {**SECRETS, **KEYS, missing: ""}
        assert WRITE_KEY.write_headers(some) is None
        gap = f"{other} is for writing, which also needs {missing}: give all or none"
        assert WRITE_KEY.find_gap(some) == gap
        del some[missing]
        assert (WRITE_KEY.write_headers(some), WRITE_KEY.find_gap(some)) == (None, gap)


def test_partner_signs_a_refresh_as_it_signs_all() -> None:
    auth = AuthorizationCode(authorize_path="/authorize", token_path="/token", credentials=(ID, SECRET))
    form = {"grant_type": "refresh_token", "refresh_token": "r"}
    headers, sent = write_token_request(auth, SECRETS, form)
    assert (headers["Authorization"], sent) == (BASIC, form)


def read(answer: Any, **settings: Any) -> Grant:
    return read_grant(msgspec.json.encode({"access_token": "t", **answer}), now=NOW, **settings)


def seconds(answer: Any) -> float:
    """For how long the token is used."""
    return (read(answer).renew_at - NOW).total_seconds()


@pytest.mark.parametrize(("lasts", "used"), [(3600, 3540), (3600.5, 3540.5), (100, 50), (30, 15)])
def test_end_may_be_given_in_seconds_or_as_a_moment(lasts: float, used: float) -> None:
    assert seconds({"expires_in": lasts}) == used
    assert seconds({"expires_in": str(lasts)}) == used
    assert seconds({"expires_at": to_text(NOW + timedelta(seconds=lasts))}) == used
    assert seconds({"expires_at": NOW.timestamp() + lasts}) == used
    assert seconds({"expires_at": str(NOW.timestamp() + lasts)}) == used
    assert seconds({"expires_at": (NOW.timestamp() + lasts) * 1000}) == used


def test_seconds_are_believed_before_a_moment_which_needs_clocks_that_agree() -> None:
    assert seconds({"expires_in": 3600, "expires_at": "1970-01-01T00:00:00Z"}) == 3540


UNREADABLE = (
    "null", "true", "false", '"soon"', '""', "[]", "{}", "-5", "0", '"-5"', '"0"', '"1e3"', '"infinity"', '"NaN"',
    '"\u0664\u0662"', "NaN", "Infinity", "-Infinity", "1e400", "-1e400", "9" * 5000, f'"{"9" * 5000}"', '"9999-99-99"',
    '"\\ud800"', "[" * 500 + "]" * 500,
)  # fmt: skip
"""As they stand in the answer: none of them says for how long a token is good."""


@pytest.mark.parametrize("end", UNREADABLE, ids=lambda end: end[:12])
@pytest.mark.parametrize("member", ["expires_in", "expires_at"])
def test_token_whose_end_cannot_be_read_is_used_for_an_hour(end: str, member: str) -> None:
    grant = read_grant(f'{{"access_token": "t", "{member}": {end}}}'.encode(), now=NOW)
    assert grant == Grant("t", NOW + timedelta(seconds=3540))


@pytest.mark.parametrize(
    ("scope", "scopes"),
    [
        ("a:read", ("a:read",)),
        (" b:read  a:read b:read", ("b:read", "a:read")),
        ("", None),
        (" ", None),
        (None, None),
        ("a:read,b:read, a:read", ("a:read", "b:read")),
        (",", None),
        (["a:read", "b:read", "a:read"], ("a:read", "b:read")),
        ([], None),
        (["a:read", 7], None),
        (["a:read", "a\u0000b"], None),
        (["a"] * 20_000, None),
        (7, None),
        ("a\nb", None),
        ("gr\u00fcn", None),
        ('a"b', None),
        ("a" * 20_000, None),
    ],
)
def test_scopes_are_those_the_answer_names(scope: Any, scopes: tuple[str, ...] | None) -> None:
    assert read({"scope": scope}).scopes == scopes


def test_token_of_unknown_length_is_used_for_an_hour() -> None:
    assert seconds({}) == 3540
    assert seconds({"expires_in": None, "expires_at": None}) == 3540


def test_end_that_cannot_be_read_does_not_hide_the_other() -> None:
    assert seconds({"expires_in": "soon", "expires_at": to_text(NOW + timedelta(seconds=100))}) == 50
    assert seconds({"expires_in": 100, "expires_at": "soon"}) == 50


@pytest.mark.parametrize("past", [1_700_000_000, "2020-01-01T00:00:00Z", "1970-01-01"])
def test_moment_that_is_past_says_that_clocks_differ(past: Any) -> None:
    assert seconds({"expires_at": past}) == 3540


@pytest.mark.parametrize(
    "answer", [{"expires_in": 2**63}, {"expires_at": "9999-12-31T23:59:59Z"}, {"expires_at": 253_402_300_799}]
)
def test_token_that_never_ends_is_renewed_all_the_same(answer: Any) -> None:
    assert seconds(answer) == TOKEN_LONGEST - 60


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b'{"access_token": "\xff"}', "not JSON"),
        (b'{"access_token": "t", "more": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'"t"', "not a JSON object"),
        (b"{}", "is missing"),
        (b'{"access_token": null}', "is missing"),
        (b'{"access_token": 5}', "is not text"),
        (b'{"access_token": ["t"]}', "is not text"),
        (b'{"access_token": ""}', "is empty"),
        (b'{"access_token": " "}', "other than visible ASCII"),
        (b'{"access_token": "a b"}', "other than visible ASCII"),
        (b'{"access_token": "a\\r\\nX-Evil: 1"}', "other than visible ASCII"),
        (b'{"access_token": "a\\n"}', "other than visible ASCII"),
        (b'{"access_token": "a\\u0000"}', "other than visible ASCII"),
        (b'{"access_token": "\\ud800"}', "other than visible ASCII"),
        ('{"access_token": "tökén"}'.encode(), "other than visible ASCII"),
        (b'{"access_token": "' + b"t" * (TOKEN_BYTES + 1) + b'"}', "16,385 characters, more than 16,384"),
        (b'{"access_token": "' + b"t" * 1_000_000 + b'"}', "1,000,000 characters"),
    ],
    ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else "",
)
def test_answer_without_a_token_that_a_header_can_carry_is_refused_with_the_reason(answer: bytes, reason: str) -> None:
    with pytest.raises(VendorChanged, match=reason) as refused:
        read_grant(answer, now=NOW)
    assert len(str(refused.value)) < 120


def test_longest_token_is_taken() -> None:
    assert len(read({"access_token": "t" * TOKEN_BYTES}).access_token) == TOKEN_BYTES


def test_refresh_token_is_the_new_one_or_else_the_one_that_was_sent() -> None:
    assert read({"refresh_token": "new"}, spent="old").refresh_token == "new"
    assert read({"refresh_token": "nëw one"}, spent="old").refresh_token == "nëw one"
    assert read({}, spent="old").refresh_token == "old"
    assert read({}).refresh_token is None


@pytest.mark.parametrize(
    "odd",
    [None, "", 5, True, [], {}, ["new"], "a\r\n", "a\x00", "t" * (TOKEN_BYTES + 1)],
    ids=lambda odd: repr(odd)[:12],
)
def test_refresh_token_that_cannot_be_one_counts_as_none(odd: Any) -> None:
    assert read({"refresh_token": odd}, spent="old").refresh_token == "old"
    assert read({"refresh_token": odd}).refresh_token is None


async def test_memory_keeps_what_was_saved_and_lets_one_in_at_a_time() -> None:
    grants, grant = MemoryGrants(), read({})
    async with grants.lock() as held:
        assert held.grant is None
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), grants.lock():
                pass
        await held.save(grant)
    async with grants.lock() as held:
        assert held.grant is grant
    assert await grants.find() is grant
