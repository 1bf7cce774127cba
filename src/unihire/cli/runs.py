"""`unihire runs`: what was synced, what is under way, and how far it is."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any

import asyncpg
import msgspec
import typer
from rich.markup import escape

from unihire.cli.console.picking import name_connector, pick_connectors
from unihire.cli.console.starting import run_on_database, start
from unihire.cli.console.tables import Line, NotedTable
from unihire.cli.console.terminal import OUT, Json, examples, note, print_json, print_line
from unihire.dialects.unihire.views import run_detail_view, run_view
from unihire.errors import ConfigError
from unihire.integration.registry import get_integration
from unihire.kit.phrases import count_of
from unihire.platform.syncs import RunProgress, measure_progress
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector, list_connectors
from unihire.store.work import runs
from unihire.store.work.history import list_history, list_whole_history

EPILOG = examples("unihire runs", "unihire runs 3f2c", "unihire runs 3f2c 12", "unihire runs 3f2c --last 100 --json")

_COLOURS = {
    "queued": "cyan", "running": "cyan", "waiting": "yellow", "paused": "yellow",
    "done": "green", "partial": "yellow", "failed": "red", "cancelled": "dim",
}  # fmt: skip


def list_runs(
    id: Annotated[
        str | None,
        typer.Argument(metavar="CONNECTOR_ID", help="Its id, or the beginning; without, all.", show_default=False),
    ] = None,
    number: Annotated[
        int | None, typer.Argument(min=1, metavar="NUMBER", help="Show this run, by stream.", show_default=False)
    ] = None,
    last: Annotated[int, typer.Option("--last", min=1, max=10_000, help="How many of the latest runs.")] = 20,
    is_json: Json = False,
) -> None:
    """List the latest sync runs.

    Those that have not ended come first: with how far they are, where that can be known, and why they wait.
    """

    async def read(pool: Pool) -> list[dict[str, Any]]:
        connectors = await (list_connectors(pool) if id is None else pick_connectors(pool, [id]))
        if id is None:
            return await _describe_runs(pool, connectors, await list_whole_history(pool, limit=last))
        numbers = [connector.number for connector in connectors]
        if number is None:
            return await _describe_runs(pool, connectors, await list_history(pool, connectors=numbers, limit=last))
        rows = await list_history(pool, connectors=numbers, number=number, limit=1)
        found = await _describe_runs(pool, connectors, rows, with_streams=True)
        if not found:
            raise ConfigError(f"there is no run {number} of the connector: `unihire runs {id}` lists them")
        return found

    found = run_on_database(read, start())
    if is_json:
        print_json({"runs": found} if number is None else found[0])
    elif not found:
        note("There is no sync run yet: unihire sync makes one.")
    elif number is None:
        _show_list(found)
    else:
        _show_run(found[0])


async def _describe_runs(
    pool: Pool, connectors: Sequence[Connector], rows: Sequence[asyncpg.Record], *, with_streams: bool = False
) -> list[dict[str, Any]]:
    """Runs as the API shows them, each with its connector."""
    known = {connector.number: connector for connector in connectors}
    described = []
    for row in rows:
        run, connector = dict(row), known.get(row["connector"])
        if connector is None:  # made a moment ago
            continue
        progress = None if run["finished_at"] else await _find_progress(pool, connector, run)
        view = run_view(run, progress)
        if with_streams:
            parts = await runs.list_stream_runs(pool, run["connector"], run["id"])
            view = run_detail_view(run, parts, progress)
        spent = None if run["started_at"] is None else (run["finished_at"] or run["now"]) - run["started_at"]
        described.append(
            {
                **name_connector(connector),
                **msgspec.to_builtins(view),
                "took_seconds": None if spent is None else round(spent / timedelta(seconds=1), 3),
            }
        )
    return described


async def _find_progress(pool: Pool, connector: Connector, run: Mapping[str, Any]) -> RunProgress | None:
    try:
        integration = get_integration(connector.integration)
    except ConfigError:  # the integration is no longer there; its runs are
        return None
    return await measure_progress(pool, connector, integration, run)


def _show_list(found: Sequence[dict[str, Any]]) -> None:
    titles = ("connector", "run", "status", "asked for (UTC)", "new", "changed", "deleted", "quarantined", "incomplete")
    lines = []
    for run in found:
        counted = (run["totals"][name] for name in ("new", "changed", "deleted", "quarantined", "incomplete"))
        cells = (
            run["connector_id"][:8],
            str(run["number"]),
            colour_status(run["status"]),
            show_minute(run["asked_at"]),
            *(f"{number:,}" for number in counted),
        )
        lines.append(Line(cells, explain_run(run)))
    OUT.print(NotedTable(titles=titles, lines=lines, indent=4, numbers_from=4))


def _show_run(run: dict[str, Any]) -> None:
    who = f"{escape(run['customer'])} ({run['integration']}) {run['connector_id']}"
    print_line(f"{who}\nrun {run['number']} {colour_status(run['status'])}")
    for title, moment in (("asked for", "asked_at"), ("started", "started_at"), ("ended", "finished_at")):
        if run[moment] is not None:
            OUT.print(f"  {title:<11}{run[moment][:19].replace('T', ' ')} UTC")
    for said in explain_run(run, by_whom=False):
        OUT.print(f"  {said}")
    if not run["streams"]:
        return
    titles = ("stream", "read", "new", "changed", "deleted", "quarantined", "incomplete", "requests", "waited")
    lines = []
    for part in run["streams"]:
        names = ("read", "new", "changed", "deleted", "quarantined", "incomplete", "requests")
        counted = (part[name] for name in names)
        waited = show_span(part["waited_seconds"]) if part["waited_seconds"] >= 1 else "-"
        notes = [f"[red]{escape(part['error'])}[/red]"] if part["error"] else []
        if part["wrong_answers"]:
            notes.append(f"[yellow]{part['wrong_answers']:,} calls by id were answered with other rows[/yellow]")
        is_open = part["finished_at"] is None
        name = f"[cyan]{part['stream']}[/cyan]" if is_open else part["stream"]
        lines.append(Line((name, *(f"{number:,}" for number in counted), waited), notes))
    OUT.print()
    OUT.print(NotedTable(titles=titles, lines=lines, indent=2, numbers_from=1))


_TRIGGERS = {"schedule": "by schedule", "fast_schedule": "a fast run", "request": "on request"}


def explain_run(run: Mapping[str, Any], *, by_whom: bool = True) -> list[str]:
    """What there is to say of a run besides its counts, in rich's markup."""
    who = [escape(run["customer"])] if by_whom else []
    what = "everything" if run["full"] else "what changed"
    if run["only_streams"] is not None:
        what += f" of {', '.join(run['only_streams'])}"
    said = [*who, what, _TRIGGERS[run["triggered_by"]]]
    if run["took_seconds"] is not None:
        said.append(f"{'took' if run['finished_at'] else 'for'} {show_span(run['took_seconds'])}")
    totals = run["totals"]
    if totals["requests"]:
        waited = f", {show_span(totals['waited_seconds'])} waiting" if totals["waited_seconds"] >= 1 else ""
        said.append(f"{count_of(totals['requests'], 'request')}{waited}")
    lines = [f"[dim]{' · '.join(said)}[/dim]"]
    if run["progress"] is not None and not run["finished_at"]:
        left = run["progress"]["seconds_left"] if run["status"] == "running" else None
        about = "" if left is None else f", about {show_span(max(10, round(left)))} left"
        lines.append(f"[cyan]{run['progress']['done']:.0%} read{about}[/cyan]")
    if run["status"] == "paused":
        lines.append(f"[yellow]rests until `unihire resume {run['connector_id'][:8]}`[/yellow]")
    if run["status"] == "waiting":
        why = f": {escape(run['waits_for'])}" if run["waits_for"] else ""
        lines.append(f"[yellow]until {show_minute(run['waits_until'])}{why}[/yellow]")
    if run["error"]:
        lines.append(f"[red]{escape(run['error'])}[/red]")
    return lines


def colour_status(status: str) -> str:
    colour = _COLOURS.get(status, "none")
    return f"[{colour}]{status}[/{colour}]"


def show_minute(moment: str | None) -> str:
    """A moment of JSON for people, to the minute."""
    return "never" if moment is None else moment[:16].replace("T", " ")


def show_span(seconds: float) -> str:
    """`0.4 s`, `59 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    rest = round(seconds)
    for name, size, less, small in (("d", 86_400, "h", 3_600), ("h", 3_600, "min", 60), ("min", 60, "s", 1)):
        if rest >= size:
            left = rest % size // small
            return f"{rest // size} {name} {left} {less}" if left else f"{rest // size} {name}"
    return f"{rest} s"
