import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from unihire.cli.proving import gather_credentials, name_variable, read_credentials
from unihire.errors import ConfigError
from unihire.integration.declare import Integration
from unihire.outbound.auth import ClientCredentials, Credential, WriteKey

ID = Credential("client_id", "Client ID", "Settings > API")
SECRET = Credential("client_secret", "Client secret", "Settings > API", is_secret=True)
ACMEHIRE = Integration(
    slug="acme-hire",
    name="AcmeHire",
    website="https://acmehire.example",
    base_url="https://api.acmehire.example",
    auth=ClientCredentials(token_path="/token", credentials=(ID, SECRET)),
    streams=(),
    cannot={},
)


def test_variables_are_named_for_integration_and_credential() -> None:
    assert name_variable(ACMEHIRE, SECRET) == "UNIHIRE_ACME_HIRE_CLIENT_SECRET"


def test_the_file_comes_before_the_environment_and_the_environment_before_the_question() -> None:
    asked = []

    def ask(credential: Credential) -> str:
        asked.append(credential.name)
        return " typed\n"

    environ = {"UNIHIRE_ACME_HIRE_CLIENT_ID": "environment", "UNIHIRE_ACME_HIRE_CLIENT_SECRET": ""}
    assert gather_credentials(ACMEHIRE, ACMEHIRE.auth.credentials, {"client_id": "file"}, environ, ask) == {
        "client_id": "file",
        "client_secret": "typed",
    }
    assert gather_credentials(ACMEHIRE, ACMEHIRE.auth.credentials, {}, environ, ask)["client_id"] == "environment"
    assert asked == ["client_secret", "client_secret"]


def test_what_is_missing_is_told_with_where_to_put_it() -> None:
    with pytest.raises(ConfigError, match="also needs client_secret: set UNIHIRE_ACME_HIRE_CLIENT_SECRET, give"):
        gather_credentials(ACMEHIRE, ACMEHIRE.auth.credentials, {"client_id": "x"}, {}, None)


def test_other_flows_ask_for_other_credentials() -> None:
    keyed = replace(ACMEHIRE, auth=replace(ACMEHIRE.auth, credentials=(Credential("api_key", "API key", ""),)))
    assert gather_credentials(keyed, keyed.auth.credentials, {}, {"UNIHIRE_ACME_HIRE_API_KEY": "k"}, None) == {
        "api_key": "k"
    }


def test_optional_credential_is_asked_for_and_may_be_left_out() -> None:
    user = Credential("sub", "User", "", is_optional=True)
    auth = replace(ACMEHIRE.auth, credentials=(ID, user))
    assert gather_credentials(ACMEHIRE, auth.credentials, {"client_id": "x"}, {}, None) == {"client_id": "x"}
    assert gather_credentials(ACMEHIRE, auth.credentials, {"client_id": "x"}, {}, lambda credential: "") == {
        "client_id": "x"
    }
    typed = gather_credentials(ACMEHIRE, auth.credentials, {"client_id": "x"}, {}, lambda credential: " 7 ")
    assert typed == {"client_id": "x", "sub": "7"}


KEYED = replace(
    ACMEHIRE,
    write_key=WriteKey(
        credentials=(
            Credential("api_key", "API key", "", is_secret=True, is_optional=True),
            Credential("company", "Company", "", is_optional=True),
        ),
        headers={"Authorization": "Bearer {api_key}", "X-Company": "{company}"},
    ),
)
OWN = {"client_id": "a", "client_secret": "b"}


def test_credentials_of_a_write_key_are_asked_for_last_and_may_be_left_out() -> None:
    asked = KEYED.list_credentials()
    assert [one.name for one in asked] == ["client_id", "client_secret", "api_key", "company"]
    assert [one.name for one in KEYED.list_credentials(is_partner=True)] == ["api_key", "company"]
    assert gather_credentials(KEYED, asked, OWN, {}, None) == OWN
    assert gather_credentials(KEYED, asked, OWN, {}, lambda credential: "") == OWN
    typed = gather_credentials(KEYED, asked, OWN, {"UNIHIRE_ACME_HIRE_API_KEY": "k"}, lambda credential: " 7 ")
    assert typed == {**OWN, "api_key": "k", "company": "7"}


def test_half_a_write_key_is_refused_without_its_value() -> None:
    for name, other in (("api_key", "company"), ("company", "api_key")):
        given = {**OWN, name: "hush"}
        with pytest.raises(ConfigError, match=f"AcmeHire: {name} is for writing, which also needs {other}") as refused:
            gather_credentials(KEYED, KEYED.list_credentials(), given, {}, None)
        assert "hush" not in str(refused.value)


def test_file_may_have_a_write_key_where_there_is_one(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    path.write_text(json.dumps({**OWN, "api_key": "k", "company": "7"}))
    assert read_credentials(KEYED, KEYED.list_credentials(), path)["api_key"] == "k"
    with pytest.raises(ConfigError, match="has api_key, company; AcmeHire takes client_id, client_secret"):
        read_credentials(ACMEHIRE, ACMEHIRE.list_credentials(), path)


def test_credentials_are_read_from_a_file_and_from_standard_input(tmp_path: Path, monkeypatch) -> None:
    given = {"client_id": "a", "client_secret": "b"}
    path = tmp_path / "credentials.json"
    path.write_text(json.dumps(given))
    assert read_credentials(ACMEHIRE, ACMEHIRE.auth.credentials, path) == given
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(json.dumps(given).encode())))
    assert read_credentials(ACMEHIRE, ACMEHIRE.auth.credentials, Path("-")) == given


@pytest.mark.parametrize("text", ['{"client_id": 7}', "[]", "secret-value", '{"client_id": "secret-value"', ""])
def test_a_file_that_is_no_object_of_texts_is_refused_without_its_content(tmp_path: Path, text: str) -> None:
    path = tmp_path / "credentials.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match="must be a JSON object of texts") as refused:
        read_credentials(ACMEHIRE, ACMEHIRE.auth.credentials, path)
    assert "secret-value" not in str(refused.value)


def test_unknown_names_in_a_file_are_told(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    path.write_text('{"clientId": "a"}')
    with pytest.raises(ConfigError, match="has clientId; AcmeHire takes client_id, client_secret"):
        read_credentials(ACMEHIRE, ACMEHIRE.auth.credentials, path)
    with pytest.raises(ConfigError, match=r"cannot read .*: No such file"):
        read_credentials(ACMEHIRE, ACMEHIRE.auth.credentials, tmp_path / "nothing.json")
