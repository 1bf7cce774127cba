"""The doctor's look at records: what each connector has here, and beside it what its vendor has now."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from unihire.cli.console.ending import EXPECTED, describe_error
from unihire.cli.console.progress import ProgressBars
from unihire.cli.console.tables import make_table
from unihire.cli.console.terminal import ERR, show_moment
from unihire.cli.doctor.findings import Finding, Findings, Status
from unihire.errors import ConfigError
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.model import MODELS
from unihire.platform.connectors import open_connector_client
from unihire.settings import Settings
from unihire.store import Pool, streams
from unihire.store.accounts import tenancy
from unihire.store.accounts.tenancy import Connector
from unihire.store.work import runs
from unihire.sync.reconcile import Comparison, Reconciliation, reconcile

_MODEL_NAMES = {spec.number: spec.name for spec in MODELS.values()}


async def describe_stored(pool: Pool, connector: Connector) -> dict[str, Any]:
    """What a connector has here: live records by model, quarantined rows by stream, each stream's last complete read.

    Of a stream that was never read whole `last_complete_read` is null.
    """
    counted = await pool.fetch(tenancy.COUNT_LIVING, connector.number)
    records = {_MODEL_NAMES[row["model"]]: row["living"] for row in counted}
    quarantined = {row["stream"]: row for row in await pool.fetch(streams.COUNT_QUARANTINE, connector.number)}
    reads = {row["stream"]: row for row in await pool.fetch(runs.FIND_COMPLETE_READS, connector.number)}
    try:
        declared = [stream.name for stream in get_integration(connector.integration).streams]
    except ConfigError:  # the integration is no longer there; what it brought is
        declared = []
    return {
        "connector_id": str(connector.id),
        "customer": connector.end_user,
        "integration": connector.integration,
        "records": records,
        "streams": [
            {
                "stream": name,
                "quarantined": quarantined[name]["rows"] if name in quarantined else 0,
                "incomplete": quarantined[name]["incomplete"] if name in quarantined else 0,
                "last_complete_read": _describe_read(reads[name]) if name in reads else None,
            }
            for name in dict.fromkeys((*declared, *reads, *quarantined))
        ],
        "reconciliation": None,
    }


def _describe_read(row: Any) -> dict[str, Any]:
    is_done = row["phase"] == "done"
    ended = show_moment(row["finished_at"]).replace(" ", "T") if is_done else None
    return {
        "status": "unfinished" if not is_done else "done" if row["error"] is None else "failed",
        "started_at": show_moment(row["started_at"]).replace(" ", "T"),
        "finished_at": ended,
        "error": row["error"],
    }


def make_stored_tables(stored: dict[str, Any], *, is_counted: bool) -> list[Table]:
    """What is here, for people; without the models where a table that counts them follows."""
    found = []
    if stored["records"] and not is_counted:
        models = _make_table("model", "records")
        for model, living in stored["records"].items():
            models.add_row(model, f"{living:,}")
        found.append(models)
    if any(row["last_complete_read"] or row["quarantined"] or row["incomplete"] for row in stored["streams"]):
        reads = _make_table("stream", "quarantined", "incomplete")
        reads.add_column("last complete read (UTC)", overflow="fold")
        for row in stored["streams"]:
            counted = (f"{row[name]:,}" for name in ("quarantined", "incomplete"))
            reads.add_row(row["stream"], *counted, _show_read(row["last_complete_read"]))
        found.append(reads)
    return found


def _show_read(read: dict[str, Any] | None) -> str:
    if read is None:
        return "never"
    if read["status"] == "unfinished":
        return f"[yellow]begun {_show_moment(read['started_at'])}, not ended[/yellow]"
    said = f"{read['status']} {_show_moment(read['finished_at'])}"
    return said if read["error"] is None else f"[red]{said}: {escape(read['error'])}[/red]"


def _show_moment(moment: str) -> str:
    """To the minute, in UTC."""
    return moment[:16].replace("T", " ")


def _make_table(first: str, *numbers: str) -> Table:
    table = make_table()
    table.add_column(first, no_wrap=True)
    for title in numbers:
        table.add_column(title, justify="right", min_width=max(map(len, title.split())))
    return table


async def count_at_vendor(
    pool: Pool, connector: Connector, settings: Settings, sealer: Sealer, findings: Findings
) -> dict[str, Any] | None:
    """Count a connector's records at its vendor and compare them with the store; None where that cannot be done now."""
    name = f"records {str(connector.id)[:8]}"
    try:
        integration = get_integration(connector.integration)
        client = open_connector_client(pool, connector, sealer, settings=settings, is_background=True)
        with ProgressBars(ERR, integration, is_transient=True) as progress:
            found = await reconcile(pool, connector, integration, client, watch=progress.watch)
    except EXPECTED as error:
        findings.add(Finding(name, "failed", f"not counted: {describe_error(error)}"))
        return None
    verdict = judge(name, found, remedy=f"unihire sync --full {str(connector.id)[:8]}")
    findings.add(verdict)
    findings.add_details(verdict, [make_comparison_table(found.models)])
    return describe_reconciliation(found)


