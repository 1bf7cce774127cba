"""The capacity model: from what runs were measured to cost, to what many connectors need. Pure arithmetic.

A run of a kind costs, of each quantity, something for itself and something for each candidate of the company (for the
kind `changed`, for each candidate that changed). Both come from measurements at two sizes. A third size, which they do
not come from, tells how far the model is off.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from bench.assumptions import Assumptions, VendorAssumed

QUANTITIES = (
    "calls",
    "rows",
    "records",
    "worker_cpu",
    "database_cpu",
    "transactions",
    "wal",
    "writes",
    "flushes",
    "size",
)
"""Of one run: `*_cpu` in seconds, `wal` and `size` in bytes; `size` is what the database grew by."""

KINDS = ("first", "idle", "changed", "whole")
"""Runs: the first one, one that finds nothing changed, one that finds some, one that reads all again."""

DAY = 86_400.0
GB = 1e9


class Sample(msgspec.Struct, frozen=True):
    """What one run cost, the mean of those of `connectors`; `units` are candidates, or those that changed."""

    units: float
    connectors: int
    cost: dict[str, float]


class Machine(msgspec.Struct, frozen=True):
    cores: int
    memory_gb: int
    processor: str


class Resting(msgspec.Struct, frozen=True):
    """What one worker process takes by itself: a second's processor time, here and of the server, and memory."""

    worker_cpu: float
    database_cpu: float
    worker_mb: float
    backend_mb: float
    backends: float


class Measured(msgspec.Struct, frozen=True):
    """Measurements of one machine. By vendor and kind: two samples to model by, and by `checks` one to compare with."""

    date: str
    machine: Machine
    resting: Resting
    samples: dict[str, dict[str, list[Sample]]]
    checks: dict[str, dict[str, Sample]]


@dataclass(frozen=True, slots=True)
class Line:
    fixed: float
    each: float

    def at(self, units: float) -> float:
        return self.fixed + self.each * units

    @classmethod
    def through(cls, small: tuple[float, float], large: tuple[float, float]) -> "Line":
        """Through two points, with nothing below zero."""
        each = max(0.0, (large[1] - small[1]) / (large[0] - small[0]))
        return cls(max(0.0, small[1] - each * small[0]), each)


def predict(samples: Sequence[Sample], units: float) -> dict[str, float]:
    """What a run of so many units costs."""
    small, large = samples
    return {
        name: Line.through((small.units, small.cost[name]), (large.units, large.cost[name])).at(units)
        for name in QUANTITIES
    }


@dataclass(frozen=True, slots=True)
class Deviation:
    """How far the model is off where it was not measured for: `ratio` is predicted ÷ measured."""

    vendor: str
    kind: str
    quantity: str
    predicted: float
    measured: float

    @property
    def ratio(self) -> float:
        return self.predicted / self.measured


LEAST_TOLD = {"worker_cpu": 0.005, "database_cpu": 0.005, "size": 50_000, "writes": 5, "flushes": 5}
"""Below this a measurement of one run is noise."""


def list_deviations(measured: Measured) -> list[Deviation]:
    """Of every quantity of every check that is large enough to be told."""
    return [
        Deviation(vendor, kind, name, predicted[name], check.cost[name])
        for vendor, kinds in measured.checks.items()
        for kind, check in kinds.items()
        for predicted in [predict(measured.samples[vendor][kind], check.units)]
        for name in QUANTITIES
        if check.cost[name] > LEAST_TOLD.get(name, 0)
    ]


@dataclass(frozen=True, slots=True)
class FirstSync:
    """The first sync of one company within its vendor's budget."""

    candidates: int
    calls: float
    hours: float


def plan_first_sync(measured: Measured, vendor: VendorAssumed, candidates: int) -> FirstSync:
    """`hours` are what the vendor's budget takes, or its answers one after the other, whichever is longer."""
    calls = predict(measured.samples[vendor.slug]["first"], candidates)["calls"]
    return FirstSync(candidates, calls, calls / (vendor.calls_a_second * vendor.used) / 3600)


@dataclass(frozen=True, slots=True)
class Plan:
    """What so many connectors need, a steady day long."""

    connectors: int
    records: float
    calls_an_hour: float
    budget_used: float
    runs_a_second: float
    rows_a_second: float
    worker_cores: float
    workers: int
    database_cores: float
    transactions_a_second: float
    reads_a_second: float
    writes_a_second: float
    flushes_a_second: float
    wal_mb_a_second: float
    storage_gb: float
    history_gb: float
    first_core_hours: float
    connections: int
    worker_gb: float
    database_gb: float
    month: float


@dataclass(frozen=True, slots=True)
class Day:
    """What one connector of a vendor takes a day, in each quantity, and how many runs it is."""

    runs: float
    cost: dict[str, float]


