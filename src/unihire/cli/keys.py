"""`unihire keys`: API keys, and the key that seals credentials."""

from typing import Annotated, Any
from uuid import UUID

import typer
from rich.markup import escape
from rich.table import Table

from unihire.cli.arguments import Environment, make_name_option
from unihire.cli.exits import FAILED
from unihire.cli.starting import run_on_database, start
from unihire.cli.terminal import OUT, Json, examples, note, print_json, print_plain, show_moment
from unihire.errors import ConfigError
from unihire.kit.seal import new_key
from unihire.platform.organisations import create_key, ensure_organisation, list_keys, revoke_key
from unihire.platform.resealing import Resealing, reseal
from unihire.platform.sealing import open_sealer
from unihire.store import Pool
from unihire.store.sealed import KINDS

EPILOG = examples(
    "unihire keys create --environment development --name laptop",
    "unihire keys revoke 3f2c",
    "unihire keys seal",
    "unihire keys reseal",
)

app = typer.Typer(no_args_is_help=False)


@app.callback(invoke_without_command=True)
def keys(context: typer.Context, is_json: Json = False) -> None:
    """Make, list and revoke API keys; alone, it lists them."""
    if context.invoked_subcommand is None:
        list_them(is_json=is_json)


@app.command("list")
def list_them(is_json: Json = False) -> None:
    """List the API keys. A key itself is told only when it is made."""
    found = run_on_database(list_keys, start())
    if is_json:
        print_json([_to_json(key) for key in found])
        return
    if not found:
        note("There is no API key yet: unihire keys create makes one.")
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("id", "name", "organisation", "environment", "created"):
        table.add_column(title, overflow="fold")
    for key in found:
        name = escape(key["name"]) + (" [red](revoked)[/red]" if key["revoked_at"] else "")
        created = show_moment(key["created_at"])
        table.add_row(str(key["id"])[:8], name, escape(key["organisation"]), key["environment"], created)
    OUT.print(table)


@app.command()
def create(
    environment: Annotated[Environment, typer.Option(help="The connectors it reaches.")] = "production",
    organisation: Annotated[str, make_name_option("Whose it is; made if there is none.")] = "default",
    name: Annotated[str, make_name_option("To know it from others.")] = "default",
    is_json: Json = False,
) -> None:
    """Make an API key. It is told this once, and only its hash is kept."""

    async def make(pool: Pool) -> tuple[UUID, str]:
        return await create_key(pool, await ensure_organisation(pool, organisation), environment, name)

    id, key = run_on_database(make, start())
    if is_json:
        print_json({"id": str(id), "key": key, "organisation": organisation, "environment": environment, "name": name})
        return
    print_plain(f"key id   {id}")
    print_plain(f"API key  {key}")
    OUT.print("\nThe key is shown this once: keep it safe.", style="dim")


@app.command()
def revoke(
    id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, or its beginning.", show_default=False)],
    is_json: Json = False,
) -> None:
    """End an API key, at once and in every process."""

    async def end(pool: Pool) -> UUID:
        living = [key["id"] for key in await list_keys(pool) if key["revoked_at"] is None]
        fitting = [key for key in living if id and str(key).startswith(id.lower())]
        if len(fitting) != 1:
            what = "several living API keys begin" if fitting else "no living API key begins"
            raise ConfigError(f"{what} with {id!r}: `unihire keys` lists them")
        await revoke_key(pool, fitting[0])
        return UUID(str(fitting[0]))

    revoked = run_on_database(end, start())
    if is_json:
        print_json({"revoked": str(revoked)})
    else:
        OUT.print(f"[green]✓[/green] {revoked} is revoked", soft_wrap=True)


@app.command()
def seal(is_json: Json = False) -> None:
    """Make a key that seals credentials.

    It is for UNIHIRE_ENCRYPTION_KEYS, and stored nowhere. To change keys, put the new one in front of the old,
    separated by a comma, restart what runs, and bring all that is sealed under it: unihire keys reseal.
    """
    key = new_key()
    if is_json:
        print_json({"key": key})
    else:
        print_plain(key)


@app.command("reseal")
def reseal_all(is_json: Json = False) -> None:
    """Bring all that is sealed under the newest key.

    Of UNIHIRE_ENCRYPTION_KEYS the first is the newest. Everything that runs must have the same keys in the same order
    by then; it may go on running. Ended in between, it is done again and goes on. Ends with 1 where something is left
    under another key, and names it. An old key can go once nothing is; backups made before need it still.
    """
    settings = start()

    async def bring(pool: Pool) -> Resealing:
        return await reseal(pool, await open_sealer(settings, pool))

    done = run_on_database(bring, settings)
    if is_json:
        left = [{"connector_id": str(one.connector), "what": one.kind, "reason": one.reason} for one in done.left]
        print_json({"resealed": {kind: done.resealed[kind] for kind in KINDS}, "left": left})
    else:
        counts = f"{done.resealed['credentials']:,} credentials and {done.resealed['grant']:,} grants"
        OUT.print(f"{counts} brought under the newest key")
        for one in done.left:
            OUT.print(f"[red]✗[/red] {one.kind} of connector {one.connector}: {escape(one.reason)}", soft_wrap=True)
        if not done.left:
            OUT.print("[green]✓[/green] nothing is sealed under another")
    if done.left:
        raise typer.Exit(FAILED)


def _to_json(key: dict[str, Any]) -> dict[str, Any]:
    return {**key, "id": str(key["id"])}
