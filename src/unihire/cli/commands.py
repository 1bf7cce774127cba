"""The command line: every command in one place, and how an error becomes a line and an exit code."""

import sys
from typing import Annotated

import typer

from unihire import __version__
from unihire.cli import demo, serving
from unihire.cli.ending import EXIT_CODES, EXPECTED, Interrupted, handle_signals_plainly, tell_error

_ENDINGS = "\n\n".join(["[bold]Exit codes[/bold]", *(f"{code:>3}  {meaning}" for code, meaning in EXIT_CODES.items())])

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


app.command("demo", epilog=demo.EPILOG)(demo.demo)
app.command("serve", epilog=serving.EPILOG)(serving.serve)


def run_command_line() -> None:
    """Run the command that sys.argv names, and exit."""
    handle_signals_plainly()
    try:
        app()
    except Interrupted as interrupted:
        sys.exit(interrupted.code)
    except EXPECTED as error:
        sys.exit(tell_error(error))
