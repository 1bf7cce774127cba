"""`unihire hooks`: the addresses at which vendors report changes, and what their deliveries are verified with."""

import sys
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.markup import escape

from unihire.cli.console.picking import name_connector, pick_connectors
from unihire.cli.console.starting import run_on_database, start
from unihire.cli.console.tables import make_table
from unihire.cli.console.terminal import (
    OUT,
    Json,
    examples,
    note,
    print_json,
    print_line,
    print_plain,
    write_moment,
)
from unihire.cli.keys import OldValidFor, read_validity
from unihire.errors import ConfigError
from unihire.events.inbox import hooks
from unihire.events.inbox.hooks import NewHook, get_webhooks
from unihire.integration.webhooks import Webhooks
from unihire.kit.durations import write_duration
from unihire.kit.files import read_file
from unihire.kit.phrases import count_of
from unihire.outbound.client import VendorClient
from unihire.platform.connectors import open_connector_client
from unihire.platform.organisations import LONGEST_OVERLAP
from unihire.platform.public_url import build_public_url
from unihire.platform.sealing import open_sealer
from unihire.settings import Settings
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector, list_connectors
from unihire.store.events.hooks import get_hook, list_hooks

T = TypeVar("T")

EPILOG = examples(
    "unihire hooks",
    "unihire hooks open 3f2c",
    "pass show acme-hook | unihire hooks secret 3f2c --secret-file -",
    "unihire hooks replace 3f2c --old-valid-for 7d",
    "unihire hooks close 3f2c",
)

SECRET_BYTES = 10_000

app = typer.Typer(no_args_is_help=False)

Id = Annotated[str, typer.Argument(metavar="ID", help="The connector's id, or its beginning.", show_default=False)]
SecretFile = Annotated[
    Path | None, typer.Option(metavar="PATH|-", help="The secret, alone in a file; - reads standard input.")
]
ByApi = Annotated[
    bool, typer.Option("--by-api", help="Have the vendor's API send deliveries, where it can be asked to.")
]


@app.callback(invoke_without_command=True)
def list_or_run(context: typer.Context, is_json: Json = False) -> None:
    """Make, show, change and end the addresses at which vendors report changes; alone, it lists them."""
    if context.invoked_subcommand is None:
        list_them(is_json=is_json)


@app.command("list")
def list_them(is_json: Json = False) -> None:
    """List the hooks, when each was called last, and how much of what was reported is yet to be read."""

    async def read(pool: Pool) -> list[dict[str, Any]]:
        found = await list_hooks(pool)
        return [
            {**name_connector(connector), **_describe(found[connector.number])}
            for connector in await list_connectors(pool)
            if connector.number in found
        ]

    rows = run_on_database(read, start())
    if is_json:
        print_json(rows)
        return
    if not rows:
        note("There is no hook yet: unihire hooks open makes one for a connector.")
        return
    table = make_table()
    for title in ("id", "customer", "integration", "secret", "latest delivery (UTC)", "rows to read"):
        table.add_column(title, overflow="fold", justify="right" if title == "rows to read" else "left")
    for row in rows:
        latest = row["latest_delivery_at"]
        table.add_row(
            row["connector_id"][:8],
            escape(row["customer"]),
            row["integration"],
            "yes" if row["has_secret"] else "[yellow]no[/yellow]",
            "never" if latest is None else latest.replace("T", " ")[:16],
            f"{row['rows_to_read']:,}",
        )
    OUT.print(table)


@app.command("open")
def open_one(id: Id, secret_file: SecretFile = None, by_api: ByApi = False, is_json: Json = False) -> None:
    """Make a connector's hook, and show what the customer does.

    The address contains a token, and deliveries are verified with a secret; both are shown this once. The secret is
    drawn here, or by the vendor: then it is given to `unihire hooks secret` when the customer has it. With --by-api the
    vendor's API is asked to send deliveries, and the customer does nothing.
    """
    settings = start()
    build_public_url(settings, "/")  # or nobody could call it
    given = None if secret_file is None else _read_secret(secret_file)

    async def make(pool: Pool, connector: Connector) -> NewHook:
        webhooks = get_webhooks(connector)
        if by_api:
            hooks.get_subscription(connector, webhooks)
        return await hooks.open_hook(pool, await open_sealer(settings, pool), connector, webhooks, secret=given)

    connector, new = _run(settings, id, make)
    _finish(settings, connector, new, by_api=by_api, is_json=is_json)


