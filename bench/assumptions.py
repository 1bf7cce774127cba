"""What the capacity model assumes, as bench/scale.toml says it."""

from pathlib import Path

import msgspec

from bench.processes import ROOT

ASSUMED = ROOT / "bench" / "scale.toml"


class Company(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    candidates: int
    changed_a_day: float


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    every_minutes: float
    whole_every_hours: float
    history_days: float


class VendorAssumed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    slug: str
    share: float
    calls_a_second: float
    used: float
    answer_seconds: float


class Machines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    busy: float
    slots: int
    lists_abreast: int
    pool: int
    api_processes: int
    core_factor: float


class Storage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hot_share: float
    reads_a_row: float
    cached: float
    free: float


class OnePostgresql(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cores: int
    storage_tb: float
    reads_a_second: float
    writes_a_second: float
    flushes_a_second: float
    wal_mb_a_second: float
    connections: int


class Prices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    core: float
    memory_gb: float
    storage_gb: float


class Assumptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    connectors: list[int]
    company: Company
    schedule: Schedule
    vendors: list[VendorAssumed] = msgspec.field(name="vendor")
    machines: Machines
    storage: Storage
    one_postgresql: OnePostgresql
    prices: Prices


def read_assumptions(path: Path = ASSUMED) -> Assumptions:
    """Raises ValueError for a file that does not say what is needed, and for shares that are not 1 together."""
    given = msgspec.toml.decode(path.read_bytes(), type=Assumptions)
    if abs(sum(vendor.share for vendor in given.vendors) - 1) > 0.001:
        raise ValueError("the vendors' shares of the connectors are not 1 together")
    return given
