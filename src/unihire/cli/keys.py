"""`unihire keys`: API keys, and the key that seals credentials."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.markup import escape

from unihire.cli.console.arguments import Environment, make_name_option
from unihire.cli.console.exits import FAILED
from unihire.cli.console.picking import name_connector, pick_connectors
from unihire.cli.console.starting import run_on_database, start
from unihire.cli.console.tables import make_table
from unihire.cli.console.terminal import OUT, Json, examples, note, print_json, print_line, print_plain, show_moment
from unihire.errors import ConfigError
from unihire.kit.durations import parse_duration, write_duration
from unihire.kit.phrases import count_of
from unihire.kit.seal import new_key
from unihire.platform.access import SCOPES, SCOPES_UNASKED
from unihire.platform.organisations import (
    LONGEST_KEY,
    LONGEST_OVERLAP,
    KeyReach,
    change_key,
    create_key,
    ensure_organisation,
    list_keys,
    revoke_key,
    rotate_key,
    rotate_token,
)
from unihire.platform.resealing import Resealing, reseal
from unihire.platform.sealing import open_sealer
from unihire.store import Pool
from unihire.store.accounts.sealed import KINDS
from unihire.store.accounts.tenancy import Connector

EPILOG = examples(
    "unihire keys create --environment development --name laptop",
    "unihire keys change 3f2c --scope read --model job",
    "unihire keys rotate 3f2c --old-valid-for 24h",
    "unihire keys revoke 3f2c",
    "unihire keys rotate-token 5d1a --old-valid-for 0",
    "unihire keys seal",
    "unihire keys reseal",
)

app = typer.Typer(no_args_is_help=False)

KeyId = Annotated[str, typer.Argument(metavar="ID", help="The key's id, or its beginning.", show_default=False)]
OldValidFor = Annotated[
    str,
    typer.Option(
        metavar="DURATION", help=f"How long the old one is good still: 0 to {write_duration(LONGEST_OVERLAP)}."
    ),
]
ValidFor = Annotated[
    str | None,
    typer.Option(metavar="DURATION", help="When it ends by itself: 90d, say.", show_default="never"),
]


ValidForAsOld = Annotated[
    str | None,
    typer.Option(
        metavar="DURATION", help="When it ends by itself: 90d, say.", show_default="when the old one would have"
    ),
]

Scopes = Annotated[
    list[str] | None,
    typer.Option(
        "--scope",
        metavar="SCOPE",
        help="What it may do: read, write, manage or operations; may be repeated.",
        show_default="of a new one read, write and manage",
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", metavar="MODEL", help="Only records of this model; may be repeated.", show_default="all"),
]


@app.callback(invoke_without_command=True)
def keys(context: typer.Context, is_json: Json = False) -> None:
    """Make, list, change, rotate and end API keys; alone, it lists them."""
    if context.invoked_subcommand is None:
        list_them(is_json=is_json)


@app.command("list")
def list_them(is_json: Json = False) -> None:
    """List the API keys. A key itself is shown only when it is created."""
    found = run_on_database(list_keys, start())
    if is_json:
        print_json([_to_json(key) for key in found])
        return
    if not found:
        note("There is no API key yet: unihire keys create makes one.")
        return
    table = make_table()
    for title in ("id", "name", "organisation", "environment"):
        table.add_column(title, overflow="fold")
    table.add_column("scopes", overflow="fold")
    for title in ("created (UTC)", "last used (UTC)", "ends (UTC)"):
        table.add_column(title, no_wrap=True)
    for key in found:
        over = "" if key["is_good"] else f" [red]({'revoked' if key['revoked_at'] else 'ended'})[/red]"
        ends = min((moment for moment in (key["revoked_at"], key["ends_at"]) if moment is not None), default=None)
        moments = (
            "" if one is None else show_moment(one)[:16] for one in (key["created_at"], key["last_used_at"], ends)
        )
        name, reach = escape(key["name"]) + over, _describe_reach(key)
        table.add_row(str(key["id"])[:8], name, escape(key["organisation"]), key["environment"], reach, *moments)
    OUT.print(table)


@app.command()
def create(
    environment: Annotated[Environment, typer.Option(help="The connectors it reaches.")] = "production",
    organisation: Annotated[str, make_name_option("Whose it is; made if there is none.")] = "default",
    name: Annotated[str, make_name_option("To know it from others.")] = "default",
    valid_for: ValidFor = None,
    scope: Scopes = None,
    model: Models = None,
    is_json: Json = False,
) -> None:
    """Make an API key. It is shown this once, and only its hash is stored.

    The scope read is for records and what became of them, write for writing them, manage for syncs, webhooks, keys
    and connectors, operations for calling a system's operations by the key alone.
    """
    scopes = scope or SCOPES_UNASKED
    KeyReach.check(scopes, model)
    lasts = None if valid_for is None else read_validity(valid_for, LONGEST_KEY, least=timedelta(seconds=1))

    async def make(pool: Pool) -> tuple[UUID, str]:
        owner = await ensure_organisation(pool, organisation)
        return await create_key(pool, owner, environment, name, valid_for=lasts, scopes=scopes, models=model)

    id, key = run_on_database(make, start())
    if is_json:
        whose = {"organisation": organisation, "environment": environment, "name": name}
        print_json({"id": str(id), "key": key, **whose, "scopes": list(scopes), "models": model})
        return
    _show_key(id, key)


@app.command()
def change(
    id: KeyId,
    name: Annotated[str | None, make_name_option("Its new name.")] = None,
    scope: Scopes = None,
    model: Models = None,
    is_of_all: Annotated[bool, typer.Option("--all-models", help="Let it reach all models.")] = False,
    valid_for: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="When it ends by itself, from now: 90d, say.", show_default="as it is"),
    ] = None,
    is_json: Json = False,
) -> None:
    """Change the name, scopes, models or end of an API key; what is not given stays.

    It holds at once, in every process.
    """
    if model and is_of_all:
        raise typer.BadParameter("either --model or --all-models")
    lasts = None if valid_for is None else read_validity(valid_for, LONGEST_KEY, least=timedelta(seconds=1))

    async def make(pool: Pool) -> UUID:
        key = await _pick_key(pool, id)
        await change_key(pool, key, name=name, scopes=scope, models=model or None, is_of_all=is_of_all, valid_for=lasts)
        return key

    changed = run_on_database(make, start())
    if is_json:
        print_json({"changed": str(changed)})
    else:
        print_line(f"[green]✓[/green] {changed} is changed")


@app.command()
def rotate(
    id: KeyId, old_valid_for: OldValidFor = "24h", valid_for: ValidForAsOld = None, is_json: Json = False
) -> None:
    """Make another API key in place of one.

    It is of the same organisation, environment and name, has the same scopes and models, ends by itself when that one
    would have, and is shown this once. The old one is good for --old-valid-for still, so that callers can change over;
    with 0 it ends at once, in every process.
    """
    still = read_validity(old_valid_for, LONGEST_OVERLAP)
    lasts = None if valid_for is None else read_validity(valid_for, LONGEST_KEY, least=timedelta(seconds=1))

    async def make(pool: Pool) -> tuple[UUID, UUID, str]:
        old = await _pick_key(pool, id)
        return old, *await rotate_key(pool, old, old_valid_for=still, valid_for=lasts)

    old, new, key = run_on_database(make, start())
    if is_json:
        print_json({"id": str(new), "key": key, "old_id": str(old), "old_valid_for": write_duration(still)})
        return
    _show_key(new, key)
    OUT.print(f"The old one, {str(old)[:8]}, {_say_end(still)}.", style="dim")


@app.command("rotate-token")
def rotate_connector_token(
    connector: Annotated[
        str, typer.Argument(metavar="CONNECTOR", help="The connector's id, or its beginning.", show_default=False)
    ],
    old_valid_for: OldValidFor = "24h",
    is_json: Json = False,
) -> None:
    """Make another token of a connector.

    It is shown this once. The old one is good for --old-valid-for still, so that callers can change over, and every
    one that was replaced before ends by then too; with 0 the new one is the only one at once, in every process.
    """
    still = read_validity(old_valid_for, LONGEST_OVERLAP)

    async def make(pool: Pool) -> tuple[Connector, str]:
        (found,) = await pick_connectors(pool, [connector])
        return found, await rotate_token(pool, found, old_valid_for=still)

    found, token = run_on_database(make, start())
    if is_json:
        print_json({**name_connector(found), "connector_token": token, "old_valid_for": write_duration(still)})
        return
    print_plain(f"connector id     {found.id}")
    print_plain(f"connector token  {token}")
    OUT.print(f"\nThe token is shown this once: store it safely. The old one {_say_end(still)}.", style="dim")


def _describe_reach(key: dict[str, Any]) -> str:
    scopes = "all" if len(key["scopes"]) == len(SCOPES) else ", ".join(key["scopes"])
    return scopes if key["models"] is None else f"{scopes}; of {', '.join(key['models'])}"


def _show_key(id: UUID, key: str) -> None:
    print_plain(f"key id   {id}")
    print_plain(f"API key  {key}")
    OUT.print("\nThe key is shown this once: store it safely.", style="dim")


def _say_end(still: timedelta) -> str:
    return f"is good for {write_duration(still)} still" if still else "has ended"


def read_validity(text: str, most: timedelta, *, least: timedelta = timedelta()) -> timedelta:
    """How long something is good; 0 needs no unit. Raises BadParameter beyond these bounds."""
    try:
        found = timedelta() if text == "0" else parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if not least <= found <= most:
        raise typer.BadParameter(f"it must be from {write_duration(least)} to {write_duration(most)}")
    return found


async def _pick_key(pool: Pool, text: str) -> UUID:
    """The good key whose id begins so. Raises ConfigError where none or several do."""
    fitting = [
        key["id"]
        for key in await list_keys(pool)
        if key["is_good"] and text and str(key["id"]).startswith(text.lower())
    ]
    if len(fitting) != 1:
        what = "several valid API keys begin" if fitting else "no valid API key begins"
        raise ConfigError(f"{what} with {text!r}: `unihire keys` lists them")
    return UUID(str(fitting[0]))


@app.command()
def revoke(id: KeyId, is_json: Json = False) -> None:
    """End an API key, at once and in every process."""

    async def end(pool: Pool) -> UUID:
        key = await _pick_key(pool, id)
        await revoke_key(pool, key)
        return key

    revoked = run_on_database(end, start())
    if is_json:
        print_json({"revoked": str(revoked)})
    else:
        print_line(f"[green]✓[/green] {revoked} is revoked")


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
        left = [
            {
                ("webhook_id" if one.kind == "webhook" else "connector_id"): str(one.owner),
                "what": one.kind,
                "reason": one.reason,
            }
            for one in done.left
        ]
        print_json({"resealed": {kind: done.resealed[kind] for kind in KINDS}, "left": left})
    else:
        credentials, grants = (
            count_of(done.resealed["credentials"], "connector"),
            count_of(done.resealed["grant"], "grant"),
        )
        secrets = done.resealed["webhook"]
        more = f" and {count_of(secrets, 'secret')} of webhooks" if secrets else ""
        OUT.print(f"credentials of {credentials} and {grants}{more} brought under the newest key")
        for one in done.left:
            of = "secret of webhook" if one.kind == "webhook" else f"{one.kind} of connector"
            print_line(f"[red]✗[/red] {of} {one.owner}: {escape(one.reason)}")
        if not done.left:
            OUT.print("[green]✓[/green] nothing is sealed under another")
    if done.left:
        raise typer.Exit(FAILED)


def _to_json(key: dict[str, Any]) -> dict[str, Any]:
    return {**key, "id": str(key["id"])}
