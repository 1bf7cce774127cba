"""`unihire issues`: problems that somebody must know of or fix, over all connectors."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import asyncpg
import msgspec
import typer
from rich.markup import escape
from rich.padding import Padding

from unihire.cli.console.picking import name_connector, pick_connectors
from unihire.cli.console.starting import run_on_database, start
from unihire.cli.console.terminal import OUT, Json, examples, note, print_json, print_line
from unihire.cli.runs import show_minute
from unihire.dialects.unihire.issues import issue_view
from unihire.store import Pool
from unihire.store.accounts.tenancy import list_connectors
from unihire.store.issues import COUNT_OPEN_BY_CONNECTOR, list_issues

EPILOG = examples("unihire issues", "unihire issues 3f2c --resolved", "unihire issues --json")

LISTED = 100
"""How many issues of one connector are shown at most."""


def issues(
    id: Annotated[
        str | None,
        typer.Argument(metavar="CONNECTOR_ID", help="Its id, or the beginning; without, all.", show_default=False),
    ] = None,
    is_resolved: Annotated[bool, typer.Option("--resolved", help="Those that are over too.")] = False,
    is_json: Json = False,
) -> None:
    """List problems that somebody must know of or fix.

    Issues open when something goes wrong and resolve by themselves when it is over; each says what to do.
    """

    async def read(pool: Pool) -> list[dict[str, Any]]:
        connectors = await (list_connectors(pool) if id is None else pick_connectors(pool, [id]))
        troubled = {row["connector"] for row in await pool.fetch(COUNT_OPEN_BY_CONNECTOR)}
        found = []
        for connector in connectors:
            issues: Sequence[asyncpg.Record] = []
            if is_resolved or connector.number in troubled:
                issues = await list_issues(pool, connector.number, with_resolved=is_resolved, limit=LISTED)
            views = [msgspec.to_builtins(issue_view(issue)) for issue in issues]
            found.append({**name_connector(connector), "issues": views})
        return found

    found = run_on_database(read, start())
    if is_json:
        print_json({"connectors": found})
        return
    troubled = [connector for connector in found if connector["issues"]]
    if not troubled:
        note("There is no issue." if is_resolved else "There is no open issue.")
    for at, connector in enumerate(troubled):
        if at:
            OUT.print()
        who = f"{escape(connector['customer'])} ({connector['integration']})"
        print_line(f"[bold]{who}[/bold] {connector['connector_id']}")
        for issue in connector["issues"]:
            _show(issue)


def _show(issue: Mapping[str, Any]) -> None:
    is_over = issue["resolved_at"] is not None
    mark = "[green]✓[/green]" if is_over else "[yellow]![/yellow]"
    where = f" · {escape(issue['stream'])}" if issue["stream"] else ""
    when = f"since {show_minute(issue['opened_at'])}"
    if is_over:
        when = f"{show_minute(issue['opened_at'])} to {show_minute(issue['resolved_at'])}"
    times = f", {issue['times']:,} times" if issue["times"] > 1 else ""
    OUT.print(f"{mark} {issue['kind'].replace('_', ' ')}{where} · {when}{times}")
    OUT.print(Padding(escape(issue["message"]), (0, 0, 0, 2), expand=False))
    if issue["advice"] and not is_over:
        OUT.print(Padding(f"[dim]{escape(issue['advice'])}[/dim]", (0, 0, 0, 2), expand=False))