@app.command()
def show(id: Id, is_json: Json = False) -> None:
    """Show a connector's hook, and what the customer does; the address itself is shown only when it is made."""

    async def read(pool: Pool, connector: Connector) -> dict[str, Any]:
        if await get_hook(pool, connector.number) is None:
            raise ConfigError(f"connector {connector.id} has no hook: `unihire hooks open` makes one")
        return _describe((await list_hooks(pool))[connector.number])

    connector, found = _run(start(), id, read)
    webhooks = get_webhooks(connector)
    if is_json:
        print_json(
            {**name_connector(connector), **found, "steps": list(webhooks.steps), "events": dict(webhooks.events)}
        )
        return
    for title, value in (
        ("connector id", str(connector.id)),
        ("secret", "known" if found["has_secret"] else "none yet"),
        ("made", found["made_at"]),
        ("latest", found["latest_delivery_at"] or "never"),
        ("rows to read", f"{found['rows_to_read']:,}"),
        ("by API", count_of(found["subscriptions"], "subscription") if found["subscriptions"] else "no"),
    ):
        print_plain(f"{title:<14}{value}")
    _show_steps(webhooks)


@app.command()
def secret(
    id: Id,
    secret_file: SecretFile = None,
    only: Annotated[bool, typer.Option("--only", help="The earlier secrets are no longer accepted.")] = False,
    is_json: Json = False,
) -> None:
    """Verify deliveries with another secret as well.

    It is read from --secret-file, or drawn and shown this once. Earlier ones stay good, three in all, so that
    the customer can change over; with --only they do not.
    """
    settings = start()
    given = None if secret_file is None else _read_secret(secret_file)

    async def add(pool: Pool, connector: Connector) -> str | None:
        sealer, webhooks = await open_sealer(settings, pool), get_webhooks(connector)
        return await hooks.add_secret(pool, sealer, connector, webhooks, secret=given, is_only=only)

    connector, drawn = _run(settings, id, add)
    if is_json:
        print_json({**name_connector(connector), "secret": drawn})
    elif drawn is None:
        print_line(f"[green]✓[/green] deliveries to {connector.id} are verified with it")
    else:
        print_plain(f"secret   {drawn}")
        OUT.print("\nIt is shown this once: enter it at the vendor.", style="dim")


@app.command()
def replace(id: Id, old_valid_for: OldValidFor = "24h", by_api: ByApi = False, is_json: Json = False) -> None:
    """Give a hook another address.

    It is shown this once. The old one is good for --old-valid-for still, so that the customer can change over; with 0
    it ends at once. A subscription at the vendor's API is made again with --by-api.
    """
    settings = start()
    build_public_url(settings, "/")
    still = read_validity(old_valid_for, LONGEST_OVERLAP)

    async def work(pool: Pool, connector: Connector) -> NewHook:
        if by_api:
            hooks.get_subscription(connector, get_webhooks(connector))
        return await hooks.replace_address(pool, connector, old_valid_for=still)

    connector, new = _run(settings, id, work)
    _finish(settings, connector, new, by_api=by_api, is_json=is_json, old_valid_for=write_duration(still))


@app.command()
def close(id: Id, is_json: Json = False) -> None:
    """End a hook: its address is nobody's from now on.

    What the vendor's API was asked to send, it is asked to send no more; what the customer set up, the customer ends.
    """
    settings = start()

    async def end(pool: Pool, connector: Connector) -> None:
        webhooks = get_webhooks(connector)
        hook = await get_hook(pool, connector.number)
        if hook is not None and hook.subscriptions:
            async with await _open_client(settings, pool, connector) as client:
                await hooks.end_subscriptions(pool, connector, webhooks, client)
        await hooks.close_hook(pool, connector)

    connector, _ = _run(settings, id, end)
    if is_json:
        print_json({**name_connector(connector), "closed": True})
    else:
        print_line(f"[green]✓[/green] the hook of {connector.id} is closed")


