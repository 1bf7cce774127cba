"""`unihire sync`: connectors brought up to date, in the foreground."""

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.markup import escape

from unihire.app import open_sealer
from unihire.cli.connectors import pick_connectors
from unihire.cli.ending import EXPECTED, FAILED, PARTIAL, Ending, code_of, describe_error, run, tell_error
from unihire.cli.progress import SyncProgress, make_stream_table
from unihire.cli.starting import start
from unihire.cli.terminal import ERR, OUT, Json, examples, note, print_json
from unihire.errors import Stopped
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.platform.connectors import open_connector_client
from unihire.settings import Settings
from unihire.store import Pool
from unihire.store.database import open_database
from unihire.store.tenancy import Connector, list_connectors
from unihire.sync.run import Report, sync_connector

PATIENCE_SECONDS = 1.5
"""How long a page under way may take to be saved before the sync is cut off; either way it can be gone on with."""

EPILOG = examples("unihire sync --all", "unihire sync 3f2c", "unihire sync --all --full --json")

_STATUS_CODES = {"done": 0, "partial": PARTIAL, "failed": FAILED}


def sync(
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="CONNECTOR_ID", help="Ids, or their beginnings; one or more.", show_default=False),
    ] = None,
    is_all: Annotated[bool, typer.Option("--all", help="Every connector.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Read every list whole, not only what changed.")] = False,
    is_json: Json = False,
) -> None:
    """Bring connectors up to date.

    A sync that was interrupted, even by a crash, is gone on with from its last saved page. Streams the vendor refuses
    end with the reason, and the others go on.
    """
    if bool(ids) == is_all:
        raise typer.BadParameter("name connectors, or give --all", param_hint="CONNECTOR_ID")
    settings = start()
    code = run(
        lambda ending: _sync_all(settings, ids or [], ending, full=full, is_json=is_json), patience=PATIENCE_SECONDS
    )
    if code:
        raise typer.Exit(code)


async def _sync_all(settings: Settings, ids: list[str], ending: Ending, *, full: bool, is_json: bool) -> int:
    """Sync one after the other; returns the exit code, FAILED where they went wrong in different ways."""
    sealer = open_sealer(settings)
    codes: set[int] = set()
    results: list[dict[str, Any]] = []
    async with open_database(settings) as pool:
        connectors = await (pick_connectors(pool, ids) if ids else list_connectors(pool))
        if not connectors:
            note("There is no connector yet: unihire connect makes one.")
        for connector in connectors:
            try:
                report = await _sync_one(pool, connector, sealer, ending, full=full, is_json=is_json)
            except (Stopped, asyncio.CancelledError):
                note("Stopped; the next sync goes on from here.")
                raise
            except EXPECTED as error:
                tell_error(error)
                codes.add(code_of(error))
                results.append({**_name(connector), "status": "failed", "error": describe_error(error)})
                continue
            codes.add(_STATUS_CODES[report.status])
            results.append({**_name(connector), **_describe(report)})
            if not is_json:
                _show(connector, report)
    if is_json:
        print_json({"connectors": results})
    bad = codes - {0}
    return min(bad) if len(bad) == 1 else FAILED if bad else 0


async def _sync_one(
    pool: Pool, connector: Connector, sealer: Sealer, ending: Ending, *, full: bool, is_json: bool
) -> Report:
    integration = get_integration(connector.integration)
    if ERR.is_terminal and is_json:
        note(f"[bold]{integration.name}[/bold] · {escape(connector.end_user)} · {connector.id}")
    with SyncProgress(ERR, integration, is_transient=not is_json) as progress:
        return await sync_connector(
            pool,
            connector,
            integration,
            open_connector_client(pool, connector, sealer),
            full=full,
            watch=progress.watch,
            stop=ending.is_asked,
        )


def _name(connector: Connector) -> dict[str, Any]:
    return {"connector_id": str(connector.id), "integration": connector.integration, "customer": connector.end_user}


def _describe(report: Report) -> dict[str, Any]:
    return {
        "status": report.status,
        "error": None,
        "run": report.number,
        "full": report.is_full,
        "resumed": report.is_resumed,
        "requests": report.requests,
        "waited_seconds": round(report.waited_seconds, 3),
        "streams": [
            {
                "stream": counts.stream,
                "read": counts.read,
                "added": counts.added,
                "changed": counts.changed,
                "deleted": counts.deleted,
                "set_aside": counts.quarantined,
                "error": report.errors.get(counts.stream),
            }
            for counts in report.streams
        ],
    }


def _show(connector: Connector, report: Report) -> None:
    mark = {"done": "[green]✓[/green]", "partial": "[yellow]![/yellow]", "failed": "[red]✗[/red]"}[report.status]
    kind = "full sync" if report.is_full else "sync"
    resumed = " (gone on with)" if report.is_resumed else ""
    waited = f", {report.waited_seconds:.0f} s of them waiting" if report.waited_seconds >= 1 else ""
    name = get_integration(connector.integration).name
    OUT.print(
        f"{mark} {escape(connector.end_user)} ({name}): {kind} {report.number}{resumed} {report.status}, "
        f"{report.requests:,} requests{waited}",
        soft_wrap=True,
    )
    rows = [{**asdict(counts), "error": report.errors.get(counts.stream)} for counts in report.streams]
    OUT.print(make_stream_table(rows))
