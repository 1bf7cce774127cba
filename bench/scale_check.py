"""The model against the bench of many connectors, which it is not made of: what it predicts of all that together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.capacity import QUANTITIES, Deviation, Measured, predict
from bench.fair_sizes import CHANGED_SHARE, SMALL, WORKERS
from bench.sizes import FULL

CHECKED = ("worker_cpu", "database_cpu", "transactions", "wal", "size", "rows", "records", "flushes")


@dataclass(frozen=True, slots=True)
class Part:
    """Runs of one kind that the bench counts."""

    slug: str
    connectors: int
    kind: str
    units: float


PARTS = (
    *(
        Part(slug, FULL.fair_small // 2, kind, units)
        for slug in ("personio", "greenhouse")
        for kind, units in (("first", SMALL), ("changed", SMALL * CHANGED_SHARE))
    ),
    Part("personio", FULL.fair_big, "first", FULL.fair_big_candidates),
)


def compare_crowd(measured: Measured, figures: Mapping[str, float]) -> Sequence[Deviation]:
    """`figures` are those of a full `python -m bench --only fair`."""
    seconds = figures["fair.seconds"]
    told = dict.fromkeys(QUANTITIES, 0.0)
    for part in PARTS:
        for name, value in predict(measured.samples[part.slug][part.kind], part.units).items():
            told[name] += part.connectors * value
    told["worker_cpu"] += WORKERS * measured.resting.worker_cpu * seconds
    told["database_cpu"] += WORKERS * measured.resting.database_cpu * seconds
    seen = {
        "worker_cpu": figures["fair.workers.cpu_cores"] * seconds,
        "database_cpu": figures["fair.database.cpu_cores"] * seconds,
        "transactions": figures["fair.database.transactions_per_second"] * seconds,
        "wal": figures["fair.database.wal_mb"] * 1e6,
        "size": figures["fair.database.size_mb"] * 1e6,
        "rows": figures["fair.rows_per_second"] * seconds,
        "records": figures["fair.records"],
        "flushes": figures["fair.database.flushes_per_second"] * seconds,
    }
    return [Deviation("500 connectors", "all", name, told[name], seen[name]) for name in CHECKED]