def plan_day(samples: Mapping[str, Sequence[Sample]], given: Assumptions) -> Day:
    """Runs that find nothing, one now and then that reads all, and what changed in whichever."""
    candidates = given.company.candidates
    whole_runs = 24 / given.schedule.whole_every_hours
    idle_runs = max(0.0, 24 * 60 / given.schedule.every_minutes - whole_runs)
    idle, whole = predict(samples["idle"], candidates), predict(samples["whole"], candidates)
    edits = candidates * given.company.changed_a_day
    return Day(
        idle_runs + whole_runs,
        {
            name: idle[name] * idle_runs + whole[name] * whole_runs + find_change(samples, name) * edits
            for name in QUANTITIES
        },
    )


def find_change(samples: Mapping[str, Sequence[Sample]], quantity: str) -> float:
    """What one changed candidate costs beyond a run that finds nothing."""
    small, large = samples["changed"]
    return Line.through((small.units, small.cost[quantity]), (large.units, large.cost[quantity])).each


def make_plan(measured: Measured, given: Assumptions, connectors: int) -> Plan:
    """For a mix of vendors as assumed."""
    total = dict.fromkeys(QUANTITIES, 0.0)
    records = storage = history = first_cpu = runs = slots = used = 0.0
    for vendor in given.vendors:
        count, samples = connectors * vendor.share, measured.samples[vendor.slug]
        day, first = plan_day(samples, given), predict(samples["first"], given.company.candidates)
        for name in QUANTITIES:
            total[name] += day.cost[name] * count / DAY
        runs += day.runs * count / DAY
        records += first["records"] * count
        storage += first["size"] * count
        first_cpu += (first["worker_cpu"] + first["database_cpu"]) * count
        history += predict(samples["idle"], 0)["size"] * day.runs * given.schedule.history_days * count
        lasts = max(vendor.answer_seconds / given.machines.lists_abreast, 1 / (vendor.calls_a_second * vendor.used))
        slots += day.cost["calls"] * lasts * count / DAY
        used = max(used, day.cost["calls"] / (vendor.calls_a_second * DAY))
    machines, prices, stored = given.machines, given.prices, (storage + history) / GB
    cores = total["worker_cpu"] / machines.core_factor
    workers = max(1, math.ceil(cores / machines.busy), math.ceil(slots / machines.busy / machines.slots))
    cores += workers * measured.resting.worker_cpu
    database_cores = total["database_cpu"] / machines.core_factor + workers * measured.resting.database_cpu
    connections = math.ceil(workers * measured.resting.backends) + machines.api_processes * machines.pool
    worker_gb = workers * measured.resting.worker_mb / 1000
    database_gb = 1 + given.storage.hot_share * stored + connections * measured.resting.backend_mb / 1000
    month = prices.core * (math.ceil((cores + database_cores) / machines.busy) + machines.api_processes)
    month += prices.memory_gb * (worker_gb + database_gb) + prices.storage_gb * stored * (1 + given.storage.free)
    return Plan(
        connectors=connectors,
        records=records,
        calls_an_hour=total["calls"] * 3600,
        budget_used=used,
        runs_a_second=runs,
        rows_a_second=total["rows"],
        worker_cores=cores,
        workers=workers,
        database_cores=database_cores,
        transactions_a_second=total["transactions"],
        reads_a_second=total["rows"] * given.storage.reads_a_row * (1 - given.storage.cached),
        writes_a_second=total["writes"],
        flushes_a_second=total["flushes"],
        wal_mb_a_second=total["wal"] / 1e6,
        storage_gb=storage / GB,
        history_gb=history / GB,
        first_core_hours=first_cpu / machines.core_factor / 3600,
        connections=connections,
        worker_gb=worker_gb,
        database_gb=database_gb,
        month=month,
    )


def find_ends(measured: Measured, given: Assumptions) -> Mapping[str, float]:
    """By resource of one PostgreSQL, how many connectors exhaust it; the least first."""
    many = 1_000_000
    plan, limits = make_plan(measured, given, many), given.one_postgresql
    limited = {
        "cores": limits.cores * given.machines.busy / plan.database_cores,
        "storage": limits.storage_tb * 1000 / ((plan.storage_gb + plan.history_gb) * (1 + given.storage.free)),
        "reads": limits.reads_a_second / plan.reads_a_second,
        "writes": limits.writes_a_second / plan.writes_a_second,
        "flushes": limits.flushes_a_second / plan.flushes_a_second,
        "WAL": limits.wal_mb_a_second / plan.wal_mb_a_second,
        "connections": limits.connections / plan.connections,
    }
    return dict(sorted(((name, many * share) for name, share in limited.items()), key=lambda each: each[1]))
