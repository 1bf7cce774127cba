"""`unihire webhooks`: where events are sent, what was delivered, and what is sent again."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
import typer
from rich.markup import escape

from unihire.cli.console.arguments import Environment, make_name_option
from unihire.cli.console.exits import FAILED
from unihire.cli.console.picking import pick_connectors
from unihire.cli.console.starting import run_on_database, start
from unihire.cli.console.tables import make_table
from unihire.cli.console.terminal import OUT, Json, examples, note, print_json, print_line, print_plain, show_moment
from unihire.cli.keys import read_validity
from unihire.dialects.unihire.webhook_view import show_webhook
from unihire.errors import ConfigError
from unihire.events.deliveries.replaying import Replay, replay_refused, replay_since, replay_tries
from unihire.events.endpoints import LONGEST_OVERLAP, EndpointOwner, EndpointRefused, Endpoints, EndpointSettings
from unihire.kit.clock import parse_moment
from unihire.kit.durations import write_duration
from unihire.kit.phrases import count_of
from unihire.outbound.addresses import AddressPolicy
from unihire.platform.organisations import ensure_organisation, list_organisations
from unihire.platform.sealing import open_sealer
from unihire.settings import Settings
from unihire.store import Pool
from unihire.store.events.deliveries import DeliveryFilter, list_deliveries, list_undelivered
from unihire.store.events.endpoints import Endpoint, list_all_endpoints, list_secrets
from unihire.webhook_forms import FORMS

EPILOG = examples(
    "unihire webhooks add https://app.example.com/hooks --name backend",
    "unihire webhooks add http://127.0.0.1:8000/hook --event record.deleted --model candidate",
    "unihire webhooks test 3f2c",
    "unihire webhooks deliveries 3f2c --failed",
    "unihire webhooks replay 3f2c --since 2026-01-31T09:00:00Z",
    "unihire webhooks rotate 3f2c --old-valid-for 24h",
)

LISTED = 50
"""Attempts and refused messages that are shown at most."""

app = typer.Typer(no_args_is_help=False)

Id = Annotated[str, typer.Argument(metavar="ID", help="The webhook's id, or its beginning.", show_default=False)]
Events = Annotated[list[str] | None, typer.Option("--event", help="Only these events; repeat it.", show_default="all")]
Models = Annotated[
    list[str] | None, typer.Option("--model", help="Only changes of these models; repeat it.", show_default="all")
]
Connectors = Annotated[
    list[str] | None,
    typer.Option("--connector", metavar="ID", help="Only of these connectors; repeat it.", show_default="all"),
]

T = TypeVar("T")


@app.callback(invoke_without_command=True)
def webhooks(context: typer.Context, is_json: Json = False) -> None:
    """Make, show, change and remove webhooks, to which events are sent; alone, it lists them."""
    if context.invoked_subcommand is None:
        list_them(is_json=is_json)


@app.command("list")
def list_them(is_json: Json = False) -> None:
    """List the webhooks. A secret is shown only when it is made."""

    async def read(pool: Pool) -> list[dict[str, Any]]:
        names, found = await list_organisations(pool), await list_all_endpoints(pool)
        secrets = await list_secrets(pool, [endpoint.id for endpoint in found])
        return [_describe(endpoint, names[endpoint.organisation], secrets.get(endpoint.id, ())) for endpoint in found]

    found = run_on_database(read, start())
    if is_json:
        print_json(found)
        return
    if not found:
        note("There is no webhook yet: unihire webhooks add makes one.")
        return
    table = make_table()
    table.add_column("id", no_wrap=True)
    for title in ("name", "address", "events", "state"):
        table.add_column(title, overflow="fold")
    table.add_column("sent last (UTC)", no_wrap=True)
    for row in found:
        sent = row["last_triggered_at"]
        table.add_row(
            row["webhook_id"][:8],
            escape(row["name"]) + (" (development)" if row["for_test_connector"] else ""),
            escape(row["url"]),
            "all" if row["events"] is None else ", ".join(row["events"]),
            _show_state(row),
            "never" if sent is None else show_moment(datetime.fromisoformat(sent))[:16],
        )
    OUT.print(table)


@app.command()
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where messages are posted.", show_default=False)],
    name: Annotated[str | None, make_name_option("What you call it.")] = None,
    description: Annotated[str | None, make_name_option("What it is for.")] = None,
    organisation: Annotated[str, make_name_option("Your organisation; made if there is none.")] = "default",
    environment: Annotated[Environment, typer.Option(help="What happens to connectors of this environment.")] = (
        "production"
    ),
    format: Annotated[str, typer.Option(help=f"One of: {', '.join(FORMS)}.")] = "standard",
    events: Events = None,
    models: Models = None,
    connectors: Connectors = None,
    with_records: Annotated[
        bool, typer.Option("--include-record", help="Messages have the records themselves.")
    ] = False,
    is_json: Json = False,
) -> None:
    """Send what happens from now on to an address.

    The address may lead to this machine or a private network, at exactly this host and port: you gave it here. One
    that comes by the API may not, unless UNIHIRE_ALLOWED_NETWORKS has the network.
    """

    async def make(pool: Pool, endpoints: Endpoints) -> tuple[Endpoint, str]:
        owner = EndpointOwner(await ensure_organisation(pool, organisation), environment)
        picked = None if connectors is None else [one.id for one in await pick_connectors(pool, connectors)]
        wanted = EndpointSettings(
            url=url, name=name or "", description=description or "", events=events, models=models, connectors=picked,
            includes_records=with_records, is_trusted=True,
        )  # fmt: skip
        return await endpoints.create(owner, wanted, format=format)

    endpoint, secret = _run(make)
    if is_json:
        print_json({"webhook_id": str(endpoint.id), "secret": secret})
        return
    print_plain(f"webhook id  {endpoint.id}")
    print_plain(f"secret      {secret}")
    OUT.print("\nThe secret is shown this once: store it safely. It signs every message.", style="dim")
    note(f"unihire webhooks test {str(endpoint.id)[:8]} sends a first message")


@app.command()
def change(
    id: Id,
    url: Annotated[str | None, typer.Option(metavar="URL", help="Where messages are posted.")] = None,
    name: Annotated[str | None, make_name_option("What you call it.")] = None,
    description: Annotated[str | None, make_name_option("What it is for.")] = None,
    events: Events = None,
    models: Models = None,
    connectors: Connectors = None,
    is_for_all: Annotated[
        bool, typer.Option("--all", help="Of every event, model and connector that is not named.")
    ] = False,
    is_json: Json = False,
) -> None:
    """Change where events are sent, and which. What is not named stays."""

    async def work(pool: Pool, endpoints: Endpoints) -> Endpoint:
        endpoint = await _pick(pool, id)
        picked = None if connectors is None else [one.id for one in await pick_connectors(pool, connectors)]

        def apply(wanted: EndpointSettings) -> EndpointSettings:
            return EndpointSettings(
                url=url or wanted.url,
                name=wanted.name if name is None else name,
                description=wanted.description if description is None else description,
                events=events or (None if is_for_all else wanted.events),
                models=models or (None if is_for_all else wanted.models),
                connectors=picked or (None if is_for_all else wanted.connectors),
                includes_records=wanted.includes_records,
                is_trusted=wanted.is_trusted or url is not None,
            )

        return await endpoints.change(_own(endpoint), endpoint.id, apply)

    _show_done(_run(work), "changed", is_json=is_json)


@app.command()
def pause(id: Id, is_json: Json = False) -> None:
    """Send nothing until it is resumed. What happens meanwhile is sent then, as far back as events are stored."""
    _show_done(_set_enabled(id, is_enabled=False), "paused", is_json=is_json)


@app.command()
def resume(id: Id, is_json: Json = False) -> None:
    """Continue sending where it stopped; also if the webhook was switched off."""
    _show_done(_set_enabled(id, is_enabled=True), "enabled", is_json=is_json)


@app.command()
def remove(id: Id, is_json: Json = False) -> None:
    """Remove a webhook. The log of what was sent stays until it expires."""

    async def work(pool: Pool, endpoints: Endpoints) -> Endpoint:
        endpoint = await _pick(pool, id)
        await endpoints.remove(_own(endpoint), endpoint.id)
        return endpoint

    _show_done(_run(work), "removed", is_json=is_json)


@app.command()
def rotate(
    id: Id,
    old_valid_for: Annotated[
        str,
        typer.Option(
            metavar="DURATION", help=f"How long the old one signs too: 0 to {write_duration(LONGEST_OVERLAP)}."
        ),
    ] = "1d",
    is_json: Json = False,
) -> None:
    """Replace the secret. While both are valid, each message has a signature of each; the receiver may check either."""
    still = read_validity(old_valid_for, LONGEST_OVERLAP)

    async def work(pool: Pool, endpoints: Endpoints) -> tuple[Endpoint, str]:
        endpoint = await _pick(pool, id)
        return endpoint, await endpoints.rotate_secret(_own(endpoint), endpoint.id, old_valid_for=still)

    endpoint, secret = _run(work)
    if is_json:
        print_json({"webhook_id": str(endpoint.id), "secret": secret, "old_valid_for": write_duration(still)})
        return
    print_plain(f"webhook id  {endpoint.id}")
    print_plain(f"secret      {secret}")
    OUT.print("\nThe secret is shown this once: store it safely.", style="dim")


@app.command("test")
def send_one(id: Id, is_json: Json = False) -> None:
    """Send a test message, at once and once. Ends with 1 where it was not delivered."""

    from unihire.events.deliveries.trial_message import send_test  # here: no other of these commands sends

    async def work(pool: Pool, endpoints: Endpoints) -> dict[str, Any]:
        endpoint = await _pick(pool, id)
        message, outcome = await send_test(endpoints, endpoint)
        return {
            "webhook_id": str(endpoint.id),
            "delivered": outcome.is_success,
            "response_code": outcome.status,
            "error": outcome.error,
            "seconds": round(outcome.seconds, 3),
            "message_id": message.id,
        }

    found = _run(work)
    if is_json:
        print_json(found)
    elif found["delivered"]:
        print_line(f"[green]✓[/green] answered {found['response_code']} within {found['seconds']} s")
    else:
        why = found["error"] or f"it answered {found['response_code']}"
        print_line(f"[red]✗[/red] not delivered: {escape(why)}")
    if not found["delivered"]:
        raise typer.Exit(FAILED)


@app.command()
def deliveries(
    id: Id,
    is_failed: Annotated[
        bool, typer.Option("--failed", help="Only those without a response, or with a status from 400 on.")
    ] = False,
    is_json: Json = False,
) -> None:
    """List the latest attempts to deliver, the latest first."""

    async def work(pool: Pool) -> list[dict[str, Any]]:
        endpoint = await _pick(pool, id)
        wanted = DeliveryFilter(endpoint=endpoint.id, is_failed=is_failed)
        rows, _ = await list_deliveries(
            pool, endpoint.organisation, endpoint.environment, wanted, before=None, limit=LISTED
        )
        return [
            {
                "log_id": str(row["id"]),
                "at": show_moment(row["at"]),
                "event": row["event"],
                "customer": row["end_user"],
                "response_code": row["status"],
                "error": row["error"],
                "seconds": round(row["seconds"], 3),
                "message_id": row["message"],
            }
            for row in rows
        ]

    found = run_on_database(work, start())
    if is_json:
        print_json(found)
        return
    if not found:
        note("Nothing was sent yet." if not is_failed else "Nothing failed.")
        return
    table = make_table()
    table.add_column("at (UTC)", no_wrap=True)
    for title in ("event", "customer", "response"):
        table.add_column(title, overflow="fold")
    table.add_column("seconds", justify="right")
    table.add_column("log id", overflow="fold")
    for row in found:
        code = row["response_code"]
        good = code is not None and code < 300
        answer = str(code) if code is not None else row["error"] or "none"
        colour = "green" if good else "red"
        table.add_row(
            row["at"][:19], row["event"], escape(row["customer"] or ""), f"[{colour}]{escape(answer)}[/{colour}]",
            f"{row['seconds']:.3f}", row["log_id"],
        )  # fmt: skip
    OUT.print(table)


@app.command()
def refused(id: Id, is_json: Json = False) -> None:
    """List messages that the receiver refused, the oldest first. Later ones were sent; replay --refused sends these."""

    async def work(pool: Pool) -> list[dict[str, Any]]:
        endpoint = await _pick(pool, id)
        return [
            {
                "message_id": row["message"],
                "event": row["event"],
                "connector_id": str(row["connector_id"]),
                "response_code": row["status"],
                "reason": row["reason"],
                "since": show_moment(row["since"]),
                "passed_over_at": show_moment(row["at"]),
            }
            for row in await list_undelivered(pool, endpoint.id, limit=LISTED)
        ]

    found = run_on_database(work, start())
    if is_json:
        print_json(found)
        return
    if not found:
        note("Nothing was refused.")
        return
    table = make_table()
    for title in ("first sent (UTC)", "event", "reason", "connector", "message id"):
        table.add_column(title, overflow="fold")
    for row in found:
        table.add_row(
            row["since"][:19], row["event"], escape(row["reason"]), row["connector_id"][:8], row["message_id"]
        )
    OUT.print(table)


@app.command()
def replay(
    id: Id,
    logs: Annotated[
        list[str] | None, typer.Option("--log", metavar="LOG_ID", help="The message of this attempt; repeat it.")
    ] = None,
    is_refused: Annotated[bool, typer.Option("--refused", help="Messages that the receiver refused.")] = False,
    since: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="What happened since: 2026-01-31T09:00:00Z, say.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="MOMENT", help="With --since: and before this.")] = None,
    connectors: Connectors = None,
    is_json: Json = False,
) -> None:
    """Send again, under the ids the messages had: of attempts, what was refused, or what happened since."""
    if sum((bool(logs), is_refused, since is not None)) != 1:
        raise typer.BadParameter("give one of --log, --refused and --since", param_hint="--since")
    begin, end = _read_moment(since, "--since"), _read_moment(until, "--until")
    ids = [_read_id(text) for text in logs or []]

    async def work(pool: Pool) -> Replay:
        endpoint = await _pick(pool, id)
        if begin is not None:
            picked = None if connectors is None else [one.id for one in await pick_connectors(pool, connectors)]
            return await replay_since(pool, endpoint, begin, end, picked)
        if is_refused:
            return await replay_refused(pool, endpoint)
        return await replay_tries(pool, _own(endpoint), endpoint, ids)

    done = run_on_database(work, start())
    if is_json:
        print_json({"replays": done.count, "is_complete": done.is_whole})
        return
    what = count_of(done.count, "message" if begin is None else "connector")
    print_line(f"[green]✓[/green] {what} will be sent again by the workers")
    if not done.is_whole:
        note("That is not all that was asked for: the rest is no longer stored, or is sent by the next call.")


def _run(work: Callable[[Pool, Endpoints], Awaitable[T]]) -> T:
    """Run `work` with the rules of webhooks; what they refuse is a wrong option."""
    settings: Settings = start()

    async def open_and_work(pool: Pool) -> T:
        sealer = await open_sealer(settings, pool)
        return await work(pool, Endpoints(pool, sealer, FORMS, AddressPolicy(tuple(settings.list_allowed_networks()))))

    try:
        return run_on_database(open_and_work, settings)
    except EndpointRefused as error:
        raise typer.BadParameter(str(error), param_hint=error.member) from None


def _set_enabled(id: str, *, is_enabled: bool) -> Endpoint:
    async def work(pool: Pool, endpoints: Endpoints) -> Endpoint:
        endpoint = await _pick(pool, id)
        return await endpoints.change(_own(endpoint), endpoint.id, lambda wanted: wanted, is_enabled=is_enabled)

    return _run(work)


async def _pick(pool: Pool, text: str) -> Endpoint:
    """The webhook whose id begins so. Raises ConfigError where none or several do."""
    fitting = [one for one in await list_all_endpoints(pool) if text and str(one.id).startswith(text.lower())]
    if len(fitting) != 1:
        what = "several webhooks begin" if fitting else "no webhook begins"
        raise ConfigError(f"{what} with {text!r}: `unihire webhooks` lists them")
    return fitting[0]


def _own(endpoint: Endpoint) -> EndpointOwner:
    return EndpointOwner(endpoint.organisation, endpoint.environment)


def _describe(endpoint: Endpoint, organisation: str, secrets: Sequence[Any]) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(show_webhook(endpoint, secrets))
    return {**shown, "organisation": organisation, "environment": endpoint.environment}


def _show_state(row: dict[str, Any]) -> str:
    if not row["is_enabled"]:
        return f"[red]off: {escape(row['off_reason'])}[/red]" if row["off_reason"] else "[yellow]paused[/yellow]"
    if row["failing_since"] is not None:
        return f"[yellow]failing since {show_moment(datetime.fromisoformat(row['failing_since']))}[/yellow]"
    return "[green]enabled[/green]"


def _show_done(endpoint: Endpoint, done: str, *, is_json: bool) -> None:
    if is_json:
        print_json({"webhook_id": str(endpoint.id), "done": done})
    else:
        print_line(f"[green]✓[/green] {(endpoint.name and escape(endpoint.name)) or endpoint.id} is {done}")


def _read_moment(text: str | None, option: str) -> datetime | None:
    try:
        return None if text is None else parse_moment(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no moment as 2026-01-31T09:00:00Z", param_hint=option) from None


def _read_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no id of an attempt", param_hint="--log") from None