def _run(settings: Settings, id: str, work: Callable[[Pool, Connector], Coroutine[Any, Any, T]]) -> tuple[Connector, T]:
    async def run(pool: Pool) -> tuple[Connector, T]:
        (connector,) = await pick_connectors(pool, [id])
        return connector, await work(pool, connector)

    return run_on_database(run, settings)


async def _open_client(settings: Settings, pool: Pool, connector: Connector) -> VendorClient:
    return open_connector_client(pool, connector, await open_sealer(settings, pool), settings=settings)


def _read_secret(path: Path) -> str:
    """The secret in a file, or on standard input for `-`. Raises ConfigError, never showing it."""
    if str(path) == "-":
        text = sys.stdin.buffer.read(SECRET_BYTES)
    else:
        text = read_file(path, limit=SECRET_BYTES, can_be_pipe=True)
    try:
        return hooks.check_secret(text.decode())
    except UnicodeDecodeError:
        raise ConfigError("the secret is no text") from None


def _finish(
    settings: Settings, connector: Connector, new: NewHook, *, by_api: bool, is_json: bool, **more: Any
) -> None:
    """Show what was made, before the vendor is asked: it is shown this once. Then ask it, where that was asked for."""
    url, webhooks = build_public_url(settings, new.path), get_webhooks(connector)
    if not is_json:
        print_plain(f"address  {url}")
        if new.secret is not None:
            print_plain(f"secret   {new.secret}")
        OUT.print("\nThey are shown this once." if new.secret else "\nIt is shown this once.", style="dim")
        if url.startswith("http://"):
            note("Vendors call https addresses alone: set UNIHIRE_PUBLIC_URL to one, in front of the service.")
    made = None
    if by_api:

        async def subscribe(pool: Pool, found: Connector) -> int:
            sealer = await open_sealer(settings, pool)
            async with await _open_client(settings, pool, found) as client:
                return await hooks.subscribe(pool, sealer, found, webhooks, client, url)

        try:
            _, made = _run(settings, str(connector.id), subscribe)
        finally:
            if is_json and made is None:
                print_json({**name_connector(connector), "url": url, "secret": new.secret, **more})
    if is_json:
        steps = [] if by_api else list(webhooks.steps)
        shown = {"url": url, "secret": new.secret, **more, "subscriptions": made, "steps": steps}
        print_json({**name_connector(connector), **shown, "events": dict(webhooks.events)})
    elif by_api:
        print_line(
            f"[green]✓[/green] {connector.integration} sends deliveries there, by {count_of(made or 0, 'webhook')}"
        )
    else:
        _show_steps(webhooks)
        if new.secret is None and webhooks.secret is not None and webhooks.secret.drawn_by == "vendor":
            note(f"Then give the secret the vendor drew: unihire hooks secret {str(connector.id)[:8]} --secret-file -")


def _show_steps(webhooks: Webhooks) -> None:
    OUT.print("\n[bold]What the customer does[/bold]")
    for number, step in enumerate(webhooks.steps, 1):
        print_plain(f"{number}. {step}")
    OUT.print("\n[bold]Events[/bold]")
    for kind, name in webhooks.events.items():
        print_plain(f"{kind:<30}{name}")


def _describe(hook: Any) -> dict[str, Any]:
    latest: datetime | None = hook["last_delivery_at"]
    since: datetime | None = hook["waits_since"]
    return {
        "has_secret": hook["has_secrets"],
        "subscriptions": hook["subscriptions"],
        "made_at": write_moment(hook["made_at"]),
        "latest_delivery_at": write_moment(latest),
        "rows_to_read": hook["waiting"],
        "waits_since": write_moment(since),
    }
