"""What is sent for a token, and what its answer says."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from unihire.errors import VendorChanged
from unihire.kit.clock import to_text
from unihire.outbound.auth import (
    TOKEN_LONGEST,
    AuthorizationCode,
    ClientCredentials,
    Credential,
    Grant,
    MemoryGrants,
    read_grant,
    write_token_request,
)

ID, SECRET = Credential("client_id", "Id", ""), Credential("client_secret", "Secret", "", is_secret=True)
USER = Credential("sub", "User", "", is_optional=True)
SECRETS = {"client_id": "the-id", "client_secret": "the-secret"}
BASIC = "Basic dGhlLWlkOnRoZS1zZWNyZXQ="
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


@pytest.mark.parametrize(("lasts", "used"), [(3600, 3540), (3600.5, 3540.5), (100, 50), (30, 15), (0, 0), (-5, 0)])
def test_end_may_be_told_in_seconds_or_as_a_moment(lasts: float, used: float) -> None:
    assert seconds({"expires_in": lasts}) == used
    assert seconds({"expires_at": to_text(NOW + timedelta(seconds=lasts))}) == used


def test_seconds_are_believed_before_a_moment_which_needs_clocks_that_agree() -> None:
    assert seconds({"expires_in": 3600, "expires_at": "1970-01-01T00:00:00Z"}) == 3540


@pytest.mark.parametrize("answer", [{}, {"expires_in": None}, {"expires_in": None, "expires_at": None}])
def test_token_of_untold_length_is_taken_for_an_hour_s(answer: Any) -> None:
    assert seconds(answer) == 3540


@pytest.mark.parametrize("answer", [{"expires_in": 2**63}, {"expires_at": "9999-12-31T23:59:59Z"}])
def test_token_that_never_ends_is_renewed_all_the_same(answer: Any) -> None:
    assert seconds(answer) == TOKEN_LONGEST - 60


@pytest.mark.parametrize(
    "answer",
    [
        {"access_token": None},
        {"access_token": 5},
        {"expires_in": "soon"},
        {"expires_in": []},
        {"expires_at": "soon"},
        {"expires_at": 1764000000},
        {"refresh_token": 5},
    ],
)
def test_answer_of_another_shape_is_a_change_of_the_vendors(answer: Any) -> None:
    with pytest.raises(VendorChanged):
        read(answer)


def test_refresh_token_is_the_new_one_or_else_the_one_that_was_sent() -> None:
    assert read({"refresh_token": "new"}, spent="old").refresh_token == "new"
    assert read({}, spent="old").refresh_token == "old"
    assert read({}).refresh_token is None


async def test_memory_keeps_what_was_saved_and_lets_one_in_at_a_time() -> None:
    grants, grant = MemoryGrants(), read({})
    async with grants.hold() as held:
        assert held.grant is None
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), grants.hold():
                pass
        await held.save(grant)
    async with grants.hold() as held:
        assert held.grant is grant
    assert await grants.find() is grant
