"""`python -m bench.scale`: what many connectors need, by what runs were measured to cost and by assumptions.

The measurements are bench/measured.json, the assumptions bench/scale.toml.
"""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from bench.assumptions import ASSUMED, Assumptions, read_assumptions
from bench.capacity import Deviation, Measured, Plan, find_ends, list_deviations, make_plan, plan_first_sync
from bench.processes import ROOT, ChildFailed, Mismatch
from bench.scale_check import compare_crowd

MEASURED = ROOT / "bench" / "measured.json"
MEASURED_FAIR = ROOT / "bench" / "measured_fair.json"
"""The figures of a full `python -m bench --only fair`: what the model is checked against, and how long is waited."""

WAITS = {
    "first": "first sync of a small one",
    "beside_big": "small one again, beside big ones",
    "alone": "small one again, nobody else",
    "big": "first sync of a big one",
}

BEGIN, END = "<!-- the tables of make scale -->", "<!-- end -->"

COMPANIES = (1_000, 20_000, 200_000)
"""Candidates of the companies whose first sync is told."""

ROWS: tuple[tuple[str, str, str], ...] = (
    ("records", "records", ",.0f"),
    ("runs_a_second", "runs a second", ",.2f"),
    ("calls_an_hour", "calls to vendors an hour", ",.0f"),
    ("budget_used", "most of a vendor's budget used", ".1%"),
    ("rows_a_second", "rows read a second", ",.0f"),
    ("worker_cores", "cores, workers", ",.2f"),
    ("workers", "worker processes", ",.0f"),
    ("database_cores", "cores, PostgreSQL", ",.2f"),
    ("transactions_a_second", "transactions a second", ",.1f"),
    ("reads_a_second", "reads from the disk a second", ",.1f"),
    ("writes_a_second", "writes a second", ",.1f"),
    ("flushes_a_second", "flushes a second", ",.1f"),
    ("wal_mb_a_second", "WAL, MB a second", ",.2f"),
    ("storage_gb", "records and what they need, GB", ",.1f"),
    ("history_gb", "history of runs, GB", ",.1f"),
    ("first_core_hours", "core-hours of all first syncs", ",.1f"),
    ("connections", "connections to PostgreSQL", ",.0f"),
    ("worker_gb", "memory of workers, GB", ",.1f"),
    ("database_gb", "memory of PostgreSQL, GB", ",.1f"),
    ("month", "cost a month", ",.0f"),
)


def read_measured(path: Path = MEASURED) -> Measured:
    return msgspec.json.decode(path.read_bytes(), type=Measured)


def read_fair(path: Path = MEASURED_FAIR) -> dict[str, float]:
    return msgspec.json.decode(path.read_bytes(), type=dict[str, float])


def render_table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """As Markdown, in columns."""
    cells = [list(head), *map(list, lines)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]

    def render(line: Sequence[str]) -> str:
        first, *others = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        return f"| {' | '.join([first, *(cell.strip().rjust(len(cell)) for cell in others)])} |"

    rule = f"|{'-' * (widths[0] + 2)}|{'|'.join('-' * (width + 1) + ':' for width in widths[1:])}|"
    return "\n".join([render(cells[0]), rule, *map(render, cells[1:])])


def render_plans(plans: Sequence[Plan]) -> str:
    head = ["connectors", *(f"{plan.connectors:,}" for plan in plans)]
    return render_table(
        head, [[title, *(format(getattr(plan, name), form) for plan in plans)] for name, title, form in ROWS]
    )


def render_first_syncs(measured: Measured, given: Assumptions) -> str:
    head = ["first sync of one company", *(f"{size:,} candidates" for size in COMPANIES)]
    lines = []
    for vendor in given.vendors:
        planned = [plan_first_sync(measured, vendor, size) for size in COMPANIES]
        lines.append([f"{vendor.slug}, calls", *(f"{plan.calls:,.0f}" for plan in planned)])
        lines.append([f"{vendor.slug}, hours by its budget", *(f"{plan.hours:,.2f}" for plan in planned)])
    return render_table(head, lines)


