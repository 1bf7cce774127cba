"""The documents tell the truth: settings, commands, errors and links."""

import re
from pathlib import Path

import pytest
import typer

from unihire import errors
from unihire.cli.commands import app
from unihire.cli.proving import name_variable
from unihire.integration.registry import list_integrations
from unihire.settings import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").rglob("*.md")
)


def test_every_setting_is_in_the_readme() -> None:
    missing = [name for name in Settings.model_fields if f"UNIHIRE_{name.upper()}" not in README]
    assert not missing


def test_every_setting_in_the_readme_exists() -> None:
    told = set(re.findall(r"UNIHIRE_([A-Z_]+)", README)) - {""}
    credentials = {
        name_variable(integration, credential).removeprefix("UNIHIRE_").lower()
        for integration in list_integrations()
        for credential in integration.list_credentials()
    }
    assert {name.lower() for name in told} <= set(Settings.model_fields) | credentials


def test_every_command_in_the_documents_exists() -> None:
    known = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    for page in PAGES:
        told = set(re.findall(r"(?:^|[`/ ])unihire ([a-z]+)\b(?=[^.]*`|[^`\n]*$)", page.read_text(), re.MULTILINE))
        prose = {"and", "is", "in", "on", "knows", "never", "writes", "command"}
        assert told - prose <= known, page.name


def test_every_command_is_in_the_changelog() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert [name for name in commands if f"`{name}`" not in changelog and f"unihire {name}" not in changelog] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_error_is_in_the_tree_of_its_docstring() -> None:
    named = [
        name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.UnihireError)
    ]
    assert [name for name in named if name not in (errors.__doc__ or "")] == []


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(page.name[:4]) for page in sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))
