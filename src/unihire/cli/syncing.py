"""`unihire sync`: connectors brought up to date, in the foreground or by the workers."""

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.markup import escape

from unihire.cli.console.each import Done, check_choice, work_on_each
from unihire.cli.console.ending import Ending, run
from unihire.cli.console.exits import FAILED, PARTIAL
from unihire.cli.console.progress import ProgressBars
from unihire.cli.console.starting import start
from unihire.cli.console.tables import make_stream_table
from unihire.cli.console.terminal import ERR, OUT, Json, examples, note, print_line
from unihire.cli.doctor.engine import is_worker_alive, note_missing_worker
from unihire.errors import Busy, ConfigError, Stopped
from unihire.integration.registry import get_integration
from unihire.kit.phrases import count_of
from unihire.kit.seal import Sealer
from unihire.model import MODELS
from unihire.platform.connectors import open_connector_client
from unihire.platform.sealing import find_sealer, open_sealer
from unihire.platform.syncs import ask_sync
from unihire.settings import Settings
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector
from unihire.store.work.schedules import get_schedule
from unihire.sync.run import Report, sync_connector

PATIENCE_SECONDS = 1.5
"""How long a page under way may take to be saved before the sync is cut off; either way it can be resumed."""

VENDOR_PATIENCE_SECONDS = 120.0
"""How long a sync waits for the vendor's rate limit; for longer it is deferred, says until when, and ends."""

EPILOG = examples(
    "unihire sync --all",
    "unihire sync 3f2c --model candidate --model application",
    "unihire sync --all --full --queue",
    "unihire sync --all --json",
)

_STATUS_CODES = {"done": 0, "partial": PARTIAL, "failed": FAILED}


def sync(
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="CONNECTOR_ID", help="Ids, or their beginnings; one or more.", show_default=False),
    ] = None,
    is_all: Annotated[bool, typer.Option("--all", help="Every connector.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Read every list whole, not only what changed.")] = False,
    models: Annotated[
        list[str] | None,
        typer.Option("--model", metavar="MODEL", help="Only what this model is made of; may be repeated."),
    ] = None,
    is_queued: Annotated[
        bool, typer.Option("--queue", help="Queue it for the workers and return; unihire runs shows its progress.")
    ] = False,
    is_json: Json = False,
) -> None:
    """Bring connectors up to date.

    A sync that was interrupted, even by a crash, is resumed from its last saved page. Streams the vendor refuses
    end with the reason, and the others go on. With --all, connectors that are paused are left alone.
    """
    check_choice(ids, is_all=is_all)
    if unknown := sorted(set(models or []) - MODELS.keys()):
        raise typer.BadParameter(
            f"there is no model {', '.join(unknown)}; there are {', '.join(MODELS)}", param_hint="--model"
        )
    settings = start()
    if is_queued:
        code = run(lambda _: _ask_all(settings, ids or [], full=full, models=models, is_json=is_json))
    else:
        code = run(
            lambda ending: _sync_all(settings, ids or [], ending, full=full, models=models, is_json=is_json),
            patience=PATIENCE_SECONDS,
        )
    if code:
        raise typer.Exit(code)


async def _ask_all(settings: Settings, ids: list[str], *, full: bool, models: list[str] | None, is_json: bool) -> int:
    """Ask the workers for a run of each."""
    alive = []

    async def work(pool: Pool, connector: Connector) -> Done:
        integration = get_integration(connector.integration)
        asked = await ask_sync(pool, connector, integration, full=full, models=models)
        alive.append(await is_worker_alive(pool))
        schedule = await get_schedule(pool, connector.number)
        said = f"sync {asked.number} {'is asked for' if asked.is_new else 'is under way and does that'}"
        if schedule.is_paused:
            said += f"; it rests until `unihire resume {str(connector.id)[:8]}`"
        shown = {"status": "asked", "error": None, "run": asked.number, "run_id": str(asked.id), "new": asked.is_new}
        name = f"{escape(connector.end_user)} ({integration.name})"
        return Done(0, shown, lambda: print_line(f"[green]✓[/green] {name}: {said}"))

    stopped = "Stopped; the runs shown above are queued."
    code = await work_on_each(settings, ids, work, stopped=stopped, failed={}, is_json=is_json)
    if alive and not any(alive):
        note_missing_worker()
    return code


