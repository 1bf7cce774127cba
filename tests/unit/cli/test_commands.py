"""The table of commands: what it says of each before it is loaded is what it is."""

import json
import subprocess
import sys

import pytest
from typer.core import TyperCommand, TyperGroup

from unihire.cli.commands import COMMANDS, Command

SYNC_AND_SERVE = (
    *("aiohttp", "jsonschema_rs", "procrastinate", "prometheus_client", "psycopg", "starlette", "uvicorn"),
    *("unihire.app", "unihire.sandbox", "unihire.integrations"),
)
"""What takes long to load: asking vendors and answering callers."""

STORE = ("asyncpg", "cryptography", "unihire.store")
LOGS = ("structlog", "opentelemetry")
SETTINGS = ("pydantic", "unihire.settings")

PROGRAM = """
import json, sys
from unihire.cli.commands import app
sys.argv = ["unihire", *sys.argv[1:]]
try:
    app()
except SystemExit as end:
    assert not end.code, end.code
finally:
    print(json.dumps(sorted(sys.modules)))
"""


def list_imported(*arguments: str) -> set[str]:
    """The modules that a command line has imported when it ends."""
    ran = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=True)
    return set(json.loads(ran.stdout.splitlines()[-1]))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_command_is_what_the_table_says_of_it(command: Command) -> None:
    loaded = command.load()
    assert isinstance(loaded, TyperCommand | TyperGroup)
    assert loaded.name == command.name
    assert loaded.help.split("\n\n")[0].replace("\n", " ") == command.summary
    assert loaded.epilog.startswith("[bold]Examples[/bold]\n$ ")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_help_has_a_paragraph_a_line_so_that_the_terminal_breaks_it(command: Command) -> None:
    loaded = command.load()
    helps = [loaded.help, *(one.help for one in getattr(loaded, "commands", {}).values())]
    assert [text for text in helps if "\n" in text.replace("\n\n", "")] == []


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["--help"], (*SYNC_AND_SERVE, *LOGS, *STORE, *SETTINGS)),
        (["--version"], (*SYNC_AND_SERVE, *LOGS, *STORE, *SETTINGS)),
        (["config"], (*SYNC_AND_SERVE, *LOGS, *STORE)),
        (["connectors", "--help"], (*SYNC_AND_SERVE, *LOGS)),
        (["keys", "seal"], (*SYNC_AND_SERVE, *LOGS)),
        (["sync", "--help"], ("procrastinate", "psycopg", "starlette", "uvicorn", "unihire.app", "unihire.sandbox")),
        (["runs", "--help"], (*SYNC_AND_SERVE, *LOGS)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_command_loads_what_it_needs_and_no_more(arguments: list[str], heavy: tuple[str, ...]) -> None:
    imported = list_imported(*arguments)
    assert [name for name in heavy if name in imported] == []
    assert "unihire.cli.commands" in imported
