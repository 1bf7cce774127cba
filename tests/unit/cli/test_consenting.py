"""What a customer comes back with after letting a partner in."""

import io
import sys

import pytest

from testbed.partner import PARTNER, SECRETS
from unihire.cli.consenting import read_code, take_code
from unihire.errors import ConfigError
from unihire.platform.connectors import open_client

BACK = "https://partner.example.com/back"


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
    client = open_client(PARTNER, SECRETS, is_partner=True)
    monkeypatch.setattr(sys, "stdin", io.StringIO("the-code\n"))
    assert take_code(client, BACK, None, can_ask=True) == "the-code"
    said = capsys.readouterr()
    assert "https://api.acme.example/authorize?response_type=code&client_id=the-partner" in said.err
    assert said.out == ""
    with pytest.raises(ConfigError, match="as --code"):
        take_code(client, BACK, None, can_ask=False)
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    with pytest.raises(ConfigError, match="no code was given"):
        take_code(client, BACK, None, can_ask=True)


def test_states_differ_from_one_attempt_to_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    client = open_client(PARTNER, SECRETS, is_partner=True)
    for _ in range(20):
        with pytest.raises(ConfigError):
            take_code(client, BACK, None, can_ask=False)
    states = [line.rpartition("state=")[2] for line in capsys.readouterr().err.splitlines() if "state=" in line]
    assert len(set(states)) == 20
    assert all(len(state) >= 20 for state in states)