def make_comparison_table(models: Sequence[Comparison]) -> Table:
    table = _make_table("model", "at the vendor", "here", "quarantined", "missing here", "gone there")
    for one in models:
        numbers = (one.there, one.here, one.quarantined, one.missing, one.gone)
        colour = "none" if one.is_equal else "red"
        table.add_row(one.model, *(f"{number:,}" for number in numbers), style=colour)
    return table


def judge(name: str, found: Reconciliation, *, remedy: str) -> Finding:
    """The verdict in one line. `remedy` is the command that brings what is here up to date."""
    there, here, quarantined, unconfirmed = (
        sum(getattr(one, side) for one in found.models) for side in ("there", "here", "quarantined", "unconfirmed")
    )
    said = []
    if found.models:
        said.append(f"{there:,} at the vendor, {here:,} here")
    if quarantined:
        said.append(f"{quarantined:,} there in rows that do not map: not here, or as they last were")
    if unconfirmed:
        said.append(f"{unconfirmed:,} here stay: a row that does not map may be theirs")
    if not found.is_equal:
        sides = (
            ("missing here", [(one.model, one.missing, one.missing_ids) for one in found.models if one.missing]),
            ("gone there", [(one.model, one.gone, one.gone_ids) for one in found.models if one.gone]),
        )
        said += [f"{side}: {_list_ids(models)}" for side, models in sides if models]
        said.append(f"`{remedy}` brings them together")
    elif found.models:
        said.append("otherwise the same" if quarantined or unconfirmed else "the same")
    said += [f"not compared: {', '.join(one.models)}, for {one.reason}" for one in found.unread]
    if found.has_synced:
        said.append("a sync went on meanwhile, so the counts may differ for that: count again when it has ended")
    is_failed = not found.is_equal or any(not one.is_closed for one in found.unread)
    status: Status = "failed" if is_failed else "warning" if quarantined or unconfirmed or found.unread else "ok"
    return Finding(name, status, "; ".join(said))


def _list_ids(sides: Iterable[tuple[str, int, list[str]]]) -> str:
    shown = []
    for model, number, ids in sides:
        more = f" and {number - len(ids):,} more" if number > len(ids) else ""
        shown.append(f"{number:,} {model} ({', '.join(ids)}{more})")
    return ", ".join(shown)


def describe_reconciliation(found: Reconciliation) -> dict[str, Any]:
    """As JSON; the ids are the vendor's, a few of each."""
    return {
        "equal": found.is_equal,
        "synced_meanwhile": found.has_synced,
        "models": [
            {
                "model": one.model,
                "at_vendor": one.there,
                "here": one.here,
                "quarantined": one.quarantined,
                "unconfirmed": one.unconfirmed,
                "missing_here": one.missing,
                "missing_here_ids": one.missing_ids,
                "gone_there": one.gone,
                "gone_there_ids": one.gone_ids,
            }
            for one in found.models
        ],
        "not_compared": [{"stream": one.stream, "models": one.models, "reason": one.reason} for one in found.unread],
    }
