"""The table of commands: what it says of each before it is loaded is what it is."""

import json
import subprocess
import sys

import pytest
from typer.core import TyperCommand, TyperGroup

from unihire.cli.commands import COMMANDS, Command

HEAVY = ("aiohttp", "asyncpg", "procrastinate", "pydantic", "starlette", "structlog", "uvicorn", "unihire.store")
"""What the work of a command may need, and what shows the commands does not."""

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


@pytest.mark.parametrize("arguments", [("--help",), ("--version",)], ids=" ".join)
def test_what_shows_the_commands_loads_none_of_them(arguments: tuple[str, ...]) -> None:
    imported = list_imported(*arguments)
    assert [name for name in HEAVY if name in imported] == []
    assert "unihire.cli.commands" in imported
