"""`unihire actor`: in whose name a connector writes where a call names nobody."""

from typing import Annotated

import typer
from rich.markup import escape

from unihire.cli.console.picking import name_connector, pick_connectors
from unihire.cli.console.starting import run_on_database, start
from unihire.cli.console.terminal import Json, examples, print_json, print_line
from unihire.platform.acting_users import forget_acting_user, set_acting_user
from unihire.platform.connectors import open_connector_client
from unihire.platform.sealing import open_sealer
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector

EPILOG = examples("unihire actor 3f2c 4033879009", "unihire actor 3f2c --nobody")


def actor(
    id: Annotated[str, typer.Argument(metavar="ID", help="The connector's id, or its beginning.", show_default=False)],
    user: Annotated[
        str | None,
        typer.Argument(
            metavar="USER", help="The vendor's id of a user: remote_id of a remote user.", show_default=False
        ),
    ] = None,
    nobody: Annotated[bool, typer.Option("--nobody", help="The credential acts, as before.")] = False,
    is_json: Json = False,
) -> None:
    """Say in whose name a connector writes.

    A write that can be done in a user's name, and names nobody in remote_user_id, is done in this one's. The vendor is
    asked whether there is such a user.
    """
    if (user is None) is not nobody:
        raise typer.BadParameter("give the vendor's id of a user, or --nobody", param_hint="USER")
    settings = start()

    async def work(pool: Pool) -> Connector:
        (connector,) = await pick_connectors(pool, [id])
        if user is None:
            await forget_acting_user(pool, connector)
            return connector
        sealer = await open_sealer(settings, pool)
        async with open_connector_client(pool, connector, sealer, settings=settings) as client:
            await set_acting_user(pool, connector, client, user)
        return connector

    connector = run_on_database(work, settings)
    if is_json:
        print_json({**name_connector(connector), "acting_user": user})
    else:
        said = "its credential acts" if user is None else f"acts as {user}"
        print_line(f"[green]✓[/green] {escape(f'{connector.end_user} ({connector.integration}): {said}')}")
