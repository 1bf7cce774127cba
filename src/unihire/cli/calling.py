"""`unihire call`: one operation on one connector."""

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from unihire.app import open_sealer
from unihire.cli.connectors import pick_connectors
from unihire.cli.ending import FAILED
from unihire.cli.starting import run_on_database, start
from unihire.cli.terminal import OUT, examples, note, print_json
from unihire.errors import ConfigError
from unihire.integration.registry import get_integration, list_integrations, list_operations
from unihire.platform.clients import Clients
from unihire.platform.connectors import open_connector_client
from unihire.platform.inputs import describe_input
from unihire.platform.operations import Operations, Outcome, find_operation
from unihire.store import Pool
from unihire.store.tenancy import Connector, list_connectors

_OFFERING = [integration.slug for integration in list_integrations() if list_operations(integration.slug)]
_ONE = next(iter(_OFFERING), "acmehire")

EPILOG = examples(
    f"unihire call {_ONE}",
    f'unihire call {_ONE} list_jobs --input \'{{"status": "open"}}\'',
    f"unihire call {_ONE} create_candidate_note --input @note.json --idempotency-key note-1",
    f"unihire call {_ONE} list_jobs --describe",
)


def call(
    integration: Annotated[str, typer.Argument(help="The integration, by its short name.", show_default=False)],
    operation: Annotated[
        str | None, typer.Argument(help="The operation; without one, they are listed.", show_default=False)
    ] = None,
    given: Annotated[
        str, typer.Option("--input", help="The input as JSON, @FILE to read it from a file, - from stdin.")
    ] = "{}",
    connector: Annotated[
        str | None,
        typer.Option(help="Its id, or the beginning; needed where the integration has several.", show_default=False),
    ] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="A repeat under the same key writes nothing again.", show_default=False)
    ] = None,
    describe: Annotated[bool, typer.Option("--describe", help="Show the schema of the input instead.")] = False,
) -> None:
    """Call an operation on a connector and print its output as JSON.

    Where the vendor refuses, the output says why, and the exit code is 1.
    """
    get_integration(integration)
    if operation is None:
        _list_operations(integration)
        return
    wanted = find_operation(integration, operation)
    if describe:
        print_json(describe_input(wanted), pretty=True)
        return
    data = _read_given(given)
    settings = start()
    sealer = open_sealer(settings)

    async def call_once(pool: Pool) -> Outcome:
        clients = Clients(lambda found: open_connector_client(pool, found, sealer))
        try:
            found = await _pick(pool, integration, connector)
            return await Operations(pool, clients).call(found, wanted.name, data, idempotency_key=idempotency_key)
        finally:
            await clients.close()

    outcome = run_on_database(call_once, settings)
    print_json(outcome.output, pretty=True)
    if outcome.is_repeat:
        note("This is the first answer again: the key was used before.")
    if not outcome.is_success:
        note(f"[red]error[/red] {escape(outcome.output['message'])}")
        raise typer.Exit(FAILED)


def _list_operations(integration: str) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("operation", "kind", "what it does"):
        table.add_column(title, overflow="fold")
    for one in list_operations(integration).values():
        table.add_row(one.name, one.kind, escape(one.description))
    OUT.print(table)


def _read_given(text: str) -> Any:
    try:
        if text == "-":
            text = sys.stdin.read()
        elif text.startswith("@"):
            text = Path(text[1:]).read_text()
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise typer.BadParameter(f"it is not JSON: {error}", param_hint="--input") from None
    except OSError as error:
        raise ConfigError(f"cannot read the input: {error}") from None


async def _pick(pool: Pool, integration: str, text: str | None) -> Connector:
    if text is not None:
        (found,) = await pick_connectors(pool, [text])
        if found.integration != integration:
            raise ConfigError(f"connector {found.id} is of {found.integration}, not {integration}")
        return found
    known = [one for one in await list_connectors(pool) if one.integration == integration]
    if len(known) != 1:
        what = "there are several connectors" if known else "there is no connector"
        raise ConfigError(f"{what} of {integration}: name one with --connector; `unihire connectors` lists them")
    return known[0]
