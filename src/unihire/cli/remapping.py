"""`unihire remap` and `unihire quarantine`: stored rows mapped again, and those that will not map."""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Annotated, Any

import asyncpg
import msgspec
import typer
from rich.markup import escape

from unihire.cli.console.each import Done, check_choice, work_on_each
from unihire.cli.console.ending import Ending, run
from unihire.cli.console.picking import name_connector, pick_connectors
from unihire.cli.console.progress import ProgressBars
from unihire.cli.console.starting import run_on_database, start
from unihire.cli.console.tables import Line, NotedTable, make_table
from unihire.cli.console.terminal import ERR, OUT, Json, examples, note, print_json, print_line, show_moment
from unihire.errors import ConfigError
from unihire.integration.registry import get_integration
from unihire.kit.phrases import count_of
from unihire.settings import Settings
from unihire.store import Pool, streams
from unihire.store.accounts.tenancy import Connector, list_connectors
from unihire.sync.pages import Counts
from unihire.sync.remap import RemapResult, remap_connector

REMAP_EPILOG = examples("unihire remap --all", "unihire remap 3f2c --quarantined", "unihire remap --all --json")
QUARANTINE_EPILOG = examples("unihire quarantine", "unihire quarantine 3f2c --json", "unihire quarantine 3f2c --raw 17")

PATIENCE_SECONDS = 1.5
"""How long a batch under way may take before it is cut off; either way the next remap does the rest."""

LISTED = 1000
"""Rows that are fetched at once."""


def remap(
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="CONNECTOR_ID", help="Ids, or their beginnings; one or more.", show_default=False),
    ] = None,
    is_all: Annotated[bool, typer.Option("--all", help="Every connector.")] = False,
    only_quarantined: Annotated[bool, typer.Option("--quarantined", help="Only rows that are quarantined.")] = False,
    is_json: Json = False,
) -> None:
    """Make records again from stored rows.

    Every stored row, and every quarantined one, is mapped as this version maps it, without a call to the vendor.
    A record in which nothing changes keeps its modified_at. What was interrupted is done by running it again.
    """
    check_choice(ids, is_all=is_all)
    settings = start()
    code = run(
        lambda ending: _remap_all(settings, ids or [], ending, only_quarantined=only_quarantined, is_json=is_json),
        patience=PATIENCE_SECONDS,
    )
    if code:
        raise typer.Exit(code)


async def _remap_all(
    settings: Settings, ids: list[str], ending: Ending, *, only_quarantined: bool, is_json: bool
) -> int:
    async def work(pool: Pool, connector: Connector) -> Done:
        result = await _remap_one(pool, connector, ending, only_quarantined=only_quarantined, is_json=is_json)
        shown = {"status": "done", "error": None, "streams": [_describe(one) for one in result]}
        return Done(0, shown, lambda: _show(connector, result))

    stopped = "Stopped; what is done is saved, the next remap does the rest."
    return await work_on_each(settings, ids, work, stopped=stopped, failed={"streams": []}, is_json=is_json)


async def _remap_one(
    pool: Pool, connector: Connector, ending: Ending, *, only_quarantined: bool, is_json: bool
) -> list[RemapResult]:
    integration = get_integration(connector.integration)
    with ProgressBars(ERR, integration, is_transient=not is_json) as progress:

        def watch(result: RemapResult) -> None:
            progress.watch(Counts(result.stream, result.rows, phase="done" if result.is_done else "walk"))

        return await remap_connector(
            pool, connector, integration, only_quarantined=only_quarantined, watch=watch, stop=ending.is_asked
        )


def _describe(result: RemapResult) -> dict[str, Any]:
    return {
        "stream": result.stream,
        "made_again": result.rows,
        "added": result.added,
        "changed": result.changed,
        "deleted": result.deleted,
        "released": result.released,
        "quarantined": result.quarantined,
        "incomplete": result.incomplete,
        "left_for_want_of": dict(result.lacking),
        "parts_not_made": result.unmapped,
    }


