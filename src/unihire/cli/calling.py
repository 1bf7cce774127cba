"""`unihire call` and `unihire operations`: calling an operation on a connector, and which there are."""

import sys
from typing import Annotated

import msgspec
import typer
from rich.markup import escape

from unihire.cli.console.arguments import read_document
from unihire.cli.console.exits import FAILED
from unihire.cli.console.picking import pick_connectors
from unihire.cli.console.starting import run_on_database, start
from unihire.cli.console.tables import make_table
from unihire.cli.console.terminal import OUT, Json, examples, note, print_json
from unihire.dialects.common import markup
from unihire.dialects.tray.connectors import describe_operation, find_connectors
from unihire.dialects.tray.operations_page import describe_operations
from unihire.errors import ConfigError
from unihire.integration.registry import get_integration, list_integrations, list_operations
from unihire.platform.clients import Clients
from unihire.platform.connectors import open_connector_client
from unihire.platform.operations import Operations, Outcome, find_operation, write_json
from unihire.platform.sealing import open_sealer
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector, list_connectors

_OFFERING = [integration.slug for integration in list_integrations() if list_operations(integration.slug)]
_ONE = next(iter(_OFFERING), "acmehire")

CALL_EPILOG = examples(
    f"unihire call {_ONE}",
    f'unihire call {_ONE} list_jobs --input \'{{"status": "open"}}\'',
    f"unihire call {_ONE} create_candidate_note --input @note.json --idempotency-key note-1",
)

OPERATIONS_EPILOG = examples("unihire operations", f"unihire operations {_ONE} --json")


def call(
    integration: Annotated[str, typer.Argument(help="The integration, by its short name.", show_default=False)],
    operation: Annotated[str, typer.Argument(help="The operation: unihire operations lists them.", show_default=False)],
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
) -> None:
    """Call an operation on a connector and print its output as JSON.

    Where the vendor refuses, the output says why, and the exit code is 1.
    """
    get_integration(integration)
    wanted = find_operation(integration, operation)
    data = read_document(given, option="--input")
    settings = start()

    async def call_once(pool: Pool) -> Outcome:
        sealer = await open_sealer(settings, pool)
        clients = Clients(lambda found: open_connector_client(pool, found, sealer, settings=settings))
        try:
            found = await _pick(pool, integration, connector)
            return await Operations(pool, clients).call(found, wanted.name, data, idempotency_key=idempotency_key)
        finally:
            await clients.close()

    outcome = run_on_database(call_once, settings)
    print_json(msgspec.Raw(write_json(outcome.output)), pretty=True)
    if outcome.is_repeat:
        note("This is the first answer again: the key was used before.")
    if not outcome.is_success:
        note(f"[red]error[/red] {escape(outcome.output['message'])}")
        raise typer.Exit(FAILED)


def operations(
    slug: Annotated[
        str | None, typer.Argument(metavar="INTEGRATION", help="One alone, in full.", show_default=False)
    ] = None,
    is_markdown: Annotated[bool, typer.Option("--markdown", help="Print the whole page as Markdown.")] = False,
    is_json: Json = False,
) -> None:
    """List the operations that can be called on connectors.

    With --json, the schemas of their inputs and outputs too. It needs no database.
    """
    if is_json and is_markdown:
        raise ConfigError("--json and --markdown are two answers: choose one")
    found = find_connectors() if slug is None else [get_integration(slug)]
    if is_markdown:
        sys.stdout.write(markup.to_markdown(describe_operations()))
        return
    if is_json:
        print_json({
            one.slug: [describe_operation(operation) for operation in list_operations(one.slug).values()]
            for one in found
        })  # fmt: skip
        return
    for one in found:
        table = make_table(title=one.name)
        for title in ("operation", "kind", "what it does"):
            table.add_column(title, overflow="fold")
        for operation in list_operations(one.slug).values():
            table.add_row(operation.name, operation.kind, escape(operation.description))
        OUT.print(table)


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