def render_ends(measured: Measured, given: Assumptions) -> str:
    limits = {
        "cores": f"{given.one_postgresql.cores}, {given.machines.busy:.0%} busy",
        "storage": f"{given.one_postgresql.storage_tb:g} TB, with room beside",
        "reads": f"{given.one_postgresql.reads_a_second:,.0f} a second",
        "writes": f"{given.one_postgresql.writes_a_second:,.0f} a second",
        "flushes": f"{given.one_postgresql.flushes_a_second:,.0f} a second",
        "WAL": f"{given.one_postgresql.wal_mb_a_second:g} MB a second",
        "connections": f"{given.one_postgresql.connections:,}",
    }
    ends = find_ends(measured, given)
    return render_table(
        ["one PostgreSQL has", "assumed", "ends at connectors"],
        [[name, limits[name], f"{connectors:,.0f}"] for name, connectors in ends.items()],
    )


def render_deviations(deviations: Sequence[Deviation]) -> str:
    return render_table(
        ["checked run", "quantity", "predicted", "measured", "ratio"],
        [
            [
                f"{one.vendor}, {one.kind}",
                one.quantity,
                f"{one.predicted:,.2f}",
                f"{one.measured:,.2f}",
                f"{one.ratio:.2f}",
            ]
            for one in deviations
        ],
    )


def render_crowd(measured: Measured, figures: Mapping[str, float]) -> str:
    """What was predicted of the bench's 500 connectors and what they took."""
    return render_table(
        ["500 connectors, 2 workers: all runs together", "predicted", "measured", "ratio"],
        [
            [one.quantity, f"{one.predicted:,.0f}", f"{one.measured:,.0f}", f"{one.ratio:.2f}"]
            for one in compare_crowd(measured, figures)
        ],
    )


def render_waits(figures: Mapping[str, float]) -> str:
    """How long the bench's connectors waited."""
    lines = []
    for name, title in WAITS.items():
        for until in ("begun", "done"):
            told = [f"{figures[f'fair.{name}.until_{until}.{point}']:,.1f}" for point in ("p50", "p99", "max")]
            lines.append([f"{title}, until {until}", *told])
    return render_table(["seconds since due", "p50", "p99", "longest"], lines)


def render(measured: Measured, given: Assumptions, connectors: Sequence[int]) -> str:
    """What is needed: all tables."""
    machine, figures = measured.machine, read_fair()
    return "\n\n".join((
        f"Measured on {measured.date}, {machine.cores} cores of {machine.processor}, {machine.memory_gb} GB.",
        render_plans([make_plan(measured, given, count) for count in connectors]),
        render_first_syncs(measured, given),
        render_ends(measured, given),
        render_crowd(measured, figures),
        render_waits(figures),
    ))  # fmt: skip


def write_into(page: Path, told: str) -> None:
    """Put the tables between the page's two marks. Raises ValueError for a page without them."""
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"{page} has no place for the tables: {BEGIN} and {END}")
    page.write_text(f"{before}{begin}\n{told}\n{end}{after}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--assumptions", type=Path, default=ASSUMED, metavar="PATH", help="another file of assumptions")
    parser.add_argument("--connectors", type=int, nargs="+", metavar="COUNT", help="other numbers of connectors")
    parser.add_argument("--measure", action="store_true", help="measure anew on this machine: some minutes")
    parser.add_argument("--checks", action="store_true", help="also tell how far the model is off")
    parser.add_argument("--into", type=Path, metavar="PAGE", help="write the tables into a page, between its marks")
    parser.add_argument("--measured", type=Path, default=MEASURED, metavar="PATH", help="file of measurements")
    parser.add_argument("--tiny", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    try:
        given = read_assumptions(chosen.assumptions)
        if chosen.measure:
            from bench import measuring  # it loads the whole product

            found = asyncio.run(measuring.measure(measuring.TINY if chosen.tiny else measuring.FULL))
            chosen.measured.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
        measured = read_measured(chosen.measured)
        told = render(measured, given, chosen.connectors or given.connectors)
        if chosen.into is not None:
            write_into(chosen.into, told)
            return 0
    except KeyboardInterrupt:
        sys.stderr.write("stopped; nothing was measured to the end\n")
        return 130
    except (OSError, ValueError, ChildFailed, Mismatch) as error:  # msgspec's errors are ValueErrors
        sys.stderr.write(f"{error}\n")
        return 2
    print(told)
    if chosen.checks:
        print(f"\n{render_deviations(list_deviations(measured))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
