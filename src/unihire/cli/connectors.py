"""`unihire connectors`: what is connected, how it is doing, and its end."""

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import asyncpg
import typer
from rich.markup import escape

from unihire.cli.console.arguments import Environment
from unihire.cli.console.exits import FAILED
from unihire.cli.console.picking import pick_connectors
from unihire.cli.console.starting import run_on_database, start
from unihire.cli.console.tables import make_stream_table, make_table
from unihire.cli.console.terminal import OUT, Json, examples, note, print_json, print_line, print_plain, write_moment
from unihire.integration.registry import get_integration, list_writing
from unihire.integration.scopes import find_access, find_granted, list_missing
from unihire.kit.phrases import count_of
from unihire.model import MODELS
from unihire.platform.moving import move_connector
from unihire.platform.organisations import list_organisations
from unihire.platform.removal import remove_connector
from unihire.platform.syncs import find_status
from unihire.store import Pool, streams
from unihire.store.accounts import tenancy
from unihire.store.accounts.tenancy import Connector, list_connectors
from unihire.store.accounts.tokens import list_replaced
from unihire.store.issues import COUNT_OPEN_BY_CONNECTOR
from unihire.store.work import runs
from unihire.store.work.history import list_latest_runs
from unihire.sync.issues import say_quarantined

EPILOG = examples(
    "unihire connectors",
    "unihire connectors show 3f2c",
    "unihire connectors delete 3f2c",
    "unihire connectors move 3f2c --environment production",
)

app = typer.Typer(no_args_is_help=False)

_MODEL_NAMES = {spec.number: spec.name for spec in MODELS.values()}

SHOWN = (
    "connector_id", "customer", "organisation", "environment", "integration", "origin_id", "base_url", "acting_user",
)  # fmt: skip
"""What `show` prints as it is, where it is there."""

Id = Annotated[str, typer.Argument(metavar="ID", help="The connector's id, or its beginning.", show_default=False)]


@app.callback(invoke_without_command=True)
def connectors(context: typer.Context, is_json: Json = False) -> None:
    """List, show, move and delete connectors; alone, it lists them."""
    if context.invoked_subcommand is None:
        list_them(is_json=is_json)


