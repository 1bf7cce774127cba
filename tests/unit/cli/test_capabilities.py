"""`unihire capabilities`: the matrix for people, documents and programs."""

import json
import re

import msgspec
import pytest
from typer.testing import CliRunner

from unihire.cli.commands import app
from unihire.dialects.unihire.matrix import describe_integration
from unihire.errors import ConfigError
from unihire.integration.declare import Integration
from unihire.integration.registry import find_webhooks, list_integrations, list_operations
from unihire.model import MODELS

EACH = pytest.mark.parametrize("integration", list_integrations(), ids=lambda integration: integration.slug)


def run(*arguments: str) -> str:
    """What it prints as its result."""
    finished = CliRunner().invoke(app, ["capabilities", *arguments], catch_exceptions=False)
    assert finished.exit_code == 0
    return finished.stdout


@EACH
def test_one_integration_is_told_alone_to_programs(integration: Integration) -> None:
    told = json.loads(run(integration.slug, "--json"))
    operations = list(list_operations(integration.slug).values())
    assert told == {
        "integrations": [
            msgspec.to_builtins(describe_integration(integration, operations, find_webhooks(integration.slug)))
        ]
    }


@EACH
def test_one_integration_is_told_alone_as_a_document(integration: Integration) -> None:
    page = run(integration.slug, "--markdown")
    assert [other.name for other in list_integrations() if f"\n## {other.name}\n" in page] == [integration.name]


@EACH
def test_one_integration_is_told_in_full_to_people(integration: Integration, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unihire.cli.console.terminal.OUT.width", 200)
    shown = run(integration.slug)
    assert [stream.name for stream in integration.streams if f"{stream.name} " not in shown] == []
    assert all(f"{name} " in shown for name in integration.cannot if "." not in name)


def test_all_are_shown_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unihire.cli.console.terminal.OUT.width", 400)
    told = [integration["slug"] for integration in json.loads(run("--json"))["integrations"]]
    assert told == [integration.slug for integration in list_integrations()]
    shown = run()
    assert all(integration.name in shown for integration in list_integrations())
    assert {line.split()[0] for line in shown.splitlines() if line.strip()} == {"model", *MODELS}


def test_unknown_system_and_two_answers_at_once_are_refused() -> None:
    with pytest.raises(ConfigError, match="no integration 'acmehire'"):
        run("acmehire")
    with pytest.raises(ConfigError, match="choose one"):
        run("--json", "--markdown")


def test_order_of_the_columns_is_the_order_of_the_slugs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unihire.cli.console.terminal.OUT.width", 400)
    head = run().splitlines()[0]
    names = [integration.name for integration in list_integrations()]
    assert re.split(r"\s{2,}", head.strip()) == ["model", *names]
