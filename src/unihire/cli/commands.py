"""The command line: every command in one place, and how an error becomes a line and an exit code."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from unihire import __version__
from unihire.cli import (
    backups,
    calling,
    capabilities,
    configuration,
    connecting,
    connectors,
    demo,
    doctor,
    history,
    issues,
    keys,
    remapping,
    sandbox,
    schedules,
    serving,
    syncing,
    working,
)
from unihire.cli.arguments import check_arguments
from unihire.cli.ending import EXIT_CODES, EXPECTED, Interrupted, handle_signals_plainly, tell_error
from unihire.cli.terminal import explain

_ENDINGS = "\n".join(["[bold]Exit codes[/bold]", *(f"{code:>3}  {meaning}" for code, meaning in EXIT_CODES.items())])

app = typer.Typer(
    name="unihire",
    help="One API for every applicant tracking system, on your own machines.",
    epilog=_ENDINGS,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _tell_version(is_asked: bool) -> None:
    if is_asked:
        sys.stdout.write(f"unihire {__version__}\n")
        raise typer.Exit


@app.callback()
def unihire(
    version: Annotated[
        bool, typer.Option("--version", help="Tell the version.", callback=_tell_version, is_eager=True)
    ] = False,
) -> None:
    """One API for every applicant tracking system, on your own machines."""


_COMMANDS: tuple[tuple[str, Callable[..., None], str], ...] = (
    ("demo", demo.demo, demo.EPILOG),
    ("serve", serving.serve, serving.EPILOG),
    ("worker", working.worker, working.EPILOG),
    ("sandbox", sandbox.sandbox, sandbox.EPILOG),
    ("connect", connecting.connect, connecting.EPILOG),
    ("reconnect", connecting.reconnect, connecting.RECONNECT_EPILOG),
    ("sync", syncing.sync, syncing.EPILOG),
    ("runs", history.list_runs, history.EPILOG),
    ("issues", issues.issues, issues.EPILOG),
    ("schedule", schedules.schedule, schedules.SCHEDULE_EPILOG),
    ("pause", schedules.pause, schedules.PAUSE_EPILOG),
    ("resume", schedules.resume, schedules.RESUME_EPILOG),
    ("cancel", schedules.cancel, schedules.CANCEL_EPILOG),
    ("remap", remapping.remap, remapping.REMAP_EPILOG),
    ("quarantine", remapping.quarantine, remapping.QUARANTINE_EPILOG),
    ("call", calling.call, calling.CALL_EPILOG),
    ("operations", calling.operations, calling.OPERATIONS_EPILOG),
    ("config", configuration.config, configuration.CONFIG_EPILOG),
    ("doctor", doctor.doctor, doctor.EPILOG),
    ("backup", backups.backup, backups.BACKUP_EPILOG),
    ("restore", backups.restore, backups.RESTORE_EPILOG),
    ("capabilities", capabilities.capabilities, capabilities.EPILOG),
    ("openapi", configuration.openapi, configuration.OPENAPI_EPILOG),
)

for name, command, epilog in _COMMANDS:
    app.command(name, help=explain(command), epilog=epilog)(command)
app.add_typer(connectors.app, name="connectors", epilog=connectors.EPILOG)
app.add_typer(keys.app, name="keys", epilog=keys.EPILOG)


def run_command_line() -> None:
    """Run the command that sys.argv names, and exit."""
    handle_signals_plainly()
    try:
        check_arguments(sys.argv[1:])
        app()
    except Interrupted as interrupted:
        sys.exit(interrupted.code)
    except EXPECTED as error:
        sys.exit(tell_error(error))