@app.command("list")
def list_them(is_json: Json = False) -> None:
    """List the connectors with their status and latest sync."""

    async def read(pool: Pool) -> list[dict[str, Any]]:
        names, troubles, latest_runs = (
            await list_organisations(pool),
            await _count_issues(pool),
            await list_latest_runs(pool),
        )
        replaced = await list_replaced(pool)
        return [
            {
                **_summarise(connector, names, troubles, latest_runs[connector.number]),
                **_describe_tokens(replaced.get(connector.number, [])),
            }
            for connector in await list_connectors(pool)
            if connector.number in latest_runs
        ]

    found = run_on_database(read, start())
    if is_json:
        print_json(found)
        return
    if not found:
        note("There is no connector yet: unihire connect makes one.")
        return
    table = make_table()
    table.add_column("id", no_wrap=True)
    table.add_column("customer", overflow="fold")
    table.add_column("integration", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("issues", justify="right")
    table.add_column("latest sync (UTC)", no_wrap=True)
    for row in found:
        # The beginning of an id is enough wherever one is needed; `show` shows the whole of it.
        table.add_row(
            row["connector_id"][:8],
            escape(row["customer"]),
            row["integration"] + (" (development)" if row["environment"] == "development" else ""),
            "[yellow]paused[/yellow]" if row["paused"] and row["status"] == "COMPLETE" else _colour(row["status"]),
            f"[yellow]{row['open_issues']:,}[/yellow]" if row["open_issues"] else "0",
            _show_run(row["latest_sync"], brief=True),
        )
    OUT.print(table)


@app.command()
def show(id: Id, is_json: Json = False) -> None:
    """Show a connector, its records and its latest sync."""

    async def read(pool: Pool) -> dict[str, Any]:
        (connector,) = await pick_connectors(pool, [id])
        return await _describe(pool, connector, await list_organisations(pool), await _count_issues(pool))

    found = run_on_database(read, start())
    if is_json:
        print_json(found)
        return
    for title in SHOWN:
        if found[title] is not None:
            print_plain(f"{title.replace('_', ' '):<14}{found[title]}")
    OUT.print(f"{'status':<14}{_colour(found['status'])}{' [yellow]paused[/yellow]' if found['paused'] else ''}")
    OUT.print(f"{'created':<14}{found['created_at'].replace('T', ' ')}")
    OUT.print(f"{'latest sync':<14}{_show_run(found['latest_sync'])}")
    for moment in found["old_tokens_end_at"]:
        print_plain(f"{'old token':<14}good until {moment.replace('T', ' ')}")
    if found["access"] is not None:
        OUT.print(f"{'access':<14}{found['access']}")
    if found["not_allowed"]:
        print_plain(f"{'not allowed':<14}{', '.join(found['not_allowed'])}")
        note(f"unihire reconnect {id} --access read-write asks the customer for what is not allowed")
    if found["open_issues"]:
        OUT.print(f"{'open issues':<14}[yellow]{found['open_issues']:,}[/yellow]: `unihire issues {id}` lists them")
    if found["streams"]:
        OUT.print("\n[bold]Latest sync[/bold]")
        OUT.print(make_stream_table([{**row, "quarantined": row["quarantined"]} for row in found["streams"]]))
    if found["records"]:
        OUT.print("\n[bold]Records[/bold]")
        table = make_table()
        table.add_column("model")
        table.add_column("living", justify="right")
        table.add_column("deleted", justify="right")
        for model, counts in found["records"].items():
            table.add_row(model, f"{counts['living']:,}", f"{counts['deleted']:,}")
        OUT.print(table)
    for stream in dict.fromkeys((*found["quarantined"], *found["incomplete"])):
        said = say_quarantined(stream, found["quarantined"].get(stream, 0), found["incomplete"].get(stream, 0))
        print_line(f"[yellow]![/yellow] {said}: `unihire quarantine {id}` lists them")


@app.command()
def delete(
    id: Id, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False, is_json: Json = False
) -> None:
    """Delete a connector and all it brought.

    Its credentials and every record go; what the vendor has stays as it is. A sync under way is cancelled.
    """
    settings = start()

    async def find(pool: Pool) -> tuple[Connector, int]:
        (connector,) = await pick_connectors(pool, [id])
        return connector, sum(counts["living"] for counts in (await _count_records(pool, connector)).values())

    connector, records = run_on_database(find, settings)
    if not yes:
        if not sys.stdin.isatty():
            raise typer.BadParameter("nobody is there to ask: give --yes", param_hint="--yes")
        question = (
            f"Delete {connector.end_user} ({connector.integration}) and its {count_of(records, 'record')}? [y/N] "
        )
        sys.stderr.write(question)
        sys.stderr.flush()
        if input().strip().lower() not in ("y", "yes"):
            note("Nothing was deleted.")
            raise typer.Exit(FAILED)
    run_on_database(lambda pool: remove_connector(pool, connector), settings)
    if is_json:
        print_json({"deleted": str(connector.id), "records": records})
    else:
        print_line(f"[green]✓[/green] {connector.id} deleted with {count_of(records, 'record')}")


@app.command()
def move(
    id: Id,
    environment: Annotated[Environment, typer.Option(help="Whose keys reach it then.", show_default=False)],
    is_json: Json = False,
) -> None:
    """Move a connector to another environment of its organisation.

    Its id, token, credentials and records stay. API keys of its old environment no longer reach it, and that
    environment's webhooks are sent nothing more of it.
    """

    async def change(pool: Pool) -> Connector:
        (connector,) = await pick_connectors(pool, [id])
        await move_connector(pool, connector, environment)
        return connector

    moved = run_on_database(change, start())
    if is_json:
        print_json({"connector_id": str(moved.id), "environment": environment})
    else:
        print_line(f"[green]✓[/green] {moved.id} is in {environment}")


async def _count_issues(pool: Pool) -> dict[int, int]:
    return {row["connector"]: row["issues"] for row in await pool.fetch(COUNT_OPEN_BY_CONNECTOR)}


def _summarise(
    connector: Connector, names: Mapping[Any, str], troubles: Mapping[int, int], latest: asyncpg.Record
) -> dict[str, Any]:
    run = None if latest["id"] is None else dict(latest)
    return {
        "connector_id": str(connector.id),
        "customer": connector.end_user,
        "organisation": names[connector.organisation],
        "environment": connector.environment,
        "integration": connector.integration,
        "origin_id": connector.origin_id,
        "base_url": connector.base_url,
        "status": connector.status,
        "paused": latest["is_paused"],
        "open_issues": troubles.get(connector.number, 0),
        "created_at": write_moment(connector.created_at),
        "latest_sync": None
        if run is None
        else {
            "run": run["number"],
            "status": find_status(run, is_paused=run["is_paused"]),
            "full": run["is_full"],
            "asked_at": write_moment(run["asked_at"]),
            "started_at": write_moment(run["started_at"]),
            "finished_at": write_moment(run["finished_at"]),
        },
    }


async def _describe(
    pool: Pool, connector: Connector, names: dict[Any, str], troubles: dict[int, int]
) -> dict[str, Any]:
    latest = (await list_latest_runs(pool, connector.number))[connector.number]
    parts = await runs.list_stream_runs(pool, connector.number, latest["id"])
    quarantined = await pool.fetch(streams.COUNT_QUARANTINE, connector.number)
    return {
        **_summarise(connector, names, troubles, latest),
        "acting_user": connector.acting_user,
        **_describe_grant(connector),
        **_describe_tokens((await list_replaced(pool, connector.number)).get(connector.number, [])),
        "records": await _count_records(pool, connector),
        "streams": [
            {
                **{name: part[name] for name in ("stream", "read", "added", "changed", "deleted")},
                "quarantined": part["quarantined"],
                "incomplete": part["incomplete"],
                "error": part["error"],
            }
            for part in parts
        ],
        "quarantined": {row["stream"]: row["rows"] for row in quarantined if row["rows"]},
        "incomplete": {row["stream"]: row["incomplete"] for row in quarantined if row["incomplete"]},
    }


def _describe_tokens(ends_at: Sequence[datetime]) -> dict[str, Any]:
    """When each of its tokens that were replaced, and are good still, ends."""
    return {"old_tokens_end_at": [write_moment(moment) for moment in ends_at]}


def _describe_grant(connector: Connector) -> dict[str, Any]:
    """What the vendor granted, by what it named: nothing is known to be missing where it named none we know."""
    operations = list_writing(connector.integration)
    granted = find_granted(get_integration(connector.integration).partner_auth, operations, connector.scopes)
    not_allowed = [one.name for one in operations if list_missing(one.scopes, granted)]
    access = None if granted is None else find_access(operations, granted)
    return {"access": access, "scopes": connector.scopes, "not_allowed": not_allowed}


async def _count_records(pool: Pool, connector: Connector) -> dict[str, dict[str, int]]:
    return {
        _MODEL_NAMES[row["model"]]: {"living": row["living"], "deleted": row["deleted"]}
        for row in await pool.fetch(tenancy.COUNT_RECORDS, connector.number)
    }


def _colour(status: str) -> str:
    return f"[green]{status}[/green]" if status == "COMPLETE" else f"[red]{status}[/red]"


def _show_run(run: dict[str, Any] | None, *, brief: bool = False) -> str:
    if run is None:
        return "never"
    moment = (run["finished_at"] or run["started_at"] or run["asked_at"]).replace("T", " ")
    return f"{'unfinished' if run['status'] == 'running' else run['status']} {moment[:16] if brief else moment}"
