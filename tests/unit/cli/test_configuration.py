import json

import pytest
from typer.testing import CliRunner

from unihire.cli.commands import app
from unihire.cli.configuration import list_settings, list_unknown_variables
from unihire.settings import Settings


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"UNIHIRE_{name.upper()}", raising=False)


def test_every_setting_is_told_with_its_source_and_what_it_means(monkeypatch, tmp_path) -> None:
    (tmp_path / ".env").write_text("UNIHIRE_RATE_LIMIT=5\n")
    monkeypatch.setenv("unihire_port", "9000")
    told = {setting.name: setting for setting in list_settings(Settings())}
    assert len(told) == len(Settings.model_fields)
    assert (told["UNIHIRE_PORT"].value, told["UNIHIRE_PORT"].source) == (9000, "environment")
    assert (told["UNIHIRE_RATE_LIMIT"].value, told["UNIHIRE_RATE_LIMIT"].source) == (5, ".env")
    assert (told["UNIHIRE_LOG_LEVEL"].value, told["UNIHIRE_LOG_LEVEL"].source) == ("info", "default")
    assert all(setting.description for setting in told.values())


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_secrets_are_hidden(monkeypatch, flags: list[str]) -> None:
    monkeypatch.setenv("UNIHIRE_DATABASE_URL", "postgresql://user:hush@db/x")
    monkeypatch.setenv("UNIHIRE_ENCRYPTION_KEYS", "hush")
    shown = CliRunner().invoke(app, ["config", *flags])
    assert shown.exit_code == 0
    assert "hush" not in shown.output
    assert shown.output.count("(hidden)") == 2


def test_misspelt_variables_are_found(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("UNIHIRE_PROT", "1")
    monkeypatch.setenv("UNIHIRE_ACMEHIRE_CLIENT_ID", "1")
    (tmp_path / ".env").write_text("UNIHIRE_HOEM=x\n")
    unknown = list_unknown_variables({"UNIHIRE_ACMEHIRE_CLIENT_ID"})
    assert {"UNIHIRE_PROT", "UNIHIRE_HOEM"} <= set(unknown)
    assert "UNIHIRE_ACMEHIRE_CLIENT_ID" not in unknown


def test_openapi_prints_the_document() -> None:
    shown = CliRunner().invoke(app, ["openapi"])
    assert "/api/ats/v1/jobs" in json.loads(shown.output)["paths"]
