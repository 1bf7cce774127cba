"""What was measured, against the bars of the design, as a table and as a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import msgspec


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure must reach: at least `least`, or at most `most`; with neither, what is told beside them."""

    name: str
    meaning: str
    least: float | None = None
    most: float | None = None

    def is_met(self, value: float) -> bool:
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        if self.least is not None:
            return f"bar >= {self.least:g}"
        return "no bar" if self.most is None else f"bar <= {self.most:g}"

    @property
    def is_set(self) -> bool:
        return self.least is not None or self.most is not None


BARS = (
    Bar("serve.to_floor", "list pages: ours / bare Starlette + asyncpg", least=0.6),
    Bar("serve.to_handwritten", "list pages: ours / FastAPI + SQLAlchemy + Pydantic", least=6),
    Bar("serve.to_own_face", "list pages a second: the native face's / our own face's, with more", most=2.5),
    Bar("serve.filters_worst", "slowest filtered page / unfiltered first page", most=1.75),
    Bar("serve.filters_median", "filtered page in the middle / unfiltered first page", most=1.1),
    Bar("serve.ranges_worst", "slowest page of a range of the vendor's moments / unfiltered first page", most=1.75),
    Bar("serve.ranges_median", "page of such a range in the middle / unfiltered first page", most=1.1),
    Bar("serve.with_deleted", "page with deleted records / the first page without"),
    Bar("serve.deep_page", "page 10,000 / first page", most=1.5),
    Bar("sync.to_dlt_child_tables", "first sync: ours / dlt with child tables", least=4),
    Bar("sync.to_dlt_json_columns", "first sync: ours / dlt with JSON columns", least=3),
    Bar("sync.to_floor", "first sync: ours / fetch and upsert raw rows", least=0.35),
    # The design says flat; a tenth on top for what an allocator keeps.
    Bar("sync.memory_growth", "peak memory at the large size / at a tenth of it", most=1.1),
    Bar("sync.one_percent_changed", "sync that finds 1 % changed / full sync", most=0.03),
    Bar("sync.greenhouse_to_dlt_child_tables", "first sync of all of Greenhouse: ours / dlt with child tables"),
    Bar("sync.greenhouse_to_dlt_json_columns", "first sync of all of Greenhouse: ours / dlt with JSON columns"),
    Bar("rereads.greenhouse_whole", "processor time: full re-read, nothing changed / first sync", most=0.35),
    Bar("rereads.personio_whole", "the same of Personio, with its details", most=0.1),
    Bar("rereads.greenhouse_idle", "processor time: a run that finds nothing changed / first sync", most=0.007),
    Bar("events.save_new", "saving pages of new records: time without the change log / with it", least=0.93),
    Bar("events.save_changed", "the same of pages in which each record has changed", least=0.93),
    Bar("deliveries.among_dead", "events to webhooks: p99 of the living among a tenth that is dead / without", most=2),
    Bar("reported.p99_seconds", "a vendor's event until its webhook arrives, 50 a second, beside a first sync", most=1),
    Bar("writing.added_ms", "a candidate created: ours of the time to the answer, p50, in ms", most=15),
    Bar("fair.done", "runs that ended well / runs that were due, many connectors and 2 workers", least=1),
    Bar("fair.small_wait", "first syncs: p99 of small connectors until done / until all are done", most=0.8),
    Bar("fair.slowdown", "small connectors' p99 until done: beside big ones / alone", most=3),
    Bar("nth_connector", "first sync, full run, reads, operations: the nth connector's / the first's", most=1.2),
    Bar("budget.utilisation", "calls made / calls allowed, in whole windows with work left", least=0.95),
    Bar("budget.refused", "calls beyond the vendor's budget, of a whole sync", most=0),
    Bar("budget.workers.utilisation", "the same, of a sync that two workers take turns at", least=0.95),
    Bar("budget.workers.refused", "calls beyond the budget, of that sync", most=0),
)


@dataclass(slots=True)
class Figures:
    """The figures of a run by dotted name, and remarks on how they came about."""

    values: dict[str, float] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def put(self, name: str, value: float) -> None:
        self.values[name] = round(value, 4)

    def write(self, path: Path) -> None:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self.values), indent=2) + b"\n")


def find_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the rounds' ratios: what slows a round down slows both of its sides."""
    return median(one / other for one, other in zip(ours, theirs, strict=True))


def render_bars(values: Mapping[str, float]) -> str:
    """The table of bars, a line each: name, value, bar, pass or short, meaning."""
    lines = []
    for bar in BARS:
        value = values.get(bar.name)
        told = "      -" if value is None else f"{value:7.3f}"
        mark = "not measured" if value is None else "" if not bar.is_set else "pass" if bar.is_met(value) else "SHORT"
        lines.append(f"  {bar.name:<35} {told}   {bar!s:<12} {mark:<12}  {bar.meaning}")
    return "\n".join(lines)


def render_rest(values: Mapping[str, float]) -> str:
    """The figures that have no bar: how it was here and now."""
    named = {bar.name for bar in BARS}
    return "\n".join(f"  {name:<46} {value:>12,.3f}" for name, value in values.items() if name not in named)
