"""What the database server does meanwhile: its counters, and the processor time of its processes."""

import os
from dataclasses import dataclass
from pathlib import Path

from unihire.store import Pool

TICKS = os.sysconf("SC_CLK_TCK")

STATISTICS_SECONDS = 10.5

# The counters of this database and of the whole server, as they are now.
READ_COUNTERS = """
    SELECT xact_commit + xact_rollback AS transactions, pg_database_size(datname) AS size,
        pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint AS wal,
        (SELECT coalesce(sum(writes), 0)::bigint FROM pg_stat_io) AS writes,
        (SELECT coalesce(sum(fsyncs), 0)::bigint FROM pg_stat_io) AS flushes,
        (SELECT count(*) FROM pg_stat_activity WHERE datname IS NOT NULL) AS connections,
        pg_backend_pid() AS backend
    FROM pg_stat_database WHERE datname = current_database()
"""


@dataclass(frozen=True, slots=True)
class Counters:
    """`size` and `wal` in bytes, `cpu` in seconds; `writes` and `flushes` are requests to the system, of all files."""

    transactions: int
    size: int
    wal: int
    writes: int
    flushes: int
    connections: int
    cpu: float


async def read_counters(pool: Pool) -> Counters:
    """Now. What a connection did that rests since is told after STATISTICS_SECONDS at the latest."""
    (row,) = await pool.fetch(READ_COUNTERS)
    counted = dict(row)
    backend = counted.pop("backend")
    return Counters(**counted, cpu=_read_server_cpu(backend))


def read_cpu(pid: int) -> float:
    """Processor seconds the process has taken; 0 where the system does not tell."""
    found = _read_stat(pid)
    return 0.0 if found is None else (int(found[11]) + int(found[12])) / TICKS


def _read_server_cpu(backend: int) -> float:
    """Of all processes of the server, those that have ended included."""
    own = _read_stat(backend)
    if own is None:
        return 0.0
    server = own[1]
    ended = _read_stat(int(server))
    total = 0 if ended is None else sum(map(int, ended[11:15]))
    for folder in Path("/proc").glob("[0-9]*"):
        found = _read_stat(int(folder.name))
        if found is not None and found[1] == server:
            total += int(found[11]) + int(found[12])
    return total / TICKS


def _read_stat(pid: int) -> list[str] | None:
    """The fields of /proc/<pid>/stat behind the name: state, parent, …; 11 to 14 are processor times in ticks."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()