async def _sync_all(
    settings: Settings, ids: list[str], ending: Ending, *, full: bool, models: list[str] | None, is_json: bool
) -> int:
    find_sealer(settings)  # a bad key is said once, not for each connector
    sealers: list[Sealer] = []

    async def work(pool: Pool, connector: Connector) -> Done:
        if (await get_schedule(pool, connector.number)).is_paused:
            return _leave_alone(connector, is_named=bool(ids))
        try:
            if not sealers:
                sealers.append(await open_sealer(settings, pool))
            report = await _sync_one(
                pool, connector, settings, sealers[0], ending, full=full, models=models, is_json=is_json
            )
        except Busy as error:
            raise Busy(f"{error}; `unihire runs {str(connector.id)[:8]}` shows its progress") from None
        except Stopped:
            if ending.is_asked.is_set():
                raise
            return await _show_ended(pool, connector)
        return Done(_STATUS_CODES[report.status], _describe(report), lambda: _show(connector, report))

    stopped = "Stopped; the next sync goes on from here."
    return await work_on_each(settings, ids, work, stopped=stopped, failed={}, is_json=is_json)


def _leave_alone(connector: Connector, *, is_named: bool) -> Done:
    """A paused connector is no fault where all are synced. Raises ConfigError for one that was named."""
    remedy = f"`unihire resume {str(connector.id)[:8]}` lets it go on"
    if is_named:
        raise ConfigError(f"connector {connector.id} is paused: {remedy}")
    name = f"{escape(connector.end_user)} ({connector.integration})"
    said = f"[yellow]-[/yellow] {name}: paused; {remedy}"
    return Done(0, {"status": "paused", "error": None}, lambda: print_line(said))


async def _show_ended(pool: Pool, connector: Connector) -> Done:
    """Somebody else ended the sync that was under way here: paused it, cancelled it or took it over."""
    is_paused = (await get_schedule(pool, connector.number)).is_paused
    status = "paused" if is_paused else "cancelled"
    what = "paused meanwhile; it goes on from here" if is_paused else "cancelled, or resumed elsewhere"
    name = f"{escape(connector.end_user)} ({connector.integration})"
    said = f"[yellow]![/yellow] {name}: the sync was {what}"
    return Done(FAILED, {"status": status, "error": f"the sync was {what}"}, lambda: print_line(said))


async def _sync_one(
    pool: Pool,
    connector: Connector,
    settings: Settings,
    sealer: Sealer,
    ending: Ending,
    *,
    full: bool,
    models: list[str] | None,
    is_json: bool,
) -> Report:
    integration = get_integration(connector.integration)
    if ERR.is_terminal and is_json:
        note(f"[bold]{integration.name}[/bold] · {escape(connector.end_user)} · {connector.id}")
    with ProgressBars(ERR, integration, is_transient=not is_json) as progress:
        return await sync_connector(
            pool,
            connector,
            integration,
            open_connector_client(
                pool, connector, sealer, settings=settings, is_background=True, patience=VENDOR_PATIENCE_SECONDS
            ),
            full=full,
            models=models,
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
                "quarantined": counts.quarantined,
                "wrong_answers": counts.wrong_answers,
                "incomplete": counts.incomplete,
                "error": report.errors.get(counts.stream),
            }
            for counts in report.streams
        ],
    }


def _show(connector: Connector, report: Report) -> None:
    mark = {"done": "[green]✓[/green]", "partial": "[yellow]![/yellow]", "failed": "[red]✗[/red]"}[report.status]
    kind = "full sync" if report.is_full else "sync"
    resumed = " (resumed)" if report.is_resumed else ""
    waited = f", {report.waited_seconds:.0f} s of them waiting" if report.waited_seconds >= 1 else ""
    name = get_integration(connector.integration).name
    print_line(
        f"{mark} {escape(connector.end_user)} ({name}): {kind} {report.number}{resumed} {report.status}, "
        f"{count_of(report.requests, 'request')}{waited}"
    )
    rows = [{**asdict(counts), "error": report.errors.get(counts.stream)} for counts in report.streams]
    OUT.print(make_stream_table(rows))
