"""`unihire sync`: connectors brought up to date, in the foreground."""

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.markup import escape

from unihire.app import open_sealer
from unihire.cli.each import Done, check_choice, work_on_each
from unihire.cli.ending import FAILED, PARTIAL, Ending, run
from unihire.cli.progress import SyncProgress, make_stream_table
from unihire.cli.starting import start
from unihire.cli.terminal import ERR, OUT, Json, examples, note
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.platform.connectors import open_connector_client
from unihire.settings import Settings
from unihire.store import Pool
from unihire.store.tenancy import Connector
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
    check_choice(ids, is_all=is_all)
    settings = start()
    code = run(
        lambda ending: _sync_all(settings, ids or [], ending, full=full, is_json=is_json), patience=PATIENCE_SECONDS
    )
    if code:
        raise typer.Exit(code)


async def _sync_all(settings: Settings, ids: list[str], ending: Ending, *, full: bool, is_json: bool) -> int:
    sealer = open_sealer(settings)

    async def work(pool: Pool, connector: Connector) -> Done:
        report = await _sync_one(pool, connector, sealer, ending, full=full, is_json=is_json)
        return Done(_STATUS_CODES[report.status], _describe(report), lambda: _show(connector, report))

    stopped = "Stopped; the next sync goes on from here."
    return await work_on_each(settings, ids, work, stopped=stopped, untold={}, is_json=is_json)


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
            open_connector_client(pool, connector, sealer, is_background=True),
            full=full,
            watch=progress.watch,
            stop=ending.is_asked,
        )


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
