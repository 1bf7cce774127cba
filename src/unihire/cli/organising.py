"""`unihire organisations`: whose connectors and API keys there are."""

from typing import Annotated
from uuid import UUID

import typer
from rich.markup import escape

from unihire.cli.console.arguments import make_name_option
from unihire.cli.console.starting import run_on_database, start
from unihire.cli.console.tables import make_table
from unihire.cli.console.terminal import OUT, Json, examples, note, print_json, print_line, print_plain, show_moment
from unihire.errors import ConfigError
from unihire.platform.organisations import create_organisation, rename_organisation, summarise_organisations
from unihire.store import Pool

EPILOG = examples(
    "unihire organisations create --name Example",
    "unihire organisations rename 3f2c --name 'Example Ltd'",
)

app = typer.Typer(no_args_is_help=False)

NewName = Annotated[str, make_name_option("What it is called; no other may be.")]


@app.callback(invoke_without_command=True)
def organisations(context: typer.Context, is_json: Json = False) -> None:
    """Make, list and rename organisations; alone, it lists them."""
    if context.invoked_subcommand is None:
        list_them(is_json=is_json)


@app.command("list")
def list_them(is_json: Json = False) -> None:
    """List the organisations, with how many connectors and valid API keys each has."""
    found = run_on_database(summarise_organisations, start())
    if is_json:
        print_json([{**one, "id": str(one["id"])} for one in found])
        return
    if not found:
        note("There is no organisation yet: unihire organisations create makes one.")
        return
    table = make_table()
    for title in ("id", "name", "connectors", "keys", "created (UTC)"):
        table.add_column(title, overflow="fold")
    for one in found:
        counts = f"{one['connectors']:,}", f"{one['keys']:,}"
        table.add_row(str(one["id"])[:8], escape(one["name"]), *counts, show_moment(one["created_at"])[:16])
    OUT.print(table)


@app.command()
def create(name: NewName, is_json: Json = False) -> None:
    """Make an organisation. Its API keys see its own connectors alone."""

    async def make(pool: Pool) -> UUID:
        return await create_organisation(pool, name)

    id = run_on_database(make, start())
    if is_json:
        print_json({"id": str(id), "name": name})
    else:
        print_plain(f"organisation id  {id}")


@app.command()
def rename(
    id: Annotated[str, typer.Argument(metavar="ID", help="Its id, or its beginning.", show_default=False)],
    name: NewName,
    is_json: Json = False,
) -> None:
    """Give an organisation another name."""

    async def change(pool: Pool) -> UUID:
        found = await pick_organisation(pool, id)
        await rename_organisation(pool, found, name)
        return found

    changed = run_on_database(change, start())
    if is_json:
        print_json({"id": str(changed), "name": name})
    else:
        print_line(f"[green]✓[/green] {changed} is called {escape(name)}")


async def pick_organisation(pool: Pool, text: str) -> UUID:
    """The organisation whose id begins so. Raises ConfigError where none or several do."""
    ids = [UUID(str(one["id"])) for one in await summarise_organisations(pool)]
    fitting = [id for id in ids if text and str(id).startswith(text.lower())]
    if len(fitting) != 1:
        what = "several organisations begin" if fitting else "no organisation begins"
        raise ConfigError(f"{what} with {text!r}: `unihire organisations` lists them")
    return fitting[0]
