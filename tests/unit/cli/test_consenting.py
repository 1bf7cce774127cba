"""What a customer comes back with after letting a partner in."""

import io
import sys

import pytest

from testbed.partner import PARTNER, SECRETS
from unihire.cli.consenting import read_code, take_code
from unihire.errors import ConfigError
from unihire.platform.connectors import open_client

BACK = "https://partner.example.com/back"


def take(given: str | None, *, can_ask: bool = False) -> str:
    client = open_client(PARTNER, SECRETS, is_partner=True)
    return take_code(client, BACK, given, scopes=("jobs:read",), access="read-write", can_ask=can_ask)


def test_code_is_taken_as_it_is_or_out_of_the_address() -> None:
    assert read_code(" the-code\n") == "the-code"
    assert read_code(f"{BACK}?a=1&code=the%2Bcode&state=x") == "the+code"
    assert read_code(f"{BACK}?code=c&state=x", state="x") == "c"


@pytest.mark.parametrize("address", [f"{BACK}?code=c", f"{BACK}?code=c&state=y", f"{BACK}?code=c&state=x&state=y"])
def test_address_of_another_attempt_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match="another attempt"):
        read_code(address, state="x")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no code was given"),
        (f"{BACK}?error=access_denied&error_description=Ada+said+no", "let us in: access_denied"),
        (f"{BACK}?error=Ada+said+no", "let us in: no code came"),
        (BACK, "let us in: no code came"),
        ("https://[broken", "not an address"),
    ],
)
def test_what_holds_no_code_is_told(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read_code(text)


def test_address_is_shown_before_the_code_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("the-code\n"))
    assert take(None, can_ask=True) == "the-code"
    said = capsys.readouterr()
    assert "&scope=jobs%3Aread&state=read-write." in said.err
    assert "https://api.acme.example/authorize?response_type=code&client_id=the-partner" in said.err
    assert said.out == ""
    with pytest.raises(ConfigError, match="as --code"):
        take(None)
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    with pytest.raises(ConfigError, match="no code was given"):
        take(None, can_ask=True)


@pytest.mark.parametrize(
    ("state", "words"),
    [("read.abc", "asked for read, by that address: give --access read, or begin again"), ("read-write.abc", None)],
)
def test_address_of_another_access_is_refused(state: str, words: str | None) -> None:
    address = f"{BACK}?code=c&state={state}"
    if words is None:
        assert take(address) == "c"
    else:
        with pytest.raises(ConfigError, match=words):
            take(address)


def test_states_differ_from_one_attempt_to_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(20):
        with pytest.raises(ConfigError):
            take(None)
    states = [line.rpartition("state=")[2] for line in capsys.readouterr().err.splitlines() if "state=" in line]
    assert len(set(states)) == 20
    assert all(len(state) >= 20 for state in states)