def _show(connector: Connector, result: Sequence[RemapResult]) -> None:
    name = get_integration(connector.integration).name
    print_line(f"[green]✓[/green] {escape(connector.end_user)} ({name}): made again")
    titles = ("stream", "rows", "added", "changed", "deleted", "released", "quarantined", "incomplete")
    lines = []
    for one in result:
        numbers = (one.rows, one.added, one.changed, one.deleted, one.released, one.quarantined, one.incomplete)
        lines.append(Line((one.stream, *(f"{number:,}" for number in numbers))))
    OUT.print(NotedTable(titles=titles, lines=lines, indent=2, numbers_from=1))
    for line in _describe_remaining(result):
        remedy = f"`unihire sync --full {str(connector.id)[:8]}` makes them again"
        print_line(f"[yellow]![/yellow] {line}; {remedy}")


def _describe_remaining(result: Sequence[RemapResult]) -> Iterator[str]:
    """What was left as it was, and why."""
    for one in result:
        for detail, rows in one.lacking.items():
            yield f"{one.stream}: {count_of(rows, 'row')} left as before, for want of stored {detail}"
        if one.unmapped:
            yield f"{one.stream}: {count_of(one.unmapped, 'record')} left as before, with parts whose row is not stored"


def quarantine(
    id: Annotated[
        str | None,
        typer.Argument(metavar="CONNECTOR_ID", help="Its id, or the beginning; without, all.", show_default=False),
    ] = None,
    raw_id: Annotated[
        str | None,
        typer.Option(
            "--raw", metavar="ID", help="Show what the vendor sent as the row of this id of its: personal data."
        ),
    ] = None,
    is_json: Json = False,
) -> None:
    """List rows that do not map, or not whole.

    Those that are served are records without the parts that the reason names; the others are records as they last
    were, or none. All are tried again when they change and by unihire remap.
    """
    settings = start()
    if raw_id is not None:
        if id is None:
            raise typer.BadParameter("name the connector whose row it is", param_hint="CONNECTOR_ID")
        _show_raw(settings, id, raw_id, is_json=is_json)
        return

    async def read(pool: Pool) -> list[dict[str, Any]]:
        connectors = await (list_connectors(pool) if id is None else pick_connectors(pool, [id]))
        return [
            {**name_connector(connector), "rows": [_describe_row(row) async for row in _walk(pool, connector)]}
            for connector in connectors
        ]

    found = run_on_database(read, settings)
    if is_json:
        print_json({"connectors": found})
        return
    if not any(connector["rows"] for connector in found):
        note("Nothing is quarantined.")
    for connector in found:
        if not connector["rows"]:
            continue
        OUT.print(f"{escape(connector['customer'])} ({connector['integration']}) {connector['connector_id']}")
        table = make_table()
        for title in ("stream", "id", "served", "since (UTC)"):
            table.add_column(title, no_wrap=True)
        table.add_column("reason", overflow="fold")
        for row in connector["rows"]:
            since = row["since"].replace("T", " ")
            served = "yes" if row["served"] else "no"
            table.add_row(row["stream"], escape(row["remote_id"]), served, since, escape(row["reason"]))
        OUT.print(table)


def _show_raw(settings: Settings, id: str, raw_id: str, *, is_json: bool) -> None:
    async def find(pool: Pool) -> list[asyncpg.Record]:
        (connector,) = await pick_connectors(pool, [id])
        return await pool.fetch(streams.FIND_QUARANTINED, connector.number, raw_id)

    rows = run_on_database(find, settings)
    if not rows:
        raise ConfigError(f"no row {raw_id!r} is quarantined: `unihire quarantine {id}` lists them")
    found = [{"stream": row["stream"], "remote_id": row["row_id"], "raw": msgspec.Raw(row["raw"])} for row in rows]
    if is_json:
        print_json({"rows": found})
        return
    for row in found:
        print_json(row["raw"], pretty=True)


async def _walk(pool: Pool, connector: Connector) -> AsyncIterator[asyncpg.Record]:
    after = ("", "")
    while rows := await streams.list_quarantine(pool, connector.number, after=after, limit=LISTED):
        for row in rows:
            yield row
        after = (rows[-1]["stream"], rows[-1]["row_id"])


def _describe_row(row: asyncpg.Record) -> dict[str, Any]:
    return {
        "stream": row["stream"],
        "remote_id": row["row_id"],
        "reason": row["reason"],
        "served": row["is_served"],
        "left_out": row["left_out"],
        "since": show_moment(row["since"]).replace(" ", "T"),
    }
