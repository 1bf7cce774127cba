"""The command line: every command in one place, and how an error becomes a line and an exit code.

What a command is made of is imported when it is run: each would else load what all of them need.
"""

import gc
import importlib
import sys
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from unihire import __version__
from unihire.cli.console.arguments import check_arguments
from unihire.cli.console.exits import EXIT_CODES, Interrupted, raise_on_signals
from unihire.cli.console.terminal import explain

_ENDINGS = "\n".join(["[bold]Exit codes[/bold]", *(f"{code:>3}  {meaning}" for code, meaning in EXIT_CODES.items())])


@dataclass(frozen=True, slots=True)
class Command:
    """A command before it is loaded.

    `place` is MODULE:NAME of its function or, for a group, its typer.Typer in this package; `epilog` is the name of a
    constant of the same module; `summary` is the first paragraph of its help.
    """

    name: str
    place: str
    epilog: str
    summary: str

    def load(self) -> Any:
        """The command itself, with its options and its whole help."""
        module_name, _, attribute = self.place.partition(":")
        module = importlib.import_module(f"unihire.cli.{module_name}")
        found, epilog = getattr(module, attribute), getattr(module, self.epilog)
        parent = typer.Typer(rich_markup_mode="rich")
        if isinstance(found, typer.Typer):
            for each in found.registered_commands:
                assert each.callback is not None
                each.help = explain(each.callback)
            parent.add_typer(found, name=self.name, epilog=epilog)
        else:
            parent.command(self.name, help=explain(found), epilog=epilog)(found)
        return typer.main.get_group(parent).commands[self.name]


COMMANDS = (
    Command(
        "demo", "demo.command:demo", "EPILOG", "See the main job done: made-up vendors, synced and served as one API."
    ),
    Command("serve", "serving:serve", "EPILOG", "Serve the API, and keep what it serves up to date."),
    Command("worker", "working:worker", "EPILOG", "Sync what is due and what is asked for."),
    Command("sandbox", "sandbox:sandbox", "EPILOG", "Run a vendor's emulator alone."),
    Command("connect", "connecting:connect", "EPILOG", "Connect a customer's system."),
    Command("reconnect", "connecting:reconnect", "RECONNECT_EPILOG", "Give a connector new credentials."),
    Command("sync", "syncing:sync", "EPILOG", "Bring connectors up to date."),
    Command("runs", "runs:list_runs", "EPILOG", "List the latest sync runs."),
    Command(
        "events",
        "events:events",
        "EPILOG",
        "List what became of records: each created, updated or deleted, oldest first.",
    ),
    Command("issues", "issues:issues", "EPILOG", "List problems that somebody must know of or fix."),
    Command("schedule", "schedules:schedule", "SCHEDULE_EPILOG", "Show or change when connectors are synced."),
    Command("pause", "schedules:pause", "PAUSE_EPILOG", "Let connectors rest."),
    Command("resume", "schedules:resume", "RESUME_EPILOG", "Let paused connectors go on."),
    Command("cancel", "schedules:cancel", "CANCEL_EPILOG", "End the syncs under way."),
    Command("remap", "remapping:remap", "REMAP_EPILOG", "Make records again from stored rows."),
    Command("quarantine", "remapping:quarantine", "QUARANTINE_EPILOG", "List rows that do not map, or not whole."),
    Command("call", "calling:call", "CALL_EPILOG", "Call an operation on a connector and print its output as JSON."),
    Command(
        "operations", "calling:operations", "OPERATIONS_EPILOG", "List the operations that can be called on connectors."
    ),
    Command(
        "write", "write_commands:write", "WRITE_EPILOG", "Write to a connector's system and print the answer as JSON."
    ),
    Command("writes", "write_commands:writes", "WRITES_EPILOG", "List the writes of a connector, the latest first."),
    Command("config", "configuration:config", "EPILOG", "Print every setting, and where it comes from."),
    Command("doctor", "doctor.command:doctor", "EPILOG", "Look for what can go wrong."),
    Command("backup", "backups:backup", "BACKUP_EPILOG", "Write the whole database to a new file."),
    Command("restore", "backups:restore", "RESTORE_EPILOG", "Fill an empty database with a backup."),
    Command("capabilities", "capabilities:capabilities", "EPILOG", "Show what each system gives."),
    Command("openapi", "openapi:openapi", "EPILOG", "Print the OpenAPI document of the API."),
    Command("actor", "acting:actor", "EPILOG", "Say in whose name a connector writes."),
    Command("connectors", "connectors:app", "EPILOG", "List, show, move and delete connectors; alone, it lists them."),
    Command(
        "hooks",
        "hooks:app",
        "EPILOG",
        "Make, show, change and end the addresses at which vendors report changes; alone, it lists them.",
    ),
    Command(
        "webhooks",
        "endpoints:app",
        "EPILOG",
        "Make, show, change and remove webhooks, to which events are sent; alone, it lists them.",
    ),
    Command(
        "links",
        "customer_links:app",
        "EPILOG",
        "Make links for customers, and say how their page looks; alone, it shows the settings.",
    ),
    Command(
        "organisations",
        "organising:app",
        "EPILOG",
        "Make, list and rename organisations; alone, it lists them.",
    ),
    Command("keys", "keys:app", "EPILOG", "Make, list, change, rotate and end API keys; alone, it lists them."),
    Command("audit", "auditing:audit", "EPILOG", "List who changed what, by API key or by command, the latest first."),
)

_BY_NAME = {command.name: command for command in COMMANDS}


class CommandGroup(TyperGroup):
    """Knows every command by name and summary, and loads the one that is run; then it calls the context's object."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for command in COMMANDS:
            self.add_command(TyperCommand(command.name, help=command.summary))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """As the group's own, with the command loaded."""
        name, command, rest = super().resolve_command(ctx, args)
        loaded = command and _BY_NAME[name or ""].load()
        gc.enable()
        if ctx.obj is not None:
            ctx.obj()
        return name, loaded, rest


app = typer.Typer(
    name="unihire",
    cls=CommandGroup,
    help="One API for every applicant tracking system, on your own machines.",
    epilog=_ENDINGS,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        sys.stdout.write(f"unihire {__version__}\n")
        raise typer.Exit


@app.callback()
def unihire(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """One API for every applicant tracking system, on your own machines."""


def run_command_line() -> None:
    """Run the command that sys.argv names, and exit."""
    try:
        check_arguments(sys.argv[1:])
        app(obj=raise_on_signals)  # until a command is loaded, a signal ends the process at once
    except Interrupted as interrupted:
        sys.exit(interrupted.code)
    except Exception as error:
        from unihire.cli.console.ending import EXPECTED, log_end, show_error  # here: it loads what the errors come from

        if (code := log_end(error)) is not None:
            sys.exit(code)
        if not isinstance(error, EXPECTED):
            raise
        sys.exit(show_error(error))
