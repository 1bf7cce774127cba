"""`unihire capabilities`: what each system gives, for people, programs and the documents."""

import sys
from typing import Annotated

import typer
from rich.text import Text

from unihire.cli.console.tables import make_table
from unihire.cli.console.terminal import OUT, Json, examples, note, print_json, print_plain
from unihire.dialects.common import markup
from unihire.dialects.unihire.capabilities_page import describe_all, describe_one, describe_overview
from unihire.dialects.unihire.matrix import list_capabilities
from unihire.errors import ConfigError
from unihire.integration.registry import list_integrations

_ONE = next((integration.slug for integration in list_integrations()), "acmehire")

EPILOG = examples("unihire capabilities", f"unihire capabilities {_ONE}", "unihire capabilities --json")


def capabilities(
    slug: Annotated[
        str | None, typer.Argument(metavar="INTEGRATION", help="One alone, in full.", show_default=False)
    ] = None,
    is_markdown: Annotated[bool, typer.Option("--markdown", help="Print the whole page as Markdown.")] = False,
    is_json: Json = False,
) -> None:
    """Show what each system gives.

    Which models and fields, what each list can be filtered by, and what can be written, drawn from
    what the integrations declare. It needs no database.
    """
    if is_json and is_markdown:
        raise ConfigError("--json and --markdown are two answers: choose one")
    found = list_capabilities(slug)
    if is_json:
        print_json(found)
    elif is_markdown:
        sys.stdout.write(markup.to_markdown(describe_all(found)))
    elif slug is None:
        _show(*describe_overview(found))
        note(f"\nunihire capabilities {_ONE} shows one in full.")
    else:
        _show(*(block for integration in found.integrations for block in describe_one(integration)))


def _show(*blocks: markup.Block) -> None:
    for number, block in enumerate(blocks):
        if number:
            print_plain()
        match block:
            case markup.Heading(_, text):
                OUT.print(Text(text, "bold"))
            case markup.Paragraph(line):
                OUT.print(Text(markup.to_plain(line)))
            case markup.Table(columns, rows):
                table = make_table()
                for column in columns:
                    table.add_column(column, overflow="fold")
                for row in rows:
                    table.add_row(*(Text(markup.to_plain(cell)) for cell in row))
                OUT.print(table)
